//! Signatures by the Standard Webhooks scheme (`contract.md` §1), over the raw bytes of a body. Pure: the time is given.

use std::{fmt, time::Duration};

use axum::http::{HeaderMap, HeaderValue};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hmac::Hmac;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::{caller, last_use::LastUse};
use crate::{
    clock::Millis,
    config::{WebhookSecret, webhook_mac},
};

/// Headers by their names and their older aliases.
const ID: [&str; 2] = ["webhook-id", "svix-id"];
const TIMESTAMP: [&str; 2] = ["webhook-timestamp", "svix-timestamp"];
const SIGNATURE: [&str; 2] = ["webhook-signature", "svix-signature"];

/// The longest `webhook-id`, in characters.
pub const ID_CHARS_MAX: usize = 255;
/// So many signatures of one request are looked at; a sender in the middle of a rotation sends two.
const SIGNATURES_MAX: usize = 32;

/// So much of a secret's hash is shown.
const FINGERPRINT_BYTES: usize = 4;

/// Senders leave base64 padding off or not; both are taken.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The secrets of which any may have signed.
pub struct Secrets(Vec<Secret>);

struct Secret {
    key: Hmac<Sha256>,
    fingerprint: String,
    last_use: LastUse,
}

/// A secret by what may be shown of it, and when it was last used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretUse {
    /// The first eight hexadecimal digits of its key's SHA-256.
    pub fingerprint: String,
    /// When it was last used, as far as this process knows.
    pub last_used_at: Option<Millis>,
}

/// What a valid signature vouches for, besides the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// `webhook-id`: 1–255 visible ASCII characters, the same again for a resend.
    pub id: String,
    /// `webhook-timestamp`: when this delivery was signed.
    pub timestamp: Millis,
}

/// Why a request is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is missing: 400.
    #[error("the header {0} is missing")]
    MissingHeader(&'static str),
    /// A header is there and makes no sense: 400.
    #[error("the header {0} is malformed or given twice")]
    BadHeader(&'static str),
    /// Signed longer ago than the tolerance: 401.
    #[error("webhook-timestamp is too old; check both clocks")]
    TooOld,
    /// Signed further ahead than the tolerance: 401.
    #[error("webhook-timestamp is in the future; check both clocks")]
    TooNew,
    /// No signature matches any secret: 401.
    #[error("no signature in webhook-signature matches the body")]
    NoMatch,
}

impl Secrets {
    /// Those of `[webhook].secrets`.
    pub fn new(secrets: &[WebhookSecret]) -> Self {
        Self(secrets.iter().map(Secret::new).collect())
    }

    /// Every secret, in the order of the configuration.
    pub fn uses(&self) -> impl Iterator<Item = SecretUse> {
        let shown =
            |secret: &Secret| SecretUse { fingerprint: secret.fingerprint.clone(), last_used_at: secret.last_use.at() };
        self.0.iter().map(shown)
    }

    /// When each secret was last used, by its name among all keys.
    pub(super) fn last_uses(&self) -> impl Iterator<Item = (String, &LastUse)> {
        self.0.iter().map(|secret| (format!("secret {}", secret.fingerprint), &secret.last_use))
    }

    /// Secrets that an earlier reading of the configuration had too keep when they were last used.
    pub(super) fn continue_from(&self, earlier: &Self) {
        for secret in &self.0 {
            if let Some(known) = earlier.0.iter().find(|known| known.fingerprint == secret.fingerprint) {
                secret.last_use.continue_from(&known.last_use);
            }
        }
    }

    /// Verifies a request: `now` is the server's time, `tolerance` how far the sender's clock may be off either way, both
    /// counted in whole seconds as the header is.
    ///
    /// # Errors
    /// [`SignatureError`]; headers are judged first, then the time, then the signatures.
    pub fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Millis,
        tolerance: Duration,
    ) -> Result<Delivery, SignatureError> {
        let id = header(headers, ID)?;
        let timestamp = header(headers, TIMESTAMP)?;
        let signatures = values(headers, SIGNATURE)?;
        if !(1..=ID_CHARS_MAX).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SignatureError::BadHeader(ID[0]));
        }
        let seconds = timestamp.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-').then(|| timestamp.parse());
        let Some(Ok(seconds)) = seconds else { return Err(SignatureError::BadHeader(TIMESTAMP[0])) };
        check_time(seconds, now, tolerance)?;
        let given = signatures_of(&signatures);
        // Every secret is tried with every signature, so that the time taken does not tell which one matched.
        let matches = |secret: &Secret| {
            let right = webhook_mac(&secret.key, id, timestamp, body);
            let any = |found, given: &Vec<u8>| found | right.as_slice().ct_eq(given);
            bool::from(given.iter().fold(Choice::from(0), any))
        };
        let matched: Vec<&Secret> = self.0.iter().filter(|secret| matches(secret)).collect();
        let secret = matched.first().ok_or(SignatureError::NoMatch)?;
        secret.last_use.note(now);
        caller::note_secret(&secret.fingerprint);
        Ok(Delivery { id: id.to_owned(), timestamp: Millis(seconds.saturating_mul(1000)) })
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

