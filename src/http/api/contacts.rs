//! `/v1/contacts`: the link between a contact and its customer, and the calls that change the ERP by way of the queue.

use axum::{Json, extract::State, http::HeaderMap};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    events::{SightParams, sight},
    links::ReasonParams,
    operations::{ReasonBody, checked_reason},
    query::{Params, PathId},
    views::{ContactView, Sight, payload_json},
};
use crate::{
    event::{Assignment, AssignmentBody, Command, Event, EventKind, FieldError, ParseError, Parsed},
    http::{
        auth::{Operator, Reader},
        body::{JsonBody, OptionalJsonBody, null_is_absent},
        intake::{self, Answer, Origin},
        keys::Caller,
        openapi::{
            parts::{CommandAnswers, ContactPath, IdempotencyKey},
            schemas,
        },
        problem::{Problem, ProblemDocument},
        state::HttpState,
    },
    json::Plain,
    store::{Intake, NewEvent, SeenContact},
};

/// Show a contact's customer
#[utoipa::path(
    get, path = "/v1/contacts/{contact_id}", tag = "contacts", security(("token" = ["read"])),
    params(ContactPath),
    responses(
        (status = 200, description = "The link", body = ContactView),
        (status = 404, description = "The contact is not linked", body = ProblemDocument),
    ),
)]
pub(crate) async fn get_contact(
    State(state): State<HttpState>,
    Reader(caller): Reader,
    id: PathId,
) -> Result<Json<ContactView>, Problem> {
    link(&state, &caller, id).await.map(Json)
}

/// A contact's customer, as the caller may see it.
///
/// # Errors
/// [`Problem::ContactNotLinked`]
pub(crate) async fn link(state: &HttpState, caller: &Caller, id: PathId) -> Result<ContactView, Problem> {
    let row = state.store.contact(&id.contact()?).await?.ok_or(Problem::ContactNotLinked)?;
    Ok(ContactView::of(row, Sight::of(caller.scope)))
}

/// Who the contact is by the newest event that tells it, as the caller may see it: the event's body. Whole sight is audited
/// as `contact.unmask`.
///
/// # Errors
/// If the ledger cannot be read, or the audit entry not be written.
pub(crate) async fn profile(state: &HttpState, caller: &Caller, contact_id: &str) -> Result<Option<Value>, Problem> {
    let kinds = [EventKind::ContactPromoted, EventKind::DealClosed, EventKind::SyncRequested].map(EventKind::as_str);
    let Some(payload) = state.store.newest_of(contact_id, &kinds).await?.and_then(|row| row.body().map(str::to_owned))
    else {
        return Ok(None);
    };
    let sight = sight(state, caller, &SightParams::default(), "contact.unmask", contact_id).await?;
    Ok(Some(payload_json(payload, sight)))
}

/// The manual trigger (手动触发同步).
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SyncBody {
    /// The contact; its `id` may be left out, the path has it.
    #[schema(schema_with = schemas::sync_contact)]
    pub contact: Plain,
    /// Its thread, with the score that admission looks at.
    #[schema(schema_with = schemas::thread)]
    pub thread: Option<Plain>,
    /// What was said.
    #[schema(schema_with = schemas::signal)]
    pub signal: Option<Plain>,
    /// Skips admission; audited.
    #[serde(default, deserialize_with = "null_is_absent")]
    #[schema(value_type = Option<bool>, required = false)]
    pub force: bool,
}

impl SyncBody {
    /// The event that this call is, as JSON.
    fn event(self, contact_id: &str, actor: &str, now: &str) -> Result<Value, Problem> {
        let Plain(mut contact) = self.contact;
        let Some(members) = contact.as_object_mut() else {
            return Err(Problem::Invalid(vec![FieldError::new("/contact", "应为对象 (must be an object)")]));
        };
        match members.get("id") {
            None | Some(Value::Null) => drop(members.insert("id".into(), contact_id.into())),
            Some(Value::String(id)) if id != contact_id => return Err(Problem::ContactMismatch),
            // The event's parser takes a whole number for an id.
            Some(Value::Number(id)) if id.to_string() != contact_id => return Err(Problem::ContactMismatch),
            // An id that is neither: the event's parser says so, with its place.
            Some(_) => {}
        }
        let mut data = Map::new();
        data.insert("contact".into(), contact);
        data.extend(self.thread.map(|Plain(thread)| ("thread".to_owned(), thread)));
        data.extend(self.signal.map(|Plain(signal)| ("signal".to_owned(), signal)));
        data.insert("requested_by".into(), actor.into());
        Ok(json!({"type": "sync.requested", "timestamp": now, "data": data}))
    }
}

