//! The clockwork: how busy the ERP is kept while a backlog drains, and how soon it hears of a single event.

use std::{net::SocketAddr, time::Duration};

use erp_bridge::{
    clock::{Clock, Millis},
    simulator::{self, Running, Settings, SimConfig},
};

use super::{
    Options, Outcome,
    bridge::{MAX_IN_FLIGHT, Program, Setup, post},
    ledgers,
    postgres::Cluster,
    report::{Report, Series},
};

/// How long the simulator takes for an answer while a backlog drains.
const LATENCY_MS: u64 = 50;
/// Events of different contacts that wait, more than can be drained in a measurement.
const BACKLOG: usize = 3_000;
/// Single events posted to an idle bridge in one round, and how long it rests between two.
const SINGLE_EVENTS: usize = 40;
const REST: Duration = Duration::from_millis(150);
const DATABASES: [&str; 2] = ["PostgreSQL", "SQLite"];

pub(crate) async fn measure(options: &Options, cluster: &Cluster, report: &mut Report) -> Outcome<()> {
    let mut busy: [Series; 2] = Default::default();
    let mut delays: [Series; 2] = Default::default();
    for _ in 0..options.rounds {
        for place in 0..DATABASES.len() {
            let dir = tempfile::tempdir()?;
            let database = match place {
                0 => cluster.database().await,
                _ => format!("sqlite://{}/ledger.db", dir.path().display()),
            };
            single_events(&database, &mut delays[place]).await?;
            busy[place].push(drain(options, &database).await?);
        }
    }
    for (database, busy) in DATABASES.into_iter().zip(&busy) {
        report.row(
            &format!("ERP kept busy while a backlog drains, {database} (answers after {LATENCY_MS} ms, max_in_flight {MAX_IN_FLIGHT})"),
            "≥ 95 % of the possible calls",
            &format!("{} %", busy.words(1)),
        );
    }
    for (database, delays) in DATABASES.into_iter().zip(&delays) {
        report.row(
            &format!("answer of an accept to first ERP call, idle, {database}"),
            "p99 ≤ 15 ms",
            &format!("p99 {:.0} ms · median {} ms", delays.quantile(0.99), delays.words(0)),
        );
    }
    Ok(())
}

async fn simulator(latency_ms: u64) -> Outcome<Running> {
    let settings = Settings { latency_ms, ..Settings::default() };
    Ok(simulator::start(SimConfig { settings, ..SimConfig::default() }).await?)
}

/// Calls that the ERP got, in per cent of those that `max_in_flight` allows.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
async fn drain(options: &Options, database: &str) -> Outcome<f64> {
    let store = ledgers::open(database).await?;
    ledgers::accept(&store, SINGLE_EVENTS, BACKLOG).await?;
    store.close().await;
    let erp = simulator(LATENCY_MS).await?;
    let _bridge = Program::bridge(Setup { database, erp: Some(&erp.base_url()) })?;
    // The login and the reading of the choices are no part of it.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = erp.handle.calls(0).last().map_or(0, |call| call.n);
    tokio::time::sleep(options.span()).await;
    let calls = erp.handle.calls(before).len() as f64;
    erp.stop().await;
    let possible = options.span().as_secs_f64() * 1e3 / LATENCY_MS as f64 * MAX_IN_FLIGHT as f64;
    Ok(calls / possible * 100.0)
}

/// How many milliseconds after its answer an event's first call reaches the ERP.
async fn single_events(database: &str, delays: &mut Series) -> Outcome<()> {
    let erp = simulator(0).await?;
    let bridge = Program::bridge(Setup { database, erp: Some(&erp.base_url()) })?;
    // The first event waits for the login and the choices.
    delay(&erp, bridge.addresses[0], 0).await?;
    for number in 1..SINGLE_EVENTS {
        delays.push(delay(&erp, bridge.addresses[0], number).await?);
    }
    erp.stop().await;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a moment")]
async fn delay(erp: &Running, bridge: SocketAddr, number: usize) -> Outcome<f64> {
    let before = erp.handle.calls(0).last().map_or(0, |call| call.n);
    post(bridge, number).await?;
    let answered = Clock::system().now();
    tokio::time::sleep(REST).await;
    let call = erp.handle.calls(before).into_iter().next().ok_or("an event did not reach the ERP in time")?;
    let called = Millis::from(call.time.parse::<jiff::Timestamp>()?);
    Ok(called.since(answered).as_millis() as f64)
}
