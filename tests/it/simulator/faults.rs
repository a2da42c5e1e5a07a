//! Faults, quirks and control over the wire.

use erp_bridge::{
    clock::{Clock, Millis},
    simulator::{Quirk, Quirks},
};
use serde_json::json;

use super::*;

fn record<'a>(ord: &'a str, intro: &'a str) -> [(&'a str, &'a str); 4] {
    [("ord", ord), ("intro", intro), ("sort", "484"), ("plantype", "0")]
}

#[tokio::test]
async fn broken_answers_come_before_or_after_the_effect() {
    let bench = Bench::start().await;
    let ord = bench.seed();
    for broken in ["error_500", "html_200", "empty_200", "garbled", "cut"] {
        for (when, stored) in [("before", 0), ("after", 1)] {
            let fault = format!("{broken}_{when}");
            bench.sim.handle.fault(&format!("progress.add:{fault}:times=1")).unwrap();
            let before = bench.sim.handle.progress().len();
            let body = bench.envelope(Some("__sys_dosave"), &record(&ord, &fault)).to_string();
            let answer = bench.send(REPLY, body).await;
            match (broken, &answer) {
                ("cut", Err(_)) => {}
                ("error_500", Ok((500, body))) | ("html_200", Ok((200, body))) => {
                    assert!(body.starts_with(b"<!DOCTYPE"))
                }
                ("empty_200", Ok((200, body))) => assert!(body.is_empty()),
                ("garbled", Ok((200, body))) => {
                    assert!(body.starts_with(b"{") && serde_json::from_slice::<Value>(body).is_err());
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(bench.sim.handle.progress().len() - before, stored, "{fault}");
            let calls = bench.sim.handle.calls_of("progress.add");
            let call = calls.last().unwrap();
            assert_eq!((&call.faults[..], call.stored), (&[fault][..], stored == 1));
        }
    }
    assert_eq!(words(&bench.save(REPLY, &record(&ord, "well again")).await), "保存成功！");
}

#[tokio::test]
async fn a_save_that_lies_says_done_and_stores_nothing() {
    let bench = Bench::start().await;
    bench.sim.handle.fault("customer.add:not_stored:times=1").unwrap();
    let (_, answer) = bench.add_person(&[("name", "李四")]).await;
    assert_eq!(words(&answer), "保存成功！");
    assert!(bench.sim.handle.customers().is_empty());
    assert!(!bench.sim.handle.calls_of("customer.add")[0].stored);
}

#[tokio::test]
async fn a_session_is_lost_just_before_or_just_after_a_call() {
    let mut bench = Bench::start().await;
    let ord = bench.seed();
    bench.sim.handle.fault("progress.add:session_lost:times=1").unwrap();
    assert_ne!(bench.save(REPLY, &record(&ord, "lost")).await["header"]["status"], 0);
    bench.session = bench.login("123456").await["header"]["session"].as_str().unwrap().to_owned();
    bench.sim.handle.fault("progress.add:session_lost_after:times=1").unwrap();
    assert_eq!(words(&bench.save(REPLY, &record(&ord, "kept")).await), "保存成功！");
    assert_ne!(bench.save(REPLY, &record(&ord, "no session")).await["header"]["status"], 0);
    assert_eq!(bench.sim.handle.progress_of(ord.parse().unwrap()), ["kept"]);
}

#[tokio::test]
async fn a_late_effect_comes_after_the_client_has_given_up() {
    let bench = Bench::start().await;
    let ord = bench.seed();
    bench.sim.handle.fault("progress.add:late_effect:delay=10s,effect_delay=200ms,times=1").unwrap();
    let body = bench.envelope(Some("__sys_dosave"), &record(&ord, "late")).to_string();
    let request = bench.client.post(format!("{}{REPLY}", bench.sim.base_url()));
    let request = request.header("content-type", "application/json").timeout(Duration::from_millis(50));
    assert!(request.body(body).send().await.unwrap_err().is_timeout());
    assert!(bench.sim.handle.progress().is_empty());
    let stored = async {
        while bench.sim.handle.progress().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), stored).await.unwrap();
    assert_eq!(bench.sim.handle.progress_of(ord.parse().unwrap()), ["late"]);
}

#[tokio::test]
async fn an_erp_that_is_away_answers_nobody_but_control() {
    let bench = Bench::start().await;
    assert_eq!(bench.control("POST", "/faults", json!([{"interface": "*", "kind": "away"}])).await.0, 200);
    assert!(bench.send(CUSTOMERS, bench.envelope(Some("refresh"), &[]).to_string()).await.is_err());
    assert_eq!(bench.control("GET", "/faults", json!(null)).await.1[0]["hits"], 1);
    bench.control("DELETE", "/faults", json!(null)).await;
    assert_eq!(bench.list(CUSTOMERS, &[]).await["page"]["recordcount"], 0);
}

#[tokio::test]
async fn a_refusal_and_a_locked_login_can_be_ordered() {
    let bench = Bench::start().await;
    let ord = bench.seed();
    let rules = json!([
        {"interface": "progress.add", "kind": "refuse", "text": "数据已锁定", "where": {"ord": ord}},
        {"interface": "customer.edit", "kind": "refuse", "text": "数据已锁定"},
        {"interface": "login", "kind": "login_locked", "times": 1},
    ]);
    bench.control("POST", "/faults", rules).await;
    assert_eq!(words(&bench.save(REPLY, &record(&ord, "x")).await), "数据已锁定");
    assert_eq!(bench.json(EDIT, edit_body(&ord, &[])).await, json!({"Code": 300, "Msg": "数据已锁定"}));
    assert_ne!(bench.login("123456").await["header"]["status"], 0);
    assert_ne!(bench.login("123456").await["header"]["status"], 0, "locked until control unlocks it");
    bench.control("POST", "/login/unlock", json!(null)).await;
    assert_eq!(bench.login("123456").await["header"]["status"], 0);
}

#[tokio::test]
async fn each_quirk_shows_on_the_wire() {
    let bench = Bench::start().await;
    let ord = bench.seed();
    let fetch = async |quirk: Quirk, path: &str, cmdkey: Option<&str>| {
        bench.sim.handle.set_quirks(Quirks::only([quirk]));
        let fields = [("telord", ord.as_str()), ("ord", ord.as_str())];
        let body = bench.envelope(cmdkey, &fields).to_string();
        bench.send(path, body).await.unwrap().1
    };
    let parsed = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).unwrap();
    let list = Some("refresh");
    assert!(fetch(Quirk::Bom, CUSTOMERS, list).await.starts_with(b"\xEF\xBB\xBF{"));
    assert!(serde_json::from_slice::<Value>(&fetch(Quirk::RawControl, CUSTOMERS, list).await).is_err());
    let rows = |mut tree: Value| tree["body"]["source"]["table"]["rows"].take();
    assert!(rows(parsed(fetch(Quirk::RowsObjects, CUSTOMERS, list).await))[0]["value"].is_array());
    assert!(rows(parsed(fetch(Quirk::SingleRowObject, CUSTOMERS, list).await))["value"].is_array());
    let strings = parsed(fetch(Quirk::NumbersAsStrings, CUSTOMERS, list).await);
    assert_eq!((&strings["header"]["status"], &rows(strings.clone())[0][0]), (&json!("0"), &json!(ord)));
    let numbers = parsed(fetch(Quirk::StringsAsNumbers, &format!("{ADD}?edit=1"), None).await);
    assert_eq!(field(&numbers, "mobile")["value"], json!(13_800_138_000_i64));
    let entities = fetch(Quirk::Entities, &format!("{ADD}?edit=1"), None).await;
    assert!(String::from_utf8(entities).unwrap().contains("&#"));
    let sparse = parsed(fetch(Quirk::SparseBill, &format!("{ADD}?edit=1"), None).await);
    assert!(field(&sparse, "mobile").get("value").is_some() != field(&sparse, "mobile").get("text").is_some());
    let masked = rows(parsed(fetch(Quirk::MaskedLists, CUSTOMERS, list).await)).to_string();
    assert!(masked.contains("138****8000") && !masked.contains("13800138000"), "{masked}");
    let masked = parsed(fetch(Quirk::MaskedDetails, &format!("{ADD}?edit=1"), None).await);
    assert_eq!(field(&masked, "mobile")["value"], json!("138****8000"));
    let ids = parsed(fetch(Quirk::ValuesOnly, &format!("{ADD}?edit=1"), None).await);
    assert_eq!((&field(&ids, "sort")["value"], field(&ids, "sort").get("text")), (&json!("3"), None));
    let choices = "/sysa/mobilephone/source.asp?enumid=14";
    assert_eq!(
        parsed(fetch(Quirk::OptionsVn, choices, None).await)["body"]["source"]["options"][0],
        json!({"v": "175", "n": "很高"})
    );
    let table = parsed(fetch(Quirk::OptionsTable, choices, None).await)["body"]["source"]["table"].take();
    assert_eq!(table["rows"][0], json!(["175", "很高"]));
}

