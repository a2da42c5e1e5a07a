//! The foreign house: one typed call for each interface of 智邦国际 ERP (`erp-wire.md`).
//!
//! `client.rs` is the one place that calls, `transport.rs` sends one request. `login.rs` logs in, `session.rs` keeps the login.
//! `envelope/` reads what comes back, however it is shaped, `classify.rs`, `phrases.rs` and `topics.rs` decide what it means,
//! `error.rs` says what a failure means for the caller. The files `customers.rs`, `contact_persons.rs`, `progress.rs`,
//! `assignment.rs` and `choices.rs` hold one group of interfaces each.

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
mod installation;
mod interface;
mod lease_guard;
mod login;
mod memory_sessions;
mod paging;
mod phrases;
mod progress;
mod raw;
mod record;
mod redact;
mod session;
mod summary;
mod topics;
mod transport;
mod tree_node;
mod trees;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

pub(crate) use account::Account;
pub(crate) use cache::Shown;
pub(crate) use choice::{Choice, ChoiceField};
pub(crate) use client::Erp;
pub(crate) use contact_persons::{ContactPersonFilter, ContactPersonRow};
pub(crate) use customers::{CustomerFilter, CustomerKind, CustomerRow, FirstCustomers};
pub(crate) use envelope::{Answer, Detail};
pub use envelope::{AspAnswer, Field, asp_body, parse};
pub(crate) use error::{BuildError, ErpError};
pub(crate) use fault::{Fault, FaultCause, subject_of};
pub(crate) use installation::{Installation, is_another, plain_version};
pub(crate) use memory_sessions::MemorySessions;
pub(crate) use paging::PAGES_MAX;
pub(crate) use progress::{ContactWay, NewProgress, ProgressList, ProgressRow};
pub(crate) use raw::{RawAnswer, RawCall};
pub(crate) use record::{CallLog, CallRecord, PLANNED, UNALLOCATED};
pub(crate) use session::{LoginInfo, REFUSALS_MAX, SessionStore, StoredSession};
pub(crate) use tree_node::TreeNode;
