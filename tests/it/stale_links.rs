//! A customer that people deleted or merged in the ERP (`contract.md` §3.8): the link moves, or a person decides.

use std::time::Duration;

use erp_bridge::{event::Status, store::EventRow};
use serde_json::{Value, json};

use crate::support::{World, contact, deal, message, mobile, of_company, promoted};

const LIMIT: Duration = Duration::from_secs(30);

/// A world in which `c1` is linked; answers its customer.
async fn linked(takes_dead_records: bool) -> (World, i64) {
    let world = World::start().await;
    world.accept("m0", &promoted(&contact("c1", 1), 80.0)).await;
    world.idle(LIMIT).await;
    world.sim.handle.change_settings(|settings| settings.takes_dead_records = takes_dead_records);
    let ord = world.ord_of("c1").await;
    (world, ord)
}

/// What an event or an order becomes.
async fn handle(world: &World, what: &str) -> EventRow {
    let event = match what {
        "message" => message("c1", 1, "还在吗"),
        "deal" => deal(&contact("c1", 1), 80.0),
        "promotion" => promoted(&contact("c1", 1), 80.0),
        order => return give(world, order).await,
    };
    world.handle(&format!("m-{what}"), &event).await
}

async fn give(world: &World, order: &str) -> EventRow {
    let body = (order == "assignment").then(|| json!({ "mode": "users", "users": ["71"] }));
    let method = if order == "assignment" { "PUT" } else { "POST" };
    let (status, answer) = world.call(method, &format!("/v1/contacts/c1/{order}"), body).await;
    assert_eq!(status, 202, "{answer}");
    world.ended(answer["id"].as_str().unwrap()).await
}

async fn decide(world: &World, event: &EventRow, decision: Value) -> EventRow {
    let path = format!("/v1/events/{}/resolve", event.id);
    let (status, answer) = world.call("POST", &path, Some(decision)).await;
    assert_eq!(status, 200, "{answer}");
    world.ended(&event.id).await
}

fn seed(world: &World, name: &str, khid: &str, number: &str) -> i64 {
    world.sim.handle.seed_customer_fields(&[("name", name), ("khid", khid), ("mobile", number)]).unwrap()
}

#[tokio::test]
async fn a_link_moves_to_the_customer_into_which_its_own_was_merged() {
    for (what, takes_dead_records) in [
        ("message", false),
        ("message", true),
        ("deal", false),
        ("deal", true),
        ("promotion", false),
        ("assignment", false),
        ("takeback", false),
    ] {
        let (world, old) = linked(takes_dead_records).await;
        let new = seed(&world, "合并后的客户", "K2", "13900000009");
        assert!(world.sim.handle.merge_customers(old, new));
        let event = handle(&world, what).await;
        assert_eq!(event.status, Status::Succeeded, "{what}: {:?} {:?}", event.error_code, event.error);
        assert_eq!(world.ord_of("c1").await, new, "{what}");
        let records = world.sim.handle.progress_of(new).len();
        assert_eq!(records, usize::from(matches!(what, "message" | "deal")), "{what}");
        assert_eq!(world.sim.handle.customers().len(), 1, "{what}");
        let (_, audit) = world.call("GET", "/v1/audit", None).await;
        let moved = audit["items"].as_array().unwrap().iter().find(|entry| entry["action"] == "contact.relink");
        assert!(moved.is_some_and(|entry| entry["subject"] == "c1"), "{what}: {audit}");
    }
}

#[tokio::test]
async fn a_customer_that_is_found_nowhere_waits_for_a_decision_and_is_made_anew() {
    for (what, takes_dead_records) in
        [("message", false), ("message", true), ("deal", false), ("promotion", false), ("assignment", false)]
    {
        let (world, old) = linked(takes_dead_records).await;
        assert!(world.sim.handle.delete_customer(old));
        let event = handle(&world, what).await;
        assert_eq!((event.status, event.error_code.as_deref()), (Status::NeedsReview, Some("customer_gone")), "{what}");
        assert_eq!(event.review.as_ref().unwrap()["decisions"], json!(["link", "recreate"]), "{what}");
        assert!(world.sim.handle.customers().is_empty(), "{what}");

        let event = decide(&world, &event, json!({ "decision": "recreate" })).await;
        assert_eq!(event.status, Status::Succeeded, "{what}: {:?}", event.error);
        let new = world.ord_of("c1").await;
        assert_ne!(new, old, "{what}");
        let customers = world.sim.handle.customers_with("khid", "WXc1");
        assert_eq!(customers.iter().map(|customer| customer.ord).collect::<Vec<_>>(), [new], "{what}");
        assert_eq!(world.handle("m-next", &message("c1", 2, "好的")).await.status, Status::Succeeded, "{what}");
        let told = usize::from(matches!(what, "message" | "deal")) + 1;
        assert_eq!(world.sim.handle.progress_of(new).len(), told, "{what}");
    }
}