#[tokio::test]
async fn an_installation_can_lack_columns_rows_and_first_contact_persons() {
    let bench = Bench::start().await;
    bench.sim.handle.set_quirks(Quirks::only([Quirk::NoFirstContact]));
    for n in 1..=11 {
        bench.sim.handle.seed_customer_fields(&[("name", "张三"), ("khid", &format!("WX{n}"))]).unwrap();
    }
    assert!(bench.sim.handle.contacts().is_empty());
    bench.sim.handle.set_quirks(Quirks::only([Quirk::PageCap]));
    let table = bench.list(CUSTOMERS, &[("pagesize", "100")]).await;
    assert_eq!((table["page"]["pagesize"].as_i64(), table["page"]["pagecount"].as_i64()), (Some(10), Some(2)));
    bench.control("POST", "/settings", json!({"page_cap": 3})).await;
    assert_eq!(bench.list(CUSTOMERS, &[]).await["rows"].as_array().unwrap().len(), 3);

    bench.sim.handle.set_quirks(Quirks::only([Quirk::MissingColumns, Quirk::ShuffledColumns]));
    let (first, second) = (bench.list(CUSTOMERS, &[]).await, bench.list(CUSTOMERS, &[]).await);
    assert!(first["cols"].as_array().unwrap().len() < 8);
    assert_eq!(first["cols"], second["cols"]);
    assert_eq!(column(&first, "ord"), [7011, 7010, 7009]);
    bench.sim.handle.set_quirks(Quirks::only([Quirk::MissingColumns, Quirk::RowsObjects]));
    let table = bench.list(CUSTOMERS, &[]).await;
    assert!(!table["cols"].as_array().unwrap().iter().any(|col| col["id"] == "ord"));
    let row = &table["rows"][0];
    assert!(row["ord"] == 7011 || row["id"] == 7011);
}

