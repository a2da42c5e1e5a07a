//! Ledgers with a backlog: filled through the door's own call, a small and a large one on each database.

use std::sync::Arc;

use erp_bridge::{
    clock::Clock,
    config::DatabaseConfig,
    event::Status,
    store::{Accepted, Intake, NewEvent, Store},
};
use futures::{TryStreamExt, stream};
use tempfile::TempDir;

use super::{
    Options, Outcome,
    load::{CONTACTS, body},
    postgres::Cluster,
};

/// Accepts under way at once while a ledger is filled.
const AT_ONCE: usize = 1_024;
/// Events of the small ledger, with which the large one is compared.
const SMALL: usize = 10_000;
/// Events of the ledger between them.
const MIDDLE: usize = 100_000;

/// A filled ledger.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) url: String,
    pub(crate) events: usize,
}

/// The filled ledgers of one database.
#[derive(Debug)]
pub(crate) struct Ledgers {
    pub(crate) database: &'static str,
    pub(crate) small: Ledger,
    pub(crate) middle: Ledger,
    pub(crate) large: Ledger,
    _dir: Option<TempDir>,
}

/// Fills them.
pub(crate) async fn fill(options: &Options, cluster: &Cluster) -> Outcome<Vec<Ledgers>> {
    let dir = tempfile::tempdir()?;
    let sqlite = |events: usize| format!("sqlite://{}/{events}.db", dir.path().display());
    let (small, middle) = (SMALL.min(options.large), MIDDLE.min(options.large));
    let sqlite = Ledgers {
        database: "SQLite",
        small: filled(sqlite(small), small).await?,
        middle: filled(sqlite(middle + 1), middle).await?,
        large: filled(sqlite(options.large + 2), options.large).await?,
        _dir: Some(dir),
    };
    let postgres = Ledgers {
        database: "PostgreSQL",
        small: filled(cluster.database().await, small).await?,
        middle: filled(cluster.database().await, middle).await?,
        large: filled(cluster.database().await, options.large).await?,
        _dir: None,
    };
    Ok(vec![postgres, sqlite])
}

async fn filled(url: String, events: usize) -> Outcome<Ledger> {
    let store = open(&url).await?;
    accept(&store, 0, events).await?;
    store.close().await;
    println!("filled a ledger with {events} waiting events ({})", url.split(':').next().unwrap_or_default());
    Ok(Ledger { url, events })
}

/// Opens a ledger.
pub(crate) async fn open(url: &str) -> Outcome<Arc<Store>> {
    let config = DatabaseConfig { url: url.to_owned().into(), ..DatabaseConfig::default() };
    Ok(Arc::new(Store::open(&config, Clock::system(), true).await?))
}

/// Lets `store` accept `count` events from number `first` on.
pub(crate) async fn accept(store: &Store, first: usize, count: usize) -> Outcome<()> {
    stream::iter((first..first + count).map(Ok)).try_for_each_concurrent(AT_ONCE, |number| one(store, number)).await
}

async fn one(store: &Store, number: usize) -> Outcome<()> {
    let event = NewEvent {
        webhook_id: Some(format!("evt_{}", uuid::Uuid::new_v4().simple())),
        kind: "contact.promoted".to_owned(),
        contact_id: Some(format!("bench-{:05}", number % CONTACTS)),
        occurred_at: None,
        payload: body(number),
        intake: Intake::Queue,
        warnings: None,
        actor: "webhook".to_owned(),
        force: false,
        sequence: None,
        trace_parent: None,
        deed: None,
    };
    match store.accept(event).await? {
        Accepted::New { status: Status::Queued, .. } => Ok(()),
        other => Err(format!("an event became {other:?}").into()),
    }
}
