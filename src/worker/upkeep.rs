//! What has to be done now and then: count what came, note who is found by what, end holding times, forget what is old.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, Millis},
    config::{DatabaseConfig, RetentionConfig},
    store::{Addressee, Pruned, Store, StoreError, Waits},
    telemetry::metrics,
};

/// How often the backlog is counted and holding times are ended.
const ROUND: Duration = Duration::from_secs(5);
/// Batches of retention in one round; a short breath lies between two.
const BATCHES: usize = 20;
/// Slices of events whose strangers are noted in one round, with the same breath between them.
const SLICES: usize = 40;
/// How long a replay that nobody starts is kept.
const DRAFTS: Duration = Duration::from_secs(7 * 86_400);
const BREATH: Duration = Duration::from_millis(50);
/// What was forgotten may stand in the database's log for so long.
const TRACES: Duration = Duration::from_secs(600);

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
    /// Who is told anything.
    pub told: Vec<Addressee>,
}

impl Upkeep {
    /// Goes on until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        // What an earlier process forgot may stand in the log as well.
        let (mut traces, mut emptied_at) = (true, Millis(0));
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(ROUND) => {}
            }
            match self.round(&stop).await {
                Ok(forgot) => traces |= forgot,
                Err(error) => tracing::warn!(%error, "upkeep of the ledger failed; it is tried again"),
            }
            let now = self.clock.steady();
            if traces && (emptied_at == Millis(0) || now.since(emptied_at) >= TRACES) {
                self.store.empty_log().await;
                (traces, emptied_at) = (false, now);
            }
        }
    }

    /// One round of everything; answers whether something was forgotten.
    pub async fn round(&self, stop: &CancellationToken) -> Result<bool, StoreError> {
        self.store.count_backlog(&self.database).await?;
        self.store.write_rollups().await?;
        while self.store.expire_held().await? > 0 && !stop.is_cancelled() {}
        while self.store.count_new_events().await? && !stop.is_cancelled() {}
        self.store.figures().await?;
        self.note_strangers(stop).await?;
        let forgot = self.forget(stop).await?;
        self.count_outbox().await?;
        Ok(forgot)
    }

    async fn note_strangers(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        for _ in 0..SLICES {
            if !self.store.note_strangers().await? || stop.is_cancelled() {
                break;
            }
            tokio::time::sleep(BREATH).await;
        }
        Ok(())
    }

    async fn count_outbox(&self) -> Result<(), StoreError> {
        for to in Addressee::ALL {
            // What nobody is there to deliver any more is nothing to be alarmed at.
            let is_told = self.told.contains(&to);
            let waits = if is_told { self.store.outbox_waits(to).await? } else { Waits::default() };
            let age = waits.oldest.map_or(Duration::ZERO, |oldest| self.clock.now().since(oldest));
            metrics::outbox(to.as_str(), waits.waiting, age, waits.dead);
        }
        Ok(())
    }

    async fn forget(&self, stop: &CancellationToken) -> Result<bool, StoreError> {
        let mut forgot = false;
        let now = self.clock.now();
        let event_before = now.minus(self.retention.succeeded);
        let payload_before = now.minus(self.retention.succeeded / 2);
        for _ in 0..BATCHES {
            let pruned = self.store.prune(payload_before, event_before).await?;
            let mut others = self.store.prune_audit(now.minus(self.retention.audit)).await?;
            others += self.store.prune_replays(now.minus(self.retention.audit), now.minus(DRAFTS)).await?;
            others += self.store.prune_outbox(now.minus(self.retention.outbox)).await?;
            for to in Addressee::ALL.into_iter().filter(|to| !self.told.contains(to)) {
                others += self.store.prune_untold(to, now.minus(self.retention.outbox)).await?;
            }
            if !self.retention.webhook_ids.is_zero() {
                others += self.store.prune_webhook_ids(now.minus(self.retention.webhook_ids)).await?;
            }
            if (pruned == Pruned::default() && others == 0) || stop.is_cancelled() {
                break;
            }
            forgot = true;
            tracing::info!(pruned.payloads, pruned.events, pruned.rejections, others, "what is old was forgotten");
            tokio::time::sleep(BREATH).await;
        }
        Ok(forgot)
    }
}
