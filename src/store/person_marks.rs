//! By what others' rows would quote a person, and what is put in its place where the person is erased.

use std::collections::BTreeSet;

use serde_json::Value;

use super::name_marks::{name_at, name_of};
use crate::{
    event::phone::{is_separator, normalize},
    json,
    telemetry::masking::{digit_value, is_mark_of_digit},
};

/// Shorter numbers tell nobody apart, and would be found everywhere.
const NUMBER_DIGITS_MIN: usize = 7;
/// Shorter ones stand in longer ones by chance: they count only where no other digit stands beside them.
const NUMBER_DIGITS_ALONE: usize = 10;
/// Characters that people put between two digits of a number, at most.
const PARTED_MAX: usize = 3;
/// How far before an id the beginning of its object or list is looked for, in characters.
const OBJECT_CHARS_MAX: usize = 10_000;
/// What people write for a WeChat id that they do not know, and what looks like one.
const NOBODY: [&str; 4] = ["wechat", "weixin", "unknown", "undefined"];
/// Members that hold an account, in lower case, even where it is a bare number.
const ACCOUNT_MEMBERS: [&str; 3] = ["qq", "weixinacc", "wechat_id"];
/// What is looked for at most.
pub(super) const MARKS_MAX: usize = 50;

/// By what a person is found in others' rows. Companies are others' too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// A phone number by its digits, however they are parted and written.
    Number(String),
    /// A QQ number, by which WeChat takes people in, too: ASCII digits that stand alone.
    Qq(String),
    /// A WeChat id or a mail address, in whatever case, as a word of its own.
    Account(String),
    /// A name, which others may have, too: it is looked for in the ERP's words alone, and behind all that tells apart.
    Name(String),
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
        let tells_apart = |number: &&str| number.len() >= NUMBER_DIGITS_MIN && !is_filler(number);
        let numbers = [whole, local].into_iter().flatten().filter(tells_apart);
        numbers.map(|number| Self::Number(number.to_owned())).collect()
    }

    /// A WeChat id, or the number or mail address that somebody wrote for one. Whatever else stands there (微信, 没有, a
    /// nickname) is everybody's.
    fn wechat(written: &str) -> Vec<Self> {
        let written = written.trim();
        if normalize(written).is_some() {
            return Self::numbers(written);
        }
        if let Some(number) = qq_of(written) {
            return vec![Self::Qq(number)];
        }
        if is_wechat_id(written) || is_mail(written) {
            return vec![Self::Account(written.to_owned())];
        }
        let is_number = written.chars().all(|c| is_digit(c) || c == '+' || is_separator(c));
        if is_number { Self::numbers(written) } else { Vec::new() }
    }

    fn name(written: &str) -> Vec<Self> {
        name_of(written).map(Self::Name).into_iter().collect()
    }

    /// Whether nobody else can be meant by it.
    pub(super) const fn tells_apart(&self) -> bool {
        !matches!(self, Self::Name(_))
    }

    fn mail(written: &str) -> Vec<Self> {
        let written = written.trim();
        is_mail(written).then(|| Self::Account(written.to_owned())).into_iter().collect()
    }

    /// How many bytes of a text it takes from there on; `None` where it does not stand there.
    fn len_at(&self, text: &str, at: usize) -> Option<usize> {
        let (before, here) = text.split_at(at);
        match self {
            Self::Number(digits) => {
                let len = number_at(here, digits)?;
                let is_alone = stands_alone(before, &here[..len], &here[len..]);
                (is_alone || digits.len() >= NUMBER_DIGITS_ALONE).then_some(len)
            }
            Self::Qq(digits) => {
                let behind = here.strip_prefix(digits.as_str())?;
                (is_word(before, behind) && !is_of_a_record(before, behind)).then_some(digits.len())
            }
            Self::Account(account) => {
                let len = account.len();
                let is_same = here.get(..len)?.eq_ignore_ascii_case(account);
                (is_same && is_word(before, &here[len..]) && !is_member(before, &here[len..])).then_some(len)
            }
            Self::Name(name) => {
                let len = name_at(here, name)?;
                let behind = &here[len..];
                // Chinese has nothing between its words.
                let is_whole = !name.is_ascii() || is_word(before, behind);
                (is_whole && !is_member(before, behind)).then_some(len)
            }
        }
    }

    /// A digit for a digit and the rest as it was, so that JSON stays JSON.
    fn blank_of(&self, c: char) -> char {
        match (self, c) {
            (Self::Account(_) | Self::Name(_), _) => '*',
            (_, '0'..='9') => '9',
            (_, '０'..='９') => '９',
            (Self::Number(_), other) if digit_value(other).is_some() => '9',
            (_, other) => other,
        }
    }
}

