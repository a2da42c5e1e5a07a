//! Drives a schedule: posts, lets the worker run until it is done or dead, and moves the clock.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use erp_bridge::{
    clock::{Clock, Millis},
    config::Config,
    event::Status,
    store::EventFilter,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    installation::Installation,
    mishaps::{Fate, faults},
    orders::{Hands, Order},
    people::People,
    script::Script,
};
use crate::support::{World, WorldOptions, eventually};

/// How long the bridge waits for what: an answer (in real time), a late effect, the lease of a worker that died.
#[derive(Clone, Copy)]
struct Waits {
    patience: Duration,
    late_effect: Duration,
    lease: Duration,
}

/// On a clock that only the schedule moves.
const BY_HAND: Waits = Waits {
    patience: Duration::from_millis(120),
    late_effect: Duration::from_millis(400),
    lease: Duration::from_secs(2),
};
/// On the real clock a machine that stands still for a moment must not let an effect come later than the ERP's word.
const REAL: Waits = Waits {
    patience: Duration::from_millis(400),
    late_effect: Duration::from_millis(1_500),
    lease: Duration::from_secs(10),
};
/// Commits of the journal within which the worker's life ends, at the latest.
const LIFE_BY_HAND: i64 = 60;
const LIFE_REAL: i64 = 250;
/// Turns of a schedule after which it is stuck.
const TURNS: usize = 5_000;

/// A schedule that fails shows what its ERP was asked.
impl Drop for Schedule {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let erp = &self.world.sim.handle;
            eprintln!("{:#?}\n{:?}\n{:?}\n{:?}", erp.calls(0), erp.settings(), self.installation.quirks, self.people);
        }
    }
}

/// One schedule at work.
pub struct Schedule {
    pub(super) world: World,
    clock: Clock,
    pub(super) rng: StdRng,
    pub(super) script: Script,
    fate: Arc<Fate>,
    pub(super) people: People,
    /// Whether people delete and merge customers in this schedule.
    pub(super) meddles: bool,
    /// What each contact has still to send.
    pub(super) outbox: Vec<VecDeque<(String, Value)>>,
    posted: Vec<(String, Value)>,
    /// In whose hands each customer was that the ERP had in the beginning.
    pub(super) begun: BTreeMap<i64, Hands>,
    /// Orders of operators that were taken, of each contact in their order.
    pub(super) orders: BTreeMap<String, Vec<(String, Order)>>,
    /// How far the clock was moved since the ERP was last seen at rest.
    unrested: Duration,
    pub(super) installation: Installation,
    /// Turns until somebody puts right what is wrong with it.
    wrong_for: i64,
}

/// Whether an event was sent before its contact was good enough.
fn is_early(webhook_id: &str) -> bool {
    webhook_id.starts_with("x-")
}

