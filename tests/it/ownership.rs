//! A SQLite ledger belongs to one process, and what a dead one had claimed is free at once.

use std::time::Duration;

use erp_bridge::{
    app::{App, StartError, StartOptions},
    event::Status,
    store::OpenError,
};

use crate::support::{World, WorldOptions, contact, promoted};

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
