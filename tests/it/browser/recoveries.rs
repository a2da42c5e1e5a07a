//! What is done about events that failed, one of them and three hundred; and what the ERP holds afterwards.

use std::time::Duration;

use erp_bridge::{
    event::Status,
    store::{EventFilter, Settlement},
};
use futures::{StreamExt, stream};

use super::{
    chrome::Browser,
    office::{Office, person},
};
use crate::support::{OPERATOR, World, WorldOptions, contact, eventually, promoted};

/// How many events of the ledger are in this state.
async fn count(world: &World, status: Status) -> usize {
    let filter = EventFilter { statuses: vec![status], ..EventFilter::default() };
    world.app.store.list_events(&filter, None, 1_000).await.unwrap().len()
}

/// A bridge whose first so many events died of the same cause, and which works from now on.
pub async fn with_dead(events: u32, replicas: bool) -> World {
    let mut world = World::with(WorldOptions { dispatch: false, replicas, ..WorldOptions::default() }).await;
    let of_day = &world;
    let accept = |number: u32| async move {
        let person = person(&format!("c_{number:04}"), "沈嘉禾", number);
        of_day.accept(&format!("w{number}"), &promoted(&person, 82.0)).await;
    };
    stream::iter(1..=events).for_each_concurrent(8, accept).await;
    let store = &world.app.store;
    loop {
        let claimed = store.claim(50, Duration::from_secs(60)).await.unwrap();
        if claimed.is_empty() {
            break;
        }
        for event in claimed {
            let died = Settlement::to(Status::Dead).because("refused", "客户名称已存在");
            store.settle(event.lease, died).await.unwrap();
        }
    }
    world.restart_dispatching().await;
    world
}

/// The ERP takes so long for each answer: what is put back waits, and so no more is until somebody has found the button.
pub fn answers_after(world: &World, millis: u64) {
    world.sim.handle.change_settings(|settings| settings.latency_ms = millis);
}

#[tokio::test]
async fn a_dead_event_is_corrected_and_then_stands_in_the_erp_as_it_was_corrected() {
    a_dead_event_is_corrected(Office::open().await).await;
}

pub async fn a_dead_event_is_corrected(office: Office) {
    office.put_right();
    let browser = Browser::signed_in(&office.world.url(""), OPERATOR).await;
    browser.go(&format!("/console/events/{}", office.dead)).await;
    browser.sees_in("#verdict", "备注太长").await;
    browser.click("更正并重跑").await;
    browser.fill("form[action$='/amend'] [name='contact.name']", "赵致远").await;
    browser.fill("form[action$='/amend'] [name=reason]", "名字听错了").await;
    browser.click_on("form[action$='/amend'] button").await;
    browser.sees("已更正，重新写入 ERP").await;
    office.world.until(&office.dead, &[Status::Succeeded]).await;
    browser.sees_in("#head", "已同步").await;
    browser.sees_in("#head", "赵致远").await;
    browser.sees_in(".live", "实时").await;
    browser.sees_in("#facts", "赵致远").await;
    // What came stays beside it.
    browser.click("原始请求").await;
    browser.sees_in("#raw", "赵志远").await;
    browser.is_content().await;
    let erp = &office.world.sim.handle;
    assert_eq!((erp.customers_with("name", "赵致远").len(), erp.customers_with("name", "赵志远").len()), (1, 0));
}

#[tokio::test]
async fn three_hundred_dead_events_of_a_cause_are_forecast_replayed_paused_gone_on_with_and_read_as_a_file() {
    a_cause_is_replayed(300, false).await;
}

