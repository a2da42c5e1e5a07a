//! A refusal that comes before the body was read is seen by whoever writes the whole body before reading.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::front::{BODY_LIMIT, Front, Wishes};

const MIB: usize = 1 << 20;
/// The most that is read and dropped.
const DRAINED: usize = 16 * MIB;

/// Writes a request as a whole, and only then reads; answers the status line, empty if there was none. With `ends` false
/// the last byte is missing.
async fn ask(front: &Front, target: &str, headers: &str, bytes: usize, ends: bool) -> String {
    let mut stream = TcpStream::connect(front.address).await.unwrap();
    let announced = if ends { bytes } else { bytes + 1 };
    let head = format!("POST {target} HTTP/1.1\r\nhost: x\r\n{headers}content-length: {announced}\r\n\r\n");
    let _ = stream.write_all(head.as_bytes()).await;
    let chunk = vec![b' '; MIB];
    for _ in 0..bytes / MIB {
        if stream.write_all(&chunk).await.is_err() {
            return String::new();
        }
    }
    let mut answer = vec![0; 1_024];
    let read = stream.read(&mut answer).await.unwrap_or(0);
    String::from_utf8_lossy(&answer[..read]).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn whoever_writes_everything_before_reading_sees_every_refusal() {
    const JSON: &str = "content-type: application/json\r\n";
    let front = Front::open().await;
    let compressed = format!("{JSON}content-encoding: gzip\r\n");
    let table = [
        ("/webhooks/events", JSON, "413"),
        ("/webhooks/events/", JSON, "413"),
        ("/webhooks/events", "content-type: text/plain\r\n", "415"),
        ("/webhooks/events", &compressed, "415"),
        ("/v1/preview", "", "401"),
        ("/nowhere", "", "404"),
        ("/livez", "", "405"),
    ];
    for (target, headers, status) in table {
        for bytes in [MIB, 3 * MIB] {
            let answer = ask(&front, target, headers, bytes, true).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{target}: {bytes}: {answer}");
        }
    }
    let answer = ask(&front, "/webhooks/events", JSON, DRAINED, true).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "16 MiB are still read: {answer}");
    assert_eq!(front.stored().await, (0, 0));
}

#[tokio::test]
async fn a_body_that_is_larger_still_or_never_ends_is_not_read_to_its_end() {
    let front = Front::with(Wishes { read_timeout: Duration::from_secs(1), ..Wishes::default() }).await;
    let ended = async |bytes: usize| {
        let answer = ask(&front, "/nowhere", "", bytes, false);
        tokio::time::timeout(Duration::from_secs(20), answer).await.expect("the connection is given up")
    };
    // Announced beyond the bound, and one byte short of what was announced: the deadline ends it.
    ended(DRAINED + MIB).await;
    assert!(ended(MIB).await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn whoever_asks_before_sending_is_answered_at_once() {
    let front = Front::open().await;
    let mut stream = TcpStream::connect(front.address).await.unwrap();
    let head = format!(
        "POST /webhooks/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n\
         content-length: {}\r\n\r\n",
        BODY_LIMIT + 1
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_connection_goes_on_after_a_refusal_whose_body_was_dropped() {
    let front = Front::open().await;
    let mut stream = TcpStream::connect(front.address).await.unwrap();
    let body = " ".repeat(100_000);
    let refused = format!("POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(refused.as_bytes()).await.unwrap();
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    assert!(answers.contains("HTTP/1.1 404") && answers.contains("HTTP/1.1 200"), "{answers}");
}
