//! What an operator does on an ordinary day.

use std::time::Duration;

use erp_bridge::{
    event::Status,
    store::{Advance, Settlement},
};

use super::{
    chrome::Browser,
    office::{Office, person},
};
use crate::support::{OPERATOR, READER, World, WorldOptions, eventually, promoted};

#[tokio::test]
async fn somebody_signs_in_sees_an_event_arrive_reads_in_english_and_signs_out() {
    an_event_arrives_and_is_read_in_english(World::start().await).await;
}

pub async fn an_event_arrives_and_is_read_in_english(world: World) {
    let browser = Browser::open(&world.url("")).await;
    browser.go("/console/events?status=succeeded").await;
    browser.arrives("/console/sign-in?next=").await;
    browser.fill("#token", "not-the-token").await;
    browser.click("登录").await;
    browser.sees_in("[role=alert]", "令牌").await;
    // The browser itself notes that the answer was 401.
    assert!(browser.complaints().await.iter().all(|told| told.contains("401")));
    browser.fill("#token", OPERATOR).await;
    browser.click("登录").await;
    browser.arrives("/console/events?status=succeeded").await;
    browser.sees("没有符合条件的事件").await;

    browser.sees_in(".live", "实时").await;
    browser.ask("window.sameDocument = true").await;
    world.accept("w1", &promoted(&person("c_1001", "沈嘉禾", 1), 82.0)).await;
    browser.sees_in("#rows", "c_1001").await;
    browser.sees_in("#rows", "已同步").await;
    assert_eq!(browser.ask("return window.sameDocument").await, true, "the page was not loaded anew");

    browser.click("转为客户").await;
    browser.sees("已写入 ERP 并核对").await;
    browser.click("English").await;
    browser.sees("In the ERP, and read back").await;
    browser.arrives("/console/events/").await;
    browser.click("中文").await;
    browser.sees("已写入 ERP 并核对").await;
    browser.click("退出").await;
    browser.arrives("/console/sign-in").await;
    browser.go("/console/events").await;
    browser.arrives("/console/sign-in?next=").await;
    browser.is_content().await;
}

#[tokio::test]
async fn what_happens_while_a_page_is_on_its_way_reaches_it() {
    let world = World::start().await;
    let browser = Browser::signed_in(&world.url(""), OPERATOR).await;
    browser.go("/console/settings").await;
    let id = world.accept("w1", &promoted(&person("c_1001", "沈嘉禾", 1), 82.0)).await;
    let heard = "const done = arguments[arguments.length - 1];
        const stream = new EventSource('/console/stream?since=' + encodeURIComponent(document.body.dataset.since));
        stream.addEventListener('state', (news) => { stream.close(); done(news.data); });";
    assert!(browser.ask_in_time(heard).await.as_str().unwrap().contains(&id));
    browser.is_content().await;
}

/// Ends the event whose turn it is.
async fn end(world: &World, end: Settlement) {
    let lease = world.app.store.claim(1, Duration::from_secs(60)).await.unwrap().remove(0).lease;
    world.app.store.settle(lease, end).await.unwrap();
}

#[tokio::test]
async fn an_open_page_gets_the_verdict_of_an_event_that_fails_and_loses_it_once_it_is_put_right() {
    let world = World::with(WorldOptions { dispatch: false, ..WorldOptions::default() }).await;
    let id = world.accept("w1", &promoted(&person("c_1001", "沈嘉禾", 1), 82.0)).await;
    let browser = Browser::signed_in(&world.url(""), READER).await;
    browser.go(&format!("/console/events/{id}")).await;
    browser.sees_in("#head", "待同步").await;
    browser.sees_in(".live", "实时").await;
    browser.ask("window.sameDocument = true").await;
    let looks = |class: &str, hidden: bool| {
        format!(
            "const it = document.getElementById('verdict'); return it.hidden === {hidden} && it.matches('.{class}')"
        )
    };
    assert_eq!(browser.ask(&looks("wait", true)).await, true);
    end(&world, Settlement::to(Status::Dead).because("refused", "客户名称已存在")).await;
    browser.sees_in("#verdict", "ERP 拒绝了请求").await;
    assert_eq!(browser.ask(&looks("bad", false)).await, true);
    let (status, answer) = world.call("POST", &format!("/v1/events/{id}/replay"), None).await;
    assert_eq!(status, 200, "{answer}");
    end(&world, Settlement::succeeded(Advance::default())).await;
    browser.sees_in("#head", "已同步").await;
    browser.until("nothing is left to be said", &looks("good", true)).await;
    assert_eq!(browser.ask("return window.sameDocument").await, true, "the page was not loaded anew");
    browser.is_content().await;
}

