//! `/console/events/{id}`: the journey of one event, what comes next, and the one thing to do about it.

mod act;
mod amend;
mod journey;
mod review;
mod times;

use askama::Template;
use axum::{extract::State, response::Response};
use serde_json::Value;

pub(super) use self::{
    act::{discard, replay, resolve},
    amend::{amend, replan},
};
use self::{journey::Journey, review::Review};
use super::{
    facts::{Fact, facts},
    fault::Fault,
    frame::{Frame, Nav, page},
    status::{self, Shown},
    visit::Visit,
    words::{Lang, kind},
};
use crate::{
    event::{Status, Transition, cause},
    http::{
        HttpState,
        api::{
            contacts,
            events::{self, SightParams},
            query::PathId,
            views::EventDetail,
        },
    },
};

/// Sections of a body.
const SECTIONS: [&str; 4] = ["contact", "thread", "signal", "deal"];

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
    note: String,
    hint: String,
    journey: Journey,
    facts: Vec<Fact>,
    raw: Option<String>,
    /// The body as somebody corrected it, and whether anybody did.
    raw_amended: Option<String>,
    is_amended: bool,
    /// The fields of the form that corrects it; none where that is not possible.
    amend: Vec<amend::Field>,
    review: Option<Review>,
    may_replay: bool,
    may_replan: bool,
    may_discard: bool,
    /// Whether the ERP can be asked for its customer.
    may_look: bool,
    /// The cause in the to-do list that the event was opened from.
    todo: String,
    /// When its state had last changed as this page shows it; what is decided here counts for that alone.
    updated_at: String,
}

/// `GET /console/events/{id}`
pub(super) async fn show(State(state): State<HttpState>, id: PathId, visit: Visit) -> Result<Response, Fault> {
    let event = events::detail(&state, &visit.caller, id, &SightParams::default()).await?;
    let frame = Frame::of(&state, &visit, Nav::Events);
    let lang = visit.lang;
    let may = |happened| visit.is_operator() && event.item.status.after(happened).is_ok();
    let may_amend = may(Transition::Replayed) && matches!(event.item.status, Status::Dead | Status::NeedsReview);
    let may_amend = may_amend && event.payload.is_some();
    let is_linked = match &event.item.contact_id {
        Some(contact) => contacts::link(&state, &visit.caller, PathId(contact.clone())).await.is_ok(),
        None => false,
    };
    let raw = |body: &Value| serde_json::to_string_pretty(body).ok().filter(|_| visit.is_operator());
    page(&EventPage {
        kind: kind(lang, &event.item.kind).to_owned(),
        contact: event.item.contact_id.clone(),
        name: name(event.amended.as_ref().or(event.payload.as_ref())),
        webhook_id: event.item.webhook_id.clone(),
        shown: status::of_event(&event.item, lang),
        note: status::note(&event.item, frame.now, lang),
        hint: hint(&event, lang),
        journey: Journey::of(&event, frame.now, lang),
        facts: event
            .amended
            .as_ref()
            .or(event.payload.as_ref())
            .map(|payload| facts(payload, &SECTIONS, lang))
            .unwrap_or_default(),
        raw: event.payload.as_ref().and_then(raw),
        raw_amended: event.amended.as_ref().and_then(raw),
        is_amended: event.amended.is_some(),
        amend: if may_amend { amend::fields(&event, lang) } else { Vec::new() },
        review: Review::of(&event, lang).filter(|_| event.item.status == Status::NeedsReview),
        may_replay: may(Transition::Replayed) && event.payload.is_some() && event.item.status != Status::NeedsReview,
        may_replan: may_amend,
        may_discard: may(Transition::Discarded),
        may_look: is_linked && visit.is_operator(),
        todo: visit.query.text("todo").unwrap_or_default(),
        updated_at: event.item.updated_at,
        id: event.item.id,
        frame,
    })
}

/// The contact's name in a body; empty if it does not tell.
pub(super) fn name(payload: Option<&Value>) -> String {
    let name = payload.and_then(|payload| payload.pointer("/data/contact/name")).and_then(Value::as_str);
    name.unwrap_or_default().to_owned()
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
