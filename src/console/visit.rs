//! Who looks at a page: the session behind the cookie, the language, and for changes the form with its secret.

use std::sync::{Arc, OnceLock};

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{fault::Fault, form::Fields, words::Lang};
use crate::{
    config::{Scope, TokenHash},
    http::{HttpState, api::sign_in::is_secret, auth::Operator, body, keys::Caller, problem::Problem, rates::Remote},
};

/// The cookie of the session; only `/console` gets to see it.
pub(super) const SESSION_COOKIE: &str = "erp_bridge_session";
/// The cookie of the language.
pub(super) const LANGUAGE_COOKIE: &str = "erp_bridge_language";
/// The field of every form that shows that a page of this session sent it.
pub(super) const FORM_SECRET: &str = "secret";

/// Who asked and what was sent, noted for the page of a fault: the layer that writes it has neither session nor ledger.
#[derive(Debug, Clone, Default)]
pub(super) struct Noted(Arc<Notes>);

#[derive(Debug, Default)]
struct Notes {
    visit: OnceLock<(HttpState, Visit)>,
    form: OnceLock<Fields>,
}

impl Noted {
    /// Who asked, if anybody who is signed in did.
    pub(super) fn visit(&self) -> Option<&(HttpState, Visit)> {
        self.0.visit.get()
    }

    /// The form of a page of this session that was sent.
    pub(super) fn form(&self) -> Option<&Fields> {
        self.0.form.get()
    }

    fn of(parts: &Parts) -> Self {
        parts.extensions.get::<Self>().cloned().unwrap_or_default()
    }
}

/// Somebody who is signed in and looks at a page.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    /// Whose token it is.
    pub(super) caller: Caller,
    /// In which language.
    pub(super) lang: Lang,
    /// The address of the page.
    pub(super) path: String,
    /// What its query says.
    pub(super) query: Fields,
    /// What every form of this session carries.
    pub(super) form_secret: Arc<str>,
    /// What the ledger knows the session by.
    pub(super) session: String,
    /// Where the stream of changes was before anything was read for the page.
    pub(super) position: String,
}

impl Visit {
    /// Whether this caller may change things.
    pub(super) fn is_operator(&self) -> bool {
        self.caller.scope >= Scope::Operate
    }
}

impl FromRequestParts<HttpState> for Visit {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &HttpState) -> Result<Self, Fault> {
        let secret = cookie(&parts.headers, SESSION_COOKIE).ok_or(Problem::TokenMissing)?;
        let session = hash(secret);
        let remote = Remote::of(&parts.extensions);
        let caller = match state.limits.in_turn(remote, holder(state, secret, &session)).await {
            Ok(caller) => caller,
            Err(problem) => {
                // A cookie is guessed no faster than a token; whoever has an old one is asked to sign in all the same.
                if problem == Problem::TokenMissing {
                    let _ = state.limits.failed_authentication(remote);
                }
                return Err(problem.into());
            }
        };
        state.limits.token(&caller.name)?;
        let visit = Self {
            caller: Caller { address: Some(remote.0), ..caller },
            lang: language(&parts.headers),
            path: parts.uri.path().to_owned(),
            query: Fields::read(parts.uri.query().unwrap_or_default().as_bytes()),
            form_secret: hash(&format!("form {secret}")).into(),
            session,
            position: state.store.follow(None).id(),
        };
        // A second extractor of the same request finds the same.
        let _ = Noted::of(parts).0.visit.set((state.clone(), visit.clone()));
        Ok(visit)
    }
}

/// Whose session it is.
async fn holder(state: &HttpState, secret: &str, session: &str) -> Result<Caller, Problem> {
    if !is_secret(secret) {
        return Err(Problem::TokenMissing);
    }
    let token = state.store.console_session(session).await?.ok_or(Problem::TokenMissing)?;
    state.keys.current().tokens.holder(TokenHash(token), state.clock.now()).cloned()
}

/// A form that a page of this session sent.
#[derive(Debug)]
pub(super) struct Sent {
    /// Who sent it.
    pub(super) visit: Visit,
    /// Its fields.
    pub(super) form: Fields,
}

impl FromRequest<HttpState> for Sent {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &HttpState) -> Result<Self, Fault> {
        let (mut parts, mut body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, state).await?;
        let form = Fields::read(&body::read(state, &parts.headers, &mut body).await?);
        let shown = form.get(FORM_SECRET).unwrap_or_default();
        let is_ours = bool::from(shown.as_bytes().ct_eq(visit.form_secret.as_bytes()));
        if !is_ours {
            return Err(Fault::Foreign);
        }
        let _ = Noted::of(&parts).0.form.set(form.clone());
        Ok(Self { visit, form })
    }
}

/// A form that changes something: whoever sent it may do so.
#[derive(Debug)]
pub(super) struct Change {
    /// Who sent it.
    pub(super) operator: Operator,
    /// Its fields.
    pub(super) form: Fields,
}

impl FromRequest<HttpState> for Change {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &HttpState) -> Result<Self, Fault> {
        let Sent { visit, form } = Sent::from_request(request, state).await?;
        Ok(Self { operator: Operator::of(visit.caller)?, form })
    }
}

/// What stands for a secret where it must not stand itself.
pub(super) fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

/// A cookie of a request.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The language that was chosen; Chinese before anybody chose.
pub(super) fn language(headers: &HeaderMap) -> Lang {
    if cookie(headers, LANGUAGE_COOKIE) == Some(Lang::En.tag()) { Lang::En } else { Lang::Zh }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; erp_bridge_session=s=1;b"));
        headers.append(header::COOKIE, HeaderValue::from_static("erp_bridge_language=en"));
        assert_eq!((cookie(&headers, SESSION_COOKIE), cookie(&headers, "session")), (Some("s=1"), None));
        assert_eq!((language(&headers), language(&HeaderMap::new())), (Lang::En, Lang::Zh));
    }
}
