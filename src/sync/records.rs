//! Finding a progress record (洽谈进展) again in the ERP's list, which shows texts whole or cut short.
//!
//! Records have no key of their own (`erp-wire.md §5`). Ours begins with second and speaker, so its beginning tells it from
//! others; equal beginnings are told apart by counting: it is there once there are more of them than other steps made.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{EqualRecords, text::comparable};
use crate::erp::ProgressRow;

/// How many characters of a text count, white space aside: the head with time and speaker (21), the number of a part (up to
/// 7), and some of what was said. A list that shows fewer cannot tell.
const BEGINNING: usize = 32;
/// Fewer characters than a date has are somebody's own short record, not ours cut short.
const SHORTEST_CUT: usize = 10;

/// By what the ledger counts equal records of a customer.
pub(super) fn fingerprint(ord: i64, text: &str) -> String {
    let digest = Sha256::digest(beginning(&comparable(text)).as_bytes());
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

    /// Rows that may be ours, cut before they can be told from others: text and how many there are of it.
    pub(super) fn too_short_to_tell(&self, rows: &[ProgressRow]) -> BTreeMap<String, i64> {
        let mut short = BTreeMap::new();
        for row in rows {
            let text = comparable(&row.intro);
            let bare = text.trim_end_matches(MARKS);
            let is_marked = bare.len() < text.len() && !bare.is_empty();
            let is_long_enough = is_marked || bare.chars().count() >= SHORTEST_CUT;
            let is_cut = bare.len() < self.text.len() && self.text.starts_with(bare);
            if is_cut && is_long_enough && !self.begins(row) {
                *short.entry(text).or_default() += 1;
            }
        }
        short
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
                assert_eq!(wanted.too_short_to_tell(&rows).len(), short, "{shown}{mark}");
            }
        }
        assert!(wanted.too_short_to_tell(&rows(&["2026-11-2", "…", "2026-11-24…", ""])).is_empty());
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
            let wanted = Wanted::new(TEXT, EqualRecords { done, started_before });
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
