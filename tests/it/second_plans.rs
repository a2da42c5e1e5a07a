//! Events that are planned a second time, after their contact's link was undone or because somebody wants them planned anew:
//! what stands at the contact's customer is not done twice, and the rest is done (`contract.md` §3.4, §3.8).

use std::time::Duration;

use erp_bridge::{config::Config, event::Status, store::EventRow};
use serde_json::{Value, json};

use crate::support::{World, WorldOptions, contact, deal, eventually, message, mobile, promoted, users_in_turn};

const LIMIT: Duration = Duration::from_secs(60);

async fn world(configure: impl Fn(&mut Config) + Send + 'static) -> World {
    World::with(WorldOptions { configure: Box::new(configure), ..WorldOptions::default() }).await
}

/// An event that the ERP refuses at this interface.
async fn dead(world: &World, fault: &str, event: &Value) -> EventRow {
    world.sim.handle.fault(fault).unwrap();
    let dead = world.handle("m-dead", event).await;
    assert_eq!(dead.status, Status::Dead, "{:?} {:?}", dead.error_code, dead.error);
    world.sim.handle.clear_faults();
    dead
}

/// Replays or replans an event, or corrects it; it must succeed.
async fn again(world: &World, event: &EventRow, how: &str, body: Option<Value>) {
    let (status, answer) = world.call("POST", &format!("/v1/events/{}/{how}", event.id), body).await;
    assert_eq!(status, 200, "{answer}");
    let ended = world.ended(&event.id).await;
    assert_eq!(ended.status, Status::Succeeded, "{:?} {:?}", ended.error_code, ended.error);
}

async fn unlink(world: &World) {
    let (status, answer) = world.call("DELETE", "/v1/contacts/c1/link?reason=wrong", None).await;
    assert_eq!(status, 200, "{answer}");
}

/// A promotion or a deal with a message.
fn saying(mut event: Value, content: &str) -> Value {
    event["data"]["signal"] = message("c1", 1, content)["data"]["signal"].clone();
    event
}

/// A customer that the ERP has, known by the number of `contact("c1", number)`.
fn known(world: &World, khid: &str, number: u32) -> i64 {
    let number = mobile(number);
    world.sim.handle.seed_customer_fields(&[("name", "展会客户"), ("khid", khid), ("mobile", &number)]).unwrap()
}

fn part_numbers(world: &World, ord: i64) -> Vec<String> {
    let number = |text: &String| text.split_once('（')?.1.split_once('/').map(|(number, _)| number.to_owned());
    world.sim.handle.progress_of(ord).iter().filter_map(number).collect()
}

#[tokio::test]
async fn a_dead_deal_whose_link_was_undone_links_its_contact_when_it_is_replayed() {
    for is_deleted in [false, true] {
        let world = world(|config| config.assignment.rules = vec![users_in_turn(&["63"])]).await;
        let event = dead(&world, "progress.add:refuse", &deal(&contact("c1", 1), 80.0)).await;
        let first = world.ord_of("c1").await;
        unlink(&world).await;
        if is_deleted {
            assert!(world.sim.handle.delete_customer(first));
        }
        again(&world, &event, "replay", None).await;
        let said = world.accept("m-after", &message("c1", 7, "在吗")).await;
        world.idle(LIMIT).await;
        assert_eq!(world.event(&said).await.status, Status::Succeeded);
        let customers = world.sim.handle.customers_with("khid", "WXc1");
        let now = world.ord_of("c1").await;
        assert_eq!(customers.iter().map(|customer| customer.ord).collect::<Vec<_>>(), [now], "{is_deleted}");
        assert_eq!(now == first, !is_deleted);
        assert_eq!(world.sim.handle.progress_of(now).len(), 2, "{is_deleted}");
        assert_eq!(world.sim.handle.catename(now).as_deref(), Some("张伟"), "{is_deleted}");
    }
}

#[tokio::test]
async fn a_promotion_whose_link_was_undone_before_it_was_assigned_links_and_assigns_when_it_is_replayed() {
    let world = world(|config| config.assignment.rules = vec![users_in_turn(&["63"])]).await;
    let event = dead(&world, "assign:refuse", &promoted(&contact("c1", 1), 80.0)).await;
    let first = world.ord_of("c1").await;
    unlink(&world).await;
    again(&world, &event, "replay", None).await;
    assert_eq!((world.ord_of("c1").await, world.sim.handle.customers().len()), (first, 1));
    assert_eq!(world.sim.handle.catename(first).as_deref(), Some("张伟"));
}

