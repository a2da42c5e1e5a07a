//! 冲突解决 end to end: which customer a contact is, and that the ERP's own data stays. Companies have `companies.rs`.

use std::time::Duration;

use erp_bridge::{config::Config, event::Status, simulator::Settings};
use serde_json::{Value, json};

use crate::support::{World, WorldOptions, contact, deal, eventually, message, mobile, of_company, promoted};

const LIMIT: Duration = Duration::from_secs(30);

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
    let stored = world.fields(bare);
    for (field, value) in [("name", "老客户"), ("khid", "K1"), ("weixinAcc", "wx_c1"), ("jz", "289"), ("ly", "1201")]
    {
        assert_eq!(stored[field], value, "{field}: {stored}");
    }
    let link = world.link_of("c1").await;
    assert_eq!((link.ord, link.khid.as_str(), link.linked_by.as_str()), (bare, "K1", "mobile"));
}

/// No answer says which kind a customer is, and a detail is shown whichever was asked for.
#[tokio::test]
async fn a_contact_without_a_company_whose_number_is_a_companys_is_promoted_and_buys_and_the_company_stays_one() {
    let configure = |config: &mut Config| config.erp.values.stage_after_deal = "成交客户".into();
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
    let stored = world.fields(ord);
    assert_eq!((&stored["weixinAcc"], &stored["jz"]), (&json!("theirs"), &json!("290")));
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
        let link = world.link_of("c2").await;
        assert_eq!((link.ord, world.sim.handle.customers().len()), (ords.customers[1], 2), "{stype}");
    }
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
    let link = world.link_of("c1").await;
    assert_eq!((link.ord, link.linked_by.as_str()), (second, "operator"));
    assert_eq!(world.sim.handle.progress_of(second).len(), 1);
    assert_eq!(world.sim.handle.customers().len(), 2);
}

/// Found by their contact persons, who say neither.
#[tokio::test]
async fn two_customers_of_one_name_and_number_are_told_apart_by_what_their_list_shows() {
    let world = World::start().await;
    let number = mobile(7);
    for khid in ["K1", "K2"] {
        let known = [("name", "老客户"), ("khid", khid), ("mobile", number.as_str())];
        world.sim.handle.seed_customer_fields(&known).unwrap();
    }
    let event = world.handle("m1", &promoted(&contact("c1", 7), 80.0)).await;
    assert_eq!((event.status, event.error_code.as_deref()), (Status::NeedsReview, Some("candidates")));
    let review = event.review.unwrap();
    let candidates = review["candidates"].as_array().unwrap();
    let khids: Vec<_> = candidates.iter().map(|candidate| candidate["khid"].as_str().unwrap_or_default()).collect();
    assert_eq!(khids, ["K1", "K2"], "{review}");
    for candidate in candidates {
        assert!(candidate["added"].as_str().is_some_and(|added| !added.is_empty()), "{candidate}");
        assert_eq!((&candidate["name"], &candidate["mobile"]), (&json!("老客户"), &json!(number)), "{candidate}");
    }
    assert_eq!(rows_read(&world), 2, "one each");
}

#[tokio::test]
async fn who_was_found_in_the_list_is_not_looked_up_once_more_where_it_shows_nothing_that_tells() {
    let company = "绍兴纺织有限公司";
    for is_bare in [false, true] {
        let world = World::start().await;
        if is_bare {
            let tells = ["khid", "date1", "catename"];
            let lack = |settings: &mut Settings| settings.columns.customers.retain(|id| !tells.contains(&id.as_str()));
            world.sim.handle.change_settings(lack);
        }
        for khid in ["K1", "K2"] {
            world.seed_company(company, khid);
        }
        let event = world.handle("m1", &promoted(&of_company("c1", 7, company), 80.0)).await;
        assert_eq!((event.status, event.error_code.as_deref()), (Status::NeedsReview, Some("candidates")));
        let review = event.review.unwrap();
        assert_eq!(review["candidates"].as_array().map(Vec::len), Some(2), "{review}");
        assert_eq!(review["candidates"][0]["khid"].is_null(), is_bare, "{review}");
        assert_eq!(rows_read(&world), 0, "{is_bare}");
    }
}

/// How often 客户列表 was asked for a single customer.
fn rows_read(world: &World) -> usize {
    let lists = world.sim.handle.calls_of("customer.list");
    lists.iter().filter(|call| call.fields.contains_key("telord")).count()
}

#[tokio::test]
async fn a_source_that_the_erp_does_not_have_is_named_with_those_it_has() {
    let world = World::with(WorldOptions {
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
        assert_eq!(world.fields(ord)["product"], if in_deal { product } else { "就定这个" });
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
        let product = world.fields(ord)["product"].as_str().unwrap().to_owned();
        assert_eq!(product.ends_with("（全文见洽谈进展）"), records > 0, "{length}");
        let stored = world.sim.handle.progress_of(ord);
        assert_eq!(stored.len(), records, "{length}");
        let characters: usize = stored.iter().map(|text| text.matches('字').count()).sum();
        assert_eq!(characters, if records > 0 { length } else { 0 });
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
        assert_eq!(world.fields(ord)["weixinAcc"] == "wx_c1", filled, "{fault}");
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
        assert_eq!(world.fields(ord)["weixinAcc"], format!("wx_{id}"));
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
