//! `erp-bridge check`: what it asks, what it says, in which language.

use std::time::Duration;

use erp_bridge::{
    clock::Clock,
    simulator::{self, FaultRule, Population, Profile, Quirk, Quirks, ReplyList, Settings, SimConfig},
};
use serde_json::{Value, json};

use super::program::{command, run, settings};

#[tokio::test(flavor = "multi_thread")]
async fn check_only_reads_and_has_a_stable_code_for_each_row() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let customer = serde_json::from_str(r#"{"customers": [{"name": "王小明", "mobile": "13800000001"}]}"#).unwrap();
    sim.handle.seed(&customer).unwrap();
    let (dir, mut set) = (tempfile::tempdir().unwrap(), settings(&sim.base_url()));
    set.push(("ERP_BRIDGE__ASSIGNMENT__RULES".into(), "60:63".into()));
    let before = format!("{:?}", sim.handle.customers());
    let answer = run(command(dir.path(), &set).args(["check", "--json"]));
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    let told: Value = serde_json::from_str(&answer.stdout).unwrap();
    let rows = told["rows"].as_array().unwrap();
    let held = |code: &str| rows.iter().any(|row| row["code"] == code && row["status"] == "holds");
    for code in [
        "configuration",
        "store",
        "time_zone",
        "erp.login",
        "erp.clock",
        "erp.zone",
        "values.source",
        "values.level",
        "values.sort1",
        "values.sort",
        "values.stage",
        "assignment.user",
        "rights.customer_list",
        "rights.customer_pool",
        "rights.customer_detail",
        "rights.contact_list",
        "rights.progress_list",
        "rights.contact_detail",
        "rights.v3",
        "look_up",
    ] {
        assert!(held(code), "{code}: {told:#}");
    }
    let write = rows.iter().find(|row| row["code"] == "rights.write").unwrap();
    assert_eq!(write["status"], "unseen", "{write}");
    for (language, words) in [("zh", "只读检查看不到写权限"), ("en", "no reading shows it")] {
        assert!(write["advice"][language].as_str().unwrap().contains(words), "{write}");
    }
    assert_eq!((&told["ok"], before), (&true.into(), format!("{:?}", sim.handle.customers())));
    let writes = ["allocate", "customer.add", "customer.edit", "progress.add", "assign", "takeback", "apply"];
    assert!(sim.handle.calls(0).iter().all(|call| !writes.contains(&&*call.interface)), "{:?}", sim.handle.calls(0));
}

/// The configured id of a level is then sent, and the accounts are believed.
#[tokio::test(flavor = "multi_thread")]
async fn lists_that_the_bridge_can_do_without_fail_no_check() {
    for (how, fault) in [(ReplyList::Refused, "no_right"), (ReplyList::NotFound, "page_404")] {
        let closed = [("accounts".to_owned(), how)].into();
        let settings_of_erp = Settings { closed, ..Settings::default() };
        let sim = simulator::start(SimConfig { settings: settings_of_erp, ..SimConfig::default() }).await.unwrap();
        // 客户来源 is asked for first, and every other choice is a level.
        sim.handle.fault(&format!("choices:{fault}:skip=1")).unwrap();
        let (dir, mut set) = (tempfile::tempdir().unwrap(), settings(&sim.base_url()));
        set.push(("ERP_BRIDGE__ASSIGNMENT__RULES".into(), "60:63".into()));
        let answer = run(command(dir.path(), &set).args(["check", "--json"]));
        assert_eq!(answer.code, 0, "{fault}: {}{}", answer.stdout, answer.stderr);
        let told: Value = serde_json::from_str(&answer.stdout).unwrap();
        for code in ["values.level", "assignment.user", "rights.v3"] {
            let mut rows = told["rows"].as_array().unwrap().iter().filter(|row| row["code"] == code).peekable();
            assert!(rows.peek().is_some() && rows.all(|row| row["status"] == "unseen"), "{fault}, {code}: {told:#}");
        }
    }
}

