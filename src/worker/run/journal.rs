//! What a run reads out of the ledger and out of the steps that are in it.

use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::{
    event::Link,
    json,
    store::{Begun, EqualSteps, NewStep, StepFacts, StepRow, StepState, Store},
    sync::{EqualRecords, Journal, JournalError, Step},
};

/// The ledger's answers to planning and looking.
pub(super) struct StoreJournal<'a> {
    pub(super) store: &'a Store,
    /// For whom it is asked.
    pub(super) event_id: &'a str,
}

impl Journal for StoreJournal<'_> {
    fn count_equal<'a>(&'a self, fingerprints: &'a [String]) -> BoxFuture<'a, Result<EqualRecords, JournalError>> {
        Box::pin(async move {
            let counted = self.store.count_fingerprints(fingerprints, self.event_id).await;
            let EqualSteps { done, started_before, started } =
                counted.map_err(|error| JournalError(error.to_string()))?;
            Ok(EqualRecords { done, started_before, started })
        })
    }

    fn has_owner<'a>(&'a self, ord: i64, other_than: &'a str) -> BoxFuture<'a, Result<bool, JournalError>> {
        Box::pin(async move {
            let owned = self.store.has_owner(ord, other_than).await;
            owned.map_err(|error| JournalError(error.to_string()))
        })
    }

    fn last_score<'a>(&'a self, contact_id: &'a str) -> BoxFuture<'a, Result<Option<f64>, JournalError>> {
        Box::pin(async move {
            let standing = self.store.standing(contact_id).await.map_err(|error| JournalError(error.to_string()))?;
            Ok(standing.last_score)
        })
    }

    fn rotation<'a>(&'a self, name: &'a str, peek: bool) -> BoxFuture<'a, Result<i64, JournalError>> {
        Box::pin(async move {
            let number =
                if peek { self.store.peek_rotation(name).await } else { self.store.next_in_rotation(name).await };
            number.map_err(|error| JournalError(error.to_string()))
        })
    }
}

/// The step of a row; none in one that was erased.
pub(super) fn step_of(row: &StepRow) -> Option<Step> {
    json::from_value(&row.step).ok()
}

/// A step as the ledger takes it, with what the ledger decides by.
pub(super) fn new_step(name: String, step: &Step, fingerprint: Option<String>, begun: Option<Begun>) -> NewStep {
    let facts = StepFacts { holds_identity: step.holds_identity(), allocates: step.allocates(), binds: step.binds() };
    NewStep { name, step: json!(step), fingerprint, facts, begun }
}

/// The customer that a finished step brought.
pub(super) fn ord_of(row: &StepRow, known: Option<i64>) -> Option<i64> {
    step_of(row).map_or(known, |step| step.ord_after(row.result.as_ref().unwrap_or(&Value::Null), known))
}

/// The link that a finished step leaves in the ledger.
pub(super) fn new_link(step: &Step, known: Option<i64>) -> Option<Link> {
    let Step::Link { ord, khid, kind, linked_by } = step else { return None };
    let ord = ord.or(known)?;
    Some(Link { ord, khid: khid.clone(), kind: *kind, linked_by: *linked_by })
}

/// Whether a step, once it is begun or done, leaves something in the ERP by which other contacts find their customer.
pub(super) fn is_effect(row: &StepRow) -> bool {
    row.state != StepState::Planned && step_of(row).is_some_and(|step| step.leaves_trace())
}

/// Whether a step may be told and looked up later, together with those behind it: a part that nobody has sent.
pub(super) fn is_part(row: &StepRow) -> bool {
    row.state == StepState::Planned && step_of(row).is_some_and(|step| step.is_part())
}

/// Whether a new customer was sent to the ERP and is not known to be there.
pub(super) fn has_saved(row: &StepRow) -> bool {
    let is_open = row.state != StepState::Done && row.started_at.is_some();
    is_open && matches!(step_of(row), Some(Step::SaveCustomer { .. }))
}

/// Whether a step is to be done that calls nobody: the ledger remembers the link.
pub(super) fn is_link(row: &StepRow) -> bool {
    row.state == StepState::Planned && matches!(step_of(row), Some(Step::Link { .. }))
}

/// An identity as the ledger keeps it: it must not say whose it is.
pub(super) fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(Sha256::digest(text.as_bytes()))
}
