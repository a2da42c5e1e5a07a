//! Who may become a customer (准入条件, `contract.md` §2): the three sets of rules that the documents show, the last known score,
//! and deals that follow their contact into the ERP.

use std::{fs, time::Duration};

use erp_bridge::{
    clock::{Clock, Millis},
    config::Config,
    event::Status,
};
use serde_json::{Value, json};

use crate::support::{World, WorldOptions, contact, deal, event, message, promoted};

/// A file of the repository.
fn document(name: &str) -> String {
    fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The three sets of rules, as `docs/mapping.md` shows them.
fn documented() -> [String; 3] {
    let text = document("docs/mapping.md");
    let section = text.split("## Admission").nth(1).unwrap().split("\n## ").next().unwrap();
    let sets: Vec<_> = section.split("```toml\n").skip(1).map(|set| set.split("```").next().unwrap()).collect();
    let sets: [&str; 3] = sets.try_into().unwrap();
    sets.map(str::to_owned)
}

/// A bridge with this part of a configuration file, driven by hand.
async fn world(part: &str) -> World {
    let set = [
        ("WEBHOOK__SECRETS", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("ERP__BASE_URL", "http://erp.example"),
        ("ERP__USERNAME", "u"),
        ("ERP__PASSWORD", "p"),
        ("ERP__SERIAL", "1"),
    ];
    let set = set.map(|(key, value)| (format!("ERP_BRIDGE__{key}"), value.to_owned()));
    let admission = Config::from_sources(Some(("docs/mapping.md", part)), set.into_iter()).unwrap().admission;
    let configure = move |config: &mut Config| config.admission = admission.clone();
    // After the events happened: a time from the future would not be believed.
    let clock = Clock::manual(Millis(1_795_500_000_000));
    World::with(WorldOptions { dispatch: false, clock, configure: Box::new(configure), ..WorldOptions::default() })
        .await
}

/// Posts an event; answers how it starts, its id and the whole answer.
async fn post(world: &World, webhook_id: &str, event: &Value) -> (String, String, Value) {
    let (status, body) = world.post(webhook_id, event).await;
    let start = body["status"].as_str().unwrap().to_owned();
    assert_eq!(status, if ["queued", "held"].contains(&start.as_str()) { 202 } else { 200 }, "{body}");
    (start, body["id"].as_str().unwrap().to_owned(), body)
}

async fn start(world: &World, webhook_id: &str, event: &Value) -> String {
    post(world, webhook_id, event).await.0
}

/// A contact as the platform knows it: a name and no number.
fn nameonly(id: &str, name: &str) -> Value {
    json!({ "id": id, "name": name })
}

/// A message with the score that the platform gives to it alone.
fn scored(contact_id: &str, number: usize, score: f64) -> Value {
    let mut message = message(contact_id, number, &format!("第{number}句"));
    message["data"]["thread"] = json!({ "id": "t1", "score": score });
    message
}

/// A promotion that brings no score.
fn unscored(contact: &Value) -> Value {
    event("contact.promoted", json!({ "contact": contact, "thread": { "id": "t1" } }))
}

/// The texts of the records of a linked contact's customer.
async fn records(world: &World, contact: &str) -> Vec<String> {
    let link = world.app.store.contact(contact).await.unwrap().expect("it is linked").link;
    world.sim.handle.progress_of(link.ord)
}

async fn run(world: &World) {
    world.app.dispatcher.run_due().await;
}

#[test]
fn the_example_file_shows_the_sets_of_the_field_map() {
    let rules = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.trim_start_matches('#').trim());
        lines.filter(|line| line.starts_with('"') && line.contains(" = [")).map(str::to_owned).collect()
    };
    let example = document("erp-bridge.example.toml");
    let example = example.split("# 1. ").nth(1).unwrap().split("# By environment").next().unwrap();
    let shown = rules(example);
    assert_eq!(shown, documented().iter().flat_map(|set| rules(set)).collect::<Vec<_>>());
    assert!(shown.len() > 6, "{shown:?}");
}