impl Schedule {
    /// A schedule in which one event is in hand at a time, on a clock that only the schedule moves: the same seed draws
    /// the same story. One in twenty has twenty contacts, the others up to five. The ledger is a SQLite file unless a
    /// `database` is named.
    pub async fn new(seed: u64, database: Option<String>) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let contacts = if rng.random_bool(0.05) { 20 } else { rng.random_range(1..=5) };
        let clock = Clock::manual(Millis(1_795_500_000_000));
        let mut schedule = Self::build(seed, rng, contacts, clock, BY_HAND, database).await;
        // Where only a person can tell whether a record is there, none takes it away.
        schedule.meddles = !schedule.installation.blind && schedule.rng.random_bool(0.2);
        schedule
    }

    /// Twenty contacts and eight events in hand at once, on the real clock.
    pub async fn crowded(seed: u64) -> Self {
        Self::build(seed, StdRng::seed_from_u64(seed), 20, Clock::system(), REAL, None).await
    }

    async fn build(
        seed: u64,
        mut rng: StdRng,
        contacts: u32,
        clock: Clock,
        waits: Waits,
        database: Option<String>,
    ) -> Self {
        let installation = Installation::draw(&mut rng, seed);
        let set_up = installation.configure();
        let configure = move |config: &mut Config| {
            config.erp.timeout = waits.patience;
            config.erp.late_effect = waits.late_effect;
            config.worker.lease = waits.lease;
            if let Some(url) = &database {
                config.database.url = url.parse().unwrap();
            }
            set_up(config);
        };
        let (sim, configure) = (installation.sim(seed), Box::new(configure));
        let world = World::with(WorldOptions {
            sim,
            configure,
            dispatch: false,
            clock: clock.clone(),
            ..WorldOptions::default()
        })
        .await;
        let script = Script::draw(&mut rng, contacts, &installation, &world.sim.handle);
        let customers = world.sim.handle.customers();
        let begun = customers.iter().map(|customer| (customer.ord, Hands::of(&customer.holding))).collect();
        world.sim.handle.set_faults(faults(installation.blind, waits.patience)).unwrap();
        installation.spoil(&world.sim.handle);
        let wrong_for = rng.random_range(1..60);
        let fate = Fate::new();
        world.app.store.watch_commits(fate.watch());
        let outbox = script.people.iter().map(|person| person.events.iter().cloned().collect()).collect();
        Self {
            world,
            clock,
            rng,
            script,
            fate,
            installation,
            wrong_for,
            people: People::default(),
            meddles: false,
            outbox,
            posted: Vec::new(),
            begun,
            orders: BTreeMap::new(),
            unrested: Duration::ZERO,
        }
    }

    /// Runs the schedule to its end and holds the ERP against it.
    pub async fn run(mut self) {
        self.fate.draw(&mut self.rng, LIFE_BY_HAND);
        for _ in 0..TURNS {
            self.post().await;
            self.work().await;
            self.put_right();
            self.meddle().await;
            self.order().await;
            self.replay().await;
            self.decide().await;
            if self.is_over().await {
                return self.end().await;
            }
        }
        panic!("it does not come to its end: {:#?}", self.world.events().await);
    }

    /// Posts a few events of random contacts, each contact's in order, and some that were posted before.
    async fn post(&mut self) {
        for _ in 0..self.rng.random_range(0..4) {
            let waiting: Vec<usize> = (0..self.outbox.len()).filter(|at| !self.outbox[*at].is_empty()).collect();
            if waiting.is_empty() {
                break;
            }
            let at = waiting[self.rng.random_range(0..waiting.len())];
            // Taken off only once the answer is here: a sender that was interrupted sends it again.
            let (webhook_id, event) = self.outbox[at][0].clone();
            let (_, taken) = self.world.sender.deliver(&webhook_id, &event).await;
            let is_right = ["queued", "held", "duplicate"].contains(&taken.as_str());
            assert!(is_right || is_early(&webhook_id) && taken == "not_admitted", "{webhook_id}: {taken}");
            self.posted.extend(self.outbox[at].pop_front());
        }
        if !self.posted.is_empty() && self.rng.random_bool(0.2) {
            let (webhook_id, event) = self.posted[self.rng.random_range(0..self.posted.len())].clone();
            assert_eq!(self.world.sender.deliver(&webhook_id, &event).await.1, "duplicate");
        }
    }

    /// Lets the worker run until nothing is due or it dies; then time passes.
    async fn work(&mut self) {
        let dispatcher = self.world.app.dispatcher.clone();
        let has_died = tokio::select! {
            biased;
            () = self.fate.died.notified() => true,
            _ = dispatcher.run_due() => false,
        };
        // Now and then the whole program goes with its worker.
        if has_died && self.rng.random_bool(0.2) {
            self.world.restart().await;
            self.world.app.store.watch_commits(self.fate.watch());
        }
        if self.fate.is_spent() && self.rng.random_bool(0.5) {
            self.fate.draw(&mut self.rng, LIFE_BY_HAND);
        }
        let pause =
            if self.rng.random_bool(0.2) { BY_HAND.lease } else { Duration::from_millis(self.rng.random_range(1..60)) };
        self.pass(pause).await;
    }

    /// Moves the clock. What the ERP was asked for takes effect before the bridge may stop believing in it.
    async fn pass(&mut self, pause: Duration) {
        self.unrested += pause;
        if self.unrested >= BY_HAND.late_effect / 2 {
            self.erp_is_at_rest().await;
            self.unrested = Duration::ZERO;
        }
        self.clock.advance(pause);
    }

    /// At some time somebody puts right what was wrong with the installation from the beginning.
    fn put_right(&mut self) {
        self.wrong_for -= 1;
        if self.wrong_for == 0 {
            self.installation.put_right(&self.world.sim.handle);
        }
    }

    pub(super) async fn erp_is_at_rest(&self) {
        eventually("the ERP is at rest", Duration::from_secs(10), async || {
            let calls = self.world.sim.handle.calls(0);
            calls.iter().all(|call| call.outcome != "running").then_some(())
        })
        .await;
    }

    async fn is_over(&self) -> bool {
        let statuses = vec![Status::Queued, Status::Running, Status::NeedsReview];
        let open = EventFilter { statuses, ..EventFilter::default() };
        let nothing_open = self.world.app.store.list_events(&open, None, 1).await.unwrap().is_empty();
        nothing_open && self.outbox.iter().all(VecDeque::is_empty)
    }

    async fn end(&self) {
        self.erp_is_at_rest().await;
        for event in self.world.events().await {
            let is_right = matches!(event.status, Status::Succeeded | Status::Held);
            let is_early = event.webhook_id.as_deref().is_some_and(is_early);
            let is_ended = is_right || is_early && event.status == Status::NotAdmitted;
            let may_end_so = is_ended || event.status == Status::Dead && self.is_rightly_refused(&event).await;
            if !may_end_so {
                let store = &self.world.app.store;
                for step in store.steps(&event.id).await.unwrap() {
                    eprintln!("{} {} {:?} {:?} {}", event.id, step.name, step.state, step.customer, step.step);
                }
                for call in store.calls(&event.id).await.unwrap().items {
                    eprintln!("{} {} {}: {} {}", event.id, call.step, call.interface, call.outcome, call.request);
                }
                panic!("{} {}: {:?} {:?}", event.kind, event.status, event.error_code, event.error);
            }
        }
        let accepted = self.posted.len() + self.orders.values().map(Vec::len).sum::<usize>();
        assert_eq!(self.world.events().await.len(), accepted, "events, deliveries and orders");
        self.check_orders().await;
        self.script.check(&self.world, &self.people).await;
    }

    /// As [`Schedule::run`], with the dispatcher at work beside the sender. Returns how many writes the journal was asked
    /// for, and in how many commits they and the claims were made.
    pub async fn run_crowded(mut self) -> (u64, u64) {
        let begun = Clock::system();
        let deadline = begun.now().plus(Duration::from_secs(180));
        loop {
            self.fate.draw(&mut self.rng, LIFE_REAL);
            let stop = CancellationToken::new();
            let worker = tokio::spawn(self.world.app.dispatcher.clone().run(stop.clone()));
            let is_over = self.crowded_life().await;
            // Dropping its task ends all its events where they stand.
            worker.abort();
            assert!(worker.await.unwrap_err().is_cancelled());
            if is_over {
                self.end().await;
                return self.fate.writes_and_commits();
            }
            // Whoever comes after a process that died frees what it had claimed, and waits from then on.
            self.world.app.store.free_turns().await.unwrap();
            assert!(begun.now() < deadline, "it does not come to its end: {:#?}", self.world.events().await);
        }
    }

    /// Posts and decides until everything is over (`true`) or the worker has died.
    async fn crowded_life(&mut self) -> bool {
        let fate = self.fate.clone();
        tokio::select! {
            () = fate.died.notified() => false,
            () = async {
                while !self.is_over().await {
                    self.post().await;
                    self.put_right();
                    self.decide().await;
                    tokio::task::yield_now().await;
                }
            } => true,
        }
    }
}
