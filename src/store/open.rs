//! Opening the ledger: connections, their safety settings, migrations.

use std::time::Duration;

use sqlx::{
    Connection as _, PgConnection,
    migrate::MigrateError,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::timeout;

use super::{
    OpenError, background::Background, backup, checkpoint::Checkpointer, conn::CALL_LIMIT, db::Db, migrations,
    private_files,
};
use crate::{
    clock::Millis,
    config::{DatabaseConfig, DatabaseOptions},
};

/// The server's side of [`super::conn::CALL_LIMIT`]: it gives up a little earlier than who waits for it, and lets the
/// locks go of whoever was cut off, or stopped, in the middle of a transaction.
const LIMITS: [(&str, &str); 6] = [
    ("lock_timeout", "5s"),
    ("statement_timeout", "8s"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("tcp_keepalives_idle", "30"),
    ("tcp_keepalives_interval", "10"),
    ("tcp_keepalives_count", "3"),
];
/// A connection that was used so recently is not asked whether it lives.
const TRUSTED: Duration = Duration::from_secs(1);
/// How long an idle connection may take to show that it lives before another one is opened.
const IDLE_TEST: Duration = Duration::from_secs(1);
/// How long the whole migration may take, and waiting for another replica's.
const MIGRATION_LIMIT: Duration = Duration::from_secs(3_600);
/// KiB, behind a minus, of pages that a reading connection of SQLite keeps for itself. It forgets them at the next commit of
/// anybody, and the system's own cache has them all.
const READER_CACHE: &str = "-512";

/// Statements that a connection keeps prepared: more than the program has, with the sizes that lists come in.
const STATEMENTS: usize = 256;
/// How long a request may wait for a connection before it is told that the store is unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// Connections of a PostgreSQL pool that are the door's alone: one commits while the other is handed back.
const DOOR_CONNECTIONS: u32 = 2;
/// SQLSTATE protocol_violation: PgBouncer's "unsupported startup parameter".
const PROTOCOL_VIOLATION: &str = "08P01";
/// The first SQLite without the WAL-reset corruption bug.
const OLDEST_SQLITE: &str = "3.51.3";

/// Connects by the URL's scheme; the answer says in words which mode is active.
pub(super) async fn connect(config: &DatabaseConfig, background: &Background) -> Result<(Db, String), OpenError> {
    match config.url.options() {
        DatabaseOptions::Sqlite(options) => connect_sqlite(options, config.max_connections, background).await,
        DatabaseOptions::Postgres(options) => connect_postgres(options, config.max_connections).await,
    }
}

async fn connect_sqlite(
    options: &SqliteConnectOptions,
    readers: u32,
    background: &Background,
) -> Result<(Db, String), OpenError> {
    let base = options.clone().busy_timeout(Duration::from_secs(5)).statement_cache_capacity(STATEMENTS);
    let options = base
        .clone()
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .pragma("wal_autocheckpoint", "0")
        .pragma("temp_store", "memory")
        // What is deleted is overwritten: the file is read by more than this program.
        .pragma("secure_delete", "on");
    private_files::own_ledger(options.get_filename());
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        // When the disk is full SQLite ends the transaction itself; the rollback behind it then fails, and sqlx goes on
        // counting a transaction that is none and lets no other begin: such a connection is closed. Where a rollback may
        // still be on its way, a ping comes behind it.
        .test_before_acquire(false)
        .after_release(|connection, _| {
            Box::pin(async move {
                if connection.is_in_transaction() {
                    connection.ping().await?;
                }
                Ok(!connection.is_in_transaction())
            })
        })
        .connect_with(options.clone())
        .await?;
    let (version, journal, synchronous): (String, String, i64) = sqlx::query_as(
        "select sqlite_version(), journal_mode, synchronous from pragma_journal_mode(), pragma_synchronous()",
    )
    .fetch_one(&writer)
    .await?;
    let old = version_number(&version) < version_number(OLDEST_SQLITE);
    if old || journal != "wal" || synchronous != 2 {
        return Err(OpenError::Unsafe(format!(
            "SQLite {version}, journal_mode {journal}, synchronous {synchronous}; needed: {OLDEST_SQLITE} or newer, wal, 2 \
             (does the file lie on a network or in-memory file system?)"
        )));
    }
    let reader = SqlitePoolOptions::new()
        .max_connections(readers.max(1))
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(base.read_only(true).pragma("cache_size", READER_CACHE))
        .await?;
    let copier =
        SqlitePoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT).connect_with(options).await?;
    let checkpointer = Checkpointer::new(copier, writer.clone());
    checkpointer.start(background);
    Ok((Db::Sqlite { writer, reader, checkpointer }, format!("SQLite {version}, journal_mode=wal, synchronous=FULL")))
}

async fn connect_postgres(options: &PgConnectOptions, connections: u32) -> Result<(Db, String), OpenError> {
    let options =
        options.clone().application_name("erp-bridge").options([("synchronous_commit", "on")]).options(LIMITS);
    let options = options.statement_cache_capacity(STATEMENTS);
    // At least one for each.
    let others = connections.saturating_sub(DOOR_CONNECTIONS).max(1);
    let address = format!("{}:{}", options.get_host(), options.get_port());
    let failed = |error| connect_error(error, &address);
    let door = postgres_pool(options.clone(), DOOR_CONNECTIONS.min(connections.max(2) - 1)).await.map_err(failed)?;
    let db = Db::Postgres { door, pool: postgres_pool(options, others).await.map_err(failed)? };
    let sql = "select current_setting('server_version') as version, current_setting('fsync') as fsync,
        current_setting('server_encoding') as encoding, current_setting('lock_timeout') as lock_timeout";
    let rows = db.read(sql, Vec::new()).await?;
    let setting = |name| rows.first().map_or(Ok(String::new()), |row| row.text(name));
    let (version, fsync, encoding) = (setting("version")?, setting("fsync")?, setting("encoding")?);
    if !LIMITS.contains(&("lock_timeout", setting("lock_timeout")?.as_str())) {
        return Err(OpenError::Pooler);
    }
    if encoding != "UTF8" {
        return Err(OpenError::Encoding(encoding));
    }
    if fsync != "on" {
        return Err(OpenError::Unsafe(format!("PostgreSQL {version} runs with fsync={fsync}; needed: on")));
    }
    Ok((db, format!("PostgreSQL {version}, fsync=on, synchronous_commit=on")))
}

/// PgBouncer refuses whoever sends settings with a connection, by the code of a protocol violation.
fn connect_error(error: sqlx::Error, address: &str) -> OpenError {
    match error.as_database_error().and_then(|database| database.code()) {
        Some(code) if code == PROTOCOL_VIOLATION => OpenError::Pooler,
        // Nobody else has a connection of a pool that is new.
        None if matches!(error, sqlx::Error::PoolTimedOut) => {
            OpenError::NoAnswer { address: address.to_owned(), seconds: ACQUIRE_TIMEOUT.as_secs() }
        }
        _ => error.into(),
    }
}

async fn postgres_pool(options: PgConnectOptions, connections: u32) -> Result<PgPool, sqlx::Error> {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // Instead of sqlx's own test, which a line that is silent without closing would keep waiting.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                let rested = meta.idle_for >= TRUSTED;
                Ok(!rested || matches!(timeout(IDLE_TEST, connection.ping()).await, Ok(Ok(()))))
            })
        })
        .connect_with(options)
        .await
}

