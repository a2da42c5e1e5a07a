//! Two replicas on one PostgreSQL share what they know of the installation.

use erp_bridge::{
    app::{App, StartOptions},
    clock::{Clock, Millis},
    event::Status,
    simulator::{self, SimConfig},
};
use std::time::Duration;

use crate::support::{Sender, contact, postgres, promoted, world::config};

#[tokio::test]
async fn replicas_share_a_block_and_the_one_that_passes_it_lets_both_go_on() {
    let clock = Clock::manual(Millis(1_795_000_000_000));
    let sim = simulator::start(SimConfig { clock: clock.clone(), ..SimConfig::default() }).await.unwrap();
    let database = postgres::database().await;
    let mut config = config(&sim.base_url(), &database);
    config.worker.block_pause = Duration::from_secs(5);
    config.worker.block_pause_max = Duration::from_secs(60);
    let start = async || {
        let options = StartOptions { dispatch: false, clock: clock.clone(), ..StartOptions::default() };
        App::start(&config, options).await.unwrap()
    };
    let (first, second) = (start().await, start().await);
    let sender = Sender::new(format!("http://{}", first.address), clock.clone());
    let accept = async |number: u32| {
        let event = promoted(&contact(&format!("c{number}"), number), 70.0);
        let (status, body) = sender.post(&format!("p{number}"), event.to_string()).await.unwrap();
        assert_eq!(status, 202, "{body}");
        body["id"].as_str().unwrap().to_owned()
    };
    sim.handle.fault("customer.list:no_right").unwrap();
    let mut ids = vec![accept(0).await];
    assert_eq!(first.dispatcher.run_due().await, 1);
    // The other one knows without asking the ERP.
    sim.handle.clear_calls();
    ids.push(accept(1).await);
    assert_eq!(second.dispatcher.run_due().await, 1);
    assert_eq!(sim.handle.calls_of("customer.list").len(), 0);
    assert_eq!(second.dispatcher.blocks().len(), 1);
    // Of both only one tries.
    clock.advance(Duration::from_secs(5));
    assert_eq!(first.dispatcher.run_due().await + second.dispatcher.run_due().await, 1);
    sim.handle.clear_faults();
    clock.advance(Duration::from_secs(10));
    second.dispatcher.run_due().await;
    first.dispatcher.run_due().await;
    for id in &ids {
        let event = first.store.event(id).await.unwrap().unwrap();
        assert_eq!((event.status, event.attempts), (Status::Succeeded, 0), "{:?}", event.error);
    }
    assert!(first.store.blocks().await.unwrap().is_empty());
}
