//! Where a replay of many events stands, and what somebody does with it.

use std::str::FromStr;

use super::StoreError;

/// Where a replay stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplayState {
    /// Made and not begun: nothing happens before somebody starts it.
    Draft,
    /// Its events are put back bit by bit.
    Running,
    /// It stands still until somebody lets it go on.
    Paused,
    /// Somebody ended it; what was not put back stays as it was.
    Stopped,
    /// Every event was put back, or passed over.
    Done,
}

impl ReplayState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Draft, Self::Running, Self::Paused, Self::Stopped, Self::Done];

    /// The name in the ledger and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Done => "done",
        }
    }
}

impl FromStr for ReplayState {
    type Err = StoreError;

    fn from_str(name: &str) -> Result<Self, StoreError> {
        let known = Self::ALL.into_iter().find(|state| state.as_str() == name);
        known.ok_or_else(|| StoreError::Unavailable(format!("the ledger holds an unknown state of a replay {name:?}")))
    }
}

/// What somebody does with a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayDeed {
    /// Begins it.
    Start,
    /// Lets it stand still.
    Pause,
    /// Lets it go on.
    Resume,
    /// Ends it.
    Stop,
}

impl ReplayDeed {
    /// The states in which it can be done, and the one that follows.
    pub const fn change(self) -> (&'static [ReplayState], ReplayState) {
        use ReplayState as S;
        match self {
            Self::Start => (&[S::Draft], S::Running),
            Self::Pause => (&[S::Running], S::Paused),
            Self::Resume => (&[S::Paused], S::Running),
            Self::Stop => (&[S::Draft, S::Running, S::Paused], S::Stopped),
        }
    }

    pub(super) const fn action(self) -> &'static str {
        match self {
            Self::Start => "replay.start",
            Self::Pause => "replay.pause",
            Self::Resume => "replay.resume",
            Self::Stop => "replay.stop",
        }
    }
}
