//! What operators do about events: replay, discard, resolve. Every deed is audited with its reason (`contract.md` §5).

use axum::{Json, extract::State};
use serde::Deserialize;

use super::{query::PathId, selection::Selection};
use crate::{
    clock::Millis,
    event::{FieldError, Status},
    http::{
        auth::Operator,
        body::{JsonBody, OptionalJsonBody, present, present_whole},
        openapi::parts::{DeedRefusals, EventPath},
        problem::Problem,
        state::HttpState,
    },
    store::Resolution,
};

/// The longest reason of an operator, in characters.
const MAX_REASON_CHARS: usize = 500;

/// The largest `ord` that is believed: beyond it JSON readers lose digits.
const MAX_ORD: i64 = 9_007_199_254_740_991;

/// Why an operator does something.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonBody {
    /// For the audit log.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_length = 500, pattern = r"^[^\u0000]*$", examples("客户要求重新同步"))]
    pub(crate) reason: Option<String>,
}

/// Checks an operator's reason.
///
/// # Errors
/// [`Problem::Invalid`] if it is too long or holds a NUL, which PostgreSQL cannot store.
pub(crate) fn checked_reason(reason: Option<String>) -> Result<Option<String>, Problem> {
    match reason {
        Some(text) if text.chars().count() > MAX_REASON_CHARS || text.contains('\0') => {
            let message = format!("最长 {MAX_REASON_CHARS} 字，不含 NUL (up to {MAX_REASON_CHARS} characters, no NUL)");
            Err(Problem::Invalid(vec![FieldError { pointer: "/reason".into(), message }]))
        }
        reason => Ok(reason),
    }
}

/// Where an event stands after an operator's deed.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Moved {
    /// The event's id.
    #[schema(format = "uuid")]
    pub id: String,
    /// Where it stands now.
    pub status: Status,
}

/// Replay one event
///
/// Puts a dead, discarded, held or refused event back into its contact's turn; it resumes after its last confirmed step.
#[utoipa::path(
    post, path = "/v1/events/{id}/replay", tag = "operations", security(("token" = ["operate"])),
    params(EventPath),
    request_body(content = ReasonBody, content_type = "application/json"),
    responses(
        (status = 200, description = "Back in its turn", body = Moved),
        DeedRefusals,
    ),
)]
pub(crate) async fn replay_event(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    OptionalJsonBody(body): OptionalJsonBody<ReasonBody>,
) -> Result<Json<Moved>, Problem> {
    replay(&state, &operator, id, body.reason).await.map(Json)
}

/// Puts an event back into its contact's turn.
///
/// # Errors
/// [`Problem::EventNotFound`], [`Problem::WrongState`], or that the reason is not valid.
pub(crate) async fn replay(
    state: &HttpState,
    Operator(caller): &Operator,
    id: PathId,
    reason: Option<String>,
) -> Result<Moved, Problem> {
    let reason = checked_reason(reason)?;
    let id = id.event()?;
    let (store, event, actor) = (state.store.clone(), id.clone(), caller.actor());
    state.undisturbed(async move { store.replay(&event, &actor, reason.as_deref()).await }).await?;
    Ok(Moved { id, status: Status::Queued })
}

/// Discard one event
///
/// Gives an event up that has not taken effect; later events of its contact go on.
#[utoipa::path(
    post, path = "/v1/events/{id}/discard", tag = "operations", security(("token" = ["operate"])),
    params(EventPath),
    request_body(content = ReasonBody, content_type = "application/json"),
    responses(
        (status = 200, description = "Given up", body = Moved),
        DeedRefusals,
    ),
)]
pub(crate) async fn discard_event(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    OptionalJsonBody(body): OptionalJsonBody<ReasonBody>,
) -> Result<Json<Moved>, Problem> {
    discard(&state, &operator, id, body.reason).await.map(Json)
}

