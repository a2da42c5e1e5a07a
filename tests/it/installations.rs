//! What an installation shows of its records: texts cut short, masked numbers, choices without their texts, a closed list.
//! None of it may double a record or a customer, nor overwrite what somebody has set.

use std::time::Duration;

use erp_bridge::{
    clock::{Clock, Millis},
    event::Status,
    simulator::{Quirk, Quirks, ReplyList, SimConfig},
    store::EventRow,
};
use serde_json::{Value, json};

use crate::support::{World, WorldOptions, contact, deal, eventually, message, mobile, of_company, promoted};

const LIMIT: Duration = Duration::from_secs(60);
/// Longer than any list in these tests shows.
const SAID: &str = "你好，想问一下年付的价格和交货的时间，另外我们这边的开票资料也一并发给您，请查收，谢谢";

/// An ERP with these oddities, and a bridge that is soon certain.
async fn world(quirks: &[Quirk]) -> World {
    let sim = SimConfig { quirks: Quirks::default().and(quirks.iter().copied()), ..SimConfig::default() };
    let configure = |config: &mut erp_bridge::config::Config| {
        config.erp.timeout = Duration::from_millis(300);
        config.erp.late_effect = Duration::from_millis(600);
        config.worker.lease = Duration::from_secs(3);
        config.worker.circuit_failures = 1_000;
        config.erp.values.stage_after_deal = "成交客户".into();
    };
    World::with(WorldOptions { sim, configure: Box::new(configure), ..WorldOptions::default() }).await
}

/// A world with a linked contact, and its customer.
async fn linked(quirks: &[Quirk]) -> (World, i64) {
    let world = world(quirks).await;
    assert_eq!(world.handle("m0", &promoted(&contact("c1", 1), 70.0)).await.status, Status::Succeeded);
    let ord = world.ord_of("c1").await;
    world.sim.handle.clear_calls();
    (world, ord)
}

/// Posts a message whose record is added under a fault, and waits for its end.
async fn say(world: &World, number: usize, fault: &str) -> EventRow {
    world.sim.handle.clear_faults();
    if !fault.is_empty() {
        world.sim.handle.fault(&format!("progress.add:{fault}:times=1")).unwrap();
    }
    world.handle(&format!("m{number}"), &message("c1", number, SAID)).await
}

async fn result(world: &World, event: &EventRow, step: &str) -> Value {
    let steps = world.app.store.steps(&event.id).await.unwrap();
    let step = steps.into_iter().find(|row| row.name == step).unwrap();
    step.result.unwrap_or_default()
}

#[tokio::test]
async fn a_list_that_cuts_texts_short_confirms_each_equal_record_once() {
    for (cut, mark) in [(34, "…"), (40, "..."), (36, "")] {
        let (world, ord) = linked(&[]).await;
        world.sim.handle.change_settings(|settings| {
            (settings.replylist_cut, settings.replylist_mark) = (Some(cut), mark.into());
        });
        for (number, fault) in (1..).zip(["", "cut_after", "not_stored", "error_500_after", "cut_before"]) {
            let row = say(&world, number, fault).await;
            assert_eq!(row.status, Status::Succeeded, "{cut}{mark} {fault}: {:?}", row.error);
            assert_eq!(world.sim.handle.progress_of(ord).len(), number, "{cut}{mark} {fault}");
            assert!(result(&world, &row, "progress:1").await["record"].is_number(), "{cut}{mark} {fault}: it was seen");
        }
    }
}

#[tokio::test]
async fn a_list_that_cuts_texts_too_short_to_tell_them_apart_doubles_nothing() {
    for (fault, status, sent) in [
        ("", Status::Succeeded, 1),
        ("cut_after", Status::NeedsReview, 1),
        ("error_500_after", Status::NeedsReview, 1),
        // No record of that moment is there, so it can only be lost.
        ("cut_before", Status::Succeeded, 2),
    ] {
        let (world, ord) = linked(&[]).await;
        world.sim.handle.change_settings(|settings| settings.replylist_cut = Some(22));
        let row = say(&world, 1, fault).await;
        assert_eq!(row.status, status, "{fault}: {:?}", row.error);
        assert_eq!(world.sim.handle.calls_of("progress.add").len(), sent, "{fault}");
        assert_eq!(world.sim.handle.progress_of(ord).len(), 1, "{fault}");
        if status == Status::Succeeded {
            assert!(result(&world, &row, "progress:1").await["unverified"].is_string(), "{fault}");
        } else {
            assert_eq!(row.review.unwrap()["decisions"], json!(["done", "resend"]), "{fault}");
        }
    }
}

