//! Who did what, to read, to narrow and to take away.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::visitor::Visitor;
use crate::front::{Front, OPERATE, READ, promoted};
use erp_bridge::store::Actor;

/// Three deeds of two people.
async fn deeds() -> Front {
    let front = Front::open().await;
    let by = |name: &str| Actor::from(name);
    let event = "0199e0c4-0000-7000-8000-000000000001";
    front.store.audit(&by("王芳"), "event.discard", event, Some("=HYPERLINK(\"x\")")).await.unwrap();
    front.clock.advance(std::time::Duration::from_secs(86_400));
    front.store.audit(&by("李雷"), "erp.resume", "erp", None).await.unwrap();
    front.store.audit(&by("王芳"), "contact.erase", "c-1", Some("本人要求")).await.unwrap();
    front
}

#[tokio::test]
async fn the_audit_log_is_narrowed_in_the_address_and_by_rest_alike() {
    let front = deeds().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    for (query, expected) in [
        ("", 4),
        ("?actor=%E7%8E%8B%E8%8A%B3", 2),
        ("?action=erp.resume", 1),
        ("?subject=c-1", 1),
        ("?subject=c-", 0),
        ("?actor=%E7%8E%8B%E8%8A%B3&action=erp.resume", 0),
    ] {
        let page = visitor.get(&format!("/console/audit{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}: {}", page.html);
        assert_eq!(page.html.matches("<tr data-row").count(), expected, "{query}: {}", page.html);
        let rest = front.rest(Method::GET, &format!("/v1/audit{query}"), OPERATE, &Value::Null).await;
        assert_eq!(rest.body["items"].as_array().unwrap().len(), expected, "{query}");
    }
    let day = front.clock.now().erp_local()[..10].to_owned();
    let page = visitor.get(&format!("/console/audit?since={day}&until={day}")).await;
    assert_eq!(page.html.matches("<tr data-row").count(), 3, "the one of the day before is not among them");
    let page = visitor.get("/console/audit").await.html;
    assert!(page.contains("清除个人数据") && page.contains("本人要求"), "{page}");
    assert!(page.contains("href=\"/console/events/0199e0c4-0000-7000-8000-000000000001\""), "{page}");
    let wrong = front.rest(Method::GET, "/v1/audit?since=yesterday", OPERATE, &Value::Null).await;
    assert_eq!((wrong.status, wrong.problem()), (StatusCode::BAD_REQUEST, "invalid_query"));
}

#[tokio::test]
async fn an_event_and_a_contact_lead_to_who_did_what_to_them() {
    let front = Front::open().await;
    let id = front.post_event("w1", &promoted("c1")).await.body["id"].as_str().unwrap().to_owned();
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let page = format!("/console/events/{id}");
    visitor.change(&page, &format!("{page}/discard"), &[("reason", "重复")]).await;
    visitor.change("/console/contacts/c1", "/console/contacts/c1/erase", &[("reason", "本人要求")]).await;
    for (page, subject, deed) in
        [(page.as_str(), id.as_str(), "放弃事件"), ("/console/contacts/c1", "c1", "清除个人数据")]
    {
        let link = format!("/console/audit?subject={subject}");
        let html = visitor.get(page).await.html;
        assert!(html.contains(&format!("<a href=\"{link}\">谁做了什么</a>")), "{page}: {html}");
        let audit = visitor.get(&link).await.html;
        assert!(audit.contains(&format!("<bdi>{deed}</bdi></th>")) && audit.contains(">ops</bdi>"), "{audit}");
    }
}

#[tokio::test]
async fn the_audit_log_is_taken_away_as_a_file_that_calculates_nothing() {
    let front = deeds().await;
    let file = Visitor::signed_in(&front, OPERATE).await.get("/console/audit.csv?actor=%E7%8E%8B%E8%8A%B3").await;
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    let disposition = file.headers["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment; filename=\"audit-2026-") && disposition.ends_with(".csv\""));
    let lines: Vec<&str> = file.html.lines().collect();
    assert!(lines[0].starts_with("\u{feff}时间,谁,"), "{lines:?}");
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[1].contains("清除个人数据,contact.erase,c-1,本人要求"), "{lines:?}");
    assert!(lines[2].contains("\"'=HYPERLINK(\"\"x\"\")\""), "{lines:?}");
    let read = Visitor::signed_in(&front, READ).await.get("/console/audit.csv").await.html;
    assert!(read.contains("contact.erase") && !read.contains("本人要求"), "reasons are for operators: {read}");
}

#[tokio::test]
async fn a_file_that_is_not_all_says_so_in_its_name_and_its_last_line() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, READ).await;
    for (rows, is_cut) in [(9_999, false), (10_000, false), (10_001, true)] {
        front.ledger("delete from audit").await;
        front
            .ledger(&format!(
                "with recursive n(i) as (select 1 union all select i + 1 from n where i < {rows})
                 insert into audit (seq, at, actor, action, subject) select i, 1795000000000, 'ops', 'erp.check', 'x' from n"
            ))
            .await;
        let file = visitor.get("/console/audit.csv").await;
        let name = file.headers["content-disposition"].to_str().unwrap();
        assert_eq!(name.ends_with("-first-10000.csv\""), is_cut, "{name}");
        let last = file.html.lines().last().unwrap();
        assert_eq!(last.starts_with("\"只包含前 10,000 行"), is_cut, "{last}");
        assert_eq!(file.html.lines().count(), 1 + rows.min(10_000) + usize::from(is_cut));
    }
    assert!(visitor.get("/console/audit").await.html.contains("最多 10,000 行"));
}
