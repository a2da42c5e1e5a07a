//! The foreign house: one typed call for each interface of 智邦国际 ERP (`erp-wire.md`).
//!
//! `client.rs` is the one place that sends. `session.rs` keeps the login, `envelope/` reads what comes back, however it
//! is shaped, `classify.rs` and `phrases.rs` decide what it means, `error.rs` says what a failure means for the caller. The
//! files `customers.rs`, `contact_persons.rs`, `progress.rs`, `assignment.rs` and `choices.rs` hold one group of interfaces each.

mod account;
mod assignment;
mod cache;
mod choice;
mod choices;
mod classify;
mod client;
mod contact_persons;
mod customers;
mod envelope;
mod error;
mod fault;
mod interface;
mod lease_guard;
mod memory_sessions;
mod paging;
mod phrases;
mod progress;
mod record;
mod redact;
mod session;
mod summary;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

pub use account::Account;
pub use cache::Shown;
pub use choice::{Choice, ChoiceField};
pub use client::Erp;
pub use contact_persons::{ContactPersonFilter, ContactPersonRow};
pub use customers::{Allocated, CustomerFilter, CustomerKind, CustomerRow, FIELD_LIMITS, FirstCustomers};
pub use envelope::{Answer, AspAnswer, Detail, Field, parse};
pub use error::{BuildError, ErpError};
pub use fault::{Fault, FaultCause, subject_of};
pub use memory_sessions::MemorySessions;
pub use progress::{ContactWay, INTRO_MAX, NewProgress, ProgressList, ProgressRow};
pub use record::{CallLog, CallRecord, FORETOLD, UNALLOCATED};
pub use session::{LoginInfo, REFUSALS_MAX, SessionStore, StoredSession};
