//! What a running bridge logs of a request, and how much.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use erp_bridge::{
    clock::Clock,
    simulator::{self, SimConfig},
};
use serde_json::Value;

use super::program::{Program, TOKEN, settings};
use crate::support::{Sender, contact, eventually, message};

const LIMIT: Duration = Duration::from_secs(20);
/// `base64 -d | sha256sum | cut -c 1-8` of the tests' secret.
const FINGERPRINT: &str = "f74e1720";

fn line<'a>(log: &'a str, request: &str) -> &'a str {
    let mut lines = log.lines().filter(|line| line.contains(request));
    let only = lines.next().unwrap_or_else(|| panic!("{request} is not in the log:\n{log}"));
    assert_eq!(lines.next(), None, "one line a request");
    only
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_the_log_says_who_called_from_where_and_by_which_token_or_secret() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    for format in ["json", "text"] {
        let mut set = settings(&sim.base_url());
        set.push(("ERP_BRIDGE__LOG__FORMAT".into(), format.into()));
        set.push(("ERP_BRIDGE__SERVER__TRUSTED_PROXIES".into(), "127.0.0.0/8".into()));
        let bridge = Program::serve(&set);
        let sender = Sender::new(bridge.url.clone(), Clock::system());
        let body = message(contact("c_1", 1)["id"].as_str().unwrap(), 1, "你好").to_string();
        let posted = sender.signed("evt-1", body).header("x-request-id", "the-webhook");
        // It looks like a telephone number, and is none.
        let posted = posted.header("x-forwarded-for", "139.155.123.145").send().await.unwrap();
        assert_eq!(posted.status().as_u16(), 202);
        let asked = sender.http.get(format!("{}/v1/stats", bridge.url)).bearer_auth(TOKEN);
        let asked =
            asked.header("x-request-id", "the-call").header("x-forwarded-for", "2001:db8::7").send().await.unwrap();
        assert_eq!(asked.status().as_u16(), 200);
        let log = bridge.signal_and_wait("TERM").stderr;
        for (request, expected, absent) in [
            ("the-webhook", &["139.155.123.145", FINGERPRINT, "/webhooks/events"][..], "ops"),
            ("the-call", &["2001:db8::7", "ops", "/v1/stats"], FINGERPRINT),
        ] {
            let line = line(&log, request);
            assert!(expected.iter().all(|word| line.contains(word)), "{format}: {line}");
            assert!(!line.contains(absent), "{format}: {line}");
            assert_eq!(serde_json::from_str::<Value>(line).is_ok(), format == "json");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_up_changes_what_is_logged() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let filter = |filter: &str| format!("[log]\nfilter = \"{filter}\"\n");
    let write = |dir: &std::path::Path, text: String| fs::write(dir.join("erp-bridge.toml"), text).unwrap();
    let bridge = Program::serve_in(&settings(&sim.base_url()), |dir| write(dir, filter("warn")));
    let http = Sender::new(bridge.url.clone(), Clock::system()).http;
    let ask = async |id: &str| {
        http.get(format!("{}/livez", bridge.url)).header("x-request-id", id).send().await.unwrap();
        bridge.logged(id)
    };
    assert!(!ask("before").await);
    for (level, shown) in [("info", true), ("warn", false)] {
        write(bridge.dir(), filter(level));
        bridge.signal("HUP");
        let number = AtomicUsize::new(0);
        eventually(&format!("requests at the level {level} are logged: {shown}"), LIMIT, async || {
            let number = number.fetch_add(1, Ordering::Relaxed);
            (ask(&format!("{level}-{number}-")).await == shown).then_some(())
        })
        .await;
    }
}