#[tokio::test]
async fn a_shorter_text_of_the_same_moment_is_not_taken_for_a_longer_one_cut_short() {
    let (world, ord) = linked(&[]).await;
    world.handle("m1", &message("c1", 1, "好的")).await;
    world.sim.handle.fault("progress.add:not_stored:times=1").unwrap();
    let row = world.handle("m2", &message("c1", 2, "好的呢")).await;
    assert_eq!(row.status, Status::Succeeded, "{:?}", row.error);
    assert_eq!(world.sim.handle.progress_of(ord).len(), 2);
    assert!(result(&world, &row, "progress:1").await["record"].is_number());
}

#[tokio::test]
async fn a_customer_whose_number_lists_mask_is_found_by_its_detail() {
    for quirks in [&[Quirk::MaskedLists][..], &[Quirk::MaskedLists, Quirk::NoFirstContact]] {
        let world = world(quirks).await;
        let known = [("name", "老客户"), ("khid", "K1"), ("mobile", &mobile(7))];
        let ord = world.sim.handle.seed_customer_fields(&known).unwrap();
        let row = world.handle("m1", &promoted(&contact("c1", 7), 80.0)).await;
        assert_eq!(row.status, Status::Succeeded, "{quirks:?}: {:?}", row.error);
        assert_eq!(world.sim.handle.customers().len(), 1, "{quirks:?}");
        assert_eq!(world.sim.handle.customer(ord).unwrap().fields["weixinAcc"], "wx_c1", "{quirks:?}");
    }
}

#[tokio::test]
async fn a_customer_whose_number_is_masked_everywhere_is_for_a_person_to_judge() {
    let everywhere = [
        &[Quirk::MaskedLists, Quirk::MaskedDetails][..],
        &[Quirk::MaskedLists, Quirk::MaskedDetails, Quirk::NoFirstContact],
    ];
    let typed = ["13800000007", "138 0000 0007", "138-0000-0007"];
    for (quirks, number) in everywhere.into_iter().flat_map(|quirks| typed.map(|number| (quirks, number))) {
        let world = world(quirks).await;
        let known = [("name", "老客户"), ("khid", "K1"), ("mobile", number)];
        let ord = world.sim.handle.seed_customer_fields(&known).unwrap();
        // Its number shows another end: this one is no candidate.
        world.sim.handle.seed_customer_fields(&[("name", "别人"), ("khid", "K2"), ("mobile", &mobile(8))]).unwrap();
        let row = world.handle("m1", &promoted(&contact("c1", 7), 80.0)).await;
        assert_eq!((row.status, row.error_code.as_deref()), (Status::NeedsReview, Some("candidates")), "{quirks:?}");
        let review = row.review.unwrap();
        assert_eq!((review["candidates"].as_array().unwrap().len(), &review["candidates"][0]["ord"]), (1, &json!(ord)));
        assert_eq!(world.sim.handle.customers().len(), 2, "{quirks:?}");
        let path = format!("/v1/events/{}/resolve", row.id);
        assert_eq!(world.call("POST", &path, Some(json!({ "decision": "link", "ord": ord }))).await.0, 200);
        let row = world.ended(&row.id).await;
        assert_eq!(row.status, Status::Succeeded, "{quirks:?}: {:?}", row.error);
        let customer = world.sim.handle.customer(ord).unwrap();
        assert_eq!((&*customer.fields["weixinAcc"], &*customer.fields["mobile"]), ("wx_c1", number));
    }
}

