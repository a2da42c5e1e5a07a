//! `/v1/outbox`: what is still to be told to others, and what nobody tries to deliver any more.

use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::Value;

use super::{
    audit::PageParams,
    operations::{ReasonBody, checked_reason},
    query::{self, Params, PathId},
};
use crate::{
    clock::Millis,
    config::Scope,
    http::{
        auth::{Operator, Reader},
        body::OptionalJsonBody,
        keys::Caller,
        openapi::parts::MessagePath,
        problem::{Problem, ProblemDocument},
        state::HttpState,
    },
    store::Message,
};

/// Which messages.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct OutboxParams {
    /// `dead`: nobody tries to deliver them any more; `waiting`: they are still to be delivered.
    #[param(nullable = false, value_type = String, required = false, pattern = "^(dead|waiting)?$", default = "dead")]
    state: Option<String>,
}

/// A message to others.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct MessageItem {
    /// The same for every delivery of it (`webhook-id`).
    #[schema(format = "uuid")]
    pub id: String,
    /// For whom: `platform` (write-back) or `alerts`.
    #[schema(examples("platform"))]
    pub to: String,
    /// What it tells of.
    #[serde(rename = "type")]
    #[schema(examples("contact.linked"))]
    pub kind: String,
    /// Of which event.
    pub event_id: Option<String>,
    /// Of which contact.
    pub contact_id: Option<String>,
    /// When it was written, in the transaction of what it tells of.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// How often it was sent.
    pub attempts: i64,
    /// When it is sent next; null while an older one of its contact waits, and once it is dead.
    #[schema(format = DateTime)]
    pub next_attempt_at: Option<String>,
    /// Since when nobody tries any more.
    #[schema(format = DateTime)]
    pub dead_at: Option<String>,
    /// What came of the last time: `HTTP 404`.
    pub error: Option<String>,
    /// What it says; null for `read`.
    #[schema(value_type = Option<Value>)]
    pub data: Option<Value>,
}

impl MessageItem {
    fn of(message: Message, is_operator: bool) -> Self {
        Self {
            id: message.id,
            to: message.to,
            kind: message.kind,
            event_id: message.event_id,
            contact_id: message.contact_id,
            created_at: message.created_at.rfc3339(),
            attempts: message.attempts,
            next_attempt_at: message.due_at.map(Millis::rfc3339),
            dead_at: message.dead_at.map(Millis::rfc3339),
            error: message.error,
            data: is_operator.then_some(message.data),
        }
    }
}

/// A page of messages, newest first.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct MessagePage {
    /// The messages.
    pub items: Vec<MessageItem>,
    /// `cursor` of the next page; null on the last one.
    #[schema(pattern = "^c[0-9]{1,18}$")]
    pub next_cursor: Option<String>,
}

/// What became of a message.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(in crate::http) struct MessageMoved {
    /// The message's id.
    #[schema(format = "uuid")]
    pub id: String,
    /// `waiting` or `discarded`.
    #[schema(value_type = String, examples("waiting"))]
    pub state: &'static str,
}

/// List what could not be delivered to others
///
/// Write-back and alerts, newest first; with `state=waiting` what is still to be delivered.
#[utoipa::path(
    get, path = "/v1/outbox", tag = "observation", params(OutboxParams, PageParams), security(("token" = ["read"])),
    responses((status = 200, description = "A page of messages", body = MessagePage)),
)]
pub(in crate::http) async fn list_outbox(
    State(state): State<HttpState>,
    Reader(caller): Reader,
    Params(params): Params<OutboxParams>,
    Params(page): Params<PageParams>,
) -> Result<Json<MessagePage>, Problem> {
    let dead = match params.state.as_deref() {
        None | Some("" | "dead") => true,
        Some("waiting") => false,
        Some(_) => return Err(Problem::InvalidQuery("state".into(), "dead or waiting".into())),
    };
    let (before, limit) = page.read()?;
    messages(&state, &caller, dead, before, limit).await.map(Json)
}

