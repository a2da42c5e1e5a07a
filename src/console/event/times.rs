//! Who spent an event's time: the bridge, the ERP, or what it waited for, as far as its calls and what people did tell.

use std::time::Duration;

use crate::{clock::Millis, event::Culprit};

/// A rest between two activities that is longer is waiting, not work.
const WORK_GAP: Duration = Duration::from_secs(2);
/// So long a rest counts as one behind a block even where the block's own pause is longer: who met it late waited for the end of
/// its pause alone, and SIGHUP hurries it.
const BLOCK_REST_MIN: Duration = Duration::from_secs(5);
/// The look-ups before an event's plan: whoever makes them anew was put back meanwhile.
const SURVEY: &str = "survey";

/// A call to the ERP.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made<'a> {
    pub(super) begun: Millis,
    pub(super) span: Duration,
    /// The step that made it.
    pub(super) step: &'a str,
    /// `ok`, or the error's code.
    pub(super) outcome: &'a str,
}

/// A rest in which nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rest<'a> {
    /// The step of the call before it; nothing before the first one.
    pub(super) after: Option<&'a str>,
    /// What had to come.
    pub(super) culprit: Culprit,
    pub(super) span: Duration,
}

/// How an event's time was spent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Times<'a> {
    /// Work of the bridge.
    pub(super) own: Duration,
    /// Calls to the ERP.
    pub(super) erp: Duration,
    /// Waiting, in order.
    pub(super) rests: Vec<Rest<'a>>,
}

/// What is known of an event besides its calls.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) received: Millis,
    /// When people did something about it, in order.
    pub(super) deeds: &'a [Millis],
    /// Its end; while it has none, now.
    pub(super) end: Millis,
    /// For what it waits now.
    pub(super) now: Culprit,
    /// What waits for the ERP's settings is tried after so long where nothing hurries it: a rest between two good look-ups that is
    /// shorter, and shorter than five seconds, is taken for a slow answer to others, or a restart.
    pub(super) block_pause: Duration,
}

impl<'a> Times<'a> {
    /// Of an event with these calls, in order.
    pub(super) fn of(calls: &[Made<'a>], known: Known<'_>) -> Self {
        let mut times = Self::default();
        let (mut at, mut before) = (known.received, None);
        let shortest = known.block_pause.min(BLOCK_REST_MIN);
        for call in calls {
            let may_be_block = call.begun.since(at) >= shortest;
            times.rest(at, call.begun, before, Self::between(before, call, may_be_block), known.deeds);
            let ended = call.begun.plus(call.span);
            times.erp += ended.since(at.max(call.begun));
            (at, before) = (at.max(ended), Some(call));
        }
        times.rest(at, known.end, before, known.now, known.deeds);
        times
    }

    /// For what it waited between two calls where nobody did anything about it: it went on by itself. What is too short is
    /// counted as no wait for the ERP's settings.
    fn between(before: Option<&Made<'_>>, next: &Made<'_>, may_be_block: bool) -> Culprit {
        let Some(before) = before else { return Culprit::Turn };
        match Culprit::behind(before.outcome) {
            Culprit::Person => Culprit::Erp,
            // Every answer was good, and yet it began anew: what it read is what was wrong.
            Culprit::Turn if before.step == SURVEY && next.step == SURVEY && may_be_block => Culprit::Settings,
            culprit => culprit,
        }
    }

    /// For what it waited behind a call until somebody did something about it: what goes on by itself was only hastened.
    fn until_a_deed(before: Option<&Made<'_>>) -> Culprit {
        match before.map(|call| Culprit::behind(call.outcome)) {
            Some(culprit @ (Culprit::Erp | Culprit::Settings)) => culprit,
            _ => Culprit::Person,
        }
    }

    fn rest(&mut self, from: Millis, to: Millis, before: Option<&Made<'a>>, culprit: Culprit, deeds: &[Millis]) {
        let span = to.since(from);
        if span <= WORK_GAP {
            self.own += span;
            return;
        }
        let after = before.map(|call| call.step);
        match deeds.iter().rev().find(|deed| from < **deed && **deed <= to) {
            Some(deed) => {
                self.rests.push(Rest { after, culprit: Self::until_a_deed(before), span: deed.since(from) });
                self.rest(*deed, to, before, Culprit::Turn, &[]);
            }
            None => self.rests.push(Rest { after, culprit, span }),
        }
    }

    /// All of it.
    pub(super) fn total(&self) -> Duration {
        self.own + self.erp + self.rests.iter().map(|rest| rest.span).sum::<Duration>()
    }

    /// How long it waited for this.
    pub(super) fn waited(&self, culprit: Culprit) -> Duration {
        self.rests.iter().filter(|rest| rest.culprit == culprit).map(|rest| rest.span).sum()
    }

    /// How long, and how often, it waited for this behind a call of a step.
    pub(super) fn waited_after(&self, step: &str, culprit: Culprit) -> (Duration, usize) {
        let rests = self.rests.iter().filter(|rest| rest.after == Some(step) && rest.culprit == culprit);
        rests.fold((Duration::ZERO, 0), |(span, count), rest| (span + rest.span, count + 1))
    }
}

/// Parts in percent of the whole, each at least one where there is any; the longest takes what is over.
pub(super) fn shares(parts: &[Duration]) -> Vec<u32> {
    let total = parts.iter().map(Duration::as_millis).sum::<u128>().max(1);
    let share = |part: &Duration| match part.as_millis() {
        0 => 0,
        millis => u32::try_from((millis * 100 / total).max(1)).unwrap_or(100),
    };
    let mut shares: Vec<u32> = parts.iter().map(share).collect();
    let sum: u32 = shares.iter().sum();
    if let Some(longest) = shares.iter_mut().max().filter(|longest| **longest > 0) {
        *longest = (*longest + 100).saturating_sub(sum);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Millis = Millis(3_600_000);

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn call(begun: i64, span: u64, step: &'static str, outcome: &'static str) -> Made<'static> {
        Made { begun: Millis(begun), span: ms(span), step, outcome }
    }

    fn known(end: Millis, now: Culprit) -> Known<'static> {
        Known { received: Millis(0), deeds: &[], end, now, block_pause: ms(5_000) }
    }

