//! Finding a progress record (洽谈进展) again in the ERP's list, which shows texts whole or cut short.
//!
//! Records have no key of their own (`erp-wire.md §5`). Ours begins with second and speaker, so its beginning tells it from
//! others; equal beginnings are told apart by counting: it is there once there are more of them than other steps made.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{
    EqualRecords,
    text::{comparable, comparable_before},
};
use crate::erp::ProgressRow;

/// How many characters of a text count, white space aside: the head with time and speaker (21), the number of a part (up to
/// 7), and some of what was said. A list that shows fewer cannot tell.
const BEGINNING: usize = 32;
/// Characters of date and time.
const MOMENT: usize = 18;
/// Fewer characters than a date has are somebody's own short record, not ours cut short.
const SHORTEST_CUT: usize = 10;

/// By what the ledger counts equal records of a customer.
pub(super) fn fingerprint(ord: i64, text: &str) -> String {
    mark(ord, &comparable(text))
}

/// The marks under which steps with this text may stand in the ledger: this one, and that of an earlier version.
pub(super) fn fingerprints(ord: i64, text: &str) -> Vec<String> {
    let mut marks = vec![fingerprint(ord, text), mark(ord, &comparable_before(text))];
    marks.dedup();
    marks
}

/// Whether two texts begin so alike that only counting tells their records apart.
pub(super) fn begin_alike(one: &str, other: &str) -> bool {
    beginning(&comparable(one)) == beginning(&comparable(other))
}

fn mark(ord: i64, compared: &str) -> String {
    let digest = Sha256::digest(beginning(compared).as_bytes());
    let digest = hex::encode(&digest[..16]);
    format!("{ord}:{digest}")
}

fn beginning(text: &str) -> &str {
    text.char_indices().nth(BEGINNING).map_or(text, |(end, _)| &text[..end])
}

/// A record that is looked for.
pub(super) struct Wanted {
    text: String,
    counts: EqualRecords,
}

impl Wanted {
    pub(super) fn new(text: &str, counts: EqualRecords) -> Self {
        Self { text: comparable(text), counts }
    }

    /// Whether no other step left its like.
    pub(super) fn is_unique(&self) -> bool {
        self.counts.done + self.counts.started_before == 0
    }

    /// Whether ours is among the rows even if all other steps' records are.
    pub(super) fn is_in(&self, rows: &[ProgressRow]) -> bool {
        self.count(rows) > self.counts.done + self.counts.started_before
    }

    /// Whether there are more than finished steps made, so that one may be ours.
    pub(super) fn may_be_in(&self, rows: &[ProgressRow]) -> bool {
        self.count(rows) > self.counts.done
    }

    /// The newest record that begins as ours does.
    pub(super) fn newest(&self, rows: &[ProgressRow]) -> Option<i64> {
        rows.iter().filter(|row| self.begins(row)).filter_map(|row| row.ord).max()
    }

    /// Rows that may be ours, altered or cut so that they cannot be told from others: the texts, and how many there are of
    /// each beginning. A cut one is a beginning of ours; an altered one has our second, speaker and part number.
    pub(super) fn doubtful<'a>(&self, rows: &'a [ProgressRow]) -> Vec<(&'a str, i64)> {
        let mut doubtful: BTreeMap<String, (&str, i64)> = BTreeMap::new();
        for row in rows.iter().filter(|row| !self.begins(row)) {
            let text = comparable(&row.intro);
            let bare = text.trim_end_matches(MARKS);
            let is_marked = row.intro.trim_end().ends_with(MARKS) && !bare.is_empty();
            let is_long_enough = is_marked || bare.chars().count() >= SHORTEST_CUT;
            let is_cut = bare.len() < self.text.len() && self.text.starts_with(bare);
            if is_cut && is_long_enough || head(&text).is_some_and(|theirs| head(&self.text) == Some(theirs)) {
                doubtful.entry(beginning(&text).to_owned()).or_insert((&row.intro, 0)).1 += 1;
            }
        }
        doubtful.into_values().collect()
    }

    fn begins(&self, row: &ProgressRow) -> bool {
        beginning(&comparable(&row.intro)) == beginning(&self.text)
    }

    /// A record that stands on two pages, because the list grew while it was read, is one.
    fn count(&self, rows: &[ProgressRow]) -> i64 {
        let (with_id, without): (Vec<_>, Vec<_>) =
            rows.iter().filter(|row| self.begins(row)).partition(|row| row.ord.is_some());
        let ids: BTreeSet<_> = with_id.into_iter().map(|row| row.ord).collect();
        i64::try_from(ids.len() + without.len()).unwrap_or(i64::MAX)
    }
}

