//! How long events wait for a twin: another contact with the same number or company that is becoming a customer.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How soon an event looks again that waited for another contact with the same number or company: twice as late each time,
/// up to a bound, so that those who wait do not crowd out the others.
const WAIT_FOR_TWIN: Duration = Duration::from_millis(250);
const WAIT_FOR_TWIN_MAX: Duration = Duration::from_secs(8);

/// How often events of this process have waited for a twin since they last did anything else.
#[derive(Debug, Default)]
pub(super) struct TwinWaits(Mutex<HashMap<String, u32>>);

impl TwinWaits {
    /// How long an event waits that waits once more.
    pub(super) fn next(&self, event_id: &str) -> Duration {
        let mut waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = waits.entry(event_id.to_owned()).or_default();
        let pause = WAIT_FOR_TWIN.saturating_mul(1 << (*before).min(16)).min(WAIT_FOR_TWIN_MAX);
        *before += 1;
        pause
    }

    pub(super) fn forget(&self, event_id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(event_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_a_twin_waits_longer_each_time_up_to_a_bound() {
        let waits = TwinWaits::default();
        let pauses: Vec<_> = (0..8).map(|_| waits.next("e1").as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
        assert_eq!(waits.next("e2").as_millis(), 250, "each for itself");
        waits.forget("e1");
        assert_eq!(waits.next("e1").as_millis(), 250);
    }
}
