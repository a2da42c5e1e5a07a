//! What pages ask of the ledger, by SQLite's own plans: a page costs the same however many events there are.

use std::{
    collections::BTreeSet,
    fmt::Debug,
    sync::{Arc, Mutex},
};

use erp_bridge::event::Status;
use reqwest::StatusCode;
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};
use tracing::field::{Field, Visit};
use tracing_subscriber::{
    layer::{Context, Layer, SubscriberExt},
    registry,
};

use super::{events::ended, pages::of_operators, visitor::Visitor};
use crate::front::{Front, OPERATE, promoted};

/// Tables that grow with the events.
const LARGE: [&str; 4] = ["events", "steps", "calls", "outbox"];

/// Every statement that the ledger was asked.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<BTreeSet<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Asked {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        event.record(&mut self.clone());
    }
}

impl Visit for Asked {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "sql" {
            self.0.lock().unwrap().insert(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

/// The tables that a statement reads from one end to the other. The newest of all are read from the end, and so are those
/// that a partial index holds; then a limit stands behind it.
async fn read_whole(ledger: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let plan = sqlx::query(AssertSqlSafe(format!("explain query plan {sql}"))).fetch_all(ledger).await.unwrap();
    let details = plan.iter().map(|row| row.get::<String, _>("detail"));
    let scans = details.filter(|detail| LARGE.iter().any(|table| *detail == format!("SCAN {table}")));
    let is_newest = sql.contains("from events order by seq desc limit");
    scans.filter(|_| !is_newest).collect()
}

#[tokio::test]
async fn no_page_reads_a_large_table_from_one_end_to_the_other() {
    let asked = Asked::default();
    let _log = tracing::subscriber::set_default(registry().with(asked.clone()));
    let front = Front::open().await;
    ended(&front, "c0", Status::Dead, "refused", None).await;
    let event = front.post_event("w1", &promoted("c1")).await.body["id"].as_str().unwrap().to_owned();
    front.link(7_001, "WXc1").await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let filters = [
        "status=succeeded",
        "status=queued,running,held",
        "status=discarded&type=deal.closed",
        "status=not_admitted",
        "blocked=true",
        "retrying=true&q=x",
        "type=deal.closed&code=refused",
        "since=2026-11-01&until=2026-11-30",
        "contact_id=c1&q=x",
        "q=x",
        // A contact, and an event.
        "q=WXc1",
        "q=%E7%8E%8B%E5%B0%8F%E6%98%8E&type=deal.closed",
        "q=w1",
    ];
    let lists = filters.iter().map(|filter| format!("/console/events?{filter}"));
    for path in of_operators(&event).into_iter().chain(lists) {
        let page = visitor.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.html);
    }
    let asked = asked.0.lock().unwrap().clone();
    assert!(asked.len() > 30, "{asked:#?}");
    let file = front.directory().join("ledger.db");
    let mut ledger = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let mut whole = Vec::new();
    for sql in &asked {
        whole.extend(read_whole(&mut ledger, sql).await.into_iter().map(|scan| format!("{scan}: {sql}")));
    }
    assert!(whole.is_empty(), "{whole:#?}");
}
