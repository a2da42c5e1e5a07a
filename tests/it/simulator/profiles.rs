//! Installations as data: what `live-32` answers, and every setting that a profile can carry.

use std::collections::BTreeSet;

use erp_bridge::simulator::{Profile, Settings};

use super::*;

const SOURCES: &str = "/sysa/mobilephone/source.asp?enumid=13";
const TREES: &str = "/sysa/mobilephone/systemManage";

async fn live_32() -> Bench {
    Bench::start_with(Profile::load("live-32").unwrap().config().unwrap()).await
}

async fn set_to(settings: Settings) -> Bench {
    Bench::start_with(SimConfig { settings, ..SimConfig::default() }).await
}

fn texts(table: &Value, id: &str) -> Vec<String> {
    column(table, id).iter().map(|value| value.as_str().unwrap().to_owned()).collect()
}

fn is_plain(mobile: &str) -> bool {
    mobile.len() == 11 && mobile.bytes().all(|b| b.is_ascii_digit())
}

#[tokio::test]
async fn live_32_shows_thirteen_text_columns_of_239_customers_of_whom_four_in_five_have_no_number() {
    let bench = live_32().await;
    let table = bench.list(CUSTOMERS, &[("stype", ""), ("pagesize", "500")]).await;
    let ids: Vec<&str> = table["cols"].as_array().unwrap().iter().map(|col| col["id"].as_str().unwrap()).collect();
    let expected =
        "ord,name,catename,sortname,sort1name,person,personname,personjob,phone,mobile,telintro,url,personurl";
    assert_eq!(ids.join(","), expected);
    let rows = table["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &table["page"]["recordcount"]), (239, &json!(239)));
    assert!(rows.iter().all(|row| row.as_array().unwrap().iter().all(Value::is_string)), "every value is a text");

    let mobiles: Vec<String> = texts(&table, "mobile").into_iter().filter(|mobile| !mobile.is_empty()).collect();
    assert_eq!((mobiles.len(), mobiles.iter().filter(|mobile| !is_plain(mobile)).count()), (48, 5));
    let empty = |id: &str| texts(&table, id).iter().filter(|text| text.is_empty()).count();
    assert_eq!((empty("catename"), empty("telintro"), empty("person")), (209, 227, 0));
    let distinct = |id: &str| texts(&table, id).into_iter().collect::<BTreeSet<_>>();
    assert_eq!(distinct("sortname"), ["终端客户", "经销商"].map(str::to_owned).into());
    assert_eq!(distinct("sort1name"), ["潜在客户", "重点客户", "多次接触", "已成交"].map(str::to_owned).into());

    let sources = bench.read(SOURCES, &[]).await["body"]["source"]["options"].take();
    let sources: Vec<&str> = sources.as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap()).collect();
    assert_eq!(sources, ["陌生开发", "网站注册", "VIP", "广告宣传", "朋友介绍"]);
}

#[tokio::test]
async fn live_32_is_the_same_at_every_start_and_after_a_reset() {
    let (first, second) = (live_32().await, live_32().await);
    let customers = |bench: &Bench| bench.sim.handle.customers().into_iter().map(|one| one.fields).collect::<Vec<_>>();
    assert_eq!(customers(&first), customers(&second));
    let ord = first.sim.handle.customers()[0].ord;
    assert!(first.sim.handle.delete_customer(ord));
    first.sim.handle.reset();
    assert_eq!(customers(&first), customers(&second));
}

#[tokio::test]
async fn the_latest_record_shows_in_telintro_and_search_key_finds_what_the_columns_show() {
    let bench = live_32().await;
    let customer = bench.sim.handle.customers().into_iter().find(|one| one.fields.contains_key("mobile")).unwrap();
    let ord = customer.ord.to_string();
    let record = [("ord", ord.as_str()), ("intro", "下周再谈"), ("sort", "481"), ("plantype", "0"), ("lead", "0")];
    assert_eq!(words(&bench.save(REPLY, &record).await), "保存成功！");
    let table = bench.list(CUSTOMERS, &[("telord", &ord)]).await;
    assert_eq!(texts(&table, "telintro"), ["下周再谈"]);
    for (key, found) in
        [("下周再谈", 1), (customer.fields["mobile"].as_str(), 1), (customer.fields["khid"].as_str(), 0)]
    {
        let table = bench.list(CUSTOMERS, &[("searchKey", key)]).await;
        assert_eq!(table["rows"].as_array().unwrap().len(), found, "{key}");
    }
    let table = bench.list(CUSTOMERS, &[("khid", &customer.fields["khid"])]).await;
    assert_eq!(texts(&table, "ord"), [ord], "the filter looks at what no column shows");
}

