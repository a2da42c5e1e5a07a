//! What a `read` token may see, member by member (`contract.md` §5). Whatever stands in no table is not shown.
//!
//! Nothing here guesses from texts: a member is shown as it is if its shape leaves no room for personal data, masked if it
//! is known what it holds, and else hidden. Free text is always hidden.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::telemetry::masking::{mask_account, mask_email, mask_name, mask_phone, mask_text};

/// In place of what is hidden.
pub(crate) const HIDDEN: &str = "***";

/// How a member is shown.
#[derive(Clone, Copy)]
enum Rule {
    /// As it is, if it has this shape; else hidden.
    Clear(fn(&Value) -> bool),
    /// A text, masked.
    Masked(fn(&str) -> String),
    /// That it is there, and nothing of it.
    Hidden,
    /// An object with these members; others are left out.
    Object(Table),
    /// An array of such.
    List(&'static Rule),
}

/// The members of an object that are shown at all.
type Table = &'static [(&'static str, Rule)];

/// An event's body as the platform sends it (`contract.md` §1), and the orders of the REST interface.
const BODY: Table =
    &[("type", Rule::Clear(is_word)), ("timestamp", Rule::Clear(is_moment)), ("data", Rule::Object(DATA))];

const DATA: Table = &[
    ("contact", Rule::Object(CONTACT)),
    ("thread", Rule::Object(THREAD)),
    ("signal", Rule::Object(SIGNAL)),
    ("deal", Rule::Object(DEAL)),
    ("requested_by", Rule::Hidden),
    ("sequence", Rule::Hidden),
    // orders of the REST interface
    ("assignment", Rule::Hidden),
    ("approve", Rule::Clear(is_flag)),
];

const CONTACT: Table = &[
    ("id", Rule::Clear(is_id)),
    ("name", Rule::Masked(mask_name)),
    ("phone", Rule::Masked(mask_phone)),
    ("phone_verified", Rule::Clear(is_flag)),
    ("wechat_id", Rule::Masked(mask_account)),
    ("company", Rule::Masked(mask_name)),
    ("email", Rule::Masked(mask_email)),
    ("source", Rule::Hidden),
    ("notes", Rule::Hidden),
    ("address", Rule::Hidden),
    ("job", Rule::Hidden),
    ("erp", Rule::Object(ERP_HINT)),
];

const ERP_HINT: Table = &[("ord", Rule::Clear(is_record)), ("khid", Rule::Hidden)];

const THREAD: Table = &[
    ("id", Rule::Hidden),
    ("score", Rule::Clear(is_score)),
    ("bucket", Rule::Clear(is_bucket)),
    ("previous_bucket", Rule::Clear(is_bucket)),
];

const SIGNAL: Table = &[
    ("id", Rule::Hidden),
    ("content", Rule::Hidden),
    ("direction", Rule::Clear(is_direction)),
    ("channel", Rule::Clear(is_channel)),
    ("sent_at", Rule::Clear(is_moment)),
];

const DEAL: Table = &[
    ("id", Rule::Hidden),
    ("title", Rule::Hidden),
    ("amount", Rule::Hidden),
    ("currency", Rule::Clear(is_currency)),
    ("closed_at", Rule::Clear(is_moment)),
];

/// Fields of a call to the ERP (`erp-wire.md` §3 and §4).
const FIELDS: Table = &[
    ("ord", Rule::Clear(is_record)),
    ("khid", Rule::Clear(is_id)),
    ("name", Rule::Masked(mask_name)),
    ("person_name", Rule::Masked(mask_name)),
    ("mobile", Rule::Masked(mask_phone)),
    ("phone", Rule::Masked(mask_phone)),
    ("phone2", Rule::Masked(mask_phone)),
    ("weixinAcc", Rule::Masked(mask_account)),
    ("qq", Rule::Masked(mask_account)),
    ("email", Rule::Masked(mask_email)),
    ("sort1", Rule::Clear(is_choice)),
    ("sort", Rule::Clear(is_choice)),
    ("ly", Rule::Clear(is_choice)),
    ("jz", Rule::Clear(is_choice)),
    ("pagesize", Rule::Clear(is_choice)),
    ("pageindex", Rule::Clear(is_choice)),
];

/// What a person needs for a decision: candidates of a conflict, or the step in question.
const REVIEW: Table = &[
    ("matched_by", Rule::Clear(is_word)),
    ("candidates", Rule::List(&Rule::Object(CANDIDATE))),
    ("decisions", Rule::List(&Rule::Clear(is_word))),
    ("step", Rule::Clear(is_word)),
];

const CANDIDATE: Table = &[
    ("ord", Rule::Clear(is_record)),
    ("khid", Rule::Clear(is_id)),
    ("name", Rule::Masked(mask_name)),
    ("mobile", Rule::Masked(mask_phone)),
    ("added", Rule::Clear(is_moment)),
    ("salesperson", Rule::Masked(mask_name)),
];

/// The admission decision; what a rule saw and why it says so quotes the contact.
const ADMISSION: Table = &[
    ("admitted", Rule::Clear(is_flag)),
    ("rules", Rule::List(&Rule::Object(RULE_CHECK))),
    ("alternatives", Rule::List(&Rule::Object(ALTERNATIVE))),
];