/// Brings the schema up to date, under a lock where several replicas start at once; a SQLite ledger with something in it is
/// copied first. With `migrate` off it only checks.
pub(super) async fn migrate(db: &Db, migrate: bool, now: Millis) -> Result<(), OpenError> {
    let found = schema(db).await;
    let expected = migrations::newest();
    if !migrate {
        return match found {
            Some(version) if version == expected => Ok(()),
            Some(version) if version > expected => Err(OpenError::Newer(version)),
            _ => Err(OpenError::Behind { found: found.unwrap_or_default(), expected }),
        };
    }
    if let Some(schema) = found.filter(|version| *version < expected) {
        backup::before_migration(db, schema, now).await?;
    }
    let outcome = match db {
        Db::Sqlite { writer, .. } => migrations::SQLITE.run(writer).await,
        Db::Postgres { pool, .. } => migrate_postgres(pool).await,
    };
    outcome.map_err(|error| match error {
        MigrateError::VersionMissing(version) => OpenError::Newer(version),
        MigrateError::VersionMismatch(version) => OpenError::Altered(version),
        other => OpenError::Migration(other.to_string()),
    })
}

/// On a connection of its own: filling a new index, or waiting until another replica has, may take longer than any call.
async fn migrate_postgres(pool: &PgPool) -> Result<(), MigrateError> {
    let options = PgConnectOptions::clone(&pool.connect_options());
    let options = options.options([("lock_timeout", "0"), ("statement_timeout", "0")]);
    let run = async move {
        let login = timeout(CALL_LIMIT, PgConnection::connect_with(&options)).await;
        let mut connection = login.map_err(|_| sqlx::Error::PoolTimedOut)??;
        migrations::POSTGRES.run(&mut connection).await?;
        // What is done stays done, whether or not the server hears that we go.
        let _ = timeout(CALL_LIMIT, connection.close()).await;
        Ok(())
    };
    timeout(MIGRATION_LIMIT, run).await.unwrap_or_else(|_| Err(MigrateError::Execute(sqlx::Error::PoolTimedOut)))
}

/// The version of the schema that the database has; `None` for none.
async fn schema(db: &Db) -> Option<i64> {
    let rows = db.read("select max(version) as version from _sqlx_migrations where success", Vec::new()).await;
    rows.ok()?.first()?.opt_int("version").ok()?
}

/// `3.51.3` as a number that compares: 3_051_003.
fn version_number(version: &str) -> u64 {
    version.split('.').take(3).fold(0, |number, part| number * 1_000 + part.parse::<u64>().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(version_number("3.46.1") < version_number(OLDEST_SQLITE));
        assert!(version_number("3.51.2") < version_number(OLDEST_SQLITE));
        assert!(version_number("3.51.10") > version_number(OLDEST_SQLITE));
        assert!(version_number("4.0.0") > version_number(OLDEST_SQLITE));
    }
}
