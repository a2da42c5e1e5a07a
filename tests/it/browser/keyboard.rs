//! Whole journeys without a mouse.

use erp_bridge::event::Status;

use super::{
    chrome::{BACK, Browser, ENTER, SPACE, TAB},
    office::{Office, person},
    recoveries::{answers_after, with_dead},
};
use crate::support::{OPERATOR, World, promoted};

/// How often a key is pressed until something counts as not to be reached by it.
const STEPS: usize = 90;

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

#[tokio::test]
async fn a_candidate_is_linked_and_a_dead_event_corrected_by_keys_alone() {
    let office = Office::open().await;
    office.put_right();
    let browser = signed_in(&office.world).await;
    go_to(&browser, "nav a[href='/console/todo']").await;
    browser.sees_in("#todo", "备注太长").await;
    walk(&browser, "j", "return document.activeElement.matches(\"[href='/console/todo?cause=candidates']\")").await;
    browser.press(ENTER).await;
    browser.sees("从最早的开始").await;
    browser.press("j").await;
    browser.press(ENTER).await;
    browser.sees_in(".candidates", "会补上").await;
    let ord = office.candidates[1];
    go_to(&browser, &format!("form:has([name=ord][value='{ord}']) button")).await;
    browser.sees("已决定，事件继续处理").await;
    office.world.until(&office.asked, &[Status::Succeeded]).await;
    assert_eq!(office.world.ord_of("c_7007").await, ord);

    go_to(&browser, "nav a[href='/console/todo']").await;
    browser.sees_in("#todo", "备注太长").await;
    walk(&browser, "j", "return document.activeElement.closest('[data-row]')?.textContent.includes('备注太长')").await;
    browser.press(ENTER).await;
    browser.sees("从最早的开始").await;
    browser.press("j").await;
    browser.press(ENTER).await;
    browser.sees_in("#verdict", "备注太长").await;
    unfold(&browser, "更正并重跑").await;
    // The letters of the name are no shortcuts.
    write(&browser, "form[action$='/amend'] [name='contact.name']", "Kjeld Jakob").await;
    write(&browser, "form[action$='/amend'] [name=reason]", "misheard").await;
    go_to(&browser, "form[action$='/amend'] button").await;
    browser.sees("已更正，重新写入 ERP").await;
    office.world.until(&office.dead, &[Status::Succeeded]).await;
    assert_eq!(office.world.sim.handle.customers_with("name", "Kjeld Jakob").len(), 1);
    browser.is_content().await;
}

#[tokio::test]
async fn a_cause_is_replayed_paused_and_gone_on_with_by_keys_alone() {
    let world = with_dead(150, false).await;
    let browser = signed_in(&world).await;
    go_to(&browser, "nav a[href='/console/todo']").await;
    browser.sees_in("#todo", "同类 150 条").await;
    browser.press("j").await;
    browser.press(ENTER).await;
    browser.sees("重放这个原因").await;
    unfold(&browser, "重放这个原因").await;
    write(&browser, "form[action='/console/replays'] [name=reason]", "put right").await;
    go_to(&browser, "form[action='/console/replays'] button").await;
    browser.sees_in("#replay", "共 150 条，还没有开始").await;
    browser.sees_in("#replay .facts", "新建客户\n150").await;
    answers_after(&world, 500);
    go_to(&browser, "form[action$='/start'] button").await;
    browser.sees_in("h1", "进行中").await;
    go_to(&browser, "form[action$='/pause'] button").await;
    browser.sees_in("h1", "已暂停").await;
    answers_after(&world, 0);
    go_to(&browser, "form[action$='/resume'] button").await;
    browser.sees_in("h1", "已完成").await;
    browser.sees_in("#replay", "已放回 150 / 150").await;
    browser.is_content().await;
}

#[tokio::test]
async fn dispatch_is_paused_the_language_chosen_and_the_session_ended_by_keys_alone() {
    let world = World::start().await;
    let browser = signed_in(&world).await;
    go_to(&browser, "nav a[href='/console/erp']").await;
    browser.sees("没有人工暂停").await;
    unfold(&browser, "暂停派发").await;
    write(&browser, "form[action$='/pause'] [name=reason]", "stocktaking").await;
    go_to(&browser, "form[action$='/pause'] button").await;
    browser.sees("已暂停，事件照常接收").await;
    browser.sees_in("#erp", "stocktaking").await;
    go_to(&browser, "form[action$='/unpause'] button").await;
    browser.sees("没有人工暂停").await;
    go_to(&browser, ".who a[hreflang]").await;
    browser.sees("Nothing is paused").await;
    go_to(&browser, ".who a[hreflang]").await;
    browser.sees("没有人工暂停").await;
    go_to(&browser, "form[action='/console/sign-out'] button").await;
    browser.arrives("/console/sign-in").await;
    browser.is_content().await;
}

