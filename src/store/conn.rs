//! A line to PostgreSQL that keeps nobody waiting for ever, and the limit that every call of the ledger has.
//!
//! sqlx sets no limit to a statement, nor to handing a connection back; a line that is silent without closing would hold
//! up both, and with them the pool.

use std::time::Duration;

use sqlx::{
    PgConnection, Postgres,
    pool::PoolConnection,
    postgres::{PgArguments, PgPool, PgRow},
    query::Query,
};
use tokio::{
    runtime::Handle,
    time::{Instant, timeout, timeout_at},
};

use super::StoreError;

/// How long a transaction, or a read outside of one, may take from its beginning to its end.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(10);
/// How long a connection may take to be handed back before it is closed instead.
const RETURN_LIMIT: Duration = Duration::from_secs(3);

type Statement = Query<'static, Postgres, PgArguments>;

/// Waits for a call until a moment. Whether a write that was given up is done, or still will be, nobody knows.
pub(super) async fn in_time<T>(until: Instant, call: impl Future<Output = T>) -> Result<T, StoreError> {
    let late = |_| StoreError::Unavailable("the database did not answer in time".to_owned());
    timeout_at(until, call).await.map_err(late)
}

/// A connection of the pool. Dropped in the middle of a call it is closed: the answer to a question that nobody
/// remembers, or a transaction that nobody knows of, must not meet its next user, whose writes would be acknowledged and
/// never committed.
pub(super) struct Conn {
    /// There until it is dropped.
    connection: Option<PoolConnection<Postgres>>,
    in_call: bool,
    in_transaction: bool,
}

impl Conn {
    /// Takes a connection out of the pool.
    pub(super) async fn take(pool: &PgPool, until: Instant) -> Result<Self, StoreError> {
        let connection = in_time(until, pool.acquire()).await??;
        Ok(Self { connection: Some(connection), in_call: false, in_transaction: false })
    }

    /// Begins a transaction, which is rolled back unless [`Conn::commit`] is called.
    pub(super) async fn begin(&mut self, until: Instant) -> Result<(), StoreError> {
        self.control(until, "begin").await?;
        self.in_transaction = true;
        Ok(())
    }

    /// Commits the transaction; where none was begun every statement has committed itself.
    pub(super) async fn commit(mut self, until: Instant) -> Result<(), StoreError> {
        if !self.in_transaction {
            return Ok(());
        }
        self.control(until, "commit").await?;
        self.in_transaction = false;
        Ok(())
    }

    async fn control(&mut self, until: Instant, statement: &'static str) -> Result<(), StoreError> {
        self.in_call = true;
        let done = in_time(until, sqlx::raw_sql(statement).execute(held(&mut self.connection)?)).await?;
        self.in_call = false;
        done?;
        Ok(())
    }

    /// Runs a statement; answers how many rows it changed.
    pub(super) async fn execute(&mut self, until: Instant, statement: Statement) -> Result<u64, StoreError> {
        self.in_call = true;
        let done = in_time(until, statement.execute(held(&mut self.connection)?)).await?;
        self.in_call = false;
        Ok(done?.rows_affected())
    }

    /// Runs a statement; answers its rows.
    pub(super) async fn fetch_all(&mut self, until: Instant, statement: Statement) -> Result<Vec<PgRow>, StoreError> {
        self.in_call = true;
        let done = in_time(until, statement.fetch_all(held(&mut self.connection)?)).await?;
        self.in_call = false;
        Ok(done?)
    }
}

fn held(connection: &mut Option<PoolConnection<Postgres>>) -> Result<&mut PgConnection, StoreError> {
    connection.as_deref_mut().ok_or_else(|| StoreError::Unavailable("the connection was given back".to_owned()))
}

impl Drop for Conn {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        // Unless it gets back in time.
        connection.close_on_drop();
        let (Ok(runtime), false) = (Handle::try_current(), self.in_call) else { return };
        let in_transaction = self.in_transaction;
        runtime.spawn(timeout(RETURN_LIMIT, async move {
            if in_transaction && sqlx::raw_sql("rollback").execute(&mut *connection).await.is_err() {
                return;
            }
            connection.return_to_pool().await;
        }));
    }
}
