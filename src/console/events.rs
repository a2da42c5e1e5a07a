//! `/console/events`: what came and what became of it. All filters stand in the address.

use askama::Template;
use axum::{extract::State, response::Response};

use super::{
    fault::Fault,
    form::Fields,
    format::{Moment, moment},
    frame::{Frame, Nav, page},
    status::{self, Shown},
    visit::Visit,
    why::Why,
    words::{Lang, Words, fill, kind, kinds},
};
use crate::{
    clock::Millis,
    event::{Status, cause},
    http::{
        HttpState,
        api::{
            events::{self, ListParams},
            failures,
            names::{self, Names},
            query::DEFAULT_LIMIT,
            views::EventItem,
        },
    },
};

/// Characters of the words beside a state.
const NOTE_CHARS: usize = 200;
/// Where the list is.
pub(super) const PATH: &str = "/console/events";

/// A list that many want: its address, its name, whether it is this one.
struct Preset {
    address: String,
    label: &'static str,
    is_here: bool,
}

/// A filter that narrows the list, and the list without it.
struct Chip {
    label: String,
    address: String,
}

/// An event in the list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) status: Status,
    pub(super) kind: String,
    pub(super) contact: Option<String>,
    /// What the contact is called; empty where that is not known.
    pub(super) name: String,
    pub(super) shown: Shown,
    pub(super) note: Why,
    pub(super) received: Moment,
}

impl Row {
    /// As a list shows it.
    pub(super) fn of(item: &EventItem, now: Millis, lang: Lang) -> Self {
        Self {
            id: item.id.clone(),
            status: item.status,
            kind: kind(lang, &item.kind).to_owned(),
            contact: item.contact_id.clone(),
            name: String::new(),
            shown: status::of_event(item, lang),
            note: status::note(item, now, lang).cut(NOTE_CHARS),
            received: moment(&item.received_at, now, lang),
        }
    }

    /// The rows of a list that names its contacts.
    pub(super) fn named(items: &[EventItem], names: &Names, frame: &Frame) -> Vec<Self> {
        let name = |item: &EventItem| item.contact_id.as_ref().and_then(|contact| names.get(contact)).cloned();
        let row = |item| Self { name: name(item).unwrap_or_default(), ..Self::of(item, frame.now, frame.lang) };
        items.iter().map(row).collect()
    }
}

