//! Runs that end without being settled, and claims that fail: nothing comes back for ever, and nobody else suffers by it.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use erp_bridge::{
    clock::{Clock, Millis},
    event::Status,
    store::CommitMoment,
};
use secrecy::ExposeSecret;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    ledger::run,
    support::{Log, World, WorldOptions, contact, eventually, message, postgres, promoted},
};

/// A world that is driven by hand, with a linked contact `c1`.
async fn linked() -> (World, Clock) {
    let clock = Clock::manual(Millis(1_795_000_000_000));
    let world = World::with(WorldOptions { dispatch: false, clock: clock.clone(), ..WorldOptions::default() }).await;
    world.accept("m0", &promoted(&contact("c1", 1), 70.0)).await;
    assert_eq!(world.app.dispatcher.run_due().await, 1);
    (world, clock)
}

/// The only line at WARN and above since there were `before` of them.
fn only_loud_line(log: &Log, before: usize) -> String {
    let mut lines = log.loud().split_off(before);
    assert_eq!(lines.len(), 1, "one line for one failure: {lines:?}");
    lines.remove(0)
}

#[tokio::test]
async fn a_dead_event_is_one_line_of_the_log() {
    // The runtime has one thread here, so everything that the bridge says goes through its subscriber.
    let (log, _until_the_end) = Log::begin();
    let (world, _) = linked().await;
    world.sim.handle.fault("progress.add:refuse:times=1").unwrap();
    let id = world.accept("m1", &message("c1", 1, "你好")).await;
    let before = log.loud().len();
    assert_eq!(world.app.dispatcher.run_due().await, 1);
    let event = world.event(&id).await;
    assert_eq!((event.status, event.error_code.as_deref()), (Status::Dead, Some("refused")));
    let line = only_loud_line(&log, before);
    assert!(["ERROR", &id, "an event needs a person", "refused"].iter().all(|word| line.contains(word)), "{line}");
}

#[tokio::test]
async fn a_run_that_panics_is_a_failed_attempt_and_nobody_else_s() {
    let (log, _until_the_end) = Log::begin();
    let (world, clock) = linked().await;
    let id = world.accept("m1", &message("c1", 1, "你好")).await;
    let before = log.loud().len();
    let asked = AtomicUsize::new(0);
    world.app.store.watch_commits(Box::new(move |moment| {
        // The plan is about to be handed in: in the midst of the run.
        assert!(moment != CommitMoment::Asked || asked.fetch_add(1, Ordering::Relaxed) > 0, "a fault of the bridge");
        Box::pin(async { Ok(()) })
    }));
    assert_eq!(world.app.dispatcher.run_due().await, 1);
    let event = world.event(&id).await;
    assert_eq!((event.status, event.attempts, event.error_code.as_deref()), (Status::Queued, 1, Some("run_panicked")));
    let line = only_loud_line(&log, before);
    assert!(line.contains(&id) && line.contains("run_panicked"), "{line}");
    assert_eq!(world.app.dispatcher.in_flight(), 0);
    clock.advance(Duration::from_secs(1));
    assert_eq!(world.app.dispatcher.run_due().await, 1);
    assert_eq!(world.event(&id).await.status, Status::Succeeded);
    assert_eq!(world.sim.handle.progress().len(), 1);
}

#[tokio::test]
async fn an_event_during_whose_runs_the_process_ends_again_and_again_is_dead_and_its_contact_goes_on() {
    let (log, _until_the_end) = Log::begin();
    let (world, clock) = linked().await;
    let lease = world.config.worker.lease;
    let deadly = world.accept("m1", &message("c1", 1, "你好")).await;
    let next = world.accept("m2", &message("c1", 2, "在吗")).await;
    for run in 0..world.config.worker.cut_short_runs {
        // Claimed, and never heard of again.
        let store = &world.app.store;
        let claimed = match store.claim(1, lease).await.unwrap().pop() {
            Some(claimed) => claimed,
            None => store.claim_suspect(lease).await.unwrap().unwrap(),
        };
        assert_eq!((claimed.event.id.as_str(), claimed.cut_short), (deadly.as_str(), i64::from(run)));
        clock.advance(lease);
    }
    let before = log.loud().len();
    assert_eq!(world.app.dispatcher.run_due().await, 2);
    let event = world.event(&deadly).await;
    assert_eq!((event.status, event.error_code.as_deref()), (Status::Dead, Some("run_cut_short")));
    let line = only_loud_line(&log, before);
    assert!(line.contains(&deadly) && line.contains("an event needs a person"), "{line}");
    assert!(event.error.unwrap().contains("10 runs"));
    assert_eq!(world.event(&next).await.status, Status::Succeeded);
    world.app.store.replay(&deadly, &"ops".into(), None, None).await.unwrap();
    assert_eq!(world.app.dispatcher.run_due().await, 1);
    assert_eq!(world.event(&deadly).await.status, Status::Succeeded, "a replay begins anew");
}

#[tokio::test]
async fn what_the_database_refuses_of_a_run_ends_its_event_and_no_other() {
    let (log, _until_the_end) = Log::begin();
    let (world, _) = linked().await;
    let before = log.loud().len();
    let refuse = "create trigger no_mars before insert on calls when new.request like '%mars%'
        begin select raise(abort, 'no mars'); end";
    run(world.config.database.url.expose_secret(), refuse).await;
    let refused = world.accept("m1", &message("c1", 1, "mars")).await;
    let next = world.accept("m2", &message("c1", 2, "你好")).await;
    world.app.dispatcher.run_due().await;
    let event = world.event(&refused).await;
    assert_eq!((event.status, event.error_code.as_deref()), (Status::Dead, Some("data_refused")));
    let line = only_loud_line(&log, before);
    assert!(line.contains(&refused) && line.contains("data_refused"), "{line}");
    assert_eq!(world.event(&next).await.status, Status::Succeeded);
}

/// So often a claim was tried; the sequence counts what is rolled back, too.
async fn tries(url: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let sql = "select case when is_called then last_value else 0 end from tries";
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn where_claiming_fails_and_reading_works_it_is_tried_ever_more_slowly() {
    let url = postgres::database().await;
    let database = url.clone();
    let configure = Box::new(move |config: &mut erp_bridge::config::Config| config.database.url = url.parse().unwrap());
    let world = World::with(WorldOptions { configure, ..WorldOptions::default() }).await;
    let refuse = "create sequence tries;
        create function refuse() returns trigger language plpgsql as
          $$ begin perform nextval('tries'); raise exception 'not now'; end $$;
        create trigger refuse before update on turns for each row execute function refuse();";
    run(&database, refuse).await;
    let id = world.accept("m1", &promoted(&contact("c1", 1), 70.0)).await;
    let until = async |wanted: i64| {
        eventually("it is tried again", Duration::from_secs(60), async || {
            (tries(&database).await >= wanted).then_some(())
        })
        .await;
    };
    until(1).await;
    let begun = Instant::now();
    until(7).await;
    // 50, 100, 200, 400, 800, 1,600 ms.
    assert!(begun.elapsed() > Duration::from_secs(2), "{:?}", begun.elapsed());
    run(&database, "drop trigger refuse on turns").await;
    world.until(&id, &[Status::Succeeded]).await;
}
