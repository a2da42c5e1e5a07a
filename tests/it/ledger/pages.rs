//! What a page may weigh, and what lists leave alone.

use erp_bridge::{
    event::Status,
    store::{CallRow, Rejection, Settlement},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{LEASE, START, event, given_back};
use crate::front::{Front, READ};

/// The largest body that the door takes as it is shipped.
const BODY: usize = 256 * 1024;
/// No page weighs more, its frame and the escapes of JSON included.
const PAGE: usize = 3 << 20;

async fn page(front: &Front, path: &str) -> (usize, Value) {
    let body = front.rest(Method::GET, path, READ, &Value::Null).await.body;
    (body.to_string().len(), body)
}

#[tokio::test]
async fn a_page_of_two_hundred_large_events_is_small_and_the_next_one_goes_on() {
    let front = Front::open().await;
    for number in 0..201 {
        let mut large = event(&format!("w{number}"), &format!("c{number}"));
        large.payload = format!("\"{}\"", "x".repeat(BODY - 2));
        front.store.accept(large).await.unwrap();
    }
    for claimed in front.store.claim(201, LEASE).await.unwrap() {
        let dead = Settlement::to(Status::Dead).because("refused", "不".repeat(100_000));
        front.store.settle(claimed.lease, dead).await.unwrap();
    }
    let (bytes, first) = page(&front, "/v1/events?limit=200").await;
    assert_eq!(first["items"].as_array().unwrap().len(), 200);
    assert!(bytes < PAGE / 3, "{bytes}");
    let next = first["next_cursor"].as_str().unwrap();
    let (_, second) = page(&front, &format!("/v1/events?limit=200&cursor={next}")).await;
    assert_eq!((second["items"].as_array().unwrap().len(), &second["next_cursor"]), (1, &Value::Null));
}

#[tokio::test]
async fn a_page_of_large_refused_requests_ends_early_and_the_next_one_goes_on() {
    let front = Front::open().await;
    for number in 0..21 {
        let payload = "y".repeat(if number == 10 { 8 * BODY } else { BODY });
        let (webhook_id, errors) = (format!("r{number}"), json!([]));
        let rejection = Rejection { webhook_id, kind: None, contact_id: None, errors, payload };
        front.store.reject(rejection).await.unwrap();
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let (bytes, listed) = page(&front, &format!("/v1/rejections?limit=200&cursor={cursor}")).await;
        assert!(bytes < PAGE, "{bytes}");
        let items = listed["items"].as_array().unwrap();
        assert!((1..=4).contains(&items.len()), "{}", items.len());
        seen.extend(items.iter().map(|item| item["webhook_id"].as_str().unwrap().to_owned()));
        let Some(next) = listed["next_cursor"].as_str() else { break };
        cursor = next.to_owned();
    }
    let expected: Vec<_> = (0..21).rev().map(|number| format!("r{number}")).collect();
    assert_eq!(seen, expected, "each once, newest first");
}

#[tokio::test]
async fn the_detail_of_an_event_with_very_many_calls_shows_the_last_of_them() {
    let front = Front::open().await;
    let call = |number: usize, bytes: usize| CallRow {
        step: format!("s{number}"),
        interface: "客户列表".into(),
        started_at: START,
        duration_ms: 1,
        outcome: "ok".into(),
        request: json!({}),
        response: "z".repeat(bytes),
    };
    for (count, bytes, shown) in [(500, 1, 500), (501, 1, 500), (40, 100 * 1024, 10)] {
        let id = format!("w{count}-{bytes}");
        front.store.accept(event(&id, &id)).await.unwrap();
        let claimed = front.store.claim(1, LEASE).await.unwrap().remove(0);
        let event_id = claimed.event.id.clone();
        let calls = (0..count).map(|number| call(number, bytes)).collect();
        front.store.settle(claimed.lease, given_back(calls)).await.unwrap();
        let (weight, shown_event) = page(&front, &format!("/v1/events/{event_id}")).await;
        let calls = shown_event["calls"].as_array().unwrap();
        assert!(weight < PAGE, "{weight}");
        assert_eq!((calls.len(), &shown_event["calls_cut"]), (shown, &json!(shown < count)), "{count}");
        assert_eq!(calls[shown - 1]["step"], json!(format!("s{}", count - 1)), "the last");
        front.store.discard(&event_id, &"ops".into(), None, None).await.unwrap();
    }
}
