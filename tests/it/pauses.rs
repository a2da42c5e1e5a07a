//! An operator pauses dispatch: accepting goes on, what is paused waits, and goes on by a word, a moment or a restart later.

use std::time::Duration;

use erp_bridge::event::Status;
use serde_json::{Value, json};

use crate::support::{World, WorldOptions, contact, deal, eventually, promoted};

const LIMIT: Duration = Duration::from_secs(30);

async fn call(world: &World, deed: &str, body: Value) -> Value {
    let (status, answer) = world.call("POST", &format!("/v1/dispatch/{deed}"), Some(body)).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test]
async fn a_pause_survives_a_restart_is_shown_everywhere_and_ends_by_a_word() {
    let mut world = World::start().await;
    let everything = json!({"scope": "all", "reason": "ERP 盘点"});
    let answer = call(&world, "pause", everything.clone()).await;
    assert_eq!((&answer["pauses"][0]["scope"], &answer["pauses"][0]["reason"]), (&json!("all"), &json!("ERP 盘点")));
    let id = world.accept("p1", &promoted(&contact("c1", 1), 70.0)).await;
    world.restart().await;
    eventually("the pause is shown", LIMIT, async || {
        let (_, ready) = world.call("GET", "/readyz", None).await;
        (ready["dispatch"]["paused"] == "paused" && ready["dispatch"]["pauses"] == json!(["all"])).then_some(())
    })
    .await;
    let (_, stats) = world.call("GET", "/v1/stats", None).await;
    assert_eq!((&stats["pauses"][0]["reason"], &stats["pauses"][0]["actor"]), (&json!("ERP 盘点"), &json!("ops")));
    let metrics = reqwest::get(world.url("/metrics")).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("erp_bridge_dispatch_pauses{scope=\"all\"}"), "{metrics}");
    assert_eq!(world.event(&id).await.status, Status::Queued);
    assert_eq!(call(&world, "resume", json!({"scope": "all", "reason": "盘点结束"})).await, json!({"pauses": []}));
    world.until(&id, &[Status::Succeeded]).await;
    let (_, audit) = world.call("GET", "/v1/audit", None).await;
    let deeds: Vec<_> = audit["items"].as_array().unwrap().iter().map(|item| item["action"].clone()).collect();
    assert_eq!(deeds, [json!("dispatch.resume"), json!("dispatch.pause")]);
}

#[tokio::test]
async fn a_paused_type_waits_while_others_go_on_and_no_event_is_lost() {
    let world = World::start().await;
    call(&world, "pause", json!({"scope": "type", "value": "deal.closed", "reason": "单据核对"})).await;
    let waits = world.accept("d1", &deal(&contact("c1", 1), 80.0)).await;
    let behind = world.accept("p1", &promoted(&contact("c1", 1), 80.0)).await;
    let other = world.accept("p2", &promoted(&contact("c2", 2), 80.0)).await;
    world.until(&other, &[Status::Succeeded]).await;
    assert_eq!(world.event(&waits).await.status, Status::Queued);
    assert_eq!(world.event(&behind).await.status, Status::Queued);
    call(&world, "resume", json!({"scope": "type", "value": "deal.closed"})).await;
    world.until(&waits, &[Status::Succeeded]).await;
    world.until(&behind, &[Status::Succeeded]).await;
}

#[tokio::test]
async fn what_is_null_in_a_body_is_not_there() {
    let world = World::with(WorldOptions { dispatch: false, ..WorldOptions::default() }).await;
    let id = world.accept("p1", &promoted(&contact("c1", 1), 70.0)).await;
    world.app.dispatcher.run_due().await;
    let nothing = json!({"ids": null, "type": null, "contact_id": null, "code": null, "since": null, "until": null,
        "q": null, "reason": null, "dry_run": null, "status": "dead"});
    let contact = json!({"contact": {"id": null, "name": "王小明"}, "thread": null, "signal": null, "force": null});
    for (method, path, body, expected) in [
        ("POST", "/v1/dispatch/pause", json!({"scope": "all", "value": null, "until": null, "reason": "盘点"}), 200),
        ("POST", "/v1/dispatch/resume", json!({"scope": "all", "value": null, "reason": null}), 200),
        ("POST", "/v1/erp/resume", json!({"reason": null}), 200),
        ("POST", "/v1/events/replay", nothing.clone(), 200),
        ("POST", "/v1/events/discard", nothing.clone(), 200),
        ("POST", "/v1/replays", json!({"status": "dead", "type": null, "reason": null, "dry_run": null}), 201),
        ("POST", "/v1/outbox/replay", json!({"to": "alerts", "reason": null}), 200),
        ("POST", "/v1/contacts/c1/sync", contact, 202),
        ("PUT", "/v1/contacts/c1/assignment", json!({"mode": "public", "users": null}), 202),
        ("POST", format!("/v1/events/{id}/discard").as_str(), json!({"reason": null}), 409),
        (
            "POST",
            format!("/v1/events/{id}/resolve").as_str(),
            json!({"decision": "done", "ord": null, "reason": null, "updated_at": null}),
            409,
        ),
    ] {
        let (status, answer) = world.call(method, path, Some(body.clone())).await;
        assert_eq!(status, expected, "{path} {body}: {answer}");
    }
}

#[tokio::test]
async fn what_cannot_be_paused_is_refused_by_its_member() {
    let world = World::start().await;
    for (body, pointer) in [
        (json!({"scope": "all"}), ""),
        (json!({"scope": "all", "reason": " "}), "/reason"),
        (json!({"scope": "all", "reason": "x".repeat(501)}), "/reason"),
        (json!({"scope": "all", "value": "x", "reason": "x"}), "/value"),
        (json!({"scope": "type", "value": "deal.lost", "reason": "x"}), "/value"),
        (json!({"scope": "contact", "reason": "x"}), "/value"),
        (json!({"scope": "some", "reason": "x"}), "/scope"),
        (json!({"scope": "all", "reason": "x", "until": "2026-01-01T00:00:00+08:00"}), "/until"),
    ] {
        let (status, answer) = world.call("POST", "/v1/dispatch/pause", Some(body.clone())).await;
        assert_eq!((status, &answer["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}: {answer}");
    }
    for number in 0..=100 {
        let body = json!({"scope": "contact", "value": format!("c{number}"), "reason": "x".repeat(500)});
        let (status, answer) = world.call("POST", "/v1/dispatch/pause", Some(body)).await;
        assert_eq!(status, if number < 100 { 200 } else { 422 }, "{number}: {answer}");
    }
}