#[tokio::test]
async fn with_the_rules_of_the_guide_a_customer_has_a_verified_number_a_name_and_a_score() {
    let [guide, _, _] = documented();
    let world = world(&guide).await;
    assert_eq!(start(&world, "w1", &promoted(&contact("c1", 1), 60.0)).await, "queued");
    assert_eq!(start(&world, "w2", &promoted(&contact("c2", 2), 59.0)).await, "not_admitted");
    assert_eq!(start(&world, "w3", &promoted(&nameonly("c3", "王小明"), 100.0)).await, "not_admitted");
    assert_eq!(start(&world, "w4", &promoted(&nameonly("c4", "老板"), 100.0)).await, "not_admitted");
    assert_eq!(start(&world, "w5", &deal(&nameonly("c5", "李小红"), 90.0)).await, "held");
    run(&world).await;
    assert_eq!(world.sim.handle.customers().len(), 1);
    // It is the default.
    let default = world_of_defaults().await;
    assert_eq!(format!("{:?}", rules_of(&world)), format!("{:?}", rules_of(&default)));
}

async fn world_of_defaults() -> World {
    World::with(WorldOptions { dispatch: false, ..WorldOptions::default() }).await
}

fn rules_of(world: &World) -> erp_bridge::event::Rules {
    erp_bridge::event::Rules::new(&world.config.admission)
}

#[tokio::test]
async fn whom_a_person_promoted_becomes_a_customer_without_number_and_score() {
    let [_, person, _] = documented();
    let world = world(&person).await;
    assert_eq!(start(&world, "m1", &scored("c1", 1, 40.0)).await, "held");
    assert_eq!(start(&world, "d1", &deal(&nameonly("c1", "王小明"), 12.0)).await, "held", "nobody has promoted it");
    assert_eq!(start(&world, "m2", &scored("c1", 2, 12.0)).await, "held");
    assert_eq!(start(&world, "p0", &unscored(&nameonly("c1", "微信用户"))).await, "not_admitted");
    assert_eq!(start(&world, "p1", &unscored(&nameonly("c1", "王小明"))).await, "queued");
    run(&world).await;
    let records = records(&world, "c1").await;
    assert!(records.len() == 3 && records[1].contains("成交"), "{records:?}");
    assert_eq!(start(&world, "d2", &deal(&nameonly("c1", "王小明"), 12.0)).await, "queued", "a customer's deal");
    assert_eq!(start(&world, "d3", &deal(&json!({"id": "c2", "name": "李", "erp": {"ord": 7}}), 1.0)).await, "queued");
}

#[tokio::test]
async fn who_bought_becomes_a_customer_by_the_deal_or_by_whatever_comes_after_it() {
    let [_, _, buyer] = documented();
    let world = world(&buyer).await;
    let (start_of_promotion, _, answer) = post(&world, "p1", &promoted(&nameonly("c1", "王小明"), 12.0)).await;
    assert_eq!(start_of_promotion, "not_admitted");
    assert_eq!(answer["alternatives"].as_array().unwrap().len(), 2, "{answer}");
    assert_eq!(start(&world, "d1", &deal(&nameonly("c1", "王小明"), 12.0)).await, "queued");
    // A name that is none keeps even a buyer out, until a better one comes.
    assert_eq!(start(&world, "d2", &deal(&nameonly("c2", "微信用户"), 12.0)).await, "held");
    assert_eq!(start(&world, "p2", &promoted(&nameonly("c2", "李小红"), 12.0)).await, "queued");
    assert_eq!(start(&world, "p3", &promoted(&contact("c3", 3), 80.0)).await, "queued");
    run(&world).await;
    assert_eq!(world.sim.handle.customers().len(), 3);
    for contact in ["c1", "c2"] {
        let records = records(&world, contact).await;
        assert!(records.len() == 1 && records[0].contains("成交"), "{contact}: {records:?}");
    }
}

