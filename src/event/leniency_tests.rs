use serde_json::json;

use super::*;
use crate::event::{Direction, Event, ParseError, Parsed};

fn body(kind: &str) -> Value {
    json!({"type": kind, "timestamp": "2026-11-23T15:04:05+08:00", "data": {
        "contact": {"id": "c1", "name": "王小明", "phone": "13800001234", "phone_verified": true},
        "thread": {"id": "t1", "score": 80},
        "signal": {"id": "s1", "content": "你好"},
        "deal": {"id": "d1"}}})
}

fn with(kind: &str, pointer: &str, value: Value) -> Value {
    let mut body = body(kind);
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(name.to_owned(), value);
    body
}

fn read(body: &Value, reading: &Reading) -> Result<Event, Vec<String>> {
    match Event::parse(body.to_string().as_bytes(), reading) {
        Ok(Parsed::Event(event)) => Ok(*event),
        Err(ParseError::Invalid { errors, .. }) => Err(errors.into_iter().map(|error| error.pointer).collect()),
        other => panic!("neither an event nor invalid: {other:?}"),
    }
}

fn lenient(body: &Value) -> Event {
    read(body, &Reading::default()).unwrap_or_else(|errors| panic!("{errors:?}: {body}"))
}

fn strict() -> Reading {
    Reading { strict: true, ..Reading::default() }
}

/// The pointers and first words of an event's warnings.
fn warnings(event: &Event) -> Vec<(String, String)> {
    let first = |message: &str| message.split([' ', '：']).next().unwrap_or_default().to_owned();
    event.warnings().iter().map(|warning| (warning.pointer.clone(), first(&warning.message))).collect()
}

#[test]
fn what_can_mean_only_one_thing_is_taken_without_a_word() {
    for (pointer, value) in [
        ("/data/contact/id", json!(42)),
        ("/data/thread/id", json!(7)),
        ("/data/signal/id", json!(12_345_678_901_234_567_u64)),
        ("/data/deal/id", json!(0)),
        ("/data/contact/phone_verified", json!(0)),
        ("/data/contact/phone_verified", json!(1)),
        ("/data/contact/phone_verified", json!("")),
        ("/timestamp", json!("2026-11-23 15:04:05.123456")),
        ("/timestamp", json!("2026-11-23T15:04:05")),
        ("/timestamp", json!("2026-11-23 15:04:05+08:00")),
        ("/timestamp", json!("2026-11-23T15:04:05+0800")),
        ("/timestamp", json!("2026-11-23 15:04:05.123456+08")),
        ("/data/signal/sent_at", json!("2026-11-23 15:04:05")),
        ("/data/signal/sent_at", json!("")),
        ("/data/deal/closed_at", json!("2026-11-23 15:04:05Z")),
        ("/data/deal/amount", json!(12_800)),
        ("/data/deal/amount", json!(12_800.5)),
        ("/data/deal/amount", json!("")),
        ("/data/signal/direction", json!("me")),
        ("/data/signal/direction", json!("them")),
        ("/data/signal/direction", json!("")),
        ("/data/signal/channel", json!("")),
        ("/data/thread", json!("")),
        ("/data/signal", json!("")),
        ("/data/thread/bucket", json!("")),
        ("/data/thread/score", json!("")),
        ("/data/deal/currency", json!("")),
        ("/data/deal/title", json!("")),
        ("/data/sequence", json!("")),
        ("/data/contact/phone", json!("")),
        ("/data/contact/wechat_id", json!("")),
        ("/data/contact/company", json!("")),
        ("/data/contact/source", json!("")),
        ("/data/contact/notes", json!(" ")),
        ("/data/contact/address", json!("")),
        ("/data/contact/email", json!("")),
        ("/data/contact/job", json!("")),
        ("/data/contact/erp", json!({"ord": ""})),
        ("/data/contact/erp", json!({"khid": ""})),
    ] {
        let body = with("deal.closed", pointer, value.clone());
        let event = lenient(&body);
        assert!(event.warnings().is_empty(), "{pointer} {value}: {:?}", event.warnings());
        let refused = read(&body, &strict()).map_err(|places| places.iter().all(|place| place.starts_with(pointer)));
        assert_eq!(refused.map(drop), Err(true), "{pointer} {value}");
    }
}

