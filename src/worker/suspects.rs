//! What a dispatcher remembers of runs that were not settled, and what a panic means for the event.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::end::{Counts, End};
use crate::clock::Millis;

/// How often a busy dispatcher looks whether a suspect is due, for which it empties its hands.
const LOOK: Duration = Duration::from_secs(5);
/// Abandoned runs that are remembered at most.
const REMEMBERED: usize = 10_000;

/// What a dispatcher knows of runs that were not settled.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    /// When it last looked whether one is due.
    looked: Mutex<Millis>,
    /// Events whose run ended well and could not be settled: the ledger was away.
    abandoned: Mutex<HashSet<String>>,
}

impl Suspects {
    /// Remembers that a run ended, although it could not be settled.
    pub(super) fn note_abandoned(&self, event_id: &str) {
        let mut abandoned = self.abandoned.lock().unwrap_or_else(PoisonError::into_inner);
        if abandoned.len() < REMEMBERED {
            abandoned.insert(event_id.to_owned());
        }
    }

    /// Whether a run of the event was abandoned since it was last asked for.
    pub(super) fn was_abandoned(&self, event_id: &str) -> bool {
        self.abandoned.lock().unwrap_or_else(PoisonError::into_inner).remove(event_id)
    }

    /// Whether it is time to look whether a suspect is due; a moment in the future is one from before the clock was set back.
    pub(super) fn is_time(&self, now: Millis) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = now.since(*looked) >= LOOK || now < *looked;
        if is_time {
            *looked = now;
        }
        is_time
    }
}

/// How a run ends that panicked. What it said may hold anybody's data; it stands on standard error only, and the log has the place.
pub(super) fn panicked() -> End {
    let error = "程序内部错误，运行中断 (a fault of the bridge: the run panicked; standard error has where)".to_owned();
    End::Retry { code: "run_panicked", error, counts: Counts::Yes }
}
