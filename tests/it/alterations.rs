//! What an ERP makes of the texts that it is sent (`erp-wire.md` §1.12): whatever it stores or shows in their place, nothing is
//! sent twice and nothing becomes a second customer.

use std::time::Duration;

use erp_bridge::{
    config::{AssignmentRule, Config, Markup},
    event::Status,
    simulator::{Quirk, Quirks, SimConfig},
};
use serde_json::json;

use crate::support::{World, WorldOptions, contact, deal, message, promoted};

/// An ERP that alters texts, and a bridge that keeps markup and assigns new customers.
async fn world(quirks: &[Quirk]) -> World {
    let sim = SimConfig { quirks: Quirks::default().and(quirks.iter().copied()), ..SimConfig::default() };
    let configure = |config: &mut Config| {
        config.mapping.markup = Markup::Keep;
        config.erp.timeout = Duration::from_millis(300);
        config.erp.late_effect = Duration::from_millis(400);
        config.worker.lease = Duration::from_secs(3);
        config.worker.circuit_failures = 1_000;
        config.assignment.rules = vec![AssignmentRule { min_score: 60.0, users: vec!["63".into()], public: false }];
    };
    World::with(WorldOptions { sim, configure: Box::new(configure), ..WorldOptions::default() }).await
}

#[tokio::test]
async fn a_record_that_comes_back_altered_is_recognised_and_stored_once() {
    let texts = ["A&amp;B", "&nbsp;你好", "😀好的", "👍", "甲\u{200b}乙", "第一行\n第二行 <b>", "한국어"];
    for quirk in Quirk::ALTERING {
        let world = world(&[quirk]).await;
        assert_eq!(world.handle("p", &promoted(&contact("c1", 1), 70.0)).await.status, Status::Succeeded);
        let ord = world.ord_of("c1").await;
        let said =
            texts.iter().flat_map(|text| ["", "cut_after", "error_500_after", "not_stored"].map(|fault| (text, fault)));
        for (number, (text, fault)) in (1..).zip(said) {
            world.sim.handle.clear_faults();
            if !fault.is_empty() {
                world.sim.handle.fault(&format!("progress.add:{fault}:times=1")).unwrap();
            }
            let row = world.handle(&format!("m{number}"), &message("c1", number, text)).await;
            assert_eq!(row.status, Status::Succeeded, "{quirk} {text} {fault}: {:?}", row.error);
            let stored = world.sim.handle.progress_of(ord);
            assert_eq!(stored.len(), number, "{quirk} {text} {fault}: {stored:?}");
        }
    }
}

#[tokio::test]
async fn a_record_altered_in_a_way_that_nobody_knows_is_a_question_and_no_second_record() {
    let world = world(&[]).await;
    world.handle("p", &promoted(&contact("c1", 1), 70.0)).await;
    let ord = world.ord_of("c1").await;
    world.sim.handle.fault("progress.add:cut_after:times=1").unwrap();
    world.sim.handle.change_settings(|settings| settings.replaces = Some(("微笑".into(), "[表情]".into())));
    let row = world.handle("m1", &message("c1", 1, "微笑，你好")).await;
    assert_eq!((row.status, row.error_code.as_deref()), (Status::NeedsReview, Some("outcome_unknown")));
    assert_eq!(world.sim.handle.progress_of(ord).len(), 1);
    let (status, _) =
        world.call("POST", &format!("/v1/events/{}/resolve", row.id), Some(json!({ "decision": "done" }))).await;
    assert_eq!(status, 200);
    world.until(&row.id, &[Status::Succeeded]).await;
    assert_eq!(world.sim.handle.calls_of("progress.add").len(), 1);
}

#[tokio::test]
async fn a_name_with_an_emoji_is_one_customer_that_is_assigned() {
    for quirk in Quirk::ALTERING {
        let world = world(&[quirk]).await;
        let mut person = contact("c1", 1);
        person["name"] = json!("陈晓雨🌸");
        let row = world.handle("p1", &deal(&person, 70.0)).await;
        assert_eq!(row.status, Status::Succeeded, "{quirk}: {:?}", row.error);
        let customers = world.sim.handle.customers();
        assert_eq!((customers.len(), customers[0].saves), (1, 1), "{quirk}");
        assert_eq!(world.sim.handle.catename(customers[0].ord).as_deref(), Some("张伟"), "{quirk}");
    }
}

#[tokio::test]
async fn a_company_with_an_emoji_in_its_name_is_one_customer_for_all_its_people() {
    for quirk in Quirk::ALTERING {
        let world = world(&[quirk]).await;
        for number in 1..=2 {
            let mut person = contact(&format!("c{number}"), number);
            person["name"] = json!(format!("陈晓雨🌸{number}号"));
            person["company"] = json!("杭州🌸春风里&amp;秋水贸易有限公司");
            let row = world.handle(&format!("p{number}"), &promoted(&person, 70.0)).await;
            assert_eq!(row.status, Status::Succeeded, "{quirk}: {:?}", row.error);
        }
        assert_eq!(world.sim.handle.customers().len(), 1, "{quirk}");
        assert_eq!(world.sim.handle.contacts().len(), 2, "{quirk}: the first and one more contact person");
    }
}