/// Sync a contact now
///
/// 手动触发同步: admitted and queued like an event of the platform. `force` skips admission and is audited as
/// `contact.force_sync`.
#[utoipa::path(
    post, path = "/v1/contacts/{contact_id}/sync", tag = "contacts", security(("token" = ["operate"])),
    params(ContactPath, IdempotencyKey),
    request_body(content = SyncBody, content_type = "application/json"),
    responses(
        (status = 202, description = "Committed to disk", body = Answer),
        (status = 200, description = "Nothing to do now: `duplicate`, or `not_admitted` with its reasons", body = Answer),
        (status = 404, description = "No contact can have this id", body = ProblemDocument),
        (status = 409, description = "The body speaks of another contact than the path, or this key was used before for another body", body = ProblemDocument),
    ),
)]
pub(crate) async fn sync_contact(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    headers: HeaderMap,
    JsonBody(body): JsonBody<SyncBody>,
) -> Result<Answer, Problem> {
    sync(&state, &operator, id, &headers, body, None).await
}

/// Takes in an event that asks for a contact to be synced; `seen` as [`enqueue`].
///
/// # Errors
/// That the body is not valid or speaks of another contact, or as [`intake::take`].
pub(crate) async fn sync(
    state: &HttpState,
    Operator(caller): &Operator,
    id: PathId,
    headers: &HeaderMap,
    body: SyncBody,
    seen: Option<SeenContact>,
) -> Result<Answer, Problem> {
    open(state)?;
    let contact_id = id.contact()?;
    let force = body.force;
    let action = if force { "contact.force_sync" } else { "contact.sync" };
    let origin = Origin::of_call(caller, headers, action)?.upon(seen);
    let payload = body.event(&contact_id, &caller.name, &state.clock.now().rfc3339())?.to_string();
    let event = match Event::parse(payload.as_bytes(), &state.reading) {
        Ok(Parsed::Event(event)) => event,
        Ok(Parsed::Unknown { .. }) => return Err(Problem::Internal),
        Err(ParseError::NotJson(fault)) => return Err(Problem::InvalidJson(fault)),
        Err(ParseError::Invalid { errors, .. }) => return Err(Problem::Invalid(without_data(errors))),
    };
    let answer = intake::take(state, origin, &event, payload, force).await?;
    Ok(Answer { warnings: without_data(answer.warnings), ..answer })
}

/// The caller sent what is below `/data`: that is where its pointers begin.
fn without_data(errors: Vec<FieldError>) -> Vec<FieldError> {
    let strip = |error: FieldError| FieldError {
        pointer: error.pointer.strip_prefix("/data").unwrap_or(&error.pointer).to_owned(),
        message: error.message,
    };
    errors.into_iter().map(strip).collect()
}

/// Assign a customer (客户指派)
#[utoipa::path(
    put, path = "/v1/contacts/{contact_id}/assignment", tag = "contacts", security(("token" = ["operate"])),
    params(ContactPath, IdempotencyKey),
    request_body(content = AssignmentBody, content_type = "application/json"),
    responses(CommandAnswers),
)]
pub(crate) async fn assign_contact(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    headers: HeaderMap,
    JsonBody(body): JsonBody<AssignmentBody>,
) -> Result<Answer, Problem> {
    let to = Assignment::try_from(body).map_err(|fault| Problem::Invalid(vec![fault]))?;
    enqueue(&state, &operator, &headers, id, &Command::Assign(to), None).await
}

/// A call that says all with its address.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmptyBody {}

/// Apply for a customer (客户申请)
#[utoipa::path(
    post, path = "/v1/contacts/{contact_id}/apply", tag = "contacts", security(("token" = ["operate"])),
    params(ContactPath, IdempotencyKey),
    request_body(content = EmptyBody, content_type = "application/json"),
    responses(CommandAnswers),
)]
pub(crate) async fn apply_for_contact(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    headers: HeaderMap,
    OptionalJsonBody(EmptyBody {}): OptionalJsonBody<EmptyBody>,
) -> Result<Answer, Problem> {
    enqueue(&state, &operator, &headers, id, &Command::Apply, None).await
}

/// Take a customer back (客户收回)
#[utoipa::path(
    post, path = "/v1/contacts/{contact_id}/takeback", tag = "contacts", security(("token" = ["operate"])),
    params(ContactPath, IdempotencyKey),
    request_body(content = EmptyBody, content_type = "application/json"),
    responses(CommandAnswers),
)]
pub(crate) async fn take_contact_back(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    headers: HeaderMap,
    OptionalJsonBody(EmptyBody {}): OptionalJsonBody<EmptyBody>,
) -> Result<Answer, Problem> {
    enqueue(&state, &operator, &headers, id, &Command::TakeBack, None).await
}

