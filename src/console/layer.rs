//! What stands around every page's request: the headers that keep foreign script out, and faults written for people.

use askama::Template;
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    fault::Fault,
    form::Fields,
    frame::{Frame, Nav, page},
    replays, status,
    typed::{Typed, typed},
    visit::{Noted, language},
    words::{Lang, fill, member, step},
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
    /// Where it happened.
    here: String,
    /// Whether the same may be answered soon.
    is_passing: bool,
    /// What was typed into a form that was not taken, and what goes with it.
    typed: Vec<Typed>,
    hidden: Vec<(String, String)>,
    /// By which the log knows it.
    request_id: String,
}

/// The layer.
pub(super) async fn around(mut request: Request, next: Next) -> Response {
    let noted = Noted::default();
    request.extensions_mut().insert(noted.clone());
    let lang = language(request.headers());
    let method = request.method().clone();
    let here = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let came_from = came_from(request.headers());
    let mut response = next.run(request).await;
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        let what = Failed { method, here, back: came_from, noted, lang };
        response = what.told(&fault, &response);
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

/// A request that failed.
struct Failed {
    method: Method,
    here: String,
    /// The page that it came from.
    back: String,
    noted: Noted,
    lang: Lang,
}

impl Failed {
    /// The fault as people see it.
    fn told(self, fault: &Fault, told: &Response) -> Response {
        if self.here.split('?').next() == Some("/console/stream") {
            return fault.clone().into_response();
        }
        let is_look = self.method == Method::GET;
        if fault.is_about_session() {
            let next = [("next", if is_look { self.here.as_str() } else { self.back.as_str() })];
            return Redirect::to(&Fields::default().address("/console/sign-in", &next)).into_response();
        }
        let is_about_form = matches!(fault, Fault::Problem(Problem::Invalid(_) | Problem::InvalidQuery(..)));
        let form = self.noted.form().filter(|_| is_about_form);
        let (typed, hidden) = form.map(|form| typed(form, self.lang)).unwrap_or_default();
        let is_passing =
            is_look && (fault.status().is_server_error() || fault.status() == StatusCode::TOO_MANY_REQUESTS);
        // Of any problem: the id is the request's.
        let document = Problem::Internal.document();
        let page = page(&FaultPage {
            frame: self.frame(is_look),
            text: in_words(fault, self.lang),
            more: if is_about_others(fault) { self.lang.words().frame.error_changed } else { "" },
            is_passing,
            typed,
            hidden,
            request_id: document.request_id.unwrap_or_default(),
            back: self.back,
            here: self.here,
        });
        let mut response = page.into_response();
        *response.status_mut() = fault.status();
        if let Some(wait) = told.headers().get(header::RETRY_AFTER) {
            response.headers_mut().insert(header::RETRY_AFTER, wait.clone());
        }
        response
    }

    /// The frame with its navigation for who is signed in. What a form was sent to is no page: the other language is shown on the
    /// page that sent it.
    fn frame(&self, is_look: bool) -> Frame {
        let page_here = if is_look { &self.here } else { &self.back };
        let plain = Frame::plain(self.lang, page_here, Nav::None, Millis::default());
        match self.noted.visit() {
            Some((state, visit)) => {
                Frame { other_language: plain.other_language, done: None, ..Frame::of(state, visit, Nav::None) }
            }
            None => plain,
        }
    }
}

/// Whether somebody else may have been faster.
fn is_about_others(fault: &Fault) -> bool {
    matches!(fault, Fault::Problem(Problem::WrongState(_) | Problem::WrongReplayState(_) | Problem::Changed))
}

/// What is wrong, and what to do.
fn in_words(fault: &Fault, lang: Lang) -> String {
    let w = lang.words();
    match fault {
        Fault::Foreign => w.frame.error_foreign.to_owned(),
        Fault::NoPage => w.frame.error_no_page.to_owned(),
        Fault::Problem(Problem::Invalid(errors)) => {
            errors.iter().map(|error| member_in_words(error, lang)).collect::<Vec<_>>().join("\n")
        }
        Fault::Problem(Problem::WrongState(status)) => fill(w.frame.error_state, &[&status::of(*status, lang).label]),
        Fault::Problem(Problem::WrongReplayState(state)) => {
            fill(w.replays.error_state, &[&replays::state_of(*state, &w.replays).0])
        }
        Fault::Problem(Problem::StepOpen(name)) => fill(w.frame.error_step, &[&step(lang, name)]),
        Fault::Problem(problem) => lang.sentence(&problem.document().detail).to_owned(),
    }
}

/// What is wrong, with the name of the member where it is one of an event's data.
fn member_in_words(error: &FieldError, lang: Lang) -> String {
    let message = lang.part(&error.message);
    match error.pointer.strip_prefix("/data/") {
        Some(path) => lang.labelled(member(lang, &path.replace('/', ".")), message),
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
    fn a_member_that_is_wrong_is_named_in_the_language_of_the_page() {
        let error = FieldError::new("/data/thread/score", "应为 0 至 100 的数字 (must be a number from 0 to 100)");
        assert_eq!(member_in_words(&error, Lang::Zh), "评分：应为 0 至 100 的数字");
        assert_eq!(member_in_words(&error, Lang::En), "Score: must be a number from 0 to 100");
    }

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
