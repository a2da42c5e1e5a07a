//! The one place that sends to others: no proxy, no redirects, no hidden retries. What is said of a failure never holds the
//! address, which has a robot's key in it.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};

use crate::{
    clock::Millis,
    config::{Authorities, WebhookSecret},
    outbound,
};

/// So much of an answer is read: robots answer a line.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long a connection may take to come about.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Idle connections are closed before the other side would cut one under a message.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// A receiver that asks for more patience than this is asked again sooner.
const PATIENCE_MAX: Duration = Duration::from_secs(3_600);

/// Sends messages. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Poster {
    http: reqwest::Client,
}

/// What a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// How long it asks us to wait.
    pub(super) retry_after: Option<Duration>,
    /// Cut at [`ANSWER_BYTES_MAX`].
    pub(super) body: Bytes,
}

impl Poster {
    /// A sender whose every message has so long, and who believes these authorities, too.
    ///
    /// # Errors
    /// TLS that cannot be set up.
    pub fn new(timeout: Duration, authorities: &Authorities) -> Result<Self, String> {
        let client = outbound::client(true, authorities)
            .connect_timeout(CONNECT_MAX.min(timeout))
            .timeout(timeout)
            .pool_idle_timeout(IDLE_MAX);
        let http = client.build().map_err(|error| format!("the HTTP client: {error}"))?;
        Ok(Self { http })
    }

    /// Posts JSON; an error says in words that nothing is known of an answer.
    pub(super) async fn post(&self, url: &str, headers: HeaderMap, body: String) -> Result<Answer, String> {
        let request = self.http.post(url).headers(headers).header(CONTENT_TYPE, "application/json").body(body);
        let mut response = request.send().await.map_err(|error| words(&error))?;
        let (status, retry_after) = (response.status().as_u16(), patience(response.headers()));
        let mut body = Vec::new();
        // An answer that breaks off was given all the same: its status says what became of the message.
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() >= ANSWER_BYTES_MAX {
                body.truncate(ANSWER_BYTES_MAX);
                break;
            }
        }
        Ok(Answer { status, retry_after, body: body.into() })
    }
}

/// The headers that vouch for a body (Standard Webhooks).
pub(super) fn signed(secret: &WebhookSecret, id: &str, now: Millis, body: &str) -> Option<HeaderMap> {
    let seconds = now.0.div_euclid(1_000);
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", secret.sign(id, seconds, body.as_bytes())),
    ] {
        headers.insert(name, HeaderValue::from_str(&value).ok()?);
    }
    Some(headers)
}

/// Why there is no answer.
fn words(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "未及时应答 (no answer in time)"
    } else if error.is_connect() {
        "无法连接 (no connection)"
    } else {
        "连接中断 (the connection broke off)"
    };
    what.to_owned()
}

/// `Retry-After` in seconds.
fn patience(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(PATIENCE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_s_patience_is_bounded() {
        for (value, expected) in
            [("0", Some(0)), ("3600", Some(3_600)), ("3601", Some(3_600)), ("soon", None), ("-1", None)]
        {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            assert_eq!(patience(&headers), expected.map(Duration::from_secs), "{value}");
        }
        assert_eq!(patience(&HeaderMap::new()), None);
    }
}
