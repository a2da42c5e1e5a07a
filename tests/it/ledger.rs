//! The ledger's contract: one suite, run on both databases, each a real one.
//!
//! A test is written once, as a function of a [`Ledger`], and listed in its file's `on_both!`, which makes a test of it for
//! each database; the name of a failing one says which: `ledger::claim::on_postgres::…`.

mod accept;
mod announcements;
mod claim;
mod clock;
mod erasure;
mod erp_state;
mod figures;
mod groups;
mod journal;
mod links;
mod operators;
mod outbox;
mod pages;
mod pauses;
mod pooler;
mod private;
mod probes;
mod queries;
mod replay_objects;
mod replays;
mod retention;
mod rollups;
mod room;
mod schema;
mod settle;
mod sqlite;
mod standings;
pub mod strangers;
mod upgrade;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use erp_bridge::{
    clock::{Clock, Millis},
    config::{AdmissionConfig, BeforePromotion, DatabaseConfig, MessagesConfig},
    event::{Event, Parsed, Reading, Rules, Status},
    store::{
        Accepted, Advance, CallRow, Claimed, EventFilter, EventRow, Intake, NewEvent, NewStep, Settlement, StepFacts,
        Store,
    },
};
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::support::postgres;

/// When every test begins.
pub const START: Millis = Millis(1_795_000_000_000);
/// The lease of every claim.
pub const LEASE: Duration = Duration::from_secs(60);
pub const MS: Duration = Duration::from_millis(1);

/// Makes each of these functions a test of both databases.
macro_rules! on_both {
    ($($test:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(&crate::ledger::Ledger::sqlite().await).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(&crate::ledger::Ledger::postgres().await).await;
            })*
        }
    };
}
use on_both;

/// A fresh ledger and the clock that it goes by.
pub struct Ledger {
    pub store: Store,
    pub clock: Clock,
    pub config: DatabaseConfig,
    numbers: AtomicUsize,
    _dir: TempDir,
}

impl Ledger {
    pub async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/ledger.db", dir.path().display());
        Self::at(url, dir).await
    }

    pub async fn postgres() -> Self {
        Self::at(postgres::database().await, tempfile::tempdir().unwrap()).await
    }

    async fn at(url: String, dir: TempDir) -> Self {
        let config = DatabaseConfig { url: url.parse().unwrap(), ..DatabaseConfig::default() };
        let clock = Clock::manual(START);
        let store = Store::open(&config, clock.clone(), true).await.unwrap();
        Self { store, clock, config, numbers: AtomicUsize::new(0), _dir: dir }
    }

    pub fn is_sqlite(&self) -> bool {
        self.config.url.expose_secret().starts_with("sqlite")
    }

    /// A second replica: the same database and time, connections of its own.
    pub async fn replica(&self) -> Store {
        Store::open(&self.config, self.clock.clone(), true).await.unwrap()
    }

    /// Runs a statement past the ledger.
    pub async fn run(&self, sql: &str) {
        run(self.config.url.expose_secret(), sql).await;
    }

    /// Accepts an event that must be new; answers its id.
    pub async fn accept(&self, event: NewEvent) -> String {
        match self.store.accept(event).await.unwrap() {
            Accepted::New { id, .. } => id,
            other => panic!("{other:?}"),
        }
    }

    /// Accepts a new event of a contact into its turn; answers its id.
    pub async fn queue(&self, contact: &str) -> String {
        self.take_in(contact, Intake::Queue).await
    }

    pub async fn take_in(&self, contact: &str, intake: Intake) -> String {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        self.accept(NewEvent { intake, ..event(&format!("n{number}"), contact) }).await
    }

    pub async fn claim(&self, limit: usize) -> Vec<Claimed> {
        self.store.claim(limit, LEASE).await.unwrap()
    }

    /// Claims the one turn that is due.
    pub async fn claim_one(&self) -> Claimed {
        let mut claimed = self.claim(10).await;
        assert_eq!(claimed.len(), 1, "one turn is due");
        claimed.remove(0)
    }

    /// A new event of a contact without other work, run to this end; answers its id.
    pub async fn ended(&self, contact: &str, status: Status) -> String {
        let id = self.queue(contact).await;
        let claimed = self.claim_one().await;
        assert_eq!(claimed.event.id, id);
        self.store.settle(claimed.lease, Settlement::to(status).because("said", "words")).await.unwrap();
        id
    }

    pub async fn event(&self, id: &str) -> EventRow {
        self.store.event(id).await.unwrap().expect("the event is in the ledger")
    }

    pub async fn status(&self, id: &str) -> Status {
        self.event(id).await.status
    }

    /// Every event, oldest first.
    pub async fn events(&self) -> Vec<EventRow> {
        let listed = self.store.list_events(&EventFilter::default(), None, 100_000).await.unwrap();
        let mut events = Vec::with_capacity(listed.len());
        for event in listed.iter().rev() {
            events.push(self.event(&event.id).await);
        }
        events
    }
}

