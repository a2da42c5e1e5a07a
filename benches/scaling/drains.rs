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
    costs::{event, fill, open},
    postgres::Cluster,
    series::Series,
};

/// The rate counts between these shares of the backlog: the start and the last stragglers are no part of it.
const FROM: f64 = 0.15;
const TO: f64 = 0.9;
const LOOK: Duration = Duration::from_millis(20);
/// How long a drain may take.
const LIMIT: Duration = Duration::from_secs(120);

/// At most so many milliseconds would the ERP have to be called for the new people of a drain, if nothing else took time …
const SPAN: usize = 4_000;
/// … with so many calls for each; but there are so many people for every place at the ERP.
const CALLS: usize = 7;
const PEOPLE_PER_PLACE: usize = 4;
/// An ERP that takes so many milliseconds sets the pace alone: one round tells it.
const SLOW: u64 = 500;

/// What drains came to, events a second and microseconds of the bridges' processor time each, round by round.
#[derive(Debug, Default, Clone)]
pub(crate) struct Rates {
    pub(crate) people: Series,
    pub(crate) messages: Series,
    pub(crate) people_us: Series,
    pub(crate) messages_us: Series,
}

/// How a backlog is drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) replicas: usize,
    /// Milliseconds that the ERP takes for an answer.
    pub(crate) latency: u64,
    /// `erp.max_in_flight` of each bridge.
    pub(crate) in_flight: usize,
}

impl Setting {
    /// How many new people are drained at most; fewer where the ERP is slow.
    fn people(&self, most: usize) -> usize {
        let places = self.replicas * self.in_flight;
        let latency = usize::try_from(self.latency.max(1)).unwrap_or(usize::MAX);
        (SPAN * places / latency.saturating_mul(CALLS)).max(PEOPLE_PER_PLACE * places).min(most)
    }
}

/// Drains with this build and with those it is compared with, in turn, in every setting; prints what it finds, and answers
/// that of this one for each setting.
pub(crate) async fn measure(
    options: &Options,
    database: Database,
    settings: &[Setting],
    cluster: &Cluster,
) -> Outcome<Vec<Rates>> {
    let mut programs = vec![PathBuf::from(env!("CARGO_BIN_EXE_erp-bridge"))];
    programs.extend(options.against.iter().cloned());
    let mut measured = vec![vec![Rates::default(); programs.len()]; settings.len()];
    for round in 0..options.rounds {
        for (setting, rates) in settings.iter().zip(&mut measured) {
            if round > 0 && setting.latency >= SLOW {
                continue;
            }
            for (program, rates) in programs.iter().zip(rates) {
                drain(options, program, database, *setting, cluster, rates).await?;
            }
        }
    }
    for (setting, rates) in settings.iter().zip(&measured) {
        for (program, rates) in programs.iter().zip(rates) {
            println!(
                "drain, {database:?}, {setting:?}, {}: new people {} a second, {} µs of the bridges each · messages {} a \
                 second, {} µs",
                program.display(),
                rates.people.words(1),
                rates.people_us.words(0),
                rates.messages.words(1),
                rates.messages_us.words(0),
            );
        }
    }
    Ok(measured.into_iter().map(|mut rates| rates.swap_remove(0)).collect())
}

async fn drain(
    options: &Options,
    program: &Path,
    database: Database,
    setting: Setting,
    cluster: &Cluster,
    rates: &mut Rates,
) -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    let url = database.fresh(dir.path(), cluster).await;
    let settings = Settings { latency_ms: setting.latency, ..Settings::default() };
    let erp = simulator::start(SimConfig { settings, ..SimConfig::default() }).await?;
    let start = || -> Outcome<Vec<Bridge>> {
        (0..setting.replicas).map(|_| Bridge::start(program, &url, &erp.base_url(), setting.in_flight)).collect()
    };
    let people = setting.people(options.people);
    let store = open(&url).await?;
    fill(&store, (0..people).map(|number| event(id(number), "contact.promoted", promotion(number)))).await?;
    let (rate, each) = timed(&url, 0, people, start()?).await?;
    rates.people.push(rate);
    rates.people_us.push(each);
    let count = people * options.messages;
    let messages = (0..count).map(|number| (number % people, number));
    fill(&store, messages.map(|(person, number)| event(id(person), "message.logged", message(person, number)))).await?;
    store.close().await;
    let (rate, each) = timed(&url, people, count, start()?).await?;
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