#[tokio::test]
async fn a_deal_that_is_not_admitted_waits_longer_than_any_message_and_follows_its_contact_into_the_erp_in_order() {
    let world = world("").await;
    assert_eq!(start(&world, "m1", &message("c1", 1, "过期的")).await, "held");
    let (held, id, answer) = post(&world, "d1", &deal(&contact("c1", 1), 10.0)).await;
    assert_eq!(held, "held");
    assert_eq!(answer["reasons"], json!([{"rule": "score", "message": "评分 10 低于 60"}]));
    world.sender.clock.advance(Duration::from_secs(40 * 86_400));
    assert_eq!(world.app.store.expire_held().await, Ok(1), "the message alone");
    assert_eq!(start(&world, "m2", &message("c1", 2, "第2句")).await, "held");
    run(&world).await;
    assert_eq!(world.event(&id).await.status, Status::Held);
    let mut promotion = promoted(&contact("c1", 1), 70.0);
    promotion["data"]["signal"] = json!({ "id": "p", "content": "很长的一段话。".repeat(600) });
    assert_eq!(start(&world, "p1", &promotion).await, "queued");
    run(&world).await;
    let records = records(&world, "c1").await;
    assert!(records[0].contains("成交《年度框架》") && records[1].ends_with("第2句"), "{records:?}");
    assert!(records.len() > 3 && records[2].contains("（1/"), "the promotion's own come behind them: {records:?}");
    assert_eq!(world.event(&id).await.status, Status::Succeeded);
    assert_eq!(world.sim.handle.customers().len(), 1);
}

#[tokio::test]
async fn an_operator_takes_the_contact_of_a_held_deal_in_by_force() {
    let world = world("").await;
    let (held, id, _) = post(&world, "d1", &deal(&nameonly("c1", "王小明"), 10.0)).await;
    assert_eq!(held, "held");
    let body = json!({ "contact": { "name": "王小明" }, "force": true });
    let (status, answer) = world.call("POST", "/v1/contacts/c1/sync", Some(body)).await;
    assert_eq!((status, &answer["status"]), (202, &json!("queued")), "{answer}");
    run(&world).await;
    assert_eq!(world.event(&id).await.status, Status::Succeeded);
    assert_eq!(records(&world, "c1").await.len(), 1);
}

#[tokio::test]
async fn a_deal_behind_an_event_that_makes_nobody_a_customer_is_held_and_not_lost() {
    let world = world("").await;
    let (_, promotion, _) = post(&world, "p1", &promoted(&contact("c1", 1), 70.0)).await;
    let (queued, deal, _) = post(&world, "d1", &deal(&contact("c1", 1), 10.0)).await;
    assert_eq!(queued, "queued", "the contact may be a customer when its turn comes");
    let (status, _) = world.call("POST", &format!("/v1/events/{promotion}/discard"), None).await;
    assert_eq!(status, 200);
    run(&world).await;
    let row = world.event(&deal).await;
    assert_eq!((row.status, row.next_attempt_at, row.finished_at), (Status::Held, None, None));
    assert_eq!(row.admission.unwrap()["admitted"], false);
    assert!(world.sim.handle.customers().is_empty());
    post(&world, "p2", &promoted(&contact("c1", 1), 70.0)).await;
    run(&world).await;
    assert_eq!(world.event(&deal).await.status, Status::Succeeded);
}

#[tokio::test]
async fn held_deals_and_messages_are_judged_anew_by_one_replay_and_held_again_where_nothing_has_changed() {
    let mut world = world("").await;
    let (_, small, _) = post(&world, "d1", &deal(&contact("c1", 1), 40.0)).await;
    let (_, smaller, _) = post(&world, "d2", &deal(&contact("c2", 2), 20.0)).await;
    let (_, said, _) = post(&world, "m3", &message("c3", 1, "在吗")).await;
    let replay = json!({ "status": "held" });
    world.config.admission.min_score = 30.0;
    world.app.reload(&world.config);
    let (status, answer) = world.call("POST", "/v1/events/replay", Some(replay)).await;
    assert_eq!((status, &answer["replayed"]), (200, &json!(3)), "{answer}");
    run(&world).await;
    assert_eq!(world.event(&small).await.status, Status::Succeeded);
    for held in [smaller, said] {
        assert_eq!(world.event(&held).await.status, Status::Held);
    }
    assert_eq!(world.sim.handle.customers().len(), 1);
}

