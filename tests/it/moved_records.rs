//! Records that move with their customer when people merge it into another (`contract.md` §3.4, §3.8): what may have been
//! told before is looked for where it has gone.

use std::time::Duration;

use erp_bridge::{
    event::Status,
    simulator::FaultRule,
    store::{EventRow, StepState},
};
use serde_json::{Value, json};

use crate::support::{World, WorldOptions, contact, deal, eventually, message, promoted};

const LIMIT: Duration = Duration::from_secs(30);
/// A call of which nobody knows what it did; it took effect, or not.
const FAULTS: [&str; 4] =
    ["cut_after:times=1", "cut_before:times=1", "error_500_after:times=1", "error_500_before:times=1"];

/// A world in which `c1` is linked; answers its customer.
async fn linked(takes_dead_records: bool) -> (World, i64) {
    let configure = Box::new(|config: &mut erp_bridge::config::Config| {
        config.erp.late_effect = Duration::from_millis(200);
        config.erp.values.stage_after_deal = "成交客户".into();
    });
    let world = World::with(WorldOptions { configure, ..WorldOptions::default() }).await;
    world.accept("m0", &promoted(&contact("c1", 1), 80.0)).await;
    world.idle(LIMIT).await;
    // Who refuses a record of a customer that is gone refuses the list of them, too.
    world.sim.handle.change_settings(|settings| {
        (settings.takes_dead_records, settings.refuses_dead_lists) = (takes_dead_records, !takes_dead_records);
    });
    let ord = world.ord_of("c1").await;
    (world, ord)
}

/// Lets the call that tells `event` end in `fault`, and answers its id while nobody can look whether it took effect.
async fn begun(world: &World, event: &Value, fault: &str) -> String {
    let sim = &world.sim.handle;
    sim.fault(&format!("progress.add:{fault}")).unwrap();
    sim.fault("progress.list:error_500_before").unwrap();
    let calls = sim.calls_of("progress.list").len();
    let id = world.accept("m-open", event).await;
    eventually("it was told and looked for", LIMIT, async || {
        (sim.calls_of("progress.list").len() > calls).then_some(())
    })
    .await;
    id
}

/// Merges `ord` into a customer of this kind, and lets the records be read again.
fn merge(world: &World, ord: i64, kind: &str) -> i64 {
    merge_among(world, ord, kind, Vec::new())
}

/// As [`merge`], with these faults from then on.
fn merge_among(world: &World, ord: i64, kind: &str, faults: Vec<FaultRule>) -> i64 {
    let fields = [("name", "合并后的客户"), ("khid", "K2"), ("kind", kind), ("person_name", "老王")];
    let into = world.sim.handle.seed_customer_fields(&fields).unwrap();
    assert!(world.sim.handle.merge_customers(ord, into));
    world.sim.handle.set_faults(faults).unwrap();
    into
}

async fn end(world: &World, id: &str, into: i64, what: &str) -> EventRow {
    let event = world.ended(id).await;
    assert_eq!(event.status, Status::Succeeded, "{what}: {:?} {:?}", event.error_code, event.error);
    assert_eq!(world.ord_of("c1").await, into, "{what}");
    event
}

#[tokio::test]
async fn what_may_have_been_told_before_its_customer_was_merged_is_told_once() {
    let events = [message("c1", 1, "还在吗"), deal(&contact("c1", 1), 80.0)];
    for (event, fault, takes_dead_records) in events
        .iter()
        .flat_map(|event| FAULTS.map(|fault| (event, fault)))
        .flat_map(|(event, fault)| [false, true].map(|takes| (event, fault, takes)))
    {
        let what = format!("{} {fault} {takes_dead_records}", event["type"]);
        let (world, ord) = linked(takes_dead_records).await;
        let id = begun(&world, event, fault).await;
        let into = merge(&world, ord, "2");
        end(&world, &id, into, &what).await;
        assert_eq!(world.sim.handle.progress_of(into).len(), 1, "{what}: {:?}", world.sim.handle.progress_of(into));
    }
}

#[tokio::test]
async fn what_may_have_been_told_is_not_forgotten_while_nobody_can_tell_that_its_customer_is_gone() {
    for fault in FAULTS {
        let (world, ord) = linked(false).await;
        let id = begun(&world, &message("c1", 1, "还在吗"), fault).await;
        // The first time it is asked whether the customer is there no answer comes, and the first time it is told again.
        let broken = ["customer.list:empty_200_before:times=1", "progress.add:session_lost:times=1,skip=1"];
        let into = merge_among(&world, ord, "2", broken.map(|rule| rule.parse().unwrap()).into());
        end(&world, &id, into, fault).await;
        assert_eq!(world.sim.handle.progress_of(into).len(), 1, "{fault}");
    }
}