const ALTERNATIVE: Table =
    &[("rules", Rule::List(&Rule::Clear(is_word))), ("lacks", Rule::List(&Rule::Clear(is_word)))];

const RULE_CHECK: Table = &[
    ("rule", Rule::Clear(is_word)),
    ("passed", Rule::Clear(is_flag)),
    ("message", Rule::Hidden),
    ("value", Rule::Hidden),
];

/// What was wrong with a refused request. The messages are the bridge's own; a place may name a member that the sender
/// made up.
const FAULT: Rule = Rule::Object(&[("pointer", Rule::Clear(is_known_pointer)), ("message", Rule::Masked(mask_text))]);

/// A body, as far as `read` may see it. What is no object is hidden as a whole.
pub(crate) fn body(value: &Value) -> Value {
    Rule::Object(BODY).apply(value)
}

/// The fields of a call to the ERP.
pub(crate) fn fields(value: &Value) -> Value {
    Rule::Object(FIELDS).apply(value)
}

/// What a person needs for a decision.
pub(crate) fn review(value: &Value) -> Value {
    Rule::Object(REVIEW).apply(value)
}

/// The admission decision.
pub(crate) fn admission(value: &Value) -> Value {
    Rule::Object(ADMISSION).apply(value)
}

/// What was wrong with a refused request.
pub(crate) fn faults(value: &Value) -> Value {
    Rule::List(&FAULT).apply(value)
}

/// A word that the sender or the ERP made up in place of an id (an event's type, a 客户编号): shown if it looks like one.
pub(crate) fn id(text: &str) -> String {
    if is_shown_id(text) { text.to_owned() } else { HIDDEN.to_owned() }
}

/// Whether [`id`] shows it.
pub(super) fn is_shown_id(text: &str) -> bool {
    is_id(&text.into())
}

impl Rule {
    fn apply(self, value: &Value) -> Value {
        match (self, value) {
            (_, Value::Null) => Value::Null,
            (Self::Clear(fits), value) if fits(value) => value.clone(),
            (Self::Masked(mask), Value::String(text)) => mask(text).into(),
            (Self::Masked(mask), Value::Number(number)) => mask(&number.to_string()).into(),
            (Self::Object(table), Value::Object(members)) => members_of(table, members),
            (Self::List(rule), Value::Array(items)) => items.iter().map(|item| rule.apply(item)).collect(),
            _ => json!(HIDDEN),
        }
    }
}

fn members_of(table: Table, members: &Map<String, Value>) -> Value {
    let shown = |(name, rule): &(&str, Rule)| Some(((*name).to_owned(), rule.apply(members.get(*name)?)));
    Value::Object(table.iter().filter_map(shown).collect())
}

// The shapes that leave no room for personal data.

fn is_flag(value: &Value) -> bool {
    value.is_boolean()
}

fn is_score(value: &Value) -> bool {
    value.as_f64().is_some_and(|score| (0.0..=100.0).contains(&score)) && value.to_string().len() <= 6
}

/// A record of the ERP: far from a telephone number.
fn is_record(value: &Value) -> bool {
    let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
    number.is_some_and(|number| (0..1_000_000_000).contains(&number))
}

/// The id of a choice, or several: `3,7`.
fn is_choice(value: &Value) -> bool {
    is_text(value, 9, |c| c.is_ascii_digit() || c == ',')
}

fn is_moment(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.parse::<Timestamp>().is_ok() || text.parse::<jiff::civil::DateTime>().is_ok()
}

/// A word of the bridge's own: `save_customer`, `progress:2/3`, `deal.closed`.
fn is_word(value: &Value) -> bool {
    is_text(value, 64, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.:/-".contains(c)) && is_unmasked(value)
}

/// An id, in which a telephone number or a WeChat id would be seen.
fn is_id(value: &Value) -> bool {
    is_text(value, 64, |c| c.is_ascii_alphanumeric() || "_.-".contains(c)) && is_unmasked(value)
}

fn is_unmasked(value: &Value) -> bool {
    value.as_str().is_some_and(|text| mask_text(text) == text)
}

fn is_bucket(value: &Value) -> bool {
    matches!(value.as_str(), Some("WHITE" | "GRAY" | "BLACK"))
}

fn is_direction(value: &Value) -> bool {
    matches!(value.as_str(), Some("inbound" | "outbound" | "me" | "them"))
}

fn is_channel(value: &Value) -> bool {
    matches!(value.as_str(), Some("wechat" | "phone" | "email" | "visit"))
}

fn is_currency(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() == 3) && is_text(value, 3, |c| c.is_ascii_uppercase())
}

/// A place whose every part is a member in a table, or a number.
fn is_known_pointer(value: &Value) -> bool {
    let tables = [BODY, DATA, CONTACT, ERP_HINT, THREAD, SIGNAL, DEAL];
    let known = |part: &str| {
        part.is_empty()
            || part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit())
            || tables.iter().any(|table| table.iter().any(|(name, _)| *name == part))
    };
    value.as_str().is_some_and(|pointer| pointer.split('/').all(known))
}

fn is_text(value: &Value, longest: usize, fits: impl Fn(char) -> bool) -> bool {
    value.as_str().is_some_and(|text| (1..=longest).contains(&text.len()) && text.chars().all(fits))
}

#[cfg(test)]
#[path = "disclosure_tests.rs"]
mod tests;
