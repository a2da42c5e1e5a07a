//! Who reads English reads it first, whatever language it was written down in.

use std::time::Duration;

use erp_bridge::store::{Addressee, Delivery, WriteBack};
use serde_json::json;

use super::visitor::Visitor;
use crate::front::{Front, OPERATE, promoted};

const ASKS: &str = "Required: The score is not below admission.min_score";
const FOUND: &str = "评分 55 低于 60";

/// Somebody who chose English.
async fn english(front: &Front) -> Visitor<'_> {
    let mut visitor = Visitor::signed_in(front, OPERATE).await;
    visitor.get("/console/language?to=en&back=/console").await;
    visitor
}

#[tokio::test]
async fn what_a_rule_asks_for_stands_before_what_it_found_where_english_is_read() {
    let front = Front::open().await;
    let mut event = promoted("c1");
    event["data"]["thread"]["score"] = json!(55);
    let id = front.post_event("w1", &event).await.body["id"].as_str().unwrap().to_owned();
    let mut visitor = english(&front).await;
    let both = format!("<bdi>{ASKS}</bdi> <bdi class=\"dim\">{FOUND}</bdi>");
    for path in ["/console/not-admitted".to_owned(), format!("/console/events/{id}")] {
        let page = visitor.get(&path).await.html;
        assert!(page.contains(&both), "{path}: {page}");
    }
    let file = visitor.get("/console/not-admitted.csv").await.html;
    assert!(file.contains(&format!("Score,{ASKS} ({FOUND}),")), "{file}");
    let form =
        [("name", "王小明"), ("phone", "13800001001"), ("phone_verified", "true"), ("score", "55"), ("key", "k")];
    let shown = visitor.change("/console/contacts/c1", "/console/contacts/c1/preview", &form).await.html;
    assert!(shown.contains(&both), "{shown}");
    visitor.get("/console/language?to=zh-CN&back=/console").await;
    let page = visitor.get(&format!("/console/events/{id}")).await.html;
    assert!(page.contains(&format!("<bdi>{FOUND}</bdi>")) && !page.contains("要求："), "{page}");
}

#[tokio::test]
async fn a_member_that_was_not_taken_is_told_in_the_language_of_the_page() {
    let front = Front::open().await;
    let mut event = promoted("c1");
    event["data"]["contact"]["address"] = json!("路".repeat(201));
    let id = front.post_event("w1", &event).await.body["id"].as_str().unwrap().to_owned();
    let mut visitor = english(&front).await;
    let page = visitor.get(&format!("/console/events/{id}")).await.html;
    let told = "Some of it was not taken as it came: /data/contact/address cut: must be at most 200 characters";
    assert!(page.contains(told), "{page}");
}

#[tokio::test]
async fn what_an_addressee_said_and_why_the_login_is_refused_is_told_in_the_language_of_the_page() {
    let front = Front::open().await;
    front.store.write_back(WriteBack { succeeded: false });
    let said = "无法连接 (no connection)";
    for (contact, words) in
        [("c1", said.to_owned()), ("c2", format!("wecom a.example: {said}; feishu b.example: {said}"))]
    {
        let mut event = promoted(contact);
        event["data"]["thread"]["score"] = 1.into();
        front.post_event(contact, &event).await;
        let claimed = front.store.claim_messages(Addressee::Platform, 1, Duration::from_secs(30)).await.unwrap();
        front.store.settle_message(&claimed[0], &Delivery::Dead(words)).await.unwrap();
    }
    let mut visitor = english(&front).await;
    let outbox = visitor.get("/console/outbox").await.html;
    let each = "<bdi>wecom a.example: no connection; feishu b.example: no connection</bdi>";
    assert!(outbox.contains("<bdi>no connection</bdi>") && outbox.contains(each), "{outbox}");
    let erp = visitor.get("/console/erp").await.html;
    let both = "put right</bdi> <bdi class=\"dim\">ERP 拒绝登录：密码错误</bdi>";
    assert!(erp.contains(both), "{erp}");
    visitor.get("/console/language?to=zh-CN&back=/console").await;
    let outbox = visitor.get("/console/outbox").await.html;
    let each = "<bdi>wecom a.example: 无法连接; feishu b.example: 无法连接</bdi>";
    assert!(outbox.contains("<bdi>无法连接</bdi>") && outbox.contains(each), "{outbox}");
    let erp = visitor.get("/console/erp").await.html;
    assert!(erp.contains("<p><bdi>ERP 拒绝登录：密码错误</bdi></p>"), "{erp}");
}
