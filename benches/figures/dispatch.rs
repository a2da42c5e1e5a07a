//! The clockwork: how fast a backlog drains, how soon the ERP hears of an event, and how often it is called for one.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use erp_bridge::{
    clock::{Clock, Millis},
    simulator::{self, Running, Settings, SimConfig},
};

use super::{
    Options, Outcome,
    bridge::{Program, Setup, post},
    databases::{Database, Databases},
    ledgers::{self, Kind},
    load::{self, Load, WARM_UP},
    report::Report,
    requests::{CONTACTS, Requests},
    series::Series,
};

/// A slow ERP, and how many calls it takes at once.
const SLOW: (u64, usize) = (50, 8);
/// A fast one.
const FAST: (u64, usize) = (5, 16);
/// Contacts that are linked before their messages drain.
const LINKED: usize = 500;
/// New people and messages that wait, more than can be drained in a measurement.
const PEOPLE: usize = 9_500;
const MESSAGES: usize = 25_000;
/// Single events posted to an idle bridge in one round, and how long it rests between two.
const SINGLE_EVENTS: usize = 40;
const REST: Duration = Duration::from_millis(150);
/// Before a measurement: the login and the reading of the choices are no part of it.
const SETTLING: Duration = Duration::from_secs(1);
/// The load of a busy platform, in requests a second, on so many connections.
const ORDINARY: (f64, usize) = (200.0, 64);
/// How long the last of them may take to be confirmed; what takes longer counts as this long.
const CONFIRMATION: Duration = Duration::from_secs(30);

/// What is measured on one database.
#[derive(Default)]
struct Measured {
    busy: Series,
    messages: Series,
    people: Series,
    calls: [Series; 2],
    delays: Series,
    confirmed: Series,
}

pub(crate) async fn measure(options: &Options, databases: &Databases<'_>, report: &mut Report) -> Outcome<()> {
    let mut measured: [Measured; 2] = Default::default();
    for _ in 0..options.rounds {
        for (database, measured) in Database::BOTH.into_iter().zip(&mut measured) {
            single_events(databases, database, &mut measured.delays).await?;
            measured.busy.push(kept_busy(options, databases, database).await?);
            for (kind, place) in [(Kind::Message, 0), (Kind::Promotion, 1)] {
                let (rate, calls) = drain(options, databases, database, kind).await?;
                if place == 0 {
                    measured.messages.push(rate)
                } else {
                    measured.people.push(rate)
                }
                measured.calls[place].push(calls);
            }
            measured.confirmed.push(confirmed(options, databases, database).await?);
        }
    }
    for (database, it) in Database::BOTH.into_iter().zip(&measured) {
        rows(report, database, it);
    }
    Ok(())
}

fn rows(report: &mut Report, database: Database, it: &Measured) {
    report.row(
        &format!(
            "drain, ERP answers in {} ms, max_in_flight {}, {database}: messages of linked contacts · new people",
            FAST.0, FAST.1
        ),
        "≥ 1,450 · 420 a second",
        &format!("{} · {} a second", it.messages.words(0), it.people.words(0)),
    );
    report.row(
        &format!("drain, ERP answers in {} ms, max_in_flight {}, {database}", SLOW.0, SLOW.1),
        "≥ 97 % of the possible calls",
        &format!("{} %", it.busy.words(1)),
    );
    report.row(
        &format!("ERP calls for one event, {database}: message of a linked contact · new person"),
        "≤ 2 · 7",
        &format!("{} · {}", it.calls[0].words(1), it.calls[1].words(1)),
    );
    report.row(
        &format!("answer of an accept to first ERP call, idle, {database}"),
        "p99 ≤ 5 ms",
        &format!("p99 {:.0} ms · median {} ms", it.delays.quantile(0.99), it.delays.words(0)),
    );
    report.row(
        &format!("accept to confirmed, 200 a second, ERP answers in {} ms, {database}", FAST.0),
        "p99 ≤ 60 ms",
        &format!("{} ms", it.confirmed.words(0)),
    );
}

async fn simulator(latency_ms: u64) -> Outcome<Running> {
    let settings = Settings { latency_ms, ..Settings::default() };
    Ok(simulator::start(SimConfig { settings, ..SimConfig::default() }).await?)
}

fn last_call(erp: &Running) -> u64 {
    erp.handle.calls(0).last().map_or(0, |call| call.n)
}

/// Calls that a slow ERP got, in per cent of those that `max_in_flight` allows.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
async fn kept_busy(options: &Options, databases: &Databases<'_>, database: Database) -> Outcome<f64> {
    let ledger = databases.fresh(database).await?;
    let store = ledgers::open(&ledger.url).await?;
    ledgers::accept(&store, Kind::Promotion, 0, PEOPLE).await?;
    store.close().await;
    let (latency_ms, max_in_flight) = SLOW;
    let erp = simulator(latency_ms).await?;
    let _bridge = Program::bridge(Setup::dispatching(&ledger.url, &erp.base_url(), max_in_flight))?;
    tokio::time::sleep(SETTLING).await;
    let before = last_call(&erp);
    tokio::time::sleep(options.span()).await;
    let calls = erp.handle.calls(before).len() as f64;
    erp.stop().await;
    let possible = options.span().as_secs_f64() * 1e3 / latency_ms as f64 * max_in_flight as f64;
    Ok(calls / possible * 100.0)
}

