//! The list of events, and one event with what is done about it.

use std::time::Duration;

use erp_bridge::{clock::Millis, event::Status, store::Settlement};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::visitor::Visitor;
use crate::front::{Front, NOW, OPERATE, READ, promoted};

/// The first event, of this contact, which ends like this; answers its id.
pub async fn ended(front: &Front, contact: &str, to: Status, code: &str, review: Option<Value>) -> String {
    let end = Settlement { review, ..Settlement::to(to).because(code, "客户名称已存在") };
    ended_as(front, contact, end).await
}

/// A promotion of a contact that has ended so; its id.
pub async fn ended_as(front: &Front, contact: &str, end: Settlement) -> String {
    let id = front.post_event(contact, &promoted(contact)).await.body["id"].as_str().unwrap().to_owned();
    front.end(end).await;
    id
}

/// So many promotions that came just now, each of another contact, and stand like this.
pub async fn many(front: &Front, count: u32, status: Status, code: &str) {
    let (at, status) = (front.clock.now().0, status.as_str());
    let rows = format!(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < {count})
         insert into events (id, body_hash, kind, contact_id, status, received_at, payload, actor, force, attempts, error,
           error_code, updated_at, finished_at)
         select printf('01932f6e-0000-7000-8000-%012d', i), 'h', 'contact.promoted', 'many' || i, '{status}', {at}, '{{}}', 'w',
           0, 0, 'x', '{code}', {at}, case '{status}' when 'dead' then {at} end from n"
    );
    front.ledger(&rows).await;
}

/// How many of its events the list at this address shows.
pub async fn listed(visitor: &mut Visitor<'_>, path: &str) -> usize {
    let page = visitor.get(path).await;
    assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.html);
    page.html.matches("<tr data-row").count()
}

#[tokio::test]
async fn filters_stand_in_the_address_and_pages_go_on_where_the_last_one_ended() {
    let front = Front::open().await;
    ended(&front, "zhou", Status::Dead, "refused", None).await;
    for number in 0..5 {
        front.post_event(&format!("w{number}"), &promoted(&format!("c{number}"))).await;
    }
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    for (query, expected) in [
        ("", 6),
        ("?status=queued", 5),
        ("?contact_id=c3", 1),
        ("?q=zhou", 1),
        ("?code=refused", 1),
        ("?type=deal.closed", 0),
        ("?since=2026-11-01&until=2026-11-30", 6),
        ("?since=2026-12-01", 0),
        ("?limit=4", 4),
    ] {
        assert_eq!(listed(&mut visitor, &format!("/console/events{query}")).await, expected, "{query}");
    }
    let page = visitor.get("/console/events?limit=4&type=contact.promoted").await.html;
    let older = page.split('"').find(|part| part.contains("cursor=c")).unwrap().replace("&#38;", "&");
    assert!(older.contains("type=contact.promoted") && older.contains("limit=4"), "{older}");
    assert_eq!(listed(&mut visitor, &older).await, 2);
    assert!(visitor.get("/console/events?q=nothing").await.html.contains("没有符合条件的事件"));
}

