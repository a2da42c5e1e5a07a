//! Who spent an event's time: the queue, the bridge, or the ERP.

use std::time::Duration;

use crate::clock::Millis;

/// A rest between two activities that is longer is waiting for the next turn, not work.
const WORK_GAP: Duration = Duration::from_secs(2);

/// How an event's time was spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Times {
    /// Waiting for its turn, between attempts, for a person.
    pub(super) queue: Duration,
    /// Work of the bridge.
    pub(super) own: Duration,
    /// Calls to the ERP.
    pub(super) erp: Duration,
}

impl Times {
    /// From when it was received, its calls (begin and span, in order) and its end; while it has none, up to `now`.
    pub(super) fn of(received: Millis, calls: &[(Millis, Duration)], end: Millis) -> Self {
        let mut times = Self::default();
        let mut at = received;
        for (begun, span) in calls {
            times.rest(begun.since(at));
            let ended = begun.plus(*span);
            times.erp += ended.since(at.max(*begun));
            at = at.max(ended);
        }
        times.rest(end.since(at));
        times
    }

    fn rest(&mut self, span: Duration) {
        if span > WORK_GAP { self.queue += span } else { self.own += span }
    }

    /// All of it.
    pub(super) fn total(&self) -> Duration {
        self.queue + self.own + self.erp
    }

    /// The parts in percent of the whole, each at least one where there is any.
    pub(super) fn shares(&self) -> [u32; 3] {
        let total = self.total().as_millis().max(1);
        [self.queue, self.own, self.erp].map(|part| match part.as_millis() {
            0 => 0,
            millis => u32::try_from((millis * 100 / total).max(1)).unwrap_or(100),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_rests_are_waiting_short_ones_work_and_calls_the_erp_s() {
        let ms = Duration::from_millis;
        let calls = [(Millis(5_000), ms(300)), (Millis(5_400), ms(600)), (Millis(66_000), ms(1_000))];
        let times = Times::of(Millis(0), &calls, Millis(67_100));
        assert_eq!(times, Times { queue: ms(5_000 + 60_000), own: ms(100 + 100), erp: ms(1_900) });
        assert_eq!(times.total(), ms(67_100));
        assert_eq!(times.shares(), [96, 1, 2]);
        assert_eq!(Times::of(Millis(9), &[], Millis(9)).shares(), [0, 0, 0]);
        // Calls at the same time count once, and a clock that was set back adds nothing.
        let overlapping = [(Millis(0), ms(500)), (Millis(100), ms(300)), (Millis(-50), ms(10))];
        assert_eq!(Times::of(Millis(0), &overlapping, Millis(500)).total(), ms(500));
    }
}
