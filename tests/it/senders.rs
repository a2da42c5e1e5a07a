//! Gaps in the senders' numbers and senders that have gone silent, in the statistics and in the metrics.

use std::time::Duration;

use erp_bridge::clock::{Clock, Millis};
use serde_json::{Value, json};

use crate::support::{World, WorldOptions, contact, promoted};

const SILENCE: Duration = Duration::from_secs(3_600);

async fn world(clock: &Clock) -> World {
    let configure = |config: &mut erp_bridge::config::Config| config.webhook.silence_after = SILENCE;
    let options = WorldOptions {
        configure: Box::new(configure),
        clock: clock.clone(),
        dispatch: false,
        ..WorldOptions::default()
    };
    World::with(options).await
}

/// The statistics, and one metric's value.
async fn look(world: &World, metric: &str) -> (Value, String) {
    let (_, stats) = world.call("GET", "/v1/stats", None).await;
    let (_, text) = world.call("GET", "/metrics", None).await;
    let text = text.as_str().unwrap().to_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
    (stats, line.unwrap_or_else(|| panic!("no {metric} in {text}")).to_owned())
}

#[tokio::test]
async fn numbers_that_are_missing_show_with_their_contact() {
    let clock = Clock::manual(Millis(1_800_000_000_000));
    let world = world(&clock).await;
    for sequence in [1, 2, 5, 6, 9] {
        let mut event = promoted(&contact("c1", 1), 70.0);
        event["data"]["sequence"] = sequence.into();
        world.accept(&format!("m{sequence}"), &event).await;
    }
    world.accept("other", &promoted(&contact("c2", 2), 70.0)).await;
    // Upkeep counts what is new, and figures may be a second old.
    while world.app.store.count_new_events().await.unwrap() {}
    clock.advance(Duration::from_secs(1));
    let (stats, gaps) = look(&world, "erp_bridge_sequence_gaps").await;
    let expected =
        [json!({"contact_id": "c1", "after": 2, "before": 5}), json!({"contact_id": "c1", "after": 6, "before": 9})];
    assert_eq!((&stats["gaps"], gaps.as_str()), (&json!(expected), "2"));
    for sequence in [3, 4, 7, 8] {
        let mut event = promoted(&contact("c1", 1), 70.0);
        event["data"]["sequence"] = sequence.into();
        world.accept(&format!("m{sequence}"), &event).await;
    }
    // Upkeep counts what is new, and figures may be a second old.
    while world.app.store.count_new_events().await.unwrap() {}
    clock.advance(Duration::from_secs(1));
    let (stats, gaps) = look(&world, "erp_bridge_sequence_gaps").await;
    assert_eq!((&stats["gaps"], gaps.as_str()), (&json!([]), "0"), "what comes late closes the gap");
}

#[tokio::test]
async fn a_sender_is_silent_once_nothing_came_for_longer_than_configured() {
    let clock = Clock::manual(Millis(1_800_000_000_000));
    let world = world(&clock).await;
    world.accept("m1", &promoted(&contact("c1", 1), 70.0)).await;
    for (passed, silent) in [(SILENCE, false), (Duration::from_millis(1), true)] {
        clock.advance(passed);
        let (stats, metric) = look(&world, "erp_bridge_sender_silent").await;
        assert_eq!(stats["sender"]["silent"], silent);
        assert_eq!(metric, if silent { "1" } else { "0" });
    }
    world.accept("m2", &promoted(&contact("c2", 2), 70.0)).await;
    // Figures may be a second old.
    clock.advance(Duration::from_secs(1));
    assert_eq!(look(&world, "erp_bridge_sender_silent").await.1, "0");
}
