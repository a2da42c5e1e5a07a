//! What a transaction of the worker's side costs: claiming and settling so many events, as a worker with as many in hand
//! does whose runs end together.

use std::time::Instant;

use erp_bridge::{
    clock::Clock,
    config::DatabaseConfig,
    store::{Advance, Intake, NewEvent, Settlement, Store},
};
use futures::{TryStreamExt, future::try_join_all, stream};

use super::{Database, Options, Outcome, postgres::Cluster, series::Series};

/// Events of a claim, the fewest and the most: what one of them costs, and what each further one adds.
const FEW: usize = 1;
const MANY: usize = 32;
const CONTACTS: usize = 10_000;
/// Claims of one round.
const CLAIMS: usize = 60;
/// Accepts under way at once while a ledger is filled.
const AT_ONCE: usize = 1_024;

/// Microseconds of a transaction, and of each event in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) transaction: f64,
    pub(crate) row: f64,
}

/// Measures a database, prints what it finds, and answers it.
#[expect(clippy::cast_precision_loss, reason = "small counts")]
pub(crate) async fn measure(options: &Options, database: Database, cluster: &Cluster) -> Outcome<Cost> {
    let dir = tempfile::tempdir()?;
    let store = open(&database.fresh(dir.path(), cluster).await).await?;
    fill(&store, (0..options.backlog).map(promoted)).await?;
    let (mut few, mut many) = (Series::new(), Series::new());
    for _ in 0..options.rounds {
        few.push(claims(&store, FEW).await?);
        many.push(claims(&store, MANY).await?);
    }
    store.close().await;
    println!(
        "claim and settle, {database:?}, {} waiting: {FEW} event in {} ms, {MANY} in {} ms",
        options.backlog,
        few.words(2),
        many.words(2)
    );
    // Both are two transactions: a claim, and the group of its ends.
    let (few, many) = (few.median() * 1e3 / 2.0, many.median() * 1e3 / 2.0);
    let row = (many - few) / (MANY - FEW) as f64;
    Ok(Cost { transaction: (few - row).max(0.0), row: row.max(0.0) })
}

/// The median of claims of so many, in milliseconds; the backlog is filled up again off the clock.
async fn claims(store: &Store, batch: usize) -> Outcome<f64> {
    let mut took = Series::new();
    for claim in 0..CLAIMS {
        let began = Instant::now();
        let claimed = store.claim(batch, std::time::Duration::from_secs(60)).await?;
        let count = claimed.len();
        let settle = |lease| store.settle(lease, Settlement::succeeded(Advance::default()));
        try_join_all(claimed.into_iter().map(|one| settle(one.lease))).await?;
        took.push(began.elapsed().as_secs_f64() * 1e3);
        if count != batch {
            return Err(format!("{count} events were claimed instead of {batch}").into());
        }
        fill(store, (claim * batch..(claim + 1) * batch).map(promoted)).await?;
    }
    Ok(took.median())
}

fn promoted(number: usize) -> NewEvent {
    event(format!("bench-{:05}", number % CONTACTS), "contact.promoted", "{}".to_owned())
}

/// Opens a ledger.
pub(crate) async fn open(url: &str) -> Outcome<Store> {
    let config = DatabaseConfig { url: url.parse()?, ..DatabaseConfig::default() };
    Ok(Store::open(&config, Clock::system(), true).await?)
}

/// Lets a ledger accept events.
pub(crate) async fn fill(store: &Store, events: impl Iterator<Item = NewEvent>) -> Outcome<()> {
    let accept = async |event| store.accept(event).await.map(drop);
    stream::iter(events.map(Ok)).try_for_each_concurrent(AT_ONCE, accept).await?;
    Ok(())
}

/// An event that waits for its contact's turn.
pub(crate) fn event(contact_id: String, kind: &str, payload: String) -> NewEvent {
    NewEvent {
        webhook_id: Some(format!("evt_{}", uuid::Uuid::new_v4().simple())),
        kind: kind.to_owned(),
        contact_id: Some(contact_id),
        occurred_at: None,
        payload,
        deal_id: None,
        intake: Intake::Queue,
        warnings: None,
        actor: "webhook".to_owned(),
        force: false,
        sequence: None,
        trace_parent: None,
        deed: None,
    }
}
