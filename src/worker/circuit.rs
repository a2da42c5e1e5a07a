//! The circuit to the ERP: after several failures of delivery in a row nothing is dispatched for a while, then one cheap
//! call decides. An outage so costs the waiting events nothing.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::clock::Millis;

/// Whether events may be dispatched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Circuit {
    /// The ERP answers.
    Closed,
    /// It does not; the next cheap call is due at this moment.
    Open(Millis),
}

/// Watches deliveries.
#[derive(Debug)]
pub(super) struct Breaker {
    /// Failures in a row that open the circuit.
    threshold: u32,
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    failures: u32,
    circuit: Circuit,
    last_success: Option<Millis>,
    /// When a call last told whether it is open.
    judged_at: Option<Millis>,
}

impl Breaker {
    /// A closed circuit that opens after `threshold` failures and pauses for `pause`.
    pub(super) fn new(threshold: u32, pause: Duration) -> Self {
        let state = State { failures: 0, circuit: Circuit::Closed, last_success: None, judged_at: None };
        Self { threshold: threshold.max(1), pause, state: Mutex::new(state) }
    }

    /// Where it stands.
    pub(super) fn circuit(&self) -> Circuit {
        self.lock().circuit
    }

    /// When a call last told where it stands; `None` while none did.
    pub(super) fn judged_at(&self) -> Option<Millis> {
        self.lock().judged_at
    }

    /// The ERP answered a call, whatever it said. Answers whether this closed the circuit.
    pub(super) fn success(&self, now: Millis) -> bool {
        let mut state = self.lock();
        state.failures = 0;
        (state.last_success, state.judged_at) = (Some(now), Some(now));
        let was_open = state.circuit != Circuit::Closed;
        state.circuit = Circuit::Closed;
        was_open
    }

    /// A call brought no readable answer. Answers whether this opened the circuit.
    pub(super) fn failure(&self, now: Millis) -> bool {
        let mut state = self.lock();
        state.failures = state.failures.saturating_add(1);
        if state.failures < self.threshold {
            return false;
        }
        let was_closed = state.circuit == Circuit::Closed;
        (state.circuit, state.judged_at) = (Circuit::Open(now.plus(self.pause)), Some(now));
        was_closed
    }

    /// Whether the open circuit still waits for its next cheap call. A moment further ahead than the pause is from before
    /// the clock was set back.
    pub(super) fn rests(&self, now: Millis) -> bool {
        match self.circuit() {
            Circuit::Open(until) => now < until && until.since(now) <= self.pause,
            Circuit::Closed => false,
        }
    }

    /// The cheap call was answered. It says nothing about the calls of the events in hand.
    pub(super) fn close(&self, now: Millis) {
        let mut state = self.lock();
        state.failures = 0;
        (state.circuit, state.judged_at) = (Circuit::Closed, Some(now));
    }

    /// Whether any call was answered at or after `start`: then a failure since is the event's own, not an outage.
    pub(super) fn answered_since(&self, start: Millis) -> bool {
        self.lock().last_success.is_some_and(|moment| moment >= start)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_at_the_threshold_and_closes_at_the_first_answer() {
        let breaker = Breaker::new(3, Duration::from_secs(10));
        let now = Millis(1_000);
        assert!(!breaker.failure(now) && !breaker.failure(now));
        assert_eq!(breaker.circuit(), Circuit::Closed);
        assert!(breaker.failure(now));
        assert_eq!(breaker.circuit(), Circuit::Open(Millis(11_000)));
        assert!(!breaker.failure(Millis(12_000)), "it was open already");
        assert_eq!(breaker.circuit(), Circuit::Open(Millis(22_000)));
        assert!(breaker.success(Millis(22_000)));
        assert_eq!(breaker.circuit(), Circuit::Closed);
        assert!(!breaker.failure(now), "the count begins anew");
    }

    #[test]
    fn an_open_circuit_rests_for_its_pause_and_no_longer_where_the_clock_is_set_back() {
        let breaker = Breaker::new(1, Duration::from_secs(10));
        assert!(!breaker.rests(Millis(1_000)));
        breaker.failure(Millis(1_000));
        assert!(breaker.rests(Millis(1_000)) && breaker.rests(Millis(10_999)));
        assert!(!breaker.rests(Millis(11_000)));
        assert!(!breaker.rests(Millis(999)));
        breaker.close(Millis(11_000));
        assert_eq!((breaker.circuit(), breaker.judged_at()), (Circuit::Closed, Some(Millis(11_000))));
        assert!(!breaker.answered_since(Millis(0)), "the cheap call is nobody's own");
    }

    #[test]
    fn an_answer_since_the_start_makes_a_failure_the_events_own() {
        let breaker = Breaker::new(3, Duration::from_secs(10));
        assert!(!breaker.answered_since(Millis(0)));
        breaker.success(Millis(500));
        assert!(breaker.answered_since(Millis(500)));
        assert!(!breaker.answered_since(Millis(501)));
    }
}
