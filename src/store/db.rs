//! The one thin layer over sqlx: the same SQL and the same arguments go to SQLite or to PostgreSQL.
//!
//! `$1` numbers arguments on both, times and flags are `bigint`, ids and JSON are `text`; the few statements that must
//! differ stand in [`super::dialect`].

use std::collections::BTreeSet;

use sqlx::{
    AssertSqlSafe, Postgres, Sqlite, SqlitePool, Transaction,
    error::DatabaseError,
    postgres::{PgArguments, PgDatabaseError, PgPool},
    query::Query,
    sqlite::SqliteArguments,
};

use tokio::time::Instant;

use super::{
    StoreError,
    announcements::{Change, Linked},
    checkpoint::Checkpointer,
    conn::{CALL_LIMIT, Conn, in_time},
    dialect::Dialect,
    tally::Tally,
};

pub(super) use super::values::{Arg, Row, args};

/// Seeds of the advisory locks' numbers: what is locked by name.
const CONTACTS: i64 = 7;
const LANES: i64 = 8;

/// The database: one writing connection, a pool of reading ones and one that checkpoints (SQLite), or a pool that is the
/// door's alone and one for everything else (PostgreSQL): however many ask, what comes in is committed.
#[derive(Debug, Clone)]
pub(super) enum Db {
    Sqlite { writer: SqlitePool, reader: SqlitePool, checkpointer: Checkpointer },
    Postgres { door: PgPool, pool: PgPool },
}

impl Db {
    /// The statements that differ.
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite { .. } => Dialect::Sqlite,
            Self::Postgres { .. } => Dialect::Postgres,
        }
    }

    /// Begins a transaction that will write; it has [`CALL_LIMIT`] from now on. On SQLite it takes the write lock at once,
    /// so that it cannot fail half-way.
    pub(super) async fn begin(&self) -> Result<Tx, StoreError> {
        match self {
            Self::Sqlite { writer, .. } => begin_sqlite(writer).await,
            Self::Postgres { pool, .. } => begin_postgres(pool).await,
        }
    }

    /// The same on a connection that nobody but the door uses. Where only one statement will write, PostgreSQL commits it by
    /// itself: that spares two round trips.
    pub(super) async fn begin_at_door(&self, is_one_statement: bool) -> Result<Tx, StoreError> {
        match self {
            Self::Sqlite { writer, .. } => begin_sqlite(writer).await,
            Self::Postgres { door, .. } if is_one_statement => {
                let until = Instant::now() + CALL_LIMIT;
                let conn = Conn::take(door, until).await?;
                Ok(Tx::new(Begun::Postgres(conn), until))
            }
            Self::Postgres { door, .. } => begin_postgres(door).await,
        }
    }

    /// Rows of a statement that only reads, outside any transaction, within [`CALL_LIMIT`].
    pub(super) async fn read(&self, sql: impl Into<String>, args: Vec<Arg>) -> Result<Vec<Row>, StoreError> {
        let until = Instant::now() + CALL_LIMIT;
        let sql = sql.into();
        tracing::trace!(sql = sql.as_str(), "the ledger is asked");
        Ok(match self {
            Self::Sqlite { reader, .. } => {
                let rows = in_time(until, sqlite(sql, args).fetch_all(reader)).await??;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres { pool, .. } => {
                let rows = Conn::take(pool, until).await?.fetch_all(until, postgres(sql, args)).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Every pool by its name: how many connections it has open, and how many of them are at rest.
    pub(super) fn pools(&self) -> Vec<(&'static str, u32, usize)> {
        match self {
            Self::Sqlite { writer, reader, .. } => {
                vec![("writer", writer.size(), writer.num_idle()), ("reader", reader.size(), reader.num_idle())]
            }
            Self::Postgres { door, pool } => {
                vec![("door", door.size(), door.num_idle()), ("others", pool.size(), pool.num_idle())]
            }
        }
    }

    /// Whether [`Db::close`] was called.
    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::Sqlite { writer, .. } => writer.is_closed(),
            Self::Postgres { door, .. } => door.is_closed(),
        }
    }

    /// Closes all connections after the statements under way.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, reader, checkpointer } => {
                reader.close().await;
                // Whatever the last reader kept in the log.
                drop(checkpointer.empty().await);
                checkpointer.close().await;
                writer.close().await;
            }
            // A server that is away need not be told.
            Self::Postgres { door, pool } => {
                let closed = async { (door.close().await, pool.close().await) };
                drop(in_time(Instant::now() + CALL_LIMIT, closed).await);
            }
        }
    }
}

