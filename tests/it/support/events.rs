//! Sample events.

use serde_json::{Value, json};

/// The contact `id` with a phone number made of it, verified, and a WeChat id.
pub fn contact(id: &str, number: u32) -> Value {
    json!({
        "id": id,
        "name": format!("张{number}伟"),
        "phone": mobile(number),
        "phone_verified": true,
        "wechat_id": format!("wx_{id}"),
    })
}

/// As [`contact`], of a company.
pub fn of_company(id: &str, number: u32, company: &str) -> Value {
    let mut contact = contact(id, number);
    contact["company"] = company.into();
    contact
}

/// A mainland mobile number made of a small one.
pub fn mobile(number: u32) -> String {
    format!("138{number:08}")
}

/// `contact.promoted` with a score.
pub fn promoted(contact: &Value, score: f64) -> Value {
    event(
        "contact.promoted",
        json!({
            "contact": contact,
            "thread": { "id": "t1", "score": score, "bucket": "WHITE", "previous_bucket": "GRAY" },
        }),
    )
}

/// `message.logged`, inbound.
pub fn message(contact_id: &str, number: usize, content: &str) -> Value {
    event(
        "message.logged",
        json!({
            "contact": { "id": contact_id },
            "signal": {
                "id": format!("s{number}"),
                "content": content,
                "direction": "inbound",
                "sent_at": "2026-11-23T15:04:05+08:00",
            },
        }),
    )
}

/// `deal.closed`.
pub fn deal(contact: &Value, score: f64) -> Value {
    event(
        "deal.closed",
        json!({
            "contact": contact,
            "thread": { "id": "t1", "score": score },
            "deal": { "id": "D1", "title": "年度框架", "amount": "12800.50", "closed_at": "2026-11-23T16:00:00+08:00" },
        }),
    )
}

/// Any event.
pub fn event(kind: &str, data: Value) -> Value {
    json!({ "type": kind, "timestamp": "2026-11-23T15:00:00+08:00", "data": data })
}
