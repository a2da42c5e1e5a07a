//! `POST /v1/contacts/adopt`: contacts of the platform that are customers of the ERP already are linked to them.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};

use crate::{
    event::FieldError,
    http::{
        adopted::{ADOPT_MAX, AdoptedContact, AdoptionOutcome},
        auth::Operator,
        body::{JsonBody, null_is_absent},
        openapi::schemas,
        problem::Problem,
        state::{HttpState, PreviewError},
    },
    json::Plain,
};

/// Which contacts, and whether anything is written.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdoptBody {
    /// Contacts as events carry them.
    #[schema(schema_with = schemas::contacts)]
    contacts: Vec<Plain>,
    /// Write the links; else it is only said what would be linked.
    #[serde(default, deserialize_with = "null_is_absent")]
    #[schema(value_type = Option<bool>, required = false)]
    apply: bool,
}

/// What became of the contacts, in their order.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct AdoptAnswer {
    /// One for each contact.
    pub items: Vec<AdoptedContact>,
    /// How many came out how.
    pub counts: BTreeMap<AdoptionOutcome, usize>,
    /// Whether links were written.
    pub applied: bool,
}

/// Adopt contacts
///
/// 存量客户认领: looks contacts of the platform up in the ERP by the rules of a promotion, and with `apply` links those that are
/// customers already. A contact with a number or a customer (`erp`) needs no name. Only links are written, never anything to
/// the ERP; each is audited as `contact.adopt`. Repeating it is harmless. Up to fifty contacts a call; it counts as one
/// preview (`api.preview_limit`).
#[utoipa::path(
    post, path = "/v1/contacts/adopt", tag = "contacts", security(("token" = ["operate"])),
    request_body(content = AdoptBody, content_type = "application/json"),
    responses((status = 200, description = "What became of each contact", body = AdoptAnswer)),
)]
pub(crate) async fn adopt_contacts(
    State(state): State<HttpState>,
    Operator(caller): Operator,
    JsonBody(AdoptBody { contacts, apply }): JsonBody<AdoptBody>,
) -> Result<Json<AdoptAnswer>, Problem> {
    if state.stop.is_cancelled() {
        return Err(Problem::Stopping);
    }
    if contacts.is_empty() || contacts.len() > ADOPT_MAX {
        let message = format!("应有 1 至 {ADOPT_MAX} 个联系人 (must hold 1 to {ADOPT_MAX} contacts)");
        return Err(Problem::Invalid(vec![FieldError::new("/contacts", message)]));
    }
    state.limits.preview(&caller.name)?;
    let (store, actor) = (state.store.clone(), caller.actor());
    let what = format!("{} contacts{}", contacts.len(), if apply { ", apply" } else { "" });
    state.undisturbed(async move { store.audit(&actor, "contacts.adopt", &what, None).await }).await?;
    let contacts = contacts.into_iter().map(|Plain(contact)| contact).collect();
    let items = state.adopter.adopt(contacts, apply, caller.actor()).await.map_err(|error| match error {
        PreviewError::Erp(why) => Problem::ErpUnavailable(why),
        PreviewError::Store(error) => error.into(),
    })?;
    let mut counts = BTreeMap::new();
    for item in &items {
        *counts.entry(item.outcome).or_default() += 1;
    }
    Ok(Json(AdoptAnswer { items, counts, applied: apply }))
}
