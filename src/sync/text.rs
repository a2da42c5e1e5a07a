//! What customers wrote, made fit for the ERP: cleaned, cut and split without breaking a character.
//!
//! The ERP's limits are those of SQL Server's `nvarchar`: UTF-16 code units, so an emoji counts two (`erp-wire.md §1.12`).

use unicode_segmentation::UnicodeSegmentation;

use crate::config::Markup;

/// Length as the ERP counts it.
pub fn utf16_len(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Text of several lines for the ERP: line ends become `\n`, tabs become spaces, other control characters go, and `<`,
/// `>`, `&` are made harmless.
pub fn clean(text: &str, markup: Markup) -> String {
    let text = text.replace("\r\n", "\n");
    let text: String = text.trim().chars().filter_map(|character| clean_char(character, markup)).collect();
    text.trim().to_owned()
}

/// Text of one line for the ERP: as [`clean`], and line ends become spaces.
pub(super) fn clean_line(text: &str, markup: Markup) -> String {
    clean(text, markup).replace('\n', " ")
}

fn clean_char(character: char, markup: Markup) -> Option<char> {
    match character {
        '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => Some('\n'),
        '\t' => Some(' '),
        '\n' => Some('\n'),
        // Not characters at all; XML and SQL Server tools choke on them.
        '\u{fffe}' | '\u{ffff}' => None,
        control if control.is_control() => None,
        '<' if markup == Markup::FullWidth => Some('＜'),
        '>' if markup == Markup::FullWidth => Some('＞'),
        '&' if markup == Markup::FullWidth => Some('＆'),
        other => Some(other),
    }
}

/// The longest beginning of `text` that is at most `limit` units and cuts neither a surrogate pair nor a grapheme; a
/// single grapheme that is longer than the limit by itself is cut between its characters.
pub(super) fn head(text: &str, limit: usize) -> &str {
    let fits = |end: usize| utf16_len(&text[..end]) <= limit;
    if fits(text.len()) {
        return text;
    }
    let mut units = 0;
    let mut end = 0;
    for grapheme in text.graphemes(true) {
        units += utf16_len(grapheme);
        if units > limit {
            break;
        }
        end += grapheme.len();
    }
    if end > 0 {
        return &text[..end];
    }
    let mut units = 0;
    for character in text.chars() {
        units += character.len_utf16();
        if units > limit {
            break;
        }
        end += character.len_utf8();
    }
    &text[..end]
}

/// `text` in pieces of at most `limit` units each, at line ends or spaces where one is near, losing nothing.
pub fn pieces(text: &str, limit: usize) -> Vec<&str> {
    let mut rest = text;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let longest = head(rest, limit);
        // A limit below a single character's length cannot be kept; one character is taken all the same.
        let longest = if longest.is_empty() { &rest[..rest.chars().next().map_or(0, char::len_utf8)] } else { longest };
        let cut = if longest.len() == rest.len() { longest.len() } else { good_break(longest) };
        let (piece, after) = rest.split_at(cut);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// Behind the last line end or sentence end in the second half of `text`; its end if there is none.
fn good_break(text: &str) -> usize {
    let half = text.len() / 2;
    let after = |marks: &[char]| text.rmatch_indices(marks).map(|(at, mark)| at + mark.len()).find(|end| *end > half);
    after(&['\n']).or_else(|| after(&['。', '！', '？', '；'])).unwrap_or(text.len())
}

/// A text as it is compared: of what ERPs alter (`erp-wire.md §1.12`) nothing is left in it, so that a text is found again
/// whether it came back as sent or altered. That is: entities shown, or decoded once too often; width; white space, control
/// characters and line-break markup, which an ASP page may add or drop; characters that a database without `nvarchar`
/// stores as `?`, one or two of them, or drops, and so `?` itself.
///
/// Comparing what was compared before changes nothing. What only differs in these is one text here: records are then told
/// apart by counting, and names are not told apart.
pub(super) fn comparable(text: &str) -> String {
    let mut text = text.to_owned();
    loop {
        let simpler = without_breaks(html_escape::decode_html_entities(&text).chars().filter_map(kept).collect());
        if simpler == text {
            return text;
        }
        text = simpler;
    }
}

/// The form of [`comparable`] of ledgers before migration 0008, by which their records are still counted.
pub(super) fn comparable_before(text: &str) -> String {
    let text = ["<br>", "<br/>", "<br />", "<BR>"].iter().fold(text.to_owned(), |text, mark| text.replace(mark, ""));
    text.chars().filter(|character| !character.is_whitespace() && !character.is_control()).collect()
}

/// The letters and numerals of a text that not every ERP stores, in small letters.
pub(super) fn lost_letters(text: &str) -> String {
    let lost = text.chars().filter(|character| character.is_alphanumeric() && kept(*character).is_none());
    lost.flat_map(char::to_lowercase).collect()
}

/// The longest run of a name that every ERP stores as it is sent: what a filter that knows only the stored name still
/// finds. The whole name where nothing of it is kept.
pub(super) fn searchable(name: &str) -> &str {
    let is_altered = |character| kept(character).is_none() && character != ' ' || "&＆;<>".contains(character);
    let longest = name.split(is_altered).map(str::trim).max_by_key(|run| run.chars().count());
    longest.filter(|run| !run.is_empty()).unwrap_or(name)
}

/// Line breaks as a page writes them; white space is gone already.
const BREAKS: [&str; 4] = ["<br>", "<br/>", "<BR>", "<BR/>"];

fn without_breaks(text: String) -> String {
    BREAKS.iter().fold(text, |text, mark| if text.contains(mark) { text.replace(mark, "") } else { text })
}

/// A character in the width of Latin letters.
pub(super) fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        _ => c,
    }
}

