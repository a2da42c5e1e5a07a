//! What a single value must look like, what must hold between keys, what must not be missing, and what deserves a warning.

use std::{collections::BTreeSet, time::Duration};

use bytesize::ByteSize;
use humantime::format_duration;
use secrecy::{ExposeSecret, SecretString};

use super::{
    Config, ServerConfig,
    source::{ENV_PREFIX, Reader},
};
use crate::clock::Millis;

/// A lease outlives this many ERP calls that all run into their timeout …
const LEASE_TIMEOUTS: u32 = 4;
/// … and then so much.
const LEASE_MARGIN: Duration = Duration::from_secs(10);
/// A token that expires sooner is warned of at the start.
const EXPIRY_NOTICE: Duration = Duration::from_secs(14 * 86_400);
/// What the Standard Webhooks scheme recommends at least.
const KEY_BYTES_RECOMMENDED: usize = 24;

impl Config {
    /// What is allowed and yet unwise, or soon over, a sentence each; to be logged at the start.
    pub fn warnings(&self, now: Millis) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.api.tokens.is_empty() {
            warnings.push("api.tokens is empty: nobody can call /v1 (没有任何令牌可以访问 /v1)".to_owned());
        }
        let (memory, held) = (self.server.request_memory, self.server.held_request_memory());
        if memory < held {
            let (memory, held, connections) = (ByteSize(memory), ByteSize(held), self.server.max_connections);
            let what = "does not hold the heads of server.max_connections";
            let zh = format!("装不下 {connections} 个连接的请求头，按 {held} 计");
            warnings.push(format!("server.request_memory: {memory} {what} = {connections}, {held} counts ({zh})"));
        }
        if !self.alerts.targets.is_empty() && self.console.enabled && self.console.public_url.is_none() {
            let what = "alerts have no link into the console (告警中没有指向控制台的链接)";
            warnings.push(format!("console.public_url is empty: {what}"));
        }
        for token in &self.api.tokens {
            let Some(end) = token.expires_at.filter(|end| *end <= now.plus(EXPIRY_NOTICE)) else { continue };
            let (name, when) = (&token.name, end.rfc3339());
            warnings.push(format!("api.tokens: the token of {name} expires at {when} (令牌 {name} 于 {when} 到期)"));
        }
        for (index, secret) in self.webhook.secrets.iter().enumerate() {
            if secret.key().len() < KEY_BYTES_RECOMMENDED {
                let number = index + 1;
                warnings.push(format!("webhook.secrets: secret {number} has fewer than {KEY_BYTES_RECOMMENDED} bytes"));
            }
        }
        warnings
    }
}

/// How long a lease has to be for calls that may take so long.
pub(super) fn lease_for(timeout: Duration) -> Duration {
    timeout * LEASE_TIMEOUTS + LEASE_MARGIN
}

/// What must hold between keys.
pub(super) fn between_keys(config: &Config, r: &mut Reader) {
    server(&config.server, r);
    let needed = lease_for(config.erp.timeout);
    if config.worker.lease < needed {
        let (lease, timeout) = (format_duration(config.worker.lease), format_duration(config.erp.timeout));
        let needed = format_duration(needed);
        r.refuse("worker.lease", format!("{lease} is too short for erp.timeout = {timeout}: write at least {needed}"));
    }
    let (known, tolerance) = (config.retention.webhook_ids, config.webhook.tolerance);
    if !known.is_zero() && known < tolerance * 2 {
        let (known, twice) = (format_duration(known), format_duration(tolerance * 2));
        let message = format!(
            "{known} is too short: a captured request could be taken again; write 0s (for ever) or at least {twice}"
        );
        r.refuse("retention.webhook_ids", message);
    }
    if config.writeback.url.is_some() && config.writeback.secret.is_none() {
        r.refuse(
            "writeback.secret",
            "is missing: write whsec_ and base64 of 24 to 64 random bytes, which the platform has too",
        );
    }
    let mins: Vec<f64> = config.mapping.levels.iter().map(|level| level.min).collect();
    if !mins.is_sorted_by(|higher, lower| higher > lower) {
        r.refuse("mapping.levels", "write the levels from the highest min to the lowest, each min once");
    }
    let scores: Vec<f64> = config.assignment.rules.iter().map(|rule| rule.min_score).collect();
    if scores.iter().enumerate().any(|(index, score)| scores.iter().skip(index + 1).any(|other| other == score)) {
        r.refuse("assignment.rules", "two rules have the same min_score; write one with the users of both");
    }
    let tokens = &config.api.tokens;
    if tokens.iter().map(|token| &token.name).collect::<BTreeSet<_>>().len() < tokens.len() {
        r.refuse("api.tokens", "two tokens have the same name; the audit log could not tell them apart");
    }
    if tokens.iter().map(|token| token.hash).collect::<BTreeSet<_>>().len() < tokens.len() {
        r.refuse("api.tokens", "two names share one token; give each a token of its own");
    }
}

