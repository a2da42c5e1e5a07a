//! `/console/not-admitted`: whom the rules kept out and why, and how many more other rules would let in.

use askama::Template;
use axum::{extract::State, response::Response};

use super::{
    csv,
    events::moment_of_form,
    fault::Fault,
    form::Fields,
    format::{Moment, exact, moment, number},
    frame::{Frame, Nav, page},
    visit::Visit,
    why::Why,
    words::{Lang, Words, fill, kind, kinds, rule},
};
use crate::{
    clock::Millis,
    event::{FieldError, Rule},
    http::{
        HttpState,
        api::{
            names::{self, Names},
            not_admitted::{self, COUNTED_MAX, JUDGED_MAX, NotAdmittedItem, NotAdmittedParams, RuleCounts, WhatIf},
            query::DEFAULT_LIMIT,
        },
        problem::Problem,
    },
};

/// Where it is.
pub(super) const PATH: &str = "/console/not-admitted";
/// The same as a file.
pub(super) const CSV_PATH: &str = "/console/not-admitted.csv";
/// Scores that there are.
const SCORES: std::ops::RangeInclusive<f64> = 0.0..=100.0;

/// An event that was not admitted.
struct Row {
    id: String,
    kind: String,
    contact: String,
    /// What the contact is called; empty where that is not known.
    name: String,
    rules: String,
    /// What each of them found, where the caller may see it.
    found: Vec<Why>,
    received: Moment,
}

/// How many a rule kept out.
struct Count {
    code: &'static str,
    name: &'static str,
    count: String,
    is_zero: bool,
}

