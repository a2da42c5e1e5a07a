//! What a platform of the real world posts, as it has it (shapes of a Python hub with SQLite behind it), and the exact answer.

use erp_bridge::{
    config::Config,
    event::{EventKind, Rule, RuleSet},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    front::{Front, OPERATE, Wishes, promoted},
    support::{World, WorldOptions, events},
};

/// A row: what the platform has, the event, the answer's status and word, what it lays its finger on (the rules that do not
/// hold, and the pointers of errors and warnings), and the status of a strict door's answer.
struct Shape(&'static str, Value, u16, &'static str, &'static [&'static str], u16);

fn with(mut event: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(name.to_owned(), value);
    event
}

fn contact(pointer: &str, value: Value) -> Value {
    with(promoted("c1"), &format!("/data/contact/{pointer}"), value)
}

fn message(signal: Value) -> Value {
    json!({"type": "message.logged", "timestamp": "2026-11-23 15:04:05.123456",
        "data": {"contact": {"id": 12_345, "email": "-", "name": null}, "signal": signal}})
}

fn deal(deal: Value) -> Value {
    let mut event = promoted("c1");
    event["type"] = json!("deal.closed");
    event["data"]["deal"] = deal;
    event
}

fn shapes() -> Vec<Shape> {
    let uuid = "6f1c2a54-8c1e-4a43-9d7a-2f1f6f0f9a11";
    let said =
        |direction: &str| json!({"id": 7, "content": "你好", "direction": direction, "sent_at": "2026-11-23 15:04:05"});
    vec![
        Shape("a UUID as the contact's id", contact("id", json!(uuid)), 202, "queued", &[], 202),
        Shape("an integer as the contact's id", contact("id", json!(12_345)), 202, "queued", &[], 422),
        Shape("WX and an integer", contact("id", json!("WX12345")), 202, "queued", &[], 202),
        Shape(
            "a nickname as the contact's id",
            contact("id", json!("小明🌸")),
            422,
            "invalid_body",
            &["/data/contact/id"],
            422,
        ),
        Shape("an emoji in a nickname as the only name", contact("name", json!("小明🌸")), 202, "queued", &[], 202),
        Shape(
            "nothing but emoji as the name",
            contact("name", json!("🌸🌸")),
            200,
            "not_admitted",
            &["name_complete"],
            200,
        ),
        Shape("a customer code as the name", contact("name", json!("K-0042")), 202, "queued", &[], 202),
        Shape("None for whatever is unknown", contact("company", Value::Null), 202, "queued", &[], 202),
        Shape("no phone", contact("phone", Value::Null), 200, "not_admitted", &["phone_verified"], 200),
        Shape("1 from SQLite for verified", contact("phone_verified", json!(1)), 202, "queued", &[], 422),
        Shape(
            "0 from SQLite for verified",
            contact("phone_verified", json!(0)),
            200,
            "not_admitted",
            &["phone_verified"],
            422,
        ),
        Shape(
            "a WeChat id of 100",
            contact("wechat_id", json!("w".repeat(100))),
            202,
            "queued",
            &["/data/contact/wechat_id"],
            422,
        ),
        Shape(
            "a company of 200",
            contact("company", json!("司".repeat(200))),
            422,
            "invalid_body",
            &["/data/contact/company"],
            422,
        ),
        Shape(
            "an address of any length",
            contact("address", json!("路".repeat(900))),
            202,
            "queued",
            &["/data/contact/address"],
            422,
        ),
        Shape("no e-mail, in a word", contact("email", json!("无")), 202, "queued", &["/data/contact/email"], 422),
        Shape("no e-mail, as a dash", contact("email", json!("-")), 202, "queued", &["/data/contact/email"], 422),
        Shape("no e-mail, empty", contact("email", json!("")), 202, "queued", &[], 422),
        Shape(
            "K-code, owner, region, level",
            contact("k_code", json!({"owner": [1], "level": "A"})),
            202,
            "queued",
            &[],
            202,
        ),
        Shape("a known customer", contact("erp", json!({"ord": "7592", "khid": "K-0042"})), 202, "queued", &[], 202),
        Shape(
            "a hint that is none",
            contact("erp", json!({"ord": "K-0042"})),
            202,
            "queued",
            &["/data/contact/erp/ord"],
            422,
        ),
        Shape(
            "a score of one message",
            with(promoted("c1"), "/data/thread/score", json!(12)),
            200,
            "not_admitted",
            &["score"],
            200,
        ),
        Shape(
            "a promotion by a person",
            with(promoted("c1"), "/data/thread/score", json!(100)),
            202,
            "queued",
            &[],
            202,
        ),
        Shape("me", message(said("me")), 202, "held", &[], 422),
        Shape("them", message(said("them")), 202, "held", &[], 422),
        Shape(
            "a signal without text",
            message(json!({"id": "s1", "content": ""})),
            422,
            "invalid_body",
            &["/data/signal/content"],
            422,
        ),
        Shape(
            "a file without text",
            message(json!({"id": "s1", "content": null})),
            422,
            "invalid_body",
            &["/data/signal/content"],
            422,
        ),
        Shape("a deal of flags", deal(json!({"has_order": 1})), 422, "invalid_body", &["/data/deal/id"], 422),
        Shape(
            "a contract and a payment",
            deal(json!({"has_contract": 1, "has_payment": 0})),
            422,
            "invalid_body",
            &["/data/deal/id"],
            422,
        ),
        Shape(
            "flags beside a deal",
            deal(json!({"id": "d9", "has_order": true, "has_contract": 1, "has_payment": null})),
            202,
            "queued",
            &[],
            202,
        ),
        Shape("an amount as a float", deal(json!({"id": 9, "amount": 12_800.5})), 202, "queued", &[], 422),
        Shape(
            "a currency in words",
            deal(json!({"id": 9, "currency": "人民币"})),
            202,
            "queued",
            &["/data/deal/currency"],
            422,
        ),
        Shape(
            "a naive time",
            with(promoted("c1"), "/timestamp", json!("2026-11-23 15:04:05.123456")),
            202,
            "queued",
            &[],
            422,
        ),
        Shape(
            "an unknown bucket",
            with(promoted("c1"), "/data/thread/bucket", json!("white")),
            202,
            "queued",
            &["/data/thread/bucket"],
            422,
        ),
        Shape(
            "a channel of its own",
            with(promoted("c1"), "/data/signal", json!({"id": 1, "content": "在吗", "channel": "qywx"})),
            202,
            "queued",
            &["/data/signal/channel"],
            422,
        ),
    ]
}

