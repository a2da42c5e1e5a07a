//! What is configured, and where that was said.

use super::visitor::Visitor;
use crate::{
    front::{Front, OPERATE, READ, SECRET, promoted},
    support::{World, WorldOptions},
};

#[tokio::test]
async fn every_key_is_shown_with_its_origin_and_no_secret() {
    let front = Front::open().await;
    front.post_event("w1", &promoted("c1")).await;
    let page = Visitor::signed_in(&front, OPERATE).await.get("/console/settings").await.html;
    assert!(page.contains(concat!("erp-bridge ", env!("CARGO_PKG_VERSION"))), "the version: {page}");
    for told in [
        "[erp.values]",
        "http://erp.example",
        "erp-bridge.toml, line 2",
        "environment variable ERP_BRIDGE__WEBHOOK__SECRETS",
        "min_score",
        "默认值",
        "没有使用记录",
        ">bridge<",
    ] {
        assert!(page.contains(told), "{told} is not in {page}");
    }
    for secret in ["swordfish", SECRET, OPERATE, READ] {
        assert!(!page.contains(secret), "{secret} is shown");
    }
    assert!(page.contains("最近使用"), "the token that signed in and the secret that signed: {page}");
    let read = Visitor::signed_in(&front, READ).await.get("/console/settings").await.html;
    assert!(!read.contains(">bridge<"), "an account's name is masked");
}

#[tokio::test]
async fn a_console_that_is_turned_off_is_not_there() {
    let configure = Box::new(|config: &mut erp_bridge::config::Config| config.console.enabled = false);
    let world = World::with(WorldOptions { configure, dispatch: false, ..WorldOptions::default() }).await;
    for path in ["/console", "/console/", "/console/sign-in", "/console/overview", "/console/stream"] {
        let answer = reqwest::get(world.url(path)).await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
        assert!(answer.text().await.unwrap().contains("route_not_found"), "{path}");
    }
    assert_eq!(world.call("GET", "/v1/stats", None).await.0, 200);
}
