//! Who decides, and what another sees of it.

use erp_bridge::event::Status;
use serde_json::json;

use super::{
    chrome::{Browser, ENTER},
    office::{Office, person},
};
use crate::support::{OPERATOR, World, promoted};

/// Waits until the page says for how many seconds it has not shown what happened, and how to come back.
pub async fn falls_behind(browser: &Browser) {
    let told = "const told = document.querySelector('.live button').textContent.match(/^落后 (\\d+) 秒，回到实时$/);
                return told !== null && Number(told[1]) > 1";
    browser.until("the page says how far it is behind", told).await;
}

#[tokio::test]
async fn of_several_candidates_one_is_linked_and_the_next_thing_to_do_opens() {
    one_candidate_is_linked(Office::open().await).await;
}

pub async fn one_candidate_is_linked(office: Office) {
    let browser = Browser::signed_in(&office.world.url(""), OPERATOR).await;
    browser.click("去处理").await;
    browser.arrives("/console/todo").await;
    browser.click_on("a[href='/console/todo?cause=candidates']").await;
    browser.click("从最早的开始").await;
    browser.arrives(&format!("/console/events/{}", office.asked)).await;
    browser.sees_in(".candidates", "李雷").await;
    browser.sees_in(".candidates", "李磊").await;
    browser.sees_in(".candidates", "会补上：客户来源、价值评估、微信号").await;
    let second = office.candidates[1];
    browser.click_on(&format!("form:has([name=ord][value='{second}']) button")).await;
    browser.arrives("/console/todo").await;
    browser.sees("已决定，事件继续处理").await;
    office.world.until(&office.asked, &[Status::Succeeded, Status::Queued]).await;
    office.put_right();
    office.world.until(&office.asked, &[Status::Succeeded]).await;
    assert_eq!(office.world.ord_of("c_7007").await, second);
    browser.is_content().await;
}

#[tokio::test]
async fn of_two_people_who_look_at_the_same_the_second_is_told_and_nothing_happens_twice() {
    two_people_decide(Office::open().await).await;
}

pub async fn two_people_decide(office: Office) {
    office.put_right();
    let base = office.world.url("");
    let (first, second) = (Browser::signed_in(&base, OPERATOR).await, Browser::signed_in(&base, OPERATOR).await);
    let page = format!("/console/events/{}", office.asked);
    for browser in [&first, &second] {
        browser.go(&page).await;
        browser.sees_in(".candidates", "李雷").await;
    }
    // What the second one is about to do keeps the page as it is.
    second.click("放弃").await;
    second.sees("此联系人后面的事件照常继续").await;
    second.fill("form[action$='/discard'] [name=reason]", "重复的联系人").await;
    first.click_on(&format!("form:has([name=ord][value='{}']) button", office.candidates[0])).await;
    first.sees("已决定，事件继续处理").await;
    office.world.until(&office.asked, &[Status::Succeeded]).await;
    falls_behind(&second).await;
    second.click_on("form[action$='/discard'] button").await;
    second.sees("无法完成").await;
    second.sees("可能有人刚刚处理过").await;
    assert!(second.complaints().await.iter().all(|told| told.contains("409")));
    assert_eq!(office.world.event(&office.asked).await.status, Status::Succeeded);
    let (_, audit) = office.world.call("GET", "/v1/audit", None).await;
    let of_it: Vec<_> =
        audit["items"].as_array().unwrap().iter().filter(|row| row["subject"] == office.asked.as_str()).collect();
    let deeds: Vec<_> =
        of_it.iter().filter_map(|row| row["action"].as_str()).filter(|deed| *deed != "event.unmask").collect();
    assert_eq!(deeds, ["event.resolve"]);
    first.is_content().await;
    second.is_content().await;
}

