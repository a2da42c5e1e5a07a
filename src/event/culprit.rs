//! For what an event waits after a try that ended in some way.

/// What has to come before an event goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Culprit {
    /// Its turn: what stands before it.
    Turn,
    /// The ERP's settings.
    Settings,
    /// Somebody's decision.
    Person,
    /// The ERP itself: it was away, or answered nothing that can be read.
    Erp,
}

impl Culprit {
    /// All of them, in the order in which they are told.
    pub(crate) const ALL: [Self; 4] = [Self::Turn, Self::Erp, Self::Settings, Self::Person];

    /// Behind what has this code, of a call or of an event.
    pub(crate) fn behind(code: &str) -> Self {
        match code {
            "choice_missing"
            | "salesperson_unknown"
            | "right_missing"
            | "wrong_path"
            | "licence_refused"
            | "restricted"
            | "login_refused" => Self::Settings,
            "not_delivered" | "outcome_unknown" | "session_expired" | "looking" | "ord_taken" => Self::Erp,
            "ok" | "lease_over" | "run_cut_short" | "not_linked" | "hold_expired" => Self::Turn,
            _ => Self::Person,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::causes;

    #[test]
    fn every_code_has_somebody_or_something_behind_it() {
        let of = |culprit| causes().filter(|cause| Culprit::behind(cause.code) == culprit).count();
        assert_eq!(Culprit::ALL.map(of), [4, 5, 7, 11]);
        assert_eq!(Culprit::behind("ok"), Culprit::Turn);
    }
}
