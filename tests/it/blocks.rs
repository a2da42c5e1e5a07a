//! What is wrong with the ERP's installation kills no event: those that meet it wait together, and go on by themselves.

mod aside;
mod causes;
mod reload;
mod replicas;

use std::time::Duration;

use erp_bridge::{
    clock::{Clock, Millis},
    config::Config,
    event::Status,
    simulator::Choices,
    store::EventRow,
};
use serde_json::{Value, json};

use crate::support::{World, WorldOptions, contact, deal, eventually, message, promoted, seed::variable};

const LIMIT: Duration = Duration::from_secs(60);

/// A bridge that is driven by hand, with pauses as they are in production.
async fn by_hand(configure: impl Fn(&mut Config) + Send + 'static) -> (World, Clock) {
    let clock = Clock::manual(Millis(1_795_000_000_000));
    let configure = Box::new(move |config: &mut Config| {
        config.worker.block_pause = Duration::from_secs(5);
        config.worker.block_pause_max = Duration::from_secs(300);
        configure(config);
    });
    let options = WorldOptions { dispatch: false, clock: clock.clone(), configure, ..WorldOptions::default() };
    (World::with(options).await, clock)
}

/// A contact that is a customer already.
async fn linked(world: &World, id: &str, number: u32) {
    let event = world.accept(&format!("link-{id}"), &promoted(&contact(id, number), 70.0)).await;
    world.app.dispatcher.run_due().await;
    assert_eq!(world.event(&event).await.status, Status::Succeeded);
}

async fn promote(world: &World, numbers: std::ops::Range<u32>) -> Vec<String> {
    let mut ids = Vec::new();
    for number in numbers {
        ids.push(world.accept(&format!("p{number}"), &promoted(&contact(&format!("c{number}"), number), 70.0)).await);
    }
    ids
}

async fn failures(world: &World) -> Vec<Value> {
    let (status, body) = world.call("GET", "/v1/failures", None).await;
    assert_eq!(status, 200, "{body}");
    body.as_array().unwrap().clone()
}

async fn readiness(world: &World) -> Value {
    let (status, body) = world.call("GET", "/readyz", None).await;
    assert_eq!(status, 200, "a block fails no readiness: {body}");
    body["dispatch"]["blocks"].clone()
}

/// What the blocks are about, in the order of their texts.
fn subjects(world: &World) -> Vec<String> {
    let mut subjects: Vec<_> = world.app.dispatcher.blocks().into_iter().map(|block| block.subject).collect();
    subjects.sort();
    subjects
}

async fn events(world: &World, ids: &[String]) -> Vec<EventRow> {
    let mut events = Vec::new();
    for id in ids {
        events.push(world.event(id).await);
    }
    events
}

/// All of them wait, and nothing was counted.
async fn assert_waiting(world: &World, ids: &[String], code: &str) {
    for event in events(world, ids).await {
        assert_eq!((event.status, event.attempts), (Status::Queued, 0), "{:?} {:?}", event.error_code, event.error);
        let blocked_by = event.blocked_by.unwrap_or_default();
        assert!(blocked_by.starts_with(code), "{blocked_by}: {:?}", event.error);
    }
}

async fn assert_done(world: &World, ids: &[String]) {
    for event in events(world, ids).await {
        assert_eq!((event.status, event.attempts), (Status::Succeeded, 0), "{:?} {:?}", event.error_code, event.error);
        assert_eq!(event.blocked_by, None);
    }
}