#[tokio::test]
async fn an_equal_message_that_was_told_before_is_not_taken_for_one_that_is_open() {
    for (fault, takes_dead_records) in FAULTS.iter().flat_map(|fault| [false, true].map(|takes| (*fault, takes))) {
        let what = format!("{fault} {takes_dead_records}");
        let (world, ord) = linked(takes_dead_records).await;
        world.accept("m1", &message("c1", 1, "好的")).await;
        world.idle(LIMIT).await;
        let id = begun(&world, &message("c1", 2, "好的"), fault).await;
        let into = merge(&world, ord, "2");
        end(&world, &id, into, &what).await;
        world.accept("m3", &message("c1", 3, "好的")).await;
        world.idle(LIMIT).await;
        assert_eq!(world.sim.handle.progress_of(into).len(), 3, "{what}");
    }
}

#[tokio::test]
async fn a_deleted_customers_messages_do_not_count_at_the_one_that_is_made_anew() {
    let (world, ord) = linked(false).await;
    world.accept("m1", &message("c1", 1, "好的")).await;
    world.idle(LIMIT).await;
    assert!(world.sim.handle.delete_customer(ord));
    let id = world.accept("m2", &message("c1", 2, "好的")).await;
    let event = world.ended(&id).await;
    assert_eq!(event.error_code.as_deref(), Some("customer_gone"), "{:?}", event.error);
    let recreate = Some(json!({ "decision": "recreate" }));
    assert_eq!(world.call("POST", &format!("/v1/events/{id}/resolve"), recreate).await.0, 200);
    assert_eq!(world.ended(&id).await.status, Status::Succeeded);
    let new = world.ord_of("c1").await;
    assert_eq!(world.sim.handle.progress_of(new).len(), 1);
    // What was told at the first counts there.
    world.accept("m3", &message("c1", 3, "好的")).await;
    world.idle(LIMIT).await;
    assert_eq!(world.sim.handle.progress_of(new).len(), 2);
}

#[tokio::test]
async fn a_long_message_goes_on_at_the_merged_customer_with_the_part_that_is_open() {
    for fault in ["cut_after:skip=1,times=1", "cut_before:skip=1,times=1"] {
        let (world, ord) = linked(false).await;
        let id = begun(&world, &message("c1", 1, &"很长的一段话".repeat(500)), fault).await;
        let into = merge(&world, ord, "2");
        end(&world, &id, into, fault).await;
        let records = world.sim.handle.progress_of(into);
        let numbers: Vec<_> = records.iter().filter_map(|text| text.split_once('（')?.1.split_once('/')).collect();
        let numbers: Vec<_> = numbers.into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers, ["1", "2", "3", "4"], "{fault}: {records:?}");
    }
}

#[tokio::test]
async fn a_customer_merged_into_one_of_the_other_kind_is_edited_as_what_it_is() {
    for what in ["deal", "promotion"] {
        let (world, ord) = linked(false).await;
        let into = merge(&world, ord, "1");
        let known = contact("c1", 1);
        let event = if what == "deal" { deal(&known, 80.0) } else { promoted(&known, 80.0) };
        let id = world.accept("m1", &event).await;
        end(&world, &id, into, what).await;
        let stored = world.sim.handle.customer(into).unwrap();
        assert_eq!(stored.kind, 1, "{what}");
        if what == "deal" {
            assert_eq!(stored.fields["sort1"].split(',').count(), 2, "{stored:?}");
        } else {
            assert_eq!(stored.fields["weixinAcc"], "wx_c1");
        }
    }
}

#[tokio::test]
async fn what_was_begun_at_a_customer_goes_on_where_another_event_has_moved_the_link() {
    let configure = Box::new(|config: &mut erp_bridge::config::Config| {
        config.erp.late_effect = Duration::from_millis(200);
    });
    let world = World::with(WorldOptions { configure, ..WorldOptions::default() }).await;
    let (sim, known) = (&world.sim.handle, contact("c1", 1));
    let ord =
        sim.seed_customer_fields(&[("name", "展会认识的客户"), ("mobile", known["phone"].as_str().unwrap())]).unwrap();
    // Nobody can look what the edit did, and the message that was held comes before it is looked at again.
    sim.fault("customer.edit:cut_after:times=1").unwrap();
    sim.fault("customer.detail:error_500_before:skip=2").unwrap();
    sim.fault("progress.add:error_500_before").unwrap();
    world.accept("m1", &message("c1", 1, "还在吗")).await;
    let id = world.accept("m2", &promoted(&known, 80.0)).await;
    eventually("the message is tried", LIMIT, async || (!sim.calls_of("progress.add").is_empty()).then_some(())).await;
    let steps = world.app.store.steps(&id).await.unwrap();
    assert!(steps.iter().any(|step| step.name == "fill_missing" && step.state == StepState::Started), "{steps:?}");
    let into = merge(&world, ord, "2");
    end(&world, &id, into, "the promotion").await;
    world.idle(LIMIT).await;
    assert_eq!(sim.customer(into).unwrap().fields["weixinAcc"], "wx_c1");
    assert_eq!(sim.progress_of(into).len(), 1);
}
