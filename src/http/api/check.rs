//! What `erp-bridge check` says, asked of a bridge at work.

use crate::http::{
    auth::Operator,
    checked::CheckRow,
    problem::Problem,
    state::{HttpState, PreviewError, Salesperson},
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
    Ok(state.checker.check().await)
}

/// The people whom a customer can be given to. It may ask the ERP, so it counts as a preview against `api.preview_limit`.
///
/// # Errors
/// [`Problem::RateLimited`], or [`Problem::ErpUnavailable`] if the ERP does not tell.
pub(crate) async fn salespeople(state: &HttpState, Operator(caller): &Operator) -> Result<Vec<Salesperson>, Problem> {
    state.limits.preview(&caller.name)?;
    state.checker.salespeople().await.map_err(|error| match error {
        PreviewError::Erp(why) => Problem::ErpUnavailable(why),
        PreviewError::Store(error) => error.into(),
    })
}
