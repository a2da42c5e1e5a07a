//! A copy of a SQLite ledger, made while it is in use.

use std::{fs, io, path::Path};

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{Store, StoreError, db::Db, private_files};

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
}

async fn forget_session(copy: &Path) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(copy).pragma("secure_delete", "on");
    let mut connection = SqliteConnection::connect_with(&options).await?;
    sqlx::raw_sql("delete from erp_sessions; delete from console_sessions").execute(&mut connection).await?;
    connection.close().await
}