/// A message of a contact, into its turn.
pub fn event(webhook_id: &str, contact: &str) -> NewEvent {
    NewEvent {
        webhook_id: Some(webhook_id.to_owned()),
        kind: "message.logged".into(),
        contact_id: Some(contact.to_owned()),
        occurred_at: None,
        payload: format!("{{\"of\":\"{webhook_id}\"}}"),
        deal_id: None,
        intake: Intake::Queue,
        warnings: None,
        actor: "webhook".into(),
        force: false,
        sequence: None,
        trace_parent: None,
        deed: None,
    }
}

/// How an event asks to be taken in that the default rules judge: of a stranger without a number, so never admitted, or
/// of somebody who lacks nothing but the score that is given, or the last one.
pub fn judged(kind: &str, score: Option<f64>, is_stranger: bool) -> Intake {
    judged_with(kind, score, is_stranger, &MessagesConfig::default())
}

/// A message that is held for so long unless its contact is linked.
pub fn held_for(span: Duration) -> Intake {
    let messages = MessagesConfig { before_promotion: BeforePromotion::Hold, hold_for: span };
    judged_with("message.logged", None, true, &messages)
}

pub fn judged_with(kind: &str, score: Option<f64>, is_stranger: bool, messages: &MessagesConfig) -> Intake {
    let phone = (!is_stranger).then_some("13800138055");
    let body = json!({"type": kind, "timestamp": "2026-11-23T15:04:05+08:00", "data": {
        "contact": {"id": "c1", "name": "王小明", "phone": phone, "phone_verified": true},
        "thread": {"id": "t1", "score": score}, "deal": {"id": "d1"}, "signal": {"id": "s1", "content": "你好"}}});
    let Ok(Parsed::Event(event)) = Event::parse(body.to_string().as_bytes(), &Reading::default()) else {
        panic!("{body} is an event")
    };
    Intake::judged(&Rules::new(&AdmissionConfig::default()), &event, messages, false)
}

/// A run that ends with nothing done, and these calls made: the turn is due again.
pub fn given_back(calls: Vec<CallRow>) -> Settlement {
    let last = Advance { calls, ..Advance::default() };
    Settlement { next_attempt_at: Some(START), last, ..Settlement::to(Status::Queued) }
}

/// A step as a plan has it; the facts of a few are those that `sync` tells of the steps so called.
pub fn step(name: &str) -> NewStep {
    let facts = StepFacts {
        holds_identity: name == "save_customer",
        allocates: name == "allocate",
        binds: ["save_customer", "link"].contains(&name),
    };
    NewStep { name: name.to_owned(), step: json!({ "do": name }), fingerprint: None, facts, begun: None }
}

/// Runs a statement on a database by its address.
pub async fn run(url: &str, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    if url.starts_with("sqlite") {
        let mut connection = SqliteConnection::connect(url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    } else {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// The ids of what was claimed, sorted.
pub fn ids(claimed: &[Claimed]) -> Vec<String> {
    let mut ids: Vec<_> = claimed.iter().map(|one| one.event.id.clone()).collect();
    ids.sort();
    ids
}
