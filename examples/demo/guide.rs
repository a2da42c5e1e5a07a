//! Where to see in the console what the story told: an address that signs in, and a page for each part of it.

use crate::stage::{Failure, Stage};

/// What is to be seen, in Chinese and in English, and on which page.
const PLACES: [(&str, &str, &str); 5] = [
    (
        "沈嘉禾：聊天时的消息先等待，建档后按顺序写入，直到成交",
        "the contact of the story, from held messages to the deal",
        "/console/contacts/6f1c2a54-8c1e-4a43-9d7a-2f1f6f0f9a11",
    ),
    (
        "三个没有准入的联系人，哪一条规则、为什么；评分降到 50 会多进几位",
        "three who were not admitted, by which rule and why; how many more at a score of 50",
        "/console/not-admitted?what=if&score=50",
    ),
    (
        "赵志远：ERP 里的老客户，按手机号找到，只补充缺少的内容",
        "a customer that the ERP had, found by its number and filled in",
        "/console/contacts/c_1004",
    ),
    ("一家公司的两位联系人：一个客户", "two contacts of one company are one customer", "/console/contacts/c_1003"),
    (
        "写入 ERP 的每一步：发送的字段、应答、用时（点开任意事件）",
        "every step into the ERP: fields, answers, times (open any event)",
        "/console/events?status=succeeded",
    ),
];

/// Prints it.
pub(crate) async fn print(stage: &Stage) -> Result<(), Failure> {
    let offered = stage.http.post(format!("{}/v1/console/sign-in", stage.bridge)).bearer_auth(crate::stage::TOKEN);
    let offered = erp_bridge::json::parse_text(&offered.send().await?.error_for_status()?.text().await?)?;
    let path = offered["path"].as_str().ok_or("the bridge offers no address to sign in")?;
    println!("\n控制台 · the console\n");
    println!("  打开即可登录，五分钟内有效，只能用一次 · signs in, once and within five minutes:");
    println!("  {}{path}\n", stage.bridge);
    println!("  登录后可以看 · then look at:");
    for (zh, en, path) in PLACES {
        println!("\n  {zh}\n  {en}\n      {}{path}", stage.bridge);
    }
    Ok(())
}
