//! The clockwork: claim a contact's turn, run its event under a lease, settle.
//!
//! One [`Dispatcher`] a process. It claims only as much as it can run now, stands still while the circuit is open, in
//! quiet hours and while the ERP refuses the login, and ends cleanly: steps in flight finish, nothing stays half claimed.

mod blocks;
mod circuit;
mod dispatcher;
mod end;
mod health;
mod isolation;
mod limit;
mod pauses;
pub mod replays;
mod retry;
mod run;
mod settle;
mod suspects;
mod tending;
mod traced;
mod twin_waits;
mod upkeep;

pub use self::{
    dispatcher::{Dispatcher, EVENTS_PER_CALL, Parts},
    pauses::Pause,
    upkeep::Upkeep,
};