#[test]
fn it_means_what_it_says() {
    assert_eq!(lenient(&with("deal.closed", "/data/contact/id", json!(42))).contact().id(), "42");
    assert!(lenient(&with("deal.closed", "/data/contact/phone_verified", json!(1))).contact().phone_verified());
    assert!(!lenient(&with("deal.closed", "/data/contact/phone_verified", json!(0))).contact().phone_verified());
    for (amount, text) in [
        (json!(12_800), "12800"),
        (json!(12_800.5), "12800.5"),
        (json!(12_800.0), "12800"),
        (json!(1.2345), "1.2345"),
        (json!(0.1 + 0.2), "0.3"),
        (json!(1.23456), "1.2346"),
        (json!(1e-9), "0"),
    ] {
        let event = lenient(&with("deal.closed", "/data/deal/amount", amount));
        assert_eq!(event.deal().and_then(|deal| deal.amount()), Some(text));
    }
    for (spoken, direction) in [("me", Direction::Outbound), ("them", Direction::Inbound)] {
        let event = lenient(&with("deal.closed", "/data/signal/direction", json!(spoken)));
        assert_eq!(event.signal().map(|signal| signal.direction()), Some(direction));
    }
}

#[test]
fn a_time_without_zone_is_read_in_the_configured_one() {
    let naive = with("deal.closed", "/timestamp", json!("2026-11-23 15:04:05.123456"));
    let moment = |zone: &str| {
        let reading = Reading { zone: TimeZone::get(zone).unwrap(), ..Reading::default() };
        read(&naive, &reading).unwrap().occurred_at().rfc3339()
    };
    assert_eq!(moment("Asia/Shanghai"), "2026-11-23T15:04:05.123+08:00");
    assert_eq!(moment("UTC"), "2026-11-23T23:04:05.123+08:00");
    for no_time in ["2026-11-23", "15:04:05", "2026-11-23 15:04", "2026-13-23 15:04:05", "2026-11-23_15:04:05", "昨天"]
    {
        let body = with("deal.closed", "/timestamp", json!(no_time));
        assert_eq!(read(&body, &Reading::default()), Err(vec!["/timestamp".to_owned()]), "{no_time}");
    }
}

#[test]
fn a_describing_member_that_does_not_fit_costs_that_member_and_is_said() {
    let cut = "已截断";
    let left_out = "已忽略";
    for (pointer, value, how) in [
        ("/data/contact/email", json!("无"), left_out),
        ("/data/contact/email", json!("-"), left_out),
        ("/data/contact/email", json!(5), left_out),
        ("/data/contact/wechat_id", json!("x".repeat(51)), left_out),
        ("/data/contact/address", json!("路".repeat(201)), cut),
        ("/data/contact/address", json!(["杭州"]), left_out),
        ("/data/contact/job", json!("职".repeat(51)), cut),
        ("/data/contact/source", json!("源".repeat(51)), cut),
        ("/data/contact/notes", json!("注".repeat(4_001)), cut),
        ("/data/thread/bucket", json!("white"), left_out),
        ("/data/thread/previous_bucket", json!("BLUE"), left_out),
        ("/data/signal/channel", json!("sms"), left_out),
        ("/data/signal/direction", json!("up"), left_out),
        ("/data/deal/title", json!("题".repeat(201)), cut),
        ("/data/deal/currency", json!("人民币"), left_out),
        ("/data/sequence", json!("A-7"), left_out),
        ("/data/sequence", json!(-1), left_out),
        ("/data/contact/erp", json!("K-1"), left_out),
        ("/data/contact/erp", json!({"ord": "x"}), left_out),
        ("/data/contact/erp", json!({"khid": "K".repeat(51)}), left_out),
    ] {
        let body = with("deal.closed", pointer, value.clone());
        let event = lenient(&body);
        let found = warnings(&event);
        assert_eq!(found.len(), 1, "{pointer} {value}: {found:?}");
        assert!(found[0].0.starts_with(pointer) && found[0].1.starts_with(how), "{pointer} {value}: {found:?}");
        let secret = value.to_string();
        assert!(!event.warnings().iter().any(|warning| warning.message.contains(secret.trim_matches('"'))), "{value}");
        assert!(read(&body, &strict()).is_err(), "{pointer} {value}");
    }
}

