//! What an operator does about one event; by the same functions as REST.

use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};

use crate::{
    console::{fault::Fault, form::Fields, visit::Change},
    event::FieldError,
    http::{
        HttpState,
        api::{
            operations::{self, DecisionWord, DeedBody, ResolveBody},
            query::PathId,
        },
        problem::Problem,
    },
};

/// `POST /console/events/{id}/replay`
pub(in crate::console) async fn replay(
    State(state): State<HttpState>,
    id: PathId,
    Change { operator, form }: Change,
) -> Result<Response, Fault> {
    let moved = operations::replay(&state, &operator, id, deed(&form)).await?;
    Ok(back_to(&moved.id, &form, "replayed"))
}

/// `POST /console/events/{id}/discard`
pub(in crate::console) async fn discard(
    State(state): State<HttpState>,
    id: PathId,
    Change { operator, form }: Change,
) -> Result<Response, Fault> {
    form.reason()?;
    let moved = operations::discard(&state, &operator, id, deed(&form)).await?;
    Ok(back_to(&moved.id, &form, "discarded"))
}

/// `POST /console/events/{id}/resolve`
pub(in crate::console) async fn resolve(
    State(state): State<HttpState>,
    id: PathId,
    Change { operator, form }: Change,
) -> Result<Response, Fault> {
    let fault = |pointer: &str, message: &str| Problem::Invalid(vec![FieldError::new(pointer, message)]);
    let decision = match form.get("decision") {
        Some("done") => DecisionWord::Done,
        Some("resend") => DecisionWord::Resend,
        Some("recreate") => DecisionWord::Recreate,
        Some("link") => DecisionWord::Link,
        _ => return Err(fault("/decision", "请选择一个决定 (choose a decision)").into()),
    };
    let whole =
        |text: &str| text.parse().map_err(|_| fault("/ord", "客户 ID 应为数字 (the customer's id is a number)"));
    let ord = form.get("ord").map(whole).transpose()?;
    let body = ResolveBody { decision, ord, reason: form.text("reason"), updated_at: form.text("updated_at") };
    let moved = operations::resolve(&state, &operator, id, body).await?;
    Ok(back_to(&moved.id, &form, "resolved"))
}

/// Why something is done to an event, and as what the page showed it.
pub(super) fn deed(form: &Fields) -> DeedBody {
    DeedBody { reason: form.text("reason"), updated_at: form.text("updated_at") }
}

/// The next page: the next event of the same cause, behind this one, if the event was opened from the to-do list, else the
/// event again.
pub(super) fn back_to(id: &str, form: &Fields, done: &str) -> Response {
    let next = match form.get("todo") {
        Some(cause) => {
            Fields::default().address("/console/todo/next", &[("cause", cause), ("after", id), ("done", done)])
        }
        None => Fields::default().address(&format!("/console/events/{id}"), &[("done", done)]),
    };
    Redirect::to(&next).into_response()
}
