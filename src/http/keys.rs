//! The keys that the door compares with: tokens of the REST interface and secrets of the webhook's senders, both
//! swappable at run time.

use std::{
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
};

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::signed_body::Secrets;
use crate::{
    config::{ApiToken, Scope},
    store::Actor,
};

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
    /// Where the request came from, once it is known.
    pub address: Option<IpAddr>,
}

impl Caller {
    /// As the audit log names the caller.
    pub fn actor(&self) -> Actor {
        Actor { name: self.name.to_string(), address: self.address }
    }
}

impl Tokens {
    /// Hashes the configured tokens; the plain ones are not kept.
    pub fn new(tokens: &[ApiToken]) -> Self {
        let known = tokens.iter().map(|token| Token {
            hash: Sha256::digest(token.token.expose_secret().as_bytes()).into(),
            caller: Caller { name: token.name.as_str().into(), scope: token.scope, address: None },
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

#[cfg(test)]
mod tests {
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
}
