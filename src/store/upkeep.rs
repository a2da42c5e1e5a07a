//! What keeps the ledger healthy: room at the door, and the end of holding times.

use std::sync::atomic::Ordering;

use super::{
    Store, StoreError,
    db::{Db, args},
    transitions::Move,
};
use crate::{config::DatabaseConfig, event::Transition, os, telemetry::metrics};

/// Events that one transaction of the upkeep touches, so that the door is never held up for long.
const BATCH: i64 = 500;

impl Store {
    /// Whether the door may accept, by the last count.
    pub(super) fn check_room(&self) -> Result<(), StoreError> {
        if self.is_full() {
            return Err(StoreError::Full(
                "the backlog or the disk is full: database.max_backlog, database.min_free_disk".into(),
            ));
        }
        Ok(())
    }

    /// Whether the door is closed for want of room, by the last count.
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Counts the waiting events and the free disk space anew, and opens or closes the door by the limits. Answers
    /// how many events wait.
    pub async fn count_backlog(&self, config: &DatabaseConfig) -> Result<i64, StoreError> {
        let sql = "select count(*) as count from events where finished_at is null";
        let waiting = self.db.read(sql, args![]).await?.first().map_or(Ok(0), |row| row.int("count"))?;
        let full = u64::try_from(waiting).unwrap_or(0) >= config.max_backlog;
        let free_disk = self.free_disk().inspect(|free| metrics::free_disk(*free));
        let full = full || free_disk.is_some_and(|free| free < config.min_free_disk);
        self.full.store(full, Ordering::Relaxed);
        self.backlog.store(waiting, Ordering::Relaxed);
        Ok(waiting)
    }

    /// Bytes free on the disk that holds a SQLite ledger; `None` for PostgreSQL, whose disk is its server's affair.
    pub fn free_disk(&self) -> Option<u64> {
        let Db::Sqlite { writer, .. } = &self.db else { return None };
        let file = writer.connect_options().get_filename().to_path_buf();
        os::free_disk(&file)
    }

    /// Gives up messages whose holding time is over, with a trace; answers how many.
    pub async fn expire_held(&self) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let expiry = Move {
            happened: Transition::Expired,
            at: now,
            set: "error_code = 'hold_expired', next_attempt_at = null,
                error = '等待客户进入 ERP 超时 (the contact was not linked in time)'",
            which: "seq in (select seq from events where status = 'held' and next_attempt_at <= $1
                order by next_attempt_at limit $2)",
            args: args![now, BATCH],
            returning: "",
        };
        let expired = expiry.run(&mut tx).await?;
        self.commit(tx).await?;
        Ok(expired.len() as u64)
    }
}