fn server(server: &ServerConfig, r: &mut Reader) {
    if server.admin_listen.as_ref().is_some_and(|admin| *admin == server.listen && admin.is_fixed()) {
        r.refuse("server.admin_listen", "is server.listen too: write another address or port, or nothing");
    }
    for (key, file, other, other_file) in [
        ("server.tls_cert", &server.tls_cert, "server.tls_key", &server.tls_key),
        ("server.tls_key", &server.tls_key, "server.tls_cert", &server.tls_cert),
    ] {
        if !file.is_empty() && other_file.is_empty() {
            r.refuse(key, format!("needs {other} beside it: write the PEM files of both, or neither"));
        }
    }
}

/// What a bridge cannot serve without.
pub(super) fn required(config: &Config, r: &mut Reader) {
    let erp = &config.erp;
    let secret = |secret: &SecretString| !secret.expose_secret().is_empty();
    let keys = [
        (
            "webhook.secrets",
            !config.webhook.secrets.is_empty(),
            "the secrets that senders sign with (签名密钥), whsec_…",
        ),
        ("erp.base_url", !erp.base_url.as_str().is_empty(), "the ERP's address (ERP 地址), such as http://HOST:PORT"),
        ("erp.username", !erp.username.is_empty(), "the ERP account's name (ERP 账号)"),
        ("erp.password", secret(&erp.password), "the ERP account's password (ERP 密码)"),
        (
            "erp.serial",
            !erp.serial.is_empty(),
            "the serial number of the login (serialnum), 1 to 40 letters, digits, _ or -",
        ),
    ];
    for (key, present, what) in keys {
        if !present {
            let (section, name) = key.split_once('.').unwrap_or(("", key));
            let variable = format!("{ENV_PREFIX}{}", key.to_uppercase().replace('.', "__"));
            let by_file = if r.is_secret(key) { format!(" or {variable}_FILE") } else { String::new() };
            r.refuse(key, format!("is missing: {what}; write {name} under [{section}], or set {variable}{by_file}"));
        }
    }
}

/// A path of the ERP, without query.
pub(super) fn is_login_path(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-');
    text.len() <= 200 && text.len() > 1 && text.starts_with('/') && text.bytes().all(allowed)
}

/// `serialnum`: 1–40 letters, digits, `_` and `-`, such as `ai-client-001` or a UUID (`erp-wire.md` §2).
pub(super) fn is_serial(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Ids separated by commas, at most 50 characters (`erp-wire.md` §3, `sort1`).
pub(super) fn is_ids(text: &str) -> bool {
    let is_id = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 50 && text.split(',').all(is_id)
}

/// One or two UTF-16 code units that are letters, digits, `_` or `-`.
pub(super) fn is_prefix(text: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    (1..=2).contains(&text.encode_utf16().count()) && text.chars().all(allowed)
}
