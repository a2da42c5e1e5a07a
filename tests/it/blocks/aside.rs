//! An event of which only the assignment is blocked stands aside: what its contact says and buys later goes on, and the
//! assignment is made once it can be (`contract.md §3.9`).

use super::*;
use crate::support::{postgres, users_in_turn};

/// Rules that name a salesperson whom the ERP does not have.
fn to_nobody(config: &mut Config) {
    config.assignment.rules = vec![users_in_turn(&["999"])];
}

/// The rules are put right, and it is time to try.
async fn put_right(world: &mut World, clock: &Clock) {
    world.sim.handle.clear_faults();
    world.config.assignment.rules = vec![users_in_turn(&["63"])];
    world.restart().await;
    clock.advance(Duration::from_secs(300));
    world.app.dispatcher.run_due().await;
}

/// To whom the ERP has assigned customers, in order.
fn assigned(world: &World) -> Vec<String> {
    let calls = world.sim.handle.calls_of("assign");
    let done = calls.into_iter().filter(|call| call.outcome == "done");
    done.map(|call| call.fields.get("member2").cloned().unwrap_or_default()).collect()
}

#[tokio::test]
async fn later_events_of_a_contact_go_on_while_only_its_assignment_is_blocked() {
    for (fault, code, on_postgres) in [
        ("", "salesperson_unknown", false),
        ("", "salesperson_unknown", true),
        ("assign:no_right", "right_missing", false),
        ("assign:page_404", "wrong_path", false),
    ] {
        let database = if on_postgres { Some(postgres::database().await) } else { None };
        let (mut world, clock) = by_hand(move |config| {
            if let Some(url) = &database {
                config.database.url = url.parse().unwrap();
            }
            to_nobody(config);
            if !fault.is_empty() {
                config.assignment.rules = vec![users_in_turn(&["63"])];
            }
        })
        .await;
        if !fault.is_empty() {
            world.sim.handle.fault(fault).unwrap();
        }
        let mut ids = vec![world.accept("p", &promoted(&contact("c1", 1), 70.0)).await];
        ids.push(world.accept("m1", &message("c1", 1, "第一句")).await);
        world.app.dispatcher.run_due().await;
        for (number, event) in (2..).zip([
            message("c1", 2, "第二句"),
            deal(&contact("c1", 1), 80.0),
            promoted(&contact("c1", 1), 90.0),
            message("c1", 5, "第五句"),
        ]) {
            ids.push(world.accept(&format!("m{number}"), &event).await);
            world.app.dispatcher.run_due().await;
        }
        assert_waiting(&world, &ids[..1], code).await;
        assert_done(&world, &ids[1..]).await;
        let records = world.sim.handle.progress_of(world.ord_of("c1").await);
        let said: Vec<_> = records.iter().filter_map(|text| text.split('：').nth(1)).collect();
        assert_eq!(
            said,
            ["第一句", "第二句", "成交《年度框架》，金额 CNY 12800.50（成交编号 D1）", "第五句"],
            "{records:?}"
        );
        // It tries now and then, alone, and what comes while it does goes on behind it.
        for number in 6..9 {
            clock.advance(Duration::from_secs(300));
            ids.push(world.accept(&format!("m{number}"), &message("c1", number, "再说")).await);
            assert_eq!(world.app.dispatcher.run_due().await, 2, "the try, and what was said");
        }
        assert_waiting(&world, &ids[..1], code).await;
        assert_done(&world, &ids[1..]).await;
        let (_, shown) = world.call("GET", &format!("/v1/events/{}", ids[0]), None).await;
        assert_eq!((&shown["blocked_by"]["code"], &shown["waits_for"]), (&json!(code), &Value::Null), "{shown}");
        put_right(&mut world, &clock).await;
        assert_done(&world, &ids).await;
        assert_eq!((assigned(&world), readiness(&world).await), (vec!["63".to_owned()], json!([])), "{fault}");
        assert_eq!((world.sim.handle.customers().len(), world.app.store.has_turn("c1").await.unwrap()), (1, false));
    }
}

