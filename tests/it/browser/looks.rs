//! Every page as people see it: no barrier in either theme, a picture of each, and the same without script.

use std::path::PathBuf;

use erp_bridge::event::Status;

use super::{
    chrome::{Browser, DARK, PHONE, WIDE},
    office::Office,
};
use crate::support::OPERATOR;

/// Every page that an office can show.
pub fn pages(office: &Office) -> Vec<String> {
    let event = |id: &str| format!("/console/events/{id}");
    vec![
        "/console/overview".into(),
        "/console/todo".into(),
        "/console/todo?cause=candidates".into(),
        "/console/events".into(),
        "/console/events?status=discarded&q=nobody".into(),
        event(&office.succeeded),
        event(&office.asked),
        event(&office.dead),
        event(&office.not_admitted),
        event(&office.blocked),
        "/console/contacts".into(),
        "/console/contacts/c_1001".into(),
        "/console/not-admitted?what=if&score=20&rule=score".into(),
        "/console/erp".into(),
        "/console/audit".into(),
        "/console/settings".into(),
        "/console/nowhere".into(),
    ]
}

/// Where the pictures go.
fn album() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A page's name in the album.
fn name_of(page: &str, office: &Office) -> String {
    let known = [
        (&office.succeeded, "succeeded"),
        (&office.asked, "candidates"),
        (&office.dead, "dead"),
        (&office.not_admitted, "not-admitted"),
        (&office.blocked, "blocked"),
    ];
    let named = known.iter().fold(page.to_owned(), |page, (id, name)| page.replace(id.as_str(), name));
    named.trim_start_matches("/console/").replace(['/', '?', '&', '='], "-")
}

#[tokio::test]
async fn no_page_has_a_barrier_in_either_theme_or_goes_sideways_on_a_phone() {
    let office = Office::open().await;
    let browser = Browser::open(&office.world.url("")).await;
    let album = album();
    let mut barriers = Vec::new();
    let mut visit = async |page: &str, name: &str| {
        browser.look_by(WIDE).await;
        browser.go(page).await;
        for (screen, suffix) in [(WIDE, "wide"), (DARK, "dark"), (PHONE, "phone")] {
            browser.look_by(screen).await;
            browser.picture(&album.join(format!("{name}-{suffix}.png"))).await;
        }
        assert!(browser.html().await.len() < 150_000, "{page} is {} bytes", browser.html().await.len());
        let sideways = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
        assert_eq!(browser.ask(sideways).await, false, "{page} goes sideways on a phone");
        barriers.extend(browser.barriers().await.into_iter().map(|one| format!("{name}: {one}")));
    };
    visit("/console/sign-in", "sign-in").await;
    browser.sign_in(OPERATOR).await;
    for page in pages(&office) {
        visit(&page, &name_of(&page, &office)).await;
    }
    assert!(barriers.is_empty(), "{barriers:#?}");
    assert!(browser.complaints().await.iter().all(|told| told.contains("/console/nowhere") && told.contains("404")));
    browser.is_content().await;
}

#[tokio::test]
async fn without_script_every_page_reads_and_forms_work() {
    let office = Office::open().await;
    office.put_right();
    let browser = Browser::without_script(&office.world.url("")).await;
    browser.sign_in(OPERATOR).await;
    for page in pages(&office) {
        browser.go(&page).await;
        browser.sees_in("main", "").await;
        assert!(browser.text("main h1").await.chars().count() > 1, "{page} has a heading");
    }
    browser.go(&format!("/console/events/{}", office.dead)).await;
    browser.click("立即重试").await;
    browser.sees("已放回队列").await;
    office.world.until(&office.dead, &[Status::Succeeded]).await;
    browser.go(&format!("/console/events/{}", office.asked)).await;
    browser.click("放弃").await;
    browser.fill("#verdict [name=reason]", "重复的联系人").await;
    browser.click_on("form[action$='/discard'] button").await;
    browser.sees("已放弃").await;
    assert_eq!(office.world.event(&office.asked).await.status, Status::Discarded);
}
