//! By what others' rows would quote a person, and what is put in its place where the person is erased.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{event::phone::is_separator, json};

/// Shorter numbers tell nobody apart, and would be found everywhere.
const NUMBER_DIGITS_MIN: usize = 7;
/// Shorter ones stand in longer ones by chance: they count only where no other digit stands beside them.
const NUMBER_DIGITS_ALONE: usize = 10;
/// A WeChat id has at least as many characters.
const ACCOUNT_BYTES_MIN: usize = 6;
/// Shorter ones stand in words by chance: they count only as words of their own.
const ACCOUNT_BYTES_ALONE: usize = 7;
/// Characters that people put between two digits of a number, at most.
const PARTED_MAX: usize = 3;
/// What is looked for at most.
pub(super) const MARKS_MAX: usize = 50;

/// What tells a person apart. Names and companies are others' too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// A phone number by its digits, however they are parted, in ASCII or full width.
    Number(String),
    /// A WeChat id or a mail address, in whatever case.
    Account(String),
}

impl Mark {
    /// A phone number as somebody wrote it: with the country and without.
    fn numbers(written: &str) -> Vec<Self> {
        let digits: String = written.chars().filter_map(digit_of).collect();
        let countries =
            [("0086", 11), ("86", 11), ("00852", 8), ("852", 8), ("00853", 8), ("853", 8), ("00886", 9), ("886", 9)];
        let local = countries
            .into_iter()
            .find_map(|(country, len)| digits.strip_prefix(country).filter(|local| local.len() == len));
        // A mainland number is long enough to be found within the one that has its country.
        let whole = local.is_none_or(|local| local.len() < NUMBER_DIGITS_ALONE).then_some(digits.as_str());
        let numbers = [whole, local].into_iter().flatten().filter(|number| number.len() >= NUMBER_DIGITS_MIN);
        numbers.map(|number| Self::Number(number.to_owned())).collect()
    }

    /// A WeChat id, which can be a number, or a mail address.
    fn accounts(written: &str) -> Vec<Self> {
        let written = written.trim();
        if !written.is_empty() && written.chars().all(|c| digit_of(c).is_some()) {
            return Self::numbers(written);
        }
        let tells_apart = written.len() >= ACCOUNT_BYTES_MIN && !written.contains(['\0', '"', '\\']);
        if tells_apart { vec![Self::Account(written.to_owned())] } else { Vec::new() }
    }

    /// How many bytes of a text it takes from there on; `None` where it does not stand there.
    fn len_at(&self, text: &str, at: usize) -> Option<usize> {
        let (before, here) = text.split_at(at);
        match self {
            Self::Number(digits) => {
                let len = number_at(here, digits)?;
                let is_alone = !before.ends_with(is_digit) && !here[len..].starts_with(is_digit);
                (is_alone || digits.len() >= NUMBER_DIGITS_ALONE).then_some(len)
            }
            Self::Account(account) => {
                let len = account.len();
                let is_same = here.get(..len)?.eq_ignore_ascii_case(account);
                let behind = &here[len..];
                let counts = is_same && !is_member(before, behind);
                (counts && (len >= ACCOUNT_BYTES_ALONE || is_word(before, behind))).then_some(len)
            }
        }
    }

    /// A digit for a digit and the rest as it was, so that JSON stays JSON.
    fn blank_of(&self, c: char) -> char {
        match (self, c) {
            (Self::Account(_), _) => '*',
            (Self::Number(_), '0'..='9') => '9',
            (Self::Number(_), '０'..='９') => '９',
            (Self::Number(_), other) => other,
        }
    }
}

