//! `erp-bridge adopt`: files of contacts, what is told of them, and how it goes on after an end.

use std::{
    cell::{Cell, RefCell},
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::Stdio,
    time::Duration,
};

use erp_bridge::{
    clock::Clock,
    config::DatabaseConfig,
    simulator::{self, Population, Running, Settings, SimConfig},
    store::Store,
};
use serde_json::{Value, json};

use super::program::{Answer, Program, TOKEN, command, run, settings};
use crate::{
    adopt::{contacts, customers},
    support::{Receiver, SECRET, Sender, eventually, seed::variable},
};

const HEADER: &str = "id,name,phone,company,wechat_id,erp_ord,erp_khid";

async fn sim() -> Running {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    sim.handle.seed(&customers()).unwrap();
    sim
}

/// The contacts of the REST test as a spreadsheet would write them, with a column that nobody knows.
fn write_contacts(dir: &Path) {
    let mut text = format!("\u{feff}{HEADER},昵称\r\n");
    for (contact, ..) in contacts() {
        let cell = |name: &str| contact[name].as_str().map(|cell| format!("\"{cell}\"")).unwrap_or_default();
        let cells = ["id", "name", "phone", "company"].map(cell).join(",");
        text.push_str(&format!("{cells},,,,=1+1\r\n"));
    }
    fs::write(dir.join("contacts.csv"), text).unwrap();
}

fn adopt(dir: &Path, set: &[(String, String)], flags: &[&str]) -> Answer {
    run(command(dir, set).args(["adopt", "--contacts", "contacts.csv"]).args(flags))
}

