//! What bearer tokens are good for, and what guessing at them costs.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use erp_bridge::{
    clock::Millis,
    config::{ApiToken, Scope},
};
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::front::{Front, NOW, OPERATE, OTHER_SECRET, READ, SECRET, Wishes, keys, keys_with, promoted};

/// Longer than anything here may take on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(30);

async fn stats(front: &Front, token: &str) -> (u16, String) {
    let answered = front.rest(Method::GET, "/v1/stats", token, &Value::Null).await;
    (answered.status.as_u16(), answered.problem().to_owned())
}

#[tokio::test]
async fn guesses_are_bounded_to_ten_a_second_and_a_right_token_still_passes() {
    const FREE: u32 = 5;
    const GUESSERS: usize = 24;
    let front = Front::with(Wishes { failures_per_minute: FREE, ..Wishes::default() }).await;
    for _ in 0..=FREE {
        stats(&front, "a wrong token").await;
    }
    let (guesses, began) = (AtomicUsize::new(0), Instant::now());
    let guess = async || {
        while began.elapsed() < Duration::from_secs(3) {
            assert_eq!(stats(&front, "a wrong token").await, (429, "too_many_failures".to_owned()));
            guesses.fetch_add(1, Ordering::Relaxed);
        }
    };
    let rightful = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let asked = Instant::now();
        assert_eq!(front.post_event("m1", &promoted("c1")).await.status.as_u16(), 202, "signatures wait for nobody");
        assert_eq!(stats(&front, READ).await.0, 200);
        asked.elapsed()
    };
    let (_, waited) = tokio::join!(join_all((0..GUESSERS).map(|_| guess())), rightful);
    let (guesses, seconds) = (guesses.into_inner(), began.elapsed().as_secs_f64());
    println!("{guesses} guesses in {seconds:.1} s by {GUESSERS} clients; the right token waited {waited:?}");
    // Those that are under way at the end have been checked, too.
    assert!(guesses as f64 <= seconds * 10.0 + 2.0, "{guesses} in {seconds} s");
    assert!(waited < LIMIT, "{waited:?}");
}

/// Signs in to the console from an address: how it was answered, and after how long.
async fn sign_in(front: &Front, address: &str, token: &str) -> (u16, Duration) {
    let (form, origin) = (("content-type", "application/x-www-form-urlencoded"), format!("http://{}", front.address));
    let headers = [form, ("origin", origin.as_str()), ("x-forwarded-for", address)];
    let asked = Instant::now();
    let answered = front.call(Method::POST, "/console/sign-in", &headers, format!("token={token}")).await;
    (answered.status.as_u16(), asked.elapsed())
}

/// However busy the machine is, one of several answers that wait for nothing comes at once.
#[tokio::test]
async fn each_failed_sign_in_of_an_address_waits_longer_and_a_right_token_waits_for_none_of_them() {
    let front = Front::with(Wishes { behind_a_proxy: true, failures_per_minute: 100, ..Wishes::default() }).await;
    let (first, here) = (Duration::from_millis(100), "203.0.113.9");
    for factor in [1, 2, 4] {
        let (status, waited) = sign_in(&front, here, "wrong").await;
        assert!(status == 401 && waited >= first * factor, "{status} {waited:?}");
    }
    assert_eq!(sign_in(&front, "203.0.113.10", READ).await.0, 303);
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let (entered, refused) = (sign_in(&front, here, OPERATE).await, sign_in(&front, here, "wrong").await);
        assert_eq!((entered.0, refused.0), (303, 401));
        right.push(entered.1);
        wrong.push(refused.1);
    }
    assert!(right.iter().min().is_some_and(|span| *span < first), "{right:?}");
    assert!(wrong.iter().min().is_some_and(|span| *span < first * 8), "who signed in begins anew: {wrong:?}");
}

#[tokio::test]
async fn a_right_token_that_is_used_too_often_is_no_failed_sign_in() {
    let front = Front::with(Wishes { calls_per_second: 1, failures_per_minute: 100, ..Wishes::default() }).await;
    let mut refused = Vec::new();
    while refused.len() < 10 {
        match sign_in(&front, "203.0.113.9", OPERATE).await {
            (303, _) => {}
            (429, span) => refused.push(span),
            (status, _) => panic!("{status}"),
        }
    }
    assert!(refused.iter().min().is_some_and(|span| *span < Duration::from_millis(100)), "{refused:?}");
}

