//! Events are found by whom they are about, and lists name their contacts.

use erp_bridge::event::Status;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    events::{ended, listed},
    visitor::Visitor,
};
use crate::{
    front::{Front, OPERATE, READ, promoted},
    ledger::strangers::newer_bodies,
};

/// An address with something in its query.
fn encoded(path: &str, name: &str, value: &str) -> String {
    format!("{path}?{}", form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish())
}

/// A message that tells nothing of who its contact is.
pub fn message(contact: &str, content: &str) -> Value {
    json!({"type": "message.logged", "timestamp": "2026-11-23T15:04:05+08:00",
        "data": {"contact": {"id": contact}, "signal": {"id": format!("s-{contact}"), "content": content}}})
}

/// Somebody who is called so.
fn person(contact: &str, name: &str, phone: &str, wechat_id: &str) -> Value {
    let mut event = promoted(contact);
    for (member, value) in [("name", name), ("phone", phone), ("wechat_id", wechat_id)] {
        event["data"]["contact"][member] = json!(value);
    }
    event
}

#[tokio::test]
async fn events_are_found_by_whom_they_are_about_and_by_nothing_that_the_caller_may_not_see() {
    let front = Front::open().await;
    front.post_event("w1", &person("wang_1", "王小明", "+86 138-0000-1001", "wx_wang")).await;
    front.link(7_654_321, "KH-2026").await;
    front.post_event("w2", &message("wang_1", "你好")).await;
    let mut deal = person("c2", "Li Lei", "13900001002", "wx_lilei");
    deal["type"] = json!("deal.closed");
    deal["data"]["deal"] = json!({"id": "DEAL-77", "title": "年单"});
    front.post_event("w3", &deal).await;
    let (mut operator, mut reader) =
        (Visitor::signed_in(&front, OPERATE).await, Visitor::signed_in(&front, READ).await);
    for (q, for_operators, for_readers) in [
        ("王小明", 2, 0),
        ("138 0000 1001", 2, 0),
        ("008613800001001", 2, 0),
        ("WX_WANG", 2, 0),
        ("KH-2026", 2, 2),
        ("7654321", 2, 2),
        ("wang_1", 2, 2),
        ("w3", 1, 1),
        ("li lei", 1, 0),
        ("139 0000 1002", 1, 0),
        ("DEAL-77", 1, 0),
        ("s-wang_1", 1, 0),
        ("李雷", 0, 0),
        ("00000000", 0, 0),
    ] {
        let path = encoded("/console/events", "q", q);
        assert_eq!(listed(&mut operator, &path).await, for_operators, "{q}");
        assert_eq!(listed(&mut reader, &path).await, for_readers, "{q} for a reader");
        let path = encoded("/v1/events", "q", q);
        for (token, expected) in [(OPERATE, for_operators), (READ, for_readers)] {
            let found = front.rest(Method::GET, &path, token, &Value::Null).await.body;
            assert_eq!(found["items"].as_array().map(Vec::len), Some(expected), "{q}: {found}");
        }
    }
    // A 客户编号 that looks like a number is not shown to readers, and finds nothing for them.
    front.ledger("update contacts set khid = 'K13800001001'").await;
    for q in ["K13800001001", "3800001"] {
        let path = encoded("/console/events", "q", q);
        assert_eq!((listed(&mut operator, &path).await, listed(&mut reader, &path).await), (2, 0), "{q}");
        let contacts = encoded("/console/contacts", "q", q);
        assert_eq!((listed(&mut operator, &contacts).await, listed(&mut reader, &contacts).await), (1, 0), "{q}");
    }
    // Other filters narrow what was found, pages go on, and what is done about all of them means the same ones.
    let wang = |more: &str| encoded("/console/events", "q", "王小明") + more;
    assert_eq!(listed(&mut operator, &wang("&type=message.logged")).await, 1);
    assert_eq!(listed(&mut operator, &wang("&since=2030-01-01")).await, 0);
    let first = operator.get(&wang("&limit=1")).await.html;
    let older = first.split('"').find(|part| part.contains("cursor=c")).unwrap().replace("&#38;", "&");
    let second = operator.get(&older).await.html;
    assert!(first.contains("聊天记录") && second.contains("转为客户") && !second.contains("cursor=c"), "{second}");
    let all = wang("&all=true&do=discard&status=queued").replace("/events?", "/events/bulk?");
    assert!(operator.get(&all).await.html.contains("约 1 条"), "the message waits, the other is done");
}

