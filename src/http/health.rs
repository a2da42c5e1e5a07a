//! What probes ask: `/livez`, `/readyz`, `/metrics`; and `/v1/erp/resume`.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    api::{
        operations::{ReasonBody, checked_reason},
        stats,
    },
    auth::Operator,
    body::OptionalJsonBody,
    problem::Problem,
    state::{Dispatch, HttpState},
};
use crate::{event::Status, telemetry::metrics};

/// The process lives.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(super) struct Live {
    /// Always `ok`.
    #[schema(value_type = String, examples("ok"))]
    pub status: &'static str,
}

/// Is the process alive?
#[utoipa::path(
    get, path = "/livez", tag = "health",
    responses((status = 200, description = "It is", body = Live)),
)]
pub(super) async fn livez() -> Json<Live> {
    Json(Live { status: "ok" })
}

/// Whether events can be accepted.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(super) struct Ready {
    /// `ok` or `unavailable`.
    #[schema(value_type = String, examples("ok"))]
    pub status: &'static str,
    /// The parts that fail: `store`, `stopping`; empty while ready.
    #[schema(value_type = Vec<String>)]
    pub failing: Vec<&'static str>,
    /// How dispatch to the ERP stands; it never fails readiness, because the bridge accepts events without the ERP.
    pub dispatch: Dispatch,
}

/// Can events be accepted?
#[utoipa::path(
    get, path = "/readyz", tag = "health",
    responses(
        (status = 200, description = "They can", body = Ready),
        (status = 503, description = "They cannot; `failing` names the part", body = Ready, content_type = "application/json"),
    ),
)]
pub(super) async fn readyz(State(state): State<HttpState>) -> Response {
    let mut failing = Vec::new();
    if !state.store.is_healthy() {
        failing.push("store");
    }
    if state.stop.is_cancelled() {
        failing.push("stopping");
    }
    let (code, status) =
        if failing.is_empty() { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "unavailable") };
    (code, Json(Ready { status, failing, dispatch: state.dispatch.facts().wordless() })).into_response()
}

/// Metrics
///
/// In Prometheus' text form.
#[utoipa::path(
    get, path = "/metrics", tag = "health",
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain")),
)]
pub(super) async fn metrics_text(State(state): State<HttpState>) -> Response {
    // Whoever scrapes has no token, and costs the ledger nothing: upkeep keeps the figures.
    if let Some(figures) = state.store.latest_figures() {
        let sender = stats::sender(state.clock.now(), figures.last_webhook_at, state.silence_after);
        metrics::senders(sender.silent, sender.silent_seconds, figures.gaps.len());
        let now = state.clock.now();
        metrics::oldest_waiting(figures.oldest_queued.map_or(Duration::ZERO, |oldest| now.since(oldest)));
        for status in Status::ALL.into_iter().filter(|status| status.is_open() || *status == Status::Dead) {
            let counted = figures.by_status.iter().find(|(counted, _)| *counted == status);
            metrics::in_state(status.as_str(), counted.map_or(0, |(_, count)| *count));
        }
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (state.metrics)()).into_response()
}

/// Resume dispatch to the ERP
///
/// Forgets a refused login, so that it is tried once more with the configured credentials, and has one event try whatever is
/// wrong with the installation (`blocks`) at once; audited as `erp.resume`.
#[utoipa::path(
    post, path = "/v1/erp/resume", tag = "operations", security(("token" = ["operate"])),
    request_body(content = ReasonBody, content_type = "application/json"),
    responses((status = 200, description = "How dispatch stands now", body = Dispatch)),
)]
pub(super) async fn resume_dispatch(
    State(state): State<HttpState>,
    operator: Operator,
    OptionalJsonBody(body): OptionalJsonBody<ReasonBody>,
) -> Result<Json<Dispatch>, Problem> {
    resume(&state, &operator, body.reason).await.map(Json)
}

/// Forgets a refused login, and has every block tried at once.
///
/// # Errors
/// That the reason is not valid, or that the deed cannot be audited: then nothing is done.
pub(crate) async fn resume(
    state: &HttpState,
    Operator(caller): &Operator,
    reason: Option<String>,
) -> Result<Dispatch, Problem> {
    let reason = checked_reason(reason)?;
    let actor = caller.actor();
    let (store, dispatch) = (state.store.clone(), state.dispatch.clone());
    let resume = async move {
        store.audit(&actor, "erp.resume", "erp", reason.as_deref()).await?;
        dispatch.resume().await;
        Ok(())
    };
    state.undisturbed(resume).await?;
    Ok(state.dispatch.facts())
}
