//! What others could not be told: seen, sent again, given up.

use std::time::Duration;

use erp_bridge::store::{Addressee, Delivery, WriteBack};
use reqwest::StatusCode;

use super::visitor::Visitor;
use crate::front::{Front, OPERATE, READ, promoted};

/// A refusal of `c1` that the platform did not take, and one of `c2` that it is still to be told of; answers the first's id.
async fn dead_message(front: &Front) -> String {
    front.store.write_back(WriteBack { succeeded: false });
    for contact in ["c1", "c2"] {
        let mut event = promoted(contact);
        event["data"]["thread"]["score"] = 1.into();
        front.post_event(contact, &event).await;
    }
    let claimed = front.store.claim_messages(Addressee::Platform, 1, Duration::from_secs(30)).await.unwrap().remove(0);
    front.store.settle_message(&claimed, &Delivery::Dead("HTTP 410".into())).await.unwrap();
    claimed.id
}

#[tokio::test]
async fn what_was_not_delivered_is_seen_with_what_came_of_it_and_is_sent_again_or_given_up() {
    let front = Front::open().await;
    let id = dead_message(&front).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let page = visitor.get("/console/outbox").await.html;
    for told in ["微信中台", "事件未准入", "HTTP 410", "href=\"/console/contacts/c1\"", "重发"] {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    assert!(!page.contains("/console/contacts/c2"), "{page}");
    let waiting = visitor.get("/console/outbox?state=waiting").await.html;
    assert!(waiting.contains("/console/contacts/c2") && !waiting.contains("/console/contacts/c1"), "{waiting}");

    let replay = format!("/console/outbox/{id}/replay");
    let sent = visitor.change("/console/outbox", &replay, &[]).await;
    assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, "/console/outbox?done=message_replayed"));
    assert!(visitor.get(sent.location()).await.html.contains("已放回待发送"));
    let again = visitor.change("/console/outbox", &replay, &[]).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND, "it is dead no more");
    let claimed = front.store.claim_messages(Addressee::Platform, 1, Duration::from_secs(30)).await.unwrap().remove(0);
    front.store.settle_message(&claimed, &Delivery::Dead("HTTP 410".into())).await.unwrap();
    let discard = format!("/console/outbox/{}/discard", claimed.id);
    let sent = visitor.change("/console/outbox", &discard, &[("reason", "中台已停用")]).await;
    assert_eq!(sent.location(), "/console/outbox?done=discarded");
    assert!(visitor.get("/console/outbox").await.html.contains("没有未送达的消息"));
    let deeds = front.store.audit_log(None, 9).await.unwrap().into_iter();
    let deeds: Vec<_> = deeds.map(|row| (row.action, row.reason)).filter(|row| row.0.starts_with("outbox")).collect();
    assert_eq!(deeds, [("outbox.discard".into(), Some("中台已停用".into())), ("outbox.replay".into(), None)]);
}

#[tokio::test]
async fn who_may_only_look_sees_the_outbox_without_forms_and_an_unknown_state_is_a_fault() {
    let front = Front::open().await;
    dead_message(&front).await;
    let mut visitor = Visitor::signed_in(&front, READ).await;
    let page = visitor.get("/console/outbox").await.html;
    assert!(page.contains("HTTP 410") && !page.contains("/console/outbox/"), "{page}");
    assert_eq!(visitor.get("/console/outbox?state=lost").await.status, StatusCode::BAD_REQUEST);
}
