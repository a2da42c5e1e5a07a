//! What the READMEs print can be run as it stands.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::support::{World, python, world::SECRET};

const URL: &str = "http://127.0.0.1:8080/webhooks/events";
const READMES: [(&str, &str); 2] =
    [("README.md", include_str!("../../README.md")), ("README.zh-CN.md", include_str!("../../README.zh-CN.md"))];

/// The code block in this language that sends to [`URL`], sent to `world` instead.
fn sender(name: &str, text: &str, language: &str, world: &World) -> String {
    let mut blocks = text.split("\n```").filter(|block| block.starts_with(language));
    let block = blocks.find(|block| block.contains(URL));
    let block = block.unwrap_or_else(|| panic!("{name} has no sender in {language}"));
    assert!(block.contains(SECRET), "{name}: the sender in {language} uses the secret of the tests");
    block[language.len()..].replace(URL, &world.url("/webhooks/events"))
}

async fn run(program: &str, option: &str, script: &str) -> String {
    let mut command = Command::new(program);
    let folder = tempfile::tempdir().unwrap();
    command.args([option, script]).current_dir(folder.path()).env("NO_PROXY", "*").stdin(Stdio::null());
    command
        .env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/clients/python"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let output = command.output().await.unwrap_or_else(|error| panic!("this test needs {program}: {error}"));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {words}");
    String::from_utf8(output.stdout).unwrap()
}

/// Waits until the outbox is empty, and prints what the bridge answered.
const ANSWERS: &str = "
import time
while sender.counts()['waiting']:
    time.sleep(0.01)
print(sender.delivered(), sender.failed())
";

#[tokio::test]
async fn the_python_senders_are_accepted() {
    let world = World::start().await;
    for (name, text) in READMES {
        let answers = run(&python(), "-c", &format!("{}{ANSWERS}", sender(name, text, "python", &world))).await;
        assert!(answers.contains("words='queued'") && answers.contains(" []"), "{name}: {answers}");
        world.idle(std::time::Duration::from_secs(30)).await;
    }
}

#[tokio::test]
async fn the_curl_senders_are_accepted() {
    let world = World::start().await;
    for (name, text) in READMES {
        let answer = run("sh", "-c", &sender(name, text, "sh", &world)).await;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{name}: {error}: {answer}"));
        assert_eq!(answer["status"], "held", "{name}: a message of an unknown contact waits");
    }
}
