//! How long many events took, kept as counts of fixed spans: of such counts percentiles can be told, and they add up.

use std::time::Duration;

/// The longest span of each count, in milliseconds; what took longer than the last is counted behind it.
const BOUNDS_MS: [u64; 25] = [
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    1_200_000,
    1_800_000,
    3_600_000,
    7_200_000,
    14_400_000,
    28_800_000,
    43_200_000,
    86_400_000,
    172_800_000,
    345_600_000,
    604_800_000,
    2_592_000_000,
];

/// Counts of spans.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spans([i64; BOUNDS_MS.len() + 1]);

impl Spans {
    /// The number of the count that a span belongs to.
    pub(super) fn number(span: Duration) -> usize {
        BOUNDS_MS.partition_point(|bound| u128::from(*bound) < span.as_millis())
    }

    /// Adds to the count of this number; one that there is not is left out.
    pub(super) fn add(&mut self, number: usize, events: i64) {
        if let Some(count) = self.0.get_mut(number) {
            *count += events;
        }
    }

    /// Adds all of another's counts.
    pub(super) fn add_all(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(count, events)| *count += events);
    }

    /// How many spans there are.
    pub fn count(&self) -> i64 {
        self.0.iter().sum()
    }

    /// So many percent of them took at most this long; `None` of none, and where that is longer than thirty days.
    pub fn percentile(&self, percent: i64) -> Option<Duration> {
        let wanted = (self.count() * percent + 99) / 100;
        let mut seen = 0;
        let reached = self.0.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        let bound = reached.filter(|_| wanted > 0).and_then(|number| BOUNDS_MS.get(number));
        bound.copied().map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spans(all: &[u64]) -> Spans {
        let mut spans = Spans::default();
        all.iter().for_each(|ms| spans.add(Spans::number(Duration::from_millis(*ms)), 1));
        spans
    }

    #[test]
    fn a_span_counts_up_to_its_bound_and_not_beyond() {
        let of = |ms| Spans::number(Duration::from_millis(ms));
        assert_eq!((of(0), of(99), of(100), of(101)), (0, 0, 0, 1));
        assert_eq!((of(2_592_000_000), of(2_592_000_001)), (24, 25));
        assert_eq!(spans(&[2_592_000_001]).percentile(50), None, "longer than anybody says");
        assert_eq!(
            (Spans::default().percentile(50), spans(&[3]).percentile(50)),
            (None, Some(Duration::from_millis(100)))
        );
    }

    proptest! {
        #[test]
        fn a_percentile_is_the_bound_next_above_the_exact_one(
            mut all in prop::collection::vec(0_u64..2_592_000_000, 1..200), percent in 1_i64..=100
        ) {
            let told = spans(&all).percentile(percent).unwrap();
            all.sort_unstable();
            let rank = (all.len() * usize::try_from(percent).unwrap()).div_ceil(100);
            let exact = Duration::from_millis(all[rank - 1]);
            prop_assert!(told >= exact);
            let below = BOUNDS_MS.iter().rev().find(|bound| Duration::from_millis(**bound) < told);
            prop_assert!(below.is_none_or(|below| Duration::from_millis(*below) < exact));
        }
    }
}
