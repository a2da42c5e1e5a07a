//! Draining a backlog: first of people who are new to the ERP, then of their messages.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use erp_bridge::simulator::{self, Settings, SimConfig};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, SqliteConnection};

use super::{
    Database, Options, Outcome,
    bridge::Bridge,
    claims::{event, fill, open},
    median,
    postgres::Cluster,
};

/// The rate counts between these shares of the backlog: the start and the last stragglers are no part of it.
const FROM: f64 = 0.15;
const TO: f64 = 0.9;
const LOOK: Duration = Duration::from_millis(20);
/// How long a drain may take.
const LIMIT: Duration = Duration::from_secs(120);

/// What one drain came to.
#[derive(Default, Clone)]
struct Rates {
    /// Events a second.
    people: Vec<f64>,
    messages: Vec<f64>,
    /// Microseconds of the bridges' processor time an event.
    people_us: Vec<f64>,
    messages_us: Vec<f64>,
}

pub(crate) async fn measure(options: &Options, cluster: &Cluster) -> Outcome<()> {
    let mut programs = vec![PathBuf::from(env!("CARGO_BIN_EXE_erp-bridge"))];
    programs.extend(options.against.iter().cloned());
    for database in options.databases() {
        for &replicas in options.replicas.iter().filter(|replicas| **replicas == 1 || database == Database::Postgres) {
            let mut rates = vec![Rates::default(); programs.len()];
            for _ in 0..options.rounds {
                for (program, rates) in programs.iter().zip(&mut rates) {
                    drain(options, program, database, replicas, cluster, rates).await?;
                }
            }
            for (program, rates) in programs.iter().zip(&rates) {
                println!(
                    "drain, {database:?}, {replicas} × {}: new people {} a second, {} µs of the bridges each · messages {} a \
                     second, {} µs (ERP {} ms, max_in_flight {})",
                    program.display(),
                    median(&rates.people),
                    median(&rates.people_us),
                    median(&rates.messages),
                    median(&rates.messages_us),
                    options.latency,
                    options.in_flight,
                );
            }
        }
    }
    Ok(())
}

async fn drain(
    options: &Options,
    program: &Path,
    database: Database,
    replicas: usize,
    cluster: &Cluster,
    rates: &mut Rates,
) -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    let url = database.fresh(dir.path(), cluster).await;
    let settings = Settings { latency_ms: options.latency, ..Settings::default() };
    let erp = simulator::start(SimConfig { settings, ..SimConfig::default() }).await?;
    let start = || -> Outcome<Vec<Bridge>> {
        (0..replicas).map(|_| Bridge::start(program, &url, &erp.base_url(), options)).collect()
    };
    let people = (0..options.people).map(|number| event(id(number), "contact.promoted", promotion(number)));
    let store = open(&url).await?;
    fill(&store, people).await?;
    let (rate, each) = timed(&url, 0, options.people, start()?).await?;
    rates.people.push(rate);
    rates.people_us.push(each);
    let count = options.people * options.messages;
    fill(
        &store,
        (0..count).map(|number| {
            event(id(number % options.people), "message.logged", message(number % options.people, number))
        }),
    )
    .await?;
    store.close().await;
    let (rate, each) = timed(&url, options.people, count, start()?).await?;
    rates.messages.push(rate);
    rates.messages_us.push(each);
    erp.stop().await;
    Ok(())
}

/// Events a second, and the bridges' processor time for each, until `count` more than `before` have ended.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
async fn timed(url: &str, before: usize, count: usize, bridges: Vec<Bridge>) -> Outcome<(f64, f64)> {
    let mut ended = Ended::open(url).await?;
    let used = || bridges.iter().map(Bridge::processor_seconds).sum::<Outcome<f64>>();
    let share = |done: usize| done.saturating_sub(before) as f64 / count as f64;
    let (mut from, begun) = (None, Instant::now());
    loop {
        let done = ended.count().await?;
        match from {
            None if share(done) >= FROM => from = Some((Instant::now(), done, used()?)),
            Some((at, first, used_before)) if share(done) >= TO => {
                let events = (done - first) as f64;
                return Ok((events / at.elapsed().as_secs_f64(), (used()? - used_before) * 1e6 / events));
            }
            _ if begun.elapsed() > LIMIT => return Err(format!("{done} of {} have ended", before + count).into()),
            _ => tokio::time::sleep(LOOK).await,
        }
    }
}

/// Counts events that have ended, on a connection of its own.
enum Ended {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Ended {
    async fn open(url: &str) -> Outcome<Self> {
        Ok(if url.starts_with("sqlite") {
            Self::Sqlite(SqliteConnection::connect(url).await?)
        } else {
            Self::Postgres(PgConnection::connect(url).await?)
        })
    }

    async fn count(&mut self) -> Outcome<usize> {
        let sql = "select count(*) from events where finished_at is not null";
        let count: i64 = match self {
            Self::Sqlite(connection) => sqlx::query_scalar(sql).fetch_one(connection).await?,
            Self::Postgres(connection) => sqlx::query_scalar(sql).fetch_one(connection).await?,
        };
        Ok(usize::try_from(count)?)
    }
}

fn id(number: usize) -> String {
    format!("bench-{number:05}")
}

fn promotion(number: usize) -> String {
    let contact = json!({
        "id": id(number), "name": format!("张{number}伟"), "phone": format!("138{number:08}"), "phone_verified": true,
        "wechat_id": format!("wx_{number}"),
    });
    let thread = json!({ "id": "t1", "score": 88.5, "bucket": "WHITE", "previous_bucket": "GRAY" });
    body("contact.promoted", &json!({ "contact": contact, "thread": thread }))
}

fn message(person: usize, number: usize) -> String {
    let signal = json!({
        "id": format!("s{number}"), "content": format!("第{number}句：你好，想了解一下价格，什么时候方便通话？"),
        "direction": "inbound", "sent_at": "2026-11-23T15:04:05+08:00",
    });
    body("message.logged", &json!({ "contact": { "id": id(person) }, "signal": signal }))
}

fn body(kind: &str, data: &Value) -> String {
    json!({ "type": kind, "timestamp": "2026-11-23T15:00:00+08:00", "data": data }).to_string()
}