#[tokio::test]
async fn the_same_seed_and_calls_give_the_same_bytes_with_all_quirks_on() {
    let mut runs = Vec::new();
    for seed in [5, 5, 6] {
        let clock = Clock::manual(Millis(1_795_000_000_000));
        let bench = Bench::start_with(SimConfig { seed, clock, ..SimConfig::default() }).await;
        bench.seed();
        bench.sim.handle.set_quirks(Quirks::all());
        let mut answers = Vec::new();
        for _ in 0..20 {
            let body = bench.envelope(Some("refresh"), &[]).to_string();
            let answer = String::from_utf8(bench.send(CUSTOMERS, body).await.unwrap().1).unwrap();
            // The session is the one thing that no seed decides: a token must not be good at the next start.
            answers.push(answer.replace(&bench.session, ""));
        }
        runs.push(answers);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn control_shows_state_and_calls_and_resets() {
    let bench = Bench::start().await;
    let seed = json!({
        "customers": [{"name": "张三", "khid": "WX1", "mobile": "13800138000"}, {"name": "李四", "kind": 1, "stype": 1}],
        "contacts": [{"company": 7001, "person_name": "王五"}],
    });
    let (_, seeded) = bench.control("POST", "/seed", seed).await;
    assert_eq!(seeded, json!({"customers": [7001, 7002], "contacts": [9003]}));
    bench.save(REPLY, &record("7001", "你好")).await;

    let state = bench.control("GET", "/state", json!(null)).await.1;
    assert_eq!(
        (&state["customers"][0]["catename"], &state["customers"][1]["state"]),
        (&json!("管理员"), &json!("pool"))
    );
    assert_eq!(
        (&state["progress"][0]["number"], &state["progress"][0]["fields"]["intro"]),
        (&json!(1), &json!("你好"))
    );
    assert_eq!(state["counters"]["stored"], 1);

    let calls = bench.control("GET", "/calls?since=1", json!(null)).await.1;
    assert_eq!(calls.as_array().unwrap().len(), 1);
    assert_eq!((&calls[0]["interface"], &calls[0]["stored"]), (&json!("progress.add"), &json!(true)));
    let all = bench.control("GET", "/calls", json!(null)).await.1;
    assert_eq!((&all[0]["interface"], &all[0]["fields"]["password"]), (&json!("login"), &json!(null)));

    for (path, body) in [
        ("/faults", json!([{"interface": "nothing", "kind": "away"}])),
        ("/quirks", json!(["nothing"])),
        ("/settings", json!({"nothing": 1})),
        ("/seed", json!({"contacts": [{"company": 1, "person_name": "x"}]})),
    ] {
        assert_eq!(bench.control("POST", path, body).await.0, 400, "{path}");
    }
    assert_eq!(bench.control("POST", "/nothing", json!(null)).await.0, 404);
    assert!(bench.control("POST", "/quirks", json!("all")).await.1.as_array().unwrap().contains(&json!("bom")));
    bench.control("POST", "/reset", json!(null)).await;
    assert!(bench.sim.handle.customers().is_empty() && bench.sim.handle.calls(0).is_empty());
}
