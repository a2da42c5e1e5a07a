use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    super::{Channel, Direction},
    *,
};
use crate::clock::Millis;

/// A complete body of each type, every member in use.
fn body(kind: &str) -> Value {
    let mut data = json!({
        "contact": {
            "id": "wxc_1024", "name": " 王小明 ", "phone": "+86 138-0000-1234", "phone_verified": true,
            "wechat_id": "wxid_abc123", "company": "杭州示例科技有限公司", "source": "公众号", "notes": "喜欢喝茶",
            "address": "杭州市", "email": "wang@example.com", "job": "采购经理"
        },
        "thread": {"id": "t-1", "score": 86.5, "bucket": "WHITE", "previous_bucket": "GRAY"},
        "signal": {
            "id": "s-1", "content": " 你好 ", "direction": "outbound", "channel": "phone", "sent_at": "2026-11-23T07:04:05Z"
        },
        "sequence": 7
    });
    if kind == "deal.closed" {
        data["deal"] = json!({
            "id": "d-1", "title": "年度框架", "amount": "12800.00", "currency": "usd", "closed_at": "2026-11-23T15:04:05+08:00"
        });
    }
    if kind == "sync.requested" {
        data["requested_by"] = json!("小李");
    }
    json!({"type": kind, "timestamp": "2026-11-23T15:04:05+08:00", "data": data})
}

/// Read strictly; what a lenient door makes of the same is [`super::super::leniency`]'s.
fn parse(body: &Value) -> Result<Parsed, ParseError> {
    Event::parse(body.to_string().as_bytes(), &Reading { strict: true, ..Reading::default() })
}

fn event(body: &Value) -> Event {
    match parse(body) {
        Ok(Parsed::Event(event)) => *event,
        other => panic!("no event: {other:?}"),
    }
}

fn lenient(body: &Value) -> Event {
    match Event::parse(body.to_string().as_bytes(), &Reading::default()) {
        Ok(Parsed::Event(event)) => *event,
        other => panic!("no event: {other:?}"),
    }
}

fn pointers(body: &Value) -> Vec<String> {
    match parse(body) {
        Err(ParseError::Invalid { errors, .. }) => errors.into_iter().map(|error| error.pointer).collect(),
        Ok(_) => Vec::new(),
        other => panic!("neither valid nor invalid: {other:?}"),
    }
}

/// The body with one member set, or removed where `value` is `None`.
fn with(mut body: Value, pointer: &str, value: Option<Value>) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => drop(parent.insert(name.to_owned(), value)),
        None => drop(parent.remove(name)),
    }
    body
}

const TYPES: [&str; 4] = ["contact.promoted", "deal.closed", "message.logged", "sync.requested"];

#[test]
fn every_member_of_a_full_body_arrives() {
    let event = event(&body("deal.closed"));
    assert_eq!(event.kind(), EventKind::DealClosed);
    assert_eq!(event.occurred_at().rfc3339(), "2026-11-23T15:04:05.000+08:00");
    assert_eq!(event.sequence(), Some(7));
    let contact = event.contact();
    assert_eq!((contact.id(), contact.name()), ("wxc_1024", Some("王小明")));
    assert_eq!((contact.phone(), contact.mobile()), (Some("+86 138-0000-1234"), Some("13800001234")));
    assert!(contact.phone_verified());
    assert_eq!((contact.wechat_id(), contact.company()), (Some("wxid_abc123"), Some("杭州示例科技有限公司")));
    assert_eq!(contact.notes(), Some("喜欢喝茶"));
    assert_eq!((contact.address(), contact.email()), (Some("杭州市"), Some("wang@example.com")));
    assert_eq!(contact.job(), Some("采购经理"));
    assert_eq!(event.thread().unwrap().score(), Some(86.5));
    let signal = event.signal().unwrap();
    assert_eq!((signal.id(), signal.content()), ("s-1", " 你好 "));
    assert_eq!((signal.direction(), signal.channel()), (Direction::Outbound, Channel::Phone));
    assert_eq!(signal.sent_at().map(Millis::erp_local).as_deref(), Some("2026-11-23 15:04:05"));
    let deal = event.deal().unwrap();
    assert_eq!((deal.id(), deal.title()), ("d-1", Some("年度框架")));
    assert_eq!((deal.amount(), deal.currency()), (Some("12800.00"), "USD"));
    assert_eq!(deal.closed_at(), Some(event.occurred_at()));
}

