//! Mobile numbers of the mainland (手机号), however people write them.

/// The eleven digits of a mainland mobile number, if `text` is one: `+86`, `0086` or `86` in front, spaces, dashes, dots
/// and parentheses between, and full-width forms are all taken. Landlines and other countries' numbers are `None`.
pub fn normalize(text: &str) -> Option<String> {
    let mut digits = String::with_capacity(text.len());
    let mut plus = false;
    for c in text.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '０'..='９' => digits.push(char::from(b'0' + u8::try_from(u32::from(c) - u32::from('０')).ok()?)),
            '+' | '＋' if digits.is_empty() && !plus => plus = true,
            _ if is_separator(c) => {}
            _ => return None,
        }
    }
    let national = if plus {
        digits.strip_prefix("86")?
    } else {
        digits.strip_prefix("0086").or_else(|| digits.strip_prefix("86")).unwrap_or(&digits)
    };
    is_mobile(national).then(|| national.to_owned())
}

/// 1, then 3–9, then nine digits.
fn is_mobile(digits: &str) -> bool {
    matches!(digits.as_bytes(), [b'1', b'3'..=b'9', rest @ ..] if rest.len() == 9)
}

/// What people put between digits, and the invisible marks that address books add around numbers.
pub(crate) fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '－' | '−' | '\u{2010}'..='\u{2015}' | '.' | '．' | '·' | '(' | ')' | '（' | '）')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_mainland_mobile_is_recognised_however_it_is_written() {
        for written in [
            "13812345678",
            "138 1234 5678",
            "138-1234-5678",
            "138.1234.5678",
            " 13812345678\n",
            "+8613812345678",
            "+86 138-1234-5678",
            "+86-13812345678",
            "(+86) 13812345678",
            "(86)13812345678",
            "（+86）138 1234 5678",
            "0086 13812345678",
            "008613812345678",
            "8613812345678",
            "＋８６１３８１２３４５６７８",
            "１３８１２３４５６７８",
            "138\u{3000}1234\u{a0}5678",
            "\u{202d}138 1234 5678\u{202c}",
            "138—1234—5678",
        ] {
            assert_eq!(normalize(written).as_deref(), Some("13812345678"), "{written:?}");
        }
    }

    #[test]
    fn every_second_digit_from_3_to_9_is_a_mobile_and_no_other() {
        for second in 0..=9 {
            assert_eq!(normalize(&format!("1{second}012345678")).is_some(), second >= 3, "1{second}…");
        }
    }

    #[test]
    fn what_is_no_mainland_mobile_is_refused() {
        for written in [
            "",
            " ",
            "+",
            "1381234567",
            "138123456789",
            "86",
            "+86",
            "861381234567",
            "+86138123456789",
            "010-12345678",
            "021 1234 5678",
            "+86 10 1234 5678",
            "0755-12345678",
            "400-800-1234",
            "12345678901",
            "10086",
            "+1 415 555 2671",
            "+852 6123 4567",
            "+886 912 345 678",
            "+44 7911 123456",
            "+13812345678",
            "++8613812345678",
            "+008613812345678",
            "138+12345678",
            "86 86 13812345678",
            "013812345678",
            "13812345678/13912345678",
            "13812345678转1",
            "138123４5678x",
            "٠١٣٨١٢٣٤٥٦٧",
            "138****5678",
        ] {
            assert_eq!(normalize(written), None, "{written:?}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing_more(text in "\\PC{0,30}") {
            if let Some(once) = normalize(&text) {
                prop_assert_eq!(once.len(), 11);
                prop_assert_eq!(normalize(&once), Some(once));
            }
        }
    }
}
