//! Stand-ins for the robots of 企业微信, 钉钉 and 飞书, as strict as these: signature, size, rate, and their shapes of errors.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use erp_bridge::{
    clock::{Clock, Millis},
    config::{AlertTarget, TargetKind},
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{MINUTE, START};
use crate::support::{Receiver, receiver::Received};

/// The robots of people's chats.
pub const ROBOTS: [TargetKind; 3] = [TargetKind::WeCom, TargetKind::DingTalk, TargetKind::Feishu];

const ROBOT_SECRET: &str = "SECgeheim";

fn hmac_base64(key: &str, message: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// How many messages a robot takes within a span of the test's clock, how many within a second of the real one, what it says
/// to more, and for how long it then takes none.
struct Limits {
    a_minute: usize,
    a_second: usize,
    too_often: i64,
    blocked_for: Duration,
}

const fn limits(kind: TargetKind) -> Limits {
    let (a_minute, a_second, too_often, blocked_for) = match kind {
        TargetKind::DingTalk => (20, usize::MAX, 130_101, Duration::from_secs(600)),
        TargetKind::Feishu => (100, 5, 11_232, Duration::ZERO),
        TargetKind::WeCom | TargetKind::Webhook => (20, usize::MAX, 45_009, Duration::ZERO),
    };
    Limits { a_minute, a_second, too_often, blocked_for }
}

/// A robot that is as strict as the real one: signature, size and rate.
pub async fn robot(kind: TargetKind, clock: Clock) -> Receiver {
    let taken: Mutex<Vec<(Millis, Instant)>> = Mutex::default();
    let blocked: Mutex<Option<Millis>> = Mutex::default();
    Receiver::judging(move |received| {
        let (now, limits) = (clock.now(), limits(kind));
        let code = match kind {
            TargetKind::WeCom => wecom(received),
            TargetKind::DingTalk => dingtalk(received, now),
            TargetKind::Feishu => feishu(received, now),
            TargetKind::Webhook => 0,
        };
        let mut taken = taken.lock().unwrap();
        let mut blocked = blocked.lock().unwrap();
        taken.retain(|(at, _)| now.since(*at) < MINUTE);
        let of_a_second = taken.iter().filter(|(_, at)| at.elapsed() < Duration::from_secs(1)).count();
        if taken.len() >= limits.a_minute || of_a_second >= limits.a_second {
            *blocked = Some(now.plus(limits.blocked_for));
        }
        let code = if blocked.is_some_and(|until| now <= until) { limits.too_often } else { code };
        taken.push((now, Instant::now()));
        let name = if kind == TargetKind::Feishu { "code" } else { "errcode" };
        (200, json!({ name: code, "errmsg": "said" }).to_string())
    })
    .await
}

fn wecom(received: &Received) -> i64 {
    let content = received.body["markdown"]["content"].as_str().unwrap_or_default();
    let known = received.uri.query() == Some("key=geheimer-schluessel");
    match (known, content.len()) {
        (false, _) => 93_000,
        (_, 1..=4_096) => 0,
        _ => 40_058,
    }
}

fn dingtalk(received: &Received, now: Millis) -> i64 {
    let url = reqwest::Url::parse(&format!("http://robot{}", received.uri)).unwrap();
    let given = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let timestamp = given("timestamp").unwrap_or_default();
    let fresh = timestamp.parse::<i64>().is_ok_and(|at| (at - now.0).abs() < 3_600_000);
    let right = given("sign") == Some(hmac_base64(ROBOT_SECRET, &format!("{timestamp}\n{ROBOT_SECRET}")));
    let shaped = received.body["msgtype"] == "markdown" && received.body["markdown"]["title"].is_string();
    if fresh && right && shaped && received.bytes.len() <= 20_000 { 0 } else { 310_000 }
}

fn feishu(received: &Received, now: Millis) -> i64 {
    let timestamp = received.body["timestamp"].as_str().unwrap_or_default();
    let fresh = timestamp.parse::<i64>().is_ok_and(|at| (at - now.0 / 1_000).abs() < 3_600);
    let right = received.body["sign"] == hmac_base64(&format!("{timestamp}\n{ROBOT_SECRET}"), "");
    if fresh && right && received.bytes.len() <= 20 * 1_024 { 0 } else { 19_021 }
}

/// A robot as the configuration names it.
pub fn target(kind: TargetKind, url: &str) -> AlertTarget {
    let secret = matches!(kind, TargetKind::DingTalk | TargetKind::Feishu).then(|| ROBOT_SECRET.into());
    AlertTarget { kind, url: url.parse().unwrap(), secret }
}

#[tokio::test]
async fn a_stand_in_refuses_what_is_too_much_in_a_minute_or_a_second() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    for (kind, taken) in ROBOTS.into_iter().zip([20, 20, 5]) {
        let robot = robot(kind, Clock::manual(START)).await;
        let mut refused = Vec::new();
        for _ in 0..=taken {
            let answer = http.post(&robot.url).body("{}").send().await.unwrap().text().await.unwrap();
            let answer: Value = serde_json::from_str(&answer).unwrap();
            let code = [&answer["errcode"], &answer["code"]].into_iter().find_map(Value::as_i64);
            refused.push(code == Some(limits(kind).too_often));
        }
        assert_eq!(refused.iter().position(|refused| *refused), Some(taken), "{kind:?}");
    }
}
