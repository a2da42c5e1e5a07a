//! `GET /console/stream`: the state changes, for pages that follow them.

use axum::{extract::State, http::HeaderMap, response::Response};

use super::{fault::Fault, visit::Visit};
use crate::http::{HttpState, api::stream};

/// As `GET /v1/stream`, for whoever is signed in.
pub(super) async fn changes(
    State(state): State<HttpState>,
    visit: Visit,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    Ok(stream::changes(&state, visit.caller, &headers, None)?)
}
