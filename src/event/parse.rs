//! From bytes to an [`Event`], or to a list of everything that is wrong with them.

use serde_json::Value;
use validator::{Validate, ValidationErrors, ValidationErrorsKind};

use super::{
    field_error::FieldError,
    kind::EventKind,
    leniency::{Reading, give_way, settle_notation},
    limits,
    payload::Event,
    wire,
};
use crate::json;

/// What a well-formed body turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Parsed {
    /// An event that the bridge handles.
    Event(Box<Event>),
    /// A type that nobody handles: stored as ignored.
    Unknown {
        /// The `type`: 1–64 of `a–z 0–9 . _ -`.
        kind: String,
        /// `data.contact.id`, if there is a valid one.
        contact_id: Option<String>,
    },
}

/// Why a body is no event. Neither variant holds anything of the body's content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// No JSON; the text says where it stops being JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// JSON, but not a valid event.
    #[error("the body is not a valid event: {}", summary(.errors))]
    Invalid {
        /// The type, if it could be read.
        kind: Option<String>,
        /// The contact's id, if there is a valid one.
        contact_id: Option<String>,
        /// Everything that is wrong, sorted by pointer, at most one message a place.
        errors: Vec<FieldError>,
    },
}

fn summary(errors: &[FieldError]) -> String {
    errors.iter().map(|error| format!("{} {}", error.pointer, error.message)).collect::<Vec<_>>().join("; ")
}

impl Event {
    /// Reads a webhook body (`contract.md` §1).
    ///
    /// Unknown members are passed over, a `null` counts as absent, texts for people lose the white space around them.
    /// What only describes and does not fit costs that member, unless the reading is strict: [`Event::warnings`].
    ///
    /// # Errors
    /// [`ParseError`] with every member that is missing, of the wrong type or over its limit.
    pub fn parse(body: &[u8], reading: &Reading) -> Result<Parsed, ParseError> {
        match read_exact(body, reading.strict) {
            Some(event) => Ok(Parsed::Event(Box::new(event))),
            None => Self::parse_with_care(body, reading),
        }
    }

    /// As [`Event::parse`], member by member: what is written otherwise than the contract says is settled, cut, left out or
    /// reported here.
    fn parse_with_care(body: &[u8], reading: &Reading) -> Result<Parsed, ParseError> {
        let mut body = json(body)?;
        let kind = read_kind(&body)?;
        let contact_id = contact_id(&body);
        let Some(known) = EventKind::of_webhook(&kind) else {
            return Ok(Parsed::Unknown { kind, contact_id });
        };
        if !reading.strict {
            drop_foreign_members(&mut body, known);
            settle_notation(&mut body, &reading.zone);
        }
        let mut warnings = Vec::new();
        loop {
            let mut errors = match check(known, &mut body, reading.strict) {
                Ok(envelope) => match Self::from_wire(known, envelope, std::mem::take(&mut warnings)) {
                    Some(event) => return Ok(Parsed::Event(Box::new(event))),
                    None => Vec::new(),
                },
                Err(errors) => errors,
            };
            if !reading.strict && !errors.is_empty() {
                // Each round cuts or removes what was found, so there are only a few.
                let (given, standing) = give_way(&mut body, known, errors);
                warnings.extend(given);
                if standing.is_empty() {
                    continue;
                }
                errors = standing;
            }
            return Err(invalid(Some(kind), contact_id, errors));
        }
    }
}

/// A body in which everything is as the contract says, as nearly all are: read at once, without a [`Value`] in between.
fn read_exact(body: &[u8], strict: bool) -> Option<Event> {
    let mut envelope: wire::Envelope = json::read_exact(std::str::from_utf8(body).ok()?)?;
    let kind = EventKind::of_webhook(envelope.kind.as_deref()?)?;
    if check_values(kind, &mut envelope, strict).is_empty() {
        Event::from_wire(kind, envelope, Vec::new())
    } else {
        None
    }
}

/// Everything that is wrong with the members that this kind reads, or what they hold; of a strict reading with any member.
fn check(kind: EventKind, body: &mut Value, strict: bool) -> Result<wire::Envelope, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut envelope = read_types(body, &mut errors);
    if let Some(envelope) = &mut envelope {
        errors.extend(check_values(kind, envelope, strict));
    }
    if errors.is_empty() { envelope.ok_or_else(Vec::new) } else { Err(in_order(errors)) }
}

