//! Who is who: numbers compared as numbers, names however they are written, long answers, twins at one moment.

use std::time::Duration;

use erp_bridge::{config::SameName, event::Status, store::EventRow};
use serde_json::{Value, json};

use crate::support::{World, WorldOptions, contact, mobile, of_company, promoted};

const LIMIT: Duration = Duration::from_secs(60);

async fn promote(world: &World, contact: &Value) -> EventRow {
    world.handle(&format!("m-{}", contact["id"]).replace('"', ""), &promoted(contact, 80.0)).await
}

fn seed(world: &World, fields: &[(&str, &str)]) -> i64 {
    world.sim.handle.seed_customer_fields(fields).unwrap()
}

#[tokio::test]
async fn a_customer_whose_number_is_written_otherwise_is_found() {
    for spelled in ["138 0013 8055", "138-0013-8055", "+8613800138055", "１３８００１３８０５５", "+86 138-0013-8055"]
    {
        for hidden in [false, true] {
            let world = World::start().await;
            if hidden {
                let quirks = erp_bridge::simulator::Quirks::only([erp_bridge::simulator::Quirk::NoFirstContact]);
                world.sim.handle.set_quirks(quirks);
            }
            let ord = seed(&world, &[("name", "老客户"), ("khid", "K1"), ("mobile", spelled)]);
            // Another number with the same end.
            seed(&world, &[("name", "别人"), ("khid", "K2"), ("mobile", "139 1111 8055")]);
            let mut person = contact("c1", 1);
            person["phone"] = json!("13800138055");
            let event = promote(&world, &person).await;
            assert_eq!(event.status, Status::Succeeded, "{spelled} {hidden}: {:?}", event.error);
            assert_eq!((world.ord_of("c1").await, world.sim.handle.customers().len()), (ord, 2), "{spelled} {hidden}");
        }
    }
}

/// People write 无 where a form asks for a number.
#[tokio::test]
async fn a_text_in_the_place_of_a_number_is_nobodys_number() {
    let configure = Box::new(|config: &mut erp_bridge::config::Config| config.conflicts.same_name = SameName::Create);
    let world = World::with(WorldOptions { configure, ..WorldOptions::default() }).await;
    let other = seed(&world, &[("name", "老客户"), ("khid", "K1"), ("mobile", "无")]);
    let mut calls = Vec::new();
    for (number, phone) in (1..).zip(["", "无", "微信同号", "-", "+"]) {
        let mut person = contact(&format!("c{number}"), number);
        person["phone"] = json!(phone);
        person["phone_verified"] = json!(false);
        world.sim.handle.clear_calls();
        let body = json!({ "contact": person, "force": true });
        let (status, answer) = world.call("POST", &format!("/v1/contacts/c{number}/sync"), Some(body)).await;
        assert_eq!(status, 202, "{phone}: {answer}");
        let event = world.ended(answer["id"].as_str().unwrap()).await;
        assert_eq!(event.status, Status::Succeeded, "{phone}: {:?}", event.error);
        let ord = world.ord_of(&format!("c{number}")).await;
        assert_ne!(ord, other, "{phone}");
        assert_eq!(world.sim.handle.customer(ord).unwrap().fields.get("mobile"), None, "{phone}");
        calls.push(world.sim.handle.calls(0).len());
    }
    assert_eq!(world.sim.handle.customers().len(), 6);
    assert!(calls[1..].iter().all(|count| *count <= calls[0]), "nothing is asked for by what is no number: {calls:?}");
}

#[tokio::test]
async fn a_person_of_the_same_name_without_a_number_is_a_question_unless_it_is_settled_that_it_is_not() {
    for (same_name, is_asked) in [(SameName::Review, true), (SameName::Create, false)] {
        let configure = Box::new(move |config: &mut erp_bridge::config::Config| config.conflicts.same_name = same_name);
        let world = World::with(WorldOptions { configure, ..WorldOptions::default() }).await;
        let person = contact("c1", 7);
        let name = person["name"].as_str().unwrap().to_owned();
        let ord = seed(&world, &[("name", &name), ("khid", "K1")]);
        // Neither has the contact's name and no number.
        seed(&world, &[("name", &name), ("khid", "K2"), ("mobile", &mobile(9))]);
        seed(&world, &[("name", &format!("{name}先生")), ("khid", "K3")]);
        let event = promote(&world, &person).await;
        if !is_asked {
            assert_eq!((event.status, world.sim.handle.customers().len()), (Status::Succeeded, 4));
            continue;
        }
        assert_eq!((event.status, event.error_code.as_deref()), (Status::NeedsReview, Some("same_name")));
        let review = event.review.unwrap();
        assert_eq!((review["candidates"].as_array().unwrap().len(), &review["candidates"][0]["ord"]), (1, &json!(ord)));
        let path = format!("/v1/events/{}/resolve", event.id);
        assert_eq!(world.call("POST", &path, Some(json!({ "decision": "recreate" }))).await.0, 200);
        assert_eq!(world.ended(&event.id).await.status, Status::Succeeded);
        assert_eq!(world.sim.handle.customers_with("khid", "WXc1").len(), 1);
    }
}

