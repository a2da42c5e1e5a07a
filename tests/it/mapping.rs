//! 数据映射表, row by row, for customers that the ERP knows, and what an installation calls otherwise.

use std::time::Duration;

use erp_bridge::{
    app,
    config::{ContentType, Level},
    event::Status,
    simulator::{Handle, Settings, SimConfig},
};
use serde_json::{Value, json};

use crate::support::{World, WorldOptions, contact, message, mobile, promoted};

const LIMIT: Duration = Duration::from_secs(30);

/// A promotion that says everything the map knows.
fn everything(company: Option<&str>) -> Value {
    let mut contact = contact("c1", 1);
    contact["source"] = json!("抖音");
    contact["notes"] = json!("老客户介绍");
    contact["address"] = json!("杭州市西湖区文三路 1 号");
    contact["email"] = json!("c1@example.com");
    contact["job"] = json!("采购经理");
    if let Some(company) = company {
        contact["company"] = json!(company);
    }
    let mut event = promoted(&contact, 92.0);
    event["data"]["signal"] = json!({ "id": "s1", "content": "想了解年付价格" });
    event
}

async fn succeed(world: &World, webhook_id: &str, event: &Value) {
    let event = world.handle(webhook_id, event).await;
    assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
}

fn assert_fields(erp: &Handle, ord: i64, expected: &[(&str, &str)]) {
    let fields = erp.customer(ord).unwrap().fields;
    for (id, value) in expected {
        assert_eq!(fields.get(*id).map_or("", String::as_str), *value, "{id} of {fields:?}");
    }
}

#[tokio::test]
async fn a_known_customer_gets_every_row_of_the_map_that_it_lacks_and_none_that_it_has() {
    let ours = [
        ("khid", "WXc1"),
        ("weixinAcc", "wx_c1"),
        ("ly", "1201"),
        ("jz", "175"),
        ("address", "杭州市西湖区文三路 1 号"),
        ("email", "c1@example.com"),
        ("job", "采购经理"),
        ("intro", "老客户介绍"),
        ("product", "想了解年付价格"),
    ];
    let theirs = [
        ("khid", "K1"),
        ("weixinAcc", "theirs"),
        ("ly", "171"),
        ("jz", "290"),
        ("address", "上海"),
        ("email", "old@example.com"),
        ("job", "店长"),
        ("intro", "旧备注"),
        ("product", "旧简介"),
    ];
    let number = mobile(1);
    for at in 0..=ours.len() {
        let world = World::start().await;
        // The record has one of the rows, and in the last round all of them.
        let has = if at < ours.len() { &theirs[at..=at] } else { &theirs[..] };
        let known = [&[("name", "展会认识的客户"), ("mobile", number.as_str()), ("sort1", "4,11")], has].concat();
        let ord = world.sim.handle.seed_customer_fields(&known).unwrap();
        succeed(&world, "m1", &everything(None)).await;
        let others = ours.iter().filter(|(id, _)| has.iter().all(|(other, _)| other != id)).copied();
        assert_fields(&world.sim.handle, ord, &others.chain(known).collect::<Vec<_>>());
        let edits = world.sim.handle.calls_of("customer.edit");
        assert_eq!(edits.len(), usize::from(at < ours.len()));
        for edit in edits {
            for (id, text) in [("sort", "重点客户"), ("sort1", "方案报价"), ("name", "展会认识的客户"), ("sort2", "2")]
            {
                assert_eq!(edit.fields[id], text, "{id} goes back as the record has it");
            }
        }
    }
}

#[tokio::test]
async fn a_customer_known_by_its_number_of_the_erp_gets_the_mobile_number_too() {
    let world = World::start().await;
    let ord = world.sim.handle.seed_customer_fields(&[("name", "王小明"), ("khid", "WXc1")]).unwrap();
    succeed(&world, "m1", &everything(None)).await;
    assert_fields(&world.sim.handle, ord, &[("mobile", &mobile(1)), ("name", "王小明")]);
    assert_eq!(world.link_of("c1").await.linked_by.as_str(), "khid");
}

#[tokio::test]
async fn a_further_contact_person_gets_every_row_of_the_map_that_a_person_has() {
    let world = World::start().await;
    let ord = world.seed_company("上海某某科技有限公司", "K1");
    succeed(&world, "m1", &everything(Some("上海某某科技有限公司"))).await;
    let people: Vec<_> = world.sim.handle.contacts().into_iter().filter(|one| !one.first).collect();
    assert_eq!((people.len(), people[0].company), (1, ord));
    for (id, value) in [
        ("person_name", "张1伟"),
        ("mobile", mobile(1).as_str()),
        ("weixinAcc", "wx_c1"),
        ("email", "c1@example.com"),
        ("job", "采购经理"),
        ("intro", "老客户介绍"),
    ] {
        assert_eq!(people[0].fields[id], value, "{id}");
    }
    assert_eq!(world.sim.handle.customer(ord).unwrap().saves, 1, "the company is as it was");
}

#[tokio::test]
async fn a_level_whose_configured_id_is_not_the_erps_gets_the_erps_and_the_check_says_so() {
    let wrong = Level { min: 90.0, id: 999, text: "很高".into() };
    let options = WorldOptions {
        configure: Box::new(move |config| config.mapping.levels = vec![wrong.clone()]),
        ..WorldOptions::default()
    };
    let world = World::with(options).await;
    succeed(&world, "m1", &everything(None)).await;
    let ord = world.ord_of("c1").await;
    assert_fields(&world.sim.handle, ord, &[("jz", "175")]);
    let rows = app::check(&world.config, Vec::new()).await;
    let row = rows.iter().find(|row| row.what.zh.contains("很高")).unwrap();
    assert!(
        row.status == erp_bridge::http::CheckStatus::Fails && row.detail.contains("175") && row.detail.contains("999"),
        "{row:?}"
    );
}

#[tokio::test]
async fn an_old_installation_with_its_own_content_type_and_login_is_served_as_a_new_one() {
    let settings = Settings { only_zsml: true, ..Settings::default() };
    for (content_type, login_path, is_served) in [
        (ContentType::Zsml, "/SYSA/mobilephone/login.asp", true),
        (ContentType::Json, "/SYSA/mobilephone/login.asp", false),
    ] {
        let sim = SimConfig { settings: settings.clone(), ..SimConfig::default() };
        let configure = move |config: &mut erp_bridge::config::Config| {
            (config.erp.content_type, config.erp.login_path) = (content_type, login_path.into());
        };
        let world = World::with(WorldOptions { sim, configure: Box::new(configure), ..WorldOptions::default() }).await;
        if !is_served {
            assert!(world.app.erp.check_login().await.is_err());
            continue;
        }
        succeed(&world, "m1", &everything(None)).await;
        succeed(&world, "m2", &message("c1", 1, "你好")).await;
        world.idle(LIMIT).await;
        let ord = world.ord_of("c1").await;
        assert_eq!(world.sim.handle.progress_of(ord), ["2026-11-23 15:04:05 客户：你好"]);
    }
}
