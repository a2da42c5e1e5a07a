//! Adoption (存量客户认领): contacts that the ERP has as customers already are linked before their first event.

use erp_bridge::{event::Status, simulator::Seed};
use serde_json::{Value, json};

use crate::support::{READER, World, message, mobile};

/// Customers as an ERP has them before the bridge comes.
pub fn customers() -> Seed {
    serde_json::from_value(json!({ "customers": [
        { "name": "编号客户", "khid": "WXk1" },
        { "name": "王小明", "khid": "K-0042", "mobile": "138 0000 0001" },
        { "kind": "1", "name": "杭州甲公司有限公司", "person_name": "周经理", "khid": "K-0043" },
        { "name": "无号码" },
        { "name": "李雷", "mobile": mobile(3) },
        { "name": "韩梅梅", "mobile": mobile(3) },
    ] }))
    .unwrap()
}

/// The platform's contacts, one for each way in which they can come out, and how they do.
pub fn contacts() -> [(Value, &'static str, Option<&'static str>); 11] {
    let contact = |id: &str, name: &str, phone: Option<String>, company: Option<&str>| {
        let mut contact = json!({ "id": id, "name": name });
        contact["phone"] = phone.into();
        contact["company"] = company.into();
        contact
    };
    let company = Some("杭州甲公司有限公司");
    [
        (contact("k1", "赵一", None, None), "would_link", Some("khid")),
        (contact("m1", "王小明", Some("+86 13800000001".into()), None), "would_link", Some("mobile")),
        (contact("m2", "另一个", Some(mobile(1)), None), "taken", Some("mobile")),
        (contact("c1", "周经理", None, company), "would_link", Some("company_name")),
        (contact("c2", "吴助理", Some(mobile(9)), company), "joins", None),
        (contact("n1", "无号码", Some(mobile(8)), None), "same_name", None),
        (contact("s1", "李雷", Some(mobile(3)), None), "candidates", Some("mobile")),
        (contact("u1", "陌生人", Some(mobile(7)), None), "unknown", None),
        (contact("u1", "陌生人", Some(mobile(7)), None), "invalid", None),
        (json!({ "id": "i1" }), "invalid", None),
        (json!({ "id": "i 2", "name": "空格" }), "invalid", None),
    ]
}

pub fn body(apply: bool) -> Value {
    json!({ "contacts": contacts().map(|(contact, ..)| contact), "apply": apply })
}

async fn world() -> World {
    let world = World::start().await;
    world.sim.handle.seed(&customers()).unwrap();
    world
}

#[tokio::test]
async fn each_contact_is_told_what_becomes_of_it_and_only_links_are_written() {
    let world = world().await;
    let before = format!("{:?}", world.sim.handle.customers());
    let (status, told) = world.call("POST", "/v1/contacts/adopt", Some(body(false))).await;
    assert_eq!((status, &told["applied"]), (200, &false.into()), "{told}");
    for (item, (contact, outcome, rule)) in told["items"].as_array().unwrap().iter().zip(contacts()) {
        assert_eq!((&item["outcome"], &item["matched_by"]), (&json!(outcome), &json!(rule)), "{contact}: {item}");
    }
    assert_eq!(told["items"][6]["candidates"].as_array().unwrap().len(), 2, "{told}");
    assert_eq!(told["items"][5]["candidates"][0]["name"], "无号码");
    assert!(told["items"][10]["message"].as_str().unwrap().contains("id"), "{told}");
    assert_eq!(world.call("GET", "/v1/contacts/m1", None).await.0, 404, "nothing is written without apply");

    let (_, applied) = world.call("POST", "/v1/contacts/adopt", Some(body(true))).await;
    assert_eq!(applied["counts"]["linked"], 3, "{applied}");
    let (_, link) = world.call("GET", "/v1/contacts/m1", None).await;
    assert_eq!(
        (&link["linked_by"], &link["khid"], &link["kind"]),
        (&json!("adopt"), &json!("K-0042"), &json!("person"))
    );
    let (_, link) = world.call("GET", "/v1/contacts/c1", None).await;
    assert_eq!((&link["kind"], &link["khid"]), (&json!("contact_person"), &json!("K-0043")));
    assert_eq!(format!("{:?}", world.sim.handle.customers()), before, "the ERP is only read");

    // Found by its name and number although no event has ever named it, by those only who may see them.
    for q in ["%E7%8E%8B%E5%B0%8F%E6%98%8E", "m1"] {
        let (_, found) = world.call("GET", &format!("/v1/contacts?q={q}"), None).await;
        assert_eq!(found["items"][0]["contact_id"], "m1", "{q}: {found}");
    }
    let (_, found) = world.sender.read("/v1/contacts?q=%E7%8E%8B%E5%B0%8F%E6%98%8E").await;
    assert_eq!(found["items"], json!([]));

    let (_, again) = world.call("POST", "/v1/contacts/adopt", Some(body(true))).await;
    assert_eq!((&again["counts"]["already_linked"], &again["counts"]["linked"]), (&3.into(), &Value::Null), "{again}");
    assert_eq!(again["items"][2]["outcome"], "taken", "{again}");
    let (_, audit) = world.call("GET", "/v1/audit?limit=50", None).await;
    let actions = audit["items"].as_array().unwrap().iter().filter(|entry| entry["action"] == "contact.adopt").count();
    assert_eq!(actions, 3, "{audit}");
}

