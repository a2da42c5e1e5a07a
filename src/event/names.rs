//! What is left of a name without what is no name: white space, emoji, invisible marks.

use std::{fmt, str::FromStr};

use unicode_segmentation::UnicodeSegmentation;

/// A name that is none: 先生, 微信用户, test. White space, emoji, invisible marks and the case of letters do not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder(String);

impl Placeholder {
    /// Whether somebody wrote this instead of a name.
    pub fn stands_in(&self, name: &Name) -> bool {
        name.compared == self.0
    }
}

/// A name as it is judged.
#[derive(Debug)]
pub struct Name {
    /// How many characters, as people count them, are left of it.
    pub chars: usize,
    compared: String,
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        let significant = significant(text);
        Self { chars: significant.len(), compared: significant.concat().to_lowercase() }
    }
}

impl FromStr for Placeholder {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Name { compared, .. } = text.into();
        if compared.is_empty() { Err("write a name, not only spaces and emoji") } else { Ok(Self(compared)) }
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The characters, as people count them, that remain of `name` once white space, emoji and invisible marks are gone.
fn significant(name: &str) -> Vec<&str> {
    name.graphemes(true).filter(|grapheme| !is_emoji(grapheme) && !grapheme.chars().all(is_invisible)).collect()
}

/// Whether any part of the grapheme is an emoji; keycaps (`1️⃣`) are, plain digits are not.
fn is_emoji(grapheme: &str) -> bool {
    grapheme.chars().any(|c| {
        matches!(c,
            '\u{1f000}'..='\u{1faff}' // pictographs, flags, tiles
            | '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' // arrows, clocks, keys
            | '\u{2460}'..='\u{24ff}' // letters in circles
            | '\u{25a0}'..='\u{27bf}' | '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}' // shapes, symbols, dingbats
            | '\u{e000}'..='\u{f8ff}' // private use: the emoji of old phones
            | '\u{20e3}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{a9}' | '\u{ae}'
            | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}')
    })
}

fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emoji_white_space_and_invisible_marks_are_no_part_of_a_name() {
        for (name, left) in [
            ("王小明", "王小明"),
            (" 王 小\u{3000}明 ", "王小明"),
            ("王😀", "王"),
            ("👨‍👩‍👧‍👦", ""),
            ("🇨🇳李", "李"),
            ("👍🏽❤️☀️✨★", ""),
            ("1️⃣2", "2"),
            ("\u{3164}\u{200b}\u{feff}\u{2800}", ""),
            ("A\u{0}B", "AB"),
            ("\u{e415}张三", "张三"),
            ("José", "José"),
            ("𠮷野", "𠮷野"),
            ("ㄱㄴ", "ㄱㄴ"),
            ("o_o-1", "o_o-1"),
        ] {
            assert_eq!(significant(name).concat(), left, "{name:?}");
        }
    }

    #[test]
    fn a_placeholder_is_known_however_it_is_decorated() {
        let nobody: Placeholder = "No body".parse().unwrap();
        let stands_in = |name: &str| nobody.stands_in(&name.into());
        assert!(stands_in("NOBODY") && stands_in("no\u{200b} body😀") && !stands_in("nobody2"));
        assert!(" 😀".parse::<Placeholder>().is_err() && "".parse::<Placeholder>().is_err());
    }

    #[test]
    fn a_letter_with_its_accent_counts_once() {
        assert_eq!(significant("e\u{301}").len(), 1);
    }
}
