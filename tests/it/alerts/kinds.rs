//! Each kind of alert from its real cause to a robot: told once with what to do, whatever flaps around its threshold, and once
//! that it is over.

mod flapping;

use std::{cell::Cell, collections::VecDeque, time::Duration};

use erp_bridge::{
    clock::Clock,
    config::{AlertsConfig, Config, DatabaseConfig, TargetKind},
    simulator::SimConfig,
    store::Addressee,
};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{MINUTE, START, review, robot, robots::target, round, texts};
use crate::support::{
    OPERATOR, READER, Receiver, SECRET, World, WorldOptions, contact, message, promoted, users_in_turn,
};

/// A secret that came before the one of [`SECRET`].
const NEWEST_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FVsBQIhrs=";

/// A bridge that is driven by hand, and a robot of 企业微信.
struct Watch {
    clock: Clock,
    robot: Receiver,
    world: World,
    events: Cell<u32>,
}

impl Watch {
    async fn begin(sim: SimConfig, more: impl Fn(&mut Config) + Send + 'static) -> Self {
        let clock = Clock::manual(START);
        let robot = robot(TargetKind::WeCom, clock.clone()).await;
        let targets = vec![target(TargetKind::WeCom, &robot.url)];
        let configure = Box::new(move |config: &mut Config| {
            config.alerts.targets = targets.clone();
            config.alerts.daily_summary = None;
            more(config);
        });
        let options = WorldOptions { dispatch: false, clock: clock.clone(), configure, sim, ..WorldOptions::default() };
        Self { world: World::with(options).await, clock, robot, events: Cell::new(0) }
    }

    /// Looks for so long: every minute, or thirty times.
    async fn look_for(&self, span: Duration) {
        let looks = u32::try_from(span.as_secs() / 60).unwrap().clamp(1, 30);
        for _ in 0..looks {
            round(&self.world).await;
            self.clock.advance(span / looks);
        }
        round(&self.world).await;
    }

    /// Another contact's event.
    async fn accept(&self) -> String {
        let number = self.events.replace(self.events.get() + 1);
        let contact = contact(&format!("c{number}"), number);
        self.world.accept(&format!("p{number}"), &promoted(&contact, 70.0)).await
    }

    /// Has everything run that is due.
    async fn run(&self) {
        self.clock.advance(Duration::from_secs(1));
        self.world.app.dispatcher.run_due().await;
    }

    /// Tells the platform what is due.
    async fn write_back(&self) {
        assert_eq!(self.world.app.write_back.as_ref().unwrap().run_due().await, 1);
    }

    /// What an operator does over REST.
    async fn operate(&self, path: &str, body: Value) {
        let (status, answer) = self.world.call("POST", path, Some(body)).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// What was told of this, by the marks of the messages; all else is nobody's business here.
    fn marks(&self, title: &str) -> Vec<&'static str> {
        let told = texts(&self.robot);
        let of_this = told.iter().filter(|text| text.lines().next().is_some_and(|line| line.contains(title)));
        of_this.map(|text| if text.contains("【告警】") { "告警" } else { "恢复" }).collect()
    }

    /// It was told once, with what to do, and is not over.
    fn assert_raised(&self, title: &str, advice: &str) {
        assert_eq!(self.marks(title), ["告警"], "{title}: {:?}", texts(&self.robot));
        let told = texts(&self.robot).into_iter().find(|text| text.contains(title)).unwrap();
        let line = told.lines().find(|line| line.starts_with("处理 (to do)：")).unwrap_or_default();
        assert!(line.contains(advice), "{told}");
    }

    /// After a while without it that is told once, and nothing else.
    async fn assert_cleared(&self, title: &str) {
        self.look_for(AlertsConfig::default().clear_after * 3).await;
        assert_eq!(self.marks(title), ["告警", "恢复"], "{title}: {:?}", texts(&self.robot));
        let waits = self.world.app.store.outbox_waits(Addressee::People).await.unwrap();
        assert_eq!((waits.waiting, waits.dead), (0, 0));
    }
}

async fn begin(more: impl Fn(&mut Config) + Send + 'static) -> Watch {
    Watch::begin(SimConfig::default(), more).await
}

#[tokio::test]
async fn a_refused_login_is_told_once_and_its_end() {
    let settings = erp_bridge::simulator::Settings { password: "another".into(), ..Default::default() };
    let watch = Watch::begin(SimConfig { settings, ..SimConfig::default() }, |_| {}).await;
    let title = "ERP 拒绝登录";
    watch.accept().await;
    watch.run().await;
    watch.look_for(MINUTE * 20).await;
    watch.assert_raised(title, "按 ERP 的原话改正（账号密码后重新加载，erp.login_path 后重启）");
    watch.world.sim.handle.change_settings(|settings| settings.password = "123456".into());
    watch.operate("/v1/erp/resume", json!({ "reason": "密码已改回" })).await;
    watch.run().await;
    watch.assert_cleared(title).await;
}

