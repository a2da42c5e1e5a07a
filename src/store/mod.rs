//! The ledger: what the rooms ask of the database, written once for SQLite and PostgreSQL.
//!
//! The event row is the queue entry: accepting and enqueueing are one insert in one transaction ([`accept`]). A small
//! table of turns holds one row per contact with open events ([`turns`]); claiming reads that table only.

mod accept;
mod amend;
mod announcements;
mod audit;
mod background;
mod backup;
mod batch;
mod blocks;
mod bulk;
mod checkpoint;
mod clock_step;
mod conn;
mod console_sessions;
mod day;
mod db;
mod dialect;
mod erasure;
mod erp_state;
mod failures;
mod figures;
mod health;
mod instance_lock;
mod journal;
mod journal_group;
mod journal_writer;
mod latest;
mod links;
mod migrations;
mod name_marks;
mod name_search;
mod named;
mod not_admitted;
mod open;
mod operators;
mod outbox;
mod pages;
mod pauses;
mod people;
mod person_marks;
mod prepared;
mod private_files;
mod queries;
mod quotes;
mod refused;
mod replay_feed;
mod replay_types;
mod replays;
mod replicas;
mod reservations;
mod resolution;
mod retention;
mod rollups;
mod search;
mod seen;
mod sequences;
mod spans;
mod standings;
mod strangers;
mod tally;
mod transitions;
mod turns;
mod types;
mod upkeep;
mod values;
mod waits;
mod walk;
mod watches;
mod write_back;

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use tokio::sync::Notify;

pub use self::{
    amend::{AmendRefused, Amendment},
    announcements::{Change, Follower, News, WriteBack},
    audit::{Actor, AuditFilter, AuditRow, Deed, SeenContact},
    blocks::{Before, Block, NewBlock, Waiting, block_name, code_and_subject},
    day::DaySummary,
    erp_state::ErpSession,
    failures::{Failure, Trouble},
    figures::Stats,
    instance_lock::InstanceLock,
    journal::{Advance, Begun, CommitMoment, CommitWatch, DoneStep, EqualSteps, Lease, NewStep, StepFacts},
    latest::LatestFact,
    links::{Adoption, LinkSearch},
    named::Named,
    not_admitted::NotAdmitted,
    operators::{BulkDeed, Unfinished},
    outbox::{Addressee, Delivery, Message, MessageDeed, NewMessage, Waits},
    pages::{EventSummary, Page},
    pauses::{DispatchPause, PauseScope},
    people::found_by,
    refused::Refused,
    replay_feed::{REPLAY_ROOM, ReplayWaits},
    replay_types::{
        ChosenEvent, NewReplay, Replay, ReplayCandidate, ReplayDeed, ReplayDetail, ReplayEvent, ReplayRefused,
        ReplayState,
    },
    replays::{OPEN_REPLAYS_MAX, REPLAY_EVENTS_MAX},
    resolution::{Decided, Resolution, Under},
    retention::Pruned,
    rollups::{Happened, History, Window},
    search::{FoundEvents, LOOKED_THROUGH},
    sequences::Gap,
    spans::Spans,
    turns::{Claimed, Settled, Settlement},
    types::*,
    waits::WaitsFor,
};
use self::{announcements::Announcer, background::Background, db::Db};
use crate::{
    clock::{Clock, Millis},
    config::DatabaseConfig,
    event::Status,
};

/// Why the ledger could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database is away, full, locked or refuses; the text never holds a payload.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The database is well and takes these values no better a second time; its code. It costs the one event whose they are.
    #[error("the database refuses the data (code {0})")]
    Data(String),
    /// The backlog or the disk is full.
    #[error("{0}")]
    Full(String),
    /// The lease was lost to another worker; nothing was written.
    #[error("the lease was lost to another worker")]
    LeaseLost,
    /// No such event, contact or step.
    #[error("not found")]
    NotFound,
    /// The event's state does not allow this.
    #[error("not possible while the event is {0}")]
    WrongState(Status),
    /// The review of the event offers other decisions: these.
    #[error("the review offers other decisions: {}", .0.join(", "))]
    NotOffered(Vec<String>),
    /// The event, contact or pause has changed since whoever orders this saw it.
    #[error("it has changed meanwhile")]
    Changed,
}

