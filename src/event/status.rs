//! The states of an event, and which may follow which (`contract.md` §4).

use std::{fmt, str::FromStr};

/// Where an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for its turn, now or at `next_attempt_at`.
    Queued,
    /// A worker has it, under a lease.
    Running,
    /// Took effect in the ERP, read back.
    Succeeded,
    /// Cannot pass; carries the ERP's own words.
    Dead,
    /// A message whose contact is not linked yet.
    Held,
    /// Only a person can decide: several candidates, or an outcome that cannot be looked up.
    NeedsReview,
    /// The admission rules (准入条件) refused it.
    NotAdmitted,
    /// Nobody handles this type.
    Ignored,
    /// An operator, or the end of the holding time, gave it up.
    Discarded,
}

impl Status {
    /// Every state, in the order in which people read them.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Running,
        Self::Held,
        Self::NeedsReview,
        Self::Dead,
        Self::Succeeded,
        Self::NotAdmitted,
        Self::Ignored,
        Self::Discarded,
    ];

    /// The name that the ledger and the REST interface use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Dead => "dead",
            Self::Held => "held",
            Self::NeedsReview => "needs_review",
            Self::NotAdmitted => "not_admitted",
            Self::Ignored => "ignored",
            Self::Discarded => "discarded",
        }
    }

    /// Whether the event still has something ahead of it; such an event is never pruned.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Running | Self::Held | Self::NeedsReview)
    }

    /// Whether `next` may follow this state.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Queued => matches!(next, Self::Running | Self::Discarded),
            Self::Running => matches!(
                next,
                Self::Queued | Self::Succeeded | Self::Dead | Self::Held | Self::NeedsReview | Self::NotAdmitted
            ),
            Self::Held | Self::NeedsReview => matches!(next, Self::Queued | Self::Discarded),
            Self::Dead | Self::NotAdmitted | Self::Discarded => matches!(next, Self::Queued | Self::Discarded),
            Self::Succeeded | Self::Ignored => false,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text was no state's name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no such status: one of queued, running, held, needs_review, dead, succeeded, not_admitted, ignored, discarded"
)]
pub struct UnknownStatus;

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|status| status.as_str() == name).ok_or(UnknownStatus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_reads_back_from_its_name() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert_eq!("done".parse::<Status>(), Err(UnknownStatus));
    }

    #[test]
    fn what_is_done_stays_done_and_nothing_jumps_the_queue() {
        for next in Status::ALL {
            assert!(!Status::Succeeded.may_become(next) && !Status::Ignored.may_become(next));
            assert!(next == Status::Queued || next == Status::Discarded || !Status::Dead.may_become(next));
        }
        assert!(Status::Queued.may_become(Status::Running) && !Status::Queued.may_become(Status::Succeeded));
    }
}
