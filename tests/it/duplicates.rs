//! A save that the ERP refuses as a duplicate (查重) is looked for once more, and then asked, never dead (`contract.md` §3.2).

use std::time::Duration;

use erp_bridge::event::Status;
use serde_json::{Value, json};

use crate::support::{World, WorldOptions, contact, deal, mobile, of_company, promoted};

/// A world whose ERP checks these fields.
async fn checking(rules: &[&str]) -> World {
    let world = World::start().await;
    let rules = rules.iter().map(ToString::to_string).collect();
    world.sim.handle.change_settings(|settings| settings.duplicate_rules = rules);
    world
}

fn seed(world: &World, fields: Value) -> i64 {
    let seed = serde_json::from_value(json!({ "customers": [fields] })).unwrap();
    world.sim.handle.seed(&seed).unwrap().customers[0]
}

#[tokio::test]
async fn a_customer_in_the_pool_or_pending_for_whom_the_erp_refuses_the_contact_is_linked() {
    let number = mobile(1);
    for (stype, fields, by) in [
        (1, json!({ "name": "老客户", "khid": "K1", "mobile": number }), "mobile"),
        (2, json!({ "name": "老客户", "khid": "K1", "mobile": number }), "mobile"),
        (1, json!({ "name": "老客户", "khid": "WXc1" }), "khid"),
    ] {
        let world = checking(&["khid", "mobile"]).await;
        // Without contact persons the ordinary list is all that a first search sees.
        world.sim.handle.set_quirks(erp_bridge::simulator::Quirks::only([
            erp_bridge::simulator::Quirk::NoFirstContact,
            erp_bridge::simulator::Quirk::RefusedStatus0,
        ]));
        let mut fields = fields;
        fields["stype"] = json!(stype);
        let ord = seed(&world, fields.clone());
        let event = world.handle("m1", &promoted(&contact("c1", 1), 80.0)).await;
        assert_eq!(event.status, Status::Succeeded, "{fields}: {:?}", event.error);
        let link = world.link_of("c1").await;
        assert_eq!((link.ord, link.linked_by.as_str()), (ord, by), "{fields}");
        assert_eq!(world.sim.handle.customers().len(), 1, "{fields}");
    }
}

#[tokio::test]
async fn what_is_only_alike_is_a_question_with_candidates_and_the_erps_words() {
    let world = checking(&["name"]).await;
    let person = contact("c1", 1);
    let ord = seed(&world, json!({ "name": person["name"], "khid": "K1", "mobile": mobile(9) }));
    let event = world.handle("m1", &promoted(&person, 80.0)).await;
    assert_eq!(
        (event.status, event.error_code.as_deref(), event.attempts),
        (Status::NeedsReview, Some("duplicate"), 0)
    );
    let review = event.review.unwrap();
    assert_eq!((&review["candidates"][0]["ord"], &review["decisions"]), (&json!(ord), &json!(["link"])), "{review}");
    assert!(review["refused"].as_str().unwrap().contains("已被使用"), "{review}");
    assert!(event.error.unwrap().contains("已被使用"));
    let path = format!("/v1/events/{}/resolve", event.id);
    assert_eq!(world.call("POST", &path, Some(json!({ "decision": "link", "ord": ord }))).await.0, 200);
    assert_eq!(world.ended(&event.id).await.status, Status::Succeeded);
    assert_eq!((world.ord_of("c1").await, world.sim.handle.customers().len()), (ord, 1));
}

#[tokio::test]
async fn a_refusal_for_which_nobody_is_found_is_a_question_too_and_goes_on_once_the_erp_is_put_right() {
    for fault in ["customer.add:refuse:text=客户编号已被使用，不能保存！", "customer.add:refuse:text=手机重复"]
    {
        let world = World::start().await;
        world.sim.handle.fault(fault).unwrap();
        let event = world.handle("m1", &promoted(&contact("c1", 1), 80.0)).await;
        assert_eq!((event.status, event.error_code.as_deref()), (Status::NeedsReview, Some("duplicate")), "{fault}");
        let review = event.review.unwrap();
        assert_eq!((&review["candidates"], &review["decisions"]), (&json!([]), &json!(["link"])), "{review}");
        assert_eq!(world.sim.handle.calls_of("customer.add").len(), 1, "looked for once, not tried again");
        world.sim.handle.clear_faults();
        assert_eq!(world.call("POST", &format!("/v1/events/{}/replay", event.id), None).await.0, 200);
        assert_eq!(world.ended(&event.id).await.status, Status::Succeeded);
        assert_eq!(world.sim.handle.customers().len(), 1);
    }
}

#[tokio::test]
async fn customers_with_the_same_email_or_phone_are_candidates() {
    for (field, value) in [("email", "wei@example.com"), ("phone", "138-0000-0001")] {
        let world = checking(&["khid"]).await;
        let ord = seed(&world, json!({ "name": "王芳", "khid": "K1", field: value }));
        world.sim.handle.fault("customer.add:refuse:text=客户资料重复，不能保存").unwrap();
        let mut person = contact("c1", 1);
        person["email"] = json!("wei@example.com");
        let event = world.handle("m1", &promoted(&person, 80.0)).await;
        assert_eq!(event.error_code.as_deref(), Some("duplicate"), "{field}: {:?}", event.error);
        let review = event.review.unwrap();
        assert_eq!(review["candidates"][0]["ord"], json!(ord), "{field}: {review}");
    }
}

