//! What a day brought, for the summary that people get (日报).

use std::collections::BTreeMap;

use super::{Store, StoreError, db::args, types};
use crate::{
    clock::Millis,
    event::{Decision, Status},
    json,
};

/// Decisions that are looked into for the rules at most.
const DECISIONS: i64 = 10_000;

/// What ended since a moment, and what is open now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DaySummary {
    /// Events that took effect.
    pub succeeded: i64,
    /// Events that were not admitted.
    pub not_admitted: i64,
    /// Which rules refused them, the most frequent first; an event may miss several.
    pub by_rule: Vec<(String, i64)>,
    /// Events that died.
    pub dead: i64,
    /// Events that wait, whatever for.
    pub open: i64,
    /// Of those, events that need a person.
    pub in_review: i64,
}

impl Store {
    /// What ended since `from`, and what is open.
    pub async fn day_summary(&self, from: Millis) -> Result<DaySummary, StoreError> {
        let mut day = DaySummary { open: self.backlog(), ..DaySummary::default() };
        let ended = "select status, count(*) as count from events where finished_at >= $1 group by status";
        for row in self.db.read(ended, args![from]).await? {
            match types::status(&row)? {
                Status::Succeeded => day.succeeded = row.int("count")?,
                Status::NotAdmitted => day.not_admitted = row.int("count")?,
                Status::Dead => day.dead = row.int("count")?,
                _ => {}
            }
        }
        let review = "select count(*) as count from events where status = 'needs_review'
            and status in ('dead', 'needs_review', 'held')";
        day.in_review = self.db.read(review, args![]).await?.first().map_or(Ok(0), |row| row.int("count"))?;
        let decisions = "select admission from events where finished_at >= $1 and status = 'not_admitted'
            order by finished_at desc limit $2";
        let mut rules = BTreeMap::<String, i64>::new();
        for row in self.db.read(decisions, args![from, DECISIONS]).await? {
            let decision = row.opt_json("admission")?.and_then(|value| json::from_value::<Decision>(&value).ok());
            for reason in decision.map(|decision| decision.reasons()).unwrap_or_default() {
                *rules.entry(reason.rule.as_str().to_owned()).or_default() += 1;
            }
        }
        day.by_rule = rules.into_iter().collect();
        day.by_rule.sort_by_key(|(_, count)| -count);
        Ok(day)
    }
}
