//! `/console/events/{id}`: the journey of one event, what comes next, and the one thing to do about it.

mod act;
mod amend;
mod journey;
mod lacks;
mod obstacle;
mod review;
mod times;

use askama::Template;
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::Value;

pub(super) use self::{
    act::{discard, replay, resolve},
    amend::{amend, replan},
};
use self::{
    journey::Journey,
    lacks::{Lack, is_worth_a_try, lacks},
    obstacle::Obstacle,
    review::Review,
};
use super::{
    facts::{Fact, facts},
    fault::Fault,
    form::Fields,
    format::{bytes_on_page, cut, number},
    frame::{Frame, Nav, page},
    status::{self, Shown},
    visit::Visit,
    why::Why,
    words::{Lang, fill, kind},
};
use crate::{
    event::{Status, Transition, cause},
    http::{
        HttpState,
        api::{
            contacts,
            events::{self, SightParams},
            preview,
            query::PathId,
            views::{EventDetail, EventItem, WaitsForView},
        },
        problem::Problem,
    },
};

/// Characters of a raw body that are shown.
const RAW_CHARS: usize = 4_000;
/// The bodies of an event, as its record calls them.
const PAYLOAD: &str = "payload";
const AMENDED: &str = "amended";
/// What people do about an event by which it goes on or ends, as the audit log names it, and how many of that are read.
const DEEDS: [&str; 5] = ["event.replay", "event.resolve", "event.amend", "event.replan", "event.discard"];
const DEEDS_READ: i64 = 200;
/// A form that corrects an event stands on the event's page up to so many bytes.
const AMEND_BYTES: usize = 16_000;
/// Characters of what the ERP said.
const NOTE_CHARS: usize = 1_000;
/// Sections of a body.
const SECTIONS: [&str; 4] = ["contact", "thread", "signal", "deal"];

/// A body as it is shown.
struct Raw {
    text: String,
    /// How much of it is shown, and where the whole is; nothing if it is all there.
    cut: Option<(String, String)>,
}

impl Raw {
    /// Of the body that the record of the event calls so; `whole` is written as JSON.
    fn of(id: &str, part: &str, whole: &str, lang: Lang) -> Self {
        let (text, length) = (cut(whole, RAW_CHARS), whole.chars().count());
        let numbers = [RAW_CHARS, length].map(|chars| number(i64::try_from(chars).unwrap_or(i64::MAX)));
        let words = fill(lang.words().event.raw_cut, &[&numbers[0], &numbers[1]]);
        let address = format!("/console/events/{id}/event.json?part={part}");
        Self { text, cut: (length > RAW_CHARS).then_some((words, address)) }
    }
}

#[derive(Template)]
#[template(path = "event.html")]
struct EventPage {
    frame: Frame,
    id: String,
    kind: String,
    contact: Option<String>,
    /// The contact's name, as the caller may see it; empty if the event does not tell.
    name: String,
    webhook_id: Option<String>,
    shown: Shown,
    note: Why,
    hint: String,
    /// The code of what is wrong; empty if nothing is.
    code: String,
    /// The rules that kept it out.
    lacks: Vec<Lack>,
    journey: Journey,
    facts: Vec<Fact>,
    raw: Option<Raw>,
    /// The body as somebody corrected it, and whether anybody did.
    raw_amended: Option<Raw>,
    is_amended: bool,
    /// The fields of the form that corrects it; none where that is not possible.
    amend: Vec<amend::Field>,
    /// Where that form is, if it is too long to stand on every page of the event; and whether it is here.
    amend_apart: Option<String>,
    is_amending: bool,
    review: Option<Review>,
    /// Why it cannot be tried, where people would expect that it can.
    obstacle: Option<Obstacle>,
    /// Whether trying it again is possible, and can do anything.
    may_replay: bool,
    may_replan: bool,
    may_discard: bool,
    /// Whether the ERP can be asked for its customer.
    may_look: bool,
    /// The cause in the to-do list that the event was opened from.
    todo: String,
    /// The next event of that cause.
    next: Option<String>,
    /// When its state had last changed as this page shows it; what is decided here counts for that alone.
    updated_at: String,
}

impl EventPage {
    /// Whether there is anything to say or to do about it; what is empty stands on the page all the same, so that it can be
    /// filled while somebody looks.
    fn has_verdict(&self) -> bool {
        let is_told = !self.note.is_empty() || !self.hint.is_empty() || !self.lacks.is_empty();
        is_told || self.may_replay || self.may_discard || self.review.is_some() || self.obstacle.is_some()
    }
}

