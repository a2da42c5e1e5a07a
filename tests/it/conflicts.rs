//! 冲突解决 end to end: which customer a contact is, and that the ERP's own data stays.

use std::time::Duration;

use erp_bridge::{
    config::Config,
    event::Status,
    simulator::{Quirk, Quirks, SimConfig},
};
use serde_json::{Value, json};

use crate::support::{World, WorldOptions, contact, deal, eventually, message, mobile, promoted};

const LIMIT: Duration = Duration::from_secs(30);

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
    let event = world.handle("m1", &promoted(&contact("c1", 7), 80.0)).await;
    assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
    assert_eq!(world.sim.handle.customers().len(), 1);
    let stored = fields(&world, bare);
    for (field, value) in [("name", "老客户"), ("khid", "K1"), ("weixinAcc", "wx_c1"), ("jz", "289"), ("ly", "1201")]
    {
        assert_eq!(stored[field], value, "{field}: {stored}");
    }
    let link = world.app.store.contact("c1").await.unwrap().unwrap().link;
    assert_eq!((link.ord, link.khid.as_str(), link.linked_by.as_str()), (bare, "K1", "mobile"));
}

/// No answer says which kind a customer is, and a detail is shown whichever was asked for.
#[tokio::test]
async fn a_contact_without_a_company_whose_number_is_a_companys_is_promoted_and_buys_and_the_company_stays_one() {
    let configure = |config: &mut erp_bridge::config::Config| config.erp.values.stage_after_deal = "成交客户".into();
    let world = World::with(WorldOptions { configure: Box::new(configure), ..WorldOptions::default() }).await;
    let company = json!({ "name": "杭州甲公司", "kind": 1, "person_name": "周经理", "mobile": mobile(7) });
    let seed = serde_json::from_value(json!({ "customers": [company] })).unwrap();
    let ord = world.sim.handle.seed(&seed).unwrap().customers[0];
    for (webhook_id, event) in [("m1", promoted(&contact("c1", 7), 80.0)), ("m2", deal(&contact("c1", 7), 80.0))] {
        let event = world.handle(webhook_id, &event).await;
        assert_eq!(event.status, Status::Succeeded, "{webhook_id}: {:?}", event.error);
    }
    let customer = world.sim.handle.customer(ord).unwrap();
    assert_eq!((customer.kind, world.sim.handle.customers().len()), (1, 1));
    assert_eq!((customer.fields["sort1"].as_str(), customer.fields["name"].as_str()), ("3,9", "杭州甲公司"));
    assert_eq!(customer.fields["person_name"], "周经理", "a contact person is not called like its company");
}

#[tokio::test]
async fn what_the_erp_has_is_never_overwritten() {
    let world = World::start().await;
    let number = mobile(7);
    let known =
        [("name", "老客户"), ("khid", "K1"), ("mobile", number.as_str()), ("weixinAcc", "theirs"), ("jz", "290")];
    let ord = world.sim.handle.seed_customer_fields(&known).unwrap();
    assert_eq!(world.handle("m1", &promoted(&contact("c1", 7), 95.0)).await.status, Status::Succeeded);
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
    assert_eq!(world.app.store.contact("c1").await.unwrap().unwrap().link.kind.as_str(), "contact_person");
}

/// Nobody is in charge of the one, nobody has approved the other; both are the ERP's.
#[tokio::test]
async fn a_company_in_the_pool_or_pending_is_no_new_one() {
    for stype in [1, 2] {
        let world = World::start().await;
        // However people write its brackets.
        let name = "上海某某（集团）有限公司";
        let there = "上海某某(集团)有限公司";
        let company_there = json!({ "name": there, "khid": "K9", "kind": 1, "person_name": "李总", "stype": stype });
        let seed = serde_json::from_value(json!({ "customers": [company_there] })).unwrap();
        let ord = world.sim.handle.seed(&seed).unwrap().customers[0];
        let event = world.handle("m1", &promoted(&company("c1", 7, name), 80.0)).await;
        assert_eq!(event.status, Status::Succeeded, "{stype}: {:?}", event.error);
        let link = world.app.store.contact("c1").await.unwrap().unwrap().link;
        assert_eq!((link.ord, world.sim.handle.customers().len()), (ord, 1), "{stype}");
    }
}

