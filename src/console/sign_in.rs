//! Signing in with a token of the REST interface, signing out, choosing the language.

use std::time::Duration;

use askama::Template;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};

use super::{
    fault::Fault,
    form::Fields,
    frame::{Frame, Nav, page},
    layer::is_page,
    overview,
    visit::{LANGUAGE_COOKIE, SESSION_COOKIE, Sent, hash, language},
    words::Lang,
};
use crate::{
    config::Scope,
    http::{
        HttpState,
        api::sign_in::{SECRET_BYTES, redeem},
        auth::caller_with,
        body,
        keys::Caller,
        problem::Problem,
        rates::Remote,
    },
};

/// How long a session lasts: a working day. It ends earlier with its token.
const SESSION_LIFE: Duration = Duration::from_secs(12 * 3_600);
/// A choice of language is kept for a year, in seconds.
const LANGUAGE_SECONDS: u32 = 31_536_000;

/// A token or a link, and where to go afterwards.
const FORM_BYTES_MAX: u64 = 8 << 10;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    next: String,
    /// The link that was followed here, instead of a token.
    link: Option<String>,
    error: Option<String>,
}

/// `GET /console/sign-in`
pub(super) async fn form(State(state): State<HttpState>, request: Request) -> Result<Response, Fault> {
    let query = Fields::read(request.uri().query().unwrap_or_default().as_bytes());
    let link = query.text("link");
    page(&SignInPage { link, ..sign_in_page(&state, language(request.headers()), &query, None) })
}

fn sign_in_page(state: &HttpState, lang: Lang, given: &Fields, error: Option<String>) -> SignInPage {
    let next = given.get("next").filter(|next| is_page(next)).unwrap_or(overview::PATH).to_owned();
    let here = Fields::default().address("/console/sign-in", &[("next", &next)]);
    SignInPage { frame: Frame::plain(lang, &here, Nav::None, state.clock.now()), next, link: None, error }
}

/// `POST /console/sign-in`: a right token, or a link that was made for one, begins a session.
pub(super) async fn enter(State(state): State<HttpState>, request: Request) -> Result<Response, Fault> {
    let (parts, mut body) = request.into_parts();
    // Whoever has not signed in yet gets no more memory than a token takes.
    let sent = body::read_at_most(&state, &parts.headers, &mut body, FORM_BYTES_MAX).await?;
    let given = Fields::read(&sent);
    drop(sent);
    let lang = language(&parts.headers);
    let remote = Remote::of(&parts.extensions);
    let found = match given.get("link") {
        Some(link) => by_link(&state, remote, link).await,
        None => caller_with(&state, remote, given.get("token")).await,
    };
    let caller = match found {
        Ok(caller) => caller,
        Err(problem) => {
            // Of a right token that is used too often nobody learns anything.
            if !problem.status().is_server_error() && !matches!(problem, Problem::RateLimited(_)) {
                state.limits.failed_sign_in(remote).await;
            }
            return refused(&state, lang, &given, &problem);
        }
    };
    // Who may only look does not make it easier to guess who may do more.
    if caller.scope >= Scope::Operate {
        state.limits.signed_in(remote);
    }
    let secret = hex::encode(rand::random::<[u8; SECRET_BYTES]>());
    let until = state.clock.now().plus(SESSION_LIFE);
    let (store, session, token) = (state.store.clone(), hash(&secret), caller.token);
    let actor = caller.actor();
    let begin = async move { store.begin_console_session(&session, token.0, until, &actor).await };
    state.undisturbed(begin).await?;
    let next = given.get("next").filter(|next| is_page(next)).unwrap_or(overview::PATH);
    let secure = if is_secure(&parts.headers) { "; Secure" } else { "" };
    let life = SESSION_LIFE.as_secs();
    let cookie = format!("{SESSION_COOKIE}={secret}; Path=/console; HttpOnly; SameSite=Strict; Max-Age={life}{secure}");
    Ok(with_cookie(Redirect::to(next).into_response(), &cookie))
}

/// Whose link this is. A failure counts against the address, and has it wait for its turn, as a wrong token does.
async fn by_link(state: &HttpState, remote: Remote, link: &str) -> Result<Caller, Problem> {
    match state.limits.in_turn(remote, redeem(state, link)).await {
        Ok(caller) => Ok(Caller { address: Some(remote.0), ..caller }),
        Err(problem) => {
            state.limits.failed_authentication(remote)?;
            Err(problem)
        }
    }
}

/// The form again, with what was wrong.
fn refused(state: &HttpState, lang: Lang, given: &Fields, problem: &Problem) -> Result<Response, Fault> {
    let error = match (problem, given.get("link")) {
        (Problem::TokenUnknown | Problem::TokenExpired, Some(_)) => lang.words().frame.sign_in_link_over.to_owned(),
        _ => lang.sentence(&problem.document().detail).to_owned(),
    };
    let mut response = page(&sign_in_page(state, lang, given, Some(error)))?;
    let answer = problem.clone().into_response();
    *response.status_mut() = answer.status();
    if let Some(wait) = answer.headers().get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    Ok(response)
}

/// `POST /console/sign-out`
pub(super) async fn leave(State(state): State<HttpState>, sent: Sent) -> Result<Response, Fault> {
    let (store, session) = (state.store.clone(), sent.visit.session);
    state.undisturbed(async move { store.end_console_session(&session).await }).await?;
    // Whoever still listens with this session is told nothing more.
    state.sign_outs().send_replace(());
    let gone = format!("{SESSION_COOKIE}=; Path=/console; HttpOnly; SameSite=Strict; Max-Age=0");
    Ok(with_cookie(Redirect::to("/console/sign-in").into_response(), &gone))
}

/// `GET /console/language?to=en&back=/console/events`
pub(super) async fn language_choice(request: Request) -> Response {
    let query = Fields::read(request.uri().query().unwrap_or_default().as_bytes());
    let lang = if query.get("to") == Some(Lang::En.tag()) { Lang::En } else { Lang::Zh };
    let back = query.get("back").filter(|back| is_page(back)).unwrap_or(overview::PATH);
    let cookie =
        format!("{LANGUAGE_COOKIE}={}; Path=/console; SameSite=Strict; Max-Age={LANGUAGE_SECONDS}", lang.tag());
    with_cookie(Redirect::to(back).into_response(), &cookie)
}

/// Whether the browser came over TLS, which a proxy before the bridge may have ended: then the form's origin says so.
fn is_secure(headers: &HeaderMap) -> bool {
    headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}
