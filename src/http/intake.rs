//! From a parsed event to a committed one, and from what the ledger did to the answer: the same for the webhook and for
//! the REST calls that cause events.

use axum::{
    Json,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{keys::Caller, problem::Problem, state::HttpState, trace};
use crate::{
    event::{Alternative, Decision, Event, FieldError, Intake, Reason, Status},
    json,
    store::{Accepted, Deed, NewEvent, SeenContact},
    telemetry::traces::Trace,
};

/// The longest `Idempotency-Key`, in bytes.
const MAX_KEY_BYTES: usize = 100;
/// Before a key, where the ledger keeps it; no `webhook-id` has a blank in it.
const KEY: &str = "key ";

/// The answer to an event: where it stands now.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Answer {
    /// The event's id (uuid v7); of a resend, the first one's.
    #[schema(format = "uuid")]
    pub id: String,
    /// Where the event stands.
    pub status: AnswerStatus,
    /// For `not_admitted`, and for a deal that is `held`: every rule that does not hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub reasons: Vec<Reason>,
    /// Where one of several lists of rules would have been enough: each list, and what it lacks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub alternatives: Vec<Alternative>,
    /// What was cut or left out because it did not fit and only describes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub warnings: Vec<FieldError>,
    /// The trace of the event, if it is new and traced.
    #[serde(skip)]
    #[schema(ignore)]
    pub trace: Option<Box<Trace>>,
}

/// The states that an answer can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AnswerStatus {
    /// Committed; waits for its turn.
    Queued,
    /// Committed; waits for the contact to be linked.
    Held,
    /// This delivery was committed before.
    Duplicate,
    /// Stored; nobody handles this.
    Ignored,
    /// Stored; the admission rules (准入条件) refused the contact.
    NotAdmitted,
}

impl AnswerStatus {
    pub(super) const ALL: [Self; 5] = [Self::Queued, Self::Held, Self::Duplicate, Self::Ignored, Self::NotAdmitted];

    /// The name as it is sent.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Held => "held",
            Self::Duplicate => "duplicate",
            Self::Ignored => "ignored",
            Self::NotAdmitted => "not_admitted",
        }
    }
}

