//! Pages for people who never read logs: what came, why it is not in the ERP yet, and one click to put it right.
//!
//! A page is a file here, a template of the same name and its words (`docs/console.md` says how to add one). Pages ask and
//! act by the functions of `http/api`, so that rights and masking are decided in one place.

mod assets;
mod audit;
mod bulk;
mod chart;
mod contacts;
mod csv;
mod done;
mod erp;
mod event;
mod events;
mod facts;
mod fault;
mod form;
mod format;
mod frame;
mod help;
mod layer;
mod not_admitted;
mod now;
mod outbox;
mod overview;
mod rejections;
mod replays;
mod settings;
mod sign_in;
mod status;
mod stream;
mod todo;
mod trends;
mod typed;
mod verdict;
mod visit;
mod why;
mod words;

use axum::{
    Router,
    http::{Method, Uri},
    middleware,
    response::{IntoResponse, Redirect, Response},
    routing::{any, get, post},
};
use tower_http::csrf::CsrfLayer;

use self::fault::Fault;
use crate::http::{HttpState, problem::Problem};

/// Who opens an address that a form is sent to, such as by choosing the other language on what it answered, comes to the page
/// that the form stands on.
async fn sent_by_forms(method: Method, uri: Uri) -> Response {
    let page = match uri.path() {
        // A message has no page of its own.
        path if path.starts_with("/console/outbox/") => Some((outbox::PATH, "")),
        path => path.rsplit_once('/'),
    };
    match page {
        Some((page, _)) if method.is_safe() && page.starts_with("/console") => Redirect::to(page).into_response(),
        _ => Problem::MethodNotAllowed.into_response(),
    }
}

/// Every page, to be served beside the REST interface.
pub fn routes() -> Router<HttpState> {
    Router::new()
        .route("/console", get(async || Redirect::to(overview::PATH)))
        .route("/console/", get(async || Redirect::to(overview::PATH)))
        .route("/console/sign-in", get(sign_in::form).post(sign_in::enter))
        .route("/console/sign-out", post(sign_in::leave))
        .route("/console/language", get(sign_in::language_choice))
        .route("/console/stream", get(stream::changes))
        .route(assets::PATH, get(assets::serve))
        // one route a page, in the order of the navigation
        .route(overview::PATH, get(overview::show))
        .route(todo::PATH, get(todo::list))
        .route("/console/todo/next", get(todo::next))
        .route(events::PATH, get(events::list))
        .route(bulk::PATH, get(bulk::ask).post(bulk::act))
        .route("/console/events/{id}", get(event::show))
        .route("/console/events/{id}/event.json", get(event::record))
        .route("/console/events/{id}/replay", post(event::replay))
        .route("/console/events/{id}/amend", post(event::amend))
        .route("/console/events/{id}/replan", post(event::replan))
        .route("/console/events/{id}/discard", post(event::discard))
        .route("/console/events/{id}/resolve", post(event::resolve))
        .route("/console/events/{id}/now", post(now::of_event))
        .route(contacts::PATH, get(contacts::list))
        .route("/console/contacts/{id}", get(contacts::show))
        .route("/console/contacts/{id}/sync", post(contacts::sync))
        .route("/console/contacts/{id}/preview", get(contacts::show_again).post(contacts::preview))
        .route("/console/contacts/{id}/assign", get(contacts::choose_salesperson).post(contacts::assign))
        .route("/console/contacts/{id}/apply", post(contacts::apply))
        .route("/console/contacts/{id}/approval", post(contacts::approval))
        .route("/console/contacts/{id}/takeback", post(contacts::take_back))
        .route("/console/contacts/{id}/now", post(now::of_contact))
        .route("/console/contacts/{id}/unlink", post(contacts::unlink))
        .route("/console/contacts/{id}/erase", post(contacts::erase))
        .route(not_admitted::PATH, get(not_admitted::list))
        .route(not_admitted::CSV_PATH, get(not_admitted::download))
        .route(rejections::PATH, get(rejections::list))
        .route(replays::PATH, get(replays::list).post(replays::create))
        .route("/console/replays/{id}", get(replays::show))
        .route("/console/replays/{id}/events.csv", get(replays::download))
        .route("/console/replays/{id}/{deed}", post(replays::change))
        .route(erp::PATH, get(erp::show))
        .route("/console/erp/check", get(erp::show).post(erp::check))
        .route("/console/erp/resume", post(erp::resume))
        .route("/console/erp/pause", post(erp::pause))
        .route("/console/erp/unpause", post(erp::unpause))
        .route(outbox::PATH, get(outbox::list))
        .route("/console/outbox/replay", post(outbox::replay_all))
        .route("/console/outbox/test", get(outbox::list).post(outbox::test))
        .route("/console/outbox/{id}/replay", post(outbox::replay))
        .route("/console/outbox/{id}/discard", post(outbox::discard))
        .route(audit::PATH, get(audit::list))
        .route(audit::CSV_PATH, get(audit::download))
        .route(settings::PATH, get(settings::show))
        .route(help::PATH, get(help::show))
        .route(help::MANUAL_PATH, get(help::manual))
        .method_not_allowed_fallback(sent_by_forms)
        .route("/console/{*nothing}", any(async |_: Result<visit::Visit, Fault>| Fault::NoPage))
        .layer(CsrfLayer::new().with_rejection_response(fault::foreign))
        .layer(middleware::from_fn(layer::around))
}