#[tokio::test]
async fn who_was_admitted_by_the_last_score_stays_so_and_who_was_not_is_judged_anew_by_a_replay() {
    let world = world("").await;
    assert_eq!(start(&world, "m1", &scored("c1", 1, 90.0)).await, "held");
    assert_eq!(start(&world, "p1", &unscored(&contact("c1", 1))).await, "queued");
    assert_eq!(start(&world, "m2", &scored("c1", 2, 12.0)).await, "held");
    let (refused, id, answer) = post(&world, "p2", &unscored(&contact("c1", 1))).await;
    assert_eq!(
        (refused.as_str(), &answer["reasons"][0]["message"]),
        ("not_admitted", &json!("最近一次评分 12 低于 60"))
    );
    assert_eq!(world.event(&id).await.admission.unwrap()["rules"][2]["value"], "12");
    run(&world).await;
    assert_eq!(records(&world, "c1").await.len(), 2, "its sender was told so");
    // The same for somebody else, whose score rises after the refusal.
    assert_eq!(start(&world, "m3", &scored("c2", 1, 12.0)).await, "held");
    let (refused, id, _) = post(&world, "p3", &unscored(&contact("c2", 2))).await;
    assert_eq!(refused, "not_admitted");
    let replay = format!("/v1/events/{id}/replay");
    for (score, expected) in [(40.0, Status::NotAdmitted), (95.0, Status::Succeeded)] {
        assert_eq!(start(&world, &format!("m{score}"), &scored("c2", 2, score)).await, "held");
        assert_eq!(world.call("POST", &replay, None).await.0, 200);
        run(&world).await;
        assert_eq!(world.event(&id).await.status, expected, "{score}");
    }
}

#[tokio::test]
async fn the_door_the_preview_and_the_event_s_page_say_the_same_of_every_alternative() {
    let world = world(
        "[admission.rules]\n\"contact.promoted\" = [[\"phone_verified\", \"score\"], [\"name_complete\", \"known_customer\"], [\"deal\"]]",
    )
    .await;
    assert_eq!(start(&world, "m1", &scored("c1", 1, 12.0)).await, "held");
    let event = unscored(&nameonly("c1", "王小明"));
    let (_, preview) = world.call("POST", "/v1/preview", Some(event.clone())).await;
    let (refused, id, answer) = post(&world, "p1", &event).await;
    assert_eq!((refused.as_str(), &preview["status"]), ("not_admitted", &json!("not_admitted")));
    assert_eq!(answer["reasons"], preview["reasons"]);
    assert_eq!(answer["reasons"].as_array().unwrap().len(), 4, "{answer}");
    assert_eq!(
        answer["alternatives"],
        json!([
            {"rules": ["phone_verified", "score"], "lacks": ["phone_verified", "score"]},
            {"rules": ["name_complete", "known_customer"], "lacks": ["known_customer"]},
            {"rules": ["deal"], "lacks": ["deal"]},
        ])
    );
    let (_, shown) = world.call("GET", &format!("/v1/events/{id}"), None).await;
    assert_eq!(shown["admission"], preview["admission"]);
    assert_eq!(shown["admission"]["alternatives"], answer["alternatives"]);
    // A deal that is held elsewhere opens the third way.
    assert_eq!(start(&world, "d1", &deal(&nameonly("c1", "王小明"), 10.0)).await, "held");
    let (_, preview) = world.call("POST", "/v1/preview", Some(event.clone())).await;
    assert_eq!(preview["status"], "queued", "{preview}");
    assert_eq!(start(&world, "p2", &event).await, "queued");
}