async fn begin_sqlite(writer: &SqlitePool) -> Result<Tx, StoreError> {
    let until = Instant::now() + CALL_LIMIT;
    let transaction = in_time(until, writer.begin_with("begin immediate")).await??;
    Ok(Tx::new(Begun::Sqlite(transaction), until))
}

async fn begin_postgres(pool: &PgPool) -> Result<Tx, StoreError> {
    let until = Instant::now() + CALL_LIMIT;
    let mut conn = Conn::take(pool, until).await?;
    conn.begin(until).await?;
    Ok(Tx::new(Begun::Postgres(conn), until))
}

/// A transaction; rolled back unless [`Tx::commit`] is called.
pub(super) struct Tx {
    begun: Begun,
    /// Until when it must have ended.
    until: Instant,
    /// Events that it moved; [`super::transitions::commit`] tells of them.
    pub(super) moved: Vec<Change>,
    /// Those among them that are new, by type and state, as the metrics call them; the same counts them.
    pub(super) received: Vec<(&'static str, &'static str)>,
    /// Contacts that it linked; the same tells of them.
    pub(super) linked: Vec<Linked>,
    /// What is counted of it, once it is committed.
    pub(super) tally: Tally,
}

enum Begun {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Conn),
}

impl Tx {
    fn new(begun: Begun, until: Instant) -> Self {
        Self { begun, until, moved: Vec::new(), received: Vec::new(), linked: Vec::new(), tally: Tally::default() }
    }

    /// PostgreSQL's line, for statements that only it takes, and until when they may run.
    pub(super) fn postgres(&mut self) -> Option<(&mut Conn, Instant)> {
        match &mut self.begun {
            Begun::Sqlite(_) => None,
            Begun::Postgres(conn) => Some((conn, self.until)),
        }
    }

    /// Runs a statement; answers how many rows it changed.
    pub(super) async fn execute(&mut self, sql: impl Into<String>, args: Vec<Arg>) -> Result<u64, StoreError> {
        let (sql, until) = (sql.into(), self.until);
        match &mut self.begun {
            Begun::Sqlite(tx) => Ok(in_time(until, sqlite(sql, args).execute(&mut **tx)).await??.rows_affected()),
            Begun::Postgres(conn) => conn.execute(until, postgres(sql, args)).await,
        }
    }

