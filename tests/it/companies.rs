//! Which company of the ERP's a contact's company is, wherever it stands and however its name is written
//! (`contract.md` §3.2).

use std::time::Duration;

use erp_bridge::{
    event::Status,
    simulator::{Quirk, Quirks, SimConfig},
};
use serde_json::json;

use crate::support::{World, WorldOptions, message, mobile, of_company, promoted};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_company_known_by_name_gets_a_contact_person_and_messages_go_to_it() {
    let world = World::start().await;
    let name = "上海某某贸易有限公司";
    let ord = world.seed_company(name, "K9");
    world.accept("m1", &promoted(&of_company("c1", 7, name), 80.0)).await;
    world.accept("m2", &message("c1", 1, "你好")).await;
    world.idle(LIMIT).await;
    assert_eq!(world.sim.handle.customers().len(), 1);
    let persons = world.sim.handle.contacts();
    assert!(persons.iter().any(|person| serde_json::to_value(person).unwrap().to_string().contains(&mobile(7))));
    assert_eq!(world.sim.handle.progress_of(ord).len(), 1);
    assert_eq!(world.link_of("c1").await.kind.as_str(), "contact_person");
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
        let event = world.handle("m1", &promoted(&of_company("c1", 7, name), 80.0)).await;
        assert_eq!(event.status, Status::Succeeded, "{stype}: {:?}", event.error);
        let link = world.link_of("c1").await;
        assert_eq!((link.ord, world.sim.handle.customers().len()), (ord, 1), "{stype}");
    }
}

/// Whoever finds one at the end of a page has not seen the other on the next.
#[tokio::test]
async fn two_companies_of_one_name_on_two_pages_are_asked_about() {
    let world = World::start().await;
    let name = "某某科技有限公司";
    for (khid, name) in [("K1", name), ("K2", name), ("K3", "某某科技有限公司武汉分公司")] {
        world.seed_company(name, khid);
    }
    world.sim.handle.change_settings(|settings| settings.page_cap = Some(1));
    let event = world.handle("m1", &promoted(&of_company("c1", 7, name), 80.0)).await;
    assert_eq!(event.status, Status::NeedsReview, "{:?}", event.error);
}

/// A blank that somebody typed leaves one of two parts of the name whole.
#[tokio::test]
async fn a_company_in_whose_name_the_erp_has_a_blank_is_no_new_one() {
    for there in ["绍兴第3号 纺织有限公司", "绍兴　第3号纺织有限公司", "绍兴第3 号纺织有限公司"]
    {
        let world = World::start().await;
        for number in 1..40 {
            world.seed_company(&format!("绍兴第{}号染织有限公司", number + 10), &format!("K{number}"));
        }
        world.sim.handle.change_settings(|settings| settings.page_cap = Some(20));
        let ord = world.seed_company(there, "KX");
        let event = world.handle("m1", &promoted(&of_company("c1", 7, "绍兴第3号纺织有限公司"), 80.0)).await;
        assert_eq!(event.status, Status::Succeeded, "{there}: {:?}", event.error);
        assert_eq!(world.ord_of("c1").await, ord, "{there}");
    }
}

/// Whoever looks on behind the end of a page has not forgotten whom it ends with.
#[tokio::test]
async fn a_company_with_which_a_page_ends_is_no_new_one() {
    let world = World::start().await;
    let ord = world.seed_company("绍兴 第3号纺织有限公司", "K1");
    world.seed_company("绍兴第9号纺织有限公司", "K2");
    world.sim.handle.change_settings(|settings| settings.page_cap = Some(1));
    let event = world.handle("m1", &promoted(&of_company("c1", 7, "绍兴第3号纺织有限公司"), 80.0)).await;
    assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
    let link = world.link_of("c1").await;
    assert_eq!((link.ord, world.sim.handle.customers().len()), (ord, 2));
}