/// What is left of a character that every ERP stores as it is sent: codepage 936 has it, and it is neither white space nor
/// the `?` that stands for others. Full width becomes half.
fn kept(character: char) -> Option<char> {
    let half = half_width(character);
    let is_kept = match half {
        '?' => false,
        '\u{21}'..='\u{7e}' => true,
        // Greek, Cyrillic, punctuation, kana, and the Han characters of GBK.
        'Α'..='ω' | 'А'..='я' | '…' | '、'..='】' | 'ぁ'..='ヶ' | '\u{4e00}'..='\u{9fa5}' => true,
        _ => false,
    };
    is_kept.then_some(half)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_characters_go_and_markup_is_made_harmless() {
        let cases = [
            ("a\u{0}b\u{7}c", "abc"),
            ("  你好\r\n世界\t!  ", "你好\n世界 !"),
            ("<script>&nbsp;", "＜script＞＆nbsp;"),
            ("\u{202e}家", "\u{202e}家"),
        ];
        for (text, cleaned) in cases {
            assert_eq!(clean(text, Markup::FullWidth), cleaned, "{text:?}");
        }
        assert_eq!(clean("<b>&", Markup::Keep), "<b>&");
        assert_eq!(clean_line("甲\n乙", Markup::FullWidth), "甲 乙");
    }

    #[test]
    fn a_cut_respects_the_limit_and_whole_graphemes() {
        for (text, limit, expected) in [
            ("abcd", 3, "abc"),
            ("abcd", 4, "abcd"),
            ("ab😀", 3, "ab"),
            ("ab😀", 4, "ab😀"),
            ("a👨‍👩‍👧b", 8, "a"),
            ("a👨‍👩‍👧b", 9, "a👨‍👩‍👧"),
            ("👨‍👩‍👧", 3, "👨\u{200d}"),
        ] {
            assert_eq!(head(text, limit), expected, "{text:?} at {limit}");
        }
    }

    #[test]
    fn pieces_break_behind_a_sentence_where_one_ends_in_the_second_half() {
        assert_eq!(pieces("一二三四。五六七八", 6), ["一二三四。", "五六七八"]);
        assert_eq!(pieces("一。三四五六七八", 6), ["一。三四五六", "七八"]);
        assert_eq!(pieces("", 6), Vec::<&str>::new());
    }

    #[test]
    fn a_text_is_the_same_however_an_erp_altered_it() {
        for (sent, stored) in [
            ("😀好的", "??好的"),
            ("😀好的", "?好的"),
            ("好的☺️", "好的??"),
            ("안녕하세요 A", "????? A"),
            ("甲\u{200b}乙\u{feff}", "甲乙"),
            ("A&amp;B", "A&B"),
            ("A&B", "A&amp;amp;B"),
            ("&nbsp;你好", "你好"),
            ("你好 世界", "你好&nbsp;世界"),
            ("甲\n乙", "甲<br>\r\n乙"),
            ("甲\n乙", "甲&lt;br /&gt;乙"),
            ("ＡＢ（12）＆", "AB(12)&"),
            ("好的？", "好的"),
        ] {
            assert_eq!(comparable(sent), comparable(stored), "{sent:?} {stored:?}");
        }
        for (left, right) in [("甲乙", "甲丙"), ("A1", "A2"), ("a", "A"), ("《甲》", "甲"), ("10.5", "105")] {
            assert_ne!(comparable(left), comparable(right), "{left:?} {right:?}");
        }
    }

    #[test]
    fn a_name_is_looked_for_by_what_every_erp_keeps_of_it() {
        for (name, run) in [
            ("杭州🌸春风里贸易有限公司", "春风里贸易有限公司"),
            ("陈晓雨🌸", "陈晓雨"),
            ("A&amp;B 公司", "B 公司"),
            ("甲 乙", "甲 乙"),
            ("深圳（中国）科技有限公司", "深圳（中国）科技有限公司"),
            ("👑👑", "👑👑"),
            ("", ""),
        ] {
            assert_eq!(searchable(name), run, "{name}");
        }
    }

    proptest! {
        #[test]
        fn pieces_keep_the_limit_and_lose_nothing(text in "\\PC{0,400}", limit in 2_usize..60) {
            let pieces = pieces(&text, limit);
            prop_assert_eq!(&pieces.concat(), &text);
            for piece in pieces {
                prop_assert!(utf16_len(piece) <= limit);
            }
        }

        #[test]
        fn cleaning_removes_only_what_it_says(text in any::<String>()) {
            let kept: String = text.chars().filter(|c| !c.is_control() && !c.is_whitespace()
                && !matches!(c, '\u{fffe}' | '\u{ffff}')).collect();
            prop_assert_eq!(comparable(&clean(&text, Markup::Keep)), comparable(&kept));
            prop_assert_eq!(comparable(&comparable(&text)), comparable(&text));
        }
    }
}
