//! The events that the load sends, and their signed requests.

use erp_bridge::{clock::Clock, config::WebhookSecret, http::signed_body::sign};

use super::Outcome;

/// The sender's secret: a throw-away value, as in the scheme's own documentation.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Contacts that the events are of, in turn.
pub(crate) const CONTACTS: usize = 10_000;
/// Bytes of a body.
const BODY_BYTES: usize = 1_024;

/// A promotion that passes every rule of admission.
const PROMOTION: &str = r#"{"type":"contact.promoted","timestamp":"2026-11-23T15:00:00+08:00","data":{"contact":{"id":"bench-CONTACT","name":"张CONTACT伟","phone":"138000CONTACT","phone_verified":true,"wechat_id":"wx_CONTACT","source":"朋友圈","address":"上海市浦东新区","notes":"NOTES"},"thread":{"id":"tNUMBER","score":88.5,"bucket":"WHITE","previous_bucket":"GRAY"},"signal":{"id":"sNUMBER","content":"你好，想了解一下价格，什么时候方便通话？","direction":"inbound"}}}"#;
/// A message of a contact.
const MESSAGE: &str = r#"{"type":"message.logged","timestamp":"2026-11-23T15:00:00+08:00","data":{"contact":{"id":"bench-CONTACT"},"signal":{"id":"mNUMBER","content":"你好，想了解一下价格，什么时候方便通话？","direction":"inbound"}}}"#;

/// The body of event `number`: a promotion of [`BODY_BYTES`].
pub(crate) fn promotion(number: usize) -> String {
    let event = filled(PROMOTION, number);
    let missing = (BODY_BYTES + "NOTES".len()).saturating_sub(event.len());
    event.replace("NOTES", &"n".repeat(missing))
}

/// The body of event `number`: a message.
pub(crate) fn message(number: usize) -> String {
    filled(MESSAGE, number)
}

fn filled(template: &str, number: usize) -> String {
    template.replace("CONTACT", &contact(number)[6..]).replace("NUMBER", &format!("{number:08}"))
}

/// Whose event number `number` is.
pub(crate) fn contact(number: usize) -> String {
    format!("bench-{:05}", number % CONTACTS)
}

/// The bytes of signed requests, in their order.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Requests {
    /// Promotions from number `first` on. The timestamps are of now: they are to be sent within minutes.
    pub(crate) fn promotions(first: usize, count: usize) -> Outcome<Self> {
        Self::addressed("/webhooks/events", None, first, count)
    }

    /// The same to another path, with the event's id in a header more if one is named.
    pub(crate) fn addressed(path: &str, key: Option<&str>, first: usize, count: usize) -> Outcome<Self> {
        let secret: WebhookSecret = SECRET.parse()?;
        let timestamp = Clock::system().now().0 / 1_000;
        let mut requests = Self::default();
        for body in (first..first + count).map(promotion) {
            // Random, as most senders' are: the hard case for an index.
            let id = format!("evt_{}", uuid::Uuid::new_v4().simple());
            let signature = sign(&secret, &id, timestamp, body.as_bytes());
            let key = key.map(|name| format!("{name}: {id}\r\n")).unwrap_or_default();
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\nwebhook-id: {id}\r\n\
                 webhook-timestamp: {timestamp}\r\nwebhook-signature: {signature}\r\n{key}content-length: {}\r\n\r\n",
                body.len()
            );
            requests.bytes.extend_from_slice(head.as_bytes());
            requests.bytes.extend_from_slice(body.as_bytes());
            requests.ends.push(requests.bytes.len());
        }
        Ok(requests)
    }

    /// Request `number`; behind the last one comes the first again, which a bridge does not answer 202.
    pub(crate) fn get(&self, number: usize) -> &[u8] {
        let number = number % self.ends.len();
        let begin = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.bytes[begin..self.ends[number]]
    }
}