#[tokio::test]
async fn a_text_in_the_place_of_a_number_costs_no_call_where_a_duplicate_is_looked_for() {
    let mut calls = Vec::new();
    for phone in ["", "无"] {
        let world = World::start().await;
        world.sim.handle.fault("customer.add:refuse:text=客户资料重复，不能保存").unwrap();
        let mut person = contact("c1", 1);
        (person["phone"], person["phone_verified"]) = (json!(phone), json!(false));
        let body = json!({ "contact": person, "force": true });
        let (status, answer) = world.call("POST", "/v1/contacts/c1/sync", Some(body)).await;
        assert_eq!(status, 202, "{answer}");
        let event = world.ended(answer["id"].as_str().unwrap()).await;
        assert_eq!(event.error_code.as_deref(), Some("duplicate"), "{phone}: {:?}", event.error);
        calls.push(world.sim.handle.calls(0).len());
    }
    assert_eq!(calls[0], calls[1]);
}

#[tokio::test]
async fn a_contact_person_that_is_refused_as_a_duplicate_is_a_question() {
    let world = World::start().await;
    let company = world.seed_company("某某公司", "K1");
    world.sim.handle.fault("contact.add:refuse:text=联系人手机已存在").unwrap();
    let person = of_company("c1", 1, "某某公司");
    let event = world.handle("m1", &promoted(&person, 80.0)).await;
    assert_eq!((event.status, event.error_code.as_deref()), (Status::NeedsReview, Some("duplicate")));
    assert_eq!(event.review.unwrap()["candidates"][0]["ord"], json!(company));
    assert_eq!(world.sim.handle.calls_of("contact.add").len(), 1);
}

#[tokio::test]
async fn another_refusal_is_no_duplicate() {
    let world = World::start().await;
    world.sim.handle.fault("customer.add:refuse:text=请填写联系人姓名").unwrap();
    let event = world.handle("m1", &promoted(&contact("c1", 1), 80.0)).await;
    assert_eq!((event.status, event.error_code.as_deref()), (Status::Dead, Some("refused")));
}

#[tokio::test]
async fn a_field_that_another_customer_has_is_left_out_and_the_others_are_filled_in() {
    let world = checking(&["email", "mobile"]).await;
    let number = mobile(1);
    let ord = seed(&world, json!({ "name": "老客户", "khid": "K1", "mobile": number }));
    seed(&world, json!({ "name": "王芳", "khid": "K2", "email": "wei@example.com" }));
    let mut person = contact("c1", 1);
    person["email"] = json!("wei@example.com");
    let event = world.handle("m1", &promoted(&person, 80.0)).await;
    assert_eq!((event.status, event.attempts), (Status::Succeeded, 0), "{:?}", event.error);
    let stored = world.sim.handle.customer(ord).unwrap().fields;
    assert_eq!(stored["weixinAcc"], "wx_c1");
    assert!(stored.get("email").is_none_or(String::is_empty), "{stored:?}");
    let steps = world.app.store.steps(&event.id).await.unwrap();
    let fill = steps.iter().find(|row| row.name == "fill_missing").unwrap();
    assert_eq!(fill.result.as_ref().unwrap()["not_taken"], json!(["email"]));
}

#[tokio::test]
async fn an_edit_that_the_erp_refuses_whole_as_a_duplicate_leaves_the_contact_linked() {
    let world = World::start().await;
    let ord = seed(&world, json!({ "name": "老客户", "khid": "K1", "mobile": mobile(1) }));
    world.sim.handle.fault("customer.edit:refuse:text=客户名称已被使用").unwrap();
    let event = world.handle("m1", &promoted(&contact("c1", 1), 80.0)).await;
    assert_eq!((event.status, world.ord_of("c1").await), (Status::Succeeded, ord), "{:?}", event.error);
    let steps = world.app.store.steps(&event.id).await.unwrap();
    let fill = steps.iter().find(|row| row.name == "fill_missing").unwrap();
    assert!(fill.result.as_ref().unwrap()["left_out"].as_str().unwrap().contains("已被使用"));
    tokio::time::timeout(Duration::from_secs(1), world.idle(Duration::from_secs(1))).await.unwrap();
}

#[tokio::test]
async fn a_stage_that_is_refused_as_a_duplicate_is_a_question_and_goes_on_once_it_is_decided() {
    for decision in ["done", "resend", "replay"] {
        let configure =
            Box::new(|config: &mut erp_bridge::config::Config| config.erp.values.stage_after_deal = "成交客户".into());
        let world = World::with(WorldOptions { configure, ..WorldOptions::default() }).await;
        world.sim.handle.fault("customer.edit:refuse:text=客户名称已被使用，不能保存！").unwrap();
        let event = world.handle("m1", &deal(&contact("c1", 1), 80.0)).await;
        assert_eq!((event.status, event.error_code.as_deref()), (Status::NeedsReview, Some("duplicate")));
        let review = event.review.unwrap();
        assert_eq!((&review["step"], &review["decisions"]), (&json!("set_stage"), &json!(["done", "resend"])));
        assert!(event.error.unwrap().contains("已被使用"));
        world.sim.handle.clear_faults();
        let edits = world.sim.handle.calls_of("customer.edit").len();
        let (what, body) = match decision {
            "replay" => ("replay", None),
            decision => ("resolve", Some(json!({ "decision": decision }))),
        };
        assert_eq!(world.call("POST", &format!("/v1/events/{}/{what}", event.id), body).await.0, 200);
        assert_eq!(world.ended(&event.id).await.status, Status::Succeeded, "{decision}");
        let sent = world.sim.handle.calls_of("customer.edit").len() - edits;
        assert_eq!(sent, usize::from(decision != "done"), "{decision}");
        assert_eq!(world.sim.handle.progress_of(world.ord_of("c1").await).len(), 1, "{decision}");
    }
}
