//! Foreign words made fit for one line of a log or a terminal.

/// The text on one line, without anything that a terminal would obey or an eye would miss: line breaks and tabs become one
/// blank, escape sequences (ANSI), other control characters, bidirectional controls and invisible characters go. Everything
/// foreign that is kept as a message or printed goes through here once, where it enters.
pub fn one_line(text: &str) -> String {
    // Most lines of a log are so.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.trim_end_matches(' ').to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' | '\u{9b}' => skip_sequence(c, &mut rest),
            '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                if !out.is_empty() && !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c if c.is_control() || is_invisible(c) => {}
            c => out.push(c),
        }
    }
    out.truncate(out.trim_end_matches(' ').len());
    out
}

/// With what a cell begins that a spreadsheet calculates.
pub const FORMULAS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A spreadsheet's cell as a text, whatever the spreadsheet would make of it.
pub fn cell(text: String) -> String {
    if text.starts_with(FORMULAS) { format!("'{text}") } else { text }
}

/// As [`one_line`], line by line: for what is shown on several.
pub fn lines(text: &str) -> String {
    text.lines().map(one_line).collect::<Vec<_>>().join("\n")
}

/// Skips what belongs to an escape: a control sequence (`ESC [ … letter`) or a command to the terminal (`ESC ] … BEL`).
fn skip_sequence(escape: char, rest: &mut std::str::Chars<'_>) {
    let mut ahead = rest.clone();
    let kind = if escape == '\u{9b}' { Some('[') } else { ahead.next() };
    match kind {
        Some('[') => {
            let parameters = ahead.clone().take_while(|c| matches!(c, ' '..='?')).count();
            if ahead.nth(parameters).is_some_and(|last| matches!(last, '@'..='~')) {
                *rest = ahead;
            }
        }
        Some(']') => {
            let text = ahead.clone().take_while(|c| !c.is_control()).count();
            if ahead.nth(text).is_some() {
                *rest = ahead;
            }
        }
        _ => {}
    }
}

/// Bidirectional controls, zero-width characters, tags and annotations. The joiner and the selectors that emoji are made
/// of stay.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn foreign_words_become_one_plain_line() {
        for (text, plain) in [
            ("", ""),
            ("没有权限", "没有权限"),
            ("a\r\n\r\n2026-11-23 ERROR forged", "a 2026-11-23 ERROR forged"),
            ("a\u{85}b\u{2028}c\u{2029}d\te", "a b c d e"),
            ("\n a \n", " a"),
            ("\u{1b}[31;1mred\u{1b}[0m", "red"),
            ("\u{9b}2Jcleared", "cleared"),
            ("\u{1b}]0;title\u{7}shown", "shown"),
            ("\u{1b}c\u{7}\u{8}\u{0}x", "cx"),
            ("\u{1b}[31", "[31"),
            ("\u{202e}txt.exe\u{202c}\u{2066}\u{200b}\u{feff}", "txt.exe"),
            ("👩‍👩‍👧❤️", "👩‍👩‍👧❤️"),
        ] {
            assert_eq!(one_line(text), plain, "{text:?}");
        }
        assert_eq!(lines("a\u{1b}[1m\nb\rc\n"), "a\nb c");
    }

    proptest! {
        #[test]
        fn nothing_that_a_terminal_obeys_is_left(text in "(\\PC|[\\x00-\\x1f\\x7f-\\u{9f}\u{2028}\u{202e}\\[\\]m;]){0,40}") {
            let plain = one_line(&text);
            let is_obeyed = |c: char| c.is_control() || is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}');
            prop_assert!(!plain.chars().any(is_obeyed));
            prop_assert_eq!(one_line(&plain), plain.trim_end_matches(' '));
        }
    }
}