#[tokio::test]
async fn an_edit_that_was_begun_before_its_link_was_undone_keeps_nobody_from_linking() {
    let world = world(|config| {
        config.retry.schedule = vec![Duration::from_millis(20)];
        config.erp.late_effect = Duration::from_millis(100);
    })
    .await;
    let customer = known(&world, "K1", 1);
    let event = dead(&world, "customer.edit:cut_before", &promoted(&contact("c1", 1), 80.0)).await;
    unlink(&world).await;
    again(&world, &event, "replay", None).await;
    assert_eq!(world.ord_of("c1").await, customer);
    assert_eq!(world.sim.handle.customer(customer).unwrap().fields["weixinAcc"], "wx_c1");
}

#[tokio::test]
async fn a_message_half_told_at_a_wrong_customer_stands_whole_at_the_right_one_and_once_at_either() {
    for is_back in [false, true] {
        let world = world(|_| {}).await;
        let wrong = known(&world, "K1", 1);
        world.handle("m0", &promoted(&contact("c1", 1), 80.0)).await;
        assert_eq!(world.ord_of("c1").await, wrong);
        let long = message("c1", 1, &"很长的一段话".repeat(500));
        let event = dead(&world, "progress.add:refuse:skip=1", &long).await;
        assert_eq!(part_numbers(&world, wrong), ["1"]);
        unlink(&world).await;
        let right = if is_back { wrong } else { known(&world, "K2", 2) };
        let number = if is_back { 1 } else { 2 };
        world.handle("m1", &promoted(&contact("c1", number), 80.0)).await;
        assert_eq!(world.ord_of("c1").await, right);
        again(&world, &event, "replay", None).await;
        assert_eq!(part_numbers(&world, right), ["1", "2", "3", "4"]);
        assert_eq!(part_numbers(&world, wrong).len(), if is_back { 4 } else { 1 });
    }
}

