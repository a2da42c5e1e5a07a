//! `/console/replays` (重放): many events put back as one thing; what it would write, how far it is, the outcome of each.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    csv,
    fault::Fault,
    form::Fields,
    format::{Moment, exact, moment, number},
    frame::{Frame, Nav, page},
    status::{self, Shown},
    visit::{Change, Visit},
    words::{Lang, ReplaysWords, Words, fill, kind, member},
};
use serde_json::Value;

use crate::{
    event::{Forecast, cause},
    http::{
        HttpState,
        api::{
            query::{DEFAULT_LIMIT, PathId},
            replay_views::{ReplayEventItem, ReplayItem, ReplayView},
            replays,
            selection::Selection,
        },
        auth::Operator,
        problem::Problem,
    },
    store::{ReplayDeed, ReplayState},
};

/// Where the list is.
pub(super) const PATH: &str = "/console/replays";

/// A replay of the list.
struct Row {
    id: String,
    state: (&'static str, &'static str),
    filter: String,
    progress: String,
    actor: String,
    created: Moment,
}

#[derive(Template)]
#[template(path = "replays.html")]
struct ReplaysPage {
    frame: Frame,
    rows: Vec<Row>,
    older: Option<String>,
    newest: Option<String>,
}

/// An event of a replay.
struct Event {
    id: String,
    kind: String,
    contact: String,
    forecast: &'static str,
    /// How it stands in the replay.
    state: &'static str,
    /// How it stands altogether.
    shown: Option<Shown>,
    why: String,
}

/// A button that the replay's state allows.
struct Deed {
    name: &'static str,
    label: &'static str,
    is_primary: bool,
}

