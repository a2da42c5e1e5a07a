//! Clients that take connections and give nothing for them: who asks and does not read, who connects and does not ask, and
//! what gets through nevertheless.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::{
    front::{Front, READ, Wishes, promoted},
    support::{World, WorldOptions, contact, eventually, promoted as event},
};

const PLACES: usize = 8;
const WRITE_TIMEOUT: Duration = Duration::from_secs(4);
/// Longer than anything here may take on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(30);

/// A client that asks for a large answer many times over, with little room for what comes.
async fn asks_without_reading(front: &Front) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(front.address).await.unwrap();
    stream.write_all("GET /openapi.yaml HTTP/1.1\r\nhost: x\r\n\r\n".repeat(50).as_bytes()).await.unwrap();
    stream
}

async fn stats(front: &Front) -> (u16, String) {
    let answered = front.rest(Method::GET, "/v1/stats", READ, &Value::Null).await;
    (answered.status.as_u16(), answered.problem().to_owned())
}

/// Waits until a new connection gets an ordinary place, or none.
async fn until_ordinary(front: &Front, ordinary: bool) {
    let expected = if ordinary { (200, String::new()) } else { (503, "overloaded".to_owned()) };
    eventually(&format!("a call is answered {expected:?}"), LIMIT, async || {
        (stats(front).await == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn clients_that_never_read_keep_webhooks_and_probes_from_nobody_and_are_let_go() {
    let wishes = Wishes { max_connections: PLACES, write_timeout: WRITE_TIMEOUT, ..Wishes::default() };
    let front = Front::with(wishes).await;
    let mut greedy = Vec::new();
    for _ in 0..PLACES {
        greedy.push(asks_without_reading(&front).await);
    }
    until_ordinary(&front, false).await;
    for round in 0..3 {
        let began = Instant::now();
        assert_eq!(front.call(Method::GET, "/livez", &[], "").await.status.as_u16(), 200);
        assert_eq!(front.call(Method::GET, "/readyz", &[], "").await.status.as_u16(), 200);
        assert_eq!(front.post_event(&format!("e{round}"), &promoted("c1")).await.status.as_u16(), 202);
        assert!(began.elapsed() < WRITE_TIMEOUT, "{:?}", began.elapsed());
    }
    until_ordinary(&front, true).await;
    drop(greedy);
}

#[tokio::test]
async fn a_client_that_reads_drop_by_drop_is_let_go() {
    let wishes = Wishes { max_connections: 1, write_timeout: Duration::from_millis(500), ..Wishes::default() };
    let front = Front::with(wishes).await;
    let mut greedy = asks_without_reading(&front).await;
    let sipping = tokio::spawn(async move {
        let mut drop = [0; 16];
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let _ = greedy.read(&mut drop).await;
        }
    });
    until_ordinary(&front, true).await;
    assert!(!sipping.is_finished());
    sipping.abort();
}

#[tokio::test]
async fn connections_that_say_nothing_leave_the_reserve_soon() {
    let front = Front::with(Wishes { max_connections: PLACES, ..Wishes::default() }).await;
    let mut idle = Vec::new();
    for _ in 0..PLACES + 64 {
        idle.push(TcpStream::connect(front.address).await.unwrap());
    }
    let began = Instant::now();
    assert_eq!(front.call(Method::GET, "/livez", &[], "").await.status.as_u16(), 200);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

/// A connection from this address of the machine.
async fn from(address: &str, front: &Front) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(format!("{address}:0").parse().unwrap())?;
    socket.connect(front.address).await
}

/// Whether a probe from this address is answered before its sender gives up.
async fn is_alive_from(address: &str, front: &Front) -> bool {
    let probe = async {
        let mut stream = from(address, front).await?;
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await?;
        std::io::Result::Ok(&answer == b"HTTP/1.1 200")
    };
    matches!(tokio::time::timeout(Duration::from_secs(5), probe).await, Ok(Ok(true)))
}

#[tokio::test]
async fn addresses_that_open_connections_without_end_keep_probes_from_no_other() {
    let wishes = Wishes { max_connections: PLACES, max_connections_per_address: 200, ..Wishes::default() };
    let front = Arc::new(Front::with(wishes).await);
    let mut idle = Vec::new();
    for _ in 0..PLACES {
        idle.push(from("127.0.0.1", &front).await.unwrap());
    }
    let count = Arc::new(AtomicUsize::new(0));
    let flood = tokio::spawn({
        let (front, count) = (front.clone(), count.clone());
        async move {
            let mut opened = VecDeque::new();
            loop {
                opened.push_back(from("127.0.0.2", &front).await);
                count.fetch_add(1, Ordering::Relaxed);
                // Each stays for as long as the reserve has patience, and more come than go.
                if opened.len() > 250 {
                    opened.pop_front();
                }
                tokio::time::sleep(Duration::from_millis(8)).await;
            }
        }
    });
    eventually("it has all of the reserve that it may", LIMIT, async || {
        (!is_alive_from("127.0.0.2", &front).await).then_some(())
    })
    .await;
    let before = count.load(Ordering::Relaxed);
    for _ in 0..10 {
        assert!(is_alive_from("127.0.0.3", &front).await);
    }
    eventually("it still opens more", LIMIT, async || (count.load(Ordering::Relaxed) > before).then_some(())).await;
    flood.abort();
}

/// Takes all that sixteen addresses may have of the reserve, each place with a webhook that never comes to its end.
async fn take_the_reserve(front: &Front) -> Vec<TcpStream> {
    let mut held = Vec::new();
    for address in 10..26 {
        for _ in 0..4 {
            let mut stream = from(&format!("127.0.0.{address}"), front).await.unwrap();
            let begun = b"POST /webhooks/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n";
            // One that has too many already may be closed by now.
            let _ = stream.write_all(begun).await;
            held.push(stream);
        }
    }
    held
}

#[tokio::test]
async fn addresses_that_take_the_whole_reserve_again_and_again_keep_probes_from_no_other() {
    let wishes = Wishes { max_connections: PLACES, max_connections_per_address: 200, ..Wishes::default() };
    let front = Front::with(wishes).await;
    let mut held = Vec::new();
    for _ in 0..PLACES {
        held.push(from("127.0.0.1", &front).await.unwrap());
    }
    for round in 0..3 {
        held.extend(take_the_reserve(&front).await);
        let began = Instant::now();
        assert!(is_alive_from("127.0.0.3", &front).await, "round {round}");
        // Much less than the five seconds that a connection of the reserve has while nobody wants its place.
        assert!(began.elapsed() < Duration::from_secs(3), "round {round}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn an_address_gets_as_many_connections_as_configured() {
    let front = Front::with(Wishes { max_connections_per_address: 2, ..Wishes::default() }).await;
    let alive = async || {
        let mut stream = TcpStream::connect(front.address).await.unwrap();
        let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let mut answer = [0; 12];
        (stream.read_exact(&mut answer).await.is_ok() && &answer == b"HTTP/1.1 200").then_some(stream)
    };
    let first = alive().await.expect("the first connection is taken");
    let _second = alive().await.expect("the second connection is taken");
    assert!(alive().await.is_none(), "the third is not");
    drop(first);
    eventually("another one is taken", LIMIT, async || alive().await).await;
}

#[tokio::test]
async fn with_an_address_for_administration_the_other_serves_webhooks_and_probes_alone() {
    let configure = |config: &mut erp_bridge::config::Config| config.server.admin_listen = "127.0.0.1:0".parse().ok();
    let world = World::with(WorldOptions { configure: Box::new(configure), ..WorldOptions::default() }).await;
    let mut admin = world.sender.clone();
    admin.base_url = format!("http://{}", world.app.admin_address.unwrap());
    for path in
        ["/v1/stats", "/v1/events", "/metrics", "/openapi.yaml", "/docs/", "/docs/index.html", "/v1/stream?seconds=0"]
    {
        let (status, body) = world.sender.call("GET", path, None).await;
        assert_eq!((status, &body["type"]), (404, &Value::from("urn:erp-bridge:problem:route_not_found")), "{path}");
        if !path.contains("stream") {
            assert_eq!(admin.call("GET", path, None).await.0, 200, "{path}");
        }
    }
    for sender in [&world.sender, &admin] {
        assert!(sender.is_ready().await && sender.is_alive().await);
    }
    world.accept("public", &event(&contact("c1", 1), 70.0)).await;
    assert_eq!(admin.post("admin", event(&contact("c2", 2), 70.0).to_string()).await.unwrap().0, 202);
}

#[tokio::test]
async fn a_head_has_16_kib_at_most() {
    let front = Front::open().await;
    for (bytes, status) in [(16_383, "200"), (16_384, "200"), (40_000, "431")] {
        let (begin, end) = ("GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-filler: ", "\r\n\r\n");
        let filler = "x".repeat(bytes - begin.len() - end.len());
        let mut stream = TcpStream::connect(front.address).await.unwrap();
        let _ = stream.write_all(format!("{begin}{filler}{end}").as_bytes()).await;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), format!("HTTP/1.1 {status}"), "{bytes} bytes");
    }
}
