//! Replays (重放) over REST: a forecast first, then started, paused, stopped.

use erp_bridge::{event::Status, store::Settlement};
use reqwest::Method;
use serde_json::{Value, json};

use crate::front::{Front, OPERATE, READ, promoted};

/// An event, accepted and dead of this cause; answers its id.
async fn dead(front: &Front, body: &Value, code: &'static str) -> String {
    let name = format!("{code}-{}-{}", body["type"].as_str().unwrap(), body["data"]["contact"]["id"].as_str().unwrap());
    let id = front.post_event(&name, body).await.body["id"].as_str().unwrap().to_owned();
    front.end(Settlement::to(Status::Dead).because(code, "不行")).await;
    id
}

fn deal(contact: &str) -> Value {
    let mut event = promoted(contact);
    event["type"] = json!("deal.closed");
    event["data"]["deal"] = json!({"id": format!("d-{contact}"), "title": "年单"});
    event
}

#[tokio::test]
async fn a_replay_foretells_what_it_writes_and_is_started_paused_and_stopped() {
    let front = Front::open().await;
    let first = dead(&front, &promoted("c1"), "refused").await;
    dead(&front, &deal("c1"), "refused").await;
    dead(&front, &deal("c2"), "refused").await;
    dead(&front, &promoted("c3"), "invalid").await;
    front.post_event("linked", &promoted("c3")).await;
    front.link(7_001, "c3").await;
    let call = async |method: Method, path: &str, body: Value| front.rest(method, path, OPERATE, &body).await;
    let made = call(Method::POST, "/v1/replays", json!({"code": "refused", "reason": "已修复"})).await;
    assert_eq!((made.status.as_u16(), &made.body["state"]), (201, &json!("draft")), "{:?}", made.body);
    let counts = json!({"create": 2, "fill": 0, "record": 1, "order": 0, "skip": 0});
    assert_eq!(made.body["forecast"], counts, "the deal of who becomes a customer is a record");
    assert_eq!(
        (&made.body["events"], &made.body["waiting"], &made.body["more"]),
        (&json!(3), &json!(3), &json!(false))
    );
    assert_eq!(made.body["filter"], json!({"code": "refused"}));
    let path = format!("/v1/replays/{}", made.body["id"].as_str().unwrap());

    let linked = call(Method::POST, "/v1/replays", json!({"code": "invalid"})).await.body;
    assert_eq!((&linked["forecast"]["fill"], &linked["events"]), (&json!(1), &json!(1)));
    for (deed, status, state) in
        [("pause", 409, ""), ("start", 200, "running"), ("pause", 200, "paused"), ("resume", 200, "running")]
    {
        let answered = call(Method::POST, &format!("{path}/{deed}"), json!({"reason": deed})).await;
        assert_eq!(answered.status.as_u16(), status, "{deed}: {:?}", answered.body);
        if status == 200 {
            assert_eq!(answered.body["state"], state, "{deed}");
        } else {
            assert_eq!(answered.problem(), "wrong_replay_state");
        }
    }
    assert_eq!(front.store.feed_replays().await, Ok(3));
    let seen = front.rest(Method::GET, &path, READ, &Value::Null).await.body;
    assert_eq!(
        (&seen["state"], &seen["put_back"], &seen["outcomes"]["queued"]),
        (&json!("done"), &json!(3), &json!(3))
    );
    assert_eq!(seen["reason"], Value::Null, "an operator's words are for operators");
    let events = front.rest(Method::GET, &format!("{path}/events?limit=2"), READ, &Value::Null).await.body;
    assert_eq!((&events["items"][0]["event_id"], &events["items"][0]["state"]), (&json!(first), &json!("put_back")));
    let next = format!("{path}/events?cursor={}", events["next_cursor"].as_str().unwrap());
    let rest = front.rest(Method::GET, &next, READ, &Value::Null).await.body;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    let stopped =
        call(Method::POST, &format!("/v1/replays/{}/stop", linked["id"].as_str().unwrap()), Value::Null).await;
    assert_eq!(stopped.body["state"], "stopped");
    let listed = front.rest(Method::GET, "/v1/replays?limit=1", READ, &Value::Null).await.body;
    assert_eq!((&listed["items"][0]["id"], listed["next_cursor"].is_string()), (&linked["id"], true));
    let log = front.store.audit_log(None, 50).await.unwrap();
    let count = |action: &str| log.iter().filter(|row| row.action == action).count();
    let actions = ["replay.create", "replay.start", "replay.pause", "replay.resume", "replay.stop", "event.replay"];
    assert_eq!(actions.map(count), [2, 1, 1, 1, 1, 3]);
}

#[tokio::test]
async fn what_narrows_nothing_or_cannot_be_read_makes_no_replay() {
    let front = Front::open().await;
    for (body, pointer) in [
        (json!({}), ""),
        (json!({"reason": "x"}), ""),
        (json!({"status": "running"}), "/status"),
        (json!({"retrying": false}), ""),
        (json!({"status": ""}), "/status"),
        (json!({"since": "yesterday"}), "/since"),
        (json!({"code": "dead", "reason": "x".repeat(501)}), "/reason"),
    ] {
        let answered = front.rest(Method::POST, "/v1/replays", OPERATE, &body).await;
        assert_eq!(answered.status.as_u16(), 422, "{body}: {:?}", answered.body);
        assert_eq!(answered.body["errors"][0]["pointer"], pointer, "{body}");
    }
    for path in ["/v1/replays?limit=0", "/v1/replays?cursor=x"] {
        assert_eq!(front.rest(Method::GET, path, READ, &Value::Null).await.problem(), "invalid_query", "{path}");
    }
    assert_eq!(front.rest(Method::GET, "/v1/replays/7", READ, &Value::Null).await.problem(), "replay_not_found");
    assert!(front.store.replays(None, 10).await.unwrap().is_empty());
}
