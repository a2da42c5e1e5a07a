//! What the worker's side costs and what several processes give: claims and ends of runs, drains of a backlog by one, two
//! and three replicas, and a simulation that is held against them.
//!
//! `cargo bench --bench scaling` measures on loopback against real processes; `-- --help` lists what can be chosen.

mod bridge;
mod costs;
mod drains;
#[path = "../figures/machine.rs"]
mod machine;
#[path = "../figures/marks.rs"]
mod marks;
mod page;
#[path = "../figures/plots.rs"]
mod plots;
#[path = "../../tests/it/support/postgres.rs"]
#[expect(dead_code, unreachable_pub, reason = "the tests also share a cluster, which a benchmark does not")]
mod postgres;
#[path = "../figures/series.rs"]
#[expect(dead_code, reason = "no ratios are made here")]
mod series;
mod simulation;

use std::{fmt, path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};
use erp_bridge::app::EVENTS_PER_CALL;

use self::{
    drains::{Rates, Setting},
    page::{Drained, Page},
    simulation::{Costs, Model, Op},
};

/// What `--write` drains: each latency with each `max_in_flight`, and more replicas with the first of these at two latencies.
const LATENCIES: [u64; 3] = [5, 50, 500];
const IN_FLIGHT: [usize; 3] = [16, 4, 1];
const REPLICAS: [usize; 2] = [2, 3];
const OF_REPLICAS: [u64; 2] = [5, 50];
/// Replicas on machines of their own, of which there is only the simulation's word.
const APART: [usize; 5] = [1, 2, 4, 8, 16];
/// Cores of the machine that is simulated, and events of a simulated drain.
const CORES: usize = 2;
const SIMULATED: usize = 20_000;

/// Anything that goes wrong ends the run with a sentence.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Claims and ends of runs.
    Costs,
    /// New people, then messages, until the backlog is empty.
    Drains,
    /// Both, and what the simulation makes of them.
    Simulation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Database {
    Sqlite,
    Postgres,
}

/// Measures the worker's side and prints what it finds, a line each.
#[derive(Debug, Clone, Parser)]
struct Options {
    /// Which part.
    #[arg(default_value = "simulation")]
    part: Part,
    /// Which databases; both if none is named.
    #[arg(long)]
    database: Vec<Database>,
    /// How often each is measured, in turn.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// New people of a drain, fewer where the ERP is slow; each writes as many messages as `--messages` says.
    #[arg(long, default_value_t = 1_500)]
    people: usize,
    #[arg(long, default_value_t = 4)]
    messages: usize,
    /// Events that wait while 32 are claimed.
    #[arg(long, default_value_t = 10_000)]
    backlog: usize,
    /// Milliseconds that the ERP takes for an answer, each in turn.
    #[arg(long, value_delimiter = ',', default_value = "5")]
    latency: Vec<u64>,
    /// `erp.max_in_flight` of each bridge, each in turn.
    #[arg(long, value_delimiter = ',', default_value = "16")]
    in_flight: Vec<usize>,
    /// Bridges on one PostgreSQL, each number in turn.
    #[arg(long, value_delimiter = ',', default_value = "1")]
    replicas: Vec<usize>,
    /// Measure what docs/scaling.md shows, whatever else is chosen, and write its table and plots: about fifteen minutes, seven
    /// with `--rounds 1`.
    #[arg(long)]
    write: bool,
    /// Other builds of the bridge to compare with, in turn with this one.
    #[arg(long)]
    against: Vec<PathBuf>,
    /// Given by `cargo bench`; means nothing here.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// Everything that is to be drained; several bridges need PostgreSQL.
    fn settings(&self, database: Database) -> Vec<Setting> {
        let every = |replicas: usize, latencies: &[u64], in_flight: &[usize]| {
            let setting = |latency, in_flight| Setting { replicas, latency, in_flight };
            let pairs = latencies.iter().flat_map(|latency| in_flight.iter().map(|each| setting(*latency, *each)));
            pairs.collect::<Vec<_>>()
        };
        let mut settings = Vec::new();
        if self.write {
            settings.extend(every(1, &LATENCIES, &IN_FLIGHT));
        }
        let (replicas, latencies, in_flight) = if self.write {
            (&REPLICAS[..], &OF_REPLICAS[..], &IN_FLIGHT[..1])
        } else {
            (&self.replicas[..], &self.latency[..], &self.in_flight[..])
        };
        for &replicas in replicas.iter().filter(|replicas| **replicas == 1 || database == Database::Postgres) {
            settings.extend(every(replicas, latencies, in_flight));
        }
        settings
    }

