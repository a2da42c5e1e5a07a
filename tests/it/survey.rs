//! A survey of an installation, and of the simulator that plays its profile: what it sees, what it must not tell, what it is good for.

mod evidence;
mod rights;
mod writing;

use std::{process::Command, time::Duration};

use erp_bridge::{
    app::survey_erp,
    event::Status,
    simulator::{self, Population, Profile, Quirk, Quirks, ReplyList, Settings, SimConfig},
    survey::{Outcome, Report, label, profile, table},
};
use serde_json::Value;

use crate::support::{World, WorldOptions, contact, message, promoted, world::config};

/// An installation with some of everything.
fn populated(quirks: Quirks, settings: Settings) -> SimConfig {
    let population = Population {
        customers: 30,
        companies: 10,
        with_mobile: 12,
        mobiles_as_typed: 2,
        with_salesperson: 6,
        with_records: 4,
        ..Population::default()
    };
    SimConfig { population, quirks, settings, ..SimConfig::default() }
}

async fn survey(sim: SimConfig, write_one: bool) -> Report {
    let sim = simulator::start(sim).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = config(&sim.base_url(), &format!("sqlite://{}/ledger.db", dir.path().display()));
    let surveyed = survey_erp(&config, Duration::ZERO, write_one).await.unwrap();
    assert_eq!(surveyed.not_kept, None);
    surveyed.report
}

/// Surveys it, plays the profile, surveys that, and answers the first report and the profile.
async fn round(what: &str, sim: SimConfig, write_one: bool) -> (Report, Value) {
    let first = survey(sim, write_one).await;
    let played = profile(&first);
    let again = Profile::read(&played.to_string()).unwrap_or_else(|why| panic!("{what}: {why}")).config().unwrap();
    let second = survey(again, write_one).await;
    assert_eq!(first.differences(&second), Vec::<String>::new(), "{what}, write_one: {write_one}");
    (first, played)
}

fn has_quirk(profile: &Value, quirk: Quirk) -> bool {
    profile["quirks"].as_array().unwrap().iter().any(|name| name == quirk.name())
}

#[tokio::test]
async fn live_32_is_played_back_so_that_a_survey_cannot_tell_it_from_the_first() {
    let live = || Profile::load("live-32").unwrap().config().unwrap();
    let (report, _) = round("live-32", live(), false).await;
    assert_eq!(report.shapes.columns["customers"].len(), 13);
    assert!(report.holds("customers.all_texts") && report.refutes("choices.wechat_is_a_source"));
    let sample = &report.sample;
    assert_eq!((sample.customers, sample.looked_at), (239, 239));
    assert_eq!((sample.with_mobile, sample.mobiles_as_typed), (Some(48), Some(5)));
    assert_eq!((sample.with_salesperson, sample.with_records), (Some(30), Some(12)));
    for filter in ["name", "khid", "telord", "stype", "searchKey", "ly", "_rpt_sort"] {
        assert!(report.holds(&format!("customers.filter.{filter}")), "{filter}");
    }
    for code in ["customers.whole_names", "customers.search_key_finds_numbers", "customers.sorts_by.name"] {
        assert!(report.holds(code), "{code}");
    }
    assert_eq!(report.fact("customers.sorts_by.khid").unwrap().outcome, Outcome::Unseen, "no such column");
    round("live-32", live(), true).await;
}

#[tokio::test]
async fn every_quirk_that_reading_shows_is_in_the_profile_and_played_back() {
    for quirk in Quirk::ALL {
        let sim = populated(Quirks::only([quirk]), Settings::default());
        let (report, profile) = round(quirk.name(), sim, false).await;
        match quirk {
            // Part of the columns and of the page size, not a quirk of its own.
            Quirk::ShuffledColumns | Quirk::MissingColumns => {
                let columns = &report.shapes.columns["customers"];
                assert_ne!(columns.join(","), "ord,name,khid,mobile,weixinAcc,address,date1,catename", "{quirk}");
            }
            Quirk::PageCap => assert_eq!(report.shapes.page_cap, Some(10)),
            // Only a write shows these.
            Quirk::RefusedStatus0 => assert!(has_quirk(&profile, quirk), "unless seen otherwise it is on"),
            Quirk::QuestionMarks | Quirk::DropsZeroWidth | Quirk::DecodesEntities => {
                assert!(!has_quirk(&profile, quirk), "{quirk}");
            }
            quirk => assert!(has_quirk(&profile, quirk), "{quirk}"),
        }
    }
}