/// Of the persons of an ERP most have no number, and one that nobody is in charge of is no less a customer.
#[tokio::test]
async fn a_person_without_a_number_in_the_pool_or_pending_is_asked_about_or_known_by_the_platform_s_code() {
    for stype in [1, 2] {
        let world = World::start().await;
        let there = [("朱明", "K1"), ("王芳", "K2")]
            .map(|(name, khid)| json!({ "name": name, "khid": khid, "kind": 2, "stype": stype }));
        let ords = world.sim.handle.seed(&serde_json::from_value(json!({ "customers": there })).unwrap()).unwrap();
        let [mut first, mut second] = [contact("c1", 1), contact("c2", 2)];
        first["name"] = json!("朱明");
        second["name"] = json!("王芳");
        second["erp"] = json!({ "khid": "K2" });
        let mut ends = Vec::new();
        for (number, contact) in [first, second].iter().enumerate() {
            ends.push(world.handle(&format!("m{number}"), &promoted(contact, 80.0)).await.status);
        }
        assert_eq!(ends, [Status::NeedsReview, Status::Succeeded], "{stype}");
        let link = world.app.store.contact("c2").await.unwrap().unwrap().link;
        assert_eq!((link.ord, world.sim.handle.customers().len()), (ords.customers[1], 2), "{stype}");
    }
}

/// Whoever finds one at the end of a page has not seen the other on the next.
#[tokio::test]
async fn two_companies_of_one_name_on_two_pages_are_asked_about() {
    let world = World::start().await;
    let name = "某某科技有限公司";
    for (khid, name) in [("K1", name), ("K2", name), ("K3", "某某科技有限公司武汉分公司")] {
        let seeded = [("name", name), ("kind", "1"), ("khid", khid), ("person_name", "李总")];
        world.sim.handle.seed_customer_fields(&seeded).unwrap();
    }
    world.sim.handle.change_settings(|settings| settings.page_cap = Some(1));
    let event = world.handle("m1", &promoted(&company("c1", 7, name), 80.0)).await;
    assert_eq!(event.status, Status::NeedsReview, "{:?}", event.error);
}

/// A blank that somebody typed leaves one of two parts of the name whole.
#[tokio::test]
async fn a_company_in_whose_name_the_erp_has_a_blank_is_no_new_one() {
    for there in ["绍兴第3号 纺织有限公司", "绍兴　第3号纺织有限公司", "绍兴第3 号纺织有限公司"]
    {
        let world = World::start().await;
        for (number, name) in (1..40).map(|number| (number, format!("绍兴第{}号染织有限公司", number + 10))) {
            let khid = format!("K{number}");
            let seeded = [("name", &*name), ("kind", "1"), ("khid", &*khid), ("person_name", "李总")];
            world.sim.handle.seed_customer_fields(&seeded).unwrap();
        }
        world.sim.handle.change_settings(|settings| settings.page_cap = Some(20));
        let seeded = [("name", there), ("kind", "1"), ("khid", "KX"), ("person_name", "李总")];
        let ord = world.sim.handle.seed_customer_fields(&seeded).unwrap();
        let event = world.handle("m1", &promoted(&company("c1", 7, "绍兴第3号纺织有限公司"), 80.0)).await;
        assert_eq!(event.status, Status::Succeeded, "{there}: {:?}", event.error);
        assert_eq!(world.ord_of("c1").await, ord, "{there}");
    }
}

