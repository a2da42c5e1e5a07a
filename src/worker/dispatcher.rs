//! Claims what is due, as much as can be run now, and hands each event to a [`Run`].

use std::{
    collections::BTreeSet,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::FutureExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    blocks::{Blocks, passed},
    circuit::{Breaker, Circuit},
    end::{End, Ran},
    health::Health,
    limit::Limit,
    pauses::{Pause, Pauses},
    retry::pause_after_claims,
    run::Run,
    suspects::{Suspects, panicked},
    twin_waits::TwinWaits,
};
use crate::{
    clock::{Clock, Millis},
    config::{MessagesConfig, QuietHours, RetryConfig, WorkerConfig},
    event::Reading,
    store::{Block, Claimed, DispatchPause, Store, StoreError},
    sync::{Engine, ErpError},
    telemetry::traces::Traces,
};

/// Events in hand for each ERP call of a prompt ERP: while one writes the ledger, others can use its place.
pub const EVENTS_PER_CALL: usize = 3;
/// At a full hand so large a part of it is let go before more is claimed, unless that takes longer than a moment: a claim of
/// one event costs what one of many does.
const PART_CLAIMED: usize = 8;
const MOMENT: Duration = Duration::from_millis(5);
/// How long a stopped dispatcher waits before it asks again whether it may go on.
const PAUSE: Duration = Duration::from_millis(500);

/// How often a dispatcher whose login is refused looks into the ledger whether it was put right elsewhere.
const LOGIN_LOOK: Duration = Duration::from_secs(3);

/// What the clockwork is made of.
pub struct Parts {
    /// The ledger.
    pub store: Store,
    /// The ERP and the planner.
    pub engine: Engine,
    /// The time.
    pub clock: Clock,
    /// `[worker]`
    pub worker: WorkerConfig,
    /// `[retry]`
    pub retry: RetryConfig,
    /// How stored bodies are read.
    pub reading: Reading,
    /// `[messages]`
    pub messages: MessagesConfig,
    /// ERP calls at once at most.
    pub max_in_flight: usize,
    /// Daily windows without dispatch.
    pub quiet_hours: Vec<QuietHours>,
    /// What is done for events, shown to a collector.
    pub traces: Traces,
}

/// Runs events until it is stopped.
pub struct Dispatcher {
    pub(super) parts: Parts,
    pub(super) health: Health,
    pub(super) waits: TwinWaits,
    pub(super) suspects: Suspects,
    pub(super) blocks: Blocks,
    pub(super) pauses: Pauses,
    in_flight: AtomicUsize,
    paused: Mutex<Option<Pause>>,
    /// When it last looked whether the login was put right.
    login_look: Mutex<Millis>,
}

impl Dispatcher {
    /// A dispatcher at rest.
    pub fn new(parts: Parts) -> Arc<Self> {
        let breaker = Breaker::new(parts.worker.circuit_failures, parts.worker.circuit_pause);
        let health = Health { breaker, calls_at_once: Limit::new(parts.max_in_flight) };
        Arc::new(Self {
            parts,
            health,
            waits: TwinWaits::default(),
            suspects: Suspects::default(),
            blocks: Blocks::default(),
            pauses: Pauses::default(),
            in_flight: AtomicUsize::new(0),
            paused: Mutex::new(None),
            login_look: Mutex::default(),
        })
    }

    /// Whether the circuit to the ERP is closed.
    pub fn circuit_closed(&self) -> bool {
        self.health.breaker.circuit() == Circuit::Closed
    }

    /// When a call of this process last told whether the circuit is closed; `None` if none did since the start.
    pub fn circuit_judged_at(&self) -> Option<Millis> {
        self.health.breaker.judged_at()
    }

    /// Why nothing is dispatched; `None` while it is.
    pub fn paused(&self) -> Option<Pause> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Events in hand.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// What is known to be wrong with the installation.
    pub fn blocks(&self) -> Vec<Block> {
        self.blocks.known()
    }

    /// What operators have paused.
    pub fn pauses(&self) -> Vec<DispatchPause> {
        self.pauses.known()
    }

    /// Somebody may have put right why nothing is dispatched, or what is wrong with the installation: look again at once.
    pub fn look_again(&self) {
        self.note_pause(None);
        self.try_blocks();
    }

    /// Somebody may have put right what is wrong with the installation: one event tries each block at once.
    pub fn try_blocks(&self) {
        self.blocks.hurry();
        self.parts.store.work().notify_one();
    }

