//! The two databases: fresh ledgers on either, and what PostgreSQL's server costs.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{Outcome, postgres::Cluster};

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Database {
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
}

impl Database {
    pub(crate) const BOTH: [Self; 2] = [Self::Postgres, Self::Sqlite];

    /// What holds for this one.
    pub(crate) fn of<T>(self, postgres: T, sqlite: T) -> T {
        match self {
            Self::Postgres => postgres,
            Self::Sqlite => sqlite,
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.of("PostgreSQL", "SQLite"))
    }
}

/// A new, empty ledger; its file goes with the value.
#[derive(Debug)]
pub(crate) struct Fresh {
    pub(crate) url: String,
    _dir: Option<TempDir>,
}

/// Where ledgers come from.
pub(crate) struct Databases<'a> {
    cluster: &'a Cluster,
    /// Holds the process id of the server.
    pid_file: PathBuf,
}

impl<'a> Databases<'a> {
    /// `home` is where the cluster was made.
    pub(crate) fn new(cluster: &'a Cluster, home: &Path) -> Self {
        Self { cluster, pid_file: home.join("data/postmaster.pid") }
    }

    pub(crate) async fn fresh(&self, database: Database) -> Outcome<Fresh> {
        Ok(match database {
            Database::Postgres => Fresh { url: self.cluster.database().await, _dir: None },
            Database::Sqlite => {
                let dir = tempfile::tempdir()?;
                Fresh { url: format!("sqlite://{}/ledger.db", dir.path().display()), _dir: Some(dir) }
            }
        })
    }

    /// Processor time that PostgreSQL has used so far, all of its processes together, in seconds.
    pub(crate) fn server_seconds(&self) -> f64 {
        let pid = std::fs::read_to_string(&self.pid_file).unwrap_or_default();
        pid.lines().next().and_then(processor_seconds).unwrap_or_default()
    }
}

/// Processor time of a process and its children in seconds.
pub(crate) fn processor_seconds(pid: &str) -> Option<f64> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    // Those that have ended count for their parent.
    let living: f64 = children.split_whitespace().filter_map(|child| ticks(child, 2)).sum();
    Some((living + ticks(pid, 4)?) / 100.0)
}

/// The first of: user time, system time, the same two of children that have ended; summed up.
fn ticks(pid: &str, fields: usize) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    after_name.split_whitespace().skip(11).take(fields).map(|field| field.parse::<f64>().ok()).sum()
}
