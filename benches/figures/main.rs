//! `make bench`: every figure of `docs/performance.md`, measured on loopback against real processes, with its table.
//!
//! The contestants of one figure run in turn (A B C A B C); a figure is the median of the rounds, with the lowest and the
//! highest, and where it is a comparison, a ratio within one round. `cargo bench --bench figures -- --help` lists what can be
//! chosen.

mod accept;
mod base;
mod bridge;
mod claims;
mod databases;
mod dispatch;
mod flat;
mod ledgers;
mod load;
mod machine;
mod marks;
mod pages;
mod peers;
mod plots;
#[path = "../../tests/it/support/postgres.rs"]
#[expect(dead_code, unreachable_pub, reason = "the tests also share a cluster, which a benchmark does not")]
mod postgres;
mod report;
mod requests;
mod series;
mod start;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, ValueEnum};

use databases::{Database, Databases};

/// The bridge's own, so that BASE stands on the same ground.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Anything that goes wrong ends the run with a sentence.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A group of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    /// Accepts against BASE, and how long an accept takes at given rates; about eight minutes.
    Accept,
    /// Claim and settle at a small, a middle and a large backlog; about three minutes, most of them to fill ledgers, which
    /// `start` and `pages` need too.
    Claims,
    /// How fast a backlog drains, how soon the ERP hears of an event, and how often it is called; about
    /// six minutes.
    Dispatch,
    /// Memory and start, with an empty, a small, a middle and a large ledger; three minutes beside the filling.
    Start,
    /// The console's pages on the large ledger, which has aged; a minute beside the filling.
    Pages,
    /// Whether p99 and memory stay as they are at half of the highest rate: each database has --seconds, told in tenths; only if
    /// it is named, and alone it writes its own table.
    Flat,
    /// This build's door and those given with --against, in turn; only if it is named.
    Compare,
    /// What a user would take instead, in turn with this bridge, as far as scripts/peers.sh could install it; about five
    /// minutes; only if it is named, and alone it writes its own table.
    Peers,
}

/// Measures, prints the table and writes it into docs/performance.md.
#[derive(Debug, Clone, Parser)]
struct Options {
    /// Which figures; all of them if none is named. A partial run is printed and not written.
    groups: Vec<Group>,
    /// How often every contestant runs.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long one measurement lasts, in seconds.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Connections of the load at the door.
    #[arg(long, value_delimiter = ',', default_values_t = [64, 256])]
    connections: Vec<usize>,
    /// Events of the large ledger.
    #[arg(long, default_value_t = 1_000_000)]
    large: usize,
    /// Programs of other builds, for `compare`; ratios are to the first.
    #[arg(long)]
    against: Vec<PathBuf>,
    /// One of the two databases alone, for `compare` and `flat`.
    #[arg(long)]
    database: Option<Database>,
    /// Requests a second, for `compare` (as fast as it goes without) and for `flat` (half of that without).
    #[arg(long)]
    pace: Option<f64>,
    /// Draw the plots into this folder, also in a partial run; a whole one draws into docs/plots.
    #[arg(long)]
    plots: Option<PathBuf>,
    /// Print only.
    #[arg(long)]
    dry: bool,
    /// Given by `cargo bench`; means nothing here.
    #[arg(long, hide = true)]
    bench: bool,
    /// Serve BASE instead of measuring: this program starts itself with it.
    #[arg(long, hide = true)]
    base: bool,
}

impl Options {
    fn span(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn wants(&self, group: Group) -> bool {
        let only_if_named = [Group::Compare, Group::Peers, Group::Flat].contains(&group);
        (self.groups.is_empty() && !only_if_named) || self.groups.contains(&group)
    }

    /// The command whose table this run writes, if it is not a partial one.
    fn writes(&self) -> Option<&'static str> {
        match self.groups.as_slice() {
            _ if self.dry => None,
            [] => Some("make bench"),
            [Group::Peers] => Some("make bench-peers"),
            [Group::Flat] => Some("make bench-flat"),
            _ => None,
        }
    }

    /// Where plots go, if any are drawn.
    fn plots(&self) -> Option<PathBuf> {
        let whole = || (self.groups.is_empty() && !self.dry).then(|| "docs/plots".into());
        self.plots.clone().or_else(whole)
    }

    fn databases(&self) -> impl Iterator<Item = Database> {
        Database::BOTH.into_iter().filter(|database| self.database.is_none_or(|only| only == *database))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let ended = if options.base { base::serve().await } else { measure(&options).await };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> Outcome<()> {
    let home = tempfile::tempdir()?;
    let owned = postgres::Cluster::own(home.path());
    let databases = Databases::new(&owned.0, home.path());
    let facts = machine::facts(home.path())?;
    println!("{facts}");
    let mut report = report::Report::new(options, options.writes().unwrap_or("cargo bench --bench figures"), facts);
    if options.wants(Group::Peers) {
        peers::measure(options, &databases, &mut report).await?;
    }
    if options.wants(Group::Flat) {
        flat::measure(options, &databases, &mut report).await?;
    }
    if options.wants(Group::Compare) {
        accept::compare(options, &databases, &mut report).await?;
    }
    if options.wants(Group::Accept) {
        accept::measure(options, &databases, &mut report).await?;
    }
    if options.wants(Group::Dispatch) {
        dispatch::measure(options, &databases, &mut report).await?;
    }
    if [Group::Claims, Group::Start, Group::Pages].into_iter().any(|group| options.wants(group)) {
        let ledgers = ledgers::fill(options, &databases).await?;
        if options.wants(Group::Claims) {
            claims::measure(options, &ledgers, &mut report).await?;
        }
        if options.wants(Group::Start) {
            start::measure(options, &databases, &ledgers, &mut report).await?;
        }
        if options.wants(Group::Pages) {
            pages::measure(options, &ledgers, &mut report).await?;
        }
    }
    println!("\n{}", report.table());
    if options.writes().is_some() { report.write() } else { Ok(()) }
}
