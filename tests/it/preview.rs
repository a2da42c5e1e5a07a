//! Preview, then send: the writing calls that the ERP gets are those that `POST /v1/preview` showed, field by field.

use std::{collections::BTreeMap, time::Duration};

use erp_bridge::{
    config::{AssignmentRule, Config},
    event::Status,
    simulator::Seed,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::support::{World, WorldOptions, contact, event, mobile, users_in_turn};

const EVENTS: usize = 100;
const LIMIT: Duration = Duration::from_secs(30);

/// The simulator's names of the interfaces that write, and the bridge's.
const WRITING: [(&str, &[&str]); 9] = [
    ("allocate", &["customer.allocate"]),
    ("customer.add", &["customer.add_person", "customer.add_company"]),
    ("customer.edit", &["customer.edit"]),
    ("contact.add", &["contact.add"]),
    ("progress.add", &["progress.add"]),
    ("assign", &["customer.assign"]),
    ("apply", &["customer.apply"]),
    ("approve", &["customer.approve"]),
    ("takeback", &["customer.take_back"]),
];

/// A call in the simulator's words: its name and its fields as text.
type Call = (&'static str, BTreeMap<String, String>);

fn planned(preview: &Value) -> Vec<Call> {
    let calls = preview["plan"]["calls"].as_array().map_or(&[][..], Vec::as_slice);
    let call = |call: &Value| {
        let name = call["call"].as_str().unwrap();
        let (name, _) =
            WRITING.iter().find(|(_, ours)| ours.contains(&name)).unwrap_or_else(|| panic!("{name} writes"));
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (*name, call["fields"].as_object().unwrap().iter().map(|(id, value)| (id.clone(), text(value))).collect())
    };
    calls.iter().map(call).collect()
}

/// What the simulator saw since it was last cleared; an `ord` that it has just allocated is `null`.
fn seen(world: &World) -> Vec<Call> {
    let calls = world.sim.handle.calls(0);
    let allocated = calls.iter().find(|call| call.interface == "allocate").and_then(|call| call.ord);
    let allocated = allocated.map(|ord| ord.to_string());
    let writing = calls.iter().filter_map(|call| {
        let (name, _) = WRITING.iter().find(|(theirs, _)| *theirs == call.interface)?;
        let fields = call.fields.iter().map(|(id, value)| {
            let new = id == "ord" && Some(value) == allocated.as_ref();
            (id.clone(), if new { "null".to_owned() } else { value.clone() })
        });
        Some((*name, fields.collect()))
    });
    writing.collect()
}

/// Customers that the ERP knows before: by number, by 客户编号, by company name, and two of one number.
fn seed() -> Seed {
    let person = |number: u32| json!({"name": format!("老客户{number}"), "mobile": mobile(number)});
    let company = |name: &str| json!({"kind": "1", "name": name, "person_name": "周经理", "address": "杭州市"});
    let mut customers: Vec<Value> = (0..4).map(person).collect();
    customers.extend([person(5), person(5)]);
    customers.push(json!({"name": "编号客户", "khid": "WXc1", "mobile": mobile(900)}));
    customers.extend([company("杭州甲公司有限公司"), company("宁波乙公司有限公司")]);
    serde_json::from_value(json!({ "customers": customers })).unwrap()
}

fn random_event(random: &mut StdRng, number: usize) -> Value {
    let id = random.random_range(0..36);
    let mut person = contact(&format!("c{id}"), id);
    if random.random_range(0..3) == 0 {
        let names = ["杭州甲公司有限公司", "宁波乙公司有限公司", "温州丙公司有限公司", "绍兴丁公司有限公司"];
        person["company"] = names[random.random_range(0..names.len())].into();
    }
    for (member, value) in
        [("notes", "喜欢喝茶 <b>"), ("address", "杭州市"), ("email", "a@example.com"), ("job", "采购")]
    {
        if random.random_range(0..3) == 0 {
            person[member] = value.into();
        }
    }
    let length = if random.random_range(0..12) == 0 { 4_500 } else { 20 };
    let channel = ["wechat", "phone", "email", "visit"][random.random_range(0..4)];
    let signal = json!({
        "id": format!("s{number}"), "content": format!("第{number}条 {}", "话".repeat(length)),
        "direction": if random.random() { "inbound" } else { "outbound" },
        "channel": channel,
    });
    let score = [92.0, 85.0, 75.0, 61.0, 40.0][random.random_range(0..5)];
    let mut data = json!({"contact": person, "thread": {"id": "t", "score": score}});
    let kind = ["contact.promoted", "deal.closed", "message.logged", "sync.requested"][random.random_range(0..4)];
    if kind == "message.logged" || random.random() {
        data["signal"] = signal;
    }
    if kind == "deal.closed" {
        data["deal"] = json!({"id": format!("D{number}"), "title": "年度框架", "amount": "12800.50"});
    }
    event(kind, data)
}

/// Previews an event, sends it, compares; answers how it ended.
async fn preview_then_send(world: &World, number: usize, event: &Value) -> (Status, Vec<Call>) {
    world.sim.handle.clear_calls();
    let (status, preview) = world.call("POST", "/v1/preview", Some(event.clone())).await;
    assert_eq!(status, 200, "{preview}");
    assert_eq!(seen(world), [], "a preview writes nothing: {event}");
    world.sim.handle.clear_calls();
    let (_, answer) = world.post(&format!("m{number}"), event).await;
    assert_eq!(answer["status"], preview["status"], "{event}");
    let id = answer["id"].as_str().unwrap();
    let end = match answer["status"].as_str().unwrap() {
        "queued" => world.ended(id).await,
        _ => world.event(id).await,
    };
    assert_ne!(end.status, Status::Dead, "{:?} {event}", end.error);
    let review = preview["plan"]["outcome"] == "needs_review";
    assert_eq!(end.status == Status::NeedsReview, review, "{:?} {event}", end.error);
    let calls = seen(world);
    assert_eq!(calls, planned(&preview), "event {number}: {event}\n{preview}");
    if matches!(end.status, Status::Held | Status::NeedsReview) {
        // What waits would act in the middle of a later event of the contact.
        let (status, answer) = world.call("POST", &format!("/v1/events/{id}/discard"), None).await;
        assert_eq!(status, 200, "{answer}");
    }
    (end.status, calls)
}

#[tokio::test]
async fn the_calls_that_the_erp_gets_are_those_that_the_preview_showed() {
    let configure = |config: &mut Config| {
        config.erp.values.stage_after_deal = "成交客户".into();
        let public = AssignmentRule { min_score: 70.0, users: Vec::new(), public: true };
        config.assignment.rules = vec![AssignmentRule { min_score: 80.0, ..users_in_turn(&["63", "71"]) }, public];
    };
    let world = World::with(WorldOptions { configure: Box::new(configure), ..WorldOptions::default() }).await;
    world.sim.handle.seed(&seed()).unwrap();
    let mut random = StdRng::seed_from_u64(20_261_123);
    let (mut ends, mut calls) = (BTreeMap::new(), BTreeMap::new());
    for number in 0..EVENTS {
        let event = random_event(&mut random, number);
        let (end, sent) = tokio::time::timeout(LIMIT, preview_then_send(&world, number, &event)).await.unwrap();
        *ends.entry(end.as_str()).or_insert(0) += 1;
        sent.iter().for_each(|(name, _)| *calls.entry(*name).or_insert(0) += 1);
    }
    for end in ["succeeded", "held", "not_admitted", "needs_review"] {
        assert!(ends.contains_key(end), "no event ended {end}: {ends:?}");
    }
    for name in ["allocate", "customer.add", "customer.edit", "contact.add", "progress.add", "assign"] {
        assert!(calls.contains_key(name), "{name} was never called: {calls:?}");
    }
}
