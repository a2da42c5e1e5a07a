//! What is measured, and that dashboards and alert rules speak of what is there.

use std::{collections::BTreeSet, path::Path, time::Duration};

use erp_bridge::{event::Status, store::Settlement};
use serde_json::json;

use crate::support::{OPERATOR, World, WorldOptions, contact, eventually, message, promoted};

const LIMIT: Duration = Duration::from_secs(30);

/// A bridge that has seen a bit of everything.
async fn world() -> World {
    let world = World::start().await;
    let linked = world.accept("evt-1", &promoted(&contact("c_1", 1), 82.0)).await;
    // Until then its messages are held as well.
    world.until(&linked, &[Status::Succeeded]).await;
    world.accept("evt-2", &message("c_1", 1, "你好")).await;
    world.accept("evt-3", &message("c_2", 1, "还没建档")).await;
    let made_up = json!({"type": "made.up", "timestamp": "2026-11-23T15:04:05+08:00", "data": {}});
    assert_eq!(world.post("evt-4", &made_up).await.0, 200);
    eventually("two are in the ERP", LIMIT, async || {
        let stats = world.call("GET", "/v1/stats", None).await.1;
        (stats["by_status"]["succeeded"] == 2).then_some(())
    })
    .await;
    world
}

/// What a scraper gets.
async fn scraped(world: &World) -> String {
    let answer = world.sender.http.get(world.url("/metrics")).bearer_auth(OPERATOR).send().await.unwrap();
    answer.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_calls_commits_connections_session_and_versions_are_measured() {
    let world = world().await;
    let expected = [
        r#"erp_bridge_events_total{type="contact.promoted",status="succeeded"} 1"#,
        r#"erp_bridge_events_total{type="message.logged",status="held"} 1"#,
        r#"erp_bridge_events_total{type="other",status="ignored"} 1"#,
        r#"erp_bridge_events_received_total{type="message.logged",status="held"} 1"#,
        r#"erp_bridge_webhooks_total{answer="ignored"} 1"#,
        // What never happened yet is there too: a rise from nothing would not be seen.
        r#"erp_bridge_webhooks_total{answer="store_unavailable"} 0"#,
        r#"erp_bridge_webhooks_total{answer="signature_mismatch"} 0"#,
        r#"erp_bridge_webhooks_total{answer="duplicate"} 0"#,
        r#"erp_bridge_events_received_total{type="deal.closed",status="held"} 0"#,
        r#"erp_bridge_events_total{type="deal.closed",status="dead"} 0"#,
        r#"erp_bridge_event_seconds_count{type="contact.promoted"} 1"#,
        r#"erp_bridge_state_events{status="held"} 1"#,
        r#"erp_bridge_state_events{status="dead"} 0"#,
        "erp_bridge_oldest_waiting_seconds 0",
        "erp_bridge_erp_session 1",
        "erp_bridge_erp_login_refused 0",
        "erp_bridge_http_panics_total 0",
        &format!(r#"erp_bridge_build_info{{version="{}",database="SQLite 3."#, env!("CARGO_PKG_VERSION")),
        r#"erp_bridge_commit_events_count{by="door"} "#,
        r#"erp_bridge_database_connections{pool="writer",state="#,
        "erp_bridge_free_disk_bytes ",
        "erp_bridge_start_time_seconds 1",
    ];
    // The figures of a scrape are those of the last round of upkeep.
    eventually(&format!("{expected:#?}"), LIMIT, async || {
        let text = scraped(&world).await;
        let missing: Vec<_> = expected.iter().filter(|line| !text.contains(**line)).collect();
        if !missing.is_empty() {
            eprintln!("{missing:?}");
        }
        missing.is_empty().then_some(())
    })
    .await;
    let versions = world.call("GET", "/v1/stats", None).await.1["versions"].clone();
    assert_eq!(versions["bridge"], env!("CARGO_PKG_VERSION"));
    assert!(versions["database"].as_str().unwrap().starts_with("SQLite 3."), "{versions}");
}

#[tokio::test]
async fn an_event_is_received_once_however_often_it_is_tried() {
    let world = World::with(WorldOptions { dispatch: false, ..WorldOptions::default() }).await;
    let id = world.accept("evt-1", &promoted(&contact("c_1", 1), 82.0)).await;
    assert_eq!(world.post("evt-1", &promoted(&contact("c_1", 1), 82.0)).await.1["status"], "duplicate");
    for _ in 0..3 {
        let lease = world.app.store.claim(1, LIMIT).await.unwrap().remove(0).lease;
        world.app.store.settle(lease, Settlement::to(Status::Dead).because("refused", "重复")).await.unwrap();
        assert_eq!(world.call("POST", &format!("/v1/events/{id}/replay"), Some(json!({}))).await.0, 200);
    }
    let text = scraped(&world).await;
    for expected in [
        r#"erp_bridge_events_received_total{type="contact.promoted",status="queued"} 1"#,
        r#"erp_bridge_events_total{type="contact.promoted",status="queued"} 4"#,
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

/// The words of a text that are a metric's name, without what a histogram puts behind it.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let base = |word: &str| {
        let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end));
        histogram.unwrap_or(word).to_owned()
    };
    words.filter(|word| word.starts_with("erp_bridge_")).map(base).collect()
}

