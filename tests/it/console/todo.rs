//! What waits for a person, and the overview.

use reqwest::StatusCode;

use erp_bridge::event::Status;

use super::{events::ended, visitor::Visitor};
use crate::front::{Front, OPERATE, READ, promoted};

#[tokio::test]
async fn what_waits_is_grouped_by_cause_and_deciding_one_opens_the_next() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    assert!(visitor.get("/console/todo").await.html.contains("没有待处理的事"));
    let first = ended(&front, "c1", Status::Dead, "refused", None).await;
    let second = ended(&front, "c2", Status::Dead, "refused", None).await;
    ended(&front, "c3", Status::Dead, "invalid", None).await;
    let page = visitor.get("/console/todo").await.html;
    for told in ["同类 2 条", "同类 1 条", "客户名称已存在", "按 ERP 原话排除原因后重试"] {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    let chosen = visitor.get("/console/todo?cause=refused").await.html;
    assert_eq!(chosen.matches("<tr data-row").count(), 2, "{chosen}");
    assert!(chosen.contains("约 2 条失败的事件放回队列"), "{chosen}");

    let next = visitor.get("/console/todo/next?cause=refused").await;
    assert_eq!(next.location(), format!("/console/events/{second}?todo=refused"));
    let sent =
        visitor.change(next.location(), &format!("/console/events/{second}/discard"), &[("todo", "refused")]).await;
    assert_eq!(sent.location(), "/console/todo/next?cause=refused&done=discarded");
    let next = visitor.get(sent.location()).await;
    assert_eq!(next.location(), format!("/console/events/{first}?todo=refused&done=discarded"));
    let sent =
        visitor.change("/console/todo", &format!("/console/events/{first}/replay"), &[("todo", "refused")]).await;
    let last = visitor.get(sent.location()).await;
    assert_eq!(last.location(), "/console/todo?done=replayed");
}

#[tokio::test]
async fn all_dead_events_of_a_cause_are_tried_again_and_no_other() {
    let front = Front::open().await;
    let refused = ended(&front, "c1", Status::Dead, "refused", None).await;
    let other = ended(&front, "c2", Status::Dead, "invalid", None).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let nothing = visitor.change("/console/todo", "/console/todo/replay", &[]).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY, "no cause is named");
    let sent = visitor.change("/console/todo?cause=refused", "/console/todo/replay", &[("cause", "refused")]).await;
    assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, "/console/todo?done=replayed"));
    let status = async |id: &str| front.store.event(id).await.unwrap().unwrap().status;
    assert_eq!((status(&refused).await, status(&other).await), (Status::Queued, Status::Dead));
}

#[tokio::test]
async fn the_overview_says_in_words_whether_all_is_right_and_why_the_oldest_waits() {
    let front = Front::open().await;
    front.post_event("w1", &promoted("c1")).await;
    front.clock.advance(std::time::Duration::from_secs(200));
    let mut visitor = Visitor::signed_in(&front, READ).await;
    let page = visitor.get("/console/overview").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    for told in ["现在不能写入 ERP", "等得最久的事件", "已等待 3 分钟 20 秒", "ERP 拒绝登录，已停止派发"]
    {
        assert!(page.html.contains(told), "{told} is not in {}", page.html);
    }
    let home = visitor.get("/console").await;
    assert_eq!((home.status, home.location()), (StatusCode::SEE_OTHER, "/console/overview"));
}