/// The ledger is lost, the number has changed, and nobody is in charge of the customer any more: the list shows the 客户编号.
#[tokio::test]
async fn a_customer_with_the_contacts_own_khid_is_found_in_the_pool_before_a_save_is_refused() {
    let world = World::start().await;
    let person = contact("c1", 7);
    let named = |khid: &str, number: u32| json!({ "name": "张7伟", "khid": khid, "kind": 2, "mobile": mobile(number), "stype": 1 });
    let there = json!({ "customers": [named("WXc1", 9), named("WXc12", 8)] });
    let ord = world.sim.handle.seed(&serde_json::from_value(there).unwrap()).unwrap().customers[0];
    let event = promote(&world, &person).await;
    assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
    assert_eq!((world.ord_of("c1").await, world.sim.handle.customers().len()), (ord, 2));
    assert_eq!(world.sim.handle.calls_of("allocate").len(), 0, "nobody was to be added");
}

/// Somebody says that the contact is none of those in question; who became a customer since then was not among them.
#[tokio::test]
async fn a_contact_that_is_said_to_be_new_is_still_its_company_s_that_has_become_a_customer_meanwhile() {
    let world = World::start().await;
    let company = "绍兴纺织有限公司";
    let refused = seed(&world, &[("name", "陈一诺"), ("khid", "K-0042")]);
    let mut asked_about = of_company("c1", 1, company);
    asked_about["erp"] = json!({ "khid": "K-0042" });
    let event = promote(&world, &asked_about).await;
    assert_eq!((event.status, event.error_code.as_deref()), (Status::NeedsReview, Some("candidates")));
    assert_eq!(promote(&world, &of_company("c2", 2, company)).await.status, Status::Succeeded);
    let path = format!("/v1/events/{}/resolve", event.id);
    assert_eq!(world.call("POST", &path, Some(json!({ "decision": "recreate" }))).await.0, 200);
    let event = world.ended(&event.id).await;
    assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
    assert_eq!(world.sim.handle.customers().len(), 2, "the company once, and who was refused");
    assert_eq!(world.ord_of("c1").await, world.ord_of("c2").await);
    assert_ne!(world.ord_of("c1").await, refused);
}

#[tokio::test]
async fn a_customer_that_was_refused_stays_refused_although_it_is_found_again() {
    let world = World::start().await;
    let theirs: Vec<i64> =
        ["K1", "K2"].map(|khid| seed(&world, &[("name", "别人"), ("khid", khid), ("mobile", &mobile(1))])).into();
    let event = promote(&world, &contact("c1", 1)).await;
    assert_eq!((event.status, event.error_code.as_deref()), (Status::NeedsReview, Some("candidates")));
    assert_eq!(event.review.unwrap()["candidates"].as_array().unwrap().len(), 2);
    // One of both is merged away while somebody decides, and the save fails once for a reason of its own.
    assert!(world.sim.handle.delete_customer(theirs[1]));
    world.sim.handle.fault("customer.add:refuse:times=2,text=联系人手机格式不正确").unwrap();
    let path = format!("/v1/events/{}/resolve", event.id);
    assert_eq!(world.call("POST", &path, Some(json!({ "decision": "recreate" }))).await.0, 200);
    let event = world.ended(&event.id).await;
    assert_eq!((event.status, event.error_code.as_deref()), (Status::Dead, Some("refused")), "{:?}", event.error);
    world.sim.handle.clear_faults();
    let (status, answer) = world.call("POST", &format!("/v1/events/{}/replay", event.id), None).await;
    assert_eq!(status, 200, "{answer}");
    let event = world.ended(&event.id).await;
    assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
    assert_ne!(world.ord_of("c1").await, theirs[0]);
    assert_eq!(world.sim.handle.customers_with("khid", "WXc1").len(), 1);
}

