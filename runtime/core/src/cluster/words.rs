//! The words for what a connector should be and what it is.

/// What a connector should be, as stored in the config topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetState {
    /// Running. Clients may also say `RUNNING`.
    Started,
    /// Instances stay, no work is done.
    Paused,
    /// No tasks, no instance; offsets may be changed.
    Stopped,
}

impl TargetState {
    /// `STARTED`, `PAUSED`, `STOPPED`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "STARTED",
            Self::Paused => "PAUSED",
            Self::Stopped => "STOPPED",
        }
    }

    const ALL: [Self; 3] = [Self::Started, Self::Paused, Self::Stopped];

    /// Reads the stored word, which is in upper case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Reads `initial_state` of a create request, in any case: there the word for started is `RUNNING`.
    pub fn parse_initial(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("RUNNING") {
            return Some(Self::Started);
        }
        [Self::Paused, Self::Stopped].into_iter().find(|state| state.as_str().eq_ignore_ascii_case(text))
    }
}

/// What a connector or task is, as its status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// No worker owns it now.
    Unassigned,
    /// Started.
    Running,
    /// Alive, but does no work.
    Paused,
    /// Stopped on request (connectors only).
    Stopped,
    /// Ended by an error; stays so until it is restarted.
    Failed,
    /// A restart was asked for and is under way.
    Restarting,
    /// Deleted: written as a tombstone, never seen by clients.
    Destroyed,
}

impl State {
    const ALL: [Self; 7] =
        [Self::Unassigned, Self::Running, Self::Paused, Self::Stopped, Self::Failed, Self::Restarting, Self::Destroyed];

    /// The word in upper case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unassigned => "UNASSIGNED",
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Stopped => "STOPPED",
            Self::Failed => "FAILED",
            Self::Restarting => "RESTARTING",
            Self::Destroyed => "DESTROYED",
        }
    }

    /// Reads the stored word, which is in upper case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        assert_eq!((TargetState::parse("PAUSED"), TargetState::parse("paused")), (Some(TargetState::Paused), None));
        assert_eq!(TargetState::parse("RUNNING"), None);
        assert_eq!(TargetState::parse_initial("running"), Some(TargetState::Started));
        assert_eq!(TargetState::parse_initial("STARTED"), None);
        assert_eq!(TargetState::parse_initial("stopped"), Some(TargetState::Stopped));
    }
}