#[tokio::test]
async fn an_operator_s_assignment_does_not_overtake_one_that_stands_aside_and_goes_on_where_that_is_given_up() {
    for is_given_up in [false, true] {
        let (mut world, clock) = by_hand(to_nobody).await;
        let ids = promote(&world, 1..2).await;
        world.app.dispatcher.run_due().await;
        let body = json!({ "mode": "users", "users": ["71"] });
        let (status, answer) = world.call("PUT", "/v1/contacts/c1/assignment", Some(body)).await;
        assert_eq!(status, 202, "{answer}");
        let ordered = vec![answer["id"].as_str().unwrap().to_owned()];
        world.app.dispatcher.run_due().await;
        let said = vec![world.accept("m1", &message("c1", 1, "在吗")).await];
        world.app.dispatcher.run_due().await;
        assert_waiting(&world, &ids, "salesperson_unknown").await;
        assert_waiting(&world, &ordered, "salesperson_unknown").await;
        assert_done(&world, &said).await;
        if is_given_up {
            let path = format!("/v1/events/{}/discard", ids[0]);
            assert_eq!(world.call("POST", &path, None).await.0, 200);
            for _ in 0..3 {
                clock.advance(Duration::from_secs(300));
                world.app.dispatcher.run_due().await;
            }
            assert_eq!(assigned(&world), ["71"]);
        } else {
            put_right(&mut world, &clock).await;
            assert_done(&world, &ids).await;
            assert_eq!(assigned(&world), ["63", "71"], "the later one has the last word");
        }
        assert_done(&world, &ordered).await;
        assert_eq!(world.sim.handle.catename(world.ord_of("c1").await).as_deref(), Some("王芳"));
        assert_eq!(readiness(&world).await, json!([]));
    }
}

#[tokio::test]
async fn what_stands_aside_is_released_all_at_once_whatever_its_contact_is_doing() {
    let (mut world, clock) = by_hand(to_nobody).await;
    let mut ids = promote(&world, 0..40).await;
    world.app.dispatcher.run_due().await;
    assert_waiting(&world, &ids, "salesperson_unknown").await;
    // One of them tries at a time, however many they are.
    for _ in 0..3 {
        clock.advance(Duration::from_secs(300));
        assert_eq!(world.app.dispatcher.run_due().await, 1);
    }
    // Half of the contacts have something to say when it is put right.
    for number in (0..40).step_by(2) {
        ids.push(world.accept(&format!("m{number}"), &message(&format!("c{number}"), 1, "你好")).await);
    }
    put_right(&mut world, &clock).await;
    assert_done(&world, &ids).await;
    assert_eq!((assigned(&world).len(), world.sim.handle.customers().len()), (40, 40));
}

/// As at a first installation: the source and the salesperson are both unknown.
#[tokio::test]
async fn a_choice_that_was_added_ends_its_block_although_the_assignment_meets_another() {
    let (world, clock) = by_hand(to_nobody).await;
    world.sim.handle.change_settings(|settings| settings.choices.sources.retain(|(_, text)| text != "微信"));
    world.app.erp.forget_installation();
    promote(&world, 0..5).await;
    world.app.dispatcher.run_due().await;
    assert_eq!(world.sim.handle.customers().len(), 0);
    world.sim.handle.change_settings(|settings| settings.choices = Choices::default());
    clock.advance(Duration::from_secs(61));
    for _ in 0..3 {
        world.app.dispatcher.run_due().await;
    }
    assert_eq!(world.sim.handle.customers().len(), 5, "{:?}", failures(&world).await);
}

/// What was sent is what is looked for: whoever resumes takes no other turn of the rules.
#[tokio::test]
async fn an_assignment_that_was_renewed_and_cut_off_is_made_to_one_salesperson() {
    let (mut world, clock) = by_hand(to_nobody).await;
    let ids = promote(&world, 1..2).await;
    world.app.dispatcher.run_due().await;
    world.config.assignment.rules = vec![users_in_turn(&["63", "71"])];
    world.restart().await;
    world.sim.handle.fault("assign:cut_after:times=1").unwrap();
    for _ in 0..5 {
        clock.advance(Duration::from_secs(300));
        world.app.dispatcher.run_due().await;
    }
    assert_done(&world, &ids).await;
    let sent = world.sim.handle.calls_of("assign").into_iter().filter_map(|call| call.fields.get("member2").cloned());
    let sent: std::collections::BTreeSet<String> = sent.filter(|to| to != "999").collect();
    assert_eq!(sent.len(), 1, "{sent:?}");
}

