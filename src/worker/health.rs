//! How the ERP does, as every call tells: whether it can be reached, and how many calls at once it takes well.

use std::time::Duration;

use super::{circuit::Breaker, limit::Limit};
use crate::{clock::Millis, sync::CallRecord};

/// The circuit and the limit of calls at once.
#[derive(Debug)]
pub(super) struct Health {
    pub(super) breaker: Breaker,
    pub(super) calls_at_once: Limit,
}

impl Health {
    /// Every call's outcome feeds both.
    pub(super) fn observe(&self, call: &CallRecord, at: Millis) {
        match call.outcome.as_str() {
            "not_delivered" | "outcome_unknown" => {
                self.calls_at_once.failed();
                if self.breaker.failure(at) {
                    tracing::error!("the ERP cannot be reached; the circuit is open");
                }
            }
            // None of them says whether the ERP itself can be reached.
            "login_refused" | "licence_refused" | "wrong_path" | "lease_over" => {}
            _ => {
                self.calls_at_once.answered(Duration::from_millis(u64::try_from(call.duration_ms).unwrap_or_default()));
                self.breaker.success(at);
            }
        }
    }
}
