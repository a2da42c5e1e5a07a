//! Input that is made to end the process: JSON that pretends to be a library's own, and JSON that nests without end.

use erp_bridge::event::Status;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::{
    ledger,
    support::{Process, World, WorldOptions, contact, promoted},
};

/// The names by which a JSON library marks values of its own, also as they look to one who searches the text for them.
const MAGIC: [&str; 4] = [
    "$serde_json::private::RawValue",
    r"\u0024serde_json::private::RawValue",
    r"$serde_json\u003a:private::RawV\u0061lue",
    "$serde_json::private::Number",
];

/// JSON of about so many bytes: 120 arrays around one object with the one member `key`, whose text is such JSON again.
/// Read by one who believes the key, each text begins a depth of its own.
fn bomb(key: &str, bytes: usize) -> String {
    let mut inner = "1".to_owned();
    loop {
        let quoted = serde_json::to_string(&inner).unwrap();
        let next = format!("{}{{\"{key}\":{quoted}}}{}", "[".repeat(120), "]".repeat(120));
        if next.len() > bytes {
            return inner;
        }
        inner = next;
    }
}

/// An event with such JSON in a member that nobody reads.
fn armed(id: &str, member: &str, key: &str, bytes: usize) -> String {
    let mut event = promoted(&contact(id, 1), 80.0);
    event["data"][member] = json!("HERE");
    event.to_string().replace("\"HERE\"", &bomb(key, bytes))
}

#[tokio::test]
async fn json_that_pretends_to_be_a_librarys_own_ends_no_process() {
    let world = World::start().await;
    let bridge = Process::start(&world.sim.base_url(), &[]).await;
    for (number, key) in MAGIC.iter().enumerate() {
        for (name, bytes) in [("s", 17 * 1024), ("l", 255 * 1024)] {
            for member in ["extra", "sequence"] {
                let body = armed(&format!("{name}{number}"), member, key, bytes);
                let answered = bridge.sender.post(&format!("{name}{number}{member}"), body.clone()).await;
                let (status, answer) = answered.unwrap_or_else(|error| panic!("{key} {bytes} {member}: {error}"));
                assert_eq!(status, 202, "{key} {bytes} {member}: {answer}");
                let previewed = bridge.sender.call_raw("POST", "/v1/preview", Some(body)).await;
                assert!(matches!(previewed.0, 200 | 422), "{key} {bytes} {member}: {previewed:?}");
            }
        }
    }
    assert!(bridge.sender.is_alive().await);
}

#[tokio::test]
async fn a_ledger_that_holds_such_json_is_read_and_keeps_nobody_else_from_the_erp() {
    let mut world = World::with(WorldOptions { dispatch: false, ..WorldOptions::default() }).await;
    let armed = armed("armed", "extra", MAGIC[0], 60 * 1024);
    let (status, answer) = world.post_raw("armed", armed).await;
    assert_eq!(status, 202, "{answer}");
    let sound = world.accept("sound", &promoted(&contact("sound", 2), 80.0)).await;
    let armed = answer["id"].as_str().unwrap();
    let url = world.config.database.url.expose_secret().to_owned();
    for column in ["admission", "review", "resolution"] {
        let bomb = bomb(MAGIC[0], 60 * 1024);
        ledger::run(&url, &format!("update events set {column} = '{bomb}' where id = '{armed}'")).await;
    }
    // Rows that no reader of JSON takes at all.
    ledger::run(&url, &format!("update events set admission = '{}' where id = '{sound}'", "[".repeat(100_000))).await;
    world.restart_dispatching().await;
    world.until(&sound, &[Status::Succeeded]).await;
    world.until(armed, &[Status::Succeeded]).await;
    for id in [armed, &sound] {
        assert_eq!(world.call("GET", &format!("/v1/events/{id}"), None).await.0, 200);
    }
}

#[tokio::test]
async fn a_signed_body_that_nests_too_deep_is_refused_and_kept_for_operators() {
    let world = World::start().await;
    let nested = |arrays: usize| {
        let event = promoted(&contact("deep", 1), 80.0).to_string();
        let member = format!(r#""data":{{"extra":{}{},"#, "[".repeat(arrays), "]".repeat(arrays));
        event.replacen(r#""data":{"#, &member, 1)
    };
    // The arrays stand in two objects.
    assert_eq!(world.post_raw("d126", nested(126)).await.0, 202);
    for (id, body) in [("d127", nested(127)), ("d90000", nested(90_000)), ("cut", "{\"type\":".to_owned())] {
        let (status, answer) = world.post_raw(id, body).await;
        assert_eq!((status, answer["type"].as_str()), (400, Some("urn:erp-bridge:problem:invalid_json")), "{id}");
    }
    let (_, kept) = world.call("GET", "/v1/rejections", None).await;
    let kept = kept["items"].as_array().unwrap();
    let ids: Vec<_> = kept.iter().map(|rejection| rejection["webhook_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["cut", "d90000", "d127"]);
    assert!(kept[2]["errors"][0]["message"].as_str().unwrap().contains("nesting deeper than 128"), "{}", kept[2]);
}

#[tokio::test]
async fn a_mark_in_front_half_an_emoji_and_a_huge_number_are_no_reason_to_refuse() {
    let world = World::start().await;
    let mut event = promoted(&contact("odd", 1), 80.0);
    event["data"]["contact"]["notes"] = json!("HALF");
    event["data"]["extra"] = json!("HUGE");
    let body = event.to_string().replace("HALF", r"来自\ud83d朋友").replace("\"HUGE\"", "1e999");
    let body = format!("\u{feff}{body}");
    let (status, answer) = world.post_raw("odd", body.clone()).await;
    assert_eq!(status, 202, "{answer}");
    let row = world.until(answer["id"].as_str().unwrap(), &[Status::Succeeded]).await;
    assert_eq!(row.payload, Some(body), "it is kept as it came");
    assert!(format!("{:?}", world.sim.handle.customers()).contains("来自\u{fffd}朋友"));
    let huge_score = promoted(&contact("odd2", 2), 80.0).to_string().replace("80.0", "1e999");
    let (status, answer) = world.post_raw("odd2", huge_score).await;
    assert_eq!((status, answer["errors"][0]["pointer"].as_str()), (422, Some("/data/thread/score")), "{answer}");
    let _: Value = answer;
}