#[tokio::test]
async fn a_contact_person_whose_number_is_masked_is_added_once() {
    for (quirks, fault) in [
        (&[Quirk::MaskedLists][..], "cut_after"),
        (&[Quirk::MaskedLists, Quirk::MaskedDetails], "cut_after"),
        (&[Quirk::MaskedLists, Quirk::MaskedDetails], "not_stored"),
    ] {
        let world = world(quirks).await;
        let ord = world.seed_company("宁波制造有限公司", "K1");
        world.sim.handle.fault(&format!("contact.add:{fault}:times=1")).unwrap();
        let person = of_company("c1", 7, "宁波制造有限公司");
        let row = world.handle("m1", &promoted(&person, 80.0)).await;
        assert_eq!(row.status, Status::Succeeded, "{quirks:?} {fault}: {:?}", row.error);
        let people = world.sim.handle.contacts().into_iter().filter(|one| one.company == ord && !one.first);
        assert_eq!(people.count(), 1, "{quirks:?} {fault}");
    }
}

#[tokio::test]
async fn a_category_that_the_erp_shows_by_its_id_alone_is_never_reset() {
    for (sort1, filled) in [("3,7", true), ("3,8", false), ("4,10", false)] {
        let world = world(&[Quirk::ValuesOnly]).await;
        let known = [("name", "老客户"), ("khid", "K1"), ("mobile", &mobile(7)), ("sort1", sort1)];
        let ord = world.sim.handle.seed_customer_fields(&known).unwrap();
        let row = world.handle("m1", &promoted(&contact("c1", 7), 80.0)).await;
        assert_eq!(row.status, Status::Succeeded, "{sort1}: {:?}", row.error);
        let fields = world.sim.handle.customer(ord).unwrap().fields;
        assert_eq!((fields["sort1"].as_str(), fields.contains_key("weixinAcc")), (sort1, filled));
        assert_eq!(result(&world, &row, "fill_missing").await["left_out"].is_string(), !filled, "{sort1}");

        let row = world.handle("m2", &deal(&contact("c1", 7), 80.0)).await;
        let in_default_tree = sort1.starts_with('3');
        let stage = if in_default_tree { "3,9" } else { sort1 };
        assert_eq!(row.status, Status::Succeeded, "{sort1}: {:?}", row.error);
        assert_eq!(world.sim.handle.customer(ord).unwrap().fields["sort1"], stage);
        assert_eq!(
            world.sim.handle.progress_of(ord).len(),
            1,
            "the deal's record stands, whatever becomes of the stage"
        );
        let left_out = &result(&world, &row, "set_stage").await["left_out"];
        assert_eq!(left_out.as_str().is_some_and(|why| why.contains("客户分类")), !in_default_tree, "{sort1}");
    }
}

#[tokio::test]
async fn a_record_that_the_erp_told_of_before_its_list_turned_out_closed_is_no_question() {
    let clock = Clock::manual(Millis(1_795_000_000_000));
    let options = WorldOptions { dispatch: false, clock: clock.clone(), ..WorldOptions::default() };
    let mut world = World::with(options).await;
    world.accept("m0", &promoted(&contact("c1", 1), 70.0)).await;
    world.app.dispatcher.run_due().await;
    let ord = world.ord_of("c1").await;
    world.sim.handle.change_settings(|settings| settings.replylist = ReplyList::Html);
    let id = world.accept("m1", &message("c1", 1, "你好")).await;
    world.app.dispatcher.run_due().await;
    assert_eq!(world.event(&id).await.error_code.as_deref(), Some("outcome_unknown"), "not known to be closed yet");
    // What was learned of the list so far goes with the process.
    world.restart().await;
    for _ in 0..8 {
        clock.advance(Duration::from_secs(10));
        world.app.dispatcher.run_due().await;
    }
    let row = world.event(&id).await;
    assert_eq!(row.status, Status::Succeeded, "{:?} {:?}", row.error_code, row.error);
    assert_eq!(result(&world, &row, "progress:1").await["unverified"].as_str().map(str::is_empty), Some(false));
    assert_eq!((world.sim.handle.calls_of("progress.add").len(), world.sim.handle.progress_of(ord).len()), (1, 1));
}

