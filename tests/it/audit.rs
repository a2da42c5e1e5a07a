//! Who did what stands in the audit log, with where the call came from, or it was not done.

use reqwest::Method;
use serde_json::{Value, json};

use crate::front::{Front, OPERATE, Wishes, promoted};

async fn entries(front: &Front) -> Vec<Value> {
    let audit = front.rest(Method::GET, "/v1/audit", OPERATE, &Value::Null).await;
    audit.body["items"].as_array().unwrap().clone()
}

fn writes() -> [(Method, &'static str, Value, &'static str); 6] {
    let contact = json!({"contact": {"name": "王小明"}, "thread": {"id": "t", "score": 90}});
    let mut forced = contact.clone();
    forced["force"] = json!(true);
    [
        (Method::PUT, "assignment", json!({"mode": "public"}), "contact.assign"),
        (Method::POST, "apply", Value::Null, "contact.apply"),
        (Method::POST, "takeback", json!({}), "contact.takeback"),
        (Method::POST, "approval", json!({"approve": true}), "contact.approval"),
        (Method::POST, "sync", contact, "contact.sync"),
        (Method::POST, "sync", forced, "contact.force_sync"),
    ]
}

async fn linked() -> Front {
    let front = Front::open().await;
    front.post_event("evt-1", &promoted("c1")).await;
    front.link(26_013, "WXc1").await;
    front
}

#[tokio::test]
async fn every_write_to_the_erp_that_an_operator_asks_for_is_audited_with_its_caller() {
    let front = linked().await;
    for (method, deed, body, action) in writes() {
        let answered = front.rest(method, &format!("/v1/contacts/c1/{deed}"), OPERATE, &body).await;
        assert!(answered.status.is_success(), "{answered:?}");
        let entry = entries(&front).await.remove(0);
        assert_eq!((&entry["action"], &entry["actor"]), (&json!(action), &json!("ops")));
        assert_eq!(
            (&entry["subject"], &entry["address"]),
            (&json!("c1"), &json!("127.0.0.1")),
            "an id, and from where"
        );
        assert_eq!(entry["reason"], json!(format!("event {}", answered.body["id"].as_str().unwrap())));
    }
    assert_eq!(entries(&front).await.len(), writes().len());
}

#[tokio::test]
async fn a_write_to_the_erp_that_cannot_be_audited_is_not_accepted() {
    let front = linked().await;
    let before = front.stored().await;
    front.ledger("alter table audit rename to away").await;
    for (method, deed, body, _) in writes() {
        let answered = front.rest(method, &format!("/v1/contacts/c1/{deed}"), OPERATE, &body).await;
        assert_eq!(answered.status.as_u16(), 503, "{deed}");
    }
    assert_eq!(front.stored().await, before, "nothing was accepted");
    front.ledger("alter table away rename to audit").await;
    assert!(entries(&front).await.is_empty());
}

#[tokio::test]
async fn a_repeat_with_the_same_key_is_one_deed() {
    let front = linked().await;
    let bearer = format!("Bearer {OPERATE}");
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "once")];
    for _ in 0..3 {
        assert!(front.call(Method::POST, "/v1/contacts/c1/apply", &headers, "").await.status.is_success());
    }
    assert_eq!(entries(&front).await.len(), 1);
}

#[tokio::test]
async fn what_operators_do_to_events_is_audited_with_their_address() {
    let front = Front::open().await;
    let id = front.post_event("evt-1", &promoted("c1")).await.body["id"].as_str().unwrap().to_owned();
    for (method, path, action) in [
        (Method::GET, format!("/v1/events/{id}"), "event.unmask"),
        (Method::POST, format!("/v1/events/{id}/discard"), "event.discard"),
        (Method::POST, format!("/v1/events/{id}/replay"), "event.replay"),
        (Method::POST, format!("/v1/events/{id}/discard"), "event.discard"),
        (Method::DELETE, "/v1/contacts/c1/data".to_owned(), "contact.erase"),
        (Method::POST, "/v1/erp/resume".to_owned(), "erp.resume"),
    ] {
        let answered = front.rest(method, &path, OPERATE, &Value::Null).await;
        assert_eq!(answered.status.as_u16(), 200, "{path}: {answered:?}");
        let entry = entries(&front).await.remove(0);
        assert_eq!((&entry["action"], &entry["address"]), (&json!(action), &json!("127.0.0.1")));
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_client_s_address_is_audited_and_counted() {
    let front = Front::with(Wishes { behind_a_proxy: true, failures_per_minute: 1, ..Wishes::default() }).await;
    let from = async |address: &str, token: &str| {
        let headers =
            [("authorization", format!("Bearer {token}")), ("x-forwarded-for", format!("1.1.1.1, {address}"))];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        front.call(Method::POST, "/v1/erp/resume", &headers, "").await.status.as_u16()
    };
    assert_eq!(from("203.0.113.9", OPERATE).await, 200);
    assert_eq!(
        entries(&front).await[0]["address"],
        "203.0.113.9",
        "not what stands before it, which anybody may write"
    );
    assert_eq!((from("203.0.113.9", "wrong").await, from("203.0.113.9", "wrong").await), (401, 429));
    assert_eq!(from("203.0.113.10", "wrong").await, 401, "another client of the same proxy");
}