#[test]
fn what_a_body_does_not_say_has_its_documented_default() {
    let minimal = event(&json!({"type": "deal.closed", "timestamp": "2026-11-23T15:04:05Z", "data": {
        "contact": {"id": "c", "name": "王小明"}, "deal": {"id": "d"}, "signal": {"id": "s", "content": "hi"}}}));
    assert!(!minimal.contact().phone_verified());
    assert_eq!((minimal.contact().phone(), minimal.contact().mobile()), (None, None));
    assert_eq!(minimal.deal().map(|deal| (deal.currency(), deal.amount())), Some(("CNY", None)));
    let signal = minimal.signal().unwrap();
    assert_eq!((signal.direction(), signal.channel(), signal.sent_at()), (Direction::Inbound, Channel::Wechat, None));
    assert!(minimal.thread().is_none() && minimal.sequence().is_none());
}

#[test]
fn each_type_requires_its_own_members() {
    let optional = |kind: &str, pointer: &str| match pointer {
        "/data/contact/name" => kind == "message.logged",
        "/data/thread" => kind != "contact.promoted",
        "/data/signal" => kind != "message.logged",
        _ => false,
    };
    for kind in TYPES {
        let mut required = vec!["/timestamp", "/data", "/data/contact", "/data/contact/id", "/data/contact/name"];
        required.extend(["/data/thread", "/data/thread/id", "/data/signal", "/data/signal/id", "/data/signal/content"]);
        if kind == "deal.closed" {
            required.extend(["/data/deal", "/data/deal/id"]);
        }
        for pointer in required {
            let expected: &[&str] = if optional(kind, pointer) { &[] } else { &[pointer] };
            assert_eq!(pointers(&with(body(kind), pointer, None)), expected, "{kind} without {pointer}");
            let null = with(body(kind), pointer, Some(Value::Null));
            assert_eq!(pointers(&null), expected, "{kind} with null {pointer}");
        }
    }
}

#[test]
fn a_blank_text_counts_as_absent() {
    for blank in ["", "  ", "\u{3000}\n", "\0"] {
        assert_eq!(
            pointers(&with(body("contact.promoted"), "/data/contact/name", Some(json!(blank)))),
            ["/data/contact/name"]
        );
        let event = lenient(&with(body("contact.promoted"), "/data/contact/email", Some(json!(blank))));
        assert_eq!(event.contact().email(), None);
    }
}

#[test]
fn each_text_may_be_as_long_as_the_erps_field_and_no_longer() {
    for (pointer, limit) in [
        ("/data/contact/name", 50),
        ("/data/contact/phone", 50),
        ("/data/contact/wechat_id", 50),
        ("/data/contact/company", 100),
        ("/data/contact/source", 50),
        ("/data/contact/notes", 4000),
        ("/data/contact/address", 200),
        ("/data/contact/job", 50),
        ("/data/contact/id", 48),
        ("/data/deal/title", 200),
        ("/data/deal/id", 100),
        ("/data/thread/id", 100),
        ("/data/signal/id", 100),
        ("/data/signal/content", 20_000),
    ] {
        let sized = |length: usize| with(body("deal.closed"), pointer, Some(json!("x".repeat(length))));
        assert!(pointers(&sized(limit - 1)).is_empty(), "{pointer} one below");
        assert!(pointers(&sized(limit)).is_empty(), "{pointer} at the limit");
        assert_eq!(pointers(&sized(limit + 1)), [pointer], "{pointer} one above");
    }
}

#[test]
fn a_persons_name_may_have_100_and_a_companys_contact_50_units() {
    let named = |kind: &str, name: String| with(body(kind), "/data/contact/name", Some(json!(name)));
    let person = |name: String| with(named("contact.promoted", name), "/data/contact/company", None);
    assert!(pointers(&person("王".repeat(100))).is_empty());
    assert!(pointers(&person("😀".repeat(50))).is_empty());
    assert_eq!(pointers(&person("王".repeat(101))), ["/data/contact/name"]);
    assert_eq!(pointers(&person("😀".repeat(51))), ["/data/contact/name"]);
    assert_eq!(pointers(&named("contact.promoted", "王".repeat(51))), ["/data/contact/name"]);
    assert!(pointers(&named("message.logged", "王".repeat(100))).is_empty());
    assert_eq!(pointers(&named("message.logged", "王".repeat(101))), ["/data/contact/name"]);
    let email = |length: usize| json!(format!("{}@example.com", "x".repeat(length - 12)));
    assert!(pointers(&with(body("deal.closed"), "/data/contact/email", Some(email(50)))).is_empty());
    assert_eq!(pointers(&with(body("deal.closed"), "/data/contact/email", Some(email(51)))), ["/data/contact/email"]);
}