/// Gives an event up.
///
/// # Errors
/// As [`replay`].
pub(crate) async fn discard(
    state: &HttpState,
    Operator(caller): &Operator,
    id: PathId,
    reason: Option<String>,
) -> Result<Moved, Problem> {
    let reason = checked_reason(reason)?;
    let id = id.event()?;
    let (store, event, actor) = (state.store.clone(), id.clone(), caller.actor());
    state.undisturbed(async move { store.discard(&event, &actor, reason.as_deref()).await }).await?;
    Ok(Moved { id, status: Status::Discarded })
}

/// What a person decided about an event that needs review (人工处理).
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResolveBody {
    /// `done`: the step in question took effect. `resend`: it did not, send it again. `link`: the contact is customer `ord`.
    pub decision: DecisionWord,
    /// The customer's record, for `link` only.
    #[serde(default, deserialize_with = "present_whole")]
    #[schema(nullable = false, minimum = 1, maximum = 9007199254740991_i64)]
    pub ord: Option<i64>,
    /// For the audit log.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_length = 500, pattern = r"^[^\u0000]*$")]
    pub reason: Option<String>,
    /// The event's `updated_at` as the caller saw it: if it has changed since, nothing is decided (409 `changed`).
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, format = DateTime)]
    pub updated_at: Option<String>,
}

/// The decisions that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DecisionWord {
    /// The step took effect.
    Done,
    /// It did not.
    Resend,
    /// The contact is none of the ERP's customers: a new one.
    Recreate,
    /// The contact is this customer.
    Link,
}

impl ResolveBody {
    fn resolution(&self) -> Result<Resolution, Problem> {
        let fault =
            |message: &str| Problem::Invalid(vec![FieldError { pointer: "/ord".into(), message: message.to_owned() }]);
        match (self.decision, self.ord) {
            (DecisionWord::Done, None) => Ok(Resolution::Done),
            (DecisionWord::Resend, None) => Ok(Resolution::Resend),
            (DecisionWord::Recreate, None) => Ok(Resolution::Recreate),
            (DecisionWord::Link, Some(ord)) if (1..=MAX_ORD).contains(&ord) => Ok(Resolution::Link { ord }),
            (DecisionWord::Link, _) => {
                Err(fault("关联需要客户 ID，不小于 1 (link needs the customer's ord, 1 or more)"))
            }
            (DecisionWord::Done | DecisionWord::Resend | DecisionWord::Recreate, Some(_)) => {
                Err(fault("只有关联才填客户 ID (only link takes an ord)"))
            }
        }
    }
}

/// Resolve an event that needs review
///
/// 人工处理: say what became of the step in question, or which customer the contact is. The event goes on from there.
#[utoipa::path(
    post, path = "/v1/events/{id}/resolve", tag = "operations", security(("token" = ["operate"])),
    params(EventPath),
    request_body(content = ResolveBody, content_type = "application/json"),
    responses(
        (status = 200, description = "Decided; back in its turn", body = Moved),
        DeedRefusals,
    ),
)]
pub(crate) async fn resolve_event(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    JsonBody(body): JsonBody<ResolveBody>,
) -> Result<Json<Moved>, Problem> {
    resolve(&state, &operator, id, body).await.map(Json)
}

/// Writes a person's decision and puts the event back into its turn.
///
/// # Errors
/// As [`replay`], or that the decision and its customer do not fit.
pub(crate) async fn resolve(
    state: &HttpState,
    Operator(caller): &Operator,
    id: PathId,
    body: ResolveBody,
) -> Result<Moved, Problem> {
    let resolution = body.resolution()?;
    let (reason, seen) = (checked_reason(body.reason)?, seen(body.updated_at.as_deref())?);
    let id = id.event()?;
    let (store, event, actor) = (state.store.clone(), id.clone(), caller.actor());
    state.undisturbed(async move { store.resolve(&event, &resolution, &actor, reason.as_deref(), seen).await }).await?;
    Ok(Moved { id, status: Status::Queued })
}

