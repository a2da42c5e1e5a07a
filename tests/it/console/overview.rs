//! The overview's charts, and the way from the platform into the ERP.

use std::time::Duration;

use erp_bridge::{
    config::DatabaseConfig,
    event::Status,
    store::{NewBlock, Settlement},
};
use serde_json::json;

use super::{
    events::{ended, ended_as},
    outbox::dead_message,
    search::message,
    visitor::Visitor,
};
use crate::front::{Front, OPERATE, READ, Wishes, promoted};

#[tokio::test]
async fn the_last_hour_day_and_month_stand_in_charts_and_in_a_table_for_who_cannot_see_them() {
    let front = Front::open().await;
    ended(&front, "c1", Status::Succeeded, "", None).await;
    front.clock.advance(Duration::from_secs(120));
    ended(&front, "c2", Status::Dead, "refused", None).await;
    ended(&front, "c4", Status::NeedsReview, "candidates", Some(json!({"decisions": []}))).await;
    let mut stranger = promoted("c3");
    stranger["data"]["thread"]["score"] = json!(12);
    front.post_event("w3", &stranger).await;
    let mut visitor = Visitor::signed_in(&front, READ).await;
    for (span, slots, words) in [("hour", 60, "最近一小时"), ("day", 24, "最近一天"), ("month", 30, "最近 30 天")]
    {
        let html = visitor.get(&format!("/console/overview?span={span}")).await.html;
        let here = format!("span={span}\" aria-current=\"true\">{words}");
        for told in [&*here, "收到 4，已同步 1，未准入 1，待处理 1，同步失败 1", "以表格查看", "评分达标"]
        {
            assert!(html.contains(told), "{span}: {told} is not in {html}");
        }
        let table = html.split_once("figures\">").unwrap().1.split_once("</table>").unwrap().0;
        assert_eq!(table.matches("<th scope=\"row\"").count(), slots, "{span}");
        for colour in ["good", "mute", "warn", "bad"] {
            assert_eq!(
                html.matches(&format!("<rect class=\"{colour}\" x=\"")).count() - usize::from(colour == "good"),
                1
            );
        }
        assert!(table.contains("≤ 100 毫秒") && html.contains("<dd class=\"num\">≤ 100 毫秒"), "{table}");
    }
    let html = visitor.get("/console/overview").await.html;
    assert!(html.contains("span=day\" aria-current"), "a day where nothing is asked for");
    assert_eq!(funnel(&html), ["收到 4", "可以进入 ERP 3", "已写入 ERP 1"]);
}

/// The way into the ERP: each stage with its count.
fn funnel(html: &str) -> Vec<String> {
    let table = html.split_once("class=\"funnel\"").unwrap().1.split_once("</table>").unwrap().0;
    let stage = |row: &str| {
        let (label, rest) = row.split_once("</th><td class=\"num\">").unwrap();
        format!("{label} {}", rest.split_once("</td>").unwrap().0)
    };
    table.split("<th scope=\"row\">").skip(1).map(stage).collect()
}

#[tokio::test]
async fn a_stranger_s_message_and_a_refused_deal_are_held_and_not_let_in() {
    let front = Front::open().await;
    front.post_event("w1", &promoted("c1")).await;
    let mut deal = promoted("c2");
    deal["type"] = json!("deal.closed");
    deal["data"]["thread"]["score"] = json!(12);
    deal["data"]["deal"] = json!({"id": "d-1", "title": "年单", "amount": "100.00"});
    for (id, event) in [("w2", deal), ("w3", message("c3", "你好"))] {
        assert_eq!(front.post_event(id, &event).await.body["status"], "held");
    }
    let html = Visitor::signed_in(&front, READ).await.get("/console/overview").await.html;
    assert_eq!(funnel(&html), ["收到 3", "可以进入 ERP 1", "已写入 ERP 0", "等待转客户 2"]);
}

#[tokio::test]
async fn what_was_held_and_went_on_is_let_in_and_what_was_held_twice_waits_once() {
    let front = Front::open().await;
    let mut held = Vec::new();
    for (id, contact) in [("w1", "c1"), ("w2", "c2")] {
        let accepted = front.post_event(id, &message(contact, "你好")).await.body;
        assert_eq!(accepted["status"], "held");
        held.push(accepted["id"].as_str().unwrap().to_owned());
    }
    for (id, end) in held.iter().zip([Status::Succeeded, Status::Held]) {
        let path = format!("/v1/events/{id}/replay");
        front.rest(reqwest::Method::POST, &path, OPERATE, &json!({})).await;
        front.end(Settlement::to(end)).await;
    }
    let html = Visitor::signed_in(&front, READ).await.get("/console/overview").await.html;
    assert_eq!(funnel(&html), ["收到 2", "可以进入 ERP 1", "已写入 ERP 1", "等待转客户 1"]);
}

#[tokio::test]
async fn an_overview_of_nothing_is_one_without_columns() {
    let front = Front::open().await;
    let html = Visitor::signed_in(&front, READ).await.get("/console/overview?span=hour").await.html;
    assert!(html.contains("收到 0，已同步 0") && !html.contains("<rect class=\"good\" x=\"6"), "{html}");
    assert!(html.contains("<svg class=\"chart\""), "{html}");
}

