//! What operators do about one event: replay, discard, resolve. Every deed is audited with its reason (`contract.md` §5).

use axum::{Json, extract::State};
use serde::Deserialize;

use super::query::PathId;
use crate::{
    clock::Millis,
    event::{FieldError, Status},
    http::{
        auth::Operator,
        body::{JsonBody, OptionalJsonBody, whole},
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
    #[schema(max_length = 500, pattern = r"^[^\u0000]*$", examples("客户要求重新同步"))]
    pub(crate) reason: Option<String>,
}

/// Why an operator does something to an event, and as what the event was seen.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeedBody {
    /// For the audit log.
    #[schema(max_length = 500, pattern = r"^[^\u0000]*$", examples("客户要求重新同步"))]
    pub(crate) reason: Option<String>,
    /// The event's `updated_at` as the caller saw it: if it has changed since, nothing happens (409 `changed`).
    #[schema(format = DateTime)]
    pub(crate) updated_at: Option<String>,
}

impl DeedBody {
    /// The reason, checked, and when the event had last changed as the caller saw it.
    ///
    /// # Errors
    /// As [`checked_reason`] and [`seen`].
    pub(super) fn read(self) -> Result<(Option<String>, Option<Millis>), Problem> {
        Ok((checked_reason(self.reason)?, seen(self.updated_at.as_deref())?))
    }
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
/// Puts a dead, discarded, held or refused event back into its contact's turn; it resumes after its last confirmed step. One
/// that is queued and waits for its `next_attempt_at` is tried now instead, of the budget that it has.
#[utoipa::path(
    post, path = "/v1/events/{id}/replay", tag = "operations", security(("token" = ["operate"])),
    params(EventPath),
    request_body(content = DeedBody, content_type = "application/json"),
    responses(
        (status = 200, description = "Back in its turn", body = Moved),
        DeedRefusals,
    ),
)]
pub(crate) async fn replay_event(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    OptionalJsonBody(body): OptionalJsonBody<DeedBody>,
) -> Result<Json<Moved>, Problem> {
    replay(&state, &operator, id, body).await.map(Json)
}

/// Puts an event back into its contact's turn.
///
/// # Errors
/// [`Problem::EventNotFound`], [`Problem::WrongState`], [`Problem::Changed`], or that the body is not valid.
pub(crate) async fn replay(
    state: &HttpState,
    Operator(caller): &Operator,
    id: PathId,
    body: DeedBody,
) -> Result<Moved, Problem> {
    let ((reason, seen), id) = (body.read()?, id.event()?);
    let (store, event, actor) = (state.store.clone(), id.clone(), caller.actor());
    state.undisturbed(async move { store.replay(&event, &actor, reason.as_deref(), seen).await }).await?;
    Ok(Moved { id, status: Status::Queued })
}

/// Discard one event
///
/// Gives an event up that has not taken effect; later events of its contact go on. A `reason` is recorded in the audit log and
/// may be left out; people at the console have to give one.
#[utoipa::path(
    post, path = "/v1/events/{id}/discard", tag = "operations", security(("token" = ["operate"])),
    params(EventPath),
    request_body(content = DeedBody, content_type = "application/json"),
    responses(
        (status = 200, description = "Given up", body = Moved),
        DeedRefusals,
    ),
)]
pub(crate) async fn discard_event(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    OptionalJsonBody(body): OptionalJsonBody<DeedBody>,
) -> Result<Json<Moved>, Problem> {
    discard(&state, &operator, id, body).await.map(Json)
}

/// Gives an event up.
///
/// # Errors
/// As [`replay`].
pub(crate) async fn discard(
    state: &HttpState,
    Operator(caller): &Operator,
    id: PathId,
    body: DeedBody,
) -> Result<Moved, Problem> {
    let ((reason, seen), id) = (body.read()?, id.event()?);
    let (store, event, actor) = (state.store.clone(), id.clone(), caller.actor());
    state.undisturbed(async move { store.discard(&event, &actor, reason.as_deref(), seen).await }).await?;
    Ok(Moved { id, status: Status::Discarded })
}

/// What a person decided about an event that needs review (人工处理).
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResolveBody {
    /// `done`: the step in question took effect. `resend`: it did not, send it again. `link`: the contact is customer `ord`.
    pub decision: DecisionWord,
    /// The customer's record, for `link` only.
    #[serde(default, deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub ord: Option<i64>,
    /// For the audit log.
    #[schema(max_length = 500, pattern = r"^[^\u0000]*$")]
    pub reason: Option<String>,
    /// The event's `updated_at` as the caller saw it: if it has changed since, nothing is decided (409 `changed`).
    #[schema(format = DateTime)]
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

#[cfg(test)]
#[path = "operations_tests.rs"]
mod tests;
