//! Every page as people see it: no barrier in either theme, and a picture of each.

use std::path::PathBuf;

use super::{
    chrome::{Browser, DARK, PHONE, WIDE},
    office::Office,
};
use crate::{console::pages::unseen, support::OPERATOR};

/// Every page that an office can show; `folds=open` unfolds what is folded.
pub fn pages(office: &Office) -> Vec<String> {
    pages_and_words(office).into_iter().map(|(page, _)| page).collect()
}

/// The same, each with something that it says in its main part to whoever may operate.
pub fn pages_and_words(office: &Office) -> Vec<(String, &'static str)> {
    let event = |id: &str| format!("/console/events/{id}");
    vec![
        ("/console/overview".into(), "等得最久的事件"),
        ("/console/overview?span=hour&folds=open".into(), "最近一小时"),
        ("/console/todo".into(), "同类 1 条"),
        ("/console/todo?cause=candidates".into(), "从最早的开始"),
        ("/console/events".into(), "赵志远"),
        ("/console/events?status=discarded&q=nobody".into(), "没有符合条件的事件"),
        (event(&office.succeeded), "已写入 ERP 并核对"),
        (event(&office.asked), "会补上"),
        (event(&office.dead), "备注太长"),
        (format!("{}?folds=open", event(&office.dead)), "备注太长"),
        (event(&office.not_admitted), "不符合准入条件"),
        (event(&office.blocked), "周敏"),
        ("/console/contacts".into(), "c_1001"),
        ("/console/contacts/c_1001".into(), "手动同步"),
        ("/console/contacts/c_1001?folds=open".into(), "手动同步"),
        ("/console/not-admitted?what=if&score=20&rule=score".into(), "c_3003"),
        ("/console/rejections".into(), "没有无效请求"),
        ("/console/replays".into(), "已放回 0 / 1"),
        (format!("/console/replays/{}", office.replay), "还没有开始"),
        ("/console/erp".into(), "没有人工暂停"),
        ("/console/outbox".into(), "微信中台"),
        ("/console/outbox?state=waiting".into(), "微信中台"),
        ("/console/audit".into(), "创建重放"),
        ("/console/settings".into(), "访问令牌"),
        ("/console/help".into(), "快捷键"),
        ("/console/help/operations".into(), "写给管这套系统的人"),
        ("/console/nowhere".into(), "没有这个页面"),
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
