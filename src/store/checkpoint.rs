//! Keeps SQLite's write-ahead log short. Its pages are copied on a connection of its own, so that no commit waits for that;
//! only the last few, and the log's beginning anew, need the writer to stand still, and they get its own connection for a
//! moment: one that waits for another's lock sleeps longer and longer, and is itself a reader that the log waits for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{Sqlite, SqliteConnection, SqlitePool, pool::PoolConnection};

use super::background::Background;

/// Pages in the log from which on they are copied into the file. Of a longer log the disk has more to take while the writer
/// stands still; in a shorter one a page that changes often is copied more often.
const PAGES: i64 = 4_000;
/// Times that pages are copied beside the writer before it has to stand still, and how few may be left for then.
const PASSES: usize = 4;
const REST: i64 = 500;
/// How long the log is tried to be emptied by who wants it, and the pause between two tries: whoever reads from it may have
/// ended then.
const TRIED_FOR: Duration = Duration::from_secs(1);
const BETWEEN_TRIES: Duration = Duration::from_millis(50);
/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How long the writer stands still for a reader of the log, in milliseconds, and how long it waits for others otherwise.
const PATIENCE: &str = "pragma busy_timeout = 2";
const PATIENCE_OTHERWISE: &str = "pragma busy_timeout = 5000";

/// Who copies, and who writes.
#[derive(Debug, Clone)]
pub(super) struct Checkpointer {
    copier: SqlitePool,
    writer: SqlitePool,
    /// Whether a try to cut the log off did not succeed: what was deleted may stand in it, and each look tries again.
    empties: Arc<AtomicBool>,
}

impl Checkpointer {
    /// `copier` is a connection that nobody else uses.
    pub(super) fn new(copier: SqlitePool, writer: SqlitePool) -> Self {
        Self { copier, writer, empties: Arc::default() }
    }

    /// Goes on until the copier's pool is closed.
    pub(super) fn start(&self, background: &Background) {
        let checkpointer = self.clone();
        background.spawn("the ledger's checkpointer", async move {
            let mut is_owed = false;
            while !checkpointer.copier.is_closed() {
                tokio::time::sleep(LOOK).await;
                match checkpointer.round(is_owed).await {
                    Ok(begins_anew) => is_owed = !begins_anew,
                    Err(sqlx::Error::PoolClosed) => {}
                    Err(error) => {
                        let error = super::StoreError::from(error);
                        tracing::warn!(%error, "the write-ahead log could not be copied into the ledger; it is tried again");
                    }
                }
            }
        });
    }

    /// Copies a long log, and one that could not begin anew the last time however short what waits is; false where it still
    /// cannot, as somebody reads from it: it would grow by as much again before the next look.
    async fn round(&self, is_owed: bool) -> Result<bool, sqlx::Error> {
        if self.empties.load(Ordering::Relaxed) {
            return self.cut_off().await;
        }
        if !is_owed && self.waiting().await? < PAGES {
            return Ok(true);
        }
        Ok(self.copy().await? && self.finish("pragma wal_checkpoint(restart)").await?)
    }

    /// Copies the whole log into the file and cuts it off, so that nothing of what was deleted stands in it any more. Where that
    /// does not succeed within a moment, as somebody reads from it or another program writes, each look tries it again.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn empty(&self) -> Result<(), sqlx::Error> {
        let begun = Instant::now();
        while begun.elapsed() < TRIED_FOR {
            if self.cut_off().await? {
                return Ok(());
            }
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
        tracing::debug!("the write-ahead log is in use and could not be emptied yet");
        Ok(())
    }

    /// One try; where it does not succeed, another one is owed. What was owed is so no more from its beginning, not from its
    /// end: what is deleted while this goes on may owe one of its own.
    async fn cut_off(&self) -> Result<bool, sqlx::Error> {
        self.empties.store(false, Ordering::Relaxed);
        let is_done = match self.copy().await {
            Ok(true) => self.finish("pragma wal_checkpoint(truncate)").await,
            copied => copied,
        };
        if !matches!(is_done, Ok(true)) {
            self.empties.store(true, Ordering::Relaxed);
        }
        is_done
    }

    /// Copies nearly everything while the writer goes on; answers whether little enough is left for it to stand still. A
    /// reader keeps what is newer than itself from being copied.
    async fn copy(&self) -> Result<bool, sqlx::Error> {
        let mut left = i64::MAX;
        for _ in 0..PASSES {
            let Some(mut copier) = free(&self.copier).await? else { return Ok(false) };
            checkpoint(&mut copier, "pragma wal_checkpoint(passive)").await?;
            drop(copier);
            let before = std::mem::replace(&mut left, self.waiting().await?);
            if left < REST || left >= before {
                break;
            }
        }
        Ok(left < PAGES)
    }

    /// Copies the little that came meanwhile, while the writer stands still; answers whether the log can begin anew.
    async fn finish(&self, pragma: &'static str) -> Result<bool, sqlx::Error> {
        let Some(writer) = free(&self.writer).await? else { return Ok(false) };
        // To its end, also where whoever asked for it waits no more.
        tokio::spawn(finish_on(writer, pragma)).await.map_err(|_| sqlx::Error::WorkerCrashed)?
    }

    /// How many pages of the log are not in the file yet, if nobody else is just copying them.
    async fn waiting(&self) -> Result<i64, sqlx::Error> {
        let Some(mut copier) = free(&self.copier).await? else { return Ok(i64::MAX) };
        let (_busy, in_log, copied) = checkpoint(&mut copier, "pragma wal_checkpoint(noop)").await?;
        Ok(in_log - copied)
    }

    /// Closes the copier's connection: the copying ends.
    pub(super) async fn close(&self) {
        self.copier.close().await;
    }
}

/// A pool's connection, unless whoever has it keeps it for long: another program writes, or a long transaction goes on.
async fn free(pool: &SqlitePool) -> Result<Option<PoolConnection<Sqlite>>, sqlx::Error> {
    match pool.acquire().await {
        Err(sqlx::Error::PoolTimedOut) => Ok(None),
        connection => connection.map(Some),
    }
}

/// The writer is given back as patient as it was; if it cannot be, it is closed, and another one opened.
async fn finish_on(mut writer: PoolConnection<Sqlite>, pragma: &'static str) -> Result<bool, sqlx::Error> {
    sqlx::query(PATIENCE).execute(&mut *writer).await?;
    let finished = checkpoint(&mut writer, pragma).await;
    if let Err(error) = sqlx::query(PATIENCE_OTHERWISE).execute(&mut *writer).await {
        drop(writer.close().await);
        return Err(error);
    }
    finished.map(|(busy, ..)| busy == 0)
}

async fn checkpoint(connection: &mut SqliteConnection, pragma: &'static str) -> Result<(i64, i64, i64), sqlx::Error> {
    sqlx::query_as(pragma).fetch_one(connection).await
}
