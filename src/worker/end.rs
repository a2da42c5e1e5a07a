//! How a run of an event ends, and what a failure means for the event: try again, give up, ask a person, or leave it to its
//! lease.

use serde_json::{Value, json};

use crate::{
    clock::Millis,
    event::Decision,
    store::{Advance, CallRow, StoreError},
    sync::{Duplicate, ErpError, Fault, FaultCause, Question, SyncError},
};

/// The ERP says that a write is done, and it is not there.
pub(super) const NOT_STORED: &str = "not_stored";
/// The ERP understood and refused, in its own words.
pub(super) const REFUSED: &str = "refused";
/// The database takes what a run brings no better a second time.
pub(super) const DATA_REFUSED: &str = "data_refused";

/// How a run ends.
#[derive(Debug)]
pub(super) enum End {
    /// It took effect; the last write of the journal goes with the settlement.
    Succeeded(Box<Advance>),
    /// The contact is linked now, and records of the event are still to come: the messages that the link releases stand
    /// before them (`contract.md §3.5`). The last write of the journal goes with the settlement.
    GiveWay(Box<Advance>),
    /// The contact is not linked: the message waits.
    Hold,
    /// The rules refuse it.
    NotAdmitted(Decision),
    /// Another contact with the same number or company, or under the same allocated id, is becoming a customer right now.
    Wait,
    /// A started step cannot be judged before this moment; why.
    LookAgain(Millis, String),
    /// The bridge is stopping, or what was planned did not happen and is planned anew at once.
    Again,
    /// It failed, and that can pass: try again.
    Retry {
        /// Stable word.
        code: &'static str,
        /// In words.
        error: String,
        /// Whether the try counts against the event's budget.
        counts: Counts,
    },
    /// It failed as it was planned: plan it anew; failing so in two runs that follow each other it is dead.
    PlanAnew {
        /// Stable word.
        code: &'static str,
        /// The ERP's own words.
        error: String,
    },
    /// Something is wrong with the installation: the event waits until it is put right.
    Blocked(Fault),
    /// The ERP refused a save because it has the same already (查重): the contact is looked for once more.
    Duplicate(Duplicate),
    /// It failed, and that cannot pass.
    Dead {
        /// Stable word.
        code: &'static str,
        /// The ERP's own words, or ours.
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

/// What a run leaves besides its end.
pub(super) struct Ran {
    /// When it began.
    pub(super) begun: Millis,
    /// Its calls that the ledger does not have yet.
    pub(super) calls: Vec<CallRow>,
    /// The block that it passed.
    pub(super) passed: Option<String>,
    /// Whether it finished a step.
    pub(super) came_on: bool,
}

/// Whether a failed try counts against the budget. Outages and sessions do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    /// Always.
    Yes,
    /// Never.
    No,
    /// Only if the ERP answers other calls: then it is the event's own failure, not an outage.
    UnlessOutage,
}

impl End {
    /// The same, and no try of the budget is used up by it.
    pub(super) fn uncounted(self) -> Self {
        match self {
            Self::Retry { code, error, .. } => Self::Retry { code, error, counts: Counts::No },
            other => other,
        }
    }

    /// A person decides which customer the contact is.
    pub(super) fn review(question: &Question) -> Self {
        Self::Review { code: question.code(), error: question.words(), facts: question.facts() }
    }

    /// Whether it ended as it does where the ERP has the contact's customer no more: a refusal, or a write that is
    /// acknowledged and leaves nothing.
    pub(super) fn may_mean_gone(&self) -> bool {
        match self {
            Self::Dead { code, .. } | Self::PlanAnew { code, .. } => *code == REFUSED,
            Self::Retry { code, .. } | Self::Review { code, .. } => *code == NOT_STORED,
            // A record that the account may not see, or a bare 404; what is known of the interface says nothing of the record.
            Self::Blocked(fault) => {
                fault.is_met && matches!(fault.cause, FaultCause::RightMissing | FaultCause::WrongPath)
            }
            _ => false,
        }
    }
}

impl From<SyncError> for End {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Erp(error) => error.into(),
            SyncError::Journal(error) => Self::Abandon(error.to_string()),
        }
    }
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Data(_) => Self::Dead { code: DATA_REFUSED, error: error.to_string() },
            _ => Self::Abandon(error.to_string()),
        }
    }
}

impl From<ErpError> for End {
    fn from(error: ErpError) -> Self {
        if let Some(fault) = error.fault() {
            return Self::Blocked(fault);
        }
        let (code, words) = (error.code(), error.to_string());
        let retry = |counts| Self::Retry { code, error: words.clone(), counts };
        match error {
            ErpError::NotDelivered(_) | ErpError::LoginRefused(_) => retry(Counts::No),
            ErpError::OutcomeUnknown { .. } | ErpError::SessionExpired => retry(Counts::UnlessOutage),
            // The event's own slowness: not counted, an event that never fits into its lease would run for ever.
            ErpError::LeaseOver => retry(Counts::Yes),
            // The ERP's own words, not ours around them.
            ErpError::Refused(text) => Self::Dead { code, error: text },
            ErpError::Installation(_) | ErpError::ChoiceMissing { .. } | ErpError::Invalid(_) => {
                Self::Dead { code, error: words }
            }
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
        let right = ErpError::Installation(Fault::known(FaultCause::RightMissing, "客户列表 (customer.list)", "x"));
        let table: Vec<(ErpError, &str)> = vec![
            (ErpError::NotDelivered("x".into()), "retry No"),
            (ErpError::LoginRefused("x".into()), "retry No"),
            (ErpError::LeaseOver, "retry Yes"),
            (unknown(true), "retry UnlessOutage"),
            (unknown(false), "retry UnlessOutage"),
            (ErpError::SessionExpired, "retry UnlessOutage"),
            (ErpError::Refused("该编号已被使用".into()), "dead 该编号已被使用"),
            (ErpError::Invalid("x".into()), "dead"),
            (missing, "blocked choice_missing"),
            (right, "blocked right_missing"),
            (ErpError::TooMany("x".into()), "review"),
        ];
        for (error, meaning) in table {
            let shown = match End::from(error.clone()) {
                End::Retry { counts, .. } => format!("retry {counts:?}"),
                End::Dead { error, .. } => format!("dead {error}"),
                End::Review { .. } => "review".into(),
                End::Blocked(fault) => format!("blocked {}", fault.cause.as_str()),
                other => format!("{other:?}"),
            };
            assert!(shown.starts_with(meaning), "{error:?}: {shown}, expected {meaning}");
        }
    }

    #[test]
    fn a_ledger_that_does_not_answer_leaves_the_event_to_its_lease() {
        assert!(matches!(End::from(StoreError::LeaseLost), End::Abandon(_)));
        let refused = End::from(StoreError::Data("22P05".into()));
        assert!(matches!(refused, End::Dead { code: DATA_REFUSED, .. }), "what it refuses it refuses for ever");
    }
}