/// The ERP's own rule names the customer that was refused, and by all rules of ours it is the contact.
#[tokio::test]
async fn a_customer_that_was_refused_stays_refused_where_the_erp_refuses_the_save_because_of_it() {
    let world = World::start().await;
    let theirs = ["K1", "K2"].map(|khid| seed(&world, &[("name", "别人"), ("khid", khid), ("mobile", &mobile(1))]));
    world.sim.handle.change_settings(|settings| settings.duplicate_rules = vec!["mobile".into()]);
    let event = promote(&world, &contact("c1", 1)).await;
    assert_eq!((event.status, event.error_code.as_deref()), (Status::NeedsReview, Some("candidates")));
    assert!(world.sim.handle.delete_customer(theirs[1]));
    let decision = json!({ "decision": "recreate" });
    let deeds = [("resolve", Some(decision)), ("replay", None), ("replan", None), ("replay", None)];
    for (deed, body) in deeds {
        let (status, answer) = world.call("POST", &format!("/v1/events/{}/{deed}", event.id), body).await;
        assert_eq!(status, 200, "{deed}: {answer}");
        let event = world.ended(&event.id).await;
        let ended = (event.status, event.error_code.as_deref());
        assert_eq!(ended, (Status::NeedsReview, Some("duplicate")), "{deed}: {:?}", event.error);
        assert_eq!(event.review.unwrap()["candidates"][0]["ord"], json!(theirs[0]), "{deed}");
    }
    assert_eq!(world.sim.handle.customers().len(), 1);
}

/// Its company was made a customer meanwhile, whom nobody has refused.
#[tokio::test]
async fn who_was_refused_is_told_from_all_others_over_a_replay() {
    let world = World::start().await;
    let company = "绍兴纺织有限公司";
    let refused = seed(&world, &[("name", "陈一诺"), ("khid", "K-0042")]);
    let mut asked_about = of_company("c1", 1, company);
    asked_about["erp"] = json!({ "khid": "K-0042" });
    let event = promote(&world, &asked_about).await;
    assert_eq!((event.status, event.error_code.as_deref()), (Status::NeedsReview, Some("candidates")));
    world.sim.handle.fault("customer.add:refuse:times=2,text=联系人手机格式不正确").unwrap();
    let path = format!("/v1/events/{}/resolve", event.id);
    assert_eq!(world.call("POST", &path, Some(json!({ "decision": "recreate" }))).await.0, 200);
    let dead = world.ended(&event.id).await;
    assert_eq!((dead.status, dead.error_code.as_deref()), (Status::Dead, Some("refused")), "{:?}", dead.error);
    world.sim.handle.clear_faults();
    assert_eq!(promote(&world, &of_company("c2", 2, company)).await.status, Status::Succeeded);
    assert_eq!(world.call("POST", &format!("/v1/events/{}/replay", event.id), None).await.0, 200);
    let event = world.ended(&event.id).await;
    assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
    assert_eq!(world.sim.handle.customers().len(), 2, "the company once, and who was refused");
    assert_eq!(world.ord_of("c1").await, world.ord_of("c2").await);
    assert_ne!(world.ord_of("c1").await, refused);
}

#[tokio::test]
async fn that_a_contact_is_new_is_over_once_somebody_has_said_who_it_is() {
    let world = World::start().await;
    let theirs = ["K1", "K2"].map(|khid| seed(&world, &[("name", "别人"), ("khid", khid), ("mobile", &mobile(1))]));
    let decide = async |event: &EventRow, decision: Value| {
        let path = format!("/v1/events/{}/resolve", event.id);
        assert_eq!(world.call("POST", &path, Some(decision)).await.0, 200);
        world.ended(&event.id).await
    };
    let event = promote(&world, &contact("c1", 1)).await;
    world.sim.handle.fault("customer.add:refuse:times=2,text=联系人手机格式不正确").unwrap();
    let dead = decide(&event, json!({ "decision": "recreate" })).await;
    assert_eq!(dead.status, Status::Dead, "{:?}", dead.error);
    world.sim.handle.clear_faults();
    let other = world.handle("m2", &promoted(&contact("c1", 1), 80.0)).await;
    assert_eq!(other.status, Status::NeedsReview, "{:?}", other.error);
    let linked = decide(&other, json!({ "decision": "link", "ord": theirs[0] })).await;
    assert_eq!(linked.status, Status::Succeeded, "{:?}", linked.error);
    assert_eq!(world.call("POST", &format!("/v1/events/{}/replay", dead.id), None).await.0, 200);
    let event = world.ended(&dead.id).await;
    assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
    assert_eq!((world.sim.handle.customers().len(), world.ord_of("c1").await), (2, theirs[0]));
}

