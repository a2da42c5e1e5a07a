//! `POST /v1/preview`: what an event would cause, without causing it.

use axum::{
    Json,
    extract::{Request, State},
};
use serde_json::Value;

use super::views::EventDetail;
use crate::{
    event::{Decision, Event, Intake, ParseError, Parsed, Reason, Start, Status},
    http::{
        auth::Operator,
        body,
        openapi::schemas::EventBody,
        problem::Problem,
        state::{HttpState, PreviewError},
    },
    json,
};

/// What an event would cause.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Preview {
    /// Event type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whose event.
    pub contact_id: Option<String>,
    /// Where it would start: `queued`, `held`, `not_admitted` or `ignored`.
    pub status: Status,
    /// The admission decision (准入), rule by rule; null for what nobody handles.
    pub admission: Option<Decision>,
    /// Every rule that refuses the contact.
    pub reasons: Vec<Reason>,
    /// The customer that it would match or create, and every ERP call with every field, old → new for edits; null if it
    /// would cause none.
    #[schema(value_type = Option<Object>)]
    pub plan: Option<Value>,
}

/// Preview an event
///
/// The body is an event as the platform sends it, unsigned. Nothing is written, but the ERP is asked, and answers with what
/// it knows of people: for `operate` only, limited to `api.preview_limit` a minute and token, and audited as `preview`.
#[utoipa::path(
    post, path = "/v1/preview", tag = "events", security(("token" = ["operate"])),
    request_body(content = EventBody, content_type = "application/json"),
    responses((status = 200, description = "What it would cause", body = Preview)),
)]
pub(crate) async fn preview_event(
    State(state): State<HttpState>,
    operator: Operator,
    request: Request,
) -> Result<Json<Preview>, Problem> {
    let (parts, mut body) = request.into_parts();
    body::require_json(&parts.headers)?;
    let raw = body::read(&state, &parts.headers, &mut body).await?;
    preview(&state, &operator, &raw, false).await.map(Json)
}

/// The subject of a preview whose body names no contact, in the audit log.
const NOBODY: &str = "-";

/// What an event's body would cause, by force also where the rules refuse its contact; audited, and limited by
/// `api.preview_limit`.
///
/// # Errors
/// That there were too many previews, that the body is no valid event, or that the ERP cannot be asked.
pub(crate) async fn preview(
    state: &HttpState,
    Operator(caller): &Operator,
    raw: &[u8],
    force: bool,
) -> Result<Preview, Problem> {
    state.limits.preview(&caller.name)?;
    let parsed = Event::parse(raw, &state.reading);
    let subject = match &parsed {
        Ok(Parsed::Event(event)) => event.contact().id(),
        Ok(Parsed::Unknown { contact_id: Some(id), .. }) => id,
        _ => NOBODY,
    };
    let (store, actor, subject) = (state.store.clone(), caller.actor(), subject.to_owned());
    state.undisturbed(async move { store.audit(&actor, "preview", &subject, None).await }).await?;
    let event = match parsed {
        Ok(Parsed::Event(event)) => *event,
        Ok(Parsed::Unknown { kind, contact_id }) => return Ok(unhandled(kind, contact_id)),
        Err(ParseError::NotJson(fault)) => return Err(Problem::InvalidJson(fault)),
        Err(ParseError::Invalid { errors, .. }) => return Err(Problem::Invalid(errors)),
    };
    let standing = state.store.standing(event.contact().id()).await?;
    let intake = Intake::judged(&state.rules.borrow(), &event, &state.messages, force);
    let Start { status, decision, .. } = intake.start(&standing, state.clock.now());
    let (kind, contact_id) = (event.kind().as_str().to_owned(), event.contact().id().to_owned());
    let plan = if status == Status::Queued { Some(plan(state, event, force).await?) } else { None };
    Ok(Preview {
        kind,
        contact_id: Some(contact_id),
        status,
        reasons: decision.as_ref().filter(|_| status != Status::Queued).map(Decision::reasons).unwrap_or_default(),
        admission: decision,
        plan,
    })
}

/// The ERP's names of the fields that linking this event's contact to a candidate of its review would fill in, if they are empty
/// there; `None` where nobody can tell. The ERP is not asked.
pub(crate) fn filled_by_link(state: &HttpState, event: &EventDetail, candidate: &Value) -> Option<Vec<String>> {
    let body = event.amended.as_ref().or(event.payload.as_ref())?.to_string();
    let Ok(Parsed::Event(parsed)) = Event::parse(body.as_bytes(), &state.reading) else { return None };
    state.previewer.filled_by_link(&parsed, &json::from_value(candidate).ok()?)
}

fn unhandled(kind: String, contact_id: Option<String>) -> Preview {
    Preview { kind, contact_id, status: Status::Ignored, admission: None, reasons: Vec::new(), plan: None }
}

async fn plan(state: &HttpState, event: Event, force: bool) -> Result<Value, Problem> {
    state.previewer.preview(event, force).await.map_err(|error| match error {
        PreviewError::Erp(why) => Problem::ErpUnavailable(why),
        PreviewError::Store(error) => error.into(),
    })
}
