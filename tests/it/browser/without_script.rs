//! The console in a browser whose owner has turned script off: every page reads, and every kind of form works.

use std::time::Duration;

use erp_bridge::event::Status;

use super::{
    chrome::Browser,
    looks::pages_and_words,
    office::{Office, person},
};
use crate::support::{OPERATOR, promoted};

#[tokio::test]
async fn without_script_every_page_reads_and_forms_work() {
    let office = Office::open().await;
    let browser = Browser::without_script(&office.world.url("")).await;
    browser.sign_in(OPERATOR).await;
    every_page_reads(&browser, &office).await;
    office.put_right();
    office.world.until(&office.blocked, &[Status::Succeeded]).await;
    events_are_dealt_with(&browser, &office).await;
    dispatch_is_paused_and_goes_on(&browser).await;
    orders_are_given_for_a_contact(&browser, &office).await;
    browser.go("/console/events").await;
    browser.click("English").await;
    browser.sees_in("h1", "Events").await;
    browser.click("Sign out").await;
    browser.arrives("/console/sign-in").await;
    browser.go("/console/events").await;
    browser.arrives("/console/sign-in?next=").await;
}

async fn every_page_reads(browser: &Browser, office: &Office) {
    for (page, words) in pages_and_words(office) {
        browser.go(&page).await;
        browser.sees_in("main", words).await;
        assert!(browser.text("main h1").await.chars().count() > 1, "{page} has a heading");
    }
}

/// An event that fails as the office's own has failed.
async fn fails(office: &Office, number: u32) -> String {
    let person = person(&format!("c_{number}"), "孙立", number);
    let id = office.world.accept(&format!("f{number}"), &promoted(&person, 75.0)).await;
    office.world.until(&id, &[Status::Dead]).await;
    id
}

/// One is tried again, one is given up, one is decided, and all that are left are replayed together.
async fn events_are_dealt_with(browser: &Browser, office: &Office) {
    let erp = &office.world.sim.handle;
    erp.fault("customer.add:refuse:text=备注太长，请修改后再保存").unwrap();
    let (again, given_up) = (fails(office, 6006).await, fails(office, 8008).await);
    erp.clear_faults();
    browser.go(&format!("/console/events/{again}")).await;
    browser.click("原始请求").await;
    browser.sees_in("#raw", "孙立").await;
    assert!(!browser.text("main").await.contains("复制"), "a button that does nothing");
    browser.click("立即重试").await;
    browser.sees("已放回队列").await;
    office.world.until(&again, &[Status::Succeeded]).await;

    browser.go(&format!("/console/events/{given_up}")).await;
    browser.click("放弃").await;
    browser.fill("form[action$='/discard'] [name=reason]", "重复的联系人").await;
    browser.click_on("form[action$='/discard'] button").await;
    browser.sees("已放弃").await;
    assert_eq!(office.world.event(&given_up).await.status, Status::Discarded);

    browser.go(&format!("/console/events/{}", office.asked)).await;
    let second = office.candidates[1];
    browser.click_on(&format!("form:has([name=ord][value='{second}']) button")).await;
    browser.sees("已决定，事件继续处理").await;
    office.world.until(&office.asked, &[Status::Succeeded]).await;
    assert_eq!(office.world.ord_of("c_7007").await, second);

    browser.go("/console/events?status=dead").await;
    browser.click_on("[name=all]").await;
    browser.click("批量重放").await;
    browser.sees("可以重放的事件会成为一次重放").await;
    browser.click("先看会写入什么").await;
    browser.arrives("/console/replays/").await;
    browser.sees_in("#replay", "共 1 条，还没有开始").await;
    browser.click("开始重放").await;
    office.world.until(&office.dead, &[Status::Succeeded]).await;
}

async fn dispatch_is_paused_and_goes_on(browser: &Browser) {
    browser.go("/console/erp").await;
    browser.click("暂停派发").await;
    browser.fill("form[action$='/pause'] [name=reason]", "月底盘点").await;
    browser.click_on("form[action$='/pause'] button").await;
    browser.sees("已暂停，事件照常接收").await;
    browser.sees_in("#erp", "月底盘点").await;
    browser.click("继续").await;
    browser.sees("没有人工暂停").await;
}

/// A sync, an assignment, an unlink and an erasure; a page that is older than the last order does nothing.
async fn orders_are_given_for_a_contact(browser: &Browser, office: &Office) {
    let page = "/console/contacts/c_1001";
    let done = async || office.world.idle(Duration::from_secs(60)).await;
    done().await;
    browser.go(page).await;
    browser.click("手动同步").await;
    browser.click_on("form[action$='/sync'] button:not([formaction])").await;
    browser.arrives("/console/events/").await;
    browser.sees("已提交，进展见下").await;
    done().await;
    browser.go(&format!("{page}/assign")).await;
    browser.click_on("form[action$='/assign'] [name=public]").await;
    browser.click_on("form[action$='/assign'] button").await;
    browser.arrives("/console/events/").await;
    browser.sees("已提交，进展见下").await;
    done().await;
    for (fold, deed, told) in [("解除关联", "unlink", "已解除关联"), ("清除个人数据", "erase", "已清除")]
    {
        browser.go(page).await;
        browser.click(fold).await;
        browser.fill(&format!("form[action$='/{deed}'] [name=reason]"), "本人要求").await;
        browser.click_on(&format!("form[action$='/{deed}'] button")).await;
        browser.sees(told).await;
    }
    assert!(office.world.app.store.contact("c_1001").await.unwrap().is_none(), "it is linked to nobody");
}
