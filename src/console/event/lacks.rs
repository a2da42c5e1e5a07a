//! What kept an event out and what would let it in, and whether trying an event again can do anything.

use serde_json::Value;

use crate::{
    console::{
        fault::Fault,
        format,
        words::{Lang, rule, rule_help},
    },
    event::{EventKind, Status},
    http::{
        HttpState,
        api::{not_admitted::admits_now, views::EventDetail},
    },
};

/// A rule that does not hold.
pub(super) struct Lack {
    /// As the ledger names it, which is its place in the help.
    pub(super) code: String,
    pub(super) name: String,
    /// What it takes to hold.
    pub(super) what: &'static str,
}

/// The rules that kept the event out; none of an event that they did not.
pub(super) fn lacks(event: &EventDetail, lang: Lang) -> Vec<Lack> {
    // A deal that is refused is held.
    if !matches!(event.item.status, Status::NotAdmitted | Status::Held) {
        return Vec::new();
    }
    let refused = event.admission.as_ref().filter(|decision| decision["admitted"] == false);
    let checks = refused.and_then(|decision| decision["rules"].as_array()).into_iter().flatten();
    let failed =
        checks.filter(|check| check["passed"] == Value::Bool(false)).filter_map(|check| check["rule"].as_str());
    failed
        .map(|code| Lack { code: code.to_owned(), name: rule(lang, code).to_owned(), what: rule_help(lang, code).1 })
        .collect()
}

/// Whether trying the event again can do anything: what the rules kept out, or what waits for a customer, only comes further if
/// they let it in now; what is queued only if it waits for nothing but its next try, and while anything is sent at all.
pub(super) async fn is_worth_a_try(state: &HttpState, event: &EventDetail, is_linked: bool) -> Result<bool, Fault> {
    Ok(match event.item.status {
        Status::NeedsReview => false,
        Status::Queued => {
            let is_free = event.item.blocked_by.is_none() && event.waits_for.is_none();
            is_free && state.dispatch.facts().paused.is_none() && waits_for_its_next_try(state, event)
        }
        Status::NotAdmitted => admits_now(state, event).await?,
        Status::Held if is_linked => true,
        Status::Held => event.item.kind != EventKind::MessageLogged.as_str() && admits_now(state, event).await?,
        _ => event.payload.is_some(),
    })
}

/// Whether an event's next try is yet to come.
pub(super) fn waits_for_its_next_try(state: &HttpState, event: &EventDetail) -> bool {
    let next = event.item.next_attempt_at.as_deref().and_then(format::millis);
    next.is_some_and(|next| next > state.clock.now())
}
