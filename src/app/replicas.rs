//! What the replicas of one ledger tell each other beside the events, so that each answers for all: when keys were last used,
//! how the circuit to the ERP stands. A restart knows it as well.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, Millis},
    http::keys::Keyring,
    store::{LatestFact, Store, StoreError},
    worker::Dispatcher,
};

/// How often the ledger is read.
const ROUND: Duration = Duration::from_secs(5);
/// What only became newer is written once in so long.
const EVERY: Duration = Duration::from_secs(60);
/// Who holds the circuit open says so whenever it looked at the ERP again, and once in [`EVERY`] at most; what is older than
/// this, and than two such looks, is of a process that ended.
const OPEN_FOR: Duration = Duration::from_secs(150);
/// The fact that tells of the circuit, and its words.
const CIRCUIT: &str = "circuit";
const OPEN: &str = "open";
const CLOSED: &str = "closed";

/// What this replica knows of all.
pub struct Replicas {
    store: Store,
    clock: Clock,
    keys: Arc<Keyring>,
    dispatcher: Arc<Dispatcher>,
    /// For how long an open circuit of another is believed.
    open_for: Duration,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// What the ledger had at the last look.
    ledger: BTreeMap<String, LatestFact>,
    /// The words that this replica told last.
    told: BTreeMap<String, String>,
}

impl Replicas {
    /// `circuit_pause` is `worker.circuit_pause`, the same for all.
    pub(super) fn new(
        store: &Store,
        clock: &Clock,
        keys: &Arc<Keyring>,
        dispatcher: &Arc<Dispatcher>,
        circuit_pause: Duration,
    ) -> Self {
        Self {
            store: store.clone(),
            clock: clock.clone(),
            keys: keys.clone(),
            dispatcher: dispatcher.clone(),
            open_for: OPEN_FOR.max(circuit_pause * 2 + EVERY),
            known: Mutex::default(),
        }
    }

    /// Hears and tells until `stop` is cancelled.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.round().await {
                tracing::debug!(%error, "the replicas could not be heard; it is tried again");
            }
            let _ = tokio::time::timeout(ROUND, stop.cancelled()).await;
        }
        if let Err(error) = self.exchange(Duration::ZERO).await {
            tracing::debug!(%error, "the last uses of the keys within a minute are not remembered");
        }
    }

    /// One look, and what is new since.
    ///
    /// # Errors
    /// The ledger is away.
    pub async fn round(&self) -> Result<(), StoreError> {
        self.exchange(EVERY).await
    }

    async fn exchange(&self, every: Duration) -> Result<(), StoreError> {
        let facts = self.store.latest_facts().await?;
        let uses = facts.iter().map(|fact| (fact.name.clone(), fact.at)).collect();
        let own = self.own();
        self.keys.hear_uses(&uses);
        let news = {
            let mut known = self.known();
            known.ledger = facts.into_iter().map(|fact| (fact.name.clone(), fact)).collect();
            own.into_iter().filter(|fact| known.is_news(fact, every)).collect::<Vec<_>>()
        };
        if news.is_empty() {
            return Ok(());
        }
        self.store.tell_latest(&news).await?;
        let mut known = self.known();
        for fact in news {
            known.told.insert(fact.name.clone(), fact.word.clone());
            known.ledger.insert(fact.name.clone(), fact);
        }
        Ok(())
    }

    /// Whether the circuit is open, by the newest call of any replica. Where another's is too old to be believed our own counts.
    pub(super) fn circuit_open(&self) -> bool {
        let own = !self.dispatcher.circuit_closed();
        let judged_at = self.dispatcher.circuit_judged_at();
        let known = self.known();
        let newer = known.ledger.get(CIRCUIT).filter(|fact| judged_at.is_none_or(|at| fact.at > at));
        let is_believed = |fact: &LatestFact| own || self.clock.now().since(fact.at) <= self.open_for;
        newer.map_or(own, |fact| fact.word == OPEN && is_believed(fact))
    }

    /// What this process knows by itself.
    fn own(&self) -> Vec<LatestFact> {
        let fact = |name: String, at: Millis, word: &str| LatestFact { name, at, word: word.to_owned() };
        let mut own: Vec<LatestFact> = self.keys.last_uses().into_iter().map(|(name, at)| fact(name, at, "")).collect();
        let word = if self.dispatcher.circuit_closed() { CLOSED } else { OPEN };
        own.extend(self.dispatcher.circuit_judged_at().map(|at| fact(CIRCUIT.to_owned(), at, word)));
        own
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Whether the others should hear of it: another word than the ledger has, or than this replica told last, or the same word
    /// so much later.
    fn is_news(&self, fact: &LatestFact, every: Duration) -> bool {
        let Some(before) = self.ledger.get(&fact.name) else { return true };
        let is_other = before.word != fact.word || self.told.get(&fact.name) != Some(&fact.word);
        fact.at > before.at && (is_other || fact.at.since(before.at) >= every)
    }
}
