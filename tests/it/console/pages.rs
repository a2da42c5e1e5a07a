//! What holds for every page.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::visitor::Visitor;
use crate::front::{Front, OPERATE, READ, promoted};

/// Every page that can be looked at, with an event to show.
fn pages(event: &str) -> Vec<String> {
    vec![
        "/console/sign-in".into(),
        "/console/overview".into(),
        "/console/overview?span=month".into(),
        "/console/todo".into(),
        "/console/todo?cause=refused".into(),
        "/console/events".into(),
        "/console/events?status=dead&q=x".into(),
        format!("/console/events/{event}"),
        "/console/contacts".into(),
        "/console/contacts?q=nobody".into(),
        "/console/contacts/c1".into(),
        "/console/replays".into(),
        "/console/not-admitted".into(),
        "/console/not-admitted?what=if&score=0&rule=score".into(),
        "/console/erp".into(),
        "/console/outbox".into(),
        "/console/outbox?state=waiting".into(),
        "/console/audit".into(),
        "/console/settings".into(),
        "/console/help".into(),
        "/console/help/operations".into(),
    ]
}

/// Pages for those alone who may change things.
pub fn of_operators(event: &str) -> Vec<String> {
    let pages = [
        "/console/contacts/c1/assign".into(),
        "/console/events/bulk?do=discard&all=true&q=x".into(),
        format!("/console/events/bulk?do=replay&id={event}"),
    ];
    self::pages(event).into_iter().chain(pages).collect()
}

/// Addresses of the router that show no page of their own.
const NO_PAGES: [&str; 9] = [
    "/console",
    "/console/",
    "/console/sign-in",
    "/console/language",
    "/console/stream",
    "/console/todo/next",
    // What a form is answered with; asked for again, another page answers.
    "/console/contacts/{id}/preview",
    "/console/erp/check",
    "/console/outbox/test",
];

/// The pages of the router (`src/console/mod.rs`) that none of these addresses shows.
pub fn unseen(addresses: &[String]) -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/console");
    let read = |file: String| std::fs::read_to_string(format!("{folder}/{file}")).ok();
    let routes = read("mod.rs".into()).unwrap();
    let routes: Vec<_> = routes.lines().filter_map(|line| line.trim().strip_prefix(".route(")).collect();
    assert!(routes.len() > 30, "{routes:?}");
    let shown = routes.iter().filter(|route| route.contains("get(") && !route.starts_with("assets::"));
    let paths = shown.map(|route| {
        let name = route.split_once(',').unwrap().0;
        let Some((module, constant)) = name.split_once("::") else { return name.trim_matches('"').to_owned() };
        let source = read(format!("{module}.rs")).or_else(|| read(format!("{module}/mod.rs"))).unwrap();
        let (_, value) = source.split_once(&format!("{constant}: &str = \"")).unwrap();
        value.split_once('"').unwrap().0.to_owned()
    });
    let pages = paths.filter(|path| !NO_PAGES.contains(&path.as_str()) && !path.ends_with(".csv"));
    let is_shown = |path: &str, address: &str| {
        let address = address.split('?').next().unwrap_or_default();
        path.split('/').count() == address.split('/').count()
            && path.split('/').zip(address.split('/')).all(|(part, given)| part.starts_with('{') || part == given)
    };
    pages.filter(|path| !addresses.iter().any(|address| is_shown(path, address))).collect()
}

#[test]
fn no_page_of_the_router_is_forgotten() {
    let seen = unseen(&of_operators("e1").into_iter().chain(["/console/replays/r1".into()]).collect::<Vec<_>>());
    assert_eq!(seen, [""; 0], "add them to pages()");
    let all = unseen(&[]);
    assert!(all.contains(&"/console/events/{id}".into()) && all.contains(&"/console/erp".into()), "{all:?}");
}

/// A body in which script stands wherever a text can.
fn hostile() -> Value {
    let script = "<script>alert(1)</script>\u{202e}😀\"'&";
    let mut event = promoted("c1");
    for member in ["name", "notes", "company"] {
        event["data"]["contact"][member] = json!(format!("王小明{script}"));
    }
    event
}

#[tokio::test]
async fn every_page_keeps_foreign_script_out_and_names_no_other_origin() {
    let front = Front::open().await;
    let event = front.post_event("w1", &promoted("c1")).await.body["id"].as_str().unwrap().to_owned();
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    for path in of_operators(&event) {
        let page = visitor.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(page.headers["cache-control"], "no-store", "{path}");
        for forbidden in ["=\"http", "style=\"", "onclick=", "<style"] {
            assert!(!page.html.contains(forbidden), "{path} holds {forbidden}");
        }
        assert!(page.html.matches("<script").count() == 1 && page.html.contains("<script src=\"/console/assets/"));
    }
}

