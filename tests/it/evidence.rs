//! What an ERP's word is worth: notices instead of answers, lists that are refused, effects that are slow to appear, records
//! that nobody may read.

use std::time::Duration;

use erp_bridge::{
    config::Config,
    event::{EventKind, Rule, RuleSet, Status},
    simulator::{FaultKind, FaultRule, ReplyList, SimConfig},
};
use serde_json::json;

use crate::support::{World, WorldOptions, contact, deal, event, message, mobile, promoted, users_in_turn};

const LIMIT: Duration = Duration::from_secs(30);

/// A world that tries again soon.
async fn world_with(configure: impl Fn(&mut Config) + Send + 'static) -> World {
    let configure = move |config: &mut Config| {
        config.retry.schedule = vec![Duration::from_millis(1_500); 4];
        config.worker.block_pause = Duration::from_millis(300);
        configure(config);
    };
    let options = WorldOptions { sim: SimConfig::default(), configure: Box::new(configure), ..WorldOptions::default() };
    World::with(options).await
}

async fn linked(world: &World, id: &str, number: u32) -> i64 {
    let row = world.handle(&format!("p-{id}"), &promoted(&contact(id, number), 70.0)).await;
    assert_eq!(row.status, Status::Succeeded, "{:?} {:#?}", row.error, world.sim.handle.calls(0));
    world.ord_of(id).await
}

#[tokio::test]
async fn a_notice_of_maintenance_costs_no_event_and_no_record() {
    for notice in ["系统正在维护，请稍候", "系统升级中，暂停服务"] {
        let world = world_with(|_| {}).await;
        let ord = linked(&world, "old", 7).await;
        world.sim.handle.fault(&format!("*:refuse:text={notice}")).unwrap();
        world.sim.handle.expire_sessions();
        let chat = world.accept("m1", &message("old", 1, "你好")).await;
        let promotion = world.accept("m2", &promoted(&contact("c1", 1), 70.0)).await;
        world.sim.handle.clear_calls();
        let asked = || async { (!world.sim.handle.calls(0).is_empty()).then_some(()) };
        crate::support::eventually("the ERP gives its notice", LIMIT, asked).await;
        world.sim.handle.clear_faults();
        for id in [&chat, &promotion] {
            let row = world.ended(id).await;
            assert_eq!(row.status, Status::Succeeded, "{notice}: {:?}", row.error);
        }
        assert_eq!(world.sim.handle.progress_of(ord).len(), 1, "{notice}");
        assert_eq!(world.sim.handle.customers().len(), 2, "{notice}");
    }
}

#[tokio::test]
async fn a_record_that_is_slow_to_appear_is_not_sent_twice() {
    let world = world_with(|_| {}).await;
    let ord = linked(&world, "c1", 1).await;
    world.sim.handle.fault("progress.add:late_effect:delay=1ms,effect_delay=700ms,times=1").unwrap();
    let row = world.handle("m1", &message("c1", 1, "你好")).await;
    assert_eq!(row.status, Status::Succeeded, "{:?}", row.error);
    assert_eq!(world.sim.handle.progress_of(ord).len(), 1);
}

#[tokio::test]
async fn one_customer_whose_records_may_not_be_read_says_nothing_of_anothers() {
    let world = world_with(|_| {}).await;
    let (_, ord) = (linked(&world, "a", 1).await, linked(&world, "b", 2).await);
    world.sim.handle.fault("progress.list:refuse:times=1,text=无权查看该客户").unwrap();
    assert_eq!(world.handle("m1", &message("a", 1, "你好")).await.status, Status::Succeeded);
    world.sim.handle.fault("progress.add:not_stored:times=1").unwrap();
    assert_eq!(world.handle("m2", &message("b", 1, "在吗")).await.status, Status::Succeeded);
    assert_eq!(world.sim.handle.progress_of(ord).len(), 1, "{:#?}", world.sim.handle.calls(0));
}

