//! A body is read at once or with care: both ways have the same answers.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use super::*;

const POINTERS: [&str; 30] = [
    "/type",
    "/timestamp",
    "/data",
    "/data/contact",
    "/data/contact/id",
    "/data/contact/name",
    "/data/contact/phone",
    "/data/contact/phone_verified",
    "/data/contact/company",
    "/data/contact/email",
    "/data/contact/notes",
    "/data/contact/erp",
    "/data/contact/erp/ord",
    "/data/contact/erp/khid",
    "/data/contact/other",
    "/data/thread",
    "/data/thread/id",
    "/data/thread/score",
    "/data/thread/bucket",
    "/data/signal",
    "/data/signal/id",
    "/data/signal/content",
    "/data/signal/direction",
    "/data/signal/sent_at",
    "/data/deal",
    "/data/deal/id",
    "/data/deal/amount",
    "/data/deal/closed_at",
    "/data/requested_by",
    "/data/sequence",
];

/// What is written in place of a member: texts of JSON, for some of them no [`Value`] can hold.
const WRITTEN: [&str; 30] = [
    "null",
    "true",
    "0",
    "1",
    "-0",
    "-0.0",
    "3.0",
    "88.49999999999999999999",
    "0.30000000000000004",
    "1e999",
    "18446744073709551616",
    "9007199254740993",
    "-7",
    r#""""#,
    r#"" ""#,
    r#""x""#,
    r#""me""#,
    r#""7""#,
    r#""\ud83d""#,
    r#""2026-11-23 15:04:05""#,
    r#""2026-11-23T15:04:05Z""#,
    r#""contact.promoted""#,
    r#""deal.closed""#,
    r#""message.logged""#,
    r#""unknown""#,
    "[]",
    "{}",
    r#"["wxc_1", "x"]"#,
    r#"{"id":"a","id":"b"}"#,
    r#"{"$serde_json::private::RawValue":"[1]"}"#,
];

fn body(kind: &str) -> Value {
    json!({
        "type": kind, "timestamp": "2026-11-23T15:04:05+08:00",
        "data": {
            "contact": {
                "id": "wxc_1024", "name": " 王小明 ", "phone": "13800001234", "phone_verified": true, "company": "示例公司",
                "email": "wang@example.com", "notes": "喜欢喝茶", "erp": {"ord": 7, "khid": "K7"}, "other": {"a": [1]}
            },
            "thread": {"id": "t-1", "score": 86.5, "bucket": "WHITE"},
            "signal": {"id": "s-1", "content": "你好", "direction": "outbound", "sent_at": "2026-11-23T07:04:05Z"},
            "deal": {"id": "d-1", "amount": "12800.00", "closed_at": "2026-11-23T15:04:05+08:00"},
            "requested_by": "小李", "sequence": 7
        }
    })
}

/// The body with some members written otherwise, as a text.
fn altered(kind: &str, changes: &[(&str, &str)]) -> String {
    let mut body = body(kind);
    for (number, (pointer, _)) in changes.iter().enumerate() {
        if let Some(member) = body.pointer_mut(pointer) {
            *member = Value::String(format!("change {number}."));
        }
    }
    let text = body.to_string();
    let write = |text: String, (number, (_, written)): (usize, &(&str, &str))| {
        text.replace(&format!("\"change {number}.\""), written)
    };
    changes.iter().enumerate().fold(text, write)
}

fn agree(body: &[u8]) {
    for strict in [true, false] {
        let reading = Reading { strict, ..Reading::default() };
        let (at_once, with_care) = (Event::parse(body, &reading), Event::parse_with_care(body, &reading));
        assert_eq!(at_once, with_care, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn what_is_written_as_the_contract_says_is_read_at_once() {
    for kind in ["contact.promoted", "message.logged", "deal.closed", "sync.requested"] {
        let body = body(kind).to_string();
        assert!([true, false].iter().all(|strict| read_exact(body.as_bytes(), *strict).is_some()), "{kind}");
        agree(body.as_bytes());
    }
}

#[test]
fn one_member_written_otherwise_is_answered_the_same_both_ways() {
    for kind in ["contact.promoted", "message.logged", "deal.closed", "sync.requested"] {
        for pointer in POINTERS {
            WRITTEN.iter().for_each(|written| agree(altered(kind, &[(pointer, written)]).as_bytes()));
        }
    }
}

proptest! {
    #[test]
    fn several_members_written_otherwise_are_answered_the_same_both_ways(
        kind in select(vec!["contact.promoted", "message.logged", "deal.closed", "sync.requested", "odd"]),
        changes in vec((select(POINTERS.to_vec()), select(WRITTEN.to_vec())), 0..5),
    ) {
        agree(altered(kind, &changes).as_bytes());
    }

    #[test]
    fn damaged_bodies_are_answered_the_same_both_ways(
        kind in select(vec!["contact.promoted", "message.logged"]), place in any::<prop::sample::Index>(),
        piece in vec(select(b"{}[],:\"\\ \xef\xbb\xbf0-.en\x01".to_vec()), 0..4), cut in 0_usize..4,
    ) {
        let mut body = body(kind).to_string().into_bytes();
        let begin = place.index(body.len());
        let end = (begin + cut).min(body.len());
        body.splice(begin..end, piece);
        agree(&body);
    }
}