/// However many have come since, nobody reads their bodies for it.
#[tokio::test]
async fn the_events_of_a_linked_contact_are_found_behind_however_many_others() {
    let front = Front::open().await;
    let id = front.post_event("w1", &person("wang_1", "王小明", "13800001001", "wx_wang")).await.body["id"].clone();
    front.link(7_654_321, "KH-2026").await;
    front
        .ledger(
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 25000)
             insert into events (seq, id, body_hash, kind, contact_id, status, received_at, actor, force, attempts, updated_at, finished_at)
             select 1000 + i, 'e' || i, '', 'x', 'other' || i, 'ignored', 1795000000000, 'webhook', 0, 0, 1795000000000, 1795000000000 from n",
        )
        .await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    for q in ["王小明", "13800001001", "KH-2026", "7654321", "w1"] {
        let page = visitor.get(&encoded("/console/events", "q", q)).await.html;
        assert!(page.contains(id.as_str().unwrap()), "{q}: {page}");
    }
}

/// Whom nobody has made a customer is found by upkeep's notes, and by who may see it.
#[tokio::test]
async fn the_events_of_a_stranger_are_found_behind_however_many_others_and_not_by_readers() {
    let front = Front::open().await;
    front.post_event("w1", &person("wang_1", "王小明", "13800001001", "wx_wang")).await;
    front.ledger(&newer_bodies()).await;
    while front.store.note_strangers().await.unwrap() {}
    let (mut operator, mut reader) =
        (Visitor::signed_in(&front, OPERATE).await, Visitor::signed_in(&front, READ).await);
    for q in ["王小明", "138 0000 1001", "WX_WANG"] {
        let path = encoded("/console/events", "q", q);
        assert_eq!((listed(&mut operator, &path).await, listed(&mut reader, &path).await), (1, 0), "{q}");
        for (token, expected) in [(OPERATE, 1), (READ, 0)] {
            let found = front.rest(Method::GET, &encoded("/v1/events", "q", q), token, &Value::Null).await.body;
            assert_eq!(found["items"].as_array().map(Vec::len), Some(expected), "{q}: {found}");
        }
    }
}

#[tokio::test]
async fn lists_name_their_contacts_masked_for_readers() {
    let front = Front::open().await;
    ended(&front, "c2", Status::Dead, "refused", None).await;
    front.post_event("w1", &person("wang_1", "Wang Xiaoming", "13800001001", "wx_wang")).await;
    front.link(7_654_321, "KH-2026").await;
    // Neither of these tells a name; one is of a contact whose link does.
    front.post_event("w2", &message("wang_1", "你好")).await;
    front.post_event("w3", &message("c9", "你好")).await;
    let (mut operator, mut reader) =
        (Visitor::signed_in(&front, OPERATE).await, Visitor::signed_in(&front, READ).await);
    for (path, clear, masked, count) in [
        ("/console/events", "Wang Xiaoming", "W*g", 2),
        ("/console/events?type=message.logged", "Wang Xiaoming", "W*g", 1),
        ("/console/todo?cause=refused", "王小明", "王*明", 1),
        ("/console/contacts", "Wang Xiaoming", "W*g", 1),
    ] {
        let (plain, hidden) = (operator.get(path).await.html, reader.get(path).await.html);
        let shown = |page: &str, name: &str| page.matches(&format!(">{name}<")).count();
        assert_eq!(shown(&plain, clear), count, "{path}: {plain}");
        assert_eq!((shown(&hidden, masked), hidden.contains(clear)), (count, false), "{path}: {hidden}");
    }
    assert!(operator.get("/console/events").await.html.contains("<bdi class=\"id\">c9</bdi>"), "nobody knows its name");
}
