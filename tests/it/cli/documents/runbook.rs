//! The commands of the runbook (`docs/operations.md`) are run as they stand there: its calls against a bridge in which
//! everything has happened that they are for, the program's own beside a ledger as on a packaged installation.

use std::{env, fs, path::Path, time::Duration};

use erp_bridge::{
    clock::{Clock, Millis},
    config::Config,
    simulator::{self, SimConfig},
};
use serde_json::{Value, json};
use tokio::process::Command;

use super::{AS_USER, DOCUMENTS, root};
use crate::{
    cli::program::{PASSWORD, command, run},
    support::{OPERATOR, Receiver, World, WorldOptions, contact, deal, mobile, promoted},
};

const RUNBOOK: &str = include_str!("../../../../docs/operations.md");
/// 2026-11-23, five in the afternoon in China: the day of which the runbook speaks.
const THAT_DAY: Millis = Millis(1_795_424_400_000);
/// The customer that its decision names.
const ORD: i64 = 7592;
/// curl, which prints what was answered and behind it the status.
const CURL: &str = "curl() { command curl -sS --noproxy '*' -w '\\n%{http_code}' \"$@\"; }";

/// The commands of all blocks, in their order; one may go over several lines.
fn commands() -> Vec<String> {
    let blocks = RUNBOOK.split("\n```sh\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    blocks.flat_map(|block| block.replace("\\\n", " ").lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

pub(super) async fn shell(script: &str, dir: &Path, path: &str) -> (bool, String) {
    let mut command = Command::new("sh");
    let output = command.args(["-ec", script]).current_dir(dir).env("PATH", path).output().await.unwrap();
    let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.success(), told)
}

/// Where a shell finds programs, ours first.
pub(super) fn path() -> String {
    let bin = Path::new(env!("CARGO_BIN_EXE_erp-bridge")).parent().unwrap();
    format!("{}:{}", bin.display(), env::var("PATH").unwrap())
}

/// A bridge in which one event is dead, one waits for a person, one is held, and the platform took no message.
struct Office {
    world: World,
    /// What `ID` stands for behind the beginning of a path.
    ids: Vec<(&'static str, String)>,
    _platform: Receiver,
}

impl Office {
    async fn open() -> Self {
        let platform = Receiver::judging(|_| (410, "{}".to_owned())).await;
        let url = platform.url.clone();
        let configure = move |config: &mut Config| {
            config.writeback.url = Some(url.parse().unwrap());
            config.writeback.secret = Some("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FVsBQIhrs=".parse().unwrap());
        };
        let world = World::with(WorldOptions {
            dispatch: false,
            clock: Clock::manual(THAT_DAY),
            configure: Box::new(configure),
            ..WorldOptions::default()
        })
        .await;
        world.sim.handle.fault("customer.add:refuse:text=客户名称不规范，不能保存").unwrap();
        let alike = json!({ "customers": [
            { "ord": ORD.to_string(), "name": "甲", "khid": "K1", "mobile": mobile(2) },
            { "name": "乙", "khid": "K2", "mobile": mobile(2) },
        ] });
        world.sim.handle.seed(&serde_json::from_value(alike).unwrap()).unwrap();
        let dead = world.accept("p1", &promoted(&contact("c1", 1), 80.0)).await;
        let in_review = world.accept("p2", &promoted(&contact("c2", 2), 80.0)).await;
        world.accept("d1", &deal(&contact("c3", 3), 10.0)).await;
        let mut office = Self { world, ids: Vec::new(), _platform: platform };
        office.settle().await;
        let (_, undelivered) = office.world.call("GET", "/v1/outbox", None).await;
        let undelivered = undelivered["items"][0]["id"].as_str().unwrap().to_owned();
        office.ids =
            vec![("/v1/outbox/ID", undelivered), ("/v1/events/ID/resolve", in_review), ("/v1/events/ID/", dead)];
        office
    }

    /// Lets everything happen that can: what was put back dies again, and the platform takes nothing.
    async fn settle(&self) {
        self.world.app.store.feed_replays().await.unwrap();
        // What was refused is tried once more, a moment later.
        for _ in 0..3 {
            self.world.app.dispatcher.run_due().await;
            self.world.sender.clock.advance(Duration::from_secs(1));
        }
        self.world.app.write_back.as_ref().unwrap().run_due().await;
    }

    /// A command with what a reader has to fill in.
    fn filled_in(&self, command: &str) -> String {
        let known = self
            .ids
            .iter()
            .fold(command.to_owned(), |command, (path, id)| command.replace(path, &path.replace("ID", id)));
        known.replace("BRIDGE/", &self.world.url("/")).replace("Bearer TOKEN", &format!("Bearer {OPERATOR}"))
    }

    /// Runs a call; answers what the bridge said.
    async fn call(&self, command: &str) -> Value {
        let script = format!("{CURL}\n{}", self.filled_in(command));
        let (_, told) = shell(&script, root(), &env::var("PATH").unwrap()).await;
        let (body, status) = told.rsplit_once('\n').unwrap_or((&told, ""));
        assert!(status.len() == 3 && status.starts_with('2'), "{command}: {told}");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{command}: {error}: {told}"))
    }
}

#[tokio::test]
async fn every_call_of_the_runbook_is_answered_and_does_what_it_is_shown_for() {
    let calls: Vec<String> = commands().into_iter().filter(|line| line.starts_with("curl ")).collect();
    let shown = RUNBOOK.lines().filter(|line| line.trim_start().starts_with("curl ")).count();
    assert!(calls.len() == shown && shown >= 15, "{shown} are shown, {} stand in blocks", calls.len());
    let mut office = Office::open().await;
    for call in &calls {
        office.settle().await;
        let answer = office.call(call).await;
        assert_ne!(answer["replayed"], json!(0), "{call} finds what it is shown for");
        if call.contains("BRIDGE/v1/replays ") {
            assert_eq!(answer["events"], json!(1), "{call}: {answer}");
            office.ids.push(("/v1/replays/ID", answer["id"].as_str().unwrap().to_owned()));
        }
    }
    office.settle().await;
    let store = &office.world.app.store;
    assert_eq!(store.contact("c2").await.unwrap().unwrap().link.ord, ORD);
    let log = store.audit_log(None, 100).await.unwrap();
    let count = |action: &str| log.iter().filter(|row| row.action == action && row.actor == "ops").count();
    for action in [
        "outbox.replay",
        "dispatch.pause",
        "dispatch.resume",
        "erp.resume",
        "event.resolve",
        "event.replay",
        "replay.create",
        "replay.start",
        "event.amend",
    ] {
        assert!(count(action) > 0, "{action} is audited: {log:?}");
    }
}

#[test]
fn a_document_that_shows_a_call_is_one_whose_calls_are_run() {
    // The senders of the READMEs are run by `readme.rs`; the Chinese runbook has the commands of this one (`console/help.rs`).
    let elsewhere = ["README.md", "README.zh-CN.md", "docs/operations.md", "docs/operations.zh-CN.md"];
    for document in DOCUMENTS.into_iter().filter(|document| !elsewhere.contains(document)) {
        let text = fs::read_to_string(root().join(document)).unwrap();
        let call = text.lines().find(|line| line.trim_start().starts_with("curl "));
        assert_eq!(call, None, "{document} shows a call that no test runs");
    }
}

#[tokio::test]
async fn the_program_s_own_commands_of_the_runbook_do_what_they_are_shown_for() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let (dir, address) = (tempfile::tempdir().unwrap(), sim.base_url());
    let flags = ["--yes", "--no-erp", "--base-url", &address, "--username", "admin", "--password", PASSWORD];
    let made = run(command(dir.path(), &[]).arg("init").args(flags));
    assert_eq!(made.code, 0, "{}{}", made.stdout, made.stderr);
    fs::write(dir.path().join("contacts.csv"), "id,name,phone\nc1,王小明,13800138000\n").unwrap();
    fs::create_dir(dir.path().join("lib")).unwrap();
    let path = path();
    let mut count = 0;
    for shown in commands() {
        let line = shown.strip_prefix(AS_USER).unwrap_or(&shown);
        let mut words = line.split_whitespace();
        let is_ours = words.next() == Some("erp-bridge");
        if !is_ours || !words.next().is_some_and(|name| ["check", "adopt", "survey", "backup"].contains(&name)) {
            continue;
        }
        let filled_in = line
            .replace("/etc/erp-bridge/erp-bridge.toml", "erp-bridge.toml")
            .replace("/var/lib/erp-bridge/", "lib/")
            .replace("--config FILE", "--config erp-bridge.toml")
            .replace("--contacts FILE", "--contacts contacts.csv")
            .replace("erp-bridge survey ", "erp-bridge survey --pause 0s ");
        let (is_done, told) = shell(&filled_in, dir.path(), &path).await;
        assert!(is_done, "{shown}: {told}");
        count += 1;
    }
    assert!(count >= 10, "{count} commands were run");
    for file in ["result.csv", "lib/result.csv", "survey/survey.txt", "lib/survey/profile.json", "ledger-2026-11-23.db"]
    {
        assert!(dir.path().join(file).exists(), "{file} was written");
    }
    assert!(dir.path().join("lib/ledger-2026-11-23.db").exists());
}
