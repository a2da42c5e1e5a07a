//! `GET /console/stream`: the state changes, for pages that follow them.

use std::time::Duration;

use axum::{extract::State, http::HeaderMap, response::Response};

use super::{fault::Fault, visit::Visit};
use crate::{
    http::{HttpState, api::stream},
    store::Store,
};

/// How often a stream looks whether its session is over.
const SESSION_LOOK: Duration = Duration::from_secs(2);

/// As `GET /v1/stream`, for whoever is signed in; it begins where `since` says that the page was made, and ends with the session.
pub(super) async fn changes(
    State(state): State<HttpState>,
    visit: Visit,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let last = stream::last_event_id(&headers).or(visit.query.get("since"));
    Ok(stream::changes(&state, visit.caller.clone(), last, is_over(state.store.clone(), visit.session.clone()))?)
}

/// Waits until a session is over: somebody signed out, here or at another replica, or its time has come.
async fn is_over(store: Store, session: String) {
    loop {
        tokio::time::sleep(SESSION_LOOK).await;
        // A ledger that is away does not tell.
        if matches!(store.console_session(&session).await, Ok(None)) {
            return;
        }
    }
}
