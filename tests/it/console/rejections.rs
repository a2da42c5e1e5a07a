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
    assert!(deeds.iter().all(|deed| deed == "console.sign_in"), "no body was looked at: {deeds:?}");
}

#[tokio::test]
async fn each_place_says_what_is_known_of_it_once_and_nothing_is_drawn_of_what_is_not() {
    let front = Front::open().await;
    let at = front.clock.now().0;
    for (id, errors) in [
        ("evt_whole", r#"[{"pointer":"","message":"应为对象 (expected an object)"}]"#),
        ("evt_made_up", r#"[{"pointer":"/data/contact/nickname_of_mine","message":"未知成员 (unknown)"}]"#),
        ("evt_nameless", r#"[{"pointer":"/data/contact","message":"缺少 (is missing)"}]"#),
        ("evt_erased", "[]"),
    ] {
        let row = format!(
            "insert into rejections (received_at, webhook_id, errors, payload) values ({at}, '{id}', '{errors}', '')"
        );
        front.ledger(&row).await;
    }
    for token in [READ, OPERATE] {
        let html = Visitor::signed_in(&front, token).await.get("/console/rejections").await.html;
        for (id, told) in [
            (
                "evt_whole",
                "1 次</td>\n<td class=\"note\" data-label=\"不符合要求之处\"><p><bdi>应为对象</bdi></p></td>",
            ),
            ("evt_made_up", "</bdi></code> · <bdi>未知成员</bdi>"),
            ("evt_nameless", "<p><code><bdi>/data/contact</bdi></code> · <bdi>缺少</bdi></p>"),
            ("evt_erased", "<td class=\"note\" data-label=\"不符合要求之处\"><span class=\"dim\">--</span></td>"),
        ] {
            let row = html.split("<tr>").find(|row| row.contains(id)).unwrap();
            assert!(row.contains(told), "{id}: {told} is not in {row}");
        }
        assert!(!html.contains("nickname_of_mine"), "the sender made it up: {html}");
    }
}
