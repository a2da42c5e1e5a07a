//! Every page as people see it: no barrier in either theme, a picture of each, and the same without script.

use std::path::PathBuf;

use erp_bridge::event::Status;

use super::{
    chrome::{Browser, DARK, PHONE, WIDE},
    office::Office,
};
use crate::{console::pages::unseen, support::OPERATOR};

/// Every page that an office can show; `folds=open` unfolds what is folded.
pub fn pages(office: &Office) -> Vec<String> {
    let event = |id: &str| format!("/console/events/{id}");
    vec![
        "/console/overview".into(),
        "/console/overview?span=hour&folds=open".into(),
        "/console/todo".into(),
        "/console/todo?cause=candidates".into(),
        "/console/events".into(),
        "/console/events?status=discarded&q=nobody".into(),
        event(&office.succeeded),
        event(&office.asked),
        event(&office.dead),
        format!("{}?folds=open", event(&office.dead)),
        event(&office.not_admitted),
        event(&office.blocked),
        "/console/contacts".into(),
        "/console/contacts/c_1001".into(),
        "/console/contacts/c_1001?folds=open".into(),
        "/console/not-admitted?what=if&score=20&rule=score".into(),
        "/console/rejections".into(),
        "/console/replays".into(),
        format!("/console/replays/{}", office.replay),
        "/console/erp".into(),
        "/console/outbox".into(),
        "/console/outbox?state=waiting".into(),
        "/console/audit".into(),
        "/console/settings".into(),
        "/console/help".into(),
        "/console/help/operations".into(),
        "/console/nowhere".into(),
    ]
}

/// Pages for those alone who may change things.
const OF_OPERATORS: [&str; 2] =
    ["/console/contacts/c_1001/assign", "/console/events/bulk?do=discard&all=true&status=dead,needs_review"];

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
        (&office.replay, "one"),
    ];
    let named = known.iter().fold(page.to_owned(), |page, (id, name)| page.replace(id.as_str(), name));
    named.trim_start_matches("/console/").replace(['/', '?', '&', '='], "-")
}

/// Takes pictures of a page, holds it against what every page must be, and notes its barriers.
async fn look(browser: &Browser, name: &str, barriers: &mut Vec<String>) {
    let album = album();
    for (screen, suffix) in [(WIDE, "wide"), (DARK, "dark"), (PHONE, "phone")] {
        browser.look_by(screen).await;
        browser.picture(&album.join(format!("{name}-{suffix}.png"))).await;
    }
    assert!(browser.html().await.len() < 150_000, "{name} is {} bytes", browser.html().await.len());
    let sideways = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
    assert_eq!(browser.ask(sideways).await, false, "{name} goes sideways on a phone");
    barriers.extend(browser.barriers().await.into_iter().map(|one| format!("{name}: {one}")));
}

#[tokio::test]
async fn no_page_has_a_barrier_in_either_theme_or_goes_sideways_on_a_phone() {
    let office = Office::open().await;
    let browser = Browser::open(&office.world.url("")).await;
    let mut barriers = Vec::new();
    let mut visit = async |page: &str, name: &str| {
        browser.look_by(WIDE).await;
        browser.go(page).await;
        if page.contains("folds=open") {
            browser.ask("for (const fold of document.querySelectorAll('main details')) fold.open = true").await;
        }
        look(&browser, name, &mut barriers).await;
    };
    visit("/console/sign-in", "sign-in").await;
    browser.sign_in(OPERATOR).await;
    let mut pages = pages(&office);
    pages.extend(OF_OPERATORS.map(str::to_owned));
    assert_eq!(unseen(&pages), [""; 0], "pages of the router that nobody looks at");
    for page in pages {
        visit(&page, &name_of(&page, &office)).await;
    }
    // What forms are answered with.
    let form = async |page: &str, fold: &str, css: &str| {
        browser.look_by(WIDE).await;
        browser.go(page).await;
        if !fold.is_empty() {
            browser.click(fold).await;
        }
        browser.click_on(css).await;
    };
    let contact = "/console/contacts/c_1001";
    form(&format!("/console/events/{}", office.succeeded), "", "form[action$='/now'] button").await;
    look(&browser, "event-now", &mut barriers).await;
    form(contact, "手动同步", "button[formaction$='/preview']").await;
    look(&browser, "preview", &mut barriers).await;
    form("/console/erp", "", "form[action$='/check'] button").await;
    look(&browser, "erp-checked", &mut barriers).await;
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
    browser.click("原始请求").await;
    browser.sees_in("#raw", "赵志远").await;
    assert!(!browser.text("main").await.contains("复制"), "a button that does nothing");
    browser.click("立即重试").await;
    browser.sees("已放回队列").await;
    office.world.until(&office.dead, &[Status::Succeeded]).await;
    browser.go(&format!("/console/events/{}", office.asked)).await;
    browser.click("放弃").await;
    browser.fill("form[action$='/discard'] [name=reason]", "重复的联系人").await;
    browser.click_on("form[action$='/discard'] button").await;
    browser.sees("已放弃").await;
    assert_eq!(office.world.event(&office.asked).await.status, Status::Discarded);
}