#[tokio::test]
async fn what_came_since_the_list_was_opened_is_not_skipped_on_the_way_to_older_events() {
    let world = World::with(WorldOptions { dispatch: false, ..WorldOptions::default() }).await;
    for number in 1..=3 {
        world
            .accept(&format!("w{number}"), &promoted(&person(&format!("c_100{number}"), "沈嘉禾", number), 82.0))
            .await;
    }
    let browser = Browser::signed_in(&world.url(""), OPERATOR).await;
    browser.go("/console/events?limit=2").await;
    browser.sees_in(".live", "实时").await;
    for number in 4..=5 {
        world
            .accept(&format!("w{number}"), &promoted(&person(&format!("c_100{number}"), "沈嘉禾", number), 82.0))
            .await;
    }
    browser.sees_in("#rows", "c_1005").await;
    browser.sees_in("#rows", "c_1004").await;
    browser.click("更早的").await;
    browser.arrives("/console/events?limit=2&cursor=").await;
    browser.sees_in("#rows", "c_1003").await;
    browser.sees_in("#rows", "c_1002").await;
    browser.is_content().await;
}

#[tokio::test]
async fn the_count_of_what_waits_for_a_person_follows_too() {
    let world = World::with(WorldOptions { dispatch: false, ..WorldOptions::default() }).await;
    let browser = Browser::signed_in(&world.url(""), OPERATOR).await;
    browser.go("/console/events").await;
    browser.sees_in(".live", "实时").await;
    assert_eq!(browser.text("#todo-count").await, "");
    world.accept("w1", &promoted(&person("c_1001", "沈嘉禾", 1), 82.0)).await;
    end(&world, Settlement::to(Status::Dead).because("refused", "客户名称已存在")).await;
    eventually("it is counted", Duration::from_secs(40), async || {
        let (_, stats) = world.call("GET", "/v1/stats", None).await;
        (stats["by_status"]["dead"] == 1).then_some(())
    })
    .await;
    world.accept("w2", &promoted(&person("c_1002", "钱进", 2), 82.0)).await;
    browser.sees_in("#todo-count", "1").await;
    browser.is_content().await;
}

/// To look at an event is to look at somebody's data, which is audited: once an hour, and not at every look.
#[tokio::test]
async fn pages_are_looked_at_anew_by_themselves_and_whose_data_they_show_is_audited_once() {
    let world = World::start().await;
    let id = world.accept("w1", &promoted(&person("c_1001", "沈嘉禾", 1), 82.0)).await;
    world.until(&id, &[Status::Succeeded]).await;
    let browser = Browser::signed_in(&world.url(""), OPERATOR).await;
    browser.hurry().await;
    browser.go("/console/events").await;
    browser.until("the list is looked at again", "return window.looks > 2").await;
    browser.go(&format!("/console/events/{id}")).await;
    browser.sees_in(".live", "实时").await;
    browser.until("the event is looked at again", "return window.looks > 2").await;
    let (_, audit) = world.call("GET", "/v1/audit", None).await;
    let looks = audit["items"].as_array().unwrap().iter().filter(|entry| entry["subject"] == id.as_str()).count();
    assert_eq!(looks, 1, "{audit}");
    browser.is_content().await;
}

