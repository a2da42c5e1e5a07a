//! What a failure means for the event: try again, give up, ask a person, or stop dispatching.

use serde_json::{Value, json};

use crate::{
    store::StoreError,
    sync::{ErpError, SyncError},
};

/// How a run that did not succeed ends.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// It can pass: try again.
    Retry {
        /// Stable word.
        code: &'static str,
        /// In words.
        error: String,
        /// Whether the try counts against the event's budget; outages and sessions do not.
        counts: Counts,
    },
    /// It cannot pass.
    Dead {
        /// Stable word.
        code: &'static str,
        /// The ERP's own words, or ours.
        error: String,
    },
    /// It cannot pass as it was planned: plan it anew, once for each thing that the ERP says.
    PlanAnew {
        /// Stable word.
        code: &'static str,
        /// The ERP's own words.
        error: String,
    },
    /// Only a person can decide.
    Review {
        /// Stable word.
        code: &'static str,
        /// In words.
        error: String,
        /// What the decision needs.
        facts: Value,
    },
    /// The ledger is not ours to write any more, or is away: leave everything as it is; the lease runs out.
    Abandon(String),
}

/// Whether a failed try counts against the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    /// Always.
    Yes,
    /// Never.
    No,
    /// Only if the ERP answered other calls meanwhile: then it is the event's own failure, not an outage.
    UnlessOutage,
}

impl From<SyncError> for Verdict {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Erp(error) => error.into(),
            SyncError::Journal(error) => Self::Abandon(error.to_string()),
        }
    }
}

impl From<StoreError> for Verdict {
    fn from(error: StoreError) -> Self {
        Self::Abandon(error.to_string())
    }
}

impl From<ErpError> for Verdict {
    fn from(error: ErpError) -> Self {
        let (code, words) = (error.code(), error.to_string());
        let retry = |counts| Self::Retry { code, error: words.clone(), counts };
        match error {
            ErpError::NotDelivered(_) | ErpError::LoginRefused(_) => retry(Counts::No),
            ErpError::OutcomeUnknown { .. } | ErpError::SessionExpired => retry(Counts::UnlessOutage),
            // The ERP's own words, not ours around them.
            ErpError::Refused(text) => Self::Dead { code, error: text },
            ErpError::ChoiceMissing { .. } | ErpError::Invalid(_) => Self::Dead { code, error: words },
            ErpError::TooMany(what) => Self::Review { code, error: words, facts: json!({ "too_many": what }) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_the_erp_has_its_meaning() {
        let unknown = |answered| ErpError::OutcomeUnknown { reason: "x".into(), answered };
        let missing =
            ErpError::ChoiceMissing { field: "ly".into(), wanted: "微信".into(), available: vec!["VIP".into()] };
        let table: Vec<(ErpError, &str)> = vec![
            (ErpError::NotDelivered("x".into()), "retry No"),
            (ErpError::LoginRefused("x".into()), "retry No"),
            (unknown(true), "retry UnlessOutage"),
            (unknown(false), "retry UnlessOutage"),
            (ErpError::SessionExpired, "retry UnlessOutage"),
            (ErpError::Refused("该编号已被使用".into()), "dead 该编号已被使用"),
            (ErpError::Invalid("x".into()), "dead"),
            (missing, "dead"),
            (ErpError::TooMany("x".into()), "review"),
        ];
        for (error, meaning) in table {
            let shown = match Verdict::from(error.clone()) {
                Verdict::Retry { counts, .. } => format!("retry {counts:?}"),
                Verdict::Dead { error, .. } => format!("dead {error}"),
                Verdict::Review { .. } => "review".into(),
                Verdict::PlanAnew { .. } => "plan anew".into(),
                Verdict::Abandon(_) => "abandon".into(),
            };
            assert!(shown.starts_with(meaning), "{error:?}: {shown}, expected {meaning}");
        }
    }

    #[test]
    fn a_ledger_that_does_not_answer_leaves_the_event_to_its_lease() {
        assert!(matches!(Verdict::from(StoreError::LeaseLost), Verdict::Abandon(_)));
    }
}
