//! Bodies and heads that are sent almost to their end by many clients at once, and what the real program then takes of the memory.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use erp_bridge::simulator::{self, SimConfig};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{Process, contact, eventually, promoted};

/// So many send a body without its end, and so many a head.
const CLIENTS: usize = 300;
const BODY: usize = 256 * 1_024;
const BUDGET_KIB: u64 = 52 * 1_024;
/// Room for them and a few more: with the reserve 768 connections, which have 36 MiB of the budget.
const CONNECTIONS: &str = "704";
/// So many bodies of nearly [`BODY`] bytes fit into the other 16 MiB.
const LONG_BODIES: u32 = 50;
/// Longer than a body may take, and then what is left of it.
const LIMIT: Duration = Duration::from_secs(15);
/// What a connection may take besides: the buffer of its answers, and what is known of it.
const CONNECTION_KIB: u64 = 24;
/// What the program may need for anything else meanwhile.
const SLACK_KIB: u64 = 16 * 1_024;

/// Clients that begin a request and do not end it. Whoever finds no memory is answered and let go while it writes.
async fn unfinished(bridge: &Process, head: &str, rest: &[u8]) -> Vec<TcpStream> {
    let address = bridge.sender.base_url.trim_start_matches("http://");
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(head.as_bytes()).await.unwrap();
        clients.push(client);
    }
    let sends = clients.iter_mut().map(|client| timeout(Duration::from_secs(2), client.write_all(rest)));
    futures::future::join_all(sends).await;
    clients
}

/// Whether this client was answered that there is no memory, and when to come again.
async fn was_asked_to_come_again(client: &mut TcpStream) -> bool {
    let mut answer = vec![0; 2_048];
    let Ok(Ok(length)) = timeout(LIMIT, client.read(&mut answer)).await else { return false };
    let answer = String::from_utf8_lossy(&answer[..length]).to_lowercase();
    answer.starts_with("http/1.1 503") && answer.contains("\r\nretry-after: ")
}

/// An event that needs most of what one body may have.
fn large(number: u32) -> String {
    let mut large = promoted(&contact(&format!("large{number}"), number), 70.0);
    large["padding"] = " ".repeat(BODY - 4_096).into();
    large.to_string()
}

#[tokio::test]
async fn unfinished_bodies_and_heads_have_one_budget_of_memory_and_a_proper_request_still_gets_through() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let variables = [
        ("SERVER__REQUEST_MEMORY", "52MiB"),
        ("SERVER__MAX_CONNECTIONS", CONNECTIONS),
        ("SERVER__MAX_CONNECTIONS_PER_ADDRESS", "0"),
        ("SERVER__READ_TIMEOUT", "4s"),
    ];
    let bridge = Process::start(&sim.base_url(), &variables).await;
    let before = bridge.memory_kib();
    let filler = "x".repeat(15 * 1_024);
    let heads = unfinished(&bridge, "GET /livez HTTP/1.1\r\nhost: x\r\nx-filler: ", filler.as_bytes()).await;
    let head = format!(
        "POST /webhooks/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {BODY}\r\n\r\n"
    );
    let mut bodies = unfinished(&bridge, &head, &vec![b' '; BODY - 1]).await;
    let grown = bridge.memory_kib().saturating_sub(before);
    println!("{CLIENTS} unfinished heads and {CLIENTS} unfinished bodies of {BODY} bytes: {grown} KiB more");
    assert!(grown < BUDGET_KIB + 2 * CLIENTS as u64 * CONNECTION_KIB + SLACK_KIB, "{grown} KiB");
    let (status, answer) = bridge.sender.post("m1", promoted(&contact("c1", 1), 70.0).to_string()).await.unwrap();
    assert_eq!(status, 202, "what is small gets through: {answer}");

    let asked = futures::future::join_all(bodies.iter_mut().map(was_asked_to_come_again)).await;
    assert!(asked.contains(&true), "who finds no memory is told when to come again");
    drop((heads, bodies));
    // Nothing of the budget is lost with them: what is left of it holds so many long bodies at once as before.
    let tries = AtomicU32::new(0);
    eventually("so many long bodies are taken at once", LIMIT, async || {
        let tries = tries.fetch_add(1, Ordering::Relaxed);
        let posts = (100..100 + LONG_BODIES).map(|number| {
            let (sender, id) = (&bridge.sender, format!("large{number}-{tries}"));
            async move { sender.post(&id, large(number)).await.is_ok_and(|(status, _)| status == 202) }
        });
        futures::future::join_all(posts).await.into_iter().all(|is_taken| is_taken).then_some(())
    })
    .await;
}
