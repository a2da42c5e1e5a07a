//! Whether the ledger can be written: known before anybody asks, so that asking costs nothing.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout};

use super::{Store, StoreError, accept, background::Background, db::Db};

/// How often it is tried.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a try may take.
const PROBE_LIMIT: Duration = Duration::from_secs(3);
/// A proof that is older is none.
const PROOF_AGE: Duration = Duration::from_secs(5);

/// When it was last proved that the ledger can be written; `None` after a try that failed.
#[derive(Debug)]
pub(super) struct Health(Mutex<Option<Instant>>);

impl Health {
    /// Of a ledger that was just opened, tried again until nobody holds it any more.
    pub(super) fn watch(db: Db, accepting: &accept::Sender, background: &Background) -> Arc<Self> {
        let health = Arc::new(Self(Mutex::new(Some(Instant::now()))));
        let (known, writer) = (Arc::downgrade(&health), accepting.downgrade());
        background.spawn("the look at the ledger's health", async move {
            loop {
                sleep(PAUSE).await;
                let (Some(health), Some(writer)) = (known.upgrade(), writer.upgrade()) else { return };
                let proved = matches!(timeout(PROBE_LIMIT, prove(&db, &writer)).await, Ok(Ok(())));
                *health.0.lock().unwrap_or_else(PoisonError::into_inner) = proved.then(Instant::now);
            }
        });
        health
    }
}

impl Store {
    /// Whether the ledger could be written a few seconds ago; asks nobody.
    pub fn is_healthy(&self) -> bool {
        let proved_at = *self.health.0.lock().unwrap_or_else(PoisonError::into_inner);
        !self.db.is_closed() && proved_at.is_some_and(|at| at.elapsed() <= PROOF_AGE)
    }

    /// Proof that the ledger can be written now.
    pub async fn ping(&self) -> Result<(), StoreError> {
        prove(&self.db, &self.accepting).await
    }
}

async fn prove(db: &Db, accepting: &accept::Sender) -> Result<(), StoreError> {
    if accepting.is_closed() {
        return Err(StoreError::Unavailable("the writer has stopped".into()));
    }
    let mut tx = db.begin_at_door(false).await?;
    tx.prove_writable().await
}
