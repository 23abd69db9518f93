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

    /// What to do about an error of this kind that does not say it better itself.
    fn advice(self) -> Option<&'static str> {
        match self {
            Self::Config => Some("correct the configuration; the connector starts again with it"),
            Self::Data => {
                Some("correct the record or the setting that reads it, or skip such records with errors.tolerance=all")
            }
            Self::Retriable | Self::Timeout => Some(
                "see whether the service named above answers, then restart: POST /connectors/{name}/restart?includeTasks=true&onlyFailed=true",
            ),
            Self::NotFound => Some("check the name, and that the worker may see what it names"),
            Self::Conflict => Some("look at the present state of what is named above, then try again"),
            Self::Forbidden => {
                Some("check the rights of the user named in the configuration, and the state of what is named above")
            }
            Self::Fatal => Some(
                "put right what is named above, then restart: POST /connectors/{name}/restart?includeTasks=true&onlyFailed=true",
            ),
            Self::Stopped => None,
            Self::Internal => Some("report this as a defect, with this text; a restart may help meanwhile"),
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

    /// What caused it, nearest first: a sentence each, with its places. A cause that its predecessor ends with is left out, as is what
    /// is to be done ([`Error::advice`]).
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut before = one_line(&self.0.message);
        for error in self.chain() {
            let (said, places) = match error.downcast_ref::<Self>() {
                Some(own) => (one_line(&own.0.message), own.places()),
                None => (one_line(&error.to_string()), &[][..]),
            };
            if !before.ends_with(&said) {
                let places: String = places.iter().map(|place| format!(" ({place})")).collect();
                causes.push(format!("{said}{places}"));
            }
            before = said;
        }
        causes
    }

    /// What to do about it: its own hint, or that of the first cause that has one.
    pub fn advice(&self) -> Option<&str> {
        let mut of_causes = self.chain().filter_map(|error| error.downcast_ref::<Self>()?.hint_text());
        self.hint_text().or_else(|| of_causes.next())
    }

    fn chain(&self) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
        let first = self.0.source.as_deref().map(|error| error as &(dyn std::error::Error + 'static));
        std::iter::successors(first, |error| error.source())
    }

    /// The text shown as `trace` in a connector's status: what failed, where, the causes, and what to do, a line each.
    pub fn trace(&self) -> String {
        let mut text = format!("{}: {}\n", self.0.kind.as_str(), one_line(&self.0.message));
        for place in &self.0.detail {
            text.push_str(&format!("\tat {}\n", one_line(place)));
        }
        for cause in self.causes() {
            text.push_str(&format!("Caused by: {cause}\n"));
        }
        if let Some(advice) = self.advice().or(self.0.kind.advice()) {
            text.push_str(&format!("What to do: {}\n", one_line(advice)));
        }
        text
    }
}

fn one_line(text: &str) -> String {
    if !text.contains(['\n', '\r']) {
        return text.to_owned();
    }
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        for place in &self.0.detail {
            write!(f, " ({place})")?;
        }
        for cause in self.causes() {
            write!(f, ": {cause}")?;
        }
        if let Some(advice) = self.advice() {
            write!(f, "; {advice}")?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Wrapped(std::io::Error);

    impl fmt::Display for Wrapped {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "cannot connect: {}", self.0)
        }
    }

    impl std::error::Error for Wrapped {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    fn nested() -> Error {
        let refused = Wrapped(std::io::Error::other("refused\nby the peer"));
        let inner = Error::retriable("host db does not answer").at("port 5432").caused_by(refused).hint("start it");
        Error::fatal("table t cannot be read").at("table t").caused_by(inner)
    }

    #[test]
    fn a_trace_has_every_cause_once_and_one_advice() {
        let expected = "fatal: table t cannot be read\n\tat table t\nCaused by: host db does not answer (port 5432)\n\
                        Caused by: cannot connect: refused by the peer\nWhat to do: start it\n";
        assert_eq!(nested().trace(), expected);
        let line = "table t cannot be read (table t): host db does not answer (port 5432): cannot connect: refused by the peer; start it";
        assert_eq!(nested().to_string(), line);
    }

    #[test]
    fn every_kind_that_an_operator_meets_says_what_to_do() {
        use ErrorKind::*;
        for kind in [Config, Data, Retriable, NotFound, Conflict, Forbidden, Timeout, Fatal, Internal] {
            let trace = Error::new(kind, "x").trace();
            assert!(trace.starts_with(&format!("{}: x\n", kind.as_str())), "{trace}");
            assert!(trace.lines().last().unwrap().starts_with("What to do: "), "{trace}");
        }
        assert_eq!(Error::stopped("x").trace(), "stopped: x\n");
    }
}