/// The bridge is busy for a while: what it answers is no page.
#[tokio::test]
async fn a_page_whose_looks_fail_says_that_it_hears_nothing_and_goes_on_by_itself() {
    let world = World::start().await;
    let browser = Browser::signed_in(&world.url(""), OPERATOR).await;
    browser.go("/console/events").await;
    browser.sees_in(".live", "实时").await;
    let busy = "window.asked = window.fetch; window.fetch = async () => new Response('', { status: 503 })";
    browser.ask(busy).await;
    world.accept("w1", &promoted(&person("c_1001", "沈嘉禾", 1), 82.0)).await;
    let told = "return /^\\d+ 秒收不到更新，正在重连$/.test(document.querySelector('.live button').textContent)";
    browser.until("the page says for how long it has heard nothing", told).await;
    assert!(!browser.text("#rows").await.contains("c_1001"));
    browser.ask("window.fetch = window.asked").await;
    browser.sees_in("#rows", "c_1001").await;
    browser.sees_in(".live", "实时").await;
    browser.is_content().await;
}

#[tokio::test]
async fn somebody_finds_out_why_a_contact_was_not_admitted_and_why_another_waits() {
    a_block_is_explained_and_lifted(Office::open().await).await;
}

pub async fn a_block_is_explained_and_lifted(office: Office) {
    let browser = Browser::signed_in(&office.world.url(""), OPERATOR).await;
    browser.click("未准入").await;
    browser.sees_in(".list", "c_3003").await;
    browser.click_on("[data-row] a").await;
    browser.arrives(&format!("/console/events/{}", office.not_admitted)).await;
    browser.sees_in("#journey", "不符合准入条件").await;
    browser.sees_in("#journey .checks", "姓名").await;

    // A block is explained where one looks, and lifts by itself.
    browser.click("ERP 连接").await;
    browser.sees_in("#banners", "ERP 的设置有问题").await;
    browser.sees_in("#erp", "微信").await;
    browser.click("1 条在等").await;
    browser.click_on("[data-row] a").await;
    browser.arrives(&format!("/console/events/{}", office.blocked)).await;
    browser.sees_in("#verdict", "微信").await;
    office.put_right();
    browser.sees_in("#head", "已同步").await;
    browser.is_content().await;
}

#[tokio::test]
async fn who_skips_admission_sees_in_the_preview_what_that_would_write() {
    let world = World::start().await;
    let (status, refused) = world.post("w1", &promoted(&person("c_3003", "先生", 3), 22.0)).await;
    assert_eq!((status, refused["status"].as_str()), (200, Some("not_admitted")));
    let browser = Browser::signed_in(&world.url(""), OPERATOR).await;
    browser.go("/console/contacts/c_3003").await;
    browser.click("手动同步").await;
    browser.click("预览").await;
    browser.sees("不会写入 ERP").await;
    browser.go("/console/contacts/c_3003").await;
    browser.click("手动同步").await;
    browser.click_on("form[action$='/sync'] [name=force]").await;
    browser.click("预览").await;
    browser.sees("已按要求跳过准入条件").await;
    browser.sees_in(".journey", "新建客户").await;
    browser.is_content().await;
    assert!(world.sim.handle.customers().is_empty(), "a preview writes nothing");
}

#[tokio::test]
async fn somebody_pauses_and_goes_on() {
    dispatch_is_paused_and_goes_on(World::start().await).await;
}

pub async fn dispatch_is_paused_and_goes_on(world: World) {
    let browser = Browser::signed_in(&world.url(""), OPERATOR).await;
    browser.click("ERP 连接").await;
    browser.click("暂停派发").await;
    browser.fill("[name=reason]", "月底盘点").await;
    browser.click_on("[name=minutes] option[value='30']").await;
    browser.click_on("form[action$='/pause'] button").await;
    browser.sees("已暂停，事件照常接收").await;
    browser.sees_in("#erp", "月底盘点").await;
    let id = world.accept("w1", &promoted(&person("c_1001", "沈嘉禾", 1), 82.0)).await;
    browser.go(&format!("/console/events/{id}")).await;
    browser.sees_in("#head", "派发已暂停").await;
    browser.sees_in("#banners", "已暂停派发").await;
    browser.click("ERP 连接").await;
    browser.click("继续").await;
    browser.sees("没有人工暂停").await;
    browser.go(&format!("/console/events/{id}")).await;
    browser.sees_in("#head", "已同步").await;
    browser.is_content().await;
}
