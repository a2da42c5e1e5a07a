//! One simulator, one bridge, one sender.

use std::time::Duration;

use erp_bridge::{
    app::{App, StartOptions},
    clock::Clock,
    config::{ApiToken, AssignmentRule, Config, Scope},
    event::{Link, Status},
    simulator::{self, Running, SimConfig},
    store::{EventFilter, EventRow},
};
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Balancer, Sender, eventually, postgres};

/// The sender's secret.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// A token that may do everything, and one that may look.
pub const OPERATOR: &str = "operator-token-0123456789";
pub const READER: &str = "reader-token-01234567890";

/// What no event becomes while it is still at work.
const ENDS: [Status; 5] =
    [Status::Succeeded, Status::Dead, Status::NeedsReview, Status::NotAdmitted, Status::Discarded];

/// How a world begins.
pub struct WorldOptions {
    /// The simulator's beginning.
    pub sim: SimConfig,
    /// Changes to the bridge's configuration.
    pub configure: Box<dyn Fn(&mut Config) + Send>,
    /// Run the dispatcher; else the test drives it by hand.
    pub dispatch: bool,
    /// The time of the bridge, the sender and the simulator.
    pub clock: Clock,
    /// Run two replicas on one PostgreSQL, behind one name.
    pub replicas: bool,
}

impl Default for WorldOptions {
    fn default() -> Self {
        let configure = Box::new(|_: &mut Config| {});
        Self { sim: SimConfig::default(), configure, dispatch: true, clock: Clock::system(), replicas: false }
    }
}

pub struct World {
    pub sim: Running,
    pub app: App,
    second: Option<Second>,
    pub config: Config,
    pub sender: Sender,
    options: StartOptions,
    _dir: TempDir,
}

/// The other replica, and what stands before both.
struct Second {
    app: App,
    before: Balancer,
}

impl World {
    pub async fn start() -> Self {
        Self::with(WorldOptions::default()).await
    }

    pub async fn with(options: WorldOptions) -> Self {
        let clock = options.clock;
        let sim = simulator::start(SimConfig { clock: clock.clone(), ..options.sim }).await.unwrap();
        let dir = ledger_dir();
        let database = if options.replicas {
            postgres::database().await
        } else {
            format!("sqlite://{}/ledger.db", dir.path().display())
        };
        let mut config = config(&sim.base_url(), &database);
        (options.configure)(&mut config);
        let replicas = options.replicas;
        let options = StartOptions { dispatch: options.dispatch, clock: clock.clone(), ..StartOptions::default() };
        let app = App::start(&config, options.clone()).await.unwrap();
        let second = if replicas { Some(Second::start(&app, &config, &options).await) } else { None };
        let sender = Sender::new(String::new(), clock);
        let mut world = Self { sim, app, second, config, sender, options, _dir: dir };
        world.sender.base_url = world.url("");
        world
    }

    /// Stops the bridge cleanly and starts it again on the same ledger.
    pub async fn restart(&mut self) {
        self.app.stop_token().cancel();
        self.app.ended().await;
        let second = self.second.take();
        if let Some(second) = &second {
            second.app.stop_token().cancel();
            second.app.ended().await;
        }
        self.app = App::start(&self.config, self.options.clone()).await.unwrap();
        if second.is_some() {
            self.second = Some(Second::start(&self.app, &self.config, &self.options).await);
        }
        self.sender.base_url = self.url("");
    }

    /// As [`World::restart`], of a bridge that was driven by hand and is left to itself from now on.
    pub async fn restart_dispatching(&mut self) {
        self.options.dispatch = true;
        self.restart().await;
    }

    pub fn url(&self, path: &str) -> String {
        let address = self.second.as_ref().map_or(self.app.address, |second| second.before.address);
        format!("http://{address}{path}")
    }

    /// The bridge, or both replicas of it.
    pub fn apps(&self) -> impl Iterator<Item = &App> {
        std::iter::once(&self.app).chain(self.second.as_ref().map(|second| &second.app))
    }

    /// Posts a signed event; answers status and body.
    pub async fn post(&self, webhook_id: &str, event: &Value) -> (u16, Value) {
        self.post_raw(webhook_id, event.to_string()).await
    }

    pub async fn post_raw(&self, webhook_id: &str, body: String) -> (u16, Value) {
        self.sender.post(webhook_id, body).await.unwrap()
    }