#[tokio::test]
async fn it_is_not_all_right_while_a_part_is_paused_or_the_door_is_closed() {
    let front = Front::with(Wishes { dispatches: true, ..Wishes::default() }).await;
    let mut visitor = Visitor::signed_in(&front, READ).await;
    let says = async |visitor: &mut Visitor<'_>, told: &str| {
        let html = visitor.get("/console/overview").await.html;
        assert!(html.contains(told), "{told} is not in {html}");
        html
    };
    says(&mut visitor, "一切正常").await;
    let pause = json!({"scope": "type", "value": "deal.closed", "reason": "月底对账"});
    let answered = front.rest(reqwest::Method::POST, "/v1/dispatch/pause", OPERATE, &pause).await;
    assert_eq!(answered.status.as_u16(), 200, "{:?}", answered.body);
    let html = says(&mut visitor, "有人暂停了部分派发").await;
    assert!(!html.contains("一切正常") && html.contains("class=\"button primary\" href=\"/console/erp\""), "{html}");
    let resumed = json!({"scope": "type", "value": "deal.closed"});
    front.rest(reqwest::Method::POST, "/v1/dispatch/resume", OPERATE, &resumed).await;
    says(&mut visitor, "一切正常").await;
    let full = DatabaseConfig { max_backlog: 0, ..DatabaseConfig::default() };
    front.store.count_backlog(&full).await.unwrap();
    let html = says(&mut visitor, "新事件暂时不能接收").await;
    assert!(!html.contains("一切正常") && html.contains("card glance bad"), "{html}");
}

#[tokio::test]
async fn quiet_hours_are_nothing_wrong() {
    let front = Front::with(Wishes { is_quiet: true, ..Wishes::default() }).await;
    let html = Visitor::signed_in(&front, READ).await.get("/console/overview").await.html;
    let glance = html.split_once("<section class=\"card glance warn\">").unwrap().1.split_once("</section>").unwrap().0;
    assert!(glance.contains("现在是免打扰时段，结束后自动继续"), "{glance}");
    assert!(!html.contains("现在不能写入 ERP") && !html.contains("一切正常"), "{html}");
}

#[tokio::test]
async fn what_the_platform_was_not_told_is_not_all_right_and_leads_to_the_outbox() {
    let front = Front::with(Wishes { dispatches: true, ..Wishes::default() }).await;
    dead_message(&front).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let html = visitor.get("/console/overview").await.html;
    for told in ["card glance warn", "有 1 条消息没有送达微信中台", "class=\"button primary\" href=\"/console/outbox\""]
    {
        assert!(html.contains(told), "{told} is not in {html}");
    }
    let form = [("to", "platform"), ("reason", "地址已修正")];
    visitor.change("/console/outbox", "/console/outbox/replay", &form).await;
    front.clock.advance(Duration::from_secs(60));
    assert!(visitor.get("/console/overview").await.html.contains("一切正常"));
}

#[tokio::test]
async fn what_is_tried_again_and_what_the_installation_keeps_back_are_counted_beside_what_is_queued() {
    let front = Front::with(Wishes { dispatches: true, ..Wishes::default() }).await;
    let later = Some(front.clock.now().plus(Duration::from_secs(300)));
    let again = Settlement { next_attempt_at: later, counts: true, ..Settlement::to(Status::Queued) };
    ended_as(&front, "c1", again.because("not_delivered", "x")).await;
    let (subject, pause) = ("客户来源 (ly) = 微信".into(), Duration::from_secs(60));
    let met = NewBlock { code: "choice_missing", subject, words: "没有".into(), pause, is_met: true };
    ended_as(&front, "c2", Settlement { blocked: Some(met), ..Settlement::to(Status::Queued) }).await;
    let html = Visitor::signed_in(&front, READ).await.get("/console/overview").await.html;
    for filter in ["retrying=true", "blocked=true"] {
        let tile =
            html.split_once(&format!("href=\"/console/events?{filter}\"")).unwrap().1.split_once("</a>").unwrap().0;
        assert!(tile.contains("<span class=\"n\">1</span>"), "{filter}: {tile}");
    }
}

/// Somebody who looks for why an event is not in the ERP is not told of what is wrong elsewhere.
#[tokio::test]
async fn the_event_that_has_waited_longest_says_what_it_waits_for_itself() {
    let front = Front::with(Wishes { dispatches: false, ..Wishes::default() }).await;
    let pause = json!({"scope": "type", "value": "contact.promoted", "reason": "月底对账"});
    front.rest(reqwest::Method::POST, "/v1/dispatch/pause", OPERATE, &pause).await;
    front.post_event("w1", &promoted("c1")).await;
    front.store.claim(1, Duration::from_secs(60)).await.unwrap();
    let html = Visitor::signed_in(&front, READ).await.get("/console/overview").await.html;
    let why = html.split_once("还没写入 ERP 的原因").unwrap().1.split_once("</p>").unwrap().0;
    assert!(why.contains("派发已被人工暂停"), "{why}");
    assert!(html.contains(">派发已暂停</span>"), "{html}");
}