#[test]
fn a_member_of_the_wrong_type_or_value_is_refused_by_its_pointer() {
    let long = "9".repeat(30);
    for (pointer, bad) in [
        ("/timestamp", vec![json!(1_764_000_000), json!("yesterday"), json!("2026-11-23 15:04:05")]),
        ("/data", vec![json!([]), json!("x"), json!(1)]),
        ("/data/contact", vec![json!("c1"), json!(["c1"]), json!(false)]),
        ("/data/contact/id", vec![json!(""), json!(1), json!("a b"), json!("客户")]),
        ("/data/contact/name", vec![json!(1), json!(["王"]), json!({})]),
        ("/data/contact/phone", vec![json!(13_800_001_234_i64)]),
        ("/data/contact/phone_verified", vec![json!("true"), json!(1)]),
        ("/data/contact/email", vec![json!("nobody"), json!("a@"), json!("@b.com"), json!("a b@c.com")]),
        ("/data/thread", vec![json!("t1"), json!([])]),
        ("/data/thread/score", vec![json!("86"), json!(-0.1), json!(100.1), json!(true)]),
        ("/data/thread/bucket", vec![json!("white"), json!(""), json!(1)]),
        ("/data/thread/previous_bucket", vec![json!("BLUE")]),
        ("/data/signal/content", vec![json!(""), json!(" \n"), json!(1)]),
        ("/data/signal/direction", vec![json!("in"), json!("Inbound")]),
        ("/data/signal/channel", vec![json!("sms"), json!(0)]),
        ("/data/signal/sent_at", vec![json!("2026-11-23"), json!(0)]),
        ("/data/deal/amount", vec![json!(12800), json!("-1"), json!("1,000"), json!(""), json!(long)]),
        ("/data/deal/currency", vec![json!("RMB元"), json!("CN"), json!(1)]),
        ("/data/deal/closed_at", vec![json!("2026-11-23T25:00:00Z")]),
        ("/data/sequence", vec![json!(-1), json!(1.5), json!("1"), json!(u64::MAX)]),
    ] {
        for value in bad {
            let changed = with(body("deal.closed"), pointer, Some(value.clone()));
            assert_eq!(pointers(&changed), [pointer], "{value}");
        }
    }
}

#[test]
fn everything_that_is_wrong_is_reported_at_once() {
    let broken = json!({"type": "contact.promoted", "data": {
        "contact": {"id": "a b", "name": 5, "phone": ["x"], "phone_verified": "yes", "email": "none"},
        "thread": {"score": 101, "bucket": 3}, "signal": "hello", "sequence": -1}});
    let expected = [
        "/data/contact/email",
        "/data/contact/id",
        "/data/contact/name",
        "/data/contact/phone",
        "/data/contact/phone_verified",
        "/data/sequence",
        "/data/signal",
        "/data/thread/bucket",
        "/data/thread/id",
        "/data/thread/score",
        "/timestamp",
    ];
    assert_eq!(pointers(&broken), expected);
}

#[test]
fn an_error_never_repeats_what_came() {
    let secret = "13812345678";
    for pointer in ["/timestamp", "/data/contact/id", "/data/contact/phone_verified", "/data/contact/email"] {
        let value = format!("{secret}, expected {secret} x");
        let error = parse(&with(body("deal.closed"), pointer, Some(json!(value)))).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(secret), "{pointer}");
    }
    let mut number = body("deal.closed");
    number["data"]["sequence"] = json!("13812345678");
    number["data"]["thread"]["score"] = json!(13_812_345_678_i64);
    let error = parse(&number).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(secret));
    let cut =
        Event::parse(br#"{"type": "13812345678", "x": 13812345678 13812345678"#, &Reading::default()).unwrap_err();
    assert!(!format!("{cut} {cut:?}").contains(secret));
    assert!(!format!("{:?}", parse(&body("deal.closed"))).contains("1380000"));
}

#[test]
fn an_invalid_body_still_tells_type_and_contact_if_it_can() {
    let unnamed = with(body("deal.closed"), "/data/contact/name", None);
    let Err(ParseError::Invalid { kind, contact_id, .. }) = parse(&unnamed) else { panic!("valid?") };
    assert_eq!((kind.as_deref(), contact_id.as_deref()), (Some("deal.closed"), Some("wxc_1024")));
    let untyped = with(body("deal.closed"), "/type", None);
    let Err(ParseError::Invalid { kind, contact_id, .. }) = parse(&untyped) else { panic!("valid?") };
    assert_eq!((kind, contact_id.as_deref()), (None, Some("wxc_1024")));
}

