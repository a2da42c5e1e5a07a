//! Ledgers with a backlog, filled through the door's own call; and what became of a ledger's events.

use std::sync::Arc;

use erp_bridge::{
    clock::Clock,
    config::DatabaseConfig,
    event::Status,
    store::{Accepted, Intake, NewEvent, Store},
};
use futures::{TryStreamExt, stream};
use sqlx::{Connection, PgConnection, SqliteConnection};

use super::{
    Options, Outcome,
    databases::{Database, Databases, Fresh},
    plots,
    requests::{contact, message, promotion},
};

/// Accepts under way at once while a ledger is filled.
const AT_ONCE: usize = 1_024;
/// Events of the small ledger, with which the large one is compared.
const SMALL: usize = 10_000;
/// Events of the ledger between them.
const MIDDLE: usize = 100_000;

/// A filled ledger.
pub(crate) struct Ledger {
    pub(crate) fresh: Fresh,
    pub(crate) events: usize,
}

/// The filled ledgers of one database.
pub(crate) struct Ledgers {
    pub(crate) database: Database,
    pub(crate) small: Ledger,
    pub(crate) middle: Ledger,
    pub(crate) large: Ledger,
}

impl Ledgers {
    /// From the small one to the large one.
    pub(crate) fn all(&self) -> [&Ledger; 3] {
        [&self.small, &self.middle, &self.large]
    }
}

/// How many events wait in each, for the axis of a plot.
pub(crate) fn sizes(ledgers: &[Ledgers]) -> Vec<String> {
    let size = |ledger: &Ledger| plots::number(plots::count(ledger.events));
    ledgers.first().map(|ledgers| ledgers.all().map(size).to_vec()).unwrap_or_default()
}

/// What is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Promotion,
    Message,
}

/// Fills them.
pub(crate) async fn fill(options: &Options, databases: &Databases<'_>) -> Outcome<Vec<Ledgers>> {
    let mut filled = Vec::new();
    for database in Database::BOTH {
        let ledger = async |events: usize| -> Outcome<Ledger> {
            let fresh = databases.fresh(database).await?;
            let store = open(&fresh.url).await?;
            accept(&store, Kind::Promotion, 0, events).await?;
            store.close().await;
            println!("filled a ledger with {events} waiting events ({database})");
            Ok(Ledger { fresh, events })
        };
        let (small, middle) = (SMALL.min(options.large), MIDDLE.min(options.large));
        let (small, middle, large) = (ledger(small).await?, ledger(middle).await?, ledger(options.large).await?);
        filled.push(Ledgers { database, small, middle, large });
    }
    Ok(filled)
}

/// Opens a ledger.
pub(crate) async fn open(url: &str) -> Outcome<Arc<Store>> {
    let config = DatabaseConfig { url: url.parse()?, ..DatabaseConfig::default() };
    Ok(Arc::new(Store::open(&config, Clock::system(), true).await?))
}

/// Lets `store` accept `count` events from number `first` on.
pub(crate) async fn accept(store: &Store, kind: Kind, first: usize, count: usize) -> Outcome<()> {
    let events = stream::iter((first..first + count).map(Ok));
    events.try_for_each_concurrent(AT_ONCE, |number| one(store, kind, number)).await
}

async fn one(store: &Store, kind: Kind, number: usize) -> Outcome<()> {
    let (kind, payload) = match kind {
        Kind::Promotion => ("contact.promoted", promotion(number)),
        Kind::Message => ("message.logged", message(number)),
    };
    let event = NewEvent {
        webhook_id: Some(format!("evt_{}", uuid::Uuid::new_v4().simple())),
        kind: kind.to_owned(),
        contact_id: Some(contact(number)),
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
    };
    match store.accept(event).await? {
        Accepted::New { status: Status::Queued, .. } => Ok(()),
        other => Err(format!("an event became {other:?}").into()),
    }
}

/// When events were received and when they succeeded, in milliseconds since the Unix epoch.
pub(crate) async fn succeeded(url: &str) -> Outcome<Vec<(i64, i64)>> {
    let sql = "select received_at, finished_at from events where status = 'succeeded' order by seq";
    Ok(if url.starts_with("postgres") {
        sqlx::query_as(sql).fetch_all(&mut PgConnection::connect(url).await?).await?
    } else {
        sqlx::query_as(sql).fetch_all(&mut SqliteConnection::connect(url).await?).await?
    })
}

/// What a ledger takes of the disk, in MB.
pub(crate) async fn disk_mb(url: &str) -> Outcome<f64> {
    let sql = "select pg_database_size(current_database())";
    let bytes: i64 = match url.strip_prefix("sqlite://") {
        Some(file) => i64::try_from(std::fs::metadata(file)?.len())?,
        None => sqlx::query_scalar(sql).fetch_one(&mut PgConnection::connect(url).await?).await?,
    };
    #[expect(clippy::cast_precision_loss, reason = "sizes stay far below 2^52")]
    Ok(bytes as f64 / 1_048_576.0)
}
