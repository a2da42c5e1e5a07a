//! `erp-wire.md`, fact by fact.

use std::time::Duration;

use erp_bridge::{
    clock::{Clock, Millis},
    simulator::{Holding, Settings, SimConfig},
};
use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn both_login_paths_open_a_session_in_any_case_of_letters() {
    let bench = Bench::start().await;
    for path in ["/webapi/v3/ov1/login", "/SYSA/MobilePhone/Login.asp"] {
        let answer =
            bench.read(path, &[("user", "txt:admin"), ("password", "txt:123456"), ("serialnum", "txt:abc123")]).await;
        assert_eq!(answer["header"]["status"], 0, "{path}");
        assert!(!answer["header"]["session"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn three_wrong_passwords_lock_the_login_even_for_the_right_one_until_unlocked() {
    let bench = Bench::start().await;
    for _ in 0..2 {
        assert_ne!(bench.login("wrong").await["header"]["status"], 0);
    }
    assert_eq!(bench.login("123456").await["header"]["status"], 0);
    for _ in 0..3 {
        assert_ne!(bench.login("wrong").await["header"]["status"], 0);
    }
    let locked = bench.login("123456").await;
    assert_ne!(locked["header"]["status"], 0);
    assert!(locked["header"]["message"].as_str().unwrap().contains("rndcode"));
    bench.control("POST", "/login/unlock", json!(null)).await;
    assert_eq!(bench.login("123456").await["header"]["status"], 0);
}

#[tokio::test]
async fn a_session_ends_by_logout_expiry_control_and_where_so_set_by_a_second_login() {
    let clock = Clock::manual(Millis(1_795_000_000_000));
    let settings = Settings { single_session: true, session_lifetime_s: 60, ..Settings::default() };
    let config = SimConfig { clock: clock.clone(), settings, ..SimConfig::default() };
    let mut bench = Bench::start_with(config).await;
    for how in ["logout", "expiry", "control", "second login"] {
        bench.session = bench.login("123456").await["header"]["session"].as_str().unwrap().to_owned();
        assert_eq!(bench.read("/sysa/mobilephone/source.asp?enumid=13", &[]).await["header"]["status"], 0, "{how}");
        match how {
            "logout" => drop(bench.read("/sysa/mobilephone/logout.asp", &[]).await),
            "expiry" => clock.advance(Duration::from_secs(60)),
            "control" => drop(bench.control("POST", "/sessions/expire", json!(null)).await),
            _ => drop(bench.login("123456").await),
        }
        assert_ne!(bench.read("/sysa/mobilephone/source.asp?enumid=13", &[]).await["header"]["status"], 0, "{how}");
        assert_eq!(bench.json(EDIT, json!({})).await["Code"], 400, "{how}");
    }
}

#[tokio::test]
async fn what_is_no_proper_call_is_answered_as_such_a_page_would() {
    let bench = Bench::start().await;
    let get = bench.client.get(format!("{}{CUSTOMERS}", bench.sim.base_url())).send().await.unwrap();
    assert!(get.text().await.unwrap().starts_with("<!DOCTYPE html>"));
    assert_eq!(bench.send("/sysa/nothing.asp", "{}".into()).await.unwrap().0, 404);
    assert_eq!(bench.send(CUSTOMERS, "no json".into()).await.unwrap().0, 500);
    for (path, cmdkey) in [
        (CUSTOMERS, Some("__sys_dosave")),
        (CUSTOMERS, None),
        (REPLY, Some("refresh")),
        ("/sysa/mobilephone/systemmanage/reply.asp", Some("__sys_dosave")),
        ("/sysa/mobilephone/salesmanage/custom/approve.asp", Some("onsave")),
        ("/sysa/mobilephone/source.asp?enumid=99", None),
    ] {
        let answer = bench.json(path, bench.envelope(cmdkey, &[])).await;
        assert_ne!(answer["header"]["status"], 0, "{path} {cmdkey:?}");
    }
}

#[tokio::test]
async fn a_customer_is_stored_only_by_the_save_and_then_shows_everywhere() {
    let bench = Bench::start().await;
    let bill = bench.read(ADD, &[("edit", ""), ("intsort", "1")]).await;
    let ord = bill["body"]["bill"]["value"].to_string();
    assert_eq!(ord, "7001");
    assert!(field(&bill, "khid")["value"].as_str().unwrap().starts_with("KH"));
    assert!(bench.sim.handle.customers().is_empty());

    let fields = [
        ("ord", ord.as_str()),
        ("name", "上海某某有限公司"),
        ("khid", "WXa1"),
        ("sort1", "3,7"),
        ("ly", "1201"),
        ("jz", "289"),
        ("person_name", "张三"),
        ("mobile", "13800138000"),
        ("weixinAcc", "zhangsan"),
    ];
    let saved = bench.save(&format!("{ADD}?intsort=1"), &fields).await;
    assert_eq!((&saved["header"]["status"], words(&saved)), (&json!(0), "保存成功！"));

    let detail = bench.read(&format!("{ADD}?edit=1"), &[("edit", "1"), ("intsort", "1"), ("ord", &ord)]).await;
    for (id, value, text) in
        [("ly", "1201", "微信"), ("jz", "289", "较高"), ("sort", "3", "默认分类"), ("sort1", "3,7", "潜在客户")]
    {
        assert_eq!((&field(&detail, id)["value"], &field(&detail, id)["text"]), (&json!(value), &json!(text)));
    }
    let table = bench.list(CUSTOMERS, &[("khid", "WXa")]).await;
    assert_eq!(column(&table, "ord"), [json!(7001)]);
    assert_eq!(column(&table, "catename"), [json!("管理员")]);
    let table = bench.list(CONTACTS, &[("mobile", "13800138000")]).await;
    assert_eq!(column(&table, "company"), [json!(7001)]);
    assert_eq!(column(&table, "weixinAcc"), [json!("zhangsan")]);
}

#[tokio::test]
async fn saves_that_do_not_hold_are_refused_in_words_and_store_nothing() {
    let bench = Bench::start().await;
    bench.seed();
    let long = "字".repeat(101);
    for (fields, word) in [
        (vec![("name", "")], "name"),
        (vec![("name", "李四"), ("sort1", "")], "sort1"),
        (vec![("name", "李四"), ("sort1", "99,1")], "sort1"),
        (vec![("name", "李四"), ("ly", "5")], "ly"),
        (vec![("name", long.as_str())], "name"),
        (vec![("name", "李四"), ("khid", "WX1")], "已被使用"),
        (vec![("name", "李四"), ("ord", "7999")], "未分配"),
    ] {
        let (_, answer) = bench.add_person(&fields).await;
        assert_eq!(answer["header"]["status"], 0, "{fields:?}");
        assert!(words(&answer).contains(word), "{fields:?}: {}", words(&answer));
    }
    assert_eq!(bench.sim.handle.customers().len(), 1);
}

#[tokio::test]
async fn lists_are_fuzzy_paged_and_sorted() {
    let bench = Bench::start().await;
    for n in 1..=25 {
        bench.add_person(&[("name", "客户"), ("khid", &format!("WX{n}")), ("intro", &"备".repeat(n))]).await;
    }
    let found = bench.list(CUSTOMERS, &[("khid", "wx2"), ("_rpt_sort", "khid")]).await;
    assert_eq!(column(&found, "khid"), ["WX2", "WX20", "WX21", "WX22", "WX23", "WX24", "WX25"]);
    let page = bench.list(CUSTOMERS, &[("pagesize", "10"), ("pageindex", "3"), ("_rpt_sort", "-ord")]).await;
    assert_eq!(column(&page, "khid"), ["WX5", "WX4", "WX3", "WX2", "WX1"]);
    assert_eq!(page["page"], json!({"pagecount": 3, "pageindex": 3, "pagesize": 10, "recordcount": 25}));
    for (filter, value, count) in [
        ("searchKey", "WX25", 1),
        ("searchKey", "管理", 25),
        ("telord", "7003", 1),
        ("cateid", "63", 0),
        ("name", "户", 25),
    ] {
        let table = bench.list(CUSTOMERS, &[(filter, value)]).await;
        assert_eq!(table["page"]["recordcount"], count, "{filter}={value}");
    }
}

#[tokio::test]
async fn an_edit_needs_its_six_fields_and_takes_choices_by_text() {
    let bench = Bench::start().await;
    let ord = bench.seed();
    bench.sim.handle.seed_customer_fields(&[("name", "李四"), ("khid", "WX2")]).unwrap();
    for missing in ["ord", "sort2", "name", "sort", "sort1", "person_name"] {
        assert_eq!(bench.json(EDIT, edit_body(&ord, &[(missing, "")])).await["Code"], 300, "{missing}");
    }
    for wrong in
        [("ly", "1201"), ("jz", "高"), ("sort", "无"), ("mobile", "1380013800"), ("khid", "WX2"), ("sort2", "1")]
    {
        assert_eq!(bench.json(EDIT, edit_body(&ord, &[wrong])).await["Code"], 300, "{wrong:?}");
    }
    assert_eq!(bench.sim.handle.customers_with("khid", "WX1")[0].saves, 1);
    let right = [("ly", "微信"), ("sort1", "成交客户"), ("weixinAcc", "zs"), ("mobile", "13900139000")];
    assert_eq!(bench.json(EDIT, edit_body(&ord, &right)).await["Code"], 200);
    let customer = &bench.sim.handle.customers_with("khid", "WX1")[0];
    let stored = ["ly", "sort1", "weixinAcc", "intro"].map(|id| customer.fields[id].as_str());
    assert_eq!(stored, ["1201", "3,9", "zs", "old"]);
    assert_eq!(bench.sim.handle.contacts()[0].fields["mobile"], "13900139000");
}

#[tokio::test]
async fn customers_change_hands_by_assign_takeback_apply_and_approve() {
    let bench = Bench::start().await;
    let ord = bench.seed();
    let number: i64 = ord.parse().unwrap();
    let assign = "/sysa/mobilephone/systemmanage/order.asp?datatype=tel";
    for (member1, member2, fits) in [
        ("0", "63,71", true),
        ("1", "", true),
        ("0", "", false),
        ("0", "64", false),
        ("0", "95", false),
        ("2", "63", false),
        ("0", &"63,".repeat(16)[..], true),
        ("0", &format!("{}63", "63,".repeat(16))[..], true),
        ("0", &"63,".repeat(17)[..], false),
    ] {
        let answer = bench.save(assign, &[("ord", &ord), ("member1", member1), ("member2", member2)]).await;
        assert_eq!(words(&answer) == "指派成功！", fits, "{member1} {member2}");
    }
    let page = |name: &str| format!("/sysa/mobilephone/salesmanage/custom/{name}.asp");
    let approve = async |blset: &str| {
        let body = bench.envelope(Some("onsave"), &[("ord", &ord), ("blset", blset)]);
        bench.json(&format!("{}?__msgid=onsave", page("approve")), body).await
    };
    assert!(words(&bench.read(&page("apply"), &[("ord", &ord)]).await).contains("不能申请"));
    assert!(words(&approve("1").await).contains("没有待审核"));
    for (blset, expected) in [("0", Holding::Pool), ("1", Holding::Members { members: vec![1] })] {
        bench.read(&page("takeback"), &[("ord", &ord)]).await;
        bench.read(&page("apply"), &[("ord", &ord)]).await;
        let pending = bench.list(CUSTOMERS, &[("stype", "2")]).await;
        assert_eq!(column(&pending, "catename"), [json!("")]);
        approve(blset).await;
        assert_eq!(bench.sim.handle.customer(number).unwrap().holding, expected);
    }
    assert_eq!(bench.list(CUSTOMERS, &[]).await["page"]["recordcount"], 1);
}

#[tokio::test]
async fn a_progress_record_holds_a_thousand_units_and_is_stored_as_often_as_sent() {
    let bench = Bench::start().await;
    let ord = bench.seed();
    let send = async |intro: &str, sort: &str, plantype: &str| {
        let fields = [("ord", ord.as_str()), ("intro", intro), ("sort", sort), ("plantype", plantype), ("lead", "0")];
        words(&bench.save(REPLY, &fields).await) == "保存成功！"
    };
    let emojis = "😀".repeat(500);
    for (intro, fits) in [
        ("字".repeat(999), true),
        ("字".repeat(1000), true),
        ("字".repeat(1001), false),
        (emojis.clone(), true),
        (format!("{emojis}a"), false),
        (String::new(), false),
    ] {
        assert_eq!(send(&intro, "481", "0").await, fits, "{}", intro.len());
    }
    assert!(!send("a", "480", "0").await && !send("a", "", "0").await && !send("a", "481", "").await);
    assert!(!send("a", "481", "1").await, "a schedule needs its own fields");
    assert!(send("twice", "484", "0").await && send("twice", "484", "0").await);

    let list = "/sysa/mobilephone/systemmanage/replylist.asp?datatype=tel";
    let table = bench.list(list, &[("ord", &ord), ("pagesize", "2")]).await;
    assert_eq!(column(&table, "intro"), ["twice", "twice"]);
    assert_eq!(table["page"]["recordcount"], 5);
    bench.control("POST", "/settings", json!({"replylist_cut": 3, "replylist_mark": "..."})).await;
    let table = bench.list(list, &[("ord", &ord)]).await;
    assert_eq!(column(&table, "intro")[1..], ["twi...", "😀😀😀...", "字字字...", "字字字..."]);
    bench.control("POST", "/settings", json!({"replylist": "html"})).await;
    let (status, page) = bench.send(list, bench.envelope(Some("refresh"), &[]).to_string()).await.unwrap();
    assert!(status == 200 && page.starts_with(b"<!DOCTYPE html>"));
    bench.control("POST", "/settings", json!({"replylist": "404"})).await;
    assert_eq!(bench.send(list, bench.envelope(Some("refresh"), &[]).to_string()).await.unwrap().0, 404);
    bench.control("POST", "/settings", json!({"replylist": "refused"})).await;
    assert_ne!(bench.json(list, bench.envelope(Some("refresh"), &[("ord", &ord)])).await["header"]["status"], 0);
}

#[tokio::test]
async fn contact_persons_are_added_beside_the_first_and_read_back() {
    let bench = Bench::start().await;
    let ord = bench.seed();
    let page = "/sysa/mobilephone/salesmanage/person/add.asp";
    let saved = bench.save(page, &[("company", &ord), ("person_name", "李四"), ("mobile", "13900139000")]).await;
    assert_eq!(words(&saved), "保存成功！");
    for fields in [vec![("company", "1"), ("person_name", "李四")], vec![("company", &ord), ("person_name", "")]] {
        assert_ne!(words(&bench.save(page, &fields).await), "保存成功！");
    }
    let table = bench.list(CONTACTS, &[("company", &ord)]).await;
    assert_eq!(column(&table, "person_name"), ["李四", "张三"]);
    let added = column(&table, "ord")[0].to_string();
    let detail = bench.read(&format!("{page}?edit=1"), &[("ord", &added)]).await;
    assert_eq!(field(&detail, "mobile")["value"], "13900139000");
    assert_eq!(field(&detail, "company")["value"], json!(ord));
}

#[tokio::test]
async fn accounts_and_choices_are_listed() {
    let bench = Bench::start().await;
    let accounts = bench.json("/webapi/v3/orgs/user/list", json!({"page_size": 5, "page_index": 3})).await;
    assert_eq!(accounts["Code"], 200);
    assert_eq!(accounts["Page"], json!({"RecordCount": 12, "PageSize": 5, "PageIndex": 3, "PageCount": 3}));
    assert_eq!(accounts["Rows"].as_array().unwrap().len(), 2);
    let named = bench.json("/webapi/v3/orgs/user/list", json!({"name": "张伟", "userstatus": "1"})).await;
    assert_eq!(named["Rows"], json!([[63, "zhangwei", "张伟", 1, "销售一部"]]));
    let sources = bench.read("/sysa/mobilephone/source.asp?enumid=13", &[]).await["body"]["source"].take();
    assert_eq!(sources["type_"], "options");
    let options: &Vec<Value> = sources["options"].as_array().unwrap();
    assert!(
        options.contains(&json!({"id": "1201", "text": "微信"}))
            && options.contains(&json!({"id": "977", "text": "VIP"}))
    );
}