#[tokio::test]
async fn a_restart_is_no_end_of_a_refused_login() {
    let settings = erp_bridge::simulator::Settings { password: "another".into(), ..Default::default() };
    let mut watch = Watch::begin(SimConfig { settings, ..SimConfig::default() }, |_| {}).await;
    watch.accept().await;
    watch.run().await;
    watch.look_for(MINUTE).await;
    watch.world.restart().await;
    watch.look_for(AlertsConfig::default().clear_after * 3).await;
    watch.assert_raised("ERP 拒绝登录", "erp.login_path 后重启");
}

#[tokio::test]
async fn an_erp_that_is_away_for_long_is_told_once_however_often_it_answers_in_between() {
    let watch = begin(|config| config.worker.circuit_failures = 1).await;
    let title = "ERP 长时间无法访问";
    watch.world.sim.handle.fault("*:away").unwrap();
    watch.accept().await;
    watch.run().await;
    let long = AlertsConfig::default().circuit_open_for;
    watch.look_for(long - MINUTE).await;
    assert_eq!(watch.marks(title), [""; 0], "it may be back soon");
    watch.look_for(MINUTE * 2).await;
    watch.assert_raised(title, "检查 ERP 服务器与网络");
    for _ in 0..3 {
        watch.world.sim.handle.clear_faults();
        watch.accept().await;
        watch.run().await;
        watch.look_for(MINUTE).await;
        watch.world.sim.handle.fault("*:away").unwrap();
        watch.accept().await;
        watch.run().await;
        watch.look_for(MINUTE * 10).await;
    }
    watch.assert_raised(title, "检查 ERP 服务器与网络");
    watch.world.sim.handle.clear_faults();
    watch.run().await;
    watch.assert_cleared(title).await;
}

#[tokio::test]
async fn a_block_is_told_once_with_what_the_administrator_is_to_do_and_its_end() {
    let watch = begin(|config| config.worker.block_pause_max = MINUTE).await;
    let title = "ERP 配置缺失";
    watch.world.sim.handle.fault("customer.list:no_right").unwrap();
    for _ in 0..3 {
        watch.accept().await;
        watch.run().await;
        watch.look_for(MINUTE * 5).await;
    }
    watch.assert_raised(title, "请管理员在 ERP 的权限设置中授予");
    watch.world.sim.handle.clear_faults();
    watch.run().await;
    watch.assert_cleared(title).await;
}

#[tokio::test]
async fn a_proxy_that_answers_for_ten_minutes_in_the_place_of_every_interface_is_told_once_and_names_them() {
    let watch = begin(|config| config.worker.block_pause_max = MINUTE).await;
    let title = "ERP 配置缺失";
    watch.accept().await;
    watch.run().await;
    watch.world.sim.handle.fault("*:page_404").unwrap();
    watch.world.accept("said", &message("c0", 1, "你好")).await;
    for _ in 0..4 {
        watch.accept().await;
        watch.run().await;
        watch.look_for(MINUTE * 3).await;
    }
    assert_eq!(watch.world.app.dispatcher.blocks().len(), 2, "each interface is tried by itself");
    watch.assert_raised(title, "请运维检查 erp.base_url");
    let told = texts(&watch.robot).into_iter().find(|text| text.contains(title)).unwrap();
    assert!(told.contains("客户列表 (customer.list)、") || told.contains("、客户列表 (customer.list)"), "{told}");
    assert!(told.contains("洽谈进展 (progress.add)"), "{told}");
    watch.world.sim.handle.clear_faults();
    watch.run().await;
    watch.assert_cleared(title).await;
}

#[tokio::test]
async fn events_that_wait_for_too_long_are_told_once_however_the_oldest_changes() {
    let watch = begin(|_| {}).await;
    let (title, store) = ("最早的事件等待过久", &watch.world.app.store);
    assert_eq!(AlertsConfig::default().backlog_age, MINUTE * 30);
    let mut waiting = VecDeque::from([watch.accept().await]);
    watch.look_for(MINUTE * 25).await;
    waiting.push_back(watch.accept().await);
    watch.look_for(MINUTE * 9).await;
    assert_eq!(watch.marks(title), [""; 0], "it may be worked off");
    watch.look_for(MINUTE * 11).await;
    watch.assert_raised(title, "erp.max_in_flight");
    for _ in 0..3 {
        // The oldest goes, and the next one has waited for twenty minutes: neither too long, nor short enough.
        store.discard(&waiting.pop_front().unwrap(), &"ops".into(), None, None).await.unwrap();
        watch.look_for(MINUTE * 5).await;
        waiting.push_back(watch.accept().await);
        watch.look_for(MINUTE * 20).await;
    }
    watch.assert_raised(title, "erp.max_in_flight");
    watch.run().await;
    watch.assert_cleared(title).await;
}

