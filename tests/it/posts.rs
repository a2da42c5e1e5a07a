//! Webhooks as senders build them, right and wrong in every way that the door answers for.

use erp_bridge::http::signed_body::sign;
use reqwest::Method;
use serde_json::{Value, json};

use crate::front::{BODY_LIMIT, Front, NOW, SECRET, promoted};

/// A request as a sender builds it, wrong in one way.
pub struct Post {
    pub body: Vec<u8>,
    pub id: Option<String>,
    pub timestamp: Option<String>,
    pub signature: Option<String>,
    pub content_type: Option<&'static str>,
    pub prefix: &'static str,
}

impl Post {
    /// Signed as it should be, now, with the first secret.
    pub fn of(body: impl Into<Vec<u8>>) -> Self {
        let mut post = Self {
            body: body.into(),
            id: Some(format!("evt_{}", uuid::Uuid::new_v4())),
            timestamp: Some((NOW.0 / 1_000).to_string()),
            signature: None,
            content_type: Some("application/json"),
            prefix: "webhook",
        };
        post.sign(SECRET);
        post
    }

    pub fn event(event: &Value) -> Self {
        Self::of(event.to_string())
    }

    pub fn sign(&mut self, secret: &str) {
        let id = self.id.clone().unwrap_or_default();
        let at = self.timestamp.as_deref().and_then(|at| at.parse().ok()).unwrap_or_default();
        self.signature = Some(sign(&secret.parse().unwrap(), &id, at, &self.body));
    }

    pub fn at(mut self, offset_seconds: i64) -> Self {
        self.timestamp = Some((NOW.0 / 1_000 + offset_seconds).to_string());
        self.sign(SECRET);
        self
    }

