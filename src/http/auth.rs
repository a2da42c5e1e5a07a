//! Who calls `/v1`: bearer tokens with a scope (`contract.md` §5).

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

use super::{caller, keys::Caller, problem::Problem, rates::Remote, state::HttpState};
use crate::config::Scope;

/// The longest `Authorization` header that is looked at, in bytes.
const MAX_HEADER_BYTES: usize = 4_096;

/// A caller that may look: scope `read` or more.
#[derive(Debug)]
pub struct Reader(pub Caller);

/// A caller that may change things: scope `operate`.
#[derive(Debug)]
pub struct Operator(pub Caller);

impl FromRequestParts<HttpState> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &HttpState) -> Result<Self, Problem> {
        authenticate(parts, state).await.map(Self)
    }
}

impl FromRequestParts<HttpState> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &HttpState) -> Result<Self, Problem> {
        Self::of(authenticate(parts, state).await?)
    }
}

impl Operator {
    /// The caller, if it may change things.
    ///
    /// # Errors
    /// [`Problem::ScopeTooSmall`]
    pub fn of(caller: Caller) -> Result<Self, Problem> {
        if caller.scope < Scope::Operate { Err(Problem::ScopeTooSmall) } else { Ok(Self(caller)) }
    }
}

/// Finds the caller of a request.
async fn authenticate(parts: &Parts, state: &HttpState) -> Result<Caller, Problem> {
    caller_with(state, Remote::of(&parts.extensions), bearer(&parts.headers)).await
}

/// Finds the caller by the token. A failure counts against its address; a right token always passes, so that nobody
/// behind the same proxy can lock the others out, but has to wait for its turn where an address has failed too often.
///
/// # Errors
/// [`Problem::TokenMissing`], [`Problem::TokenUnknown`], [`Problem::TokenExpired`], or that there were too many failures or
/// requests.
pub(crate) async fn caller_with(state: &HttpState, remote: Remote, token: Option<&str>) -> Result<Caller, Problem> {
    let found = match token {
        None => Err(Problem::TokenMissing),
        Some(token) => {
            let keys = state.keys.current();
            state.limits.in_turn(remote, async { keys.tokens.find(token, state.clock.now()).cloned() }).await
        }
    };
    match found {
        Ok(caller) => {
            caller::note_token(&caller.name);
            state.limits.token(&caller.name)?;
            Ok(Caller { address: Some(remote.0), ..caller })
        }
        Err(problem) => {
            state.limits.failed_authentication(remote)?;
            Err(problem)
        }
    }
}

/// The token of `Authorization: Bearer …`, if there is one. The scheme's case does not matter (RFC 9110 §11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    if value.len() > MAX_HEADER_BYTES {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_authorization_header_is_read_as_the_standard_says() {
        let long = format!("Bearer {}", "x".repeat(MAX_HEADER_BYTES));
        let table = [
            ("Bearer abc", Some("abc")),
            ("bearer abc", Some("abc")),
            ("BEARER  abc ", Some("abc")),
            ("Basic abc", None),
            ("Bearer", None),
            ("Bearer ", None),
            ("abc", None),
            ("", None),
            (&long, None),
        ];
        for (value, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            assert_eq!(bearer(&headers), expected, "{value}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
