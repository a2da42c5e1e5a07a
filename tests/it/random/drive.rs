//! Drives a schedule: posts, lets the worker run until it is done or dead, moves the clock, and plays the operator where
//! the ERP's progress list is closed.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use erp_bridge::{
    clock::{Clock, Millis},
    config::AssignmentRule,
    event::Status,
    store::{EventFilter, StepState},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    installation,
    mishaps::{Fate, faults},
    people::People,
    script::Script,
};
use crate::support::{World, WorldOptions, eventually, users_in_turn};

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
            eprintln!("{:#?}\n{:?}\n{:?}", erp.calls(0), erp.settings(), self.people);
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
    /// How far the clock was moved since the ERP was last seen at rest.
    unrested: Duration,
    blind: bool,
}

impl Schedule {
    /// A schedule in which one event is in hand at a time, on a clock that only the schedule moves: the same seed draws
    /// the same story. One in twenty has twenty contacts, the others up to five.
    pub async fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let contacts = if rng.random_bool(0.05) { 20 } else { rng.random_range(1..=5) };
        let mut schedule = Self::build(seed, rng, contacts, Clock::manual(Millis(1_795_500_000_000)), BY_HAND).await;
        // Where only a person can tell whether a record is there, none takes it away.
        schedule.meddles = !schedule.blind && schedule.rng.random_bool(0.2);
        schedule
    }

    /// Twenty contacts and eight events in hand at once, on the real clock.
    pub async fn crowded(seed: u64) -> Self {
        Self::build(seed, StdRng::seed_from_u64(seed), 20, Clock::system(), REAL).await
    }

    async fn build(seed: u64, mut rng: StdRng, contacts: u32, clock: Clock, waits: Waits) -> Self {
        let blind = rng.random_bool(0.1);
        let assigns = rng.random_bool(0.3);
        let configure = move |config: &mut erp_bridge::config::Config| {
            config.erp.timeout = waits.patience;
            config.erp.late_effect = waits.late_effect;
            config.worker.lease = waits.lease;
            config.worker.circuit_failures = 1_000;
            config.retry.schedule = vec![Duration::from_millis(20); 20];
            if assigns {
                let public = AssignmentRule { min_score: 60.0, users: Vec::new(), public: true };
                let in_turn = AssignmentRule { min_score: 80.0, ..users_in_turn(&["63", "71"]) };
                config.assignment.rules = vec![in_turn, public];
            }
        };
        let sim = installation::draw(&mut rng, seed, blind);
        let options = WorldOptions { sim, configure: Box::new(configure), dispatch: false, clock: clock.clone() };
        let world = World::with(options).await;
        let script = Script::draw(&mut rng, contacts, blind, &world.sim.handle);
        world.sim.handle.set_faults(faults(blind, waits.patience)).unwrap();
        let fate = Fate::new();
        world.app.store.watch_commits(fate.watch());
        let outbox = script.people.iter().map(|person| person.events.iter().cloned().collect()).collect();
        let (unrested, people) = (Duration::ZERO, People::default());
        Self { world, clock, rng, script, fate, people, meddles: false, outbox, posted: Vec::new(), unrested, blind }
    }

    /// Runs the schedule to its end and holds the ERP against it.
    pub async fn run(mut self) {
        self.fate.draw(&mut self.rng, LIFE_BY_HAND);
        for _ in 0..TURNS {
            self.post().await;
            self.work().await;
            self.meddle().await;
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
            assert!(["queued", "held", "duplicate"].contains(&taken.as_str()), "{webhook_id}: {taken}");
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

    /// Now and then a person deletes or merges the customer of one contact.
    async fn meddle(&mut self) {
        if !self.meddles || !self.rng.random_bool(0.2) {
            return;
        }
        let alone: Vec<_> = self.script.people.iter().filter(|person| !person.shares).collect();
        if alone.is_empty() {
            return;
        }
        let person = alone[self.rng.random_range(0..alone.len())];
        self.erp_is_at_rest().await;
        self.people.act(&mut self.rng, &self.world, &person.id).await;
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
            if event.error_code.as_deref() == Some("customer_gone") {
                self.recreate(&event.id, event.contact_id.as_deref()).await;
                continue;
            }
            assert!(self.blind && event.error_code.as_deref() == Some("outcome_unknown"), "{event:?}");
            self.erp_is_at_rest().await;
            let steps = self.world.app.store.steps(&event.id).await.unwrap();
            // A decision that was sent when the worker died may have been carried out since.
            let Some(step) = steps.into_iter().find(|step| step.state == StepState::Started) else { continue };
            let link = self.world.app.store.contact(&event.contact_id.unwrap()).await.unwrap().unwrap().link;
            let text = step.step["text"].as_str().unwrap();
            let is_there = self.world.sim.handle.progress_of(link.ord).iter().any(|record| record == text);
            let decision = json!({ "decision": if is_there { "done" } else { "resend" } });
            let path = format!("/v1/events/{}/resolve", event.id);
            let (status, answer) = self.world.call("POST", &path, Some(decision)).await;
            assert!([200, 409].contains(&status), "{status} {answer}");
        }
    }

    /// The customer was deleted: there shall be another one.
    async fn recreate(&self, event: &str, contact: Option<&str>) {
        assert!(contact.is_some_and(|contact| self.people.did_to(contact).is_some()), "nobody deleted it: {contact:?}");
        let path = format!("/v1/events/{event}/resolve");
        let (status, answer) = self.world.call("POST", &path, Some(json!({ "decision": "recreate" }))).await;
        assert!([200, 409].contains(&status), "{status} {answer}");
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
            assert!(is_right, "{} {}: {:?} {:?}", event.kind, event.status, event.error_code, event.error);
        }
        assert_eq!(self.world.events().await.len(), self.posted.len(), "events and deliveries");
        self.script.check(&self.world, &self.people).await;
    }

    /// As [`Schedule::run`], with the dispatcher at work beside the sender.
    pub async fn run_crowded(mut self) {
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
                return self.end().await;
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
                    self.decide().await;
                    tokio::task::yield_now().await;
                }
            } => true,
        }
    }
}