#[tokio::test]
async fn what_is_tried_again_is_a_list_of_its_own() {
    let front = Front::open().await;
    front.post_event("w1", &promoted("c1")).await;
    let later = front.clock.now().plus(Duration::from_secs(300));
    let again = Settlement {
        next_attempt_at: Some(later),
        counts: true,
        ..Settlement::to(Status::Queued).because("timeout", "x")
    };
    front.end(again).await;
    front.post_event("w2", &promoted("c2")).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    assert_eq!(listed(&mut visitor, "/console/events?status=queued").await, 2);
    let page = visitor.get("/console/events?retrying=true").await.html;
    assert_eq!(page.matches("<tr data-row").count(), 1, "{page}");
    let at = later.erp_local();
    let told = format!(
        "第 2 次尝试：{}",
        if at[..10] == front.clock.now().erp_local()[..10] { &at[11..16] } else { &at[5..16] }
    );
    for told in ["retrying=true\" aria-current=\"true\">等待重试", &told] {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    assert_eq!(visitor.get("/console/events?retrying=1").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_dead_event_says_why_and_what_to_do_and_is_tried_again_by_one_click() {
    let front = Front::open().await;
    let id = ended(&front, "c1", Status::Dead, "refused", None).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let path = format!("/console/events/{id}");
    let page = visitor.get(&path).await.html;
    for told in ["客户名称已存在", "按 ERP 原话排除原因后重试", "立即重试", "同步失败，不再自动重试", "评分达标"]
    {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    let sent = visitor.change(&path, &format!("{path}/replay"), &[]).await;
    assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, format!("{path}?done=replayed").as_str()));
    assert!(visitor.get(sent.location()).await.html.contains("已放回队列"));
    assert_eq!(front.store.event(&id).await.unwrap().unwrap().status, Status::Queued);
    // Somebody else was faster.
    let again = visitor.change(&path, &format!("{path}/replay"), &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.html.contains("可能有人刚刚处理过"), "{}", again.html);
    let unsaid = visitor.change(&path, &format!("{path}/discard"), &[("reason", " ")]).await;
    assert_eq!(unsaid.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unsaid.html.contains("请写明原因"), "{}", unsaid.html);
    let given_up = visitor.change(&path, &format!("{path}/discard"), &[("reason", "重复")]).await;
    assert_eq!(given_up.status, StatusCode::SEE_OTHER);
    let audit = front.store.audit_log(None, 50).await.unwrap();
    let discard = audit.iter().find(|row| row.action == "event.discard").unwrap();
    assert_eq!((discard.actor.as_str(), discard.reason.as_deref()), ("ops", Some("重复")));
}

#[tokio::test]
async fn candidates_stand_side_by_side_and_the_right_one_is_linked() {
    let front = Front::open().await;
    let candidate =
        |ord: i64, name: &str| json!({"ord": ord, "name": name, "mobile": "13800001001", "salesperson": "李销售"});
    let review = json!({
        "matched_by": "mobile", "decisions": ["link", "recreate"],
        "candidates": [candidate(7_001, "王小明"), candidate(7_002, "王晓明")],
    });
    let id = ended(&front, "c1", Status::NeedsReview, "candidates", Some(review)).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let path = format!("/console/events/{id}");
    let page = visitor.get(&path).await.html;
    let fills = ["还空着的会补上：微信号；已有的不改", "只关联，不改客户资料"];
    for told in ["客户 7001", "客户 7002", "王晓明", "李销售", "关联到此客户", "都不是，新建客户"].iter().chain(&fills)
    {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    assert_eq!((page.matches("class=\"same\"").count(), page.matches("class=\"differs\"").count()), (3, 1));
    let read_out = |words: &str| page.matches(&format!("class=\"offscreen\">{words}</span>")).count();
    assert_eq!((read_out("相同"), read_out("不同")), (3, 1), "for who sees no colours");
    assert!(!page.contains("未生效，重新发送") && !page.contains("立即重试"), "only what is possible now");
    let seen_by_readers = Visitor::signed_in(&front, READ).await.get(&path).await.html;
    assert!(!seen_by_readers.contains("会补上") && !seen_by_readers.contains("只关联"), "{seen_by_readers}");
    for wrong in [&[("decision", "link")][..], &[("decision", "link"), ("ord", "x")], &[("decision", "nonsense")]] {
        let sent = visitor.change(&path, &format!("{path}/resolve"), wrong).await;
        assert_eq!(sent.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    }
    // A page that is older than the question decides nothing.
    let seen = page.split_once("name=\"updated_at\" value=\"").unwrap().1.split_once('"').unwrap().0;
    let decided = |seen| [("decision", "link"), ("ord", "7002"), ("updated_at", seen)];
    let old = visitor.change(&path, &format!("{path}/resolve"), &decided("2026-01-01T00:00:00.000+08:00")).await;
    assert_eq!(old.status, StatusCode::CONFLICT);
    assert!(old.html.contains("已有变化"), "{}", old.html);
    let sent = visitor.change(&path, &format!("{path}/resolve"), &decided(seen)).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.html);
    let event = front.store.event(&id).await.unwrap().unwrap();
    assert_eq!((event.status, &event.resolution.unwrap()["ord"]), (Status::Queued, &json!(7_002)));
}

#[tokio::test]
async fn a_dead_event_is_corrected_in_a_form_and_what_came_stays_beside_it() {
    let front = Front::open().await;
    let id = ended(&front, "c1", Status::Dead, "refused", None).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let path = format!("/console/events/{id}");
    let page = visitor.get(&path).await.html;
    for told in ["更正并重跑", "name=\"contact.name\" value=\"王小明\"", "name=\"thread.score\"", "重新规划并重试"]
    {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    let form = [
        ("contact.name", "<王大明>"),
        ("contact.phone", "138 0000 1001"),
        ("contact.phone_verified", "true"),
        ("thread.score", "x"),
        ("reason", "写错了"),
    ];
    let sent = visitor.change(&path, &format!("{path}/amend"), &form).await;
    assert_eq!(sent.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(sent.html.contains("评分：应为数字"), "{}", sent.html);
    let form = form.map(|(name, value)| (name, if name == "thread.score" { "88" } else { value }));
    let sent = visitor.change(&path, &format!("{path}/amend"), &form).await;
    assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, &*format!("{path}?done=amended")));
    let page = visitor.get(sent.location()).await.html;
    for told in ["已更正", "&#60;王大明&#62;", "更正后的内容", "王小明", "已更正，重新写入 ERP"]
    {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    assert!(!page.contains("name=\"contact.name\""), "one that is in its turn is not corrected");
    let row = front.store.event(&id).await.unwrap().unwrap();
    assert_eq!(row.status, Status::Queued);
    let amended: Value = serde_json::from_str(&row.amended.unwrap()).unwrap();
    assert_eq!(
        (&amended["data"]["contact"]["name"], &amended["data"]["thread"]["score"]),
        (&json!("<王大明>"), &json!(88.0))
    );
    assert!(row.payload.unwrap().contains("王小明"));
}

#[tokio::test]
async fn an_event_that_a_pause_keeps_back_says_so_in_its_state() {
    let front = Front::open().await;
    let id = front.post_event("w1", &promoted("c1")).await.body["id"].as_str().unwrap().to_owned();
    let pause = json!({"scope": "contact", "value": "c1", "reason": "核对"});
    front.rest(Method::POST, "/v1/dispatch/pause", OPERATE, &pause).await;
    front.store.claim(1, Duration::from_secs(60)).await.unwrap();
    let page = Visitor::signed_in(&front, READ).await.get(&format!("/console/events/{id}")).await.html;
    let head = page.split_once("id=\"head\"").unwrap().1.split_once("</div>").unwrap().0;
    assert!(head.contains("<span class=\"state warn\"") && head.contains(">派发已暂停</span>"), "{head}");
}

/// The platform may say 1 where it means true.
#[tokio::test]
async fn who_corrects_a_name_does_not_take_the_verified_number_away() {
    let front = Front::open().await;
    let id = ended(&front, "c1", Status::Dead, "refused", None).await;
    let mut came = promoted("c1");
    came["data"]["contact"]["phone_verified"] = json!(1);
    front.ledger(&format!("update events set payload = '{came}' where id = '{id}'")).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let path = format!("/console/events/{id}");
    let page = visitor.get(&path).await.html;
    assert!(page.contains("name=\"contact.phone_verified\" value=\"true\" checked"), "{page}");
    assert!(page.contains("<dt>手机已验证</dt><dd><bdi>是</bdi></dd>"), "{page}");
    let form = [
        ("contact.name", "王大明"),
        ("contact.phone", "138 0000 1001"),
        ("contact.phone_verified", "true"),
        ("contact.wechat_id", "wxm_1001"),
        ("thread.score", "82"),
        ("reason", "写错了"),
    ];
    let sent = visitor.change(&path, &format!("{path}/amend"), &form).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.html);
    let amended = front.store.event(&id).await.unwrap().unwrap().amended.unwrap();
    let amended: Value = serde_json::from_str(&amended).unwrap();
    assert_eq!(amended["data"]["contact"]["phone_verified"], json!(1), "{amended}");
}

#[tokio::test]
async fn an_event_behind_another_of_its_contact_says_so_and_leads_there() {
    let front = Front::open().await;
    let review = json!({ "step": "progress:1", "decisions": ["done"] });
    let first = ended(&front, "c1", Status::NeedsReview, "not_stored", Some(review)).await;
    let behind = front.post_event("w2", &promoted("c1")).await.body["id"].as_str().unwrap().to_owned();
    let mut reader = Visitor::signed_in(&front, READ).await;
    let page = reader.get(&format!("/console/events/{behind}")).await.html;
    assert!(page.contains("排在此联系人更早的事件之后（待处理）"), "{page}");
    assert!(page.contains(&format!("href=\"/console/events/{first}\"")), "{page}");
    let alone = reader.get(&format!("/console/events/{first}")).await.html;
    assert!(!alone.contains("排在此联系人"), "{alone}");
}

#[tokio::test]
async fn who_was_not_admitted_is_told_what_would_help_and_offered_no_button_that_does_nothing() {
    let front = Front::open().await;
    let mut event = promoted("c1");
    event["data"]["thread"]["score"] = json!(55);
    event["data"]["contact"]["name"] = json!("先生");
    let id = front.post_event("w1", &event).await.body["id"].as_str().unwrap().to_owned();
    let path = format!("/console/events/{id}");
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let page = visitor.get(&path).await.html;
    for told in [
        "href=\"/console/help#score\"",
        "href=\"/console/help#name_complete\"",
        "在微信中台补全真实姓名",
        "✗</span><span class=\"offscreen\">不符合</span> <a href=\"/console/help#score\"",
        "✓</span><span class=\"offscreen\">符合</span> <a href=\"/console/help#phone_verified\"",
        "微信平台补全资料后重新推送，会重新判断",
        "class=\"button primary\" href=\"/console/contacts/c1\"",
        "此事件的数据将于 2027-01-02 删除",
    ] {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    assert!(!page.contains("立即重试"), "{page}");
    let verdict = page.split_once("id=\"verdict\"").unwrap().1.split_once("</section>").unwrap().0;
    assert_eq!(verdict.matches("primary\"").count(), 1, "{verdict}");
    let reader = Visitor::signed_in(&front, READ).await.get(&path).await.html;
    assert!(reader.contains("在微信中台补全真实姓名") && !reader.contains("button primary"), "{reader}");
    // The contact has a score now, and somebody corrected the name: the rules would let it in.
    let mut better = event.clone();
    better["data"]["contact"]["name"] = json!("王小明");
    better["data"]["thread"]["score"] = json!(80);
    front.ledger(&format!("update events set amended = '{better}' where id = '{id}'")).await;
    let page = visitor.get(&path).await.html;
    assert!(page.contains("立即重试") && page.contains("按现在的规则和客户情况已符合"), "{page}");
}

#[tokio::test]
async fn what_waits_for_a_customer_is_not_offered_a_try_that_does_nothing() {
    let front = Front::open().await;
    let id =
        front.post_event("w1", &super::search::message("c1", "你好")).await.body["id"].as_str().unwrap().to_owned();
    let page = Visitor::signed_in(&front, OPERATE).await.get(&format!("/console/events/{id}")).await.html;
    assert!(page.contains("等待转客户") && !page.contains("立即重试"), "{page}");
}

#[tokio::test]
async fn the_way_of_an_event_shows_how_long_it_queued_and_until_when_it_is_kept() {
    let front = Front::open().await;
    let id = front.post_event("w1", &promoted("c1")).await.body["id"].as_str().unwrap().to_owned();
    front.link(7_001, "KH-2026").await;
    let begun = NOW.0 + 7_000;
    front
        .ledger(&format!(
            "insert into calls (event_id, number, step, interface, started_at, duration_ms, outcome, request, response)
             values ('{id}', 1, 'survey', '客户列表', {begun}, 120, 'ok', '{{}}', '<b>共 0 条</b>')"
        ))
        .await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let path = format!("/console/events/{id}");
    let page = visitor.get(&path).await.html;
    let sent = format!(">{}</time> · 120 毫秒", Millis(begun).erp_local());
    assert!(page.contains(&sent), "{sent} is not in {page}");
    for told in
        ["收到 7.0 秒 后开始处理", "此事件的数据将于 2027-01-02 删除", "data-copy=\"answer-4-1\"", "id=\"answer-4-1\""]
    {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    front.ledger("update events set payload = null").await;
    let page = visitor.get(&path).await.html;
    assert!(page.contains("此事件的记录将于 2027-02-16 删除"), "{page}");
    // The whole of it is a file; what readers see of it is masked.
    let file = visitor.get(&format!("{path}/event.json")).await;
    assert!(file.headers["content-disposition"].to_str().unwrap().ends_with(&format!("\"event-{id}.json\"")));
    assert!(file.html.contains("共 0 条"), "{}", file.html);
    let masked = Visitor::signed_in(&front, READ).await.get(&format!("{path}/event.json")).await.html;
    assert!(masked.contains(&id) && !masked.contains("共 0 条"), "{masked}");
}

#[tokio::test]
async fn what_an_address_says_wrongly_is_told_in_chinese_with_what_is_allowed() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    for (query, told, english) in [
        ("since=yesterday", "应为 RFC 3339 时间", "such as"),
        ("status=gone", "没有这个状态，可选 queued", "no such status"),
        ("limit=0", "应为 1 至 200 的数字", "a number"),
        ("cursor=x", "应为上一页给出的 next_cursor", "of the page before"),
        ("blocked=maybe", "应为 true 或 false", "or false"),
        ("code=X", "应为错误代码", "an error"),
    ] {
        let page = visitor.get(&format!("/console/events?{query}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(page.html.contains(told) && !page.html.contains(english), "{query}: {}", page.html);
    }
    let ask = visitor.get("/console/events/bulk?do=discard&id=7").await;
    assert!(ask.html.contains("应为事件编号") && !ask.html.contains("must be"), "{}", ask.html);
}
