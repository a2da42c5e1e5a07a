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
        body::{JsonBody, OptionalJsonBody},
        keys::Caller,
        openapi::parts::MessagePath,
        problem::{Problem, ProblemDocument},
        state::HttpState,
    },
    store::{Addressee, Message, MessageDeed},
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
pub(crate) struct MessageMoved {
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
        Some(_) => return Err(query::invalid("state", "应为 dead 或 waiting", "dead or waiting")),
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
    change(&state, &operator, id, MessageDeed::Replay, body.reason).await.map(Json)
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
    change(&state, &operator, id, MessageDeed::Discard, body.reason).await.map(Json)
}

/// Has a dead message tried again, or gives it up.
///
/// # Errors
/// [`Problem::MessageNotFound`], or what is wrong with the reason.
pub(crate) async fn change(
    state: &HttpState,
    Operator(caller): &Operator,
    id: PathId,
    deed: MessageDeed,
    reason: Option<String>,
) -> Result<MessageMoved, Problem> {
    let (reason, id) = (checked_reason(reason)?, id.message()?);
    let (store, message, actor) = (state.store.clone(), id.clone(), caller.actor());
    let change = async move { store.change_message(&message, deed, &actor, reason.as_deref()).await };
    // The ledger says of everything alike that it is not there.
    state.undisturbed(change).await.map_err(|problem| match problem {
        Problem::EventNotFound => Problem::MessageNotFound,
        other => other,
    })?;
    let state = match deed {
        MessageDeed::Replay => "waiting",
        MessageDeed::Discard => "discarded",
    };
    Ok(MessageMoved { id, state })
}

/// Whom messages are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum AddresseeWord {
    /// Write-back.
    Platform,
    /// Alert robots and receivers.
    Alerts,
}

/// Which dead messages are tried again.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct OutboxReplayBody {
    to: AddresseeWord,
    /// For the audit log.
    #[schema(max_length = 500, pattern = r"^[^\u0000]*$", examples("中台地址已修正"))]
    reason: Option<String>,
}

/// How many messages wait again.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct MessagesReplayed {
    /// Dead messages that are tried again.
    pub replayed: i64,
}

/// Deliver all dead messages again
///
/// Those for one addressee, with a fresh budget of attempts; each is audited as `outbox.replay`. Those of a contact go in the
/// order of their writing, and what waits for the contact since goes behind them.
#[utoipa::path(
    post, path = "/v1/outbox/replay", tag = "operations", security(("token" = ["operate"])),
    request_body(content = OutboxReplayBody, content_type = "application/json"),
    responses((status = 200, description = "How many", body = MessagesReplayed)),
)]
pub(in crate::http) async fn replay_messages(
    State(state): State<HttpState>,
    operator: Operator,
    JsonBody(body): JsonBody<OutboxReplayBody>,
) -> Result<Json<MessagesReplayed>, Problem> {
    let to = match body.to {
        AddresseeWord::Platform => Addressee::Platform,
        AddresseeWord::Alerts => Addressee::People,
    };
    replay_all(&state, &operator, to, body.reason).await.map(Json)
}

/// Has every dead message for somebody tried again.
///
/// # Errors
/// What is wrong with the reason.
pub(crate) async fn replay_all(
    state: &HttpState,
    Operator(caller): &Operator,
    to: Addressee,
    reason: Option<String>,
) -> Result<MessagesReplayed, Problem> {
    let reason = checked_reason(reason)?;
    let (store, actor) = (state.store.clone(), caller.actor());
    let replay = async move { store.replay_messages(to, &actor, reason.as_deref()).await };
    Ok(MessagesReplayed { replayed: state.undisturbed(replay).await? })
}

/// How many messages nobody tries to deliver any more, for each addressee.
///
/// # Errors
/// That the ledger cannot be read.
pub(crate) async fn dead(state: &HttpState) -> Result<Vec<(Addressee, i64)>, Problem> {
    let mut counts = Vec::new();
    for to in Addressee::ALL {
        counts.push((to, state.store.outbox_waits(to).await?.dead));
    }
    Ok(counts)
}