impl Answer {
    fn status_code(&self) -> StatusCode {
        match self.status {
            AnswerStatus::Queued | AnswerStatus::Held => StatusCode::ACCEPTED,
            AnswerStatus::Duplicate | AnswerStatus::Ignored | AnswerStatus::NotAdmitted => StatusCode::OK,
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(mut self) -> Response {
        let trace = self.trace.take();
        let mut response = (self.status_code(), Json(self)).into_response();
        // Whoever sees the whole request (`trace.rs`) says how long it took.
        if let Some(trace) = trace {
            response.extensions_mut().insert(trace);
        }
        response
    }
}

/// Who sends an event, and how it is recognised when it comes again.
#[derive(Debug)]
pub(crate) struct Origin {
    /// The platform's `webhook-id`, or what an idempotency key becomes; the blank in the latter keeps them apart, for a
    /// `webhook-id` has none.
    pub(super) webhook_id: Option<String>,
    pub(super) actor: String,
    pub(super) trace_parent: Option<String>,
    /// What an operator wants of the ERP by it.
    pub(super) deed: Option<Deed>,
}

impl Origin {
    /// A REST call of this caller, with its `Idempotency-Key` if it sent one; audited as `action`.
    ///
    /// # Errors
    /// [`Problem::BadHeader`] if the key is empty, too long or not visible ASCII.
    pub(super) fn of_call(caller: &Caller, headers: &HeaderMap, action: &str) -> Result<Self, Problem> {
        let webhook_id = match headers.get("idempotency-key").map(|key| key.to_str()) {
            None => None,
            Some(Ok(key))
                if (1..=MAX_KEY_BYTES).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) =>
            {
                Some(format!("{KEY}{}:{key}", caller.name))
            }
            Some(_) => {
                let allowed = format!("Idempotency-Key: 1 to {MAX_KEY_BYTES} visible ASCII characters");
                return Err(Problem::BadHeader(allowed));
            }
        };
        let deed = Some(Deed { actor: caller.actor(), action: action.to_owned(), seen: None });
        Ok(Self { webhook_id, actor: caller.name.to_string(), trace_parent: trace::trace_parent(headers), deed })
    }

    /// The same, ordered upon what the caller saw of the contact.
    pub(super) fn upon(self, seen: Option<SeenContact>) -> Self {
        Self { deed: self.deed.map(|deed| Deed { seen, ..deed }), ..self }
    }
}

/// Decides on a parsed event, commits it, and answers.
///
/// # Errors
/// [`Problem::IdReused`], or that the ledger is unavailable.
pub(super) async fn take(
    state: &HttpState,
    origin: Origin,
    event: &Event,
    payload: String,
    force: bool,
) -> Result<Answer, Problem> {
    let new = NewEvent {
        webhook_id: origin.webhook_id,
        kind: event.kind().as_str().to_owned(),
        contact_id: Some(event.contact().id().to_owned()),
        occurred_at: Some(event.occurred_at()),
        payload,
        deal_id: event.deal().map(|deal| deal.id().to_owned()),
        intake: Intake::judged(&state.rules.borrow(), event, &state.messages, force),
        warnings: (!event.warnings().is_empty()).then(|| serde_json::to_string(event.warnings()).ok()).flatten(),
        actor: origin.actor,
        force,
        sequence: event.sequence(),
        trace_parent: origin.trace_parent,
        deed: origin.deed,
    };
    let mut answer = commit(state, new).await?;
    answer.warnings = event.warnings().to_vec();
    Ok(answer)
}

/// Commits an event and answers.
///
/// # Errors
/// As [`take`].
pub(super) async fn commit(state: &HttpState, event: NewEvent) -> Result<Answer, Problem> {
    let is_keyed = event.webhook_id.as_deref().is_some_and(|id| id.starts_with(KEY));
    let keyed = is_keyed.then(|| Request { payload: event.payload.clone(), force: event.force });
    let trace_parent = if state.traces.is_on() { event.trace_parent.clone() } else { None };
    // The writer commits and announces it even if the client goes away now.
    match state.store.accept(event).await? {
        Accepted::New { id, status, decision } => {
            let trace = state.traces.of_event(&id, trace_parent.as_deref()).map(Box::new);
            Ok(Answer { trace, ..fresh(id, status, decision.as_ref()) })
        }
        Accepted::Duplicate { id } => Ok(duplicate(id)),
        Accepted::Conflict { id } => match keyed {
            // Rare, and large: it must not make the future of every request large.
            Some(again) if Box::pin(same_request(state, &id, &again)).await? => Ok(duplicate(id)),
            _ => Err(Problem::IdReused(id)),
        },
    }
}

fn duplicate(id: String) -> Answer {
    bare(id, AnswerStatus::Duplicate)
}

fn fresh(id: String, status: Status, decision: Option<&Decision>) -> Answer {
    let status = match status {
        Status::Held => AnswerStatus::Held,
        Status::Ignored => AnswerStatus::Ignored,
        Status::NotAdmitted => AnswerStatus::NotAdmitted,
        _ => AnswerStatus::Queued,
    };
    let refusal = decision.filter(|decision| !decision.admitted && status != AnswerStatus::Queued);
    let (reasons, alternatives) =
        refusal.map(|decision| (decision.reasons(), decision.alternatives.clone())).unwrap_or_default();
    Answer { reasons, alternatives, ..bare(id, status) }
}

fn bare(id: String, status: AnswerStatus) -> Answer {
    let (reasons, alternatives) = (Vec::new(), Vec::new());
    Answer { id, status, reasons, alternatives, warnings: Vec::new(), trace: None }
}

/// What a REST call with a key asks for.
struct Request {
    payload: String,
    force: bool,
}

/// Whether a repeated REST call says the same as the first one with its key. The bridge writes the event's timestamp
/// itself there, so that bodies that differ in nothing else are the same request; of a first one whose body was forgotten or
/// erased since, nobody can tell, and the key is believed. Forced or not is said beside the body.
async fn same_request(state: &HttpState, first: &str, again: &Request) -> Result<bool, Problem> {
    let Some(row) = state.store.event(first).await? else { return Ok(true) };
    let says_the_same = |stored: String| without_timestamp(&stored) == without_timestamp(&again.payload);
    Ok(row.force == again.force && row.payload.is_none_or(says_the_same))
}

fn without_timestamp(payload: &str) -> Option<Value> {
    let mut body = json::parse_text(payload).ok()?;
    body.as_object_mut()?.remove("timestamp");
    Some(body)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::config::{Scope, TokenHash};

    #[test]
    fn an_idempotency_key_belongs_to_its_token_and_has_limits() {
        let caller = Caller { name: "ops".into(), scope: Scope::Operate, token: TokenHash::of("t"), address: None };
        let origin = |key: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(key) = key {
                headers.insert("idempotency-key", HeaderValue::from_str(key).unwrap());
            }
            Origin::of_call(&caller, &headers, "contact.sync").map(|origin| origin.webhook_id)
        };
        let longest = "k".repeat(MAX_KEY_BYTES);
        assert_eq!(origin(None), Ok(None));
        assert_eq!(origin(Some("a-1")), Ok(Some("key ops:a-1".into())));
        assert_eq!(origin(Some(&longest)), Ok(Some(format!("key ops:{longest}"))));
        for wrong in ["", "a b", &format!("{longest}k")] {
            assert!(matches!(origin(Some(wrong)), Err(Problem::BadHeader(_))), "{wrong}");
        }
    }

    #[test]
    fn two_requests_that_differ_in_the_bridges_timestamp_only_are_the_same() {
        let first = r#"{"type":"sync.requested","timestamp":"a","data":{"contact":{"id":"1","name":"x"}}}"#;
        let again = r#"{"type":"sync.requested","timestamp":"b","data":{"contact":{"name":"x","id":"1"}}}"#;
        let other = r#"{"type":"sync.requested","timestamp":"b","data":{"contact":{"name":"y","id":"1"}}}"#;
        assert_eq!(without_timestamp(first), without_timestamp(again));
        assert_ne!(without_timestamp(first), without_timestamp(other));
    }
}
