//! The id that the ERP allocates to a new customer (`erp-wire.md` §3): nobody's customer is saved over, whoever is faster.

use std::time::Duration;

use erp_bridge::{config::Config, event::Status};
use serde_json::json;

use crate::support::{World, WorldOptions, contact, eventually, promoted};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn another_customer_under_the_allocated_id_is_never_saved_over() {
    let world = World::start().await;
    world.sim.handle.fault("customer.add:cut_before:times=1").unwrap();
    let id = world.accept("m1", &promoted(&contact("c1", 7), 80.0)).await;
    eventually("the save was lost", LIMIT, async || {
        (!world.sim.handle.calls_of("customer.add").is_empty()).then_some(())
    })
    .await;
    // A colleague is given the same id before the outcome of the lost save is certain.
    let taken = 7001;
    let theirs = [("ord", "7001"), ("name", "同事的客户"), ("khid", "K1")];
    assert_eq!(world.sim.handle.seed_customer_fields(&theirs), Ok(taken));
    let event = world.ended(&id).await;
    assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
    assert_eq!(world.fields(taken)["name"], "同事的客户");
    let link = world.link_of("c1").await;
    assert_ne!(link.ord, taken);
    assert_eq!((world.sim.handle.customers().len(), world.fields(link.ord)["khid"].clone()), (2, json!("WXc1")));
}

/// Its customer was deleted in the ERP, which gives the id away again to whoever asks.
#[tokio::test]
async fn an_allocated_id_to_which_another_contact_is_linked_is_told_of_and_not_waited_for_in_silence() {
    let configure = |config: &mut Config| {
        config.retry.schedule = vec![Duration::from_millis(20); 2];
        config.worker.lease = Duration::from_secs(1);
    };
    let world = World::with(WorldOptions { configure: Box::new(configure), ..WorldOptions::default() }).await;
    assert_eq!(world.handle("m1", &promoted(&contact("c1", 1), 80.0)).await.status, Status::Succeeded);
    let ord = world.ord_of("c1").await;
    world.sim.handle.reset();
    world.sim.handle.change_settings(|settings| settings.allocates_again = true);
    let event = world.handle("m2", &promoted(&contact("c2", 2), 80.0)).await;
    assert_eq!((event.status, event.error_code.as_deref()), (Status::Dead, Some("ord_taken")), "{:?}", event.error);
    assert!(event.error.unwrap().contains("c1"), "whose it is");
    assert!(world.sim.handle.calls_of("allocate").len() > 1, "another one was asked for");
    assert!(world.sim.handle.customers().is_empty(), "nothing was saved");
    let (status, body) = world.call("DELETE", "/v1/contacts/c1/link?reason=deleted", None).await;
    assert!(status < 300, "{status} {body}");
    let (status, body) = world.call("POST", &format!("/v1/events/{}/replay", event.id), None).await;
    assert!(status < 300, "{status} {body}");
    assert_eq!(world.ended(&event.id).await.status, Status::Succeeded);
    assert_eq!(world.ord_of("c2").await, ord);
}

/// The ERP answers slowly, and each time somebody else has become a customer under the same id when its answer is here.
#[tokio::test]
async fn an_id_lost_to_others_again_and_again_is_asked_for_until_one_is_had() {
    let configure = |config: &mut Config| {
        (config.worker.lease, config.erp.timeout) = (Duration::from_secs(60), Duration::from_secs(20));
    };
    let world = World::with(WorldOptions { configure: Box::new(configure), ..WorldOptions::default() }).await;
    world.sim.handle.change_settings(|settings| settings.allocates_again = true);
    let slow = "allocate:late_effect:times=1,effect_delay=1ms,delay=3s";
    world.sim.handle.fault(slow).unwrap();
    let slow_one = world.accept("m0", &promoted(&contact("c0", 0), 80.0)).await;
    for number in 1..=3 {
        eventually("it was given an id", LIMIT, async || {
            (world.sim.handle.calls_of("allocate").len() as u32 == 2 * number - 1).then_some(())
        })
        .await;
        let rival = promoted(&contact(&format!("c{number}"), number), 80.0);
        let event = world.handle(&format!("m{number}"), &rival).await;
        assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
        if number < 3 {
            world.sim.handle.fault(slow).unwrap();
        }
    }
    let event = world.ended(&slow_one).await;
    assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
    assert_eq!((event.attempts, world.sim.handle.customers().len()), (0, 4));
}

/// The ERP stores nothing under an allocated id, so it may give the same one to everybody who asks at the same time.
#[tokio::test]
async fn an_id_that_the_erp_allocates_to_several_at_once_becomes_one_customer_s() {
    const CONTACTS: u32 = 12;
    let world = World::start().await;
    world.sim.handle.change_settings(|settings| {
        settings.allocates_again = true;
        settings.latency_ms = 20;
    });
    for number in 1..=CONTACTS {
        world.accept(&format!("m{number}"), &promoted(&contact(&format!("c{number}"), number), 80.0)).await;
    }
    world.idle(LIMIT).await;
    for event in world.events().await {
        assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
    }
    for number in 1..=CONTACTS {
        let link = world.link_of(&format!("c{number}")).await;
        let customer = world.sim.handle.customer(link.ord).unwrap();
        assert_eq!((customer.fields["khid"].as_str(), customer.saves), (format!("WXc{number}").as_str(), 1));
    }
    assert_eq!(world.sim.handle.customers().len(), CONTACTS as usize);
}
