//! By what a contact is one with others: its number and its company. What is reserved while a contact becomes a customer is
//! never stricter than what is compared: whoever could find the other's customer waits for it, and now and then so does
//! somebody who could not, whose name differs only in letters that some ERPs lose ([`same_name`]).

use super::{
    mapping::Mapping,
    phone_match::number_key,
    text::{comparable, half_width, lost_letters, searchable},
};
use crate::event::Event;

/// A name that a list cuts without a mark is this long at least.
const CUT_MIN: usize = 6;

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

/// Whether the ERP's name of a company, a customer or a contact person is this one; 客户编号 that people write are compared so, too. Letters that some ERPs drop tell names apart where the
/// ERP shows that it keeps them: `Hưng Phát` is not `Hồng Phát`.
pub(super) fn same_name(theirs: &str, ours: &str) -> bool {
    let kept_by_erp = lost_letters(theirs);
    name_key(theirs) == name_key(ours) && (kept_by_erp.is_empty() || kept_by_erp == lost_letters(ours))
}

/// Whether a list may show this name cut short (`erp-wire.md §1.12`): what stands there is its beginning.
pub(super) fn is_cut_of(theirs: &str, ours: &str) -> bool {
    let theirs = theirs.trim_end();
    let stem = theirs.trim_end_matches(['…', '.', '．']);
    let (stem_key, key) = (name_key(stem), name_key(ours));
    let is_marked = stem.len() < theirs.len();
    let is_long = stem_key.chars().count() >= CUT_MIN;
    (is_marked || is_long) && !stem_key.is_empty() && stem_key.len() < key.len() && key.starts_with(&stem_key)
}

/// The ways to ask for a name, whose key is the same: the ERP's filter compares what stands there, letter for letter. One of
/// them has no blanks.
pub(super) fn spellings(name: &str) -> Vec<String> {
    let half: String = name.chars().map(half_width).collect();
    let full: String = half.chars().map(full_width_mark).collect();
    let joined: String = name.chars().filter(|c| !c.is_whitespace()).collect();
    let mut spellings: Vec<String> = Vec::new();
    for spelling in [name.trim(), full.trim(), half.trim(), &joined] {
        if !spelling.is_empty() && spellings.iter().all(|known| searchable(known) != searchable(spelling)) {
            spellings.push(spelling.to_owned());
        }
    }
    spellings
}

/// Parts of a name that everybody writes alike: no blank, bracket or mark in them, nor a seam between scripts, where some
/// put a blank. Two of them, so that a blank that the ERP has within one leaves the other whole; a name of one part is cut in
/// two, behind half of what tells it from others. The longer part, which fewer names have, comes first.
pub(super) fn name_parts(name: &str) -> Vec<String> {
    let mut runs: Vec<(Script, String)> = Vec::new();
    let mut before = None;
    for character in name.chars() {
        let script = Script::of(character);
        match (script, runs.last_mut()) {
            (Some(script), Some((of, run))) if before == Some(script) && *of == script => run.push(character),
            (Some(script), _) => runs.push((script, character.to_string())),
            (None, _) => {}
        }
        before = script;
    }
    if let [(Script::Han, run)] = &runs[..] {
        let (front, back) = run.split_at(half_of(run));
        return [back, front].into_iter().filter(|part| !part.is_empty()).map(str::to_owned).collect();
    }
    // Of equally telling ones the longer, and the first.
    let core = |run: &str| core_of(run).chars().count();
    runs.sort_by_key(|(_, run)| std::cmp::Reverse((core(run), run.chars().count())));
    let parts = runs.into_iter().map(|(_, run)| run).enumerate();
    parts.filter(|(number, run)| *number == 0 || core(run) >= SECOND_MIN).map(|(_, run)| run).take(2).collect()
}

/// What tells a name from others, without its legal form.
fn core_of(run: &str) -> &str {
    LEGAL_FORMS.iter().find_map(|form| run.strip_suffix(form)).unwrap_or(run)
}

/// Where half of what tells a name from others ends.
fn half_of(run: &str) -> usize {
    let half = core_of(run).chars().count() / 2;
    run.char_indices().nth(half).map_or(0, |(at, _)| at)
}

/// Letters of a second part that is worth asking for: one letter is in every other name.
const SECOND_MIN: usize = 2;

/// With what the names of most companies end.
const LEGAL_FORMS: [&str; 5] = ["股份有限公司", "有限责任公司", "集团有限公司", "有限公司", "公司"];

/// Characters between which nobody puts a blank.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Han,
    Latin,
}

impl Script {
    fn of(character: char) -> Option<Self> {
        match character {
            '\u{4e00}'..='\u{9fa5}' => Some(Self::Han),
            _ if character.is_ascii_alphanumeric() => Some(Self::Latin),
            _ => None,
        }
    }
}

/// What an event's contact may share with another contact that is becoming a customer.
pub fn identities(event: &Event) -> Vec<String> {
    let number = Mapping::mobile(event).and_then(number_key).map(|key| format!("mobile:{key}"));
    let company = event.contact().company().map(|company| format!("company:{}", name_key(company)));
    [number, company].into_iter().flatten().collect()
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
    fn letters_that_the_erp_keeps_tell_names_apart_and_those_that_it_lost_do_not() {
        let ours = "Công Ty TNHH Hưng Phát";
        for (theirs, is_same) in [
            (ours, true),
            ("CÔNG TY TNHH HƯNG PHÁT", true),
            ("Công Ty TNHH Hồng Phát", false),
            ("C?ng Ty TNHH H?ng Ph?t", true),
            ("Cng Ty TNHH Hng Pht", true),
        ] {
            assert_eq!(same_name(theirs, ours), is_same, "{theirs}");
        }
        assert!(same_name("甲公司🌸", "甲公司") && same_name("甲公司", "甲公司👑"), "no letters");
        assert!(same_name("陈晓雨??", "陈晓雨🌸") && same_name("🌸🌸", "🌸🌸"));
        assert!(!same_name("🌸🌸", "👑👑") && !same_name("", "👑") && !same_name("陈晓雨", "陈晓"));
    }

    #[test]
    fn a_name_is_asked_for_in_each_of_its_widths_once() {
        assert_eq!(spellings("上海某某公司"), ["上海某某公司"]);
        // Asked for by what stands beside the `&`, which is one for both.
        assert_eq!(spellings("A&B"), ["A&B"]);
        assert_eq!(spellings("甲（乙）"), ["甲（乙）", "甲(乙)"]);
        assert_eq!(spellings("TCL 科技"), ["TCL 科技", "TCL科技"]);
        assert_eq!(spellings("  "), [""; 0]);
    }

    #[test]
    fn a_name_is_asked_for_by_parts_that_everybody_writes_alike() {
        for (name, parts) in [
            ("上海某某科技有限公司", &["某科技有限公司", "上海某"][..]),
            ("科技有限公司", &["技有限公司", "科"]),
            ("A&B 科技有限公司", &["科技有限公司"]),
            ("TCL集团", &["TCL", "集团"]),
            ("TCL 科技有限公司", &["TCL", "科技有限公司"]),
            ("上海 某某公司", &["某某公司", "上海"]),
            ("绍兴第3号纺织有限公司", &["号纺织有限公司", "绍兴第"]),
            ("甲（上海）公司", &["上海"]),
            ("张伟", &["伟", "张"]),
            ("王小明", &["小明", "王"]),
            ("张 伟", &["张"]),
            ("王", &["王"]),
            ("Acme Trading", &["Trading", "Acme"]),
            ("👑", &[]),
            ("", &[]),
        ] {
            assert_eq!(name_parts(name), parts, "{name}");
        }
    }
}
