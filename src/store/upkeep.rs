//! What keeps the ledger healthy: room at the door, the end of holding times, retention, backup.

use std::{path::Path, sync::atomic::Ordering};

use super::{
    Store, StoreError,
    db::{Arg, Db, args},
    dialect::list,
    transitions::Move,
};
use crate::{clock::Millis, config::DatabaseConfig, event::Transition};

/// Events that one transaction of the upkeep touches, so that the door is never held up for long.
const BATCH: i64 = 500;
/// Events that one transaction of retention touches.
const CHUNK: usize = 100;
/// What retention may touch.
const ENDED: &str = "finished_at is not null and status in ('succeeded', 'ignored', 'not_admitted', 'discarded')";

/// What one round of retention took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Events that lost their payload, steps and calls.
    pub payloads: u64,
    /// Events that vanished.
    pub events: u64,
    /// Refused requests that vanished.
    pub rejections: u64,
}

impl Store {
    /// Whether the door may accept, by the last count.
    pub(super) fn check_room(&self) -> Result<(), StoreError> {
        if self.full.load(Ordering::Relaxed) {
            return Err(StoreError::Full("the backlog or the disk is full; see readyz".into()));
        }
        Ok(())
    }

    /// Counts the waiting events and the free disk space anew, and opens or closes the door by the limits. Answers
    /// how many events wait.
    pub async fn count_backlog(&self, config: &DatabaseConfig) -> Result<i64, StoreError> {
        let sql = "select count(*) as count from events where finished_at is null";
        let waiting = self.db.read(sql, args![]).await?.first().map_or(Ok(0), |row| row.int("count"))?;
        let full = u64::try_from(waiting).unwrap_or(0) >= config.max_backlog;
        let full = full || self.free_disk().is_some_and(|free| free < config.min_free_disk);
        self.full.store(full, Ordering::Relaxed);
        self.backlog.store(waiting, Ordering::Relaxed);
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
        if self.accepting.is_closed() {
            return Err(StoreError::Unavailable("the writer has stopped".into()));
        }
        let mut tx = self.db.begin().await?;
        tx.prove_writable().await
    }

    /// Bytes that the ledger takes on its disk.
    pub async fn size(&self) -> Result<i64, StoreError> {
        self.db.read(self.db.dialect().size(), args![]).await?.first().map_or(Ok(0), |row| row.int("bytes"))
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

    /// One small batch of retention: events that ended before `payload_before` lose payload, steps and calls; those
    /// that ended before `event_before` vanish, and so do requests that were refused before it. What is open, dead or in
    /// review is never touched.
    pub async fn prune(&self, payload_before: Millis, event_before: Millis) -> Result<Pruned, StoreError> {
        let stale = "finished_at < $1 and payload is not null";
        let strip = "update events set payload = null, admission = null, review = null, error = null";
        let payloads = self.forget(stale, payload_before, strip).await?;
        let events = self.forget("finished_at < $1", event_before, "delete from events").await?;
        Ok(Pruned { payloads, events, rejections: self.forget_rejections(event_before).await? })
    }

    async fn forget_rejections(&self, before: Millis) -> Result<u64, StoreError> {
        // Their numbers rise with their times, so that the oldest are looked at and no others.
        let sql = "delete from rejections where seq in (select seq from
            (select seq, received_at from rejections order by seq limit $2) as oldest where received_at < $1)";
        let mut tx = self.db.begin().await?;
        let forgotten = tx.execute(sql, args![before, BATCH]).await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    /// Takes a batch of ended events their steps and calls and does `change` to them; answers to how many.
    async fn forget(&self, when: &str, before: Millis, change: &str) -> Result<u64, StoreError> {
        let ended = format!("{when} and {ENDED}");
        let oldest = format!("select id from events where {ended} order by finished_at limit $2");
        let rows = self.db.read(oldest, args![before, BATCH]).await?;
        let ids = rows.iter().map(|row| row.text("id")).collect::<Result<Vec<_>, _>>()?;
        let mut changed = 0;
        for ids in ids.chunks(CHUNK) {
            let mut tx = self.db.begin().await?;
            // An operator may have put one of them back into its turn meanwhile.
            let lock = self.db.dialect().for_update();
            let still =
                format!("select id from events where {ended} and id in ({}) order by id{lock}", list(2, ids.len()));
            let rows = tx.fetch(still, [args![before], texts(ids)].concat()).await?;
            let ids = rows.iter().map(|row| row.text("id")).collect::<Result<Vec<_>, _>>()?;
            if ids.is_empty() {
                continue;
            }
            let these = format!("({})", list(1, ids.len()));
            for table in ["calls", "steps"] {
                tx.execute(format!("delete from {table} where event_id in {these}"), texts(&ids)).await?;
            }
            changed += tx.execute(format!("{change} where id in {these}"), texts(&ids)).await?;
            tx.commit().await?;
        }
        Ok(changed)
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

fn texts(ids: &[String]) -> Vec<Arg> {
    ids.iter().map(|id| Arg::from(id.as_str())).collect()
}
