//! Two replicas on one PostgreSQL, and the journeys of an office once more where every request comes to the other one of them:
//! what a page shows, what is done on it and what follows are never the same replica's.

use erp_bridge::config::Config;

use super::{
    chrome::Browser,
    decisions, journeys,
    office::{Office, person},
    readers, recoveries,
};
use crate::support::{OPERATOR, World, WorldOptions, postgres, promoted};

#[tokio::test]
async fn between_replicas_one_of_several_candidates_is_linked() {
    decisions::one_candidate_is_linked(Office::with_replicas().await).await;
}

#[tokio::test]
async fn between_replicas_the_second_of_two_people_is_told() {
    decisions::two_people_decide(Office::with_replicas().await).await;
}

#[tokio::test]
async fn between_replicas_a_dead_event_is_corrected() {
    recoveries::a_dead_event_is_corrected(Office::with_replicas().await).await;
}

#[tokio::test]
async fn between_replicas_a_cause_is_replayed_paused_and_gone_on_with() {
    recoveries::a_cause_is_replayed(300, true).await;
}

#[tokio::test]
async fn between_replicas_an_event_arrives_and_is_read_in_english() {
    let options = WorldOptions { replicas: true, ..WorldOptions::default() };
    journeys::an_event_arrives_and_is_read_in_english(World::with(options).await).await;
}

#[tokio::test]
async fn between_replicas_a_block_is_explained_and_lifted() {
    journeys::a_block_is_explained_and_lifted(Office::with_replicas().await).await;
}

#[tokio::test]
async fn between_replicas_dispatch_is_paused_and_goes_on() {
    let options = WorldOptions { replicas: true, ..WorldOptions::default() };
    journeys::dispatch_is_paused_and_goes_on(World::with(options).await).await;
}

#[tokio::test]
async fn between_replicas_a_reader_only_reads() {
    readers::a_reader_only_reads(Office::with_replicas().await).await;
}

#[tokio::test]
async fn whoever_signed_in_at_one_replica_sees_what_came_in_through_the_other_without_a_reload() {
    let database = postgres::database().await;
    let replica = async || {
        let database = database.clone();
        let configure = Box::new(move |config: &mut Config| config.database.url = database.parse().unwrap());
        World::with(WorldOptions { configure, ..WorldOptions::default() }).await
    };
    let (here, there) = (replica().await, replica().await);
    let browser = Browser::signed_in(&here.url(""), OPERATOR).await;
    browser.click("事件").await;
    browser.sees("还没有事件").await;
    browser.sees_in(".live", "实时").await;
    browser.ask("window.sameDocument = true").await;
    there.accept("w1", &promoted(&person("c_1001", "沈嘉禾", 1), 82.0)).await;
    browser.sees_in("#rows", "c_1001").await;
    browser.sees_in("#rows", "已同步").await;
    assert_eq!(browser.ask("return window.sameDocument").await, true, "the page was not loaded anew");
    browser.is_content().await;
    // The session is the ledger's: the other replica knows it. A cookie is kept for the host, whatever its port.
    let browser = browser.at(&there.url(""));
    browser.go("/console/events").await;
    browser.sees_in("#rows", "c_1001").await;
    browser.click("退出").await;
    browser.arrives("/console/sign-in").await;
    browser.is_content().await;
    let browser = browser.at(&here.url(""));
    browser.go("/console/events").await;
    browser.arrives("/console/sign-in?next=").await;
}
