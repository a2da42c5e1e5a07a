//! The states of an event, and which may follow which (`contract.md` §4).

use std::{fmt, str::FromStr};

/// Where an event stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
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
    /// A message whose contact is not linked yet, or a deal whose contact is not admitted.
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

    /// The states in which an event can be stored (`intake.rs`).
    pub(crate) const FIRST: [Self; 4] = [Self::Queued, Self::Held, Self::NotAdmitted, Self::Ignored];

    /// The states from which many events are replayed at once: of what is queued, that which waits for its next try. What waits
    /// for a review waits for a decision on each.
    pub(crate) const REPLAYED_TOGETHER: [Self; 5] =
        [Self::Dead, Self::NotAdmitted, Self::Discarded, Self::Held, Self::Queued];

    /// The states from which many events are given up at once.
    pub(crate) const DISCARDED_TOGETHER: [Self; 5] =
        [Self::Queued, Self::Held, Self::NeedsReview, Self::Dead, Self::NotAdmitted];

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

    /// The state that follows this one when something happens.
    ///
    /// # Errors
    /// [`IllegalTransition`] where it cannot happen to an event in this state.
    pub const fn after(self, happened: Transition) -> Result<Self, IllegalTransition> {
        use Transition as T;
        match (self, happened) {
            // A worker that died leaves it running.
            (Self::Queued | Self::Running, T::Claimed) => Ok(Self::Running),
            (
                Self::Running,
                T::RunEnded(
                    next @ (Self::Queued
                    | Self::Succeeded
                    | Self::Dead
                    | Self::Held
                    | Self::NeedsReview
                    | Self::NotAdmitted),
                ),
            ) => Ok(next),
            (Self::Held | Self::NeedsReview | Self::Dead | Self::NotAdmitted | Self::Discarded, T::Replayed)
            | (Self::NeedsReview, T::Resolved)
            | (Self::Held, T::Released)
            | (Self::Queued, T::Hastened) => Ok(Self::Queued),
            (Self::Held, T::Expired)
            | (Self::Queued | Self::Held | Self::NeedsReview | Self::Dead | Self::NotAdmitted, T::Discarded) => {
                Ok(Self::Discarded)
            }
            (from, happened) => Err(IllegalTransition { from, happened }),
        }
    }
}

/// What can happen to an event that the ledger holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// A worker takes its contact's turn.
    Claimed,
    /// A run of it ends, in this state.
    RunEnded(Status),
    /// Somebody wants it tried again.
    Replayed,
    /// It waits for its next try, and somebody wants that now.
    Hastened,
    /// A person decides what its review asks for.
    Resolved,
    /// Its contact is linked now.
    Released,
    /// It was held for as long as anything is.
    Expired,
    /// Somebody gives it up.
    Discarded,
}

impl Transition {
    /// The state that it leads to, wherever it is legal.
    pub fn target(self) -> Option<Status> {
        Status::ALL.into_iter().find_map(|from| from.after(self).ok())
    }

    /// The states in which it can happen.
    pub fn sources(self) -> impl Iterator<Item = Status> {
        Status::ALL.into_iter().filter(move |from| from.after(self).is_ok())
    }
}

/// This cannot happen to an event in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event that is {from} cannot take {happened:?}")]
pub struct IllegalTransition {
    /// Where the event stands.
    pub from: Status,
    /// What was to happen.
    pub happened: Transition,
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

    /// Every state against everything that can happen: what follows, or nothing where it cannot happen.
    #[test]
    fn every_state_knows_what_may_happen_to_it_and_what_follows() {
        use Status as S;
        use Transition as T;
        let others = [T::Claimed, T::Replayed, T::Hastened, T::Resolved, T::Released, T::Expired, T::Discarded];
        let table = [
            (S::Queued, [Some(S::Running), None, Some(S::Queued), None, None, None, Some(S::Discarded)]),
            (S::Running, [Some(S::Running), None, None, None, None, None, None]),
            (S::Held, [None, Some(S::Queued), None, None, Some(S::Queued), Some(S::Discarded), Some(S::Discarded)]),
            (S::NeedsReview, [None, Some(S::Queued), None, Some(S::Queued), None, None, Some(S::Discarded)]),
            (S::Dead, [None, Some(S::Queued), None, None, None, None, Some(S::Discarded)]),
            (S::Succeeded, [None; 7]),
            (S::NotAdmitted, [None, Some(S::Queued), None, None, None, None, Some(S::Discarded)]),
            (S::Ignored, [None; 7]),
            (S::Discarded, [None, Some(S::Queued), None, None, None, None, None]),
        ];
        assert_eq!(table.map(|(from, _)| from), S::ALL);
        let ends = [S::Queued, S::Succeeded, S::Dead, S::Held, S::NeedsReview, S::NotAdmitted];
        for (from, expected) in table {
            for (happened, next) in others.into_iter().zip(expected) {
                let followed = from.after(happened);
                assert_eq!(followed, next.ok_or(IllegalTransition { from, happened }), "{from} {happened:?}");
            }
            for end in S::ALL {
                let happened = T::RunEnded(end);
                let is_legal = from == S::Running && ends.contains(&end);
                let expected = if is_legal { Ok(end) } else { Err(IllegalTransition { from, happened }) };
                assert_eq!(from.after(happened), expected, "{from} {happened:?}");
            }
        }
    }

    #[test]
    fn whatever_can_happen_leads_to_one_state_wherever_it_happens() {
        use Transition as T;
        let others = [T::Claimed, T::Replayed, T::Hastened, T::Resolved, T::Released, T::Expired, T::Discarded];
        for happened in Status::ALL.map(T::RunEnded).into_iter().chain(others) {
            let targets: std::collections::HashSet<_> =
                happened.sources().map(|from| from.after(happened).ok()).collect();
            assert!(targets.len() <= 1 && targets.iter().all(|target| *target == happened.target()), "{happened:?}");
        }
        assert_eq!(T::RunEnded(Status::Running).target(), None);
    }
}
