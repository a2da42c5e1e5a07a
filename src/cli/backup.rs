//! `erp-bridge backup`

use std::path::PathBuf;

use clap::Args;

use super::{ConfigFile, Outcome};
use crate::{clock::Clock, store::Store};

/// Copies a SQLite ledger into a new file; restoring is copying it back while the bridge stands still.
#[derive(Debug, Args)]
pub(super) struct Backup {
    #[command(flatten)]
    file: ConfigFile,
    /// The new file
    #[arg(value_name = "OUT")]
    out: PathBuf,
}

impl Backup {
    pub(super) async fn run(self) -> Outcome {
        let database = self.file.place().load_database()?;
        let store = Store::open(&database, Clock::system(), false).await?;
        store.backup(&self.out).await?;
        println!("已备份到 {} (backed up)", self.out.display());
        Ok(true)
    }
}
