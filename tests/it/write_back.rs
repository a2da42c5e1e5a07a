//! Write-back (回写): the platform hears what became of its events, signed, in order per contact, whatever is away or dies.

use std::time::Duration;

use erp_bridge::{
    clock::{Clock, Millis},
    config::Config,
    event::Status,
    store::{Addressee, Settlement},
};
use serde_json::{Value, json};

use crate::support::{
    Log, Process, Receiver, World, WorldOptions, contact, eventually, message, promoted, receiver::Received,
};

const LIMIT: Duration = Duration::from_secs(60);
const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FVsBQIhrs=";
const START: Millis = Millis(1_795_500_000_000);

fn configure(url: &str, succeeded: bool) -> Box<dyn Fn(&mut Config) + Send> {
    let url = url.to_owned();
    Box::new(move |config| {
        config.writeback.url = Some(url.parse().unwrap());
        config.writeback.secret = Some(SECRET.parse().unwrap());
        config.writeback.succeeded = succeeded;
        config.writeback.timeout = Duration::from_secs(2);
    })
}

/// A bridge that is driven by hand and writes back there.
async fn by_hand(url: &str, succeeded: bool) -> (World, Clock) {
    let clock = Clock::manual(START);
    let options = WorldOptions {
        dispatch: false,
        clock: clock.clone(),
        configure: configure(url, succeeded),
        ..WorldOptions::default()
    };
    (World::with(options).await, clock)
}

async fn deliver(world: &World) -> usize {
    world.app.write_back.as_ref().unwrap().run_due().await
}

fn kinds(received: &[Received]) -> Vec<Value> {
    received.iter().map(|received| received.body["type"].clone()).collect()
}

/// Judged by another's reading of the scheme, at the moment that the sender says.
fn assert_signed(received: &Received) {
    let header = |name: &str| received.headers[name].to_str().unwrap();
    let seconds: i64 = header("webhook-timestamp").parse().unwrap();
    let expected = standardwebhooks::Webhook::new(SECRET).unwrap().sign(header("webhook-id"), seconds, &received.bytes);
    assert_eq!(header("webhook-signature"), expected.unwrap());
}

#[tokio::test]
async fn the_platform_hears_of_links_and_of_what_failed_with_exactly_the_members_of_the_contract() {
    let platform = Receiver::start().await;
    let (world, _) = by_hand(&platform.url, false).await;
    let promoted_id = world.accept("p1", &promoted(&contact("c1", 1), 70.0)).await;
    let (_, refused) = world.post("p2", &promoted(&contact("c2", 2), 10.0)).await;
    world.app.dispatcher.run_due().await;
    assert_eq!(world.event(&promoted_id).await.status, Status::Succeeded);
    deliver(&world).await;
    let received = platform.received();
    received.iter().for_each(assert_signed);
    let of = |kind: &str| received.iter().find(|received| received.body["type"] == kind).unwrap().body.clone();
    let linked = of("contact.linked");
    let ord = world.ord_of("c1").await;
    let expected = json!({"contact_id": "c1", "ord": ord, "khid": "WXc1", "kind": "person", "linked_by": "created"});
    assert_eq!(linked["data"], expected);
    assert_eq!(linked["timestamp"], json!(START.rfc3339()));
    let refusal = of("event.not_admitted");
    let members: Vec<_> = refusal["data"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["event_id", "webhook_id", "contact_id", "reasons"]);
    assert_eq!((&refusal["data"]["event_id"], &refusal["data"]["webhook_id"]), (&refused["id"], &json!("p2")));
    assert_eq!(refusal["data"]["reasons"][0]["rule"], "score");
    assert_eq!(received.len(), 2, "success is not told unless that is configured: {:?}", kinds(&received));
}

#[tokio::test]
async fn the_erp_s_words_reach_the_platform_without_the_numbers_in_them() {
    let platform = Receiver::start().await;
    let (world, _) = by_hand(&platform.url, false).await;
    for status in [Status::Dead, Status::NeedsReview] {
        world.accept(&format!("p-{status}"), &promoted(&contact(&format!("c-{status}"), 1), 70.0)).await;
        let lease = world.app.store.claim(1, LIMIT).await.unwrap().remove(0).lease;
        let end =
            Settlement::to(status).because("refused", "手机 13987654321 已被客户 K-7 使用，邮箱 lihua@example.com");
        world.app.store.settle(lease, end).await.unwrap();
    }
    deliver(&world).await;
    let told: Vec<Value> = platform.received().iter().map(|message| message.body["data"]["message"].clone()).collect();
    assert_eq!(told, ["手机 139****4321 已被客户 K-7 使用，邮箱 l****@example.com"; 2].map(|words| json!(words)));
}

#[tokio::test]
async fn a_contact_s_messages_arrive_in_order_although_the_platform_is_away_now_and_then() {
    let platform = Receiver::start().await;
    let options = WorldOptions { configure: configure(&platform.url, true), ..WorldOptions::default() };
    let world = World::with(options).await;
    platform.answer_next(&[503, 500, 429, 503]);
    let mut sent = Vec::new();
    for number in 0..5 {
        let contact = contact(&format!("c{number}"), number);
        sent.push(world.accept(&format!("p{number}"), &promoted(&contact, 70.0)).await);
        for text in 0..4 {
            let event = message(&format!("c{number}"), text, "在吗");
            sent.push(world.accept(&format!("m{number}-{text}"), &event).await);
        }
    }
    eventually("everything is told", LIMIT, async || {
        let done = world.app.store.outbox_waits(Addressee::Platform).await.unwrap().waiting == 0;
        let told = platform.received().iter().filter(|received| received.body["type"] == "event.succeeded").count();
        (done && told >= sent.len()).then_some(())
    })
    .await;
    let received = platform.received();
    received.iter().for_each(assert_signed);
    for number in 0..5 {
        let of_contact = |received: &&Received| received.body["data"]["contact_id"] == format!("c{number}");
        let mut order: Vec<Value> = Vec::new();
        for received in received.iter().filter(of_contact) {
            let id = received.body["data"]["webhook_id"].clone();
            // A resend of what was answered with an error comes before anything later.
            if order.last() != Some(&id) {
                order.push(id);
            }
        }
        let expected: Vec<Value> = [json!(null), json!(format!("p{number}"))]
            .into_iter()
            .chain((0..4).map(|text| json!(format!("m{number}-{text}"))))
            .collect();
        assert_eq!(order, expected, "the link first, then the events");
    }
}