/// 客户审批: whether it is approved.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalBody {
    /// `true` approves, `false` refuses.
    approve: bool,
}

/// Approve a customer, or refuse to (客户审批)
#[utoipa::path(
    post, path = "/v1/contacts/{contact_id}/approval", tag = "contacts", security(("token" = ["operate"])),
    params(ContactPath, IdempotencyKey),
    request_body(content = ApprovalBody, content_type = "application/json"),
    responses(CommandAnswers),
)]
pub(crate) async fn approve_contact(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    headers: HeaderMap,
    JsonBody(body): JsonBody<ApprovalBody>,
) -> Result<Answer, Problem> {
    enqueue(&state, &operator, &headers, id, &Command::Approval { approve: body.approve }, None).await
}

/// Puts a command on a linked contact's customer into the contact's turn. `seen` is what the caller saw of the contact, if the
/// caller says it.
///
/// # Errors
/// [`Problem::Changed`] if the contact has another link or a newer order since, [`Problem::ContactNotLinked`], or as
/// [`intake::commit`].
pub(crate) async fn enqueue(
    state: &HttpState,
    Operator(caller): &Operator,
    headers: &HeaderMap,
    id: PathId,
    command: &Command,
    seen: Option<SeenContact>,
) -> Result<Answer, Problem> {
    open(state)?;
    let contact_id = id.contact()?;
    let (kind, payload) = command.payload(&contact_id);
    let origin = Origin::of_call(caller, headers, &kind)?.upon(seen);
    if state.store.contact(&contact_id).await?.is_none() {
        return Err(Problem::ContactNotLinked);
    }
    let event = NewEvent {
        webhook_id: origin.webhook_id,
        kind,
        contact_id: Some(contact_id),
        occurred_at: Some(state.clock.now()),
        payload,
        deal_id: None,
        intake: Intake::Queue,
        warnings: None,
        actor: origin.actor,
        force: false,
        sequence: None,
        trace_parent: origin.trace_parent,
        deed: origin.deed,
    };
    intake::commit(state, event).await
}

fn open(state: &HttpState) -> Result<(), Problem> {
    if state.stop.is_cancelled() { Err(Problem::Stopping) } else { Ok(()) }
}

/// What was erased.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Erased {
    /// Events that lost their payload.
    pub erased: i64,
}

/// Erase a person's data
///
/// Erases the payloads of the contact's events, rejections and ERP calls, and keeps the trace that they existed. Refused
/// while one of its events is open. The link goes with them; the customer in the ERP stays. The address or the body may say why.
#[utoipa::path(
    delete, path = "/v1/contacts/{contact_id}/data", tag = "contacts", security(("token" = ["operate"])),
    params(ContactPath, ReasonParams),
    request_body(content = ReasonBody, content_type = "application/json"),
    responses(
        (status = 200, description = "Erased", body = Erased),
        (status = 404, description = "Nothing is stored of this contact", body = ProblemDocument),
        (status = 409, description = "An event of the contact is open", body = ProblemDocument),
    ),
)]
pub(crate) async fn erase_contact(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    Params(params): Params<ReasonParams>,
    OptionalJsonBody(body): OptionalJsonBody<ReasonBody>,
) -> Result<Json<Erased>, Problem> {
    erase(&state, &operator, id, params.or(body)).await.map(Json)
}

/// Erases what the ledger holds of a person.
///
/// # Errors
/// [`Problem::ContactUnknown`], [`Problem::WrongState`], or that the reason is not valid.
pub(crate) async fn erase(
    state: &HttpState,
    Operator(caller): &Operator,
    id: PathId,
    reason: Option<String>,
) -> Result<Erased, Problem> {
    let reason = checked_reason(reason)?;
    let contact_id = id.contact().map_err(|_| Problem::ContactUnknown)?;
    let (store, actor) = (state.store.clone(), caller.actor());
    let erase = async move { store.erase_contact(&contact_id, &actor, reason.as_deref()).await };
    let erased = state.undisturbed(erase).await.map_err(|problem| match problem {
        Problem::EventNotFound => Problem::ContactUnknown,
        other => other,
    })?;
    Ok(Erased { erased })
}

#[cfg(test)]
#[path = "contacts_tests.rs"]
mod tests;
