//! Public programs that read `openapi.yaml` and then meet the bridge itself: a tester and a generated client. Both are
//! Python programs that `scripts/python-tools.sh` installs once under `target/tools`.

use std::{process::Stdio, time::Duration};

use tokio::process::Command;

use crate::support::{OPERATOR, READER, SECRET, World, WorldOptions, contact, message, promoted};

/// Longest run: installing the tools the first time, then about two minutes on two cores.
const LIMIT: Duration = Duration::from_secs(900);

/// Runs a script of the repository against a bridge; answers what it printed if it ended well.
async fn run(script: &str, world: &World, token: &str) -> String {
    let run = Command::new(format!("{}/scripts/{script}", env!("CARGO_MANIFEST_DIR")))
        .arg(world.url(""))
        .env("ERP_BRIDGE_TOKEN", token)
        .env("ERP_BRIDGE_SECRET", SECRET)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(LIMIT, run).await.expect("the tool ends in time").unwrap();
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}:\n{said}\n{errors}");
    said.into_owned()
}

/// A bridge with a customer and its messages.
async fn world() -> World {
    let configure = |config: &mut erp_bridge::config::Config| {
        // The document says what to write; what a lenient door takes besides is said in words.
        config.webhook.strict = true;
        // A limit would answer 429 to everything after the first second.
        config.webhook.rate_limit = 0;
        config.api.rate_limit = 0;
        config.api.auth_failure_limit = 0;
        config.api.preview_limit = 0;
    };
    let world = World::with(WorldOptions { configure: Box::new(configure), ..WorldOptions::default() }).await;
    world.accept("evt-linked", &promoted(&contact("c_1001", 1), 82.0)).await;
    for number in 0..4 {
        world.accept(&format!("evt-message-{number}"), &message("c_1001", number, "你好")).await;
    }
    world.idle(Duration::from_secs(60)).await;
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemathesis_finds_no_difference_between_the_document_and_the_bridge() {
    let said = run("schemathesis.sh", &world().await, OPERATOR).await;
    for phase in ["Examples", "Coverage", "Fuzzing", "Stateful"] {
        assert!(said.contains(&format!("✅ {phase}")), "{phase} did not run:\n{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_a_public_generator_made_of_the_document_lists_events() {
    let said = run("generated-client.sh", &world().await, READER).await;
    assert!(said.ends_with("5 events, succeeded, 1 contact\n"), "{said}");
}
