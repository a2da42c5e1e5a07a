//! What the internal REST interface shows and does, against a real ledger.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::front::{Front, OPERATE, READ, Wishes, promoted};

const PHONE: &str = "138 0000 1001";

async fn accepted(front: &Front, contact: &str) -> String {
    let answered = front.post_event(&format!("evt-{contact}"), &promoted(contact)).await;
    answered.body["id"].as_str().unwrap().to_owned()
}

async fn actions(front: &Front) -> Vec<String> {
    let audit = front.rest(Method::GET, "/v1/audit", OPERATE, &Value::Null).await;
    let items = audit.body["items"].as_array().unwrap().clone();
    items.iter().map(|item| item["action"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn personal_data_is_masked_for_read_and_its_sight_by_operate_is_audited() {
    let front = Front::open().await;
    let id = accepted(&front, "c1").await;
    let path = format!("/v1/events/{id}");
    for (token, query, masked) in
        [(READ, "", true), (READ, "?masked=false", true), (OPERATE, "?masked=true", true), (OPERATE, "", false)]
    {
        let shown = front.rest(Method::GET, &format!("{path}{query}"), token, &Value::Null).await.body;
        assert_eq!(!shown.to_string().contains(PHONE), masked, "{token} {query}");
        assert_eq!(!shown.to_string().contains("wxm_1001"), masked, "{token} {query}");
        assert_eq!((&shown["id"], &shown["status"]), (&json!(id), &json!("queued")));
        assert_eq!(shown["admission"]["admitted"], true);
    }
    assert_eq!(actions(&front).await, ["event.unmask"], "only the unmasked sight is audited");
    let refused = front.rest(Method::POST, "/v1/preview", READ, &promoted("c1")).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (403, "scope_too_small"));
    let preview = front.rest(Method::POST, "/v1/preview", OPERATE, &promoted("c1")).await.body;
    assert_eq!((&preview["status"], &preview["plan"]["phone"]), (&json!("queued"), &json!(PHONE)));
    assert_eq!(actions(&front).await, ["preview", "event.unmask"]);
}

#[tokio::test]
async fn who_looks_at_the_same_event_again_stands_in_the_audit_log_once_an_hour() {
    let front = Front::open().await;
    let (one, other) = (accepted(&front, "c1").await, accepted(&front, "c2").await);
    let look = async |id: &str, query: &str, token: &str| {
        let shown = front.rest(Method::GET, &format!("/v1/events/{id}{query}"), token, &Value::Null).await.body;
        shown.to_string().contains(PHONE)
    };
    for _ in 0..3 {
        assert!(look(&one, "", OPERATE).await);
    }
    assert_eq!(actions(&front).await, ["event.unmask"]);
    // Having looked opens nothing to who may not, or does not want to.
    assert!(!look(&one, "", READ).await && !look(&one, "?masked=true", OPERATE).await);
    assert!(look(&other, "", OPERATE).await);
    assert_eq!(actions(&front).await.len(), 2);
    front.clock.advance(Duration::from_secs(3_600));
    assert!(look(&one, "", OPERATE).await);
    assert_eq!(actions(&front).await.len(), 3);
}

#[tokio::test]
async fn a_preview_of_what_causes_nothing_has_no_plan_and_is_not_stored() {
    let front = Front::open().await;
    let mut low = promoted("low");
    low["data"]["thread"]["score"] = json!(59.9);
    let message = json!({"type": "message.logged", "timestamp": "2026-11-23T15:04:05Z",
        "data": {"contact": {"id": "m"}, "signal": {"id": "s", "content": "你好"}}});
    for (event, status) in [(low, "not_admitted"), (message, "held"), (json!({"type": "tag.added"}), "ignored")] {
        let preview = front.rest(Method::POST, "/v1/preview", OPERATE, &event).await;
        assert_eq!((preview.status.as_u16(), &preview.body["status"]), (200, &json!(status)));
        assert_eq!(preview.body["plan"], Value::Null, "{status}");
        assert_eq!(preview.body["reasons"].as_array().unwrap().len(), usize::from(status == "not_admitted"));
    }
    let wrong = front.rest(Method::POST, "/v1/preview", OPERATE, &json!({"type": "deal.closed"})).await;
    assert_eq!((wrong.status.as_u16(), wrong.problem()), (422, "invalid_body"));
    assert_eq!(front.stored().await, (0, 0));
}

#[tokio::test]
async fn pages_are_complete_and_stable_while_new_events_arrive() {
    let front = Front::open().await;
    let mut expected = Vec::new();
    for count in 0..5 {
        expected.insert(0, accepted(&front, &format!("c{count}")).await);
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    for page in 0..3 {
        let path = format!("/v1/events?limit=2&cursor={cursor}");
        let listed = front.rest(Method::GET, &path, READ, &Value::Null).await.body;
        seen.extend(listed["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        assert!(!listed.to_string().contains(PHONE) && listed["items"][0].get("payload").is_none());
        cursor = listed["next_cursor"].as_str().unwrap_or_default().to_owned();
        assert_eq!(cursor.is_empty(), page == 2);
        accepted(&front, &format!("new{page}")).await;
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn every_filter_narrows_and_a_wrong_one_is_named() {
    let front = Front::open().await;
    accepted(&front, "c1").await;
    accepted(&front, "c2").await;
    front.post_event("x", &json!({"type": "tag.added"})).await;
    let table = [
        ("", 3),
        ("status=queued", 2),
        ("status=queued,ignored", 3),
        ("status=dead", 0),
        ("status=&type=&contact_id=&q=", 3),
        ("type=tag.added", 1),
        ("contact_id=c2", 1),
        ("q=evt-c1", 1),
        ("since=2026-01-01T00:00:00%2B08:00", 3),
        ("until=2026-01-01T00:00:00Z", 0),
        // The bridge's clock stands at 2026-11-18 19:06:40 in Shanghai.
        ("since=2026-11-18T19:06:40", 3),
        ("since=2026-11-18T19:06:41", 0),
        ("since=2026-11-18%2019:06:40", 3),
        ("until=2026-11-18+19:06:41", 3),
        ("since=2026-11-18T19:06:40+08:00", 3),
        ("since=2026-11-18+19:06:41+08:00", 0),
        ("since=2026-11-18T19:06:41+0800", 0),
        ("since=2026-11-18", 3),
        ("since=2026-11-19", 0),
        ("until=2026-11-18", 0),
        ("until=2026-11-19", 3),
        ("unknown=1", 3),
    ];
    for (query, count) in table {
        let listed = front.rest(Method::GET, &format!("/v1/events?{query}"), READ, &Value::Null).await.body;
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(count), "{query}: {listed}");
    }
    for query in [
        "status=done",
        "limit=0",
        "limit=201",
        "limit=x",
        "cursor=8",
        "since=now",
        "since=2026-11-31",
        "since=2026-11-18T",
        "until=2026-11-18+08:00",
        "contact_id=a%20b",
        "q=%00",
        "q=1&q=2",
    ] {
        let answered = front.rest(Method::GET, &format!("/v1/events?{query}"), READ, &Value::Null).await;
        assert_eq!((answered.status.as_u16(), answered.problem()), (400, "invalid_query"), "{query}");
    }
}

#[tokio::test]
async fn commands_need_a_linked_contact_and_go_through_its_queue() {
    let front = Front::open().await;
    accepted(&front, "c1").await;
    front.link(26_013, "WXc1").await;
    let contact = front.rest(Method::GET, "/v1/contacts/c1", READ, &Value::Null).await.body;
    assert_eq!((&contact["ord"], &contact["khid"]), (&json!(26_013), &json!("WXc1")));
    let table = [
        (Method::PUT, "assignment", json!({"mode": "users", "users": ["63"]}), "contact.assign"),
        (Method::POST, "apply", Value::Null, "contact.apply"),
        (Method::POST, "takeback", json!({}), "contact.takeback"),
        (Method::POST, "approval", json!({"approve": false}), "contact.approval"),
    ];
    for (method, deed, body, kind) in table {
        let answered = front.rest(method, &format!("/v1/contacts/c1/{deed}"), OPERATE, &body).await;
        assert_eq!((answered.status.as_u16(), &answered.body["status"]), (202, &json!("queued")), "{deed}");
        let row = front.store.event(answered.body["id"].as_str().unwrap()).await.unwrap().unwrap();
        assert_eq!((row.kind.as_str(), row.actor.as_str(), row.contact_id.as_deref()), (kind, "ops", Some("c1")));
    }
}

#[tokio::test]
async fn a_sync_is_admitted_or_forced_and_repeats_with_its_key_are_one() {
    let front = Front::open().await;
    let path = "/v1/contacts/c1/sync";
    let body = json!({"contact": {"name": "王小明"}, "thread": {"id": "t", "score": 10}});
    let refused = front.rest(Method::POST, path, OPERATE, &body).await;
    assert_eq!((refused.status.as_u16(), &refused.body["status"]), (200, &json!("not_admitted")));
    assert_eq!(actions(&front).await, ["contact.sync"]);
    let mut forced = body.clone();
    forced["force"] = json!(true);
    let bearer = format!("Bearer {OPERATE}");
    let headers =
        [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", "once")];
    let first = front.call(Method::POST, path, &headers, forced.to_string()).await;
    assert_eq!((first.status.as_u16(), &first.body["status"]), (202, &json!("queued")));
    assert_eq!(actions(&front).await, ["contact.force_sync", "contact.sync"]);
    front.clock.advance(std::time::Duration::from_secs(60));
    let again = front.call(Method::POST, path, &headers, forced.to_string()).await;
    assert_eq!((again.status.as_u16(), &again.body["id"]), (200, &first.body["id"]), "{again:?}");
    forced["contact"]["name"] = json!("王大明");
    let other = front.call(Method::POST, path, &headers, forced.to_string()).await;
    assert_eq!((other.status.as_u16(), other.problem()), (409, "id_reused"));
    let another = front.rest(Method::POST, path, OPERATE, &json!({"contact": {"id": "c2", "name": "王小明"}})).await;
    assert_eq!((another.status.as_u16(), another.problem()), (409, "contact_mismatch"));
    let wrong = front.rest(Method::POST, path, OPERATE, &json!({"contact": {"name": "王", "phone": 1}})).await;
    assert_eq!((wrong.status.as_u16(), &wrong.body["errors"][0]["pointer"]), (422, &json!("/contact/phone")));
}

#[tokio::test]
async fn a_key_of_a_sync_is_not_the_key_of_a_forced_one_nor_the_other_way_round() {
    let front = Front::open().await;
    let bearer = format!("Bearer {OPERATE}");
    for (number, order) in [[false, true], [true, false]].into_iter().enumerate() {
        let (path, key) = (format!("/v1/contacts/c{number}/sync"), format!("key-{number}"));
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", key.as_str()),
        ];
        let mut answers = Vec::new();
        for force in order.into_iter().chain([order[0]]) {
            let body =
                json!({"contact": {"name": "王小明"}, "thread": {"id": "t", "score": 10}, "force": force}).to_string();
            front.clock.advance(std::time::Duration::from_secs(60));
            let answered = front.call(Method::POST, &path, &headers, body).await;
            answers.push((answered.status.as_u16(), answered.problem().to_owned()));
        }
        let first = if order[0] { 202 } else { 200 };
        let expected = [(first, String::new()), (409, "id_reused".to_owned()), (200, String::new())];
        assert_eq!(answers, expected, "{order:?}");
    }
}

#[tokio::test]
async fn deeds_move_events_and_are_audited_with_their_reason() {
    let front = Front::open().await;
    let id = accepted(&front, "c1").await;
    let deed = |deed: &str| format!("/v1/events/{id}/{deed}");
    let early = front.rest(Method::POST, &deed("replay"), OPERATE, &Value::Null).await;
    assert_eq!((early.status.as_u16(), early.problem()), (409, "wrong_state"));
    let open = front.rest(Method::DELETE, "/v1/contacts/c1/data", OPERATE, &Value::Null).await;
    assert_eq!((open.status.as_u16(), open.problem()), (409, "wrong_state"));
    let gone = front.rest(Method::POST, &deed("discard"), OPERATE, &json!({"reason": "重复"})).await;
    assert_eq!((gone.status.as_u16(), &gone.body["status"]), (200, &json!("discarded")));
    let filter = json!({"status": "discarded", "dry_run": true});
    let counted = front.rest(Method::POST, "/v1/events/replay", OPERATE, &filter).await.body;
    assert_eq!(counted, json!({"replayed": 0, "would_replay": 1}));
    let replayed = front.rest(Method::POST, "/v1/events/replay", OPERATE, &json!({"status": "discarded"})).await.body;
    assert_eq!(replayed, json!({"replayed": 1}));
    front.rest(Method::POST, &deed("discard"), OPERATE, &Value::Null).await;
    let erased = front.rest(Method::DELETE, "/v1/contacts/c1/data?reason=本人要求", OPERATE, &Value::Null).await;
    assert_eq!((erased.status.as_u16(), &erased.body), (200, &json!({"erased": 1})));
    let shown = front.rest(Method::GET, &format!("/v1/events/{id}"), READ, &Value::Null).await.body;
    assert_eq!((&shown["payload"], &shown["status"]), (&Value::Null, &json!("discarded")));
    let seen = front.rest(Method::GET, "/v1/audit", READ, &Value::Null).await.body;
    assert!(seen["items"].as_array().unwrap().iter().all(|item| item["reason"].is_null()), "{seen}");
    let audit = front.rest(Method::GET, "/v1/audit", OPERATE, &Value::Null).await.body;
    let reasons: Vec<&Value> = audit["items"].as_array().unwrap().iter().map(|item| &item["reason"]).collect();
    assert!(reasons.contains(&&json!("重复")) && reasons.contains(&&json!("本人要求")), "{audit}");
    assert!(audit["items"].as_array().unwrap().iter().all(|item| item["actor"] == "ops"));
}

#[tokio::test]
async fn rejections_are_masked_for_read_and_their_sight_by_operate_is_audited() {
    let front = Front::open().await;
    let mut event = promoted("c1");
    event["data"]["thread"] = Value::Null;
    front.post_event("bad", &event).await;
    for (token, query, masked) in [(READ, "", true), (OPERATE, "?masked=true", true), (OPERATE, "", false)] {
        let listed = front.rest(Method::GET, &format!("/v1/rejections{query}"), token, &Value::Null).await.body;
        let item = &listed["items"][0];
        assert_eq!((&item["webhook_id"], &item["type"]), (&json!("bad"), &json!("contact.promoted")));
        assert_eq!(item["errors"][0]["pointer"], "/data/thread");
        assert_eq!(!listed.to_string().contains(PHONE), masked, "{listed}");
    }
    assert_eq!(actions(&front).await, ["rejections.unmask"]);
}

#[tokio::test]
async fn the_statistics_name_every_state_and_the_lag() {
    let front = Front::open().await;
    accepted(&front, "c1").await;
    front.clock.advance(std::time::Duration::from_secs(90));
    let stats = front.rest(Method::GET, "/v1/stats", READ, &Value::Null).await.body;
    assert_eq!(stats["by_status"].as_object().map(serde_json::Map::len), Some(9));
    assert_eq!((&stats["by_status"]["queued"], &stats["by_type"]["contact.promoted"]), (&json!(1), &json!(1)));
    assert_eq!((&stats["lag_seconds"], &stats["dispatch"]["circuit"]), (&json!(90.0), &json!("closed")));
    assert_eq!((&stats["sender"]["silent"], &stats["rates"]["received_last_hour"]), (&json!(false), &json!(1)));
    for period in ["hour", "day", "month"] {
        let period = &stats["periods"][period];
        assert_eq!((&period["received"], &period["succeeded"], &period["dead"]), (&json!(1), &json!(0), &json!(0)));
        assert_eq!((&period["kept_out"], &period["time_to_erp"]["p50_seconds"]), (&json!([]), &Value::Null));
    }
}

#[tokio::test]
async fn a_token_gets_its_previews_and_not_one_more() {
    let front = Front::with(Wishes { previews_per_minute: 2, ..Wishes::default() }).await;
    for expected in [200, 200, 429] {
        let preview = front.rest(Method::POST, "/v1/preview", OPERATE, &promoted("c1")).await;
        assert_eq!(preview.status.as_u16(), expected);
    }
}
