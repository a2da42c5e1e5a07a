//! The ledger: what the rooms ask of the database, written once for SQLite and PostgreSQL.

mod types;

pub use types::*;

use crate::event::Status;

/// Why the ledger could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is away, full, locked or refuses; the text never holds a payload.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The backlog is full.
    #[error("the backlog is full")]
    BacklogFull,
    /// The lease was lost to another worker; nothing was written.
    #[error("the lease was lost")]
    LeaseLost,
    /// No such event, contact or step.
    #[error("not found")]
    NotFound,
    /// The event's state does not allow this.
    #[error("not possible while the event is {0}")]
    WrongState(Status),
}

/// The ledger. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {}

#[expect(missing_docs, clippy::todo, clippy::unused_async, unused_variables, reason = "skeleton")]
impl Store {
    // ---- the door ----
    pub async fn accept(&self, event: NewEvent) -> Result<Accepted, StoreError> {
        todo!()
    }
    pub async fn reject(&self, rejection: Rejection) -> Result<(), StoreError> {
        todo!()
    }
    /// Answers quickly whether the database can be written.
    pub async fn ping(&self) -> Result<(), StoreError> {
        todo!()
    }

    // ---- what people ask ----
    /// Newest first; `before` is the `seq` of the last item of the page before.
    pub async fn list_events(
        &self,
        filter: &EventFilter,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<EventRow>, StoreError> {
        todo!()
    }
    pub async fn event(&self, id: &str) -> Result<Option<EventRow>, StoreError> {
        todo!()
    }
    pub async fn steps(&self, event_id: &str) -> Result<Vec<StepRow>, StoreError> {
        todo!()
    }
    pub async fn calls(&self, event_id: &str) -> Result<Vec<CallRow>, StoreError> {
        todo!()
    }
    pub async fn contact(&self, contact_id: &str) -> Result<Option<ContactRow>, StoreError> {
        todo!()
    }
    pub async fn rejections(&self, before: Option<i64>, limit: i64) -> Result<Vec<RejectionRow>, StoreError> {
        todo!()
    }
    pub async fn audit_log(&self, before: Option<i64>, limit: i64) -> Result<Vec<AuditRow>, StoreError> {
        todo!()
    }
    pub async fn stats(&self) -> Result<Stats, StoreError> {
        todo!()
    }
    /// State changes from now on.
    pub fn changes(&self) -> tokio::sync::broadcast::Receiver<Change> {
        todo!()
    }

    // ---- what operators do; each writes its audit entry in the same transaction ----
    pub async fn replay(&self, id: &str, actor: &str, reason: Option<&str>) -> Result<(), StoreError> {
        todo!()
    }
    /// Counts what matches; replays it unless `dry_run`. Only states from which replay is allowed are touched.
    pub async fn replay_matching(&self, filter: &EventFilter, dry_run: bool, actor: &str) -> Result<i64, StoreError> {
        todo!()
    }
    pub async fn discard(&self, id: &str, actor: &str, reason: Option<&str>) -> Result<(), StoreError> {
        todo!()
    }
    pub async fn resolve(
        &self,
        id: &str,
        resolution: &Resolution,
        actor: &str,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        todo!()
    }
    pub async fn audit(
        &self,
        actor: &str,
        action: &str,
        subject: &str,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        todo!()
    }
    /// Erases the payloads of a contact's events, rejections and ERP calls; returns how many events lost theirs.
    /// Refused with `WrongState` while one of the contact's events is open.
    pub async fn erase_contact(&self, contact_id: &str, actor: &str, reason: Option<&str>) -> Result<i64, StoreError> {
        todo!()
    }
}

/// What a person decided about an event that `needs_review`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Resolution {
    /// The step in question took effect.
    Done,
    /// It did not; send it again.
    Resend,
    /// The contact is this customer.
    Link {
        /// The customer's `ord`.
        ord: i64,
    },
}
