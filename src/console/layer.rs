//! What stands around every page's request: the headers that keep foreign script out, and faults written for people.

use askama::Template;
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    fault::Fault,
    form::Fields,
    frame::{Frame, Nav, page},
    status,
    visit::language,
    words::{Lang, fill, member},
};
use crate::{clock::Millis, event::FieldError, http::problem::Problem};

/// Script, style, pictures and connections of our own origin alone, nothing inline, nothing framed, no other base, and
/// forms that go nowhere else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What is said in place of a page.
#[derive(Template)]
#[template(path = "fault.html")]
struct FaultPage {
    frame: Frame,
    text: String,
    more: &'static str,
    back: String,
}

/// The layer.
pub(super) async fn around(request: Request, next: Next) -> Response {
    let lang = language(request.headers());
    let method = request.method().clone();
    let here = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let came_from = came_from(request.headers());
    let mut response = next.run(request).await;
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        response = told(&fault, &method, here, came_from, lang, response);
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // `no-referrer` would take the origin of forms with it, which the look at the origin needs.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A fault as people see it.
fn told(fault: &Fault, method: &Method, here: String, back: String, lang: Lang, told: Response) -> Response {
    if here.split('?').next() == Some("/console/stream") {
        return told;
    }
    if fault.is_about_session() {
        let next = if method == Method::GET { here } else { back };
        return Redirect::to(&Fields::default().address("/console/sign-in", &[("next", &next)])).into_response();
    }
    let w = &lang.words().frame;
    let text = match fault {
        Fault::Foreign => w.error_foreign.to_owned(),
        Fault::NoPage => w.error_no_page.to_owned(),
        Fault::Problem(Problem::Invalid(errors)) => {
            errors.iter().map(|error| in_words(error, lang)).collect::<Vec<_>>().join("\n")
        }
        Fault::Problem(Problem::WrongState(status)) => fill(w.error_state, &[&status::of(*status, lang).label]),
        Fault::Problem(problem) => lang.sentence(&problem.document().detail).to_owned(),
    };
    let more =
        if matches!(fault, Fault::Problem(Problem::WrongState(_) | Problem::Changed)) { w.error_changed } else { "" };
    // What a form was sent to is no page: the other language is shown on the page that sent it.
    let page_here = if method == Method::GET { &here } else { &back };
    let frame = Frame::plain(lang, page_here, Nav::None, Millis::default());
    let mut response = page(&FaultPage { frame, text, more, back }).into_response();
    *response.status_mut() = fault.status();
    if let Some(wait) = told.headers().get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    response
}

/// What is wrong, with the name of the member where it is one of an event's data.
fn in_words(error: &FieldError, lang: Lang) -> String {
    let message = lang.part(&error.message);
    match error.pointer.strip_prefix("/data/") {
        Some(path) => format!("{}：{message}", member(lang, &path.replace('/', "."))),
        None => message.to_owned(),
    }
}

/// The page of the console that a form was sent from, by the `Referer`; the events if there is none.
fn came_from(headers: &HeaderMap) -> String {
    let referer = headers.get(header::REFERER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path = referer.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    path.filter(|path| is_page(path)).unwrap_or(super::events::PATH).to_owned()
}

/// Whether this is an address of a page here, and of nobody else's: whoever is sent there stays in the console.
pub(super) fn is_page(address: &str) -> bool {
    let is_inside = address == "/console" || address.starts_with("/console/") || address.starts_with("/console?");
    is_inside && address.len() <= 2_000 && address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_sent_back_stays_in_the_console() {
        for (address, expected) in [
            ("/console", true),
            ("/console/events?q=%E5%BC%A0", true),
            ("/consoles", false),
            ("//evil.example/console/", false),
            ("https://evil.example/console/", false),
            ("/console/\\evil", false),
            ("/console/ x", false),
            ("", false),
        ] {
            assert_eq!(is_page(address), expected, "{address}");
        }
    }
}
