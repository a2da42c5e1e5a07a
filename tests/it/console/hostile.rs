//! Texts that want to be more than text, where only some pages show them: what the ERP calls its customers, what a sync would
//! change, what was typed into a form that was not taken, and files.

use erp_bridge::{event::Status, store::Actor};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{events::ended, visitor::Visitor};
use crate::front::{Front, OPERATE, READ, promoted};

/// What somebody can write where a text can stand.
const TEXTS: [&str; 5] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "\u{202e}مرحبا بالعالم",
    "😀\u{200d}👩&amp;",
];

/// The same text again and again, so many characters of it.
fn long(text: &str, chars: usize) -> String {
    text.chars().cycle().take(chars).collect()
}

/// Nothing on the page is more than text, and the page is no heavier than any other.
fn assert_harmless(html: &str, what: &str) {
    assert_eq!(html.matches("<script").count(), 1, "{what}: {html}");
    for broken in ["<img", "' onmouseover='"] {
        assert!(!html.contains(broken), "{what} holds {broken}: {html}");
    }
    assert!(html.len() < 150_000, "{what} is {} bytes", html.len());
}

/// As many customers as a question has, all of whose fields are such texts of so many characters.
fn candidates(chars: usize) -> Vec<Value> {
    let texts = TEXTS.into_iter().cycle().take(20).map(|text| long(text, chars));
    let customers = (7_001..).zip(texts).map(|(ord, text)| {
        json!({"ord": ord, "khid": text, "name": text, "mobile": text, "salesperson": text, "added": text})
    });
    customers.collect()
}

#[tokio::test]
async fn what_the_erp_calls_its_customers_is_text_beside_a_decision_however_long_it_is() {
    let front = Front::open().await;
    let mut operator = Visitor::signed_in(&front, OPERATE).await;
    let mut reader = Visitor::signed_in(&front, READ).await;
    for chars in [30, 20_000] {
        let review =
            json!({"matched_by": "mobile", "candidates": candidates(chars), "decisions": ["link", "recreate"]});
        let event = ended(&front, &format!("c{chars}"), Status::NeedsReview, "candidates", Some(review)).await;
        let path = format!("/console/events/{event}");
        let page = operator.get(&path).await.html;
        assert_harmless(&page, &path);
        for shown in ["<bdi>&#60;script&#62;alert(1)", "<bdi>&#34;&#62;&#60;img src=x", "<bdi>\u{202e}مرحبا", "<bdi>😀"]
        {
            assert!(page.contains(shown), "{shown} is not in {page}");
        }
        assert_eq!(page.matches("name=\"ord\" value=\"70").count(), 20, "each can be linked: {page}");
        assert_harmless(&reader.get(&path).await.html, &path);
    }
}

#[tokio::test]
async fn a_customer_number_is_text_in_the_list_of_contacts_however_long_it_is() {
    let front = Front::open().await;
    for (contact, ord) in [("c1", 7_001), ("c2", 7_002), ("c3", 7_003)] {
        front.post_event(contact, &promoted(contact)).await;
        front.link(ord, &long("<script>\"'&", 20_000)).await;
    }
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    for path in ["/console/contacts", "/console/contacts/c1"] {
        let page = visitor.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.html);
        assert_harmless(&page.html, path);
        assert!(page.html.contains("<bdi>&#60;script&#62;&#34;&#39;&#38;"), "{path}: {}", page.html);
    }
}

#[tokio::test]
async fn what_a_sync_would_change_is_text_in_its_preview_however_long_it_is() {
    let front = Front::open().await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    front.post_event("w1", &promoted("c1")).await;
    for text in TEXTS {
        let name = long(text, 40);
        let fields = [
            ("name", &*name),
            ("phone", "13800001001"),
            ("phone_verified", "true"),
            ("score", "82"),
            ("force", "true"),
        ];
        let shown = visitor.change("/console/contacts/c1", "/console/contacts/c1/preview", &fields).await;
        assert_eq!(shown.status, StatusCode::OK, "{text}: {}", shown.html);
        assert_harmless(&shown.html, text);
        assert!(shown.html.contains("补充到已有客户"), "{}", shown.html);
        assert!(shown.html.contains("<td><bdi>&#60;script&#62;alert(1)"), "what is there now: {}", shown.html);
    }
}

#[tokio::test]
async fn what_was_typed_into_a_form_that_was_not_taken_is_text_when_it_is_shown_again() {
    let front = Front::open().await;
    let event = ended(&front, "c1", Status::Dead, "refused", None).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    for text in TEXTS {
        // A line, and what gets several of them.
        for typed in [text.to_owned(), long(text, 300)] {
            for (path, field) in [
                (format!("/console/events/{event}/amend"), "contact.name"),
                ("/console/contacts/c1/sync".to_owned(), "name"),
                ("/console/contacts/c1/assign".to_owned(), "users"),
                ("/console/erp/pause".to_owned(), "contact"),
            ] {
                let wrong = [(field, &*typed), ("score", "九十"), ("thread.score", "九十"), ("scope", "contact")];
                let sent = visitor.change("/console/todo", &path, &wrong).await;
                assert_eq!(sent.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {typed}: {}", sent.html);
                assert_harmless(&sent.html, &path);
                assert!(sent.html.contains(&format!("name=\"{field}\"")), "{path} has lost {field}: {}", sent.html);
            }
        }
        let asked: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let page = visitor.get(&format!("/console/events/bulk?do=discard&all=true&q={asked}")).await;
        assert_harmless(&page.html, "what many are chosen by");
        let stranger = Visitor::new(&front).get(&format!("/console/sign-in?next=/console/events?q={asked}")).await;
        assert_harmless(&stranger.html, "where somebody wanted to go");
    }
}

#[tokio::test]
async fn no_cell_of_any_file_is_calculated_whatever_it_begins_with() {
    let front = Front::open().await;
    for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
        front.store.audit(&Actor::from(formula), "event.discard", "-1-1", Some(formula)).await.unwrap();
    }
    let dead = ended(&front, "-1-1", Status::Dead, "refused", None).await;
    let mut unwanted = promoted("-2-2");
    unwanted["data"]["thread"]["score"] = json!(1);
    front.post_event("w2", &unwanted).await;
    let made = front.rest(Method::POST, "/v1/replays", OPERATE, &json!({"ids": [dead], "reason": "=1"})).await;
    let replay = made.body["id"].as_str().unwrap();
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    for (path, defused) in [
        ("/console/audit.csv".to_owned(), 18),
        (format!("/console/replays/{replay}/events.csv"), 1),
        ("/console/not-admitted.csv".to_owned(), 1),
    ] {
        let file = visitor.get(&path).await;
        assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8", "{path}");
        let mut rows = csv::Reader::from_reader(file.html.trim_start_matches('\u{feff}').as_bytes());
        let cells: Vec<String> =
            rows.records().flat_map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()).collect();
        assert!(!cells.iter().any(|cell| cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{path}: {cells:?}");
        assert!(cells.iter().filter(|cell| cell.starts_with('\'')).count() >= defused, "{path}: {cells:?}");
    }
}
