//! `make demo`: simulator and bridge on free ports with a throw-away ledger; the story of a contact that chats, is promoted
//! and buys, told by the small platform of `examples/platform/`; then the other cases of `examples/events/`, and a readable
//! account of what the ERP holds. Keeps running until Ctrl-C; `DEMO_ONCE=1` ends it.

mod account;
mod cases;
mod guide;
mod stage;
mod story;

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use crate::stage::{Failure, SECRET, Stage, TOKEN};

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
    println!("ERP Bridge {} · 模拟 ERP simulator {}\n", stage.bridge, stage.erp);
    story::tell(stage).await?;
    cases::post(stage).await?;
    account::account(stage).await?;
    if std::env::var_os("DEMO_ONCE").is_none() {
        guide::print(stage).await?;
        addresses(stage);
        std::future::pending::<()>().await;
    }
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
    println!("  令牌，也可用来登录控制台 token, for the console too: {TOKEN}");
    println!("  ERP 模拟器 simulator: {}/__control/state", stage.erp);
    println!("\n  curl -H 'Authorization: Bearer {TOKEN}' {}/v1/events", stage.bridge);
    println!("  erp-bridge send --url {} --secret {SECRET} examples/events/02-person-promoted.json", stage.bridge);
}