#[tokio::test]
async fn where_the_list_of_records_is_closed_a_message_to_a_customer_that_is_gone_is_not_taken_for_told() {
    for closed in [ReplyList::Refused, ReplyList::NotFound] {
        let world = world_with(|_| {}).await;
        world.sim.handle.change_settings(|settings| {
            (settings.replylist, settings.takes_dead_records) = (closed, true);
        });
        let ord = linked(&world, "c1", 1).await;
        assert_eq!(world.handle("m1", &message("c1", 1, "你好")).await.status, Status::Succeeded, "{closed:?}");
        assert!(world.sim.handle.delete_customer(ord));
        let row = world.handle("m2", &message("c1", 2, "还在吗")).await;
        let end = (row.status, row.error_code.as_deref());
        assert_eq!(end, (Status::NeedsReview, Some("customer_gone")), "{closed:?}: {:?}", row.error);
    }
}

#[tokio::test]
async fn a_foreign_record_that_may_not_be_read_stops_nobody() {
    let world = world_with(|_| {}).await;
    // The list does not show 客户编号, so that of each fuzzy hit is read: WXc1 finds WXc10.
    world.sim.handle.change_settings(|settings| {
        settings.columns.customers.retain(|column| column != "khid");
    });
    world.sim.handle.seed_customer_fields(&[("name", "别人"), ("khid", "WXc10"), ("mobile", "13900000010")]).unwrap();
    world.sim.handle.fault("customer.detail:refuse:times=2,text=该客户属于他人").unwrap();
    linked(&world, "c1", 1).await;
    assert_eq!(world.sim.handle.customers().len(), 2);
}

#[tokio::test]
async fn a_customer_that_a_person_had_made_and_that_is_slow_to_appear_is_made_once() {
    let world = world_with(|_| {}).await;
    world.sim.handle.seed_customer_fields(&[("name", "张1伟"), ("khid", "K1"), ("mobile", "")]).unwrap();
    world.sim.handle.change_settings(|settings| settings.duplicate_rules.clear());
    let id = world.accept("m1", &promoted(&contact("c1", 1), 70.0)).await;
    let row = world.ended(&id).await;
    assert_eq!((row.status, row.error_code.as_deref()), (Status::NeedsReview, Some("same_name")));
    world.sim.handle.fault("customer.add:late_effect:delay=1ms,effect_delay=700ms,times=1").unwrap();
    let path = format!("/v1/events/{id}/resolve");
    let (status, answer) = world.call("POST", &path, Some(json!({ "decision": "recreate" }))).await;
    assert_eq!(status, 200, "{answer}");
    let row = world.ended(&id).await;
    assert_eq!(row.status, Status::Succeeded, "{:?}", row.error);
    assert_eq!(world.sim.handle.customers_with("khid", "WXc1").len(), 1);
}

#[tokio::test]
async fn whoever_was_admitted_by_the_last_known_score_gets_its_level_and_salesperson() {
    let world = world_with(|config| {
        config.assignment.rules = vec![users_in_turn(&["71"])];
        config.assignment.rules[0].min_score = 80.0;
    })
    .await;
    let scored = event(
        "message.logged",
        json!({ "contact": { "id": "c1" }, "thread": { "id": "t1", "score": 92 },
            "signal": { "id": "s1", "content": "你好", "sent_at": "2026-11-23T15:04:05+08:00" } }),
    );
    world.accept("m1", &scored).await;
    let without = event("contact.promoted", json!({ "contact": contact("c1", 1), "thread": { "id": "t1" } }));
    let row = world.handle("m2", &without).await;
    assert_eq!(row.status, Status::Succeeded, "{:?}", row.error);
    let customer = world.sim.handle.customers().pop().unwrap();
    assert_eq!(customer.fields["jz"], "175", "很高");
    assert!(world.sim.handle.catename(customer.ord).is_some_and(|name| !name.is_empty()), "assigned by its score");
}

#[tokio::test]
async fn a_name_that_no_contact_person_can_have_costs_no_message() {
    let world = world_with(|_| {}).await;
    let ord = world.seed_company("杭州甲科技有限公司", "K1");
    let long: String = "长".repeat(80);
    let hinted = event(
        "message.logged",
        json!({ "contact": { "id": "c1", "name": long, "company": "杭州甲科技有限公司", "erp": { "ord": ord } },
            "signal": { "id": "s1", "content": "你好", "sent_at": "2026-11-23T15:04:05+08:00" } }),
    );
    let row = world.handle("m1", &hinted).await;
    assert_eq!(row.status, Status::Succeeded, "{:?}", row.error);
    assert_eq!(world.sim.handle.progress_of(ord).len(), 1);
}

