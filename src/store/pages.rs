//! Pages of lists: narrow rows, and no page heavier than it should be.

use super::{EventRow, StoreError, db::Row, types::status};
use crate::{clock::Millis, event::Status};

/// Bytes of one page of what can be large: more than that stands on the next page.
const PAGE_BYTES: i64 = 1 << 20;
/// Characters of an error that a list shows.
const ERROR_SHOWN: i64 = 500;

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Whether there is more behind it, for its number or its size.
    pub more: bool,
}

/// The columns that [`EventSummary`] reads.
pub(super) fn columns() -> String {
    format!(
        "seq, id, webhook_id, kind, contact_id, status, received_at, occurred_at, actor, sequence, attempts,
           next_attempt_at, substr(error, 1, {ERROR_SHOWN}) as error, error_code, blocked_by, updated_at, finished_at"
    )
}

/// What lists show of an event: nothing of what came with it.
#[derive(Debug, Clone)]
pub struct EventSummary {
    /// Order of acceptance.
    pub seq: i64,
    /// uuid v7.
    pub id: String,
    /// The sender's id of the delivery.
    pub webhook_id: Option<String>,
    /// Event type.
    pub kind: String,
    /// Whose event.
    pub contact_id: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// When it was committed.
    pub received_at: Millis,
    /// When it happened, by the sender's clock.
    pub occurred_at: Option<Millis>,
    /// Who asked.
    pub actor: String,
    /// The sender's number.
    pub sequence: Option<i64>,
    /// Failed attempts that count.
    pub attempts: i64,
    /// When it is tried again, if it waits; for `held`, when the waiting ends.
    pub next_attempt_at: Option<Millis>,
    /// Why it last failed, waits or ended, in words; in a list its first five hundred characters.
    pub error: Option<String>,
    /// A stable word for the same.
    pub error_code: Option<String>,
    /// The block that it waits for: code and subject.
    pub blocked_by: Option<String>,
    /// When its state last changed.
    pub updated_at: Millis,
    /// When it ended.
    pub finished_at: Option<Millis>,
}

impl EventSummary {
    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            seq: row.int("seq")?,
            id: row.text("id")?,
            webhook_id: row.opt_text("webhook_id")?,
            kind: row.text("kind")?,
            contact_id: row.opt_text("contact_id")?,
            status: status(row)?,
            received_at: row.millis("received_at")?,
            occurred_at: row.opt_millis("occurred_at")?,
            actor: row.text("actor")?,
            sequence: row.opt_int("sequence")?,
            attempts: row.int("attempts")?,
            next_attempt_at: row.opt_millis("next_attempt_at")?,
            error: row.opt_text("error")?,
            error_code: row.opt_text("error_code")?,
            blocked_by: row.opt_text("blocked_by")?,
            updated_at: row.millis("updated_at")?,
            finished_at: row.opt_millis("finished_at")?,
        })
    }
}

impl EventRow {
    /// What lists show of it.
    pub fn summary(&self) -> EventSummary {
        EventSummary {
            seq: self.seq,
            id: self.id.clone(),
            webhook_id: self.webhook_id.clone(),
            kind: self.kind.clone(),
            contact_id: self.contact_id.clone(),
            status: self.status,
            received_at: self.received_at,
            occurred_at: self.occurred_at,
            actor: self.actor.clone(),
            sequence: self.sequence,
            attempts: self.attempts,
            next_attempt_at: self.next_attempt_at,
            error: self.error.clone(),
            error_code: self.error_code.clone(),
            blocked_by: self.blocked_by.clone(),
            updated_at: self.updated_at,
            finished_at: self.finished_at,
        }
    }
}

/// The place of the last row that a page takes, by number and size, and whether there is more behind it. A page has one row
/// at least, however large.
pub(super) fn fitting(sizes: &[Row], limit: i64) -> Result<(i64, bool), StoreError> {
    let (mut bytes, mut last) = (0, i64::MAX);
    for (row, number) in sizes.iter().zip(1..) {
        bytes += row.int("bytes")?;
        if number > limit || (number > 1 && bytes > PAGE_BYTES) {
            return Ok((last, true));
        }
        last = row.int("place")?;
    }
    Ok((last, false))
}
