//! One process works on a SQLite ledger at a time. Whoever has it knows that nobody else does, so what a killed process
//! left claimed is free at once, without waiting for its lease.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use super::{
    OpenError, Store, StoreError,
    db::{Db, args},
};

/// The right to work on a ledger; given back when it is released or dropped, and by the system when the process dies.
#[derive(Debug, Default)]
pub struct Ownership(Mutex<Option<File>>);

impl Ownership {
    /// Lets another process have the ledger.
    pub fn release(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Store {
    /// Makes this process the one that works on the ledger. PostgreSQL is shared by replicas: there it changes nothing.
    pub async fn take_over(&self) -> Result<Ownership, OpenError> {
        let Db::Sqlite { writer, .. } = &self.db else { return Ok(Ownership::default()) };
        let lock = lock(writer.connect_options().get_filename())?;
        let freed = self.free_turns().await?;
        if freed > 0 {
            tracing::info!(turns = freed, "turns that an earlier process had claimed are free again");
        }
        Ok(Ownership(Mutex::new(Some(lock))))
    }

    async fn free_turns(&self) -> Result<u64, StoreError> {
        let mut tx = self.db.begin().await?;
        let sql = "update turns set due_at = $1, token = null where token is not null";
        let freed = tx.execute(sql, args![self.clock.now()]).await?;
        tx.commit().await?;
        Ok(freed)
    }
}

fn lock(ledger: &Path) -> Result<File, OpenError> {
    let mut path = PathBuf::from(ledger).into_os_string();
    path.push(".lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(ledger.display().to_string())),
        Err(TryLockError::Error(error)) => Err(StoreError::Unavailable(format!("{}: {error}", path.display())).into()),
    }
}
