//! What `erp-bridge check` says, asked of a bridge at work.

use crate::{
    clock::Millis,
    http::{
        auth::Operator,
        checked::CheckRow,
        problem::Problem,
        state::{CustomerField, HttpState, PreviewError, Salesperson},
    },
};

/// Tries configuration, ledger and ERP by reads alone. It asks the ERP, so it counts as a preview against
/// `api.preview_limit`, and is audited as `erp.check`.
///
/// # Errors
/// [`Problem::RateLimited`], or that the ledger cannot be written.
pub(crate) async fn check(state: &HttpState, Operator(caller): &Operator) -> Result<Vec<CheckRow>, Problem> {
    state.limits.preview(&caller.name)?;
    let (store, actor) = (state.store.clone(), caller.actor());
    state.undisturbed(async move { store.audit(&actor, "erp.check", "erp", None).await }).await?;
    let rows = state.checker.check().await;
    state.last_check().note(state.clock.now(), &rows);
    Ok(rows)
}

/// What the last check of this process found, and when; nothing before the first. It asks nobody.
pub(crate) fn last(state: &HttpState, _: &Operator) -> Option<(Millis, Vec<CheckRow>)> {
    state.last_check().known()
}

/// The people whom a customer can be given to. It may ask the ERP, so it counts as a preview against `api.preview_limit`.
///
/// # Errors
/// [`Problem::RateLimited`], or [`Problem::ErpUnavailable`] if the ERP does not tell.
pub(crate) async fn salespeople(state: &HttpState, Operator(caller): &Operator) -> Result<Vec<Salesperson>, Problem> {
    state.limits.preview(&caller.name)?;
    state.checker.salespeople().await.map_err(untold)
}

/// What the ERP holds now of the customer that a contact is. It asks the ERP, so it counts as a preview against
/// `api.preview_limit`, and is audited as `contact.look`.
///
/// # Errors
/// [`Problem::RateLimited`], [`Problem::ContactNotLinked`], or [`Problem::ErpUnavailable`] if the ERP does not tell.
pub(crate) async fn customer(
    state: &HttpState,
    Operator(caller): &Operator,
    contact_id: &str,
) -> Result<Vec<CustomerField>, Problem> {
    state.limits.preview(&caller.name)?;
    let contact = state.store.contact(contact_id).await?.ok_or(Problem::ContactNotLinked)?;
    let (store, actor, subject) = (state.store.clone(), caller.actor(), contact_id.to_owned());
    state.undisturbed(async move { store.audit(&actor, "contact.look", &subject, None).await }).await?;
    state.checker.customer(contact.link).await.map_err(untold)
}

fn untold(error: PreviewError) -> Problem {
    match error {
        PreviewError::Erp(why) => Problem::ErpUnavailable(why),
        PreviewError::Store(error) => error.into(),
    }
}