/// Whether no digit stands beside a number. A Chinese digit beside one in figures is mostly part of a word.
fn stands_alone(before: &str, number: &str, behind: &str) -> bool {
    let in_figures = number.starts_with(is_digit) && number.ends_with(is_digit);
    let of_it = |c: char| if in_figures { is_digit(c) } else { digit_value(c).is_some() };
    let behind = behind.trim_start_matches(is_mark_of_digit);
    !before.trim_end_matches(is_mark_of_digit).ends_with(of_it) && !behind.starts_with(of_it)
}

/// Phone numbers, WeChat ids, mail addresses and names of a payload.
pub(super) fn marks_in(payload: &str) -> Vec<Mark> {
    let Ok(payload) = json::parse_text(payload) else { return Vec::new() };
    let text = |member: &str| match &payload["data"]["contact"][member] {
        Value::String(text) => text.clone(),
        // Senders write numbers as numbers, too.
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let accounts = [Mark::wechat(&text("wechat_id")), Mark::mail(&text("email"))].concat();
    [accounts, Mark::numbers(&text("phone")), Mark::name(&text("name"))].concat()
}

/// The same of what a link was found by ([`found_by`](super::found_by)).
pub(super) fn marks_of_link(found_by: &str) -> Vec<Mark> {
    if let [name, _, wechat_id, email, phone] = found_by.split('\n').collect::<Vec<_>>()[..] {
        return [Mark::wechat(wechat_id), Mark::mail(email), Mark::numbers(phone), Mark::name(name)].concat();
    }
    // Earlier programs left out the lines that were empty: a line is what it looks like.
    found_by.lines().flat_map(marks_of_line).collect()
}

/// A number, a mail address or a WeChat id; one of letters alone, or of words that are joined, could as well be a name.
fn marks_of_line(line: &str) -> Vec<Mark> {
    if line.bytes().all(|byte| byte.is_ascii_digit()) {
        return Mark::numbers(line);
    }
    let is_account = is_mail(line) || line.bytes().any(|byte| byte.is_ascii_digit() || byte == b'_');
    if is_account { Mark::wechat(line) } else { Vec::new() }
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

/// Whether a body of which nobody could read whose it is names this contact all the same: as the id of its `contact`, or as a
/// `contact_id`. Deals and invoices have ids, too.
pub(super) fn names_contact(body: &str, contact_id: &str) -> bool {
    match json::parse_text(body) {
        Ok(body) => holds_contact(&body, contact_id),
        Err(_) => {
            let mut found = body.match_indices(contact_id);
            found.any(|(at, id)| is_contact_between(&body[..at], &body[at + id.len()..]))
        }
    }
}

fn holds_contact(value: &Value, contact_id: &str) -> bool {
    let names_it = |name: &str, value: &Value| match name {
        "contact" => is_contact(value, contact_id),
        _ => is_contact_id(name) && says(value, contact_id),
    };
    match value {
        Value::Object(members) => {
            members.iter().any(|(name, value)| names_it(name, value) || holds_contact(value, contact_id))
        }
        Value::Array(items) => items.iter().any(|item| holds_contact(item, contact_id)),
        _ => false,
    }
}

/// Whether a `contact` is this one: its id alone, an object that has it, or a list of these.
fn is_contact(value: &Value, contact_id: &str) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, value)| is_id(name) && says(value, contact_id)),
        Value::Array(items) => items.iter().any(|item| is_contact(item, contact_id)),
        alone => says(alone, contact_id),
    }
}

/// Whether a value is this text or number, or holds it.
fn says(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text.trim() == wanted,
        Value::Number(number) => number.to_string() == wanted,
        Value::Array(items) => items.iter().any(|item| says(item, wanted)),
        Value::Object(members) => members.values().any(|value| says(value, wanted)),
        _ => false,
    }
}

/// Whether what stands between these, in a text that is no JSON, is the id of a contact, alone or in a list.
fn is_contact_between(before: &str, behind: &str) -> bool {
    if behind.starts_with(is_of_word) {
        return false;
    }
    let before = before.trim_end().trim_end_matches('"').trim_end();
    let before = if before.ends_with(['[', ',']) { out_of_lists(before) } else { before };
    let member = member_before(before);
    let Some((outside, name)) = member.and_then(|member| member.rsplit_once('"')) else { return false };
    name == "contact" || is_contact_id(name) || (is_id(name) && is_in_contact(outside))
}

/// Whether a text ends within the object `contact`, or one of a list of them.
fn is_in_contact(text: &str) -> bool {
    let Some((before, '{')) = opened(text) else { return false };
    member_before(out_of_lists(before)).is_some_and(|member| member.ends_with("\"contact"))
}

/// What stands before the lists that are open where a text ends.
fn out_of_lists(mut text: &str) -> &str {
    while let Some((before, '[')) = opened(text) {
        text = before;
    }
    text
}

