//! Claiming and settling 32 events, at a small and a large backlog in turn.

use std::time::{Duration, Instant};

use erp_bridge::store::{Advance, Settlement, Store};
use futures::future::try_join_all;

use super::{
    Options, Outcome,
    ledgers::{self, Ledgers},
    report::{Report, Series},
};

/// Events of one claim.
const BATCH: usize = 32;
/// Claims at each backlog in one round.
const CLAIMS: usize = 60;

pub(crate) async fn measure(options: &Options, ledgers: &[Ledgers], report: &mut Report) -> Outcome<()> {
    for ledgers in ledgers {
        let (small, large) = (ledgers::open(&ledgers.small.url).await?, ledgers::open(&ledgers.large.url).await?);
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
        report.row(
            &format!(
                "claim and settle {BATCH} events, {}: {} waiting against {}",
                ledgers.database, ledgers.large.events, ledgers.small.events
            ),
            "≤ 1.3 ×",
            &format!(
                "{} × · {} ms against {} ms",
                at_large.over(&at_small).words(2),
                at_large.words(1),
                at_small.words(1)
            ),
        );
    }
    Ok(())
}

/// Claims and settles one batch; the backlog is filled up again afterwards, off the clock.
async fn one(store: &Store, first: usize) -> Outcome<Duration> {
    let began = Instant::now();
    let claimed = store.claim(BATCH, Duration::from_secs(60)).await?;
    let count = claimed.len();
    // As where a worker has them in hand: their ends come together.
    let settle = |lease| store.settle(lease, Settlement::succeeded(Advance::default()));
    try_join_all(claimed.into_iter().map(|event| settle(event.lease))).await?;
    let took = began.elapsed();
    if count != BATCH {
        return Err(format!("{count} events were claimed instead of {BATCH}").into());
    }
    ledgers::accept(store, first, BATCH).await?;
    Ok(took)
}
