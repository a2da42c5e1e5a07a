//! What operators do about events: replay, discard, resolve. Every deed is audited with its reason (`contract.md` §5).

use axum::{Json, extract::State};
use serde::Deserialize;

use super::query::{FilterText, PathId};
use crate::{
    event::{FieldError, Status},
    http::{
        auth::Operator,
        body::{JsonBody, OptionalJsonBody, present, present_whole},
        openapi::parts::{DeedRefusals, EventPath},
        problem::Problem,
        state::HttpState,
    },
    store::{EventFilter, Resolution},
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
            let message = format!("up to {MAX_REASON_CHARS} characters, no NUL");
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
            (DecisionWord::Link, _) => Err(fault("link needs the customer's ord, 1 or more")),
            (DecisionWord::Done | DecisionWord::Resend | DecisionWord::Recreate, Some(_)) => {
                Err(fault("only link takes an ord"))
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
    let reason = checked_reason(body.reason)?;
    let id = id.event()?;
    let (store, event, actor) = (state.store.clone(), id.clone(), caller.actor());
    state.undisturbed(async move { store.resolve(&event, &resolution, &actor, reason.as_deref()).await }).await?;
    Ok(Moved { id, status: Status::Queued })
}

/// Which events to replay; at least one member that narrows them.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayFilter {
    /// States, separated by commas, of those from which replay is allowed; `dead` if none is named.
    #[serde(default, deserialize_with = "present")]
    #[schema(
        nullable = false,
        pattern = "^(dead|not_admitted|discarded|held)(,(dead|not_admitted|discarded|held))*$",
        examples("dead")
    )]
    pub status: Option<String>,
    /// Event type.
    #[serde(rename = "type", default, deserialize_with = "present")]
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$",
        examples("deal.closed")
    )]
    pub kind: Option<String>,
    /// Whose events.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, pattern = "^[A-Za-z0-9_-]{1,48}$")]
    pub contact_id: Option<String>,
    /// The error's code.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, pattern = "^[a-z_]{1,40}$", examples("refused"))]
    pub code: Option<String>,
    /// Received at or after this moment.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, format = DateTime)]
    pub since: Option<String>,
    /// Received before this moment.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, format = DateTime)]
    pub until: Option<String>,
    /// Part of the id, webhook id, contact id or error text.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub q: Option<String>,
    /// Only count.
    #[serde(default)]
    pub dry_run: bool,
}

impl ReplayFilter {
    fn read(&self) -> Result<EventFilter, Problem> {
        let invalid = |pointer: String, message: String| Problem::Invalid(vec![FieldError { pointer, message }]);
        let members = [
            ("status", self.status.as_deref()),
            ("type", self.kind.as_deref()),
            ("contact_id", self.contact_id.as_deref()),
            ("since", self.since.as_deref()),
            ("until", self.until.as_deref()),
            ("code", self.code.as_deref()),
            ("q", self.q.as_deref()),
        ];
        if let Some((name, _)) = members.iter().find(|(_, text)| *text == Some("")) {
            return Err(invalid(format!("/{name}"), "may not be empty".into()));
        }
        if members.iter().all(|(_, text)| text.is_none()) {
            let message = "name at least one of status, type, contact_id, code, since, until, q";
            return Err(invalid(String::new(), message.into()));
        }
        let text = FilterText {
            status: self.status.as_deref(),
            kind: self.kind.as_deref(),
            contact_id: self.contact_id.as_deref(),
            blocked: None,
            since: self.since.as_deref(),
            until: self.until.as_deref(),
            code: self.code.as_deref(),
            q: self.q.as_deref(),
        };
        let filter = text.read().map_err(|(name, allowed)| invalid(format!("/{name}"), allowed))?;
        if filter.statuses.iter().any(|status| !Status::REPLAYED_TOGETHER.contains(status)) {
            return Err(invalid(
                "/status".into(),
                "only dead, not_admitted, discarded and held events are replayed".into(),
            ));
        }
        Ok(filter)
    }
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
    request_body(content = ReplayFilter, content_type = "application/json"),
    responses((status = 200, description = "How many", body = Replayed)),
)]
pub(crate) async fn replay_events(
    State(state): State<HttpState>,
    operator: Operator,
    JsonBody(body): JsonBody<ReplayFilter>,
) -> Result<Json<Replayed>, Problem> {
    replay_matching(&state, &operator, &body).await.map(Json)
}

/// Puts all events that match back into their turns, or counts them.
///
/// # Errors
/// [`Problem::Invalid`] if the filter narrows nothing or cannot be read.
pub(crate) async fn replay_matching(
    state: &HttpState,
    Operator(caller): &Operator,
    body: &ReplayFilter,
) -> Result<Replayed, Problem> {
    let filter = body.read()?;
    let (store, dry_run, actor) = (state.store.clone(), body.dry_run, caller.actor());
    let matched = state.undisturbed(async move { store.replay_matching(&filter, dry_run, &actor).await }).await?;
    Ok(if dry_run {
        Replayed { replayed: 0, would_replay: Some(matched) }
    } else {
        Replayed { replayed: matched, would_replay: None }
    })
}

#[cfg(test)]
#[path = "operations_tests.rs"]
mod tests;
