//! Telephone numbers in text, however people write them.

use std::net::Ipv4Addr;

/// Digits of a mainland mobile number.
const MOBILE_DIGITS: usize = 11;
/// Of a mobile number these digits are hidden: `138****5678`.
const MOBILE_HIDDEN: std::ops::Range<usize> = 3..7;
/// A landline with its area code has at least so many digits: `010-1234567` has ten.
const LANDLINE_DIGITS_MIN: usize = 10;
/// Digits of a number behind a `+`.
const INTERNATIONAL_DIGITS: std::ops::RangeInclusive<usize> = 8..=15;
/// Of other numbers the first three and the last two digits stay.
const ENDS_KEPT: (usize, usize) = (3, 2);
/// People put at most this many characters between two digits of one number (`138 -- 1234`).
const SEPARATORS_MAX: usize = 4;
/// What stands before a client's address, in a line for people and in JSON.
const CLIENT_ADDRESS: [&str; 2] = ["client.address=", "\"client.address\":\""];
/// Characters of a uuid.
const UUID_CHARS: usize = 36;

/// The text with the middle of every telephone number hidden. Rather hides too much than too little.
pub(super) fn mask_numbers(text: &str) -> String {
    if is_without_numbers(text) { text.to_owned() } else { mask_runs(text) }
}

fn mask_runs(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let mut run = Run::default();
    let mut index = 0;
    while let Some(c) = chars.get(index).copied() {
        if is_uuid_at(&chars, index) {
            run.end(&mut chars);
            index += UUID_CHARS;
            continue;
        }
        if let Some(length) = client_address_at(&chars, index) {
            run.end(&mut chars);
            index += length;
            continue;
        }
        if value(c).is_some() {
            if run.gap > SEPARATORS_MAX {
                run.end(&mut chars);
            }
            run.push(index);
        } else if is_separator(c) {
            run.gap += 1;
        } else if !is_mark(c) {
            run.end(&mut chars);
        }
        index += 1;
    }
    run.end(&mut chars);
    chars.into_iter().collect()
}

/// Whether a glance tells that nothing of the text is a number, as of most lines of a log: it is ASCII, and nowhere do as
/// many digits follow each other as a number has.
fn is_without_numbers(text: &str) -> bool {
    let (mut digits, mut gap, mut least) = (0, 0, LANDLINE_DIGITS_MIN);
    for byte in text.bytes() {
        match byte {
            128.. => return false,
            b'0'..=b'9' if gap <= SEPARATORS_MAX => (digits, gap) = (digits + 1, 0),
            b'0'..=b'9' => (digits, gap, least) = (1, 0, LANDLINE_DIGITS_MIN),
            b'+' => (digits, gap, least) = (0, 0, *INTERNATIONAL_DIGITS.start()),
            _ if is_separator(char::from(byte)) => gap += 1,
            _ => (digits, gap, least) = (0, 0, LANDLINE_DIGITS_MIN),
        }
        if digits >= least {
            return false;
        }
    }
    true
}

/// How long the IPv4 address at this place is, where the log has a client's (`http/trace.rs`): `139.155.12.34` would pass for a
/// telephone number. Elsewhere it is one.
fn client_address_at(chars: &[char], index: usize) -> Option<usize> {
    let is_behind = |name: &str| {
        let begin = index.checked_sub(name.len());
        begin.is_some_and(|begin| chars[begin..index].iter().copied().eq(name.chars()))
    };
    if !CLIENT_ADDRESS.into_iter().any(is_behind) {
        return None;
    }
    let address: String = chars[index..].iter().take_while(|c| c.is_ascii_digit() || **c == '.').collect();
    address.parse::<Ipv4Addr>().ok().map(|_| address.len())
}

/// Digits that may belong to one number.
#[derive(Default)]
struct Run {
    /// The places of the digits.
    places: Vec<usize>,
    /// Separators since the last digit.
    gap: usize,
}

impl Run {
    fn push(&mut self, place: usize) {
        self.places.push(place);
        self.gap = 0;
    }

    /// Hides what of the run is a number, and begins a new run.
    fn end(&mut self, chars: &mut [char]) {
        let places = std::mem::take(&mut self.places);
        self.gap = 0;
        if !mask_mobiles(chars, &places) && (is_landline(chars, &places) || is_international(chars, &places)) {
            let end = places.len() - ENDS_KEPT.1;
            places[ENDS_KEPT.0..end].iter().for_each(|place| chars[*place] = '*');
        }
    }
}

/// Hides the middle of every mobile number within one run, and says whether there was one. After a hit the search goes on
/// right behind the stars: a second number may overlap the first one's end.
fn mask_mobiles(chars: &mut [char], run: &[usize]) -> bool {
    let (mut start, mut found) = (0, false);
    while let Some(window) = run.get(start..start + MOBILE_DIGITS) {
        let at = |place: usize| window.get(place).and_then(|index| value(chars[*index]));
        if at(0) == Some(1) && at(1).is_some_and(|second| second >= 3) {
            window[MOBILE_HIDDEN].iter().for_each(|index| chars[*index] = '*');
            start += MOBILE_HIDDEN.end;
            found = true;
        } else {
            start += 1;
        }
    }
    found
}