    /// Events in hand at most. At the full limit `erp.max_in_flight` bounds the calls themselves; below it only the number
    /// of events does, of which each makes one call at a time.
    pub fn limit(&self) -> usize {
        let calls = self.health.calls_at_once.now();
        if calls < self.parts.max_in_flight { calls } else { calls * EVENTS_PER_CALL }
    }

    /// Dispatches until `stop` is cancelled, then lets the events in hand finish their step.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let work = self.parts.store.work();
        let mut running = JoinSet::new();
        // Claims in a row that failed.
        let mut failures = 0;
        while !stop.is_cancelled() {
            while running.try_join_next().is_some() {}
            let claimed = match self.may_dispatch().await {
                Ok(()) => {
                    self.run_suspects(&mut running, &stop).await;
                    self.claim(self.limit().saturating_sub(running.len())).await
                }
                Err(pause) => {
                    self.note_pause(Some(pause));
                    Ok(Vec::new())
                }
            };
            failures = if claimed.is_ok() { 0 } else { failures + 1 };
            for event in claimed.unwrap_or_default() {
                running.spawn(self.clone().handle(event, stop.clone()));
            }
            if running.len() >= self.limit() {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = let_some_go(&mut running, self.limit()) => {}
                }
                continue;
            }
            if let Some(pause) = pause_after_claims(failures) {
                // New work is no reason to ask sooner: it could not be claimed either.
                let _ = tokio::time::timeout(pause, stop.cancelled()).await;
                continue;
            }
            let wait = self.next_look().await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = work.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// Runs everything that is due now, one event after the other; for tests that drive the clockwork by hand. Answers
    /// how many runs there were.
    pub async fn run_due(self: &Arc<Self>) -> usize {
        let mut runs = 0;
        loop {
            let mut claimed = self.claim(self.limit()).await.unwrap_or_default();
            if claimed.is_empty() {
                claimed.extend(self.claim_suspect().await);
            }
            if claimed.is_empty() {
                return runs;
            }
            for event in claimed {
                runs += 1;
                self.clone().handle(event, CancellationToken::new()).await;
            }
        }
    }

    /// How long nothing can happen that no signal announces.
    async fn next_look(&self) -> Duration {
        if self.paused().is_some() {
            return PAUSE;
        }
        let now = self.parts.clock.now();
        let due = self.parts.store.next_due().await.ok().flatten();
        let due = due.into_iter().chain(self.blocks.next_try()).min();
        let until = due.map_or(self.parts.worker.poll, |due| due.since(now));
        until.clamp(Duration::from_millis(5), self.parts.worker.poll)
    }

    /// Whether events may be dispatched now; else why not.
    async fn may_dispatch(&self) -> Result<(), Pause> {
        let now = self.parts.clock.now();
        if self.pauses.of_everything().is_some() {
            // Nothing is claimed meanwhile, which would look at the pauses. Where the ledger is away, it stays as it was.
            let _ = self.tend_pauses().await;
            self.pauses.of_everything().map_or(Ok(()), Err)?;
        }
        if self.parts.quiet_hours.iter().any(|hours| hours.contain(now)) {
            return Err(Pause::new("quiet_hours", "ERP 维护时段 (quiet hours of the ERP)"));
        }
        if let Some(words) = self.login_refusal(now).await {
            return Err(Pause::refused_login(&words));
        }
        if !self.circuit_closed() {
            if self.health.breaker.rests(now) {
                let words = "ERP 无法访问，稍后重试 (the ERP cannot be reached; the circuit is open)";
                return Err(Pause::new("circuit_open", words));
            }
            self.try_circuit().await?;
        }
        self.note_pause(None);
        Ok(())
    }

    /// The ERP's words while it refuses the login. A resume or a good login on another replica is in the ledger only, so
    /// look there now and then; while nothing is there, a ping sends nothing.
    async fn login_refusal(&self, now: Millis) -> Option<String> {
        self.parts.engine.login_refusal()?;
        let due = {
            let mut looked = self.login_look.lock().unwrap_or_else(PoisonError::into_inner);
            // A moment in the future is one from before the clock was set back.
            let due = now.since(*looked) >= LOGIN_LOOK || now < *looked;
            if due {
                *looked = now;
            }
            due
        };
        if due && let Err(error) = self.parts.engine.ping().await {
            tracing::debug!(%error, "looked whether the login was put right");
        }
        self.parts.engine.login_refusal()
    }

