//! The way of an event from top to bottom: received, admitted, step by step into the ERP, and what comes next.

use std::time::Duration;

use serde_json::Value;

use super::times::{Known, Made, Times, shares};
use crate::{
    clock::Millis,
    console::{
        format::{self, Moment, bytes_on_page, cut, moment, moment_of},
        status,
        why::Why,
        words::{EventWords, Lang, field_of, fill, rule, step},
    },
    event::{Culprit, Status},
    http::{
        HttpState,
        api::views::{CallView, EventDetail, StepView, WaitsForView},
    },
    store::StepState,
};

/// The newest calls of a stage that are shown: an event that waits for the ERP's settings tries for days.
const CALLS_SHOWN: usize = 12;

/// Characters of a field that was sent.
const FIELD_CHARS: usize = 300;
/// Characters of what the ERP said.
const WORDS_CHARS: usize = 500;
/// Bytes that the fields and answers of all calls take on a page, those of the newest calls first.
const CALLS_BYTES: usize = 24_000;

/// One stage of the way.
pub(super) struct Stage {
    pub(super) title: String,
    /// `good`, `bad`, `warn`, `run`, `wait` or `mute`; `next` for what has not happened yet.
    pub(super) tone: &'static str,
    pub(super) at: Option<Moment>,
    /// Why it ended or waits.
    pub(super) why: Why,
    pub(super) notes: Vec<String>,
    /// Another event to look at, by its id.
    pub(super) other: Option<String>,
    pub(super) checks: Vec<Check>,
    pub(super) calls: Vec<Call>,
    /// For what it waited behind these calls, and how long: class and words.
    pub(super) rests: Vec<(&'static str, String)>,
}

/// An admission rule and what it found.
pub(super) struct Check {
    /// As the ledger names it, which is its place in the help.
    pub(super) code: String,
    pub(super) name: String,
    pub(super) passed: bool,
    pub(super) found: Why,
}

/// A call to the ERP.
pub(super) struct Call {
    pub(super) interface: String,
    pub(super) is_ok: bool,
    pub(super) outcome: String,
    pub(super) at: Moment,
    pub(super) span: String,
    pub(super) fields: Vec<(String, String)>,
    pub(super) response: Option<String>,
    /// Whether fields and answer were left out, as the page would grow too large.
    pub(super) is_cut: bool,
}

impl Call {
    /// Bytes that fields and answer take on the page.
    fn bytes(&self) -> usize {
        let fields = self.fields.iter().map(|(name, value)| bytes_on_page(name) + bytes_on_page(value));
        fields.sum::<usize>() + self.response.as_deref().map_or(0, bytes_on_page)
    }
}

/// Leaves out what would make the page too large.
fn keep_within(stages: &mut [Stage]) {
    let mut left = CALLS_BYTES;
    for call in stages.iter_mut().rev().flat_map(|stage| stage.calls.iter_mut().rev()) {
        match left.checked_sub(call.bytes()) {
            Some(rest) => left = rest,
            None => (call.fields, call.response, call.is_cut) = (Vec::new(), None, true),
        }
    }
}

/// How the time was spent, ready to be drawn.
pub(super) struct Spent {
    /// Class, percent from the left, percent wide.
    pub(super) parts: Vec<(&'static str, u32, u32)>,
    /// Class, name and span of each part.
    pub(super) legend: Vec<(&'static str, &'static str, String)>,
    pub(super) total: String,
}

/// The whole way.
pub(super) struct Journey {
    pub(super) stages: Vec<Stage>,
    pub(super) spent: Spent,
    pub(super) calls_cut: bool,
}

impl Stage {
    fn new(title: impl Into<String>, tone: &'static str) -> Self {
        Self {
            title: title.into(),
            tone,
            at: None,
            why: Why::default(),
            notes: Vec::new(),
            other: None,
            checks: Vec::new(),
            calls: Vec::new(),
            rests: Vec::new(),
        }
    }
}

/// What every stage needs to be written.
struct Writer<'a> {
    event: &'a EventDetail,
    w: &'static EventWords,
    /// How long an event that ended is kept.
    kept: Duration,
    times: Times<'a>,
    now: Millis,
    lang: Lang,
}

impl Journey {
    /// Of an event about which people did something at these moments, in order.
    pub(super) fn of(event: &EventDetail, deeds: &[Millis], state: &HttpState, now: Millis, lang: Lang) -> Self {
        let (kept, times) = (state.succeeded_kept, times(event, deeds, state.block_pause, now));
        let writer = Writer { event, w: &lang.words().event, kept, times, now, lang };
        let mut stages = vec![writer.received()];
        stages.extend(writer.admission());
        stages.extend(writer.queued());
        stages.extend(writer.survey());
        stages.extend(event.steps.iter().map(|row| writer.step(row)));
        stages.extend(writer.given_up());
        stages.extend(writer.last());
        keep_within(&mut stages);
        Self { stages, spent: writer.spent(), calls_cut: event.calls_cut }
    }
}

impl Journey {
    /// Without the calls, where something else needs the room.
    pub(super) fn leave_calls_out(&mut self) {
        self.stages.iter_mut().for_each(|stage| stage.calls.clear());
    }
}

impl Writer<'_> {
    fn received(&self) -> Stage {
        let item = &self.event.item;
        let from =
            if item.actor == "webhook" { self.w.by_webhook.to_owned() } else { fill(self.w.by_token, &[&item.actor]) };
        let warnings = self.event.warnings.iter().filter_map(Value::as_array).flatten().map(|warning| {
            let part = |name: &str| warning[name].as_str().unwrap_or_default().to_owned();
            let said = format!("{} {}", part("pointer"), self.lang.part(&part("message")));
            self.lang.labelled(self.w.warnings, &said)
        });
        let at = Some(moment(&item.received_at, self.now, self.lang));
        Stage { at, notes: std::iter::once(from).chain(warnings).collect(), ..Stage::new(self.w.received, "good") }
    }