#[tokio::test]
async fn equal_messages_of_two_contacts_of_one_customer_are_two_records_although_both_outcomes_were_unknown() {
    for faults in [["cut_before", "cut_after"], ["cut_after", "cut_before"], ["cut_after", "cut_after"]] {
        let world = world(&[]).await;
        for number in 1..=2 {
            let person = of_company(&format!("c{number}"), number, "宁波制造有限公司");
            world.handle(&format!("p{number}"), &promoted(&person, 80.0)).await;
        }
        let ord = world.ord_of("c1").await;
        // Both are looked up before either is settled.
        let rules = [
            format!("progress.add:{}:times=1", faults[0]),
            format!("progress.add:{}:skip=1,times=1", faults[1]),
            "progress.list:latency_ms:delay=200ms".to_owned(),
        ];
        for rule in &rules {
            world.sim.handle.fault(rule).unwrap();
        }
        for number in 1..=2 {
            world.accept(&format!("m{number}"), &message(&format!("c{number}"), 1, "好的")).await;
        }
        world.idle(LIMIT).await;
        let ended: Vec<_> = world.events().await.into_iter().map(|event| event.status).collect();
        assert_eq!(ended, [Status::Succeeded; 4], "{faults:?}");
        assert_eq!(world.sim.handle.progress_of(ord).len(), 2, "{faults:?}");
    }
}

/// 客户列表 of `erp-wire.md §3`: `telintro` is the text of the customer's latest record.
#[tokio::test]
async fn where_the_list_of_records_is_closed_the_customer_list_proves_the_record_that_it_shows_and_no_other() {
    let (world, ord) = linked(&[]).await;
    world.sim.handle.change_settings(|settings| {
        settings.replylist = ReplyList::NotFound;
        settings.columns.customers.push("telintro".into());
    });
    let row = say(&world, 1, "cut_after").await;
    assert_eq!(row.status, Status::Succeeded, "{:?}", row.error);
    assert_eq!(result(&world, &row, "progress:1").await["shown_by"], "telintro");
    assert_eq!(world.sim.handle.calls_of("progress.add").len(), 1);
    // The record that is shown is the first message's, and equal to what is looked for.
    let row = say(&world, 2, "cut_before").await;
    assert_eq!((row.status, row.error_code.as_deref()), (Status::NeedsReview, Some("outcome_unknown")));
    let resend = Some(json!({ "decision": "resend" }));
    assert_eq!(world.call("POST", &format!("/v1/events/{}/resolve", row.id), resend).await.0, 200);
    assert_eq!(world.until(&row.id, &[Status::Succeeded]).await.status, Status::Succeeded);
    // Another text than the one that is shown proves nothing either.
    world.sim.handle.fault("progress.add:cut_before:times=1").unwrap();
    let row = world.handle("m3", &message("c1", 3, "那就这样定了")).await;
    assert_eq!((row.status, row.error_code.as_deref()), (Status::NeedsReview, Some("outcome_unknown")));
    assert_eq!(world.sim.handle.progress_of(ord).len(), 2);
}

/// An installation can have the validation of sessions off, and then answers without one (`erp-wire.md` §2).
#[tokio::test]
async fn where_a_login_gives_no_session_everything_works() {
    let mut sim = SimConfig::default();
    (sim.settings.demands_session, sim.settings.gives_session) = (false, false);
    let mut world = World::with(WorldOptions { sim, ..WorldOptions::default() }).await;
    for round in 0..2 {
        let id = format!("c{round}");
        let first = world.accept(&format!("m{round}"), &promoted(&contact(&id, round + 1), 80.0)).await;
        world.until(&first, &[Status::Succeeded]).await;
        let said = world.accept(&format!("s{round}"), &message(&id, 1, "你好")).await;
        world.until(&said, &[Status::Succeeded]).await;
        world.restart().await;
    }
    assert!(world.sim.handle.calls_of("login").len() <= 2);

    // Where calls demand one all the same, nobody is asked for ever, and people are told what to look at.
    let mut sim = SimConfig::default();
    sim.settings.gives_session = false;
    let world = World::with(WorldOptions { sim, ..WorldOptions::default() }).await;
    world.accept("m1", &promoted(&contact("c1", 1), 80.0)).await;
    let refusal = eventually("dispatch stops", LIMIT, async || world.app.erp.login_refusal()).await;
    assert!(refusal.contains("login_path"), "{refusal}");
    assert!(world.sim.handle.calls_of("login").len() <= 2);
}
