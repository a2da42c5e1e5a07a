//! A ledger of an earlier program: its schema is brought up to date together with what it holds.

use std::{borrow::Cow, path::Path};

use erp_bridge::{
    clock::Clock,
    config::DatabaseConfig,
    event::Status,
    store::{EventFilter, OpenError, Settlement, Store},
};
use sqlx::{Connection, PgConnection, SqliteConnection, migrate::Migrator};

use super::{LEASE, START, run, strangers::newer_bodies};
use crate::support::postgres;

/// What a program with the first schema left behind: an event that has ended, one in its turn, one that is held, and a deal.
const LEFT_BEHIND: &str = "
    insert into events (id, body_hash, kind, contact_id, status, received_at, payload, actor, force, attempts, next_attempt_at,
        updated_at, finished_at)
      values ('ended', 'h', 'message.logged', 'c1', 'succeeded', 1, '{}', 'webhook', 0, 0, null, 1, 1),
             ('open', 'h', 'message.logged', 'c1', 'queued', 1, '{}', 'webhook', 0, 0, 1, 1, null),
             ('held', 'h', 'message.logged', 'c1', 'held', 1, '{}', 'webhook', 0, 0, 1, 1, null),
             ('deal', 'h', 'deal.closed', 'c3', 'not_admitted', 1, '{\"data\":{\"contact\":{\"name\":\"韩梅梅\"}}}', 'webhook', 0, 0, null, 1, 1);
    insert into events (id, webhook_id, body_hash, kind, contact_id, status, received_at, payload, actor, force, attempts, updated_at,
        finished_at)
      values ('called', 'key:ops:a-1', 'h', 'sync.requested', 'c2', 'succeeded', 1, '{}', 'ops', 0, 0, 1, 1),
             ('posted', 'key:ops:b-1', 'h', 'message.logged', 'c2', 'succeeded', 1, '{}', 'webhook', 0, 0, 1, 1);
    insert into turns (contact_id, head_seq, due_at) select contact_id, seq, 1 from events where id = 'open';
    insert into steps (event_id, position, name, step, state)
      values ('open', 0, 'allocate', '{}', 'done'), ('open', 1, 'save_customer', '{}', 'done'), ('open', 2, 'link', '{}', 'planned');";

async fn first_schema(url: &str) {
    let folder = if url.starts_with("sqlite") { "sqlite" } else { "postgres" };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/migrations").join(folder);
    let mut first = Migrator::new(folder).await.unwrap();
    first.migrations = Cow::Owned(first.iter().filter(|migration| migration.version == 1).cloned().collect());
    if url.starts_with("sqlite") {
        first.run(&mut SqliteConnection::connect(url).await.unwrap()).await.unwrap();
    } else {
        first.run(&mut PgConnection::connect(url).await.unwrap()).await.unwrap();
    }
    run(url, LEFT_BEHIND).await;
}

async fn is_brought_up_to_date(url: String) {
    first_schema(&url).await;
    let config = DatabaseConfig { url: url.parse().unwrap(), ..DatabaseConfig::default() };
    let open = async |migrate| Store::open(&config, Clock::manual(START), migrate).await;
    assert!(matches!(open(false).await, Err(OpenError::Behind { found: 1, .. })));
    let store = open(true).await.unwrap();
    let filter = EventFilter { contact_id: Some("c1".into()), ..EventFilter::default() };
    let listed = store.list_events(&filter, None, 10).await.unwrap();
    assert_eq!(listed.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["held", "open", "ended"]);
    for (id, webhook_id) in [("called", "key ops:a-1"), ("posted", "key:ops:b-1")] {
        let event = store.event(id).await.unwrap().unwrap();
        assert_eq!(event.webhook_id.as_deref(), Some(webhook_id), "no webhook id looks like a key");
    }
    let claimed = store.claim(10, LEASE).await.unwrap();
    assert_eq!(super::ids(&claimed), ["open"]);
    for one in claimed {
        store.settle(one.lease, Settlement { replan: true, ..Settlement::to(Status::Succeeded) }).await.unwrap();
    }
    assert_eq!(store.steps("open").await.unwrap().len(), 3, "the plan by which its contact has a customer stays");
    assert!(!store.has_turn("c1").await.unwrap(), "the held one waits outside of the turn");
    assert!(store.standing("c3").await.unwrap().has_deal, "who has closed a deal is known");
    assert!(!store.standing("c1").await.unwrap().has_deal);
    assert!(open(false).await.is_ok());
    run(&url, &newer_bodies()).await;
    let found = async || store.named("韩梅梅", true, |_| true).await.unwrap().contacts;
    assert!(found().await.is_empty());
    while store.note_strangers().await.unwrap() {}
    assert_eq!(found().await, ["c3"], "who came before the program noted whom it meets");
}