/// The columns `outcome` and `matched_by` of a result.
fn outcomes(file: &Path) -> Vec<(String, Option<String>)> {
    let text = fs::read_to_string(file).unwrap();
    let mut reader =
        csv::Reader::from_reader(text.strip_prefix('\u{feff}').expect("a mark for spreadsheets").as_bytes());
    let header = reader.headers().unwrap().clone();
    let at = |name: &str| header.iter().position(|column| column == name).unwrap();
    let rows = reader.records().map(Result::unwrap);
    rows.map(|row| (row[at("outcome")].into(), Some(row[at("matched_by")].to_owned()).filter(|rule| !rule.is_empty())))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_gives_the_answers_of_the_rest_interface_alone_and_through_a_running_bridge() {
    let sim = sim().await;
    let set = settings(&sim.base_url());
    let bridge = Program::serve(&set);
    write_contacts(bridge.dir());
    let refused = adopt(bridge.dir(), &set, &[]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--url http://127.0.0.1"), "it says how: {}", refused.stderr);

    let expected: Vec<_> =
        contacts().map(|(_, outcome, rule)| (outcome.to_owned(), rule.map(str::to_owned))).into_iter().collect();
    let flags = ["--url", &bridge.url, "--token", TOKEN, "--out", "remote.csv"];
    let remote = adopt(bridge.dir(), &[], &flags);
    assert_eq!(remote.code, 1, "lines are invalid: {}{}", remote.stdout, remote.stderr);
    assert!(remote.stderr.contains("昵称") && remote.stderr.contains("11/11"), "{}", remote.stderr);
    assert_eq!(outcomes(&bridge.dir().join("remote.csv")), expected);

    let alone = tempfile::tempdir().unwrap();
    write_contacts(alone.path());
    let answer = adopt(alone.path(), &set, &["--out", "alone.csv"]);
    assert_eq!(answer.code, 1, "{}{}", answer.stdout, answer.stderr);
    assert_eq!(outcomes(&alone.path().join("alone.csv")), expected);
    let [told, again] = [bridge.dir().join("remote.csv"), alone.path().join("alone.csv")].map(fs::read_to_string);
    assert_eq!(told.unwrap(), again.unwrap());

    let flags = ["--url", &bridge.url, "--token", TOKEN, "--out", "remote.csv", "--apply"];
    let applied = adopt(bridge.dir(), &[], &flags);
    assert!(applied.stdout.contains("3  linked"), "{}", applied.stdout);
    let wrong = adopt(bridge.dir(), &[], &["--url", &bridge.url, "--token", "nobody-s-token-0123456789"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("401"), "{}", wrong.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_a_person_completed_is_a_file_of_contacts_again() {
    let sim = sim().await;
    let (dir, set) = (tempfile::tempdir().unwrap(), settings(&sim.base_url()));
    fs::write(dir.path().join("contacts.csv"), format!("{HEADER}\nk1,\"=HYPERLINK(\"\"x\"\")\",+86 13800000077,,,,\n"))
        .unwrap();
    let first = adopt(dir.path(), &set, &["--out", "result.csv"]);
    assert_eq!(first.code, 0, "{}{}", first.stdout, first.stderr);
    let result = fs::read_to_string(dir.path().join("result.csv")).unwrap();
    assert!(result.contains("'=HYPERLINK") && result.contains("'+86"), "nothing is calculated: {result}");
    fs::rename(dir.path().join("result.csv"), dir.path().join("contacts.csv")).unwrap();
    let second = adopt(dir.path(), &set, &["--apply"]);
    assert!(second.code == 0 && second.stdout.contains("1  linked"), "{}{}", second.stdout, second.stderr);
    assert!(!second.stderr.contains("not used"), "its own columns are known: {}", second.stderr);
    let same = adopt(dir.path(), &set, &["--out", "contacts.csv"]);
    assert!(same.code == 2 && same.stderr.contains("--contacts"), "{}", same.stderr);
}

#[test]
fn a_file_that_is_none_is_refused_as_a_whole_before_anything_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let gbk = [format!("{HEADER}\n1,").into_bytes(), vec![0xd5, 0xc5, 0xc8, 0xfd], b",,,,,\n".to_vec()].concat();
    let utf16 = vec![0xff, 0xfe, b'i', 0, b'd', 0];
    for (name, bytes, words) in [
        ("gbk.csv", gbk, "GBK"),
        ("utf16.csv", utf16, "UTF-16"),
        ("head.csv", "客户,电话\n1,2\n".as_bytes().to_vec(), "no column id"),
        ("twice.csv", b"id,name,ID\n1,2,3\n".to_vec(), "twice"),
        ("contacts.xlsx", b"PK".to_vec(), ".csv"),
    ] {
        fs::write(dir.path().join(name), bytes).unwrap();
        let answer = run(command(dir.path(), &[]).args(["adopt", "--contacts", name]));
        assert!(answer.code == 2 && answer.stderr.contains(words), "{name}: {}", answer.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_cannot_be_read_is_told_with_its_number_and_the_others_go_on() {
    let sim = sim().await;
    let (dir, set) = (tempfile::tempdir().unwrap(), settings(&sim.base_url()));
    let long = format!("{{\"id\":\"l\",\"notes\":\"{}\"}}", "x".repeat(70_000));
    let text =
        format!("{{\"id\":\"k1\",\"name\":\"赵一\"}}\n\nno json\n{long}\n[]\n{{\"id\":\"u1\",\"name\":\"陌生人\"}}");
    fs::write(dir.path().join("c.jsonl"), text).unwrap();
    let told = run(command(dir.path(), &set).args(["adopt", "--contacts", "c.jsonl"]));
    for line in ["     1  k1", "     3  -", "     4  -", "     5  -", "     6  u1"] {
        assert!(told.stdout.contains(line), "{line}: {}{}", told.stdout, told.stderr);
    }
    fs::write(dir.path().join("contacts.csv"), format!("{HEADER}\nk1,赵一\nk1,赵一,,,,,\n")).unwrap();
    let told = adopt(dir.path(), &set, &[]);
    assert!(told.stdout.contains("2 columns instead of 7") && told.stdout.contains("     3  k1"), "{}", told.stdout);
    assert_eq!(told.code, 1);
}

/// A list takes fifty lines, so those in between part the contacts.
#[tokio::test(flavor = "multi_thread")]
async fn contacts_of_one_customer_are_told_apart_in_the_whole_file() {
    let sim = sim().await;
    let bridge = Program::serve(&settings(&sim.base_url()));
    let one = |id: &str, name: &str, phone: &str, company: &str| {
        json!({ "id": id, "name": name, "phone": phone, "company": company }).to_string()
    };
    let company = "杭州甲公司有限公司";
    let mut lines = vec![one("m1", "王小明", "+86 13800000001", ""), one("c1", "周经理", "", company)];
    lines.extend((0..50).map(|number| format!("no json {number}")));
    lines.push(one("m2", "另一个", "138 0000 0001", ""));
    lines.push(one("c2", "周经理", "", company));
    lines.push(one("m1", "王小明", "+86 13800000001", ""));
    fs::write(bridge.dir().join("c.jsonl"), lines.join("\n")).unwrap();
    let flags = ["adopt", "--contacts", "c.jsonl", "--url", &bridge.url, "--token", TOKEN, "--out", "out.csv"];
    // Written, and once more.
    for (apply, first) in [(&[] as &[&str], "would_link"), (&["--apply"], "linked"), (&["--apply"], "already_linked")] {
        let answer = run(command(bridge.dir(), &[]).args(flags).args(apply));
        assert_eq!(answer.code, 1, "lines are invalid: {}{}", answer.stdout, answer.stderr);
        let told: Vec<_> = outcomes(&bridge.dir().join("out.csv")).into_iter().map(|(outcome, _)| outcome).collect();
        assert_eq!(
            (told[..2].join(" "), told[52..].join(" ").as_str()),
            (format!("{first} {first}"), "taken taken invalid"),
            "{}",
            answer.stdout
        );
        assert!(answer.stdout.contains("第 1 行已有此联系人"), "{}", answer.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_has_no_time_is_waited_for() {
    let sim = sim().await;
    let mut set = settings(&sim.base_url());
    set.push(("ERP_BRIDGE__API__PREVIEW_LIMIT".into(), "30".into()));
    let bridge = Program::serve(&set);
    let operator = Sender::new(bridge.url.clone(), Clock::system());
    let nobody = json!({ "contacts": [{ "id": "no id" }] });
    while operator.call("POST", "/v1/contacts/adopt", Some(nobody.clone())).await.0 != 429 {}
    write_contacts(bridge.dir());
    let answer = adopt(bridge.dir(), &[], &["--url", &bridge.url, "--token", TOKEN]);
    assert_eq!(answer.code, 1, "lines are invalid: {}{}", answer.stdout, answer.stderr);
    assert!(answer.stderr.contains("HTTP 429") && answer.stderr.contains("11/11"), "{}", answer.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_takes_the_bridge_too_long_is_asked_for_in_halves() {
    let slow = Receiver::judging(|received| {
        let contacts = received.body["contacts"].as_array().unwrap();
        if contacts.len() > 2 {
            return (503, json!({ "type": "urn:erp-bridge:problem:request_timeout", "detail": "too long" }).to_string());
        }
        let row = |contact: &Value| {
            json!({ "line": 1, "contact_id": contact["id"], "outcome": "unknown", "candidates": [], "errors": [], "message": "" })
        };
        (200, json!({ "items": contacts.iter().map(row).collect::<Vec<_>>() }).to_string())
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let lines = (0..10).map(|number| format!("c{number},某人,,,,,\n"));
    fs::write(dir.path().join("contacts.csv"), format!("{HEADER}\n{}", lines.collect::<String>())).unwrap();
    let url = slow.url.split_once("/hook").unwrap().0;
    let answer = adopt(dir.path(), &[], &["--url", url, "--token", TOKEN, "--out", "out.csv"]);
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    assert!(answer.stderr.contains("2 contacts a call from now on"), "{}", answer.stderr);
    assert_eq!(outcomes(&dir.path().join("out.csv")).len(), 10, "each once, in its order");
    let asked: Vec<_> = slow.received().iter().map(|one| one.body["contacts"].as_array().unwrap().len()).collect();
    assert_eq!(asked, [10, 5, 2, 2, 2, 2, 2]);
}

/// Contacts that a customer number tells, and their customers.
fn many(sim: &Running, dir: &Path, count: usize) {
    let customers: Vec<Value> =
        (0..count).map(|n| json!({ "name": format!("客户{n}"), "khid": format!("WXp{n}") })).collect();
    sim.handle.seed(&serde_json::from_value(json!({ "customers": customers })).unwrap()).unwrap();
    let lines = (0..count).map(|n| format!("p{n},某人{n},,,,,\n"));
    fs::write(dir.join("contacts.csv"), format!("{HEADER}\n{}", lines.collect::<String>())).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_is_told_of_what_the_command_links_alone() {
    let sim = sim().await;
    let (dir, mut set) = (tempfile::tempdir().unwrap(), settings(&sim.base_url()));
    let write_back = [("WRITEBACK__URL", "http://127.0.0.1:9"), ("WRITEBACK__SECRET", SECRET)];
    set.extend(write_back.map(|(key, value)| (format!("ERP_BRIDGE__{key}"), value.to_owned())));
    write_contacts(dir.path());
    let applied = adopt(dir.path(), &set, &["--apply"]);
    assert!(applied.stdout.contains("3  linked"), "{}{}", applied.stdout, applied.stderr);
    let url = format!("sqlite://{}", dir.path().join("ledger.db").display());
    let database = DatabaseConfig { url: url.parse().unwrap(), ..DatabaseConfig::default() };
    let store = Store::open(&database, Clock::system(), false).await.unwrap();
    let told = store.messages(false, None, 10).await.unwrap();
    assert_eq!(told.iter().map(|message| message.kind.as_str()).collect::<Vec<_>>(), ["contact.linked"; 3]);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_believes_the_newest_survey_as_a_bridge_does() {
    let mut settings_of_erp = Settings { ignored_filters: vec!["customer.list:khid".into()], ..Settings::default() };
    settings_of_erp.columns.customers = ["ord", "name", "mobile", "catename"].map(str::to_owned).to_vec();
    let population = Population { customers: 230, with_mobile: 12, ..Population::default() };
    let config = SimConfig { population, settings: settings_of_erp, ..SimConfig::default() };
    let sim = simulator::start(config).await.unwrap();
    let (dir, set) = (tempfile::tempdir().unwrap(), settings(&sim.base_url()));
    fs::write(dir.path().join("contacts.csv"), format!("{HEADER}\nc2,欧阳某人,13800000002,,,,\n")).unwrap();
    let outcome = || {
        adopt(dir.path(), &set, &["--out", "out.csv"]);
        outcomes(&dir.path().join("out.csv")).remove(0).0
    };
    assert_eq!(outcome(), "too_many");
    let surveyed = run(command(dir.path(), &set).args(["survey", "--pause", "0s"]));
    assert_eq!(surveyed.code, 0, "{}{}", surveyed.stdout, surveyed.stderr);
    assert_eq!(outcome(), "unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_a_second_run_links_the_rest() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let (dir, set) = (tempfile::tempdir().unwrap(), settings(&sim.base_url()));
    many(&sim, dir.path(), 120);
    let mut first = command(dir.path(), &set)
        .args(["adopt", "--contacts", "contacts.csv", "--apply"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let linked = BufReader::new(first.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert_eq!(linked.filter(|line| line.contains("linked")).take(10).count(), 10);
    first.kill().unwrap();
    first.wait().unwrap();
    let second = adopt(dir.path(), &set, &["--apply"]);
    assert_eq!(second.code, 0, "{}{}", second.stdout, second.stderr);
    let count = |outcome: &str| {
        let line = second.stdout.lines().find(|line| line.trim_start().split("  ").nth(1) == Some(outcome));
        line.map_or(0, |line| line.split_whitespace().next().unwrap().parse::<usize>().unwrap())
    };
    let (before, now) = (count("already_linked"), count("linked"));
    assert!(before >= 10 && before + now == 120, "{before} and {now}");
    let third = adopt(dir.path(), &set, &["--apply"]);
    assert!(third.stdout.contains("120  already_linked"), "{}", third.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_lines_take_no_more_memory_than_a_few() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let (dir, set) = (tempfile::tempdir().unwrap(), settings(&sim.base_url()));
    let mut peaks = Vec::new();
    for lines in [10, 10_000] {
        let mut file = fs::File::create(dir.path().join("contacts.csv")).unwrap();
        writeln!(file, "{HEADER}").unwrap();
        // Nobody without a name or a number is looked up, so it is the file that counts.
        (0..lines).for_each(|n| writeln!(file, "n{n},,,{},,,", "某公司".repeat(14)).unwrap());
        let mut command = command(dir.path(), &set);
        command.args(["adopt", "--contacts", "contacts.csv", "--out", "out.csv"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let status = format!("/proc/{}/status", child.id());
        let (peak, child) = (Cell::new(0), RefCell::new(child));
        eventually("it ends", Duration::from_secs(120), async || {
            let shown = fs::read_to_string(&status).unwrap_or_default();
            let line = shown.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            peak.set(line.map_or(peak.get(), |line| line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()));
            child.borrow_mut().try_wait().unwrap()
        })
        .await;
        peaks.push(peak.get());
    }
    assert!(peaks[1] < peaks[0] + 16 * 1_024, "KiB: {peaks:?}");
}

/// Adopts so many strangers with so many calls at once; answers how many lists were asked for and the most calls at once.
async fn adopt_strangers(many: usize, at_once: u32) -> (usize, u32) {
    let settings_of_erp = Settings { latency_ms: 20, ..Settings::default() };
    let sim = simulator::start(SimConfig { settings: settings_of_erp, ..SimConfig::default() }).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let line = |number: usize| {
        format!("{{\"id\":\"c{number}\",\"name\":\"陌生人{number}\",\"phone\":\"{}\"}}\n", 13_700_000_000 + number)
    };
    fs::write(dir.path().join("contacts.jsonl"), (0..many).map(line).collect::<String>()).unwrap();
    let mut set = settings(&sim.base_url());
    set.push(("ERP_BRIDGE__ERP__MAX_IN_FLIGHT".into(), at_once.to_string()));
    let answer = run(command(dir.path(), &set).args(["adopt", "--contacts", "contacts.jsonl", "--out", "out.csv"]));
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    assert_eq!(outcomes(&dir.path().join("out.csv")), vec![("unknown".to_owned(), None); many]);
    // Beside the look whether anybody stands in 客户池 and 待审核.
    let lists = sim.handle.calls(0).iter().filter(|call| call.interface.ends_with(".list")).count() - 2;
    (lists, sim.handle.load().most)
}

/// Twenty and sixty of them, or as many times that as `ERP_BRIDGE_ADOPTED` says.
#[tokio::test(flavor = "multi_thread")]
async fn as_many_contacts_are_looked_up_at_once_as_the_erp_takes_calls_and_each_costs_the_same() {
    let times = usize::try_from(variable("ERP_BRIDGE_ADOPTED").unwrap_or(1)).unwrap();
    let (few, alone) = adopt_strangers(20 * times, 1).await;
    let (many, at_once) = adopt_strangers(60 * times, 3).await;
    assert_eq!((alone, at_once), (1, 3));
    assert_eq!(many, 3 * few, "calls do not grow with the file");
}