/// A page of the dead messages, or of those that wait, as the caller may see it; `before` is where the page before ended.
///
/// # Errors
/// That the ledger cannot be read.
pub(crate) async fn messages(
    state: &HttpState,
    caller: &Caller,
    dead: bool,
    before: Option<i64>,
    limit: i64,
) -> Result<MessagePage, Problem> {
    let rows = state.store.messages(dead, before, limit + 1).await?;
    let (rows, next_cursor) = query::page(rows, limit, |row| row.seq);
    let is_operator = caller.scope >= Scope::Operate;
    let items = rows.into_iter().map(|row| MessageItem::of(row, is_operator)).collect();
    Ok(MessagePage { items, next_cursor })
}

/// Deliver a dead message again
///
/// With a fresh budget of attempts; audited as `outbox.replay`. Later messages of its contact may have been delivered before it.
#[utoipa::path(
    post, path = "/v1/outbox/{id}/replay", tag = "operations", security(("token" = ["operate"])),
    params(MessagePath), request_body(content = ReasonBody, content_type = "application/json"),
    responses(
        (status = 200, description = "It waits again", body = MessageMoved),
        (status = 404, description = "No dead message has this id", body = ProblemDocument),
    ),
)]
pub(in crate::http) async fn replay_message(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    OptionalJsonBody(body): OptionalJsonBody<ReasonBody>,
) -> Result<Json<MessageMoved>, Problem> {
    let id = replay(&state, &operator, id, body.reason).await?;
    Ok(Json(MessageMoved { id, state: "waiting" }))
}

/// Has a dead message tried again; answers its id.
///
/// # Errors
/// [`Problem::MessageNotFound`], or what is wrong with the reason.
pub(crate) async fn replay(
    state: &HttpState,
    Operator(caller): &Operator,
    id: PathId,
    reason: Option<String>,
) -> Result<String, Problem> {
    let (reason, id) = (checked_reason(reason)?, id.message()?);
    let (store, message, actor) = (state.store.clone(), id.clone(), caller.actor());
    let replay = async move { store.replay_message(&message, &actor, reason.as_deref()).await };
    state.undisturbed(replay).await.map_err(not_found)?;
    Ok(id)
}

/// Give a dead message up
///
/// Audited as `outbox.discard`.
#[utoipa::path(
    post, path = "/v1/outbox/{id}/discard", tag = "operations", security(("token" = ["operate"])),
    params(MessagePath), request_body(content = ReasonBody, content_type = "application/json"),
    responses(
        (status = 200, description = "It is gone", body = MessageMoved),
        (status = 404, description = "No dead message has this id", body = ProblemDocument),
    ),
)]
pub(in crate::http) async fn discard_message(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    OptionalJsonBody(body): OptionalJsonBody<ReasonBody>,
) -> Result<Json<MessageMoved>, Problem> {
    let id = discard(&state, &operator, id, body.reason).await?;
    Ok(Json(MessageMoved { id, state: "discarded" }))
}

/// Gives a dead message up; answers its id.
///
/// # Errors
/// [`Problem::MessageNotFound`], or what is wrong with the reason.
pub(crate) async fn discard(
    state: &HttpState,
    Operator(caller): &Operator,
    id: PathId,
    reason: Option<String>,
) -> Result<String, Problem> {
    let (reason, id) = (checked_reason(reason)?, id.message()?);
    let (store, message, actor) = (state.store.clone(), id.clone(), caller.actor());
    let discard = async move { store.discard_message(&message, &actor, reason.as_deref()).await };
    state.undisturbed(discard).await.map_err(not_found)?;
    Ok(id)
}

/// The ledger says of everything alike that it is not there.
fn not_found(problem: Problem) -> Problem {
    if problem == Problem::EventNotFound { Problem::MessageNotFound } else { problem }
}
