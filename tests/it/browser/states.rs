//! What pages look like only at times: when the bridge cannot write, when nothing has come yet, when something was refused, and
//! in English. No barrier then either.

use std::time::Duration;

use erp_bridge::event::Status;
use sqlx::{Connection, SqliteConnection};

use super::chrome::{Browser, WIDE};
use crate::{
    console::events::ended,
    front::{Front, OPERATE, Wishes},
    support::eventually,
};

/// Pages with something to say where nothing is.
const EMPTY: [&str; 8] = ["overview", "todo", "events", "contacts", "not-admitted", "rejections", "replays", "outbox"];

/// Where the door is.
fn address(front: &Front) -> String {
    format!("http://{}", front.address)
}

/// Notes what hinders people on the page as it stands.
async fn look(browser: &Browser, state: &str, barriers: &mut Vec<String>) {
    barriers.extend(browser.barriers().await.into_iter().map(|one| format!("{state}: {one}")));
    browser.look_by(WIDE).await;
}

#[tokio::test]
async fn no_state_of_a_page_has_a_barrier_in_either_theme() {
    let mut barriers = Vec::new();
    let away = Front::with(Wishes { is_away: true, ..Wishes::default() }).await;
    let browser = Browser::open(&address(&away)).await;
    browser.go("/console/sign-in").await;
    browser.fill("#token", "not-the-token").await;
    browser.click("登录").await;
    browser.sees_in("[role=alert]", "令牌").await;
    look(&browser, "a sign-in that was refused", &mut barriers).await;
    browser.sign_in(OPERATE).await;
    browser.sees_in("#banners", "ERP 无响应").await;
    look(&browser, "the ERP is away", &mut barriers).await;

    // From here on the ERP refuses the login.
    let front = Front::open().await;
    let browser = browser.at(&address(&front));
    browser.sign_in(OPERATE).await;
    browser.sees_in("#banners", "ERP 拒绝登录").await;
    for page in EMPTY {
        browser.go(&format!("/console/{page}")).await;
        look(&browser, &format!("nothing on {page}"), &mut barriers).await;
    }
    let event = ended(&front, "c1", Status::Dead, "refused", None).await;
    browser.go(&format!("/console/events/{event}?done=replanned")).await;
    browser.sees("已放回队列，按现在的配置重新规划").await;
    look(&browser, "what was done", &mut barriers).await;
    browser.click("更正并重跑").await;
    browser.fill("form[action$='/amend'] [name='thread.score']", "九十").await;
    browser.fill("form[action$='/amend'] [name=reason]", "写错了").await;
    browser.click_on("form[action$='/amend'] button").await;
    browser.sees("你填写的内容还在").await;
    look(&browser, "a form that was not taken", &mut barriers).await;

    browser.go("/console/language?to=en").await;
    for page in ["overview", "todo?cause=refused", &*format!("events/{event}"), "erp", "help"] {
        browser.go(&format!("/console/{page}")).await;
        assert_eq!(browser.ask("return document.documentElement.lang").await, "en");
        look(&browser, &format!("{page} in English"), &mut barriers).await;
    }
    browser.go("/console/language?to=zh-CN").await;
    // Another program holds the ledger: it is read, and not written.
    let file = front.directory().join("ledger.db");
    let mut holder = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    sqlx::query("begin immediate").execute(&mut holder).await.unwrap();
    eventually("the page says that the ledger is away", Duration::from_secs(40), async || {
        browser.go("/console/events").await;
        browser.text("#banners").await.contains("数据库无法写入").then_some(())
    })
    .await;
    look(&browser, "the ledger cannot be written", &mut barriers).await;
    holder.close().await.unwrap();
    front.store.close().await;
    browser.go("/console/events").await;
    browser.sees("数据库暂不可用").await;
    look(&browser, "the ledger is away", &mut barriers).await;
    assert!(barriers.is_empty(), "{barriers:#?}");
}
