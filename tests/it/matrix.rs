//! Who may do what: every documented operation × no token, a wrong token, `read`, `operate`, with the exact answer.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::front::{Front, OPERATE, READ, promoted};

const NO_EVENT: &str = "01932f6e-0000-7000-8000-000000000000";

/// Operation, address, body, and the answer to `read` and to `operate`.
type Row = (&'static str, Method, String, Value, u16, u16);

fn guarded() -> Vec<Row> {
    let event = |deed: &str| format!("/v1/events/{NO_EVENT}{deed}");
    let replay = |deed: &str| format!("/v1/replays/{NO_EVENT}{deed}");
    let message = |deed: &str| format!("/v1/outbox/{NO_EVENT}{deed}");
    let contact = |deed: &str| format!("/v1/contacts/nobody{deed}");
    let sync = json!({"contact": {"name": "王小明"}, "force": true});
    vec![
        ("list_events", Method::GET, "/v1/events".into(), Value::Null, 200, 200),
        ("get_event", Method::GET, event(""), Value::Null, 404, 404),
        ("preview_event", Method::POST, "/v1/preview".into(), promoted("p1"), 403, 200),
        ("list_failures", Method::GET, "/v1/failures".into(), Value::Null, 200, 200),
        ("replay_events", Method::POST, "/v1/events/replay".into(), json!({"status": "dead"}), 403, 200),
        ("discard_events", Method::POST, "/v1/events/discard".into(), json!({"status": "dead"}), 403, 200),
        ("replay_event", Method::POST, event("/replay"), Value::Null, 403, 404),
        ("discard_event", Method::POST, event("/discard"), json!({"reason": "旧"}), 403, 404),
        ("resolve_event", Method::POST, event("/resolve"), json!({"decision": "done"}), 403, 404),
        (
            "amend_event",
            Method::POST,
            event("/amend"),
            json!({"data": {"contact": {"id": "c1"}}, "reason": "错字"}),
            403,
            404,
        ),
        ("replan_event", Method::POST, event("/replan"), Value::Null, 403, 404),
        ("create_replay", Method::POST, "/v1/replays".into(), json!({"code": "refused"}), 403, 201),
        ("list_replays", Method::GET, "/v1/replays".into(), Value::Null, 200, 200),
        ("get_replay", Method::GET, replay(""), Value::Null, 404, 404),
        ("list_replay_events", Method::GET, replay("/events"), Value::Null, 404, 404),
        ("start_replay", Method::POST, replay("/start"), Value::Null, 403, 404),
        ("pause_replay", Method::POST, replay("/pause"), Value::Null, 403, 404),
        ("resume_replay", Method::POST, replay("/resume"), json!({"reason": "好了"}), 403, 404),
        ("stop_replay", Method::POST, replay("/stop"), Value::Null, 403, 404),
        ("resume_dispatch", Method::POST, "/v1/erp/resume".into(), Value::Null, 403, 200),
        (
            "pause_dispatch",
            Method::POST,
            "/v1/dispatch/pause".into(),
            json!({"scope": "type", "value": "deal.closed", "reason": "盘点"}),
            403,
            200,
        ),
        ("list_outbox", Method::GET, "/v1/outbox".into(), Value::Null, 200, 200),
        ("replay_messages", Method::POST, "/v1/outbox/replay".into(), json!({"to": "alerts"}), 403, 200),
        ("test_alerts", Method::POST, "/v1/alerts/test".into(), Value::Null, 403, 200),
        ("replay_message", Method::POST, message("/replay"), Value::Null, 403, 404),
        ("discard_message", Method::POST, message("/discard"), Value::Null, 403, 404),
        ("resume_paused", Method::POST, "/v1/dispatch/resume".into(), json!({"scope": "all"}), 403, 200),
        ("search_contacts", Method::GET, "/v1/contacts?q=nobody".into(), Value::Null, 200, 200),
        ("adopt_contacts", Method::POST, "/v1/contacts/adopt".into(), json!({"contacts": [{"id": "c1"}]}), 403, 200),
        ("get_contact", Method::GET, contact(""), Value::Null, 404, 404),
        ("sync_contact", Method::POST, contact("/sync"), sync, 403, 202),
        ("assign_contact", Method::PUT, contact("/assignment"), json!({"mode": "public"}), 403, 404),
        ("apply_for_contact", Method::POST, contact("/apply"), Value::Null, 403, 404),
        ("take_contact_back", Method::POST, contact("/takeback"), json!({}), 403, 404),
        ("approve_contact", Method::POST, contact("/approval"), json!({"approve": true}), 403, 404),
        ("forget_link", Method::DELETE, contact("/link?reason=merged"), Value::Null, 403, 404),
        ("erase_contact", Method::DELETE, "/v1/contacts/gone/data".into(), Value::Null, 403, 404),
        ("offer_sign_in", Method::POST, "/v1/console/sign-in".into(), Value::Null, 200, 200),
        ("get_stats", Method::GET, "/v1/stats".into(), Value::Null, 200, 200),
        ("list_audit", Method::GET, "/v1/audit".into(), Value::Null, 200, 200),
        ("list_rejections", Method::GET, "/v1/rejections".into(), Value::Null, 200, 200),
    ]
}

#[tokio::test]
async fn every_call_answers_every_caller_exactly() {
    let front = Front::open().await;
    for (name, method, path, body, read, operate) in guarded() {
        let none = front.call(method.clone(), &path, &[("content-type", "application/json")], body.to_string()).await;
        assert_eq!((none.status.as_u16(), none.problem()), (401, "token_missing"), "{name}");
        assert!(none.headers["www-authenticate"].to_str().unwrap().starts_with("Bearer"), "{name}");
        for (token, expected) in [("wrong", 401), ("7", 401), (READ, read), (OPERATE, operate)] {
            let answered = front.rest(method.clone(), &path, token, &body).await;
            assert_eq!(answered.status.as_u16(), expected, "{name} as {token}: {:?}", answered.body);
            assert_eq!(answered.headers["cache-control"], "no-store", "{name}");
            let problem = answered.problem();
            match expected {
                401 => assert_eq!(problem, "token_unknown", "{name}"),
                403 => assert_eq!(problem, "scope_too_small", "{name}"),
                404 => assert!(
                    [
                        "event_not_found",
                        "contact_not_linked",
                        "contact_unknown",
                        "message_not_found",
                        "replay_not_found"
                    ]
                    .contains(&problem),
                    "{name}: {problem}"
                ),
                _ => assert_eq!(problem, "", "{name}"),
            }
        }
    }
}

#[tokio::test]
async fn the_matrix_knows_every_documented_operation() {
    let document: Value = yaml_serde::from_str(&erp_bridge::http::document()).unwrap();
    let documented: BTreeSet<&str> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
        .filter(|operation| operation.get("security").is_some())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    let rows = guarded();
    let mut tested: BTreeSet<&str> = rows.iter().map(|row| row.0).collect();
    // An open stream never ends: `door.rs` and the test below ask for it.
    tested.insert("stream_changes");
    assert_eq!(documented, tested);
}

#[tokio::test]
async fn the_stream_asks_for_a_token_too() {
    let front = Front::open().await;
    assert_eq!(front.call(Method::GET, "/v1/stream", &[], "").await.problem(), "token_missing");
    assert_eq!(front.rest(Method::GET, "/v1/stream", "wrong", &Value::Null).await.problem(), "token_unknown");
}

#[tokio::test]
async fn probes_and_documents_need_no_token() {
    let front = Front::open().await;
    for path in ["/livez", "/readyz", "/metrics", "/openapi.yaml", "/docs/", "/docs/swagger-ui.css"] {
        let answered = front.call(Method::GET, path, &[], "").await;
        assert_eq!(answered.status.as_u16(), 200, "{path}");
        assert_eq!(answered.headers["x-content-type-options"], "nosniff", "{path}");
    }
    let document = front.call(Method::GET, "/openapi.yaml", &[], "").await;
    assert_eq!(document.body.as_str(), Some(erp_bridge::http::document().as_str()));
    let ready = front.call(Method::GET, "/readyz", &[], "").await;
    assert_eq!((&ready.body["status"], &ready.body["dispatch"]["paused"]), (&json!("ok"), &json!("login_refused")));
    assert!(ready.body["dispatch"].get("words").is_none(), "{:?}", ready.body);
    front.store.close().await;
    let unready = front.call(Method::GET, "/readyz", &[], "").await;
    assert_eq!((unready.status.as_u16(), &unready.body["failing"]), (503, &json!(["store"])));
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let front = Front::open().await;
    for path in ["/", "/v1", "/v1/nothing", "/webhooks", "/v1/events/x/y"] {
        assert_eq!(front.call(Method::GET, path, &[], "").await.problem(), "route_not_found", "{path}");
    }
    for (method, path, allow) in [
        (Method::GET, "/webhooks/events", "POST"),
        (Method::DELETE, "/v1/events", "GET,HEAD"),
        (Method::POST, "/livez", "GET,HEAD"),
        (Method::OPTIONS, "/v1/stats", "GET,HEAD"),
        (Method::POST, "/v1/contacts/c/assignment", "PUT"),
    ] {
        let answered = front.call(method, path, &[], "").await;
        assert_eq!((answered.status.as_u16(), answered.problem()), (405, "method_not_allowed"), "{path}");
        assert_eq!(answered.headers["allow"], allow, "{path}");
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_told_nothing() {
    let front = Front::open().await;
    let asks = [("origin", "https://example.com"), ("access-control-request-method", "GET")];
    for (method, path) in
        [(Method::OPTIONS, "/v1/events"), (Method::GET, "/livez"), (Method::OPTIONS, "/webhooks/events")]
    {
        let answered = front.call(method, path, &asks, "").await;
        let names = answered.headers.keys().map(|name| name.as_str());
        assert!(!names.into_iter().any(|name| name.starts_with("access-control-")), "{path}: {:?}", answered.headers);
        assert_eq!(answered.headers["cross-origin-resource-policy"], "same-origin", "{path}");
    }
}