/// Whoever looks on behind the end of a page has not forgotten whom it ends with.
#[tokio::test]
async fn a_company_with_which_a_page_ends_is_no_new_one() {
    let world = World::start().await;
    let [ord, _] = [("K1", "绍兴 第3号纺织有限公司"), ("K2", "绍兴第9号纺织有限公司")].map(|(khid, name)| {
        let seeded = [("name", name), ("kind", "1"), ("khid", khid), ("person_name", "李总")];
        world.sim.handle.seed_customer_fields(&seeded).unwrap()
    });
    world.sim.handle.change_settings(|settings| settings.page_cap = Some(1));
    let event = world.handle("m1", &promoted(&company("c1", 7, "绍兴第3号纺织有限公司"), 80.0)).await;
    assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
    let link = world.app.store.contact("c1").await.unwrap().unwrap().link;
    assert_eq!((link.ord, world.sim.handle.customers().len()), (ord, 2));
}

/// A list cuts what is long (`erp-wire.md` §1.12), with a mark or without.
#[tokio::test]
async fn a_company_whose_name_the_list_cuts_is_no_new_one() {
    for mark in ["…", ""] {
        let world = World::start().await;
        let name = "上海某某国际货运代理股份有限公司";
        let seeded = [("name", name), ("kind", "1"), ("khid", "K9"), ("person_name", "李总")];
        let ord = world.sim.handle.seed_customer_fields(&seeded).unwrap();
        world.sim.handle.change_settings(|settings| settings.name_cut = Some((9, mark.to_owned())));
        let event = world.handle("m1", &promoted(&company("c1", 7, name), 80.0)).await;
        assert_eq!(event.status, Status::Succeeded, "{mark}: {:?}", event.error);
        let link = world.app.store.contact("c1").await.unwrap().unwrap().link;
        assert_eq!((link.ord, world.sim.handle.customers().len()), (ord, 1), "{mark}");
    }
}

/// Its name begins as that of another company does, which is among the customers.
#[tokio::test]
async fn a_company_in_the_pool_is_found_behind_one_of_a_shorter_name() {
    let world = World::start().await;
    let (shorter, name) = ("上海东方明珠集团", "上海东方明珠集团股份有限公司");
    let of = |name: &str, khid: &str, stype: i64| json!({ "name": name, "khid": khid, "kind": 1, "person_name": "李总", "stype": stype });
    let seed = serde_json::from_value(json!({ "customers": [of(shorter, "K8", 0), of(name, "K9", 1)] })).unwrap();
    let ord = world.sim.handle.seed(&seed).unwrap().customers[1];
    let event = world.handle("m1", &promoted(&company("c1", 7, name), 80.0)).await;
    assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
    let link = world.app.store.contact("c1").await.unwrap().unwrap().link;
    assert_eq!((link.ord, world.sim.handle.customers().len()), (ord, 2));
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
    let event = world.ended(&id).await;
    assert_eq!((event.status, event.error_code.as_deref()), (Status::NeedsReview, Some("candidates")));
    let candidates = event.review.unwrap()["candidates"].clone();
    let ords: Vec<i64> = candidates.as_array().unwrap().iter().map(|one| one["ord"].as_i64().unwrap()).collect();
    assert_eq!(ords, [first, second]);
    let (status, body) = world.post("m2", &message("c1", 1, "你好")).await;
    assert_eq!((status, &body["status"]), (202, &json!("held")));
    let path = format!("/v1/events/{id}/resolve");
    let (status, body) = world.call("POST", &path, Some(json!({ "decision": "resend" }))).await;
    assert_eq!((status, &body["type"]), (409, &json!("urn:erp-bridge:problem:wrong_state")), "{body}");
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.contains("link, recreate"), "the decisions that there are: {detail}");
    let (status, body) = world.call("POST", &path, Some(json!({ "decision": "link", "ord": second }))).await;
    assert!(status < 300, "{status} {body}");
    world.idle(LIMIT).await;
    let link = world.app.store.contact("c1").await.unwrap().unwrap().link;
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
    let event = eventually("it waits", Duration::from_secs(60), async || {
        let event = world.event(&id).await;
        event.blocked_by.is_some().then_some(event)
    })
    .await;
    assert_eq!((event.attempts, event.error_code.as_deref()), (0, Some("choice_missing")));
    let error = event.error.unwrap();
    assert!(error.contains("抖音") && error.contains("微信") && error.contains("陌生开发"), "{error}");
    assert!(world.sim.handle.customers().is_empty());
}

