//! Pages that follow what happens: when they stand still, and how they come back.

use super::{
    chrome::{Browser, PHONE},
    decisions::falls_behind,
    office::person,
};
use crate::support::{READER, World, WorldOptions, promoted};

/// Notes every stream that a page opens in `window.streams`.
const NOTED_STREAMS: &str = "window.streams = [];
    window.EventSource = class extends EventSource {
      constructor(...address) { super(...address); window.streams.push(this); }
    };";

/// The events from `first` to `last`, each of a contact of its own; they wait.
async fn accept(world: &World, first: u32, last: u32) {
    for number in first..=last {
        let person = person(&format!("c_{number}"), "沈嘉禾", number);
        world.accept(&format!("w{number}"), &promoted(&person, 82.0)).await;
    }
}

/// The list of events, followed, of so many.
async fn list(events: u32) -> (World, Browser) {
    let world = World::with(WorldOptions { dispatch: false, ..WorldOptions::default() }).await;
    accept(&world, 1001, 1000 + events).await;
    let browser = Browser::signed_in(&world.url(""), READER).await;
    browser.begin_with(NOTED_STREAMS).await;
    browser.go("/console/events").await;
    browser.sees_in(".live", "实时").await;
    (world, browser)
}

/// The page shows the event of this contact, and that it is live.
async fn shows(browser: &Browser, contact: &str) {
    browser.sees_in("#rows", contact).await;
    browser.until("it is live", "return document.querySelector('.live').dataset.state === 'live'").await;
}

#[tokio::test]
async fn whoever_pauses_the_page_reads_in_peace_and_goes_on_with_a_click() {
    let (world, browser) = list(1).await;
    browser.click("实时").await;
    browser.sees_in(".live", "已暂停，点击继续").await;
    accept(&world, 1002, 1002).await;
    // Long enough for a look, if there were one: between two of them lie two seconds.
    tokio::time::sleep(std::time::Duration::from_millis(2_800)).await;
    assert!(!browser.text("#rows").await.contains("c_1002"), "a paused page does not change");
    assert!(browser.text(".live").await.contains("已暂停"));
    browser.click("已暂停，点击继续").await;
    shows(&browser, "c_1002").await;
    accept(&world, 1003, 1003).await;
    shows(&browser, "c_1003").await;
    browser.is_content().await;
}

#[tokio::test]
async fn a_hidden_tab_gives_its_stream_back_and_shows_what_happened_when_somebody_returns() {
    let (world, browser) = list(1).await;
    let hide = |hidden: bool| {
        format!(
            "Object.defineProperty(document, 'hidden', {{ value: {hidden}, configurable: true }});
             document.dispatchEvent(new Event('visibilitychange'))"
        )
    };
    browser.until("it listens", "return window.streams.length === 1 && window.streams[0].readyState === 1").await;
    browser.ask(&hide(true)).await;
    assert_eq!(browser.ask("return window.streams[0].readyState").await, 2, "a hidden tab listens no more");
    accept(&world, 1002, 1002).await;
    assert_eq!(browser.ask("return window.streams.length").await, 1);
    assert!(!browser.text("#rows").await.contains("c_1002"));
    browser.ask(&hide(false)).await;
    shows(&browser, "c_1002").await;
    browser.until("it listens again", "return window.streams.length === 2 && window.streams[1].readyState === 1").await;
    accept(&world, 1003, 1003).await;
    shows(&browser, "c_1003").await;
    browser.is_content().await;
}

#[tokio::test]
async fn on_a_phone_the_list_follows_until_its_first_rows_have_left_the_screen() {
    let (world, browser) = list(24).await;
    browser.look_by(PHONE).await;
    browser.go("/console/events").await;
    browser.sees_in(".live", "实时").await;
    // Where the rows begin, more than half a screen has gone by.
    browser.ask("document.getElementById('rows').scrollIntoView()").await;
    assert_eq!(browser.ask("return window.scrollY > 240").await, true);
    accept(&world, 2001, 2001).await;
    shows(&browser, "c_2001").await;
    // Further down it stands still …
    let down = "window.scrollTo(0, document.documentElement.scrollHeight)";
    browser.ask(down).await;
    accept(&world, 2002, 2002).await;
    falls_behind(&browser).await;
    assert!(!browser.text("#rows").await.contains("c_2002"), "rows that somebody reads do not move");
    // … until a click leads back to the top,
    browser.ask("document.querySelector('.live button').click()").await;
    shows(&browser, "c_2002").await;
    browser.until("it is at the top", "return window.scrollY === 0").await;
    // or whoever reads goes back there.
    browser.ask(down).await;
    accept(&world, 2003, 2003).await;
    falls_behind(&browser).await;
    browser.ask("window.scrollTo(0, 0)").await;
    shows(&browser, "c_2003").await;
    browser.is_content().await;
}
