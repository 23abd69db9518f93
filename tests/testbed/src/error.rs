use std::fmt;
use std::path::Path;

/// What a test prints when the testbed could not do its part: one text that names what failed and what to look at.
///
/// Like `anyhow::Error` it takes any error by `?`, and for that reason is not one itself.
pub struct Error(String);

/// The result of everything in this crate; tests may return it too.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of this text.
    pub fn new(message: impl Into<String>) -> Error {
        Error(message.into())
    }

    /// The same error, behind what was being done.
    pub fn context(self, doing: impl fmt::Display) -> Error {
        Error(format!("{doing}: {}", self.0))
    }

    /// The same error, followed by the end of a service's log.
    pub fn with_log(self, log: &Path) -> Error {
        Error(format!("{}\n{}", self.0, crate::process::log_tail(log)))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// `unwrap` and a test's returned error print Debug: a log tail with escaped line ends could not be read.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Error {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text.push_str(": ");
                text.push_str(&cause_text);
            }
            source = cause.source();
        }
        Error(text)
    }
}

/// Says what was being done when a result turned out bad.
pub trait Context<T> {
    /// Puts `doing` before the error's text.
    fn context(self, doing: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, doing: impl fmt::Display) -> Result<T> {
        self.map_err(|error| error.into().context(doing))
    }
}
