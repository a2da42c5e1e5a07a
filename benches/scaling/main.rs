//! What the worker's side costs and what several processes give: claim and settle, drains of a backlog by one, two and three
//! replicas, and a simulation that is held against them (`docs/scaling.md`).
//!
//! `cargo bench --bench scaling -- claims drains` measures on loopback against real processes; `-- --help` lists the rest.

mod bridge;
mod claims;
mod drains;
#[path = "../../tests/it/support/postgres.rs"]
#[expect(dead_code, unreachable_pub, reason = "the tests also share a cluster, which a benchmark does not")]
mod postgres;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};

/// Anything that goes wrong ends the run with a sentence.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Claim and settle 32 events.
    Claims,
    /// New people, then messages, until the backlog is empty.
    Drains,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Database {
    Sqlite,
    Postgres,
}

/// Measures the worker's side and prints what it finds, a line each.
#[derive(Debug, Clone, Parser)]
struct Options {
    /// Which parts; all of them if none is named.
    parts: Vec<Part>,
    /// Which databases; both if none is named.
    #[arg(long)]
    database: Vec<Database>,
    /// How often each is measured, in turn.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// New people of a drain; each writes as many messages as `--messages` says.
    #[arg(long, default_value_t = 1_500)]
    people: usize,
    #[arg(long, default_value_t = 4)]
    messages: usize,
    /// Events that wait while 32 are claimed.
    #[arg(long, default_value_t = 10_000)]
    backlog: usize,
    /// Milliseconds that the ERP takes for an answer.
    #[arg(long, default_value_t = 5)]
    latency: u64,
    /// `erp.max_in_flight` of each bridge.
    #[arg(long, default_value_t = 16)]
    in_flight: usize,
    /// Bridges on one PostgreSQL, each number in turn.
    #[arg(long, value_delimiter = ',', default_value = "1")]
    replicas: Vec<usize>,
    /// Other builds of the bridge to compare with, in turn with this one.
    #[arg(long)]
    against: Vec<PathBuf>,
    /// Given by `cargo bench`; means nothing here.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }

    fn databases(&self) -> Vec<Database> {
        if self.database.is_empty() { vec![Database::Sqlite, Database::Postgres] } else { self.database.clone() }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scaling: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> Outcome<()> {
    let home = tempfile::tempdir()?;
    let owned = postgres::Cluster::own(home.path());
    if options.wants(Part::Claims) {
        claims::measure(options, &owned.0).await?;
    }
    if options.wants(Part::Drains) {
        drains::measure(options, &owned.0).await?;
    }
    Ok(())
}

impl Database {
    /// The address of a new, empty one; it lies in `dir`, or in the cluster.
    async fn fresh(self, dir: &std::path::Path, cluster: &postgres::Cluster) -> String {
        match self {
            Self::Sqlite => format!("sqlite://{}/{}.db", dir.display(), uuid::Uuid::new_v4().simple()),
            Self::Postgres => cluster.database().await,
        }
    }
}

/// The middle of what was measured, with the lowest and the highest.
fn median(values: &[f64]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.as_slice() {
        [] => "nothing".to_owned(),
        [low, .., high] => format!("{:.1} ({low:.1}–{high:.1})", sorted[sorted.len() / 2]),
        [one] => format!("{one:.1}"),
    }
}