/// Two hundred of them, or as many as `ERP_BRIDGE_BLOCKED` says: what it costs does not hang on their number.
#[tokio::test]
async fn a_source_that_is_missing_for_the_first_two_hundred_promotions_kills_none_of_them() {
    let many = u32::try_from(variable("ERP_BRIDGE_BLOCKED").unwrap_or(200)).unwrap();
    let (world, clock) = by_hand(|_| {}).await;
    linked(&world, "old", 99_000).await;
    world.sim.handle.change_settings(|settings| settings.choices.sources.retain(|(_, text)| text != "微信"));
    world.app.erp.forget_installation();
    let ids = promote(&world, 0..many).await;
    let runs = world.app.dispatcher.run_due().await;
    assert_eq!(runs, many as usize, "each meets it once");
    assert_waiting(&world, &ids, "choice_missing").await;
    // One block, shown everywhere with what to do.
    let shown = failures(&world).await;
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert_eq!((&shown[0]["count"], &shown[0]["blocked"]), (&json!(many), &json!(true)));
    assert!(shown[0]["message"].as_str().unwrap().contains("朋友介绍"), "it names those that there are: {shown:?}");
    let hint = shown[0]["hint"].as_str().unwrap();
    assert!(hint.contains("“微信”") && hint.contains("erp.values.source"), "{hint}");
    let (_, stats) = world.call("GET", "/v1/stats", None).await;
    assert_eq!((&stats["blocks"][0]["waiting"], &stats["blocks"][0]["code"]), (&json!(many), &json!("choice_missing")));
    assert_eq!(readiness(&world).await, json!(["choice_missing"]));
    let (_, ready) = world.call("GET", "/readyz", None).await;
    let hints = &ready["dispatch"]["block_hints"];
    assert_eq!((&hints[0]["code"], hints[1].is_null()), (&json!("choice_missing"), true), "{ready}");
    let hint = hints[0]["hint"].as_str().unwrap();
    assert!(hint.contains("在 ERP 中补上该选项") && hint.contains("add the choice"), "what to do: {hint}");
    assert!(!ready.to_string().contains("微信"), "nothing of the installation: {ready}");
    let (_, metrics) = world.call("GET", "/metrics", None).await;
    assert!(metrics.as_str().unwrap().contains("erp_bridge_blocks{cause=\"choice_missing\"} 1"));
    let (_, page) = world.call("GET", "/v1/events?status=queued&blocked=true&limit=200", None).await;
    assert_eq!(page["items"].as_array().unwrap().len(), many.min(200) as usize);
    assert_eq!(page["items"][0]["blocked_by"]["subject"], "客户来源 (ly) = 微信");
    let (_, page) = world.call("GET", "/v1/events?blocked=false", None).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    // Messages of those who are linked go on.
    let said = world.accept("said", &message("old", 1, "你好")).await;
    world.app.dispatcher.run_due().await;
    assert_eq!(world.event(&said).await.status, Status::Succeeded);
    // Of those who wait one tries now and then, ever more rarely.
    world.sim.handle.clear_calls();
    let mut tried = Vec::new();
    for _ in 0..60 {
        clock.advance(Duration::from_secs(10));
        tried.push(world.app.dispatcher.run_due().await);
    }
    assert!(tried.iter().all(|runs| *runs <= 1), "one at a time: {tried:?}");
    assert!((5..=9).contains(&tried.iter().sum::<usize>()), "at growing pauses: {tried:?}");
    let calls = world.sim.handle.calls(0).len();
    assert!(calls <= 9 * 8, "what a few promotions cost: {calls}");
    assert_waiting(&world, &ids, "choice_missing").await;
    // Somebody adds it, and all go on by themselves.
    world.sim.handle.change_settings(|settings| settings.choices = Choices::default());
    clock.advance(Duration::from_secs(300));
    world.app.dispatcher.run_due().await;
    assert_done(&world, &ids).await;
    assert_eq!((failures(&world).await.len(), readiness(&world).await), (0, json!([])));
    assert_eq!(world.sim.handle.customers().len(), many as usize + 1);
}

#[tokio::test]
async fn a_proxy_that_answers_404_for_ten_minutes_of_traffic_costs_nothing() {
    let (world, clock) = by_hand(|_| {}).await;
    linked(&world, "old", 9_000).await;
    world.sim.handle.fault("*:page_404").unwrap();
    let mut ids = Vec::new();
    for minute in 0..10 {
        ids.extend(promote(&world, minute * 10..(minute + 1) * 10).await);
        ids.push(world.accept(&format!("said{minute}"), &message("old", minute as usize, "你好")).await);
        for _ in 0..6 {
            world.app.dispatcher.run_due().await;
            clock.advance(Duration::from_secs(10));
        }
    }
    for event in events(&world, &ids).await {
        assert_eq!((event.status, event.attempts), (Status::Queued, 0), "{:?} {:?}", event.error_code, event.error);
    }
    assert!(world.app.dispatcher.circuit_closed(), "it is no outage");
    assert_eq!(readiness(&world).await, json!(["wrong_path"]));
    let met_at = ["客户列表 (customer.list)", "洽谈进展 (progress.add)"];
    assert_eq!(subjects(&world), met_at, "each interface is tried by itself");
    // One cause, which names both, wherever a person looks.
    let met = events(&world, &ids).await.iter().filter(|event| event.blocked_by.is_some()).count();
    let shown = failures(&world).await;
    assert_eq!((shown.len(), &shown[0]["code"]), (1, &json!("wrong_path")), "{shown:?}");
    assert_eq!((&shown[0]["count"], &shown[0]["blocked"]), (&json!(met), &json!(true)), "{shown:?}");
    let (_, stats) = world.call("GET", "/v1/stats", None).await;
    let shown_in_stats = stats["blocks"].as_array().unwrap();
    assert_eq!((shown_in_stats.len(), &shown_in_stats[0]["waiting"]), (1, &json!(met)), "{stats}");
    for hint in [&shown[0]["hint"], &shown_in_stats[0]["hint"]] {
        assert!(met_at.iter().all(|subject| hint.as_str().unwrap().contains(subject)), "{hint}");
    }
    let calls = world.sim.handle.calls(0).len();
    assert!(calls < 120, "110 events in ten minutes made {calls} calls");
    world.sim.handle.clear_faults();
    clock.advance(Duration::from_secs(300));
    world.app.dispatcher.run_due().await;
    assert_done(&world, &ids).await;
    assert_eq!(world.sim.handle.customers().len(), 101);
    let ord = world.ord_of("old").await;
    assert_eq!(world.sim.handle.progress_of(ord).len(), 10);
}

