//! `contact.erp`: the platform knows which customer a contact is (`contract.md` §1), and the ERP bears it out or does not.

use std::time::Duration;

use erp_bridge::{
    config::{Config, SameName},
    event::Status,
};
use serde_json::{Value, json};

use crate::support::{World, WorldOptions, contact, deal, event, message, mobile, promoted};

const LIMIT: Duration = Duration::from_secs(30);

fn named(id: &str, number: u32, hint: Value) -> Value {
    let mut contact = contact(id, number);
    contact["erp"] = hint;
    contact
}

fn seed(world: &World, fields: &[(&str, &str)]) -> i64 {
    world.sim.handle.seed_customer_fields(fields).unwrap()
}

async fn link(world: &World, contact: &str) -> Option<(i64, String, String)> {
    let link = world.app.store.contact(contact).await.unwrap()?.link;
    Some((link.ord, link.linked_by.as_str().to_owned(), link.kind.as_str().to_owned()))
}

/// The warnings that `GET /v1/events/{id}` shows at `contact.erp`.
async fn warnings(world: &World, id: &str) -> Vec<String> {
    let (_, shown) = world.call("GET", &format!("/v1/events/{id}"), None).await;
    let warnings = shown["warnings"].as_array().cloned().unwrap_or_default();
    let at_hint = warnings.iter().filter(|warning| warning["pointer"] == "/data/contact/erp");
    at_hint.map(|warning| warning["message"].as_str().unwrap().to_owned()).collect()
}

fn calls(world: &World) -> Vec<String> {
    world.sim.handle.calls(0).into_iter().map(|call| call.interface).collect()
}

fn by_hint(ord: i64) -> Option<(i64, String, String)> {
    Some((ord, "hint".to_owned(), "person".to_owned()))
}

#[tokio::test]
async fn a_customer_that_the_platform_names_is_linked_without_a_search_and_gets_what_it_lacks() {
    let world = World::start().await;
    // What the first one pays for is paid.
    world.handle("m0", &promoted(&contact("c0", 99), 80.0)).await;
    let filled = ["customer.detail", "customer.detail", "customer.edit", "customer.detail"];
    for (number, with_ord, with_khid, searched) in
        [(1, true, true, &[][..]), (2, true, false, &[]), (3, false, true, &["customer.list"])]
    {
        let (id, khid) = (format!("c{number}"), format!("K-004{number}"));
        let ord = seed(&world, &[("name", &format!("张{number}伟")), ("khid", &khid)]);
        let mut hint = json!({});
        if with_ord {
            hint["ord"] = json!(ord);
        }
        if with_khid {
            // Codes are compared after folding.
            hint["khid"] = json!(khid.replace('K', "Ｋ"));
        }
        if !with_ord {
            hint["khid"] = json!(khid);
        }
        world.sim.handle.clear_calls();
        let event = world.handle(&id, &promoted(&named(&id, number, hint), 80.0)).await;
        assert_eq!(event.status, Status::Succeeded, "{number}: {:?}", event.error);
        assert_eq!(calls(&world), [searched, &filled[..]].concat(), "{number}");
        assert_eq!(link(&world, &id).await, by_hint(ord));
        let stored = world.sim.handle.customer(ord).unwrap().fields;
        assert_eq!(
            (&stored["khid"], &stored["weixinAcc"], &stored["mobile"]),
            (&khid, &format!("wx_{id}"), &mobile(number))
        );
        assert!(warnings(&world, &event.id).await.is_empty());
    }
    assert_eq!(world.sim.handle.customers().len(), 4);
}

#[tokio::test]
async fn deals_and_manual_syncs_take_the_customer_that_the_platform_names() {
    let world = World::start().await;
    let ords =
        [1, 2].map(|number| seed(&world, &[("name", &format!("张{number}伟")), ("khid", &format!("K{number}"))]));
    let event_of_deal = world.handle("m1", &deal(&named("c1", 1, json!({ "ord": ords[0] })), 80.0)).await;
    assert_eq!(event_of_deal.status, Status::Succeeded, "{:?}", event_of_deal.error);
    let body = json!({ "contact": named("c2", 2, json!({ "ord": ords[1] })), "force": true });
    let (status, answer) = world.call("POST", "/v1/contacts/c2/sync", Some(body)).await;
    assert_eq!(status, 202, "{answer}");
    world.idle(LIMIT).await;
    assert_eq!((link(&world, "c1").await, link(&world, "c2").await), (by_hint(ords[0]), by_hint(ords[1])));
    assert_eq!(world.sim.handle.progress_of(ords[0]).len(), 1);
}