/// What is missing or over its limit. Texts with nothing to see, and members that this kind does not read, are taken out:
/// of a strict reading once they were found in order.
fn check_values(kind: EventKind, envelope: &mut wire::Envelope, strict: bool) -> Vec<FieldError> {
    let empty = envelope.drop_empty_texts();
    let drop_foreign_members = |envelope: &mut wire::Envelope| {
        if let Some(data) = &mut envelope.data {
            data.drop_foreign_members(kind);
        }
    };
    if !strict {
        drop_foreign_members(envelope);
    }
    let mut errors = Vec::new();
    if let Err(found) = envelope.validate() {
        collect("", &found, &mut errors);
    }
    check_required(kind, envelope, &mut errors);
    check_name(kind, envelope, &mut errors);
    if strict {
        let refused = "没有内容：请填写，或去掉该字段 (is empty: fill it in, or leave it out)";
        errors.extend(empty.into_iter().map(|place| FieldError::new(place, refused)));
        drop_foreign_members(envelope);
    }
    errors
}

/// Sorted by place, and per place only the first finding, which is the most basic one: validator finds in no order.
fn in_order(mut errors: Vec<FieldError>) -> Vec<FieldError> {
    errors.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    errors.dedup_by(|later, first| later.pointer == first.pointer);
    errors
}

/// The body as JSON.
pub(super) fn json(body: &[u8]) -> Result<Value, ParseError> {
    json::parse(body).map_err(|fault| ParseError::NotJson(fault.to_string()))
}

/// An error list in its final form: in order, and never empty.
pub(super) fn invalid(kind: Option<String>, contact_id: Option<String>, errors: Vec<FieldError>) -> ParseError {
    let mut errors = in_order(errors);
    if errors.is_empty() {
        errors.push(FieldError::new("", "不是有效的事件 (is not a valid event)"));
    }
    ParseError::Invalid { kind, contact_id, errors }
}

fn read_kind(body: &Value) -> Result<String, ParseError> {
    let refuse = |pointer, message| Err(invalid(None, contact_id(body), vec![FieldError::new(pointer, message)]));
    if !body.is_object() {
        return refuse(
            "",
            "应为 JSON 对象，含 type、timestamp、data (must be a JSON object with type, timestamp and data)",
        );
    }
    match body.get("type") {
        None | Some(Value::Null) => refuse("/type", "必填 (is required)"),
        Some(Value::String(kind)) => match limits::kind(kind) {
            Ok(()) => Ok(kind.clone()),
            Err(error) => refuse("/type", error.message.as_deref().unwrap_or_default()),
        },
        Some(_) => refuse("/type", "应为文本 (must be a string)"),
    }
}

/// `data.contact.id`, if it is a valid one: for the ledger's index, also of what is refused or ignored.
pub(super) fn contact_id(body: &Value) -> Option<String> {
    let id = match body.pointer("/data/contact/id")? {
        Value::String(id) => id.clone(),
        Value::Number(id) => id.as_u64()?.to_string(),
        _ => return None,
    };
    limits::contact_id(&id).ok().map(|()| id)
}

/// Takes out of `data` what this kind does not read: such members are the sender's own and need not fit.
fn drop_foreign_members(body: &mut Value, kind: EventKind) {
    if let Some(Value::Object(data)) = body.get_mut("data") {
        data.retain(|name, _| {
            matches!(name.as_str(), "contact" | "sequence") || kind.members().contains(&name.as_str())
        });
    }
}

/// Reads the members' types. A member of the wrong type is noted and then read as absent, so that one mistake does not
/// hide the next; each round removes one member, and there are about thirty.
fn read_types(body: &mut Value, errors: &mut Vec<FieldError>) -> Option<wire::Envelope> {
    // serde would also read a struct from an array.
    for pointer in ["/data", "/data/contact", "/data/contact/erp", "/data/thread", "/data/signal", "/data/deal"] {
        if let Some(member) = body.pointer_mut(pointer)
            && !member.is_object()
            && !member.is_null()
        {
            errors.push(FieldError::new(pointer, "应为对象 (must be an object)"));
            *member = Value::Null;
        }
    }
    loop {
        let error = match serde_path_to_error::deserialize::<_, wire::Envelope>(&*body) {
            Ok(envelope) => return Some(envelope),
            Err(error) => error,
        };
        let pointer = json_pointer(error.path());
        errors.push(FieldError::new(pointer.as_str(), expected(error.inner())));
        match body.pointer_mut(&pointer) {
            Some(member) if !pointer.is_empty() && !member.is_null() => *member = Value::Null,
            _ => return None,
        }
    }
}

