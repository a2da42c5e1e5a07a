//! Who may call the internal REST interface.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::clock::Millis;

/// `[api]`
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Who may call `/v1`.
    pub tokens: Vec<ApiToken>,
    /// Requests a second of one token; 0 sets no limit.
    pub rate_limit: u32,
    /// Failed authentications a minute from one address; 0 sets no limit.
    pub auth_failure_limit: u32,
    /// Previews a minute of one token, each of which asks the ERP; 0 sets no limit.
    pub preview_limit: u32,
}

/// One bearer token; in the environment `name:scope:token`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Who this is, for the audit log.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// SHA-256 of the token; the token itself is not kept.
    pub hash: TokenHash,
    /// From when on it is not taken any more.
    pub expires_at: Option<Millis>,
}

impl ApiToken {
    /// The token `secret`, good for ever.
    pub fn new(name: &str, scope: Scope, secret: &str) -> Self {
        Self { name: name.to_owned(), scope, hash: TokenHash::of(secret), expires_at: None }
    }
}

/// SHA-256 of a bearer token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// The hash of this token.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

/// What a token may do (`contract.md` §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Look, with personal data masked.
    Read,
    /// Look unmasked, and change things.
    Operate,
}
