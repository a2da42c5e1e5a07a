//! The page of a replay: what it would write, how far it is, the outcome of each event.

use erp_bridge::{
    event::Status,
    store::{Actor, PauseScope, REPLAY_ROOM},
};
use reqwest::StatusCode;

use super::{events::ended, visitor::Visitor};
use crate::front::{Front, OPERATE, READ, Wishes, promoted};

/// Makes a replay of the dead events of a cause; answers its page.
async fn made(visitor: &mut Visitor<'_>, code: &str) -> String {
    let sent =
        visitor.change("/console/todo", "/console/replays", &[("code", code), ("reason", "<b>已修复</b>")]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.html);
    sent.location().to_owned()
}

#[tokio::test]
async fn a_replay_is_started_paused_gone_on_with_and_stopped_by_buttons_that_its_state_allows() {
    let front = Front::open().await;
    for number in 0..3 {
        ended(&front, &format!("c{number}"), Status::Dead, "refused", None).await;
    }
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let empty = visitor.get("/console/replays").await.html;
    assert!(empty.contains("还没有重放") && empty.contains("aria-current=\"page\">重放"), "{empty}");
    let page = made(&mut visitor, "refused").await;
    let has = |html: &str, deed: &str| html.contains(&format!("action=\"{page}/{deed}\""));
    for (deed, shown, possible) in [
        ("", "待开始", vec!["start", "stop"]),
        ("start", "进行中", vec!["pause", "stop"]),
        ("pause", "已暂停", vec!["resume", "stop"]),
        ("resume", "进行中", vec!["pause", "stop"]),
        ("stop", "已停止", vec![]),
    ] {
        if !deed.is_empty() {
            let sent = visitor.change(&page, &format!("{page}/{deed}"), &[]).await;
            assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, page.as_str()), "{deed}");
        }
        let html = visitor.get(&page).await.html;
        assert!(
            html.contains(shown) && html.contains("还") | html.contains("没有放回") | html.contains("新事件优先"),
            "{html}"
        );
        for any in ["start", "pause", "resume", "stop"] {
            assert_eq!(has(&html, any), possible.contains(&any), "{any} after {deed}");
        }
        assert!(html.contains("&#60;b&#62;已修复"), "{html}");
    }
    let again = visitor.change(&page, &format!("{page}/pause"), &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "somebody else was faster");
    assert!(again.html.contains("该重放现在是“已停止”，不能这样做"), "{}", again.html);
    assert!(!again.html.contains("stopped"), "{}", again.html);
    assert_eq!(visitor.change(&page, &format!("{page}/burn"), &[]).await.status, StatusCode::NOT_FOUND);
    let list = visitor.get("/console/replays").await.html;
    assert!(list.contains(&format!("href=\"{page}\"")) && list.contains("已放回 0 / 3"), "{list}");
}

#[tokio::test]
async fn the_outcome_of_each_event_stands_on_the_page_and_in_a_file() {
    let front = Front::open().await;
    let id = ended(&front, "c1", Status::Dead, "refused", None).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let page = made(&mut visitor, "refused").await;
    visitor.change(&page, &format!("{page}/start"), &[]).await;
    assert_eq!(front.store.feed_replays().await, Ok(1));
    let mut reader = Visitor::signed_in(&front, READ).await;
    let html = reader.get(&page).await.html;
    for told in ["已完成", "已放回 1 / 1", "已放回", "待同步", &*format!("/console/events/{id}")] {
        assert!(html.contains(told), "{told} is not in {html}");
    }
    assert_eq!(html.matches("method=\"post\"").count(), 1, "who may only look has no buttons but to sign out");
    assert!(!html.contains("已修复"), "an operator's words are for operators");
    let file = reader.get(&format!("{page}/events.csv")).await;
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    let line = format!("{id},转为客户,c1,新建客户,已放回,待同步,");
    assert!(
        file.html.lines().nth(1).is_some_and(|row| row.starts_with(&id) && row.ends_with("新建客户,已放回,待同步,")),
        "{} {line}",
        file.html
    );
    assert_eq!(reader.get("/console/replays/7").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_replay_that_stands_still_says_why() {
    for (dispatches, reason) in [(false, "现在没有进展：ERP 拒绝登录"), (true, "新事件优先：很多客户正在排队")]
    {
        let front = Front::with(Wishes { dispatches, ..Wishes::default() }).await;
        ended(&front, "c0", Status::Dead, "refused", None).await;
        let mut visitor = Visitor::signed_in(&front, OPERATE).await;
        let page = made(&mut visitor, "refused").await;
        assert!(!visitor.get(&page).await.html.contains(reason), "a draft does not stand still");
        visitor.change(&page, &format!("{page}/start"), &[]).await;
        if dispatches {
            assert!(!visitor.get(&page).await.html.contains(reason), "there is room");
            for number in 1..=REPLAY_ROOM {
                front.post_event(&format!("w{number}"), &promoted(&format!("c{number}"))).await;
            }
        }
        assert!(visitor.get(&page).await.html.contains(reason), "{reason}");
        if dispatches {
            let shop = PauseScope::Kind("contact.promoted".into());
            front.store.pause(&shop, "盘点", None, &Actor::from("ops")).await.unwrap();
            while !front.store.claim(50, std::time::Duration::from_secs(60)).await.unwrap().is_empty() {}
            let html = visitor.get(&page).await.html;
            assert!(html.contains("很多客户因 ERP 设置问题或暂停在等"), "{html}");
        }
    }
}