/// `021-5555 1234`: an area code, which begins with 0 and stands in one piece, unlike `0.21`.
fn is_landline(chars: &[char], run: &[usize]) -> bool {
    let [first, second, ..] = run else { return false };
    run.len() >= LANDLINE_DIGITS_MIN
        && value(chars[*first]) == Some(0)
        && value(chars[*second]).is_some_and(|digit| digit > 0)
        && chars[first + 1..*second].iter().all(|c| is_mark(*c))
}

/// `+852 6123 4567`.
fn is_international(chars: &[char], run: &[usize]) -> bool {
    let before = run.first().and_then(|first| chars[..*first].iter().rfind(|c| !is_mark(**c)));
    INTERNATIONAL_DIGITS.contains(&run.len()) && matches!(before, Some('+' | '＋'))
}

/// The value of a digit: ASCII, full-width, of other scripts, in circles, small, and the Chinese ones, 幺 as well.
pub(crate) fn value(c: char) -> Option<u32> {
    let from = |first: char, least: u32| Some(u32::from(c) - u32::from(first) + least);
    match c {
        '0'..='9' => from('0', 0),
        '０'..='９' => from('０', 0),
        '\u{660}'..='\u{669}' => from('\u{660}', 0),
        '\u{6f0}'..='\u{6f9}' => from('\u{6f0}', 0),
        '\u{966}'..='\u{96f}' => from('\u{966}', 0),
        '\u{e50}'..='\u{e59}' => from('\u{e50}', 0),
        '\u{1d7ce}'..='\u{1d7ff}' => from('\u{1d7ce}', 0).map(|place| place % 10),
        '\u{2080}'..='\u{2089}' => from('\u{2080}', 0),
        '⁴'..='⁹' => from('⁴', 4),
        '①'..='⑨' => from('①', 1),
        '⑴'..='⑼' => from('⑴', 1),
        '⒈'..='⒐' => from('⒈', 1),
        '❶'..='❾' => from('❶', 1),
        '➀'..='➈' => from('➀', 1),
        '➊'..='➒' => from('➊', 1),
        '〇' | '零' | '⁰' | '⓪' | '⓿' => Some(0),
        '一' | '壹' | '幺' | '¹' => Some(1),
        '二' | '贰' | '貳' | '两' | '兩' | '²' => Some(2),
        '三' | '叁' | '參' | '³' => Some(3),
        '四' | '肆' => Some(4),
        '五' | '伍' => Some(5),
        '六' | '陆' | '陸' => Some(6),
        '七' | '柒' => Some(7),
        '八' | '捌' => Some(8),
        '九' | '玖' => Some(9),
        _ => None,
    }
}

/// What people put between the digits of one number.
fn is_separator(c: char) -> bool {
    (c.is_whitespace() && c != '\n')
        || matches!(c, '-' | '－' | '−' | '\u{2010}'..='\u{2015}' | '~' | '～' | '.' | '．' | '。' | '·' | '•' | '_')
        || matches!(c, '(' | ')' | '（' | '）' | '[' | ']' | '/' | '／' | '\\' | '|' | '｜' | ',' | '，' | '、')
}

/// What stands at a digit without being seen, and the frame of a keycap (`1️⃣`).
pub(crate) fn is_mark(c: char) -> bool {
    matches!(c, '\u{fe0e}' | '\u{fe0f}' | '\u{20e3}' | '\u{ad}' | '\u{feff}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

/// Whether a uuid stands at this place: ids of the bridge's own must stay readable, and their digits are no number.
fn is_uuid_at(chars: &[char], place: usize) -> bool {
    let is_part = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let Some(candidate) = chars.get(place..place + UUID_CHARS) else { return false };
    let alone = !chars[..place].last().is_some_and(is_part) && !chars.get(place + UUID_CHARS).is_some_and(is_part);
    let fits = |(place, c): (usize, &char)| match place {
        8 | 13 | 18 | 23 => *c == '-',
        _ => c.is_ascii_hexdigit(),
    };
    alone && candidate.iter().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_glance_is_enough_for_most_lines_and_for_no_number() {
        for (text, is_enough) in [
            ("2026-11-26T15:04:05.123+08:00  INFO answered http.status=202", true),
            ("tel 010-12345", true),
            ("010-1234567", false),
            ("+852 612 3", true),
            ("+852 612 34", false),
            ("123456789", true),
            ("12345-----678901", true),
            ("12345----678901", false),
            ("没有", false),
        ] {
            assert_eq!(is_without_numbers(text), is_enough, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn what_a_glance_lets_pass_has_nothing_to_mask(text in "([0-9]{1,6}|[-+ .a-f:(\n]{1,6}|client.address=){0,12}") {
            prop_assert!(!is_without_numbers(&text) || mask_runs(&text) == text, "{}", mask_runs(&text));
        }
    }
}