#[tokio::test]
async fn every_quirk_that_only_a_write_shows_is_in_the_profile_of_a_survey_that_may_write() {
    let by_writing = [Quirk::RefusedStatus0, Quirk::QuestionMarks, Quirk::DropsZeroWidth, Quirk::DecodesEntities];
    // Two more that change how a text looks when it is read back.
    for quirk in by_writing.into_iter().chain([Quirk::Entities, Quirk::ShowsMarkup]) {
        let sim = populated(Quirks::only([quirk]), Settings::default());
        let (_, profile) = round(quirk.name(), sim, true).await;
        for other in by_writing {
            assert_eq!(has_quirk(&profile, other), other == quirk, "{other} of {quirk}");
        }
    }
}

#[tokio::test]
async fn every_setting_that_a_survey_sees_is_played_back() {
    let closed =
        |interface: &str, how| Settings { closed: [(interface.to_owned(), how)].into(), ..Settings::default() };
    let ignored = |filter: &str| Settings { ignored_filters: vec![filter.to_owned()], ..Settings::default() };
    let unsorted = |column: &str| Settings { unsorted_columns: vec![column.to_owned()], ..Settings::default() };
    let masked = |list: &str| Settings { masked_lists: vec![list.to_owned()], ..Settings::default() };
    let table: Vec<(&str, bool, Settings, &str, Outcome)> = vec![
        (
            "oldest",
            false,
            Settings { oldest_first: true, ..Settings::default() },
            "customers.newest_first",
            Outcome::DoesNot,
        ),
        (
            "texts",
            false,
            Settings { columns_are_texts: true, ..Settings::default() },
            "customers.all_texts",
            Outcome::Holds,
        ),
        (
            "stype",
            false,
            Settings { ignores_stype: true, ..Settings::default() },
            "customers.filter.stype",
            Outcome::DoesNot,
        ),
        (
            "unknown stype",
            false,
            Settings { unknown_stype_is_none: true, ..Settings::default() },
            "customers.filter.stype",
            Outcome::Holds,
        ),
        (
            "kind",
            false,
            Settings { detail_demands_kind: true, ..Settings::default() },
            "details.demand_the_kind",
            Outcome::Holds,
        ),
        (
            "cut names",
            false,
            Settings { name_cut: Some((9, "…".into())), ..Settings::default() },
            "customers.whole_names",
            Outcome::DoesNot,
        ),
        ("masked contacts", false, masked("contact.list"), "contacts.masked", Outcome::Holds),
        ("masked customers", false, masked("customer.list"), "contacts.masked", Outcome::DoesNot),
        (
            "search",
            false,
            Settings { search_key_skips_mobile: true, ..Settings::default() },
            "customers.search_key_finds_numbers",
            Outcome::DoesNot,
        ),
        ("codes", false, unsorted("khid"), "customers.sorts_by.khid", Outcome::DoesNot),
        ("names", false, unsorted("name"), "customers.sorts_by.name", Outcome::DoesNot),
        (
            "odd words",
            false,
            Settings { missing_words: Some("返回值 -17".into()), ..Settings::default() },
            "refusals.understood",
            Outcome::DoesNot,
        ),
        ("telord", false, ignored("customer.list:telord"), "customers.filter.telord", Outcome::DoesNot),
        ("khid", true, ignored("customer.list:khid"), "customers.filter.khid", Outcome::DoesNot),
        ("sorting", false, ignored("customer.list:_rpt_sort"), "customers.filter._rpt_sort", Outcome::DoesNot),
        ("mobile", false, ignored("contact.list:mobile"), "contacts.filter.mobile", Outcome::DoesNot),
        (
            "records",
            false,
            Settings { replylist_oldest_first: true, ..Settings::default() },
            "progress.newest_first",
            Outcome::DoesNot,
        ),
        (
            "no session",
            false,
            Settings { demands_session: false, ..Settings::default() },
            "session.demanded",
            Outcome::DoesNot,
        ),
        ("areas", false, closed("tree.areas", ReplyList::NotFound), "right.tree.areas", Outcome::DoesNot),
        ("accounts", false, closed("accounts", ReplyList::Refused), "right.accounts", Outcome::DoesNot),
        ("no records", true, closed("progress.list", ReplyList::Html), "right.progress.list", Outcome::DoesNot),
        ("contacts", false, closed("contact.list", ReplyList::Refused), "right.contact.list", Outcome::DoesNot),
        (
            "cut",
            true,
            Settings { replylist_cut: Some(34), ..Settings::default() },
            "progress.whole_texts",
            Outcome::DoesNot,
        ),
        (
            "one login",
            true,
            Settings { single_session: true, ..Settings::default() },
            "session.survives_second_login",
            Outcome::DoesNot,
        ),
        (
            "ids",
            true,
            Settings { allocates_again: true, ..Settings::default() },
            "ids.allocated_once",
            Outcome::DoesNot,
        ),
        ("usual", true, Settings::default(), "session.survives_second_login", Outcome::Holds),
    ];
    for (what, write_one, settings, code, outcome) in table {
        let (report, _) = round(what, populated(Quirks::default(), settings), write_one).await;
        assert_eq!(report.fact(code).map(|fact| fact.outcome), Some(outcome), "{what}");
    }
}