/// A list cuts what is long (`erp-wire.md` §1.12), with a mark or without.
#[tokio::test]
async fn a_company_whose_name_the_list_cuts_is_no_new_one() {
    for mark in ["…", ""] {
        let world = World::start().await;
        let name = "上海某某国际货运代理股份有限公司";
        let ord = world.seed_company(name, "K9");
        world.sim.handle.change_settings(|settings| settings.name_cut = Some((9, mark.to_owned())));
        let event = world.handle("m1", &promoted(&of_company("c1", 7, name), 80.0)).await;
        assert_eq!(event.status, Status::Succeeded, "{mark}: {:?}", event.error);
        let link = world.link_of("c1").await;
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
    let event = world.handle("m1", &promoted(&of_company("c1", 7, name), 80.0)).await;
    assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
    let link = world.link_of("c1").await;
    assert_eq!((link.ord, world.sim.handle.customers().len()), (ord, 2));
}

/// More companies in 客户池 than anybody reads, all of which have the name within theirs.
#[tokio::test]
async fn a_pool_too_long_to_be_read_is_a_question_and_no_event_s_death() {
    let world = World::start().await;
    for number in 0..1_100 {
        let (name, khid) = (format!("第{number}号科技有限公司"), format!("K{number}"));
        let fields = [("name", &*name), ("khid", &*khid), ("kind", "1"), ("person_name", "李总"), ("stype", "1")];
        world.sim.handle.seed_customer_fields(&fields).unwrap();
    }
    world.sim.handle.change_settings(|settings| settings.page_cap = Some(20));
    let event = world.handle("m1", &promoted(&of_company("c1", 7, "科技有限公司"), 80.0)).await;
    assert_eq!((event.status, event.error_code.as_deref()), (Status::NeedsReview, Some("too_many")));
    assert_eq!(event.review.unwrap()["decisions"], json!(["link", "recreate"]));
    let lists = world.sim.handle.calls_of("customer.list");
    assert!(lists.iter().any(|call| call.fields.get("stype").is_some_and(|stype| stype == "1")), "客户池 was asked");
    assert_eq!(world.sim.handle.customers().len(), 1_100, "nobody was added");
}

#[tokio::test]
async fn two_contacts_of_a_new_company_at_once_become_one_customer() {
    let world = World::start().await;
    let name = "北京双人科技有限公司";
    for number in 1..=6_u32 {
        let contact = of_company(&format!("c{number}"), number, name);
        world.accept(&format!("m{number}"), &promoted(&contact, 70.0)).await;
    }
    world.idle(LIMIT).await;
    assert_eq!(world.sim.handle.customers().len(), 1);
    assert_eq!(world.sim.handle.contacts().len(), 6);
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
            world.seed_company(stored, "K1");
        }
        for number in 1..=2 {
            let contact = of_company(&format!("c{number}"), number, named);
            let event = world.handle(&format!("m{number}"), &promoted(&contact, 70.0)).await;
            assert_eq!(event.status, Status::Succeeded, "{named:?}: {:?}", event.error);
        }
        assert_eq!(world.sim.handle.customers().len(), 1, "{stored:?} {named:?}");
    }
}

#[tokio::test]
async fn filling_in_what_a_company_lacks_leaves_its_contact_person_and_its_stage_alone() {
    let quirks = Quirks::default().and([Quirk::NoFirstContact]);
    let sim = SimConfig { quirks, ..SimConfig::default() };
    let world = World::with(WorldOptions { sim, ..WorldOptions::default() }).await;
    let number = mobile(7);
    let known = [("name", "老客户公司"), ("khid", "K1"), ("kind", "1"), ("mobile", number.as_str())];
    let ord = world.sim.handle.seed_customer_fields(&known).unwrap();
    let people: Vec<_> =
        ["李总", "王助理"].map(|name| json!({ "company": ord.to_string(), "person_name": name })).into();
    let seed = serde_json::from_value(json!({ "contacts": people })).unwrap();
    world.sim.handle.seed(&seed).unwrap();
    let stage = world.fields(ord)["sort1"].clone();
    let event = world.handle("m1", &promoted(&of_company("c1", 7, "另一种写法公司"), 80.0)).await;
    assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
    let stored = world.fields(ord);
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
        let ords = khids.map(|khid| world.seed_company("同名公司", khid));
        let id = world.accept("m1", &promoted(&of_company("c1", 7, "同名公司"), 80.0)).await;
        assert_eq!(world.ended(&id).await.status, Status::NeedsReview);
        if is_there {
            let person = json!({ "company": ords[1].to_string(), "person_name": "小张", "mobile": typed });
            world.sim.handle.seed(&serde_json::from_value(json!({ "contacts": [person] })).unwrap()).unwrap();
        }
        let path = format!("/v1/events/{id}/resolve");
        assert_eq!(world.call("POST", &path, Some(json!({ "decision": "link", "ord": ords[1] }))).await.0, 200);
        assert_eq!(world.ended(&id).await.status, Status::Succeeded);
        let stored = world.fields(ords[1]);
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
        let link = world.link_of("c1").await;
        assert_eq!((link.ord, link.kind.as_str(), link.linked_by.as_str()), (ords[1], "contact_person", "operator"));
    }
}
