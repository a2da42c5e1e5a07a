//! Every cause once: what is wrong, what it stops, and that it goes on once it is put right.

use std::time::Duration;

use erp_bridge::{event::Status, simulator::Settings};
use serde_json::{Value, json};

use super::{assert_done, by_hand, failures, linked, readiness};
use crate::support::{contact, deal, message, promoted, users_in_turn};

type Change = fn(&mut Settings);

/// A way in which an installation can be wrong.
struct Case {
    /// A fault rule, if it is made by one.
    fault: &'static str,
    /// A change of the settings, if it is made by one.
    change: Change,
    event: fn() -> Value,
    code: &'static str,
    subject: &'static str,
    /// What the hint must say.
    hint: &'static str,
}

fn promotion() -> Value {
    promoted(&contact("c1", 1), 70.0)
}

fn closing() -> Value {
    deal(&contact("old", 7), 70.0)
}

fn chat() -> Value {
    message("old", 1, "你好")
}

const NOTHING: Change = |_| {};

const CASES: [Case; 25] = [
    case("", |s| s.choices.sources.clear(), promotion, "choice_missing", "客户来源 (ly) = 微信", "erp.values.source"),
    case(
        "",
        |s| s.choices.sources.retain(|(_, text)| text != "微信"),
        promotion,
        "choice_missing",
        "客户来源 (ly) = 微信",
        "erp.values.source",
    ),
    case(
        "",
        |s| s.choices.levels.retain(|(_, text)| text != "一般"),
        promotion,
        "choice_missing",
        "价值评估 (jz) = 一般",
        "mapping.levels",
    ),
    case(
        "",
        |s| s.choices.categories.retain(|it| it.text != "默认分类"),
        promotion,
        "choice_missing",
        "客户分类 (sort1) = 3,7",
        "erp.values.sort1",
    ),
    case(
        "",
        |s| s.choices.categories[0].stages.retain(|(_, text)| text != "成交客户"),
        closing,
        "choice_missing",
        "跟进程度 (sort1) = 成交客户",
        "stage_after_deal",
    ),
    case(
        "",
        |s| s.closed_users = vec![63],
        promotion,
        "salesperson_unknown",
        "指派用户 (member2) = 63",
        "assignment.rules",
    ),
    case("customer.list:no_right", NOTHING, promotion, "right_missing", "客户列表 (customer.list)", "授予"),
    case("allocate:no_right", NOTHING, promotion, "right_missing", "分配新客户ID (customer.allocate)", "授予"),
    case("customer.add:no_right", NOTHING, promotion, "right_missing", "个人客户添加 (customer.add_person)", "授予"),
    case("progress.add:no_right", NOTHING, chat, "right_missing", "洽谈进展 (progress.add)", "授予"),
    case("assign:no_right", NOTHING, promotion, "right_missing", "客户指派 (customer.assign)", "授予"),
    case("customer.edit:no_right", NOTHING, closing, "right_missing", "客户修改 (customer.edit)", "授予"),
    case(
        "customer.list:refuse:text=接口暂未开放",
        NOTHING,
        promotion,
        "restricted",
        "客户列表 (customer.list)",
        "ERP 原话",
    ),
    case(
        "allocate:refuse:text=名额已用完",
        NOTHING,
        promotion,
        "restricted",
        "分配新客户ID (customer.allocate)",
        "ERP 原话",
    ),
    case(
        "customer.add:refuse:text=您的客户数已达上限，不能添加",
        NOTHING,
        promotion,
        "restricted",
        "个人客户添加 (customer.add_person)",
        "ERP 原话",
    ),
    case(
        "customer.add:refuse:text=客户行业不能为空",
        NOTHING,
        promotion,
        "restricted",
        "个人客户添加 (customer.add_person)",
        "ERP 原话",
    ),
    case("progress.add:page_403", NOTHING, chat, "wrong_path", "洽谈进展 (progress.add)", "erp.base_url"),
    case("progress.add:page_400", NOTHING, chat, "wrong_path", "洽谈进展 (progress.add)", "erp.base_url"),
    case("customer.edit:page_404", NOTHING, closing, "wrong_path", "客户修改 (customer.edit)", "erp.base_url"),
    case(
        "customer.add:page_405",
        NOTHING,
        promotion,
        "wrong_path",
        "个人客户添加 (customer.add_person)",
        "erp.base_url",
    ),
    case("progress.add:redirect", NOTHING, chat, "wrong_path", "洽谈进展 (progress.add)", "erp.base_url"),
    case("*:login_page", NOTHING, chat, "wrong_path", "登录 (session.login)", "erp.base_url"),
    case(
        "",
        |s| s.licence_refused = Some("软件授权已到期，请联系供应商".into()),
        chat,
        "licence_refused",
        "登录 (session.login)",
        "erp.serial",
    ),
    case(
        "",
        |s| s.licence_refused = Some("机器码serialnum无效".into()),
        chat,
        "licence_refused",
        "登录 (session.login)",
        "erp.serial",
    ),
    case(
        "progress.add:refuse:text=软件授权已到期，不能保存",
        NOTHING,
        chat,
        "licence_refused",
        "洽谈进展 (progress.add)",
        "erp.serial",
    ),
];