#[tokio::test]
async fn a_dead_event_is_told_once_by_its_code_and_that_it_was_put_right() {
    let watch = begin(|config| config.assignment.rules = vec![users_in_turn(&["63"])]).await;
    let title = "同步失败";
    watch.world.sim.handle.fault("assign:refuse:text=该客户已锁定，不能指派").unwrap();
    let id = watch.accept().await;
    watch.run().await;
    watch.look_for(MINUTE * 20).await;
    watch.assert_raised(title, "按 ERP 原话排除原因后重试");
    watch.world.sim.handle.clear_faults();
    watch.operate(&format!("/v1/events/{id}/replay"), json!({})).await;
    watch.run().await;
    watch.assert_cleared(title).await;
}

/// A bridge that has one thing to tell this platform.
async fn with_something_for(platform: &Receiver) -> Watch {
    let url = platform.url.clone();
    let watch = begin(move |config| {
        config.writeback.url = Some(url.parse().unwrap());
        config.writeback.secret = Some(SECRET.parse().unwrap());
        config.writeback.timeout = Duration::from_millis(200);
    })
    .await;
    watch.world.post("refused", &promoted(&contact("refused", 1), 10.0)).await;
    watch
}

#[tokio::test]
async fn a_message_that_the_platform_never_takes_is_told_once_and_that_it_arrived_after_all() {
    let platform = Receiver::start().await;
    let watch = with_something_for(&platform).await;
    let title = "回写消息未能送达";
    platform.answer_next(&[410]);
    watch.write_back().await;
    watch.look_for(MINUTE * 20).await;
    watch.assert_raised(title, "在“回写与告警”中查看原因");
    watch.operate("/v1/outbox/replay", json!({ "to": "platform", "reason": "地址已修正" })).await;
    watch.write_back().await;
    watch.assert_cleared(title).await;
}

#[tokio::test]
async fn a_platform_that_answers_too_slowly_for_long_is_told_once_and_that_it_is_quick_again() {
    let platform = Receiver::slow(Duration::from_secs(2)).await;
    let watch = with_something_for(&platform).await;
    let title = "回写积压";
    watch.write_back().await;
    watch.look_for(MINUTE * 29).await;
    watch.write_back().await;
    watch.look_for(MINUTE * 5).await;
    assert_eq!(watch.marks(title), [""; 0], "it may be on its way");
    watch.look_for(MINUTE * 20).await;
    watch.assert_raised(title, "检查微信中台的接收地址");
    platform.answer_after(Duration::ZERO);
    watch.write_back().await;
    watch.assert_cleared(title).await;
}

#[tokio::test]
async fn a_pause_that_nobody_ends_is_told_once_and_its_end() {
    let watch = begin(|_| {}).await;
    let title = "派发已暂停很久";
    watch.operate("/v1/dispatch/pause", json!({ "scope": "all", "reason": "盘点" })).await;
    watch.look_for(MINUTE * 60 * 11).await;
    assert_eq!(watch.marks(title), [""; 0], "somebody may be at it");
    watch.look_for(MINUTE * 60 * 12).await;
    watch.assert_raised(title, "确认是否仍需暂停");
    watch.operate("/v1/dispatch/resume", json!({ "scope": "all", "reason": "盘点结束" })).await;
    watch.assert_cleared(title).await;
}

#[tokio::test]
async fn a_platform_that_is_silent_is_told_once_and_that_it_speaks_again() {
    let watch = begin(|config| config.webhook.silence_after = MINUTE * 60).await;
    let title = "微信中台长时间没有推送";
    watch.look_for(MINUTE * 90).await;
    assert_eq!(watch.marks(title), [""; 0], "nothing ever came");
    watch.accept().await;
    watch.run().await;
    watch.look_for(MINUTE * 59).await;
    assert_eq!(watch.marks(title), [""; 0]);
    // Whoever was away itself gives the senders time to come back.
    watch.look_for(MINUTE * 5).await;
    assert_eq!(watch.marks(title), [""; 0]);
    watch.look_for(MINUTE * 300).await;
    watch.assert_raised(title, "检查微信中台的发件箱");
    watch.accept().await;
    watch.run().await;
    watch.assert_cleared(title).await;
}

