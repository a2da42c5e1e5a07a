//! Why events ended or wait for a person, grouped.

use super::{
    EventSummary, Store, StoreError,
    db::{Row, args},
    pages::columns,
};
use crate::{clock::Millis, event::Status};

/// Of each state so many events are counted, the newest ones.
const EVENTS_COUNTED: i64 = 10_000;
/// Groups at most; of more the largest.
const GROUPS: i64 = 200;

/// Events that failed in the same words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A stable word; empty for events of older versions.
    pub code: String,
    /// Why, the ERP's words where it spoke.
    pub words: Option<String>,
    /// How many.
    pub count: i64,
    /// When the oldest of them was received.
    pub oldest: Millis,
    /// When the newest of them was received.
    pub newest: Millis,
}

impl Store {
    /// The newest ten thousand dead events and as many that need review, by cause; the most frequent first.
    pub async fn failures(&self) -> Result<Vec<Failure>, StoreError> {
        // Each half says what the partial index holds, so that it is read from its end.
        let half = |status: &str| {
            format!(
                "select error_code, error, received_at from
                   (select error_code, error, received_at from events
                    where status in ('dead', 'needs_review', 'held') and status = '{status}'
                    order by seq desc limit $1) as {status}"
            )
        };
        let sql = format!(
            "select coalesce(error_code, '') as code, error, count(*) as count, min(received_at) as oldest,
               max(received_at) as newest
             from ({} union all {}) as failed group by error_code, error order by count(*) desc, code, error limit $2",
            half("dead"),
            half("needs_review")
        );
        let rows = self.db.read(sql, args![EVENTS_COUNTED, GROUPS]).await?;
        rows.iter().map(Failure::read).collect()
    }
}

impl Store {
    /// The codes of all events that are dead or wait for a person, each once: one step on the index of each code, however many
    /// events have it.
    pub async fn failure_codes(&self) -> Result<Vec<String>, StoreError> {
        let mut found = Vec::new();
        for status in [Status::Dead, Status::NeedsReview] {
            // As the partial index says it.
            let next = format!(
                "select min(error_code) from events where status in ('dead', 'needs_review') and status = '{status}'
                   and error_code >"
            );
            let sql = format!(
                "with recursive codes (code) as
                   ({next} '' union all select ({next} codes.code) from codes where codes.code is not null)
                 select code from codes where code is not null"
            );
            let rows = self.db.read(sql, args![]).await?;
            found.extend(rows.iter().map(|row| row.text("code")).collect::<Result<Vec<_>, _>>()?);
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Events that are dead or wait for a person for this cause, the oldest first, behind the place `after`.
    pub async fn of_cause(&self, code: &str, after: i64, limit: i64) -> Result<Vec<EventSummary>, StoreError> {
        let mut found = Vec::new();
        for status in [Status::Dead, Status::NeedsReview] {
            // As the partial index says it, which has them in this order.
            let sql = format!(
                "select {} from events where status in ('dead', 'needs_review') and status = '{status}'
                   and error_code = $1 and seq > $2 order by seq limit $3",
                columns()
            );
            let rows = self.db.read(sql, args![code, after, limit]).await?;
            found.extend(rows.iter().map(EventSummary::read).collect::<Result<Vec<_>, _>>()?);
        }
        found.sort_unstable_by_key(|event| event.seq);
        found.truncate(usize::try_from(limit).unwrap_or_default());
        Ok(found)
    }
}

impl Store {
    /// How many dead events of this cause still have their payload, and so can be replayed; no more than `most` are counted.
    pub async fn replayable_of_cause(&self, code: &str, most: i64) -> Result<i64, StoreError> {
        // As the partial index says it.
        let sql = "select count(*) as count from (select seq from events where status in ('dead', 'needs_review')
                     and status = 'dead' and error_code = $1 and payload is not null order by seq desc limit $2) as newest";
        self.number(sql, args![code, most]).await
    }
}

/// Events of one state and code, for alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// `dead` or `needs_review`.
    pub status: Status,
    /// A stable word; empty for events of older versions.
    pub code: String,
    /// How many.
    pub count: i64,
    /// Why the newest of them failed, the ERP's words where it spoke.
    pub words: Option<String>,
}

impl Store {
    /// Dead events and those that need review, by code: all of them, by an index that holds no others.
    pub async fn troubles(&self) -> Result<Vec<Trouble>, StoreError> {
        let mut troubles = Vec::new();
        for status in [Status::Dead, Status::NeedsReview] {
            let sql = format!(
                "select code, count, (select error from events where seq = newest) as error from
                   (select coalesce(error_code, '') as code, count(*) as count, max(seq) as newest from events
                    where status in ('dead', 'needs_review') and status = '{status}'
                    group by error_code) as grouped order by code limit $1"
            );
            for row in self.db.read(sql, args![GROUPS]).await? {
                let (code, count, words) = (row.text("code")?, row.int("count")?, row.opt_text("error")?);
                troubles.push(Trouble { status, code, count, words });
            }
        }
        Ok(troubles)
    }
}

impl Failure {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            code: row.text("code")?,
            words: row.opt_text("error")?,
            count: row.int("count")?,
            oldest: row.millis("oldest")?,
            newest: row.millis("newest")?,
        })
    }
}