#[tokio::test]
async fn trees_answer_in_the_reported_shape_and_every_page_has_its_alias() {
    let bench = live_32().await;
    let nodes = async |page: &str| bench.read(page, &[]).await["body"]["source"]["trees"]["nodes"].take();
    let categories = nodes(&format!("{TREES}/telsort_list.asp?stype=check")).await;
    assert_eq!((&categories[0]["text"], &categories[0]["value"]), (&json!("终端客户"), &json!("3")));
    assert_eq!(categories[1]["nodes"][3], json!({"text": "已成交", "value": "14", "nodes": []}));
    let departments = nodes(&format!("{TREES}/gate_list.asp")).await;
    assert_eq!(departments[1]["nodes"][0], json!({"text": "张伟", "value": "63", "nodes": []}));
    let accounts: usize =
        departments.as_array().unwrap().iter().map(|one| one["nodes"].as_array().unwrap().len()).sum();
    assert_eq!(accounts, 11, "a closed account is no choice");
    assert_eq!(nodes(&format!("{TREES}/area_list.asp")).await[0]["text"], "上海");

    let alias = "/webapi/v3/ov1/salesmanage/custom/list.asp";
    assert_eq!(bench.list(alias, &[("pagesize", "2")]).await["page"]["recordcount"], 239);
    assert_eq!(bench.list(alias.trim_end_matches(".asp"), &[]).await["page"]["recordcount"], 239);
}

#[tokio::test]
async fn serials_of_live_systems_log_in() {
    let bench = live_32().await;
    for (serial, status) in [("ai-client-001", 0), ("0b1c1e0a-8f3e-4f0e-9f35-6a2f1d0c7e11", 0), ("no blanks", 1)] {
        let serial = format!("txt:{serial}");
        let fields = [("user", "txt:admin"), ("password", "txt:123456"), ("serialnum", &serial)];
        assert_eq!(bench.read("/webapi/v3/ov1/login", &fields).await["header"]["status"], status, "{serial}");
    }
}

#[tokio::test]
async fn a_filter_that_an_installation_does_not_know_lets_everything_pass() {
    let ignored = ["customer.list:address", "customer.list:_rpt_sort", "contact.list:mobile"];
    let bench = set_to(Settings { ignored_filters: ignored.map(str::to_owned).into(), ..Settings::default() }).await;
    bench.seed();
    bench.seed();
    let found = async |page: &str, id: &str, value: &str| column(&bench.list(page, &[(id, value)]).await, "ord").len();
    assert_eq!(found(CUSTOMERS, "address", "no such").await, 2);
    assert_eq!(found(CUSTOMERS, "name", "no such").await, 0);
    assert_eq!(found(CONTACTS, "mobile", "no such").await, 2);
    assert_eq!(found(CONTACTS, "email", "no such").await, 0);
    let order = async |by: &str| column(&bench.list(CUSTOMERS, &[("_rpt_sort", by)]).await, "ord");
    assert_eq!(order("ord").await, order("-ord").await);
}

#[tokio::test]
async fn an_installation_can_close_an_interface_begin_with_the_oldest_and_ask_for_no_session() {
    let closed =
        json!({"closed": {"customer.list": "refused", "accounts": "refused", "tree.areas": "404", "choices": "html"}});
    let bench = Bench::start().await;
    let (first, second) = (bench.seed(), bench.seed());
    assert_eq!(bench.control("POST", "/settings", closed).await.0, 200);
    let refused = bench.json(CUSTOMERS, bench.envelope(Some("refresh"), &[])).await;
    assert_eq!((&refused["header"]["status"], words(&refused)), (&json!(1), "您没有使用该功能的权限"));
    assert_eq!(bench.json("/webapi/v3/orgs/user/list", json!({})).await["Code"], 300);
    let areas = bench.send(&format!("{TREES}/area_list.asp"), bench.envelope(None, &[]).to_string()).await.unwrap();
    assert_eq!(areas.0, 404);
    let (status, page) = bench.send(SOURCES, bench.envelope(None, &[]).to_string()).await.unwrap();
    assert!(status == 200 && page.starts_with(b"<!DOCTYPE html>"));

    let open = json!({"closed": {}, "oldest_first": true, "demands_session": false});
    assert_eq!(bench.control("POST", "/settings", open).await.0, 200);
    let mut body = bench.envelope(Some("refresh"), &[]);
    body["session"] = json!("");
    let table = bench.json(CUSTOMERS, body).await["body"]["source"]["table"].take();
    assert_eq!(column(&table, "ord"), [json!(first.parse::<i64>().unwrap()), json!(second.parse::<i64>().unwrap())]);
}
