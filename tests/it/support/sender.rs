//! Whoever talks to a bridge over HTTP: the platform that signs events, and the operator.

use std::time::Duration;

use erp_bridge::{clock::Clock, http::signed_body::sign};
use secrecy::SecretString;
use serde_json::Value;

use super::{OPERATOR, SECRET, eventually};

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
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        Self { base_url, http, clock }
    }

    /// Posts a signed body; an error means that no answer came.
    pub async fn post(&self, webhook_id: &str, body: String) -> Result<(u16, Value), reqwest::Error> {
        let timestamp = self.clock.now().0 / 1_000;
        let signature = sign(&SecretString::from(SECRET), webhook_id, timestamp, body.as_bytes()).unwrap();
        let request = self
            .http
            .post(format!("{}/webhooks/events", self.base_url))
            .header("content-type", "application/json")
            .header("webhook-id", webhook_id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signature)
            .body(body);
        answered(request).await
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
        let url = format!("{}{path}", self.base_url);
        let mut request = self.http.request(method.parse().unwrap(), url).bearer_auth(OPERATOR);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        answered(request).await.unwrap()
    }

    /// Whether the bridge says that it can accept.
    pub async fn is_ready(&self) -> bool {
        answered(self.http.get(format!("{}/readyz", self.base_url))).await.is_ok_and(|(status, _)| status == 200)
    }
}

async fn answered(request: reqwest::RequestBuilder) -> Result<(u16, Value), reqwest::Error> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let text = response.text().await?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}