    /// The one cheap call of a half-open circuit.
    async fn try_circuit(&self) -> Result<(), Pause> {
        let outcome = self.parts.engine.ping().await;
        let now = self.parts.clock.now();
        match outcome {
            Err(error) if error.is_delivery_failure() => {
                self.health.breaker.failure(now);
                let words = format!("ERP 仍无法访问：{error} (the ERP still cannot be reached)");
                Err(Pause::new("circuit_open", words))
            }
            Err(ErpError::LoginRefused(words)) => Err(Pause::refused_login(&words)),
            Ok(()) | Err(_) => {
                self.health.breaker.close(now);
                self.health.calls_at_once.begin_anew();
                tracing::info!("the ERP answers again; the circuit is closed");
                Ok(())
            }
        }
    }

    fn note_pause(&self, pause: Option<Pause>) {
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        if *paused != pause {
            match &pause {
                // Wanted, or what follows from a failure that has its line where it was met.
                Some(pause) => {
                    tracing::info!(dispatch.paused = pause.code, "dispatch stands still; GET /v1/stats has the words");
                }
                None => tracing::info!("dispatch goes on"),
            }
            *paused = pause;
        }
    }

    async fn claim(&self, free: usize) -> Result<Vec<Claimed>, StoreError> {
        if free == 0 {
            return Ok(Vec::new());
        }
        let claimed = match self.tend_blocks().await {
            Ok(()) => self.parts.store.claim(free, self.parts.worker.lease).await,
            Err(error) => Err(error),
        };
        claimed.inspect_err(|error| tracing::error!(%error, "no work could be claimed; trying again"))
    }

    pub(super) async fn handle(self: Arc<Self>, mut claimed: Claimed, stop: CancellationToken) {
        let end_of_suspect = self.end_of_suspect(&mut claimed).await;
        let _in_hand = InHand::one(&self.in_flight);
        let begun = self.parts.clock.now();
        let event = &claimed.event;
        let known = self.known_faults(&claimed);
        let job = self.parts.engine.begin(claimed.lease.until, event.received_at, known);
        self.trace_run(event, &job, begun);
        let mut run = Run {
            store: &self.parts.store,
            job: &job,
            clock: &self.parts.clock,
            stop: &stop,
            reading: &self.parts.reading,
            late_effect: self.parts.engine.late_effect(),
            linked: false,
            lease: claimed.lease.clone(),
            reserving: Vec::new(),
            health: &self.health,
            answered: BTreeSet::new(),
            came_on: false,
            has_linked: false,
        };
        let end = match end_of_suspect {
            Some(end) => end,
            None => {
                let ended = AssertUnwindSafe(run.run(&claimed)).catch_unwind().await;
                ended.unwrap_or_else(|_| panicked())
            }
        };
        let (word, has_failed) = end.word();
        job.log.end_trace(word, has_failed);
        let calls = run.calls();
        let lease = run.lease.clone();
        let passed = passed(&claimed, &end, &run.answered);
        let (reserved, came_on) = (std::mem::take(&mut run.reserving), run.came_on);
        let waits = matches!(end, End::Wait);
        if waits {
            self.waits.note(&claimed.event.id, &lease.contact_id, reserved.clone());
        }
        self.settle(&claimed, lease, end, Ran { calls, begun, passed, came_on }).await;
        if !waits {
            self.wake_twins(&reserved).await;
        }
    }
}

impl Dispatcher {
    /// Lets those look again at once who waited for what a run had reserved.
    async fn wake_twins(&self, reserved: &[String]) {
        let contacts = self.waits.contacts_waiting_for(reserved);
        if !contacts.is_empty()
            && let Err(error) = self.parts.store.hasten(&contacts).await
        {
            tracing::debug!(%error, "those who wait for a twin look again by themselves");
        }
    }
}

/// Waits until a part of a full hand is free.
async fn let_some_go(running: &mut JoinSet<()>, limit: usize) {
    running.join_next().await;
    let enough = limit.saturating_sub(limit / PART_CLAIMED);
    let _ =
        tokio::time::timeout(MOMENT, async { while running.len() > enough && running.join_next().await.is_some() {} })
            .await;
}

/// Counts an event in hand for as long as it lives, however its run ends.
struct InHand<'a>(&'a AtomicUsize);

impl<'a> InHand<'a> {
    fn one(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