#[tokio::test]
async fn without_a_token_nothing_waits() {
    let front = Front::with(Wishes { failures_per_minute: 1, ..Wishes::default() }).await;
    let began = Instant::now();
    let mut answers = Vec::new();
    for _ in 0..30 {
        answers.push(front.call(Method::GET, "/v1/stats", &[], "").await.status.as_u16());
    }
    assert_eq!((answers[0], answers[29]), (401, 429));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_expired_token_says_so() {
    let front = Front::open().await;
    let ends =
        ApiToken { expires_at: Some(NOW.plus(Duration::from_secs(1))), ..ApiToken::new("view", Scope::Read, READ) };
    front.keys.replace(keys_with(&[SECRET], &[ends]));
    assert_eq!(stats(&front, READ).await.0, 200);
    front.clock.advance(Duration::from_secs(1));
    let answered = front.rest(Method::GET, "/v1/stats", READ, &Value::Null).await;
    assert_eq!((answered.status.as_u16(), answered.problem()), (401, "token_expired"));
    assert!(answered.headers["www-authenticate"].to_str().unwrap().contains("invalid_token"));
}

/// An open stream of this token; the head of its answer is read.
async fn open_stream(front: &Front, token: &str) -> (u16, TcpStream) {
    let mut stream = TcpStream::connect(front.address).await.unwrap();
    let head = format!("GET /v1/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 1_024];
    let read = stream.read(&mut answer).await.unwrap();
    (String::from_utf8_lossy(&answer[9..12.min(read)]).parse().unwrap(), stream)
}

async fn assert_ends(mut stream: TcpStream, why: &str) {
    let mut told = Vec::new();
    // The last chunk of the answer, behind which the connection rests: the stream's end is the empty chunk.
    let ended = tokio::time::timeout(LIMIT, async {
        while !told.ends_with(b"0\r\n\r\n") {
            let mut chunk = [0; 1_024];
            let read = stream.read(&mut chunk).await.unwrap();
            assert!(read > 0, "{why}: cut off");
            told.extend_from_slice(&chunk[..read]);
        }
    });
    ended.await.unwrap_or_else(|_| panic!("{why}: the stream goes on"));
}

#[tokio::test]
async fn a_stream_ends_when_its_token_expires_is_taken_away_or_shrinks_and_not_before() {
    let read = ApiToken::new("view", Scope::Read, READ);
    let ending = |at: Millis| ApiToken { expires_at: Some(at), ..read.clone() };
    let soon = NOW.plus(Duration::from_secs(60));
    let other = ApiToken::new("view", Scope::Read, "another-token-of-this-name");
    let narrower = ApiToken::new("ops", Scope::Read, OPERATE);
    for (why, token, then) in [
        ("removed", READ, vec![]),
        ("another token of this name", READ, vec![other]),
        ("narrower", OPERATE, vec![narrower]),
    ] {
        let front = Front::open().await;
        let (status, stream) = open_stream(&front, token).await;
        assert_eq!(status, 200);
        front.keys.replace(keys(&[OTHER_SECRET]));
        front.keys.replace(keys_with(&[SECRET], &then));
        assert_ends(stream, why).await;
    }
    let front = Front::open().await;
    front.keys.replace(keys_with(&[SECRET], &[ending(soon)]));
    let (_, mut stream) = open_stream(&front, READ).await;
    front.keys.replace(keys_with(&[SECRET], &[ending(soon), ApiToken::new("ops", Scope::Operate, OPERATE)]));
    // The stream's first id may come, and nothing else.
    let reading = async {
        let mut chunk = [0; 1_024];
        while let Ok(read) = stream.read(&mut chunk).await {
            assert!(
                read > 0 && !chunk[..read].ends_with(b"0\r\n\r\n"),
                "a reload that leaves the token alone ends nothing"
            );
        }
    };
    let _ = tokio::time::timeout(Duration::from_millis(1_500), reading).await;
    front.clock.advance(Duration::from_secs(60));
    assert_ends(stream, "expired").await;
}

#[tokio::test]
async fn a_token_has_a_share_of_the_streams() {
    let front = Front::with(Wishes { max_connections: 200, ..Wishes::default() }).await;
    let mut open = Vec::new();
    for _ in 0..64 {
        let (status, stream) = open_stream(&front, READ).await;
        assert_eq!(status, 200);
        open.push(stream);
    }
    assert_eq!(open_stream(&front, READ).await.0, 429);
    assert_eq!(open_stream(&front, OPERATE).await.0, 200);
}

#[tokio::test]
async fn a_webhook_id_and_an_idempotency_key_never_meet() {
    let front = Front::open().await;
    let body = json!({"contact": {"name": "王小明"}, "force": true}).to_string();
    let bearer = format!("Bearer {OPERATE}");
    let sync = async |key: &str| {
        let headers =
            [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", key)];
        front.call(Method::POST, "/v1/contacts/c1/sync", &headers, body.clone()).await
    };
    assert_eq!(front.post_event("key:ops:once", &promoted("c1")).await.status.as_u16(), 202);
    let first = sync("once").await;
    assert_eq!((first.status.as_u16(), &first.body["status"]), (202, &json!("queued")), "{first:?}");
    assert_eq!(sync("once").await.body["id"], first.body["id"]);
}

#[tokio::test]
async fn the_statistics_say_when_each_key_was_last_used_and_show_none() {
    let front = Front::open().await;
    front.post_event("m1", &promoted("c1")).await;
    let shown = front.rest(Method::GET, "/v1/stats", READ, &Value::Null).await.body;
    let credentials = &shown["credentials"];
    let used = NOW.rfc3339();
    assert_eq!(credentials["tokens"][0], json!({"name": "view", "expires_at": null, "last_used_at": used}));
    assert_eq!(credentials["tokens"][1], json!({"name": "ops", "expires_at": null, "last_used_at": null}));
    assert_eq!(credentials["webhook_secrets"][0]["last_used_at"], json!(used));
    assert_eq!(credentials["webhook_secrets"][1]["last_used_at"], Value::Null);
    for secret in [SECRET, OTHER_SECRET, READ, OPERATE] {
        assert!(!shown.to_string().contains(secret.trim_start_matches("whsec_")), "{shown}");
    }
}
