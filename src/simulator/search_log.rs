//! Text as this ERP's database compares it, and what it once held.

use std::collections::BTreeSet;

/// Whether `text` contains `needle`, as the database compares: letters of either case and digits of either width are the same.
pub(super) fn contains(text: &str, needle: &str) -> bool {
    needle.is_empty() || folded(text).contains(&folded(needle))
}

fn folded(text: &str) -> String {
    let half = |c: char| match c {
        '０'..='９' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c.to_ascii_lowercase(),
    };
    text.chars().map(half).collect()
}

/// All values that a column ever held, in one string: a fuzzy search over it is one pass over memory, not one over records.
/// Values that were overwritten stay in it, which is why `Data::candidates` only proposes.
#[derive(Debug, Default)]
pub(super) struct SearchLog {
    text: String,
}

impl SearchLog {
    /// Notes a value of a record.
    pub(super) fn note(&mut self, value: &str, ord: i64) {
        if !value.is_empty() {
            self.text.push_str(&folded(value).replace('\n', " "));
            self.text.push_str(&format!("\u{1f}{ord}\n"));
        }
    }

    /// The records that this may be part of a value of.
    pub(super) fn find(&self, needle: &str) -> BTreeSet<i64> {
        let needle = folded(needle).replace('\n', " ");
        let mut found = BTreeSet::new();
        let mut from = 0;
        while let Some(at) = self.text[from..].find(&needle) {
            let start = from + at;
            let end = self.text[start..].find('\n').map_or(self.text.len(), |length| start + length);
            // A match may lie within the number itself, behind the separator: then the line's whole number is still meant.
            let line = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
            found.extend(self.text[line..end].rsplit('\u{1f}').next().and_then(|ord| ord.parse::<i64>().ok()));
            from = (end + 1).min(self.text.len());
            if needle.is_empty() && from == self.text.len() {
                break;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_log_finds_parts_of_values_in_either_case() {
        let mut log = SearchLog::default();
        log.note("WX12", 7001);
        log.note("WX123", 7002);
        log.note("第一\n第二", 7003);
        log.note("", 7004);
        for (needle, expected) in [
            ("wx12", vec![7001, 7002]),
            ("WX123", vec![7002]),
            ("第一\n第", vec![7003]),
            ("none", vec![]),
            ("", vec![7001, 7002, 7003]),
        ] {
            assert_eq!(log.find(needle).into_iter().collect::<Vec<_>>(), expected, "{needle}");
        }
    }
}