    fn databases(&self) -> Vec<Database> {
        if self.write || self.database.is_empty() {
            vec![Database::Sqlite, Database::Postgres]
        } else {
            self.database.clone()
        }
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
    if options.write && options.part != Part::Simulation {
        return Err("what is written is all of it: leave the part out".into());
    }
    let home = tempfile::tempdir()?;
    let owned = postgres::Cluster::own(home.path());
    let mut page = Page::new(machine::facts(home.path())?, options.rounds);
    for database in options.databases() {
        let mut cost = None;
        if options.part != Part::Drains {
            cost = Some(costs::measure(options, database, &owned.0).await?);
        }
        if options.part == Part::Costs {
            continue;
        }
        let settings = options.settings(database);
        let rates = drains::measure(options, database, &settings, &owned.0).await?;
        let measured: Vec<(Setting, Rates)> = settings.into_iter().zip(rates).collect();
        if let Some(cost) = cost {
            compare(database, cost, measured, &mut page);
        }
    }
    if options.write { page.write() } else { Ok(()) }
}

/// Calibrates the simulation with the first of the drains, holds it against the others, and lets it predict.
fn compare(database: Database, cost: costs::Cost, measured: Vec<(Setting, Rates)>, page: &mut Page) {
    let Some((first, rates)) = measured.first() else { return };
    let (first, rate) = (*first, rates.messages.median());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "microseconds, small and positive")]
    let costs = Costs { call: 0, transaction: cost.transaction as u64, row: cost.row as u64 };
    let call = simulation::calibrated(&model(first, &costs), SIMULATED, rate);
    let costs = Costs { call, ..costs };
    println!("simulation with {costs:?}, calibrated on {first:?}: {rate:.0} messages a second");
    page.costs(database, &costs);
    for (setting, rates) in measured {
        let simulated = simulation::rate(&model(setting, &costs), SIMULATED);
        let measured = rates.messages.median();
        let off = (simulated / measured - 1.0) * 100.0;
        println!("  {setting:?}: {simulated:.1} simulated, {measured:.1} measured, {off:+.0} %");
        page.drained.push(Drained { database, setting, rates, simulated });
    }
    for latency in LATENCIES {
        let apart = APART.map(|replicas| {
            let setting = Setting { replicas, latency, in_flight: IN_FLIGHT[0] };
            simulation::rate(&Model { apart: true, ..model(setting, &costs) }, SIMULATED)
        });
        let told: Vec<String> =
            APART.iter().zip(apart).map(|(replicas, rate)| format!("{replicas}: {rate:.0}")).collect();
        println!("  replicas on machines of {CORES} cores, ERP {latency} ms, messages a second: {}", told.join(" · "));
        if database == Database::Postgres {
            page.predicted.push((latency, apart));
        }
    }
}

/// Messages that drain in a setting.
fn model(setting: Setting, costs: &Costs) -> Model {
    Model {
        replicas: setting.replicas,
        cores: CORES,
        apart: false,
        in_flight: setting.in_flight,
        events_per_call: EVENTS_PER_CALL,
        latency: setting.latency * 1_000,
        // A message: the plan, the record, the list that shows it, the end.
        script: vec![Op::Write, Op::Call, Op::Call, Op::Write],
        costs: costs.clone(),
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
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
