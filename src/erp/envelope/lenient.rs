//! From the bytes of an answer to a JSON tree, forgiving what live systems are known to send (`erp-wire.md §1`).
//!
//! Every number becomes a string on the way: the ERP mixes the two freely, and an id must not pass through a float.

use serde_json::Value;

use crate::{erp::ErpError, json};

/// The largest answer that is read, in bytes.
pub(crate) const BODY_MAX: usize = 8 * 1024 * 1024;

/// How much of a page that should have been JSON is quoted, in characters.
const QUOTE_MAX: usize = 120;

/// Reads a body as a JSON tree. Empty, HTML and garbled bodies are complete answers that say nothing.
pub(crate) fn tree(body: &[u8]) -> Result<Value, ErpError> {
    if body.len() > BODY_MAX {
        return Err(ErpError::garbled(format!("an answer of more than {BODY_MAX} bytes")));
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(ErpError::garbled("an empty answer"));
    }
    if text.starts_with('<') {
        return Err(ErpError::garbled(format!("a page instead of JSON: {}", page_title(text))));
    }
    json::parse_text(&repair(text)).map_err(|fault| ErpError::garbled(format!("no JSON: {fault}")))
}

/// The title of an HTML page, or how it begins.
fn page_title(page: &str) -> String {
    let lower = page.to_ascii_lowercase();
    let title = lower.find("<title>").map(|start| start + "<title>".len()).and_then(|start| {
        let end = lower[start..].find("</title>")?;
        page.get(start..start + end)
    });
    html_escape::decode_html_entities(title.unwrap_or(page)).trim().chars().take(QUOTE_MAX).collect()
}

/// Makes strict JSON of what a classic ASP page concatenates: raw control characters inside strings are escaped, lone
/// surrogates (a text cut in the middle of an emoji) and unknown escapes are made harmless, numbers are quoted.
fn repair(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        match next {
            '"' => rest = repair_string(&rest[1..], &mut out),
            '0'..='9' | '-' => {
                let end = rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
                let (number, after) = rest.split_at(end.unwrap_or(rest.len()));
                out.push('"');
                out.push_str(number);
                out.push('"');
                rest = after;
            }
            control if control.is_control() => {
                out.push(' ');
                rest = &rest[control.len_utf8()..];
            }
            other => {
                out.push(other);
                rest = &rest[other.len_utf8()..];
            }
        }
    }
    out
}

/// Repairs one string, whose opening quote is already read; returns what follows its closing quote.
fn repair_string<'a>(text: &'a str, out: &mut String) -> &'a str {
    out.push('"');
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let after = &rest[next.len_utf8()..];
        match next {
            '"' => {
                out.push('"');
                return after;
            }
            '\\' => rest = repair_escape(after, out),
            control if u32::from(control) < 0x20 => {
                out.push_str(&format!("\\u{:04x}", u32::from(control)));
                rest = after;
            }
            other => {
                out.push(other);
                rest = after;
            }
        }
    }
    rest
}

/// Repairs one escape, whose backslash is already read; returns what follows it.
fn repair_escape<'a>(text: &'a str, out: &mut String) -> &'a str {
    match text.chars().next() {
        Some(known @ ('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't')) => {
            out.push('\\');
            out.push(known);
            &text[1..]
        }
        Some('u') => match unit(&text[1..]) {
            Some(high @ 0xd800..=0xdbff) => {
                let low = text[5..].strip_prefix("\\u").and_then(unit).filter(|low| (0xdc00..=0xdfff).contains(low));
                match low {
                    Some(low) => {
                        out.push_str(&format!("\\u{high:04x}\\u{low:04x}"));
                        &text[11..]
                    }
                    None => {
                        out.push('\u{fffd}');
                        &text[5..]
                    }
                }
            }
            Some(0xdc00..=0xdfff) => {
                out.push('\u{fffd}');
                &text[5..]
            }
            Some(plain) => {
                out.push_str(&format!("\\u{plain:04x}"));
                &text[5..]
            }
            None => {
                out.push_str("\\\\");
                text
            }
        },
        _ => {
            out.push_str("\\\\");
            text
        }
    }
}

/// The UTF-16 code unit that four hex digits at the start of `text` mean.
fn unit(text: &str) -> Option<u32> {
    let digits = text.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

/// A member by name: exactly spelled, or else without regard to case.
pub(super) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let members = value.as_object()?;
    members
        .get(name)
        .or_else(|| members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, member)| member))
}

/// The first of several names that is there and not null.
pub(super) fn first_member<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| member(value, name).filter(|found| !found.is_null()))
}

/// A scalar as text, HTML entities decoded exactly once; `None` for null, arrays and objects.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(html_escape::decode_html_entities(text).into_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A member as text; empty if it is missing.
pub(super) fn member_text(value: &Value, name: &str) -> String {
    member(value, name).and_then(text).unwrap_or_default()
}

/// An integer, however it is written: `7592`, `"7592"`, `" 7592 "`, `"7592.0"`, `"7,592"`.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Some((first, groups)) = text.split_once(',') {
        let is_group = |group: &str| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit());
        let is_first = (1..=3).contains(&first.trim_start_matches('-').len());
        return if is_first && groups.split(',').all(is_group) { text.replace(',', "").parse().ok() } else { None };
    }
    let whole = text.split_once('.').filter(|(_, part)| part.bytes().all(|byte| byte == b'0')).map(|(whole, _)| whole);
    whole.unwrap_or(text).parse().ok()
}

