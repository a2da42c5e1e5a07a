//! What a survey found: facts, counts and shapes, never a name, a number or a text of a customer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Whether a fact holds on the surveyed installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was seen.
    Holds,
    /// The opposite was seen.
    DoesNot,
    /// Nothing told.
    Unseen,
}

impl From<bool> for Outcome {
    fn from(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::DoesNot }
    }
}

impl From<Option<bool>> for Outcome {
    fn from(holds: Option<bool>) -> Self {
        holds.map_or(Self::Unseen, Self::from)
    }
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Its stable code: `customers.filter.khid`.
    pub code: String,
    /// Whether it holds.
    pub outcome: Outcome,
    /// How, where that says more: `404`, `question_marks`; empty else.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub how: String,
}

/// How many customers were looked at, and how many of them are how. `None` where no column tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Customers that the list counts.
    pub customers: usize,
    /// Of them read.
    pub looked_at: usize,
    /// With a mobile number.
    pub with_mobile: Option<usize>,
    /// With a number that is not eleven plain digits.
    pub mobiles_as_typed: Option<usize>,
    /// With a salesperson.
    pub with_salesperson: Option<usize>,
    /// With a latest record.
    pub with_records: Option<usize>,
    /// With a name as long as a company's.
    #[serde(default)]
    pub long_names: Option<usize>,
    /// The most records of one customer that were seen.
    pub records_each: usize,
}

/// A choice: its id, and its text where it is one that everybody's ERP may have; else only its position.
pub type SeenChoice = (String, String);

/// A 客户分类 with its 跟进程度.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenCategory {
    /// Its id.
    pub id: String,
    /// Its text, as of a choice.
    pub text: String,
    /// Its 跟进程度.
    pub stages: Vec<SeenChoice>,
}

/// Names that differ from company to company, as far as they are no texts of people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shapes {
    /// The columns of each list, in order.
    pub columns: BTreeMap<String, Vec<String>>,
    /// The choices of each field.
    pub choices: BTreeMap<String, Vec<SeenChoice>>,
    /// The tree of categories.
    pub categories: Vec<SeenCategory>,
    /// Most rows of a page, where a larger page was asked for.
    pub page_cap: Option<usize>,
    /// Most characters that the list of customers shows of a name, and what stands behind the cut.
    #[serde(default)]
    pub names_cut: Option<(usize, String)>,
    /// Most characters that the list of records shows of a text, and what stands behind the cut.
    pub records_cut: Option<(usize, String)>,
}

/// What differs from survey to survey.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// RFC 3339.
    pub surveyed_at: String,
    /// As the login says it.
    pub app_version: String,
    /// Calls made.
    pub calls: usize,
    /// Milliseconds of a call: half, nineteen of twenty, and all took no longer.
    pub latency_ms: [u64; 3],
    /// Seconds by which the ERP's clock is ahead, to a second or two.
    pub clock_skew_s: Option<i64>,
    /// The customer that `--write-one` added, or may have added.
    pub written_customer: Option<i64>,
    /// Whether the ERP said that it is back in the 客户池.
    #[serde(default)]
    pub is_taken_back: bool,
    /// What stopped `--write-one` before its end, in a word; what only a write shows could not be seen then.
    #[serde(default)]
    pub writing_stopped: Option<String>,
}

/// A survey of one installation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What holds and what does not, in the order of looking.
    pub facts: Vec<Fact>,
    /// How many customers are how.
    pub sample: Sample,
    /// Columns and choices.
    pub shapes: Shapes,
    /// What differs from survey to survey.
    pub measured: Measured,
}

impl Report {
    pub(super) fn note(&mut self, code: impl Into<String>, outcome: impl Into<Outcome>) {
        self.note_how(code, outcome, "");
    }

    pub(super) fn note_how(&mut self, code: impl Into<String>, outcome: impl Into<Outcome>, how: impl Into<String>) {
        self.facts.push(Fact { code: code.into(), outcome: outcome.into(), how: how.into() });
    }

    /// Notes what only became visible later: replaces a fact that nothing had told before.
    pub(super) fn settle(&mut self, code: &str, outcome: impl Into<Outcome>) {
        match self.facts.iter_mut().find(|fact| fact.code == code) {
            Some(fact) if fact.outcome == Outcome::Unseen => fact.outcome = outcome.into(),
            Some(_) => {}
            None => self.note(code, outcome),
        }
    }

    /// The fact with this code.
    pub fn fact(&self, code: &str) -> Option<&Fact> {
        self.facts.iter().find(|fact| fact.code == code)
    }

    /// Whether the fact was seen to hold.
    pub fn holds(&self, code: &str) -> bool {
        self.fact(code).is_some_and(|fact| fact.outcome == Outcome::Holds)
    }

    /// Whether the opposite of the fact was seen.
    pub fn refutes(&self, code: &str) -> bool {
        self.fact(code).is_some_and(|fact| fact.outcome == Outcome::DoesNot)
    }

    /// Where two surveys differ, apart from what they measured: a line a difference.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for fact in &self.facts {
            match other.fact(&fact.code) {
                Some(same) if same == fact => {}
                theirs => found.push(format!("{fact:?} / {theirs:?}")),
            }
        }
        let missing = other.facts.iter().filter(|fact| self.fact(&fact.code).is_none());
        found.extend(missing.map(|fact| format!("- / {fact:?}")));
        if self.sample != other.sample {
            found.push(format!("{:?} / {:?}", self.sample, other.sample));
        }
        if self.shapes != other.shapes {
            found.push(format!("{:?} / {:?}", self.shapes, other.shapes));
        }
        found
    }
}