#[tokio::test]
async fn a_contact_without_a_number_is_added_to_its_company_once() {
    let world = world_with(|config| {
        config.admission.rules.insert(EventKind::ContactPromoted, RuleSet::all_of(&[Rule::Score]));
    })
    .await;
    let ord = world.seed_company("杭州甲科技有限公司", "K1");
    let before = world.sim.handle.contacts().len();
    let nameless = json!({ "id": "c1", "name": "王小明", "company": "杭州甲科技有限公司" });
    for number in 1..=2 {
        let row = world.handle(&format!("m{number}"), &promoted(&nameless, 80.0)).await;
        assert_eq!(row.status, Status::Succeeded, "{:?}", row.error);
        assert_eq!(world.ord_of("c1").await, ord);
        assert_eq!(world.sim.handle.contacts().len(), before + 1, "{number}");
        assert_eq!(world.call("DELETE", "/v1/contacts/c1/link?reason=merged", None).await.0, 200);
    }
}

#[tokio::test]
async fn the_records_of_customers_that_are_gone_say_nothing_of_the_list() {
    let mut world = world_with(|_| {}).await;
    let mut ords = Vec::new();
    for (id, number) in [("a", 1), ("b", 2), ("c", 3)] {
        ords.push(linked(&world, id, number).await);
    }
    world.sim.handle.change_settings(|settings| {
        (settings.takes_dead_records, settings.refuses_dead_lists) = (true, true);
    });
    // Of a list that was read once it is known that it is open.
    world.restart().await;
    for (id, ord) in [("a", ords[0]), ("b", ords[1])] {
        assert!(world.sim.handle.delete_customer(ord));
        let row = world.handle(&format!("m-{id}"), &message(id, 1, "还在吗")).await;
        assert_eq!(row.error_code.as_deref(), Some("customer_gone"), "{:?}", row.error);
    }
    world.sim.handle.fault("progress.add:not_stored:times=1").unwrap();
    let row = world.handle("m-c", &message("c", 1, "在吗")).await;
    assert_eq!(row.status, Status::Succeeded, "{:?}", row.error);
    assert_eq!(world.sim.handle.progress_of(ords[2]).len(), 1, "a list that is open shows what was lost");
}

/// What an edit would harm is left out: no installation is a reason to lose a deal.
#[tokio::test]
async fn a_deal_is_recorded_where_its_stage_cannot_be_set_without_harm() {
    let closed = "contact.list:refuse:text=您没有权限查看联系人";
    for (name, person, fault) in [("杭州甲公司", " ", Some(closed)), ("杭州\u{fffd}公司", "周经理", None)] {
        let world = world_with(|config| config.erp.values.stage_after_deal = "成交客户".into()).await;
        let company = json!({ "name": name, "kind": 1, "person_name": person, "mobile": mobile(7) });
        let seed = serde_json::from_value(json!({ "customers": [company] })).unwrap();
        let ord = world.sim.handle.seed(&seed).unwrap().customers[0];
        linked(&world, "c1", 7).await;
        let before = world.sim.handle.customer(ord).unwrap().fields;
        if let Some(fault) = fault {
            world.sim.handle.fault(fault).unwrap();
        }
        let row = world.handle("d1", &deal(&contact("c1", 7), 80.0)).await;
        assert_eq!(row.status, Status::Succeeded, "{name}: {:?}", row.error);
        let after = world.sim.handle.customer(ord).unwrap().fields;
        for field in ["name", "person_name", "sort1"] {
            assert_eq!(before[field], after[field], "{name}: {field}");
        }
        assert_eq!(world.sim.handle.progress_of(ord).len(), 1, "{name}");
    }
}