fn with_signal(mut event: Value, content: &str) -> Value {
    event["data"]["signal"] = json!({ "id": "s1", "content": content, "direction": "inbound" });
    event
}

fn seed_company(world: &World, fields: &[(&str, &str)]) -> i64 {
    let fields: Vec<_> = [("kind", "1")].iter().chain(fields).copied().collect();
    world.sim.handle.seed_customer_fields(&fields).unwrap()
}

#[tokio::test]
async fn a_company_is_known_again_however_its_markup_and_white_space_are_written() {
    for (stored, named) in [
        (None, "甲<乙>&丙公司"),
        (None, "甲\t乙公司"),
        (Some("A&B 贸易"), "A&B 贸易"),
        (Some("A＆B 贸易"), "A&B 贸易"),
        (Some("A&B 贸易"), "A＆B 贸易"),
    ] {
        let world = World::start().await;
        if let Some(stored) = stored {
            seed_company(&world, &[("name", stored), ("khid", "K1"), ("person_name", "李总")]);
        }
        for number in 1..=2 {
            let contact = company(&format!("c{number}"), number, named);
            let event = world.handle(&format!("m{number}"), &promoted(&contact, 70.0)).await;
            assert_eq!(event.status, Status::Succeeded, "{named:?}: {:?}", event.error);
        }
        assert_eq!(world.sim.handle.customers().len(), 1, "{stored:?} {named:?}");
    }
}

#[tokio::test]
async fn the_message_of_a_first_deal_is_kept_in_one_place_whoever_the_contact_is() {
    for (product, in_deal) in [("", false), ("老客户，做贸易", true)] {
        let world = World::start().await;
        let number = mobile(7);
        let known = [("name", "老客户"), ("khid", "K1"), ("mobile", number.as_str()), ("product", product)];
        let ord = world.sim.handle.seed_customer_fields(&known).unwrap();
        let event = world.handle("m1", &with_signal(deal(&contact("c1", 7), 80.0), "就定这个")).await;
        assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
        let records = world.sim.handle.progress_of(ord);
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].contains("就定这个"), in_deal, "{records:?}");
        assert_eq!(fields(&world, ord)["product"], if in_deal { product } else { "就定这个" });
    }
}

#[tokio::test]
async fn a_message_too_long_for_the_customers_profile_follows_in_progress_records_for_a_known_customer_too() {
    for (length, records) in [(4_000, 0), (4_001, 5)] {
        let world = World::start().await;
        let number = mobile(7);
        let known = [("name", "老客户"), ("khid", "K1"), ("mobile", number.as_str())];
        let ord = world.sim.handle.seed_customer_fields(&known).unwrap();
        let event = world.handle("m1", &with_signal(promoted(&contact("c1", 7), 80.0), &"字".repeat(length))).await;
        assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
        let product = fields(&world, ord)["product"].as_str().unwrap().to_owned();
        assert_eq!(product.ends_with("（全文见洽谈进展）"), records > 0, "{length}");
        let stored = world.sim.handle.progress_of(ord);
        assert_eq!(stored.len(), records, "{length}");
        let characters: usize = stored.iter().map(|text| text.matches('字').count()).sum();
        assert_eq!(characters, if records > 0 { length } else { 0 });
    }
}