#[tokio::test]
async fn an_assignment_that_comes_late_takes_nobody_from_whom_a_person_gave_the_customer_to() {
    for by_hand_to in ["", "71"] {
        let (mut world, clock) = by_hand(to_nobody).await;
        let ids = promote(&world, 1..2).await;
        world.app.dispatcher.run_due().await;
        assert_waiting(&world, &ids, "salesperson_unknown").await;
        let ord = world.ord_of("c1").await;
        clock.advance(Duration::from_secs(3_600));
        if !by_hand_to.is_empty() {
            assert!(world.sim.handle.assign(ord, by_hand_to.parse().unwrap()));
        }
        put_right(&mut world, &clock).await;
        assert_done(&world, &ids).await;
        let expected = if by_hand_to.is_empty() { "张伟" } else { "王芳" };
        assert_eq!(world.sim.handle.catename(ord).as_deref(), Some(expected));
    }
}

/// What is done at a customer that is gone is gone with it: an event that is not at its end is done whole at the one that is
/// made anew, and nobody goes back for what has ended.
#[tokio::test]
async fn a_deal_that_stands_aside_is_recorded_once_at_the_customer_that_is_made_anew_for_the_deleted_one() {
    for noticed_by in ["the deal", "a message"] {
        let (mut world, clock) = by_hand(to_nobody).await;
        let bought = world.accept("d", &deal(&contact("c1", 1), 80.0)).await;
        world.app.dispatcher.run_due().await;
        let mut ids = vec![bought.clone(), world.accept("m1", &message("c1", 1, "第一句")).await];
        world.app.dispatcher.run_due().await;
        assert_waiting(&world, &ids[..1], "salesperson_unknown").await;
        assert_done(&world, &ids[1..]).await;
        let old = world.ord_of("c1").await;
        assert_eq!(world.sim.handle.progress_of(old).len(), 2, "what was bought, and what was said");
        assert!(world.sim.handle.delete_customer(old));
        let asked = match noticed_by {
            "the deal" => {
                put_right(&mut world, &clock).await;
                bought
            }
            _ => world.accept("m2", &message("c1", 2, "第二句")).await,
        };
        world.app.dispatcher.run_due().await;
        let event = world.event(&asked).await;
        let gone = (Status::NeedsReview, Some("customer_gone"));
        assert_eq!((event.status, event.error_code.as_deref()), gone, "{noticed_by}: {:?}", event.error);
        let recreate = Some(json!({ "decision": "recreate" }));
        assert_eq!(world.call("POST", &format!("/v1/events/{asked}/resolve"), recreate).await.0, 200);
        world.app.dispatcher.run_due().await;
        if noticed_by == "the deal" {
            ids.push(world.accept("m2", &message("c1", 2, "第二句")).await);
            world.app.dispatcher.run_due().await;
        } else {
            ids.push(asked);
            put_right(&mut world, &clock).await;
        }
        assert_done(&world, &ids).await;
        let new = world.ord_of("c1").await;
        let customers: Vec<_> = world.sim.handle.customers().iter().map(|customer| customer.ord).collect();
        assert!(new != old && customers == [new], "{noticed_by}: {customers:?}");
        let records = world.sim.handle.progress_of(new);
        let count = |text: &str| records.iter().filter(|record| record.contains(text)).count();
        assert_eq!([count("成交"), count("第一句"), count("第二句")], [1, 0, 1], "{noticed_by}: {records:?}");
        assert_eq!(world.sim.handle.catename(new).as_deref(), Some("张伟"), "{noticed_by}");
    }
}
