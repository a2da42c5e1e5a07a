//! How far an adoption is, on standard error.

use std::time::{Duration, Instant};

/// How often it is said.
const EVERY: Duration = Duration::from_secs(1);

/// Done, of how many, how fast, how long still.
pub(super) struct Progress {
    total: usize,
    done: usize,
    begun: Instant,
    said: Instant,
}

impl Progress {
    pub(super) fn of(total: usize) -> Self {
        let now = Instant::now();
        Self { total, done: 0, begun: now, said: now }
    }

    /// One more is done.
    pub(super) fn step(&mut self) {
        self.done += 1;
        if self.said.elapsed() >= EVERY {
            self.said = Instant::now();
            eprintln!("{}", text(self.done, self.total, self.begun.elapsed()));
        }
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        eprintln!("{}", text(self.done, self.total, self.begun.elapsed()));
    }
}

fn text(done: usize, total: usize, elapsed: Duration) -> String {
    // Up to millions of contacts: exact in a float.
    #[expect(clippy::cast_precision_loss, reason = "counts of lines are far below 2^53")]
    let (done_f, left) = (done as f64, total.saturating_sub(done) as f64);
    let rate = done_f / elapsed.as_secs_f64().max(0.001);
    let rest = Duration::from_secs_f64((left / rate.max(0.001)).min(1e7).ceil());
    format!("{done}/{total}  {rate:.1}/s  剩余 (left) {}", humantime::format_duration(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_far_how_fast_and_how_long_still() {
        assert_eq!(text(50, 200, Duration::from_secs(10)), "50/200  5.0/s  剩余 (left) 30s");
        assert_eq!(text(0, 0, Duration::ZERO), "0/0  0.0/s  剩余 (left) 0s");
    }
}
