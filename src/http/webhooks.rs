//! `POST /webhooks/events`: the door through which the platform's events come (`contract.md` §1).

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};

use super::{
    body,
    intake::{self, Answer, Origin},
    openapi::schemas::EventBody,
    problem::{Problem, ProblemDocument},
    rates::Remote,
    signed_body::SignatureError,
    state::HttpState,
    trace,
};
use crate::{
    event::{Event, FieldError, ParseError, Parsed},
    store::{Intake, NewEvent, Rejection},
};

/// Take an event
///
/// Signed by the Standard Webhooks scheme: `webhook-signature` holds `v1,<base64 HMAC-SHA256 of
/// "{webhook-id}.{webhook-timestamp}.{raw body}">`, several separated by spaces. The aliases `svix-id`, `svix-timestamp`
/// and `svix-signature` are taken too, as are two `webhook-signature` lines, values joined by a comma, and a slash behind the
/// address. A 202 means that the event is on disk. A resend carries the same `webhook-id`, is
/// signed anew, and is answered with the first one's id. Unknown members are kept; unknown types are answered 200
/// `ignored`. Send again after 408, 429, 503 and broken lines.
#[utoipa::path(
    post, path = "/webhooks/events", tag = "webhooks", operation_id = "receive_event",
    params(
        ("webhook-id" = String, Header, description = "The sender's id of this event; the same for every resend",
            min_length = 1, max_length = 255, pattern = "^[!-~]+$"),
        ("webhook-timestamp" = String, Header, description = "Unix seconds; at most 5 minutes off (configurable)",
            pattern = "^[0-9]{1,12}$"),
        ("webhook-signature" = String, Header, description = "`v1,<base64>`, several separated by spaces"),
    ),
    request_body(content = EventBody, content_type = "application/json"),
    responses(
        (status = 202, description = "Committed to disk: `queued`, or `held` until its contact is linked: a message, or a deal that is not admitted, with the reasons", body = Answer),
        (status = 200, description = "Nothing to do now: `duplicate`, `ignored` or `not_admitted` with its reasons", body = Answer),
        (status = 401, description = "No secret matches, or the timestamp is out of tolerance", body = ProblemDocument),
        (status = 409, description = "This webhook-id was used before for another body", body = ProblemDocument),
    ),
)]
pub(super) async fn receive_event(State(state): State<HttpState>, remote: Remote, request: Request) -> Response {
    let answered = receive(&state, remote, request).await;
    let outcome = match &answered {
        Ok(answer) => answer.status.as_str(),
        Err(problem) => problem.facts().0,
    };
    metrics::counter!("erp_bridge_webhooks_total", "answer" => outcome).increment(1);
    answered.into_response()
}

async fn receive(state: &HttpState, remote: Remote, request: Request) -> Result<Answer, Problem> {
    if state.stop.is_cancelled() {
        return Err(Problem::Stopping);
    }
    state.limits.webhook(remote)?;
    let (parts, body) = request.into_parts();
    body::require_json(&parts.headers)?;
    let raw = body::read(state, &parts.headers, body).await?;
    let keys = state.keys.current();
    let delivery = match keys.secrets.verify(&parts.headers, &raw, state.clock.now(), state.tolerance) {
        Ok(delivery) => delivery,
        Err(error) => return Err(refused(state, remote, error)),
    };
    let origin = Origin {
        webhook_id: Some(delivery.id),
        actor: "webhook".to_owned(),
        trace_parent: trace::trace_parent(&parts.headers),
        deed: None,
    };
    match Event::parse(&raw, &state.reading) {
        Ok(Parsed::Event(event)) => intake::take(state, origin, &event, text(&raw)?, false).await,
        Ok(Parsed::Unknown { kind, contact_id }) => {
            let event = unhandled(origin, kind, contact_id, text(&raw)?);
            intake::commit(state, event).await
        }
        Err(error) => {
            let (kind, contact_id, errors, problem) = match error {
                ParseError::NotJson(fault) => {
                    let errors = vec![FieldError::new("", format!("is not JSON: {fault}"))];
                    (None, None, errors, Problem::InvalidJson(fault))
                }
                ParseError::Invalid { kind, contact_id, errors } => {
                    (kind, contact_id, errors.clone(), Problem::Invalid(errors))
                }
            };
            let rejection = Rejection {
                webhook_id: origin.webhook_id.unwrap_or_default(),
                kind,
                contact_id,
                errors: serde_json::to_value(&errors).unwrap_or_default(),
                payload: String::from_utf8_lossy(&raw).into_owned(),
            };
            Err(reject(state, rejection, problem).await)
        }
    }
}

/// A wrong signature counts as a failed authentication of its address; a missing header is the sender's slip.
fn refused(state: &HttpState, remote: Remote, error: SignatureError) -> Problem {
    let problem = Problem::from(error);
    if matches!(problem, Problem::SignatureMismatch | Problem::TimestampOutOfTolerance) {
        return state.limits.failed_authentication(remote).err().unwrap_or(problem);
    }
    problem
}

fn text(raw: &[u8]) -> Result<String, Problem> {
    let text = std::str::from_utf8(raw).map_err(|_| Problem::InvalidJson("it is not UTF-8".into()))?;
    Ok(text.to_owned())
}

fn unhandled(origin: Origin, kind: String, contact_id: Option<String>, payload: String) -> NewEvent {
    NewEvent {
        webhook_id: origin.webhook_id,
        kind,
        contact_id,
        occurred_at: None,
        payload,
        intake: Intake::Ignored,
        warnings: None,
        actor: origin.actor,
        force: false,
        sequence: None,
        trace_parent: origin.trace_parent,
        deed: None,
    }
}

/// Keeps what was signed and not readable or not valid for operators to see, and says what was wrong. If it cannot be kept, the sender is
/// asked to come again.
async fn reject(state: &HttpState, rejection: Rejection, problem: Problem) -> Problem {
    let store = state.store.clone();
    match state.undisturbed(async move { store.reject(rejection).await }).await {
        Ok(()) => problem,
        Err(unavailable) => unavailable,
    }
}
