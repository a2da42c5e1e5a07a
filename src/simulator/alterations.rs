//! What an installation stores and shows in place of what it was sent (`erp-wire.md` §1.12).

use super::quirks::{Quirk, Quirks};

/// A text as it is stored.
pub(super) fn stored(text: &str, quirks: &Quirks) -> String {
    let mut text = text.to_owned();
    if quirks.has(Quirk::DecodesEntities) {
        text = html_escape::decode_html_entities(&text).into_owned();
    }
    if quirks.has(Quirk::DropsZeroWidth) {
        text.retain(|c| !is_zero_width(c));
    }
    if quirks.has(Quirk::QuestionMarks) {
        let lost = |c: char| {
            matches!(c, '\u{2600}'..='\u{27bf}' | '\u{ac00}'..='\u{d7a3}' | '\u{10000}'..) || is_zero_width(c)
        };
        text = text.chars().map(|c| if lost(c) { "?".repeat(c.len_utf16()) } else { c.to_string() }).collect();
    }
    text
}

/// A progress record as its list shows it: written for a page, and then once more for the answer.
pub(super) fn shown(text: &str, quirks: &Quirks) -> String {
    if !quirks.has(Quirk::ShowsMarkup) {
        return text.to_owned();
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace(' ', "&nbsp;").replace('\n', "<br />\r\n");
    text.replace('&', "&amp;")
}

fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{fe0e}' | '\u{fe0f}' | '\u{feff}')
}

/// `13800001234` as `138****1234`; what is too short to hide anything stays.
pub(super) fn masked(number: &str) -> String {
    match (number.get(..3), number.get(7..)) {
        (Some(head), Some(tail)) if !tail.is_empty() => format!("{head}****{tail}"),
        _ => number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_altered_as_live_systems_do() {
        for (quirk, sent, expected) in [
            (Quirk::QuestionMarks, "😀好的☺", "??好的?"),
            (Quirk::DropsZeroWidth, "甲\u{200b}乙", "甲乙"),
            (Quirk::DecodesEntities, "A&amp;B&nbsp;", "A&B\u{a0}"),
            (Quirk::ShowsMarkup, "A&amp;B", "A&amp;B"),
        ] {
            assert_eq!(stored(sent, &Quirks::only([quirk])), expected, "{quirk}");
        }
        assert_eq!(
            shown("甲 乙\n<&", &Quirks::only([Quirk::ShowsMarkup])),
            "甲&amp;nbsp;乙<br />\r\n&amp;lt;&amp;amp;"
        );
        assert_eq!(shown("甲 乙", &Quirks::default()), "甲 乙");
    }
}