#[tokio::test]
async fn a_refusal_is_not_final_while_nobody_can_tell_whether_the_customer_is_gone() {
    // The calls of 客户列表 that follow the refusal: each is broken once.
    for passed in 0..5 {
        let (world, old) = linked(false).await;
        assert!(world.sim.handle.delete_customer(old));
        world.sim.handle.fault(&format!("customer.list:empty_200_before:skip={passed},times=1")).unwrap();
        let event = handle(&world, "message").await;
        assert_eq!(
            (event.status, event.error_code.as_deref()),
            (Status::NeedsReview, Some("customer_gone")),
            "{passed}"
        );
    }
}

#[tokio::test]
async fn an_operator_links_the_contact_of_a_deleted_customer_to_another_or_gives_the_event_up() {
    let (world, old) = linked(false).await;
    let other = seed(&world, "另一客户", "K2", "13900000009");
    world.sim.handle.delete_customer(old);
    let event = handle(&world, "message").await;
    assert_eq!(event.error_code.as_deref(), Some("customer_gone"));
    let event = decide(&world, &event, json!({ "decision": "link", "ord": other })).await;
    assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
    assert_eq!((world.ord_of("c1").await, world.sim.handle.progress_of(other).len()), (other, 1));

    world.sim.handle.delete_customer(other);
    let id = world.accept("m2", &message("c1", 2, "好的")).await;
    assert_eq!(world.ended(&id).await.error_code.as_deref(), Some("customer_gone"));
    assert_eq!(world.call("POST", &format!("/v1/events/{id}/discard"), None).await.0, 200);
    assert_eq!(world.event(&id).await.status, Status::Discarded);
}

#[tokio::test]
async fn a_refusal_for_another_reason_moves_no_link() {
    let (world, ord) = linked(false).await;
    world.sim.handle.fault("progress.add:refuse:times=1").unwrap();
    let event = handle(&world, "message").await;
    assert_eq!(event.status, Status::Dead);
    assert_eq!(world.ord_of("c1").await, ord);
    assert_eq!(mobile(1), world.sim.handle.customer(ord).unwrap().fields["mobile"]);
}

#[tokio::test]
async fn a_contact_person_whose_company_is_gone_is_noticed_by_whatever_comes_for_it() {
    for what in ["promotion", "sync", "deal", "message"] {
        for is_merged in [false, true] {
            let world = World::start().await;
            let company = world.seed_company("某某公司", "K1");
            let person = of_company("c1", 1, "某某公司");
            world.accept("m0", &promoted(&person, 80.0)).await;
            world.idle(LIMIT).await;
            assert_eq!(world.ord_of("c1").await, company);
            let other = world.seed_company("另一公司", "K2");
            if is_merged {
                assert!(world.sim.handle.merge_customers(company, other));
            } else {
                assert!(world.sim.handle.delete_customer(company));
            }
            let event = match what {
                "promotion" => promoted(&person, 80.0),
                "deal" => deal(&person, 80.0),
                _ => message("c1", 1, "还在吗"),
            };
            let id = if what == "sync" {
                let body = json!({ "contact": person, "force": true });
                let (status, answer) = world.call("POST", "/v1/contacts/c1/sync", Some(body)).await;
                assert_eq!(status, 202, "{answer}");
                answer["id"].as_str().unwrap().to_owned()
            } else {
                world.accept("m1", &event).await
            };
            let event = world.ended(&id).await;
            if is_merged {
                assert_eq!(
                    (event.status, world.ord_of("c1").await),
                    (Status::Succeeded, other),
                    "{what}: {:?}",
                    event.error
                );
                continue;
            }
            assert_eq!(
                (event.status, event.error_code.as_deref()),
                (Status::NeedsReview, Some("customer_gone")),
                "{what}"
            );
        }
    }
}
