//! Memory and start of the real program, on an empty ledger and on filled ones, while it dispatches to a simulator.

use std::time::{Duration, Instant};

use erp_bridge::simulator::{self, Settings, SimConfig};

use super::{
    Options, Outcome,
    bridge::{Program, Setup, post},
    ledgers::Ledgers,
    postgres::Cluster,
    report::{Report, Series},
};

/// How long a bridge works before its memory is read.
const WORKED: Duration = Duration::from_secs(3);
/// Number of the first event that is posted here; beyond all that a ledger was filled with.
const FIRST: usize = 100_000_000;

pub(crate) async fn measure(
    options: &Options,
    cluster: &Cluster,
    ledgers: &[Ledgers],
    report: &mut Report,
) -> Outcome<()> {
    let settings = Settings { latency_ms: 50, ..Settings::default() };
    let erp = simulator::start(SimConfig { settings, ..SimConfig::default() }).await?;
    for ledgers in ledgers {
        let (mut memory, mut start) = ([const { Series::new() }; 3], [const { Series::new() }; 3]);
        for round in 0..options.rounds {
            let dir = tempfile::tempdir()?;
            let empty = if ledgers.database == "SQLite" {
                format!("sqlite://{}/ledger.db", dir.path().display())
            } else {
                cluster.database().await
            };
            for (place, url) in [&empty, &ledgers.middle.url, &ledgers.large.url].into_iter().enumerate() {
                let began = Instant::now();
                let bridge = Program::bridge(Setup { database: url, erp: Some(&erp.base_url()) })?;
                post(bridge.addresses[0], FIRST + round).await?;
                start[place].push(began.elapsed().as_secs_f64());
                tokio::time::sleep(WORKED).await;
                memory[place].push(bridge.resident_mb()?);
            }
        }
        let (database, large) = (ledgers.database, ledgers.large.events);
        report.row(
            &format!("memory, {database}: idle · {} waiting · {large} waiting", ledgers.middle.events),
            "≤ 30 · 60 · 80 MB",
            &format!("{} MB", memory.each_ref().map(|series| series.words(0)).join(" · ")),
        );
        report.row(
            &format!("start to first accepted webhook, {database}: empty · {large} events"),
            "≤ 0.3 · 1 s",
            &format!("{} · {} s", start[0].words(2), start[2].words(2)),
        );
    }
    erp.stop().await;
    Ok(())
}