#[derive(Template)]
#[template(path = "events.html")]
struct EventsPage {
    frame: Frame,
    presets: Vec<Preset>,
    kinds: Vec<(&'static str, &'static str, bool)>,
    /// The causes that there are: code, words, whether it is asked for.
    causes: Vec<(String, &'static str, bool)>,
    rows: Vec<Row>,
    asked: Asked,
    /// The next page, and the first where this is not it; what they are called.
    next: Option<String>,
    first: Option<String>,
    pager: (&'static str, &'static str),
    /// Which come first, the list the other way round, and what that is called.
    order: &'static str,
    other_order: (String, &'static str),
    not_live: &'static str,
    cut: &'static str,
    /// Whether what stands behind these was not looked at yet.
    is_cut: bool,
    empty: &'static str,
    empty_hint: &'static str,
    /// Whether events can be chosen, all that match, too, and whether a replay can do anything about them.
    may_choose: bool,
    may_choose_all: bool,
    may_replay: bool,
}

/// What the form of the page holds.
struct Asked {
    q: String,
    since: String,
    until: String,
    hidden: Vec<(&'static str, String)>,
    /// Every filter, for what is done about all that match.
    filters: Vec<(&'static str, String)>,
    /// What narrows the list and stands in no preset.
    chips: Vec<Chip>,
    clear: Option<&'static str>,
    search_hint: &'static str,
    search_where: &'static str,
}

/// `GET /console/events`
pub(super) async fn list(State(state): State<HttpState>, visit: Visit) -> Result<Response, Fault> {
    let asked_for = params(&visit.query);
    let oldest_first = asked_for.oldest_first()?;
    let found = events::list(&state, &visit.caller, &asked_for).await?;
    let names = names::of_events(&state, &visit.caller, &found.items).await?;
    let codes = failures::codes(&state).await?;
    let frame = Frame::of(&state, &visit, Nav::Events);
    let (lang, query, w) = (visit.lang, &visit.query, visit.lang.words());
    let chosen = query.get("type").unwrap_or_default();
    let narrowed = FILTERS.iter().any(|name| query.get(name).is_some());
    let goes_on = found.next_cursor.is_some();
    let (empty, empty_hint) = match (narrowed, query.get("status")) {
        _ if goes_on && oldest_first => (w.events.none_here_oldest, ""),
        _ if goes_on => (w.events.none_here, ""),
        (false, _) => (w.events.none_yet, w.events.none_yet_hint),
        (true, Some(TROUBLE)) => (w.events.none_trouble, ""),
        (true, _) => (w.events.none_match, ""),
    };
    let is_full = i64::try_from(found.items.len()).is_ok_and(|count| count >= DEFAULT_LIMIT);
    page(&EventsPage {
        is_cut: goes_on && !is_full && query.get("limit").is_none(),
        presets: presets(query, w),
        kinds: kinds(lang).map(|(name, label)| (name, label, name == chosen)).collect(),
        causes: causes(codes, query.get("code"), lang),
        rows: Row::named(&found.items, &names, &frame),
        asked: asked(&visit, w, narrowed),
        next: found.next_cursor.map(|cursor| query.address(PATH, &[("cursor", &cursor)])),
        first: query.get("cursor").map(|_| query.address(PATH, &[("cursor", "")])),
        pager: if oldest_first { (w.events.oldest, w.events.newer) } else { (w.events.newest, w.events.older) },
        order: if oldest_first { w.events.oldest_first } else { w.events.newest_first },
        other_order: other_order(query, oldest_first, w),
        not_live: if oldest_first { w.events.not_live_oldest } else { w.events.not_live },
        cut: if oldest_first { w.events.cut_oldest } else { w.events.cut },
        empty,
        empty_hint,
        may_choose: visit.is_operator(),
        may_choose_all: narrowed && query.get("blocked") != Some("false"),
        may_replay: query.get("blocked") != Some("true"),
        frame,
    })
}

/// What narrows the list, by its names in the address.
const FILTERS: [&str; 9] = ["q", "type", "status", "contact_id", "code", "blocked", "retrying", "since", "until"];
/// States in which an event needs somebody.
pub(super) const TROUBLE: &str = "dead,needs_review";
const WAITING: &str = "queued,running,held";
/// Which events come first, as the address says it.
const OLDEST: &str = "oldest";
const NEWEST: &str = "newest";

/// The filters of an address or a form, as REST takes them.
pub(super) fn params(query: &Fields) -> ListParams {
    ListParams {
        status: query.text("status"),
        kind: query.text("type"),
        contact_id: query.text("contact_id"),
        blocked: query.text("blocked"),
        retrying: query.text("retrying"),
        code: query.text("code"),
        since: query.get("since").map(|text| moment_of_form(text, "00:00:00")),
        until: query.get("until").map(|text| moment_of_form(text, "23:59:59.999")),
        q: query.text("q"),
        order: query.text("order").or_else(|| is_of_trouble(query).then(|| OLDEST.to_owned())),
        limit: query.text("limit"),
        cursor: query.text("cursor"),
    }
}

/// Whether these are events that somebody works through, of which the oldest comes first; not where they are searched: there
/// the newest are looked at first.
fn is_of_trouble(query: &Fields) -> bool {
    let needs_somebody = |name: &str| TROUBLE.split(',').any(|other| other == name);
    let is_searched = ["q", "since", "until"].iter().any(|name| query.get(name).is_some());
    !is_searched && query.get("status").is_some_and(|names| names.split(',').all(needs_somebody))
}

/// The list the other way round, and what that is called.
fn other_order(query: &Fields, oldest_first: bool, w: &'static Words) -> (String, &'static str) {
    let (order, words) =
        if oldest_first { (NEWEST, w.events.to_newest_first) } else { (OLDEST, w.events.to_oldest_first) };
    (query.address(PATH, &[("order", order), ("cursor", "")]), words)
}

/// A date of a form (`2026-11-23`) is a day of the ERP's zone; what is a moment already stays one.
pub(super) fn moment_of_form(text: &str, time: &str) -> String {
    if text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10 {
        format!("{text}T{time}+08:00")
    } else {
        text.to_owned()
    }
}

/// The lists that many want, few enough for a phone; the overview leads to every state.
fn presets(query: &Fields, w: &'static Words) -> Vec<Preset> {
    let status = query.get("status").unwrap_or_default();
    let is_on = |name: &str| query.get(name) == Some("true");
    let (is_blocked, is_retrying) = (is_on("blocked"), is_on("retrying"));
    let at = |status: &str, blocked: &str, retrying: &str| {
        let replaced =
            [("status", status), ("blocked", blocked), ("retrying", retrying), ("order", ""), ("cursor", "")];
        query.address(PATH, &replaced)
    };
    let preset = |label, status_of: &str| Preset {
        address: at(status_of, "", ""),
        label,
        is_here: status == status_of && !is_blocked && !is_retrying,
    };
    vec![
        preset(w.events.preset_all, ""),
        preset(w.events.preset_trouble, TROUBLE),
        preset(w.status.needs_review, Status::NeedsReview.as_str()),
        preset(w.status.dead, Status::Dead.as_str()),
        preset(w.events.preset_waiting, WAITING),
        Preset { address: at("", "", "true"), label: w.status.retrying, is_here: is_retrying },
        Preset { address: at("", "true", ""), label: w.status.blocked, is_here: is_blocked },
        preset(w.status.succeeded, Status::Succeeded.as_str()),
        preset(w.status.not_admitted, Status::NotAdmitted.as_str()),
    ]
}

/// The states that are asked for, where none of the presets says them.
fn states(query: &Fields, lang: Lang) -> Option<String> {
    let asked = query.get("status")?;
    if presets(query, lang.words()).iter().any(|preset| preset.is_here) {
        return None;
    }
    let labels = asked.split(',').filter_map(|name| Some(status::of(name.trim().parse().ok()?, lang).label));
    let labels = labels.collect::<Vec<_>>().join(lang.pick("、", ", "));
    (!labels.is_empty()).then(|| fill(lang.words().events.chip_states, &[&labels]))
}

/// What narrows the list besides its presets, each with the list without it.
fn chips(query: &Fields, lang: Lang) -> Vec<Chip> {
    let w = &lang.words().events;
    let said = |name: &str, words: &str, say: &dyn Fn(&str) -> String| {
        query.get(name).map(|value| fill(words, &[&say(value)]))
    };
    let as_it_is = |value: &str| value.to_owned();
    let all = [
        ("q", said("q", w.chip_search, &as_it_is)),
        ("type", said("type", w.chip_kind, &|name: &str| kind(lang, name).to_owned())),
        ("status", states(query, lang)),
        ("contact_id", said("contact_id", w.chip_contact, &as_it_is)),
        ("code", said("code", w.chip_cause, &|code: &str| lang.part(cause(code).message).to_owned())),
        ("since", said("since", w.chip_since, &as_it_is)),
        ("until", said("until", w.chip_until, &as_it_is)),
    ];
    let chip = |(name, label): (&str, Option<String>)| {
        Some(Chip { label: label?, address: query.address(PATH, &[(name, ""), ("cursor", "")]) })
    };
    all.into_iter().filter_map(chip).collect()
}

/// The causes that can be chosen: those that there are, and the one that is.
fn causes(mut codes: Vec<String>, chosen: Option<&str>, lang: Lang) -> Vec<(String, &'static str, bool)> {
    if let Some(chosen) = chosen.map(str::to_owned).filter(|chosen| !codes.contains(chosen)) {
        codes.push(chosen);
    }
    let shown = |code: String| {
        let is_chosen = chosen == Some(code.as_str());
        let words = lang.part(cause(&code).message);
        (code, words, is_chosen)
    };
    codes.into_iter().map(shown).collect()
}

fn asked(visit: &Visit, w: &'static Words, narrowed: bool) -> Asked {
    let query = &visit.query;
    let text = |name: &str| query.text(name).unwrap_or_default();
    let named = |names: &[&'static str]| names.iter().filter_map(|name| Some((*name, query.text(name)?))).collect();
    Asked {
        q: text("q"),
        since: text("since"),
        until: text("until"),
        hidden: named(&["status", "blocked", "retrying", "contact_id", "order"]),
        filters: named(&FILTERS),
        chips: chips(query, visit.lang),
        clear: narrowed.then_some(PATH),
        search_hint: if visit.is_operator() { w.events.search_hint } else { w.events.search_hint_read },
        search_where: if visit.is_operator() { w.events.search_where } else { w.events.search_where_read },
    }
}
