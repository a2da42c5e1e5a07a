//! A SQLite ledger belongs to one process, and what a dead one had claimed is free at once.

use std::time::Duration;

use erp_bridge::{
    app::{App, StartError, StartOptions},
    clock::{Clock, Millis},
    event::Status,
    store::{NewStep, OpenError, StepFacts},
};
use serde_json::json;

use crate::support::{World, WorldOptions, contact, message, promoted};

#[tokio::test]
async fn a_second_process_on_the_same_file_is_refused_by_name() {
    let world = World::start().await;
    let Err(error) = App::start(&world.config, StartOptions::default()).await else { panic!("it started") };
    assert!(matches!(error, StartError::Ledger(OpenError::InUse(_))), "{error}");
    assert!(error.to_string().contains("ledger.db"), "{error}");
}

#[tokio::test]
async fn an_event_that_a_dead_process_had_claimed_goes_on_at_the_next_start_without_waiting_for_its_lease() {
    let mut world = World::with(WorldOptions { dispatch: false, ..WorldOptions::default() }).await;
    let id = world.accept("m1", &promoted(&contact("c1", 1), 70.0)).await;
    let hour = Duration::from_secs(3_600);
    assert_eq!(world.app.store.claim(1, hour).await.unwrap().len(), 1);
    assert_eq!(world.event(&id).await.status, Status::Running);
    world.restart().await;
    assert_eq!(world.app.dispatcher.run_due().await, 1);
    assert_eq!(world.event(&id).await.status, Status::Succeeded);
}

#[tokio::test]
async fn what_a_dead_process_may_have_sent_just_now_is_not_sent_again_before_its_late_effect_is_over() {
    let clock = Clock::manual(Millis(1_795_000_000_000));
    let options = WorldOptions { dispatch: false, clock: clock.clone(), ..WorldOptions::default() };
    let mut world = World::with(options).await;
    world.accept("m1", &promoted(&contact("c1", 1), 70.0)).await;
    assert_eq!(world.app.dispatcher.run_due().await, 1);
    let id = world.accept("m2", &message("c1", 1, "你好")).await;
    let mut lease = world.app.store.claim(1, Duration::from_secs(120)).await.unwrap().remove(0).lease;
    let step = json!({ "do": "progress", "text": "2026-11-23 15:04:05 客户：你好", "way": "other" });
    world
        .app
        .store
        .plan(
            &mut lease,
            &[NewStep { name: "progress:1".into(), step, fingerprint: None, facts: StepFacts::default(), begun: None }],
            Vec::new(),
        )
        .await
        .unwrap();
    // The call waited long for its turn; then the process died, and nobody knows whether it was sent.
    clock.advance(Duration::from_secs(50));
    world.restart().await;
    world.app.dispatcher.run_due().await;
    assert_eq!(world.event(&id).await.error_code.as_deref(), Some("looking"));
    assert!(world.sim.handle.progress().is_empty());
    clock.advance(world.config.erp.late_effect);
    world.app.dispatcher.run_due().await;
    assert_eq!(world.event(&id).await.status, Status::Succeeded);
    assert_eq!(world.sim.handle.progress().len(), 1);
}