#[test]
fn who_asked_is_no_reason_to_refuse_what_was_asked() {
    let event = lenient(&with("sync.requested", "/data/requested_by", json!(5)));
    assert_eq!(warnings(&event), [("/data/requested_by".to_owned(), "已忽略".to_owned())]);
}

#[test]
fn what_was_left_out_is_said_in_the_order_of_its_places_once_a_place() {
    let mut body = body("deal.closed");
    for (member, name, value) in [
        ("contact", "email", "无".repeat(60)),
        ("contact", "job", "职".repeat(60)),
        ("deal", "title", "题".repeat(201)),
        ("thread", "bucket", "蓝".to_owned()),
    ] {
        body["data"][member][name] = value.into();
    }
    // Each reading hashes anew.
    for _ in 0..50 {
        let found: Vec<_> = warnings(&lenient(&body)).into_iter().map(|(pointer, _)| pointer).collect();
        let places = ["/data/contact/email", "/data/contact/job", "/data/deal/title", "/data/thread/bucket"];
        assert_eq!(found, places);
    }
}

#[test]
fn a_text_is_cut_at_its_limit_and_no_character_is_halved() {
    for (text, kept) in [("路".repeat(199), 199), ("路".repeat(200), 200), ("路".repeat(201), 200)] {
        let event = lenient(&with("deal.closed", "/data/contact/address", json!(text)));
        assert_eq!(event.contact().address().map(|address| address.chars().count()), Some(kept));
    }
    let event = lenient(&with("deal.closed", "/data/contact/job", json!(format!("{}😀😀", "x".repeat(49)))));
    assert_eq!(event.contact().job(), Some(&*"x".repeat(49)));
}

#[test]
fn what_decides_is_refused_all_the_same() {
    for (pointer, value) in [
        ("/data/contact/id", json!("客户")),
        ("/data/contact/id", json!(1.5)),
        ("/data/contact/id", json!(-1)),
        ("/data/contact/name", json!(5)),
        ("/data/contact/name", json!("名".repeat(101))),
        ("/data/contact/company", json!("司".repeat(101))),
        ("/data/contact/phone", json!(13_800_001_234_i64)),
        ("/data/contact/phone", json!("1".repeat(51))),
        ("/data/contact/phone_verified", json!("yes")),
        ("/data/contact/phone_verified", json!(2)),
        ("/data/thread/score", json!("86")),
        ("/data/thread/score", json!(101)),
        ("/data/signal/content", json!("")),
        ("/data/signal/content", Value::Null),
        ("/data/deal/amount", json!("1,000")),
        ("/data/deal/amount", json!(-5)),
        ("/data/deal/amount", json!(1e30)),
        ("/data/deal/closed_at", json!("gestern")),
    ] {
        let refused = read(&with("deal.closed", pointer, value.clone()), &Reading::default());
        assert_eq!(refused, Err(vec![pointer.to_owned()]), "{value}");
    }
    // Only what refuses is named.
    let mut both = with("deal.closed", "/data/contact/email", json!("无"));
    both["data"]["contact"]["phone"] = json!(5);
    assert_eq!(read(&both, &Reading::default()), Err(vec!["/data/contact/phone".to_owned()]));
    assert_eq!(read(&both, &strict()).map_err(|errors| errors.len()), Err(2));
}

#[test]
fn a_chat_message_is_one_whatever_stands_beside_it() {
    let mut message = body("message.logged");
    message["data"]["contact"] = json!({"id": "c1", "name": 5, "phone": [], "email": "-", "company": "司".repeat(300)});
    message["data"]["thread"] = json!({"score": "high", "bucket": 7});
    message["data"]["deal"] = json!("none");
    let event = lenient(&message);
    assert!(event.thread().is_none());
    // The score would have counted later.
    let told: Vec<_> = warnings(&event).into_iter().map(|(pointer, _)| pointer).collect();
    assert!(!told.is_empty() && told.iter().all(|pointer| pointer.starts_with("/data/thread")), "{told:?}");
    assert_eq!(event.signal().map(|signal| signal.content()), Some("你好"));
    message["data"]["contact"] = json!({"name": "王小明"});
    assert_eq!(read(&message, &Reading::default()), Err(vec!["/data/contact/id".to_owned()]));
}