#[tokio::test]
async fn what_was_told_at_a_deleted_customer_is_told_whole_at_the_one_that_is_made_anew() {
    let world = world(|_| {}).await;
    world.handle("m0", &promoted(&contact("c1", 1), 80.0)).await;
    let long = message("c1", 1, &"很长的一段话".repeat(500));
    let event = dead(&world, "progress.add:refuse:skip=1", &long).await;
    assert!(world.sim.handle.delete_customer(world.ord_of("c1").await));
    let path = format!("/v1/events/{}", event.id);
    assert_eq!(world.call("POST", &format!("{path}/replay"), None).await.0, 200);
    let asked = world.ended(&event.id).await;
    assert_eq!(asked.error_code.as_deref(), Some("customer_gone"), "{:?}", asked.error);
    again(&world, &event, "resolve", Some(json!({ "decision": "recreate" }))).await;
    assert_eq!(part_numbers(&world, world.ord_of("c1").await), ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn what_a_promotion_had_still_to_say_is_said_after_it_is_planned_anew_or_its_link_was_undone() {
    for how in ["replan", "replay", "amend"] {
        let world = world(|_| {}).await;
        let said = saying(promoted(&contact("c1", 1), 80.0), &"很长的一段话".repeat(1_000));
        // A part whose outcome is open is looked up by a replay before anything else.
        let fault = if how == "replay" { "progress.add:refuse:skip=1" } else { "progress.add:refuse" };
        let event = dead(&world, fault, &said).await;
        let mut body = None;
        match how {
            "replay" => unlink(&world).await,
            "amend" => body = Some(json!({ "data": said["data"], "reason": "再试" })),
            _ => {}
        }
        again(&world, &event, how, body).await;
        assert_eq!(part_numbers(&world, world.ord_of("c1").await), ["1", "2", "3", "4", "5", "6", "7"], "{how}");
        assert_eq!(world.sim.handle.customers().len(), 1, "{how}");
    }
}

#[tokio::test]
async fn a_message_that_was_corrected_after_its_beginning_was_stored_stands_corrected() {
    let world = world(|_| {}).await;
    let said = saying(promoted(&contact("c1", 1), 80.0), &"很长的一段话".repeat(1_000));
    let event = dead(&world, "progress.add:refuse", &said).await;
    let corrected = saying(promoted(&contact("c1", 1), 80.0), "一句话");
    let body = json!({ "data": corrected["data"], "reason": "太长" });
    again(&world, &event, "amend", Some(body)).await;
    let records = world.sim.handle.progress_of(world.ord_of("c1").await);
    assert_eq!(records, ["2026-11-23 15:04:05 客户：一句话"]);
}

#[tokio::test]
async fn what_a_first_deal_had_still_to_fill_in_is_filled_in_after_it_is_planned_anew() {
    let world = world(|_| {}).await;
    let customer = known(&world, "K1", 1);
    let said = saying(deal(&contact("c1", 1), 80.0), "合作愉快");
    let event = dead(&world, "customer.edit:refuse", &said).await;
    again(&world, &event, "replan", None).await;
    let stored = world.sim.handle.customer(customer).unwrap().fields;
    assert_eq!((stored["weixinAcc"].as_str(), stored["product"].as_str()), ("wx_c1", "合作愉快"));
    let records = world.sim.handle.progress_of(customer);
    assert!(records.len() == 1 && !records[0].contains("合作愉快"), "it stands in 客户简介: {records:?}");
}

#[tokio::test]
async fn a_first_deals_message_stands_once_after_it_is_planned_anew_or_its_link_was_undone() {
    for (how, is_known) in [("replan", false), ("replan", true), ("replay", false), ("replay", true)] {
        let world = world(|_| {}).await;
        if is_known {
            known(&world, "K1", 1);
        }
        let said = saying(deal(&contact("c1", 1), 80.0), "合作愉快");
        let event = dead(&world, "progress.add:refuse", &said).await;
        if how == "replay" {
            unlink(&world).await;
        }
        again(&world, &event, how, None).await;
        let customer = world.ord_of("c1").await;
        assert_eq!(world.sim.handle.customer(customer).unwrap().fields["product"], "合作愉快", "{how} {is_known}");
        let records = world.sim.handle.progress_of(customer);
        assert!(records.len() == 1 && !records[0].contains("合作愉快"), "{how} {is_known}: {records:?}");
    }
}

#[tokio::test]
async fn a_field_that_was_corrected_after_others_were_filled_in_is_filled_in_too() {
    let world = world(|_| {}).await;
    let customer = known(&world, "K1", 1);
    let said = saying(promoted(&contact("c1", 1), 80.0), &"很长的一段话".repeat(1_000));
    let event = dead(&world, "progress.add:refuse", &said).await;
    let mut data = said["data"].clone();
    data["contact"]["email"] = json!("zhang@example.cn");
    again(&world, &event, "amend", Some(json!({ "data": data, "reason": "补邮箱" }))).await;
    let stored = world.sim.handle.customer(customer).unwrap().fields;
    assert_eq!((stored["weixinAcc"].as_str(), stored["email"].as_str()), ("wx_c1", "zhang@example.cn"));
    assert_eq!(part_numbers(&world, customer).len(), 7);
}

#[tokio::test]
async fn a_message_begun_at_a_customer_that_is_gone_is_told_once_where_a_person_linked_its_contact_since() {
    for fault in ["cut_after", "cut_before"] {
        let world = world(|config| {
            config.retry.schedule = vec![Duration::from_millis(20)];
            config.erp.late_effect = Duration::from_millis(100);
        })
        .await;
        world.handle("m0", &promoted(&contact("c1", 1), 80.0)).await;
        world.sim.handle.fault("progress.list:error_500_before").unwrap();
        let begun = dead(&world, &format!("progress.add:{fault}:times=1"), &message("c1", 1, "在吗")).await;
        let (gone, other) = (world.ord_of("c1").await, known(&world, "K2", 2));
        assert!(world.sim.handle.delete_customer(gone));
        let asked = world.handle("m2", &message("c1", 2, "还在吗")).await;
        assert_eq!(asked.error_code.as_deref(), Some("customer_gone"), "{fault}: {:?}", asked.error);
        again(&world, &asked, "resolve", Some(json!({ "decision": "link", "ord": other }))).await;
        again(&world, &begun, "replay", None).await;
        assert_eq!(world.ord_of("c1").await, other);
        assert_eq!(world.sim.handle.progress_of(other).len(), 2, "{fault}");
    }
}

/// The customer is there; only the event that was given up has never heard of it.
#[tokio::test]
async fn a_promotion_that_was_given_up_before_another_linked_its_contact_finds_that_link_when_it_is_replayed() {
    for (fault, is_known) in [
        ("customer.add:refuse", false),
        ("customer.add:refuse", true),
        ("customer.add:refuse:text=手机重复", false),
        ("customer.add:refuse:text=手机重复", true),
    ] {
        let world = world(|_| {}).await;
        world.sim.handle.fault(fault).unwrap();
        let given_up = world.handle("m0", &promoted(&contact("c1", 1), 80.0)).await;
        assert!(matches!(given_up.status, Status::Dead | Status::NeedsReview), "{fault}: {given_up:?}");
        world.sim.handle.clear_faults();
        let (status, answer) = world.call("POST", &format!("/v1/events/{}/discard", given_up.id), None).await;
        assert_eq!(status, 200, "{answer}");
        if is_known {
            known(&world, "K1", 1);
        }
        let linking = world.handle("m1", &promoted(&contact("c1", 1), 85.0)).await;
        assert_eq!(linking.status, Status::Succeeded, "{:?}", linking.error);
        // The number is no longer the customer's: nothing but the link leads to it.
        let customer = world.ord_of("c1").await;
        for (field, value) in [("mobile", "13700000000"), ("khid", "K9"), ("name", "张总")] {
            assert!(world.sim.handle.change_customer_field(customer, field, value));
        }
        again(&world, &given_up, "replay", None).await;
        assert_eq!((world.ord_of("c1").await, world.sim.handle.customers().len()), (customer, 1), "{fault} {is_known}");
    }
}

/// Whoever gives up an event whose save was not answered need not wait until it is certain what became of it: the contact's
/// next event does.
#[tokio::test]
async fn a_save_that_comes_after_its_event_was_given_up_is_found_by_the_contact_s_next_event() {
    let world = world(|config| {
        config.erp.timeout = Duration::from_millis(500);
        config.erp.late_effect = Duration::from_millis(2_500);
    })
    .await;
    let sim = &world.sim.handle;
    sim.fault("customer.add:late_effect:times=1,effect_delay=1500ms,delay=1600ms").unwrap();
    let given_up = world.accept("m0", &promoted(&contact("c1", 1), 80.0)).await;
    let path = format!("/v1/events/{given_up}/discard");
    eventually("it is given up once the save was sent", LIMIT, async || {
        let is_sent = !sim.calls_of("customer.add").is_empty();
        (is_sent && world.call("POST", &path, None).await.0 == 200).then_some(())
    })
    .await;
    let next = world.handle("m1", &promoted(&contact("c1", 1), 85.0)).await;
    assert_eq!(next.status, Status::Succeeded, "{:?} {:?}", next.error_code, next.error);
    eventually("the ERP is at rest", LIMIT, async || {
        sim.calls(0).iter().all(|call| call.outcome != "running").then_some(())
    })
    .await;
    let customers: Vec<_> = sim.customers().iter().map(|customer| customer.ord).collect();
    assert_eq!(customers, [world.ord_of("c1").await]);
}

/// The customer that is made anew for the order is assigned by the rules first, and then the ERP refuses what was ordered.
#[tokio::test]
async fn an_order_is_not_taken_for_done_because_the_rules_have_assigned_its_new_customer() {
    let world = world(|config| config.assignment.rules = vec![users_in_turn(&["63"])]).await;
    world.handle("m0", &promoted(&contact("c1", 1), 80.0)).await;
    assert!(world.sim.handle.delete_customer(world.ord_of("c1").await));
    let body = json!({ "mode": "users", "users": ["71"] });
    let (status, answer) = world.call("PUT", "/v1/contacts/c1/assignment", Some(body)).await;
    assert_eq!(status, 202, "{answer}");
    let order = answer["id"].as_str().unwrap();
    let asked = world.ended(order).await;
    assert_eq!(asked.error_code.as_deref(), Some("customer_gone"), "{:?}", asked.error);
    world.sim.handle.fault("assign:refuse:skip=1").unwrap();
    let recreate = Some(json!({ "decision": "recreate" }));
    assert_eq!(world.call("POST", &format!("/v1/events/{order}/resolve"), recreate).await.0, 200);
    let refused = world.ended(order).await;
    assert_eq!(refused.status, Status::Dead, "{:?} {:?}", refused.error_code, refused.error);
    let steps = world.app.store.steps(order).await.unwrap();
    let links = steps.iter().filter(|step| step.name == "link").count();
    assert_eq!(links, 1, "that the first customer is gone is no reason to look for the contact once more: {steps:?}");
    world.sim.handle.clear_faults();
    again(&world, &refused, "replan", None).await;
    let customers: Vec<_> = world.sim.handle.customers().iter().map(|customer| customer.ord).collect();
    assert_eq!(customers, [world.ord_of("c1").await]);
    assert_eq!(world.sim.handle.catename(customers[0]).as_deref(), Some("王芳"));
}
