//! Phone numbers as an installation of the ERP shows them: written in any way, and masked on some.

use super::text::half_width;
use crate::event::phone::{is_separator, normalize};

/// Digits of a number that people write together: `138 0013 8055`, `138-0013-8055`.
const LAST_DIGITS: usize = 4;

/// How a number that the ERP shows fits the contact's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PhoneMatch {
    Same,
    /// It may be: a mask (138****1234) hides part of it, or it is one of several in the field.
    Perhaps,
    Other,
}

/// With what installations mask numbers.
const MASKS: [char; 6] = ['*', '＊', '●', '•', 'x', 'X'];

/// Compares a number as the ERP shows it with the contact's own.
pub(super) fn fit(shown: &str, ours: &str) -> PhoneMatch {
    if same_number(shown, ours) {
        return PhoneMatch::Same;
    }
    let (Some(first), Some(last)) = (shown.find(MASKS), shown.rfind(MASKS)) else {
        // Two numbers in one field, or a word before it: a person has to say whose the field is.
        let among = shown.split(|c| !may_stand_in_number(c)).any(|part| same_number(part, ours));
        return if among { PhoneMatch::Perhaps } else { PhoneMatch::Other };
    };
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let (mut head, tail) = (digits(&shown[..first]), digits(&shown[last..]));
    let ours = normalize(ours).unwrap_or_else(|| digits(ours));
    if !ours.starts_with(&head) {
        // +86 in front of it.
        head = head.trim_start_matches("00").strip_prefix("86").unwrap_or(&head).to_owned();
    }
    let fits = ours.starts_with(&head) && ours.ends_with(&tail) && head.len() + tail.len() < ours.len();
    if fits { PhoneMatch::Perhaps } else { PhoneMatch::Other }
}

fn may_stand_in_number(c: char) -> bool {
    half_width(c).is_ascii_digit() || is_separator(c) || half_width(c) == '+'
}

/// Whether two ways of writing a phone number mean the same one.
pub(super) fn same_number(left: &str, right: &str) -> bool {
    number_key(left).is_some_and(|left| number_key(right) == Some(left))
}

/// Whether a list does not say which number it is.
pub(super) fn is_hidden(shown: Option<&str>, mobile: &str) -> bool {
    shown.is_none_or(|number| fit(number, mobile) == PhoneMatch::Perhaps)
}

/// No number of a person has fewer digits; a hotline is nobody's.
const DIGITS_MIN: usize = 7;

/// A phone number however it is written: a mainland mobile number as its eleven digits, any other without what stands
/// between digits and without the `+` or `00` in front. `None` where that is no number by which anybody is known: `无`, `微信同号`,
/// an extension.
pub(super) fn number_key(number: &str) -> Option<String> {
    if let Some(mobile) = normalize(number) {
        return Some(mobile);
    }
    let plain: String = number.chars().map(half_width).filter(|c| !is_separator(*c)).collect();
    let digits = plain.strip_prefix('+').or_else(|| plain.strip_prefix("00")).unwrap_or(&plain);
    (digits.chars().filter(char::is_ascii_digit).count() >= DIGITS_MIN).then(|| digits.to_owned())
}

/// The last digits of a number, which people write together.
pub(super) fn last_digits(number: &str) -> String {
    let key = number_key(number).unwrap_or_default();
    let from = key.char_indices().rev().nth(LAST_DIGITS - 1).map_or(0, |(at, _)| at);
    key[from..].to_owned()
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
        for nothing in ["", "  ", "+", "-", "无", "暂无", "微信同号", "0", "95588", "123456"] {
            assert_eq!(number_key(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn numbers_compare_however_they_are_written() {
        for (left, right, same) in [
            ("138 0000 1234", "+8613800001234", true),
            ("13800001234", "13800001235", false),
            ("021-5555", "(021) 5555", true),
            ("+852 6123 4567", "0085261234567", true),
            ("", "", false),
        ] {
            assert_eq!(same_number(left, right), same, "{left} {right}");
        }
    }

    #[test]
    fn a_masked_number_fits_or_is_another_but_is_never_the_same() {
        for (shown, expected) in [
            ("13800001234", PhoneMatch::Same),
            ("138****1234", PhoneMatch::Perhaps),
            ("138＊＊＊＊1234", PhoneMatch::Perhaps),
            ("+86 138 **** 1234", PhoneMatch::Perhaps),
            ("1380000****", PhoneMatch::Perhaps),
            ("*******1234", PhoneMatch::Perhaps),
            ("***********", PhoneMatch::Perhaps),
            ("138xxxx1234", PhoneMatch::Perhaps),
            ("139****1234", PhoneMatch::Other),
            ("138****1235", PhoneMatch::Other),
            ("13800001234*1234", PhoneMatch::Other),
            ("13800001235", PhoneMatch::Other),
            ("13800001234/13900001234", PhoneMatch::Perhaps),
            ("手机：138 0000 1234", PhoneMatch::Perhaps),
            ("13900001234、13700001234", PhoneMatch::Other),
            ("", PhoneMatch::Other),
        ] {
            assert_eq!(fit(shown, "138 0000 1234"), expected, "{shown}");
        }
    }
}
