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
    visit::{Change, Sent, Visit},
    words::{Lang, addressee, fill, robot, told},
};
use crate::{
    clock::Millis,
    event::FieldError,
    http::{
        HttpState, TriedTarget,
        api::{
            alerts,
            outbox::{self, MessageItem},
            query::{self, DEFAULT_LIMIT, PathId},
        },
        auth::Operator,
        problem::Problem,
    },
    store::{Addressee, MessageDeed},
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

/// All dead messages for somebody.
struct Together {
    to: &'static str,
    /// How many, in words.
    label: String,
}

/// What a target of alerts said to a test message.
struct Heard {
    robot: &'static str,
    host: String,
    ok: bool,
    refusal: String,
}

#[derive(Template)]
#[template(path = "outbox.html")]
struct OutboxPage {
    frame: Frame,
    rows: Vec<Row>,
    waiting: bool,
    may_act: bool,
    /// What can be sent again together.
    together: Vec<Together>,
    /// What was just tested; `None` if nothing was.
    tested: Option<Vec<Heard>>,
    older: Option<String>,
    newest: Option<String>,
}

/// `GET /console/outbox`, and with `?state=waiting` what is still to be delivered.
pub(super) async fn list(State(state): State<HttpState>, visit: Visit) -> Result<Response, Fault> {
    shown(&state, &visit, None).await
}

async fn shown(state: &HttpState, visit: &Visit, tested: Option<Vec<TriedTarget>>) -> Result<Response, Fault> {
    let waiting = match visit.query.get("state") {
        None => false,
        Some("waiting") => true,
        Some(_) => return Err(query::invalid("state", "应为 waiting", "waiting").into()),
    };
    let before = query::cursor(visit.query.get("cursor"))?;
    let found = outbox::messages(state, &visit.caller, !waiting, before, DEFAULT_LIMIT).await?;
    let may_act = visit.is_operator() && !waiting;
    let dead = if may_act { outbox::dead(state).await? } else { Vec::new() };
    let frame = Frame::of(state, visit, Nav::Outbox);
    let (lang, now) = (frame.lang, frame.now);
    page(&OutboxPage {
        rows: found.items.into_iter().map(|item| row(item, now, lang)).collect(),
        waiting,
        may_act,
        together: dead
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(to, count)| together(to, count, lang))
            .collect(),
        tested: tested.map(|targets| targets.into_iter().map(|target| heard(target, lang)).collect()),
        older: found.next_cursor.map(|cursor| visit.query.address(PATH, &[("cursor", &cursor)])),
        newest: visit.query.get("cursor").map(|_| visit.query.address(PATH, &[("cursor", "")])),
        frame,
    })
}

fn together(to: Addressee, count: i64, lang: Lang) -> Together {
    let label = fill(lang.words().outbox.replay_all, &[&addressee(lang, to.as_str()), &number(count)]);
    Together { to: to.as_str(), label }
}

fn heard(target: TriedTarget, lang: Lang) -> Heard {
    let refusal = target.refusal.as_deref().map(|words| lang.part(words).to_owned()).unwrap_or_default();
    Heard { robot: robot(lang, target.kind), host: target.host, ok: target.ok, refusal }
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
        outcome: item.error.map(|said| outcome(&said, lang)).unwrap_or_default(),
        written: moment(&item.created_at, now, lang),
        next: item.next_attempt_at.map(|at| moment(&at, now, lang)),
    }
}

/// What the addressee said; where several targets of alerts were tried each said something, behind its name.
fn outcome(said: &str, lang: Lang) -> String {
    let one = |said: &str| match said.split_once(": ") {
        Some((target, words)) => format!("{target}: {}", lang.part(words)),
        None => lang.part(said).to_owned(),
    };
    said.split("; ").map(one).collect::<Vec<_>>().join("; ")
}

/// `POST /console/outbox/{id}/replay`
pub(super) async fn replay(state: State<HttpState>, id: PathId, change: Change) -> Result<Response, Fault> {
    act(state, id, change, MessageDeed::Replay, "message_replayed").await
}

/// `POST /console/outbox/{id}/discard`
pub(super) async fn discard(state: State<HttpState>, id: PathId, change: Change) -> Result<Response, Fault> {
    act(state, id, change, MessageDeed::Discard, "discarded").await
}

async fn act(
    State(state): State<HttpState>,
    id: PathId,
    Change { operator, form }: Change,
    deed: MessageDeed,
    said: &str,
) -> Result<Response, Fault> {
    outbox::change(&state, &operator, id, deed, form.text("reason")).await?;
    Ok(done(said))
}

/// `POST /console/outbox/replay`: all that are dead for one addressee.
pub(super) async fn replay_all(
    State(state): State<HttpState>,
    Change { operator, form }: Change,
) -> Result<Response, Fault> {
    let to = Addressee::ALL.into_iter().find(|to| form.get("to") == Some(to.as_str()));
    let nobody = FieldError::new("/to", "请选择发给谁 (choose for whom)");
    let to = to.ok_or_else(|| Problem::Invalid(vec![nobody]))?;
    outbox::replay_all(&state, &operator, to, form.text("reason")).await?;
    Ok(done("message_replayed"))
}

/// `POST /console/outbox/test`: answers with the page itself, with what each target of alerts said.
pub(super) async fn test(State(state): State<HttpState>, Sent { visit, .. }: Sent) -> Result<Response, Fault> {
    let operator = Operator::of(visit.caller.clone())?;
    let tested = alerts::test(&state, &operator).await?;
    shown(&state, &visit, Some(tested.targets)).await
}

fn done(deed: &str) -> Response {
    Redirect::to(&Fields::default().address(PATH, &[("done", deed)])).into_response()
}
