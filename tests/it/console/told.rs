//! What pages tell that is there only at times: what was not taken, what waits, what is missing, what a sync would change.

use std::time::Duration;

use erp_bridge::{
    clock::{Clock, Millis},
    config::Config,
    event::Status,
};
use reqwest::redirect::Policy;
use serde_json::json;

use super::{
    search::message,
    visitor::{HOUR, Visitor},
};
use crate::{
    front::{Front, OPERATE, READ, Wishes, promoted},
    support::{self, OPERATOR, World, WorldOptions, contact},
};

#[tokio::test]
async fn what_was_not_taken_as_it_came_is_said_on_the_event_s_page() {
    let front = Front::open().await;
    let mut event = promoted("c1");
    event["data"]["contact"]["address"] = json!("路".repeat(201));
    let id = front.post_event("w1", &event).await.body["id"].as_str().unwrap().to_owned();
    let page = Visitor::signed_in(&front, OPERATE).await.get(&format!("/console/events/{id}")).await.html;
    assert!(page.contains("有内容未按原样采用：/data/contact/address 已截断"), "{page}");
}

#[tokio::test]
async fn what_waits_for_a_contact_to_become_a_customer_is_counted_on_its_page_and_listed_by_one_click() {
    let front = Front::open().await;
    for number in 0..2 {
        let mut said = message("c1", "你好");
        said["data"]["signal"]["id"] = json!(format!("s-{number}"));
        front.post_event(&format!("w{number}"), &said).await;
    }
    let mut visitor = Visitor::signed_in(&front, READ).await;
    let page = visitor.get("/console/contacts/c1").await.html;
    let list = "/console/events?contact_id=c1&amp;status=held";
    assert!(page.contains(&format!("<a href=\"{list}\">2 条记录等待此联系人成为客户</a>")), "{page}");
    let listed = visitor.get(&list.replace("&amp;", "&")).await.html;
    assert_eq!(listed.matches("<tr data-row").count(), 2, "{listed}");
}

#[tokio::test]
async fn an_erp_that_does_not_answer_is_told_on_every_page() {
    let front = Front::with(Wishes { is_away: true, ..Wishes::default() }).await;
    let mut visitor = Visitor::signed_in(&front, OPERATE).await;
    for path in ["/console/overview", "/console/events", "/console/todo"] {
        let page = visitor.get(path).await.html;
        let banners = page.split_once("id=\"banners\"").unwrap().1.split_once("</div>").unwrap().0;
        assert!(banners.contains("ERP 无响应，已暂停派发，恢复后自动继续"), "{path}: {banners}");
    }
}

/// Somebody signed in at a whole bridge.
struct Session<'a> {
    world: &'a World,
    http: reqwest::Client,
    cookie: String,
}

impl<'a> Session<'a> {
    async fn begin(world: &'a World) -> Self {
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).redirect(Policy::none()).build().unwrap();
        let mut session = Self { world, http, cookie: String::new() };
        let entered = session.send("/console/sign-in", &[("token", OPERATOR)]).await;
        session.cookie = entered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        session
    }

    async fn get(&self, path: &str) -> String {
        let page = self.http.get(self.world.url(path)).header("cookie", &self.cookie);
        page.send().await.unwrap().text().await.unwrap()
    }

    async fn send(&self, path: &str, fields: &[(&str, &str)]) -> reqwest::Response {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let form = self.http.post(self.world.url(path)).header("origin", self.world.url(""));
        let form = form.header("content-type", "application/x-www-form-urlencoded").header("cookie", &self.cookie);
        form.body(body).send().await.unwrap()
    }
}

#[tokio::test]
async fn the_overview_says_which_numbers_are_missing_and_that_the_platform_is_silent() {
    let clock = Clock::manual(Millis(1_800_000_000_000));
    let configure = |config: &mut Config| config.webhook.silence_after = HOUR;
    let options = WorldOptions {
        configure: Box::new(configure),
        clock: clock.clone(),
        dispatch: false,
        ..WorldOptions::default()
    };
    let world = World::with(options).await;
    for sequence in [1, 2, 5] {
        let mut event = support::promoted(&contact("c1", 1), 70.0);
        event["data"]["sequence"] = sequence.into();
        world.accept(&format!("m{sequence}"), &event).await;
    }
    while world.app.store.count_new_events().await.unwrap() {}
    clock.advance(Duration::from_secs(1));
    let session = Session::begin(&world).await;
    let page = session.get("/console/overview").await;
    assert!(page.contains("序号有缺") && page.contains("c1：2 与 5 之间"), "{page}");
    assert!(!page.contains("很久没有消息了"), "{page}");
    clock.advance(HOUR);
    let page = session.get("/console/overview").await;
    assert!(page.contains("很久没有消息了，请检查平台的推送"), "{page}");
}

#[tokio::test]
async fn the_preview_of_a_sync_shows_each_field_that_it_would_fill_in_with_what_is_there_now() {
    let world = World::start().await;
    let mut customer = contact("c1", 1);
    customer.as_object_mut().unwrap().remove("wechat_id");
    let id = world.accept("w1", &support::promoted(&customer, 82.0)).await;
    world.until(&id, &[Status::Succeeded]).await;
    let session = Session::begin(&world).await;
    let page = session.get("/console/contacts/c1").await;
    let secret = page.split_once("name=\"secret\" value=\"").unwrap().1.split_once('"').unwrap().0;
    let (name, phone) = (customer["name"].as_str().unwrap(), customer["phone"].as_str().unwrap());
    let form = [
        ("secret", secret),
        ("name", name),
        ("phone", phone),
        ("phone_verified", "true"),
        ("wechat_id", "wx_new"),
        ("score", "82"),
    ];
    let shown = session.send("/console/contacts/c1/preview", &form).await.text().await.unwrap();
    let row = "<th scope=\"row\">微信号</th><td><bdi>--</bdi></td><td class=\"same\"><bdi>wx_new</bdi></td>";
    assert!(shown.contains("补充到已有客户") && shown.contains(row), "{shown}");
    assert_eq!(world.events().await.len(), 1, "nothing is ordered");
}
