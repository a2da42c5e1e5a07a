//! Two hundred contacts and a thousand messages against an ERP with every oddity of live systems at once: in one process,
//! and with the real program killed ten times along the way.

use std::time::Duration;

use erp_bridge::{
    clock::Clock,
    simulator::{self, Customer, Handle, Quirks, SimConfig},
};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{Process, Sender, World, WorldOptions, contact, eventually, message, mobile, promoted};

const CONTACTS: u32 = 200;
const COMPANIES: u32 = 100;
const MESSAGES: usize = 5;
const EVENTS: usize = CONTACTS as usize * (MESSAGES + 1);
/// Contacts whose company the ERP knows by name, and contacts whose number it knows.
const KNOWN_NAME: std::ops::Range<u32> = 0..10;
const KNOWN_MOBILE: std::ops::Range<u32> = 95..105;
const LIMIT: Duration = Duration::from_secs(240);

fn id(number: u32) -> String {
    format!("c{number}")
}

fn company(number: u32) -> String {
    format!("杭州第{number}号贸易有限公司")
}

/// The salesperson has typed in a WeChat id of their own for every second known number.
fn known_weixin(number: u32) -> &'static str {
    if number.is_multiple_of(2) { "" } else { "wx_of_sales" }
}

fn the_contact(number: u32) -> Value {
    let mut contact = contact(&id(number), number);
    contact["notes"] = json!(format!("第{number}位，老客户介绍"));
    contact["address"] = json!("杭州市西湖区文三路 1 号");
    contact["email"] = json!(format!("c{number}@example.com"));
    contact["job"] = json!("采购经理");
    if number < COMPANIES {
        contact["company"] = json!(company(number));
    }
    contact
}

fn promotion(number: u32) -> Value {
    let mut event = promoted(&the_contact(number), 60.0 + f64::from(number % 40));
    event["data"]["signal"] = json!({ "id": format!("p{number}"), "content": "你好，想问<报价> & 交期" });
    event
}

fn seed(erp: &Handle) {
    for number in KNOWN_NAME {
        let khid = format!("OLD{number}");
        let phone = format!("139{number:08}");
        let fields = [
            ("name", company(number)),
            ("khid", khid),
            ("kind", "1".into()),
            ("person_name", "老王".into()),
            ("mobile", phone),
        ];
        let fields: Vec<_> = fields.iter().map(|(id, value)| (*id, value.as_str())).collect();
        erp.seed_customer_fields(&fields).unwrap();
    }
    for number in KNOWN_MOBILE {
        let kind = if number < COMPANIES { "1" } else { "2" };
        let mobile = mobile(number);
        let fields = [
            ("name", "展会认识的客户"),
            ("kind", kind),
            ("mobile", &mobile),
            ("weixinAcc", known_weixin(number)),
            ("address", "上海"),
        ];
        erp.seed_customer_fields(&fields).unwrap();
    }
}

/// Delivers everything, each contact's events in order, many contacts at once: every third contact writes twice before
/// it is promoted.
async fn deliver_all(sender: &Sender) {
    let one = async |number: u32| {
        let early = if number.is_multiple_of(3) { 2 } else { 0 };
        for said in 0..MESSAGES {
            if said == early {
                sender.deliver(&format!("p{number}"), &promotion(number)).await;
            }
            let text = format!("第{said}句：好的 <ok>");
            sender.deliver(&format!("m{number}-{said}"), &message(&id(number), said, &text)).await;
        }
    };
    let numbers: Vec<u32> = (0..CONTACTS).collect();
    for chunk in numbers.chunks(50) {
        join_all(chunk.iter().map(|number| one(*number))).await;
    }
}

async fn check(erp: &Handle, sender: &Sender) {
    let expected = CONTACTS as usize;
    assert_eq!(erp.customers().len(), expected, "no second customer for any");
    for number in 0..CONTACTS {
        let (status, link) = sender.call("GET", &format!("/v1/contacts/{}", id(number)), None).await;
        assert_eq!(status, 200, "{number}: {link}");
        let customer = erp.customer(link["ord"].as_i64().unwrap()).unwrap();
        let how = if KNOWN_NAME.contains(&number) {
            check_joined(erp, number, &customer);
            "company_name"
        } else if KNOWN_MOBILE.contains(&number) {
            check_filled(number, &customer);
            "mobile"
        } else {
            check_created(number, &customer);
            "created"
        };
        assert_eq!(link["linked_by"], how, "{number}");
        let said: Vec<_> =
            (0..MESSAGES).map(|said| format!("2026-11-23 15:04:05 客户：第{said}句：好的 ＜ok＞")).collect();
        assert_eq!(erp.progress_of(customer.ord), said, "{number}");
    }
    assert_eq!(erp.progress().len(), expected * MESSAGES);
}

fn assert_fields(number: u32, customer: &Customer, fields: &[(&str, &str)]) {
    for (field, value) in fields {
        let stored = customer.fields.get(*field).map(String::as_str).unwrap_or_default();
        assert_eq!(stored, *value, "{number}: {field} of {customer:?}");
    }
}

