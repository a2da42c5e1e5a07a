//! What happened to events, counted in memory where it is committed; [`super::rollups`] writes it down.

use std::collections::BTreeMap;

use super::spans::Spans;
use crate::{
    clock::Millis,
    event::{Decision, Rule, Status},
};

/// A minute, in milliseconds.
pub(super) const MINUTE_MS: i64 = 60_000;

/// One thing that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Measure {
    /// An event was accepted.
    Received,
    /// An event came to this state.
    Reached(Status),
    /// This rule kept an event out.
    KeptOut(Rule),
    /// An event took a span of this number to the ERP.
    Took(usize),
}

impl Measure {
    pub(super) fn name(self) -> String {
        match self {
            Self::Received => "received".to_owned(),
            Self::Reached(status) => status.as_str().to_owned(),
            Self::KeptOut(rule) => format!("rule:{}", rule.as_str()),
            // Two digits, so that a range of them stands together.
            Self::Took(number) => format!("took:{number:02}"),
        }
    }

    /// `None` for what another version counted.
    pub(super) fn read(name: &str) -> Option<Self> {
        match name.split_once(':') {
            None if name == "received" => Some(Self::Received),
            None => name.parse().ok().map(Self::Reached),
            Some(("rule", rule)) => rule.parse().ok().map(Self::KeptOut),
            Some(("took", number)) => number.parse().ok().map(Self::Took),
            Some(_) => None,
        }
    }
}

/// What was counted and is not written yet: by minute and by measure, whose name is made only when it is written: the door's
/// one writer counts.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<(i64, Measure), i64>);

impl Tally {
    /// An event was stored in this state.
    pub(super) fn stored(&mut self, status: Status, at: Millis, decision: Option<&Decision>) {
        self.count(at, Measure::Received);
        self.moved(status, at, at, decision);
    }

    /// An event that was received at `since` came to this state.
    pub(super) fn moved(&mut self, status: Status, at: Millis, since: Millis, decision: Option<&Decision>) {
        if matches!(status, Status::Queued | Status::Running) {
            return;
        }
        self.count(at, Measure::Reached(status));
        if status == Status::Succeeded {
            self.count(at, Measure::Took(Spans::number(at.since(since))));
        }
        if keeps_out(status) {
            for reason in decision.map(Decision::reasons).unwrap_or_default() {
                self.count(at, Measure::KeptOut(reason.rule));
            }
        }
    }

    fn count(&mut self, at: Millis, measure: Measure) {
        *self.0.entry((at.0.div_euclid(MINUTE_MS), measure)).or_default() += 1;
    }

    /// Adds what another counted.
    pub(super) fn add(&mut self, other: Self) {
        for (key, events) in other.0 {
            *self.0.entry(key).or_default() += events;
        }
    }

    /// Whether nothing was counted.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was counted: minute, measure, events; in the same order everywhere, as two replicas may write at once.
    pub(super) fn counted(&self) -> impl Iterator<Item = (i64, Measure, i64)> {
        self.0.iter().map(|((minute, measure), events)| (*minute, *measure, *events))
    }
}

/// Whether an event may come to this state because of the rules: then its decision is looked at.
pub(super) const fn keeps_out(status: Status) -> bool {
    matches!(status, Status::NotAdmitted | Status::Held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measure_reads_back_from_its_name() {
        let states = Status::ALL.map(Measure::Reached);
        let all = [Measure::Received, Measure::Took(0), Measure::Took(25)];
        for measure in all.into_iter().chain(states).chain(Rule::ALL.map(Measure::KeptOut)) {
            assert_eq!(Measure::read(&measure.name()), Some(measure));
        }
        assert_eq!((Measure::read("rule:luck"), Measure::read("later:1"), Measure::read("lost")), (None, None, None));
    }
}
