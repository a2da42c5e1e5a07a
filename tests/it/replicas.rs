//! Two replicas on one PostgreSQL answer alike when keys were last used, and how the circuit to the ERP stands; whose clock is
//! wrong takes nothing out of the other's hands.

use std::time::Duration;

use erp_bridge::{
    app::{App, StartOptions},
    clock::{Clock, Millis},
    config::Config,
    event::Status,
    simulator::{self, Running, SimConfig},
};
use serde_json::{Value, json};

use crate::support::{OPERATOR, READER, Sender, contact, eventually, message, postgres, promoted, world::config};

const MINUTE: Duration = Duration::from_secs(60);

struct Two {
    clock: Clock,
    sim: Running,
    config: Config,
    first: App,
    second: App,
}

impl Two {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let clock = Clock::manual(Millis(1_795_500_000_000));
        let sim = simulator::start(SimConfig { clock: clock.clone(), ..SimConfig::default() }).await.unwrap();
        let mut config = config(&sim.base_url(), &postgres::database().await);
        config.worker.circuit_failures = 1;
        change(&mut config);
        let (first, second) = (start(&config, &clock).await, start(&config, &clock).await);
        Self { clock, sim, config, first, second }
    }

    /// How each of them says that the circuit stands.
    async fn circuits(&self) -> [String; 2] {
        let (first, second) = (stats(&self.first, OPERATOR).await, stats(&self.second, OPERATOR).await);
        [&first, &second].map(|stats| stats["dispatch"]["circuit"].as_str().unwrap().to_owned())
    }

    /// Both tell and hear each other.
    async fn exchange(&self) {
        for replica in [&self.first, &self.second, &self.first] {
            replica.replicas.round().await.unwrap();
        }
    }

    /// An event that this replica accepts and runs.
    async fn run(&self, replica: &App, number: u32) {
        let sender = Sender::new(format!("http://{}", replica.address), self.clock.clone());
        let event = promoted(&contact(&format!("c{number}"), number), 70.0);
        assert_eq!(sender.post(&format!("p{number}"), event.to_string()).await.unwrap().0, 202);
        self.clock.advance(Duration::from_secs(1));
        replica.dispatcher.run_due().await;
    }
}

async fn start(config: &Config, clock: &Clock) -> App {
    let options = StartOptions { dispatch: false, clock: clock.clone(), ..StartOptions::default() };
    App::start(config, options).await.unwrap()
}

/// What a replica says of how it stands.
async fn stats(replica: &App, token: &str) -> Value {
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let asked = http.get(format!("http://{}/v1/stats", replica.address)).bearer_auth(token).send().await.unwrap();
    serde_json::from_str(&asked.text().await.unwrap()).unwrap()
}

/// When the reader's token was last used, as a replica tells the operator.
async fn reader_used(replica: &App) -> Value {
    let tokens = stats(replica, OPERATOR).await["credentials"]["tokens"].clone();
    tokens.as_array().unwrap().iter().find(|token| token["name"] == "view").unwrap()["last_used_at"].clone()
}

#[tokio::test]
async fn a_key_that_is_used_at_one_replica_is_known_to_be_in_use_at_the_other_and_after_a_restart() {
    let mut two = Two::start().await;
    let at = |clock: &Clock| json!(clock.now().rfc3339());
    let used = at(&two.clock);
    stats(&two.first, READER).await;
    two.run(&two.first, 1).await;
    assert_eq!(reader_used(&two.second).await, Value::Null);
    two.exchange().await;
    assert_eq!(reader_used(&two.second).await, used);
    let secret = |stats: &Value| stats["credentials"]["webhook_secrets"][0]["last_used_at"].clone();
    assert_eq!(secret(&stats(&two.second, OPERATOR).await), used);
    // What only became newer is written once a minute.
    two.clock.advance(MINUTE / 2);
    stats(&two.first, READER).await;
    two.exchange().await;
    assert_eq!(reader_used(&two.second).await, used);
    two.clock.advance(MINUTE);
    let used = at(&two.clock);
    stats(&two.first, READER).await;
    two.exchange().await;
    assert_eq!(reader_used(&two.second).await, used);
    two.second.stop_token().cancel();
    two.second.ended().await;
    two.second = start(&two.config, &two.clock).await;
    two.second.replicas.round().await.unwrap();
    assert_eq!(reader_used(&two.second).await, used);
}