#[test]
fn a_chat_message_keeps_its_score_beside_a_bucket_that_does_not_fit() {
    for (member, value) in [("bucket", json!("white")), ("previous_bucket", json!(7))] {
        let event = lenient(&with("message.logged", &format!("/data/thread/{member}"), value));
        assert_eq!(event.thread().and_then(|thread| thread.score()), Some(80.0), "{member}");
        assert_eq!(warnings(&event), [(format!("/data/thread/{member}"), "已忽略".to_owned())]);
    }
    for (member, value) in [("id", Value::Null), ("score", json!("80"))] {
        let mut message = with("message.logged", &format!("/data/thread/{member}"), value);
        message["data"]["thread"]["bucket"] = json!("white");
        let event = lenient(&message);
        assert!(event.thread().is_none(), "{member}");
        let told = (format!("/data/thread/{member}"), "已忽略".to_owned());
        assert!(warnings(&event).contains(&told), "{member}: {:?}", event.warnings());
    }
}

#[test]
fn a_strict_door_looks_at_what_the_type_never_uses_too() {
    for (kind, pointer, value) in [
        ("contact.promoted", "/data/deal", json!("none")),
        ("contact.promoted", "/data/deal", json!({"amount": "1,000", "id": "d1"})),
        ("contact.promoted", "/data/deal", json!({})),
        ("sync.requested", "/data/deal", json!({"id": "d1", "title": ""})),
        ("message.logged", "/data/deal", json!({"id": "d1", "currency": "x"})),
        ("message.logged", "/data/requested_by", json!(5)),
        ("deal.closed", "/data/requested_by", json!("")),
        ("message.logged", "/data/contact/email", json!("-")),
        ("message.logged", "/data/contact/name", json!("")),
    ] {
        let body = with(kind, pointer, value.clone());
        let places = read(&body, &strict()).expect_err(pointer);
        assert!(places.iter().all(|place| place.starts_with(pointer)), "{kind} {value}: {places:?}");
        assert!(lenient(&body).warnings().is_empty(), "{kind} {value}");
    }
    // What is well written is taken, and plays no part.
    let event = read(&body("contact.promoted"), &strict()).unwrap();
    assert!(event.deal().is_none());
}

#[test]
fn the_customer_that_the_platform_names_is_read_in_each_notation() {
    for (hint, ord, khid) in [
        (json!({"ord": 7592, "khid": "K-0042"}), Some(7_592), Some("K-0042")),
        (json!({"ord": "7592"}), Some(7_592), None),
        (json!({"khid": " K-0042 "}), None, Some("K-0042")),
    ] {
        let event = lenient(&with("contact.promoted", "/data/contact/erp", hint));
        let found = event.contact().erp().unwrap();
        assert_eq!((found.ord, found.khid.as_deref()), (ord, khid));
    }
    for nothing in [json!({}), Value::Null, json!(""), json!({"ord": null, "khid": ""})] {
        let event = lenient(&with("contact.promoted", "/data/contact/erp", nothing));
        assert!(event.contact().erp().is_none() && event.warnings().is_empty());
    }
    for wrong in [json!({"ord": 0}), json!({"ord": -1}), json!({"ord": "seven"}), json!({"ord": 1.5})] {
        let event = lenient(&with("contact.promoted", "/data/contact/erp", wrong.clone()));
        assert!(event.contact().erp().is_none() && event.warnings().len() == 1, "{wrong}");
    }
}

#[test]
fn what_was_accepted_once_is_read_the_same_when_the_door_has_become_strict() {
    let body = with("deal.closed", "/data/contact/email", json!("无"));
    assert!(read(&body, &strict()).is_err());
    assert!(read(&body, &strict().of_accepted()).is_ok());
}
