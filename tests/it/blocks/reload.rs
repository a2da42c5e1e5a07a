//! What a reload of the configuration takes at once: whatever a block may be caused by, and the rules.

use erp_bridge::{config::Config, event::Status};
use serde_json::{Value, json};

use super::{assert_done, assert_waiting, by_hand, linked};
use crate::support::{contact, deal, promoted, users_in_turn};

type Change = fn(&mut Config);
/// What a block says is wrong, how it was configured, whose event meets it, and how the file is put right.
type Case = (&'static str, Change, fn() -> Value, Change);

const CASES: [Case; 5] = [
    ("客户来源", |c| c.erp.values.source = "展会".into(), promotion, |c| c.erp.values.source = "微信".into()),
    (
        "价值评估",
        |c| c.mapping.levels[2].text = "平平".into(),
        promotion,
        |c| {
            c.mapping.levels[2].text = "一般".into();
        },
    ),
    ("客户分类", |c| c.erp.values.sort1 = "98,99".into(), promotion, |c| c.erp.values.sort1 = "3,7".into()),
    (
        "跟进程度",
        |c| c.erp.values.stage_after_deal = "签了".into(),
        closing,
        |c| {
            c.erp.values.stage_after_deal = "成交客户".into();
        },
    ),
    (
        "指派用户",
        |c| c.assignment.rules = vec![users_in_turn(&["999"])],
        promotion,
        |c| {
            c.assignment.rules = vec![users_in_turn(&["63"])];
        },
    ),
];

fn promotion() -> Value {
    promoted(&contact("c1", 1), 60.0)
}

fn closing() -> Value {
    deal(&contact("old", 7), 60.0)
}

#[tokio::test]
async fn what_a_wrong_value_blocked_goes_on_once_the_file_is_put_right_and_read_again() {
    for (subject, wrong, event, right) in CASES {
        let (mut world, _) = by_hand(|_| {}).await;
        linked(&world, "old", 7).await;
        wrong(&mut world.config);
        world.app.reload(&world.config);
        let id = world.accept("m1", &event()).await;
        world.app.dispatcher.run_due().await;
        let blocked_by = world.event(&id).await.blocked_by.unwrap_or_default();
        assert!(blocked_by.contains(subject), "{subject}: {blocked_by}");
        right(&mut world.config);
        world.app.reload(&world.config);
        world.app.dispatcher.run_due().await;
        assert_done(&world, &[id]).await;
    }
}

#[tokio::test]
async fn new_rules_of_admission_judge_what_comes_after_them() {
    let (mut world, _) = by_hand(|_| {}).await;
    let (_, refused) = world.post("m1", &promoted(&contact("c1", 1), 50.0)).await;
    assert_eq!(refused["status"], "not_admitted");
    world.config.admission.min_score = 50.0;
    assert_eq!(world.app.reload(&world.config), [""; 0]);
    let (_, shown) = world.call("POST", "/v1/preview", Some(promoted(&contact("c1", 1), 50.0))).await;
    assert_eq!(shown["status"], "queued", "{shown}");
    let id = world.accept("m2", &promoted(&contact("c1", 1), 50.0)).await;
    world.app.dispatcher.run_due().await;
    assert_done(&world, &[id]).await;
    // Judged with the rules that were in force when it came.
    world.config.admission.min_score = 90.0;
    let waiting = world.accept("m3", &promoted(&contact("c3", 3), 50.0)).await;
    world.app.reload(&world.config);
    world.app.dispatcher.run_due().await;
    assert_eq!(world.event(&waiting).await.status, Status::Succeeded);
    assert_eq!(world.post("m4", &promoted(&contact("c4", 4), 50.0)).await.1["status"], json!("not_admitted"));
}

#[tokio::test]
async fn a_reload_that_puts_nothing_right_leaves_what_waits_waiting() {
    let (mut world, _) = by_hand(|config| config.erp.values.source = "展会".into()).await;
    let id = world.accept("m1", &promotion()).await;
    world.app.dispatcher.run_due().await;
    world.config.erp.values.source = "展览".into();
    world.app.reload(&world.config);
    assert_eq!(world.app.dispatcher.run_due().await, 1);
    assert_waiting(&world, &[id], "choice_missing 客户来源 (ly) = 展览").await;
}
