//! What holds for every page.

use erp_bridge::{event::Status, store::Settlement};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    events::{ended, ended_as},
    visitor::Visitor,
};
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
        "/console/rejections".into(),
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
    let pages =
        paths.filter(|path| !NO_PAGES.contains(&path.as_str()) && !path.ends_with(".csv") && !path.ends_with(".json"));
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

/// Replays of what failed in hostile words, made for a hostile reason, by its id and by what a hostile text finds; their pages.
async fn hostile_replays(front: &Front) -> Vec<String> {
    let end = Settlement::to(Status::Dead).because("refused", SCRIPT);
    let dead = ended_as(front, "c2", end).await;
    let mut pages = Vec::new();
    for chosen in [json!({"ids": [dead], "reason": SCRIPT}), json!({"q": SCRIPT, "status": "dead", "reason": SCRIPT})] {
        let made = front.rest(Method::POST, "/v1/replays", OPERATE, &chosen).await;
        assert_eq!((made.status, &made.body["events"]), (StatusCode::CREATED, &json!(1)), "{:?}", made.body);
        pages.push(format!("/console/replays/{}", made.body["id"].as_str().unwrap()));
    }
    pages
}

/// What a sender can put where a text can stand.
const SCRIPT: &str = "<script>alert(1)</script>";