/// When the event had last changed, as the caller saw it.
///
/// # Errors
/// [`Problem::Invalid`] if it is no time.
pub(super) fn seen(updated_at: Option<&str>) -> Result<Option<Millis>, Problem> {
    let read = |text: &str| {
        let fault =
            || FieldError::new("/updated_at", "应为事件的 updated_at (must be the event's updated_at, RFC 3339)");
        text.parse::<jiff::Timestamp>().map(Millis::from).map_err(|_| Problem::Invalid(vec![fault()]))
    };
    updated_at.map(read).transpose()
}

/// How many events were put back.
#[derive(Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Replayed {
    /// Events put back into their turn.
    pub replayed: i64,
    /// With `dry_run`: how many would have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub would_replay: Option<i64>,
}

/// Replay all events that match
///
/// Only states from which replay is allowed are touched. What is held is judged anew: a deal by the rules and the facts of
/// now, a message by whether its contact is linked; what still has to wait is held again. `dry_run` counts and changes nothing.
#[utoipa::path(
    post, path = "/v1/events/replay", tag = "operations", security(("token" = ["operate"])),
    request_body(content = Selection, content_type = "application/json"),
    responses((status = 200, description = "How many", body = Replayed)),
)]
pub(crate) async fn replay_events(
    State(state): State<HttpState>,
    operator: Operator,
    JsonBody(body): JsonBody<Selection>,
) -> Result<Json<Replayed>, Problem> {
    let Operator(caller) = &operator;
    let filter = body.read(&Status::REPLAYED_TOGETHER)?;
    let reason = checked_reason(body.reason)?;
    let (store, dry_run, actor) = (state.store.clone(), body.dry_run, caller.actor());
    let replay = async move { store.replay_matching(&filter, dry_run, &actor, reason.as_deref()).await };
    let matched = state.undisturbed(replay).await?;
    Ok(Json(Replayed { replayed: if dry_run { 0 } else { matched }, would_replay: dry_run.then_some(matched) }))
}

/// How many events were given up.
#[derive(Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Discarded {
    /// Events given up.
    pub discarded: i64,
    /// With `dry_run`: how many match.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub would_discard: Option<i64>,
}

/// Give up all events that match
///
/// Those in the states `queued`, `held`, `needs_review`, `dead` and `not_admitted`, in the order of acceptance. Each is
/// audited as `event.discard`. `dry_run` counts and changes nothing.
#[utoipa::path(
    post, path = "/v1/events/discard", tag = "operations", security(("token" = ["operate"])),
    request_body(content = Selection, content_type = "application/json"),
    responses((status = 200, description = "How many", body = Discarded)),
)]
pub(crate) async fn discard_events(
    State(state): State<HttpState>,
    operator: Operator,
    JsonBody(body): JsonBody<Selection>,
) -> Result<Json<Discarded>, Problem> {
    discard_matching(&state, &operator, body).await.map(Json)
}

/// Gives all events up that match, or counts them.
///
/// # Errors
/// [`Problem::Invalid`] if nothing narrows them, or that a member cannot be read.
pub(crate) async fn discard_matching(
    state: &HttpState,
    Operator(caller): &Operator,
    body: Selection,
) -> Result<Discarded, Problem> {
    let filter = body.read(&Status::DISCARDED_TOGETHER)?;
    let reason = checked_reason(body.reason)?;
    if body.dry_run {
        let would_discard = Some(state.store.count_matching(&filter).await?);
        return Ok(Discarded { discarded: 0, would_discard });
    }
    let (store, actor) = (state.store.clone(), caller.actor());
    let discard = async move { store.discard_matching(&filter, &actor, reason.as_deref()).await };
    Ok(Discarded { discarded: state.undisturbed(discard).await?, would_discard: None })
}

#[cfg(test)]
#[path = "operations_tests.rs"]
mod tests;
