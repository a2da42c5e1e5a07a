//! Claiming and settling 32 events, as a worker with 32 in hand does: the ends come together.

use std::time::{Duration, Instant};

use erp_bridge::{
    clock::Clock,
    config::DatabaseConfig,
    store::{Advance, Intake, NewEvent, Settlement, Store},
};
use futures::{TryStreamExt, future::try_join_all, stream};

use super::{Options, Outcome, median, postgres::Cluster};

const BATCH: usize = 32;
const CONTACTS: usize = 10_000;
/// Claims of one round.
const CLAIMS: usize = 60;
/// Accepts under way at once while a ledger is filled.
const AT_ONCE: usize = 1_024;

pub(crate) async fn measure(options: &Options, cluster: &Cluster) -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    for database in options.databases() {
        let store = open(&database.fresh(dir.path(), cluster).await).await?;
        let promoted = (0..options.backlog).map(|number| event(contact(number), "contact.promoted", "{}".into()));
        fill(&store, promoted).await?;
        let mut rounds = Vec::new();
        for round in 0..options.rounds {
            let mut took = Vec::new();
            for claim in 0..CLAIMS {
                took.push(one(&store).await?.as_secs_f64() * 1e3);
                let first = (round * CLAIMS + claim) * BATCH;
                let again =
                    (first..first + BATCH).map(|number| event(contact(number), "contact.promoted", "{}".into()));
                fill(&store, again).await?;
            }
            took.sort_by(f64::total_cmp);
            rounds.push(took[CLAIMS / 2]);
        }
        println!("claim and settle {BATCH} of {}, {database:?}: {} ms", options.backlog, median(&rounds));
        store.close().await;
    }
    Ok(())
}

async fn one(store: &Store) -> Outcome<Duration> {
    let began = Instant::now();
    let claimed = store.claim(BATCH, Duration::from_secs(60)).await?;
    let count = claimed.len();
    try_join_all(claimed.into_iter().map(|one| store.settle(one.lease, Settlement::succeeded(Advance::default()))))
        .await?;
    if count != BATCH {
        return Err(format!("{count} events were claimed instead of {BATCH}").into());
    }
    Ok(began.elapsed())
}

fn contact(number: usize) -> String {
    format!("bench-{:05}", number % CONTACTS)
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
        intake: Intake::Queue,
        warnings: None,
        actor: "webhook".to_owned(),
        force: false,
        sequence: None,
        trace_parent: None,
        deed: None,
    }
}
