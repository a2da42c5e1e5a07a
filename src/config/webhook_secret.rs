//! A secret that the platform signs its webhooks with (Standard Webhooks, `contract.md` §1).

use std::{fmt, str::FromStr};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

/// The longest key, in bytes; the scheme recommends 24 to 64.
const KEY_BYTES_MAX: usize = 1_024;

/// Senders leave base64 padding off or not; both are taken.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The key behind `whsec_<base64>`: 1 to 1,024 bytes, never shown.
#[derive(Clone)]
pub struct WebhookSecret(SecretSlice<u8>);

impl WebhookSecret {
    /// The key of the signature.
    pub fn key(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// As a signature is made with it.
    pub fn keyed(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(self.key()).expect("a key of any length") // why: HMAC hashes long keys and pads short ones
    }

    /// The `webhook-signature` of a body, `v1,<base64>`; `timestamp` is in Unix seconds.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        format!("v1,{}", STANDARD.encode(webhook_mac(&self.keyed(), id, &timestamp.to_string(), body)))
    }
}

/// What the Standard Webhooks scheme signs: id, timestamp and the raw body.
pub fn webhook_mac(key: &Hmac<Sha256>, id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
    let mut mac = key.clone();
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

impl FromStr for WebhookSecret {
    type Err = &'static str;

    /// Reads `whsec_<base64>`; the error says what would be right, never what was there.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let key = text.trim().strip_prefix("whsec_").and_then(|encoded| BASE64.decode(encoded).ok());
        key.filter(|key| (1..=KEY_BYTES_MAX).contains(&key.len()))
            .map(|key| Self(key.into()))
            .ok_or("write whsec_ and then base64 of 24 to 64 random bytes")
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_of_another_form_is_refused_without_being_shown() {
        let of_bytes = |count| format!("whsec_{}", STANDARD.encode(vec![7; count]));
        for good in [" whsec_dGVzdA== ", "whsec_dGVzdA", &of_bytes(1), &of_bytes(1_023), &of_bytes(1_024)] {
            assert!(good.parse::<WebhookSecret>().is_ok(), "{good}");
        }
        for bad in ["", "whsec_", "whsec_*secret*", "whsec_客户", "dGVzdA==", "WHSEC_dGVzdA==", &of_bytes(1_025)] {
            let error = bad.parse::<WebhookSecret>().unwrap_err();
            assert_eq!(error, "write whsec_ and then base64 of 24 to 64 random bytes");
        }
        assert_eq!(format!("{:?}", "whsec_dGVzdA==".parse::<WebhookSecret>()), "Ok(WebhookSecret)");
    }
}