/// Four customers in two questions: after the second answer the first is not asked again.
#[tokio::test]
async fn who_was_refused_stays_refused_when_another_question_comes_behind_it() {
    let world = World::start().await;
    let mut theirs: Vec<i64> =
        ["K1", "K2"].map(|khid| seed(&world, &[("name", "别人"), ("khid", khid), ("mobile", &mobile(1))])).into();
    theirs.extend(["K3", "K4"].map(|khid| world.seed_company("绍兴纺织有限公司", khid)));
    let mut event = world.handle("m1", &promoted(&of_company("c1", 1, "绍兴纺织有限公司"), 80.0)).await;
    for in_question in [&theirs[..2], &theirs[2..]] {
        assert_eq!((event.status, event.error_code.as_deref()), (Status::NeedsReview, Some("candidates")));
        let review = event.review.unwrap();
        let candidates = review["candidates"].as_array().unwrap().iter().map(|candidate| candidate["ord"].clone());
        assert_eq!(json!(candidates.collect::<Vec<_>>()), json!(in_question));
        let path = format!("/v1/events/{}/resolve", event.id);
        assert_eq!(world.call("POST", &path, Some(json!({ "decision": "recreate" }))).await.0, 200);
        event = world.ended(&event.id).await;
    }
    assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
    assert_eq!(world.sim.handle.customers().len(), 5);
    assert!(!theirs.contains(&world.ord_of("c1").await));
}

#[tokio::test]
async fn twins_at_one_moment_become_one_customer_however_they_are_written() {
    let abroad = |id: &str, number: &str| {
        let mut contact = contact(id, 1);
        contact["phone"] = json!(number);
        contact
    };
    for twins in [
        [of_company("c1", 1, "A&B 科技有限公司"), of_company("c2", 2, "A＆B 科技有限公司")],
        [of_company("c1", 1, "甲（上海）公司"), of_company("c2", 2, "甲(上海)公司")],
        [of_company("c1", 1, "上海 某某科技有限公司"), of_company("c2", 2, "上海某某科技有限公司")],
        [of_company("c1", 1, "上海某某科技 有限公司"), of_company("c2", 2, "上海某某科技有限公司")],
        [of_company("c1", 1, "甲 乙公司"), of_company("c2", 2, "甲乙公司")],
        [of_company("c1", 1, "TCL科技有限公司"), of_company("c2", 2, "TCL 科技有限公司")],
        [abroad("c1", "+852 6123 4567"), abroad("c2", "0085261234567")],
    ] {
        let world = World::start().await;
        for twin in &twins {
            let path = format!("/v1/contacts/{}/sync", twin["id"].as_str().unwrap());
            let (status, answer) = world.call("POST", &path, Some(json!({ "contact": twin, "force": true }))).await;
            assert_eq!(status, 202, "{answer}");
        }
        world.idle(LIMIT).await;
        assert_eq!(world.sim.handle.customers().len(), 1, "{twins:?}");
        assert_eq!(world.ord_of("c1").await, world.ord_of("c2").await);
    }
}

#[tokio::test]
async fn who_waits_for_a_twin_goes_on_as_soon_as_the_twin_has_ended() {
    let world = World::start().await;
    promote(&world, &contact("c0", 1)).await;
    // Slow enough that the pauses of who waits have grown beyond what is allowed below.
    world.sim.handle.change_settings(|settings| settings.latency_ms = 700);
    let mut ids = Vec::new();
    for (id, number) in [("c1", 11), ("c2", 12)] {
        let person = of_company(id, number, "北京双人科技有限公司");
        ids.push(world.accept(id, &promoted(&person, 80.0)).await);
    }
    let mut spans = Vec::new();
    for id in &ids {
        assert_eq!(world.ended(id).await.status, Status::Succeeded);
        let calls = world.app.store.calls(id).await.unwrap();
        spans.push((calls.items[0].started_at, world.event(id).await.updated_at));
    }
    spans.sort();
    assert!(spans[1].0.since(spans[0].1) < Duration::from_secs(1), "{spans:?}");
}