/// What a text asks of our metrics' labels: name, label and value. `instance` is Prometheus's own.
fn selected(text: &str) -> BTreeSet<(String, String, String)> {
    let text = text.replace("\\\"", "\"");
    let mut selected = BTreeSet::new();
    for (place, _) in text.match_indices('{') {
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name = text[..place].rsplit(|c: char| !is_of_name(c)).next().unwrap_or_default();
        let inside = text[place + 1..].split('}').next().unwrap_or_default();
        for matcher in inside.split(',').filter(|_| name.starts_with("erp_bridge_")) {
            let label = matcher.trim().split(|c: char| !is_of_name(c)).next().unwrap_or_default();
            let values = matcher.split('"').nth(1).unwrap_or_default();
            let of = |value: &str| (name.to_owned(), label.to_owned(), value.to_owned());
            selected.extend(values.split('|').map(of).filter(|_| label != "instance"));
        }
    }
    selected
}

fn deployed(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_and_label_of_the_dashboard_and_of_the_alert_rules_is_one_that_a_bridge_shows() {
    let world = world().await;
    let text = eventually("a round of upkeep", LIMIT, async || {
        Some(scraped(&world).await).filter(|text| text.contains("erp_bridge_outbox_oldest_seconds"))
    })
    .await;
    let shown = names(&text);
    for file in ["grafana/erp-bridge.json", "prometheus/alerts.yml", "prometheus/alerts.test.yml"] {
        let used = names(&deployed(file));
        assert!(used.len() > 3, "{file}: {used:?}");
        let unknown: Vec<_> = used.difference(&shown).collect();
        assert!(unknown.is_empty(), "deploy/{file} speaks of {unknown:?}, which no bridge shows");
        let selected = selected(&deployed(file));
        assert!(selected.len() > 1, "{file}: {selected:?}");
        for (name, label, value) in selected {
            let (name, label) = (format!("{name}{{"), format!("{label}=\"{value}\""));
            let is_shown = text.lines().any(|line| line.starts_with(&name) && line.contains(&label));
            assert!(is_shown, "deploy/{file} looks for {name}{label}}}, which no bridge shows");
        }
    }
    for name in &shown {
        assert!(text.contains(&format!("# HELP {name} ")), "{name} does not say what it is");
    }
}

/// What a gauge without a unit tells: yes or no, or how many of something, which its name ends with.
const COUNTED: [&str; 6] = ["events", "messages", "gaps", "pauses", "blocks", "connections"];
const YES_OR_NO: [&str; 7] = [
    "erp_bridge_circuit_closed",
    "erp_bridge_dispatch_at_rest",
    "erp_bridge_dispatch_paused",
    "erp_bridge_erp_login_refused",
    "erp_bridge_erp_session",
    "erp_bridge_sender_silent",
    "erp_bridge_build_info",
];

/// Whether a metric's name ends with what it counts or measures; what it measures, its words tell.
fn names_its_unit(name: &str, kind: &str, help: &str) -> bool {
    let help = help.to_lowercase();
    let is_time =
        ["how long", "age of", "when "].iter().any(|word| help.starts_with(word)) || help.contains(" seconds");
    let is_size = ["bytes", "memory", "is free of"].iter().any(|word| help.contains(word));
    let ends = |end: &str| name.ends_with(end);
    match kind {
        "counter" => ends("_total"),
        _ if is_time => ends("_seconds"),
        _ if is_size => ends("_bytes"),
        _ if ends("_seconds") || ends("_bytes") || COUNTED.into_iter().any(ends) => true,
        _ => kind == "gauge" && YES_OR_NO.contains(&name),
    }
}

#[test]
fn a_metric_without_its_unit_is_seen() {
    for (name, kind, help, is_right) in [
        ("erp_bridge_calls_total", "counter", "Calls", true),
        ("erp_bridge_calls", "counter", "Calls", false),
        ("erp_bridge_waiting_total", "gauge", "Events that wait", false),
        ("erp_bridge_call_seconds", "histogram", "How long calls took", true),
        ("erp_bridge_call_time", "histogram", "How long calls took", false),
        ("erp_bridge_oldest", "gauge", "Age of the oldest", false),
        ("erp_bridge_free_disk", "gauge", "What is free of the disk", false),
        ("erp_bridge_waiting_events", "gauge", "Events that wait", true),
        ("erp_bridge_waiting", "gauge", "Events that wait", false),
    ] {
        assert_eq!(names_its_unit(name, kind, help), is_right, "{name} ({kind})");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_that_has_a_unit_names_it() {
    let world = world().await;
    let text = eventually("a round of upkeep", LIMIT, async || {
        Some(scraped(&world).await).filter(|text| text.contains("erp_bridge_outbox_oldest_seconds"))
    })
    .await;
    let said = |what: &str, name: &str| {
        let begin = format!("# {what} {name} ");
        text.lines().find_map(|line| line.strip_prefix(begin.as_str())).unwrap_or_default().to_owned()
    };
    let names = names(&text);
    assert!(names.len() > 20, "{names:?}");
    for name in &names {
        let (kind, help) = (said("TYPE", name), said("HELP", name));
        assert!(!kind.is_empty(), "{name} does not say of what kind it is");
        assert!(names_its_unit(name, &kind, &help), "{name} ({kind}: {help}) does not name its unit");
    }
}
