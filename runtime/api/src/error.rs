//! The one error type of Millstream.

use std::fmt;

/// Result with Millstream's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as far as anyone has to act on it. The kind alone decides whether something is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A setting is missing or wrong. Never retried; HTTP 400.
    Config,
    /// One record cannot be read, converted or written. Subject to `errors.tolerance`; never retried.
    Data,
    /// The world may be better in a moment (broker away, throttled, lock held). The caller tries again.
    Retriable,
    /// The named thing does not exist. HTTP 404.
    NotFound,
    /// The named thing exists already or is in a state that forbids the request. HTTP 409.
    Conflict,
    /// The request cannot be served in this mode or state, whatever is sent. HTTP 403.
    Forbidden,
    /// A deadline passed. HTTP 500 with the stage in the message, as Kafka Connect answers.
    Timeout,
    /// The connector, the destination or the source refused for good: the task or connector fails.
    Fatal,
    /// The work was cancelled because its task or worker is stopping. Not a failure.
    Stopped,
    /// A bug in Millstream.
    Internal,
}

impl ErrorKind {
    /// The word used in logs, status traces and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Data => "data",
            Self::Retriable => "retriable",
            Self::NotFound => "not found",
            Self::Conflict => "conflict",
            Self::Forbidden => "forbidden",
            Self::Timeout => "timeout",
            Self::Fatal => "fatal",
            Self::Stopped => "stopped",
            Self::Internal => "internal",
        }
    }
}

/// An error: a kind, a sentence that names the key, row or file, and what to do about it.
///
/// The message never holds a secret nor a row's values.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    detail: Vec<String>,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

macro_rules! constructors {
    ($($name:ident => $kind:ident),* $(,)?) => {$(
        #[doc = concat!("An error of kind [`ErrorKind::", stringify!($kind), "`].")]
        pub fn $name(message: impl Into<String>) -> Self {
            Self::new(ErrorKind::$kind, message)
        }
    )*};
}

impl Error {
    /// An error of this kind; the message is one sentence that names what it is about.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), detail: Vec::new(), hint: None, source: None }))
    }

    constructors! {
        config => Config, data => Data, retriable => Retriable, not_found => NotFound, conflict => Conflict,
        forbidden => Forbidden, timeout => Timeout, fatal => Fatal, stopped => Stopped, internal => Internal,
    }

    /// Adds where it happened (topic, partition, offset, file, key), innermost first.
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.0.detail.push(place.into());
        self
    }

    /// Says what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Keeps the error that caused this one.
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The same error with another kind.
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The sentence alone, without places, causes and hint.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it happened, innermost first.
    pub fn places(&self) -> &[String] {
        &self.0.detail
    }

    /// What to do about it, if known.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// True when the caller should try again.
    pub fn is_retriable(&self) -> bool {
        self.0.kind == ErrorKind::Retriable
    }

    /// The text shown as `trace` in a connector's status: sentence, places, causes and hint, a line each.
    pub fn trace(&self) -> String {
        let mut text = format!("{}: {}\n", self.0.kind.as_str(), self.0.message);
        for place in &self.0.detail {
            text.push_str(&format!("\tat {place}\n"));
        }
        let mut cause = self.0.source.as_deref().map(|e| e as &dyn std::error::Error);
        while let Some(error) = cause {
            text.push_str(&format!("Caused by: {error}\n"));
            cause = error.source();
        }
        if let Some(hint) = &self.0.hint {
            text.push_str(&format!("What to do: {hint}\n"));
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        for place in &self.0.detail {
            write!(f, " ({place})")?;
        }
        let mut cause = self.0.source.as_deref().map(|e| e as &dyn std::error::Error);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        if let Some(hint) = &self.0.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.0.kind.as_str())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|e| e as &(dyn std::error::Error + 'static))
    }
}
