//! What the door takes although it is not written as the contract says (`contract.md` §1): exact where a member decides,
//! lenient where it only describes.
//!
//! Two things happen here to a body before its members are checked. What can mean only one thing is written as the
//! contract writes it ([`settle_notation`]); it needs no word. A describing member that does not fit is cut or left out
//! ([`give_way`]), and the event carries a warning that says so.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};
use serde_json::Value;

use super::{field_error::FieldError, kind::EventKind, limits};
use crate::clock::Millis;

/// How a body is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Whether only the contract's own notation is taken (`[webhook] strict`).
    pub strict: bool,
    /// The zone of times that name none (`[webhook] zone`).
    pub zone: TimeZone,
}

impl Default for Reading {
    /// Lenient, in the ERP's zone.
    fn default() -> Self {
        Self { strict: false, zone: crate::clock::erp_zone() }
    }
}

impl Reading {
    /// The same for what was accepted before: it stays accepted, however strict the door has become.
    pub fn of_accepted(&self) -> Self {
        Self { strict: false, ..self.clone() }
    }
}

/// Members that are ids: a whole number is its digits.
const IDS: [&str; 5] =
    ["/data/contact/id", "/data/contact/erp/khid", "/data/thread/id", "/data/signal/id", "/data/deal/id"];
/// Members that are moments.
const TIMES: [&str; 3] = ["/timestamp", "/data/signal/sent_at", "/data/deal/closed_at"];
/// Members that may be missing, and are as good as missing when they are empty texts. Texts for people are not here: those
/// with nothing to see count as absent where they are checked (`wire.rs`).
const OPTIONAL: [&str; 16] = [
    "/data/thread",
    "/data/signal",
    "/data/deal",
    "/data/contact/phone_verified",
    "/data/contact/erp",
    "/data/contact/erp/ord",
    "/data/thread/score",
    "/data/thread/bucket",
    "/data/thread/previous_bucket",
    "/data/signal/direction",
    "/data/signal/channel",
    "/data/signal/sent_at",
    "/data/deal/amount",
    "/data/deal/closed_at",
    "/data/deal/currency",
    "/data/sequence",
];

/// Members that only describe, with the units (UTF-16) at which their text may be cut; without, a text that does not fit is
/// left out: half an address of a mailbox or half an account's name is another one.
const DESCRIBING: [(&str, Option<usize>); 17] = [
    ("/data/contact/erp", None),
    ("/data/contact/erp/ord", None),
    ("/data/contact/erp/khid", None),
    ("/data/contact/email", None),
    ("/data/contact/wechat_id", None),
    ("/data/contact/address", Some(limits::ADDRESS_UNITS_MAX)),
    ("/data/contact/job", Some(limits::JOB_UNITS_MAX)),
    ("/data/contact/source", Some(limits::SOURCE_UNITS_MAX)),
    ("/data/contact/notes", Some(limits::NOTES_UNITS_MAX)),
    ("/data/thread/bucket", None),
    ("/data/thread/previous_bucket", None),
    ("/data/signal/channel", None),
    ("/data/signal/direction", None),
    ("/data/deal/title", Some(limits::TITLE_UNITS_MAX)),
    ("/data/deal/currency", None),
    ("/data/requested_by", None),
    ("/data/sequence", None),
];

/// Writes as the contract does what can mean only one thing.
pub(super) fn settle_notation(body: &mut Value, zone: &TimeZone) {
    for pointer in OPTIONAL {
        replace(body, pointer, |value| value.as_str().is_some_and(str::is_empty).then_some(Value::Null));
    }
    for pointer in IDS {
        replace(body, pointer, |value| whole(value).map(Value::String));
    }
    for pointer in TIMES {
        replace(body, pointer, |value| moment(value.as_str()?, zone).map(Value::String));
    }
    replace(body, "/data/contact/phone_verified", |value| match value.as_i64()? {
        0 => Some(Value::Bool(false)),
        1 => Some(Value::Bool(true)),
        _ => None,
    });
    replace(body, "/data/deal/amount", |value| decimal(value).map(Value::String));
    replace(body, "/data/signal/direction", |value| match value.as_str()? {
        "me" => Some(Value::String("outbound".into())),
        "them" => Some(Value::String("inbound".into())),
        _ => None,
    });
}

fn replace(body: &mut Value, pointer: &str, with: impl FnOnce(&Value) -> Option<Value>) {
    if let Some(value) = body.pointer_mut(pointer)
        && let Some(other) = with(value)
    {
        *value = other;
    }
}

/// The digits of a whole number that is not negative.
fn whole(value: &Value) -> Option<String> {
    value.as_u64().map(|number| number.to_string())
}

/// Decimals of an amount that was calculated: what stands behind them is the calculation's.
const DECIMALS_MAX: usize = 4;

/// A number as a decimal without exponent, the way it would be typed: `12800.5`, `12800` for `12800.0`, and `0.3` for the
/// `0.30000000000000004` of a sum.
fn decimal(value: &Value) -> Option<String> {
    whole(value).or_else(|| {
        let text = value.as_f64()?.to_string();
        let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        if decimals <= DECIMALS_MAX {
            return Some(text);
        }
        let rounded = format!("{:.DECIMALS_MAX$}", value.as_f64()?);
        Some(rounded.trim_end_matches('0').trim_end_matches('.').to_owned())
    })
}