#[tokio::test]
async fn filling_in_what_a_company_lacks_leaves_its_contact_person_and_its_stage_alone() {
    let quirks = Quirks::default().and([Quirk::NoFirstContact]);
    let sim = SimConfig { quirks, ..SimConfig::default() };
    let world = World::with(WorldOptions { sim, ..WorldOptions::default() }).await;
    let number = mobile(7);
    let ord = seed_company(&world, &[("name", "老客户公司"), ("khid", "K1"), ("mobile", &number)]);
    let people: Vec<_> =
        ["李总", "王助理"].map(|name| json!({ "company": ord.to_string(), "person_name": name })).into();
    let seed = serde_json::from_value(json!({ "contacts": people })).unwrap();
    world.sim.handle.seed(&seed).unwrap();
    let stage = fields(&world, ord)["sort1"].clone();
    let event = world.handle("m1", &promoted(&company("c1", 7, "另一种写法公司"), 80.0)).await;
    assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
    let stored = fields(&world, ord);
    assert_eq!((&stored["person_name"], &stored["name"]), (&json!("李总"), &json!("老客户公司")));
    assert_eq!((&stored["weixinAcc"], &stored["sort1"]), (&json!("wx_c1"), &stage));
}

#[tokio::test]
async fn a_company_named_by_an_operator_gets_the_contact_as_a_person_of_its_own_once() {
    for is_there in [false, true] {
        let world = World::start().await;
        let number = mobile(7);
        // As people type them.
        let typed = format!("{} {}-{}", &number[..3], &number[3..7], &number[7..]);
        let khids = ["K1", "K2"];
        let ords =
            khids.map(|khid| seed_company(&world, &[("name", "同名公司"), ("khid", khid), ("person_name", "李总")]));
        let id = world.accept("m1", &promoted(&company("c1", 7, "同名公司"), 80.0)).await;
        assert_eq!(world.ended(&id).await.status, Status::NeedsReview);
        if is_there {
            let person = json!({ "company": ords[1].to_string(), "person_name": "小张", "mobile": typed });
            world.sim.handle.seed(&serde_json::from_value(json!({ "contacts": [person] })).unwrap()).unwrap();
        }
        let path = format!("/v1/events/{id}/resolve");
        assert_eq!(world.call("POST", &path, Some(json!({ "decision": "link", "ord": ords[1] }))).await.0, 200);
        assert_eq!(world.ended(&id).await.status, Status::Succeeded);
        let stored = fields(&world, ords[1]);
        for field in ["mobile", "weixinAcc"] {
            assert_eq!(stored[field].as_str().unwrap_or_default(), "", "{field} is the contact's, not the company's");
        }
        let people = serde_json::to_value(world.sim.handle.contacts()).unwrap();
        let ours = people
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| [&number, &typed].iter().any(|number| one["fields"]["mobile"] == json!(number)));
        assert_eq!(ours.filter(|one| one["company"] == json!(ords[1])).count(), 1, "{people}");
        let link = world.app.store.contact("c1").await.unwrap().unwrap().link;
        assert_eq!((link.ord, link.kind.as_str(), link.linked_by.as_str()), (ords[1], "contact_person", "operator"));
    }
}

#[tokio::test]
async fn an_erp_that_takes_no_field_does_not_keep_a_contact_from_being_linked() {
    for (fault, status, filled) in [
        ("customer.edit:not_stored:times=1", Status::Succeeded, true),
        ("customer.edit:not_stored:times=2", Status::Succeeded, false),
        ("customer.edit:refuse", Status::Dead, false),
    ] {
        let world = World::start().await;
        let number = mobile(7);
        let known = [("name", "老客户"), ("khid", "K1"), ("mobile", number.as_str())];
        let ord = world.sim.handle.seed_customer_fields(&known).unwrap();
        world.sim.handle.fault(fault).unwrap();
        let event = world.handle("m1", &promoted(&contact("c1", 7), 80.0)).await;
        assert_eq!((event.status, event.attempts), (status, 0), "{fault}: {:?}", event.error);
        assert_eq!(fields(&world, ord)["weixinAcc"] == "wx_c1", filled, "{fault}");
        assert_eq!(world.ord_of("c1").await, ord, "{fault}");
        let said = world.handle("m2", &message("c1", 1, "你好")).await;
        assert_eq!((said.status, world.sim.handle.progress_of(ord).len()), (Status::Succeeded, 1), "{fault}");
    }
}

