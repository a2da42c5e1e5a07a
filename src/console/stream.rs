//! `GET /console/stream`: the state changes, for pages that follow them.

use std::time::Duration;

use axum::{extract::State, http::HeaderMap, response::Response};

use super::{fault::Fault, visit::Visit};
use crate::http::{HttpState, api::stream};

/// How often a stream looks whether its session is over, besides when somebody signs out here.
const SESSION_LOOK: Duration = Duration::from_secs(30);

/// As `GET /v1/stream`, for whoever is signed in; it begins where `since` says that the page was made, and ends with the session.
pub(super) async fn changes(
    State(state): State<HttpState>,
    visit: Visit,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let last = stream::last_event_id(&headers).or(visit.query.get("since"));
    Ok(stream::changes(&state, visit.caller.clone(), last, is_over(state.clone(), visit.session.clone()))?)
}

/// Waits until a session is over: somebody signed out, here or at another replica, or its time has come.
async fn is_over(state: HttpState, session: String) {
    let mut sign_outs = state.sign_outs().subscribe();
    // A ledger that is away does not tell.
    while !matches!(state.store.console_session(&session).await, Ok(None)) {
        let _ = tokio::time::timeout(SESSION_LOOK, sign_outs.changed()).await;
    }
}
