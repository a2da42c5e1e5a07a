//! JSON's grammar, as a deserializer of serde's: the one place where a text's bytes are looked at.

use std::{borrow::Cow, fmt};

use serde::{
    de::{self, IntoDeserializer, value::BorrowedStrDeserializer},
    forward_to_deserialize_any,
};
use serde_json::Number;

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

/// A fault behind this part of a text.
pub(super) fn fault(reason: &'static str, before: &[u8]) -> NotJson {
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    NotJson { reason, line, column: before.len() - line_start + 1 }
}

/// Why a text is not read.
#[derive(Debug)]
pub(super) enum Fault {
    NotJson(NotJson),
    /// It is JSON, and not what the type holds.
    Misfit,
}

impl From<NotJson> for Fault {
    fn from(fault: NotJson) -> Self {
        Self::NotJson(fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(fault) => fault.fmt(f),
            Self::Misfit => f.write_str("it is not what is expected"),
        }
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Misfit
    }
}

/// A text and how far it is read. `at` always stands at a boundary of a character.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, values: 0 }
    }

    /// Only blanks may stand here.
    pub(super) fn end(&mut self) -> Result<(), NotJson> {
        self.skip_blanks();
        if self.at < self.text.len() { Err(self.fault("more than one value")) } else { Ok(()) }
    }

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

    fn word(&mut self, word: &str) -> Result<(), NotJson> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.fault("no value"));
        }
        self.at += word.len();
        Ok(())
    }

    /// An array or object, whose opening bracket is next; `read` has come to its end, or it does not fit.
    fn nested<T>(&mut self, close: u8, read: impl FnOnce(&mut Items<'_, 'a>) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth == DEPTH_MAX {
            return Err(self.fault("nesting deeper than 128").into());
        }
        self.depth += 1;
        self.at += 1;
        let mut items = Items { reader: self, close, is_first: true, has_ended: false };
        let value = read(&mut items)?;
        if !items.has_ended {
            return Err(Fault::Misfit);
        }
        self.depth -= 1;
        Ok(value)
    }

    /// A string, whose opening quote is next.
    fn string(&mut self) -> Result<Cow<'a, str>, NotJson> {
        self.at += 1;
        let mut read = Cow::Borrowed(self.skip_while(is_plain));
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(read);
                }
                Some(b'\\') => read.to_mut().push(self.escape()?),
                Some(_) => return Err(self.fault("a control character in a string")),
                None => return Err(self.fault("a string without an end")),
            }
            read.to_mut().push_str(self.skip_while(is_plain));
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

impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = Fault;

    fn deserialize_any<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.skip_blanks();
        self.values += 1;
        if self.values > VALUES_MAX {
            return Err(self.fault("more than 500000 values").into());
        }
        match self.peek() {
            Some(b'{') => self.nested(b'}', |members| visitor.visit_map(members)),
            Some(b'[') => self.nested(b']', |items| visitor.visit_seq(items)),
            Some(b'"') => match self.string()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Some(b'-' | b'0'..=b'9') => {
                let number = self.number()?;
                match (number.as_u64(), number.as_i64(), number.as_f64()) {
                    (Some(number), ..) => visitor.visit_u64(number),
                    (_, Some(number), _) => visitor.visit_i64(number),
                    (_, _, Some(number)) => visitor.visit_f64(number),
                    _ => Err(Fault::Misfit),
                }
            }
            Some(b't') => self.word("true").map_err(Fault::from).and_then(|()| visitor.visit_bool(true)),
            Some(b'f') => self.word("false").map_err(Fault::from).and_then(|()| visitor.visit_bool(false)),
            Some(b'n') => self.word("null").map_err(Fault::from).and_then(|()| visitor.visit_unit()),
            _ => Err(self.fault("no value").into()),
        }
    }

    fn deserialize_option<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.skip_blanks();
        if self.peek() == Some(b'n') { self.deserialize_any(visitor) } else { visitor.visit_some(self) }
    }

    fn deserialize_struct<V: de::Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.skip_blanks();
        // serde would also read a struct from an array.
        if self.peek() == Some(b'[') { Err(Fault::Misfit) } else { self.deserialize_any(visitor) }
    }

    fn deserialize_newtype_struct<V: de::Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}

/// What stands in an array or object that is being read.
struct Items<'r, 'a> {
    reader: &'r mut Reader<'a>,
    close: u8,
    is_first: bool,
    has_ended: bool,
}

impl Items<'_, '_> {
    /// Whether there is one more; passes over the comma or the closing bracket.
    fn has_next(&mut self, otherwise: &'static str) -> Result<bool, NotJson> {
        let is_first = std::mem::replace(&mut self.is_first, false);
        if !is_first && self.reader.mark(b',') {
            return Ok(true);
        }
        self.reader.skip_blanks();
        self.has_ended = self.reader.take(self.close);
        match self.has_ended || is_first {
            true => Ok(!self.has_ended),
            false => Err(self.reader.fault(otherwise)),
        }
    }
}

impl<'de> de::SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = Fault;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        if self.has_next("neither comma nor ]")? { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }
}

impl<'de> de::MapAccess<'de> for &mut Items<'_, 'de> {
    type Error = Fault;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        if !self.has_next("neither comma nor }")? {
            return Ok(None);
        }
        if self.reader.peek() != Some(b'"') {
            return Err(self.reader.fault("no member's name").into());
        }
        let name = self.reader.string()?;
        if !self.reader.mark(b':') {
            return Err(self.reader.fault("no colon behind a member's name").into());
        }
        match name {
            Cow::Borrowed(name) => seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some),
            Cow::Owned(name) => seed.deserialize(name.into_deserializer()).map(Some),
        }
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        seed.deserialize(&mut *self.reader)
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
