//! What the bridge did and what the ERP holds now, for people.

use erp_bridge::telemetry::printable::lines;
use serde_json::Value;

use crate::stage::{Failure, Stage};

/// The fields of a customer that are shown, by the ERP's ids.
const FIELDS: [(&str, &str); 12] = [
    ("khid", "客户编号"),
    ("person_name", "联系人姓名"),
    ("mobile", "手机"),
    ("weixinAcc", "微信"),
    ("email", "电子邮件"),
    ("job", "职务"),
    ("address", "地址"),
    ("ly", "客户来源 id"),
    ("jz", "价值评估 id"),
    ("sort1", "客户分类"),
    ("product", "客户简介"),
    ("intro", "备注"),
];
/// Longer texts are cut for the eye.
const SHOWN_CHARS: usize = 56;

/// Prints the account.
pub(crate) async fn account(stage: &Stage) -> Result<(), Failure> {
    let events = stage.get(format!("{}/v1/events?limit=100", stage.bridge)).await?;
    println!("\n处理结果 · what became of the events\n");
    for event in list(&events["items"]).iter().rev() {
        let (kind, contact) = (text(&event["type"]), text(&event["contact_id"]));
        let error = event["error"]["message"].as_str().map(|message| format!("  {message}")).unwrap_or_default();
        println!("  {:<13} {kind:<18} {contact}{error}", text(&event["status"]));
    }
    let state = stage.get(format!("{}/__control/state", stage.erp)).await?;
    println!("\nERP 现有客户 · the customers that the ERP holds now");
    for customer in list(&state["customers"]) {
        print_customer(&state, customer);
    }
    Ok(())
}

/// Prints what the ERP holds of the customer with this 客户编号.
pub(crate) async fn customer(stage: &Stage, khid: &str) -> Result<(), Failure> {
    let state = stage.get(format!("{}/__control/state", stage.erp)).await?;
    match list(&state["customers"]).iter().find(|customer| customer["fields"]["khid"] == khid) {
        Some(customer) => print_customer(&state, customer),
        None => println!("\n  ERP 中没有这个客户 · the ERP has no such customer"),
    }
    Ok(())
}

fn print_customer(state: &Value, customer: &Value) {
    let kind = if customer["kind"] == 1 { "单位客户 company" } else { "个人客户 person" };
    let fields = &customer["fields"];
    let holder = text(&customer["catename"]);
    let holder = if holder.is_empty() { "对所有用户公开 open to all".to_owned() } else { holder };
    println!("\n  {}  [{kind}, ord {}, 销售 {holder}]", text(&fields["name"]), customer["ord"]);
    for (field, label) in FIELDS {
        let value = text(&fields[field]);
        if !value.is_empty() {
            println!("      {label} {field}: {}", short(&value));
        }
    }
    for person in list(&state["contacts"]).iter().filter(|person| person["company"] == customer["ord"]) {
        let fields = &person["fields"];
        let shown = ["person_name", "mobile", "weixinAcc", "job"].map(|field| text(&fields[field]));
        let shown: Vec<String> = shown.into_iter().filter(|value| !value.is_empty()).collect();
        println!("      联系人 contact person: {}", shown.join("，"));
    }
    let records = list(&state["progress"]).iter().filter(|record| record["customer"] == customer["ord"]);
    for (number, record) in (1..).zip(records) {
        println!("      洽谈进展 {number}: {}", short(&text(&record["fields"]["intro"])));
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => lines(text),
        other => other.to_string(),
    }
}

/// On one line, cut where it is long, with its length said.
fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let length = text.chars().count();
    if line.chars().count() <= SHOWN_CHARS {
        return line;
    }
    format!("{}…（{length} 字）", line.chars().take(SHOWN_CHARS).collect::<String>())
}