/// What stands where a list should be: an array, one item without its array, an object with the positions as keys,
/// or nothing.
pub(super) fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(members) if members.is_empty() => Vec::new(),
        Value::Object(members) if members.keys().all(|key| key.bytes().all(|byte| byte.is_ascii_digit())) => {
            members.values().collect()
        }
        Value::Null => Vec::new(),
        Value::String(text) if text.trim().is_empty() => Vec::new(),
        single => vec![single],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_known_damage_is_repaired() {
        let table: &[(&str, &str, &str)] = &[
            ("a raw line feed", "{\"a\":\"x\ny\"}", "x\ny"),
            ("a raw carriage return and tab", "{\"a\":\"x\r\ty\"}", "x\r\ty"),
            ("a raw NUL", "{\"a\":\"x\0y\"}", "x\0y"),
            ("a byte order mark", "\u{feff}{\"a\":\"x\"}", "x"),
            ("line feeds between members", "\r\n{\n\"a\"\t:\r\"x\"}\n", "x"),
            ("control characters between members", "{\u{1}\"a\":\"x\"}\0", "x"),
            ("a number", "{\"a\":7592}", "7592"),
            ("a number with zeros in front", "{\"a\":007}", "007"),
            (
                "a number no integer type holds",
                "{\"a\":123456789012345678901234567890}",
                "123456789012345678901234567890",
            ),
            ("a negative decimal", "{\"a\":-1.50}", "-1.50"),
            ("digits inside a string", "{\"a\":\"1 -2\"}", "1 -2"),
            ("an escaped quote", r#"{"a":"x\"y"}"#, "x\"y"),
            ("an escaped backslash at the end", r#"{"a":"x\\"}"#, "x\\"),
            ("an unknown escape", r#"{"a":"x\'y"}"#, "x\\'y"),
            ("a whole surrogate pair", r#"{"a":"\ud83d\ude00"}"#, "😀"),
            ("a lone high surrogate", r#"{"a":"x\ud83d"}"#, "x\u{fffd}"),
            ("a lone low surrogate", r#"{"a":"\ude00x"}"#, "\u{fffd}x"),
            ("two high surrogates", r#"{"a":"\ud83d\ud83d\ude00"}"#, "\u{fffd}😀"),
            ("a broken unicode escape", r#"{"a":"\u12"}"#, "\\u12"),
            ("a decimal entity", r#"{"a":"&#24352;"}"#, "张"),
            ("a hexadecimal entity", r#"{"a":"&#x5F20;"}"#, "张"),
            ("an entity encoded twice is decoded once", r#"{"a":"&amp;#24352;"}"#, "&#24352;"),
            ("a named entity", r#"{"a":"A&amp;B &lt;C&gt;"}"#, "A&B <C>"),
            ("a bare ampersand", r#"{"a":"A&B"}"#, "A&B"),
        ];
        for (what, body, expected) in table {
            let tree = tree(body.as_bytes()).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(member_text(&tree, "A"), *expected, "{what}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf8_spoil_one_text_and_not_the_answer() {
        let tree = tree(b"{\"a\":\"x\xff\",\"b\":\"y\"}").unwrap();
        assert_eq!(member_text(&tree, "a"), "x\u{fffd}");
        assert_eq!(member_text(&tree, "b"), "y");
    }

    #[test]
    fn what_is_no_json_is_a_complete_answer_that_says_nothing() {
        let table: &[(&[u8], &str)] = &[
            (b"", "an empty answer"),
            (b" \r\n\t", "an empty answer"),
            (b"\xef\xbb\xbf", "an empty answer"),
            (b"<html><head><TITLE> 500 &#38169;&#35823; </TITLE></head>", "a page instead of JSON: 500 错误"),
            (b"<p>gone", "a page instead of JSON: <p>gone"),
            (b"{\"a\":", "no JSON: "),
            (b"{\"a\":\"x", "no JSON: "),
            (b"Microsoft VBScript error", "no JSON: "),
        ];
        for (body, expected) in table {
            match tree(body) {
                Err(ErpError::OutcomeUnknown { reason, answered: true }) => {
                    assert!(reason.starts_with(expected), "{reason}")
                }
                other => panic!("{expected}: {other:?}"),
            }
        }
    }

    #[test]
    fn depth_and_size_are_limited() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(tree(nested(100).as_bytes()).is_ok());
        assert!(tree(nested(100_000).as_bytes()).is_err());
        let long = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
        assert!(tree(long(BODY_MAX - 1).as_bytes()).is_ok());
        assert!(tree(long(BODY_MAX).as_bytes()).is_ok());
        assert!(tree(long(BODY_MAX + 1).as_bytes()).is_err());
    }

    #[test]
    fn integers_are_read_however_they_are_written() {
        let table = [("7592", Some(7592)), (" 7592 ", Some(7592)), ("7592.0", Some(7592)), ("-1", Some(-1))];
        let grouped =
            [("7,592", Some(7592)), ("1,207,592", Some(1_207_592)), ("75,92", None), (",592", None), ("7,", None)];
        let others = [("", None), ("7592.5", None), ("7592,592", None), ("abc", None), ("1e3", None)];
        for (text, expected) in table.into_iter().chain(grouped).chain(others) {
            assert_eq!(integer(text), expected, "{text:?}");
        }
    }
}
