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
use crate::{
    config::{DatabaseConfig, DatabaseOptions},
    os,
};

/// The right to work on a ledger; given back when it is released or dropped, and by the system when the process dies.
#[derive(Debug, Default)]
pub struct InstanceLock(Mutex<Option<File>>);

impl InstanceLock {
    /// Makes this process the one that works on the ledger, before it is opened. PostgreSQL is shared by replicas: there
    /// it changes nothing.
    pub fn take(config: &DatabaseConfig) -> Result<Self, OpenError> {
        match config.url.options() {
            DatabaseOptions::Sqlite(options) => Ok(Self(Mutex::new(Some(lock(options.get_filename())?)))),
            DatabaseOptions::Postgres(_) => Ok(Self::default()),
        }
    }

    /// Whether the ledger is this process's alone; one on PostgreSQL never is.
    pub fn is_held(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Lets another process have the ledger.
    pub fn release(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Store {
    /// Frees what an earlier process had claimed, turns and the ERP's login; for the ledger's owner. Answers how many turns
    /// were freed. PostgreSQL's replicas are each other's neighbours: there what a dead one had claimed waits for the end of
    /// its lease.
    pub async fn free_turns(&self) -> Result<u64, StoreError> {
        if !matches!(self.db, Db::Sqlite { .. }) {
            return Ok(0);
        }
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        // The dead process may have sent a started step's call until now; its late effect is waited for from here on.
        let started = "update steps set started_at = $1 where state = 'started' and event_id in
            (select events.id from turns join events on events.seq = turns.head_seq where turns.token is not null)";
        tx.execute(started, args![now]).await?;
        // Who may be what ended it waits ever longer, from a second to a minute: others come on meanwhile, and a burst of
        // ends that has another cause is over before its count is full.
        let free = "update turns set token = null, due_at = $1 + case when cut_short < 2 then 0
                when cut_short > 7 then 60000 else 1000 << (cut_short - 2) end
            where token is not null";
        let freed = tx.execute(free, args![now]).await?;
        tx.execute("update erp_sessions set login_until = 0", args![]).await?;
        tx.commit().await?;
        Ok(freed)
    }
}

fn lock(ledger: &Path) -> Result<File, OpenError> {
    let mut path = PathBuf::from(ledger).into_os_string();
    path.push(".lock");
    let file = os::owner_only(OpenOptions::new().create(true).truncate(false).write(true)).open(&path);
    let file = file.map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(ledger.display().to_string())),
        Err(TryLockError::Error(error)) => Err(StoreError::Unavailable(format!("{}: {error}", path.display())).into()),
    }
}