#[tokio::test]
async fn what_the_platform_never_takes_is_on_the_dead_list_and_can_be_replayed_or_discarded() {
    let platform = Receiver::start().await;
    let (world, clock) = by_hand(&platform.url, false).await;
    for number in 0..3 {
        platform.answer_next(&[410]);
        world.post(&format!("p{number}"), &promoted(&contact(&format!("c{number}"), 1), 10.0)).await;
        assert_eq!(deliver(&world).await, 1, "410 is for ever");
    }
    let (_, list) = world.call("GET", "/v1/outbox", None).await;
    let errors: Vec<_> = list["items"].as_array().unwrap().iter().map(|item| item["error"].clone()).collect();
    assert_eq!(errors, ["HTTP 410"; 3].map(|words| json!(words)));
    let id = |index: usize| list["items"][index]["id"].as_str().unwrap().to_owned();
    assert_eq!(world.call("POST", &format!("/v1/outbox/{}/discard", id(0)), None).await.0, 200);
    assert_eq!(world.call("POST", &format!("/v1/outbox/{}/replay", id(1)), None).await.0, 200);
    assert_eq!(world.call("POST", &format!("/v1/outbox/{}/replay", id(1)), None).await.0, 404, "it is dead no more");
    assert_eq!(deliver(&world).await, 1);
    let (_, list) = world.call("GET", "/v1/outbox", None).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    // All else is tried by the schedule, ten times, and then no more: it may be a proxy's word, a secret that is being
    // changed, or a receiver with a fault that somebody mends.
    platform.answer_next(&[503, 404, 401, 403, 405, 302, 400, 413, 422, 503, 422]);
    world.post("p9", &promoted(&contact("c9", 9), 10.0)).await;
    for attempt in 1..=11 {
        assert_eq!(deliver(&world).await, 1, "attempt {attempt}");
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(deliver(&world).await, 0);
    assert_eq!(world.app.store.outbox_waits(Addressee::Platform).await.unwrap().dead, 2);
}

#[tokio::test]
async fn a_message_that_is_refused_is_one_line_of_the_log_until_nobody_tries_it_any_more() {
    // The runtime has one thread here, so everything that the bridge says goes through its subscriber.
    let (log, _until_the_end) = Log::begin();
    let platform = Receiver::start().await;
    let (world, clock) = by_hand(&platform.url, false).await;
    platform.answer_next(&[500, 503, 422, 410]);
    world.post("p1", &promoted(&contact("c1", 1), 10.0)).await;
    let before = log.loud().len();
    for attempt in 1..=3 {
        assert_eq!(deliver(&world).await, 1, "attempt {attempt}");
        clock.advance(Duration::from_secs(1));
        let lines = log.loud().split_off(before);
        assert!(lines.len() == 1 && lines[0].contains("WARN") && lines[0].contains("HTTP 500"), "{lines:?}");
    }
    assert_eq!(deliver(&world).await, 1);
    let lines = log.loud().split_off(before);
    assert!(lines.len() == 2 && lines[1].contains("ERROR") && lines[1].contains("HTTP 410"), "{lines:?}");
}

#[tokio::test]
async fn nobody_listens_and_nothing_is_lost() {
    let platform = Receiver::start().await;
    let url = platform.url.clone();
    drop(platform);
    let (world, _) = by_hand(&url, false).await;
    world.post("p1", &promoted(&contact("c1", 1), 10.0)).await;
    assert_eq!(deliver(&world).await, 1);
    let waiting = world.app.store.messages(false, None, 10).await.unwrap();
    let words = waiting[0].error.clone().unwrap();
    assert!(words.contains("no connection") && !words.contains("schluessel"), "{words}");
}

#[tokio::test]
async fn a_process_that_is_killed_between_sending_and_noting_tells_it_again_with_the_same_id() {
    // It takes the message, and answers only when the bridge is dead.
    let platform = Receiver::slow(Duration::from_secs(8)).await;
    let (url, timeout) = (platform.url.as_str(), "10s");
    let variables = [("WRITEBACK__URL", url), ("WRITEBACK__SECRET", SECRET), ("WRITEBACK__TIMEOUT", timeout)];
    let mut process = Process::start("http://127.0.0.1:9", &variables).await;
    process.sender.post("p1", promoted(&contact("c1", 1), 10.0).to_string()).await.unwrap();
    let first = eventually("it has come", LIMIT, async || platform.received().first().cloned()).await;
    process.kill();
    process.restart().await;
    // Once the lease of the dead process is over.
    let again = eventually("it is sent again", LIMIT, async || platform.received().get(1).cloned()).await;
    assert_signed(&again);
    assert_eq!(again.headers["webhook-id"], first.headers["webhook-id"]);
    assert_eq!(again.bytes, first.bytes);
}
