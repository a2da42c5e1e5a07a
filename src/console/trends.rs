//! What happened in the last hour, day or month: charts, percentiles, and the way from the platform into the ERP.

use std::time::Duration;

use super::{
    chart::{Chart, Series},
    format::{self, number},
    visit::Visit,
    words::{Lang, fill, rule},
};
use crate::{
    clock::Millis,
    event::Status,
    store::{Happened, History, Window},
};

/// Colours and states of the chart of what came, from the bottom up.
const OUTCOMES: [(&str, Status); 4] =
    [("good", Status::Succeeded), ("mute", Status::NotAdmitted), ("warn", Status::NeedsReview), ("bad", Status::Dead)];
/// Spans that get a line, in seconds.
const LINES: [u64; 8] = [1, 10, 60, 600, 3_600, 21_600, 86_400, 604_800];

/// A window of time to choose.
pub(super) struct Choice {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) is_here: bool,
}

/// A step of the way into the ERP.
pub(super) struct Stage {
    pub(super) label: &'static str,
    pub(super) count: String,
    /// In percent of what was received.
    pub(super) width: u32,
    pub(super) class: &'static str,
}

/// A row of the table that says what the charts show.
pub(super) struct Row {
    pub(super) begin: String,
    pub(super) cells: Vec<String>,
}

/// What the section shows.
pub(super) struct Trends {
    pub(super) choices: Vec<Choice>,
    pub(super) outcomes: Chart,
    pub(super) spans: Chart,
    /// Colour and name.
    pub(super) legend: Vec<(&'static str, &'static str)>,
    /// The chart in one sentence.
    pub(super) sentence: String,
    pub(super) head: Vec<&'static str>,
    pub(super) rows: Vec<Row>,
    pub(super) funnel: Vec<Stage>,
    /// Rules and how many each kept out.
    pub(super) kept_out: Vec<(&'static str, String)>,
    /// Name and span.
    pub(super) percentiles: Vec<(&'static str, String)>,
}

/// The window that the address asks for.
pub(super) fn window(visit: &Visit) -> Window {
    let asked = visit.query.get("span").unwrap_or_default();
    Window::ALL.into_iter().find(|window| name(*window) == asked).unwrap_or(Window::Day)
}

const fn name(window: Window) -> &'static str {
    match window {
        Window::Hour => "hour",
        Window::Day => "day",
        Window::Month => "month",
    }
}

impl Trends {
    /// Of what happened, while so many events of all times wait for a customer.
    pub(super) fn of(history: &History, window: Window, held: i64, lang: Lang) -> Self {
        let w = &lang.words().overview;
        let labels = [(Window::Hour, w.last_hour), (Window::Day, w.last_day), (Window::Month, w.last_month)];
        let begins: Vec<String> = history.slots.iter().map(|(at, _)| begin(*at, window)).collect();
        let whole = &history.whole;
        let told = |count: i64| number(count);
        let [succeeded, not_admitted, needs_review, dead] = OUTCOMES.map(|(_, status)| told(whole.reached(status)));
        let sentence =
            fill(w.chart_sentence, &[&told(whole.received), &succeeded, &not_admitted, &needs_review, &dead]);
        Self {
            choices: labels
                .map(|(choice, label)| Choice { name: name(choice), label, is_here: choice == window })
                .into(),
            outcomes: Chart::stacked(&outcomes(history), &received(history), whole_number).over(&begins),
            spans: spans(history, lang).over(&begins),
            legend: legend(lang),
            sentence,
            head: [w.received]
                .into_iter()
                .chain(legend(lang).into_iter().map(|(_, label)| label))
                .chain([w.p50, w.p90])
                .collect(),
            rows: history.slots.iter().zip(begins).map(|((_, happened), begin)| row(happened, begin, lang)).collect(),
            funnel: funnel(whole, held, lang),
            kept_out: whole
                .kept_out()
                .into_iter()
                .map(|(kept, events)| (rule(lang, kept.as_str()), told(events)))
                .collect(),
            percentiles: [(w.p50, 50), (w.p90, 90), (w.p99, 99)]
                .map(|(label, percent)| (label, at_most(whole, percent, lang)))
                .into(),
        }
    }
}

fn legend(lang: Lang) -> Vec<(&'static str, &'static str)> {
    let label = |(class, status): (&'static str, Status)| (class, super::status::of(status, lang).label);
    OUTCOMES.map(label).into()
}

/// `14:05`, `14:00`, `11-26`.
fn begin(at: Millis, window: Window) -> String {
    let local = at.erp_local();
    let part = if window == Window::Month { 5..10 } else { 11..16 };
    local.get(part).unwrap_or_default().to_owned()
}

/// Lines stand at whole numbers only.
fn whole_number(value: f64) -> String {
    if value.fract() == 0.0 { number(value as i64) } else { String::new() }
}

fn outcomes(history: &History) -> Vec<Series> {
    let of = |status| history.slots.iter().map(|(_, happened)| happened.reached(status) as f64).collect();
    OUTCOMES.map(|(class, status)| (class, of(status))).into()
}

/// How many were received, slot by slot.
fn received(history: &History) -> Vec<f64> {
    history.slots.iter().map(|(_, happened)| happened.received as f64).collect()
}

fn spans(history: &History, lang: Lang) -> Chart {
    let of = |percent| {
        let seconds = |happened: &Happened| happened.took.percentile(percent).unwrap_or_default().as_secs_f64();
        history.slots.iter().map(|(_, happened)| seconds(happened)).collect()
    };
    let lines = LINES.map(|seconds| (seconds as f64, format::span(Duration::from_secs(seconds), lang)));
    Chart::stepped(&[("p90", of(90)), ("p50", of(50))], &lines)
}

fn row(happened: &Happened, begin: String, lang: Lang) -> Row {
    let states = OUTCOMES.map(|(_, status)| number(happened.reached(status)));
    let spans = [50, 90].map(|percent| at_most(happened, percent, lang));
    Row { begin, cells: [number(happened.received)].into_iter().chain(states).chain(spans).collect() }
}

/// `≤ 5.0 秒`, or nothing where nothing came to the ERP.
fn at_most(happened: &Happened, percent: i64, lang: Lang) -> String {
    match happened.took.percentile(percent) {
        Some(span) => format!("≤ {}", format::span(span, lang)),
        None if happened.took.count() > 0 => lang.words().overview.over_a_month.to_owned(),
        None => lang.words().frame.empty.to_owned(),
    }
}

/// From the platform to the ERP: what was received, what of it may go in, what is in; apart, what waits for a customer, be it a
/// stranger's message or a refused deal. Of what came to be held then, no more waits than are held now: what went on may go in.
fn funnel(whole: &Happened, held_now: i64, lang: Lang) -> Vec<Stage> {
    let w = &lang.words().overview;
    let held = whole.reached(Status::Held).min(held_now);
    let let_in = whole.received - whole.reached(Status::NotAdmitted) - whole.reached(Status::Ignored) - held;
    let stage = |(label, count, class): (&'static str, i64, &'static str)| Stage {
        label,
        count: number(count),
        width: u32::try_from(count.max(0) * 100 / whole.received.max(1)).unwrap_or_default().min(100),
        class,
    };
    let way = [
        (w.received, whole.received, "wait"),
        (w.let_in, let_in.max(0), "run"),
        (w.in_erp, whole.reached(Status::Succeeded), "good"),
    ];
    let apart = (held > 0).then_some((lang.words().status.held, held, "wait"));
    way.into_iter().chain(apart).map(stage).collect()
}
