//! How much each robot is sent, whatever comes at once: never more than it takes, and nothing is lost.

use std::time::Duration;

use erp_bridge::{clock::Clock, config::TargetKind, store::Addressee};
use futures::future::join_all;
use serde_json::{Value, json};

use super::{
    MINUTE, START, notice, review_because, robot,
    robots::{ROBOTS, target},
    round, world,
};

/// More causes at once than any robot takes in a minute, and one message that is larger than any of them takes.
async fn flood(kind: TargetKind) {
    let clock = Clock::manual(START);
    let robot = robot(kind, clock.clone()).await;
    let mut world = world(&clock, vec![target(kind, &robot.url)], |_| {}).await;
    notice(&world, json!({ "title": "\"\\长".repeat(20_000) })).await;
    for number in 0..21 {
        review_because(&world, number, &format!("cause{number}")).await;
    }
    round(&world).await;
    assert_eq!(robot.received().len(), 15, "{kind:?}");
    world.restart().await;
    round(&world).await;
    clock.advance(MINUTE - Duration::from_millis(1));
    round(&world).await;
    assert_eq!(robot.received().len(), 15, "{kind:?}");
    clock.advance(Duration::from_millis(1));
    round(&world).await;
    let waits = world.app.store.outbox_waits(Addressee::People).await.unwrap();
    let told = (robot.received().len(), waits.waiting, waits.dead);
    assert_eq!(told, (22, 0, 0), "{kind:?}: every one of them came, and none was refused");
}

#[tokio::test]
async fn each_robot_is_sent_fifteen_messages_a_minute_none_too_large_and_the_rest_later_even_over_a_restart() {
    join_all(ROBOTS.map(flood)).await;
}

#[tokio::test]
async fn test_messages_count_in_the_budget_of_what_is_told() {
    let clock = Clock::manual(START);
    let robot = robot(TargetKind::WeCom, clock.clone()).await;
    let world = world(&clock, vec![target(TargetKind::WeCom, &robot.url)], |_| {}).await;
    let test = async || {
        let (status, tested) = world.call("POST", "/v1/alerts/test", None).await;
        assert_eq!(status, 200, "{tested}");
        tested["targets"][0].clone()
    };
    assert_eq!(test().await["ok"], true);
    for number in 0..15 {
        review_because(&world, number, &format!("cause{number}")).await;
    }
    round(&world).await;
    assert_eq!(robot.received().len(), 15, "a test, and fourteen alerts");
    let refused = test().await;
    assert_eq!((&refused["ok"], robot.received().len()), (&Value::Bool(false), 15), "{refused}");
    assert!(refused["refusal"].as_str().is_some_and(|words| words.contains("请稍后再试")), "{refused}");
    clock.advance(MINUTE);
    round(&world).await;
    assert_eq!(robot.received().len(), 16);
    assert_eq!(test().await["ok"], true);
}
