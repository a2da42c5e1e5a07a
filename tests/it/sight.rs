//! What may be seen: secrets of every kind are planted wherever foreign words can stand, and looked for in everything that a
//! `read` token, or nobody's, can ask for, in the stream and in the log.

mod plant;
mod search;

use std::time::Duration;

use erp_bridge::{
    config::{AlertTarget, BaseUrl, Config, HookUrl, TargetKind},
    event::Status,
    store::{Advance, CallRow, DoneStep, NewStep, Settlement, StepFacts, Store},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::front::{Front, OPERATE, READ, promoted as front_promoted};
use crate::support::{Collector, Log, Receiver, World, WorldOptions, contact, eventually, message, promoted};

use self::{
    plant::{KINDS, Secret, bodies, refused_bodies, secrets},
    search::{everything, operator_sees},
};

/// Ends the oldest event that waits as a worker would after this answer of the ERP.
async fn end(store: &Store, status: Status, words: &str, facts: Value) {
    let mut lease = store.claim(1, Duration::from_secs(60)).await.unwrap().remove(0).lease;
    let call = CallRow {
        step: "survey".into(),
        interface: "客户列表".into(),
        started_at: lease.until,
        duration_ms: 7,
        outcome: "refused".into(),
        request: json!({"name": words, "mobile": words, "intro": words, "ord": words, "khid": "K-1"}),
        response: words.into(),
    };
    let step = NewStep {
        name: "save_customer".into(),
        step: json!({"do": "save_customer", "fields": [{"id": "name", "val": words}]}),
        fingerprint: None,
        facts: StepFacts::default(),
        begun: None,
    };
    store.plan(&mut lease, &[step], vec![call]).await.unwrap();
    let done = Advance { done: vec![DoneStep::new(0, json!({"said": words}))], ..Advance::default() };
    store.advance(&mut lease, &done).await.unwrap();
    let review = (status == Status::NeedsReview).then_some(facts);
    let settlement = Settlement { review, ..Settlement::to(status).because("refused", words) };
    store.settle(lease, settlement).await.unwrap();
}

/// One event of each kind of secret that is dead, and one that a person must decide.
async fn fail_with(world: &World, secrets: &[Secret]) {
    for (number, secret) in secrets.iter().enumerate() {
        let words = secret.text.as_str();
        for status in [Status::Dead, Status::NeedsReview] {
            let id = format!("fail-{number}-{status}");
            world.accept(&id, &promoted(&contact(&id, 40), 82.0)).await;
            let candidate = json!({"ord": 7_592, "khid": "K-1", "name": words, "mobile": words, "salesperson": words, "added": words});
            let facts =
                json!({"matched_by": "mobile", "candidates": [candidate], "decisions": ["link"], "said": words});
            end(&world.app.store, status, words, facts).await;
        }
    }
}

/// A record of the ERP that has a secret in each of these fields.
fn of_all(fields: &[&str], secret: &Secret) -> Value {
    fields.iter().map(|field| ((*field).to_owned(), Value::from(secret.text.as_str()))).collect()
}

/// The ERP refuses what it is asked to store in words that hold each secret, and finds others like it.
async fn refuse_with(world: &World, secrets: &[Secret]) {
    for (number, secret) in secrets.iter().enumerate() {
        for (kind, words) in [("words", "不能保存"), ("same", "已存在，客户资料重复")] {
            let rule = format!("customer.add:refuse:text={}{words}", secret.text);
            world.sim.handle.fault(&rule).unwrap();
            let phone = 50 + u32::try_from(number).unwrap() * 2 + u32::from(kind == "same");
            world
                .accept(&format!("{kind}-{number}"), &promoted(&contact(&format!("{kind}{number}"), phone), 82.0))
                .await;
            world.app.dispatcher.run_due().await;
            world.sim.handle.clear_faults();
        }
    }
    let asked = world.sim.handle.calls_of("customer.add").len();
    assert!(asked >= 2 * secrets.len(), "{asked} were refused");
}

/// A customer whose records in the ERP (洽谈进展) hold every secret; each further one is looked for among those before it.
async fn record(world: &World, secrets: &[Secret]) {
    world.accept("recorded", &promoted(&contact("recorded", 43), 82.0)).await;
    world.app.dispatcher.run_due().await;
    for (number, secret) in secrets.iter().enumerate() {
        world.accept(&format!("record-{number}"), &message("recorded", number, &secret.text)).await;
    }
    world.app.dispatcher.run_due().await;
    world.idle(Duration::from_secs(1)).await;
    let records = world.sim.handle.progress_of(world.ord_of("recorded").await);
    assert!(records.len() >= secrets.len(), "{records:?}");
    let read = world.sim.handle.calls_of("progress.list").len();
    assert!(read >= secrets.len(), "they were read {read} times");
}

/// An event whose corrected body holds every secret.
async fn correct(world: &World, secrets: &[Secret]) {
    let dead = world.events().await.into_iter().find(|event| event.status == Status::Dead).unwrap();
    let mut data = promoted(&contact(dead.contact_id.as_deref().unwrap(), 40), 82.0)["data"].clone();
    let words: Vec<&str> = secrets.iter().map(|secret| secret.text.as_str()).collect();
    data["contact"]["notes"] = json!(words.join("；"));
    let body = json!({ "data": data, "reason": words.join("；") });
    let (status, answer) = world.call("POST", &format!("/v1/events/{}/amend", dead.id), Some(body)).await;
    assert_eq!(status, 200, "{answer}");
}

/// The key in a robot's address, and what write-back is signed with.
const ROBOT_KEY: &str = "geheimer-schluessel";
const PLATFORM_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FVsBQIhrs=";

/// Tells people of what is wrong, the platform of everything, and a collector of what is done.
fn told(robot: &str, platform: &str, collector: &str) -> Box<dyn Fn(&mut Config) + Send> {
    let (robot, platform): (HookUrl, HookUrl) = (robot.parse().unwrap(), platform.parse().unwrap());
    let collector = collector.parse::<BaseUrl>().unwrap();
    let target = AlertTarget { kind: TargetKind::Webhook, url: robot, secret: None };
    Box::new(move |config| {
        config.telemetry.otlp_endpoint = Some(collector.clone());
        config.alerts.targets = vec![target.clone()];
        config.writeback.url = Some(platform.clone());
        config.writeback.secret = Some(PLATFORM_SECRET.parse().unwrap());
        config.writeback.succeeded = true;
    })
}

/// What looks like other words, and so is not hidden in the ERP's own; it knows neither a token nor a secret of the bridge.
const LIKE_OTHER_WORDS: [&str; 6] = ["address", "name", "chat", "session of the ERP", "API token", "webhook secret"];

/// People are told of what is wrong and of nobody. The platform is told the ERP's own words, but no number and no account in
/// them, and no key.
fn assert_told(robot: &Receiver, platform: &Receiver, secrets: &[Secret]) {
    let (alerts, told) = (robot.received(), platform.received());
    assert!(alerts.len() > 1 && told.len() > 20, "{} alerts, {} messages", alerts.len(), told.len());
    for kind in ["event.dead", "event.needs_review"] {
        let of_kind = told.iter().filter(|message| message.body["type"] == kind).count();
        assert!(of_kind >= secrets.len(), "of {of_kind} is told that they are {kind}");
    }
    for alert in alerts {
        let text = alert.body.to_string();
        let shown = secrets.iter().find(|secret| secret.shows_in(&text));
        assert!(shown.is_none(), "an alert shows a {}: {text}", shown.unwrap().kind);
    }
    for message in told {
        let text = format!("{:?} {}", message.headers, message.body);
        assert!(!text.contains(PLATFORM_SECRET) && !text.contains(ROBOT_KEY), "{text}");
        let mut hidden = secrets.iter().filter(|secret| !LIKE_OTHER_WORDS.contains(&secret.kind));
        let shown = hidden.find(|secret| secret.shows_in(&text));
        assert!(shown.is_none(), "the platform is told a {}: {text}", shown.unwrap().kind);
    }
}

/// Traces show ids and words of the bridge's own.
async fn assert_traced(collector: &Collector, secrets: &[Secret]) {
    let traced = eventually("everything is traced", Duration::from_secs(60), async || {
        let spans = collector.spans();
        (spans.iter().any(|span| span.name.starts_with("erp ")) && spans.len() > 100).then_some(spans)
    })
    .await;
    let text = format!("{traced:?} {}", collector.text());
    for secret in secrets {
        assert!(!secret.shows_in(&text), "a trace shows a {}", secret.kind);
    }
    for key in [ROBOT_KEY, PLATFORM_SECRET] {
        assert!(!text.contains(key), "a trace shows a key");
    }
}

#[tokio::test]
async fn nothing_that_read_may_not_see_is_shown_or_found_or_logged() {
    // The runtime has one thread here, so everything that the bridge says goes through its subscriber.
    let (log, _until_the_end) = Log::begin();
    let (robot, platform, collector) = (Receiver::start().await, Receiver::start().await, Collector::start().await);
    let world = World::with(WorldOptions {
        dispatch: false,
        configure: told(&robot.url, &platform.url, collector.address()),
        ..WorldOptions::default()
    })
    .await;
    let secrets = secrets();
    let followed = tokio::spawn(search::follow(world.url("/v1/stream?seconds=2")));
    // What the ERP knows of others, two of them under the number of one contact.
    let person = |secret: &Secret| {
        let mut person = of_all(&["name", "address", "intro", "weixinAcc", "email", "job", "product", "faren"], secret);
        person["mobile"] = "13800000041".into();
        person
    };
    let customers: Vec<Value> = secrets.iter().map(person).collect();
    let seeded = world.sim.handle.seed(&serde_json::from_value(json!({ "customers": customers })).unwrap()).unwrap();
    // Each is somebody's whose account is called so.
    for (user, (customer, secret)) in (9_000..).zip(seeded.customers.iter().zip(&secrets)) {
        world.sim.handle.add_user(user, &secret.text);
        assert!(world.sim.handle.assign(*customer, user));
    }
    // Contact persons of theirs, one of them under the number of another contact.
    let customer = seeded.customers[0].to_string();
    let colleague = |secret: &Secret| {
        let mut colleague = of_all(&["person_name", "weixinAcc", "email", "job", "intro"], secret);
        (colleague["company"], colleague["mobile"]) = (json!(customer), "13800000042".into());
        colleague
    };
    let colleagues: Vec<Value> = secrets.iter().map(colleague).collect();
    world.sim.handle.seed(&serde_json::from_value(json!({ "contacts": colleagues })).unwrap()).unwrap();
    world.accept("colleague", &promoted(&contact("colleague", 42), 82.0)).await;
    world.accept("conflict", &promoted(&contact("conflict", 41), 82.0)).await;
    world.app.dispatcher.run_due().await;
    record(&world, &secrets).await;
    fail_with(&world, &secrets).await;
    refuse_with(&world, &secrets).await;
    for shift in 0..KINDS {
        for (number, body) in bodies(&secrets, shift).iter().enumerate() {
            let (status, answer) = world.post(&format!("e{shift}-{number}"), body).await;
            assert!(matches!(status, 200 | 202), "{answer} {body}");
        }
        for (number, body) in refused_bodies(&secrets, shift).iter().enumerate() {
            let (status, answer) = world.post(&format!("r{shift}-{number}"), body).await;
            assert!(matches!(status, 200 | 202 | 422), "{answer}");
        }
    }
    world.app.dispatcher.run_due().await;
    correct(&world, &secrets).await;
    while world.app.store.note_strangers().await.unwrap() {}
    operator_sees(&world, &secrets).await;
    for (path, shown) in everything(&world, &secrets).await {
        for secret in &secrets {
            assert!(!secret.shows_in(&shown), "{path} shows a {}: {shown}", secret.kind);
        }
    }
    world.app.alerts.as_ref().unwrap().round().await.unwrap();
    world.app.write_back.as_ref().unwrap().run_due().await;
    let (followed, logged) = (followed.await.unwrap(), log.text());
    assert_told(&robot, &platform, &secrets);
    assert_traced(&collector, &secrets).await;
    assert!(!logged.contains(ROBOT_KEY) && !logged.contains(PLATFORM_SECRET), "the log shows a key: {logged}");
    assert!(followed.contains("contact.promoted") && logged.lines().count() > 100, "{followed} {logged}");
    for secret in &secrets {
        assert!(!secret.shows_in(&followed), "the stream shows a {}: {followed}", secret.kind);
        let line = logged.lines().find(|line| secret.shows_in(line));
        assert_eq!(line, None, "the log shows a {}", secret.kind);
    }
}

#[tokio::test]
async fn a_customer_number_that_read_is_not_shown_finds_nobody_for_it_and_pages_stay_whole() {
    let front = Front::open().await;
    for (contact, ord, khid) in [
        ("a1", 7_001, "13987654321"),
        ("a2", 7_002, "K-139"),
        ("a3", 7_003, "张伟13987654322"),
        ("a4", 7_004, "WX139x"),
        ("a139", 7_005, "欧阳139"),
    ] {
        front.post_event(contact, &front_promoted(contact)).await;
        front.link(ord, khid).await;
    }
    let found = async |token: &str, q: &str, limit: usize| {
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/contacts?q={q}&limit={limit}&cursor={cursor}");
            let page = front.rest(Method::GET, &path, token, &Value::Null).await.body;
            let items = page["items"].as_array().unwrap();
            ids.extend(items.iter().map(|item| item["contact_id"].as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(next) => {
                    assert_eq!(items.len(), limit, "{page}");
                    cursor = next.to_owned();
                }
                None => return ids,
            }
        }
    };
    for limit in [1, 2, 3, 50] {
        assert_eq!(found(READ, "139", limit).await, ["a139", "a2", "a4"], "{limit}");
        assert_eq!(found(OPERATE, "139", limit).await, ["a1", "a139", "a2", "a3", "a4"], "{limit}");
        assert!(found(READ, "13987654321", limit).await.is_empty());
        assert!(found(READ, "%E5%BC%A0%E4%BC%9F", limit).await.is_empty());
        assert_eq!(found(READ, "7001", limit).await, ["a1"], "by its record");
        assert_eq!(found(READ, "A139", limit).await, ["a139"], "by the contact's id");
    }
}