/// An RFC 3339 time for one that has a blank in place of the `T`, or no zone.
fn moment(text: &str, zone: &TimeZone) -> Option<String> {
    let text = text.trim();
    let (date, clock) = (text.get(..10)?, text.get(11..)?);
    if !matches!(text.as_bytes().get(10), Some(b' ' | b'T' | b't')) {
        return None;
    }
    let joined = format!("{date}T{clock}");
    let spelled = with_whole_offset(&joined);
    if let Some(moment) =
        [Some(&joined), spelled.as_ref()].into_iter().flatten().find(|it| limits::moment(it).is_some())
    {
        return Some(moment.clone());
    }
    limits::looks_like_rfc3339(format!("{joined}Z").as_bytes()).then_some(())?;
    let local: DateTime = joined.parse().ok()?;
    Some(zone.to_timestamp(local).ok()?.to_string())
}

/// The moment that the text of a query means: RFC 3339, what the door takes for it, or a day, which is its first moment.
pub(crate) fn moment_meant(text: &str, zone: &TimeZone) -> Option<Millis> {
    let text = text.trim();
    if let Some(date) = Some(text).filter(|text| text.len() == DATE_BYTES).and_then(|text| text.parse::<Date>().ok()) {
        return zone.to_timestamp(date.to_datetime(Time::midnight())).ok().map(Millis::from);
    }
    let text = with_plus(text);
    let exact = text.parse::<Timestamp>().ok().map(Millis::from);
    exact.or_else(|| limits::moment(&moment(&text, zone)?))
}

/// `2026-11-23`
const DATE_BYTES: usize = 10;

/// A `+` that the caller did not encode arrives as a blank: before an offset, which stands behind a date and a time, it is one.
fn with_plus(text: &str) -> String {
    let Some((clock, offset)) = text.rsplit_once(' ').filter(|(clock, _)| clock.len() > DATE_BYTES) else {
        return text.to_owned();
    };
    let is_offset =
        matches!(offset.len(), 2 | 4 | 5) && offset.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    let sign = if is_offset { '+' } else { ' ' };
    format!("{clock}{sign}{offset}")
}

/// `+08:00` for the `+0800` of strftime and the `+08` of PostgreSQL.
fn with_whole_offset(text: &str) -> Option<String> {
    let (clock, digits) = text.split_at_checked(text.rfind(['+', '-'])? + 1)?;
    match digits.len() {
        2 => Some(format!("{clock}{digits}:00")),
        4 => Some(format!("{clock}{}:{}", digits.get(..2)?, digits.get(2..)?)),
        _ => None,
    }
}

/// The member that gives way without a word where something in it is wrong, because events of this kind never use it.
fn unused(kind: EventKind, pointer: &str) -> Option<&str> {
    if kind != EventKind::MessageLogged {
        return None;
    }
    let contact = pointer.strip_prefix("/data/contact/")?;
    (contact != "id" && !contact.starts_with("erp")).then_some(pointer)
}

/// Whether the thread of a message is worth nothing with something wrong here. A bucket only describes.
fn costs_the_thread(error: &FieldError) -> bool {
    matches!(error.pointer.as_str(), "/data/thread" | "/data/thread/id" | "/data/thread/score")
}

/// Lets the members among `errors` give way that only describe, or that this kind never uses; answers the warnings for the
/// former and the errors that stay.
pub(super) fn give_way(
    body: &mut Value,
    kind: EventKind,
    errors: Vec<FieldError>,
) -> (Vec<FieldError>, Vec<FieldError>) {
    let mut warnings = Vec::new();
    let mut standing = Vec::new();
    let without_thread = kind == EventKind::MessageLogged && errors.iter().any(costs_the_thread);
    if without_thread {
        replace(body, "/data/thread", |_| Some(Value::Null));
    }
    for error in errors {
        if without_thread && error.pointer.starts_with("/data/thread") {
            warnings.push(gave_way(error, LEFT_OUT));
            continue;
        }
        if let Some(member) = unused(kind, &error.pointer) {
            replace(body, member, |_| Some(Value::Null));
            continue;
        }
        let describing = DESCRIBING.iter().find(|(pointer, _)| *pointer == error.pointer);
        let Some(((_, cut_at), member)) = describing.zip(body.pointer_mut(&error.pointer)) else {
            standing.push(error);
            continue;
        };
        let done = match (cut_at, member.as_str()) {
            (Some(units), Some(text)) if limits::utf16_units(text.trim()) > *units => {
                *member = Value::String(cut(text.trim(), *units));
                CUT
            }
            _ => {
                *member = Value::Null;
                LEFT_OUT
            }
        };
        warnings.push(gave_way(error, done));
    }
    (warnings, standing)
}

const CUT: (&str, &str) = ("已截断", "cut");
const LEFT_OUT: (&str, &str) = ("已忽略", "left out");

/// Both languages of what was done beside both of why: `已截断：最长 50 字 (cut: must be …)`.
fn gave_way(error: FieldError, done: (&str, &str)) -> FieldError {
    let (zh, en) = error.message.split_once(" (").unwrap_or(("", &error.message));
    let message = format!("{}：{zh} ({}: {}", done.0, done.1, en);
    FieldError::new(error.pointer, message)
}

/// The beginning of a text, at most `units` UTF-16 code units of it, no character halved.
fn cut(text: &str, units: usize) -> String {
    let mut left = units;
    text.chars()
        .take_while(|c| {
            let fits = c.len_utf16() <= left;
            left = left.saturating_sub(c.len_utf16());
            fits
        })
        .collect()
}

#[cfg(test)]
#[path = "leniency_tests.rs"]
mod tests;