#[tokio::test]
async fn hostile_texts_are_text() {
    let front = Front::open().await;
    let mut typed = promoted("c1");
    typed["type"] = json!(SCRIPT);
    assert!(front.post_event("w0", &typed).await.status.is_client_error(), "a type has a form");
    // The sender's own id of an event may be any visible characters.
    let event = front.post_event(SCRIPT, &hostile()).await;
    let event = event.body["id"].as_str().unwrap_or_else(|| panic!("{:?}", event.body)).to_owned();
    front.link(7_001, SCRIPT).await;
    let replays = hostile_replays(&front).await;
    for token in [OPERATE, READ] {
        let mut visitor = Visitor::signed_in(&front, token).await;
        let pages = if token == OPERATE { of_operators(&event) } else { pages(&event) };
        for path in replays.clone() {
            let page = visitor.get(&path).await.html;
            assert_eq!(page.contains("&#60;script&#62;"), token == OPERATE, "its reason is for operators: {page}");
        }
        let pages = pages.into_iter().chain(replays.clone());
        for path in pages.chain(["/console/events?q=<script>alert(1)</script>\"'".into()]) {
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
        // Who is signed in goes on from here, and can say which request it was.
        let id = page.headers["x-request-id"].to_str().unwrap();
        for part in ["aria-label=\"页面\"", "退出", id] {
            assert!(page.html.contains(part), "{part} is not in {}", page.html);
        }
        assert!(!page.html.contains("再试一次"), "the same would be answered again: {}", page.html);
    }
    let stranger = Visitor::new(&front).get("/console/nowhere").await;
    assert!(stranger.status == StatusCode::NOT_FOUND && !stranger.html.contains("aria-label=\"页面\""));
    front.store.close().await;
    let page = visitor.get("/console/events?status=dead").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    for part in ["数据库暂不可用", "href=\"/console/events?status=dead\">再试一次"] {
        assert!(page.html.contains(part), "{part} is not in {}", page.html);
    }
}

#[tokio::test]
async fn a_form_that_was_not_taken_keeps_what_was_typed_and_can_be_sent_again() {
    let front = Front::open().await;
    let event = ended(&front, "c1", Status::Dead, "refused", None).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    let (page, path) = (format!("/console/events/{event}"), format!("/console/events/{event}/amend"));
    let typed = [
        ("contact.name", "王大明\"<b>"),
        ("contact.phone", "138 0000 1001"),
        ("contact.phone_verified", "true"),
        ("thread.score", "九十"),
        ("reason", "写错了"),
    ];
    let sent = visitor.change(&page, &path, &typed).await;
    assert_eq!(sent.status, StatusCode::UNPROCESSABLE_ENTITY);
    for part in [
        &*format!("action=\"{path}\""),
        "name=\"contact.name\" value=\"王大明&#34;&#60;b&#62;\"",
        "name=\"contact.phone_verified\" value=\"true\" checked",
        "name=\"thread.score\" value=\"九十\"",
        "name=\"reason\" value=\"写错了\"",
        "type=\"hidden\" name=\"secret\"",
        "评分：应为数字",
    ] {
        assert!(sent.html.contains(part), "{part} is not in {}", sent.html);
    }
    let right = typed.map(|(name, value)| (name, if name == "thread.score" { "90" } else { value }));
    let secret = sent.secret();
    let fields = [&[("secret", secret.as_str())], &right[..]].concat();
    assert_eq!(visitor.send(&path, &fields).await.status, StatusCode::SEE_OTHER);
    // Where nothing was typed there is no form.
    let sent = visitor.change("/console/todo", &format!("/console/events/{event}/resolve"), &[]).await;
    assert!(sent.status == StatusCode::UNPROCESSABLE_ENTITY && !sent.html.contains("再次提交"), "{}", sent.html);
}

/// Texts as hostile as people and the ERP can write them, as long as they can be.
fn long_texts() -> Vec<String> {
    let whole = |part: &str| part.chars().cycle().take(20_000).collect::<String>();
    ["<script>alert(1)</script>", "很", "\u{202e}مرحبا بالعالم", "😀\u{200d}👩", "\"'&<>", "x"].map(whole).into()
}

#[tokio::test]
async fn the_longest_texts_are_text_on_every_page_and_no_page_is_heavier_than_it_should_be() {
    let front = Front::open().await;
    let mut operator = None;
    for (number, text) in long_texts().into_iter().enumerate() {
        let contact = format!("c{number}");
        let words: String = text.chars().take(2_000).collect();
        let end = Settlement::to(Status::Dead).because("refused", words.as_str());
        let event = ended_as(&front, &contact, end).await;
        let mut body = promoted(&contact);
        body["data"]["signal"] = json!({"id": "s1", "content": text});
        body["data"]["contact"]["name"] = json!(text.chars().take(40).collect::<String>());
        let quoted = |text: &str| text.replace('\'', "''");
        front
            .ledger(&format!("update events set payload = '{}' where id = '{event}'", quoted(&body.to_string())))
            .await;
        for call in 0..40 {
            let (step, request) = (["survey", "progress:1", "gone"][call % 3], json!({"intro": text, "name": words}));
            let sql = "insert into calls (event_id, number, step, interface, started_at, duration_ms, outcome, request, response)";
            let row = format!("'{event}', {call}, '{step}', '客户列表', 1795000000000, 9, 'refused'");
            let (request, answer) = (quoted(&request.to_string()), quoted(&words));
            front.ledger(&format!("{sql} values ({row}, '{request}', '{answer}')")).await;
        }
        let visitor = match &mut operator {
            Some(visitor) => visitor,
            None => operator.insert(Visitor::signed_in(&front, OPERATE).await),
        };
        let pages = of_operators(&event).into_iter().map(|path| path.replace("/c1", &format!("/{contact}")));
        for path in pages.filter(|path| !path.starts_with("/console/help")) {
            let page = visitor.get(&path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.html);
            assert_eq!(page.html.matches("<script").count(), 1, "{path}: {}", page.html);
            assert!(page.html.len() < 150_000, "{path} of {contact} is {} bytes", page.html.len());
        }
        let form = visitor.get(&format!("/console/events/{event}?amend=open")).await.html;
        assert!(form.len() < 150_000 && form.contains("<details class=\"act\" open>"), "{} bytes", form.len());
        let page = visitor.get(&format!("/console/events/{event}")).await.html;
        assert!(page.contains("amend=open\">更正并重跑"), "{page}");
        assert!(page.contains("见完整记录") && page.contains("客户列表"), "{page}");
    }
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

/// Such as by choosing the other language on what a form answered.
#[tokio::test]
async fn an_address_that_forms_are_sent_to_leads_to_the_page_that_they_stand_on() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    for (address, page) in [
        (
            "/console/events/01a21c21-ae71-7451-8e09-30fb6af38485/now",
            "/console/events/01a21c21-ae71-7451-8e09-30fb6af38485",
        ),
        ("/console/contacts/c1/erase", "/console/contacts/c1"),
        ("/console/erp/resume", "/console/erp"),
        ("/console/outbox/01a21c21-ae71-7451-8e09-30fb6af38485/replay", "/console/outbox"),
        ("/console/sign-out", "/console"),
    ] {
        let sent = visitor.get(address).await;
        assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, page), "{address}");
    }
}
