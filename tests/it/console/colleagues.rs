//! Two people at once: one decides what the other is looking at; the second is told, and nothing happens twice.

use std::time::Duration;

use erp_bridge::{
    event::{Link, LinkKind, LinkedBy, Status},
    store::PauseScope,
};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{events::ended, visitor::Visitor};
use crate::front::{Front, OPERATE, promoted};

/// When the event had last changed, as its page says it.
pub fn seen(page: &str) -> String {
    page.split_once("name=\"updated_at\" value=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
}

/// What a contact or a pause was, as the forms of its page say it.
fn shown(page: &str) -> String {
    page.split_once("name=\"seen\" value=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
}

/// A door whose contact `c1` is linked to customer 7001.
async fn linked() -> Front {
    let front = Front::open().await;
    front.post_event("w1", &promoted("c1")).await;
    front.link(7_001, "WXc1").await;
    front
}

#[tokio::test]
async fn who_orders_from_an_old_page_of_a_contact_is_told_and_nothing_is_ordered_twice() {
    let front = linked().await;
    let mut first = Visitor::signed_in(&front, OPERATE).await;
    let mut second = Visitor::signed_in(&front, OPERATE).await;
    let page = "/console/contacts/c1";
    for (order, form, field) in [
        ("assign", "/console/contacts/c1/assign", ("user", "63")),
        ("apply", page, ("", "")),
        ("approval", page, ("approve", "true")),
        ("takeback", page, ("", "")),
        ("sync", page, ("name", "王小明")),
    ] {
        let (old, key) = (shown(&second.get(form).await.html), format!("first-{order}"));
        let path = format!("{page}/{order}");
        let sent = first.change(page, &path, &[field, ("key", &*key), ("seen", &*old)]).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{order}: {}", sent.html);
        let stored = front.stored().await;
        let told = second.change(page, &path, &[field, ("key", "second"), ("seen", &*old)]).await;
        assert_eq!(told.status, StatusCode::CONFLICT, "{order}: {}", told.html);
        assert!(told.html.contains("可能有人刚刚处理过"), "{order}: {}", told.html);
        let again = first.change(page, &path, &[field, ("key", &*key), ("seen", &*old)]).await;
        assert_eq!(again.location(), sent.location(), "{order}: a form that is sent twice");
        assert_eq!(front.stored().await, stored, "{order}");
    }
    let by_rest = front.rest(Method::POST, "/v1/contacts/c1/apply", OPERATE, &json!({})).await;
    assert_eq!(by_rest.status, StatusCode::ACCEPTED, "a program says nothing of what it saw");
}

#[tokio::test]
async fn what_was_previewed_from_an_old_page_is_not_synced() {
    let front = linked().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let page = "/console/contacts/c1";
    let old = shown(&visitor.get(page).await.html);
    let fields = [("name", "王小明"), ("phone", "13800001001"), ("seen", &*old)];
    let preview = visitor.change(page, &format!("{page}/preview"), &fields).await.html;
    assert_eq!(shown(&preview), old, "{preview}");
    let sync = json!({"contact": {"name": "王小明", "phone": "13800001001"}});
    let other = front.rest(Method::POST, "/v1/contacts/c1/sync", OPERATE, &sync).await;
    assert_eq!(other.status, StatusCode::ACCEPTED, "{:?}", other.body);
    let told = visitor.change(page, &format!("{page}/sync"), &fields).await;
    assert_eq!(told.status, StatusCode::CONFLICT, "{}", told.html);
}

#[tokio::test]
async fn an_order_of_another_kind_makes_no_page_of_a_contact_old_and_a_changed_link_every_page() {
    let front = linked().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let page = "/console/contacts/c1";
    let sync = json!({"contact": {"name": "王小明", "phone": "13800001001"}});
    let old = shown(&visitor.get(page).await.html);
    front.rest(Method::POST, "/v1/contacts/c1/sync", OPERATE, &sync).await;
    let order = [("user", "63"), ("seen", &*old), ("key", "k1")];
    let sent = visitor.change(page, &format!("{page}/assign"), &order).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "a sync says nothing of who has the customer: {}", sent.html);
    let old = shown(&visitor.get(page).await.html);
    front.rest(Method::POST, "/v1/contacts/c1/takeback", OPERATE, &json!({})).await;
    let fields = [("name", "王小明"), ("phone", "13800001001"), ("seen", &*old), ("key", "k2")];
    let sent = visitor.change(page, &format!("{page}/sync"), &fields).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.html);
    let told = visitor.change(page, &format!("{page}/assign"), &[("user", "71"), ("seen", &*old)]).await;
    assert_eq!(told.status, StatusCode::CONFLICT, "somebody took it back meanwhile: {}", told.html);
    let old = shown(&visitor.get(page).await.html);
    front.ledger("update contacts set ord = 7002 where contact_id = 'c1'").await;
    for (order, field) in [("sync", ("name", "王小明")), ("assign", ("user", "63"))] {
        let told = visitor.change(page, &format!("{page}/{order}"), &[field, ("seen", &*old)]).await;
        assert_eq!(told.status, StatusCode::CONFLICT, "{order}: {}", told.html);
    }
}

