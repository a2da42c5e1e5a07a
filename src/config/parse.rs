//! How values are written. Each function makes a parser for one kind of value within its limits; a parser's error says
//! what would be right, never what was there.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr, time::Duration};

use bytesize::ByteSize;
use humantime::format_duration;
use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::source::Raw;

/// What came of a value.
pub(super) type Parsed<T> = Result<T, String>;

/// A text of so many UTF-16 code units, as the ERP counts them.
pub(super) fn text(units: RangeInclusive<usize>) -> impl Fn(&Raw) -> Parsed<String> {
    move |raw| {
        let wanted = || match (*units.start(), *units.end()) {
            (0, max) => format!("write a text of at most {max} characters in quotes"),
            (min, max) => format!("write a text of {min} to {max} characters in quotes"),
        };
        match raw {
            Raw::Env(text) | Raw::Text(text) if units.contains(&text.encode_utf16().count()) => Ok(text.clone()),
            _ => Err(wanted()),
        }
    }
}

/// A text for which `check` finds nothing wrong, else `wanted`.
pub(super) fn text_such_that(check: impl Fn(&str) -> bool, wanted: &str) -> impl Fn(&Raw) -> Parsed<String> {
    move |raw| match raw {
        Raw::Env(text) | Raw::Text(text) if check(text) => Ok(text.clone()),
        _ => Err(wanted.to_owned()),
    }
}

/// A text that reads as a `T`, whose error says what would be right.
pub(super) fn read_as<T: FromStr<Err: Display>>(raw: &Raw) -> Parsed<T> {
    match raw {
        Raw::Env(text) | Raw::Text(text) => text.parse().map_err(|wanted: T::Err| wanted.to_string()),
        _ => Err("write a text in quotes".to_owned()),
    }
}

/// What `read` takes, or nothing where the text is empty.
pub(super) fn unless_empty<T>(read: impl Fn(&Raw) -> Parsed<T>) -> impl Fn(&Raw) -> Parsed<Option<T>> {
    move |raw| match raw {
        Raw::Env(text) | Raw::Text(text) if text.is_empty() => Ok(None),
        _ => read(raw).map(Some).map_err(|wanted| format!("{wanted}, or nothing")),
    }
}

/// A text that somebody can read: not blank, at most so many UTF-16 code units.
pub(super) fn readable(units_max: usize) -> impl Fn(&Raw) -> Parsed<String> {
    move |raw| {
        let text = text(1..=units_max)(raw)?;
        if text.trim().is_empty() {
            Err(format!("write 1 to {units_max} characters, not only spaces"))
        } else {
            Ok(text)
        }
    }
}

/// The same as a secret.
pub(super) fn secret(units: RangeInclusive<usize>) -> impl Fn(&Raw) -> Parsed<SecretString> {
    move |raw| text(units.clone())(raw).map(SecretString::from)
}

/// A whole number.
pub(super) fn integer<T>(range: RangeInclusive<T>) -> impl Fn(&Raw) -> Parsed<T>
where
    T: TryFrom<i64> + FromStr + PartialOrd + Display,
{
    move |raw| {
        let number = match raw {
            Raw::Integer(number) => T::try_from(*number).ok(),
            Raw::Env(text) => text.trim().parse().ok(),
            _ => None,
        };
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| format!("write a whole number from {} to {}, without quotes", range.start(), range.end()))
    }
}

/// A number.
pub(super) fn number(range: RangeInclusive<f64>) -> impl Fn(&Raw) -> Parsed<f64> {
    move |raw| {
        let number = match raw {
            #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
            Raw::Integer(number) => Some(*number as f64),
            Raw::Float(number) => Some(*number),
            Raw::Env(text) => text.trim().parse().ok(),
            _ => None,
        };
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| format!("write a number from {} to {}, without quotes", range.start(), range.end()))
    }
}

/// A span of time with its unit: `20s`, `5m`, `30d`.
pub(super) fn duration(range: RangeInclusive<Duration>) -> impl Fn(&Raw) -> Parsed<Duration> {
    move |raw| {
        let span = match raw {
            Raw::Env(text) | Raw::Text(text) => humantime::parse_duration(text.trim()).ok(),
            _ => None,
        };
        span.filter(|span| range.contains(span)).ok_or_else(|| {
            let (from, to) = (format_duration(*range.start()), format_duration(*range.end()));
            format!("write a time with its unit in quotes, such as \"20s\", \"5m\" or \"30d\", from {from} to {to}")
        })
    }
}

/// A size in bytes, also with a unit: `262144`, `256KiB`.
pub(super) fn size(range: RangeInclusive<u64>) -> impl Fn(&Raw) -> Parsed<u64> {
    move |raw| {
        let bytes = match raw {
            Raw::Env(text) | Raw::Text(text) => text.trim().parse::<ByteSize>().ok().map(|size| size.as_u64()),
            Raw::Integer(number) => u64::try_from(*number).ok(),
            _ => None,
        };
        bytes.filter(|bytes| range.contains(bytes)).ok_or_else(|| {
            let (from, to) = (ByteSize(*range.start()), ByteSize(*range.end()));
            format!("write a size such as \"256KiB\" or a number of bytes, from {from} to {to}")
        })
    }
}

/// One of a few words.
pub(super) fn one_of<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(&Raw) -> Parsed<T> {
    move |raw| {
        let word = match raw {
            Raw::Env(text) | Raw::Text(text) => words.iter().find(|(word, _)| word == text).map(|(_, value)| *value),
            _ => None,
        };
        word.ok_or_else(|| {
            let words: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            format!("write {}", words.join(" or "))
        })
    }
}

/// Yes or no.
pub(super) fn truth(raw: &Raw) -> Parsed<bool> {
    match raw {
        Raw::Bool(truth) => Ok(*truth),
        Raw::Env(text) => text.trim().parse().map_err(|_| "write true or false".to_owned()),
        _ => Err("write true or false, without quotes".to_owned()),
    }
}

/// A time zone of the IANA database, which is compiled in.
pub(super) fn zone(raw: &Raw) -> Parsed<TimeZone> {
    let name = match raw {
        Raw::Env(text) | Raw::Text(text) => text.trim(),
        _ => "",
    };
    TimeZone::get(name).map_err(|_| "write the name of a time zone such as \"Asia/Shanghai\"".to_owned())
}

/// A list; in the environment its items are separated by commas, in a secret's file also by lines.
pub(super) fn list<T>(
    count: RangeInclusive<usize>,
    item: impl Fn(&Raw) -> Parsed<T>,
) -> impl FnOnce(&Raw) -> Parsed<Vec<T>> {
    move |raw| {
        let items: Vec<Raw> = match raw {
            Raw::List(items) => items.clone(),
            Raw::Env(text) => split(text, &[',', '\n']).map(|item| Raw::Env(item.to_owned())).collect(),
            _ => return Err("write a list in square brackets: [\"…\", \"…\"]".into()),
        };
        if !count.contains(&items.len()) {
            return Err(format!("write {} to {} items; these are {}", count.start(), count.end(), items.len()));
        }
        let parsed = items.iter().enumerate();
        parsed.map(|(index, raw)| item(raw).map_err(|what| format!("item {}: {what}", index + 1))).collect()
    }
}

/// The parts of a text between separators, without the spaces around them; an empty text has none.
pub(super) fn split<'a>(text: &'a str, separators: &'a [char]) -> impl Iterator<Item = &'a str> {
    let parts = (!text.trim().is_empty()).then(|| text.split(separators));
    parts.into_iter().flatten().map(str::trim)
}
