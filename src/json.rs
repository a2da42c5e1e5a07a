//! Reading JSON that came from outside: bodies, answers of the ERP, rows of the ledger. Every such text goes through here.
//!
//! `serde_json`'s own reading of a [`Value`] believes certain names: an object whose one member is called
//! `$serde_json::private::RawValue` is replaced by what stands in that member's text, read anew, with a recursion limit of
//! its own. A few kilobytes of such texts in one another overflow the stack. Here every name is a name, and the depth is
//! counted over everything. Where JSON leaves a choice it is read as the contract says (`contract.md` §1): a lone surrogate
//! is U+FFFD, a byte order mark in front is passed over, and a number too large for a float is the largest float.

use serde::de::{self, DeserializeOwned};
use serde_json::{Map, Number, Value};

/// Arrays and objects in one another.
pub const DEPTH_MAX: usize = 128;
/// Values in one text: each takes up to some hundred bytes of memory, however short it is written.
pub const VALUES_MAX: usize = 500_000;

/// Why a text is no JSON that is read here, and where; never what stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at line {line}, column {column}")]
pub struct NotJson {
    reason: &'static str,
    line: usize,
    column: usize,
}

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
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { text, at: 0, depth: 0, values: 0 };
    let value = reader.value()?;
    reader.skip_blanks();
    if reader.at < text.len() { Err(reader.fault("more than one value")) } else { Ok(value) }
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

fn fault(reason: &'static str, before: &[u8]) -> NotJson {
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    NotJson { reason, line, column: before.len() - line_start + 1 }
}

/// A text and how far it is read. `at` always stands at a boundary of a character.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    fn fault(&self, reason: &'static str) -> NotJson {
        fault(reason, &self.text.as_bytes()[..self.at])
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes over `byte` if it is the next one; only for ASCII.
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let length = rest.bytes().position(|byte| !belongs(byte)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn skip_blanks(&mut self) {
        self.skip_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    /// What follows the next mark between values, blanks around it passed over.
    fn mark(&mut self, mark: u8) -> bool {
        self.skip_blanks();
        let found = self.take(mark);
        self.skip_blanks();
        found
    }

    fn value(&mut self) -> Result<Value, NotJson> {
        self.skip_blanks();
        self.values += 1;
        if self.values > VALUES_MAX {
            return Err(self.fault("more than 500000 values"));
        }
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(self.fault("no value")),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, NotJson> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.fault("no value"));
        }
        self.at += word.len();
        Ok(value)
    }

    /// An array or object, whose opening bracket is next.
    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Result<Value, NotJson>) -> Result<Value, NotJson> {
        if self.depth == DEPTH_MAX {
            return Err(self.fault("nesting deeper than 128"));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn array(&mut self) -> Result<Value, NotJson> {
        let mut items = Vec::new();
        if self.mark(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            if !self.mark(b',') {
                break;
            }
        }
        if self.take(b']') { Ok(Value::Array(items)) } else { Err(self.fault("neither comma nor ]")) }
    }

    fn object(&mut self) -> Result<Value, NotJson> {
        let mut members = Map::new();
        if self.mark(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.fault("no member's name"));
            }
            let name = self.string()?;
            if !self.mark(b':') {
                return Err(self.fault("no colon behind a member's name"));
            }
            members.insert(name, self.value()?);
            if !self.mark(b',') {
                break;
            }
        }
        if self.take(b'}') { Ok(Value::Object(members)) } else { Err(self.fault("neither comma nor }")) }
    }

    /// A string, whose opening quote is next.
    fn string(&mut self) -> Result<String, NotJson> {
        self.at += 1;
        let mut read = self.skip_while(is_plain).to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(read);
                }
                Some(b'\\') => read.push(self.escape()?),
                Some(_) => return Err(self.fault("a control character in a string")),
                None => return Err(self.fault("a string without an end")),
            }
            read.push_str(self.skip_while(is_plain));
        }
    }

    /// What an escape means, whose backslash is next.
    fn escape(&mut self) -> Result<char, NotJson> {
        let begin = self.at;
        self.at += 1;
        let meant = match self.peek() {
            Some(mark @ (b'"' | b'\\' | b'/')) => char::from(mark),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at = begin;
                return self.unicode().ok_or_else(|| self.fault("an escape that is none"));
            }
            _ => {
                self.at = begin;
                return Err(self.fault("an escape that is none"));
            }
        };
        self.at += 1;
        Ok(meant)
    }

    /// One character out of one `\u…`, or of two that are a surrogate pair; a surrogate alone is U+FFFD.
    fn unicode(&mut self) -> Option<char> {
        let first = self.unit()?;
        if !(0xd800..0xdc00).contains(&first) {
            return Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let behind = self.at;
        match self.unit() {
            Some(second @ 0xdc00..0xe000) => char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)),
            _ => {
                self.at = behind;
                Some(char::REPLACEMENT_CHARACTER)
            }
        }
    }

    /// The UTF-16 code unit of the `\u….` that is next.
    fn unit(&mut self) -> Option<u32> {
        let digits = self.text[self.at..].strip_prefix("\\u")?.get(..4)?;
        let unit = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
        self.at += 6;
        Some(unit)
    }

    fn number(&mut self) -> Result<Number, NotJson> {
        let begin = self.at;
        self.take(b'-');
        let whole = self.skip_while(|byte| byte.is_ascii_digit());
        let mut sound = !whole.is_empty() && (whole == "0" || !whole.starts_with('0'));
        let integer_end = self.at;
        if self.take(b'.') {
            sound &= !self.skip_while(|byte| byte.is_ascii_digit()).is_empty();
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'-') || self.take(b'+');
            sound &= !self.skip_while(|byte| byte.is_ascii_digit()).is_empty();
        }
        let written = &self.text[begin..self.at];
        if !sound {
            return Err(self.fault("a number that is none"));
        }
        let integer = if self.at == integer_end { exact(written) } else { None };
        integer.or_else(|| nearest(written)).ok_or_else(|| self.fault("a number that is none"))
    }
}

/// What a string may hold as it is.
fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

/// A whole number that 64 bits hold.
fn exact(written: &str) -> Option<Number> {
    written.parse::<u64>().map(Number::from).or_else(|_| written.parse::<i64>().map(Number::from)).ok()
}

/// The nearest float; the largest one for what is larger: too large for whoever reads it, and no harm if nobody does.
fn nearest(written: &str) -> Option<Number> {
    Number::from_f64(written.parse::<f64>().ok()?.clamp(f64::MIN, f64::MAX))
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
