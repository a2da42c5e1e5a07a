//! What probes and readers may cost: nothing of what the door needs.

use std::time::Duration;

use erp_bridge::{
    clock::Clock,
    config::DatabaseConfig,
    store::{Accepted, Store},
};
use futures::future::join_all;
use reqwest::Method;
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection, PgPool, SqliteConnection};

use super::{Ledger, START, event};
use crate::{front::Front, support::eventually};

/// Longer than an accept takes on a machine that has much else to do, and shorter than anybody waits for a connection.
const AT_ONCE: Duration = Duration::from_millis(2_500);

#[tokio::test]
async fn readers_that_take_every_connection_do_not_keep_the_door_waiting() {
    let ledger = Ledger::postgres().await;
    let mut locker = PgConnection::connect(ledger.config.url.expose_secret()).await.unwrap();
    let mut lock = locker.begin().await.unwrap();
    sqlx::raw_sql("lock table audit in access exclusive mode").execute(&mut *lock).await.unwrap();
    let readers = (0..64).map(|_| {
        let store = ledger.store.clone();
        tokio::spawn(async move { store.audit_log(None, 1).await })
    });
    let readers: Vec<_> = readers.collect();
    // They have every connection once one of them can be seen to wait.
    let looker = PgPool::connect(ledger.config.url.expose_secret()).await.unwrap();
    let waiting =
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    eventually("every connection of the readers waits", Duration::from_secs(30), async || {
        let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&looker).await.unwrap();
        (waiting >= i64::from(ledger.config.max_connections) - 2).then_some(())
    })
    .await;
    for number in 0..20 {
        let accepted = tokio::time::timeout(AT_ONCE, ledger.store.accept(event(&format!("w{number}"), "c1"))).await;
        assert!(matches!(accepted, Ok(Ok(Accepted::New { .. }))), "{number}: {accepted:?}");
    }
    lock.rollback().await.unwrap();
    join_all(readers).await;
}

#[tokio::test]
async fn two_connections_are_enough_and_each_has_its_use() {
    let ledger = Ledger::postgres().await;
    for max_connections in [1, 2, 3] {
        let config = DatabaseConfig { max_connections, ..ledger.config.clone() };
        let store = Store::open(&config, Clock::manual(START), true).await.unwrap();
        let id = format!("w{max_connections}");
        assert!(matches!(store.accept(event(&id, &id)).await, Ok(Accepted::New { .. })));
        assert_eq!(store.claim(1, super::LEASE).await.unwrap().len(), 1);
        store.close().await;
    }
}

#[tokio::test]
async fn a_thousand_probes_ask_the_ledger_nothing_and_an_outage_shows_all_the_same() {
    let front = Front::open().await;
    let mut outside = SqliteConnection::connect(front.database.url.expose_secret()).await.unwrap();
    // Nobody can write while this one may.
    sqlx::raw_sql("begin immediate").execute(&mut outside).await.unwrap();
    // Asking it each time, these would wait for it three seconds each.
    let probes = async {
        for path in ["/livez", "/readyz", "/metrics"].repeat(350) {
            front.call(Method::GET, path, &[], "").await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), probes).await.unwrap();
    eventually("it is not ready any more", Duration::from_secs(30), async || {
        (front.call(Method::GET, "/readyz", &[], "").await.status.as_u16() == 503).then_some(())
    })
    .await;
    sqlx::raw_sql("rollback").execute(&mut outside).await.unwrap();
    eventually("it is ready again", Duration::from_secs(30), async || {
        (front.call(Method::GET, "/readyz", &[], "").await.status.as_u16() == 200).then_some(())
    })
    .await;
    front.store.close().await;
    assert_eq!(front.call(Method::GET, "/metrics", &[], "").await.status.as_u16(), 200, "without a ledger");
    assert_eq!(front.call(Method::GET, "/readyz", &[], "").await.status.as_u16(), 503);
}

#[tokio::test]
async fn guessed_cookies_and_links_take_no_write_and_those_of_another_form_ask_the_ledger_nothing() {
    let front = Front::open().await;
    let mut outside = SqliteConnection::connect(front.database.url.expose_secret()).await.unwrap();
    sqlx::raw_sql("begin immediate").execute(&mut outside).await.unwrap();
    let statuses = async |secret: &str| {
        let entered = front.call(Method::POST, "/console/sign-in", &[], format!("link={secret}")).await;
        let cookie = format!("erp_bridge_session={secret}");
        let looked = front.call(Method::GET, "/console/events", &[("cookie", &cookie)], "").await;
        [entered.status.as_u16(), looked.status.as_u16()]
    };
    let of_right_form = "0123456789abcdef".repeat(4);
    for secret in [of_right_form.as_str(), "x"].repeat(20) {
        // A write would wait for the other one three seconds.
        let answered = tokio::time::timeout(AT_ONCE, statuses(secret)).await;
        assert_eq!(answered.unwrap(), [401, 303], "{secret}");
    }
    sqlx::raw_sql("rollback").execute(&mut outside).await.unwrap();
    front.store.close().await;
    for secret in ["x", &of_right_form[1..], &"g".repeat(64)] {
        assert_eq!(statuses(secret).await, [401, 303], "{secret}");
    }
    assert_eq!(statuses(&of_right_form).await, [503, 503]);
}
