//! What we say to others: the outbox's delivery to the platform (write-back, 回写) and to people (alerts, 告警).
//!
//! The ledger writes what is to be told in the transaction of the change that it tells of (`store/outbox.rs`); here it is
//! delivered, at least once. The platform's messages go in order per contact; those to people are grouped by rules first.

pub mod alerts;
mod post;
mod schedule;
mod write_back;

pub use self::{post::Poster, write_back::WriteBackSender};
