//! Room at the door: the backlog's limit, and what a refused request leaves behind.

use std::time::Duration;

use erp_bridge::{
    clock::Clock,
    config::DatabaseConfig,
    event::Status,
    store::{Accepted, OpenError, Rejection, Settlement, Store, StoreError},
};
use serde_json::json;

use super::{Ledger, START, event, held_for, on_both};
use crate::support::{
    World, WorldOptions, eventually, message,
    postgres::{self, Cluster},
};

on_both! {
    the_door_closes_at_the_limit_and_opens_below_it
    a_refused_request_has_claimed_nothing
    what_waits_is_counted_and_what_has_ended_is_not
    a_ledger_that_can_be_written_answers_a_ping
}

fn limited(ledger: &Ledger, max_backlog: u64) -> DatabaseConfig {
    DatabaseConfig { url: ledger.config.url.clone(), max_backlog, ..DatabaseConfig::default() }
}

async fn the_door_closes_at_the_limit_and_opens_below_it(ledger: &Ledger) {
    for number in 0..3 {
        ledger.queue(&format!("c{number}")).await;
    }
    let mut number = 0;
    for (limit, is_open) in [(4, true), (4, false), (3, false), (5, true)] {
        assert!(ledger.store.count_backlog(&limited(ledger, limit)).await.is_ok());
        number += 1;
        let answer = ledger.store.accept(event(&format!("w{number}"), "c9")).await;
        assert_eq!(answer.is_ok(), is_open, "{limit}: {answer:?}");
    }
    assert_eq!(ledger.store.backlog(), 5);
}

async fn a_refused_request_has_claimed_nothing(ledger: &Ledger) {
    let waiting = ledger.queue("c1").await;
    let limit = limited(ledger, 1);
    ledger.store.count_backlog(&limit).await.unwrap();
    assert!(matches!(ledger.store.accept(event("w1", "c2")).await, Err(StoreError::Full(_))));
    let rejection =
        Rejection { webhook_id: "r1".into(), kind: None, contact_id: None, errors: json!([]), payload: String::new() };
    assert!(matches!(ledger.store.reject(rejection).await, Err(StoreError::Full(_))));
    assert_eq!(ledger.events().await.len(), 1);
    assert!(ledger.store.rejections(None, 10).await.unwrap().items.is_empty());
    assert!(!ledger.store.has_turn("c2").await.unwrap());
    ledger.store.discard(&waiting, &"ops".into(), None, None).await.unwrap();
    ledger.store.count_backlog(&limit).await.unwrap();
    assert!(matches!(ledger.store.accept(event("w1", "c2")).await, Ok(Accepted::New { .. })), "its id is still free");
}

async fn what_waits_is_counted_and_what_has_ended_is_not(ledger: &Ledger) {
    for status in [Status::Succeeded, Status::Dead, Status::NotAdmitted] {
        ledger.ended(status.as_str(), status).await;
    }
    assert_eq!(ledger.store.count_backlog(&ledger.config).await, Ok(0));
    ledger.ended("review", Status::NeedsReview).await;
    ledger.take_in("held", held_for(Duration::ZERO)).await;
    ledger.queue("running").await;
    let lease = ledger.claim_one().await.lease;
    ledger.queue("queued").await;
    assert_eq!(ledger.store.count_backlog(&ledger.config).await, Ok(4));
    ledger.store.settle(lease, Settlement::to(Status::Succeeded)).await.unwrap();
    assert_eq!(ledger.store.count_backlog(&ledger.config).await, Ok(3));
}

async fn a_ledger_that_can_be_written_answers_a_ping(ledger: &Ledger) {
    assert_eq!(ledger.store.ping().await, Ok(()));
    ledger.store.close().await;
    assert!(ledger.store.ping().await.is_err());
    assert!(ledger.store.accept(event("w1", "c1")).await.is_err());
}

/// The same at the bridge's own door: 503 with `Retry-After`, and the sender's repetition is taken later.
async fn the_bridge_answers_503_while_its_backlog_is_full(database: Option<String>) {
    let configure = Box::new(move |config: &mut erp_bridge::config::Config| {
        config.database.max_backlog = 1;
        if let Some(url) = &database {
            config.database.url = url.parse().unwrap();
        }
    });
    let world = World::with(WorldOptions { dispatch: false, configure, ..WorldOptions::default() }).await;
    let first = world.post("m1", &message("c1", 1, "你好")).await;
    assert_eq!((first.0, &first.1["status"]), (202, &json!("held")));
    world.app.store.count_backlog(&world.config.database).await.unwrap();
    let (status, problem) = world.post("m2", &message("c1", 2, "在吗")).await;
    assert_eq!((status, &problem["type"]), (503, &json!("urn:erp-bridge:problem:backlog_full")), "{problem}");
    assert!(world.sender.is_ready().await, "a full ledger can still be read and worked on");
    let path = format!("/v1/events/{}/discard", first.1["id"].as_str().unwrap());
    assert_eq!(world.call("POST", &path, Some(json!({}))).await.0, 200);
    world.app.store.count_backlog(&world.config.database).await.unwrap();
    assert_eq!(world.post("m2", &message("c1", 2, "在吗")).await.0, 202);
    world.app.store.close().await;
    assert!(!world.sender.is_ready().await, "without its ledger it is not ready");
    let (status, problem) = world.post("m3", &message("c1", 3, "喂")).await;
    assert_eq!((status, &problem["type"]), (503, &json!("urn:erp-bridge:problem:store_unavailable")), "{problem}");
}

#[tokio::test]
async fn the_door_on_sqlite_answers_503_while_the_backlog_is_full_or_the_ledger_is_away() {
    the_bridge_answers_503_while_its_backlog_is_full(None).await;
}

#[tokio::test]
async fn the_door_on_postgres_answers_503_while_the_backlog_is_full_or_the_ledger_is_away() {
    the_bridge_answers_503_while_its_backlog_is_full(Some(postgres::database().await)).await;
}

#[tokio::test]
async fn while_its_server_is_away_a_ledger_answers_no_ping_and_takes_nothing_and_afterwards_it_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let own = Cluster::own(dir.path());
    let config = DatabaseConfig { url: own.0.database().await.parse().unwrap(), ..DatabaseConfig::default() };
    let store = Store::open(&config, Clock::manual(START), true).await.unwrap();
    store.accept(event("w1", "c1")).await.unwrap();
    own.0.stop();
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.accept(event("w2", "c1")).await, Err(StoreError::Unavailable(_))));
    assert!(store.claim(1, super::LEASE).await.is_err());
    let Err(error) = Store::open(&config, Clock::manual(START), true).await else { panic!("a server is there") };
    assert!(matches!(error, OpenError::NoAnswer { .. }), "{error}");
    own.0.start();
    eventually("it can be written again", Duration::from_secs(60), async || store.ping().await.ok()).await;
    assert!(matches!(store.accept(event("w2", "c1")).await, Ok(Accepted::New { .. })), "it was not half there");
    assert_eq!(store.claim(1, super::LEASE).await.unwrap().len(), 1);
}