#[tokio::test]
async fn a_sqlite_ledger_of_the_first_schema_is_brought_up_to_date_with_what_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    is_brought_up_to_date(format!("sqlite://{}/ledger.db?mode=rwc", dir.path().display())).await;
}

/// The copies beside a ledger, and what they hold.
fn copies(dir: &Path) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.to_string_lossy().contains("ledger.db.schema-")).collect()
}

#[tokio::test]
async fn a_sqlite_ledger_is_copied_before_its_schema_is_brought_up_to_date_and_only_then() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/ledger.db?mode=rwc", dir.path().display());
    first_schema(&url).await;
    let config = DatabaseConfig { url: url.parse().unwrap(), ..DatabaseConfig::default() };
    for _ in 0..2 {
        Store::open(&config, Clock::manual(START), true).await.unwrap().close().await;
    }
    let [copy] = &copies(dir.path())[..] else { panic!("{:?}", copies(dir.path())) };
    let at = START.rfc3339()[..19].replace(['-', ':'], "").replace('T', "-");
    assert_eq!(copy.file_name().unwrap().to_str().unwrap(), format!("ledger.db.schema-1.{at}"));
    assert_eq!(std::fs::metadata(copy).unwrap().permissions().mode() & 0o777, 0o600);
    let mut copy = SqliteConnection::connect(&format!("sqlite://{}", copy.display())).await.unwrap();
    let held: (i64, i64) = sqlx::query_as("select count(*), (select max(version) from _sqlx_migrations) from events")
        .fetch_one(&mut copy)
        .await
        .unwrap();
    assert_eq!(held, (6, 1), "all that was there, in the schema of the program that wrote it");
}

#[tokio::test]
async fn a_fresh_sqlite_ledger_is_not_copied() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/ledger.db?mode=rwc", dir.path().display());
    let config = DatabaseConfig { url: url.parse().unwrap(), ..DatabaseConfig::default() };
    Store::open(&config, Clock::manual(START), true).await.unwrap().close().await;
    assert_eq!(copies(dir.path()), [] as [std::path::PathBuf; 0]);
}

#[tokio::test]
async fn a_ledger_that_cannot_be_copied_is_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/ledger.db?mode=rwc", dir.path().display());
    first_schema(&url).await;
    let config = DatabaseConfig { url: url.parse().unwrap(), ..DatabaseConfig::default() };
    let open = async |migrate| Store::open(&config, Clock::manual(START), migrate).await;
    let at = START.rfc3339()[..19].replace(['-', ':'], "").replace('T', "-");
    let taken = dir.path().join(format!("ledger.db.schema-1.{at}"));
    std::fs::write(&taken, "somebody's").unwrap();
    let error = open(true).await.unwrap_err();
    assert!(matches!(&error, OpenError::Backup(why) if why.contains("exists already")), "{error}");
    assert!(matches!(open(false).await, Err(OpenError::Behind { found: 1, .. })));
    assert_eq!(std::fs::read_to_string(&taken).unwrap(), "somebody's");
}

#[tokio::test]
async fn a_postgres_ledger_of_the_first_schema_is_brought_up_to_date_with_what_it_holds() {
    is_brought_up_to_date(postgres::database().await).await;
}