const fn case(
    fault: &'static str,
    change: Change,
    event: fn() -> Value,
    code: &'static str,
    subject: &'static str,
    hint: &'static str,
) -> Case {
    Case { fault, change, event, code, subject, hint }
}

#[tokio::test]
async fn every_cause_is_named_with_what_to_do_and_ends_once_it_is_put_right() {
    for case in CASES {
        let (world, clock) = by_hand(|config| {
            config.assignment.rules = vec![users_in_turn(&["63"])];
            config.erp.values.stage_after_deal = "成交客户".into();
        })
        .await;
        linked(&world, "old", 7).await;
        if !case.fault.is_empty() {
            world.sim.handle.fault(case.fault).unwrap();
        }
        world.sim.handle.change_settings(case.change);
        world.app.erp.forget_installation();
        if case.code == "licence_refused" {
            world.sim.handle.expire_sessions();
        }
        let name = format!("{} {}", case.code, case.subject);
        let id = world.accept("m1", &(case.event)()).await;
        world.app.dispatcher.run_due().await;
        let event = world.event(&id).await;
        assert_eq!(
            (event.status, event.attempts, event.blocked_by.as_deref()),
            (Status::Queued, 0, Some(name.as_str())),
            "{name}: {:?}",
            event.error
        );
        assert_eq!(readiness(&world).await, json!([case.code]), "{name}");
        let shown = failures(&world).await;
        assert!(shown.len() == 1 && shown[0]["hint"].as_str().unwrap().contains(case.hint), "{name}: {shown:?}");
        // Whoever may only look reads the bridge's words, not the ERP's.
        let (_, read) = world.sender.read(&format!("/v1/events/{id}")).await;
        assert_eq!(read["blocked_by"]["code"], case.code, "{name}");
        assert_eq!(read["blocked_by"]["message"], read["error"]["message"], "{name}");
        assert!(world.app.dispatcher.paused().is_none_or(|pause| pause.code == "quiet_hours"), "{name}");
        // Put right, it goes on by itself.
        world.sim.handle.clear_faults();
        world.sim.handle.change_settings(|settings| *settings = Settings::default());
        for _ in 0..4 {
            clock.advance(Duration::from_secs(10));
            world.app.dispatcher.run_due().await;
        }
        assert_done(&world, &[id]).await;
        assert_eq!(readiness(&world).await, json!([]), "{name}");
        let ord = world.ord_of("old").await;
        assert!(world.sim.handle.progress_of(ord).len() <= 1, "{name}: nothing is doubled");
        assert!(world.sim.handle.customers().len() <= 2, "{name}: nobody is doubled");
    }
}

#[tokio::test]
async fn an_operator_who_names_an_unknown_salesperson_is_told_and_blocks_nobody() {
    let (world, _clock) = by_hand(|_| {}).await;
    linked(&world, "old", 7).await;
    let body = json!({ "mode": "users", "users": ["999"] });
    let (status, answer) = world.call("PUT", "/v1/contacts/old/assignment", Some(body)).await;
    assert_eq!(status, 202, "{answer}");
    world.app.dispatcher.run_due().await;
    let event = world.event(answer["id"].as_str().unwrap()).await;
    assert_eq!((event.status, event.error_code.as_deref()), (Status::Dead, Some("salesperson_unknown")));
    assert_eq!(readiness(&world).await, json!([]));
}
