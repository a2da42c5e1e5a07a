//! `erp-bridge send`: what is sent, what is printed, how it ends.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use erp_bridge::simulator::{self, SimConfig};
use serde_json::{Value, json};

use super::program::{Answer, Program, SECRET, command, run, settings};

/// A contact on its way to the white list.
pub fn promoted(id: &str, score: u8) -> Value {
    json!({
        "type": "contact.promoted",
        "timestamp": "2026-11-23T15:04:05+08:00",
        "data": {
            "contact": { "id": id, "name": "王小明", "phone": "13800000001", "phone_verified": true },
            "thread": { "id": "t-1", "score": score, "bucket": "WHITE", "previous_bucket": "GRAY" },
        },
    })
}

fn sender(bridge: &Program) -> Command {
    let mut command = command(bridge.dir(), &[]);
    command.args(["send", "--url", &bridge.url, "--secret", SECRET]);
    command
}

/// Sends a body from a file.
pub fn events(bridge: &Program, flags: &[&str], body: &Value) -> Answer {
    std::fs::write(bridge.dir().join("events.json"), body.to_string()).unwrap();
    run(sender(bridge).args(flags).arg("events.json"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_a_file_signs_as_well_and_a_missing_one_is_asked_for() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let bridge = Program::serve(&settings(&sim.base_url()));
    std::fs::write(bridge.dir().join("secret"), format!("{SECRET}\n")).unwrap();
    std::fs::write(bridge.dir().join("events.json"), promoted("c-1", 88).to_string()).unwrap();
    let send = |flags: &[&str]| {
        run(command(bridge.dir(), &[]).args(["send", "--url", &bridge.url]).args(flags).arg("events.json"))
    };
    let by_file = send(&["--secret-file", "secret"]);
    assert_eq!((by_file.code, by_file.stdout.contains("202 queued")), (0, true), "{}", by_file.stderr);
    let gone = send(&["--secret-file", "nowhere"]);
    assert_eq!((gone.code, gone.stderr.contains("nowhere: ")), (2, true), "{}", gone.stderr);
    let none = send(&[]);
    assert_eq!((none.code, none.stderr.contains("--secret")), (2, true), "{}", none.stderr);
    let help = run(command(bridge.dir(), &[]).args(["send", "--help"])).stdout;
    assert!(help.contains("process list"), "{help}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_one_line_and_a_refused_event_makes_it_end_with_1() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let bridge = Program::serve(&settings(&sim.base_url()));

    let one = events(&bridge, &[], &promoted("c-1", 88));
    assert_eq!(one.code, 0, "{}", one.stderr);
    assert!(one.stdout.starts_with("events.json  contact.promoted  202 queued  "), "{}", one.stdout);

    let two = events(&bridge, &["--id", "twice", "--repeat", "2"], &promoted("c-2", 88));
    let lines: Vec<&str> = two.stdout.lines().collect();
    assert_eq!(two.code, 0);
    assert!(lines[0].contains("202 queued") && lines[1].contains("200 duplicate"), "{lines:?}");
    assert_eq!(lines[0].split_whitespace().last(), lines[1].split_whitespace().last(), "the first one's id");

    let below = events(&bridge, &[], &promoted("c-3", 55));
    assert_eq!(below.code, 0, "not admitted is an answer, not a refusal");
    assert!(
        below.stdout.contains("200 not_admitted") && below.stdout.contains("score: 评分 55 低于 60"),
        "{}",
        below.stdout
    );

    let mut wrong = promoted("c-4", 88);
    wrong["data"]["contact"]["id"] = json!("no spaces");
    let mixed = events(&bridge, &["--id", "batch"], &json!([promoted("c-5", 88), wrong]));
    assert_eq!(mixed.code, 1);
    assert_eq!(mixed.stdout.lines().filter(|line| line.starts_with("events.json")).count(), 2, "{}", mixed.stdout);
    assert!(mixed.stdout.contains("422") && mixed.stdout.contains("/data/contact/id"), "{}", mixed.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_or_an_old_timestamp_is_refused_and_no_secret_is_printed() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let bridge = Program::serve(&settings(&sim.base_url()));
    std::fs::write(bridge.dir().join("events.json"), promoted("c-1", 88).to_string()).unwrap();

    let old = run(sender(&bridge).args(["--timestamp", "1000000000", "events.json"]));
    assert_eq!(old.code, 1);
    assert!(old.stdout.contains("401"), "{}", old.stdout);

    let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let arguments = ["send", "--url", &bridge.url, "--secret", other, "events.json"];
    let forged = run(command(bridge.dir(), &[]).args(arguments));
    assert_eq!(forged.code, 1);
    assert!(forged.stdout.contains("401"), "{}", forged.stdout);
    assert!(!format!("{}{}", forged.stdout, forged.stderr).contains(other));

    let no_secret =
        run(command(bridge.dir(), &[]).args(["send", "--url", &bridge.url, "--secret", "abc", "events.json"]));
    assert_eq!(no_secret.code, 2);
    assert!(no_secret.stderr.contains("whsec_"), "{}", no_secret.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dash_reads_standard_input_and_what_cannot_be_read_or_reached_ends_with_2() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let bridge = Program::serve(&settings(&sim.base_url()));

    let mut child = sender(&bridge).arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(promoted("c-1", 88).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("contact.promoted  202 queued"));

    std::fs::write(bridge.dir().join("broken.json"), "{").unwrap();
    for (file, reason) in [("nowhere.json", "nowhere.json"), ("broken.json", "broken.json is not JSON")] {
        let answer = run(sender(&bridge).arg(file));
        assert_eq!(answer.code, 2);
        assert!(answer.stderr.contains(reason), "{}", answer.stderr);
    }
    std::fs::write(bridge.dir().join("events.json"), promoted("c-2", 88).to_string()).unwrap();
    let arguments = ["send", "--url", "http://127.0.0.1:1", "--secret", SECRET, "events.json"];
    let away = run(command(bridge.dir(), &[]).args(arguments));
    assert_eq!(away.code, 2);
    assert!(away.stderr.contains("127.0.0.1:1"), "{}", away.stderr);
}
