//! Whom the rules kept out, and what other rules would do.

use reqwest::StatusCode;
use serde_json::json;

use super::{search::message, visitor::Visitor};
use crate::front::{Front, OPERATE, READ, promoted};

/// Three contacts of whom one lacks a score, one a verified phone, and one both; and one that is admitted.
async fn kept_out() -> Front {
    let front = Front::open().await;
    front.post_event("w0", &promoted("c0")).await;
    for (contact, score, verified) in [("c1", 55, true), ("c2", 90, false), ("c3", 40, false)] {
        let mut event = promoted(contact);
        event["data"]["thread"]["score"] = json!(score);
        event["data"]["contact"]["phone_verified"] = json!(verified);
        front.post_event(contact, &event).await;
    }
    front
}

#[tokio::test]
async fn whom_the_rules_kept_out_is_listed_with_the_reason_and_counted_by_rule() {
    let front = kept_out().await;
    let page = Visitor::signed_in(&front, OPERATE).await.get("/console/not-admitted").await.html;
    assert_eq!(page.matches("<tr data-row").count(), 3, "{page}");
    for told in [
        "评分 55 低于 60",
        "手机号 138****1001 未验证",
        "<span class=\"n\">2</span><span><a href=\"/console/help#score\">评分达标</a></span>",
        "<span class=\"n\">2</span><span><a href=\"/console/help#phone_verified\">手机号已验证</a></span>",
        "<span class=\"n\">0</span><span><a href=\"/console/help#name_complete\">姓名完整</a></span>",
        "统计最近 3 条事件，3 个客户",
    ] {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    let read = Visitor::signed_in(&front, READ).await.get("/console/not-admitted").await.html;
    assert!(read.contains("评分达标") && !read.contains("低于 60"), "{read}");
}

#[tokio::test]
async fn other_rules_are_tried_on_what_came_without_writing_anything() {
    let front = kept_out().await;
    let before = front.stored().await;
    let mut visitor = Visitor::signed_in(&front, READ).await;
    for (query, expected) in [
        ("score=60", Some((0, 0))),
        ("score=55", Some((1, 1))),
        ("score=0", Some((1, 1))),
        ("score=60&rule=score", Some((1, 1))),
        ("score=40&rule=score&rule=name_complete", Some((3, 3))),
        ("rule=phone_verified", Some((1, 1))),
        ("rule=deal", Some((0, 0))),
        ("score=0&since=2030-01-01", Some((0, 0))),
        ("score=100", Some((0, 0))),
        ("score=100.1", None),
        ("score=-0.1", None),
        ("score=x", None),
        ("score=NaN", None),
        ("rule=charm", None),
    ] {
        let page = visitor.get(&format!("/console/not-admitted?what=if&{query}")).await;
        let Some((events, contacts)) = expected else {
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
            continue;
        };
        let told = format!("另有 {events} 条事件、{contacts} 个客户会准入");
        assert!(page.html.contains(&told), "{query}: {told} is not in {}", page.html);
    }
    assert_eq!(front.stored().await, before);
}

#[tokio::test]
async fn a_contact_s_later_events_are_judged_by_what_the_ledger_knows_of_it() {
    let front = kept_out().await;
    let mut unscored = promoted("c1");
    unscored["type"] = json!("sync.requested");
    unscored["data"].as_object_mut().unwrap().remove("thread");
    front.post_event("later", &unscored).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let page = visitor.get("/console/not-admitted?what=if&score=55").await.html;
    assert!(page.contains("另有 2 条事件、1 个客户会准入"), "its last score is 55: {page}");
    front.ledger("update events set payload = null").await;
    let page = visitor.get("/console/not-admitted?what=if&score=55").await.html;
    assert!(page.contains("另有 0 条事件、0 个客户会准入 · 4 条的内容已删除"), "{page}");
}

#[tokio::test]
async fn the_list_is_taken_away_as_a_file_with_ids_and_without_names() {
    let front = kept_out().await;
    let file = Visitor::signed_in(&front, OPERATE).await.get("/console/not-admitted.csv?type=contact.promoted").await;
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    let lines: Vec<&str> = file.html.lines().collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[0].starts_with("\u{feff}联系人编号,类型,收到,不符合,原因,事件"), "{lines:?}");
    assert!(
        lines[3].starts_with("c1,转为客户,2026-11-") && lines[3].contains("评分达标,评分 55 低于 60,"),
        "{lines:?}"
    );
    assert!(!file.html.contains("王小明") && !file.html.contains("13800001001"));
}

/// A deal is held when it is refused, and a stranger's message waits although nothing refuses it.
#[tokio::test]
async fn a_refused_deal_is_listed_counted_and_told_what_it_lacks_and_a_stranger_s_message_is_not() {
    let front = kept_out().await;
    let mut deal = promoted("c9");
    deal["type"] = json!("deal.closed");
    deal["data"]["thread"]["score"] = json!(12);
    deal["data"]["deal"] = json!({"id": "d-1", "title": "年单", "amount": "100.00"});
    let taken = front.post_event("w9", &deal).await;
    assert_eq!(taken.body["status"], "held", "{:?}", taken.body);
    let message = front.post_event("w8", &message("c8", "你好")).await;
    assert_eq!(message.body["status"], "held", "{:?}", message.body);
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let page = visitor.get("/console/not-admitted").await.html;
    assert_eq!(page.matches("<tr data-row").count(), 4, "{page}");
    for told in [
        "评分 12 低于 60",
        "<span class=\"n\">3</span><span><a href=\"/console/help#score\">评分达标</a></span>",
        "统计最近 4 条事件，4 个客户",
    ] {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    let what_if = visitor.get("/console/not-admitted?what=if&score=12").await.html;
    assert!(what_if.contains("另有 2 条事件、2 个客户会准入"), "{what_if}");
    let id = taken.body["id"].as_str().unwrap();
    let file = visitor.get("/console/not-admitted.csv?type=deal.closed").await.html;
    assert!(file.lines().count() == 2 && file.contains(id), "{file}");
    let page = visitor.get(&format!("/console/events/{id}")).await.html;
    let verdict = page.split_once("id=\"verdict\"").unwrap().1.split_once("</section>").unwrap().0;
    for told in ["href=\"/console/help#score\"", "class=\"button primary\" href=\"/console/contacts/c9\""] {
        assert!(verdict.contains(told), "{told} is not in {verdict}");
    }
    let waiting = format!("/console/events/{}", message.body["id"].as_str().unwrap());
    assert!(!visitor.get(&waiting).await.html.contains("去客户页手动同步"));
}

#[tokio::test]
async fn what_if_says_of_how_many_it_speaks_before_anybody_asks_and_in_both_languages() {
    let front = kept_out().await;
    let mut visitor = Visitor::signed_in(&front, READ).await;
    for path in ["/console/not-admitted", "/console/not-admitted?what=if&score=55"] {
        let page = visitor.get(path).await.html;
        assert!(page.contains("只试算最近 2,000 条未准入的事件") && page.contains("统计看最近 5,000 条"), "{page}");
    }
    visitor.get("/console/language?to=en&back=/console").await;
    let page = visitor.get("/console/not-admitted").await.html;
    for told in ["Only the newest 2,000 events", "by rule above are of the newest 5,000"] {
        assert!(page.contains(told), "{told} is not in {page}");
    }
}