    fn admission(&self) -> Option<Stage> {
        if self.event.force {
            let notes = vec![self.w.forced.to_owned()];
            return Some(Stage { notes, ..Stage::new(self.w.admission, "warn") });
        }
        let decision = self.event.admission.as_ref()?;
        let checks: Vec<_> = decision["rules"].as_array()?.iter().map(|check| self.check(check)).collect();
        if checks.is_empty() {
            return None;
        }
        let admitted = decision["admitted"].as_bool().unwrap_or_default();
        let note = if admitted { self.w.admitted } else { self.w.not_admitted };
        let tone = if admitted { "good" } else { "warn" };
        Some(Stage { notes: vec![note.to_owned()], checks, ..Stage::new(self.w.admission, tone) })
    }

    fn check(&self, check: &Value) -> Check {
        let code = check["rule"].as_str().unwrap_or_default();
        Check {
            code: code.to_owned(),
            name: rule(self.lang, code).to_owned(),
            passed: check["passed"].as_bool().unwrap_or_default(),
            found: Why::of_rule(code, check["message"].as_str().unwrap_or_default(), self.lang),
        }
    }

    /// How long it waited until it was first taken in hand; not while it still waits.
    fn queued(&self) -> Option<Stage> {
        let calls = self.event.calls.iter().map(|call| &call.started_at);
        let begun = calls.chain(self.event.steps.iter().filter_map(|row| row.started_at.as_ref()));
        let begun = begun.filter_map(|at| format::millis(at)).min()?;
        let waited = begun.since(format::millis(&self.event.item.received_at)?);
        let note = fill(self.w.queued_for, &[&format::span(waited, self.lang)]);
        let at = Some(moment_of(begun, self.now, self.lang));
        Some(Stage { at, notes: vec![note], ..Stage::new(self.w.queued, "good") })
    }

    /// The look-ups before the plan.
    fn survey(&self) -> Option<Stage> {
        let calls = self.calls_of("survey");
        let first = calls.first()?.at.clone();
        let tone = if calls.iter().all(|call| call.is_ok) { "good" } else { "warn" };
        let stage = Stage { at: Some(first), ..Stage::new(step(self.lang, "survey"), tone) };
        Some(self.with_calls(stage, "survey", calls))
    }

    fn step(&self, row: &StepView) -> Stage {
        let (tone, note) = match row.state {
            StepState::Done => ("good", None),
            StepState::Started if self.event.item.status == Status::Running => ("run", None),
            StepState::Started => ("warn", Some(self.w.step_started)),
            StepState::Planned => ("next", Some(self.w.step_planned)),
        };
        let at = row.finished_at.as_ref().or(row.started_at.as_ref());
        let stage = Stage {
            at: at.map(|at| moment(at, self.now, self.lang)),
            notes: note.into_iter().map(str::to_owned).collect(),
            ..Stage::new(step(self.lang, &row.name), tone)
        };
        self.with_calls(stage, &row.name, self.calls_of(&row.name))
    }

