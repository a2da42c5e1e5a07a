//! Envelopes.
use std::borrow::Cow;

use super::ErpError;

/// One field to send: the ERP's own id (`name`, `khid`, `weixinAcc`) and its value as text.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

/// What the ERP said to a save or a command that it did not refuse. It may have lied: read back (`erp-wire.md §1.7`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its words, entities decoded; possibly empty.
    pub message: String,
}

/// A record with every field, as 客户详情 and 联系人详情 answer it. Ids are looked up without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Detail {}

#[expect(clippy::todo, unused_variables, reason = "skeleton")]
impl Detail {
    /// The record's `ord`, if the bill names it.
    pub fn ord(&self) -> Option<i64> {
        todo!()
    }
    /// The stored value of a field (the id of a choice, say); `None` if the field is missing, `Some("")` if empty.
    pub fn value(&self, id: &str) -> Option<&str> {
        todo!()
    }
    /// The display text of a field.
    pub fn text(&self, id: &str) -> Option<&str> {
        todo!()
    }
    /// What a person sees: the display text, or the value where there is none.
    pub fn shown(&self, id: &str) -> Option<&str> {
        todo!()
    }
    /// Whether the bill has this field at all.
    pub fn has(&self, id: &str) -> bool {
        todo!()
    }
    /// The ids of all fields, as the ERP spells them.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }
    /// A detail made of `(id, value, text)`; for tests and previews.
    pub fn from_fields<'a>(ord: Option<i64>, fields: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> Self {
        todo!()
    }
}

/// A parsed answer of an ASP interface.
#[derive(Debug, Clone, PartialEq)]
pub struct AspAnswer {}

/// Reads an answer of an ASP interface.
#[expect(clippy::todo, unused_variables, reason = "skeleton")]
pub fn parse(body: &[u8]) -> Result<AspAnswer, ErpError> {
    todo!()
}