/// Events of this kind that succeed in a second while a fast ERP answers, and the calls for each.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
async fn drain(options: &Options, databases: &Databases<'_>, database: Database, kind: Kind) -> Outcome<(f64, f64)> {
    let ledger = databases.fresh(database).await?;
    let erp = simulator(0).await?;
    if kind == Kind::Message {
        link(&ledger.url, &erp).await?;
    }
    let store = ledgers::open(&ledger.url).await?;
    let parts = if kind == Kind::Message { vec![LINKED; MESSAGES / LINKED] } else { vec![PEOPLE] };
    for (part, contacts) in parts.into_iter().enumerate() {
        ledgers::accept(&store, kind, part * CONTACTS, contacts).await?;
    }
    let backlog = store.backlog();
    store.close().await;
    erp.handle.change_settings(|settings| settings.latency_ms = FAST.0);
    let bridge = Program::bridge(Setup::dispatching(&ledger.url, &erp.base_url(), FAST.1))?;
    tokio::time::sleep(SETTLING).await;
    let (begin, first_call) = (Clock::system().now().0, last_call(&erp));
    tokio::time::sleep(options.span()).await;
    let (end, calls) = (Clock::system().now().0, erp.handle.calls(first_call).len() as f64);
    drop(bridge);
    erp.stop().await;
    let succeeded = ledgers::succeeded(&ledger.url).await?;
    let count = succeeded.iter().filter(|(_, at)| (begin..end).contains(at)).count() as f64;
    if count == 0.0 || count >= backlog as f64 {
        return Err(format!("{count} of {backlog} events drained: none, or all of them").into());
    }
    Ok((count / options.span().as_secs_f64(), calls / count))
}

/// Links the contacts whose messages drain, by promoting them.
async fn link(url: &str, erp: &Running) -> Outcome<()> {
    let store = ledgers::open(url).await?;
    ledgers::accept(&store, Kind::Promotion, 0, LINKED).await?;
    store.close().await;
    let _bridge = Program::bridge(Setup::dispatching(url, &erp.base_url(), FAST.1))?;
    while ledgers::succeeded(url).await?.len() < LINKED {
        tokio::time::sleep(REST).await;
    }
    Ok(())
}

/// The p99 of the milliseconds from a new person's accept to the end of its event.
async fn confirmed(options: &Options, databases: &Databases<'_>, database: Database) -> Outcome<f64> {
    let ledger = databases.fresh(database).await?;
    let erp = simulator(FAST.0).await?;
    let bridge = Program::bridge(Setup::dispatching(&ledger.url, &erp.base_url(), FAST.1))?;
    // The login and the choices.
    post(bridge.address(), CONTACTS - 1)?;
    tokio::time::sleep(SETTLING).await;
    let ((pace, connections), span) = (ORDINARY, options.span());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of requests")]
    let requests = Requests::promotions(0, (pace * (span + WARM_UP).as_secs_f64()) as usize + 1)?;
    let load = Load { address: bridge.address(), connections, span, pace: Some(pace) };
    let answers = load::run(load, requests).await?;
    let posted = usize::try_from(answers.total)? + 1;
    let succeeded = all_succeeded(&ledger.url, posted).await?;
    drop(bridge);
    erp.stop().await;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a moment")]
    let mut took: Series = succeeded.iter().skip(1).map(|(received, finished)| (finished - received) as f64).collect();
    for _ in succeeded.len()..posted {
        took.push(CONFIRMATION.as_secs_f64() * 1e3);
    }
    Ok(took.quantile(0.99))
}

/// The events that succeeded, as soon as they are this many or the time for it is over.
async fn all_succeeded(url: &str, count: usize) -> Outcome<Vec<(i64, i64)>> {
    let end = Instant::now() + CONFIRMATION;
    loop {
        let succeeded = ledgers::succeeded(url).await?;
        if succeeded.len() >= count || Instant::now() >= end {
            return Ok(succeeded);
        }
        tokio::time::sleep(SETTLING).await;
    }
}

/// How many milliseconds after its answer an event's first call reaches the ERP.
async fn single_events(databases: &Databases<'_>, database: Database, delays: &mut Series) -> Outcome<()> {
    let ledger = databases.fresh(database).await?;
    let erp = simulator(0).await?;
    let bridge = Program::bridge(Setup::dispatching(&ledger.url, &erp.base_url(), SLOW.1))?;
    // The first event waits for the login and the choices.
    delay(&erp, bridge.address(), 0).await?;
    for number in 1..SINGLE_EVENTS {
        delays.push(delay(&erp, bridge.address(), number).await?);
    }
    erp.stop().await;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a moment")]
async fn delay(erp: &Running, bridge: SocketAddr, number: usize) -> Outcome<f64> {
    let before = last_call(erp);
    tokio::task::spawn_blocking(move || post(bridge, number)).await??;
    let answered = Clock::system().now();
    tokio::time::sleep(REST).await;
    let call = erp.handle.calls(before).into_iter().next().ok_or("an event did not reach the ERP in time")?;
    let called = Millis::from(call.time.parse::<jiff::Timestamp>()?);
    Ok(called.since(answered).as_millis() as f64)
}