#[tokio::test]
async fn a_khid_that_begins_a_thousand_others_costs_no_more_than_one_that_begins_none() {
    for is_there in [false, true] {
        let world = World::start().await;
        // What a first promotion pays for is paid.
        promote(&world, &contact("c0", 1)).await;
        world.sim.handle.change_settings(|settings| settings.page_cap = Some(20));
        for number in 0..1_100 {
            let (khid, other) = (format!("WX87{number:04}"), mobile(500_000 + number * 10_000));
            seed(&world, &[("name", "某客户"), ("khid", &khid), ("mobile", &other)]);
        }
        let ord = is_there.then(|| seed(&world, &[("name", "某客户"), ("khid", "WX87"), ("mobile", "13900000009")]));
        world.sim.handle.clear_calls();
        let event = promote(&world, &contact("87", 2)).await;
        assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
        let calls: Vec<_> = world.sim.handle.calls(0).into_iter().map(|call| call.interface).collect();
        assert!(calls.len() <= 12, "{calls:?}");
        if let Some(ord) = ord {
            assert_eq!(world.ord_of("87").await, ord);
        }
    }
}

#[tokio::test]
async fn a_person_whose_name_is_written_with_a_blank_in_the_erp_is_a_question_too() {
    let world = World::start().await;
    let ord = seed(&world, &[("name", "张 伟"), ("khid", "K1")]);
    let mut person = contact("c1", 7);
    person["name"] = json!("张伟");
    let event = promote(&world, &person).await;
    assert_eq!(event.error_code.as_deref(), Some("same_name"));
    assert_eq!(event.review.unwrap()["candidates"][0]["ord"], json!(ord));
}

/// A world with 1,100 companies whose names end with 科技有限公司.
async fn technology_park(page_cap: usize) -> World {
    let world = World::start().await;
    for number in 0..1_100 {
        let name = format!("第{number}号科技有限公司");
        seed(&world, &[("name", &name), ("kind", "1"), ("person_name", "老王"), ("khid", &format!("K{number}"))]);
    }
    world.sim.handle.change_settings(|settings| settings.page_cap = Some(page_cap));
    world.sim.handle.clear_calls();
    world
}

#[tokio::test]
async fn a_company_name_that_a_thousand_others_contain_costs_few_calls_and_is_a_question_with_decisions_at_the_bound() {
    let lists = |world: &World| world.sim.handle.calls_of("customer.list").len();
    let mut person = of_company("c1", 1, "科技有限公司");
    // Two for 客户编号 and number, one for a part of the name, four for the other, and what the pages of the whole name cost: ten at
    // most.
    let world = technology_park(20).await;
    let event = promote(&world, &person).await;
    assert_eq!((event.status, event.error_code.as_deref()), (Status::NeedsReview, Some("too_many")));
    assert!(lists(&world) <= 3 + 4 + 11, "{}", lists(&world));
    assert_eq!(event.review.unwrap()["decisions"], json!(["link", "recreate"]));
    let path = format!("/v1/events/{}/resolve", event.id);
    assert_eq!(world.call("POST", &path, Some(json!({ "decision": "recreate" }))).await.0, 200);
    assert_eq!(world.ended(&event.id).await.status, Status::Succeeded);

    // Where the ERP gives long pages all of them are read, and 客户池 and 待审核 are asked for two parts and for the whole.
    let world = technology_park(500).await;
    assert_eq!(promote(&world, &person).await.status, Status::Succeeded);
    assert!(lists(&world) <= 3 + 4 + 8, "{}", lists(&world));

    // One that is there is found, and reading ends with it.
    let world = technology_park(20).await;
    let ord = world.seed_company("001号科技有限公司", "KX");
    person["company"] = json!("001号科技有限公司");
    assert_eq!(promote(&world, &person).await.status, Status::Succeeded);
    assert_eq!(world.ord_of("c1").await, ord);
    assert!(lists(&world) <= 3, "{}", lists(&world));
}