/// An ERP that breaks down fails both calls: the one that stored the record, and the one that was to tell what its words mean.
#[tokio::test]
async fn a_record_that_a_breakdown_may_have_stored_is_looked_up_before_it_is_sent_again() {
    for words in ["", ",text=类型不匹配: 'session(...)'"] {
        let world = world_with(|_| {}).await;
        let ord = linked(&world, "c1", 1).await;
        world.sim.handle.fault(&format!("progress.add:failed_after:times=1{words}")).unwrap();
        world.sim.handle.fault("customer.list:error_500_before:times=3").unwrap();
        let row = world.handle("m1", &message("c1", 1, "你好")).await;
        assert_eq!(row.status, Status::Succeeded, "{words}: {:?}", row.error);
        assert_eq!(world.sim.handle.progress_of(ord).len(), 1, "{words}");
    }
}

/// Nothing tells the rows of one day apart, and what is looked for stands on the first of several pages.
#[tokio::test]
async fn a_list_of_records_without_ids_is_not_read_from_the_wrong_end() {
    let world = world_with(|_| {}).await;
    let ord = linked(&world, "c1", 1).await;
    world.sim.handle.change_settings(|settings| {
        settings.columns.progress.retain(|column| column != "ord");
        settings.page_cap = Some(5);
    });
    for number in 1..=12 {
        let row = world.handle(&format!("m{number}"), &message("c1", number, &format!("第{number}句"))).await;
        assert_eq!((row.status, row.attempts), (Status::Succeeded, 0), "{number}: {:?}", row.error);
    }
    assert_eq!(world.sim.handle.progress_of(ord).len(), 12);
}

#[tokio::test]
async fn a_customer_that_is_found_and_may_not_be_opened_is_a_question_and_blocks_nobody() {
    let world = world_with(|_| {}).await;
    let known = [("name", "老客户"), ("khid", "K1"), ("mobile", &mobile(1))];
    let ord = world.sim.handle.seed_customer_fields(&known).unwrap();
    let refused = FaultRule {
        text: Some("没有权限查看该客户".into()),
        only: [("ord".to_owned(), ord.to_string())].into(),
        ..FaultRule::new("customer.detail", FaultKind::Refuse)
    };
    world.sim.handle.set_faults(vec![refused]).unwrap();
    let row = world.handle("m1", &promoted(&contact("c1", 1), 70.0)).await;
    assert_eq!((row.status, row.error_code.as_deref()), (Status::NeedsReview, Some("candidates")), "{:?}", row.error);
    assert_eq!(row.review.unwrap()["candidates"][0]["ord"], ord);
    linked(&world, "c2", 2).await;
}

#[tokio::test]
async fn a_contact_person_that_may_not_be_opened_stays_as_it_is_listed() {
    let world = world_with(|_| {}).await;
    world.sim.handle.change_settings(|settings| settings.columns.contacts.retain(|column| column != "company"));
    let mine = mobile(1);
    let other = format!("139{}{}", &mine[3..7], &mine[7..]);
    world.sim.handle.seed_customer_fields(&[("name", "别人的客户"), ("khid", "K1"), ("mobile", &other)]).unwrap();
    world.sim.handle.fault("contact.detail:refuse:text=无权查看该联系人").unwrap();
    let row = world.handle("m1", &promoted(&contact("c1", 1), 70.0)).await;
    assert_eq!(row.status, Status::Succeeded, "{:?}", row.error);
}

/// Who is asked whether an ERP is there may be read by nobody here: another question is asked before it counts as away.
#[tokio::test]
async fn an_erp_whose_choices_nobody_can_read_is_not_away_for_ever() {
    let world = world_with(|config| {
        config.worker.circuit_failures = 1;
        config.worker.circuit_pause = Duration::from_millis(200);
    })
    .await;
    let ord = linked(&world, "c1", 1).await;
    world.sim.handle.fault("choices:html_200_before").unwrap();
    world.sim.handle.fault("progress.add:away:times=1").unwrap();
    let row = world.handle("m1", &message("c1", 1, "你好")).await;
    assert_eq!(row.status, Status::Succeeded, "{:?}", row.error);
    assert_eq!(world.sim.handle.progress_of(ord).len(), 1);
}
