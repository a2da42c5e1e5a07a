//! What others could not be told: seen, sent again, given up.

use std::time::Duration;

use erp_bridge::store::{Addressee, Delivery, WriteBack};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::visitor::Visitor;
use crate::front::{Front, OPERATE, READ, promoted};

/// A refusal of `c1` that the platform did not take, and one of `c2` that it is still to be told of; answers the first's id.
pub async fn dead_message(front: &Front) -> String {
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
async fn all_that_was_not_delivered_to_somebody_is_sent_again_at_once_with_a_reason() {
    let front = Front::open().await;
    dead_message(&front).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let page = visitor.get("/console/outbox").await.html;
    assert!(page.contains("重发全部（微信中台，1 条）") && !page.contains("重发全部（告警机器人"), "{page}");
    let nobody = visitor.change("/console/outbox", "/console/outbox/replay", &[("to", "")]).await;
    assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", nobody.html);
    let form = [("to", "platform"), ("reason", "地址已修正")];
    let sent = visitor.change("/console/outbox", "/console/outbox/replay", &form).await;
    assert_eq!(sent.location(), "/console/outbox?done=message_replayed", "{}", sent.html);
    let page = visitor.get(sent.location()).await.html;
    assert!(page.contains("没有未送达的消息") && !page.contains("重发全部"), "{page}");
    let deed = front.store.audit_log(None, 1).await.unwrap().remove(0);
    assert_eq!((deed.action.as_str(), deed.reason.as_deref()), ("outbox.replay", Some("地址已修正")));
    let replay = async |body| front.rest(Method::POST, "/v1/outbox/replay", OPERATE, &body).await;
    assert_eq!(replay(json!({"to": "platform"})).await.body, json!({"replayed": 0}));
    for wrong in [json!({}), json!({"to": "nobody"}), json!({"to": "alerts", "state": "dead"})] {
        assert_eq!(replay(wrong.clone()).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test]
async fn a_test_message_tells_of_each_robot_whether_it_took_it_and_is_audited_and_limited() {
    let front = Front::open().await;
    let tested = front.rest(Method::POST, "/v1/alerts/test", OPERATE, &Value::Null).await;
    assert_eq!(tested.status, StatusCode::OK, "{:?}", tested.body);
    let target = &tested.body["targets"][0];
    assert_eq!(*target, json!({"kind": "wecom", "host": "qyapi.weixin.qq.com", "ok": true, "refusal": null}));
    assert_eq!(tested.body["targets"][1]["ok"], false);
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    assert!(visitor.get("/console/outbox").await.html.contains("发送测试消息"));
    let page = visitor.change("/console/outbox", "/console/outbox/test", &[]).await;
    for told in ["企业微信", "已收到", "飞书", "未送达", "机器人不认识此密钥 &#60;script"] {
        assert!(page.html.contains(told), "{told} is not in {}", page.html);
    }
    assert!(visitor.get("/console/outbox/test").await.html.contains("发送测试消息"), "a page of its own address");
    visitor.change("/console/outbox", "/console/outbox/test", &[]).await;
    let again = visitor.change("/console/outbox", "/console/outbox/test", &[]).await;
    assert_eq!(again.status, StatusCode::TOO_MANY_REQUESTS);
    let deeds = front.store.audit_log(None, 9).await.unwrap();
    assert_eq!(deeds.iter().filter(|row| row.action == "alerts.test").count(), 3);
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
