//! Two replicas on one PostgreSQL behind one name.

use erp_bridge::config::Config;

use super::{chrome::Browser, office::person};
use crate::support::{OPERATOR, World, WorldOptions, postgres, promoted};

#[tokio::test]
async fn whoever_signed_in_at_one_replica_sees_what_came_in_through_the_other_without_a_reload() {
    let database = postgres::database().await;
    let replica = async || {
        let database = database.clone();
        let configure = Box::new(move |config: &mut Config| config.database.url = database.parse().unwrap());
        World::with(WorldOptions { configure, ..WorldOptions::default() }).await
    };
    let (here, there) = (replica().await, replica().await);
    let browser = Browser::signed_in(&here.url(""), OPERATOR).await;
    browser.click("事件").await;
    browser.sees("还没有事件").await;
    browser.sees_in(".live", "实时").await;
    browser.ask("window.sameDocument = true").await;
    there.accept("w1", &promoted(&person("c_1001", "沈嘉禾", 1), 82.0)).await;
    browser.sees_in("#rows", "c_1001").await;
    browser.sees_in("#rows", "已同步").await;
    assert_eq!(browser.ask("return window.sameDocument").await, true, "the page was not loaded anew");
    browser.is_content().await;
    // The session is the ledger's: the other replica knows it. A cookie is kept for the host, whatever its port.
    let browser = browser.at(&there.url(""));
    browser.go("/console/events").await;
    browser.sees_in("#rows", "c_1001").await;
    browser.click("退出").await;
    browser.arrives("/console/sign-in").await;
    browser.is_content().await;
    let browser = browser.at(&here.url(""));
    browser.go("/console/events").await;
    browser.arrives("/console/sign-in?next=").await;
}