#[tokio::test]
async fn what_waits_for_a_block_waits_over_a_restart_and_goes_on_after_it() {
    let (mut world, clock) = by_hand(|_| {}).await;
    world.sim.handle.fault("allocate:no_right").unwrap();
    let ids = promote(&world, 0..3).await;
    world.app.dispatcher.run_due().await;
    world.restart().await;
    assert_eq!(world.app.dispatcher.run_due().await, 0, "nobody tries before it is time");
    assert_waiting(&world, &ids, "right_missing").await;
    assert_eq!(readiness(&world).await, json!(["right_missing"]));
    world.sim.handle.clear_faults();
    clock.advance(Duration::from_secs(5));
    world.app.dispatcher.run_due().await;
    assert_done(&world, &ids).await;
}

#[tokio::test]
async fn a_resume_or_a_reload_tries_at_once() {
    for by_resume in [true, false] {
        let (world, clock) = by_hand(|_| {}).await;
        world.sim.handle.change_settings(|settings| settings.choices.sources.retain(|(_, text)| text != "微信"));
        let ids = promote(&world, 0..3).await;
        for _ in 0..10 {
            world.app.dispatcher.run_due().await;
            clock.advance(Duration::from_secs(60));
        }
        world.app.dispatcher.run_due().await;
        world.sim.handle.change_settings(|settings| settings.choices = Choices::default());
        assert_eq!(world.app.dispatcher.run_due().await, 0, "the next try is minutes away");
        if by_resume {
            let (status, body) = world.call("POST", "/v1/erp/resume", Some(json!({ "reason": "已添加微信" }))).await;
            assert_eq!(status, 200, "{body}");
        } else {
            world.app.reload(&world.config);
        }
        world.app.dispatcher.run_due().await;
        assert_done(&world, &ids).await;
    }
}

#[tokio::test]
async fn a_missing_salesperson_stops_the_assignment_and_lets_customers_and_messages_go_on() {
    let (mut world, clock) =
        by_hand(|config| config.assignment.rules = vec![crate::support::users_in_turn(&["999"])]).await;
    world.sim.handle.seed_customer_fields(&[("name", "老客户"), ("mobile", &crate::support::mobile(7))]).unwrap();
    linked(&world, "old", 7).await;
    let ids = promote(&world, 100..103).await;
    let bought = world.accept("bought", &deal(&contact("c200", 200), 80.0)).await;
    let said = world.accept("own", &message("c100", 1, "在吗")).await;
    let others = world.accept("others", &message("old", 1, "你好")).await;
    let ids = [ids, vec![bought]].concat();
    for _ in 0..2 {
        world.app.dispatcher.run_due().await;
    }
    assert_waiting(&world, &ids, "salesperson_unknown").await;
    assert_eq!(world.sim.handle.customers().len(), 5, "the customers are there, only nobody's");
    let buyer = world.sim.handle.customers_with("khid", "WXc200")[0].ord;
    assert_eq!(world.sim.handle.progress_of(buyer).len(), 1, "what was bought is recorded");
    assert_eq!(world.event(&others).await.status, Status::Succeeded);
    assert_eq!(world.event(&said).await.status, Status::Succeeded, "the contact's own messages go on, too");
    // The rules are put right; what was planned before them follows them.
    world.config.assignment.rules = vec![crate::support::users_in_turn(&["63"])];
    world.restart().await;
    clock.advance(Duration::from_secs(5));
    world.app.dispatcher.run_due().await;
    assert_done(&world, &[ids, vec![said]].concat()).await;
    for customer in world.sim.handle.customers().iter().filter(|customer| customer.fields["name"] != "老客户") {
        assert_eq!(world.sim.handle.catename(customer.ord).as_deref(), Some("张伟"));
    }
}

