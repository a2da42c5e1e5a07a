//! Drives a schedule: posts, lets the worker run until it is done or dead, moves the clock, and plays the operator where
//! only a person can decide.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use erp_bridge::{
    clock::{Clock, Millis},
    config::Config,
    event::Status,
    store::{EventFilter, StepState},
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    installation::Installation,
    mishaps::{Fate, faults},
    orders::Order,
    people::{Deed, People},
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
    world: World,
    clock: Clock,
    rng: StdRng,
    script: Script,
    fate: Arc<Fate>,
    people: People,
    /// Whether people delete and merge customers in this schedule.
    meddles: bool,
    /// What each contact has still to send.
    outbox: Vec<VecDeque<(String, Value)>>,
    posted: Vec<(String, Value)>,
    /// Orders of operators that were taken, of each contact in their order.
    orders: BTreeMap<String, Vec<(String, Order)>>,
    /// How far the clock was moved since the ERP was last seen at rest.
    unrested: Duration,
    installation: Installation,
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
        let installation = Installation::draw(&mut rng);
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

    /// Now and then a person deletes or merges the customer of one contact, or undoes its link.
    async fn meddle(&mut self) {
        if !self.meddles || !self.rng.random_bool(0.2) {
            return;
        }
        let alone: Vec<_> = (0..self.outbox.len()).filter(|at| !self.script.people[*at].shares).collect();
        let Some(at) = alone.choose(&mut self.rng).copied() else { return };
        let person = &self.script.people[at];
        self.erp_is_at_rest().await;
        if self.people.act(&mut self.rng, &self.world, &person.id).await {
            self.outbox[at].push_front(person.promotion());
        }
    }

    /// Now and then an operator assigns the customer of one contact to a salesperson, takes it back, applies for it or approves
    /// it (客户指派, 收回, 申请, 审批).
    async fn order(&mut self) {
        if self.meddles || !self.rng.random_bool(0.05) {
            return;
        }
        let alone: Vec<_> = self.script.people.iter().filter(|person| !person.shares).collect();
        let Some(person) = alone.choose(&mut self.rng) else { return };
        let order = Order::draw(&mut self.rng);
        let (method, what, body) = order.request();
        let (status, answer) = self.world.call(method, &format!("/v1/contacts/{}/{what}", person.id), body).await;
        assert!([202, 404].contains(&status), "{status} {answer}");
        if status == 202 {
            let orders = self.orders.entry(person.id.clone()).or_default();
            orders.push((answer["id"].as_str().unwrap().to_owned(), order));
        }
    }

    /// Now and then an operator has everything that is held judged anew.
    async fn replay(&mut self) {
        if self.rng.random_bool(0.05) {
            let body = json!({ "status": "held" });
            let (status, answer) = self.world.call("POST", "/v1/events/replay", Some(body)).await;
            assert_eq!(status, 200, "{answer}");
        }
    }

    /// The last order that the ERP took stands, where it could be asked whether it did what it said.
    async fn check_orders(&self) {
        for (contact, orders) in &self.orders {
            for (event, order) in orders.iter().rev() {
                if self.world.event(event).await.status != Status::Succeeded {
                    continue;
                }
                let steps = self.world.app.store.steps(event).await.unwrap();
                let mut results = steps.iter().filter_map(|step| step.result.as_ref());
                if !results.any(|result| !result["unverified"].is_null()) {
                    let link = self.world.link_of(contact).await;
                    let customer = self.world.sim.handle.customer(link.ord).unwrap();
                    assert!(order.stands(&self.world.sim.handle, link.ord), "{contact} {order:?} {customer:?}");
                }
                break;
            }
        }
    }

    /// At some time somebody puts right what was wrong with the installation from the beginning.
    fn put_right(&mut self) {
        self.wrong_for -= 1;
        if self.wrong_for == 0 {
            self.installation.put_right(&self.world.sim.handle);
        }
    }

    async fn erp_is_at_rest(&self) {
        eventually("the ERP is at rest", Duration::from_secs(10), async || {
            let calls = self.world.sim.handle.calls(0);
            calls.iter().all(|call| call.outcome != "running").then_some(())
        })
        .await;
    }

    /// The operator looks into the ERP and says what is so.
    async fn decide(&mut self) {
        let open = EventFilter { statuses: vec![Status::NeedsReview], ..EventFilter::default() };
        for event in self.world.app.store.list_events(&open, None, 100).await.unwrap() {
            self.erp_is_at_rest().await;
            let contact = event.contact_id.as_deref().unwrap();
            // Somebody wants it planned anew first; then the same is asked again.
            if self.rng.random_bool(0.1) {
                self.again(&event.id, "replan").await;
                continue;
            }
            let decision = match event.error_code.as_deref() {
                Some("candidates" | "same_name") => Some(self.script.who_it_is(contact, &self.world.sim.handle)),
                Some("duplicate") => match self.script.who_it_is(contact, &self.world.sim.handle) {
                    known if known["decision"] == "link" => Some(known),
                    // Nobody has what the ERP says that somebody has.
                    _ => {
                        self.again(&event.id, "replay").await;
                        None
                    }
                },
                Some("customer_gone") => match self.people.did_to(contact) {
                    Some(Deed::Deleted(_)) => Some(json!({ "decision": "recreate" })),
                    // Before anything of the contact was filled in by which it is found.
                    Some(Deed::Merged(into)) => Some(json!({ "decision": "link", "ord": into })),
                    _ => panic!("nobody touched it: {event:?}"),
                },
                // The ERP lied twice in a row; he looks, and it is not there.
                Some("not_stored") => Some(json!({ "decision": "resend" })),
                Some("outcome_unknown") if self.is_order(&event.id) => {
                    Some(self.was_carried_out(&event.id, contact).await)
                }
                Some("outcome_unknown") if self.installation.blind => self.is_there(&event.id, contact).await,
                _ => panic!("nobody should have to decide: {event:?}"),
            };
            // A decision that was sent when the worker died may have been carried out since.
            let Some(decision) = decision else { continue };
            let path = format!("/v1/events/{}/resolve", event.id);
            let (status, answer) = self.world.call("POST", &path, Some(decision)).await;
            assert!([200, 409].contains(&status), "{status} {answer}");
        }
    }

    /// Puts an event back into its turn, unless somebody was faster.
    async fn again(&self, event: &str, how: &str) {
        let (status, answer) = self.world.call("POST", &format!("/v1/events/{event}/{how}"), None).await;
        assert!([200, 409].contains(&status), "{how}: {status} {answer}");
    }

    fn is_order(&self, event: &str) -> bool {
        self.orders.values().flatten().any(|(order, _)| order == event)
    }

    /// Whether a customer is where an order should have brought it, as a decision.
    async fn was_carried_out(&self, event: &str, contact: &str) -> Value {
        let link = self.world.link_of(contact).await;
        let mut orders = self.orders[contact].iter().filter(|(order, _)| order == event);
        let (_, order) = orders.next().unwrap();
        json!({ "decision": if order.stands(&self.world.sim.handle, link.ord) { "done" } else { "resend" } })
    }

    /// Whether the record is there that an event asks for, as a decision; `None` where it asks no more.
    async fn is_there(&self, event: &str, contact: &str) -> Option<Value> {
        let steps = self.world.app.store.steps(event).await.unwrap();
        let step = steps.into_iter().find(|step| step.state == StepState::Started)?;
        let link = self.world.link_of(contact).await;
        let text = step.step["text"].as_str().unwrap();
        let is_there = self.world.sim.handle.progress_of(link.ord).iter().any(|record| record == text);
        Some(json!({ "decision": if is_there { "done" } else { "resend" } }))
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
            // Whoever orders it names the salesperson: no other event waits for one whose account is closed. What does not
            // stand in the pool nobody can apply for.
            let is_refused = event.status == Status::Dead
                && ["salesperson_unknown", "refused"].map(Some).contains(&event.error_code.as_deref());
            let is_order = self.is_order(&event.id);
            let may_end_so = is_right || is_early && event.status == Status::NotAdmitted || is_refused && is_order;
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
