//! What operators do about the link of a contact, on the whole bridge.

use std::time::Duration;

use erp_bridge::event::Status;
use serde_json::{Value, json};

use crate::support::{World, contact, message, mobile, promoted};

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn after_a_link_is_forgotten_the_next_event_looks_the_contact_up_anew() {
    let world = World::start().await;
    let person = contact("c1", 1);
    let first = world.accept("e1", &promoted(&person, 82.0)).await;
    world.until(&first, &[Status::Succeeded]).await;
    for wanting in ["", "?reason=", "?reason=%20"] {
        let (status, refused) = world.call("DELETE", &format!("/v1/contacts/c1/link{wanting}"), None).await;
        assert_eq!((status, &refused["errors"][0]["pointer"]), (422, &"/reason".into()), "{wanting}: {refused}");
    }
    assert_eq!(world.call("GET", "/v1/contacts/c1", None).await.0, 200, "nothing is forgotten without a reason");
    let (status, link) = world.call("DELETE", "/v1/contacts/c1/link?reason=merged", None).await;
    assert_eq!((status, &link["linked_by"]), (200, &"created".into()), "{link}");
    assert_eq!(world.call("GET", "/v1/contacts/c1", None).await.0, 404);
    assert_eq!(world.call("DELETE", "/v1/contacts/c1/link?reason=merged", None).await.0, 404);
    // Whatever comes next: most of what comes are messages.
    let said = world.accept("m1", &message("c1", 1, "在吗")).await;
    world.until(&said, &[Status::Succeeded]).await;
    let (_, found) = world.call("GET", "/v1/contacts/c1", None).await;
    assert_eq!((&found["ord"], &found["linked_by"]), (&link["ord"], &"khid".into()));
    let again = world.accept("e2", &promoted(&person, 82.0)).await;
    world.until(&again, &[Status::Succeeded]).await;
    world.idle(LIMIT).await;
    let (_, audit) = world.call("GET", "/v1/audit", None).await;
    assert_eq!(
        (&audit["items"][0]["action"], &audit["items"][0]["reason"]),
        (&"contact.unlink".into(), &"merged".into())
    );
}

#[tokio::test]
async fn the_reason_is_said_in_the_query_or_in_the_body() {
    let world = World::start().await;
    for (number, (query, body, kept)) in [
        ("", Some(json!({"reason": "ERP 中已合并"})), Some("ERP 中已合并")),
        ("?reason=merged", Some(json!({"reason": "another"})), Some("merged")),
        ("?reason=%20", Some(json!({"reason": "x".repeat(500)})), Some(&*"x".repeat(500))),
        ("", Some(json!({"reason": "x".repeat(501)})), None),
        (format!("?reason={}", "x".repeat(500)).as_str(), None, Some(&*"x".repeat(500))),
        (format!("?reason={}", "x".repeat(501)).as_str(), None, None),
        ("", Some(json!({"reason": null})), None),
        ("", Some(json!({})), None),
        ("", Some(json!({"reason": 5})), None),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("c{number}");
        let event = world.accept(&id, &promoted(&contact(&id, number as u32), 82.0)).await;
        world.until(&event, &[Status::Succeeded]).await;
        let (status, answer) = world.call("DELETE", &format!("/v1/contacts/{id}/link{query}"), body.clone()).await;
        let Some(kept) = kept else {
            assert_eq!(
                (status, &answer["errors"][0]["pointer"]),
                (422, &"/reason".into()),
                "{query} {body:?}: {answer}"
            );
            continue;
        };
        assert_eq!(status, 200, "{query} {body:?}: {answer}");
        let (_, audit) = world.call("GET", "/v1/audit", None).await;
        let last = &audit["items"][0];
        assert_eq!((&last["action"], &last["reason"]), (&"contact.unlink".into(), &kept.into()), "{query} {body:?}");
    }
    // Erasing takes its reason the same way.
    let erase =
        async |reason: &str| world.call("DELETE", "/v1/contacts/c3/data", Some(json!({ "reason": reason }))).await.0;
    assert_eq!((erase(&"x".repeat(501)).await, erase("本人要求").await), (422, 200));
    let (_, audit) = world.call("GET", "/v1/audit", None).await;
    assert_eq!(audit["items"][0]["reason"], "本人要求", "{audit}");
}

/// 客户收回 moves a customer into 客户池, where no look-up by the contact's data comes, and not every ERP refuses a second one.
/// The contact may have another number by then.
#[tokio::test]
async fn a_customer_in_the_pool_of_somebody_who_was_unlinked_or_erased_is_found_there_and_not_made_again() {
    for what in ["link", "data"] {
        assert_found_in_pool(what, &json!(""), &json!("")).await;
        assert_found_in_pool(what, &json!(mobile(1)), &json!(mobile(2))).await;
    }
}

