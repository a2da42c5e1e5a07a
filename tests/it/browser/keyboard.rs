//! A whole journey without a mouse.

use erp_bridge::event::Status;

use super::{
    chrome::{Browser, ENTER, TAB},
    office::Office,
};
use crate::support::OPERATOR;

#[tokio::test]
async fn a_failed_event_is_found_read_and_tried_again_by_keys_alone() {
    let office = Office::open().await;
    office.put_right();
    let browser = Browser::open(&office.world.url("")).await;
    browser.go("/console/todo").await;
    // The field has the focus already.
    browser.press(OPERATOR).await;
    browser.press(ENTER).await;
    browser.arrives("/console/todo").await;
    browser.sees("备注太长").await;
    let row = "return document.activeElement.closest('[data-row]') !== null";
    walk(&browser, "j", row).await;
    browser.press("?").await;
    browser.sees_in("#keys-here", "下一条").await;
    assert!(!browser.text("#keys-here").await.contains("搜索"), "nothing is searched on this page");
    assert!(browser.barriers().await.is_empty());
    // What lies behind the help does not move, and what belongs to the browser stays the browser's.
    browser.press("j").await;
    browser.press("?").await;
    browser.until("the help is closed", "return !document.getElementById('keys-here').open").await;
    browser.until("the focus is back", row).await;
    browser.go("/console/events").await;
    for modifier in ["ctrlKey", "metaKey", "altKey"] {
        let pressed = format!(
            "const key = new KeyboardEvent('keydown', {{ key: '?', {modifier}: true, bubbles: true, cancelable: true }});
             return document.body.dispatchEvent(key) && !document.getElementById('keys-here').open"
        );
        assert_eq!(browser.ask(&pressed).await, true, "{modifier}");
    }
    walk(&browser, TAB, "return document.activeElement.matches('[data-keys]')").await;
    browser.press(ENTER).await;
    browser.sees_in("#keys-here", "搜索").await;
    walk(&browser, TAB, "return document.activeElement.matches('#keys-here button')").await;
    browser.press(ENTER).await;
    browser.until("the help is closed", "return !document.getElementById('keys-here').open").await;
    browser.press("/").await;
    browser.press("?").await;
    let typed = "return document.activeElement.value === '?' && !document.getElementById('keys-here').open";
    browser.until("who types a question mark types it", typed).await;
    browser.go("/console/todo").await;
    // Down the causes to the one that failed, up, and down again.
    let there = "return document.activeElement.closest('[data-row]')?.textContent.includes('备注太长')";
    walk(&browser, "j", there).await;
    browser.press("k").await;
    walk(&browser, "j", there).await;
    browser.press(ENTER).await;
    browser.arrives("/console/todo?cause=").await;
    browser.press("j").await;
    browser.until("the event has the focus", "return document.activeElement.closest('tr') !== null").await;
    browser.press(ENTER).await;
    browser.arrives(&format!("/console/events/{}", office.dead)).await;
    browser.sees_in("#verdict", "备注太长").await;
    // To the button that tries again.
    walk(&browser, TAB, "return document.activeElement.matches('#verdict button.primary')").await;
    browser.press(ENTER).await;
    office.world.until(&office.dead, &[Status::Succeeded]).await;
    browser.sees("已放回队列").await;
    browser.is_content().await;
}

/// Presses a key until what is looked for has the focus.
async fn walk(browser: &Browser, key: &str, there: &str) {
    for _ in 0..90 {
        if browser.ask(there).await == true {
            return;
        }
        browser.press(key).await;
    }
    panic!("never has the focus: {there}");
}