#[tokio::test]
async fn who_is_kept_out_what_waits_and_what_arrives_is_found_and_read_by_keys_alone() {
    let office = Office::open().await;
    let browser = signed_in(&office.world).await;
    press_named(&browser, "未准入").await;
    open_row(&browser, "c_3003").await;
    browser.arrives(&format!("/console/events/{}", office.not_admitted)).await;
    browser.sees_in("#journey", "不符合准入条件").await;

    press_named(&browser, "ERP 连接").await;
    browser.arrives("/console/erp").await;
    browser.sees_in("#banners", "ERP 的设置有问题").await;
    press_named(&browser, "1 条在等").await;
    open_row(&browser, "c_5005").await;
    browser.arrives(&format!("/console/events/{}", office.blocked)).await;
    browser.sees_in("#verdict", "微信").await;
    office.put_right();
    browser.sees_in("#head", "已同步").await;

    press_named(&browser, "事件").await;
    browser.sees_in("h1", "事件").await;
    browser.sees_in(".live", "实时").await;
    browser.ask("window.sameDocument = true").await;
    let id = office.world.accept("w9", &promoted(&person("c_9009", "孙立", 9), 75.0)).await;
    browser.sees_in("#rows", "c_9009").await;
    assert_eq!(browser.ask("return window.sameDocument").await, true, "the page was not loaded anew");
    open_row(&browser, "c_9009").await;
    browser.arrives(&format!("/console/events/{id}")).await;
    browser.sees_in("#head", "已同步").await;
    press_named(&browser, "English").await;
    browser.sees("In the ERP, and read back").await;
    press_named(&browser, "Sign out").await;
    browser.arrives("/console/sign-in").await;
    browser.is_content().await;
}

#[tokio::test]
async fn events_are_ticked_with_the_space_bar_and_given_up_by_keys_alone() {
    let office = Office::open().await;
    let browser = signed_in(&office.world).await;
    press_named(&browser, "事件").await;
    browser.arrives("/console/events").await;
    press_named(&browser, "有问题").await;
    browser.arrives("/console/events?status=").await;
    let row = format!("return document.activeElement.value?.startsWith('{}.')", office.dead);
    walk(&browser, TAB, &row).await;
    browser.press(SPACE).await;
    browser.until("it is ticked", "return document.querySelectorAll('[name=id]:checked').length === 1").await;
    // The buttons stand before the rows, and the reason before Cancel, where the focus begins.
    walk(&browser, BACK, "return document.activeElement.matches('button[value=discard]')").await;
    browser.press(ENTER).await;
    browser.sees("这些事件将被放弃").await;
    browser.until("Cancel has the focus", "return document.activeElement.textContent === '取消'").await;
    walk(&browser, BACK, "return document.activeElement.matches('[name=reason]')").await;
    browser.press("entered twice").await;
    press_named(&browser, "放弃这些事件").await;
    browser.sees("已放弃").await;
    assert_eq!(office.world.event(&office.dead).await.status, Status::Discarded);
    assert_eq!(office.world.event(&office.asked).await.status, Status::NeedsReview, "it was not ticked");
    browser.is_content().await;
}

/// Signed in by keys.
async fn signed_in(world: &World) -> Browser {
    let browser = Browser::open(&world.url("")).await;
    browser.go("/console").await;
    browser.press(OPERATOR).await;
    browser.press(ENTER).await;
    browser.arrives("/console/overview").await;
    browser
}

/// Walks to a link, a button or a field that this selector finds.
async fn walk_to(browser: &Browser, css: &str) {
    walk(browser, TAB, &format!("return document.activeElement.matches(\"{css}\")")).await;
}

/// Walks to a link or a button, and presses it.
async fn go_to(browser: &Browser, css: &str) {
    walk_to(browser, css).await;
    browser.press(ENTER).await;
}

/// Walks to what is folded under these words, and unfolds it.
async fn unfold(browser: &Browser, words: &str) {
    let there =
        format!("const at = document.activeElement; return at.matches('summary') && at.textContent === '{words}'");
    walk(browser, TAB, &there).await;
    browser.press(ENTER).await;
}

/// Walks to a field and writes into it, in place of what stood there: whoever comes by keys has all of it selected.
async fn write(browser: &Browser, css: &str, words: &str) {
    walk_to(browser, css).await;
    browser.press(words).await;
}

/// Walks to what a reader of screens calls so, and presses it.
async fn press_named(browser: &Browser, name: &str) {
    for _ in 0..STEPS {
        if browser.focused().await == name {
            return browser.press(ENTER).await;
        }
        browser.press(TAB).await;
    }
    panic!("{:?} is reached by no key at {}", name, browser.place().await);
}

/// Goes down the rows to the one that says this, and opens it.
async fn open_row(browser: &Browser, words: &str) {
    browser.sees_in("main", words).await;
    let there = format!("return document.activeElement.closest('[data-row]')?.textContent.includes('{words}')");
    walk(browser, "j", &there).await;
    browser.press(ENTER).await;
}

/// Presses a key until what is looked for has the focus.
async fn walk(browser: &Browser, key: &str, there: &str) {
    for _ in 0..STEPS {
        if browser.ask(there).await == true {
            return;
        }
        browser.press(key).await;
    }
    panic!("never has the focus: {there}");
}
