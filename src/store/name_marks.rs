//! Names of a person that is erased, in the ERP's words to others. Others may have the same name: only there it is looked for.

use crate::{config::AdmissionConfig, event::Placeholder};

/// Fewer Chinese characters, or letters of whatever else, are no name that tells anybody apart.
const HAN_MIN: usize = 2;
const CHARS_MIN: usize = 4;
/// What programs write for a name that they do not know, and JSON for what it has not.
const NOBODY: [&str; 5] = ["null", "true", "false", "unknown", "undefined"];

/// A name as it is looked for; `None` of what names nobody: 先生, 微信用户, test, a letter, a number.
pub(super) fn name_of(written: &str) -> Option<String> {
    let name = written.trim_matches(|c: char| !c.is_alphanumeric());
    let han = name.chars().filter(|c| is_han(*c)).count();
    let tells_apart = han >= HAN_MIN || name.chars().count() >= CHARS_MIN && name.contains(char::is_alphabetic);
    let parsed = name.parse::<Placeholder>();
    let is_everybodys = parsed.is_ok_and(|name| AdmissionConfig::default().placeholders.contains(&name))
        || NOBODY.iter().any(|nobody| name.eq_ignore_ascii_case(nobody));
    (tells_apart && !is_everybodys).then(|| name.to_owned())
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{323af}')
}

/// The bytes of a name at the beginning of a text, in whatever case, and also as JSON and HTML escape characters.
pub(super) fn name_at(text: &str, name: &str) -> Option<usize> {
    let mut rest = text;
    for c in name.chars() {
        rest = behind(rest, c)?;
    }
    Some(text.len() - rest.len())
}

/// What stands behind a character that a text begins with.
fn behind(text: &str, wanted: char) -> Option<&str> {
    let first = text.chars().next()?;
    if first.eq_ignore_ascii_case(&wanted) {
        return Some(&text[first.len_utf8()..]);
    }
    let (code, radix, rest) = match text.strip_prefix("&#") {
        Some(entity) => {
            let (code, rest) = entity.split_at_checked(entity.find(';').filter(|end| *end < 8)?)?;
            let hex = code.strip_prefix(['x', 'X']);
            (hex.unwrap_or(code), if hex.is_some() { 16 } else { 10 }, rest.strip_prefix(';')?)
        }
        // In JSON within JSON with more than one.
        None => {
            let (code, rest) =
                text.strip_prefix('\\')?.trim_start_matches('\\').strip_prefix('u')?.split_at_checked(4)?;
            (code, 16, rest)
        }
    };
    let found = u32::from_str_radix(code, radix).ok().and_then(char::from_u32)?;
    found.eq_ignore_ascii_case(&wanted).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_nobody_is_no_name() {
        for (written, name) in [
            ("欧阳明", Some("欧阳明")),
            (" 张伟🌸 ", Some("张伟")),
            ("Chen Xiaoyu", Some("Chen Xiaoyu")),
            ("Anna", Some("Anna")),
            ("伟", None),
            ("Ann", None),
            ("微信用户", None),
            ("先生", None),
            ("TEST", None),
            ("null", None),
            ("13800138055", None),
            ("", None),
        ] {
            assert_eq!(name_of(written).as_deref(), name, "{written}");
        }
    }

    #[test]
    fn a_name_is_found_as_it_is_written_or_escaped() {
        for written in ["张伟", r"\u5f20\u4f1f", r"\u5F20伟", r"\\u5f20\\u4f1f", "&#24352;&#20255;", "&#x5f20;&#X4F1F;"]
        {
            assert_eq!(name_at(&format!("{written}，客户"), "张伟"), Some(written.len()), "{written}");
        }
        assert_eq!(name_at("ANNA Lee", "anna"), Some(4));
        for other in ["张", "伟张", r"\u5f20", r"\u5f2", "&#24352", "&#;张伟", "张 伟", "张"] {
            assert_eq!(name_at(other, "张伟"), None, "{other}");
        }
    }
}