#[tokio::test]
async fn a_message_whose_contact_the_platform_knows_is_not_held_and_comes_behind_those_that_were() {
    let world = World::start().await;
    let ord = seed(&world, &[("name", "张三"), ("khid", "K-0042")]);
    let held = world.accept("m1", &message("c1", 1, "先说的")).await;
    assert_eq!(world.event(&held).await.status, Status::Held);
    let mut said = message("c1", 2, "后说的");
    said["data"]["contact"]["erp"] = json!({ "khid": "K-0042" });
    let (_, shown) = world.call("POST", "/v1/preview", Some(said.clone())).await;
    assert_eq!((&shown["status"], &shown["plan"]["outcome"]), (&json!("queued"), &json!("planned")), "{shown}");
    world.accept("m2", &said).await;
    world.idle(LIMIT).await;
    assert_eq!(link(&world, "c1").await, by_hint(ord));
    let records = world.sim.handle.progress_of(ord);
    assert!(records.len() == 2 && records[0].contains("先说的") && records[1].contains("后说的"), "{records:?}");

    // One that names nobody is held after all, and says why.
    let mut lost = message("c2", 3, "你好");
    lost["data"]["contact"]["erp"] = json!({ "ord": 987_654 });
    let id = world.accept("m3", &lost).await;
    let event = world.until(&id, &[Status::Held]).await;
    assert!(event.next_attempt_at.is_some(), "it does not wait for ever");
    assert_eq!(warnings(&world, &event.id).await.len(), 1);
    // Once it is linked otherwise, it follows.
    world.handle("m4", &promoted(&contact("c2", 2), 80.0)).await;
    world.idle(LIMIT).await;
    assert_eq!(world.event(&event.id).await.status, Status::Succeeded);
}

#[tokio::test]
async fn a_customer_that_is_not_the_contact_costs_a_warning_and_the_search_goes_on() {
    let world = World::start().await;
    let number = mobile(9);
    let other = seed(&world, &[("name", "李四"), ("khid", "K1"), ("mobile", &number)]);
    let namesake = seed(&world, &[("name", "张2伟"), ("khid", "K2"), ("mobile", &number)]);
    let ours = seed(&world, &[("name", "张3伟"), ("khid", "WXother")]);
    // Letters that some ERPs lose, and this one keeps.
    let alike = seed(&world, &[("name", "Nguyễn Thị Hồng"), ("khid", "K3")]);
    let company = seed(
        &world,
        &[("name", "Công Ty Hồng Phát"), ("kind", "1"), ("person_name", "Nguyễn Thị Hồng"), ("khid", "K4")],
    );
    for (contact_number, hint, why) in [
        (1, json!({ "ord": other }), "手机或姓名"),
        (2, json!({ "ord": namesake }), "手机或姓名"),
        (3, json!({ "ord": ours }), "该客户属于另一位联系人 (not taken, looked up instead: that customer is another"),
        (4, json!({ "ord": 987_654 }), "未采用，改为查找：ERP 中没有这个客户 (not taken"),
        (5, json!({ "khid": "K-none" }), "没有这个客户"),
        (6, json!({ "ord": other, "khid": "K2" }), "客户编号不同"),
        (7, json!({ "ord": alike }), "手机或姓名"),
        (8, json!({ "ord": company }), "手机或姓名"),
    ] {
        let id = format!("c{contact_number}");
        let mut contact = named(&id, contact_number, hint.clone());
        if contact_number == 7 {
            contact["name"] = json!("Nguyễn Thị Hưng");
        }
        if contact_number == 8 {
            contact["company"] = json!("Công Ty Hưng Phát");
        }
        let (_, shown) = world.call("POST", "/v1/preview", Some(promoted(&contact, 80.0))).await;
        assert!(shown["plan"]["warnings"][0]["message"].as_str().unwrap().contains(why), "{hint}: {shown}");
        let event = world.handle(&id, &promoted(&contact, 80.0)).await;
        let found = warnings(&world, &event.id).await;
        assert!(found.len() == 1 && found[0].contains(why), "{hint}: {found:?}");
        // Where no number speaks against it, somebody is asked first.
        if contact_number > 6 {
            assert_eq!(event.status, Status::NeedsReview, "{hint}: {:?}", event.error);
            continue;
        }
        assert_eq!(event.status, Status::Succeeded, "{hint}: {:?}", event.error);
        assert_eq!(link(&world, &id).await.unwrap().1, "created", "{hint}");
    }
    assert_eq!(world.sim.handle.customers().len(), 5 + 6);
}

