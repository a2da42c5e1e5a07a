//! Whether the door stays as it is: ten stretches of load at half of the highest rate, one after the other on one ledger, and
//! after each the p99 of its accepts and the memory of the bridge. Nothing is dispatched, so that the backlog only grows.

use std::time::Duration;

use super::{
    Options, Outcome,
    accept::signed_for,
    bridge::{Program, Setup},
    databases::{Database, Databases},
    load::{self, Answers, Load},
    report::Report,
    requests::Requests,
    series::Series,
};

/// Of ten minutes each is one.
const STRETCHES: u32 = 10;
/// For so long at most requests are signed beforehand, which lie in memory; meanwhile the bridge rests.
const PIECE: Duration = Duration::from_secs(10);
/// How long the highest rate is looked for, where none is given.
const HIGHEST: Duration = Duration::from_secs(8);

pub(crate) async fn measure(options: &Options, databases: &Databases<'_>, report: &mut Report) -> Outcome<()> {
    for database in options.databases() {
        let pace = match options.pace {
            Some(pace) => pace,
            None => highest(options, databases, database).await? / 2.0,
        };
        let (p99, memory) = stretches(options, databases, database, pace).await?;
        let load = format!("{database}, {pace:.0} a second, {} connections", options.connections[0]);
        report.row(&format!("p99 of an accept, {load}"), "flat", &words(&p99, 1, "ms"));
        report.row(&format!("memory, {load}"), "flat", &words(&memory, 0, "MB"));
    }
    Ok(())
}

/// Requests a second that are answered if as many are sent.
async fn highest(options: &Options, databases: &Databases<'_>, database: Database) -> Outcome<f64> {
    let ledger = databases.fresh(database).await?;
    let bridge = Program::bridge(Setup::storing(&ledger.url))?;
    let connections = options.connections[0];
    let span = options.span().min(HIGHEST);
    Ok(loaded(Load { address: bridge.address(), connections, span, pace: None }, 0).await?.rate)
}

/// Milliseconds and MB of each stretch.
async fn stretches(
    options: &Options,
    databases: &Databases<'_>,
    database: Database,
    pace: f64,
) -> Outcome<(Vec<f64>, Vec<f64>)> {
    let ledger = databases.fresh(database).await?;
    let bridge = Program::bridge(Setup::storing_all(&ledger.url))?;
    let stretch = options.span() / STRETCHES;
    let pieces = u32::try_from(stretch.as_secs().div_ceil(PIECE.as_secs()).max(1))?;
    let (address, connections, span) = (bridge.address(), options.connections[0], stretch / pieces);
    let load = Load { address, connections, span, pace: Some(pace) };
    let (mut p99, mut memory, mut sent) = (Vec::new(), Vec::new(), 0);
    for number in 1..=STRETCHES {
        let mut answers = Answers::default();
        for _ in 0..pieces {
            answers.take_in(loaded(load, sent).await?);
            sent += signed_for(load.span, load.pace);
        }
        let (late, used) = (answers.quantile(0.99), bridge.resident_mb()?);
        println!("stretch {number}, {database}: p99 {late:.1} ms, {used:.0} MB");
        p99.push(late);
        memory.push(used);
    }
    Ok((p99, memory))
}

/// Sends promotions from number `first` on, every answer to which must be 202.
async fn loaded(load: Load, first: usize) -> Outcome<Answers> {
    let count = signed_for(load.span, load.pace);
    let requests = tokio::task::spawn_blocking(move || Requests::promotions(first, count)).await??;
    let answers = load::run(load, requests).await?;
    match answers.refused {
        0 => Ok(answers),
        refused => Err(format!("{refused} requests were not answered 202").into()),
    }
}

/// `**1.02 ×** · 8.1 · 8.3 … ms`: the median of the later half against that of the earlier one, and all.
fn words(values: &[f64], digits: usize, unit: &str) -> String {
    let (earlier, later) = values.split_at(values.len() / 2);
    let median = |half: &[f64]| half.iter().copied().collect::<Series>().median();
    let all: Vec<String> = values.iter().map(|value| format!("{value:.digits$}")).collect();
    format!("**{:.2} ×** · {} {unit}", median(later) / median(earlier), all.join(" · "))
}