    /// Calls of steps that the plan does not have any more: the ERP refused one, and so the plan was given up.
    fn given_up(&self) -> Vec<Stage> {
        let is_planned = |name: &str| name == "survey" || self.event.steps.iter().any(|row| row.name == name);
        let mut names: Vec<&str> = Vec::new();
        for call in self.event.calls.iter().filter(|call| !is_planned(&call.step)) {
            if !names.contains(&call.step.as_str()) {
                names.push(&call.step);
            }
        }
        let stage = |name: &str| {
            let calls = self.calls_of(name);
            let tone = if calls.iter().all(|call| call.is_ok) { "good" } else { "bad" };
            let at = calls.first().map(|call| call.at.clone());
            self.with_calls(Stage { at, ..Stage::new(step(self.lang, name), tone) }, name, calls)
        };
        names.into_iter().map(stage).collect()
    }

    /// The stage of a step with the newest of its calls, how many there were before, and for what it waited behind them.
    fn with_calls(&self, mut stage: Stage, name: &str, mut calls: Vec<Call>) -> Stage {
        let earlier = calls.len().saturating_sub(CALLS_SHOWN);
        if earlier > 0 {
            calls.drain(..earlier);
            stage.notes.push(fill(self.w.calls_earlier, &[&earlier]));
        }
        Stage { calls, rests: self.rests(name), ..stage }
    }

    /// The rests behind the calls of a step, those for the same as one.
    fn rests(&self, name: &str) -> Vec<(&'static str, String)> {
        let told = |culprit| {
            let (class, words) = waited(culprit, self.w);
            let (span, count) = self.times.waited_after(name, culprit);
            let words = format!("{words} {}", format::span(span, self.lang));
            match count {
                0 => None,
                1 => Some((class, words)),
                _ => Some((class, fill(self.w.waited_times, &[&words, &count]))),
            }
        };
        Culprit::ALL.into_iter().filter_map(told).collect()
    }

    fn calls_of(&self, name: &str) -> Vec<Call> {
        self.event.calls.iter().filter(|call| call.step == name).map(|call| self.call(call)).collect()
    }

    fn call(&self, call: &CallView) -> Call {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let named = |id: &str| field_of(self.lang, &call.interface, id).to_owned();
        let members = call.request.as_object().into_iter().flatten();
        let fields = members.filter(|(_, value)| !value.is_null() && *value != "");
        Call {
            interface: call.interface.clone(),
            is_ok: call.outcome == "ok",
            outcome: self.lang.part(crate::event::cause(&call.outcome).message).to_owned(),
            at: moment(&call.started_at, self.now, self.lang),
            span: format::span(Duration::from_millis(u64::try_from(call.duration_ms).unwrap_or_default()), self.lang),
            fields: fields.map(|(id, value)| (named(id), cut(&text(value), FIELD_CHARS))).collect(),
            is_cut: false,
            response: call.response.clone().filter(|response| !response.is_empty()),
        }
    }

    /// How it ended, or what comes next.
    fn last(&self) -> Option<Stage> {
        let (item, w) = (&self.event.item, self.w);
        let next = item.next_attempt_at.as_ref().map(|next| moment(next, self.now, self.lang));
        let (title, tone) = match item.status {
            Status::Succeeded => (w.ended_succeeded.to_owned(), "good"),
            Status::Dead => (w.ended_dead.to_owned(), "bad"),
            Status::NeedsReview => (w.ended_review.to_owned(), "warn"),
            Status::Discarded => (w.ended_discarded.to_owned(), "mute"),
            Status::Ignored => (w.ended_ignored.to_owned(), "mute"),
            Status::NotAdmitted => (w.ended_not_admitted.to_owned(), "mute"),
            Status::Running => (w.next_running.to_owned(), "next run"),
            Status::Held => match &next {
                Some(next) => (fill(w.next_held, &[&next.exact]), "next"),
                None => (w.next_held_open.to_owned(), "next"),
            },
            Status::Queued if item.blocked_by.is_some() => (w.next_blocked.to_owned(), "next"),
            Status::Queued if self.event.waits_for.is_some() => {
                return self.event.waits_for.as_ref().map(|it| self.waits(it));
            }
            Status::Queued => match next.filter(|_| item.attempts > 0) {
                Some(next) => (fill(w.next_retry, &[&format::clock(&next.machine, self.now)]), "next"),
                None => (w.next_queued.to_owned(), "next"),
            },
        };
        let why = match item.status {
            Status::Succeeded | Status::Running => None,
            _ => item.error.as_ref().map(|error| Why::of(&error.code, &error.message, self.lang).cut(WORDS_CHARS)),
        };
        let at = item.finished_at.as_ref().map(|at| moment(at, self.now, self.lang));
        let notes = self.kept_until().into_iter().collect();
        Some(Stage { at, why: why.unwrap_or_default(), notes, ..Stage::new(title, tone) })
    }