/// So many events that died of one cause are put back as one thing.
pub async fn a_cause_is_replayed(events: u32, replicas: bool) {
    let world = with_dead(events, replicas).await;
    let all = usize::try_from(events).unwrap();
    let before = world.sim.handle.customers().len();
    let browser = Browser::signed_in(&world.url(""), OPERATOR).await;
    browser.go("/console/todo").await;
    browser.sees_in("#todo", &format!("同类 {all} 条")).await;
    browser.click_on("#todo [data-row] h2 a").await;
    browser.click("重放这个原因").await;
    browser.sees(&format!("约 {all} 条失败的事件放回队列")).await;
    browser.fill("form[action='/console/replays'] [name=reason]", "重名已处理").await;
    browser.click_on("form[action='/console/replays'] button").await;
    browser.arrives("/console/replays/").await;
    browser.sees_in("#replay", &format!("共 {all} 条，还没有开始")).await;
    browser.sees_in("#replay .facts", &format!("新建客户\n{all}")).await;
    assert_eq!(count(&world, Status::Dead).await, all, "a draft does nothing");

    answers_after(&world, 500);
    browser.click("开始重放").await;
    browser.sees_in("h1", "进行中").await;
    browser.click("暂停").await;
    browser.sees_in("h1", "已暂停").await;
    answers_after(&world, 0);
    // What was put back goes on, nothing else does.
    world.idle(Duration::from_secs(120)).await;
    let left = count(&world, Status::Dead).await;
    assert!(left > 0, "all were put back before anybody could pause");
    browser.click("继续").await;
    browser.sees_in("h1", "进行中").await;
    eventually("every event is in the ERP", Duration::from_secs(300), async || {
        (count(&world, Status::Succeeded).await == all).then_some(())
    })
    .await;
    browser.sees_in("h1", "已完成").await;
    browser.sees_in("#replay", &format!("已放回 {all} / {all}")).await;
    browser.sees_in("#replay", &format!("已同步\n{all}")).await;
    let file = browser
        .ask_in_time(
            "const done = arguments[arguments.length - 1];
             fetch(document.querySelector('a[href$=\"/events.csv\"]').href).then((file) => file.text()).then(done)",
        )
        .await;
    let lines: Vec<&str> = file.as_str().unwrap().lines().collect();
    assert_eq!(lines.len(), all + 1);
    assert!(lines[1..].iter().all(|line| line.contains("新建客户,已放回,已同步,")), "{lines:?}");
    assert_eq!(world.sim.handle.customers().len() - before, all);
    browser.is_content().await;
}

#[tokio::test]
async fn the_charts_of_the_overview_show_what_came_in_the_last_hour() {
    let office = Office::open().await;
    office.world.app.store.write_rollups().await.unwrap();
    let browser = Browser::signed_in(&office.world.url(""), OPERATOR).await;
    browser.click("最近一小时").await;
    browser.arrives("/console/overview?span=hour").await;
    for colour in ["good", "mute", "bad"] {
        let drawn = format!(
            "return [...document.querySelectorAll('.trends .chart rect.{colour}')]
                 .some((bar) => bar.getBoundingClientRect().height > 3 && getComputedStyle(bar).fill !== 'rgb(0, 0, 0)')"
        );
        browser.until(&format!("{colour} is drawn"), &drawn).await;
    }
    browser.click("以表格查看").await;
    browser.sees_in(".figures", "≤").await;
    browser.is_content().await;
}

#[tokio::test]
async fn a_field_that_somebody_changed_in_the_erp_stands_beside_what_was_sent() {
    let world = World::start().await;
    let id = world.accept("w1", &promoted(&contact("c_1", 1), 82.0)).await;
    world.until(&id, &[Status::Succeeded]).await;
    let ord = world.ord_of("c_1").await;
    assert!(world.sim.handle.change_customer_field(ord, "weixinAcc", "改过了"));
    let browser = Browser::signed_in(&world.url(""), OPERATOR).await;
    browser.go(&format!("/console/events/{id}")).await;
    browser.click("看 ERP 现在的资料").await;
    browser.sees("此事件写入的字段").await;
    browser.sees_in(".compare tr:has(.bad-text)", "改过了").await;
    browser.sees_in(".compare tr:has(.bad-text)", "wx_c_1").await;
    browser.sees_in(".compare tr:has(.same)", "✓").await;
    browser.click("返回").await;
    browser.arrives(&format!("/console/events/{id}")).await;
    browser.is_content().await;
}
