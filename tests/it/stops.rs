//! A stop ends in time, whatever others do meanwhile: an ERP that never answers, a client that never reads. What it cuts
//! holds nothing up at the next start.

use std::time::{Duration, Instant};

use erp_bridge::simulator::{self, SimConfig};
use tokio::{io::AsyncWriteExt, net::TcpSocket};

use crate::support::{Process, contact, eventually, promoted};

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_stop_is_over_in_time_while_the_erp_hangs_and_a_client_does_not_read() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let variables = [
        ("SERVER__SHUTDOWN_GRACE", "1s"),
        ("SERVER__WRITE_TIMEOUT", "5m"),
        ("ERP__TIMEOUT", "5m"),
        ("ERP__LATE_EFFECT", "100ms"),
        ("WORKER__LEASE", "30m"),
    ];
    let mut bridge = Process::start(&sim.base_url(), &variables).await;
    // The session is there, so that nothing is left of a login that was cut.
    bridge.sender.deliver("m0", &promoted(&contact("c0", 10), 70.0)).await;
    bridge.sender.all_succeeded(1, LIMIT).await;
    sim.handle.change_settings(|settings| settings.latency_ms = 600_000);
    let (id, _) = bridge.sender.deliver("m1", &promoted(&contact("c1", 1), 70.0)).await;
    eventually("the ERP has a call in hand", LIMIT, async || (sim.handle.load().in_flight > 0).then_some(())).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let address = bridge.sender.base_url.trim_start_matches("http://").parse().unwrap();
    let mut greedy = socket.connect(address).await.unwrap();
    greedy.write_all("GET /openapi.yaml HTTP/1.1\r\nhost: x\r\n\r\n".repeat(50).as_bytes()).await.unwrap();

    let began = Instant::now();
    bridge.signal("TERM");
    let code = eventually("the bridge ends", LIMIT, || std::future::ready(bridge.exit_code())).await;
    println!("stopped after {:?}", began.elapsed());
    assert_eq!(code, 0, "{}", bridge.log());
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert!(bridge.log().contains("resumes at the next start"), "{}", bridge.log());

    sim.handle.change_settings(|settings| settings.latency_ms = 0);
    bridge.restart().await;
    bridge.sender.all_succeeded(2, LIMIT).await;
    assert_eq!(sim.handle.customers().len(), 2, "{id} took effect once");
}

#[tokio::test]
async fn a_login_that_a_stop_or_a_kill_cut_does_not_hold_up_the_first_event_of_the_next_start() {
    for is_killed in [false, true] {
        let sim = simulator::start(SimConfig::default()).await.unwrap();
        sim.handle.change_settings(|settings| settings.latency_ms = 600_000);
        let variables = [("SERVER__SHUTDOWN_GRACE", "1s"), ("ERP__TIMEOUT", "5m"), ("WORKER__LEASE", "30m")];
        let mut bridge = Process::start(&sim.base_url(), &variables).await;
        bridge.sender.deliver("m1", &promoted(&contact("c1", 1), 70.0)).await;
        eventually("the ERP has the login in hand", LIMIT, async || (sim.handle.load().in_flight > 0).then_some(()))
            .await;
        if is_killed {
            bridge.kill();
        } else {
            bridge.signal("TERM");
            eventually("the bridge ends", LIMIT, || std::future::ready(bridge.exit_code())).await;
        }
        sim.handle.change_settings(|settings| settings.latency_ms = 0);
        bridge.restart().await;
        bridge.sender.all_succeeded(1, LIMIT).await;
        assert_eq!(sim.handle.customers().len(), 1, "killed: {is_killed}");
    }
}