    /// Posts an event that must be accepted; answers its id.
    pub async fn accept(&self, webhook_id: &str, event: &Value) -> String {
        let (status, body) = self.post(webhook_id, event).await;
        assert_eq!(status, 202, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// Calls the REST interface as the operator.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        self.sender.call(method, path, body).await
    }

    pub async fn event(&self, id: &str) -> EventRow {
        self.app.store.event(id).await.unwrap().expect("the event is in the ledger")
    }

    /// Waits until an event is in one of these states.
    pub async fn until(&self, id: &str, statuses: &[Status]) -> EventRow {
        eventually(&format!("{id} becomes {statuses:?}"), Duration::from_secs(60), async || {
            let event = self.event(id).await;
            statuses.contains(&event.status).then_some(event)
        })
        .await
    }

    /// Waits until an event has ended, or waits for a person.
    pub async fn ended(&self, id: &str) -> EventRow {
        self.until(id, &ENDS).await
    }

    /// Posts an event that must be accepted, and waits until it has ended, or waits for a person.
    pub async fn handle(&self, webhook_id: &str, event: &Value) -> EventRow {
        let id = self.accept(webhook_id, event).await;
        self.ended(&id).await
    }

    /// The link of a contact that has one.
    pub async fn link_of(&self, contact: &str) -> Link {
        self.app.store.contact(contact).await.unwrap().expect("the contact is linked").link
    }

    /// The customer to which a contact is linked.
    pub async fn ord_of(&self, contact: &str) -> i64 {
        self.link_of(contact).await.ord
    }

    /// Puts a company into the ERP, with a contact person of its own.
    pub fn seed_company(&self, name: &str, khid: &str) -> i64 {
        let fields = [("name", name), ("khid", khid), ("kind", "1"), ("person_name", "李总")];
        self.sim.handle.seed_customer_fields(&fields).unwrap()
    }

    /// What the ERP has of a customer; null is what it lacks.
    pub fn fields(&self, ord: i64) -> Value {
        json!(self.sim.handle.customer(ord).unwrap().fields)
    }

    /// Waits until no event is queued or running.
    pub async fn idle(&self, limit: Duration) {
        let open = EventFilter { statuses: vec![Status::Queued, Status::Running], ..EventFilter::default() };
        eventually("nothing is queued or running", limit, async || {
            self.app.store.list_events(&open, None, 1).await.unwrap().is_empty().then_some(())
        })
        .await;
    }

    /// All events, oldest first.
    pub async fn events(&self) -> Vec<EventRow> {
        let listed = self.app.store.list_events(&EventFilter::default(), None, 100_000).await.unwrap();
        let mut events = Vec::with_capacity(listed.len());
        for event in listed.iter().rev() {
            events.push(self.event(&event.id).await);
        }
        events
    }
}

impl Second {
    async fn start(first: &App, config: &Config, options: &StartOptions) -> Self {
        let app = App::start(config, options.clone()).await.unwrap();
        let before = Balancer::before([first.address, app.address]).await;
        Self { app, before }
    }
}

/// A configuration for a simulator and a database, with short pauses.
pub fn config(erp: &str, database: &str) -> Config {
    let mut config = Config::default();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.database.url = database.parse().unwrap();
    config.webhook.secrets = vec![SECRET.parse().unwrap()];
    config.api.tokens =
        vec![ApiToken::new("ops", Scope::Operate, OPERATOR), ApiToken::new("view", Scope::Read, READER)];
    config.erp.base_url = erp.parse().unwrap();
    config.erp.username = "admin".into();
    config.erp.password = SecretString::from("123456");
    config.erp.serial = "BRIDGE1".into();
    config.erp.timeout = Duration::from_secs(2);
    config.erp.late_effect = Duration::from_secs(1);
    config.api.preview_limit = 0;
    config.retry.schedule = vec![Duration::from_millis(20); 10];
    config.worker.poll = Duration::from_millis(50);
    config.worker.circuit_pause = Duration::from_millis(100);
    config.worker.block_pause = Duration::from_millis(50);
    config.worker.block_pause_max = Duration::from_millis(400);
    config
}

/// In memory where there is such a place: the process that wrote a ledger outlives every use of it here, so nothing is
/// proved by waiting for a disk.
fn ledger_dir() -> TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// An assignment rule for scores from 60 on.
pub fn users_in_turn(users: &[&str]) -> AssignmentRule {
    AssignmentRule { min_score: 60.0, users: users.iter().map(ToString::to_string).collect(), public: false }
}
