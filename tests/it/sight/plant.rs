//! Secrets, and events that hold them in every member.

use serde_json::{Value, json};

use crate::support::{OPERATOR, SECRET, event};

/// How many kinds of secrets there are.
pub const KINDS: usize = 15;

/// Kinds that look like a 客户编号, and would be shown as one.
const LIKE_IDS: [&str; 3] = ["session of the ERP", "API token", "webhook secret"];

/// Something that `read` may not see.
pub struct Secret {
    pub kind: &'static str,
    pub text: String,
    /// What gives it away.
    fragment: String,
}

impl Secret {
    pub fn shows_in(&self, text: &str) -> bool {
        text.contains(&self.fragment)
    }
}

pub fn secrets() -> [Secret; KINDS] {
    let secret =
        |kind, text: &str, fragment: &str| Secret { kind, text: text.to_owned(), fragment: fragment.to_owned() };
    [
        secret("mobile number", "13987654321", "1398765"),
        secret("mobile number with slashes", "139/8765/4322", "8765/4322"),
        secret("mobile number in full width", "１３９８７６５４３２１", "１３９８７６５"),
        secret("mobile number of keycaps", &keycaps("13987654321"), &keycaps("8765")),
        secret("mobile number in Chinese digits", "一三九八七六五四三二一", "八七六五"),
        secret("number of Hong Kong", "+852 6123 4567", "6123 45"),
        secret("landline", "021-5555 1234", "5555 1234"),
        secret("mail address", "lihua.geheim@example.com", "lihua"),
        secret("WeChat id", "wxid_q7geheimq7", "geheimq7"),
        secret("address", "浙江省杭州市西湖区文三路478号", "西湖区文三路"),
        secret("name", "欧阳若兰", "阳若"),
        secret("chat", "我想买三台设备周五见", "三台设备"),
        secret("session of the ERP", "erp-session-5E55104A", "5E55104A"),
        secret("API token", OPERATOR, "-token-0123"),
        secret("webhook secret", SECRET, "9r8GKYqrTwjUPD8"),
    ]
}

fn keycaps(digits: &str) -> String {
    digits.chars().map(|digit| format!("{digit}\u{fe0f}\u{20e3}")).collect()
}

/// Gives the secrets out in turn.
struct Turn<'a> {
    secrets: &'a [Secret],
    next: usize,
}

impl Turn<'_> {
    fn take(&mut self) -> Value {
        self.next += 1;
        self.secrets[self.next % self.secrets.len()].text.clone().into()
    }

    /// One that no customer could be numbered by.
    fn take_no_id(&mut self) -> Value {
        self.next += 1;
        let apart: Vec<_> = self.secrets.iter().filter(|secret| !LIKE_IDS.contains(&secret.kind)).collect();
        apart[self.next % apart.len()].text.clone().into()
    }
}

/// Events of every type that are taken, with a secret in every member that may hold any text, or is left out where it does not
/// fit. A deal is not taken with any other amount than a mobile number, and a 客户编号 is shown as an id where it looks like one. Over
/// all shifts every other member holds every kind.
pub fn bodies(secrets: &[Secret], shift: usize) -> Vec<Value> {
    let mut turn = Turn { secrets, next: shift };
    let kinds = ["contact.promoted", "deal.closed", "message.logged", "sync.requested", "tag.added"];
    let mut bodies = Vec::new();
    for kind in kinds {
        let mut body = event(
            kind,
            json!({
                "contact": {
                    "id": format!("c{shift}-{}", kind.len()), "name": turn.take(), "phone": turn.take(), "phone_verified": true,
                    "wechat_id": turn.take(), "company": turn.take(), "source": turn.take(), "notes": turn.take(),
                    "address": turn.take(), "email": turn.take(), "job": turn.take(), "made_up": turn.take(),
                },
                "thread": {
                    "id": turn.take(), "score": 80, "bucket": turn.take(), "previous_bucket": turn.take(), "made_up": [turn.take()],
                },
                "signal": {
                    "id": turn.take(), "content": turn.take(), "direction": turn.take(), "channel": turn.take(), "made_up": turn.take(),
                },
                "requested_by": turn.take(),
                "made_up": {"deep": turn.take()},
            }),
        );
        if kind == "deal.closed" {
            body["data"]["deal"] =
                json!({"id": turn.take(), "title": turn.take(), "currency": turn.take(), "made_up": turn.take()});
            body["data"]["deal"]["amount"] = secrets[0].text.clone().into();
        }
        // A hint decides who a contact is: not all of them shall be asked about.
        if matches!(kind, "deal.closed" | "message.logged") {
            body["data"]["contact"]["erp"] = json!({"ord": turn.take(), "khid": turn.take_no_id()});
        }
        body["made_up"] = turn.take();
        body["data"][turn.take().as_str().unwrap_or_default()] = json!(1);
        bodies.push(body);
    }
    bodies
}

/// Events with a secret in every single member, ids, choices, numbers and times too: most are refused and kept.
pub fn refused_bodies(secrets: &[Secret], shift: usize) -> Vec<Value> {
    let mut turn = Turn { secrets, next: shift };
    let mut bodies = Vec::new();
    for kind in ["contact.promoted", "deal.closed", "message.logged", "sync.requested"] {
        let mut body = event(kind, Value::Null);
        for (object, members) in [
            (
                "contact",
                &[
                    "name",
                    "phone",
                    "phone_verified",
                    "wechat_id",
                    "company",
                    "source",
                    "notes",
                    "address",
                    "email",
                    "job",
                    "erp",
                ][..],
            ),
            ("thread", &["id", "score", "bucket", "previous_bucket"]),
            ("signal", &["id", "content", "direction", "channel", "sent_at"]),
            ("deal", &["id", "title", "amount", "currency", "closed_at"]),
        ] {
            for member in members {
                body["data"][object][*member] = turn.take();
            }
        }
        // An id that no contact can have.
        body["data"]["contact"]["id"] = format!("{} ", turn.take().as_str().unwrap_or_default()).into();
        body["timestamp"] = turn.take();
        bodies.push(body);
    }
    bodies
}
