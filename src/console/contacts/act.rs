//! What an operator orders for a contact: the calls of REST that take the contact's turn, the end of its link, its erasure.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue},
    response::{IntoResponse, Redirect, Response},
};

use super::seen;
use crate::{
    console::{fault::Fault, form::Fields, visit::Change},
    event::{Assignment, Command, FieldError},
    http::{
        HttpState,
        api::{contacts, links, query::PathId},
        intake::Answer,
        problem::Problem,
    },
};

const BOTH: &str =
    "选了人员，又勾选了“对所有用户公开”：请只选一种 (people were chosen and open to all users as well: choose one)";

/// `POST /console/contacts/{id}/assign` (客户指派)
pub(in crate::console) async fn assign(
    State(state): State<HttpState>,
    id: PathId,
    change: Change,
) -> Result<Response, Fault> {
    let to = assignment(&change.form).map_err(|fault| Problem::Invalid(vec![fault]))?;
    order(&state, id, change, &Command::Assign(to)).await
}

/// To whom the form gives the customer: people whose names were chosen or whose ids were typed, or everybody.
fn assignment(form: &Fields) -> Result<Assignment, FieldError> {
    let typed = form.get("users").unwrap_or_default().split([',', '，']).map(|user| user.trim().to_owned());
    let chosen = form.all("user").map(str::to_owned);
    let users: Vec<String> = chosen.chain(typed).filter(|user| !user.is_empty()).collect();
    match form.get("public") {
        None => Assignment::users(users),
        Some(_) if users.is_empty() => Ok(Assignment::Public),
        Some(_) => Err(FieldError::new("/public", BOTH)),
    }
}

/// `POST /console/contacts/{id}/apply` (客户申请)
pub(in crate::console) async fn apply(
    State(state): State<HttpState>,
    id: PathId,
    change: Change,
) -> Result<Response, Fault> {
    order(&state, id, change, &Command::Apply).await
}

/// `POST /console/contacts/{id}/approval` (客户审批)
pub(in crate::console) async fn approval(
    State(state): State<HttpState>,
    id: PathId,
    change: Change,
) -> Result<Response, Fault> {
    let approve = change.form.get("approve") == Some("true");
    order(&state, id, change, &Command::Approval { approve }).await
}

/// `POST /console/contacts/{id}/takeback` (客户收回)
pub(in crate::console) async fn take_back(
    State(state): State<HttpState>,
    id: PathId,
    change: Change,
) -> Result<Response, Fault> {
    order(&state, id, change, &Command::TakeBack).await
}

async fn order(
    state: &HttpState,
    id: PathId,
    Change { operator, form }: Change,
    command: &Command,
) -> Result<Response, Fault> {
    Ok(to_event(&contacts::enqueue(state, &operator, &key_of(&form), id, command, seen::of(&form)).await?))
}

/// `POST /console/contacts/{id}/unlink` (解除关联)
pub(in crate::console) async fn unlink(
    State(state): State<HttpState>,
    id: PathId,
    Change { operator, form }: Change,
) -> Result<Response, Fault> {
    let link = links::forget(&state, &operator, id, form.text("reason"), seen::of(&form)).await?;
    Ok(to_contact(&link.contact_id, "unlinked"))
}

/// `POST /console/contacts/{id}/erase`
pub(in crate::console) async fn erase(
    State(state): State<HttpState>,
    id: PathId,
    Change { operator, form }: Change,
) -> Result<Response, Fault> {
    let contact = id.0.clone();
    contacts::erase(&state, &operator, id, Some(form.reason()?)).await?;
    Ok(to_contact(&contact, "erased"))
}

/// The form's own key as REST reads it: a form that is sent twice is one order.
pub(super) fn key_of(form: &Fields) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(key) = form.get("key").and_then(|key| HeaderValue::from_str(key).ok()) {
        headers.insert("idempotency-key", key);
    }
    headers
}

/// The page of the event that carries an order out.
pub(super) fn to_event(answer: &Answer) -> Response {
    Redirect::to(&format!("/console/events/{}?done=sent", answer.id)).into_response()
}

fn to_contact(contact: &str, done: &str) -> Response {
    Redirect::to(&Fields::default().address(&format!("{}/{contact}", super::PATH), &[("done", done)])).into_response()
}
