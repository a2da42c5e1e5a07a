//! Whoever talks to a bridge over HTTP: the platform that signs events, and the operator.

use std::time::Duration;

use erp_bridge::{clock::Clock, http::signed_body::sign};
use serde_json::Value;

use super::{OPERATOR, READER, SECRET, eventually};

/// A client of one bridge.
#[derive(Clone)]
pub struct Sender {
    /// `http://127.0.0.1:…`
    pub base_url: String,
    pub http: reqwest::Client,
    pub clock: Clock,
}

impl Sender {
    pub fn new(base_url: String, clock: Clock) -> Self {
        // Another test of this process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // It speaks no TLS: reading the machine's certificates would take longer than many a test.
        let plain = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        let http = plain.timeout(Duration::from_secs(20)).build().unwrap();
        Self { base_url, http, clock }
    }

    /// Posts a signed body; an error means that no answer came.
    pub async fn post(&self, webhook_id: &str, body: String) -> Result<(u16, Value), reqwest::Error> {
        answered(self.signed(webhook_id, body)).await
    }

    /// A signed body, ready to be posted.
    pub fn signed(&self, webhook_id: &str, body: String) -> reqwest::RequestBuilder {
        let timestamp = self.clock.now().0 / 1_000;
        let signature = sign(&SECRET.parse().unwrap(), webhook_id, timestamp, body.as_bytes());
        self.http
            .post(format!("{}/webhooks/events", self.base_url))
            .header("content-type", "application/json")
            .header("webhook-id", webhook_id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signature)
            .body(body)
    }

    /// Posts a signed event as a sender should: again and again with the same id until it is taken. Answers the event's
    /// id and how it was taken.
    pub async fn deliver(&self, webhook_id: &str, event: &Value) -> (String, String) {
        let body = event.to_string();
        let text = |body: &Value, member: &str| body[member].as_str().unwrap_or_default().to_owned();
        eventually(&format!("{webhook_id} is taken"), Duration::from_secs(60), async || {
            match self.post(webhook_id, body.clone()).await {
                Ok((200 | 202, body)) => Some((text(&body, "id"), text(&body, "status"))),
                Ok((503 | 429, _)) | Err(_) => None,
                Ok((status, body)) => panic!("{webhook_id}: {status} {body}"),
            }
        })
        .await
    }

    /// Calls the REST interface as the operator.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        self.call_raw(method, path, body.map(|body| body.to_string())).await
    }

    /// As [`Sender::call`], with a body that need not be JSON.
    pub async fn call_raw(&self, method: &str, path: &str, body: Option<String>) -> (u16, Value) {
        let url = format!("{}{path}", self.base_url);
        let mut request = self.http.request(method.parse().unwrap(), url).bearer_auth(OPERATOR);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        answered(request).await.unwrap()
    }

    /// Reads as the one who may only look.
    pub async fn read(&self, path: &str) -> (u16, Value) {
        answered(self.http.get(format!("{}{path}", self.base_url)).bearer_auth(READER)).await.unwrap()
    }

    /// Whether the bridge says that it can accept.
    pub async fn is_ready(&self) -> bool {
        self.readiness().await.is_some_and(|(status, _)| status == 200)
    }

    /// Whether the bridge says that it lives.
    pub async fn is_alive(&self) -> bool {
        answered(self.http.get(format!("{}/livez", self.base_url))).await.is_ok_and(|(status, _)| status == 200)
    }

    /// What the bridge says of its readiness, if it answers.
    pub async fn readiness(&self) -> Option<(u16, Value)> {
        answered(self.http.get(format!("{}/readyz", self.base_url))).await.ok()
    }

    /// Waits until this many events have succeeded; no event may end in any other way.
    pub async fn all_succeeded(&self, expected: usize, limit: Duration) {
        eventually(&format!("{expected} events have succeeded"), limit, async || {
            let (status, stats) = self.call("GET", "/v1/stats", None).await;
            assert_eq!(status, 200, "{stats}");
            let count = |state: &str| stats["by_status"][state].as_u64().unwrap_or_default();
            for bad in ["dead", "needs_review", "not_admitted", "ignored", "discarded"] {
                if count(bad) > 0 {
                    let (_, events) = self.call("GET", &format!("/v1/events?status={bad}&limit=3"), None).await;
                    panic!("{bad}: {events:#}");
                }
            }
            (usize::try_from(count("succeeded")) == Ok(expected)).then_some(())
        })
        .await;
    }
}

async fn answered(request: reqwest::RequestBuilder) -> Result<(u16, Value), reqwest::Error> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let text = response.text().await?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}
