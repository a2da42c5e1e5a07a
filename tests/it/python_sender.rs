//! `clients/python/erp_bridge_sender.py` as a platform uses it, against the real bridge: what was committed arrives, once and
//! in order, whatever is killed, away, wrong or in the way. `ERP_BRIDGE_PYTHON=python3.8 cargo nextest run python` runs it, and
//! the other tests with a platform in Python, by that interpreter instead of `python3`.

mod helpers;
mod strangers;

use std::{process::Stdio, time::Duration};

use erp_bridge::simulator::{self, SimConfig};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::support::{Process, SECRET, Sender, World, WorldOptions, python};

/// So long may a platform's program run; the machine may be busy.
const LIMIT: Duration = Duration::from_secs(180);

/// What every program of the platform begins with.
const PRELUDE: &str = r#"
import os, resource, sqlite3, sys, threading, time, types
import erp_bridge_sender as module
from erp_bridge_sender import *

sender = Sender("hub.db", os.environ["URL"], os.environ["SECRET"])

def message(contact_id, number, **options):
    said = signal(number, f"第 {number} 条", direction="them", sent_at="2026-11-23 15:04:05.123456")
    data = {"contact": contact(contact_id), "signal": said}
    return sender.emit("message.logged", data, event_id=f"m-{contact_id}-{number}", **options)

def until(what, check):
    begun = time.monotonic()
    while not check():
        assert time.monotonic() - begun < 120, f"{what}: {sender.counts()} {sender.pending(3)} {sender.failed(3)}"
        time.sleep(0.05)

def deliver():
    sender.start()
    until("all is delivered", lambda: sender.counts()["waiting"] == 0)

def say(*words):
    print(*words, flush=True)
"#;

/// A platform's folder, and the bridge that it knows.
struct Platform {
    dir: TempDir,
    url: String,
}

/// A program of the platform that is under way.
struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Platform {
    fn of(url: &str) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), url: url.to_owned() }
    }

    fn python(&self, script: &str) -> Command {
        let mut command = Command::new(python());
        let client = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/python");
        command.args(["-W", "error", "-c", &format!("{PRELUDE}{script}")]).current_dir(self.dir.path());
        command.envs([("PYTHONPATH", client), ("PYTHONDONTWRITEBYTECODE", "1"), ("PYTHONIOENCODING", "utf-8")]);
        command.env("URL", &self.url).env("SECRET", SECRET).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs a program to its good end; answers what it printed.
    async fn run(&self, script: &str) -> String {
        let output = tokio::time::timeout(LIMIT, self.python(script).output()).await.expect("it ends in time").unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn start(&self, script: &str) -> Program {
        let mut child = self.python(script).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Program { child, lines }
    }
}

impl Program {
    /// Waits until it says these words.
    async fn says(&mut self, words: &str) {
        let line = tokio::time::timeout(LIMIT, self.lines.next_line()).await.expect("it speaks in time").unwrap();
        assert_eq!(line.as_deref(), Some(words), "its own words stand above");
    }

    /// SIGKILL.
    async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    async fn ends_well(&mut self) {
        assert!(tokio::time::timeout(LIMIT, self.child.wait()).await.expect("it ends").unwrap().success());
    }
}

/// The `webhook-id`s of all events that the bridge has, in the order of acceptance.
async fn taken(bridge: &Sender) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let (status, page) = bridge.call("GET", &format!("/v1/events?limit=100{cursor}"), None).await;
        assert_eq!(status, 200, "{page}");
        ids.extend(
            page["items"].as_array().unwrap().iter().map(|event| event["webhook_id"].as_str().unwrap().to_owned()),
        );
        match &page["next_cursor"] {
            Value::String(next) => cursor = format!("&cursor={next}"),
            _ => break,
        }
    }
    ids.reverse();
    ids
}

/// The ids of the messages with these numbers, in turn to contacts c0, c1 ….
fn messages(numbers: std::ops::Range<usize>, contacts: usize) -> Vec<String> {
    numbers.map(|number| format!("m-c{}-{number}", number % contacts)).collect()
}

/// How often the bridge was sent what it had already.
async fn duplicates(bridge: &Sender) -> usize {
    let (_, metrics) = bridge.call("GET", "/metrics", None).await;
    let line = "erp_bridge_webhooks_total{answer=\"duplicate\"} ";
    metrics
        .as_str()
        .unwrap()
        .lines()
        .find_map(|found| found.strip_prefix(line))
        .map_or(0, |count| count.parse().unwrap())
}

