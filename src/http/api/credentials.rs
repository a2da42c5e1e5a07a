//! Which keys are in use: the tokens by their names, the webhook secrets by their fingerprints.

use crate::{
    clock::Millis,
    http::{keys, signed_body, state::HttpState},
};

/// Tokens and webhook secrets, and when each was last used: by whoever answers up to this moment, by other replicas up to a
/// minute ago; restarts forget nothing.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Credentials {
    /// The tokens of `[api].tokens`.
    pub tokens: Vec<TokenUse>,
    /// The secrets of `[webhook].secrets`, in their order.
    pub webhook_secrets: Vec<SecretUse>,
}

/// A token.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct TokenUse {
    /// Its name.
    pub name: String,
    /// When it expires; null if it does not.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// When it was last used; null if it was not.
    #[schema(format = DateTime)]
    pub last_used_at: Option<String>,
}

/// A webhook secret.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct SecretUse {
    /// Eight hexadecimal digits that tell it from the others: of what stands behind `whsec_`, `base64 -d | sha256sum | cut -c 1-8`.
    #[schema(pattern = "^[0-9a-f]{8}$")]
    pub fingerprint: String,
    /// When a delivery was last signed with it; null if none was.
    #[schema(format = DateTime)]
    pub last_used_at: Option<String>,
}

/// The keys in force.
pub(super) fn credentials(state: &HttpState) -> Credentials {
    let keys = state.keys.current();
    let token = |token: keys::TokenUse| TokenUse {
        name: token.name.to_string(),
        expires_at: token.expires_at.map(Millis::rfc3339),
        last_used_at: token.last_used_at.map(Millis::rfc3339),
    };
    let secret = |secret: signed_body::SecretUse| SecretUse {
        fingerprint: secret.fingerprint,
        last_used_at: secret.last_used_at.map(Millis::rfc3339),
    };
    Credentials {
        tokens: keys.tokens.uses().map(token).collect(),
        webhook_secrets: keys.secrets.uses().map(secret).collect(),
    }
}