/// `GET /console/events/{id}`
pub(super) async fn show(State(state): State<HttpState>, id: PathId, visit: Visit) -> Result<Response, Fault> {
    let event = seen(&state, &visit, id).await?;
    let frame = Frame::of(&state, &visit, Nav::Events);
    let lang = visit.lang;
    let may = |happened| visit.is_operator() && event.item.status.after(happened).is_ok();
    let may_amend = may(Transition::Replayed) && matches!(event.item.status, Status::Dead | Status::NeedsReview);
    let may_amend = may_amend && event.payload.is_some();
    let is_linked = match &event.item.contact_id {
        Some(contact) => contacts::link(&state, &visit.caller, PathId(contact.clone())).await.is_ok(),
        None => false,
    };
    let may_replay = may(Transition::Replayed) || may(Transition::Hastened);
    let may_replay = may_replay && is_worth_a_try(&state, &event, is_linked).await?;
    let todo = visit.query.text("todo").unwrap_or_default();
    let next = [("cause", todo.as_str()), ("after", event.item.id.as_str())];
    let is_amending = visit.query.get("amend") == Some("open");
    let mut amend = if may_amend { amend::fields(&event, lang) } else { Vec::new() };
    let is_long = amend.iter().map(|field| bytes_on_page(&field.value)).sum::<usize>() > AMEND_BYTES;
    let amend_apart = (is_long && !is_amending).then(|| {
        amend.clear();
        Fields::default().address(&visit.path, &[("amend", "open"), ("todo", &todo)])
    });
    let deeds = state.store.deeds_on(&event.item.id, &DEEDS, DEEDS_READ).await.map_err(Problem::from)?;
    let mut journey = Journey::of(&event, &deeds, &state, frame.now, lang);
    if is_amending {
        journey.leave_calls_out();
    }
    // Who sees people masked cannot link them either.
    let filled = |row: &Value| preview::filled_by_link(&state, &event, row);
    let filled = |row: &Value| visit.is_operator().then(|| filled(row)).flatten();
    let raw = |part: &str, body: Option<&Value>| {
        let whole = serde_json::to_string_pretty(body?).ok().filter(|_| visit.is_operator() && !is_amending)?;
        Some(Raw::of(&event.item.id, part, &whole, lang))
    };
    page(&EventPage {
        kind: kind(lang, &event.item.kind).to_owned(),
        contact: event.item.contact_id.clone(),
        name: name(event.amended.as_ref().or(event.payload.as_ref())),
        webhook_id: event.item.webhook_id.clone(),
        shown: status::of_waiting(&event.item, event.waits_for.as_ref(), lang),
        note: status::note_of_waiting(&event.item, event.waits_for.as_ref(), frame.now, lang).cut(NOTE_CHARS),
        hint: hint(&event, lang),
        code: code(&event.item),
        lacks: lacks(&event, lang),
        journey,
        facts: event
            .amended
            .as_ref()
            .or(event.payload.as_ref())
            .map(|payload| facts(payload, &SECTIONS, lang))
            .unwrap_or_default(),
        raw: raw(PAYLOAD, event.payload.as_ref()),
        raw_amended: raw(AMENDED, event.amended.as_ref()),
        is_amended: event.amended.is_some(),
        amend,
        amend_apart,
        is_amending,
        review: Review::of(&event, lang, filled).filter(|_| event.item.status == Status::NeedsReview),
        obstacle: Obstacle::of(&state, &event, visit.is_operator(), lang),
        may_replay,
        may_replan: may_amend,
        may_discard: may(Transition::Discarded),
        may_look: is_linked && visit.is_operator(),
        next: (!todo.is_empty()).then(|| Fields::default().address("/console/todo/next", &next)),
        todo,
        updated_at: event.item.updated_at,
        id: event.item.id,
        frame,
    })
}

/// The event as the caller may see it.
async fn seen(state: &HttpState, visit: &Visit, id: PathId) -> Result<EventDetail, Fault> {
    let event = events::detail(state, &visit.caller, id, &SightParams::default()).await?;
    Ok(EventDetail { waits_for: waits_for(state, &event.item, event.waits_for), ..event })
}

/// For what an event waits. While somebody has paused all of dispatch, nobody notes which events that keeps back.
pub(super) fn waits_for(state: &HttpState, item: &EventItem, noted: Option<WaitsForView>) -> Option<WaitsForView> {
    let is_free = item.status == Status::Queued && noted.is_none();
    let is_kept_back = is_free && state.dispatch.facts().paused == Some("paused");
    if is_kept_back { Some(WaitsForView { paused: Some("all"), ..WaitsForView::default() }) } else { noted }
}

/// `GET /console/events/{id}/event.json`: all that the caller may see of the event, as a file; or, by `?part=`, one of its bodies
/// as whoever copies it wants it.
pub(super) async fn record(State(state): State<HttpState>, id: PathId, visit: Visit) -> Result<Response, Fault> {
    let event = events::detail(&state, &visit.caller, id, &SightParams::default()).await?;
    let text = match visit.query.get("part") {
        None => serde_json::to_string_pretty(&event),
        Some(part) => {
            let body = match part {
                PAYLOAD => event.payload.as_ref(),
                AMENDED => event.amended.as_ref(),
                _ => None,
            };
            serde_json::to_string_pretty(body.ok_or(Problem::RouteNotFound)?)
        }
    };
    let text = text.map_err(|_| Problem::Internal)?;
    let disposition = format!("attachment; filename=\"event-{}.json\"", event.item.id);
    let headers = [(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, text).into_response())
}

/// The contact's name in a body; empty if it does not tell.
pub(super) fn name(payload: Option<&Value>) -> String {
    let name = payload.and_then(|payload| payload.pointer("/data/contact/name")).and_then(Value::as_str);
    name.unwrap_or_default().to_owned()
}

/// What is wrong, by its code: the block that it waits for, or why it failed.
fn code(item: &EventItem) -> String {
    let block = item.blocked_by.as_ref().map(|block| block.code.clone());
    block.or_else(|| item.error.as_ref().map(|error| error.code.clone())).unwrap_or_default()
}

/// What a person can do about it.
fn hint(event: &EventDetail, lang: Lang) -> String {
    let item = &event.item;
    match (&item.blocked_by, &item.error) {
        (Some(block), _) => lang.part(&block.hint).to_owned(),
        (None, Some(error)) if !matches!(item.status, Status::Succeeded | Status::Discarded) => {
            lang.part(&cause(&error.code).hint().to_string()).to_owned()
        }
        _ => String::new(),
    }
}
