//! `make demo` shows what it promises.

use std::{os::unix::fs::symlink, path::Path, process::Stdio, time::Duration};

use erp_bridge::json;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::{SECRET, World, python};

/// How long the story may take once everything is built.
const STORY_LIMIT: Duration = Duration::from_secs(60);
/// How long anything else may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// The demonstration, to be started; `path` is where it finds programs.
fn demo(path: Option<&Path>) -> tokio::process::Command {
    let program = Path::new(env!("CARGO_BIN_EXE_erp-bridge")).with_file_name("examples/demo");
    assert!(program.exists(), "{}: cargo build --examples", program.display());
    let mut demo = tokio::process::Command::new(&program);
    // It reads the environment of its own programs only: no key of whoever runs the tests gets in.
    demo.env("ERP_BRIDGE__WORKER__POLL", "never").stdin(Stdio::null()).kill_on_drop(true);
    if let Some(path) = path {
        demo.env("PATH", path);
    }
    demo
}

/// What it printed when it was to end by itself.
async fn demonstration(path: Option<&Path>) -> String {
    let told = tokio::time::timeout(STORY_LIMIT, demo(path).env("DEMO_ONCE", "1").output());
    let output = told.await.expect("it is told in under a minute").unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}\n{}", String::from_utf8_lossy(&output.stderr));
    shown
}

fn assert_shows(shown: &str, wanted: &[(&str, usize)]) {
    for (wanted, count) in wanted {
        assert_eq!(shown.matches(wanted).count(), *count, "{wanted:?} in\n{shown}");
    }
}

/// The part of the account between two headings.
fn part<'a>(shown: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = shown.split_once(from).unwrap_or_else(|| panic!("no {from:?} in\n{shown}"));
    rest.split_once(to).unwrap_or_else(|| panic!("no {to:?} in\n{shown}")).0
}

/// What the ERP holds after each act, whoever posted the events.
fn assert_story(shown: &str) {
    let chat = part(shown, "一、聊天 · a contact chats", "二、建档");
    assert_shows(chat, &[("还不是客户", 1), ("ERP 中没有这个客户 · the ERP has no such customer", 1)]);
    let promoted = part(shown, "二、建档 · a person promotes the contact", "三、成交");
    assert_shows(
        promoted,
        &[
            ("沈嘉禾  [个人客户 person", 1),
            ("手机 mobile: 13800001010", 1),
            ("洽谈进展 1: 2026-11-20 09:12:38 客户：你好，公司年会想订龙井礼盒", 1),
            ("洽谈进展 2: 2026-11-20 09:15:02 我方：[文件] 年会礼盒图册.pdf", 1),
            ("洽谈进展 3: 2026-11-20 09:16:40 客户：好的", 1),
            ("洽谈进展 4", 0),
        ],
    );
    let bought = part(shown, "三、成交 · the contact buys", "四、其他情形");
    assert_shows(
        bought,
        &[
            ("洽谈进展 4: 2026-11-21 14:31:03 我方：样品今天下午顺丰寄出", 1),
            ("洽谈进展 5: 2026-11-23 15:58:00 我方：成交《年会龙井礼盒 60 份》，金额 CNY 10080.00", 1),
            ("洽谈进展 6", 0),
        ],
    );
}

#[tokio::test]
async fn the_demonstration_tells_the_story_of_a_contact_that_chats_is_promoted_and_buys_and_shows_the_other_cases() {
    let shown = demonstration(None).await;
    assert_story(&shown);
    let story = part(&shown, "一、聊天", "四、其他情形");
    assert_shows(story, &[("message.logged  →  held", 3), ("  →  queued", 3), ("no Python", 0)]);
    let cases = part(&shown, "四、其他情形", "处理结果");
    assert_shows(
        cases,
        &[
            ("  200 duplicate  ", 1),
            ("  401 urn:erp-bridge:problem:signature_mismatch", 1),
            ("  200 not_admitted  ", 3),
            ("  200 ignored  ", 1),
            ("  422 urn:erp-bridge:problem:invalid_body", 1),
        ],
    );
    let account = part(&shown, "处理结果", "再见");
    assert_shows(
        account,
        &[
            ("  succeeded     ", 12),
            // The ERP's own customer was found by its number, linked and filled in, not doubled.
            ("客户编号 khid: KH00017", 1),
            ("微信 weixinAcc: wx_zhaozhiyuan", 1),
            ("khid: WX", 4),
            // Two contacts of one company are one customer.
            ("杭州示例茶业有限公司  [单位客户 company", 1),
            ("联系人 contact person: 周敏", 1),
        ],
    );
}

