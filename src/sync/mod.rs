//! What we do: an event becomes a plan of steps, and each step can be done and can be looked up.
//!
//! [`Planner`] reads the ERP and makes the plan ([`matching`], [`mapping`], [`progress`], [`assignment`]); [`Executor`] does
//! its steps, and asks whether they are done ([`verify`]). Both know nothing of the ledger beyond the two questions of
//! [`Journal`].

mod adoption;
mod assignment;
mod category;
mod contact_persons;
mod customer;
mod customer_plan;
mod customer_search;
mod details;
mod duplicates;
mod edit;
mod executor;
mod hint;
mod identity;
mod mapping;
mod matching;
mod phone_match;
mod plan;
mod preview;
mod progress;
mod question;
mod records;
mod renewal;
mod step;
mod task;
mod text;
mod verify;

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::watch;

pub(crate) use self::{
    adoption::{Identified, Identity, person_key},
    details::customer_now,
    executor::{Effect, Executor},
    identity::identities,
    mapping::Mapping,
    plan::Plan,
    question::Question,
    step::{Step, named},
    task::{DoneBefore, Duplicate, Planner, Task, WhoItIs},
    verify::Verification,
};
pub use self::{
    progress::INTRO_LIMIT,
    text::{pieces, utf16_len},
};
pub(crate) use crate::erp::{CallRecord, ErpError, Fault, FaultCause, Shown, subject_of};
use crate::{
    clock::Millis,
    erp::{CallLog, Erp},
};

/// The ERP and everything that planning needs, as a worker holds it. Clones share both.
#[derive(Clone)]
pub struct Engine {
    erp: Erp,
    planner: Arc<watch::Sender<Arc<Planner>>>,
}

/// One run of an event: calls of it are collected, and are not sent any more once its lease is over.
pub struct Job {
    /// The ERP, recording.
    pub erp: Erp,
    /// What was recorded, and the deadline.
    pub log: CallLog,
    /// Makes the plan.
    pub planner: Arc<Planner>,
    /// When the event was accepted.
    pub since: Option<Millis>,
}

impl Engine {
    /// An engine that plans with `planner` and works through `erp`.
    pub fn new(erp: Erp, planner: Planner) -> Self {
        Self { erp, planner: Arc::new(watch::Sender::new(planner.into())) }
    }

    /// Plans with another configuration from now on; a run keeps the one that it began with.
    pub fn change_planner(&self, planner: Planner) {
        self.planner.send_replace(planner.into());
    }

    /// Begins a run of an event accepted then, whose calls may be sent until `deadline`. What is known to be wrong with the
    /// installation is not called.
    pub fn begin(&self, deadline: Millis, accepted_at: Millis, known: Vec<Fault>) -> Job {
        let job = self.job(CallLog::new("survey", Some(deadline)).knowing(known));
        Job { since: Some(accepted_at), ..job }
    }

    fn job(&self, log: CallLog) -> Job {
        Job { erp: self.erp.recording(log.clone()), log, planner: Arc::clone(&self.planner.borrow()), since: None }
    }

    /// One cheap call: whether the ERP answers.
    pub async fn ping(&self) -> Result<(), ErpError> {
        self.erp.check_login().await.map(drop)
    }

    /// Believes nothing any more that was read of the installation: choices, accounts, closed lists.
    pub fn forget_installation(&self) {
        self.erp.forget_installation();
    }

    /// The ERP's words, while it refuses the login.
    pub fn login_refusal(&self) -> Option<String> {
        self.erp.login_refusal()
    }

    /// How long after an unanswered call its effect may still appear.
    pub fn late_effect(&self) -> std::time::Duration {
        self.erp.late_effect()
    }
}

impl Job {
    /// Whether the ERP has a linked customer no more: deleted, merged, or out of the account's sight.
    pub async fn is_gone(&self, link: &crate::event::Link) -> Result<bool, ErpError> {
        details::is_gone(&self.erp, task::kind_of(link), link.ord).await
    }

    /// Does and looks up the plan's steps for one customer.
    pub fn executor<'a>(&'a self, journal: &'a dyn Journal, ord: Option<i64>) -> Executor<'a> {
        let values = &self.planner.mapping.values;
        Executor { erp: &self.erp, journal, values, ord, since: self.since, yields: false }
    }
}

/// What planning and probing ask of the ledger.
pub trait Journal: Send + Sync {
    /// How many steps left one of these marks: equal progress records of a customer are told apart by counting.
    fn count_equal<'a>(&'a self, fingerprints: &'a [String]) -> BoxFuture<'a, Result<EqualRecords, JournalError>>;
    /// Whether a customer is another contact's than this one: linked as the customer itself, not as a contact person of it.
    fn has_owner<'a>(&'a self, ord: i64, other_than: &'a str) -> BoxFuture<'a, Result<bool, JournalError>>;
    /// The last score that the platform sent for a contact.
    fn last_score<'a>(&'a self, contact_id: &'a str) -> BoxFuture<'a, Result<Option<f64>, JournalError>>;
    /// The next number of a rotation; `peek` does not take it.
    fn rotation<'a>(&'a self, name: &'a str, peek: bool) -> BoxFuture<'a, Result<i64, JournalError>>;
}

/// Steps of other events that have one mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EqualRecords {
    /// Those that are done.
    pub done: i64,
    /// Those that were begun and are still open, of events before this one in an order that all agree on, and of events that
    /// nobody goes on with: of two equal records whose outcomes are open, the one that is there belongs to the first of them.
    pub started_before: i64,
    /// Those that were begun and are still open, of all other events.
    pub started: i64,
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