/// People go by nicknames, and most customers of an ERP have no number: neither bears the platform out, nor speaks against it.
#[tokio::test]
async fn a_customer_that_the_platform_names_and_that_is_called_otherwise_is_asked_about_before_another_is_made() {
    for (decision, customers) in [("link", 1), ("recreate", 2)] {
        let world = World::start().await;
        let ord = seed(&world, &[("name", "陈一诺"), ("khid", "K-0042")]);
        let mut known = named("c1", 1, json!({ "khid": "K-0042" }));
        known["name"] = json!("阿诺🌱小铺");
        let event = world.handle("m1", &promoted(&known, 80.0)).await;
        assert_eq!(event.status, Status::NeedsReview, "{:?}", event.error);
        let (_, shown) = world.call("GET", &format!("/v1/events/{}", event.id), None).await;
        assert_eq!(shown["review"]["candidates"][0]["ord"], ord, "{shown}");
        assert_eq!(warnings(&world, &event.id).await.len(), 1);
        let mut body = json!({ "decision": decision });
        if decision == "link" {
            body["ord"] = json!(ord);
        }
        let path = format!("/v1/events/{}/resolve", event.id);
        assert_eq!(world.call("POST", &path, Some(body)).await.0, 200);
        world.until(&event.id, &[Status::Succeeded]).await;
        assert_eq!(world.sim.handle.customers().len(), customers, "{decision}");
    }
    let configure = |config: &mut Config| config.conflicts.same_name = SameName::Create;
    let world = World::with(WorldOptions { configure: Box::new(configure), ..WorldOptions::default() }).await;
    seed(&world, &[("name", "陈一诺"), ("khid", "K-0042")]);
    let event = world.handle("m1", &promoted(&named("c1", 1, json!({ "khid": "K-0042" })), 80.0)).await;
    assert_eq!((event.status, world.sim.handle.customers().len()), (Status::Succeeded, 2));
}

#[tokio::test]
async fn the_number_tells_more_than_the_name_where_the_platform_names_a_customer() {
    let world = World::start().await;
    let ord = seed(&world, &[("name", "伟哥-建材"), ("khid", "K1"), ("mobile", "138 0000 0001")]);
    world.handle("m1", &promoted(&named("c1", 1, json!({ "ord": ord })), 80.0)).await;
    assert_eq!(link(&world, "c1").await, by_hint(ord));
}

#[tokio::test]
async fn a_company_that_the_platform_names_gets_the_contact_as_a_person_and_keeps_its_own_fields() {
    let world = World::start().await;
    let company = world.seed_company("某某公司", "K1");
    let mut first = named("c1", 1, json!({ "khid": "K1" }));
    first["company"] = json!("某某 公司");
    world.handle("m1", &promoted(&first, 80.0)).await;
    // Who is one of its persons already is not added again, and whoever is none is not taken for one.
    let person = json!({ "company": company.to_string(), "person_name": "王芳", "mobile": mobile(2) });
    world.sim.handle.seed(&serde_json::from_value(json!({ "contacts": [person] })).unwrap()).unwrap();
    world.handle("m2", &promoted(&named("c2", 2, json!({ "ord": company })), 80.0)).await;
    let stranger = world.handle("m3", &promoted(&named("c3", 3, json!({ "ord": company })), 80.0)).await;
    let person = |by: &str| Some((company, by.to_owned(), "contact_person".to_owned()));
    assert_eq!((link(&world, "c1").await, link(&world, "c2").await), (person("hint"), person("hint")));
    assert_eq!(warnings(&world, &stranger.id).await.len(), 1);
    let stored = world.sim.handle.customer(company).unwrap().fields;
    assert!(stored.get("weixinAcc").is_none_or(String::is_empty), "{stored:?}");
    let numbers = [1, 2].map(|number| {
        let has = |person: &&erp_bridge::simulator::Contact| person.fields.get("mobile") == Some(&mobile(number));
        world.sim.handle.contacts().iter().filter(has).count()
    });
    assert_eq!(numbers, [1, 1]);
}

#[tokio::test]
async fn two_contacts_for_whom_the_platform_names_one_customer_do_not_both_become_it() {
    let world = World::start().await;
    world.sim.handle.change_settings(|settings| settings.latency_ms = 20);
    let ord = seed(&world, &[("name", "张伟"), ("khid", "K1")]);
    let mut events = Vec::new();
    for (id, number) in [("c1", 1), ("c2", 2)] {
        let mut contact = named(id, number, json!({ "ord": ord }));
        contact["name"] = json!("张伟");
        events.push(
            world
                .accept(
                    id,
                    &event("contact.promoted", json!({ "contact": contact, "thread": { "id": "t", "score": 80 } })),
                )
                .await,
        );
    }
    let mut linked = 0;
    for id in &events {
        let event = world.ended(id).await;
        assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
        linked += usize::from(warnings(&world, id).await.is_empty());
    }
    assert_eq!((linked, world.sim.handle.customers().len()), (1, 2));
}
