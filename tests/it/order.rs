//! The events of one contact take effect in the order of acceptance (`contract.md` §3.5), also those that waited for a link:
//! they stand before the records of the event that released them, whenever the worker dies on the way.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use erp_bridge::{
    clock::{Clock, Millis},
    event::Status,
    store::CommitMoment,
};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::{World, WorldOptions, contact, deal, message, promoted};

const HEAD: &str = "2026-11-23 15:04:05 客户：";
const DEAL: &str = "2026-11-23 16:00:00 我方：成交《年度框架》，金额 CNY 12800.50（成交编号 D1）";

/// A promotion whose message does not fit into 客户简介: the whole follows in five records.
fn long_promotion() -> Value {
    let mut event = promoted(&contact("c1", 1), 70.0);
    let content = format!("{}末", "很长的一段话。".repeat(600));
    event["data"]["signal"] = json!({ "id": "p", "content": content, "sent_at": "2026-11-23T15:04:05+08:00" });
    event
}

async fn world() -> World {
    let configure = |config: &mut erp_bridge::config::Config| config.worker.lease = Duration::from_secs(30);
    // After the events happened: a time from the future would not be believed.
    let clock = Clock::manual(Millis(1_795_500_000_000));
    World::with(WorldOptions { dispatch: false, clock, configure: Box::new(configure), ..WorldOptions::default() })
        .await
}

/// Two messages of a contact that nobody knows yet, what releases them, and one message more.
async fn post(world: &World, releasing: &Value) {
    for number in 1..=2 {
        let (status, body) = world.post(&format!("m{number}"), &message("c1", number, &format!("第{number}句"))).await;
        assert_eq!((status, &body["status"]), (202, &json!("held")));
    }
    world.accept("r", releasing).await;
    world.post("m3", &message("c1", 3, "第3句")).await;
}

async fn check(world: &World, own: usize, own_first: &str) {
    let events = world.events().await;
    assert!(events.iter().all(|event| event.status == Status::Succeeded), "{events:#?}");
    let ord = world.ord_of("c1").await;
    let records = world.sim.handle.progress_of(ord);
    assert_eq!(records.len(), 3 + own, "{records:#?}");
    assert_eq!(records[..2], [format!("{HEAD}第1句"), format!("{HEAD}第2句")]);
    assert!(records[2].starts_with(own_first), "{records:#?}");
    assert_eq!(records[2 + own], format!("{HEAD}第3句"));
    assert_eq!(world.sim.handle.customers().len(), 1);
}

#[tokio::test]
async fn held_messages_stand_before_the_deal_that_released_them() {
    let world = world().await;
    post(&world, &deal(&contact("c1", 1), 70.0)).await;
    world.app.dispatcher.run_due().await;
    check(&world, 1, DEAL).await;
}

#[tokio::test]
async fn held_messages_stand_before_the_parts_of_the_promotion_that_released_them() {
    let world = world().await;
    post(&world, &long_promotion()).await;
    world.app.dispatcher.run_due().await;
    check(&world, 5, &format!("{HEAD}（1/5）")).await;
}

/// Ends the worker's life at the `nth` moment around a commit of the journal.
fn die_at(world: &World, nth: i64) -> Arc<Notify> {
    let (left, died) = (Arc::new(AtomicI64::new(nth)), Arc::new(Notify::new()));
    let told = died.clone();
    world.app.store.watch_commits(Box::new(move |_: CommitMoment| {
        let (left, died) = (left.clone(), died.clone());
        Box::pin(async move {
            if left.fetch_sub(1, Ordering::SeqCst) == 0 {
                died.notify_one();
                std::future::pending::<()>().await;
            }
            Ok(())
        })
    }));
    told
}

#[tokio::test]
async fn the_order_holds_whenever_the_worker_dies_on_the_way() {
    for (releasing, own, own_first) in
        [(deal(&contact("c1", 1), 70.0), 1, DEAL.to_owned()), (long_promotion(), 5, format!("{HEAD}（1/5）"))]
    {
        for nth in 0.. {
            let world = world().await;
            post(&world, &releasing).await;
            let died = die_at(&world, nth);
            let has_died = tokio::select! {
                biased;
                () = died.notified() => true,
                _ = world.app.dispatcher.run_due() => false,
            };
            // The lease of the dead runs out, and what it began becomes certain.
            for _ in 0..3 {
                world.sender.clock.advance(Duration::from_secs(60));
                world.app.dispatcher.run_due().await;
            }
            check(&world, own, &own_first).await;
            if !has_died {
                assert!(nth > 20, "{nth}");
                break;
            }
        }
    }
}
