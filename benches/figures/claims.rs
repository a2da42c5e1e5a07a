//! Claiming and settling 32 events, at a small, a middle and a large backlog in turn, on one database and the other in turn.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use erp_bridge::store::{Advance, Settlement, Store};
use futures::future::{join_all, try_join_all};

use super::{
    Options, Outcome,
    ledgers::{self, Kind, Ledgers},
    plots::{Chart, Line},
    report::Report,
    series::Series,
};

/// Events of one claim.
const BATCH: usize = 32;
/// Claims at each backlog in one round.
const CLAIMS: usize = 60;

/// One database: its ledgers, and the milliseconds of each.
struct Contestant<'a> {
    ledgers: &'a Ledgers,
    stores: Vec<Arc<Store>>,
    measured: [Series; 3],
}

impl Contestant<'_> {
    /// A round at all of its ledgers.
    async fn round(&mut self, round: usize) -> Outcome<()> {
        let mut took = [const { Series::new() }; 3];
        for claim in 0..CLAIMS {
            let first = (round * CLAIMS + claim) * BATCH;
            for (store, took) in self.stores.iter().zip(&mut took) {
                took.push(one(store, first).await?.as_secs_f64() * 1e3);
            }
        }
        self.measured.iter_mut().zip(&took).for_each(|(measured, took)| measured.push(took.median()));
        Ok(())
    }
}

pub(crate) async fn measure(options: &Options, ledgers: &[Ledgers], report: &mut Report) -> Outcome<()> {
    let mut contestants = Vec::with_capacity(ledgers.len());
    for ledgers in ledgers {
        let stores = try_join_all(ledgers.all().map(|ledger| ledgers::open(&ledger.fresh.url))).await?;
        contestants.push(Contestant { ledgers, stores, measured: Default::default() });
    }
    for round in 0..options.rounds {
        for contestant in &mut contestants {
            contestant.round(round).await?;
        }
    }
    let mut lines = Vec::new();
    for Contestant { ledgers, stores, measured } in &contestants {
        join_all(stores.iter().map(|store| store.close())).await;
        let (database, [few, _, many]) = (ledgers.database, ledgers.all().map(|ledger| ledger.events));
        let [small, _, large] = measured;
        let (ratio, at_small, at_large) = (large.over(small).words(2), small.words(1), large.words(1));
        report.row(
            &format!("claim and settle {BATCH} events, {database}: {many} waiting against {few}"),
            database.of("≤ 4 ms, ≤ 1.3 ×", "≤ 3 ms, ≤ 1.3 ×"),
            &format!("{ratio} × · {at_large} ms against {at_small} ms"),
        );
        lines.push(Line::new(database.to_string(), measured.iter().map(Series::median)));
    }
    report.plot(
        "claims",
        &Chart {
            title: format!("Claiming and settling {BATCH} events"),
            x: "events that wait".to_owned(),
            y: "milliseconds".to_owned(),
            places: ledgers::sizes(ledgers),
            is_logarithmic: false,
            lines,
        },
    )
}

/// Claims a batch and settles all of it at once, as workers do; the backlog is filled up again afterwards, off the clock.
async fn one(store: &Store, first: usize) -> Outcome<Duration> {
    let began = Instant::now();
    let claimed = store.claim(BATCH, Duration::from_secs(60)).await?;
    let count = claimed.len();
    let settled = claimed.into_iter().map(|event| store.settle(event.lease, Settlement::succeeded(Advance::default())));
    try_join_all(settled).await?;
    let took = began.elapsed();
    if count != BATCH {
        return Err(format!("{count} events were claimed instead of {BATCH}").into());
    }
    ledgers::accept(store, Kind::Promotion, first, BATCH).await?;
    Ok(took)
}
