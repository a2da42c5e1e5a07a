//! What narrows the list of events: presets, the causes that there are, and chips.

use erp_bridge::event::Status;
use reqwest::{Method, StatusCode};
use serde_json::Value;

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

/// The places of these events in a page, in their order.
async fn places_at(visitor: &mut Visitor<'_>, path: &str, ids: &[String]) -> Vec<usize> {
    let html = visitor.get(path).await.html;
    ids.iter()
        .map(|id| html.find(&format!("/console/events/{id}")).unwrap_or_else(|| panic!("{path}: {html}")))
        .collect()
}

#[tokio::test]
async fn trouble_begins_with_the_oldest_and_everything_else_with_the_newest_unless_the_address_says_otherwise() {
    let front = Front::open().await;
    let mut ids = Vec::new();
    for (contact, status) in [("c1", Status::Dead), ("c2", Status::Dead), ("c3", Status::Dead)] {
        ids.push(ended(&front, contact, status, "refused", None).await);
    }
    let mut visitor = Visitor::signed_in(&front, READ).await;
    for (query, oldest_first) in [
        ("?status=dead,needs_review", true),
        ("?status=dead&code=refused", true),
        ("?status=dead&order=newest", false),
        ("", false),
        ("?order=oldest", true),
        ("?status=dead,succeeded", false),
        ("?status=dead&since=2026-11-01", false),
        ("?q=c", false),
    ] {
        let path = format!("/console/events{query}");
        let places = places_at(&mut visitor, &path, &ids).await;
        assert_eq!(places.is_sorted(), oldest_first, "{path}: {places:?}");
        assert_eq!(places.is_sorted_by(|one, next| one > next), !oldest_first, "{path}: {places:?}");
        let html = visitor.get(&path).await.html;
        let (told, way) = if oldest_first {
            ("最早的在最上面", "改为最新的在前")
        } else {
            ("最新的在最上面", "改为最早的在前")
        };
        assert!(html.contains(told) && html.contains(way), "{html}");
        let other = html.split_once(way).unwrap().0.rsplit_once("href=\"").unwrap().1.split('"').next().unwrap();
        let turned = places_at(&mut visitor, &other.replace("&#38;", "&"), &ids).await;
        assert_eq!(turned.is_sorted(), !oldest_first, "{other}");
    }
    let first = visitor.get("/console/events?status=dead&limit=2").await.html;
    assert!(first.contains(">更新的<") && !first.contains(&ids[2]), "{first}");
    let next = first.split('"').find(|part| part.contains("cursor=c")).unwrap().replace("&#38;", "&");
    let second = visitor.get(&next).await.html;
    assert!(second.contains(&ids[2]) && !second.contains(&ids[1]) && second.contains(">回到最早<"), "{second}");
    assert_eq!(visitor.get("/console/events?order=best").await.status, StatusCode::BAD_REQUEST);
    let by_rest = async |query: &str| front.rest(Method::GET, &format!("/v1/events{query}"), READ, &Value::Null).await;
    for (query, first) in [("?status=dead", &ids[2]), ("?status=dead&order=oldest", &ids[0])] {
        assert_eq!(by_rest(query).await.body["items"][0]["id"], first.as_str(), "{query}");
    }
    assert_eq!(by_rest("?order=best").await.problem(), "invalid_query");
}