    /// When an event that ended is deleted: what people wrote first (`store/retention.rs`).
    fn kept_until(&self) -> Option<String> {
        let item = &self.event.item;
        let ended = format::millis(item.finished_at.as_deref()?)?;
        let is_pruned = !matches!(item.status, Status::Dead) && !item.status.is_open();
        let (words, kept) = match self.event.payload {
            Some(_) => (self.w.kept_until, self.kept / 2),
            None => (self.w.row_kept_until, self.kept),
        };
        let date = ended.plus(kept).erp_local();
        is_pruned.then(|| fill(words, &[&date.get(..10).unwrap_or(&date)]))
    }

    /// Behind whom or what it waits, although nothing is wrong with it.
    fn waits(&self, waits: &WaitsForView) -> Stage {
        let w = self.w;
        if let Some(status) = waits.status {
            let title = fill(w.next_earlier, &[&status::of(status, self.lang).label]);
            return Stage { other: waits.event_id.clone(), ..Stage::new(title, "next") };
        }
        let until = waits.until.as_ref().map(|until| fill(w.next_paused_until, &[&format::exact(until)]));
        Stage { notes: waits.reason.clone().into_iter().chain(until).collect(), ..Stage::new(w.next_paused, "next") }
    }

    fn spent(&self) -> Spent {
        let waits = Culprit::ALL.map(|culprit| {
            let (class, words) = waited(culprit, self.w);
            (class, words, self.times.waited(culprit))
        });
        let work = [("own", self.w.time_own, self.times.own), ("erp", self.w.time_erp, self.times.erp)];
        let all = [waits.as_slice(), work.as_slice()].concat();
        let widths = shares(&all.iter().map(|(.., span)| *span).collect::<Vec<_>>());
        let mut from = 0;
        let (mut parts, mut legend) = (Vec::new(), Vec::new());
        for ((class, words, span), width) in all.into_iter().zip(widths).filter(|((.., span), _)| !span.is_zero()) {
            parts.push((class, from, width));
            legend.push((class, words, format::span(span, self.lang)));
            from += width;
        }
        Spent { parts, legend, total: fill(self.w.time_total, &[&format::span(self.times.total(), self.lang)]) }
    }
}

/// Its colour's class, and in words for what was waited.
const fn waited(culprit: Culprit, w: &EventWords) -> (&'static str, &'static str) {
    match culprit {
        Culprit::Turn => ("queue", w.time_queue),
        Culprit::Erp => ("away", w.time_away),
        Culprit::Settings => ("settings", w.time_settings),
        Culprit::Promotion => ("held", w.time_held),
        Culprit::Person => ("person", w.time_person),
    }
}

/// How the event's time was spent.
fn times<'a>(event: &'a EventDetail, deeds: &[Millis], block_pause: Duration, now: Millis) -> Times<'a> {
    let made = |call: &'a CallView| {
        let span = Duration::from_millis(u64::try_from(call.duration_ms).unwrap_or_default());
        Some(Made { begun: format::millis(&call.started_at)?, span, step: &call.step, outcome: &call.outcome })
    };
    let mut calls: Vec<_> = event.calls.iter().filter_map(made).collect();
    calls.sort_by_key(|call| (call.begun, call.span));
    let received = format::millis(&event.item.received_at).unwrap_or(now);
    let end = event.item.finished_at.as_deref().and_then(format::millis).unwrap_or(now);
    Times::of(&calls, Known { received, deeds, end, now: waits_for(event), block_pause })
}

/// For what it waits now.
fn waits_for(event: &EventDetail) -> Culprit {
    let item = &event.item;
    match (item.status, &item.error) {
        _ if item.blocked_by.is_some() => Culprit::Settings,
        (Status::NeedsReview | Status::Dead, _) => Culprit::Person,
        (Status::Queued, _) if event.waits_for.as_ref().is_some_and(|waits| waits.paused.is_some()) => Culprit::Person,
        (Status::Held, _) => Culprit::Promotion,
        // Nobody gave it up: what it waited for did not come.
        (Status::Discarded, Some(error)) if error.code == "hold_expired" => Culprit::Promotion,
        // It is tried again by itself; an outage counts no try.
        (Status::Queued, Some(error)) => match Culprit::behind(&error.code) {
            Culprit::Person => Culprit::Erp,
            culprit => culprit,
        },
        _ => Culprit::Turn,
    }
}
