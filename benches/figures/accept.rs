//! The door: durable accepts on both databases and verification alone, each against BASE in the same round.

use super::{
    Options, Outcome,
    bridge::{Program, Setup},
    load::{self, Load},
    postgres::Cluster,
    report::{Report, Series},
};

/// Connections of the load.
const CONNECTIONS: [usize; 2] = [64, 256];
/// BASE · verification alone · PostgreSQL · SQLite, in the order of their turns.
const NAMES: [&str; 4] = ["BASE", "verification, parse and validation alone", "PostgreSQL", "SQLite"];
const GOALS: [&str; 4] = ["", "≥ 0.75 × BASE", "≥ 0.40 × BASE", "≥ 0.30 × BASE"];
const P99_GOALS: [&str; 4] = ["", "", "≤ 10 ms", "≤ 25 ms"];
/// The contestants that store.
const STORING: [usize; 2] = [2, 3];

/// One contestant at one number of connections.
#[derive(Default)]
struct Measured {
    rate: Series,
    p99: Series,
    /// Processor time of the program for one request, in microseconds, without the database server's.
    cost: Series,
}

pub(crate) async fn measure(options: &Options, cluster: &Cluster, report: &mut Report) -> Outcome<()> {
    let mut table: [[Measured; 4]; 2] = Default::default();
    for round in 1..=options.rounds {
        for (connections, row) in CONNECTIONS.into_iter().zip(&mut table) {
            for (place, measured) in row.iter_mut().enumerate() {
                let contestant = Contestant::start(place, cluster).await?;
                contestant.run(options, connections, None, measured).await?;
                println!("round {round}, {connections} connections, {}: {:.0}/s", NAMES[place], measured.rate.last());
            }
        }
    }
    for place in 0..NAMES.len() {
        let [few, many] = [&table[0][place], &table[1][place]];
        let ratios = [few.rate.over(&table[0][0].rate), many.rate.over(&table[1][0].rate)];
        let name = NAMES[place];
        let what = if STORING.contains(&place) { format!("durable accepts, {name}") } else { name.to_owned() };
        for (connections, measured, ratio) in [(CONNECTIONS[0], few, &ratios[0]), (CONNECTIONS[1], many, &ratios[1])] {
            let ratio = if place == 0 { String::new() } else { format!("**{}** · ", ratio.words(2)) };
            report.row(
                &format!("{what}, {connections} connections"),
                GOALS[place],
                &format!(
                    "{ratio}{} a second · p99 {} ms · {} µs of the program's processor time each",
                    measured.rate.words(0),
                    measured.p99.words(1),
                    measured.cost.words(0)
                ),
            );
        }
    }
    at_half_rate(options, cluster, &table, report).await
}

async fn at_half_rate(
    options: &Options,
    cluster: &Cluster,
    table: &[[Measured; 4]; 2],
    report: &mut Report,
) -> Outcome<()> {
    let highest = STORING.map(|place| table[0][place].rate.median().max(table[1][place].rate.median()));
    let mut paced: [Measured; 2] = Default::default();
    for _ in 0..options.rounds {
        for ((place, highest), measured) in STORING.into_iter().zip(highest).zip(&mut paced) {
            let contestant = Contestant::start(place, cluster).await?;
            contestant.run(options, CONNECTIONS[0], Some(highest / 2.0), measured).await?;
        }
    }
    for (place, measured) in STORING.into_iter().zip(&paced) {
        report.row(
            &format!("p99 of an accept at half of the highest rate, {}", NAMES[place]),
            P99_GOALS[place],
            &format!("{} ms at {} a second", measured.p99.words(1), measured.rate.words(0)),
        );
    }
    Ok(())
}

/// A program with a fresh ledger.
struct Contestant {
    program: Program,
    /// Which of the program's addresses.
    address: usize,
    _dir: tempfile::TempDir,
}

impl Contestant {
    async fn start(place: usize, cluster: &Cluster) -> Outcome<Self> {
        let dir = tempfile::tempdir()?;
        let database = match place {
            2 => cluster.database().await,
            _ => format!("sqlite://{}/ledger.db", dir.path().display()),
        };
        let program = match place {
            0 | 1 => Program::base()?,
            _ => Program::bridge(Setup { database: &database, erp: None })?,
        };
        Ok(Self { program, address: if place == 1 { 1 } else { 0 }, _dir: dir })
    }

    async fn run(
        &self,
        options: &Options,
        connections: usize,
        pace: Option<f64>,
        measured: &mut Measured,
    ) -> Outcome<()> {
        let address = self.program.addresses[self.address];
        let before = self.program.processor_seconds()?;
        let answers = load::run(Load { address, connections, span: options.span(), pace }).await?;
        let used = self.program.processor_seconds()? - before;
        if answers.refused > 0 {
            return Err(format!("{} requests were not answered 202", answers.refused).into());
        }
        measured.rate.push(answers.rate);
        measured.p99.push(answers.quantile(0.99));
        measured.cost.push(used * 1e6 / answers.total());
        Ok(())
    }
}