#[tokio::test]
async fn fields_that_the_erp_did_not_take_are_filled_in_later_where_it_took_others() {
    let world = World::start().await;
    for (number, faults, attempts) in [(1, 0, 0), (2, 2, 1)] {
        let known = [("name", "老客户"), ("khid", &format!("K{number}")), ("mobile", &mobile(number))];
        let ord = world.sim.handle.seed_customer_fields(&known).unwrap();
        world.sim.handle.fault(&format!("customer.edit:not_stored:times={faults}")).unwrap();
        let id = format!("c{number}");
        let event = world.handle(&id, &promoted(&contact(&id, number), 80.0)).await;
        assert_eq!((event.status, event.attempts), (Status::Succeeded, attempts), "{:?}", event.error);
        assert_eq!(fields(&world, ord)["weixinAcc"], format!("wx_{id}"));
    }
}

/// An installation may take one field by 客户修改 and not another: that it showed the one says nothing of the other.
#[tokio::test]
async fn a_field_that_the_erp_never_takes_kills_no_event_where_it_takes_others() {
    let world = World::start().await;
    let known = [("name", "老客户"), ("khid", "K1"), ("mobile", &mobile(1))];
    world.sim.handle.seed_customer_fields(&known).unwrap();
    assert_eq!(world.handle("m1", &promoted(&contact("c1", 1), 80.0)).await.status, Status::Succeeded);
    let mut person = contact("c1", 1);
    person["address"] = json!("上海");
    world.sim.handle.fault("customer.edit:not_stored").unwrap();
    let event = world.handle("m2", &promoted(&person, 80.0)).await;
    assert_eq!((event.status, event.attempts), (Status::Succeeded, 0), "{:?}", event.error);
}

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
    assert_eq!(fields(&world, taken)["name"], "同事的客户");
    let link = world.app.store.contact("c1").await.unwrap().unwrap().link;
    assert_ne!(link.ord, taken);
    assert_eq!((world.sim.handle.customers().len(), fields(&world, link.ord)["khid"].clone()), (2, json!("WXc1")));
}

/// Its customer was deleted in the ERP, which gives the id away again to whoever asks.
#[tokio::test]
async fn an_allocated_id_to_which_another_contact_is_linked_is_told_of_and_not_waited_for_in_silence() {
    let configure = |config: &mut Config| {
        config.retry.schedule = vec![Duration::from_millis(20); 2];
        config.worker.lease = Duration::from_secs(1);
    };
    let world = World::with(WorldOptions { configure: Box::new(configure), ..WorldOptions::default() }).await;
    let ord_of = async |id: &str| world.ord_of(id).await;
    assert_eq!(world.handle("m1", &promoted(&contact("c1", 1), 80.0)).await.status, Status::Succeeded);
    let ord = ord_of("c1").await;
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
    assert_eq!(ord_of("c2").await, ord);
}

/// The ERP answers slowly, and each time somebody else has become a customer under the same id when its answer is here.
#[tokio::test]
async fn an_id_lost_to_others_again_and_again_is_asked_for_until_one_is_had() {
    let world = World::start().await;
    world.sim.handle.change_settings(|settings| settings.allocates_again = true);
    let slow = "allocate:late_effect:times=1,effect_delay=1ms,delay=600ms";
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
        let link = world.app.store.contact(&format!("c{number}")).await.unwrap().unwrap().link;
        let customer = world.sim.handle.customer(link.ord).unwrap();
        assert_eq!((customer.fields["khid"].as_str(), customer.saves), (format!("WXc{number}").as_str(), 1));
    }
    assert_eq!(world.sim.handle.customers().len(), CONTACTS as usize);
}