#[tokio::test]
async fn without_python_the_demonstration_says_so_and_tells_the_same_story() {
    let path = tempfile::tempdir().unwrap();
    // It stops its programs with this one.
    let kill = ["/bin/kill", "/usr/bin/kill"].into_iter().find(|kill| Path::new(kill).exists()).unwrap();
    symlink(kill, path.path().join("kill")).unwrap();
    let shown = demonstration(Some(path.path())).await;
    assert_story(&shown);
    assert_shows(&shown, &[("no Python 3.8 or newer here", 1)]);
    assert_shows(part(&shown, "一、聊天", "二、建档"), &[("  202 held  ", 3)]);
}

#[tokio::test]
async fn the_events_that_stand_in_for_the_platform_are_those_that_it_emits() {
    let world = World::start().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/platform");
    let (hub, mut expected) = (tempfile::tempdir().unwrap(), Vec::new());
    for act in ["chat", "promote", "buy"] {
        let mut story = tokio::process::Command::new(python());
        story.arg(folder.join("story.py")).arg("--db").arg(hub.path().join("hub.db")).args([
            "--url",
            &world.url(""),
            act,
        ]);
        story.envs([("ERP_BRIDGE_SECRET", SECRET), ("PYTHONDONTWRITEBYTECODE", "1"), ("PYTHONIOENCODING", "utf-8")]);
        let output = story.output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let events = std::fs::read_to_string(folder.join(format!("events/{act}.json"))).unwrap();
        let Value::Array(events) = json::parse_text(&events).unwrap() else { panic!("{act}.json is no list") };
        expected.extend(events.into_iter().map(|event| (event["type"].clone(), event["data"].clone())));
    }
    let emitted = world.events().await.into_iter().map(|event| json::parse_text(&event.payload.unwrap()).unwrap());
    let emitted: Vec<_> = emitted.map(|event| (event["type"].clone(), event["data"].clone())).collect();
    assert_eq!(emitted, expected);
}

#[tokio::test]
async fn the_demonstration_goes_on_with_an_address_that_signs_in_and_the_pages_of_its_story() {
    let mut demo = demo(None).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let mut pages = Vec::new();
    let reading = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            let is_page = line.trim_start().starts_with("http") && line.contains("/console");
            pages.extend(is_page.then(|| line.trim().to_owned()));
            if line.contains("/__control/state") {
                return;
            }
        }
    };
    tokio::time::timeout(LIMIT, reading).await.unwrap();
    assert_eq!(pages.len(), 6, "{pages:#?}");
    let (bridge, link) = pages[0].split_once("/console/sign-in?link=").unwrap();
    // Another test of this process may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let enter = http.post(format!("{bridge}/console/sign-in")).header("origin", bridge);
    let enter = enter.header("content-type", "application/x-www-form-urlencoded").body(format!("link={link}"));
    let entered = enter.send().await.unwrap();
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let told = ["沈嘉禾", "c_1005", "赵志远", "单位的联系人", "转为客户"];
    for (page, told) in pages[1..].iter().zip(told) {
        let shown = http.get(page).header("cookie", &cookie).send().await.unwrap().text().await.unwrap();
        assert!(shown.contains(told), "{told} is not on {page}: {shown}");
    }
    let id = demo.id().unwrap().to_string();
    assert!(tokio::process::Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    assert!(tokio::time::timeout(LIMIT, demo.wait()).await.unwrap().unwrap().success());
}
