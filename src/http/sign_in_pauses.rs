//! Failed sign-ins of the console: the answer to each waits twice as long as that to the one before. A right token waits for
//! none of that, whoever else fails at its address, and ends it; for its turn it may wait all the same (`auth_failures.rs`).

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How long the answer to the first failure of an address waits …
const FIRST: Duration = Duration::from_millis(100);
/// … and how long that to any, at most.
const LONGEST: Duration = Duration::from_millis(3_200);
/// After so long without a failure an address begins anew.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(300);
/// So many addresses are remembered at most.
const ADDRESSES_MAX: usize = 4_096;

/// The failures of all addresses: how many in a row, and when the last one was.
#[derive(Debug, Default)]
pub(super) struct SignInPauses(Mutex<HashMap<IpAddr, (u32, Instant)>>);

impl SignInPauses {
    /// How long the answer to one more failure of this address waits.
    pub(super) fn next(&self, address: IpAddr, now: Instant) -> Duration {
        let is_fresh = |at: Instant| now.duration_since(at) < FORGOTTEN_AFTER;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ADDRESSES_MAX && !known.contains_key(&address) {
            known.retain(|_, (_, at)| is_fresh(*at));
            // Whoever has that many addresses is not slowed down by what is kept of each.
            if known.len() >= ADDRESSES_MAX {
                known.clear();
            }
        }
        let (failures, at) = known.entry(address).or_insert((0, now));
        *failures = if is_fresh(*at) { failures.saturating_add(1) } else { 1 };
        *at = now;
        FIRST.saturating_mul(2_u32.saturating_pow(*failures - 1)).min(LONGEST)
    }

    /// The next failure of this address is its first.
    pub(super) fn forget(&self, address: IpAddr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: usize) -> IpAddr {
        IpAddr::from(u32::try_from(number).unwrap().to_be_bytes())
    }

    #[test]
    fn each_failure_of_an_address_waits_twice_as_long_up_to_a_limit_and_the_next_address_begins_anew() {
        let (pauses, now) = (SignInPauses::default(), Instant::now());
        let waits: Vec<_> = (0..8).map(|_| pauses.next(address(1), now).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_200, 3_200, 3_200]);
        assert_eq!(pauses.next(address(2), now), FIRST);
        for _ in 0..100 {
            pauses.next(address(1), now);
        }
        assert_eq!(pauses.next(address(1), now), LONGEST);
    }

    #[test]
    fn who_signs_in_begins_anew_and_nobody_else() {
        let (pauses, now) = (SignInPauses::default(), Instant::now());
        for number in [1, 1, 2, 2] {
            pauses.next(address(number), now);
        }
        pauses.forget(address(1));
        assert_eq!([1, 2].map(|number| pauses.next(address(number), now)), [FIRST, FIRST * 4]);
    }

    #[test]
    fn no_more_addresses_are_remembered_than_may_be() {
        let (pauses, now) = (SignInPauses::default(), Instant::now());
        for number in 0..ADDRESSES_MAX * 2 + 1 {
            pauses.next(address(number), now);
            assert!(pauses.0.lock().unwrap().len() <= ADDRESSES_MAX);
        }
    }

    #[test]
    fn whoever_has_not_failed_for_long_begins_anew() {
        let (pauses, begin) = (SignInPauses::default(), Instant::now());
        let late = begin + FORGOTTEN_AFTER - Duration::from_millis(1);
        let waits = [begin, begin, late, late + FORGOTTEN_AFTER].map(|now| pauses.next(address(1), now));
        assert_eq!(waits, [FIRST, FIRST * 2, FIRST * 4, FIRST]);
    }
}
