//! Memory and start of the real program, on an empty ledger and on filled ones, while it dispatches to a simulator, on one
//! database and the other in turn.

use std::time::{Duration, Instant};

use erp_bridge::simulator::{self, Settings, SimConfig};

use super::{
    Options, Outcome,
    bridge::{Program, Setup, post},
    databases::{Database, Databases},
    ledgers::{self, Ledgers},
    load::{self, Load, WARM_UP},
    plots::{Chart, Line},
    report::Report,
    requests::Requests,
    series::Series,
};

/// How long a bridge works before its memory is read.
const WORKED: Duration = Duration::from_secs(3);
/// Number of the first event that is posted here; beyond all that a ledger was filled with.
const FIRST: usize = 100_000_000;

/// ERP calls at once, and how long the ERP takes for one.
const ERP: (usize, u64) = (8, 50);
/// The load under which memory is watched: requests a second, and connections that send them.
const PACE: u32 = 5_000;
const CONNECTIONS: usize = 64;
/// The first stretch fills the caches and buffers that stay.
const STRETCHES: usize = 3;

/// What is measured on one database: on the empty ledger, and from the small one to the large one.
#[derive(Default)]
struct Measured {
    memory: [Series; 4],
    start: [Series; 4],
}

pub(crate) async fn measure(
    options: &Options,
    databases: &Databases<'_>,
    ledgers: &[Ledgers],
    report: &mut Report,
) -> Outcome<()> {
    let settings = Settings { latency_ms: ERP.1, ..Settings::default() };
    let erp = simulator::start(SimConfig { settings, ..SimConfig::default() }).await?;
    let mut measured: Vec<Measured> = ledgers.iter().map(|_| Measured::default()).collect();
    for round in 0..options.rounds {
        for (ledgers, measured) in ledgers.iter().zip(&mut measured) {
            let empty = databases.fresh(ledgers.database).await?;
            let filled = ledgers.all().map(|ledger| &ledger.fresh.url);
            for (place, url) in [&empty.url].into_iter().chain(filled).enumerate() {
                let began = Instant::now();
                let bridge = Program::bridge(Setup::dispatching(url, &erp.base_url(), ERP.0))?;
                post(bridge.address(), FIRST + round)?;
                measured.start[place].push(began.elapsed().as_secs_f64());
                tokio::time::sleep(WORKED).await;
                measured.memory[place].push(bridge.resident_mb()?);
            }
        }
    }
    erp.stop().await;
    let mut lines = Vec::new();
    for (ledgers, Measured { memory, start }) in ledgers.iter().zip(&measured) {
        let (database, middle, large) = (ledgers.database, ledgers.middle.events, ledgers.large.events);
        let [idle, _, at_middle, at_large] = memory.each_ref().map(|series| series.words(0));
        report.row(
            &format!("memory, {database}: idle · {middle} waiting · {large} waiting"),
            "≤ 30 · 45 · 50 MB",
            &format!("{idle} · {at_middle} · {at_large} MB"),
        );
        report.row(
            &format!("start to first accepted webhook, {database}: empty · {large} events"),
            "≤ 0.1 · 0.25 s",
            &format!("{} · {} s", start[0].words(2), start[3].words(2)),
        );
        lines.push(Line::new(database.to_string(), memory.iter().map(Series::median)));
    }
    report.plot("memory", &in_use(ledgers, lines))?;
    for ledgers in ledgers {
        let disk = ledgers::disk_mb(&ledgers.large.fresh.url).await?;
        let figure = format!("disk, {}: {} waiting events of 1 KB", ledgers.database, ledgers.large.events);
        report.row(&figure, "", &format!("{disk:.0} MB"));
    }
    for database in Database::BOTH {
        growth(options, databases, database, report).await?;
    }
    Ok(())
}

/// Resident memory against the backlog.
fn in_use(ledgers: &[Ledgers], lines: Vec<Line>) -> Chart {
    Chart {
        title: "Memory of the bridge".to_owned(),
        x: "events that wait".to_owned(),
        y: "MB".to_owned(),
        places: [vec!["none".to_owned()], ledgers::sizes(ledgers)].concat(),
        is_logarithmic: false,
        lines,
    }
}

/// What requests leave behind in memory while nobody scrapes.
async fn growth(options: &Options, databases: &Databases<'_>, database: Database, report: &mut Report) -> Outcome<()> {
    let ledger = databases.fresh(database).await?;
    let bridge = Program::bridge(Setup::storing(&ledger.url))?;
    let span = options.span() * 2;
    let count = usize::try_from(u64::from(PACE) * (span + WARM_UP).as_secs())? + 1;
    let mut memory = Vec::new();
    for stretch in 0..STRETCHES {
        let requests = tokio::task::spawn_blocking(move || Requests::promotions(stretch * count, count)).await??;
        let load = Load { address: bridge.address(), connections: CONNECTIONS, span, pace: Some(PACE.into()) };
        load::run(load, requests).await?;
        memory.push(bridge.resident_mb()?);
    }
    let figure = format!("memory, {database}: after {count} requests · {} requests", STRETCHES * count);
    report.row(&figure, "flat", &format!("{:.0} · {:.0} MB", memory[0], memory[STRETCHES - 1]));
    Ok(())
}