#[tokio::test]
async fn a_survey_reads_only_unless_it_may_write_one_customer_and_then_takes_it_back() {
    let sim = simulator::start(populated(Quirks::default(), Settings::default())).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = config(&sim.base_url(), &format!("sqlite://{}/ledger.db", dir.path().display()));
    survey_erp(&config, Duration::ZERO, false).await.unwrap();
    let reads = ["login", "logout", "customer.list", "customer.detail", "contact.list", "contact.detail"];
    let reads =
        [&reads[..], &["progress.list", "accounts", "choices", "tree.categories", "tree.accounts", "tree.areas"]];
    for call in sim.handle.calls(0) {
        assert!(!call.stored && reads.concat().contains(&call.interface.as_str()), "{call:?}");
    }

    let report = survey_erp(&config, Duration::ZERO, true).await.unwrap().report;
    let customers = sim.handle.customers();
    assert_eq!(customers.len(), 31, "one more");
    let customer = customers.last().unwrap();
    assert_eq!(report.measured.written_customer, Some(customer.ord));
    assert!(customer.fields["name"].contains("测试客户") && customer.fields["name"].contains("请勿使用"));
    assert_eq!(customer.holding, simulator::Holding::Pool);
    for code in ["saves.stored", "saves.overwrite", "edit.shows", "progress.stored", "takeback.leaves_customers"] {
        assert!(report.holds(code), "{code}: {:?}", report.fact(code));
    }
}

#[tokio::test]
async fn a_report_and_a_profile_name_nobody() {
    let planted = ["王小明", "13912345678", "138 0013 8055", "KH-77-GEHEIM", "wx_secret_1", "xiaoming@example.com"];
    let mut settings = Settings::default();
    settings.choices.sources.push(("990".into(), "赵大宝介绍".into()));
    settings.choices.categories[0].text = "钱老板的客户".into();
    settings.choices.areas[0].1 = "孙家村".into();
    settings.columns.customers.push("李四的列".into());
    let sim = simulator::start(populated(Quirks::default(), settings)).await.unwrap();
    let fields = [
        ("name", planted[0]),
        ("mobile", planted[1]),
        ("phone", planted[2]),
        ("khid", planted[3]),
        ("weixinAcc", planted[4]),
        ("email", planted[5]),
        ("intro", planted[0]),
    ];
    let ord = sim.handle.seed_customer_fields(&fields).unwrap();
    sim.handle.seed_progress(ord, 3, erp_bridge::clock::Clock::system().now());
    let dir = tempfile::tempdir().unwrap();
    let config = config(&sim.base_url(), &format!("sqlite://{}/ledger.db", dir.path().display()));
    let report = survey_erp(&config, Duration::ZERO, true).await.unwrap().report;
    let told = [table(&report), serde_json::to_string(&report).unwrap(), profile(&report).to_string()].join("\n");
    let accounts = ["张伟", "zhangwei", "管理员"];
    let texts = ["赵大宝", "钱老板", "孙家村", "李四", "拜访", "admin", "123456", "127.0.0.1"];
    for secret in planted.iter().chain(&accounts).chain(&texts) {
        assert!(!told.contains(secret), "{secret}:\n{told}");
    }
    for customer in sim.handle.customers() {
        // The first sources, stages and so on are everybody's; names, numbers and codes are not.
        for id in ["name", "khid", "mobile", "person_name"] {
            let value = customer.fields.get(id).map_or("", String::as_str);
            assert!(value.is_empty() || !told.contains(value), "{id} {value}");
        }
    }
    for fact in &report.facts {
        assert!(label(&fact.code).is_some(), "{} has no words", fact.code);
    }
}