fn json_pointer(path: &serde_path_to_error::Path) -> String {
    path.iter().fold(String::new(), |pointer, segment| {
        pointer + "/" + &segment.to_string().replace('~', "~0").replace('/', "~1")
    })
}

/// What serde expected, in our words: its own message quotes the value.
fn expected(error: &serde_json::Error) -> &'static str {
    match error.to_string().rsplit_once(", expected ").map_or("", |(_, expected)| expected) {
        "a string" => "应为文本 (must be a string)",
        "a boolean" => "应为 true 或 false (must be true or false)",
        "f64" => "应为数字 (must be a number)",
        "i64" => "应为整数 (must be a whole number)",
        _ => "类型不对 (is of the wrong type)",
    }
}

/// Turns validator's findings into pointers and messages, and leaves behind the values that it carries along.
fn collect(prefix: &str, found: &ValidationErrors, errors: &mut Vec<FieldError>) {
    for (name, kind) in found.errors() {
        let pointer = format!("{prefix}/{name}");
        match kind {
            ValidationErrorsKind::Struct(inner) => collect(&pointer, inner, errors),
            ValidationErrorsKind::List(items) => {
                items.iter().for_each(|(index, inner)| collect(&format!("{pointer}/{index}"), inner, errors));
            }
            ValidationErrorsKind::Field(findings) => errors.extend(findings.iter().map(|finding| {
                FieldError::new(pointer.as_str(), finding.message.as_deref().unwrap_or("无效 (is not valid)"))
            })),
        }
    }
}

/// The members without which the kind makes no sense (`contract.md` §1: those with a star).
fn check_required(kind: EventKind, envelope: &wire::Envelope, errors: &mut Vec<FieldError>) {
    let mut require = |present: bool, pointer: &str| {
        if !present {
            errors.push(FieldError::new(pointer, format!("必填 (is required for {kind})")));
        }
    };
    require(envelope.timestamp.is_some(), "/timestamp");
    require(envelope.data.is_some(), "/data");
    let Some(data) = &envelope.data else { return };
    require(data.contact.is_some(), "/data/contact");
    if let Some(contact) = &data.contact {
        require(contact.id.is_some(), "/data/contact/id");
        require(contact.name.is_some() || kind == EventKind::MessageLogged, "/data/contact/name");
    }
    let members = [("thread", data.thread.is_some()), ("signal", data.signal.is_some()), ("deal", data.deal.is_some())];
    for (name, present) in members {
        require(present || kind.required_member() != Some(name), &format!("/data/{name}"));
    }
    require(data.thread.as_ref().is_none_or(|thread| thread.id.is_some()), "/data/thread/id");
    require(data.signal.as_ref().is_none_or(|signal| signal.id.is_some()), "/data/signal/id");
    require(data.signal.as_ref().is_none_or(|signal| signal.content.is_some()), "/data/signal/content");
    require(data.deal.as_ref().is_none_or(|deal| deal.id.is_some()), "/data/deal/id");
}

/// A person's name becomes 客户名称 (100), or 联系人姓名 of a company (50).
fn check_name(kind: EventKind, envelope: &wire::Envelope, errors: &mut Vec<FieldError>) {
    let Some(contact) = envelope.data.as_ref().and_then(|data| data.contact.as_ref()) else { return };
    let (limit, becomes) = match contact.company {
        Some(_) => (limits::PERSON_NAME_UNITS_MAX, "联系人姓名"),
        None => (limits::CUSTOMER_NAME_UNITS_MAX, "客户名称"),
    };
    // A message's contact is not written; its name is only carried along.
    let limit = if kind == EventKind::MessageLogged { limits::CUSTOMER_NAME_UNITS_MAX } else { limit };
    if contact.name.as_deref().is_some_and(|name| limits::utf16_units(name) > limit) {
        let message =
            format!("最长 {limit} 字，这是 ERP {becomes}的上限 (must be at most {limit} characters, the ERP's limit)");
        errors.push(FieldError::new("/data/contact/name", message));
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "exact_tests.rs"]
mod exact_tests;
