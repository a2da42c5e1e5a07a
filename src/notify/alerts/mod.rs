//! Alerts (告警): what is wrong, told to people by the robots of their chat, grouped so that a flood is one message.
//!
//! [`AlertWatch`] looks every few seconds; `rules.rs` decides, purely, what of it is to be told; the messages go through the
//! outbox and are delivered to the first target that takes them (`robots.rs`), within each robot's budget (`budget.rs`).

mod budget;
mod kinds;
mod robots;
mod rules;
mod sightings;
mod summary;
mod text;
mod watch;

pub use self::{
    sightings::{Local, OldSecret},
    watch::{AlertParts, AlertWatch, LocalFacts, TARGET_TIMEOUT, Tried, try_targets},
};
