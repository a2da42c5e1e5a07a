//! Keeps SQLite's write-ahead log short on a connection of its own, so that no commit waits while its pages are copied.

use std::time::Duration;

use sqlx::SqlitePool;

/// Pages in the log from which on they are copied into the file. In a longer log a page that changes often is copied
/// less often; after a crash all of it is read at the start.
const PAGES: i64 = 16_000;
/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How long the writer may be kept waiting, and readers be waited for, when the log begins anew.
pub(super) const PATIENCE: Duration = Duration::from_millis(50);

/// Goes on until the connection's pool is closed.
pub(super) fn start(connection: SqlitePool) {
    tokio::spawn(async move {
        while !connection.is_closed() {
            tokio::time::sleep(LOOK).await;
            match round(&connection).await {
                Ok(()) | Err(sqlx::Error::PoolClosed) => {}
                Err(error) => {
                    let error = super::StoreError::from(error);
                    tracing::warn!(%error, "the write-ahead log could not be copied into the ledger; it is tried again");
                }
            }
        }
    });
}

async fn round(connection: &SqlitePool) -> Result<(), sqlx::Error> {
    if waiting(connection, "pragma wal_checkpoint(noop)").await? < PAGES {
        return Ok(());
    }
    // Nearly everything is copied while the writer goes on; only for the little that came meanwhile it has to wait, and
    // not at all while a long read holds the log.
    waiting(connection, "pragma wal_checkpoint(passive)").await?;
    waiting(connection, "pragma wal_checkpoint(restart)").await?;
    Ok(())
}

/// Checkpoints; answers how many pages of the log are still not in the file.
async fn waiting(connection: &SqlitePool, pragma: &'static str) -> Result<i64, sqlx::Error> {
    let (_busy, in_log, copied): (i64, i64, i64) = sqlx::query_as(pragma).fetch_one(connection).await?;
    Ok(in_log - copied)
}