    pub fn but(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub async fn send(&self, front: &Front) -> crate::front::Answered {
        let names = ["id", "timestamp", "signature"].map(|name| format!("{}-{name}", self.prefix));
        let values = [&self.id, &self.timestamp, &self.signature];
        let mut headers: Vec<(&str, &str)> = self.content_type.iter().map(|value| ("content-type", *value)).collect();
        for (name, value) in names.iter().zip(values) {
            headers.extend(value.as_deref().map(|value| (name.as_str(), value)));
        }
        front.call(Method::POST, "/webhooks/events", &headers, self.body.clone()).await
    }
}

/// One row: what is wrong, the request, the status, the problem's name, and the pointer of its first error.
pub type Row = (&'static str, Post, u16, &'static str, &'static str);

pub fn unsigned_rows() -> Vec<Row> {
    let good = || Post::event(&promoted("c1"));
    vec![
        ("no webhook-id", good().but(|post| post.id = None), 400, "missing_header", ""),
        ("no webhook-timestamp", good().but(|post| post.timestamp = None), 400, "missing_header", ""),
        ("no webhook-signature", good().but(|post| post.signature = None), 400, "missing_header", ""),
        ("an empty id", good().but(|post| post.id = Some(String::new())), 400, "bad_header", ""),
        ("an id of 256 characters", good().but(|post| post.id = Some("i".repeat(256))), 400, "bad_header", ""),
        ("a timestamp in words", good().but(|post| post.timestamp = Some("now".into())), 400, "bad_header", ""),
        (
            "a timestamp in milliseconds",
            good().but(|post| post.timestamp = Some(NOW.0.to_string())),
            401,
            "timestamp_out_of_tolerance",
            "",
        ),
        (
            "an extreme timestamp",
            good().but(|post| post.timestamp = Some(i64::MAX.to_string())),
            401,
            "timestamp_out_of_tolerance",
            "",
        ),
        (
            "another secret",
            good().but(|post| post.sign("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
            401,
            "signature_mismatch",
            "",
        ),
        (
            "a signature without version",
            good().but(|post| post.signature = post.signature.take().map(|it| it[3..].into())),
            401,
            "signature_mismatch",
            "",
        ),
        (
            "a signature of version 2",
            good().but(|post| post.signature = post.signature.take().map(|it| it.replace("v1,", "v2,"))),
            401,
            "signature_mismatch",
            "",
        ),
        (
            "a signature that is no base64",
            good().but(|post| post.signature = Some("v1,!!!".into())),
            401,
            "signature_mismatch",
            "",
        ),
        ("an empty signature", good().but(|post| post.signature = Some(String::new())), 401, "signature_mismatch", ""),
        ("a body changed after signing", good().but(|post| post.body.push(b' ')), 401, "signature_mismatch", ""),
        (
            "an id changed after signing",
            good().but(|post| post.id = Some("other".into())),
            401,
            "signature_mismatch",
            "",
        ),
        ("301 seconds old", good().at(-301), 401, "timestamp_out_of_tolerance", ""),
        ("301 seconds ahead", good().at(301), 401, "timestamp_out_of_tolerance", ""),
        ("replayed after an hour", good().at(-3_600), 401, "timestamp_out_of_tolerance", ""),
        ("no content type", good().but(|post| post.content_type = None), 415, "unsupported_media_type", ""),
        ("plain text", good().but(|post| post.content_type = Some("text/plain")), 415, "unsupported_media_type", ""),
        (
            "a form",
            good().but(|post| post.content_type = Some("application/x-www-form-urlencoded")),
            415,
            "unsupported_media_type",
            "",
        ),
        ("one byte over the limit", Post::of(padded(BODY_LIMIT + 1)), 413, "body_too_large", ""),
        ("many times the limit", Post::of(padded(BODY_LIMIT * 20)), 413, "body_too_large", ""),
    ]
}

pub fn malformed_rows() -> Vec<Row> {
    let raw = |name, body: &[u8]| (name, Post::of(body), 400, "invalid_json", "");
    vec![
        raw("an empty body", b""),
        raw("half a body", br#"{"type":"contact.promoted","#),
        raw("two bodies", b"{}{}"),
        raw("single quotes", b"{'type':'x'}"),
        raw("a trailing comma", br#"{"type":"x",}"#),
        raw("not UTF-8", b"{\"type\":\"\xff\xfe\"}"),
        raw("a raw control character", b"{\"type\":\"a\nb\"}"),
        raw("XML", b"<event/>"),
        raw("not a number", br#"{"type":"x","data":NaN}"#),
    ]
}

/// The good event with one member changed.
pub fn changed(pointer: &str, value: Value) -> Post {
    changed_in(promoted("c1"), pointer, value)
}

pub fn changed_in(mut event: Value, pointer: &str, value: Value) -> Post {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[name] = value;
    Post::event(&event)
}

pub fn invalid_rows() -> Vec<Row> {
    let row = |name, pointer: &'static str, value| (name, changed(pointer, value), 422, "invalid_body", pointer);
    let mut rows: Vec<Row> = vec![
        row("no timestamp", "/timestamp", Value::Null),
        row("a timestamp without zone", "/timestamp", json!("2026-11-23T15:04:05")),
        row("a timestamp as a number", "/timestamp", json!(1_795_000_000)),
        row("an empty type", "/type", json!("")),
        row("a type of 65 characters", "/type", json!("t".repeat(65))),
        row("a type with markup", "/type", json!("<script>")),
        row("a type in capitals", "/type", json!("Contact.Promoted")),
        row("a type with a lone surrogate", "/type", json!("a\u{fffd}")),
        row("a type that is a number", "/type", json!(7)),
        row("data that is a list", "/data", json!([])),
        row("no contact", "/data/contact", Value::Null),
        row("a contact in words", "/data/contact", json!("王小明")),
        row("no contact id", "/data/contact/id", Value::Null),
        row("an empty contact id", "/data/contact/id", json!("")),
        row("a contact id of 49", "/data/contact/id", json!("c".repeat(49))),
        row("a contact id with a blank", "/data/contact/id", json!("c 1")),
        row("a contact id with a NUL", "/data/contact/id", json!("c\u{0}1")),
        row("a contact id in Chinese", "/data/contact/id", json!("客户")),
        row("no name", "/data/contact/name", Value::Null),
        row("a blank name", "/data/contact/name", json!("  ")),
        row("a name of 101", "/data/contact/name", json!("王".repeat(101))),
        row("51 emoji as a name", "/data/contact/name", json!("😀".repeat(51))),
        row("a name that is a number", "/data/contact/name", json!(1)),
        row("a phone that is a number", "/data/contact/phone", json!(13_800_001_001_i64)),
        row("a phone of 51", "/data/contact/phone", json!("1".repeat(51))),
        row("phone_verified in words", "/data/contact/phone_verified", json!("yes")),
        row("a WeChat id of 51", "/data/contact/wechat_id", json!("w".repeat(51))),
        row("a company of 101", "/data/contact/company", json!("司".repeat(101))),
        row("a source of 51", "/data/contact/source", json!("s".repeat(51))),
        row("notes of 4001", "/data/contact/notes", json!("n".repeat(4_001))),
        row("an address of 201", "/data/contact/address", json!("a".repeat(201))),
        row("an email without @", "/data/contact/email", json!("nobody")),
        row("a job of 51", "/data/contact/job", json!("j".repeat(51))),
        row("no thread", "/data/thread", Value::Null),
        row("no thread id", "/data/thread/id", Value::Null),
        row("a score of 100.5", "/data/thread/score", json!(100.5)),
        row("a negative score", "/data/thread/score", json!(-1)),
        row("a score in words", "/data/thread/score", json!("82")),
        row("an unknown bucket", "/data/thread/bucket", json!("RED")),
        row("a negative sequence", "/data/sequence", json!(-1)),
        row("a signal without content", "/data/signal", json!({"id": "s"})),
    ];
    if let Some(row) = rows.last_mut() {
        row.4 = "/data/signal/content";
    }
    let of = |kind: &str| json!({"type": kind, "timestamp": "2026-11-23T15:04:05Z", "data": {"contact": {"id": "c1", "name": "王小明"}}});
    let with = |kind: &str, name: &str, value: Value| changed_in(of(kind), &format!("/data/{name}"), value);
    rows.extend([
        ("a list", Post::of("[]"), 422, "invalid_body", ""),
        ("a word", Post::of("\"contact.promoted\""), 422, "invalid_body", ""),
        ("a message without signal", Post::event(&of("message.logged")), 422, "invalid_body", "/data/signal"),
        ("a deal event without deal", Post::event(&of("deal.closed")), 422, "invalid_body", "/data/deal"),
        (
            "content of 20001",
            with("message.logged", "signal", json!({"id": "s", "content": "a".repeat(20_001)})),
            413,
            "body_too_large",
            "",
        ),
        (
            "blank content",
            with("message.logged", "signal", json!({"id": "s", "content": " "})),
            422,
            "invalid_body",
            "/data/signal/content",
        ),
        (
            "an unknown direction",
            with("message.logged", "signal", json!({"id": "s", "content": "a", "direction": "up"})),
            422,
            "invalid_body",
            "/data/signal/direction",
        ),
        (
            "an unknown channel",
            with("message.logged", "signal", json!({"id": "s", "content": "a", "channel": "fax"})),
            422,
            "invalid_body",
            "/data/signal/channel",
        ),
        (
            "an amount as a number",
            with("deal.closed", "deal", json!({"id": "d", "amount": 12_800})),
            422,
            "invalid_body",
            "/data/deal/amount",
        ),
        (
            "an amount with commas",
            with("deal.closed", "deal", json!({"id": "d", "amount": "12,800"})),
            422,
            "invalid_body",
            "/data/deal/amount",
        ),
        (
            "a currency of four letters",
            with("deal.closed", "deal", json!({"id": "d", "currency": "CNYY"})),
            422,
            "invalid_body",
            "/data/deal/currency",
        ),
        (
            "a deal closed yesterday",
            with("deal.closed", "deal", json!({"id": "d", "closed_at": "yesterday"})),
            422,
            "invalid_body",
            "/data/deal/closed_at",
        ),
    ]);
    rows
}

/// A good event, padded to exactly so many bytes by a member that nobody reads.
pub fn padded(bytes: u64) -> Vec<u8> {
    let mut event = promoted("c1");
    event["data"]["padding"] = json!("");
    let empty = event.to_string().len();
    event["data"]["padding"] = json!("x".repeat(usize::try_from(bytes).unwrap() - empty));
    event.to_string().into_bytes()
}