/// What is undone, and the contact's number before and after.
async fn assert_found_in_pool(what: &str, before: &Value, after: &Value) {
    let world = World::start().await;
    world.sim.handle.change_settings(|settings| settings.duplicate_rules.clear());
    let mut person = contact("c1", 1);
    for (step, number) in [("made", before), ("found", after)] {
        person["phone"].clone_from(number);
        let body = json!({ "contact": person, "thread": { "id": "t1", "score": 80 }, "force": true });
        let (status, answer) = world.call("POST", "/v1/contacts/c1/sync", Some(body)).await;
        assert_eq!(status, 202, "{what} {step}: {answer}");
        let ends = [Status::Succeeded, Status::Dead, Status::NeedsReview];
        let row = world.until(answer["id"].as_str().unwrap(), &ends).await;
        assert_eq!(row.status, Status::Succeeded, "{what} {step} {number}: {:?}", row.error);
        assert_eq!(world.sim.handle.customers().len(), 1, "{what} {step} {number}");
        if step == "made" {
            let (_, taken) = world.call("POST", "/v1/contacts/c1/takeback", None).await;
            world.until(taken["id"].as_str().unwrap(), &[Status::Succeeded]).await;
            for expected in [200, 404] {
                let path = format!("/v1/contacts/c1/{what}?reason=x");
                assert_eq!(world.call("DELETE", &path, None).await.0, expected, "{what}");
            }
        }
    }
    assert_eq!(world.link_of("c1").await.ord, world.sim.handle.customers()[0].ord, "{what} {after}");
}

#[tokio::test]
async fn an_order_that_was_taken_before_an_unlinking_looks_the_contact_up_anew_too() {
    let world = World::start().await;
    let first = world.accept("e1", &promoted(&contact("c1", 1), 82.0)).await;
    world.until(&first, &[Status::Succeeded]).await;
    assert_eq!(world.call("POST", "/v1/dispatch/pause", Some(json!({ "scope": "all", "reason": "x" }))).await.0, 200);
    let to = Some(json!({ "mode": "users", "users": ["71"] }));
    let (status, order) = world.call("PUT", "/v1/contacts/c1/assignment", to).await;
    assert_eq!(status, 202, "{order}");
    assert_eq!(world.call("DELETE", "/v1/contacts/c1/link?reason=x", None).await.0, 200);
    assert_eq!(world.call("POST", "/v1/dispatch/resume", Some(json!({ "scope": "all" }))).await.0, 200);
    let row = world.ended(order["id"].as_str().unwrap()).await;
    assert_eq!(row.status, Status::Succeeded, "{:?}", row.error);
    let ord = world.ord_of("c1").await;
    assert_eq!(world.sim.handle.catename(ord).as_deref(), Some("王芳"));
}

/// To make a customer of it would leave the order waiting for a promotion.
#[tokio::test]
async fn an_order_for_one_of_several_customers_is_asked_about_and_no_new_customer_is_offered() {
    let world = World::start().await;
    let first = world.accept("e1", &promoted(&contact("c1", 1), 82.0)).await;
    world.until(&first, &[Status::Succeeded]).await;
    assert_eq!(world.call("POST", "/v1/dispatch/pause", Some(json!({ "scope": "all", "reason": "x" }))).await.0, 200);
    let to = Some(json!({ "mode": "users", "users": ["71"] }));
    let (_, order) = world.call("PUT", "/v1/contacts/c1/assignment", to).await;
    let order = order["id"].as_str().unwrap().to_owned();
    assert_eq!(world.call("DELETE", "/v1/contacts/c1/link?reason=x", None).await.0, 200);
    let ord = world.sim.handle.customers()[0].ord;
    world.sim.handle.delete_customer(ord);
    let [one, _] = ["王小明", "王晓明"]
        .map(|name| world.sim.handle.seed_customer_fields(&[("name", name), ("mobile", &mobile(1))]).unwrap());
    assert_eq!(world.call("POST", "/v1/dispatch/resume", Some(json!({ "scope": "all" }))).await.0, 200);
    world.until(&order, &[Status::NeedsReview]).await;
    let (_, event) = world.call("GET", &format!("/v1/events/{order}"), None).await;
    assert_eq!(event["review"]["decisions"], json!(["link"]), "{event}");
    let resolve = format!("/v1/events/{order}/resolve");
    let decide = |decision| world.call("POST", &resolve, Some(decision));
    assert_eq!(decide(json!({ "decision": "recreate" })).await.0, 409);
    assert_eq!(decide(json!({ "decision": "link", "ord": one })).await.0, 200);
    world.until(&order, &[Status::Succeeded]).await;
    assert_eq!(world.sim.handle.catename(one).as_deref(), Some("王芳"));
}

#[tokio::test]
async fn a_message_after_an_unlinking_makes_nobody_a_customer_whom_the_rules_refused() {
    let world = World::start().await;
    let adopted = json!({ "contacts": [{ "id": "c1", "name": "王小明", "phone": mobile(1) }], "apply": true });
    world.sim.handle.seed_customer_fields(&[("name", "王小明"), ("mobile", &mobile(1))]).unwrap();
    let (status, answer) = world.call("POST", "/v1/contacts/adopt", Some(adopted)).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(world.call("DELETE", "/v1/contacts/c1/link?reason=x", None).await.0, 200);
    let refused = promoted(&contact("c1", 1), 30.0).to_string();
    assert_eq!(world.sender.signed("e1", refused).send().await.unwrap().status(), 200, "it is not admitted");
    let said = world.accept("m1", &message("c1", 1, "在吗")).await;
    world.until(&said, &[Status::Held, Status::Succeeded, Status::Dead]).await;
    assert_eq!(world.event(&said).await.status, Status::Held);
    assert_eq!(world.call("GET", "/v1/contacts/c1", None).await.0, 404);
}
