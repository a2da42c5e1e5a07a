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
    browser.press("?").await;
    browser.sees_in("#keys", "j 下一条").await;
    browser.press("?").await;
    browser.until("the help is closed", "return !document.getElementById('keys').open").await;
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
    for _ in 0..40 {
        if browser.ask(there).await == true {
            return;
        }
        browser.press(key).await;
    }
    panic!("never has the focus: {there}");
}
