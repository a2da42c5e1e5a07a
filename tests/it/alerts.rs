//! Alerts (告警): real robots' stand-ins that enforce signature, size, rate and error shapes; none is sent too much, nothing is
//! lost silently, and nobody is told twice.

mod budgets;
mod kinds;
mod robots;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use erp_bridge::{
    clock::{Clock, Millis},
    config::{AlertTarget, Config, TargetKind},
    event::Status,
    store::{Addressee, NewMessage, Settlement},
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use self::robots::{robot, target};
use crate::{
    ledger::run,
    support::{Log, Receiver, World, WorldOptions, contact, promoted},
};

const START: Millis = Millis(1_795_500_000_000);
const MINUTE: Duration = Duration::from_secs(60);

/// A bridge that is driven by hand and tells these.
async fn world(clock: &Clock, targets: Vec<AlertTarget>, more: impl Fn(&mut Config) + Send + 'static) -> World {
    let configure = Box::new(move |config: &mut Config| {
        config.alerts.targets = targets.clone();
        config.console.public_url = Some("https://bridge.example".parse().unwrap());
        config.alerts.daily_summary = None;
        more(config);
    });
    World::with(WorldOptions { dispatch: false, clock: clock.clone(), configure, ..WorldOptions::default() }).await
}

async fn round(world: &World) {
    world.app.alerts.as_ref().unwrap().round().await.unwrap();
}

fn texts(robot: &Receiver) -> Vec<String> {
    let text = |body: &Value| {
        let texts =
            [&body["markdown"]["content"], &body["markdown"]["text"], &body["content"]["text"], &body["data"]["text"]];
        texts.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned()
    };
    robot.received().iter().map(|received| text(&received.body)).collect()
}

#[tokio::test]
async fn each_robot_takes_an_alert_and_its_all_clear_with_a_count_and_a_link() {
    for kind in [TargetKind::WeCom, TargetKind::DingTalk, TargetKind::Feishu, TargetKind::Webhook] {
        let clock = Clock::manual(START);
        let robot = robot(kind, clock.clone()).await;
        let world = world(&clock, vec![target(kind, &robot.url)], |_| {}).await;
        round(&world).await;
        assert!(robot.received().is_empty(), "all is well");
        for number in 0..3 {
            review(&world, number).await;
        }
        round(&world).await;
        round(&world).await;
        let told = texts(&robot);
        assert_eq!(told.len(), 1, "{kind:?}: one message a cause: {told:?}");
        assert!(told[0].contains("告警") && told[0].contains('3'), "{}", told[0]);
        assert!(
            told[0].contains("https://bridge.example/console/events?status=needs_review&code=candidates"),
            "{}",
            told[0]
        );
        for event in world.events().await {
            world.app.store.discard(&event.id, &"ops".into(), None, None).await.unwrap();
        }
        round(&world).await;
        clock.advance(MINUTE * 2);
        round(&world).await;
        let told = texts(&robot);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[1].contains("恢复"), "{}", told[1]);
        assert_eq!(world.app.store.outbox_waits(Addressee::People).await.unwrap().waiting, 0);
    }
}

/// An event that needs a person for this reason.
async fn review_because(world: &World, number: u32, code: &str) {
    let id = world.accept(&format!("r{number}"), &promoted(&contact(&format!("r{number}"), number), 70.0)).await;
    let claimed = world.app.store.claim(10, MINUTE).await.unwrap().pop().unwrap();
    assert_eq!(claimed.event.id, id);
    let end = Settlement::to(Status::NeedsReview).because(code, "候选：张三 13800001001");
    world.app.store.settle(claimed.lease, end).await.unwrap();
}

async fn review(world: &World, number: u32) {
    review_because(world, number, "candidates").await;
}

#[tokio::test]
async fn a_second_target_is_told_when_the_first_refuses_and_nothing_is_lost_when_all_do() {
    let clock = Clock::manual(START);
    let first = Receiver::judging(|_| (200, json!({"errcode": 93_000}).to_string())).await;
    let second = robot(TargetKind::Feishu, clock.clone()).await;
    let targets = vec![target(TargetKind::WeCom, &first.url), target(TargetKind::Feishu, &second.url)];
    let world = world(&clock, targets, |_| {}).await;
    review(&world, 0).await;
    second.answer_next(&[500]);
    round(&world).await;
    assert_eq!((first.received().len(), second.received().len()), (1, 1), "both were asked");
    let waiting = world.app.store.messages(false, None, 10).await.unwrap();
    let words = waiting[0].error.clone().unwrap();
    assert!(words.contains("93000") && words.contains("HTTP 500") && !words.contains("schluessel"), "{words}");
    clock.advance(Duration::from_secs(12));
    round(&world).await;
    assert_eq!(second.received().len(), 2);
    assert_eq!(world.app.store.outbox_waits(Addressee::People).await.unwrap().waiting, 0);
}

