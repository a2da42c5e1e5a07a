//! What keys, states and codes mean, without a way to the internet.

use erp_bridge::event::Status;

use super::{events::ended, visitor::Visitor};
use crate::front::{Front, OPERATE, READ};

#[tokio::test]
async fn codes_on_pages_lead_to_what_they_mean_and_from_there_into_the_manual() {
    let front = Front::open().await;
    let id = ended(&front, "c1", Status::Dead, "refused", None).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    for page in ["/console/todo".to_owned(), format!("/console/events/{id}")] {
        let html = visitor.get(&page).await.html;
        assert!(html.contains("href=\"/console/help#refused\""), "{page}: {html}");
    }
    let help = visitor.get("/console/help").await.html;
    for told in [
        "id=\"refused\"",
        "按 ERP 原话排除原因后重试",
        "href=\"/console/help/operations#refused\"",
        "暂停：缺设置",
        "等待重试",
    ] {
        assert!(help.contains(told), "{told} is not in {help}");
    }
    let manual = visitor.get("/console/help/operations").await.html;
    for told in
        ["<h1 id=\"running-erp-bridge\"", "<code id=\"refused\">", "id=\"dead-events\"", "id=\"telling-people\""]
    {
        assert!(manual.contains(told), "{told} is not in {manual}");
    }
    for (lang, told) in [("zh-CN", "失败的事件"), ("en", ">Dead events (失败)<")] {
        visitor.get(&format!("/console/language?to={lang}&back=/console/help")).await;
        let manual = visitor.get("/console/help/operations").await.html;
        for part in
            [told, "id=\"dead-events\"", "<code id=\"refused\">", &*format!("class=\"card manual\" lang=\"{lang}\"")]
        {
            assert!(manual.contains(part), "{part} is not in {manual}");
        }
    }
    visitor.get("/console/language?to=zh-CN&back=/console/help").await;
    assert!(visitor.get("/console/erp").await.html.contains("href=\"/console/help#login_refused\""));
    assert!(visitor.get("/console/outbox").await.html.contains("href=\"/console/help#alerts\""));
}

/// What an office is told is told in its language: banners, states and refusals lead to entries of the help, not into the manual.
#[tokio::test]
async fn what_stands_still_each_state_and_each_refusal_is_explained_in_both_languages() {
    let front = Front::open().await;
    let id = ended(&front, "c1", Status::Dead, "refused", None).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let event = visitor.get(&format!("/console/events/{id}")).await.html;
    assert!(event.contains("<a class=\"means\" href=\"/console/help#state-dead\">"), "{event}");
    assert!(visitor.get("/console/events").await.html.contains("<a href=\"/console/help#states\">"));
    for (lang, told) in [("zh-CN", "事件照常接收并按顺序等待"), ("en", "Events are accepted and wait in order")]
    {
        visitor.get(&format!("/console/language?to={lang}&back=/console/help")).await;
        let help = visitor.get("/console/help").await.html;
        for place in [
            "state-dead",
            "state-retrying",
            "state-paused",
            "circuit_open",
            "paused",
            "quiet_hours",
            "alerts",
            "store_unavailable",
            "backlog_full",
            "already_recorded",
        ] {
            assert_eq!(help.matches(&format!("id=\"{place}\"")).count(), 1, "{place}: {help}");
        }
        assert!(help.contains(told), "{help}");
        // Alerts and the manual call it so.
        assert!(help.contains("<code>backlog_age</code>") && help.contains("<code>outbox_dead</code>"), "{help}");
    }
}

#[tokio::test]
async fn every_page_leads_to_its_keys_without_script_too() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, READ).await;
    for page in ["/console/overview", "/console/settings", "/console/nowhere"] {
        let html = visitor.get(page).await.html;
        assert!(html.contains("<a class=\"quiet\" href=\"/console/help#keys\""), "{page}: {html}");
    }
    let help = visitor.get("/console/help").await.html;
    let (_, keys) = help.split_once("id=\"keys\"").unwrap();
    let keys = keys.split_once("</section>").unwrap().0;
    assert!(["j", "k", "Enter", "/", "?"].iter().all(|key| keys.contains(&format!("<kbd>{key}</kbd>"))), "{keys}");
    let mut english = Visitor::signed_in(&front, READ).await;
    english.get("/console/language?to=en&back=/console/help").await;
    let help = english.get("/console/help").await.html;
    assert!(help.contains("remove the cause that the ERP names, then replay") && help.contains("next, previous"));
}

#[tokio::test]
async fn the_help_says_of_every_rule_what_it_means_and_what_to_do_and_banners_lead_to_their_cause() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, READ).await;
    let help = visitor.get("/console/help").await.html;
    for told in ["id=\"score\"", "id=\"phone_verified\"", "评分不低于配置的最低分", "评分提高后平台会再次推送"]
    {
        assert!(help.contains(told), "{told} is not in {help}");
    }
    for page in ["/console/events", "/console/overview"] {
        let html = visitor.get(page).await.html;
        assert!(html.contains("href=\"/console/help#login_refused\""), "{html}");
    }
    assert!(help.contains("id=\"login_refused\""));
}