async fn world(configure: impl Fn(&mut erp_bridge::config::Config) + Send + 'static) -> World {
    World::with(WorldOptions { configure: Box::new(configure), dispatch: false, ..WorldOptions::default() }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_overtaken_while_the_bridge_is_killed_and_away() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let mut bridge = Process::start(&sim.base_url(), &[]).await;
    let platform = Platform::of(&bridge.sender.base_url);
    let mut program = platform.start(
        r#"
def emit(numbers):
    for number in numbers:
        message(f"c{number % 5}", number)
        time.sleep(0.002)
sender.start()
emit(range(40))
until("some are delivered", lambda: sender.counts()["delivered"])
say("going")
emit(range(40, 80))
until("it shows that nobody answers", lambda: sender.pending() and "没有应答" in sender.pending(1)[0].words)
say("away")
emit(range(80, 120))
deliver()
assert sender.counts() == {"waiting": 0, "failed": 0, "delivered": 120}, sender.counts()
say("done")
"#,
    );
    program.says("going").await;
    bridge.kill();
    program.says("away").await;
    bridge.restart().await;
    program.says("done").await;
    assert_eq!(taken(&bridge.sender).await, messages(0..120, 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_platform_that_is_killed_after_its_commit_or_in_the_middle_of_a_post_sends_once_what_it_committed() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let bridge = Process::start(&sim.base_url(), &[]).await;
    let platform = Platform::of(&bridge.sender.base_url);
    let mut program = platform.start("message('c0', 0)\nsay('committed')\ntime.sleep(600)");
    program.says("committed").await;
    program.kill().await;
    assert_eq!(taken(&bridge.sender).await, Vec::<String>::new());
    // The bridge has the whole request, and the platform dies before it hears the answer.
    bridge.signal("STOP");
    let mut program = platform.start(
        r#"
request = sender._http.request
def request_and_say_so(*given):
    request(*given)
    say("posted")
sender._http.request = request_and_say_so
message("c1", 1)
sender.start()
time.sleep(600)
"#,
    );
    program.says("posted").await;
    program.kill().await;
    bridge.signal("CONT");
    bridge.ready().await;
    platform.run("deliver()\nassert sender.counts()['delivered'] == 2").await;
    assert_eq!(taken(&bridge.sender).await, messages(0..2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_clock_and_a_wrong_secret_are_said_plainly_and_nothing_is_set_aside() {
    let world = world(|_| {}).await;
    let platform = Platform::of(&world.url(""));
    let script = r#"
right = sender._key
module.time = types.SimpleNamespace(time=lambda: time.time() + 3600, monotonic=time.monotonic)
message("c0", 0)
sender.start()
until("it says how wrong the clock is", lambda: "本机时钟快 36" in sender.pending()[0].words)
sender._key = b"another"
module.time.time = time.time
until("it says that the secret is wrong", lambda: "密钥" in sender.pending()[0].words)
sender._key = right
deliver()
assert sender.counts() == {"waiting": 0, "failed": 0, "delivered": 1}
assert sender.delivered()[0].words == "held", sender.delivered()
"#;
    platform.run(script).await;
    assert_eq!(taken(&world.sender).await, messages(0..1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_that_asks_for_patience_gets_it() {
    let world = world(|config| config.webhook.rate_limit = 2).await;
    let platform = Platform::of(&world.url(""));
    let script = "
begun = time.monotonic()
for number in range(7):
    message(f'c{number % 2}', number)
deliver()
assert sender.counts()['failed'] == 0
assert max(entry.tries for entry in sender.delivered()) >= 2
say(time.monotonic() - begun)
";
    let seconds: f64 = platform.run(script).await.parse().unwrap();
    assert!(seconds >= 2.0, "two at once and then two a second: {seconds}");
    assert_eq!(taken(&world.sender).await, messages(0..7, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_bridge_refuses_is_set_aside_in_its_words_and_later_events_of_the_contact_go_on() {
    let world = world(|_| {}).await;
    let platform = Platform::of(&world.url(""));
    let script = r#"
sender.emit("message.logged", {"contact": contact("c0"), "signal": signal(0, "  ")}, event_id="empty")
message("c0", 1)
for number in range(30):
    sender.emit("message.logged", {"contact": contact("c0"), "padding": " " * (1 << 20)}, event_id=f"large-{number}")
message("c0", 2)
deliver()
empty, *large = sender.failed()
assert empty.id == "empty" and "422" in empty.words and "/data/signal/content" in empty.words, empty
assert len(large) == 30 and all("413" in entry.words and "262144" in entry.words for entry in large), large
assert [entry.id for entry in sender.delivered()] == ["m-c0-2", "m-c0-1"]

message("c0", 1)  # emitted before: the same event
assert sender.retry("empty") and not sender.retry("m-c0-1") and not sender.drop("m-c0-1")
deliver()
assert sender.failed()[0].id == "empty" and sender.failed()[0].tries == 1
assert all(sender.drop(entry.id) for entry in sender.failed()) and not sender.drop("empty")

sqlite3.connect("hub.db", isolation_level=None).execute("delete from erp_outbox")
message("c0", 1)
deliver()
assert "409" in sender.failed()[0].words, sender.failed()
"#;
    platform.run(script).await;
    assert_eq!(taken(&world.sender).await, ["m-c0-1", "m-c0-2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_threads_and_processes_on_one_outbox_send_each_event_once_and_in_order() {
    let world = world(|_| {}).await;
    let platform = Platform::of(&world.url(""));
    let script = |first: usize, count: usize| {
        format!(
            r#"
other = Sender("hub.db", os.environ["URL"], os.environ["SECRET"])
for each in (sender, other):
    each.start()
    each.start()
for number in range({first}, {first} + {count}):
    message(f"c{{number % 3}}", number)
say("going")
deliver()
say("done")
"#
        )
    };
    let mut programs = [platform.start(&script(0, 100)), platform.start(&script(1_000, 100))];
    for program in &mut programs {
        program.says("going").await;
        program.says("done").await;
        program.ends_well().await;
    }
    let order =
        "for row in sqlite3.connect('hub.db').execute('select id from erp_outbox order by number'): say(row[0])";
    let order: Vec<String> = platform.run(order).await.lines().map(str::to_owned).collect();
    assert_eq!((order.len(), taken(&world.sender).await), (200, order));
    assert_eq!(duplicates(&world.sender).await, 0, "nothing was sent twice");

    // The one that sends dies: another goes on at once with what both have emitted.
    let mut first = platform.start(&script(2_000, 400));
    first.says("going").await;
    let mut second = platform.start(&script(3_000, 10));
    second.says("going").await;
    first.kill().await;
    second.says("done").await;
    let mut sent = taken(&world.sender).await.split_off(200);
    assert_eq!(sent.len(), 410);
    assert!(duplicates(&world.sender).await <= 50, "at most those whose answers were not written yet");
    sent.retain(|id| !id.contains("-3"));
    assert_eq!(sent, messages(2_000..2_400, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_that_emit_at_once_on_one_sender_lose_double_and_overtake_nothing() {
    let world = world(|_| {}).await;
    let platform = Platform::of(&world.url(""));
    let script = r#"
together, broken = threading.Barrier(2), []
def emit(contact_id):
    try:
        together.wait()
        message("c-both-1", 0)
        for number in range(50):
            message(contact_id, number)
    except Exception as error:
        broken.append(error)
sender.start()
threads = [threading.Thread(target=emit, args=(contact_id,)) for contact_id in ("c0", "c1")]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not broken, broken
deliver()
assert sender.counts() == {"waiting": 0, "failed": 0, "delivered": 101}, sender.counts()
"#;
    platform.run(script).await;
    let sent = taken(&world.sender).await;
    for (contact, count) in [("c-both-1", 1), ("c0", 50), ("c1", 50)] {
        let start = format!("m-{contact}-");
        let own: Vec<_> = sent.iter().filter(|id| id.starts_with(&start)).cloned().collect();
        let emitted: Vec<_> = (0..count).map(|number| format!("{start}{number}")).collect();
        assert_eq!(own, emitted, "{contact}");
    }
    assert_eq!(duplicates(&world.sender).await, 0, "nothing was sent twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_caller_rolls_back_is_never_sent_and_what_it_commits_is() {
    let world = world(|_| {}).await;
    let platform = Platform::of(&world.url(""));
    let script = r#"
sender.start()
db = sqlite3.connect("hub.db")
db.execute("create table messages (number)")
for number in range(3):
    try:
        with db:
            db.execute("insert into messages values (?)", (number,))
            message("c0", number, connection=db)
            if number == 1:
                raise KeyError("the platform changes its mind")
    except KeyError:
        pass
until("both are delivered", lambda: sender.counts() == {"waiting": 0, "failed": 0, "delivered": 2})
sender.stop()
assert db.execute("select group_concat(number) from messages").fetchone()[0] == "0,2"
"#;
    platform.run(script).await;
    assert_eq!(taken(&world.sender).await, ["m-c0-0", "m-c0-2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_queued_events_go_in_bounded_time_and_memory() {
    const EVENTS: usize = 10_000;
    let world = world(|_| {}).await;
    let platform = Platform::of(&world.url(""));
    let script = format!(
        r#"
db = sqlite3.connect("hub.db")
with db:
    for number in range({EVENTS}):
        message(f"c{{number % 50}}", number, connection=db)
    begun = time.monotonic()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
deliver()
say(time.monotonic() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"#
    );
    let said = platform.run(&script).await;
    println!("{EVENTS} events: seconds and KiB {said}");
    let (seconds, kib) = said.split_once(' ').unwrap();
    assert!(seconds.parse::<f64>().unwrap() < 120.0 && kib.parse::<u64>().unwrap() < 8_192, "{said}");
    assert_eq!(taken(&world.sender).await, messages(0..EVENTS, 50));
}

#[tokio::test]
async fn the_sender_and_its_example_are_written_for_python_3_8() {
    let script = r#"
import ast, pathlib, sys
root = pathlib.Path(sys.modules["erp_bridge_sender"].__file__).parents[2]
files = [*root.glob("clients/python/*.py"), *root.glob("examples/platform/*.py")]
assert len(files) == 3, files
for file in files:
    ast.parse(file.read_text("utf-8"), feature_version=(3, 8))
"#;
    Platform::of("http://127.0.0.1:1").run(script).await;
}
