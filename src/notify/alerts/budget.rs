//! How much a robot is sent: fewer messages a minute than the strictest takes (20), so that none is ever blocked.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::clock::Millis;

/// Messages to one robot in a minute at most.
const PER_MINUTE: usize = 15;
const MINUTE: Duration = Duration::from_secs(60);

/// What this process sent the robots lately, by their fingerprints: test messages count beside what the watch tells, which the
/// ledger has, too.
#[derive(Debug, Default)]
pub(super) struct Budgets(Mutex<BTreeMap<String, Sent>>);

#[derive(Debug, Default)]
struct Sent {
    told: Vec<Millis>,
    tests: Vec<Millis>,
}

impl Budgets {
    /// When the watch may send a robot the next message, given when the ledger says that its last ones went.
    pub(super) fn next_at(&self, robot: &str, told: &[Millis], now: Millis) -> Millis {
        let tests = self.lock().get(robot).map(|sent| sent.tests.clone()).unwrap_or_default();
        next_at(&[told, &tests].concat(), now)
    }

    /// Notes that the watch sends a robot a message now, beside those that the ledger has.
    pub(super) fn note(&self, robot: &str, told: &mut Vec<Millis>, now: Millis) {
        note(told, now);
        self.lock().entry(robot.to_owned()).or_default().told.clone_from(told);
    }

    /// Whether a robot may be sent a test message now, which is noted.
    pub(super) fn take_for_test(&self, robot: &str, now: Millis) -> bool {
        let mut robots = self.lock();
        let sent = robots.entry(robot.to_owned()).or_default();
        let is_free = next_at(&[sent.told.as_slice(), &sent.tests].concat(), now) <= now;
        if is_free {
            note(&mut sent.tests, now);
        }
        is_free
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Sent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When the next message may go, given when the last ones went: now, or later.
fn next_at(sent: &[Millis], now: Millis) -> Millis {
    let mut recent: Vec<Millis> = sent.iter().copied().filter(|at| is_recent(*at, now)).collect();
    recent.sort_unstable();
    match recent.len().checked_sub(PER_MINUTE) {
        Some(first) => recent[first].plus(MINUTE),
        None => now,
    }
}

/// Notes a message that goes now.
fn note(sent: &mut Vec<Millis>, now: Millis) {
    sent.retain(|at| is_recent(*at, now));
    sent.push(now);
}

/// A moment in the future is one from before the clock was set back.
fn is_recent(at: Millis, now: Millis) -> bool {
    at <= now && now.since(at) < MINUTE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_go_in_a_minute_and_the_sixteenth_when_the_first_is_a_minute_old() {
        let mut sent = Vec::new();
        for second in 0..15 {
            let now = Millis(second * 1_000);
            assert_eq!(next_at(&sent, now), now, "message {second}");
            note(&mut sent, now);
        }
        for now in [15_000, 59_999, 60_000].map(Millis) {
            assert_eq!(next_at(&sent, now), Millis(60_000));
        }
        note(&mut sent, Millis(60_000));
        assert_eq!(sent.len(), 15);
        assert_eq!(next_at(&sent, Millis(60_000)), Millis(61_000));
    }

    #[test]
    fn a_test_counts_beside_what_is_told_and_goes_only_where_there_is_room() {
        let (budgets, mut told, now) = (Budgets::default(), Vec::new(), Millis(0));
        assert!(budgets.take_for_test("a", now) && budgets.take_for_test("a", now));
        for message in 0..13 {
            assert_eq!(budgets.next_at("a", &told, now), now, "message {message}");
            budgets.note("a", &mut told, now);
        }
        assert_eq!(budgets.next_at("a", &told, now), Millis(60_000));
        assert!(!budgets.take_for_test("a", now) && budgets.take_for_test("another", now));
        assert!(budgets.take_for_test("a", Millis(60_000)));
        assert_eq!(budgets.next_at("a", &told, Millis(60_000)), Millis(60_000));
    }

    #[test]
    fn a_clock_that_was_set_back_holds_nothing_up() {
        assert_eq!(next_at(&[Millis(9_000_000); 15], Millis(0)), Millis(0));
    }
}
