//! Bodies that are sent almost to their end by many clients at once, and what the real program then takes of the memory.

use std::time::Duration;

use erp_bridge::simulator::{self, SimConfig};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

use crate::support::{Process, contact, promoted};

const CLIENTS: usize = 300;
const BODY: usize = 256 * 1_024;
const BUDGET_KIB: u64 = 16 * 1_024;
/// What a connection may take besides: its buffers, and the part of a body that stands on its own account.
const CONNECTION_KIB: u64 = 128;
/// What the program may need for anything else meanwhile.
const SLACK_KIB: u64 = 16 * 1_024;

#[tokio::test]
async fn unfinished_bodies_share_one_budget_of_memory_and_a_proper_request_still_gets_through() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let bridge = Process::start(&sim.base_url(), &[("SERVER__REQUEST_MEMORY", "16MiB")]).await;
    let before = bridge.memory_kib();
    let address = bridge.sender.base_url.trim_start_matches("http://").to_owned();
    let head = format!(
        "POST /webhooks/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {BODY}\r\n\r\n"
    );
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = TcpStream::connect(&address).await.unwrap();
        client.write_all(head.as_bytes()).await.unwrap();
        clients.push(client);
    }
    let body = vec![b' '; BODY - 1];
    // Whoever finds no memory is answered and let go while it writes.
    let sends = clients.iter_mut().map(|client| timeout(Duration::from_secs(5), client.write_all(&body)));
    futures::future::join_all(sends).await;
    let grown = bridge.memory_kib().saturating_sub(before);
    println!("{CLIENTS} unfinished bodies of {BODY} bytes: {grown} KiB more");
    assert!(grown < BUDGET_KIB + CLIENTS as u64 * CONNECTION_KIB + SLACK_KIB, "{grown} KiB");
    let (status, answer) = bridge.sender.post("m1", promoted(&contact("c1", 1), 70.0).to_string()).await.unwrap();
    assert_eq!(status, 202, "what is small gets through: {answer}");
    let mut large = promoted(&contact("c2", 2), 70.0);
    large["padding"] = " ".repeat(BODY / 2).into();
    let (status, answer) = bridge.sender.post("m2", large.to_string()).await.unwrap();
    assert!([202, 503].contains(&status), "{status} {answer}");
    drop(clients);
    bridge.sender.deliver("m3", &large).await;
}