/// The `webhook-signature` of a body, `v1,<base64>`, for `erp-bridge send` and tests. `timestamp` is in Unix seconds.
pub fn sign(secret: &WebhookSecret, id: &str, timestamp: i64, body: &[u8]) -> String {
    secret.sign(id, timestamp, body)
}

impl Secret {
    fn new(secret: &WebhookSecret) -> Self {
        let hash = Sha256::digest(secret.key());
        let fingerprint = hex::encode(&hash[..FINGERPRINT_BYTES]);
        Self { key: secret.keyed(), fingerprint, last_use: LastUse::default() }
    }
}

/// The values of a header under either of its names; at least one.
fn values<'a>(headers: &'a HeaderMap, names: [&'static str; 2]) -> Result<Vec<&'a str>, SignatureError> {
    let values: Option<Vec<&HeaderValue>> = names.into_iter().find_map(|name| {
        let values: Vec<&HeaderValue> = headers.get_all(name).iter().collect();
        (!values.is_empty()).then_some(values)
    });
    let values = values.ok_or(SignatureError::MissingHeader(names[0]))?;
    values.into_iter().map(|value| value.to_str().map_err(|_| SignatureError::BadHeader(names[0]))).collect()
}

/// The one value of a header under either of its names.
fn header<'a>(headers: &'a HeaderMap, names: [&'static str; 2]) -> Result<&'a str, SignatureError> {
    let [value] = values(headers, names)?[..] else { return Err(SignatureError::BadHeader(names[0])) };
    Ok(value)
}

/// The signatures of version 1 in all the values of their header. Those between a sender and the bridge may have joined
/// several values by a comma (RFC 9110 §5.3), which also stands between a version and its signature.
fn signatures_of(values: &[&str]) -> Vec<Vec<u8>> {
    let words = values.iter().flat_map(|value| value.split([' ', ',', '\t'])).filter(|word| !word.is_empty());
    let after_version = words.scan("", |before, word| Some((std::mem::replace(before, word), word)));
    let of_version_1 = after_version.filter(|(version, word)| *version == "v1" && *word != "v1");
    of_version_1.take(SIGNATURES_MAX).filter_map(|(_, signature)| BASE64.decode(signature).ok()).collect()
}

fn check_time(seconds: i64, now: Millis, tolerance: Duration) -> Result<(), SignatureError> {
    let now = now.0.div_euclid(1000);
    let tolerance = i64::try_from(tolerance.as_secs()).unwrap_or(i64::MAX);
    if seconds < now.saturating_sub(tolerance) {
        Err(SignatureError::TooOld)
    } else if seconds > now.saturating_add(tolerance) {
        Err(SignatureError::TooNew)
    } else {
        Ok(())
    }
}

#[cfg(test)]
#[path = "signed_body_tests.rs"]
mod tests;