#[tokio::test]
async fn an_alert_is_one_line_of_the_log_while_no_target_takes_it_and_one_where_a_later_one_does() {
    // The runtime has one thread here, so everything that the bridge says goes through its subscriber.
    let (log, _until_the_end) = Log::begin();
    let clock = Clock::manual(START);
    let first = Receiver::judging(|_| (502, String::new())).await;
    let second = robot(TargetKind::Feishu, clock.clone()).await;
    let targets = vec![target(TargetKind::WeCom, &first.url), target(TargetKind::Feishu, &second.url)];
    let world = world(&clock, targets, |_| {}).await;
    review(&world, 0).await;
    second.answer_next(&[500, 500, 500]);
    let before = log.loud().len();
    for tries in 1..=3 {
        round(&world).await;
        clock.advance(MINUTE * 2);
        assert_eq!((first.received().len(), second.received().len()), (tries, tries));
        let lines = log.loud().split_off(before);
        assert!(lines.len() == 1 && lines[0].contains("HTTP 502") && lines[0].contains("HTTP 500"), "{lines:?}");
    }
    round(&world).await;
    assert_eq!((first.received().len(), second.received().len()), (4, 4));
    let lines = log.loud().split_off(before);
    assert!(lines.len() == 2 && lines[1].contains("a later target") && lines[1].contains("HTTP 502"), "{lines:?}");
}

#[tokio::test]
async fn a_robot_that_rests_is_left_alone_and_the_message_comes_afterwards() {
    let clock = Clock::manual(START);
    let busy: Arc<Mutex<bool>> = Arc::new(Mutex::new(true));
    let is_busy = busy.clone();
    let robot = Receiver::judging(move |_| {
        let code = if *is_busy.lock().unwrap() { 130_101 } else { 0 };
        (200, json!({ "errcode": code }).to_string())
    })
    .await;
    let world = world(&clock, vec![target(TargetKind::DingTalk, &robot.url)], |_| {}).await;
    review(&world, 0).await;
    round(&world).await;
    clock.advance(MINUTE * 9);
    round(&world).await;
    assert_eq!(robot.received().len(), 1, "ten minutes it is blocked");
    *busy.lock().unwrap() = false;
    clock.advance(MINUTE);
    round(&world).await;
    assert_eq!(robot.received().len(), 2);
    let waits = world.app.store.outbox_waits(Addressee::People).await.unwrap();
    assert_eq!((waits.waiting, waits.dead), (0, 0));
}

#[tokio::test]
async fn a_robot_that_always_says_too_often_to_one_alert_holds_up_no_other() {
    let clock = Clock::manual(START);
    let robot = Receiver::judging(|received| {
        let code = if received.body.to_string().contains("code=first") { 130_101 } else { 0 };
        (200, json!({ "errcode": code }).to_string())
    })
    .await;
    let world = world(&clock, vec![target(TargetKind::DingTalk, &robot.url)], |_| {}).await;
    review_because(&world, 1, "first").await;
    review_because(&world, 2, "second").await;
    for _ in 0..17 {
        round(&world).await;
        clock.advance(MINUTE * 10);
    }
    let told = texts(&robot);
    assert_eq!(told.iter().filter(|text| text.contains("code=second")).count(), 1, "{told:?}");
    let dead = world.app.store.messages(true, None, 10).await.unwrap();
    assert_eq!(dead.len(), 1, "and it is not lost silently");
    assert!(dead[0].error.as_deref().is_some_and(|words| words.contains("130101")), "{:?}", dead[0].error);
}

