//! Who may only look.

use reqwest::StatusCode;

use super::{chrome::Browser, looks::pages, office::Office};
use crate::{
    console::pages::changes,
    support::{OPERATOR, READER, SECRET},
};

#[tokio::test]
async fn whoever_may_only_look_is_shown_no_secret_and_changes_nothing() {
    a_reader_only_reads(Office::open().await).await;
}

pub async fn a_reader_only_reads(office: Office) {
    let base = office.world.url("");
    let browser = Browser::signed_in(&base, READER).await;
    for page in pages(&office) {
        browser.go(&page).await;
        let html = browser.html().await;
        let hidden =
            ["沈嘉禾", "赵志远", "13800000001", "138 0000 0001", "wx_c_1001", "123456", SECRET, OPERATOR, READER];
        for hidden in hidden {
            assert!(!html.contains(hidden), "{page} shows {hidden}");
        }
    }
    assert!(browser.complaints().await.iter().all(|told| told.contains("/console/nowhere") && told.contains("404")));
    browser.is_content().await;
    // With the session and the secret of a page of the reader's own.
    browser.go("/console/events").await;
    for (path, fields) in changes(&office.dead) {
        let fields: String = fields.iter().map(|(name, value)| format!("body.append('{name}', '{value}');")).collect();
        let script = format!(
            "const done = arguments[arguments.length - 1];
             const body = new URLSearchParams({{ secret: document.querySelector('[name=secret]').value }}); {fields}
             fetch('{path}', {{ method: 'POST', body }}).then((answer) => done(answer.status), (error) => done(String(error)));"
        );
        assert_eq!(browser.ask_in_time(&script).await, StatusCode::FORBIDDEN.as_u16(), "{path}");
    }
    assert!(browser.complaints().await.iter().all(|told| told.contains("403")));
    let (_, audit) = office.world.call("GET", "/v1/audit", None).await;
    let by_reader = audit["items"].as_array().unwrap().iter().filter(|row| row["actor"] == "view");
    assert!(by_reader.map(|row| row["action"].as_str()).all(|deed| deed == Some("console.sign_in")), "{audit}");
}
