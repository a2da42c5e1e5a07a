//! `/v1/contacts/{contact_id}/link`: a contact's link to a customer of the ERP, and forgetting it.

use axum::{Json, extract::State};
use serde::Deserialize;

use super::{
    query::{self, Params, PathId},
    views::ContactView,
};
use crate::http::{
    auth::Operator,
    problem::{Problem, ProblemDocument},
    state::HttpState,
};

/// Why something is done.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ReasonParams {
    /// For the audit log.
    #[param(nullable = false, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    reason: Option<String>,
}

impl ReasonParams {
    /// The reason, if one was given.
    ///
    /// # Errors
    /// [`Problem::InvalidQuery`] if it is too long or holds control characters.
    pub(in crate::http) fn read(self) -> Result<Option<String>, Problem> {
        let reason = query::plain("reason", self.reason.unwrap_or_default())
            .map_err(|(name, allowed)| Problem::InvalidQuery(name.to_owned(), allowed))?;
        Ok(Some(reason).filter(|reason| !reason.is_empty()))
    }
}

/// Forget a contact's customer
///
/// 解除关联: the contact's next event looks it up anew. The customer in the ERP stays as it is. Refused while an event of the
/// contact is running or half done; audited as `contact.unlink`.
#[utoipa::path(
    delete, path = "/v1/contacts/{contact_id}/link", tag = "contacts", security(("token" = ["operate"])),
    params(
        ("contact_id" = String, Path, description = "The platform's id", pattern = "^[A-Za-z0-9_-]{1,48}$"),
        ReasonParams,
    ),
    responses(
        (status = 200, description = "The link that was forgotten", body = ContactView),
        (status = 404, description = "The contact is not linked", body = ProblemDocument),
        (status = 409, description = "An event of the contact is running or half done", body = ProblemDocument),
    ),
)]
pub(in crate::http) async fn forget_link(
    State(state): State<HttpState>,
    Operator(caller): Operator,
    id: PathId,
    Params(params): Params<ReasonParams>,
) -> Result<Json<ContactView>, Problem> {
    let reason = params.read()?;
    let contact_id = id.contact()?;
    let store = state.store.clone();
    let forget = async move { store.unlink(&contact_id, &caller.name, reason.as_deref()).await };
    let link = state.undisturbed(forget).await.map_err(|problem| match problem {
        Problem::EventNotFound => Problem::ContactNotLinked,
        other => other,
    })?;
    Ok(Json(link.into()))
}
