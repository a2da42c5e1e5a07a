//! The foreign house: one typed call for each interface of 智邦国际 ERP (`erp-wire.md`).
//!
//! [`client`] is the one place that sends. [`session`] keeps the login, [`envelope`] reads what comes back, however it
//! is shaped, [`error`] says what a failure means. The other files hold one group of interfaces each.

mod assignment;
mod choices;
mod client;
mod contacts;
mod customers;
mod envelope;
mod error;
mod progress;
mod record;
mod session;

pub use assignment::{Account, Assignee};
pub use choices::{Choice, ChoiceField};
pub use client::Erp;
pub use contacts::{ContactFilter, ContactPersonRow};
pub use customers::{Allocated, CustomerFilter, CustomerKind, CustomerRow};
pub use envelope::{Answer, AspAnswer, Detail, Field, parse};
pub use error::{BuildError, ErpError};
pub use progress::{ContactWay, NewProgress, ProgressList, ProgressRow};
pub use record::{CallLog, CallRecord};
pub use session::{LoginInfo, MemorySessions, SessionStore, StoredSession};
