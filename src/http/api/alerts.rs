//! `POST /v1/alerts/test`: whether the robots and receivers of `[[alerts.targets]]` take a message.

use axum::{Json, extract::State};

use crate::http::{
    auth::Operator,
    problem::Problem,
    state::{HttpState, TriedTarget},
};

/// What each target said to a test message.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct AlertsTested {
    /// In the order of the configuration; none if nobody is told of alerts.
    pub targets: Vec<TriedTarget>,
}

/// Send a test alert
///
/// To every target of `[[alerts.targets]]` as it is in force, as `erp-bridge alert --test` does: three times a minute, whoever
/// asks, as robots take few messages, and as many as a robot may be sent beside the alerts. It is audited as `alerts.test`.
#[utoipa::path(
    post, path = "/v1/alerts/test", tag = "operations", security(("token" = ["operate"])),
    responses((status = 200, description = "Who took it", body = AlertsTested)),
)]
pub(in crate::http) async fn test_alerts(
    State(state): State<HttpState>,
    operator: Operator,
) -> Result<Json<AlertsTested>, Problem> {
    test(&state, &operator).await.map(Json)
}

/// Sends every target a test message; robots take few of them.
///
/// # Errors
/// [`Problem::RateLimited`], or that the ledger cannot be written.
pub(crate) async fn test(state: &HttpState, Operator(caller): &Operator) -> Result<AlertsTested, Problem> {
    state.limits.alert_test()?;
    let (store, actor) = (state.store.clone(), caller.actor());
    state.undisturbed(async move { store.audit(&actor, "alerts.test", "alerts", None).await }).await?;
    Ok(AlertsTested { targets: state.checker.try_alerts().await })
}
