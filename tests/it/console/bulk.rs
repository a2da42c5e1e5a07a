//! Many events at once: chosen one by one, or all that match; said in words first, then done by the server.

use std::time::Duration;

use erp_bridge::{
    event::Status,
    store::{NewBlock, Settlement},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    events::{ended, ended_as, many},
    visitor::{MINUTE, Visitor},
};
use crate::front::{Front, OPERATE, READ, promoted};

const PATH: &str = "/console/events/bulk";

/// How many events are in this state.
async fn count(front: &Front, status: Status) -> usize {
    let filter = erp_bridge::store::EventFilter { statuses: vec![status], ..Default::default() };
    front.store.list_events(&filter, None, 200).await.unwrap().len()
}

#[tokio::test]
async fn ticked_events_are_given_up_with_a_reason_after_the_effect_was_said_and_no_other() {
    let front = Front::open().await;
    let mut dead = Vec::new();
    for number in 0..3 {
        dead.push(ended(&front, &format!("c{number}"), Status::Dead, "refused", None).await);
    }
    let waiting = front.post_event("w9", &promoted("c9")).await.body["id"].as_str().unwrap().to_owned();
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let list = visitor.get("/console/events").await.html;
    assert!(list.contains(&format!("name=\"id\" value=\"{}.dead\"", dead[0])), "{list}");
    assert!(list.contains("aria-label=\"勾选 转为客户 王小明 c0 2026-"), "which one it is: {list}");
    let ask = format!("{PATH}?do=discard&id={}&id={}&id={waiting}", dead[0], dead[1]);
    let page = visitor.get(&ask).await.html;
    for told in [
        "批量放弃",
        "约 3 条，",
        "data-age>刚刚</time>统计",
        "这些事件将被放弃",
        "勾选的 3 条",
        "不再写入 ERP",
        "autofocus>取消",
    ] {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    assert_eq!(count(&front, Status::Dead).await, 3, "nothing happened yet");
    let form = [("do", "discard"), ("id", &*dead[0]), ("id", &*dead[1]), ("id", &*waiting), ("reason", "测试数据")];
    let sent = visitor.change(&ask, PATH, &form).await;
    assert_eq!(sent.location(), "/console/events?status=discarded&done=discarded_many&count=3", "{}", sent.html);
    assert!(visitor.get(sent.location()).await.html.contains("role=\"status\">已放弃 3 条</p>"));
    assert_eq!((count(&front, Status::Dead).await, count(&front, Status::Discarded).await), (1, 3));
    let audit = front.store.audit_log(None, 50).await.unwrap();
    let deeds: Vec<_> = audit.iter().filter(|row| row.action == "event.discard").collect();
    assert!(deeds.len() == 3 && deeds.iter().all(|row| row.reason.as_deref() == Some("测试数据")), "{deeds:?}");
    let without = visitor.change(&ask, PATH, &form[..4]).await;
    assert!(without.status == StatusCode::UNPROCESSABLE_ENTITY && without.html.contains("请写明原因"));
    // Somebody else was faster.
    let again = visitor.get(&ask).await.html;
    assert!(again.contains("现在都不能这样做") && !again.contains(">放弃这些事件<"), "{again}");
}

#[tokio::test]
async fn all_that_match_are_more_than_the_page_shows_and_become_a_replay() {
    let front = Front::open().await;
    for number in 0..5 {
        ended(&front, &format!("c{number}"), Status::Dead, "refused", None).await;
    }
    ended(&front, "other", Status::Dead, "invalid", None).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let list = "/console/events?status=dead%2Cneeds_review&code=refused&limit=2";
    let html = visitor.get(list).await.html;
    assert_eq!(html.matches("<tr data-row").count(), 2);
    for told in ["name=\"all\"", "<input type=\"hidden\" name=\"code\" value=\"refused\">", "原因：ERP 拒绝"] {
        assert!(html.contains(told), "{told} is not in {html}");
    }
    assert!(!visitor.get("/console/events").await.html.contains("name=\"all\""), "nothing narrows them");
    let ask = format!("{PATH}?do=replay&all=true&status=dead%2Cneeds_review&code=refused");
    let page = visitor.get(&ask).await.html;
    for told in [
        "约 5 条，",
        "可以重放的事件会成为一次重放",
        "状态 同步失败",
        "先看会写入什么",
        "/console/events?status=dead%2Cneeds_review",
    ] {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    let form = [("do", "replay"), ("all", "true"), ("status", "dead"), ("code", "refused"), ("reason", "已修复")];
    let sent = visitor.change(&ask, PATH, &form).await;
    let replay = visitor.get(sent.location()).await.html;
    assert!(replay.contains("共 5 条，还没有开始") && replay.contains("已修复"), "{replay}");
    assert_eq!(count(&front, Status::Dead).await, 6, "a draft does nothing");
}

#[tokio::test]
async fn where_no_state_is_chosen_the_dead_are_meant_and_the_page_says_so() {
    let front = Front::open().await;
    ended(&front, "c1", Status::Dead, "refused", None).await;
    ended(&front, "c2", Status::NeedsReview, "candidates", Some(json!({"decisions": []}))).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let ask = format!("{PATH}?do=discard&all=true&q=c");
    let page = visitor.get(&ask).await.html;
    for told in ["约 1 条，", "状态 同步失败", "name=\"status\" value=\"dead\""] {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    let form = [("do", "discard"), ("all", "true"), ("status", "dead"), ("q", "c"), ("reason", "旧")];
    assert_eq!(visitor.change(&ask, PATH, &form).await.status, StatusCode::SEE_OTHER);
    assert_eq!((count(&front, Status::Discarded).await, count(&front, Status::NeedsReview).await), (1, 1));
    // Nobody was faster: those that match are in other states.
    let none = visitor.get(&ask).await.html;
    assert!(none.contains("符合条件的事件中没有“同步失败”的") && !none.contains(">放弃这些事件<"), "{none}");
}

#[tokio::test]
async fn what_comes_after_the_count_is_neither_replayed_nor_given_up_with_the_rest() {
    let front = Front::open().await;
    for contact in ["c1", "c2"] {
        ended(&front, contact, Status::Dead, "refused", None).await;
    }
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let asked = ["do=replay", "do=discard&until=2099-01-01"];
    let asked = asked.map(|what| format!("{PATH}?{what}&all=true&code=refused"));
    let mut shown = Vec::new();
    for ask in &asked {
        let page = visitor.get(ask).await.html;
        let (_, until) = page.split_once("name=\"until\" value=\"").expect("the form says when they were counted");
        assert!(page.contains("约 2 条，"), "{page}");
        shown.push(until.split('"').next().unwrap().to_owned());
    }
    front.clock.advance(MINUTE);
    ended(&front, "c3", Status::Dead, "refused", None).await;
    let form =
        |deed: &'static str| [("do", deed), ("all", "true"), ("code", "refused"), ("reason", "旧"), ("counted", "2")];
    let replay = [&form("replay")[..], &[("until", shown[0].as_str())]].concat();
    let replay = visitor.change(&asked[0], PATH, &replay).await.location().to_owned();
    let draft = visitor.get(&replay).await.html;
    assert!(draft.contains("共 2 条，还没有开始"), "{draft}");
    let discard = [&form("discard")[..], &[("until", shown[1].as_str())]].concat();
    let sent = visitor.change(&asked[1], PATH, &discard).await;
    assert!(sent.location().ends_with("done=discarded_many&count=2"), "{}", sent.location());
    assert_eq!((count(&front, Status::Discarded).await, count(&front, Status::Dead).await), (2, 1));
}

#[tokio::test]
async fn who_gives_up_more_than_were_counted_is_told_how_many_more() {
    let front = Front::open().await;
    ended(&front, "c1", Status::Dead, "refused", None).await;
    let waiting = front.post_event("w2", &promoted("c2")).await;
    assert_eq!(waiting.status, StatusCode::ACCEPTED);
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let ask = format!("{PATH}?do=discard&all=true&q=c");
    assert!(visitor.get(&ask).await.html.contains("约 1 条，"));
    // It was there before the count, and came to this state after it.
    front.end(Settlement::to(Status::Dead).because("refused", "没有")).await;
    let form = [("do", "discard"), ("all", "true"), ("q", "c"), ("reason", "旧"), ("counted", "1")];
    let sent = visitor.change(&ask, PATH, &form).await;
    assert!(sent.location().ends_with("done=discarded_more&count=2&moved=1"), "{}", sent.location());
    let said = visitor.get(sent.location()).await.html;
    assert!(said.contains("role=\"status\">已放弃 2 条，比统计时多 1 条"), "{said}");
}

#[tokio::test]
async fn what_narrows_nothing_cannot_be_done_or_is_nobody_s_right_is_refused() {
    let front = Front::open().await;
    ended(&front, "c1", Status::Dead, "refused", None).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    for (query, status, told) in [
        ("do=discard", 422, "请先勾选事件"),
        ("do=discard&all=true", 422, "请先选择或筛选"),
        ("do=discard&all=true&status=succeeded", 422, "这些状态下不能这样做"),
        ("do=replay&all=true&blocked=true", 422, "请在“ERP 连接”里恢复派发"),
        ("do=discard&all=true&blocked=false", 422, "只能是 true"),
        ("do=discard&all=true&retrying=1", 400, "true"),
        ("do=discard&all=true&since=yesterday", 422, "RFC 3339"),
        ("do=burn&all=true&q=x", 404, ""),
    ] {
        let asked = visitor.get(&format!("{PATH}?{query}")).await;
        assert_eq!(asked.status.as_u16(), status, "{query}: {}", asked.html);
        assert!(asked.html.contains(told), "{query}: {}", asked.html);
        let fields: Vec<_> = query.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
        let sent = visitor.change("/console/events", PATH, &fields).await;
        assert_eq!(sent.status.as_u16(), status, "{query}: {}", sent.html);
    }
    let foreign = visitor.send(PATH, &[("do", "discard"), ("all", "true"), ("q", "c1")]).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN, "a form without the session's secret");
    let mut reader = Visitor::signed_in(&front, READ).await;
    let asked = reader.get(&format!("{PATH}?do=discard&all=true&q=c1")).await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);
    let list = reader.get("/console/events?q=c1").await.html;
    assert!(!list.contains("type=\"checkbox\"") && !list.contains("批量"), "{list}");
    assert_eq!(count(&front, Status::Dead).await, 1);
}

#[tokio::test]
async fn rest_gives_up_all_that_match_and_counts_first() {
    let front = Front::open().await;
    ended(&front, "c1", Status::Dead, "refused", None).await;
    ended(&front, "c2", Status::NeedsReview, "candidates", Some(json!({"decisions": []}))).await;
    front.post_event("w3", &promoted("c3")).await;
    let discard = async |body| front.rest(Method::POST, "/v1/events/discard", OPERATE, &body).await;
    let counted = discard(json!({"status": "dead,needs_review,queued", "dry_run": true})).await;
    assert_eq!(counted.body, json!({"discarded": 0, "would_discard": 3}));
    let dead = discard(json!({"q": "c", "reason": "旧"})).await;
    assert_eq!(dead.body, json!({"discarded": 1}), "the dead where no state is named");
    for wrong in [json!({}), json!({"status": "succeeded"}), json!({"ids": ["7"]})] {
        assert_eq!(discard(wrong.clone()).await.status.as_u16(), 422, "{wrong}");
    }
    let left = front.store.list_events(&Default::default(), None, 9).await.unwrap();
    let ids: Vec<_> = left.iter().map(|row| row.id.clone()).collect();
    assert_eq!(discard(json!({"ids": ids})).await.body, json!({"discarded": 2}));
    assert_eq!(count(&front, Status::Discarded).await, 3);
}

#[tokio::test]
async fn more_than_ten_thousand_are_not_given_up_at_once_and_who_wants_it_is_told_what_to_do() {
    let front = Front::open().await;
    ended(&front, "c1", Status::Dead, "refused", None).await;
    many(&front, 10_000, Status::Dead, "invalid").await;
    let discard = async |body| front.rest(Method::POST, "/v1/events/discard", OPERATE, &body).await;
    let refused = discard(json!({"status": "dead"})).await;
    let told = refused.body["errors"][0]["message"].as_str().unwrap_or_default().to_owned();
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{:?}", refused.body);
    assert!(told.contains("一次最多放弃 10000 条，现在有 10001 条符合") && told.contains("narrow them"), "{told}");
    assert_eq!(discard(json!({"status": "dead", "dry_run": true})).await.body["would_discard"], 10_001);
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let asked = visitor.get(&format!("{PATH}?do=discard&all=true&status=dead")).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(asked.html.contains("缩小范围，分几次放弃") && !asked.html.contains("narrow them"), "{}", asked.html);
    let fits = visitor.get(&format!("{PATH}?do=discard&all=true&status=dead&code=invalid")).await.html;
    assert!(fits.contains("约 10,000 条，") && fits.contains(">放弃这些事件<"), "{fits}");
    assert_eq!(discard(json!({"code": "refused"})).await.body, json!({"discarded": 1}));
    assert_eq!(front.store.audit_log(None, 9).await.unwrap().len(), 2, "who signed in, and the one that was given up");
}

#[tokio::test]
async fn who_gives_many_up_is_told_how_many_were_where_it_breaks_off() {
    let front = Front::open().await;
    for number in 0..3 {
        ended(&front, &format!("c{number}"), Status::Dead, "refused", None).await;
    }
    let breaks = "create trigger breaks before insert on audit
        when new.action = 'event.discard' and (select count(*) from audit where action = 'event.discard') = 2
        begin select raise(abort, 'no'); end";
    front.ledger(breaks).await;
    let body = json!({"status": "dead", "reason": "旧"});
    let told = front.rest(Method::POST, "/v1/events/discard", OPERATE, &body).await;
    assert_eq!((told.status.as_u16(), told.problem()), (503, "store_unavailable"), "{:?}", told.body);
    assert!(told.body["detail"].as_str().unwrap().contains("已处理 2 条，其余未变"), "{:?}", told.body);
    assert_eq!((count(&front, Status::Discarded).await, count(&front, Status::Dead).await), (2, 1));
    let form = [("do", "discard"), ("all", "true"), ("status", "dead"), ("reason", "旧")];
    let none = Visitor::signed_in(&front, OPERATE).await.change("/console/events", PATH, &form).await;
    assert!(none.status.is_client_error() || none.status.is_server_error(), "{}", none.html);
    assert!(!none.html.contains("已处理"), "nothing was done before it: {}", none.html);
    front.ledger("drop trigger breaks").await;
    let done = Visitor::signed_in(&front, OPERATE).await.change("/console/events", PATH, &form).await;
    assert!(done.location().ends_with("count=1"), "{}", done.html);
}

/// Events of these contacts that failed once and are tried again in twelve hours.
async fn retrying(front: &Front, contacts: &[&str]) {
    let later = Some(front.clock.now().plus(Duration::from_secs(43_200)));
    for contact in contacts {
        let to = Settlement::to(Status::Queued).because("timeout", "没有应答");
        ended_as(front, contact, Settlement { next_attempt_at: later, counts: true, ..to }).await;
    }
}

#[tokio::test]
async fn all_that_wait_for_their_next_try_become_a_replay_that_has_them_tried_now() {
    let front = Front::open().await;
    retrying(&front, &["c1", "c2", "c3"]).await;
    ended(&front, "c4", Status::Dead, "refused", None).await;
    front.post_event("w5", &promoted("c5")).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let list = visitor.get("/console/events?retrying=true&limit=2").await.html;
    for told in ["name=\"all\"", "批量重放", "<input type=\"hidden\" name=\"retrying\" value=\"true\">"] {
        assert!(list.contains(told), "{told} is not in {list}");
    }
    let ask = format!("{PATH}?do=replay&all=true&retrying=true");
    let page = visitor.get(&ask).await.html;
    for told in ["约 3 条，", "状态 待同步 · 等待重试", "等待重试的会提前再试", "name=\"retrying\" value=\"true\""]
    {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    let form =
        [("do", "replay"), ("all", "true"), ("status", "queued"), ("retrying", "true"), ("reason", "网络已恢复")];
    let replay = visitor.change(&ask, PATH, &form).await.location().to_owned();
    let page = visitor.get(&replay).await.html;
    assert!(page.contains("共 3 条，还没有开始") && page.contains("等待重试"), "{page}");
    front.store.claim(1, Duration::from_secs(60)).await.unwrap();
    assert!(front.store.claim(9, Duration::from_secs(60)).await.unwrap().is_empty(), "a draft does nothing");
    visitor.change(&replay, &format!("{replay}/start"), &[]).await;
    assert_eq!(front.store.feed_replays().await, Ok(3));
    assert_eq!(front.store.claim(9, Duration::from_secs(60)).await.unwrap().len(), 3, "they are tried now");
}

#[tokio::test]
async fn what_is_chosen_for_its_next_try_and_is_tried_meanwhile_is_passed_over() {
    let front = Front::open().await;
    retrying(&front, &["c1", "c2"]).await;
    let made = front.rest(Method::POST, "/v1/replays", OPERATE, &json!({"retrying": true})).await;
    assert_eq!((made.status, &made.body["events"]), (StatusCode::CREATED, &json!(2)), "{:?}", made.body);
    let first = front.store.list_events(&Default::default(), None, 9).await.unwrap().remove(1).id;
    front.store.replay(&first, &"colleague".into(), None, None).await.unwrap();
    let replay = format!("/v1/replays/{}", made.body["id"].as_str().unwrap());
    front.rest(Method::POST, &format!("{replay}/start"), OPERATE, &json!({})).await;
    assert_eq!(front.store.feed_replays().await, Ok(1));
    let seen = front.rest(Method::GET, &replay, READ, &Value::Null).await.body;
    assert_eq!((&seen["put_back"], &seen["passed_over"], &seen["state"]), (&json!(1), &json!(1), &json!("done")));
}

#[tokio::test]
async fn all_that_is_blocked_or_tried_again_is_given_up_and_nothing_else_that_is_queued() {
    let front = Front::open().await;
    for contact in ["b1", "b2"] {
        let block = NewBlock {
            code: "choice_missing",
            subject: "客户来源".into(),
            words: "没有".into(),
            pause: Duration::from_secs(5),
            is_met: true,
        };
        let to = Settlement::to(Status::Queued).because("choice_missing", "没有");
        ended_as(&front, contact, Settlement { blocked: Some(block), ..to }).await;
    }
    retrying(&front, &["c1"]).await;
    front.post_event("w9", &promoted("fresh")).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let list = visitor.get("/console/events?blocked=true").await.html;
    assert!(list.contains("name=\"all\"") && list.contains("批量放弃"), "{list}");
    assert!(!list.contains("批量重放") && list.contains("查看 ERP 要改什么"), "a replay cannot help: {list}");
    for (filter, label, count) in [("blocked", "暂停：缺设置", 2), ("retrying", "等待重试", 1)] {
        let ask = format!("{PATH}?do=discard&all=true&{filter}=true");
        let page = visitor.get(&ask).await.html;
        assert!(page.contains(&format!("约 {count} 条，")) && page.contains(label), "{page}");
        let form = [("do", "discard"), ("all", "true"), (filter, "true"), ("reason", "旧"), ("counted", "2")];
        let done = visitor.change(&ask, PATH, &form).await;
        let said = visitor.get(done.location()).await.html;
        assert!(said.contains(&format!("role=\"status\">已放弃 {count} 条")), "{said}");
        assert_eq!(said.contains("另有 1 条没有放弃"), count == 1, "as the page had counted two: {said}");
    }
    assert_eq!((count(&front, Status::Discarded).await, count(&front, Status::Queued).await), (3, 1));
}
