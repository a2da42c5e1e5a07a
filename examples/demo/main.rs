//! `make demo`: simulator and bridge on free ports with a throw-away ledger, the sample events of `examples/events/`, and
//! a readable account of what was answered and what the ERP holds. Keeps running until Ctrl-C; `DEMO_ONCE=1` ends it.

mod account;
mod stage;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    account::account,
    stage::{Failure, SECRET, Stage, TOKEN},
};

/// Signs as somebody who does not know the secret: base64 of "not the bridge's secret!".
const WRONG_SECRET: &str = "whsec_bm90IHRoZSBicmlkZ2UncyBzZWNyZXQh";
/// Sent once everything before them took effect: a message of a contact that is linked by then, and a colleague of a
/// company that the ERP has by then.
const SENT_LATER: [&str; 2] = ["03-message-after-promotion.json", "06-colleague-of-known-company.json"];
/// The event that is sent twice.
const RESENT: &str = "02-person-promoted.json";

#[tokio::main]
async fn main() -> ExitCode {
    match demo().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("demo: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn demo() -> Result<(), Failure> {
    // Listened to from here on, so that whenever it ends, both programs end with it.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stage = Stage::set().await?;
    let played = tokio::select! {
        played = play(&stage) => played,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    };
    stage.strike().await;
    println!("\n再见 · both programs have stopped, the ledger was thrown away");
    played
}

async fn play(stage: &Stage) -> Result<(), Failure> {
    known_customer(stage).await?;
    println!("发送 · posted to {}/webhooks/events\n", stage.bridge);
    for file in files()? {
        let name = name(&file);
        if SENT_LATER.contains(&name.as_str()) {
            stage.until_idle().await?;
        }
        let id = format!("demo-{}", name.split('-').next().unwrap_or_default());
        post(stage, &file, &id, SECRET, &name).await?;
        if name == RESENT {
            post(stage, &file, &id, SECRET, "重发 the same once more").await?;
            post(stage, &file, "demo-forged", WRONG_SECRET, "签名错误 signed with a wrong secret").await?;
        }
    }
    stage.until_idle().await?;
    account(stage).await?;
    if std::env::var_os("DEMO_ONCE").is_none() {
        addresses(stage);
        std::future::pending::<()>().await;
    }
    Ok(())
}

/// A customer that the ERP has from before, without a WeChat id: event 07 is to find it by its mobile number.
async fn known_customer(stage: &Stage) -> Result<(), Failure> {
    let customer = json!({
        "name": "赵志远（老客户）", "kind": 2, "khid": "KH00017", "sort1": "3,7", "mobile": "13800001004", "ly": "172",
    });
    let body = json!({ "customers": [customer] }).to_string();
    stage.http.post(format!("{}/__control/seed", stage.erp)).body(body).send().await?.error_for_status()?;
    Ok(())
}

/// The sample events in the order of their names.
fn files() -> Result<Vec<PathBuf>, Failure> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/events");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    Ok(files)
}

fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Posts one file with `erp-bridge send`, and prints its answer under `label`.
async fn post(stage: &Stage, file: &Path, id: &str, secret: &str, label: &str) -> Result<(), Failure> {
    let printed = stage.send(file, id, secret).await?;
    let shown = printed.replace(&*file.to_string_lossy(), "").trim().to_owned();
    println!("  {label}\n      {}", shown.replace('\n', "\n      "));
    Ok(())
}

fn addresses(stage: &Stage) {
    let rows = [
        ("事件 events", "/v1/events"),
        ("统计 statistics", "/v1/stats"),
        ("接口文档 API pages", "/docs"),
        ("指标 metrics", "/metrics"),
    ];
    println!("\n仍在运行，可以看看（Ctrl-C 结束） · still running until Ctrl-C, with these to look at\n");
    for (what, path) in rows {
        println!("  {what}: {}{path}", stage.bridge);
    }
    println!("  ERP 模拟器 simulator: {}/__control/state", stage.erp);
    println!("\n  curl -H 'Authorization: Bearer {TOKEN}' {}/v1/events", stage.bridge);
    println!("  erp-bridge send --url {} --secret {SECRET} examples/events/02-person-promoted.json", stage.bridge);
}
