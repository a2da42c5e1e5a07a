//! What narrows the list of events: presets, the causes that there are, and chips.

use erp_bridge::event::Status;

use super::{
    events::{ended, listed},
    visitor::Visitor,
};
use crate::front::{Front, OPERATE, READ, promoted};

/// The addresses of the chips of a page.
fn chips(html: &str) -> Vec<String> {
    let chips = html.split("<a class=\"chip\" href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    chips.map(|address| address.replace("&#38;", "&")).collect()
}

#[tokio::test]
async fn causes_that_there_are_can_be_chosen_and_no_others() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, READ).await;
    assert!(!visitor.get("/console/events").await.html.contains("name=\"code\""), "nothing is wrong");
    ended(&front, "c1", Status::Dead, "refused", None).await;
    ended(&front, "c2", Status::NeedsReview, "candidates", None).await;
    let html = visitor.get("/console/events?code=candidates&status=needs_review").await.html;
    let (_, causes) = html.split_once("<select name=\"code\">").unwrap();
    let causes = causes.split_once("</select>").unwrap().0;
    for option in ["<option value=\"refused\">ERP 拒绝了请求</option>", "<option value=\"candidates\" selected>"] {
        assert!(causes.contains(option), "{causes}");
    }
    assert_eq!(causes.matches("<option").count(), 3, "{causes}");
    assert_eq!(listed(&mut visitor, "/console/events?code=candidates").await, 1);
}

#[tokio::test]
async fn each_chip_leads_to_the_list_without_its_filter_alone() {
    let front = Front::open().await;
    ended(&front, "c1", Status::Dead, "refused", None).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let query = "q=c1&type=contact.promoted&contact_id=c1&code=refused&since=2026-11-01&until=2026-11-30";
    let chips = chips(&visitor.get(&format!("/console/events?{query}&cursor=")).await.html);
    assert_eq!(chips.len(), 6, "{chips:?}");
    for (chip, filter) in chips.iter().zip(["q=", "type=", "contact_id=", "code=", "since=", "until="]) {
        assert!(!chip.contains(filter), "{chip} has no {filter}");
        assert_eq!(chip.split(['?', '&']).count(), 6, "{chip} has all others");
        assert_eq!(listed(&mut visitor, chip).await, 1);
    }
}

#[tokio::test]
async fn what_many_look_for_is_a_click_away_and_every_other_state_is_one_from_the_overview() {
    let front = Front::open().await;
    front.post_event("w1", &promoted("c1")).await;
    let mut visitor = Visitor::signed_in(&front, READ).await;
    let html = visitor.get("/console/events").await.html;
    let presets = html.split_once("<ul class=\"presets\">").unwrap().1.split_once("</ul>").unwrap().0;
    assert_eq!(presets.matches("<li>").count(), 9, "{presets}");
    for (status, label) in [("needs_review", "待处理"), ("dead", "同步失败"), ("succeeded", "已同步")] {
        let preset = format!("<a href=\"/console/events?status={status}\">{label}</a>");
        assert!(presets.contains(&preset), "{preset}: {presets}");
        let there = visitor.get(&format!("/console/events?status={status}")).await.html;
        assert!(there.contains(&format!("aria-current=\"true\">{label}</a>")), "{status}");
        assert!(chips(&there).is_empty(), "what a preset says needs no chip");
    }
    let overview = visitor.get("/console/overview").await.html;
    for (status, label) in [("held", "等待转客户"), ("running", "同步中"), ("ignored", "无需处理")] {
        let address = format!("/console/events?status={status}");
        assert!(overview.contains(&format!("href=\"{address}\"")), "{status}: {overview}");
        let there = visitor.get(&address).await.html;
        assert!(there.contains(&format!("状态：{label}")) && chips(&there).len() == 1, "{status}: {there}");
    }
}