#[tokio::test]
async fn a_refusal_that_only_one_event_meets_stops_the_others_for_a_moment_and_then_is_its_own() {
    let configure = |config: &mut Config| config.retry.schedule = vec![Duration::from_secs(5)];
    let (world, clock) = by_hand(configure).await;
    let mut rule: erp_bridge::simulator::FaultRule = "customer.add:page_403".parse().unwrap();
    rule.only.insert("khid".into(), "WXc0".into());
    world.sim.handle.set_faults(vec![rule]).unwrap();
    let mut ids = promote(&world, 0..5).await;
    for round in 1..13 {
        ids.extend(promote(&world, round * 5..round * 5 + 2).await);
        world.app.dispatcher.run_due().await;
        clock.advance(Duration::from_secs(10));
    }
    let poisoned = world.event(&ids[0]).await;
    assert_eq!((poisoned.status, poisoned.error_code.as_deref()), (Status::Dead, Some("wrong_path")));
    assert_eq!(poisoned.attempts, 2, "its own failures are counted");
    assert_done(&world, &ids[1..]).await;
    assert_eq!(readiness(&world).await, json!([]));
}

#[tokio::test]
async fn a_front_that_answers_404_now_and_then_counts_no_attempt_of_an_event_that_is_alone() {
    let (world, clock) = by_hand(|_| {}).await;
    world.sim.handle.fault("*:page_404:p=0.4").unwrap();
    let ids = promote(&world, 0..1).await;
    let mut runs = 0;
    let mut event = world.event(&ids[0]).await;
    while event.status == Status::Queued && runs < 5_000 {
        runs += world.app.dispatcher.run_due().await;
        clock.advance(Duration::from_secs(300));
        event = world.event(&ids[0]).await;
        assert_eq!(event.attempts, 0, "after {runs} runs: {:?}", event.error);
    }
    assert!(runs > 10, "it met many: {runs}");
    assert_done(&world, &ids).await;
    assert_eq!(world.sim.handle.customers().len(), 1);
}

#[tokio::test]
async fn a_blocked_event_can_be_discarded_and_a_block_that_nobody_waits_for_ends() {
    let (world, clock) = by_hand(|_| {}).await;
    world.sim.handle.fault("allocate:no_right").unwrap();
    let ids = promote(&world, 0..1).await;
    world.app.dispatcher.run_due().await;
    let path = format!("/v1/events/{}/discard", ids[0]);
    assert_eq!(world.call("POST", &path, Some(json!({ "reason": "误报" }))).await.0, 200);
    let event = world.event(&ids[0]).await;
    assert_eq!((event.status, event.blocked_by), (Status::Discarded, None));
    clock.advance(Duration::from_secs(5));
    world.app.dispatcher.run_due().await;
    world.app.dispatcher.run_due().await;
    assert_eq!(readiness(&world).await, json!([]));
}

#[tokio::test]
async fn a_running_dispatcher_tries_and_goes_on_by_itself() {
    let world = World::start().await;
    world.sim.handle.fault("*:page_404").unwrap();
    let ids = promote(&world, 0..10).await;
    eventually("it is shown", LIMIT, async || (readiness(&world).await == json!(["wrong_path"])).then_some(())).await;
    world.sim.handle.clear_faults();
    for id in &ids {
        world.ended(id).await;
    }
    assert_done(&world, &ids).await;
}

/// First without the right, then no longer where it was: neither block keeps the other from being tried.
#[tokio::test]
async fn two_blocks_of_one_interface_end_once_it_is_mended() {
    let (world, clock) = by_hand(|_| {}).await;
    let mut ids = Vec::new();
    for number in 1..=2 {
        linked(&world, &format!("c{number}"), number).await;
    }
    for (number, fault) in [(1, "progress.add:no_right"), (2, "progress.add:page_404")] {
        world.sim.handle.clear_faults();
        world.sim.handle.fault(fault).unwrap();
        ids.push(world.accept(&format!("m{number}"), &message(&format!("c{number}"), 1, "你好")).await);
        clock.advance(Duration::from_secs(5));
        world.app.dispatcher.run_due().await;
    }
    assert!(!failures(&world).await.is_empty());
    world.sim.handle.clear_faults();
    for _ in 0..6 {
        clock.advance(Duration::from_secs(300));
        world.app.dispatcher.run_due().await;
    }
    for id in &ids {
        assert_eq!(world.event(id).await.status, Status::Succeeded, "{:?}", failures(&world).await);
    }
}

/// Where every path is wrong, the look whether the customer is gone is, too, and says no more than the call before it.
#[tokio::test]
async fn a_block_names_the_interface_that_was_called_first() {
    let (world, clock) = by_hand(|_| {}).await;
    linked(&world, "old", 9_000).await;
    world.sim.handle.fault("*:page_404").unwrap();
    world.accept("said", &message("old", 1, "你好")).await;
    clock.advance(Duration::from_secs(5));
    world.app.dispatcher.run_due().await;
    assert_eq!(subjects(&world), ["洽谈进展 (progress.add)"]);
}