#[tokio::test]
async fn hostile_texts_are_text() {
    let front = Front::open().await;
    let event = front.post_event("w1", &hostile()).await;
    let event = event.body["id"].as_str().unwrap_or_else(|| panic!("{:?}", event.body)).to_owned();
    front.link(7_001, "<script>alert(1)</script>").await;
    for token in [OPERATE, READ] {
        let mut visitor = Visitor::signed_in(&front, token).await;
        let pages = if token == OPERATE { of_operators(&event) } else { pages(&event) };
        for path in pages.into_iter().chain(["/console/events?q=<script>alert(1)</script>\"'".into()]) {
            let page = visitor.get(&path.replace('<', "%3C").replace('>', "%3E").replace('"', "%22")).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.html);
            assert_eq!(page.html.matches("<script").count(), 1, "{path}: {}", page.html);
        }
    }
}

/// Every form that changes something: where it is sent, and its fields.
pub fn changes(event: &str) -> Vec<(String, Vec<(&'static str, &'static str)>)> {
    vec![
        (format!("/console/events/{event}/replay"), vec![]),
        (format!("/console/events/{event}/amend"), vec![("contact.name", "王大明"), ("reason", "错字")]),
        (format!("/console/events/{event}/replan"), vec![]),
        (format!("/console/events/{event}/discard"), vec![("reason", "旧")]),
        (format!("/console/events/{event}/resolve"), vec![("decision", "done")]),
        (format!("/console/events/{event}/now"), vec![]),
        ("/console/events/bulk".into(), vec![("do", "discard"), ("all", "true"), ("q", "c1"), ("reason", "旧")]),
        ("/console/replays".into(), vec![("code", "refused")]),
        (format!("/console/replays/{event}/start"), vec![]),
        (format!("/console/replays/{event}/pause"), vec![]),
        (format!("/console/replays/{event}/resume"), vec![]),
        (format!("/console/replays/{event}/stop"), vec![("reason", "旧")]),
        ("/console/contacts/c1/sync".into(), vec![("name", "王小明")]),
        ("/console/contacts/c1/preview".into(), vec![("name", "王小明")]),
        ("/console/contacts/c1/assign".into(), vec![("public", "true")]),
        ("/console/contacts/c1/apply".into(), vec![]),
        ("/console/contacts/c1/approval".into(), vec![("approve", "true")]),
        ("/console/contacts/c1/takeback".into(), vec![]),
        ("/console/contacts/c1/now".into(), vec![]),
        ("/console/contacts/c1/unlink".into(), vec![("reason", "旧")]),
        ("/console/contacts/c1/erase".into(), vec![("reason", "旧")]),
        ("/console/outbox/replay".into(), vec![("to", "platform")]),
        ("/console/outbox/test".into(), vec![]),
        (format!("/console/outbox/{event}/replay"), vec![]),
        (format!("/console/outbox/{event}/discard"), vec![("reason", "旧")]),
        ("/console/erp/check".into(), vec![]),
        ("/console/erp/resume".into(), vec![]),
        ("/console/erp/pause".into(), vec![("scope", "all"), ("reason", "x")]),
        ("/console/erp/unpause".into(), vec![("scope", "all")]),
    ]
}

#[tokio::test]
async fn who_may_only_look_changes_nothing_and_is_shown_no_form_for_it() {
    let front = Front::open().await;
    let event = front.post_event("w1", &promoted("c1")).await.body["id"].as_str().unwrap().to_owned();
    let mut visitor = Visitor::signed_in(&front, READ).await;
    for (path, fields) in changes(&event) {
        let sent = visitor.change("/console/events", &path, &fields).await;
        assert_eq!(sent.status, StatusCode::FORBIDDEN, "{path}");
        assert!(sent.html.contains("只读"), "{path}: {}", sent.html);
    }
    for path in pages(&event) {
        let html = visitor.get(&path).await.html;
        let forms = html.matches("method=\"post\"").count();
        assert_eq!(forms, 1, "{path} has forms beside the one to sign in or out: {html}");
    }
    assert_eq!(front.store.event(&event).await.unwrap().unwrap().status.as_str(), "queued");
}