#[tokio::test]
async fn each_shape_of_the_platforms_data_has_its_exact_answer() {
    let front = Front::open().await;
    for (number, Shape(name, event, status, word, told, _)) in shapes().into_iter().enumerate() {
        let answered = front.post_event(&format!("shape-{number}"), &event).await;
        let said = answered.body["status"].as_str().unwrap_or_else(|| answered.problem());
        assert_eq!((answered.status.as_u16(), said), (status, word), "{name}: {:?}", answered.body);
        let list = |name: &str| answered.body[name].as_array().cloned().unwrap_or_default();
        let warnings = list("warnings");
        let found = [list("reasons"), list("errors"), warnings.clone()].concat();
        let found: Vec<_> = found.iter().map(|it| it["rule"].as_str().or(it["pointer"].as_str()).unwrap()).collect();
        assert_eq!(found, told, "{name}: {:?}", answered.body);
        if let Some(id) = answered.body["id"].as_str() {
            let kept = front.rest(Method::GET, &format!("/v1/events/{id}"), OPERATE, &Value::Null).await;
            assert_eq!(kept.body["warnings"].as_array().cloned().unwrap_or_default(), warnings, "{name}");
        }
    }
}

#[tokio::test]
async fn a_strict_door_takes_the_exact_shapes_and_none_of_the_loose_ones() {
    let front = Front::with(Wishes { strict: true, ..Wishes::default() }).await;
    for (number, Shape(name, event, .., strict)) in shapes().into_iter().enumerate() {
        let answered = front.post_event(&format!("shape-{number}"), &event).await;
        assert_eq!(answered.status.as_u16(), strict, "{name}: {:?}", answered.body);
        assert!(answered.body["warnings"].as_array().is_none_or(Vec::is_empty), "{name}: {:?}", answered.body);
    }
}

/// What the platform's own ERP sync wished for: a deal admits whatever the score, and so does quality, or a number with a name.
#[tokio::test]
async fn the_platforms_wishes_are_admission_rules() {
    let configure = |config: &mut Config| {
        config.admission.min_score = 80.0;
        let wishes = RuleSet::any_of([vec![Rule::Score], vec![Rule::PhoneVerified, Rule::NameComplete]]);
        config.admission.rules.insert(EventKind::ContactPromoted, wishes);
        config.admission.rules.insert(EventKind::DealClosed, RuleSet::all_of(&[Rule::Deal]));
    };
    let options = WorldOptions { configure: Box::new(configure), dispatch: false, ..WorldOptions::default() };
    let world = World::with(options).await;
    let bare = |id: &str| json!({"id": id, "name": "王小明"});
    let wishes = [
        ("an order", events::deal(&bare("w1"), 12.0), 202, "queued"),
        ("quality", events::promoted(&bare("w2"), 80.0), 202, "queued"),
        ("a number and an inquiry", events::promoted(&events::contact("w3", 3), 30.0), 202, "queued"),
        ("an inquiry", events::promoted(&bare("w4"), 79.0), 200, "not_admitted"),
    ];
    for (number, (name, event, status, word)) in wishes.into_iter().enumerate() {
        let (answered, body) = world.post(&format!("wish-{number}"), &event).await;
        assert_eq!((answered, body["status"].as_str()), (status, Some(word)), "{name}: {body}");
    }
}

#[tokio::test]
async fn what_is_signed_and_cannot_be_read_is_kept_for_operators() {
    let front = Front::open().await;
    let answered = front.post_event("no-event", &json!("not an object")).await;
    assert_eq!(answered.status, 422);
    let deep = crate::posts::Post::of("[".repeat(200)).send(&front).await;
    assert_eq!((deep.status.as_u16(), deep.problem()), (400, "invalid_json"));
    assert_eq!(front.stored().await, (0, 2));
}
