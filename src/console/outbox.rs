//! `/console/outbox`: what others could not be told, and what they are still to be told.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    fault::Fault,
    form::Fields,
    format::{Moment, moment, number},
    frame::{Frame, Nav, page},
    visit::{Change, Visit},
    words::{Lang, addressee, fill, told},
};
use crate::{
    clock::Millis,
    http::{
        HttpState,
        api::{
            outbox::{self, MessageItem},
            query::{self, DEFAULT_LIMIT, PathId},
        },
        problem::Problem,
    },
};

/// Where it is.
pub(super) const PATH: &str = "/console/outbox";

/// A message.
struct Row {
    id: String,
    to: String,
    what: String,
    /// The page of its event or contact, and that one's id.
    about: Option<(String, String)>,
    attempts: String,
    outcome: String,
    written: Moment,
    /// When it is sent next; none while an older one of its contact waits.
    next: Option<Moment>,
}

#[derive(Template)]
#[template(path = "outbox.html")]
struct OutboxPage {
    frame: Frame,
    rows: Vec<Row>,
    waiting: bool,
    may_act: bool,
    older: Option<String>,
    newest: Option<String>,
}

/// `GET /console/outbox`, and with `?state=waiting` what is still to be delivered.
pub(super) async fn list(State(state): State<HttpState>, visit: Visit) -> Result<Response, Fault> {
    let waiting = match visit.query.get("state") {
        None => false,
        Some("waiting") => true,
        Some(_) => return Err(Problem::InvalidQuery("state".into(), "waiting".into()).into()),
    };
    let before = query::cursor(visit.query.get("cursor"))?;
    let found = outbox::messages(&state, &visit.caller, !waiting, before, DEFAULT_LIMIT).await?;
    let frame = Frame::of(&state, &visit, Nav::Outbox);
    let (lang, now) = (frame.lang, frame.now);
    page(&OutboxPage {
        rows: found.items.into_iter().map(|item| row(item, now, lang)).collect(),
        waiting,
        may_act: visit.is_operator() && !waiting,
        older: found.next_cursor.map(|cursor| visit.query.address(PATH, &[("cursor", &cursor)])),
        newest: visit.query.get("cursor").map(|_| visit.query.address(PATH, &[("cursor", "")])),
        frame,
    })
}

fn row(item: MessageItem, now: Millis, lang: Lang) -> Row {
    let event = item.event_id.map(|id| (format!("/console/events/{id}"), id));
    let contact = item.contact_id.map(|id| (format!("/console/contacts/{id}"), id));
    Row {
        id: item.id,
        to: addressee(lang, &item.to).to_owned(),
        what: told(lang, &item.kind).to_owned(),
        about: contact.or(event),
        attempts: match item.attempts {
            0 => String::new(),
            attempts => fill(lang.words().outbox.attempts, &[&number(attempts)]),
        },
        outcome: item.error.unwrap_or_default(),
        written: moment(&item.created_at, now, lang),
        next: item.next_attempt_at.map(|at| moment(&at, now, lang)),
    }
}

/// `POST /console/outbox/{id}/replay`
pub(super) async fn replay(
    State(state): State<HttpState>,
    id: PathId,
    Change { operator, .. }: Change,
) -> Result<Response, Fault> {
    outbox::replay(&state, &operator, id, None).await?;
    Ok(done("message_replayed"))
}

/// `POST /console/outbox/{id}/discard`
pub(super) async fn discard(
    State(state): State<HttpState>,
    id: PathId,
    Change { operator, form }: Change,
) -> Result<Response, Fault> {
    outbox::discard(&state, &operator, id, form.text("reason")).await?;
    Ok(done("discarded"))
}

fn done(deed: &str) -> Response {
    Redirect::to(&Fields::default().address(PATH, &[("done", deed)])).into_response()
}
