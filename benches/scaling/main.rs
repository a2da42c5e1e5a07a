//! What the worker's side costs and what several processes give: claims and ends of runs, drains of a backlog by one, two
//! and three replicas, and a simulation that is held against them.
//!
//! `cargo bench --bench scaling` measures on loopback against real processes; `-- --help` lists what can be chosen.

mod bridge;
mod costs;
mod drains;
#[path = "../../tests/it/support/postgres.rs"]
#[expect(dead_code, unreachable_pub, reason = "the tests also share a cluster, which a benchmark does not")]
mod postgres;
mod simulation;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};

use self::{
    drains::Setting,
    simulation::{Costs, Model, Op},
};

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
    /// New people of a drain; each writes as many messages as `--messages` says.
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
        let mut settings = Vec::new();
        for &replicas in self.replicas.iter().filter(|replicas| **replicas == 1 || database == Database::Postgres) {
            for &latency in &self.latency {
                settings.extend(self.in_flight.iter().map(|&in_flight| Setting { replicas, latency, in_flight }));
            }
        }
        settings
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
    for database in options.databases() {
        let mut cost = None;
        if options.part != Part::Drains {
            cost = Some(costs::measure(options, database, &owned.0).await?);
        }
        if options.part == Part::Costs {
            continue;
        }
        let mut measured = Vec::new();
        for setting in options.settings(database) {
            measured.push((setting, drains::measure(options, database, setting, &owned.0).await?.messages()));
        }
        if let Some(cost) = cost.filter(|_| options.part == Part::Simulation) {
            compare(cost, &measured);
        }
    }
    Ok(())
}

/// Calibrates the simulation with the first of the drains, holds it against the others, and lets it predict.
fn compare(cost: costs::Cost, measured: &[(Setting, f64)]) {
    let Some((first, rate)) = measured.first() else { return };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "microseconds, small and positive")]
    let costs = Costs { call: 0, transaction: cost.transaction as u64, row: cost.row as u64 };
    let model = |setting: &Setting, costs: &Costs| Model {
        replicas: setting.replicas,
        cores: CORES,
        apart: false,
        in_flight: setting.in_flight,
        events_per_call: 2,
        latency: setting.latency * 1_000,
        // A message: the plan, the record, the list that shows it, the end.
        script: vec![Op::Write, Op::Call, Op::Call, Op::Write],
        costs: costs.clone(),
    };
    let call = simulation::calibrated(&model(first, &costs), SIMULATED, *rate);
    let costs = Costs { call, ..costs };
    println!("simulation with {costs:?}, calibrated on {first:?}: {rate:.0} messages a second");
    for (setting, measured) in measured {
        let simulated = simulation::rate(&model(setting, &costs), SIMULATED);
        println!(
            "  {setting:?}: {simulated:.0} simulated, {measured:.0} measured, {:+.0} %",
            (simulated / measured - 1.0) * 100.0
        );
    }
    for latency in [5, 50, 500] {
        let apart = [1, 2, 4, 8, 16].map(|replicas| {
            let setting = Setting { replicas, latency, in_flight: 16 };
            let model = Model { apart: true, ..model(&setting, &costs) };
            format!("{replicas}: {:.0}", simulation::rate(&model, SIMULATED))
        });
        println!("  replicas on machines of {CORES} cores, ERP {latency} ms, messages a second: {}", apart.join(" · "));
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

/// The middle of what was measured, with the lowest and the highest.
fn median(values: &[f64], digits: usize) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.as_slice() {
        [] => "nothing".to_owned(),
        [low, .., high] => format!("{:.digits$} ({low:.digits$}–{high:.digits$})", sorted[sorted.len() / 2]),
        [one] => format!("{one:.digits$}"),
    }
}
