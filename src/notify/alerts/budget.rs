//! How much a robot is sent: fewer messages a minute than the strictest takes (20), so that none is ever blocked. Pure.

use std::time::Duration;

use crate::clock::Millis;

/// Messages to one robot in a minute at most.
const PER_MINUTE: usize = 15;
const MINUTE: Duration = Duration::from_secs(60);

/// When the next message may go, given when the last ones went: now, or later.
pub(super) fn next_at(sent: &[Millis], now: Millis) -> Millis {
    let mut recent: Vec<Millis> = sent.iter().copied().filter(|at| is_recent(*at, now)).collect();
    recent.sort_unstable();
    match recent.len().checked_sub(PER_MINUTE) {
        Some(first) => recent[first].plus(MINUTE),
        None => now,
    }
}

/// Notes a message that goes now.
pub(super) fn note(sent: &mut Vec<Millis>, now: Millis) {
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
    fn a_clock_that_was_set_back_holds_nothing_up() {
        assert_eq!(next_at(&[Millis(9_000_000); 15], Millis(0)), Millis(0));
    }
}
