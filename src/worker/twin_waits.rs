//! How long events wait for a twin: another contact with the same number or company that is becoming a customer. The end of
//! the twin's run wakes them, if it was in this process; else they look again by themselves.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How soon an event looks again that waited for another contact with the same number or company: twice as late each time,
/// up to a bound, so that those who wait do not crowd out the others.
const WAIT_FOR_TWIN: Duration = Duration::from_millis(250);
const WAIT_FOR_TWIN_MAX: Duration = Duration::from_secs(8);

/// Events of this process that wait for a twin.
#[derive(Debug, Default)]
pub(super) struct TwinWaits(Mutex<HashMap<String, Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    /// How often it has waited since it last did anything else.
    times: u32,
    contact_id: String,
    /// What it shares with its twin is among these.
    identities: Vec<String>,
}

impl TwinWaits {
    /// How long an event waits that waits once more.
    pub(super) fn next(&self, event_id: &str) -> Duration {
        let mut waits = self.lock();
        let waiting = waits.entry(event_id.to_owned()).or_default();
        let pause = WAIT_FOR_TWIN.saturating_mul(1 << waiting.times.min(16)).min(WAIT_FOR_TWIN_MAX);
        waiting.times += 1;
        pause
    }

    /// Notes that an event waits for whoever has one of these identities.
    pub(super) fn note(&self, event_id: &str, contact_id: &str, identities: Vec<String>) {
        let mut waits = self.lock();
        let waiting = waits.entry(event_id.to_owned()).or_default();
        (waiting.contact_id, waiting.identities) = (contact_id.to_owned(), identities);
    }

    /// The contacts whose events wait for whoever has one of these identities.
    pub(super) fn contacts_waiting_for(&self, identities: &[String]) -> BTreeSet<String> {
        let waits = self.lock();
        let is_shared = |waiting: &&Waiting| waiting.identities.iter().any(|identity| identities.contains(identity));
        waits.values().filter(is_shared).map(|waiting| waiting.contact_id.clone()).collect()
    }

    pub(super) fn forget(&self, event_id: &str) {
        self.lock().remove(event_id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_a_twin_waits_longer_each_time_up_to_a_bound() {
        let waits = TwinWaits::default();
        let next = |event: &str| waits.next(event).as_millis();
        assert_eq!([(); 8].map(|()| next("e1")), [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
        assert_eq!(next("e2"), 250, "each for itself");
        waits.forget("e1");
        assert_eq!(next("e1"), 250);
    }

    #[test]
    fn the_end_of_a_twin_concerns_those_who_share_an_identity_with_it() {
        let waits = TwinWaits::default();
        let identities = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        waits.note("e1", "c1", identities(&["number 1", "company"]));
        waits.note("e2", "c2", identities(&["number 2", "company"]));
        waits.note("e3", "c3", identities(&["number 3"]));
        let woken = |ended: &[&str]| Vec::from_iter(waits.contacts_waiting_for(&identities(ended)));
        assert_eq!(woken(&["company", "number 9"]), ["c1", "c2"]);
        assert_eq!(woken(&["number 9"]), [""; 0]);
        waits.forget("e1");
        assert_eq!(woken(&["company"]), ["c2"]);
    }
}