#[tokio::test]
async fn a_newer_link_is_not_undone_from_an_old_page() {
    let front = linked().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let (page, path) = ("/console/contacts/c1", "/console/contacts/c1/unlink");
    let old = shown(&visitor.get(page).await.html);
    front.store.unlink("c1", &"colleague".into(), None, None).await.unwrap();
    let told = visitor.change(page, path, &[("reason", "认错人"), ("seen", &*old)]).await;
    assert_eq!(told.status, StatusCode::CONFLICT, "it is undone already: {}", told.html);
    let link = Link { ord: 7_002, khid: "WX2".into(), kind: LinkKind::Person, linked_by: LinkedBy::Operator };
    front.store.adopt("c1", &link, "", true, &"colleague".into()).await.unwrap();
    let told = visitor.change(page, path, &[("reason", "认错人"), ("seen", &*old)]).await;
    assert_eq!(told.status, StatusCode::CONFLICT, "{}", told.html);
    assert!(told.html.contains("可能有人刚刚处理过"), "{}", told.html);
    assert_eq!(front.store.contact("c1").await.unwrap().unwrap().link.ord, 7_002);
    let now = shown(&visitor.get(page).await.html);
    let done = visitor.change(page, path, &[("reason", "认错人"), ("seen", &*now)]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.html);
}

#[tokio::test]
async fn a_newer_pause_is_not_lifted_from_an_old_page() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let (page, path) = ("/console/erp", "/console/erp/unpause");
    front.store.pause(&PauseScope::All, "盘点", None, &"ops".into()).await.unwrap();
    let old = shown(&visitor.get(page).await.html);
    front.store.pause(&PauseScope::All, "升级", None, &"colleague".into()).await.unwrap();
    let told = visitor.change(page, path, &[("scope", "all"), ("seen", &*old)]).await;
    assert_eq!(told.status, StatusCode::CONFLICT, "{}", told.html);
    assert_eq!(front.store.pauses().await.unwrap()[0].reason, "升级");
    let now = shown(&visitor.get(page).await.html);
    let done = visitor.change(page, path, &[("scope", "all"), ("seen", &*now)]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.html);
    let told = visitor.change(page, path, &[("scope", "all"), ("seen", &*now)]).await;
    assert_eq!(told.status, StatusCode::CONFLICT, "who comes second is told: {}", told.html);
    assert!(told.html.contains("可能有人刚刚处理过"), "{}", told.html);
}

#[tokio::test]
async fn who_gives_up_or_replays_from_an_old_page_is_told_and_the_decision_of_the_other_stands() {
    let front = Front::open().await;
    let review = json!({"decisions": ["link"], "candidates": [{"ord": 7_001, "name": "王小明"}]});
    let id = ended(&front, "c1", Status::NeedsReview, "candidates", Some(review)).await;
    let path = format!("/console/events/{id}");
    let mut first = Visitor::signed_in(&front, OPERATE).await;
    let mut second = Visitor::signed_in(&front, OPERATE).await;
    let page = second.get(&path).await.html;
    let old = seen(&page);
    assert_eq!(page.matches(&format!("name=\"updated_at\" value=\"{old}\"")).count(), 5, "every form: {page}");
    front.clock.advance(Duration::from_secs(1));
    let linked = [("decision", "link"), ("ord", "7001"), ("updated_at", old.as_str())];
    assert_eq!(first.change(&path, &format!("{path}/resolve"), &linked).await.status, StatusCode::SEE_OTHER);
    for deed in ["discard", "replay", "replan"] {
        let form = [("reason", "重复"), ("updated_at", old.as_str())];
        let told = second.change(&path, &format!("{path}/{deed}"), &form).await;
        assert_eq!(told.status, StatusCode::CONFLICT, "{deed}: {}", told.html);
        assert!(told.html.contains("可能有人刚刚处理过"), "{deed}: {}", told.html);
        let event = front.store.event(&id).await.unwrap().unwrap();
        assert_eq!((event.status, &event.resolution.unwrap()["ord"]), (Status::Queued, &json!(7_001)), "{deed}");
    }
    let body = json!({"reason": "重复", "updated_at": old});
    let told = front.rest(Method::POST, &format!("/v1/events/{id}/discard"), OPERATE, &body).await;
    assert_eq!((told.status, told.problem()), (StatusCode::CONFLICT, "changed"));
    let now = seen(&second.get(&path).await.html);
    let form = [("reason", "重复"), ("updated_at", &*now)];
    assert_eq!(second.change(&path, &format!("{path}/discard"), &form).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_ticked_event_that_a_colleague_put_back_meanwhile_is_not_given_up() {
    let front = Front::open().await;
    let kept = ended(&front, "c1", Status::Dead, "refused", None).await;
    let other = ended(&front, "c2", Status::Dead, "refused", None).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let list = visitor.get("/console/events?status=dead").await.html;
    let ticked = [&kept, &other].map(|id| format!("{id}.dead"));
    assert!(ticked.iter().all(|value| list.contains(&format!("name=\"id\" value=\"{value}\""))), "{list}");
    front.store.replay(&kept, &"colleague".into(), None, None).await.unwrap();
    let ask = format!("/console/events/bulk?do=discard&id={}&id={}", ticked[0], ticked[1]);
    let page = visitor.get(&ask).await.html;
    assert!(page.contains("约 1 条，") && page.contains(&format!("value=\"{}\"", ticked[0])), "{page}");
    let form = [("do", "discard"), ("id", &*ticked[0]), ("id", &*ticked[1]), ("reason", "旧")];
    let done = visitor.change(&ask, "/console/events/bulk", &form).await;
    assert!(done.location().ends_with("count=1&moved=1"), "{}: {}", done.location(), done.html);
    let said = visitor.get(done.location()).await.html;
    assert!(said.contains("已放弃 1 条；另有 1 条没有放弃，它们的状态刚刚变了"), "{said}");
    let status = async |id: &str| front.store.event(id).await.unwrap().unwrap().status;
    assert_eq!((status(&kept).await, status(&other).await), (Status::Queued, Status::Discarded));
}
