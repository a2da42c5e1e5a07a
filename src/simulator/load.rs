//! How many calls were under way at once, over time.

use std::time::Duration;

use crate::clock::Millis;

/// What the simulator had in hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Calls under way now.
    pub in_flight: u32,
    /// The most there ever were.
    pub most: u32,
    /// The time of all calls added up: over a stretch of time it grows by the mean number of calls times its length.
    pub busy: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Meter {
    load: Load,
    at: Millis,
}

impl Meter {
    /// The load up to `now` of the steady clock.
    pub(super) fn read(&mut self, now: Millis) -> Load {
        self.load.busy += now.since(self.at) * self.load.in_flight;
        self.at = now;
        self.load
    }

    /// One call more (1) or less (-1) under way.
    pub(super) fn change(&mut self, now: Millis, by: i32) {
        self.read(now);
        self.load.in_flight = self.load.in_flight.saturating_add_signed(by);
        self.load.most = self.load.most.max(self.load.in_flight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_calls_that_overlap_adds_up() {
        let mut meter = Meter::default();
        meter.change(Millis(100), 1);
        meter.change(Millis(300), 1);
        meter.change(Millis(400), -1);
        assert_eq!(
            meter.read(Millis(500)),
            Load { in_flight: 1, most: 2, busy: Duration::from_millis(200 + 200 + 100) }
        );
    }
}
