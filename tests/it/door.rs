//! The webhook target: every row of the contract's answer table, and everything that a sender can get wrong.

use std::time::Duration;

use erp_bridge::event::Status;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    front::{BODY_LIMIT, Front, NOW, OTHER_SECRET, Wishes, keys, promoted},
    posts::{Post, Row, invalid_rows, malformed_rows, padded, unsigned_rows},
};

#[tokio::test]
async fn whatever_a_sender_gets_wrong_is_answered_exactly_and_not_stored() {
    let front = Front::with(Wishes { strict: true, ..Wishes::default() }).await;
    let rows: Vec<Row> = unsigned_rows().into_iter().chain(malformed_rows()).chain(invalid_rows()).collect();
    assert!(rows.len() >= 60, "{}", rows.len());
    let mut rejected = 0;
    for (name, post, status, problem, pointer) in rows {
        let answered = post.send(&front).await;
        assert_eq!((answered.status.as_u16(), answered.problem()), (status, problem), "{name}: {:?}", answered.body);
        assert_eq!(answered.headers["content-type"], "application/problem+json", "{name}");
        assert_eq!(answered.body["request_id"], answered.headers["x-request-id"].to_str().unwrap(), "{name}");
        // What is signed and cannot be read, or is not valid, is kept for operators to see.
        rejected += usize::from(matches!(problem, "invalid_json" | "invalid_body"));
        if status == 422 {
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
async fn a_body_of_sixteen_kib_gets_through_where_long_ones_find_no_memory_at_all() {
    let front = Front::with(Wishes { long_bodies_memory: 0, ..Wishes::default() }).await;
    for bytes in [BODY_LIMIT - 1, BODY_LIMIT] {
        assert_eq!(Post::of(padded(bytes)).send(&front).await.status.as_u16(), 202, "{bytes} bytes");
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
