//! By what a contact is one with others: its number and its company, each in the form that is compared. Comparing and
//! reserving use the same keys, so that two contacts are held apart exactly where one would find the other's customer.

use super::{
    mapping::Mapping,
    text::{comparable, searchable},
};
use crate::event::{
    Event,
    phone::{is_separator, normalize},
};

/// A phone number however it is written: a mainland mobile number as its eleven digits, any other without what stands
/// between digits and without the `+` or `00` in front. `None` where nothing is left.
pub(super) fn number_key(number: &str) -> Option<String> {
    if let Some(mobile) = normalize(number) {
        return Some(mobile);
    }
    let plain: String = number.chars().map(half_width).filter(|c| !is_separator(*c)).collect();
    let digits = plain.strip_prefix('+').or_else(|| plain.strip_prefix("00")).unwrap_or(&plain);
    (!digits.is_empty()).then(|| digits.to_owned())
}

/// A company's or a person's name whatever its width, brackets, case, blanks, invisible marks and markup, and whatever an
/// ERP makes of it when it stores it.
pub(super) fn name_key(name: &str) -> String {
    let name = html_escape::decode_html_entities(name);
    let visible = name.chars().map(half_width).filter(|c| !is_separator_in_names(*c));
    let visible: String = visible.map(round_bracket).flat_map(char::to_lowercase).collect();
    let kept = comparable(&visible);
    // Names of nothing but what ERPs alter are the same only if they are equal.
    if kept.is_empty() { visible } else { kept }
}

/// The ways to ask for a name, whose key is the same: the ERP's filter compares what stands there, letter for letter.
pub(super) fn spellings(name: &str) -> Vec<String> {
    let half: String = name.chars().map(half_width).collect();
    let full: String = half.chars().map(full_width_mark).collect();
    let mut spellings: Vec<String> = Vec::new();
    for spelling in [name.trim(), full.trim(), half.trim()] {
        if !spelling.is_empty() && spellings.iter().all(|known| searchable(known) != searchable(spelling)) {
            spellings.push(spelling.to_owned());
        }
    }
    spellings
}

/// What an event's contact may share with another contact that is becoming a customer.
pub fn identities(event: &Event) -> Vec<String> {
    let number = Mapping::mobile(event).and_then(number_key).map(|key| format!("mobile:{key}"));
    let company = event.contact().company().map(|company| format!("company:{}", name_key(company)));
    [number, company].into_iter().flatten().collect()
}

fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        _ => c,
    }
}

/// The marks that Chinese names are mostly written with in full width.
const fn full_width_mark(c: char) -> char {
    match c {
        '(' => '（',
        ')' => '）',
        '&' => '＆',
        '<' => '＜',
        '>' => '＞',
        _ => c,
    }
}

const fn round_bracket(c: char) -> char {
    match c {
        '[' | '【' | '〔' | '「' | '『' => '(',
        ']' | '】' | '〕' | '」' | '』' => ')',
        _ => c,
    }
}

fn is_separator_in_names(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_key_however_it_is_written() {
        for (key, spellings) in [
            ("13800138055", &["138 0013 8055", "138-0013-8055", "+8613800138055", "１３８００１３８０５５"][..]),
            ("85261234567", &["+852 6123 4567", "0085261234567", "852-6123-4567", "＋852 6123 4567"]),
            ("02155551234", &["021-5555 1234", "(021) 55551234", "０２１５５５５１２３４"]),
        ] {
            for spelling in spellings {
                assert_eq!(number_key(spelling).as_deref(), Some(key), "{spelling}");
            }
        }
        for nothing in ["", "  ", "+", "-"] {
            assert_eq!(number_key(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn a_name_has_one_key_whatever_its_width_brackets_case_blanks_and_markup() {
        for (key, spellings) in [
            (
                "a&b科技有限公司",
                &["A&B 科技有限公司", "A＆B 科技有限公司", "A&amp;B科技有限公司", "Ａ＆Ｂ　科技有限公司"][..],
            ),
            ("甲(上海)公司", &["甲（上海）公司", "甲(上海)公司", "甲【上海】公司", "\u{200b}甲 (上海) 公司\u{feff}"]),
            ("<甲>乙", &["<甲>\t乙", "＜甲＞ 乙\u{0}"]),
        ] {
            for spelling in spellings {
                assert_eq!(name_key(spelling), key, "{spelling:?}");
            }
        }
        assert_ne!(name_key("A&B"), name_key("AB"));
    }

    #[test]
    fn a_name_is_asked_for_in_each_of_its_widths_once() {
        assert_eq!(spellings("上海某某公司"), ["上海某某公司"]);
        // Asked for by what stands beside the `&`, which is one for both.
        assert_eq!(spellings("A&B"), ["A&B"]);
        assert_eq!(spellings("甲（乙）"), ["甲（乙）", "甲(乙)"]);
        assert_eq!(spellings("  "), [""; 0]);
    }
}
