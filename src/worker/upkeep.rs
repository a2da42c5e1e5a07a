//! What has to be done now and then: count what came, end holding times, forget what is old.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config::{DatabaseConfig, RetentionConfig},
    store::{Pruned, Store, StoreError},
};

/// How often the backlog is counted and holding times are ended.
const ROUND: Duration = Duration::from_secs(5);
/// Batches of retention in one round; a short breath lies between two.
const BATCHES: usize = 20;
const BREATH: Duration = Duration::from_millis(50);

/// The upkeep of one process; several replicas do not hinder each other.
pub struct Upkeep {
    /// The ledger.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// `[database]`
    pub database: DatabaseConfig,
    /// `[retention]`
    pub retention: RetentionConfig,
}

impl Upkeep {
    /// Goes on until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(ROUND) => {}
            }
            if let Err(error) = self.round(&stop).await {
                tracing::warn!(%error, "upkeep of the ledger failed; it is tried again");
            }
        }
    }

    /// One round of everything.
    pub async fn round(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        self.store.count_backlog(&self.database).await?;
        while self.store.expire_held().await? > 0 && !stop.is_cancelled() {}
        while self.store.count_new_events().await? && !stop.is_cancelled() {}
        self.store.figures().await?;
        self.forget(stop).await
    }

    async fn forget(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        let now = self.clock.now();
        let event_before = now.minus(self.retention.succeeded);
        let payload_before = now.minus(self.retention.succeeded / 2);
        for _ in 0..BATCHES {
            let pruned = self.store.prune(payload_before, event_before).await?;
            let mut others = self.store.prune_audit(now.minus(self.retention.audit)).await?;
            if !self.retention.webhook_ids.is_zero() {
                others += self.store.prune_webhook_ids(now.minus(self.retention.webhook_ids)).await?;
            }
            if (pruned == Pruned::default() && others == 0) || stop.is_cancelled() {
                break;
            }
            tracing::info!(pruned.payloads, pruned.events, pruned.rejections, others, "what is old was forgotten");
            tokio::time::sleep(BREATH).await;
        }
        Ok(())
    }
}
