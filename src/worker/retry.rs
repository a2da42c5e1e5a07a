//! When a failed event is tried again: a pure function of how often it failed.

use std::time::Duration;

/// The first pause after a claim that failed, and the longest.
const CLAIM_PAUSE: Duration = Duration::from_millis(50);
const CLAIM_PAUSE_MAX: Duration = Duration::from_secs(5);

/// The pause before the next attempt after `failures` counted ones (from 1), with jitter: `unit` in 0..1 picks a point
/// between 80 % and 120 %. `None`: there is no next attempt.
pub(super) fn pause(schedule: &[Duration], failures: i64, unit: f64) -> Option<Duration> {
    let index = usize::try_from(failures.max(1) - 1).ok()?;
    schedule.get(index).map(|pause| jittered(*pause, unit))
}

/// The pause before work is claimed again after so many claims in a row that failed; none where the last one worked.
pub(super) fn pause_after_claims(failures: u32) -> Option<Duration> {
    let doubled = CLAIM_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16));
    (failures > 0).then(|| doubled.min(CLAIM_PAUSE_MAX))
}

/// A pause between 80 % and 120 % of `pause`.
pub(super) fn jittered(pause: Duration, unit: f64) -> Duration {
    pause.mul_f64(0.8 + 0.4 * unit.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_is_followed_and_then_there_is_no_next_attempt() {
        let schedule = [Duration::from_secs(5), Duration::from_secs(30)];
        assert_eq!(pause(&schedule, 1, 0.5), Some(Duration::from_secs(5)));
        assert_eq!(pause(&schedule, 2, 0.5), Some(Duration::from_secs(30)));
        assert_eq!(pause(&schedule, 3, 0.5), None);
        assert_eq!(pause(&[], 1, 0.5), None);
    }

    #[test]
    fn claims_that_fail_are_repeated_ever_more_slowly_up_to_a_bound() {
        let pauses = [0, 1, 2, 3, 7, 8, u32::MAX].map(|failures| pause_after_claims(failures).map(|it| it.as_millis()));
        assert_eq!(pauses, [None, Some(50), Some(100), Some(200), Some(3_200), Some(5_000), Some(5_000)]);
    }

    #[test]
    fn jitter_stays_within_a_fifth() {
        let pause = Duration::from_secs(10);
        assert_eq!(jittered(pause, 0.0), Duration::from_secs(8));
        assert_eq!(jittered(pause, 1.0), Duration::from_secs(12));
        assert_eq!(jittered(pause, 7.0), Duration::from_secs(12));
    }
}
