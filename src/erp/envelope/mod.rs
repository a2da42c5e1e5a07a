//! The ERP's envelopes: what is sent, and every shape in which an answer comes back, read into one (`erp-wire.md §1`).

mod answer;
mod detail;
mod lenient;
mod table;

use std::borrow::Cow;

pub use answer::{AspAnswer, parse};
pub(crate) use answer::{V3Answer, Words, parse_v3};
pub use detail::Detail;
pub(crate) use lenient::{BODY_MAX, integer, tree};
use serde_json::{Map, Value, json};
pub(crate) use table::{Row, Table};

/// One field to send: the ERP's own id (`name`, `khid`, `weixinAcc`) and its value as text. Choices: an id when adding, a
/// display text when editing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Field {
    /// The ERP's field id.
    pub id: Cow<'static, str>,
    /// The value; numbers as decimal text.
    pub val: String,
}

impl Field {
    /// A field `id` with the value `val`.
    pub fn new(id: impl Into<Cow<'static, str>>, val: impl Into<String>) -> Self {
        Self { id: id.into(), val: val.into() }
    }

    /// A field that holds a number, an id above all.
    pub fn number(id: impl Into<Cow<'static, str>>, val: i64) -> Self {
        Self::new(id, val.to_string())
    }
}

/// What the ERP said to a save or a command that it did not refuse. It may have lied: read back (`erp-wire.md §1.7`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its words, entities decoded; possibly empty.
    pub message: String,
}

/// The body of a call to an ASP interface: session, command and fields, all inside the JSON (`erp-wire.md §1`).
pub fn asp_body(session: Option<&str>, cmdkey: Option<&str>, fields: &[Field]) -> String {
    let mut body = Map::new();
    if let Some(session) = session {
        body.insert("session".into(), session.into());
    }
    if let Some(cmdkey) = cmdkey {
        body.insert("cmdkey".into(), cmdkey.into());
    }
    let datas = fields.iter().map(|field| json!({"id": field.id, "val": field.val})).collect();
    body.insert("datas".into(), Value::Array(datas));
    Value::Object(body).to_string()
}

/// The members of v3 calls that are numbers; everything else is text.
const V3_NUMBERS: [&str; 4] = ["ord", "sort2", "page_size", "page_index"];

/// The body of a call to a v3 interface: plain JSON; the session travels in a header.
pub(crate) fn v3_body(fields: &[Field]) -> String {
    let member = |field: &Field| {
        let number = integer(&field.val).filter(|_| V3_NUMBERS.contains(&field.id.as_ref()));
        (field.id.to_string(), number.map_or_else(|| Value::from(field.val.as_str()), Value::from))
    };
    Value::Object(fields.iter().map(member).collect()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asp_call_carries_session_command_and_fields_in_its_body() {
        let fields = [Field::new("name", "张\"三"), Field::number("ord", 7592)];
        assert_eq!(
            asp_body(Some("s1"), Some("__sys_dosave"), &fields),
            r#"{"session":"s1","cmdkey":"__sys_dosave","datas":[{"id":"name","val":"张\"三"},{"id":"ord","val":"7592"}]}"#
        );
        assert_eq!(asp_body(None, None, &[]), r#"{"datas":[]}"#);
    }

    #[test]
    fn a_v3_call_is_plain_json_with_numbers_where_the_interface_has_numbers() {
        let fields = [Field::number("ord", 7592), Field::new("mobile", "13800138000"), Field::new("ly", "微信")];
        assert_eq!(v3_body(&fields), r#"{"ord":7592,"mobile":"13800138000","ly":"微信"}"#);
    }
}
