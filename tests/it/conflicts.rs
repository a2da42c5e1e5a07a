//! 冲突解决 end to end: which customer a contact is, and that the ERP's own data stays.

use std::time::Duration;

use erp_bridge::event::Status;
use serde_json::{Value, json};

use crate::support::{World, contact, message, mobile, promoted};

const LIMIT: Duration = Duration::from_secs(30);
const ENDS: [Status; 4] = [Status::Succeeded, Status::Dead, Status::NeedsReview, Status::NotAdmitted];

fn company(id: &str, number: u32, name: &str) -> Value {
    let mut contact = contact(id, number);
    contact["company"] = name.into();
    contact
}

fn fields(world: &World, ord: i64) -> Value {
    let customer = world.sim.handle.customer(ord).unwrap();
    serde_json::to_value(&customer).unwrap()["fields"].clone()
}

#[tokio::test]
async fn a_customer_known_by_mobile_number_gets_what_it_lacks_and_keeps_what_it_has() {
    let world = World::start().await;
    let number = mobile(7);
    let bare = world
        .sim
        .handle
        .seed_customer_fields(&[("name", "老客户"), ("khid", "K1"), ("mobile", number.as_str())])
        .unwrap();
    let id = world.accept("m1", &promoted(&contact("c1", 7), 80.0)).await;
    let event = world.until(&id, &ENDS).await;
    assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
    assert_eq!(world.sim.handle.customers().len(), 1);
    let stored = fields(&world, bare);
    for (field, value) in [("name", "老客户"), ("khid", "K1"), ("weixinAcc", "wx_c1"), ("jz", "289"), ("ly", "1201")]
    {
        assert_eq!(stored[field], value, "{field}: {stored}");
    }
    let link = world.app.store.contact("c1").await.unwrap().unwrap();
    assert_eq!((link.ord, link.khid.as_str(), link.linked_by.as_str()), (bare, "K1", "mobile"));
}

#[tokio::test]
async fn what_the_erp_has_is_never_overwritten() {
    let world = World::start().await;
    let number = mobile(7);
    let known =
        [("name", "老客户"), ("khid", "K1"), ("mobile", number.as_str()), ("weixinAcc", "theirs"), ("jz", "290")];
    let ord = world.sim.handle.seed_customer_fields(&known).unwrap();
    let id = world.accept("m1", &promoted(&contact("c1", 7), 95.0)).await;
    assert_eq!(world.until(&id, &ENDS).await.status, Status::Succeeded);
    let stored = fields(&world, ord);
    assert_eq!((&stored["weixinAcc"], &stored["jz"]), (&json!("theirs"), &json!("290")));
}

#[tokio::test]
async fn a_company_known_by_name_gets_a_contact_person_and_messages_go_to_it() {
    let world = World::start().await;
    let name = "上海某某贸易有限公司";
    let ord = world
        .sim
        .handle
        .seed(
            &serde_json::from_value(json!({
                "customers": [{ "name": name, "khid": "K9", "kind": 1, "person_name": "李总" }],
            }))
            .unwrap(),
        )
        .unwrap()
        .customers[0];
    world.accept("m1", &promoted(&company("c1", 7, name), 80.0)).await;
    world.accept("m2", &message("c1", 1, "你好")).await;
    world.idle(LIMIT).await;
    assert_eq!(world.sim.handle.customers().len(), 1);
    let persons = world.sim.handle.contacts();
    assert!(persons.iter().any(|person| serde_json::to_value(person).unwrap().to_string().contains(&mobile(7))));
    assert_eq!(world.sim.handle.progress_of(ord).len(), 1);
    assert_eq!(world.app.store.contact("c1").await.unwrap().unwrap().kind, "contact_person");
}

#[tokio::test]
async fn two_contacts_of_a_new_company_at_once_become_one_customer() {
    let world = World::start().await;
    let name = "北京双人科技有限公司";
    for number in 1..=6_u32 {
        let contact = company(&format!("c{number}"), number, name);
        world.accept(&format!("m{number}"), &promoted(&contact, 70.0)).await;
    }
    world.idle(LIMIT).await;
    assert_eq!(world.sim.handle.customers().len(), 1);
    assert_eq!(world.sim.handle.contacts().len(), 6);
}

#[tokio::test]
async fn several_matches_wait_for_a_person_with_the_candidates_and_hold_the_contacts_turn() {
    let world = World::start().await;
    let number = mobile(7);
    let first =
        world.sim.handle.seed_customer_fields(&[("name", "甲"), ("khid", "K1"), ("mobile", number.as_str())]).unwrap();
    let second =
        world.sim.handle.seed_customer_fields(&[("name", "乙"), ("khid", "K2"), ("mobile", number.as_str())]).unwrap();
    let id = world.accept("m1", &promoted(&contact("c1", 7), 80.0)).await;
    let event = world.until(&id, &ENDS).await;
    assert_eq!((event.status, event.error_code.as_deref()), (Status::NeedsReview, Some("candidates")));
    let candidates = event.review.unwrap()["candidates"].clone();
    let ords: Vec<i64> = candidates.as_array().unwrap().iter().map(|one| one["ord"].as_i64().unwrap()).collect();
    assert_eq!(ords, [first, second]);
    let (status, body) = world.post("m2", &message("c1", 1, "你好")).await;
    assert_eq!((status, &body["status"]), (202, &json!("held")));
    let path = format!("/v1/events/{id}/resolve");
    let (status, body) = world.call("POST", &path, Some(json!({ "decision": "link", "ord": second }))).await;
    assert!(status < 300, "{status} {body}");
    world.idle(LIMIT).await;
    let link = world.app.store.contact("c1").await.unwrap().unwrap();
    assert_eq!((link.ord, link.linked_by.as_str()), (second, "operator"));
    assert_eq!(world.sim.handle.progress_of(second).len(), 1);
    assert_eq!(world.sim.handle.customers().len(), 2);
}

#[tokio::test]
async fn a_source_that_the_erp_does_not_have_is_named_with_those_it_has() {
    let world = World::with(crate::support::WorldOptions {
        configure: Box::new(|config| config.erp.values.source = "抖音".into()),
        ..Default::default()
    })
    .await;
    let id = world.accept("m1", &promoted(&contact("c1", 7), 80.0)).await;
    let event = world.until(&id, &ENDS).await;
    assert_eq!((event.status, event.error_code.as_deref()), (Status::Dead, Some("choice_missing")));
    let error = event.error.unwrap();
    assert!(error.contains("抖音") && error.contains("微信") && error.contains("陌生开发"), "{error}");
    assert!(world.sim.handle.customers().is_empty());
}