    #[test]
    fn short_rests_are_work_calls_the_erp_s_and_the_first_long_rest_its_turn() {
        let calls = [call(5_000, 300, SURVEY, "ok"), call(5_400, 600, "save_customer", "ok")];
        let times = Times::of(&calls, known(Millis(6_100), Culprit::Turn));
        assert_eq!((times.own, times.erp), (ms(100 + 100), ms(900)));
        assert_eq!(times.rests, [Rest { after: None, culprit: Culprit::Turn, span: ms(5_000) }]);
        assert_eq!(times.total(), ms(6_100));
        // Calls at the same time count once, and a clock that was set back adds nothing.
        let overlapping = [call(0, 500, SURVEY, "ok"), call(100, 300, SURVEY, "ok"), call(-50, 10, SURVEY, "ok")];
        assert_eq!(Times::of(&overlapping, known(Millis(500), Culprit::Turn)).total(), ms(500));
    }

    #[test]
    fn each_rest_is_laid_at_the_door_of_what_was_waited_for() {
        for (first, second, now, expected) in [
            (("save_customer", "not_delivered"), Some("save_customer"), Culprit::Turn, Culprit::Erp),
            (("save_customer", "refused"), Some("save_customer"), Culprit::Turn, Culprit::Erp),
            ((SURVEY, "right_missing"), Some(SURVEY), Culprit::Turn, Culprit::Settings),
            ((SURVEY, "ok"), Some(SURVEY), Culprit::Turn, Culprit::Settings),
            ((SURVEY, "ok"), Some("save_customer"), Culprit::Turn, Culprit::Turn),
            ((SURVEY, "ok"), None, Culprit::Person, Culprit::Person),
            ((SURVEY, "ok"), None, Culprit::Settings, Culprit::Settings),
        ] {
            let mut calls = vec![call(0, 100, first.0, first.1)];
            calls.extend(second.map(|step| call(HOUR.0, 100, step, "ok")));
            let times = Times::of(&calls, known(HOUR, now));
            assert_eq!(times.rests.len(), 1, "{first:?}");
            assert_eq!(times.rests[0].culprit, expected, "{first:?} {second:?}");
            assert_eq!(times.waited_after(first.0, expected), (ms(3_599_900), 1));
            assert_eq!(times.waited(expected), ms(3_599_900));
        }
    }

    #[test]
    fn until_somebody_did_something_it_waited_for_a_person_and_then_for_its_turn() {
        let calls = [call(0, 100, "save_customer", "refused"), call(HOUR.0, 100, "save_customer", "ok")];
        let deeds = [Millis(600_000), Millis(1_800_000)];
        let times = Times::of(&calls, Known { deeds: &deeds, ..known(HOUR, Culprit::Turn) });
        let spans: Vec<_> = times.rests.iter().map(|rest| (rest.culprit, rest.span)).collect();
        assert_eq!(spans, [(Culprit::Person, ms(1_799_900)), (Culprit::Turn, ms(1_800_000))]);
    }

    #[test]
    fn whoever_hastens_what_goes_on_by_itself_is_not_who_it_waited_for() {
        for (outcome, waited) in [("not_delivered", Culprit::Erp), ("right_missing", Culprit::Settings)] {
            let calls = [call(0, 100, SURVEY, outcome), call(HOUR.0, 100, SURVEY, "ok")];
            let deeds = [Millis(1_800_000)];
            let times = Times::of(&calls, Known { deeds: &deeds, ..known(HOUR, Culprit::Turn) });
            let spans: Vec<_> = times.rests.iter().map(|rest| (rest.culprit, rest.span)).collect();
            assert_eq!(spans, [(waited, ms(1_799_900)), (Culprit::Turn, ms(1_800_000))], "{outcome}");
        }
    }

    #[test]
    fn a_slow_answer_or_a_restart_between_two_look_ups_is_no_wait_for_the_settings() {
        for (pause, gap, expected) in [
            (5_000, 4_999, Culprit::Turn),
            (5_000, 5_000, Culprit::Settings),
            (2_500, 2_500, Culprit::Settings),
            (60_000, 4_999, Culprit::Turn),
            (60_000, 5_000, Culprit::Settings),
        ] {
            let calls = [call(0, 100, SURVEY, "ok"), call(100 + gap, 100, SURVEY, "ok")];
            let known = Known { block_pause: ms(pause), ..known(Millis(200 + gap), Culprit::Turn) };
            assert_eq!(Times::of(&calls, known).rests[0].culprit, expected, "{pause} {gap}");
        }
    }

    #[test]
    fn shares_fill_the_whole_and_none_of_what_is_there_is_missing() {
        assert_eq!(shares(&[ms(96_000), ms(1), ms(4_000)]), [96, 1, 3]);
        assert_eq!(shares(&[ms(1), Duration::ZERO, ms(1_000_000)]), [1, 0, 99]);
        assert_eq!(shares(&[Duration::ZERO; 3]), [0, 0, 0]);
    }
}