/// Why the ledger could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database holds texts in another encoding, which has no place for most of what people write.
    #[error(
        "the database is encoded in {0}; needed: UTF8. Make one by `createdb -T template0 -E UTF8 NAME` and name it in \
         database.url (数据库编码必须为 UTF8)"
    )]
    Encoding(String),
    /// A pooler stands before the database and does not pass on the settings of a connection.
    #[error(
        "database.url leads to a connection pooler such as PgBouncer, which does not pass on a connection's settings \
         (不支持连接池): write the address of PostgreSQL itself. The bridge needs connections of its own, and opens no more \
         than database.max_connections allows"
    )]
    Pooler,
    /// Nobody answers the login, or nobody is there.
    #[error(
        "no answer to the login at {address} within {seconds} seconds (数据库没有应答登录): does PostgreSQL run there, and does \
         nothing between, a firewall or a proxy, keep the line to itself? database.url names it"
    )]
    NoAnswer {
        /// Host and port of `database.url`.
        address: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The database would not keep what it acknowledges.
    #[error("the database is not safe to write to: {0}")]
    Unsafe(String),
    /// Another process works on this SQLite file.
    #[error("another process works on the ledger {0}: a SQLite ledger is one process's; several need PostgreSQL")]
    InUse(String),
    /// The schema is newer than this program.
    #[error("the ledger's schema has version {0}, which this program does not know: start a program at least as new")]
    Newer(i64),
    /// A migration that ran before was changed since.
    #[error("migration {0} of the ledger differs from this program's: the program was built from other sources")]
    Altered(i64),
    /// `--no-migrate`, and the schema is behind.
    #[error(
        "the ledger's schema has version {found}, this program needs {expected}: \
        `erp-bridge serve` without --no-migrate brings it up to date"
    )]
    Behind {
        /// What the database has; 0 for none.
        found: i64,
        /// What the program needs.
        expected: i64,
    },
    /// The copy before a migration failed.
    #[error(
        "the ledger could not be copied before its schema is brought up to date, and was not changed (升级前备份失败，账本未改动): \
        {0}; a copy needs as much room beside the ledger as the ledger has"
    )]
    Backup(String),
    /// A migration failed.
    #[error("migrating the ledger failed: {0}")]
    Migration(String),
    /// The database is away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OpenError {
    /// Whether it may pass without anybody's doing: a database that comes up later than the bridge, a process that is about
    /// to end, a disk that somebody clears, a replica that brings the schema up to date.
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Encoding(_) | Self::Pooler | Self::Unsafe(_) | Self::Newer(_) | Self::Altered(_) => false,
            Self::NoAnswer { .. }
            | Self::InUse(_)
            | Self::Behind { .. }
            | Self::Backup(_)
            | Self::Migration(_)
            | Self::Store(_) => true,
        }
    }
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The ledger. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    db: Db,
    clock: Clock,
    background: Background,
    accepting: accept::Sender,
    journal: journal_writer::Sender,
    announcer: Announcer,
    work: Arc<Notify>,
    backlog: Arc<AtomicI64>,
    full: Arc<AtomicBool>,
    mode: Arc<str>,
    watch: Arc<OnceLock<CommitWatch>>,
    clock_steps: Arc<clock_step::ClockSteps>,
    figures: Arc<figures::Figures>,
    health: Arc<health::Health>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the ledger at `config.url`, creates or migrates it (unless `migrate` is off) and starts its writer.
    pub async fn open(config: &DatabaseConfig, clock: Clock, migrate: bool) -> Result<Self, OpenError> {
        let background = Background::new();
        let (db, mode) = open::connect(config, &background).await?;
        open::migrate(&db, migrate, clock.now()).await?;
        let announcer = Announcer::new();
        replicas::listen(&db, &announcer, &background);
        let work = Arc::new(Notify::new());
        let backlog = Arc::new(AtomicI64::new(0));
        let writer = accept::Writer {
            db: db.clone(),
            clock: clock.clone(),
            work: work.clone(),
            announcer: announcer.clone(),
            backlog: backlog.clone(),
        };
        let accepting = writer.start(&background);
        let watch = Arc::default();
        let journal = journal_writer::Writer {
            db: db.clone(),
            clock: clock.clone(),
            work: work.clone(),
            announcer: announcer.clone(),
            watch: Arc::clone(&watch),
        };
        let journal = journal.start(&background);
        let store = Self {
            health: health::Health::watch(db.clone(), &accepting, &background),
            db,
            clock,
            background,
            accepting,
            journal,
            announcer,
            work,
            backlog,
            full: Arc::default(),
            mode: mode.into(),
            watch,
            clock_steps: Arc::default(),
            figures: Arc::default(),
        };
        store.follow_database().await.map(drop)?;
        store.count_backlog(config).await?;
        Ok(store)
    }

    /// The present moment by the clock that the ledger's moments are of: on PostgreSQL it can be another one than the machine's.
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// Which database is active, and how it syncs, in words.
    pub fn mode(&self) -> &str {
        &self.mode
    }

    /// The database and its version: `SQLite 3.51.3`.
    pub fn database(&self) -> &str {
        self.mode.split(',').next().unwrap_or_default()
    }

    /// Every pool of connections by its name: how many are in use, and how many at rest.
    pub fn connections(&self) -> impl Iterator<Item = (&'static str, usize, usize)> {
        self.db.pools().into_iter().map(|(name, open, idle)| (name, (open as usize).saturating_sub(idle), idle))
    }

    /// Woken whenever there may be new work for a worker of this process.
    pub fn work(&self) -> Arc<Notify> {
        self.work.clone()
    }

    /// Follows state changes, on PostgreSQL those of other replicas too: from now on, or from behind the news of the id
    /// `last` ([`Follower::id`]) of this process.
    pub fn follow(&self, last: Option<&str>) -> Follower {
        self.announcer.follow(last)
    }

    /// Ends the writer and closes all connections; calls after it fail.
    pub async fn close(&self) {
        if let Err(error) = self.write_rollups().await {
            tracing::warn!(%error, "what happened last is missing in the charts");
        }
        self.db.close().await;
    }

    /// Waits until one of the ledger's own tasks crashes; answers which. The ledger is of no use then.
    pub async fn crash(&self) -> &'static str {
        self.background.crash().await
    }

    /// Runs a task as one of the ledger's own.
    #[cfg(test)]
    pub(crate) fn run_beside(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.background.spawn(name, task);
    }

    /// Which of the ledger's own tasks crashed, if one did.
    pub fn crashed(&self) -> Option<&'static str> {
        self.background.crashed()
    }

    /// Events that wait, by the last count and what this process accepted since.
    pub fn backlog(&self) -> i64 {
        self.backlog.load(Ordering::Relaxed)
    }
}