#[derive(Template)]
#[template(path = "not_admitted.html")]
struct NotAdmittedPage {
    frame: Frame,
    rows: Vec<Row>,
    counts: Vec<Count>,
    counted: String,
    kinds: Vec<(&'static str, &'static str, bool)>,
    /// The filters, for the form that asks what if.
    hidden: Vec<(&'static str, String)>,
    since: String,
    until: String,
    narrowed: bool,
    score: String,
    rules: Vec<(&'static str, &'static str, bool)>,
    /// How many are judged and counted at most.
    sampled: String,
    /// What the other rules would do; empty if nobody asked.
    what_if: String,
    what_if_looked_at: String,
    older: Option<String>,
    newest: Option<String>,
    csv: String,
}

/// `GET /console/not-admitted`
pub(super) async fn list(State(state): State<HttpState>, visit: Visit) -> Result<Response, Fault> {
    let (query, params) = (&visit.query, params(&visit.query));
    let (items, next) = not_admitted::list(&state, &visit.caller, &params, DEFAULT_LIMIT).await?;
    let contacts = items.iter().map(|item| (item.id.as_str(), item.contact_id.as_deref()));
    let names = names::of_contacts_in(&state, &visit.caller, contacts).await?;
    let counts = not_admitted::count(&state, &params).await?;
    let asked = Asked::read(query)?;
    let what_if = match &asked {
        Some(asked) => Some(not_admitted::what_if(&state, &params, asked.min_score, &asked.rules).await?),
        None => None,
    };
    let frame = Frame::of(&state, &visit, Nav::NotAdmitted);
    let (w, lang, now) = (frame.w, frame.lang, frame.now);
    let text = |name: &str| query.text(name).unwrap_or_default();
    let chosen = text("type");
    let is_chosen = |rule: &Rule| asked.as_ref().is_some_and(|asked| asked.rules.contains(rule));
    let looked_at = what_if.as_ref().map(|found| looked_at(w, found.looked_at, found.more));
    page(&NotAdmittedPage {
        rows: items.into_iter().map(|item| row(item, &names, now, lang)).collect(),
        counted: counted(w, &counts),
        counts: counts.by_rule.iter().map(|(rule, events)| count(*rule, *events, lang)).collect(),
        kinds: kinds(lang).map(|(name, label)| (name, label, name == chosen)).collect(),
        hidden: ["type", "since", "until"].into_iter().filter_map(|name| Some((name, query.text(name)?))).collect(),
        since: text("since"),
        until: text("until"),
        narrowed: ["type", "since", "until"].iter().any(|name| query.get(name).is_some()),
        score: query.text("score").unwrap_or_else(|| state.rules.borrow().min_score().to_string()),
        rules: Rule::ALL.iter().map(|rule| (rule.as_str(), named(lang, *rule), is_chosen(rule))).collect(),
        sampled: fill(w.not_admitted.sampled, &[&number(JUDGED_MAX), &number(COUNTED_MAX)]),
        what_if: what_if.map(|found| outcome(w, &found)).unwrap_or_default(),
        what_if_looked_at: looked_at.unwrap_or_default(),
        older: next.map(|cursor| query.address(PATH, &[("cursor", &cursor)])),
        newest: query.get("cursor").map(|_| query.address(PATH, &[("cursor", "")])),
        csv: query.address(CSV_PATH, &[("cursor", ""), ("score", ""), ("rule", ""), ("what", "")]),
        frame,
    })
}

/// `GET /console/not-admitted.csv`: the same events as a file, for the platform's people: ids, no names.
pub(super) async fn download(State(state): State<HttpState>, visit: Visit) -> Result<Response, Fault> {
    let (items, next) = not_admitted::list(&state, &visit.caller, &params(&visit.query), csv::ROWS_MAX).await?;
    let (lang, w) = (visit.lang, &visit.lang.words().not_admitted);
    let head = [w.contact, w.kind, w.received, w.rules, w.why, w.event];
    let cut = next.is_some().then_some(visit.lang.words().frame.csv_cut);
    let rows = items.into_iter().map(|item| {
        let found: Vec<String> = found(&item, lang).into_iter().map(Why::whole).collect();
        let (rules, found) = (rules(&item, lang), found.join(lang.pick("；", "; ")));
        let kind = kind(lang, &item.kind).to_owned();
        [item.contact_id.unwrap_or_default(), kind, exact(&item.received_at), rules, found, item.id]
    });
    csv::file("not-admitted", state.clock.now(), head, csv::Rows { rows, cut })
}

fn params(query: &Fields) -> NotAdmittedParams {
    NotAdmittedParams {
        kind: query.text("type"),
        since: query.get("since").map(|text| moment_of_form(text, "00:00:00")),
        until: query.get("until").map(|text| moment_of_form(text, "23:59:59.999")),
        cursor: query.text("cursor"),
    }
}

/// The rules that somebody would try.
struct Asked {
    min_score: Option<f64>,
    rules: Vec<Rule>,
}

impl Asked {
    /// `None` unless the form that asks was sent.
    fn read(query: &Fields) -> Result<Option<Self>, Fault> {
        if query.get("what").is_none() {
            return Ok(None);
        }
        let fault = |pointer: &str, message: &str| Problem::Invalid(vec![FieldError::new(pointer, message)]);
        let min_score = query.get("score").map(str::parse::<f64>).transpose().ok();
        let min_score = min_score.filter(|score| score.is_none_or(|score| SCORES.contains(&score)));
        let min_score =
            min_score.ok_or_else(|| fault("/score", "评分应为 0 到 100 (the score is a number from 0 to 100)"))?;
        let rules: Result<Vec<Rule>, String> = query.all("rule").map(str::parse).collect();
        let rules = rules.map_err(|_| fault("/rule", "没有这条规则 (there is no such rule)"))?;
        Ok(Some(Self { min_score, rules }))
    }
}

fn row(item: NotAdmittedItem, names: &Names, now: Millis, lang: Lang) -> Row {
    Row {
        name: item.contact_id.as_ref().and_then(|contact| names.get(contact)).cloned().unwrap_or_default(),
        rules: match rules(&item, lang) {
            rules if rules.is_empty() => rules,
            rules => fill(lang.words().not_admitted.unmet, &[&rules]),
        },
        found: found(&item, lang),
        kind: kind(lang, &item.kind).to_owned(),
        contact: item.contact_id.unwrap_or_default(),
        received: moment(&item.received_at, now, lang),
        id: item.id,
    }
}

fn rules(item: &NotAdmittedItem, lang: Lang) -> String {
    item.rules.iter().map(|rule| named(lang, *rule)).collect::<Vec<_>>().join(lang.pick("、", ", "))
}

fn found(item: &NotAdmittedItem, lang: Lang) -> Vec<Why> {
    let told = item.rules.iter().zip(&item.messages);
    told.map(|(rule, found)| Why::of_rule(rule.as_str(), found, lang)).collect()
}

fn named(lang: Lang, of: Rule) -> &'static str {
    rule(lang, of.as_str())
}

fn count(rule: Rule, events: usize, lang: Lang) -> Count {
    Count { code: rule.as_str(), name: named(lang, rule), count: whole(events), is_zero: events == 0 }
}

fn counted(w: &Words, counts: &RuleCounts) -> String {
    let of_whom = fill(w.not_admitted.counted, &[&whole(counts.looked_at), &whole(counts.contacts)]);
    if counts.more { format!("{of_whom} · {}", w.not_admitted.more) } else { of_whom }
}

/// What the other rules would do.
fn outcome(w: &Words, found: &WhatIf) -> String {
    fill(w.not_admitted.would_admit, &[&whole(found.events), &whole(found.contacts)])
        + &match found.gone {
            0 => String::new(),
            gone => format!(" · {}", fill(w.not_admitted.gone, &[&whole(gone)])),
        }
}

fn looked_at(w: &Words, events: usize, more: bool) -> String {
    let looked_at = fill(w.not_admitted.looked_at, &[&whole(events)]);
    if more { format!("{looked_at} · {}", w.not_admitted.more) } else { looked_at }
}

fn whole(count: usize) -> String {
    number(i64::try_from(count).unwrap_or(i64::MAX))
}
