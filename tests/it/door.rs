//! The webhook target: every row of the contract's answer table, and everything that a sender can get wrong.

use std::time::Duration;

use erp_bridge::{event::Status, http::signed_body::sign};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::front::{BODY_LIMIT, Front, NOW, OTHER_SECRET, SECRET, Wishes, keys, promoted};

/// A request as a sender builds it, wrong in one way.
struct Post {
    body: Vec<u8>,
    id: Option<String>,
    timestamp: Option<String>,
    signature: Option<String>,
    content_type: Option<&'static str>,
    prefix: &'static str,
}

impl Post {
    /// Signed as it should be, now, with the first secret.
    fn of(body: impl Into<Vec<u8>>) -> Self {
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

    fn event(event: &Value) -> Self {
        Self::of(event.to_string())
    }

    fn sign(&mut self, secret: &str) {
        let id = self.id.clone().unwrap_or_default();
        let at = self.timestamp.as_deref().and_then(|at| at.parse().ok()).unwrap_or_default();
        self.signature = Some(sign(&secret.to_owned().into(), &id, at, &self.body).unwrap());
    }

    fn at(mut self, offset_seconds: i64) -> Self {
        self.timestamp = Some((NOW.0 / 1_000 + offset_seconds).to_string());
        self.sign(SECRET);
        self
    }

    fn but(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    async fn send(&self, front: &Front) -> crate::front::Answered {
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
type Row = (&'static str, Post, u16, &'static str, &'static str);

fn unsigned_rows() -> Vec<Row> {
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

fn malformed_rows() -> Vec<Row> {
    let raw = |name, body: &[u8]| (name, Post::of(body), 400, "invalid_json", "");
    vec![
        raw("an empty body", b""),
        raw("half a body", br#"{"type":"contact.promoted","#),
        raw("two bodies", b"{}{}"),
        raw("single quotes", b"{'type':'x'}"),
        raw("a trailing comma", br#"{"type":"x",}"#),
        raw("not UTF-8", b"{\"type\":\"\xff\xfe\"}"),
        raw("a raw control character", b"{\"type\":\"a\nb\"}"),
        raw("a lone surrogate", br#"{"type":"\ud800"}"#),
        raw("XML", b"<event/>"),
        raw("not a number", br#"{"type":"x","data":NaN}"#),
    ]
}

/// The good event with one member changed.
fn changed(pointer: &str, value: Value) -> Post {
    changed_in(promoted("c1"), pointer, value)
}

fn changed_in(mut event: Value, pointer: &str, value: Value) -> Post {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[name] = value;
    Post::event(&event)
}

fn invalid_rows() -> Vec<Row> {
    let row = |name, pointer: &'static str, value| (name, changed(pointer, value), 422, "invalid_body", pointer);
    let mut rows: Vec<Row> = vec![
        row("no timestamp", "/timestamp", Value::Null),
        row("a timestamp without zone", "/timestamp", json!("2026-11-23T15:04:05")),
        row("a timestamp as a number", "/timestamp", json!(1_795_000_000)),
        row("an empty type", "/type", json!("")),
        row("a type of 101 characters", "/type", json!("t".repeat(101))),
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
fn padded(bytes: u64) -> Vec<u8> {
    let mut event = promoted("c1");
    event["data"]["padding"] = json!("");
    let empty = event.to_string().len();
    event["data"]["padding"] = json!("x".repeat(usize::try_from(bytes).unwrap() - empty));
    event.to_string().into_bytes()
}

#[tokio::test]
async fn whatever_a_sender_gets_wrong_is_answered_exactly_and_not_stored() {
    let front = Front::open().await;
    let rows: Vec<Row> = unsigned_rows().into_iter().chain(malformed_rows()).chain(invalid_rows()).collect();
    assert!(rows.len() >= 60, "{}", rows.len());
    let mut rejected = 0;
    for (name, post, status, problem, pointer) in rows {
        let answered = post.send(&front).await;
        assert_eq!((answered.status.as_u16(), answered.problem()), (status, problem), "{name}: {:?}", answered.body);
        assert_eq!(answered.headers["content-type"], "application/problem+json", "{name}");
        assert_eq!(answered.body["request_id"], answered.headers["x-request-id"].to_str().unwrap(), "{name}");
        if status == 422 {
            rejected += 1;
            assert_eq!(answered.body["errors"][0]["pointer"], pointer, "{name}: {:?}", answered.body);
        }
        assert_eq!(front.stored().await, (0, rejected), "{name}");
    }
}

#[tokio::test]
async fn the_good_rows_of_the_contract_are_answered_as_it_says() {
    let front = Front::open().await;
    let message = json!({"type": "message.logged", "timestamp": "2026-11-23T15:04:05Z",
        "data": {"contact": {"id": "m1"}, "signal": {"id": "s", "content": "你好"}}});
    let mut low = promoted("low");
    low["data"]["thread"]["score"] = json!(55);
    let unknown = json!({"type": "tag.added", "data": 3});
    let table = [
        ("a", promoted("a"), 202, "queued"),
        ("b", message, 202, "held"),
        ("c", low, 200, "not_admitted"),
        ("d", unknown, 200, "ignored"),
        ("a", promoted("a"), 200, "duplicate"),
    ];
    let mut ids = Vec::new();
    for (id, event, status, word) in table {
        let answered = front.post_event(id, &event).await;
        assert_eq!((answered.status.as_u16(), answered.body["status"].as_str()), (status, Some(word)), "{answered:?}");
        ids.push(answered.body["id"].as_str().unwrap().to_owned());
        if word == "not_admitted" {
            assert_eq!(answered.body["reasons"][0]["rule"], "score");
            assert!(answered.body["reasons"][0]["message"].as_str().unwrap().contains("55"));
        } else {
            assert!(answered.body.get("reasons").is_none());
        }
    }
    assert_eq!(ids[4], ids[0], "a resend is answered with the first one's id");
    let conflict = front.post_event("a", &promoted("other")).await;
    assert_eq!((conflict.status.as_u16(), conflict.problem()), (409, "id_reused"));
    assert_eq!(front.stored().await, (4, 0));
    let first = front.store.event(&ids[0]).await.unwrap().unwrap();
    assert_eq!((first.status, first.payload.as_deref()), (Status::Queued, Some(promoted("a").to_string().as_str())));
}

#[tokio::test]
async fn every_spelling_of_a_good_signature_is_taken() {
    let front = Front::open().await;
    let good = |contact: &str| Post::event(&promoted(contact));
    let several = |post: &mut Post| {
        let right = post.signature.take().unwrap();
        post.signature = Some(format!("v1,AAAA v1a,x {right} v1,BBBB"));
    };
    let posts = [
        ("svix headers", good("s1").but(|post| post.prefix = "svix")),
        ("the second secret", good("s2").but(|post| post.sign(OTHER_SECRET))),
        ("several signatures", good("s3").but(several)),
        ("300 seconds old", good("s4").at(-300)),
        ("300 seconds ahead", good("s5").at(300)),
        ("a charset", good("s6").but(|post| post.content_type = Some("application/json; charset=utf-8"))),
        ("a +json type", good("s7").but(|post| post.content_type = Some("application/cloudevents+json"))),
        ("exactly the limit", Post::of(padded(BODY_LIMIT))),
    ];
    for (name, post) in posts {
        let answered = post.send(&front).await;
        assert_eq!(answered.status.as_u16(), 202, "{name}: {answered:?}");
    }
}

#[tokio::test]
async fn a_replaced_secret_counts_from_the_next_request_on() {
    let front = Front::open().await;
    front.keys.replace(keys(&[OTHER_SECRET]));
    let old = Post::event(&promoted("c1"));
    assert_eq!(old.send(&front).await.problem(), "signature_mismatch");
    let new = Post::event(&promoted("c1")).but(|post| post.sign(OTHER_SECRET));
    assert_eq!(new.send(&front).await.status.as_u16(), 202);
}

#[tokio::test]
async fn a_chunked_body_is_cut_at_the_limit_too() {
    let front = Front::open().await;
    for (bytes, status) in [(BODY_LIMIT, "202"), (BODY_LIMIT + 1, "413")] {
        let post = Post::of(padded(bytes));
        let mut line = tokio::net::TcpStream::connect(front.address).await.unwrap();
        let head = format!(
            "POST /webhooks/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\
             connection: close\r\nwebhook-id: {}\r\nwebhook-timestamp: {}\r\nwebhook-signature: {}\r\n\r\n",
            post.id.as_deref().unwrap(),
            post.timestamp.as_deref().unwrap(),
            post.signature.as_deref().unwrap(),
        );
        line.write_all(head.as_bytes()).await.unwrap();
        for chunk in post.body.chunks(1_000) {
            line.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await.unwrap();
            line.write_all(chunk).await.unwrap();
            line.write_all(b"\r\n").await.unwrap();
        }
        line.write_all(b"0\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        line.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{bytes}: {answer}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_and_a_head_that_does_not_end_are_given_up() {
    let front = Front::with(Wishes { read_timeout: Duration::from_millis(200), ..Wishes::default() }).await;
    let mut line = tokio::net::TcpStream::connect(front.address).await.unwrap();
    let head =
        "POST /webhooks/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{";
    line.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4_096];
    let read = line.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("body_timeout"), "{answer}");

    let mut line = tokio::net::TcpStream::connect(front.address).await.unwrap();
    line.write_all(b"GET /livez HTTP/1.1\r\nhost:").await.unwrap();
    let mut rest = Vec::new();
    line.read_to_end(&mut rest).await.unwrap();
    assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
}

#[tokio::test]
async fn a_full_backlog_and_a_rate_limit_ask_the_sender_to_come_again() {
    let front = Front::with(Wishes { max_backlog: 1, ..Wishes::default() }).await;
    assert_eq!(front.post_event("a", &promoted("a")).await.status.as_u16(), 202);
    front.store.count_backlog(&front.database).await.unwrap();
    let full = front.post_event("b", &promoted("b")).await;
    assert_eq!((full.status.as_u16(), full.problem()), (503, "backlog_full"));
    assert!(full.headers.contains_key("retry-after"));

    let front = Front::with(Wishes { webhooks_per_second: 1, ..Wishes::default() }).await;
    let mut answers = Vec::new();
    for count in 0..5 {
        answers.push(front.post_event(&format!("e{count}"), &promoted("a")).await);
    }
    assert_eq!(answers[0].status.as_u16(), 202);
    let limited = answers.iter().find(|answered| answered.status.as_u16() == 429).unwrap();
    assert_eq!((limited.problem(), limited.headers["retry-after"].to_str().unwrap()), ("rate_limited", "1"));
}

#[tokio::test]
async fn failed_authentications_are_counted_per_address_and_a_right_one_still_passes() {
    let front = Front::with(Wishes { failures_per_minute: 2, ..Wishes::default() }).await;
    let wrong = || Post::event(&promoted("c1")).but(|post| post.signature = Some("v1,AAAA".into()));
    assert_eq!(wrong().send(&front).await.problem(), "signature_mismatch");
    let token = front.rest(Method::GET, "/v1/stats", "wrong", &Value::Null).await;
    assert_eq!(token.problem(), "token_unknown");
    let third = wrong().send(&front).await;
    assert_eq!((third.status.as_u16(), third.problem()), (429, "too_many_failures"));
    assert_eq!(front.rest(Method::GET, "/v1/stats", "wrong", &Value::Null).await.status.as_u16(), 429);
    assert_eq!(front.post_event("a", &promoted("a")).await.status.as_u16(), 202);
}

#[tokio::test]
async fn a_stopping_bridge_takes_no_events_ends_its_streams_and_leaves() {
    let front = Front::open().await;
    let mut stream = tokio::net::TcpStream::connect(front.address).await.unwrap();
    let head = format!("GET /v1/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n", crate::front::READ);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut told = vec![0; 1_024];
    let read = stream.read(&mut told).await.unwrap();
    assert!(String::from_utf8_lossy(&told[..read]).contains("text/event-stream"));
    front.post_event("a", &promoted("a")).await;
    let mut events = String::new();
    while !events.contains("event: state") {
        let read = stream.read(&mut told).await.unwrap();
        assert!(read > 0, "the stream ended: {events}");
        events.push_str(&String::from_utf8_lossy(&told[..read]));
    }
    front.stop.cancel();
    let left = tokio::time::timeout(Duration::from_secs(10), front.served).await.unwrap().unwrap();
    assert_eq!(left, 0, "a connection had to be cut");
}

#[tokio::test]
async fn an_accepted_event_carries_its_trace_and_its_senders_number() {
    let front = Front::open().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut event = promoted("c1");
    event["data"]["sequence"] = json!(7);
    let post = Post::event(&event);
    let headers = [
        ("content-type", "application/json"),
        ("webhook-id", post.id.as_deref().unwrap()),
        ("webhook-timestamp", post.timestamp.as_deref().unwrap()),
        ("webhook-signature", post.signature.as_deref().unwrap()),
        ("traceparent", trace),
        ("x-request-id", "req-1"),
    ];
    let answered = front.call(Method::POST, "/webhooks/events", &headers, post.body.clone()).await;
    assert_eq!(answered.headers["x-request-id"], "req-1");
    let row = front.store.event(answered.body["id"].as_str().unwrap()).await.unwrap().unwrap();
    assert_eq!((row.trace_parent.as_deref(), row.sequence, row.actor.as_str()), (Some(trace), Some(7), "webhook"));
    assert_eq!((row.webhook_id, row.received_at), (post.id, NOW));
}