/// Phone numbers, WeChat ids and mail addresses of a payload.
pub(super) fn marks_in(payload: &str) -> Vec<Mark> {
    let Ok(payload) = json::parse_text(payload) else { return Vec::new() };
    let text = |member: &str| match &payload["data"]["contact"][member] {
        Value::String(text) => text.clone(),
        // Senders write numbers as numbers, too.
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    [Mark::accounts(&text("wechat_id")), Mark::accounts(&text("email")), Mark::numbers(&text("phone"))].concat()
}

/// The same of what a link was found by ([`found_by`](super::found_by)).
pub(super) fn marks_of_link(found_by: &str) -> Vec<Mark> {
    if let [_, _, wechat_id, email, phone] = found_by.split('\n').collect::<Vec<_>>()[..] {
        return [Mark::accounts(wechat_id), Mark::accounts(email), Mark::numbers(phone)].concat();
    }
    // Earlier programs left out the lines that were empty: a line is what it looks like.
    let marks = |line: &str| if looks_like_an_account(line) { Mark::accounts(line) } else { Vec::new() };
    found_by.lines().flat_map(marks).collect()
}

/// Whether it is a number, a mail address or a WeChat id; one of letters alone could as well be a name.
fn looks_like_an_account(line: &str) -> bool {
    let is_plain = line.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    let is_name = line.bytes().all(|byte| byte.is_ascii_alphabetic());
    (is_plain && !is_name) || (line.is_ascii() && line.contains('@') && !line.contains(' '))
}

/// A text without these marks; `None` if it holds none of them.
pub(super) fn blanked(text: &str, marks: &BTreeSet<Mark>) -> Option<String> {
    let (mut blank, mut at, mut is_found) = (String::with_capacity(text.len()), 0, false);
    while let Some(c) = text[at..].chars().next() {
        let found = marks.iter().filter_map(|mark| Some((mark.len_at(text, at)?, mark))).max();
        let Some((len, mark)) = found else {
            blank.push(c);
            at += c.len_utf8();
            continue;
        };
        blank.extend(text[at..at + len].chars().map(|c| mark.blank_of(c)));
        at += len;
        is_found = true;
    }
    is_found.then_some(blank)
}

/// Whether a body that could not be read names this contact all the same: behind a member whose name ends in `id`.
pub(super) fn names_contact(body: &str, contact_id: &str) -> bool {
    body.match_indices(contact_id).any(|(at, id)| {
        let (before, behind) = (&body[..at], &body[at + id.len()..]);
        let value = before.trim_end().trim_end_matches('"').trim_end();
        let member = value.strip_suffix(':').map(str::trim_end).and_then(|it| it.strip_suffix('"'));
        let is_id = member.is_some_and(|member| ["id", "Id", "ID"].iter().any(|end| member.ends_with(end)));
        is_id && !behind.starts_with(is_of_word)
    })
}

/// The bytes of a number at the beginning of a text.
fn number_at(text: &str, digits: &str) -> Option<usize> {
    let mut wanted = digits.chars();
    let (mut next, mut parted) = (wanted.next()?, 0);
    for (at, c) in text.char_indices() {
        if digit_of(c) == Some(next) {
            parted = 0;
            match wanted.next() {
                Some(digit) => next = digit,
                None => return Some(at + c.len_utf8()),
            }
        } else if at > 0 && parted < PARTED_MAX && is_separator(c) {
            parted += 1;
        } else {
            return None;
        }
    }
    None
}

fn digit_of(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10),
        _ => None,
    }
}

fn is_digit(c: char) -> bool {
    digit_of(c).is_some()
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// Whether what stands between these is a word of its own; the letter of an escape in JSON is none of the word.
fn is_word(before: &str, behind: &str) -> bool {
    let is_escape = [r"\n", r"\r", r"\t"].iter().any(|escape| before.ends_with(escape));
    (is_escape || !before.ends_with(is_of_word)) && !behind.starts_with(is_of_word)
}

/// Whether what stands between these is the name of a member, in JSON or in JSON within JSON: readers need it.
fn is_member(before: &str, behind: &str) -> bool {
    let behind = behind.trim_start_matches('\\').strip_prefix('"');
    before.ends_with('"') && behind.is_some_and(|behind| behind.trim_start().starts_with(':'))
}

#[cfg(test)]
#[path = "person_marks_tests.rs"]
mod tests;
