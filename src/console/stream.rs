//! `GET /console/stream`: the state changes, for pages that follow them.

use axum::{extract::State, http::HeaderMap, response::Response};

use super::{fault::Fault, visit::Visit};
use crate::http::{HttpState, api::stream};

/// As `GET /v1/stream`, for whoever is signed in; it begins where `since` says that the page was made.
pub(super) async fn changes(
    State(state): State<HttpState>,
    visit: Visit,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let last = stream::last_event_id(&headers).or(visit.query.get("since"));
    Ok(stream::changes(&state, visit.caller.clone(), last, None)?)
}
