//! Claiming and settling 32 events, at a small and a large backlog in turn.

use std::time::{Duration, Instant};

use erp_bridge::store::{Advance, Settlement, Store};
use futures::future::try_join_all;

use super::{
    Options, Outcome,
    ledgers::{self, Kind, Ledgers},
    report::{Report, Series},
};

/// Events of one claim.
const BATCH: usize = 32;
/// Claims at each backlog in one round.
const CLAIMS: usize = 60;

pub(crate) async fn measure(options: &Options, ledgers: &[Ledgers], report: &mut Report) -> Outcome<()> {
    for ledgers in ledgers {
        let small = ledgers::open(&ledgers.small.fresh.url).await?;
        let large = ledgers::open(&ledgers.large.fresh.url).await?;
        let (mut at_small, mut at_large) = (Series::default(), Series::default());
        for round in 0..options.rounds {
            let (mut took_small, mut took_large) = (Series::default(), Series::default());
            for claim in 0..CLAIMS {
                let first = (round * CLAIMS + claim) * BATCH;
                took_small.push(one(&small, first).await?.as_secs_f64() * 1e3);
                took_large.push(one(&large, first).await?.as_secs_f64() * 1e3);
            }
            at_small.push(took_small.median());
            at_large.push(took_large.median());
        }
        small.close().await;
        large.close().await;
        let (database, few, many) = (ledgers.database, ledgers.small.events, ledgers.large.events);
        let (ratio, large, small) = (at_large.over(&at_small).words(2), at_large.words(1), at_small.words(1));
        report.row(
            &format!("claim and settle {BATCH} events, {database}: {many} waiting against {few}"),
            database.of("≤ 4 ms, ≤ 1.3 ×", "≤ 3 ms, ≤ 1.3 ×"),
            &format!("{ratio} × · {large} ms against {small} ms"),
        );
    }
    Ok(())
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
