//! What was signed and not valid, as its page tells.

use serde_json::json;

use super::visitor::Visitor;
use crate::front::{Front, OPERATE, READ, promoted};

#[tokio::test]
async fn an_invalid_request_is_told_with_each_place_that_does_not_fit_and_is_a_click_from_the_overview() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, READ).await;
    assert!(visitor.get("/console/rejections").await.html.contains("没有无效请求"));
    let mut wrong = promoted("c1");
    wrong["data"]["contact"]["name"] = json!("沈嘉禾".repeat(500));
    wrong["data"]["thread"]["score"] = json!(500);
    for _ in 0..2 {
        let refused = front.post_event("evt_wrong", &wrong).await;
        assert_eq!(refused.status.as_u16(), 422, "{:?}", refused.body);
    }
    let overview = visitor.get("/console/overview").await.html;
    assert!(overview.contains("<a href=\"/console/rejections\">无效请求</a>"), "{overview}");
    for token in [READ, OPERATE] {
        let html = Visitor::signed_in(&front, token).await.get("/console/rejections").await.html;
        for told in ["evt_wrong", "2 次", "/data/contact/name", "姓名", "/data/thread/score"] {
            assert!(html.contains(told), "{told} is not in {html}");
        }
        assert!(!html.contains("沈嘉禾"), "what was sent is not repeated: {html}");
    }
    let deeds: Vec<_> = front.store.audit_log(None, 9).await.unwrap().into_iter().map(|row| row.action).collect();
    assert!(deeds.contains(&"rejections.unmask".to_owned()), "{deeds:?}");
}