#[tokio::test]
async fn a_contact_person_that_is_linked_is_nobody_elses_where_both_are_adopted_once_more() {
    let world = world().await;
    let person = |id: &str| json!({ "id": id, "name": "周经理", "company": "杭州甲公司有限公司" });
    let body = json!({ "contacts": [person("c1"), person("c2")], "apply": true });
    for first in ["linked", "already_linked"] {
        let (_, told) = world.call("POST", "/v1/contacts/adopt", Some(body.clone())).await;
        assert_eq!((&told["items"][0]["outcome"], &told["items"][1]["outcome"]), (&json!(first), &json!("taken")));
    }
}

/// The company's 周经理 has no number: whoever has none is that one, whoever has one may be another.
#[tokio::test]
async fn a_contact_person_is_known_by_an_adoption_and_by_an_event_in_the_same_way() {
    for (phone, outcome, added) in [(None, "would_link", 0), (Some(mobile(9)), "joins", 1)] {
        let world = world().await;
        let person = json!({ "id": "c1", "name": "周经理", "phone": phone, "company": "杭州甲公司有限公司" });
        let body = json!({ "contacts": [person], "apply": false });
        let (_, told) = world.call("POST", "/v1/contacts/adopt", Some(body)).await;
        assert_eq!(told["items"][0]["outcome"], outcome, "{told}");

        let before = world.sim.handle.contacts().len();
        let body = json!({ "contact": person, "force": true });
        let (status, answer) = world.call("POST", "/v1/contacts/c1/sync", Some(body)).await;
        assert_eq!(status, 202, "{answer}");
        let event = world.ended(answer["id"].as_str().unwrap()).await;
        assert_eq!(event.status, Status::Succeeded, "{phone:?}: {:?}", event.error);
        assert_eq!(world.sim.handle.contacts().len() - before, added, "{phone:?}");
        assert_eq!(world.link_of("c1").await.kind.as_str(), "contact_person");
    }
}

#[tokio::test]
async fn a_customer_that_the_platform_names_is_verified_before_it_is_adopted() {
    let world = world().await;
    let contact = |id: &str, name: &str, khid: &str| json!({ "id": id, "name": name, "erp": { "khid": khid } });
    let contacts = [contact("h1", "王小明", "K-0042"), contact("h2", "李四", "K-0042"), contact("h3", "张三", "K-9")];
    let (_, told) =
        world.call("POST", "/v1/contacts/adopt", Some(json!({ "contacts": contacts, "apply": true }))).await;
    let item = |at: usize| &told["items"][at];
    assert_eq!((&item(0)["outcome"], &item(0)["matched_by"]), (&json!("linked"), &json!("hint")), "{told}");
    for at in [1, 2] {
        assert_eq!(item(at)["outcome"], "unknown", "{told}");
        assert!(item(at)["message"].as_str().unwrap().contains("not taken"), "{told}");
    }
}

#[tokio::test]
async fn a_number_or_a_customer_finds_a_contact_without_a_name() {
    let world = world().await;
    let table = [
        (json!({ "id": "b1", "erp": { "khid": "K-0042" } }), "would_link", Some("hint")),
        (json!({ "id": "b2", "phone": "13800000001", "name": null }), "taken", Some("mobile")),
        (json!({ "id": "b3", "phone": mobile(7), "name": "" }), "unknown", None),
        (json!({ "id": "b4", "phone": null, "erp": null }), "invalid", None),
    ];
    let contacts: Vec<_> = table.iter().map(|(contact, ..)| contact).collect();
    let (status, told) = world.call("POST", "/v1/contacts/adopt", Some(json!({ "contacts": contacts }))).await;
    assert_eq!(status, 200, "{told}");
    for (item, (contact, outcome, rule)) in told["items"].as_array().unwrap().iter().zip(&table) {
        assert_eq!((&item["outcome"], &item["matched_by"]), (&json!(outcome), &json!(rule)), "{contact}: {item}");
    }
}

#[tokio::test]
async fn a_message_that_waited_for_its_contact_is_recorded_once_the_contact_is_adopted() {
    let world = world().await;
    let held = world.accept("h1", &message("m1", 1, "在吗")).await;
    world.call("POST", "/v1/contacts/adopt", Some(body(true))).await;
    world.until(&held, &[Status::Succeeded]).await;
    let customer = &world.sim.handle.customers_with("khid", "K-0042")[0];
    assert_eq!(world.sim.handle.progress_of(customer.ord).len(), 1);
}

#[tokio::test]
async fn adopting_needs_operate_and_a_list_of_one_to_fifty() {
    let world = world().await;
    let call = async |token: &str, contacts: usize| {
        let contact = json!({ "id": "a", "name": "无名氏" });
        let body = json!({ "contacts": vec![contact; contacts] }).to_string();
        let request = world.sender.http.post(world.url("/v1/contacts/adopt")).bearer_auth(token);
        request.header("content-type", "application/json").body(body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(call(READER, 1).await, 403);
    for (contacts, status) in [(0, 422), (1, 200), (49, 200), (50, 200), (51, 422)] {
        assert_eq!(call(crate::support::OPERATOR, contacts).await, status, "{contacts}");
    }
}

#[tokio::test]
async fn an_erp_that_is_away_is_said_and_nothing_is_lost() {
    let world = world().await;
    world.sim.handle.change_settings(|settings| settings.password = "other".into());
    world.sim.handle.expire_sessions();
    let (status, problem) = world.call("POST", "/v1/contacts/adopt", Some(body(true))).await;
    assert_eq!((status, &problem["type"]), (503, &json!("urn:erp-bridge:problem:erp_unavailable")), "{problem}");
    assert_eq!(world.call("GET", "/v1/contacts/m1", None).await.0, 404);
}