/// The innermost bracket that is open where a text ends, and what stands before it.
fn opened(text: &str) -> Option<(&str, char)> {
    let mut closed = 0_usize;
    for (at, c) in text.char_indices().rev().take(OBJECT_CHARS_MAX) {
        match c {
            '}' | ']' => closed += 1,
            '{' | '[' if closed == 0 => return Some((&text[..at], c)),
            '{' | '[' => closed -= 1,
            _ => {}
        }
    }
    None
}

/// A text that ends in the name of a member and its colon, up to the quote behind the name.
fn member_before(text: &str) -> Option<&str> {
    text.trim_end().strip_suffix(':')?.trim_end().strip_suffix('"')
}

fn is_id(name: &str) -> bool {
    matches!(name, "id" | "Id" | "ID")
}

fn is_contact_id(name: &str) -> bool {
    matches!(name, "contact_id" | "contactId" | "contactID")
}

/// The bytes of a number at the beginning of a text, its digits as the masking knows them: keycaps and Chinese ones, too.
fn number_at(text: &str, digits: &str) -> Option<usize> {
    let mut wanted = digits.chars();
    let (mut next, mut parted) = (wanted.next()?, 0);
    for (at, c) in text.char_indices() {
        if digit_value(c).and_then(|value| char::from_digit(value, 10)) == Some(next) {
            parted = 0;
            match wanted.next() {
                Some(digit) => next = digit,
                None => return Some(at + c.len_utf8()),
            }
        } else if at > 0 && (is_mark_of_digit(c) || parted < PARTED_MAX && is_separator(c)) {
            // What nobody sees parts nothing.
            parted += usize::from(!is_mark_of_digit(c));
        } else {
            return None;
        }
    }
    None
}

/// Digits in which a number is typed where one is asked for. A Chinese one beside a number is mostly a word's.
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

/// Whether somebody held a key, or went along the keys: such a number is nobody's.
fn is_filler(digits: &str) -> bool {
    digits.chars().all(|digit| digits.starts_with(digit)) || "01234567890".contains(digits)
}

fn qq_of(written: &str) -> Option<String> {
    let digits: String = written.chars().map(digit_of).collect::<Option<_>>()?;
    (matches!(digits.len(), 5..=11) && !is_filler(&digits)).then_some(digits)
}

/// As WeChat takes them, or as it makes them itself.
fn is_wechat_id(text: &str) -> bool {
    // Longer ones are made by programs (`wxid_…`, openid, external_userid), and have digits in them.
    let is_long_enough = match text.len() {
        6..=20 => true,
        21..=64 => text.contains(|c: char| c.is_ascii_digit()),
        _ => false,
    };
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(is_of_word);
    is_long_enough && is_plain && !NOBODY.iter().any(|nobody| text.eq_ignore_ascii_case(nobody))
}

fn is_mail(text: &str) -> bool {
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '@' | '"' | '\\');
    let is_part = |part: &str| !part.is_empty() && part.chars().all(is_plain);
    text.split_once('@').is_some_and(|(name, host)| is_part(name) && is_part(host) && host.contains('.'))
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// What joins words to a mail address or a host, and digits to an amount.
fn is_joint(c: char) -> bool {
    matches!(c, '.' | '@' | '+')
}

/// Whether what stands between these is a word of its own, and no part of a longer one, an address or an amount.
fn is_word(before: &str, behind: &str) -> bool {
    let before = before.strip_suffix(is_joint).unwrap_or(before);
    let behind = behind.strip_prefix(is_joint).unwrap_or(behind);
    (is_escape(before) || !before.ends_with(is_of_word)) && !behind.starts_with(is_of_word)
}

/// Whether a text ends in an escape of JSON, whose letters are of no word.
fn is_escape(text: &str) -> bool {
    match text.as_bytes() {
        [.., b'\\', b'b' | b'f' | b'n' | b'r' | b't'] => true,
        [.., b'\\', b'u', hex_1, hex_2, hex_3, hex_4] => {
            [hex_1, hex_2, hex_3, hex_4].iter().all(|hex| hex.is_ascii_hexdigit())
        }
        _ => false,
    }
}

/// Whether what stands between these is a bare number in JSON, which is a record's or an amount unless its member holds
/// accounts.
fn is_of_a_record(before: &str, behind: &str) -> bool {
    match member_before(before) {
        Some(member) => {
            let member = member.trim_end_matches('\\').to_ascii_lowercase();
            !ACCOUNT_MEMBERS.iter().any(|name| member.ends_with(name))
        }
        None => before.trim_end().ends_with(['[', ',']) && behind.trim_start().starts_with([',', ']']),
    }
}

/// Whether what stands between these is the name of a member, in JSON or in JSON within JSON: readers need it.
fn is_member(before: &str, behind: &str) -> bool {
    let behind = behind.trim_start_matches('\\').strip_prefix('"');
    before.ends_with('"') && behind.is_some_and(|behind| behind.trim_start().starts_with(':'))
}

#[cfg(test)]
#[path = "person_marks_tests.rs"]
mod tests;
