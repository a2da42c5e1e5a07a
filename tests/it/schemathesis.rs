//! Every check of schemathesis, from the document that the bridge itself serves, against the whole bridge.

use std::{process::Stdio, time::Duration};

use tokio::process::Command;

use crate::support::{OPERATOR, SECRET, World, WorldOptions, contact, message, promoted};

/// Longest run: installing the tool the first time, then two to three minutes on two cores.
const LIMIT: Duration = Duration::from_secs(900);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemathesis_finds_no_difference_between_the_document_and_the_bridge() {
    let configure = |config: &mut erp_bridge::config::Config| {
        // A limit would answer 429 to everything after the first second.
        config.webhook.rate_limit = 0;
        config.api.rate_limit = 0;
        config.api.auth_failure_limit = 0;
    };
    let world = World::with(WorldOptions { configure: Box::new(configure), ..WorldOptions::default() }).await;
    world.accept("evt-linked", &promoted(&contact("c_1001", 1), 82.0)).await;
    world.accept("evt-message", &message("c_1001", 1, "你好")).await;
    world.idle(Duration::from_secs(60)).await;

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/schemathesis.sh");
    let run = Command::new(script)
        .arg(world.url(""))
        .env("ERP_BRIDGE_TOKEN", OPERATOR)
        .env("ERP_BRIDGE_SECRET", SECRET)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(LIMIT, run).await.expect("schemathesis ends in time").unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "schemathesis found something:\n{said}\n{errors}");
}
