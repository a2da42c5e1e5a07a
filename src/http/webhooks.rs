//! `POST /webhooks/events`: the door through which the platform's events come (`contract.md` §1).

use std::{panic::AssertUnwindSafe, pin::pin, time::Duration};

use axum::{
    body::{Bytes, HttpBody},
    extract::{Request, State},
    http::{HeaderMap, Method},
    response::{IntoResponse, Response},
};
use futures::FutureExt;

use super::{
    body, drain,
    intake::{self, Answer, AnswerStatus, Origin},
    openapi::schemas::EventBody,
    places::Signed,
    problem::{Problem, ProblemDocument},
    rates::Remote,
    signed_body::SignatureError,
    state::HttpState,
    trace::{self, Seen, WEBHOOK_ROUTE},
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
    let (parts, mut body) = request.into_parts();
    answered(&state, receive(&state, remote, &Signed::default(), &parts.headers, &mut body).await)
}

/// Whether a request is a webhook: it goes to [`answer`] instead of the router.
pub(super) fn is_webhook<B>(request: &Request<B>) -> bool {
    let path = request.uri().path();
    request.method() == Method::POST && path.strip_suffix('/').unwrap_or(path) == WEBHOOK_ROUTE
}

/// Answers a webhook as the router would, without what a router has to allocate for routes that it does not know.
pub(super) async fn answer<B>(state: &HttpState, remote: Remote, signed: &Signed, request: Request<B>) -> Response
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    let seen = Seen::of(request.method(), request.headers(), WEBHOOK_ROUTE.into(), remote);
    let (parts, mut body) = request.into_parts();
    // Pinned where they stand: whoever takes a future by value makes room for it twice.
    let answering = pin!(async {
        let is_on_its_way = drain::is_on_its_way(&parts.headers, &body);
        let received = {
            let receiving = pin!(receive(state, remote, signed, &parts.headers, &mut body));
            AssertUnwindSafe(receiving).catch_unwind().await
        };
        let response = match received {
            Ok(outcome) => answered(state, outcome),
            Err(panic) => {
                count(Problem::Internal.facts().0);
                trace::panicked(panic)
            }
        };
        // Rare: a body is left only where it was refused.
        if is_on_its_way { Box::pin(drain::read_rest(state, &mut body, response)).await } else { response }
    });
    trace::surround(seen, Some(state.accepts()), answering).await
}

/// Counts how a webhook was answered.
fn answered(state: &HttpState, outcome: Result<Answer, Problem>) -> Response {
    match &outcome {
        Ok(Answer { status: AnswerStatus::Queued, .. }) => state.accepts().queued.increment(1),
        Ok(answer) => count(answer.status.as_str()),
        Err(problem) => count(problem.facts().0),
    }
    outcome.into_response()
}

fn count(answer: &'static str) {
    debug_assert!(answers().any(|known| known == answer), "{answer} is not counted from the start");
    metrics::counter!(trace::WEBHOOKS, "answer" => answer).increment(1);
}

/// Names every answer that a webhook can get, none of them given so far: a rise from nothing would not be seen.
pub(super) fn name_answers() {
    answers().for_each(|answer| metrics::counter!(trace::WEBHOOKS, "answer" => answer).increment(0));
}

fn answers() -> impl Iterator<Item = &'static str> {
    let refusals = [
        Problem::InvalidJson(String::new()),
        Problem::MissingHeader(String::new()),
        Problem::BadHeader(String::new()),
        Problem::SignatureMismatch,
        Problem::TimestampOutOfTolerance,
        Problem::BodyTimeout,
        Problem::IdReused(String::new()),
        Problem::BodyTooLarge(0),
        Problem::UnsupportedMediaType,
        Problem::UnsupportedEncoding,
        Problem::Invalid(Vec::new()),
        Problem::RateLimited(Duration::ZERO),
        Problem::TooManyFailures(Duration::ZERO),
        Problem::Internal,
        Problem::StoreUnavailable,
        Problem::BacklogFull,
        Problem::Overloaded,
        Problem::Stopping,
    ];
    AnswerStatus::ALL.map(AnswerStatus::as_str).into_iter().chain(refusals.map(|problem| problem.facts().0))
}

async fn receive<B>(
    state: &HttpState,
    remote: Remote,
    signed: &Signed,
    headers: &HeaderMap,
    body: &mut B,
) -> Result<Answer, Problem>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    if state.stop.is_cancelled() {
        return Err(Problem::Stopping);
    }
    state.limits.webhook(remote)?;
    body::require_json(headers)?;
    let raw = body::read(state, headers, body).await?;
    let keys = state.keys.current();
    // Senders go by the time of day.
    let now = state.clock.machine();
    let delivery = match keys.secrets.verify(headers, &raw, now, state.tolerance) {
        Ok(delivery) => delivery,
        Err(error) => return Err(refused(state, remote, error)),
    };
    signed.note();
    let origin = Origin {
        webhook_id: Some(delivery.id),
        actor: "webhook".to_owned(),
        trace_parent: trace::trace_parent(headers),
        deed: None,
    };
    match Event::parse(&raw, &state.reading) {
        Ok(Parsed::Event(event)) => intake::take(state, origin, &event, raw.into_text()?, false).await,
        Ok(Parsed::Unknown { kind, contact_id }) => {
            let event = unhandled(origin, kind, contact_id, raw.into_text()?);
            intake::commit(state, event).await
        }
        Err(error) => {
            let (kind, contact_id, errors, problem) = match error {
                ParseError::NotJson(fault) => {
                    let errors = vec![FieldError::new("", format!("不是 JSON (is not JSON: {fault})"))];
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
            // Rare, and large: it must not make the future of every webhook large.
            Err(Box::pin(reject(state, rejection, problem)).await)
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

fn unhandled(origin: Origin, kind: String, contact_id: Option<String>, payload: String) -> NewEvent {
    NewEvent {
        webhook_id: origin.webhook_id,
        kind,
        contact_id,
        occurred_at: None,
        payload,
        deal_id: None,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Each webhook allocates its future and moves it: what is rare in it stands in a box.
    const BYTES_MAX: usize = 8_192;

    fn size_of_output<A, B, C, F: Future>(_: impl Fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_future_of_a_webhook_is_small() {
        let size =
            size_of_output(|state: HttpState, remote: Remote, request: Request<hyper::body::Incoming>| async move {
                answer(&state, remote, &Signed::default(), request).await
            });
        assert!(size <= BYTES_MAX, "{size} bytes");
    }

    #[test]
    fn a_webhook_is_a_post_to_its_route_and_nothing_else() {
        let is_webhook = |method: Method, uri: &str| {
            let request = Request::builder().method(method).uri(uri).body(()).unwrap();
            is_webhook(&request)
        };
        for uri in ["/webhooks/events", "/webhooks/events/", "/webhooks/events?a=1", "http://host/webhooks/events"] {
            assert!(is_webhook(Method::POST, uri), "{uri}");
            assert!(!is_webhook(Method::GET, uri), "{uri}");
        }
        for uri in ["/", "/webhooks", "/webhooks/events//", "/webhooks/events/1", "/v1/events", "/Webhooks/events"] {
            assert!(!is_webhook(Method::POST, uri), "{uri}");
        }
    }
}
