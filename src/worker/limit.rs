//! How many calls the ERP gets at once: as many as allowed while it answers promptly, fewer when it slows down or fails.
//!
//! Additive increase, multiplicative decrease. After an outage it begins with one, so that the backlog drains without a
//! burst.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// A call that took this many times the usual, and [`MARGIN`] more, is a sign of overload.
const SLOW: f64 = 3.0;
/// Below this much above the usual no slowness is seen: an ASP page's own jitter.
const MARGIN: Duration = Duration::from_millis(150);
/// What is left of the limit after a slow call, and after a failed one.
const AFTER_SLOW: f64 = 0.9;
const AFTER_FAILURE: f64 = 0.5;
/// How fast the usual duration follows what is measured.
const LEARNING: f64 = 0.05;

/// A limit between one and a maximum that follows how the ERP does.
#[derive(Debug)]
pub(super) struct Limit {
    most: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now: f64,
    /// The usual duration of a call in seconds, once one was measured.
    usual: Option<f64>,
}

impl Limit {
    /// At its maximum.
    pub(super) fn new(most: usize) -> Self {
        let most = f64::from(u16::try_from(most.max(1)).unwrap_or(u16::MAX));
        Self { most, state: Mutex::new(State { now: most, usual: None }) }
    }

    /// Calls at once at present.
    pub(super) fn now(&self) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 65535")]
        {
            self.lock().now.floor().max(1.0) as usize
        }
    }

    /// A call was answered after `took`.
    pub(super) fn answered(&self, took: Duration) {
        let mut state = self.lock();
        let usual = state.usual.get_or_insert(took.as_secs_f64());
        let slow = took.as_secs_f64() > *usual * SLOW + MARGIN.as_secs_f64();
        *usual += (took.as_secs_f64() - *usual) * LEARNING;
        state.now = if slow { state.now * AFTER_SLOW } else { state.now + 1.0 / state.now }.clamp(1.0, self.most);
    }

    /// A call brought no readable answer.
    pub(super) fn failed(&self) {
        let mut state = self.lock();
        state.now = (state.now * AFTER_FAILURE).max(1.0);
    }

    /// The ERP was away and is back.
    pub(super) fn begin_anew(&self) {
        self.lock().now = 1.0;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(50);

    #[test]
    fn it_stays_at_its_maximum_while_the_erp_is_prompt() {
        let limit = Limit::new(8);
        (0..100).for_each(|_| limit.answered(QUICK));
        assert_eq!(limit.now(), 8);
    }

    #[test]
    fn slow_answers_lower_it_and_prompt_ones_raise_it_again() {
        let limit = Limit::new(8);
        (0..20).for_each(|_| limit.answered(QUICK));
        (0..5).for_each(|_| limit.answered(Duration::from_secs(2)));
        assert!(limit.now() < 8, "{}", limit.now());
        (0..100).for_each(|_| limit.answered(QUICK));
        assert_eq!(limit.now(), 8);
    }

    #[test]
    fn failures_halve_it_down_to_one_and_never_below() {
        let limit = Limit::new(8);
        limit.failed();
        assert_eq!(limit.now(), 4);
        (0..10).for_each(|_| limit.failed());
        assert_eq!(limit.now(), 1);
    }

    #[test]
    fn after_an_outage_it_begins_with_one() {
        let limit = Limit::new(8);
        limit.begin_anew();
        assert_eq!(limit.now(), 1);
        (0..40).for_each(|_| limit.answered(QUICK));
        assert_eq!(limit.now(), 8);
    }
}