#[tokio::test]
async fn the_command_writes_a_report_and_a_profile_that_the_simulator_takes() {
    let sim = simulator::start(populated(Quirks::default(), Settings::default())).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let ledger = format!("sqlite://{}/ledger.db", dir.path().display());
    let out = dir.path().join("out");
    let base_url = sim.base_url();
    let run = async |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_erp-bridge"));
        command.arg("survey").args(arguments);
        for (key, value) in [
            ("ERP__BASE_URL", base_url.as_str()),
            ("ERP__USERNAME", "admin"),
            ("ERP__PASSWORD", "123456"),
            ("ERP__SERIAL", "ai-client-001"),
            ("WEBHOOK__SECRETS", crate::support::SECRET),
            ("DATABASE__URL", &ledger),
        ] {
            command.env(format!("ERP_BRIDGE__{key}"), value);
        }
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let (printed, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        (output.status.code(), printed, errors)
    };
    let (code, printed, errors) = run(&["--pause", "0s", "--out", out.to_str().unwrap()]).await;
    assert_eq!(code, Some(0), "{printed}\n{errors}");
    assert!(printed.contains("✓ 成立 holds") && printed.contains("customers.filter.khid"), "{printed}");
    assert_eq!(std::fs::read_to_string(out.join("survey.txt")).unwrap(), printed);
    let report: Report = serde_json::from_str(&std::fs::read_to_string(out.join("survey.json")).unwrap()).unwrap();
    assert!(report.holds("customers.filter.khid"));
    let profile = Profile::load(out.join("profile.json").to_str().unwrap()).unwrap();
    assert_eq!(profile.population.customers, 30);
    sim.handle.clear_calls();
    assert_eq!(run(&["--show"]).await, (Some(0), printed, String::new()), "the ledger keeps it");
    assert_eq!(sim.handle.calls(0).len(), 0);
}

#[tokio::test]
async fn a_list_of_records_that_a_survey_saw_closed_is_not_asked_again_after_the_start() {
    for surveyed in [false, true] {
        let settings = Settings { replylist: ReplyList::NotFound, ..Settings::default() };
        let sim = populated(Quirks::default(), settings);
        let mut world = World::with(WorldOptions { sim, ..WorldOptions::default() }).await;
        assert_eq!(world.handle("p1", &promoted(&contact("c1", 1), 80.0)).await.status, Status::Succeeded);
        if surveyed {
            let kept = survey_erp(&world.config, Duration::ZERO, false).await.unwrap();
            assert_eq!(kept.not_kept, None, "beside a bridge at work");
        }
        world.restart().await;
        world.sim.handle.clear_calls();
        assert_eq!(world.handle("m1", &message("c1", 1, "好的")).await.status, Status::Succeeded);
        assert_eq!(world.sim.handle.calls_of("progress.list").is_empty(), surveyed);
    }
}

#[tokio::test]
async fn a_survey_asks_one_thing_at_a_time_whatever_the_bridge_may_ask_at_once() {
    let settings = Settings { latency_ms: 3, ..Settings::default() };
    let sim = simulator::start(populated(Quirks::default(), settings)).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(&sim.base_url(), &format!("sqlite://{}/ledger.db", dir.path().display()));
    config.erp.max_in_flight = 8;
    survey_erp(&config, Duration::ZERO, false).await.unwrap();
    let calls = sim.handle.calls(0).len();
    assert!(calls > 30, "{calls}");
    assert_eq!(sim.handle.load().most, 1);
}
