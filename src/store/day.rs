//! What a day brought, for the summary that people get (日报).

use super::{Store, StoreError, db::args};
use crate::{
    clock::Millis,
    event::{Rule, Status},
};

/// What ended since a moment, and what is open now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DaySummary {
    /// Events that took effect.
    pub succeeded: i64,
    /// Events that were not admitted.
    pub not_admitted: i64,
    /// Which rules refused them, the most frequent first; an event may miss several.
    pub by_rule: Vec<(Rule, i64)>,
    /// Events that died.
    pub dead: i64,
    /// Events that wait, whatever for.
    pub open: i64,
    /// Of those, events that need a person.
    pub in_review: i64,
}

impl Store {
    /// What happened since `from`, by the rollups, and what is open.
    pub async fn summary_since(&self, from: Millis) -> Result<DaySummary, StoreError> {
        let happened = self.happened_since(from).await?;
        let review = "select count(*) as count from events where status = 'needs_review'
            and status in ('dead', 'needs_review')";
        let in_review = self.db.read(review, args![]).await?.first().map_or(Ok(0), |row| row.int("count"))?;
        Ok(DaySummary {
            succeeded: happened.reached(Status::Succeeded),
            not_admitted: happened.reached(Status::NotAdmitted),
            by_rule: happened.kept_out().into_iter().collect(),
            dead: happened.reached(Status::Dead),
            open: self.backlog(),
            in_review,
        })
    }
}
