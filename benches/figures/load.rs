//! The load: one thread, keep-alive connections over raw TCP, every request a different event, correctly signed.
//!
//! Written here instead of a script for wrk because wrk cannot keep a given rate, which the p99 at half of the highest
//! rate needs, and signs slowly in Lua. Requests are signed before the clock starts.

use std::{cell::RefCell, net::SocketAddr, rc::Rc, time::Duration};

use erp_bridge::{clock::Clock, http::signed_body::sign};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::LocalSet,
    time::{Instant, sleep_until},
};

use super::Outcome;

/// The sender's secret: a throw-away value, as in the scheme's own documentation.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Contacts that the events are of, in turn.
pub(crate) const CONTACTS: usize = 10_000;
/// Bytes of a body.
const BODY_BYTES: usize = 1_024;
/// Requests signed beforehand; what goes beyond is signed on the way.
const SIGNED_AHEAD: usize = 150_000;
/// Runs before the measurement begins.
const WARM_UP: Duration = Duration::from_secs(1);

/// What to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) span: Duration,
    /// Requests a second; as fast as it goes if none is given.
    pub(crate) pace: Option<f64>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// Requests answered 202 a second.
    pub(crate) rate: f64,
    /// Answers other than 202.
    pub(crate) refused: u64,
    sent: usize,
    latencies: Vec<Duration>,
}

impl Answers {
    /// Requests answered, those of the warm-up included.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub(crate) fn total(&self) -> f64 {
        self.sent as f64
    }

    /// The latency in milliseconds that this share of the requests did not exceed.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index"
        )]
        let index = (self.latencies.len() as f64 * share) as usize;
        self.latencies.get(index.min(self.latencies.len().saturating_sub(1))).map_or(0.0, |at| at.as_secs_f64() * 1e3)
    }
}

/// The body of event `number`: a promotion that passes every rule of admission, of [`BODY_BYTES`].
pub(crate) fn body(number: usize) -> String {
    let contact = number % CONTACTS;
    let event = |notes: &str| {
        json!({
            "type": "contact.promoted", "timestamp": "2026-11-23T15:00:00+08:00",
            "data": {
                "contact": {
                    "id": format!("bench-{contact:05}"), "name": format!("张{contact}伟"), "phone": format!("138{contact:08}"),
                    "phone_verified": true, "wechat_id": format!("wx_{contact}"), "source": "朋友圈", "address": "上海市浦东新区",
                    "notes": notes,
                },
                "thread": { "id": format!("t{number}"), "score": 88.5, "bucket": "WHITE", "previous_bucket": "GRAY" },
                "signal": { "id": format!("s{number}"), "content": "你好，想了解一下价格，什么时候方便通话？", "direction": "inbound" },
            },
        })
        .to_string()
    };
    let missing = BODY_BYTES.saturating_sub(event("").len());
    event(&"n".repeat(missing))
}

/// The bytes of a signed request.
pub(crate) fn request(body: &str) -> Outcome<Vec<u8>> {
    // Random, as most senders' are: the hard case for an index.
    let id = format!("evt_{}", uuid::Uuid::new_v4().simple());
    let timestamp = Clock::system().now().0 / 1_000;
    let signature = sign(&SECRET.parse()?, &id, timestamp, body.as_bytes());
    Ok(format!(
        "POST /webhooks/events HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\nwebhook-id: {id}\r\n\
         webhook-timestamp: {timestamp}\r\nwebhook-signature: {signature}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes())
}

/// Runs a load on a thread of its own.
pub(crate) async fn run(load: Load) -> Outcome<Answers> {
    tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        LocalSet::new().block_on(&runtime, drive(load))
    })
    .await?
}

struct Shared {
    ready: Vec<Vec<u8>>,
    next: usize,
    begun: Instant,
    measured_from: Instant,
    until: Instant,
    pace: Option<f64>,
    accepted: u64,
    refused: u64,
    latencies: Vec<Duration>,
}

impl Shared {
    /// The next request, and when it is due.
    fn next(&mut self) -> Outcome<(Vec<u8>, Option<Instant>)> {
        let number = self.next;
        self.next += 1;
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let due = self.pace.map(|pace| self.begun + Duration::from_secs_f64(number as f64 / pace));
        let bytes = match self.ready.pop() {
            Some(bytes) => bytes,
            None => request(&body(number))?,
        };
        Ok((bytes, due))
    }

    fn note(&mut self, status: u16, began: Instant, ended: Instant) {
        if ended < self.measured_from || ended > self.until {
            return;
        }
        if status == 202 {
            self.accepted += 1
        } else {
            self.refused += 1
        }
        self.latencies.push(ended - began);
    }
}

async fn drive(load: Load) -> Outcome<Answers> {
    let ready = (0..SIGNED_AHEAD).map(|number| request(&body(number))).collect::<Outcome<Vec<_>>>()?;
    let mut streams = Vec::with_capacity(load.connections);
    for _ in 0..load.connections {
        let stream = TcpStream::connect(load.address).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let begun = Instant::now();
    let measured_from = begun + WARM_UP;
    let shared = Rc::new(RefCell::new(Shared {
        ready,
        next: 0,
        begun,
        measured_from,
        until: measured_from + load.span,
        pace: load.pace,
        accepted: 0,
        refused: 0,
        latencies: Vec::with_capacity(1 << 20),
    }));
    let tasks: Vec<_> =
        streams.into_iter().map(|stream| tokio::task::spawn_local(send(stream, Rc::clone(&shared)))).collect();
    for task in tasks {
        task.await??;
    }
    let mut shared = shared.borrow_mut();
    let mut latencies = std::mem::take(&mut shared.latencies);
    latencies.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let rate = shared.accepted as f64 / load.span.as_secs_f64();
    Ok(Answers { rate, refused: shared.refused, sent: shared.next.saturating_sub(load.connections), latencies })
}

async fn send(mut stream: TcpStream, shared: Rc<RefCell<Shared>>) -> Outcome<()> {
    let until = shared.borrow().until;
    let mut buffer = Vec::with_capacity(4_096);
    loop {
        let (bytes, due) = shared.borrow_mut().next()?;
        let mut began = Instant::now();
        if let Some(due) = due {
            if due > began {
                sleep_until(due.min(until)).await;
                began = Instant::now();
            } else {
                // No connection was free in time: that wait is part of the answer's time.
                began = due;
            }
        }
        if Instant::now() >= until {
            return Ok(());
        }
        stream.write_all(&bytes).await?;
        let status = answer(&mut stream, &mut buffer).await?;
        shared.borrow_mut().note(status, began, Instant::now());
    }
}

/// Reads one answer to its end; tells its status.
pub(crate) async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Outcome<u16> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err("the server closed the connection".into());
        }
        let Some(head) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&buffer[..head])?;
        let length =
            text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0").parse::<usize>()?;
        if buffer.len() >= head + 4 + length {
            return Ok(text.get(9..12).unwrap_or_default().parse()?);
        }
    }
}