    /// Runs a statement; answers its rows.
    pub(super) async fn fetch(&mut self, sql: impl Into<String>, args: Vec<Arg>) -> Result<Vec<Row>, StoreError> {
        let (sql, until) = (sql.into(), self.until);
        tracing::trace!(sql = sql.as_str(), "the ledger is asked");
        Ok(match &mut self.begun {
            Begun::Sqlite(tx) => {
                let rows = in_time(until, sqlite(sql, args).fetch_all(&mut **tx)).await??;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Begun::Postgres(conn) => {
                let rows = conn.fetch_all(until, postgres(sql, args)).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Runs a statement; answers its first row, if any.
    pub(super) async fn fetch_first(
        &mut self,
        sql: impl Into<String>,
        args: Vec<Arg>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch(sql, args).await?.into_iter().next())
    }

    /// Whoever changes a contact's turn, link or held events holds this lock until its transaction ends; `contacts`
    /// must be sorted, so that two transactions never wait for each other. SQLite's single writer is its own lock.
    pub(super) async fn lock_contacts(&mut self, contacts: &[&str]) -> Result<(), StoreError> {
        self.lock(contacts, CONTACTS).await
    }

    /// The same of those whose lock nobody holds, and nobody is waited for; answers which they are.
    pub(super) async fn try_lock_contacts(&mut self, contacts: &[&str]) -> Result<BTreeSet<String>, StoreError> {
        let names: Vec<String> = contacts.iter().map(ToString::to_string).collect();
        let Some((conn, until)) = self.postgres() else { return Ok(names.into_iter().collect()) };
        debug_assert!(names.is_sorted());
        let locks = "select name from unnest($1::text[]) as names (name)
            where pg_try_advisory_xact_lock(hashtextextended(name, $2))";
        let rows = conn.fetch_all(until, sqlx::query(locks).bind(names).bind(CONTACTS)).await?;
        rows.into_iter().map(|row| Row::Postgres(row).text("name")).collect()
    }

    /// Whoever changes a lane of the outbox holds this lock until its transaction ends; taken after all others.
    pub(super) async fn lock_lanes(&mut self, lanes: &[&str]) -> Result<(), StoreError> {
        self.lock(lanes, LANES).await
    }

    async fn lock(&mut self, names: &[&str], seed: i64) -> Result<(), StoreError> {
        let Some((conn, until)) = self.postgres() else { return Ok(()) };
        debug_assert!(names.is_sorted());
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let locks =
            "select count(pg_advisory_xact_lock(hashtextextended(name, $2))) from unnest($1::text[]) as names (name)";
        conn.execute(until, sqlx::query(locks).bind(names).bind(seed)).await.map(drop)
    }

    /// Takes the write lock of the whole ledger and lets it go again: proof that it can be written now.
    pub(super) async fn prove_writable(&mut self) -> Result<(), StoreError> {
        if self.postgres().is_some() {
            let row =
                self.fetch_first("select case when pg_is_in_recovery() then 1 else 0 end::bigint as standby", args![]);
            if row.await?.is_some_and(|row| row.int("standby").unwrap_or(1) == 1) {
                return Err(StoreError::Unavailable("the server is a standby and takes no writes".into()));
            }
        }
        Ok(())
    }

    /// Makes it durable: on return it is on the disk. After an error it may be there or not, and only looking tells: a
    /// sender is told to send again, and finds a duplicate; a run is left to its lease, and looks its steps up.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        debug_assert!(
            self.moved.is_empty() && self.linked.is_empty(),
            "what was moved is committed by transitions::commit, which tells of it"
        );
        match self.begun {
            Begun::Sqlite(tx) => Ok(in_time(self.until, tx.commit()).await??),
            Begun::Postgres(conn) => conn.commit(self.until).await,
        }
    }
}

// Every statement text is put together in this room from constants and placeholders; values travel as arguments only.
fn sqlite(sql: String, args: Vec<Arg>) -> Query<'static, Sqlite, SqliteArguments> {
    args.into_iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, arg| match arg {
        Arg::Text(text) => query.bind(text),
        Arg::Int(number) => query.bind(number),
    })
}

fn postgres(sql: String, args: Vec<Arg>) -> Query<'static, Postgres, PgArguments> {
    args.into_iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, arg| match arg.storable() {
        Arg::Text(text) => query.bind(text),
        Arg::Int(number) => query.bind(number),
    })
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        // The text of a database error can quote a row's values; its code and kind cannot.
        Self::Unavailable(match &error {
            sqlx::Error::Database(database) if is_about_data(&**database) => {
                return Self::Data(database.code().unwrap_or_default().into_owned());
            }
            sqlx::Error::Database(database) => match database.code() {
                Some(code) => format!("the database answered code {code}"),
                None => "the database refused the statement".to_owned(),
            },
            sqlx::Error::PoolTimedOut => "no connection became free in time".to_owned(),
            sqlx::Error::Io(error) => format!("the connection failed: {}", error.kind()),
            sqlx::Error::ColumnNotFound(column) => format!("column {column} is missing"),
            sqlx::Error::ColumnDecode { index, .. } => format!("column {index} has an unexpected type"),
            _ => "the database connection failed".to_owned(),
        })
    }
}

/// Whether the database found fault with the values, not with itself: PostgreSQL's classes 22 (data exception) and 23
/// (integrity constraint), SQLite's `TOOBIG`, `CONSTRAINT` and `MISMATCH` with all their kinds.
fn is_about_data(error: &dyn DatabaseError) -> bool {
    if let Some(postgres) = error.try_downcast_ref::<PgDatabaseError>() {
        return ["22", "23"].iter().any(|class| postgres.code().starts_with(class));
    }
    let code = error.code().and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| [18, 19, 20].contains(&(code & 0xff)))
}
