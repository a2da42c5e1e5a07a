//! The door: durable accepts on both databases against BASE in the same round, and how long an accept takes at given rates.

use std::path::{Path, PathBuf};

use super::{
    Options, Outcome,
    bridge::{Program, Setup},
    databases::{Database, Databases},
    load::{self, Load, WARM_UP},
    report::{Report, Series},
    requests::Requests,
};

/// More requests a second than any bridge answers; so many are signed beforehand.
const SIGNED_PER_SECOND: f64 = 30_000.0;
/// BASE does not look at them.
const SIGNED_FOR_BASE: usize = 10_000;
/// The load of a busy platform, in requests a second.
const ORDINARY_RATE: f64 = 200.0;

/// One contestant at one number of connections.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) rate: Series,
    pub(crate) p99: Series,
    /// Processor time of the program and the database's server for one request, in microseconds.
    pub(crate) cost: Series,
    /// That of the load.
    pub(crate) own_cost: Series,
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
    pace: Option<f64>,
}

pub(crate) async fn measure(options: &Options, databases: &Databases<'_>, report: &mut Report) -> Outcome<()> {
    let binary = Program::this();
    let mut base: Vec<Measured> = options.connections.iter().map(|_| Measured::default()).collect();
    let mut stored: [Vec<Measured>; 2] = std::array::from_fn(|_| base.iter().map(|_| Measured::default()).collect());
    for round in 1..=options.rounds {
        for (place, connections) in options.connections.iter().copied().enumerate() {
            let asked = Asked { connections, pace: None };
            one(options, databases, Contestant::Base, asked, &mut base[place]).await?;
            println!("round {round}, {connections} connections, BASE: {:.0}/s", base[place].rate.last());
            for (database, measured) in Database::BOTH.into_iter().zip(&mut stored) {
                let contestant = Contestant::Bridge { binary: &binary, database };
                one(options, databases, contestant, asked, &mut measured[place]).await?;
                println!("round {round}, {connections} connections, {database}: {:.0}/s", measured[place].rate.last());
            }
        }
    }
    for (connections, measured) in options.connections.iter().zip(&base) {
        let own = measured.own_cost.words(1);
        report.row(
            &format!("BASE, {connections} connections"),
            "",
            &format!("{} (the load's own: {own} µs)", line(measured)),
        );
    }
    for (database, measured) in Database::BOTH.into_iter().zip(&stored) {
        for ((connections, base), measured) in options.connections.iter().zip(&base).zip(measured) {
            let ratio = measured.rate.over(&base.rate).words(3);
            let goal = database.of("≥ 0.20 · 0.25 × BASE, ≤ 60 µs", "≥ 0.16 · 0.22 × BASE, ≤ 55 µs");
            let figure = format!("durable accepts, {database}, {connections} connections");
            report.row(&figure, goal, &format!("**{ratio}** · {}", line(measured)));
        }
    }
    let highest = stored.map(|measured| measured.iter().map(|each| each.rate.median()).fold(0.0, f64::max));
    at_given_rates(options, databases, &binary, highest, report).await
}

fn line(measured: &Measured) -> String {
    let (rate, p99, cost) = (measured.rate.words(0), measured.p99.words(1), measured.cost.words(0));
    format!("{rate} a second · p99 {p99} ms · {cost} µs of processor time each")
}

async fn at_given_rates(
    options: &Options,
    databases: &Databases<'_>,
    binary: &Path,
    highest: [f64; 2],
    report: &mut Report,
) -> Outcome<()> {
    let mut rows: Vec<(String, &str, Measured)> = Vec::new();
    for round in 0..options.rounds {
        let mut row = 0;
        for (database, highest) in Database::BOTH.into_iter().zip(highest) {
            let ordinary = [("200 a second", "≤ 3 ms", options.connections[0], ORDINARY_RATE)];
            let halves = options
                .connections
                .iter()
                .map(|connections| ("half of the highest rate", "≤ 10 ms", *connections, highest / 2.0));
            for (rate, goal, connections, pace) in ordinary.into_iter().chain(halves) {
                if round == 0 {
                    let figure = format!("p99 of an accept at {rate}, {database}, {connections} connections");
                    rows.push((figure, goal, Measured::default()));
                }
                let asked = Asked { connections, pace: Some(pace) };
                let contestant = Contestant::Bridge { binary, database };
                one(options, databases, contestant, asked, &mut rows[row].2).await?;
                row += 1;
            }
        }
    }
    for (figure, goal, measured) in rows {
        report.row(&figure, goal, &format!("{} ms at {} a second", measured.p99.words(1), measured.rate.words(0)));
    }
    Ok(())
}

/// This build's bridge and others in turn: what a change to the door is judged by.
pub(crate) async fn compare(options: &Options, databases: &Databases<'_>, report: &mut Report) -> Outcome<()> {
    let binaries: Vec<PathBuf> = options.against.iter().cloned().chain([Program::this()]).collect();
    for connections in options.connections.iter().copied() {
        for database in options.databases() {
            let mut measured: Vec<Measured> = binaries.iter().map(|_| Measured::default()).collect();
            for _ in 0..options.rounds {
                for (binary, measured) in binaries.iter().zip(&mut measured) {
                    let asked = Asked { connections, pace: options.pace };
                    one(options, databases, Contestant::Bridge { binary, database }, asked, measured).await?;
                }
            }
            for (binary, each) in binaries.iter().zip(&measured) {
                let ratio = each.rate.over(&measured[0].rate).words(2);
                let name = binary.file_name().unwrap_or_default().to_string_lossy();
                report.row(&format!("{database}, {connections}, {name}"), "", &format!("{ratio} × · {}", line(each)));
            }
        }
    }
    Ok(())
}

/// Starts a contestant on a fresh ledger and puts a load on it.
async fn one(
    options: &Options,
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
    let span = options.span();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of requests")]
    let count = match contestant {
        Contestant::Base => SIGNED_FOR_BASE,
        Contestant::Bridge { .. } => {
            (asked.pace.unwrap_or(SIGNED_PER_SECOND) * (span + WARM_UP).as_secs_f64()) as usize + 1
        }
    };
    let requests = tokio::task::spawn_blocking(move || Requests::promotions(0, count)).await??;
    let before = program.processor_seconds()? + databases.server_seconds();
    let Asked { connections, pace } = asked;
    let answers = load::run(Load { address: program.address(), connections, span, pace }, requests).await?;
    let used = program.processor_seconds()? + databases.server_seconds() - before;
    if answers.refused > 0 {
        return Err(format!("{} requests were not answered 202", answers.refused).into());
    }
    measured.rate.push(answers.rate);
    measured.p99.push(answers.quantile(0.99));
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    measured.cost.push(used * 1e6 / answers.total as f64);
    measured.own_cost.push(answers.own_cost);
    Ok(())
}
