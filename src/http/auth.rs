//! Who calls `/v1`: bearer tokens with a scope (`contract.md` §5), and the webhook secrets, both swappable at run time.

use std::sync::{Arc, PoisonError, RwLock};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::{door::Door, limits::Remote, problem::Problem, signed_body::Secrets};
use crate::config::{ApiToken, Scope};

/// The longest `Authorization` header that is looked at, in bytes.
const MAX_HEADER_BYTES: usize = 4_096;

/// The tokens of `[api].tokens`, each as its SHA-256.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    known: Vec<Token>,
}

#[derive(Debug, Clone)]
struct Token {
    hash: [u8; 32],
    caller: Caller,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's name, as the audit log writes it.
    pub name: Arc<str>,
    /// What the token may do.
    pub scope: Scope,
}

impl Tokens {
    /// Hashes the configured tokens; the plain ones are not kept.
    pub fn new(tokens: &[ApiToken]) -> Self {
        let known = tokens.iter().map(|token| Token {
            hash: Sha256::digest(token.token.expose_secret().as_bytes()).into(),
            caller: Caller { name: token.name.as_str().into(), scope: token.scope },
        });
        Self { known: known.collect() }
    }

    /// Whose token this is. Compares with every token in constant time, so that the answer's time tells nothing.
    pub fn find(&self, token: &str) -> Option<&Caller> {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let mut found: Option<&Caller> = None;
        for known in &self.known {
            let same: Choice = known.hash.ct_eq(&hash);
            if bool::from(same) {
                found = Some(&known.caller);
            }
        }
        found
    }
}

/// Everything secret that the door compares with.
#[derive(Debug)]
pub struct Keys {
    /// Secrets of the webhook's senders.
    pub secrets: Secrets,
    /// Tokens of the REST interface.
    pub tokens: Tokens,
}

/// The [`Keys`] in force; replaced as a whole when SIGHUP re-reads them. Requests under way keep those they began with.
#[derive(Debug)]
pub struct Keyring(RwLock<Arc<Keys>>);

impl Keyring {
    /// A ring with these keys.
    pub fn new(keys: Keys) -> Self {
        Self(RwLock::new(Arc::new(keys)))
    }

    /// The keys in force now.
    pub fn current(&self) -> Arc<Keys> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts other keys in force.
    pub fn replace(&self, keys: Keys) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}

/// A caller that may look: scope `read` or more.
#[derive(Debug)]
pub struct Reader(pub Caller);

/// A caller that may change things: scope `operate`.
#[derive(Debug)]
pub struct Operator(pub Caller);

impl FromRequestParts<Door> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        authenticate(parts, door).map(Self)
    }
}

impl FromRequestParts<Door> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        let caller = authenticate(parts, door)?;
        if caller.scope < Scope::Operate { Err(Problem::ScopeTooSmall) } else { Ok(Self(caller)) }
    }
}

/// Finds the caller of a request. A failure counts against its address; a right token always passes, so that nobody
/// behind the same proxy can lock the others out.
fn authenticate(parts: &Parts, door: &Door) -> Result<Caller, Problem> {
    let keys = door.keys.current();
    let found = match bearer(&parts.headers) {
        None => Err(Problem::TokenMissing),
        Some(token) => keys.tokens.find(token).ok_or(Problem::TokenUnknown),
    };
    match found {
        Ok(caller) => {
            door.limits.token(&caller.name)?;
            Ok(caller.clone())
        }
        Err(problem) => {
            door.limits.failed_authentication(Remote::of(&parts.extensions))?;
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

    fn token(name: &str, scope: Scope, token: &str) -> ApiToken {
        ApiToken { name: name.into(), scope, token: token.to_owned().into() }
    }

    #[test]
    fn a_token_is_found_by_its_whole_text_only() {
        let tokens = Tokens::new(&[token("ops", Scope::Operate, "007"), token("view", Scope::Read, "seen")]);
        assert_eq!(tokens.find("007").map(|caller| &*caller.name), Some("ops"));
        assert_eq!(tokens.find("seen").map(|caller| caller.scope), Some(Scope::Read));
        for wrong in ["7", "0070", "", "SEEN", "see"] {
            assert_eq!(tokens.find(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn no_configured_token_means_that_no_token_passes() {
        assert_eq!(Tokens::default().find(""), None);
    }

    #[test]
    fn the_plain_token_is_nowhere_in_memory_that_can_be_printed() {
        let tokens = Tokens::new(&[token("ops", Scope::Operate, "very-secret")]);
        assert!(!format!("{tokens:?}").contains("very-secret"));
    }

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
