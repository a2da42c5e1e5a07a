//! The door: durable accepts on both databases against BASE in the same round, and how long an accept takes at given rates.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Options, Outcome,
    bridge::{Program, Setup},
    databases::{Database, Databases},
    load::{self, Load, WARM_UP},
    plots::{Chart, Line},
    report::Report,
    requests::Requests,
    series::Series,
};

/// More requests a second than any bridge answers; so many are signed beforehand.
pub(crate) const SIGNED_PER_SECOND: f64 = 30_000.0;
/// BASE does not look at them.
const SIGNED_FOR_BASE: usize = 10_000;
/// The load of a busy platform, in requests a second.
const ORDINARY: (&str, f64) = ("200 a second", 200.0);
/// Connections that the plot shows; those that are not in the table run once, so long.
const PLOTTED: [usize; 5] = [1, 4, 16, 64, 256];
const SHORT: Duration = Duration::from_secs(3);
/// The shares of the answers whose latency is told.
const SHARES: [(f64, &str); 5] = [(0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9"), (1.0, "max")];
const P99: usize = 2;

/// One contestant at one number of connections.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    pub(crate) rate: Series,
    /// Milliseconds that each of [`SHARES`] did not exceed.
    latency: [Series; SHARES.len()],
    /// Processor time of the program and the database's server for one request, in microseconds.
    cost: Series,
    /// That of the load.
    own_cost: Series,
}

impl Measured {
    pub(crate) fn line(&self) -> String {
        let (rate, p99, cost) = (self.rate.words(0), self.latency[P99].words(1), self.cost.words(0));
        format!("{rate} a second · p99 {p99} ms · {cost} µs of processor time each")
    }
}

/// Who answers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Contestant<'a> {
    Base,
    Bridge { binary: &'a Path, database: Database },
}

/// How it is asked.
#[derive(Debug, Clone, Copy)]
struct Asked {
    connections: usize,
    span: Duration,
    pace: Option<f64>,
}

/// A contestant at a rate that is given.
struct Given {
    database: Database,
    name: &'static str,
    goal: &'static str,
    connections: usize,
    pace: f64,
    measured: Measured,
}

pub(crate) async fn measure(options: &Options, databases: &Databases<'_>, report: &mut Report) -> Outcome<()> {
    let binary = Program::this();
    let [postgres, sqlite] = Database::BOTH.map(|database| Contestant::Bridge { binary: &binary, database });
    let contestants = [Contestant::Base, postgres, sqlite];
    let (rounds, span) = (options.rounds, options.span());
    let measured = in_turn(databases, &contestants, &options.connections, rounds, span).await?;
    rows(&measured, report);
    let mut highest = [0.0; 2];
    for (_, [_, stored @ ..]) in &measured {
        highest = std::array::from_fn(|place| f64::max(highest[place], stored[place].rate.median()));
    }
    if report.is_drawn() {
        let others: Vec<usize> = PLOTTED.into_iter().filter(|each| !options.connections.contains(each)).collect();
        let mut all = in_turn(databases, &contestants, &others, 1, span.min(SHORT)).await?;
        all.extend(measured);
        report.plot("connections", &rates(all))?;
    }
    at_given_rates(options, databases, &binary, highest, report).await
}

/// All contestants at each number of connections, round by round.
async fn in_turn(
    databases: &Databases<'_>,
    contestants: &[Contestant<'_>; 3],
    connections: &[usize],
    rounds: usize,
    span: Duration,
) -> Outcome<Vec<(usize, [Measured; 3])>> {
    let mut measured: Vec<(usize, [Measured; 3])> =
        connections.iter().map(|connections| (*connections, Default::default())).collect();
    for round in 1..=rounds {
        for (connections, measured) in &mut measured {
            let asked = Asked { connections: *connections, span, pace: None };
            for (contestant, measured) in contestants.iter().zip(measured.iter_mut()) {
                one(databases, *contestant, asked, measured).await?;
                let (name, rate) = (contestant.name(), measured.rate.last());
                println!("round {round}, {connections} connections, {name}: {rate:.0}/s");
            }
        }
    }
    Ok(measured)
}

fn rows(measured: &[(usize, [Measured; 3])], report: &mut Report) {
    for (connections, [base, ..]) in measured {
        let own = base.own_cost.words(1);
        let figure = format!("BASE, {connections} connections");
        report.row(&figure, "", &format!("{} (the load's own: {own} µs)", base.line()));
    }
    for (place, database) in Database::BOTH.into_iter().enumerate() {
        for (connections, [base, stored @ ..]) in measured {
            let measured = &stored[place];
            let ratio = measured.rate.over(&base.rate).words(3);
            let goal = database.of("≥ 0.20 · 0.25 × BASE, ≤ 60 µs", "≥ 0.16 · 0.22 × BASE, ≤ 55 µs");
            let figure = format!("durable accepts, {database}, {connections} connections");
            report.row(&figure, goal, &format!("**{ratio}** · {}", measured.line()));
        }
    }
}

/// The rates of all contestants against the connections.
fn rates(mut measured: Vec<(usize, [Measured; 3])>) -> Chart {
    measured.sort_by_key(|(connections, _)| *connections);
    let line = |name: String, place: usize| {
        Line::new(name, measured.iter().map(|(_, contestants)| contestants[place].rate.median()))
    };
    Chart {
        title: "Durable accepts against BASE".to_owned(),
        x: "connections".to_owned(),
        y: "requests a second".to_owned(),
        places: measured.iter().map(|(connections, _)| connections.to_string()).collect(),
        is_logarithmic: true,
        lines: vec![
            line("BASE".to_owned(), 0),
            line(Database::BOTH[0].to_string(), 1),
            line(Database::BOTH[1].to_string(), 2),
        ],
    }
}

async fn at_given_rates(
    options: &Options,
    databases: &Databases<'_>,
    binary: &Path,
    highest: [f64; 2],
    report: &mut Report,
) -> Outcome<()> {
    let mut all = Vec::new();
    for (database, highest) in Database::BOTH.into_iter().zip(highest) {
        let mut add = |name, goal, connections, pace| {
            all.push(Given { database, name, goal, connections, pace, measured: Measured::default() });
        };
        for connections in &options.connections {
            add(ORDINARY.0, "≤ 3 ms", *connections, ORDINARY.1);
        }
        for connections in &options.connections {
            add("half of the highest rate", "≤ 10 ms", *connections, highest / 2.0);
        }
    }
    for _ in 0..options.rounds {
        for given in &mut all {
            let Given { database, connections, pace, .. } = *given;
            let asked = Asked { connections, span: options.span(), pace: Some(pace) };
            one(databases, Contestant::Bridge { binary, database }, asked, &mut given.measured).await?;
        }
    }
    for Given { database, name, goal, connections, measured, .. } in &all {
        let figure = format!("p99 of an accept at {name}, {database}, {connections} connections");
        let (p99, rate) = (measured.latency[P99].words(1), measured.rate.words(0));
        report.row(&figure, goal, &format!("{p99} ms at {rate} a second"));
    }
    report.plot("latency", &percentiles(options.connections[0], &all))
}

/// How long accepts take, of the rates that were given at so many connections.
fn percentiles(connections: usize, all: &[Given]) -> Chart {
    let line = |given: &Given| {
        let line =
            Line::new(format!("{}, {}", given.database, given.name), given.measured.latency.iter().map(Series::median));
        if given.name == ORDINARY.0 { line.dashed() } else { line }
    };
    Chart {
        title: format!("How long an accept takes, {connections} connections"),
        x: "share of the answers".to_owned(),
        y: "milliseconds".to_owned(),
        places: SHARES.map(|(_, name)| name.to_owned()).to_vec(),
        is_logarithmic: true,
        lines: all.iter().filter(|given| given.connections == connections).map(line).collect(),
    }
}

/// This build's bridge and others in turn: what a change to the door is judged by.
pub(crate) async fn compare(options: &Options, databases: &Databases<'_>, report: &mut Report) -> Outcome<()> {
    let binaries: Vec<PathBuf> = options.against.iter().cloned().chain([Program::this()]).collect();
    for connections in options.connections.iter().copied() {
        for database in options.databases() {
            let mut measured: Vec<Measured> = binaries.iter().map(|_| Measured::default()).collect();
            for _ in 0..options.rounds {
                for (binary, measured) in binaries.iter().zip(&mut measured) {
                    let asked = Asked { connections, span: options.span(), pace: options.pace };
                    one(databases, Contestant::Bridge { binary, database }, asked, measured).await?;
                }
            }
            for (binary, each) in binaries.iter().zip(&measured) {
                let ratio = each.rate.over(&measured[0].rate).words(2);
                let name = binary.file_name().unwrap_or_default().to_string_lossy();
                let figure = format!("{database}, {connections}, {name}");
                report.row(&figure, "", &format!("{ratio} × · {}", each.line()));
            }
        }
    }
    Ok(())
}

impl Contestant<'_> {
    fn name(&self) -> String {
        match self {
            Self::Base => "BASE".to_owned(),
            Self::Bridge { database, .. } => database.to_string(),
        }
    }
}

/// Starts a contestant on a fresh ledger and puts a load on it.
async fn one(
    databases: &Databases<'_>,
    contestant: Contestant<'_>,
    asked: Asked,
    measured: &mut Measured,
) -> Outcome<()> {
    let ledger = match contestant {
        Contestant::Base => databases.fresh(Database::Sqlite).await?,
        Contestant::Bridge { database, .. } => databases.fresh(database).await?,
    };
    let program = match contestant {
        Contestant::Base => Program::base()?,
        Contestant::Bridge { binary, .. } => Program::start_bridge(binary, Setup::storing(&ledger.url))?,
    };
    let Asked { connections, span, pace } = asked;
    let count = match contestant {
        Contestant::Base => SIGNED_FOR_BASE,
        Contestant::Bridge { .. } => signed_for(span, pace),
    };
    let requests = tokio::task::spawn_blocking(move || Requests::promotions(0, count)).await??;
    let load = Load { address: program.address(), connections, span, pace };
    loaded(databases, &program, load, requests, measured).await
}

/// How many requests a load can send.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of requests")]
pub(crate) fn signed_for(span: Duration, pace: Option<f64>) -> usize {
    (pace.unwrap_or(SIGNED_PER_SECOND) * (span + WARM_UP).as_secs_f64()) as usize + 1
}

/// Puts a load on a program, every answer to which must be 202, and adds what was measured.
pub(crate) async fn loaded(
    databases: &Databases<'_>,
    program: &Program,
    load: Load,
    requests: Requests,
    measured: &mut Measured,
) -> Outcome<()> {
    let before = program.processor_seconds()? + databases.server_seconds();
    let answers = load::run(load, requests).await?;
    let used = program.processor_seconds()? + databases.server_seconds() - before;
    if answers.refused > 0 {
        return Err(format!("{} requests were not answered 202", answers.refused).into());
    }
    measured.rate.push(answers.rate);
    for (series, (share, _)) in measured.latency.iter_mut().zip(SHARES) {
        series.push(answers.quantile(share));
    }
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    measured.cost.push(used * 1e6 / answers.total as f64);
    measured.own_cost.push(answers.own_cost);
    Ok(())
}
