//! The door: the webhook target, the internal REST interface, health, metrics and the OpenAPI document. Every route is on
//! this page.

mod audit;
pub mod auth;
mod body;
mod contacts;
mod door;
mod events;
mod health;
mod intake;
pub mod limits;
mod openapi;
mod operations;
mod preview;
pub mod problem;
mod query;
pub mod server;
pub mod signed_body;
mod stats;
mod stream;
mod trace;
mod views;
mod webhooks;

use axum::{Router, http::header, middleware, routing::get};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::SwaggerUi;

pub use door::{Dispatch, DispatchFacts, Door, DoorParts, MetricsText, PreviewError, Previewer};

use problem::Problem;

/// Every documented route: what is routed is documented, and the other way round.
fn api() -> OpenApiRouter<Door> {
    OpenApiRouter::with_openapi(openapi::base())
        // what the platform sends
        .routes(routes!(webhooks::receive_event))
        // what came
        .routes(routes!(events::list_events))
        .routes(routes!(events::get_event))
        .routes(routes!(preview::preview_event))
        // what operators do about it
        .routes(routes!(operations::replay_events))
        .routes(routes!(operations::replay_event))
        .routes(routes!(operations::discard_event))
        .routes(routes!(operations::resolve_event))
        .routes(routes!(health::resume_dispatch))
        // contacts
        .routes(routes!(contacts::get_contact))
        .routes(routes!(contacts::sync_contact))
        .routes(routes!(contacts::assign_contact))
        .routes(routes!(contacts::apply_for_contact))
        .routes(routes!(contacts::take_contact_back))
        .routes(routes!(contacts::approve_contact))
        .routes(routes!(contacts::erase_contact))
        // how it goes
        .routes(routes!(stats::get_stats))
        .routes(routes!(stream::stream_changes))
        .routes(routes!(audit::list_audit))
        .routes(routes!(audit::list_rejections))
        // probes
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics_text))
}

/// The whole door, ready to be served.
pub fn router(door: Door) -> Router {
    let (routes, gathered) = api().split_for_parts();
    let document = openapi::yaml(&gathered);
    let document = move || async move { ([(header::CONTENT_TYPE, "application/yaml; charset=utf-8")], document) };
    let pages = SwaggerUi::new("/docs").config(utoipa_swagger_ui::Config::from("/openapi.yaml"));
    routes
        .route("/openapi.yaml", get(document))
        .merge(pages)
        .fallback(|| async { Problem::RouteNotFound })
        .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed })
        .layer(CatchPanicLayer::custom(trace::panicked))
        .layer(middleware::from_fn(trace::around))
        .with_state(door)
}

/// The OpenAPI document in YAML, as `erp-bridge openapi` prints it.
pub fn document() -> String {
    openapi::yaml(api().get_openapi())
}