#[test]
fn a_type_that_nobody_handles_is_unknown_whatever_its_data() {
    let unknown = |kind: &str, id: Option<&str>| Parsed::Unknown { kind: kind.into(), contact_id: id.map(Into::into) };
    for (body, expected) in [
        (json!({"type": "contact.deleted"}), unknown("contact.deleted", None)),
        (json!({"type": "x", "data": 5, "timestamp": []}), unknown("x", None)),
        (json!({"type": "x", "data": {"contact": {"id": "c1"}}}), unknown("x", Some("c1"))),
        (json!({"type": "x", "data": {"contact": {"id": "c 1"}}}), unknown("x", None)),
        (json!({"type": "x", "data": {"contact": {"id": 1}}}), unknown("x", Some("1"))),
        (json!({"type": "contact.assign"}), unknown("contact.assign", None)),
        (json!({"type": "contact.apply"}), unknown("contact.apply", None)),
        (json!({"type": "contact.approval"}), unknown("contact.approval", None)),
        (json!({"type": "contact.takeback"}), unknown("contact.takeback", None)),
        (json!({"type": "deal_closed-2"}), unknown("deal_closed-2", None)),
        (json!({"type": "x".repeat(64)}), unknown(&"x".repeat(64), None)),
    ] {
        assert_eq!(parse(&body), Ok(expected), "{body}");
    }
}

#[test]
fn a_body_without_a_usable_type_is_invalid() {
    for (body, pointer) in [
        (json!([]), ""),
        (json!("contact.promoted"), ""),
        (json!(null), ""),
        (json!(1), ""),
        (json!({}), "/type"),
        (json!({"type": null}), "/type"),
        (json!({"type": 1}), "/type"),
        (json!({"type": ""}), "/type"),
        (json!({"type": "  "}), "/type"),
        (json!({"type": "a\0b"}), "/type"),
        (json!({"type": "Deal.Closed"}), "/type"),
        (json!({"type": "<script>"}), "/type"),
        (json!({"type": "类"}), "/type"),
        (json!({"type": "x".repeat(65)}), "/type"),
    ] {
        assert_eq!(pointers(&body), [pointer], "{body}");
    }
}

#[test]
fn what_is_not_json_is_said_to_be_so() {
    let deep = "[".repeat(200);
    for body in ["", " ", "{", "hello", "{'a': 1}", "{\"a\": NaN}", "{} {}", deep.as_str()] {
        assert!(matches!(Event::parse(body.as_bytes(), &Reading::default()), Err(ParseError::NotJson(_))), "{body:?}");
    }
    assert!(matches!(Event::parse(b"{\"type\": \"\xff\"}", &Reading::default()), Err(ParseError::NotJson(_))));
}

#[test]
fn unknown_members_and_those_of_other_types_are_passed_over() {
    for kind in TYPES {
        let mut extended = body(kind);
        extended["version"] = json!(2);
        extended["data"]["contact"]["tags"] = json!(["vip"]);
        extended["data"]["thread"]["owner"] = json!({"id": 1});
        extended["data"]["campaign"] = json!(5);
        if kind != "deal.closed" {
            extended["data"]["deal"] = json!("none");
        }
        if kind != "sync.requested" {
            extended["data"]["requested_by"] = json!({"name": "x"});
        }
        assert_eq!(lenient(&extended), event(&body(kind)), "{kind}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Event::parse(&bytes, &Reading::default());
    }

    #[test]
    fn no_value_anywhere_makes_it_panic_and_every_refusal_has_a_reason(
        place in 0usize..29, value in arbitrary_json(), kind in 0usize..4,
    ) {
        let mut body = body(TYPES[kind]);
        let all = all_pointers(&body);
        *body.pointer_mut(&all[place % all.len()]).unwrap() = value;
        match parse(&body) {
            Ok(_) => {}
            Err(ParseError::Invalid { errors, .. }) => {
                prop_assert!(!errors.is_empty());
                prop_assert!(errors.iter().all(|error| error.pointer.is_empty() || error.pointer.starts_with('/')));
                prop_assert!(errors.iter().all(|error| error.message != "is not a valid event"));
            }
            Err(ParseError::NotJson(message)) => prop_assert!(false, "{}", message),
        }
    }
}

fn all_pointers(value: &Value) -> Vec<String> {
    let Some(members) = value.as_object() else { return vec![String::new()] };
    let inner = members
        .iter()
        .flat_map(|(name, value)| all_pointers(value).into_iter().map(move |pointer| format!("/{name}{pointer}")));
    std::iter::once(String::new()).chain(inner).collect()
}

fn arbitrary_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let names = prop_oneof![Just("id".to_owned()), Just("contact".to_owned()), Just("data".to_owned()), ".{0,5}"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((names, inner), 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}