/// The folded form of a failed event has a box that the page itself ticked.
#[tokio::test]
async fn a_page_with_a_form_that_nobody_touched_follows_what_others_do() {
    let office = Office::open().await;
    office.put_right();
    let browser = Browser::signed_in(&office.world.url(""), OPERATOR).await;
    browser.go(&format!("/console/events/{}", office.dead)).await;
    browser.sees_in("#verdict", "备注太长").await;
    browser.sees_in(".live", "实时").await;
    browser.ask("window.sameDocument = true").await;
    assert_eq!(browser.ask("return document.querySelector('[data-live] input:checked') !== null").await, true);
    let (status, answer) = office.world.call("POST", &format!("/v1/events/{}/replay", office.dead), None).await;
    assert_eq!(status, 200, "{answer}");
    browser.sees_in("#head", "已同步").await;
    assert_eq!(browser.ask("return window.sameDocument").await, true, "the page was not loaded anew");
    browser.is_content().await;
}

#[tokio::test]
async fn what_somebody_is_writing_is_not_taken_away_by_what_happens() {
    let world = World::start().await;
    let pause = json!({"scope": "type", "value": "deal.closed", "reason": "月底盘点"});
    assert_eq!(world.call("POST", "/v1/dispatch/pause", Some(pause)).await.0, 200);
    let browser = Browser::signed_in(&world.url(""), OPERATOR).await;
    browser.go("/console/erp").await;
    browser.sees_in(".live", "实时").await;
    browser.fill("form[action$='/unpause'] [name=reason]", "盘点完毕").await;
    browser.ask("document.activeElement.blur()").await;
    world.accept("w1", &promoted(&person("c_1001", "沈嘉禾", 1), 82.0)).await;
    falls_behind(&browser).await;
    let kept = "return document.querySelector(\"form[action$='/unpause'] [name=reason]\").value";
    assert_eq!(browser.ask(kept).await, "盘点完毕");
    browser.is_content().await;
}

#[tokio::test]
async fn while_events_are_ticked_the_page_stands_still_and_giving_them_up_begins_at_cancel() {
    let office = Office::open().await;
    let browser = Browser::signed_in(&office.world.url(""), OPERATOR).await;
    browser.go("/console/events?status=dead,needs_review").await;
    browser.sees_in(".live", "实时").await;
    browser.click_on("[data-choose-page]").await;
    browser.until("both are ticked", "return document.querySelectorAll('[name=id]:checked').length === 2").await;
    office.world.accept("w9", &promoted(&person("c_9009", "孙立", 9), 75.0)).await;
    falls_behind(&browser).await;
    browser.click("批量放弃").await;
    let counted = "return /约 2 条，[1-9]\\d* 秒前统计/.test(document.body.textContent)";
    browser.until("the count grows old", counted).await;
    browser.sees("这些事件将被放弃").await;
    browser.until("Cancel has the focus", "return document.activeElement.textContent === '取消'").await;
    browser.press(ENTER).await;
    browser.arrives("/console/events?status=dead").await;
    assert_eq!(office.world.event(&office.dead).await.status, Status::Dead);
    // All that match, though none of them is ticked.
    browser.click_on("[name=all]").await;
    browser.click("批量放弃").await;
    browser.fill("[name=reason]", "重复导入").await;
    browser.click("放弃这些事件").await;
    browser.sees("已放弃").await;
    for id in [&office.dead, &office.asked] {
        assert_eq!(office.world.event(id).await.status, Status::Discarded);
    }
    // Back to live: what came meanwhile is shown, and what was ticked is not any more.
    browser.go("/console/events").await;
    browser.sees_in(".live", "实时").await;
    browser.click_on("[data-row] input[name=id]").await;
    office.world.accept("w10", &promoted(&person("c_9010", "钱进", 10), 75.0)).await;
    falls_behind(&browser).await;
    browser.click_on(".live button").await;
    browser.sees_in("#rows", "c_9010").await;
    browser.sees_in(".live", "实时").await;
    browser.is_content().await;
}
