//! Keeps SQLite's write-ahead log short on a connection of its own, so that no commit waits while its pages are copied.

use std::time::Duration;

use sqlx::SqlitePool;

use super::background::Background;

/// Pages in the log from which on they are copied into the file. In a longer log a page that changes often is copied
/// less often; after a crash all of it is read at the start.
const PAGES: i64 = 16_000;
/// Times that pages are copied beside the writer before it has to wait, and how few may be left for then.
const PASSES: usize = 4;
const REST: i64 = 500;
/// Times that the log is tried to be emptied, each with [`PATIENCE`].
const TRIES: usize = 20;
/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How long the writer may be kept waiting, and readers be waited for, when the log begins anew.
pub(super) const PATIENCE: Duration = Duration::from_millis(50);

/// Goes on until the connection's pool is closed.
pub(super) fn start(connection: SqlitePool, background: &Background) {
    background.spawn("the ledger's checkpointer", async move {
        let mut is_owed = false;
        while !connection.is_closed() {
            tokio::time::sleep(LOOK).await;
            match round(&connection, is_owed).await {
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
/// cannot, as somebody reads or writes for longer than [`PATIENCE`]: it would grow by as much again before the next look.
async fn round(connection: &SqlitePool, is_owed: bool) -> Result<bool, sqlx::Error> {
    if !is_owed && waiting(connection).await? < PAGES {
        return Ok(true);
    }
    // Nearly everything is copied while the writer goes on; only for the little that came meanwhile it has to wait, and
    // not at all while a long read holds the log.
    for _ in 0..PASSES {
        checkpoint(connection, "pragma wal_checkpoint(passive)").await?;
        if waiting(connection).await? < REST {
            break;
        }
    }
    let (busy, ..) = checkpoint(connection, "pragma wal_checkpoint(restart)").await?;
    Ok(busy == 0)
}

/// Copies the whole log into the file and cuts it off, so that nothing of what was deleted stands in it any more.
///
/// # Errors
/// The database's; a read that goes on is none: the log stays then, and begins anew later.
pub(super) async fn empty(connection: &SqlitePool) -> Result<(), sqlx::Error> {
    for _ in 0..TRIES {
        let (busy, ..) = checkpoint(connection, "pragma wal_checkpoint(truncate)").await?;
        if busy == 0 {
            return Ok(());
        }
    }
    tracing::debug!("the write-ahead log is read and could not be emptied yet");
    Ok(())
}

/// How many pages of the log are not in the file yet.
async fn waiting(connection: &SqlitePool) -> Result<i64, sqlx::Error> {
    let (_busy, in_log, copied) = checkpoint(connection, "pragma wal_checkpoint(noop)").await?;
    Ok(in_log - copied)
}

async fn checkpoint(connection: &SqlitePool, pragma: &'static str) -> Result<(i64, i64, i64), sqlx::Error> {
    sqlx::query_as(pragma).fetch_one(connection).await
}
