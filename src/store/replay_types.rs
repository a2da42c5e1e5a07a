//! What the ledger knows of replays.

use std::{collections::BTreeMap, str::FromStr};

use serde_json::Value;

use super::{StoreError, db::Row};
use crate::{
    clock::Millis,
    event::{Forecast, Status},
};

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

/// Why a replay is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayRefused {
    /// There is none of this id.
    Unknown,
    /// Its state does not allow this.
    WrongState(ReplayState),
    /// [`super::OPEN_REPLAYS_MAX`] stand open.
    TooMany,
    /// The ledger could not do it.
    Store(StoreError),
}

impl From<StoreError> for ReplayRefused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// An event that may be replayed.
#[derive(Debug, Clone)]
pub struct ReplayCandidate {
    /// Order of acceptance.
    pub seq: i64,
    /// uuid v7.
    pub id: String,
    /// Where it stands.
    pub status: Status,
    /// Event type.
    pub kind: String,
    /// Whose event.
    pub contact_id: Option<String>,
    /// What is to be done: its body.
    pub payload: String,
    /// Whether admission was skipped.
    pub force: bool,
    /// The admission decision.
    pub admission: Option<Value>,
}

/// A replay that is to be made.
#[derive(Debug, Clone)]
pub struct NewReplay {
    /// Why.
    pub reason: Option<String>,
    /// What was asked for.
    pub filter: Value,
    /// Whether more matched.
    pub more: bool,
    /// The events in their order.
    pub events: Vec<ChosenEvent>,
}

/// An event that was chosen for a replay.
#[derive(Debug, Clone)]
pub struct ChosenEvent {
    /// Which one.
    pub id: String,
    /// Where it stood: one whose state is another by then is not put back.
    pub status: Status,
    /// What it is expected to write.
    pub forecast: Forecast,
}

/// A replay.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// Rising number, newest highest.
    pub seq: i64,
    /// uuid v7.
    pub id: String,
    /// When it was made.
    pub created_at: Millis,
    /// The token's name of who made it.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
    /// What was asked for.
    pub filter: Value,
    /// Whether more matched than it took.
    pub more: bool,
    /// Where it stands.
    pub state: ReplayState,
    /// Its events.
    pub events: i64,
    /// Events that were put back into their turns.
    pub put_back: i64,
    /// Events that could not be put back any more when it was their time.
    pub passed_over: i64,
    /// When it was started.
    pub started_at: Option<Millis>,
    /// When it was done or stopped.
    pub ended_at: Option<Millis>,
}

/// A replay counted in full.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayDetail {
    /// The replay.
    pub replay: Replay,
    /// Its events by what they were expected to write.
    pub forecast: BTreeMap<Forecast, i64>,
    /// Where those stand now that it put back; events that retention took away are not among them.
    pub outcomes: Vec<(Status, i64)>,
}

/// An event of a replay.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayEvent {
    /// Its place, from 0.
    pub position: i64,
    /// The event.
    pub event_id: String,
    /// What it was expected to write.
    pub forecast: Forecast,
    /// `waiting`, `put_back`, `passed_over`.
    pub state: String,
    /// When that came to be, unless it waits.
    pub at: Option<Millis>,
    /// Its type; `None` once it is pruned.
    pub kind: Option<String>,
    /// Whose it is.
    pub contact_id: Option<String>,
    /// Where it stands now.
    pub status: Option<Status>,
    /// Why it last failed, waits or ended: a stable word.
    pub error_code: Option<String>,
}

impl Replay {
    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            seq: row.int("seq")?,
            id: row.text("id")?,
            created_at: row.millis("created_at")?,
            actor: row.text("actor")?,
            reason: row.opt_text("reason")?,
            filter: row.opt_json("filter")?.unwrap_or_default(),
            more: row.int("more")? != 0,
            state: row.text("state")?.parse()?,
            events: row.int("events")?,
            put_back: row.int("put_back")?,
            passed_over: row.int("passed_over")?,
            started_at: row.opt_millis("started_at")?,
            ended_at: row.opt_millis("ended_at")?,
        })
    }
}
