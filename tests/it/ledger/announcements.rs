//! What a ledger tells of its events' states, to this process and to its replicas.

use std::time::Duration;

use erp_bridge::{
    event::Status,
    store::{Change, Follower, News, Settlement},
};

use secrecy::ExposeSecret;
use sqlx::postgres::PgListener;

use super::{Ledger, MS, event, given_back, held_for, on_both, run};

on_both! {
    every_move_of_an_event_is_told_once_and_in_order
    what_was_not_possible_changes_nothing_and_is_not_told
}

/// Waits until a replica has heard something.
async fn soon(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let looks = async {
        while !check().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), looks).await.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

/// What there is to hear, as far as it is said of the events of these contacts.
fn heard(follower: &mut Follower, contact: &str) -> Vec<Status> {
    std::iter::from_fn(|| follower.try_next())
        .filter_map(|news| match news {
            News::Changed(change) => (change.contact_id.as_deref() == Some(contact)).then_some(change.status),
            News::Reset => panic!("nothing was missed"),
        })
        .collect()
}

async fn every_move_of_an_event_is_told_once_and_in_order(ledger: &Ledger) {
    let mut follower = ledger.store.follow(None);
    let id = ledger.queue("c1").await;
    ledger.store.settle(ledger.claim_one().await.lease, Settlement::to(Status::Dead)).await.unwrap();
    ledger.store.replay(&id, &"ops".into(), None, None).await.unwrap();
    ledger.store.settle(ledger.claim_one().await.lease, given_back(Vec::new())).await.unwrap();
    ledger.store.discard(&id, &"ops".into(), None, None).await.unwrap();
    let moves = [
        Status::Queued,
        Status::Running,
        Status::Dead,
        Status::Queued,
        Status::Running,
        Status::Queued,
        Status::Discarded,
    ];
    assert_eq!(heard(&mut follower, "c1"), moves);
    ledger.take_in("c2", held_for(MS)).await;
    ledger.clock.advance(MS);
    ledger.store.expire_held().await.unwrap();
    assert_eq!(heard(&mut follower, "c2"), [Status::Held, Status::Discarded]);
}

async fn what_was_not_possible_changes_nothing_and_is_not_told(ledger: &Ledger) {
    let id = ledger.ended("c1", Status::Succeeded).await;
    let mut follower = ledger.store.follow(None);
    assert!(ledger.store.replay(&id, &"ops".into(), None, None).await.is_err());
    assert!(ledger.store.discard(&id, &"ops".into(), None, None).await.is_err());
    let second = ledger.queue("c1").await;
    let claimed = ledger.claim_one().await;
    // Nobody runs it: the row says so by itself.
    ledger.run(&format!("update events set status = 'discarded' where id = '{second}'")).await;
    let settled = ledger.store.settle(claimed.lease, Settlement::to(Status::Succeeded)).await;
    assert_eq!(settled, Err(erp_bridge::store::StoreError::WrongState(Status::Discarded)));
    assert_eq!(heard(&mut follower, "c1"), [Status::Queued, Status::Running]);
    assert_eq!(ledger.status(&second).await, Status::Discarded);
}

#[tokio::test]
async fn a_replica_on_postgres_hears_what_another_moved_and_each_its_own_once() {
    let ledger = Ledger::postgres().await;
    let other = ledger.replica().await;
    let (mut ours, mut theirs) = (ledger.store.follow(None), other.follow(None));
    let mut number = 0;
    soon("the replicas hear each other", async || {
        number += 1;
        ledger.accept(event(&format!("ours{number}"), "greeting")).await;
        other.accept(event(&format!("theirs{number}"), "hello")).await.unwrap();
        !heard(&mut theirs, "greeting").is_empty() && !heard(&mut ours, "hello").is_empty()
    })
    .await;
    let id = ledger.queue("c1").await;
    ledger.store.discard(&id, &"ops".into(), None, None).await.unwrap();
    let moves = [Status::Queued, Status::Discarded];
    let mut heard_there = Vec::new();
    soon("the other hears of it", async || {
        heard_there.extend(heard(&mut theirs, "c1"));
        heard_there.len() >= moves.len()
    })
    .await;
    assert_eq!(heard_there, moves);
    other.accept(event("last", "c2")).await.unwrap();
    let mut heard_here = Vec::new();
    soon("an answer comes back", async || {
        while let Some(News::Changed(change)) = ours.try_next() {
            heard_here.push(change);
        }
        heard_here.iter().any(|change: &Change| change.contact_id.as_deref() == Some("c2"))
    })
    .await;
    let own = heard_here.iter().filter(|change| change.contact_id.as_deref() == Some("c1"));
    assert_eq!(own.map(|change| change.status).collect::<Vec<_>>(), moves, "its own came once");
}

#[tokio::test]
async fn a_replica_that_is_alone_notifies_nobody_until_another_comes() {
    let ledger = Ledger::postgres().await;
    let mut line = PgListener::connect(ledger.config.url.expose_secret()).await.unwrap();
    line.listen_all(["erp_bridge_moved", "end"]).await.unwrap();
    // It says that it is there once it has looked for others.
    assert!(line.recv().await.unwrap().payload().contains(r#""moved":[]"#));
    let mut number = 0;
    let mut is_told = async || {
        number += 1;
        ledger.accept(event(&format!("w{number}"), "c1")).await;
        ledger.run("notify \"end\"").await;
        let mut is_told = false;
        loop {
            let letter = line.recv().await.unwrap();
            if letter.channel() == "end" {
                return is_told;
            }
            is_told |= letter.payload().contains("c1");
        }
    };
    assert!(!is_told().await, "nobody listens");
    let _other = ledger.replica().await;
    soon("another listens, and is told", is_told).await;
}

#[tokio::test]
async fn a_replica_whose_line_was_cut_tells_its_readers_that_they_missed_something_and_hears_again() {
    let ledger = Ledger::postgres().await;
    let mut follower = ledger.store.follow(None);
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'erp-bridge stream'";
    soon("the cut is told", async || {
        run(ledger.config.url.expose_secret(), cut).await;
        follower.try_next() == Some(News::Reset)
    })
    .await;
    let other = ledger.replica().await;
    let mut number = 0;
    soon("it hears again", async || {
        number += 1;
        other.accept(event(&format!("w{number}"), "c1")).await.unwrap();
        std::iter::from_fn(|| follower.try_next()).any(|news| matches!(news, News::Changed(_)))
    })
    .await;
}
