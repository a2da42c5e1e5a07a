//! Reading JSON that came from outside: bodies, answers of the ERP, rows of the ledger. Every such text goes through here.
//!
//! `serde_json`'s own reading of a [`Value`] believes certain names: an object whose one member is called
//! `$serde_json::private::RawValue` is replaced by what stands in that member's text, read anew, with a recursion limit of
//! its own. A few kilobytes of such texts in one another overflow the stack. Here every name is a name, and the depth is
//! counted over everything. Where JSON leaves a choice it is read as the contract says (`contract.md` §1): a lone surrogate
//! is U+FFFD, a byte order mark in front is passed over, and a number too large for a float is the largest float.

mod reader;

use serde::de::{self, DeserializeOwned};
use serde_json::{Map, Value};

pub use reader::{DEPTH_MAX, NotJson, VALUES_MAX};
use reader::{Fault, Reader, fault};

/// Reads one JSON text.
///
/// # Errors
/// [`NotJson`] if it is none, is not UTF-8, nests deeper than [`DEPTH_MAX`] or holds more than [`VALUES_MAX`] values.
pub fn parse(bytes: &[u8]) -> Result<Value, NotJson> {
    match std::str::from_utf8(bytes) {
        Ok(text) => parse_text(text),
        Err(error) => {
            let sound = bytes.get(..error.valid_up_to()).unwrap_or_default();
            Err(fault("a byte that is not UTF-8", sound))
        }
    }
}

/// As [`parse`], of a text.
///
/// # Errors
/// As [`parse`].
pub fn parse_text(text: &str) -> Result<Value, NotJson> {
    match read(text) {
        Ok(Plain(value)) => Ok(value),
        Err(Fault::NotJson(fault)) => Err(fault),
        // Any JSON is plain.
        Err(Fault::Misfit) => Err(fault("no value", b"")),
    }
}

/// Reads a type of ours straight from a text: whatever is read so is what [`from_value`] would have read of it. Nothing says
/// what is wrong with the rest; that is for [`parse_text`] and [`from_value`], which also take a struct from an array and
/// the last one of two members with one name.
pub fn read_exact<T: DeserializeOwned>(text: &str) -> Option<T> {
    read(text).ok()
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::new(text);
    let value = T::deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Reads a type of ours out of a [`Value`]. Members of it that may hold anything are [`Plain`], never [`Value`] or
/// [`Map`] themselves: those would believe the names again.
///
/// # Errors
/// What does not fit. The text may quote the value.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, serde_json::Error> {
    T::deserialize(value)
}

/// As [`from_value`], from a text.
///
/// # Errors
/// Why it is no JSON, or what does not fit. The text may quote the value.
pub fn read_text<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    from_value(&parse_text(text).map_err(de::Error::custom)?)
}

/// Any JSON as a member of a type of ours.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plain(pub Value);

impl<'de> de::Deserialize<'de> for Plain {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor).map(Self)
    }
}

/// Reads every name as a name.
struct PlainVisitor;

impl<'de> de::Visitor<'de> for PlainVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("any JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut read = Vec::new();
        while let Some(Plain(item)) = items.next_element()? {
            read.push(item);
        }
        Ok(Value::Array(read))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut read = Map::new();
        while let Some((name, Plain(value))) = members.next_entry()? {
            read.insert(name, value);
        }
        Ok(Value::Object(read))
    }
}

#[cfg(test)]
mod tests;
