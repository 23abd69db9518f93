//! The levels of Java's logs.

/// A level, under Java's word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nothing is logged.
    Off,
    /// As [`Level::Error`]: there is nothing more severe here.
    Fatal,
    /// Data is not moving or may be lost.
    Error,
    /// Something is retried or left out.
    Warn,
    /// What the worker does.
    Info,
    /// How it does it.
    Debug,
    /// Every step.
    Trace,
    /// As [`Level::Trace`].
    All,
}

impl Level {
    const ALL: [Self; 8] =
        [Self::Off, Self::Fatal, Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace, Self::All];

    /// The level of a word, in any case, blanks around it ignored.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(word.trim()))
    }

    /// Java's word, upper case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::Fatal => "FATAL",
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
            Self::All => "ALL",
        }
    }

    /// The word in a filter.
    pub(in crate::observe) fn directive(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Fatal | Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace | Self::All => "trace",
        }
    }
}