#[tokio::test]
async fn what_was_told_cannot_be_read_is_told_once_more_and_all_goes_on() {
    let clock = Clock::manual(START);
    let robot = robot(TargetKind::WeCom, clock.clone()).await;
    let world = world(&clock, vec![target(TargetKind::WeCom, &robot.url)], |_| {}).await;
    review(&world, 1).await;
    round(&world).await;
    for state in ["{", "{\"causes\": 7}", "{\"causes\": {\"needs_review candidates\": {\"is_told\": true}}}"] {
        run(world.config.database.url.expose_secret(), &format!("update watches set state = '{state}'")).await;
        round(&world).await;
    }
    assert_eq!(texts(&robot).len(), 4, "what lacks a member tells as much as it has: {:?}", texts(&robot));
}

#[tokio::test]
async fn an_alert_that_its_robot_never_takes_holds_up_no_other() {
    let clock = Clock::manual(START);
    let robot = Receiver::judging(|received| {
        let code = if received.body.to_string().contains("code=first") { 310_000 } else { 0 };
        (200, json!({ "errcode": code }).to_string())
    })
    .await;
    let world = world(&clock, vec![target(TargetKind::DingTalk, &robot.url)], |_| {}).await;
    review_because(&world, 1, "first").await;
    review_because(&world, 2, "second").await;
    round(&world).await;
    assert_eq!(texts(&robot).iter().filter(|text| text.contains("code=second")).count(), 1);
    let waits = world.app.store.outbox_waits(Addressee::People).await.unwrap();
    assert_eq!((waits.waiting, waits.dead), (0, 1), "and it is not lost silently");
}

/// A message that waits for its robot.
async fn notice(world: &World, data: Value) {
    let message =
        NewMessage { to: Addressee::People, kind: "alert.raised".into(), data, event_id: None, contact_id: None };
    world.app.store.take_watch("test", Duration::ZERO).await.unwrap();
    world.app.store.keep_watch("test", "{}", vec![message]).await.unwrap();
}

#[tokio::test]
async fn what_could_not_be_written_down_at_one_look_is_told_at_the_next() {
    let clock = Clock::manual(START);
    let robot = robot(TargetKind::WeCom, clock.clone()).await;
    let world = world(&clock, vec![target(TargetKind::WeCom, &robot.url)], |_| {}).await;
    notice(&world, json!({ "title": "earlier" })).await;
    review(&world, 1).await;
    let url = world.config.database.url.expose_secret();
    run(url, "create trigger refuse before insert on outbox begin select raise(abort, 'not now'); end").await;
    world.app.alerts.as_ref().unwrap().round().await.unwrap_err();
    assert_eq!(texts(&robot).len(), 1, "what was seen before goes its way: {:?}", texts(&robot));
    run(url, "drop trigger refuse").await;
    round(&world).await;
    let told = texts(&robot);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].contains("code=candidates"), "{told:?}");
}

#[tokio::test]
async fn quotes_and_backslashes_make_no_message_too_large() {
    for kind in [TargetKind::DingTalk, TargetKind::Feishu] {
        let clock = Clock::manual(START);
        let robot = robot(kind, clock.clone()).await;
        let world = world(&clock, vec![target(kind, &robot.url)], |_| {}).await;
        let title = "\"\\".repeat(20_000);
        notice(&world, json!({ "title": title })).await;
        round(&world).await;
        let waits = world.app.store.outbox_waits(Addressee::People).await.unwrap();
        assert_eq!((robot.received().len(), waits.waiting, waits.dead), (1, 0, 0), "{kind:?}");
    }
}

#[tokio::test]
async fn nothing_personal_is_told_unless_that_is_configured() {
    for details in [false, true] {
        let clock = Clock::manual(START);
        let robot = robot(TargetKind::WeCom, clock.clone()).await;
        let targets = vec![target(TargetKind::WeCom, &robot.url)];
        let world = world(&clock, targets, move |config| config.alerts.details = details).await;
        review(&world, 0).await;
        round(&world).await;
        let told = texts(&robot).join("\n");
        assert_eq!(told.contains("张三"), details, "{told}");
        assert_eq!(told.contains("13800001001"), details, "{told}");
    }
}

#[tokio::test]
async fn the_day_s_summary_comes_once_with_what_was_done_and_by_which_rule_others_were_not_admitted() {
    let clock = Clock::manual(START);
    let robot = robot(TargetKind::Feishu, clock.clone()).await;
    let targets = vec![target(TargetKind::Feishu, &robot.url)];
    let world = world(&clock, targets, |config| config.alerts.daily_summary = Some("09:00".parse().unwrap())).await;
    world.accept("p1", &promoted(&contact("c1", 1), 70.0)).await;
    world.post("p2", &promoted(&contact("c2", 2), 10.0)).await;
    world.app.dispatcher.run_due().await;
    round(&world).await;
    for _ in 0..24 {
        clock.advance(MINUTE * 60);
        round(&world).await;
    }
    let told = texts(&robot);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in ["日报", "已同步 (synchronised)：1", "未准入 (not admitted)：1", "评分达标 (Score) 1"] {
        assert!(told[0].contains(part), "{part}: {}", told[0]);
    }
}

