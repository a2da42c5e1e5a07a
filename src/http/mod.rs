//! The door: the webhook target, the internal REST interface, health, metrics and the OpenAPI document. Every route is on
//! this page.

mod adopted;
pub(crate) mod api;
pub(crate) mod auth;
mod auth_failures;
pub(crate) mod body;
mod budget;
mod caller;
mod checked;
mod drain;
pub(crate) mod health;
pub(crate) mod intake;
pub mod keys;
mod last_use;
mod looks;
mod openapi;
mod paced;
mod places;
pub(crate) mod problem;
pub mod proxies;
pub mod rates;
mod request_id;
pub mod server;
mod sign_in_pauses;
pub mod signed_body;
mod state;
mod stream_places;
pub mod tls;
mod trace;
mod webhooks;

use std::sync::LazyLock;

use axum::{
    Router,
    http::header,
    middleware,
    routing::{get, post},
};
use bytes::Bytes;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::SwaggerUi;

pub use adopted::{ADOPT_MAX, AdoptedContact, AdoptionOutcome};
pub use checked::{CheckRow, CheckStatus};
pub use state::{
    Adopter, BlockHint, Checker, CustomerField, Dispatch, DispatchFacts, HttpParts, HttpState, MetricsText,
    PreviewError, Previewer, Salesperson, TriedTarget,
};

use api::{
    adoption, alerts, amend, audit, bulk, contacts, events, failures, links, operations, outbox, pauses, preview,
    replays, sign_in, stats, stream,
};
use problem::Problem;

/// What is served to everybody: the platform's events and the probes.
fn essential_routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(webhooks::receive_event))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
}

/// Every documented route: what is routed is documented, and the other way round.
fn documented_routes() -> OpenApiRouter<HttpState> {
    essential_routes()
        // what came
        .routes(routes!(events::list_events))
        .routes(routes!(events::get_event))
        .routes(routes!(failures::list_failures))
        .routes(routes!(preview::preview_event))
        // what operators do about it
        .routes(routes!(bulk::replay_events))
        .routes(routes!(bulk::discard_events))
        .routes(routes!(operations::replay_event))
        .routes(routes!(operations::discard_event))
        .routes(routes!(operations::resolve_event))
        .routes(routes!(amend::amend_event))
        .routes(routes!(amend::replan_event))
        .routes(routes!(replays::create_replay, replays::list_replays))
        .routes(routes!(replays::get_replay))
        .routes(routes!(replays::list_replay_events))
        .routes(routes!(replays::start_replay))
        .routes(routes!(replays::pause_replay))
        .routes(routes!(replays::resume_replay))
        .routes(routes!(replays::stop_replay))
        .routes(routes!(health::resume_dispatch))
        .routes(routes!(pauses::pause))
        .routes(routes!(pauses::resume))
        // contacts
        .routes(routes!(links::search_contacts))
        .routes(routes!(adoption::adopt_contacts))
        .routes(routes!(contacts::get_contact))
        .routes(routes!(contacts::sync_contact))
        .routes(routes!(contacts::assign_contact))
        .routes(routes!(contacts::apply_for_contact))
        .routes(routes!(contacts::take_contact_back))
        .routes(routes!(contacts::approve_contact))
        .routes(routes!(contacts::erase_contact))
        .routes(routes!(links::forget_link))
        // the console
        .routes(routes!(sign_in::offer_sign_in))
        // how it goes
        .routes(routes!(stats::get_stats))
        .routes(routes!(stream::stream_changes))
        .routes(routes!(audit::list_audit))
        .routes(routes!(audit::list_rejections))
        .routes(routes!(outbox::list_outbox))
        .routes(routes!(outbox::replay_messages))
        .routes(routes!(outbox::replay_message))
        .routes(routes!(outbox::discard_message))
        .routes(routes!(alerts::test_alerts))
        .routes(routes!(health::metrics_text))
}

/// Written when it is first asked for, and once: that takes longer than all else of a start.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document().into());

/// The whole door, with pages for people that another room brings, ready to be served.
pub fn router(state: HttpState, console: Router<HttpState>) -> Router {
    let (routes, _) = documented_routes().split_for_parts();
    let document = async || ([(header::CONTENT_TYPE, "application/yaml; charset=utf-8")], DOCUMENT.clone());
    let pages = SwaggerUi::new("/docs").config(utoipa_swagger_ui::Config::from("/openapi.yaml"));
    framed(routes.route("/openapi.yaml", get(document)).merge(pages).merge(console), state)
}

/// What `server.listen` serves where `server.admin_listen` serves the rest (`contract.md` §5).
pub fn public_router(state: HttpState) -> Router {
    framed(essential_routes().into(), state)
}

/// Routes with what stands around every request.
fn framed(routes: Router<HttpState>, state: HttpState) -> Router {
    webhooks::name_answers();
    routes
        // Senders write the address with a slash behind it too.
        .route("/webhooks/events/", post(webhooks::receive_event))
        .fallback(|| async { Problem::RouteNotFound })
        .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed })
        .layer(CatchPanicLayer::custom(trace::panicked))
        .layer(middleware::from_fn_with_state(state.clone(), drain::before_the_answer))
        .layer(middleware::from_fn(trace::around))
        .with_state(state)
}

/// The OpenAPI document in YAML, as `erp-bridge openapi` prints it.
pub fn document() -> String {
    openapi::yaml(documented_routes().get_openapi())
}
