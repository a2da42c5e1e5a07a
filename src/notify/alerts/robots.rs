//! How each kind of target is spoken to, and what its answers mean. Pure.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::HeaderMap;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::Sha256;

use super::text::{Text, cut, cut_for_json};
use crate::{
    clock::Millis,
    config::{AlertTarget, TargetKind, WebhookSecret},
    json,
    notify::post::{Answer, signed},
    store::Message,
};

/// 企业微信: `markdown` takes so many bytes.
const WECOM_BYTES_MAX: usize = 4_096;
/// 飞书 takes 20 KB in all; the rest is for what stands around the text.
const FEISHU_BYTES_MAX: usize = 18_000;
/// 钉钉: the text of a message.
const DINGTALK_BYTES_MAX: usize = 18_000;
/// 钉钉 shows the title in the list of chats.
const TITLE_BYTES_MAX: usize = 200;
/// How long 钉钉 blocks a robot that is sent too much.
const DINGTALK_BLOCK: Duration = Duration::from_secs(600);
/// How long another that is sent too much is left alone.
const REST: Duration = Duration::from_secs(60);

/// A request to a target.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// What a target made of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was taken.
    Taken,
    /// The target takes nothing for so long; why.
    Busy(Duration, String),
    /// It was not taken; why, and whether this message never will be.
    Refused { words: String, for_ever: bool },
}

impl Verdict {
    /// What may be taken another time: the target, or something on the way to it, is not well.
    fn not_now(words: impl Into<String>) -> Self {
        Self::Refused { words: words.into(), for_ever: false }
    }
}

/// The request that brings a message to a target.
pub(super) fn request(target: &AlertTarget, message: &Message, now: Millis) -> Request {
    let text = Text::of(&message.kind, &message.data, message.created_at);
    let secret = target.secret.as_ref().map(ExposeSecret::expose_secret);
    let url = target.url.text().to_owned();
    let (url, body) = match target.kind {
        TargetKind::Webhook => return for_program(url, secret, message, &text, now),
        TargetKind::WeCom => (url, json!({ "msgtype": "markdown", "markdown": { "content": wecom_markdown(&text) } })),
        TargetKind::DingTalk => {
            let content =
                cut_for_json(&format!("### {}\n\n{}", text.title, text.lines.join("\n\n")), DINGTALK_BYTES_MAX);
            let markdown = json!({ "title": cut(&text.title, TITLE_BYTES_MAX), "text": content });
            let url = secret.map_or_else(|| url.clone(), |secret| dingtalk_url(&url, secret, now));
            (url, json!({ "msgtype": "markdown", "markdown": markdown }))
        }
        TargetKind::Feishu => (url, feishu_text(&text, secret, now)),
    };
    Request { url, headers: HeaderMap::new(), body: body.to_string() }
}

fn for_program(url: String, secret: Option<&str>, message: &Message, text: &Text, now: Millis) -> Request {
    let mut data = message.data.clone();
    data["text"] = json!(text.whole());
    let body = json!({ "type": message.kind, "timestamp": message.created_at.rfc3339(), "data": data }).to_string();
    let secret = secret.and_then(|secret| secret.parse::<WebhookSecret>().ok());
    let headers = secret.and_then(|secret| signed(&secret, &message.id, now, &body)).unwrap_or_default();
    Request { url, headers, body }
}

fn wecom_markdown(text: &Text) -> String {
    let colour = if text.is_good { "info" } else { "warning" };
    let head = format!("<font color=\"{colour}\">{}</font>\n", cut(&text.title, WECOM_BYTES_MAX / 2));
    let room = WECOM_BYTES_MAX - head.len();
    format!("{head}{}", cut(&text.lines.join("\n"), room))
}

fn feishu_text(text: &Text, secret: Option<&str>, now: Millis) -> Value {
    let mut body = json!({ "msg_type": "text", "content": { "text": cut_for_json(&text.whole(), FEISHU_BYTES_MAX) } });
    if let Some(secret) = secret {
        let timestamp = now.0.div_euclid(1_000).to_string();
        // What others would sign is the key, and the message is empty.
        body["sign"] = json!(hmac_base64(&format!("{timestamp}\n{secret}"), b""));
        body["timestamp"] = json!(timestamp);
    }
    body
}

/// 钉钉: `&timestamp=ms&sign=urlencode(base64(hmac_sha256(secret, ms + "\n" + secret)))`.
fn dingtalk_url(url: &str, secret: &str, now: Millis) -> String {
    let sign = hmac_base64(secret, format!("{}\n{secret}", now.0).as_bytes());
    // Of base64's characters these three mean something else in an address.
    let sign = sign.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}timestamp={}&sign={sign}", now.0)
}

fn hmac_base64(key: &str, message: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key of any length"); // why: HMAC hashes long keys
    mac.update(message);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// What a robot answers whose own system is busy just now.
const BUSY: i64 = -1;

/// What an answer means. Robots refuse with HTTP 200 and a code in the body.
pub(super) fn judge(kind: TargetKind, answered: Result<Answer, String>) -> Verdict {
    let answer = match answered {
        Ok(answer) => answer,
        Err(words) => return Verdict::not_now(words),
    };
    if answer.status == 429 {
        return Verdict::Busy(answer.retry_after.unwrap_or(REST), "HTTP 429".to_owned());
    }
    if !(200..300).contains(&answer.status) {
        return Verdict::not_now(format!("HTTP {}", answer.status));
    }
    let body = json::parse(&answer.body).unwrap_or_default();
    let code = |names: &[&str]| names.iter().find_map(|name| body[*name].as_i64());
    let (code, (too_often, rest)) = match kind {
        TargetKind::Webhook => return Verdict::Taken,
        TargetKind::WeCom => (code(&["errcode"]), (45_009, REST)),
        TargetKind::DingTalk => (code(&["errcode"]), (130_101, DINGTALK_BLOCK)),
        TargetKind::Feishu => (code(&["code", "StatusCode"]), (11_232, REST)),
    };
    match code {
        Some(0) => Verdict::Taken,
        Some(BUSY) => Verdict::not_now(format!("code {BUSY}")),
        Some(code) if code == too_often => Verdict::Busy(rest, format!("code {code}")),
        // What else it says may quote us, and nobody needs it: its documentation explains the code.
        Some(code) => Verdict::Refused { words: format!("code {code}"), for_ever: true },
        None => Verdict::not_now("应答无法识别 (an answer that is none of a robot's)"),
    }
}

#[cfg(test)]
#[path = "robots_tests.rs"]
mod tests;
