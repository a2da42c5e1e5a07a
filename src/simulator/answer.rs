//! What an interface answers, before quirks and faults change its form (`erp-wire.md` §1).

use serde_json::Value;

use super::{call::text, choices::Choice};

/// An answer by meaning.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// A login that worked.
    Login { session: String },
    /// A save or command that was done; the text says so.
    Done { text: String },
    /// A refusal: `always_zero` ones come with `header.status` 0 whatever the quirks say.
    Refused { text: String, always_zero: bool },
    /// A call that the page could not take: session, `cmdkey`, parameters. Always a `header.status` other than 0.
    Failed { status: i64, text: String },
    /// `body.bill`.
    Bill(Bill),
    /// `body.source.table`, or `Cols` and `Rows` on v3.
    Table { table: Table, v3: bool },
    /// `body.source` with choices.
    Options(Vec<Choice>),
    /// `body.source.trees`.
    Trees(Vec<Node>),
    /// `{"Code", "Msg"}`.
    V3 { code: i64, text: String },
    /// A page for people.
    Html { status: u16, text: &'static str },
}

/// A record with every field.
#[derive(Clone, Debug)]
pub(super) struct Bill {
    pub(super) ord: i64,
    pub(super) title: &'static str,
    pub(super) fields: Vec<BillField>,
}

/// One field of a bill: `value` is what a save takes, `text` what people read.
#[derive(Clone, Debug)]
pub(super) struct BillField {
    pub(super) id: &'static str,
    pub(super) title: String,
    pub(super) group: &'static str,
    pub(super) value: String,
    pub(super) text: String,
    pub(super) required: bool,
    pub(super) limit: Option<usize>,
}

/// One node of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) text: String,
    pub(super) value: String,
    pub(super) nodes: Vec<Node>,
}

/// One page of a list.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) cols: Vec<String>,
    /// Columns that stay even when the quirk takes columns away.
    pub(super) kept: &'static [&'static str],
    pub(super) rows: Vec<Row>,
    pub(super) page: Page,
}

impl Table {
    pub(super) fn new(name: &'static str, cols: &[String], rows: Vec<Row>, page: Page) -> Self {
        Self { name, cols: cols.to_vec(), kept: &[], rows, page }
    }

    pub(super) fn keeping(self, kept: &'static [&'static str]) -> Self {
        Self { kept, ..self }
    }

    /// The answer of an ASP list; with `texts` every value is one, as live 32.17 installations answer (`erp-wire.md` §3).
    pub(super) fn answer(mut self, texts: bool) -> Answer {
        for value in self.rows.iter_mut().flat_map(|row| &mut row.values).filter(|_| texts) {
            *value = Value::String(text(value));
        }
        Answer::Table { table: self, v3: false }
    }
}

/// One row: its `ord` and its values in the order of the columns.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) ord: i64,
    pub(super) values: Vec<Value>,
}

/// Which page of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) index: usize,
    pub(super) size: usize,
    pub(super) records: usize,
    /// Whether the answer says how many pages and records there are.
    pub(super) is_counted: bool,
}

impl Page {
    /// The page that was asked for: `size` 20 and `index` 1 unless given, never more rows than `cap`.
    pub(super) fn asked(size: &str, index: &str, cap: Option<usize>) -> Self {
        let size = size.trim().parse().ok().filter(|size| *size > 0).unwrap_or(20);
        let index = index.trim().parse().ok().filter(|index| *index > 0).unwrap_or(1);
        Self { index, size: cap.map_or(size, |cap| size.min(cap.max(1))), records: 0, is_counted: true }
    }

    /// Cuts this page out of all that was found, and notes how many there were.
    pub(super) fn cut<T>(&mut self, found: Vec<T>) -> Vec<T> {
        self.records = found.len();
        found.into_iter().skip((self.index - 1).saturating_mul(self.size)).take(self.size).collect()
    }

    /// How many pages there are.
    pub(super) fn count(&self) -> usize {
        self.records.div_ceil(self.size)
    }
}

impl Answer {
    pub(super) fn done(text: &str) -> Self {
        Self::Done { text: text.to_owned() }
    }

    pub(super) fn refused(text: impl Into<String>) -> Self {
        Self::Refused { text: text.into(), always_zero: false }
    }

    pub(super) fn failed(text: impl Into<String>) -> Self {
        Self::Failed { status: 1, text: text.into() }
    }

    pub(super) fn v3_refused(text: impl Into<String>) -> Self {
        Self::V3 { code: 300, text: text.into() }
    }

    /// One line for the call log.
    pub(super) fn outcome(&self) -> String {
        match self {
            Self::Login { .. } | Self::Done { .. } | Self::Bill(_) | Self::Table { .. } => "done".into(),
            Self::Options(_) | Self::Trees(_) => "done".into(),
            Self::V3 { code: 200, .. } => "done".into(),
            Self::Refused { text, .. } => format!("refused: {text}"),
            Self::Failed { text, .. } => format!("failed: {text}"),
            Self::V3 { code, text } => format!("refused: {code} {text}"),
            Self::Html { status, .. } => format!("html {status}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_cut_by_size_index_and_cap() {
        for (size, index, cap, expected, count) in [
            ("", "", None, (0..20).collect::<Vec<_>>(), 2),
            ("10", "3", None, (20..25).collect(), 3),
            ("10", "4", None, vec![], 3),
            ("100", "2", Some(7), (7..14).collect(), 4),
            ("0", "x", None, (0..20).collect(), 2),
        ] {
            let mut page = Page::asked(size, index, cap);
            assert_eq!(page.cut((0..25).collect()), expected, "{size} {index}");
            assert_eq!((page.count(), page.records), (count, 25));
        }
    }
}