#[derive(Template)]
#[template(path = "replay.html")]
struct ReplayPage {
    frame: Frame,
    id: String,
    state: (&'static str, &'static str),
    /// What happens now, in a sentence.
    what: String,
    /// Why nothing happens, if nothing does.
    stands_still: &'static str,
    filter: String,
    reason: String,
    actor: String,
    created: Moment,
    more: bool,
    /// Put back and passed over, in percent of all.
    percent: i64,
    progress: String,
    forecast: Vec<(&'static str, String)>,
    outcomes: Vec<(Shown, String)>,
    deeds: Vec<Deed>,
    events: Vec<Event>,
    next: Option<String>,
    first: Option<String>,
}

/// `GET /console/replays`
pub(super) async fn list(State(state): State<HttpState>, visit: Visit) -> Result<Response, Fault> {
    let query = &visit.query;
    let found = replays::list(&state, &visit.caller, query.get("cursor"), DEFAULT_LIMIT).await?;
    let frame = Frame::of(&state, &visit, Nav::Replays);
    let (lang, now) = (frame.lang, frame.now);
    let row = |item: ReplayItem| Row {
        state: state_of(item.state, &lang.words().replays),
        filter: filter_in_words(&item.filter, lang),
        progress: progress(&item, lang.words()),
        created: moment(&item.created_at, now, lang),
        actor: item.actor,
        id: item.id,
    };
    page(&ReplaysPage {
        rows: found.items.into_iter().map(row).collect(),
        older: found.next_cursor.map(|cursor| query.address(PATH, &[("cursor", &cursor)])),
        newest: query.get("cursor").map(|_| PATH.to_owned()),
        frame,
    })
}

/// `GET /console/replays/{id}`
pub(super) async fn show(State(state): State<HttpState>, id: PathId, visit: Visit) -> Result<Response, Fault> {
    let id = id.replay()?;
    let view = replays::view(&state, &visit.caller, &id).await?;
    let cursor = visit.query.get("cursor");
    let events = replays::events(&state, &id, cursor, DEFAULT_LIMIT).await?;
    let frame = Frame::of(&state, &visit, Nav::Replays);
    let (lang, w) = (frame.lang, &frame.w.replays);
    let here = format!("{PATH}/{id}");
    let item = &view.item;
    let stands_still = if item.state == ReplayState::Running { stands_still(&state, w).await? } else { "" };
    page(&ReplayPage {
        state: state_of(item.state, w),
        what: what(item, w),
        stands_still,
        filter: filter_in_words(&item.filter, lang),
        reason: item.reason.clone().unwrap_or_default(),
        actor: item.actor.clone(),
        created: moment(&item.created_at, frame.now, lang),
        more: item.more,
        percent: (item.put_back + item.passed_over) * 100 / item.events.max(1),
        progress: progress(item, frame.w),
        forecast: forecasts(&view, w),
        outcomes: outcomes(&view, lang),
        deeds: if visit.is_operator() { deeds(item.state, w) } else { Vec::new() },
        events: events.items.into_iter().map(|event| row(event, lang)).collect(),
        next: events.next_cursor.map(|cursor| Fields::default().address(&here, &[("cursor", &cursor)])),
        first: cursor.map(|_| here),
        id,
        frame,
    })
}

/// `GET /console/replays/{id}/events.csv`: the outcome of each event as a file.
pub(super) async fn download(State(state): State<HttpState>, id: PathId, visit: Visit) -> Result<Response, Fault> {
    let found = replays::events(&state, &id.replay()?, None, csv::ROWS_MAX).await?;
    let (lang, w) = (visit.lang, &visit.lang.words().replays);
    let head = [w.event, w.kind, w.contact, w.forecast, w.in_replay, w.outcome, w.why];
    let cut = found.next_cursor.is_some().then_some(visit.lang.words().frame.csv_cut);
    let rows = found.items.into_iter().map(|item| {
        let status = item.status.map(|status| status::of(status, lang).label.to_owned()).unwrap_or_default();
        let code = item.error_code.clone().unwrap_or_default();
        let event = row(item, lang);
        [event.id, event.kind, event.contact, event.forecast.to_owned(), event.state.to_owned(), status, code]
    });
    csv::file("replay", state.clock.now(), head, csv::Rows { rows, cut })
}

/// `POST /console/replays`: makes a draft of a cause's events.
pub(super) async fn create(
    State(state): State<HttpState>,
    Change { operator, form }: Change,
) -> Result<Response, Fault> {
    let selection = Selection {
        status: form.text("status"),
        code: form.text("code"),
        reason: form.text("reason"),
        ..Selection::default()
    };
    made(&state, &operator, selection).await
}

/// Makes a draft, and shows what it would write.
pub(super) async fn made(state: &HttpState, operator: &Operator, selection: Selection) -> Result<Response, Fault> {
    let made = replays::create(state, operator, selection).await?;
    Ok(Redirect::to(&format!("{PATH}/{}", made.item.id)).into_response())
}

/// `POST /console/replays/{id}/{deed}`
pub(super) async fn change(
    State(state): State<HttpState>,
    axum::extract::Path((id, deed)): axum::extract::Path<(String, String)>,
    Change { operator, form }: Change,
) -> Result<Response, Fault> {
    let deed = match deed.as_str() {
        "start" => ReplayDeed::Start,
        "pause" => ReplayDeed::Pause,
        "resume" => ReplayDeed::Resume,
        "stop" => ReplayDeed::Stop,
        _ => return Err(Problem::RouteNotFound.into()),
    };
    let view = replays::change(&state, &operator, PathId(id), deed, form.text("reason")).await?;
    Ok(Redirect::to(&format!("{PATH}/{}", view.item.id)).into_response())
}

/// Label and colour of a state.
pub(super) const fn state_of(state: ReplayState, w: &ReplaysWords) -> (&'static str, &'static str) {
    match state {
        ReplayState::Draft => (w.draft, "wait"),
        ReplayState::Running => (w.running, "run"),
        ReplayState::Paused => (w.paused, "warn"),
        ReplayState::Stopped => (w.stopped, "mute"),
        ReplayState::Done => (w.done, "good"),
    }
}

fn what(item: &ReplayItem, w: &ReplaysWords) -> String {
    match item.state {
        ReplayState::Draft => fill(w.draft_what, &[&number(item.events)]),
        ReplayState::Running => w.running_what.to_owned(),
        ReplayState::Paused => fill(w.paused_what, &[&number(item.waiting)]),
        ReplayState::Stopped => fill(w.stopped_what, &[&number(item.waiting)]),
        ReplayState::Done => w.done_what.to_owned(),
    }
}

/// Why a running replay puts nothing back, or why what it has put back does not go into the ERP; empty if all is well.
async fn stands_still(state: &HttpState, w: &'static ReplaysWords) -> Result<&'static str, Problem> {
    let waits = state.store.replay_waits().await?;
    Ok(match state.dispatch.facts().paused {
        Some("login_refused") => w.still_login,
        Some("circuit_open") => w.still_circuit,
        Some("quiet_hours") => w.still_quiet,
        Some(_) => w.still_paused,
        None if !waits.leaves_no_room() => "",
        None if waits.parked > waits.due => w.still_parked,
        None => w.still_busy,
    })
}

fn progress(item: &ReplayItem, w: &Words) -> String {
    let text = fill(w.replays.progress, &[&number(item.put_back), &number(item.events)]);
    match item.passed_over {
        0 => text,
        passed => format!("{text} · {}", fill(w.replays.passed, &[&number(passed)])),
    }
}

/// States as the ledger names them, with commas between them, in words.
pub(super) fn states_in_words(names: &str, lang: Lang) -> String {
    let label = |name: &str| name.parse().map_or(name.to_owned(), |status| status::of(status, lang).label.into());
    names.split(',').map(label).collect::<Vec<_>>().join(lang.pick("、", ", "))
}

/// Which events were asked for, in words: `状态 同步失败 · 原因 …`.
pub(super) fn filter_in_words(filter: &Value, lang: Lang) -> String {
    let w = lang.words();
    let text = |name: &str| filter[name].as_str();
    let ids = filter["ids"].as_array().map(|ids| fill(w.replays.chosen, &[&ids.len()]));
    let status = text("status").map(|names| states_in_words(names, lang));
    let [since, until] = ["since", "until"].map(|name| text(name).map(exact));
    let span = (since.is_some() || until.is_some())
        .then(|| format!("{} ～ {}", since.unwrap_or_default(), until.unwrap_or_default()).trim().to_owned());
    let parts = [
        (w.events.search, text("q").map(str::to_owned)),
        (w.events.status, status),
        (w.events.kind, text("type").map(|name| kind(lang, name).to_owned())),
        (member(lang, "contact.id"), text("contact_id").map(str::to_owned)),
        (w.replays.cause, text("code").map(|code| lang.part(cause(code).message).to_owned())),
        (w.audit.at, span),
    ];
    let parts = parts.into_iter().filter_map(|(label, value)| Some(format!("{label} {}", value?)));
    let flags = [("blocked", w.status.blocked), ("retrying", w.status.retrying)].into_iter();
    let flags = flags.filter(|(name, _)| filter[*name] == true).map(|(_, label)| label.to_owned());
    ids.into_iter().chain(parts).chain(flags).collect::<Vec<_>>().join(" · ")
}

fn forecast_word(forecast: Forecast, w: &ReplaysWords) -> &'static str {
    match forecast {
        Forecast::Create => w.create,
        Forecast::Fill => w.fill,
        Forecast::Record => w.record,
        Forecast::Order => w.order,
        Forecast::Skip => w.skip,
    }
}

fn forecasts(view: &ReplayView, w: &ReplaysWords) -> Vec<(&'static str, String)> {
    let counts = &view.forecast;
    let all = [counts.create, counts.fill, counts.record, counts.order, counts.skip];
    let named = Forecast::ALL.into_iter().zip(all).filter(|(_, count)| *count > 0);
    named.map(|(forecast, count)| (forecast_word(forecast, w), number(count))).collect()
}

fn outcomes(view: &ReplayView, lang: Lang) -> Vec<(Shown, String)> {
    let counted = view.outcomes.iter().filter(|(_, count)| **count > 0);
    counted.filter_map(|(name, count)| Some((status::of(name.parse().ok()?, lang), number(*count)))).collect()
}

/// The buttons of a state, the first one in colour.
fn deeds(state: ReplayState, w: &ReplaysWords) -> Vec<Deed> {
    let all = [
        (ReplayDeed::Start, "start", w.start),
        (ReplayDeed::Resume, "resume", w.resume),
        (ReplayDeed::Pause, "pause", w.pause),
        (ReplayDeed::Stop, "stop", w.stop),
    ];
    let possible = all.into_iter().filter(|(deed, ..)| deed.change().0.contains(&state));
    possible
        .map(|(deed, name, label)| Deed {
            name,
            label,
            is_primary: matches!(deed, ReplayDeed::Start | ReplayDeed::Resume),
        })
        .collect()
}

fn row(item: ReplayEventItem, lang: Lang) -> Event {
    let w = &lang.words().replays;
    Event {
        kind: item.kind.map_or_else(|| w.pruned.to_owned(), |name| kind(lang, &name).to_owned()),
        contact: item.contact_id.unwrap_or_default(),
        forecast: forecast_word(item.forecast, w),
        state: match item.state.as_str() {
            "put_back" => w.put_back,
            "passed_over" => w.passed_over,
            _ => w.waiting,
        },
        shown: item.status.map(|status| status::of(status, lang)),
        why: item.error_code.map(|code| lang.part(cause(&code).message).to_owned()).unwrap_or_default(),
        id: item.event_id,
    }
}
