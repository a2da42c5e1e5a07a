//! What holds for every list.

use erp_bridge::event::{Link, LinkKind, LinkedBy, Status};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{events::ended, outbox::dead_message, pages::of_operators, visitor::Visitor};
use crate::front::{Front, OPERATE, promoted};

#[tokio::test]
async fn every_list_of_an_empty_ledger_says_what_will_stand_there() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    for path in
        ["todo", "events", "contacts", "replays", "rejections", "not-admitted", "outbox", "outbox?state=waiting"]
    {
        for language in ["zh-CN", "en"] {
            visitor.get(&format!("/console/language?to={language}")).await;
            let page = visitor.get(&format!("/console/{path}")).await.html;
            let empty = page.split_once("<div class=\"empty").unwrap_or_else(|| panic!("{path}: {page}")).1;
            let empty = empty.split_once("</div>").unwrap().0;
            let hint = empty.split_once("<p class=\"hint\">").unwrap_or_else(|| panic!("{path}: {empty}")).1;
            assert!(!hint.starts_with("</p>"), "{path}: {empty}");
        }
    }
    let link = Link { ord: 7_001, khid: "WX1".into(), kind: LinkKind::Person, linked_by: LinkedBy::Adopt };
    front.store.adopt("c1", &link, "", true, &"ops".into()).await.unwrap();
    visitor.get("/console/language?to=zh-CN").await;
    let page = visitor.get("/console/contacts/c1").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    assert!(page.html.contains("此联系人的事件会出现在这里"), "{}", page.html);
}

/// What is read of a piece of a page.
fn words(html: &str) -> String {
    let texts = html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    texts.collect::<String>().trim().to_owned()
}

/// A ledger with something in every list; the pages that show them.
async fn with_everything(front: &Front) -> Vec<String> {
    front.post_event("w3", &promoted("c3")).await;
    front.link(7_003, "WXc3").await;
    let dead = ended(front, "c4", Status::Dead, "refused", None).await;
    dead_message(front).await;
    let nobody = json!({"type": "contact.promoted", "timestamp": "2026-11-23T15:04:05+08:00", "data": {}});
    assert_eq!(front.post_event("w5", &nobody).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let chosen = json!({"ids": [dead], "reason": "再试"});
    let made = front.rest(Method::POST, "/v1/replays", OPERATE, &chosen).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    let replay = format!("replays/{}", made.body["id"].as_str().unwrap());
    let lists =
        ["events", "todo?cause=refused", "contacts", "replays", &*replay, "rejections", "not-admitted", "outbox"];
    lists.iter().chain(&["outbox?state=waiting", "audit"]).map(|path| format!("/console/{path}")).collect()
}

/// On a phone a row is a card, and the heads are out of sight.
#[tokio::test]
async fn every_cell_of_a_list_says_which_column_it_is_of() {
    let front = Front::open().await;
    let paths = with_everything(&front).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let mut pages = vec![("check".to_owned(), visitor.change("/console/erp", "/console/erp/check", &[]).await.html)];
    for path in paths {
        let html = visitor.get(&path).await.html;
        pages.push((path, html));
    }
    for (path, html) in pages {
        let mut rows = 0;
        for table in html.split("<table class=\"list").skip(1).filter(|table| !table.starts_with(" figures")) {
            let (head, body) = table.split_once("</table>").unwrap().0.split_once("<tbody>").unwrap();
            let heads: Vec<String> = head.split("<th ").skip(1).map(words).collect();
            for row in body.split("<tr").skip(1) {
                let labels = row.split(" data-label=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0);
                assert_eq!(labels.collect::<Vec<_>>(), heads, "{path}: {row}");
                assert_eq!(row.matches("<td").count() + row.matches("<th").count(), heads.len(), "{path}: {row}");
                rows += 1;
            }
        }
        assert!(rows > 0, "{path} has no row: {html}");
    }
}

#[tokio::test]
async fn only_a_page_with_the_sign_for_it_has_parts_that_follow() {
    let front = Front::open().await;
    let event = front.post_event("w1", &promoted("c1")).await.body["id"].as_str().unwrap().to_owned();
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    for path in of_operators(&event) {
        let html = visitor.get(&path).await.html;
        let main = html.split_once("<main").unwrap().1;
        assert_eq!(main.contains(" data-live>"), main.contains(" data-follow=\""), "{path}");
    }
}
