//! Records that begin alike, of which one belongs to an event that nobody goes on with (`contract.md` §3.4).

use std::time::Duration;

use erp_bridge::{
    clock::{Clock, Millis},
    config::Config,
    event::Status,
    store::{EventRow, StepState},
};
use serde_json::json;

use crate::support::{World, WorldOptions, contact, message, promoted};

/// A bridge that is driven by hand, whose contact `c1` is linked, and a dead message of it that the ERP stored and nobody saw.
async fn dead_and_stored(first_said: &str) -> (World, Clock, EventRow) {
    let clock = Clock::manual(Millis(1_795_500_000_000));
    let configure = Box::new(|config: &mut Config| config.retry.schedule = Vec::new());
    let options = WorldOptions { dispatch: false, clock: clock.clone(), configure, ..WorldOptions::default() };
    let world = World::with(options).await;
    world.accept("m0", &promoted(&contact("c1", 1), 80.0)).await;
    world.app.dispatcher.run_due().await;
    world.sim.handle.fault("progress.add:cut_after:times=1").unwrap();
    world.sim.handle.fault("progress.list:error_500_before").unwrap();
    let id = world.accept("m1", &message("c1", 1, first_said)).await;
    let dead = ended(&world, &clock, &id).await;
    assert_eq!(dead.status, Status::Dead, "{:?}", dead.error);
    let steps = world.app.store.steps(&id).await.unwrap();
    assert!(steps.iter().any(|step| step.state == StepState::Started), "{steps:?}");
    world.sim.handle.clear_faults();
    assert_eq!(world.sim.handle.progress().len(), 1);
    (world, clock, dead)
}

async fn ended(world: &World, clock: &Clock, id: &str) -> EventRow {
    for _ in 0..100 {
        world.app.dispatcher.run_due().await;
        let event = world.event(id).await;
        if !matches!(event.status, Status::Queued | Status::Running) {
            return event;
        }
        clock.advance(Duration::from_secs(5));
    }
    world.event(id).await
}

#[tokio::test]
async fn a_record_of_an_event_that_is_dead_or_given_up_is_not_taken_for_an_equal_later_one() {
    for is_given_up in [false, true] {
        let (world, clock, dead) = dead_and_stored("好的").await;
        if is_given_up {
            world.app.store.discard(&dead.id, &"ops".into(), Some("查到了"), None).await.unwrap();
        }
        world.sim.handle.fault("progress.add:cut_before:times=1").unwrap();
        let id = world.accept("m2", &message("c1", 2, "好的")).await;
        let asked = ended(&world, &clock, &id).await;
        assert_eq!(
            (asked.status, asked.error_code.as_deref()),
            (Status::NeedsReview, Some("outcome_unknown")),
            "one of both is there, and nobody guesses whose: {:?}",
            asked.error
        );
        let resend = Some(json!({ "decision": "resend" }));
        assert_eq!(world.call("POST", &format!("/v1/events/{id}/resolve"), resend).await.0, 200);
        assert_eq!(ended(&world, &clock, &id).await.status, Status::Succeeded);
        assert_eq!(world.sim.handle.progress().len(), 2);
    }
}

#[tokio::test]
async fn a_dead_event_holds_up_no_equal_record_whose_outcome_is_known_and_is_found_when_it_is_replayed() {
    let (world, clock, dead) = dead_and_stored("好的").await;
    let id = world.accept("m2", &message("c1", 2, "好的")).await;
    assert_eq!(ended(&world, &clock, &id).await.status, Status::Succeeded);
    world.app.store.replay(&dead.id, &"ops".into(), None, None).await.unwrap();
    assert_eq!(ended(&world, &clock, &dead.id).await.status, Status::Succeeded);
    assert_eq!(world.sim.handle.progress().len(), 2);
}

#[tokio::test]
async fn a_part_that_was_begun_behind_a_link_counts_as_begun_for_equal_records_of_others() {
    let clock = Clock::manual(Millis(1_795_500_000_000));
    let options = WorldOptions { dispatch: false, clock: clock.clone(), ..WorldOptions::default() };
    let world = World::with(options).await;
    let mut event = promoted(&contact("c1", 1), 80.0);
    event["data"]["signal"] = message("c1", 1, &"很长的一段话".repeat(1_000))["data"]["signal"].clone();
    world.sim.handle.fault("progress.add:cut_after:times=1,skip=1").unwrap();
    world.sim.handle.fault("progress.list:error_500_before").unwrap();
    let id = world.accept("m1", &event).await;
    world.app.dispatcher.run_due().await;
    let customer = world.ord_of("c1").await;
    let steps = world.app.store.steps(&id).await.unwrap();
    let begun: Vec<_> = steps.iter().filter(|step| step.state == StepState::Started).collect();
    assert!(!begun.is_empty() && begun.iter().all(|step| step.customer == Some(customer)), "{steps:?}");
}
