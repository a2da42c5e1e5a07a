//! What the ERP holds now, beside what an event wanted.

use reqwest::StatusCode;

use super::visitor::Visitor;
use crate::front::{Front, NOW, OPERATE, READ, Wishes, promoted};

#[tokio::test]
async fn what_the_erp_says_of_a_customer_is_text_and_is_cut_and_who_asked_is_audited() {
    let front = Front::with(Wishes { previews_per_minute: 2, ..Wishes::default() }).await;
    let event = front.post_event("w1", &promoted("c1")).await.body["id"].as_str().unwrap().to_owned();
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let event_page = format!("/console/events/{event}");
    let go = "看 ERP 现在的资料";
    assert!(!visitor.get(&event_page).await.html.contains(go), "there is no customer yet");
    let unlinked = visitor.change("/console/events", &format!("{event_page}/now"), &[]).await;
    assert_eq!(unlinked.status, StatusCode::NOT_FOUND, "{}", unlinked.html);
    front.link(7_001, "WXc1").await;
    front
        .ledger(&format!(
            "insert into calls (event_id, number, step, interface, started_at, duration_ms, outcome, request, response)
             values ('{event}', 1, 'save_customer', '个人客户添加', {}, 120, 'ok', '{{\"name\":\"王小明\",\"ly\":\"171\"}}', '')",
            NOW.0
        ))
        .await;
    for page in [&*event_page, "/console/contacts/c1"] {
        assert!(visitor.get(page).await.html.contains(go), "{page}");
    }
    let page = visitor.change(&event_page, &format!("{event_page}/now"), &[]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    for told in [
        "<h1>ERP 现在的资料 <bdi>王小明</bdi>",
        "✓</span><span class=\"offscreen\">相同</span> <bdi>微信",
        "≠</span><span class=\"offscreen\">不同</span> <bdi>王小明&#60;script&#62;",
        "王小明&#60;script&#62;",
        "客户来源",
        "微信",
        "&#60;b&#62;c9",
        "\u{202e}😀",
        "很…",
    ] {
        assert!(page.html.contains(told), "{told} is not in {}", page.html);
    }
    assert!(page.html.matches("<script").count() == 1 && page.html.len() < 20_000, "{}", page.html);
    let limited = visitor.change("/console/contacts/c1", "/console/contacts/c1/now", &[]).await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    let audit = front.store.audit_log(None, 50).await.unwrap();
    let looks: Vec<_> = audit.iter().filter(|row| row.action == "contact.look").map(|row| &*row.subject).collect();
    assert_eq!(looks, ["c1"]);
    let read = Visitor::signed_in(&front, READ).await.get(&event_page).await.html;
    assert!(!read.contains(go), "{read}");
}
