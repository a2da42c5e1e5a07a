//! What keeps the ledger healthy: room at the door, the end of holding times, retention, backup.

use std::{path::Path, sync::atomic::Ordering};

use super::{
    Store, StoreError,
    db::{Db, args},
};
use crate::{clock::Millis, config::DatabaseConfig};

/// Events that one transaction of the upkeep touches, so that the door is never held up for long.
const BATCH: i64 = 500;

/// What one round of retention took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Events that lost their payload, steps and calls.
    pub payloads: u64,
    /// Events that vanished.
    pub events: u64,
}

/// `backlog` of a [`Store`] while the door is closed: the limit was reached when it was last counted.
const DOOR_CLOSED: i64 = i64::MAX / 2;

impl Store {
    /// Whether the door may accept, by the last count.
    pub(super) fn check_room(&self) -> Result<(), StoreError> {
        if self.backlog.load(Ordering::Relaxed) >= DOOR_CLOSED {
            return Err(StoreError::Full("the backlog or the disk is full; see readyz".into()));
        }
        Ok(())
    }

    /// Counts the waiting events and the free disk space anew, and opens or closes the door by the limits. Answers
    /// how many events wait.
    pub async fn count_backlog(&self, config: &DatabaseConfig) -> Result<i64, StoreError> {
        let sql = "select (select count(*) from events where status in ('queued', 'running', 'needs_review'))
                        + (select count(*) from events where status = 'held') as count";
        let waiting = self.db.read(sql, args![]).await?.first().map_or(Ok(0), |row| row.int("count"))?;
        let full = u64::try_from(waiting).unwrap_or(0) >= config.max_backlog;
        let full = full || self.free_disk().is_some_and(|free| free < config.min_free_disk);
        self.backlog.store(if full { DOOR_CLOSED } else { waiting }, Ordering::Relaxed);
        Ok(waiting)
    }

    /// Bytes free on the disk that holds a SQLite ledger; `None` for PostgreSQL, whose disk is its server's affair.
    fn free_disk(&self) -> Option<u64> {
        let Db::Sqlite { writer, .. } = &self.db else { return None };
        let file = writer.connect_options().get_filename().to_path_buf();
        let disk = rustix::fs::statvfs(&file).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Proof that the ledger can be written now.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        self.db.dialect().prove_writable(&mut tx).await
    }

    /// Bytes that the ledger takes on its disk.
    pub async fn size(&self) -> Result<i64, StoreError> {
        self.db.read(self.db.dialect().size(), args![]).await?.first().map_or(Ok(0), |row| row.int("bytes"))
    }

    /// Gives up messages whose holding time is over, with a trace; answers how many.
    pub async fn expire_held(&self) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let expired = tx
            .execute(
                "update events set status = 'discarded', error_code = 'hold_expired', next_attempt_at = null,
                   error = '等待客户进入 ERP 超时 (the contact was not linked in time)', updated_at = $1, finished_at = $1
                 where status = 'held' and seq in
                   (select seq from events where status = 'held' and next_attempt_at <= $1 order by next_attempt_at limit $2)",
                args![now, BATCH],
            )
            .await?;
        tx.commit().await?;
        Ok(expired)
    }

    /// One small batch of retention: events that ended well before `payload_before` lose payload, steps and calls;
    /// those that ended before `event_before` vanish. What is open, dead or in review is never touched.
    pub async fn prune(&self, payload_before: Millis, event_before: Millis) -> Result<Pruned, StoreError> {
        let ended = "status in ('succeeded', 'ignored', 'not_admitted', 'discarded')";
        let old = format!("select id from events where finished_at < $1 and {ended} order by finished_at limit $2");
        let stale =
            format!("select id from events where finished_at < $1 and payload is not null and {ended} limit $2");
        let mut tx = self.db.begin().await?;
        for (which, before) in [(&stale, payload_before), (&old, event_before)] {
            for table in ["calls", "steps"] {
                tx.execute(format!("delete from {table} where event_id in ({which})"), args![before, BATCH]).await?;
            }
        }
        let payloads =
            format!("update events set payload = null, admission = null, review = null where id in ({stale})");
        let payloads = tx.execute(payloads, args![payload_before, BATCH]).await?;
        let events = tx.execute(format!("delete from events where id in ({old})"), args![event_before, BATCH]).await?;
        tx.commit().await?;
        Ok(Pruned { payloads, events })
    }

    /// Copies a SQLite ledger into a new file while it is in use.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let Db::Sqlite { reader, .. } = &self.db else {
            return Err(StoreError::Unavailable(
                "back PostgreSQL up with pg_dump; this command copies SQLite files".into(),
            ));
        };
        if to.exists() {
            return Err(StoreError::Unavailable(format!("{} exists already; name a new file", to.display())));
        }
        sqlx::query("vacuum into $1").bind(to.to_string_lossy().into_owned()).execute(reader).await?;
        Ok(())
    }
}