fn check_created(number: u32, customer: &Customer) {
    let (name, person) = (company(number), format!("张{number}伟"));
    let level = match 60 + number % 40 {
        90.. => "175",
        75..90 => "289",
        _ => "176",
    };
    let is_company = number < COMPANIES;
    let names: &[(&str, &str)] =
        if is_company { &[("name", &name), ("person_name", &person)] } else { &[("name", &person)] };
    assert_fields(number, customer, names);
    assert_eq!(customer.kind, if is_company { 1 } else { 2 });
    let fields = [
        ("khid", format!("WX{}", id(number))),
        ("mobile", mobile(number)),
        ("weixinAcc", format!("wx_{}", id(number))),
        ("ly", "1201".into()),
        ("jz", level.into()),
        ("sort1", "3,7".into()),
        ("address", "杭州市西湖区文三路 1 号".into()),
        ("email", format!("c{number}@example.com")),
        ("job", "采购经理".into()),
        ("intro", format!("第{number}位，老客户介绍")),
        ("product", "你好，想问＜报价＞ ＆ 交期".into()),
    ];
    let fields: Vec<_> = fields.iter().map(|(id, value)| (*id, value.as_str())).collect();
    assert_fields(number, customer, &fields);
    assert_eq!(customer.saves, 1, "{number}: saved once");
}

/// What the ERP has stays, what it lacks is filled in.
fn check_filled(number: u32, customer: &Customer) {
    let weixin = match known_weixin(number) {
        "" => format!("wx_{}", id(number)),
        known => known.to_owned(),
    };
    let khid = format!("WX{}", id(number));
    let fields =
        [("name", "展会认识的客户"), ("weixinAcc", &weixin), ("khid", &khid), ("address", "上海"), ("ly", "1201")];
    assert_fields(number, customer, &fields);
    assert_eq!(customer.saves, 2, "{number}: seeded, and edited once");
}

/// The customer is as it was; the contact is one further contact person of it.
fn check_joined(erp: &Handle, number: u32, customer: &Customer) {
    let khid = format!("OLD{number}");
    assert_fields(number, customer, &[("name", &company(number)), ("khid", &khid), ("weixinAcc", "")]);
    assert_eq!(customer.saves, 1, "{number}: untouched");
    let people: Vec<_> =
        erp.contacts().into_iter().filter(|person| person.company == customer.ord && !person.first).collect();
    assert_eq!(people.len(), 1, "{number}: {people:?}");
    let of_person = |id: &str| people[0].fields.get(id).cloned().unwrap_or_default();
    assert_eq!(of_person("person_name"), format!("张{number}伟"));
    assert_eq!((of_person("mobile"), of_person("weixinAcc")), (mobile(number), format!("wx_{}", id(number))));
}

/// Which columns an installation's lists lack is drawn from the simulator's seed.
async fn two_hundred_contacts(seed_of_quirks: u64) {
    let sim = SimConfig { quirks: Quirks::all(), seed: seed_of_quirks, ..SimConfig::default() };
    let world = World::with(WorldOptions { sim, ..WorldOptions::default() }).await;
    seed(&world.sim.handle);
    deliver_all(&world.sender).await;
    world.sender.all_succeeded(EVENTS, LIMIT).await;
    check(&world.sim.handle, &world.sender).await;
}

#[tokio::test]
async fn two_hundred_contacts_become_two_hundred_customers_whatever_the_erp_speaks() {
    two_hundred_contacts(7).await;
}

#[tokio::test]
async fn two_hundred_contacts_become_two_hundred_customers_on_another_installation() {
    two_hundred_contacts(2).await;
}

#[tokio::test]
async fn two_hundred_contacts_become_two_hundred_customers_on_a_third_installation() {
    two_hundred_contacts(3).await;
}

#[tokio::test]
async fn ten_kills_of_the_real_program_lose_nothing_and_double_nothing() {
    let config = SimConfig { quirks: Quirks::all(), seed: 11, clock: Clock::system(), ..SimConfig::default() };
    let sim = simulator::start(config).await.unwrap();
    seed(&sim.handle);
    let pauses = "50ms,50ms,50ms,50ms,50ms,50ms,50ms,50ms,50ms,50ms";
    let variables =
        [("ERP__TIMEOUT", "1s"), ("WORKER__LEASE", "14s"), ("WORKER__POLL", "50ms"), ("RETRY__SCHEDULE", pauses)];
    let mut bridge = Process::start(&sim.base_url(), &variables).await;
    let sender = bridge.sender.clone();
    let delivered = tokio::spawn(async move { deliver_all(&sender).await });
    for kill in 1..=10 {
        let reached = kill * CONTACTS as usize * MESSAGES / 11;
        eventually("the next kill is due", LIMIT, async || (sim.handle.progress().len() >= reached).then_some(()))
            .await;
        bridge.kill();
        bridge.restart().await;
    }
    delivered.await.unwrap();
    bridge.sender.all_succeeded(EVENTS, LIMIT).await;
    check(&sim.handle, &bridge.sender).await;
}
