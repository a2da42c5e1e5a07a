//! What we do: an event becomes a plan of steps, and each step can be done and can be looked up.
//!
//! [`Planner`] reads the ERP and makes the plan ([`conflict`], [`mapping`], [`progress`], [`assignment`]); [`Hands`] does
//! its steps. Both know nothing of the ledger beyond the two questions of [`Journal`].

mod assignment;
mod conflict;
mod hands;
mod mapping;
mod plan;
mod progress;
mod step;
mod text;

use futures::future::BoxFuture;

pub use self::{
    assignment::Assignment,
    conflict::{Candidate, FoundBy},
    hands::{Effect, Hands, Seen},
    mapping::{FieldValue, Mapping},
    plan::{Change, Link, Plan, Planner, Task},
    progress::INTRO_LIMIT,
    step::{Step, named},
    text::{clean, utf16_len},
};
use crate::erp::ErpError;

/// What planning and probing ask of the ledger.
pub trait Journal: Send + Sync {
    /// How many finished steps left this mark: equal progress records of a customer are told apart by counting.
    fn count_fingerprint<'a>(&'a self, fingerprint: &'a str) -> BoxFuture<'a, Result<i64, JournalError>>;
    /// The next number of a rotation; `peek` does not take it.
    fn rotation<'a>(&'a self, name: &'a str, peek: bool) -> BoxFuture<'a, Result<i64, JournalError>>;
}

/// The ledger did not answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct JournalError(pub String);

/// Why planning, doing or probing went no further.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The ERP.
    #[error(transparent)]
    Erp(#[from] ErpError),
    /// The ledger.
    #[error("the ledger did not answer: {0}")]
    Journal(#[from] JournalError),
}