#[tokio::test]
async fn the_command_tries_every_target_and_says_which_one_refuses_without_its_key() {
    let good = Receiver::judging(|_| (200, json!({"errcode": 0}).to_string())).await;
    let bad = Receiver::judging(|_| (200, json!({"errcode": 93_000}).to_string())).await;
    let targets = format!("wecom {},wecom {}", good.url, bad.url);
    let run = async |targets: &str| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_erp-bridge"));
        for (key, value) in [
            ("ALERTS__TARGETS", targets),
            ("WEBHOOK__SECRETS", crate::support::SECRET),
            ("ERP__BASE_URL", "http://127.0.0.1:9"),
            ("ERP__USERNAME", "u"),
            ("ERP__PASSWORD", "p"),
            ("ERP__SERIAL", "1"),
        ] {
            command.env(format!("ERP_BRIDGE__{key}"), value);
        }
        let dir = tempfile::tempdir().unwrap();
        let output = command.args(["alert", "--test"]).current_dir(dir.path()).output().await.unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = run(&targets).await;
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(said, "✓ wecom 127.0.0.1\n✗ wecom 127.0.0.1: code 93000\n");
    assert_eq!(run(&targets[..targets.find(',').unwrap()]).await.0, Some(0));
    assert_eq!(run("").await.0, Some(1));
}

#[tokio::test]
async fn a_bridge_at_work_tries_every_target_and_answers_what_each_said_without_its_key() {
    let clock = Clock::manual(START);
    let good = robot(TargetKind::Feishu, clock.clone()).await;
    let bad = Receiver::judging(|_| (200, json!({"errcode": 93_000}).to_string())).await;
    let targets =
        vec![target(TargetKind::Feishu, &good.url), target(TargetKind::WeCom, &format!("{}?key=geheim", bad.url))];
    let world = world(&clock, targets, |_| {}).await;
    let (status, tested) = world.call("POST", "/v1/alerts/test", None).await;
    assert_eq!(status, 200, "{tested}");
    let expected = json!({ "targets": [
        { "kind": "feishu", "host": "127.0.0.1", "ok": true, "refusal": null },
        { "kind": "wecom", "host": "127.0.0.1", "ok": false, "refusal": "code 93000" },
    ] });
    assert_eq!(tested, expected);
    assert!(texts(&good)[0].contains("测试消息"));
    assert_eq!((good.received().len(), bad.received().len()), (1, 1), "each is sent one");
    // A reload changes no target; and robots are not tried to death.
    let mut changed = world.config.clone();
    changed.alerts.targets.clear();
    world.app.reload(&changed);
    for (expected, tries) in [(200, 2), (200, 3), (429, 3)] {
        let (status, _) = world.call("POST", "/v1/alerts/test", None).await;
        assert_eq!((status, good.received().len()), (expected, tries));
    }
}

#[tokio::test]
async fn what_no_target_took_is_told_once_more_as_long_as_it_is_so() {
    let clock = Clock::manual(START);
    let takes = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let judge = takes.clone();
    let robot = Receiver::judging(move |_| {
        let code = if judge.load(std::sync::atomic::Ordering::SeqCst) { 0 } else { 310_000 };
        (200, json!({ "errcode": code }).to_string())
    })
    .await;
    let world = world(&clock, vec![target(TargetKind::DingTalk, &robot.url)], |_| {}).await;
    review(&world, 1).await;
    round(&world).await;
    takes.store(true, std::sync::atomic::Ordering::SeqCst);
    clock.advance(MINUTE * 59);
    round(&world).await;
    assert_eq!(robot.received().len(), 1, "not at once");
    clock.advance(MINUTE);
    round(&world).await;
    round(&world).await;
    assert_eq!(robot.received().len(), 2);
    assert!(texts(&robot)[1].contains("告警") && texts(&robot)[1].contains("code=candidates"), "{:?}", texts(&robot));
}
