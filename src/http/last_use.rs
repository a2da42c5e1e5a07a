//! When a key was last used.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::clock::Millis;

/// Before every moment that a clock shows.
const NEVER: i64 = i64::MIN;

/// The moment of a last use, as this process knows it: its own uses, and what it heard of others.
#[derive(Debug)]
pub(super) struct LastUse(AtomicI64);

impl Default for LastUse {
    fn default() -> Self {
        Self(AtomicI64::new(NEVER))
    }
}

impl LastUse {
    /// It is used now.
    pub(super) fn note(&self, now: Millis) {
        self.0.store(now.0, Ordering::Relaxed);
    }

    /// When it was; `None` if it was not.
    pub(super) fn at(&self) -> Option<Millis> {
        let at = self.0.load(Ordering::Relaxed);
        (at != NEVER).then_some(Millis(at))
    }

    /// It was used then, by another replica or before the program began.
    pub(super) fn hear(&self, at: Millis) {
        self.0.fetch_max(at.0, Ordering::Relaxed);
    }

    /// Goes on from what an earlier reading of the same key knows.
    pub(super) fn continue_from(&self, earlier: &Self) {
        self.0.store(earlier.0.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}
