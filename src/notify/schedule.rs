//! When a message that was not taken is sent again: a pure function of how often it was sent.

use std::time::Duration;

use crate::{clock::Millis, store::Delivery};

/// The next time by `[retry] schedule`, no sooner than the receiver asks for; the dead list after the last one. `spread`, 0 to 1,
/// picks a point between 80 % and 120 % of the pause.
pub(super) fn again_or_dead(
    schedule: &[Duration],
    attempts: i64,
    asked: Option<Duration>,
    now: Millis,
    spread: f64,
    words: String,
) -> Delivery {
    let index = usize::try_from(attempts.max(1) - 1).unwrap_or(usize::MAX);
    match schedule.get(index) {
        Some(pause) => {
            let pause = pause.mul_f64(0.8 + 0.4 * spread.clamp(0.0, 1.0));
            Delivery::Again(words, now.plus(pause.max(asked.unwrap_or_default())))
        }
        None => Delivery::Dead(words),
    }
}

/// Where in its pause's jitter a message lies: drawn from its number, so that messages spread.
pub(super) fn spread(seq: i64) -> f64 {
    (seq.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54) as f64 / 1_024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_is_followed_and_then_the_message_is_dead() {
        let schedule = [5, 30].map(Duration::from_secs);
        let next = |attempts, asked: Option<u64>| {
            let asked = asked.map(Duration::from_secs);
            again_or_dead(&schedule, attempts, asked, Millis(0), 0.5, "x".into())
        };
        assert_eq!(next(1, None), Delivery::Again("x".into(), Millis(5_000)));
        assert_eq!(next(2, None), Delivery::Again("x".into(), Millis(30_000)));
        assert_eq!(next(3, None), Delivery::Dead("x".into()));
        assert_eq!(next(1, Some(60)), Delivery::Again("x".into(), Millis(60_000)), "the receiver asks for more");
        assert_eq!(next(2, Some(1)), Delivery::Again("x".into(), Millis(30_000)), "or for less");
    }

    #[test]
    fn messages_spread_over_the_jitter() {
        let spreads: Vec<f64> = (1..1_000).map(spread).collect();
        assert!(spreads.iter().all(|spread| (0.0..1.0).contains(spread)));
        assert!(spreads.iter().any(|spread| *spread < 0.1) && spreads.iter().any(|spread| *spread > 0.9));
    }
}