/// A look-up passes over them without a word.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_beside_the_customers_that_may_not_be_read_fails_no_check_and_is_told_with_what_it_costs() {
    for (stype, name) in [("1", "客户池"), ("2", "待审核")] {
        let sim = simulator::start(SimConfig::default()).await.unwrap();
        let mut rule: FaultRule = "customer.list:no_right".parse().unwrap();
        rule.only.insert("stype".into(), stype.into());
        sim.handle.set_faults(vec![rule]).unwrap();
        let (dir, set) = (tempfile::tempdir().unwrap(), settings(&sim.base_url()));
        let answer = run(command(dir.path(), &set).args(["check", "--json"]));
        assert_eq!(answer.code, 0, "{name}: {}{}", answer.stdout, answer.stderr);
        let told: Value = serde_json::from_str(&answer.stdout).unwrap();
        let row = told["rows"].as_array().unwrap().iter().find(|row| row["code"] == "rights.customer_pool").unwrap();
        assert_eq!(row["status"], "unseen", "{row}");
        for (language, words) in [("zh", "会重复建档"), ("en", "made again")] {
            let advice = row["advice"][language].as_str().unwrap();
            assert!(advice.contains(name) && advice.contains(words), "{row}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erp_that_lives_in_the_future_is_told_of() {
    for (hours, status) in [(0, "holds"), (3, "noted")] {
        let clock = Clock::manual(Clock::system().now().plus(Duration::from_secs(hours * 3_600)));
        let population = Population { customers: 2, ..Population::default() };
        let sim = simulator::start(SimConfig { clock, population, ..SimConfig::default() }).await.unwrap();
        let (dir, set) = (tempfile::tempdir().unwrap(), settings(&sim.base_url()));
        let answer = run(command(dir.path(), &set).args(["check", "--json"]));
        assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
        let told: Value = serde_json::from_str(&answer.stdout).unwrap();
        let row = told["rows"].as_array().unwrap().iter().find(|row| row["code"] == "erp.zone").unwrap();
        assert_eq!(row["status"], status, "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_another_salespersons_is_no_missing_right() {
    for (refusals, code) in [(2, 0), (100, 1)] {
        let population = Population { customers: 5, with_mobile: 5, ..Population::default() };
        let sim = simulator::start(SimConfig { population, ..SimConfig::default() }).await.unwrap();
        // As a company and as a person.
        sim.handle.fault(&format!("customer.detail:refuse:times={refusals}")).unwrap();
        sim.handle.fault(&format!("contact.detail:refuse:times={}", refusals / 2)).unwrap();
        let (dir, set) = (tempfile::tempdir().unwrap(), settings(&sim.base_url()));
        let answer = run(command(dir.path(), &set).arg("check"));
        assert_eq!(answer.code, code, "{refusals}: {}{}", answer.stdout, answer.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_without_contact_persons_hide_no_refused_one() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    sim.handle.set_quirks(Quirks::only([Quirk::NoFirstContact]));
    // The one in the middle, in whichever order they are listed.
    let customers = [9001, 9002, 9003].map(|ord| json!({ "ord": ord, "name": format!("客户{ord}") }));
    let contacts = [json!({ "company": 9002, "person_name": "周经理" })];
    let seed = serde_json::from_value(json!({ "customers": customers, "contacts": contacts })).unwrap();
    sim.handle.seed(&seed).unwrap();
    sim.handle.fault("contact.detail:refuse").unwrap();
    let (dir, set) = (tempfile::tempdir().unwrap(), settings(&sim.base_url()));
    let answer = run(command(dir.path(), &set).args(["check", "--json"]));
    let told: Value = serde_json::from_str(&answer.stdout).unwrap();
    let row = told["rows"].as_array().unwrap().iter().find(|row| row["code"] == "rights.contact_detail").unwrap();
    assert_eq!(row["status"], "fails", "{told:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_whether_the_ledger_has_a_survey() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let (dir, set) = (tempfile::tempdir().unwrap(), settings(&sim.base_url()));
    let row = || {
        let answer = run(command(dir.path(), &set).args(["check", "--json"]));
        let told: Value = serde_json::from_str(&answer.stdout).unwrap();
        told["rows"].as_array().unwrap().iter().find(|row| row["code"] == "survey").unwrap().clone()
    };
    let missing = row();
    assert_eq!(missing["status"], "unseen");
    assert!(missing["advice"]["zh"].as_str().unwrap().contains("erp-bridge survey"), "{missing}");
    let none = run(command(dir.path(), &set).args(["survey", "--show"]));
    assert!(none.code == 2 && none.stderr.contains("请先运行 erp-bridge survey"), "{} {}", none.code, none.stderr);
    assert_eq!(run(command(dir.path(), &set).args(["survey", "--pause", "0s"])).code, 0);
    let there = row();
    assert_eq!(there["status"], "holds");
    assert!(there["detail"].as_str().unwrap().starts_with("20"), "when it was: {there}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_gives_no_session_is_not_laid_to_the_credentials() {
    let settings_of_erp = Settings { gives_session: false, ..Settings::default() };
    let sim = simulator::start(SimConfig { settings: settings_of_erp, ..SimConfig::default() }).await.unwrap();
    for (language, advice) in [("zh", "→ 账号密码无误，但登录没有给出会话"), ("en", "→ the credentials are right")]
    {
        let (dir, set) = (tempfile::tempdir().unwrap(), settings(&sim.base_url()));
        let answer = run(command(dir.path(), &set).args(["check", "--lang", language]));
        assert!(answer.code == 1 && answer.stdout.contains(advice), "{}{}", answer.stdout, answer.stderr);
        assert!(!answer.stdout.contains("erp.password"), "{}", answer.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_speaks_the_language_of_the_terminal_and_says_what_to_do() {
    let profile = Profile::load("live-32").unwrap();
    let sim = simulator::start(profile.config().unwrap()).await.unwrap();
    let (dir, set) = (tempfile::tempdir().unwrap(), settings(&sim.base_url()));
    let check = |language: (&str, &str), flags: &[&str]| {
        run(command(dir.path(), &set).arg("check").args(flags).env(language.0, language.1))
    };
    let chinese = check(("LANG", "zh_CN.UTF-8"), &[]);
    assert_eq!(chinese.code, 1, "微信 is none of its sources: {}", chinese.stdout);
    assert!(
        chinese.stdout.contains("✗ 客户来源 微信") && chinese.stdout.contains("→ ERP 的客户来源 (ly)里没有“微信”"),
        "{}",
        chinese.stdout
    );
    let english = check(("LC_ALL", "en_US.UTF-8"), &[]);
    assert!(english.stdout.contains("✗ source 微信") && english.stdout.contains("→ the ERP's"), "{}", english.stdout);
    let asked = check(("LC_ALL", "en_US.UTF-8"), &["--lang", "zh"]);
    assert!(asked.stdout.contains("✓ ERP 登录"), "{}", asked.stdout);
}

#[test]
fn check_of_a_wrong_configuration_is_a_table_of_what_fails_and_ends_with_1() {
    let dir = tempfile::tempdir().unwrap();
    let file = "[erp]\ntimeout = \"20\"\npassword = \"swordfish\"\n[server]\nlisten = \"here\"\n";
    std::fs::write(dir.path().join("erp-bridge.toml"), file).unwrap();
    let set: Vec<_> = settings("http://127.0.0.1:1")
        .into_iter()
        .filter(|(name, _)| !name.ends_with("PASSWORD") && !name.ends_with("LISTEN"))
        .collect();
    let table = run(command(dir.path(), &set).args(["check", "--lang", "en"]));
    assert_eq!(table.code, 1, "{}{}", table.stdout, table.stderr);
    let lines: Vec<_> = table.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", table.stdout);
    for (line, place) in
        lines.iter().zip(["server.listen (erp-bridge.toml, line 5)", "erp.timeout (erp-bridge.toml, line 2)"])
    {
        assert!(line.starts_with("✗ configuration") && line.contains(place), "{}", table.stdout);
    }
    let answer = run(command(dir.path(), &set).args(["check", "--json"]));
    assert_eq!(answer.code, 1, "{}{}", answer.stdout, answer.stderr);
    let told: Value = serde_json::from_str(&answer.stdout).unwrap();
    let rows = told["rows"].as_array().unwrap();
    assert_eq!((&told["ok"], rows.len()), (&false.into(), 2), "{told:#}");
    assert!(rows.iter().all(|row| row["code"] == "configuration" && row["status"] == "fails"), "{told:#}");
    assert!(!answer.stdout.contains("swordfish") && !table.stdout.contains("swordfish"));
    let gone = run(command(dir.path(), &set).args(["check", "--config", "other.toml"]));
    assert!(gone.code == 1 && gone.stdout.contains("other.toml"), "{}{}", gone.stdout, gone.stderr);
}
