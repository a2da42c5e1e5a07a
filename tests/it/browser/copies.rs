//! What the buttons that copy put into the clipboard.

use serde_json::Value;

use super::{chrome::Browser, office::person};
use crate::support::{OPERATOR, World, WorldOptions, message, promoted};

/// Notes what is copied in `window.copied`: where the page has a clipboard …
const CLIPBOARD: &str = "Object.defineProperty(navigator, 'clipboard',
    { value: { writeText: async (text) => { window.copied = text; } } });";
/// … and where it has none, as over plain HTTP in a company's network.
const NO_CLIPBOARD: &str = "Object.defineProperty(navigator, 'clipboard', { value: undefined });
    document.addEventListener('copy', () => { window.copied = document.activeElement.value; });";

/// Copies the raw request of an event and answers it.
async fn copied(browser: &Browser, event: &str) -> Value {
    browser.go(&format!("/console/events/{event}")).await;
    browser.sees_in(".live", "实时").await;
    browser.click("原始请求").await;
    browser.click("复制").await;
    browser.until("it is copied", "return window.copied !== undefined").await;
    browser.sees("已复制").await;
    let text = browser.ask("return window.copied").await;
    serde_json::from_str(text.as_str().unwrap()).expect("what is copied is JSON")
}

#[tokio::test]
async fn what_is_cut_on_the_page_is_copied_whole_with_and_without_a_clipboard() {
    let world = World::with(WorldOptions { dispatch: false, ..WorldOptions::default() }).await;
    let (short, long) =
        (promoted(&person("c_1001", "沈嘉禾", 1), 82.0), message("c_1001", 1, &"样品已寄出。".repeat(900)));
    let short_id = world.accept("w1", &short).await;
    let long_id = world.accept("w2", &long).await;
    for source in [CLIPBOARD, NO_CLIPBOARD] {
        let browser = Browser::signed_in(&world.url(""), OPERATOR).await;
        browser.begin_with(source).await;
        assert_eq!(copied(&browser, &short_id).await["data"], short["data"]);
        assert!(!browser.text("#facts").await.contains("只显示前"));
        assert_eq!(copied(&browser, &long_id).await["data"], long["data"]);
        let told = browser.text("#facts .hint").await;
        assert!(told.starts_with("只显示前 4,000 字，全文共 5,"), "{told}");
        browser.is_content().await;
    }
}

#[tokio::test]
async fn what_could_not_be_copied_is_not_said_to_be() {
    let world = World::with(WorldOptions { dispatch: false, ..WorldOptions::default() }).await;
    let long = world.accept("w1", &message("c_1001", 1, &"样品已寄出。".repeat(900))).await;
    let browser = Browser::signed_in(&world.url(""), OPERATOR).await;
    browser.go(&format!("/console/events/{long}")).await;
    browser.sees_in(".live", "实时").await;
    browser.click("原始请求").await;
    browser.ask("window.fetch = async () => new Response('', { status: 503 })").await;
    browser.click("复制").await;
    browser.sees("无法复制").await;
    browser.is_content().await;
}