#[tokio::test]
async fn who_may_only_look_sees_nobody_in_clear() {
    let front = Front::open().await;
    let event = front.post_event("w1", &promoted("c1")).await.body["id"].as_str().unwrap().to_owned();
    let mut visitor = Visitor::signed_in(&front, READ).await;
    // The manual tells of nobody: it has an example of that name.
    for path in pages(&event).into_iter().filter(|path| path != "/console/help/operations") {
        let html = visitor.get(&path).await.html;
        for hidden in ["王小明", "13800001001", "138 0000 1001", "wxm_1001"] {
            assert!(!html.contains(hidden), "{path} shows {hidden}");
        }
    }
    assert!(visitor.get(&format!("/console/events/{event}")).await.html.contains("王*明"));
    let clear = Visitor::signed_in(&front, OPERATE).await.get(&format!("/console/events/{event}")).await.html;
    assert!(clear.contains("王小明") && clear.contains("138 0000 1001"), "{clear}");
    let actions: Vec<_> = front.store.audit_log(None, 9).await.unwrap().into_iter().map(|row| row.action).collect();
    assert_eq!(actions, ["event.unmask", "console.sign_in", "console.sign_in"], "whole sight is audited");
}

#[tokio::test]
async fn the_language_is_chosen_once_and_every_page_speaks_it() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, READ).await;
    assert!(visitor.get("/console/events").await.html.contains("<html lang=\"zh-CN\">"));
    let chosen = visitor.get("/console/language?to=en&back=/console/events?q=1").await;
    assert_eq!((chosen.status, chosen.location()), (StatusCode::SEE_OTHER, "/console/events?q=1"));
    let page = visitor.get("/console/events").await;
    assert!(page.html.contains("<html lang=\"en\">") && page.html.contains("No events yet"), "{}", page.html);
    assert!(visitor.get("/console/nowhere").await.html.contains("There is no such page."));
    assert_eq!(visitor.get("/console/language?back=https://evil.example").await.location(), "/console/overview");
}

/// What a form was sent to is no page of its own: who chooses the language there comes to a page all the same.
#[tokio::test]
async fn the_language_link_of_what_a_form_answered_leads_to_a_page() {
    let front = Front::open().await;
    let event = front.post_event("w1", &promoted("c1")).await.body["id"].as_str().unwrap().to_owned();
    for token in [OPERATE, READ] {
        let mut visitor = Visitor::signed_in(&front, token).await;
        for (path, fields) in changes(&event) {
            let answer = visitor.change("/console/events", &path, &fields).await;
            if answer.status == StatusCode::SEE_OTHER {
                continue;
            }
            let link = answer.html.split('"').find(|part| part.starts_with("/console/language?")).unwrap();
            let back = visitor.get(&link.replace("&#38;", "&").replace("to=en", "to=zh-CN")).await;
            let mut page = visitor.get(back.location()).await;
            if page.status == StatusCode::SEE_OTHER {
                page = visitor.get(page.location()).await;
            }
            assert_eq!(page.status, StatusCode::OK, "{path} → {link} → {}", back.location());
        }
    }
}

#[tokio::test]
async fn a_fault_is_a_page_in_words_with_a_way_back() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, READ).await;
    for (path, status) in [("/console/events?status=nonsense", 400), ("/console/nowhere", 404)] {
        let page = visitor.get(path).await;
        assert_eq!(page.status.as_u16(), status, "{path}");
        assert!(page.html.contains("无法完成") && page.html.contains("href=\"/console/events\""), "{}", page.html);
    }
    front.store.close().await;
    let page = visitor.get("/console/events").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.html.contains("数据库暂不可用"), "{}", page.html);
}

#[tokio::test]
async fn assets_are_named_by_their_content_and_kept() {
    let front = Front::open().await;
    let html = Visitor::new(&front).get("/console/sign-in").await.html;
    let mut sizes = 0;
    for address in html.split('"').filter(|part| part.starts_with("/console/assets/")) {
        let asset = front.call(Method::GET, address, &[], "").await;
        assert_eq!(asset.status, StatusCode::OK, "{address}");
        assert!(asset.headers["cache-control"].to_str().unwrap().contains("immutable"), "{address}");
        sizes += asset.body.as_str().unwrap().len();
    }
    assert!((1_000..120_000).contains(&sizes), "{sizes} bytes before any compression");
    let gone = front.call(Method::GET, "/console/assets/console-000000000000.css", &[], "").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_tells_what_stops_everything_and_names_what_was_done() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, READ).await;
    let page = visitor.get("/console/events?done=discarded").await;
    assert!(page.html.contains("ERP 拒绝登录，已停止派发") && page.html.contains("已放弃"), "{}", page.html);
    assert!(!page.html.contains("密码错误"), "the ERP's own words are not for everybody");
}

#[tokio::test]
async fn the_stream_is_for_who_is_signed_in() {
    let front = Front::open().await;
    // As the script asks.
    let refused = front.call(Method::GET, "/console/stream?since=0", &[], "").await;
    assert_eq!((refused.status, refused.problem()), (StatusCode::UNAUTHORIZED, "token_missing"));
}