#[tokio::test]
async fn a_disk_that_fills_is_told_once_and_only_much_room_is_enough() {
    let mut watch = begin(|_| {}).await;
    let (title, free) = ("磁盘空间不足", watch.world.app.store.free_disk().unwrap());
    // The disk stays as it is, nearly: others write, too. What it is held against changes.
    let nearly_all = free / 5 * 4;
    for (min_free_disk, told) in [
        (free / 5, vec![]),
        (free * 2 / 5, vec![]),
        (nearly_all, vec!["告警"]),
        (free * 2 / 5, vec!["告警"]),
        (nearly_all, vec!["告警"]),
        (free * 2 / 5, vec!["告警"]),
        (free / 5, vec!["告警", "恢复"]),
    ] {
        watch.world.config.database.min_free_disk = min_free_disk;
        watch.world.restart().await;
        watch.look_for(AlertsConfig::default().clear_after * 3).await;
        assert_eq!(watch.marks(title), told, "{min_free_disk} of {free}");
    }
    let told = texts(&watch.robot);
    let raised = told.iter().find(|told| told.contains("告警") && told.contains(title));
    assert!(raised.is_some_and(|raised| raised.contains("处理 (to do)：清理磁盘")), "{told:?}");
}

#[tokio::test]
async fn a_door_that_is_closed_for_want_of_room_is_told_once_and_that_it_is_open_again() {
    let watch = begin(|_| {}).await;
    let (title, store) = ("新事件被拒收", &watch.world.app.store);
    watch.accept().await;
    let limit = |max_backlog| DatabaseConfig { max_backlog, min_free_disk: 0, ..DatabaseConfig::default() };
    for max_backlog in [1, 2, 1, 2, 1] {
        store.count_backlog(&limit(max_backlog)).await.unwrap();
        watch.look_for(MINUTE).await;
    }
    watch.assert_raised(title, "清理磁盘");
    store.count_backlog(&limit(2)).await.unwrap();
    watch.run().await;
    watch.assert_cleared(title).await;
}

#[tokio::test]
async fn an_old_secret_that_is_used_now_and_then_is_told_once_whatever_restarts_and_that_it_is_not_any_more() {
    let secrets = || [NEWEST_SECRET, SECRET].map(|secret| secret.parse().unwrap()).to_vec();
    let mut watch = begin(move |config| config.webhook.secrets = secrets()).await;
    let title = "旧的签名密钥";
    for half_hours in 0..52 {
        // Used every other hour; a process that begins in between saw nothing of it.
        if half_hours % 4 == 0 {
            watch.accept().await;
            watch.world.app.replicas.round().await.unwrap();
            watch.world.restart().await;
            watch.world.app.replicas.round().await.unwrap();
        }
        watch.clock.advance(MINUTE * 29);
        watch.look_for(MINUTE).await;
    }
    watch.assert_raised(title, "换用新密钥");
    watch.clock.advance(AlertsConfig::default().old_secret_for);
    watch.assert_cleared(title).await;
}

#[tokio::test]
async fn an_alert_that_no_target_takes_is_seen_in_the_console_and_the_statistics_and_until_when() {
    let watch = begin(|_| {}).await;
    let world = &watch.world;
    watch.robot.answer_next(&[500, 500, 500]);
    review(world, 0).await;
    round(world).await;
    let stats = async |token: &str| {
        watch.clock.advance(Duration::from_secs(1));
        let asked = world.sender.http.get(world.url("/v1/stats")).bearer_auth(token).send().await.unwrap();
        serde_json::from_str::<Value>(&asked.text().await.unwrap()).unwrap()["alerts"].clone()
    };
    let told = stats(OPERATOR).await;
    assert_eq!((&told["refused"], &told["dead"]), (&json!(1), &json!(0)), "{told}");
    assert!(told["since"].is_string() && told["words"].as_str().unwrap().contains("HTTP 500"), "{told}");
    assert!(stats(READER).await.get("words").is_none());
    let page = signed_in_page(world).await;
    assert!(page.contains("告警发不出去") && page.contains("href=\"/console/outbox\""), "{page}");
    for _ in 0..3 {
        watch.clock.advance(MINUTE * 5);
        round(world).await;
    }
    assert_eq!(stats(OPERATOR).await, json!({ "refused": 0, "dead": 0, "since": null }));
    assert!(!signed_in_page(world).await.contains("告警发不出去"));
}

/// The console's first page, as an operator sees it.
async fn signed_in_page(world: &World) -> String {
    let once = reqwest::redirect::Policy::none();
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).redirect(once).build().unwrap();
    let sign_in = http.post(world.url("/console/sign-in")).header("origin", world.url(""));
    let sign_in = sign_in.header("content-type", "application/x-www-form-urlencoded");
    let entered = sign_in.body(format!("token={OPERATOR}")).send().await.unwrap();
    assert_eq!(entered.status(), StatusCode::SEE_OTHER);
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = http.get(world.url("/console/overview")).header("cookie", cookie).send().await.unwrap();
    page.text().await.unwrap()
}