#[tokio::test]
async fn the_circuit_stands_as_the_newest_call_of_any_replica_found_it() {
    let two = Two::start().await;
    two.sim.handle.fault("*:away").unwrap();
    two.run(&two.first, 1).await;
    assert_eq!(two.circuits().await, ["open", "closed"]);
    two.exchange().await;
    assert_eq!(two.circuits().await, ["open", "open"]);
    two.sim.handle.clear_faults();
    two.run(&two.second, 2).await;
    assert_eq!(two.circuits().await, ["open", "closed"]);
    two.exchange().await;
    assert_eq!(two.circuits().await, ["closed", "closed"]);
    // Whoever held it open and is gone holds up nobody for ever.
    two.sim.handle.fault("*:away").unwrap();
    two.run(&two.first, 3).await;
    two.exchange().await;
    assert_eq!(two.circuits().await, ["open", "open"]);
    two.first.stop_token().cancel();
    two.first.ended().await;
    two.clock.advance(MINUTE * 3);
    two.second.replicas.round().await.unwrap();
    assert_eq!(stats(&two.second, OPERATOR).await["dispatch"]["circuit"], "closed");
}

#[tokio::test]
async fn a_circuit_that_is_looked_at_rarely_stays_open_for_all_until_the_next_look_and_while_anybody_holds_it() {
    let mut two = Two::with(|config| config.worker.circuit_pause = MINUTE * 10).await;
    two.sim.handle.fault("*:away").unwrap();
    two.run(&two.first, 1).await;
    two.exchange().await;
    // The other one was not away for itself, and believes it between two looks.
    two.clock.advance(MINUTE * 9);
    two.exchange().await;
    assert_eq!(two.circuits().await, ["open", "open"]);
    two.run(&two.second, 2).await;
    two.exchange().await;
    // Both hold it open, however old what the other said is.
    two.clock.advance(MINUTE * 60);
    two.exchange().await;
    assert_eq!(two.circuits().await, ["open", "open"]);
    // Of two that are gone nothing is left but what they said.
    for replica in [&mut two.first, &mut two.second] {
        replica.stop_token().cancel();
        replica.ended().await;
        *replica = start(&two.config, &two.clock).await;
        replica.replicas.round().await.unwrap();
    }
    assert_eq!(two.circuits().await, ["closed", "closed"]);
}

/// By its own clock every lease would be over as soon as it began, and what was begun would have had its time.
#[tokio::test]
async fn a_replica_that_is_set_two_minutes_ahead_sends_nothing_again_that_the_other_has_in_hand() {
    const LIMIT: Duration = Duration::from_secs(30);
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let mut config = config(&sim.base_url(), &postgres::database().await);
    config.erp.timeout = Duration::from_secs(5);
    config.erp.late_effect = Duration::from_secs(6);
    let at_work =
        async |clock: Clock| App::start(&config, StartOptions { clock, ..StartOptions::default() }).await.unwrap();
    let first = at_work(Clock::system()).await;
    let sender = Sender::new(format!("http://{}", first.address), Clock::system());
    let handled = async |event: &str| {
        eventually("it is done", LIMIT, async || {
            let status = first.store.event(event).await.unwrap().unwrap().status;
            (status == Status::Succeeded).then_some(())
        })
        .await;
    };
    let (_, known) = sender.post("p", promoted(&contact("c1", 1), 80.0).to_string()).await.unwrap();
    handled(known["id"].as_str().unwrap()).await;
    sim.handle.fault("progress.add:late_effect:times=1,effect_delay=2s,delay=2200ms").unwrap();
    let (_, said) = sender.post("m", message("c1", 1, "在吗").to_string()).await.unwrap();
    eventually("the first one sends it", LIMIT, async || {
        (!sim.handle.calls_of("progress.add").is_empty()).then_some(())
    })
    .await;
    let _second = at_work(Clock::set_ahead(Duration::from_secs(125))).await;
    handled(said["id"].as_str().unwrap()).await;
    let ord = first.store.contact("c1").await.unwrap().unwrap().link.ord;
    assert_eq!(sim.handle.progress_of(ord).len(), 1, "{:?}", sim.handle.calls_of("progress.add"));
}
