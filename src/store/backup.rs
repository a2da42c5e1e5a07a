//! A copy of a SQLite ledger, made while it is in use.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Instant,
};

use sqlx::{
    Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqlitePool},
};

use super::{OpenError, Store, StoreError, db::Db, private_files};
use crate::clock::{Millis, erp_zone};

/// Tables of sessions, and how each is emptied; a ledger that waits for its migration may lack some.
const SESSIONS: [(&str, &str); 2] =
    [("erp_sessions", "delete from erp_sessions"), ("console_sessions", "delete from console_sessions")];

impl Store {
    /// Copies a SQLite ledger into a new file, for its owner only. The copy holds no session of the ERP or of the
    /// console and no state of the ERP's login: whoever restores it logs in anew.
    ///
    /// # Errors
    /// If the file is there already or cannot be written; nothing of it is left then.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let Db::Sqlite { reader, .. } = &self.db else {
            return Err(StoreError::Unavailable(
                "back PostgreSQL up with pg_dump; this command copies SQLite files".into(),
            ));
        };
        copy(reader, to).await
    }
}

async fn copy(reader: &SqlitePool, to: &Path) -> Result<(), StoreError> {
    private_files::create(to).map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::AlreadyExists => "exists already; name a new file".to_owned(),
            _ => error.to_string(),
        };
        StoreError::Unavailable(format!("{}: {why}", to.display()))
    })?;
    let copied = async {
        sqlx::query("vacuum into $1").bind(to.to_string_lossy().into_owned()).execute(reader).await?;
        forget_session(to).await
    };
    copied.await.map_err(|error| {
        // Half a copy is none.
        let _ = fs::remove_file(to);
        error.into()
    })
}

/// Copies a SQLite ledger whose schema is older than this program, beside it: `erp-bridge.db.schema-12.20261123-150405`, the
/// time in the ERP's zone. An earlier program takes the copy as it is.
///
/// # Errors
/// [`OpenError::Backup`]: the ledger was not changed then.
pub(super) async fn before_migration(db: &Db, schema: i64, now: Millis) -> Result<(), OpenError> {
    // PostgreSQL's migrations are one transaction each, and its backups its administrator's.
    let Db::Sqlite { reader, .. } = db else { return Ok(()) };
    let when = now.timestamp().to_zoned_datetime(erp_zone()).strftime("%Y%m%d-%H%M%S").to_string();
    let mut to = reader.connect_options().get_filename().as_os_str().to_owned();
    to.push(format!(".schema-{schema}.{when}"));
    let to = PathBuf::from(to);
    let begun = Instant::now();
    copy(reader, &to).await.map_err(|error| OpenError::Backup(error.to_string()))?;
    let seconds = begun.elapsed().as_secs();
    tracing::info!(file = %to.display(), seconds, "升级前已备份账本 (the ledger was copied before its schema is brought up to date)");
    Ok(())
}

async fn forget_session(copy: &Path) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(copy).pragma("secure_delete", "on");
    let mut connection = SqliteConnection::connect_with(&options).await?;
    for (table, empty) in SESSIONS {
        let there = sqlx::query("select 1 from sqlite_schema where type = 'table' and name = $1").bind(table);
        if there.fetch_optional(&mut connection).await?.is_some() {
            sqlx::raw_sql(empty).execute(&mut connection).await?;
        }
    }
    connection.close().await
}