/// Second, speaker and part number of a text that is ours: `2026-11-2315:04:05客户:(1/3)`.
fn head(text: &str) -> Option<&str> {
    let (speaker, _) = text.char_indices().nth(MOMENT)?;
    text[..speaker].strip_prefix("20").filter(|moment| moment.contains('-') && moment.ends_with(char::is_numeric))?;
    let end = speaker + text[speaker..].find(':').filter(|end| (1..=12).contains(end))? + 1;
    let part = text[end..].strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let part = part.filter(|(part, _)| part.chars().all(|c| c.is_ascii_digit() || c == '/'));
    Some(&text[..end + part.map_or(0, |(part, _)| part.len() + 2)])
}

/// What stands behind a text that was cut, half a character included.
const MARKS: [char; 4] = ['…', '.', '⋯', '\u{fffd}'];

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "2026-11-23 15:04:05 客户：你好，想问一下年付的价格和交货的时间";

    fn rows(texts: &[&str]) -> Vec<ProgressRow> {
        let row = |(ord, intro): (i64, &&str)| ProgressRow {
            ord: Some(ord),
            intro: (*intro).to_owned(),
            ..ProgressRow::default()
        };
        (1..).zip(texts).map(row).collect()
    }

    /// What a list that shows `shown` characters and `mark` makes of a text.
    fn cut(text: &str, shown: usize, mark: &str) -> String {
        let beginning: String = text.chars().take(shown).collect();
        if beginning.len() < text.len() { beginning + mark } else { beginning }
    }

    #[test]
    fn a_text_cut_short_is_found_where_enough_of_it_is_shown_and_in_doubt_where_not() {
        let wanted = Wanted::new(TEXT, EqualRecords::default());
        let whole = TEXT.chars().count();
        for mark in ["…", "...", "......", ""] {
            for (shown, found, short) in
                [(whole, true, 0), (35, true, 0), (34, true, 0), (33, false, 1), (22, false, 1), (11, false, 1)]
            {
                let rows = rows(&[&cut(TEXT, shown, mark), "2026-11-23 15:04:05 我方：您好", "谈的很好"]);
                assert_eq!(wanted.is_in(&rows), found, "{shown}{mark}");
                assert_eq!(wanted.doubtful(&rows).len(), short, "{shown}{mark}");
            }
        }
        assert!(wanted.doubtful(&rows(&["2026-11-2", "…", "2026-11-24…", ""])).is_empty());
    }

    #[test]
    fn a_text_of_our_second_and_speaker_that_reads_otherwise_is_in_doubt() {
        let head = "2026-11-23 15:04:05 客户：";
        let wanted = Wanted::new(TEXT, EqualRecords::default());
        let altered = format!("{head}[表情]想问一下");
        for (text, in_doubt) in [
            (altered.as_str(), true),
            ("2026-11-23 15:04:05 我方：[表情]想问一下", false),
            ("2026-11-23 15:04:06 客户：[表情]想问一下", false),
            ("2026-11-23 15:04:05 客户：（1/2）想问一下", false),
            ("谈的很好，明天再谈谈价格和交货的时间", false),
        ] {
            assert_eq!(wanted.doubtful(&rows(&[text])).len(), usize::from(in_doubt), "{text}");
        }
    }

    #[test]
    fn equal_beginnings_are_counted() {
        let rows = rows(&[TEXT, &cut(TEXT, 36, "…"), "别的"]);
        for (done, started_before, expected) in [
            (0, 0, (true, true)),
            (1, 0, (true, true)),
            (2, 0, (false, false)),
            (1, 1, (false, true)),
            (0, 2, (false, true)),
        ] {
            let wanted = Wanted::new(TEXT, EqualRecords { done, started_before, started: started_before });
            assert_eq!((wanted.is_in(&rows), wanted.may_be_in(&rows)), expected, "{done} {started_before}");
        }
        assert_eq!(Wanted::new(TEXT, EqualRecords::default()).newest(&rows), Some(2));
    }

    #[test]
    fn parts_of_one_message_and_shorter_texts_have_marks_of_their_own() {
        let head = "2026-11-23 15:04:05 客户：";
        let prints = [
            format!("{head}（1/12）同样的开头同样的开头"),
            format!("{head}（12/12）同样的开头同样的开头"),
            format!("{head}好的"),
            format!("{head}好的呢"),
        ];
        let prints: BTreeSet<_> = prints.iter().map(|text| fingerprint(7, text)).collect();
        assert_eq!(prints.len(), 4);
        assert_eq!(fingerprint(7, TEXT), fingerprint(7, &TEXT.replace("\n", "<br>")));
        assert_ne!(fingerprint(7, TEXT), fingerprint(8, TEXT));
    }
}
