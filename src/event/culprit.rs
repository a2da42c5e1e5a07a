//! For what an event waits after a try that ended in some way.

/// What has to come before an event goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Culprit {
    /// Its turn: what stands before it.
    Turn,
    /// The ERP's settings.
    Settings,
    /// That its contact becomes a customer.
    Promotion,
    /// Somebody's decision.
    Person,
    /// The ERP itself: it was away, or answered nothing that can be read.
    Erp,
}

impl Culprit {
    /// All of them, in the order in which they are told.
    pub(crate) const ALL: [Self; 5] = [Self::Turn, Self::Erp, Self::Settings, Self::Promotion, Self::Person];

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
            "ok" | "lease_over" | "run_cut_short" => Self::Turn,
            "not_linked" | "hold_expired" => Self::Promotion,
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
        let expected = [
            (Culprit::Turn, "lease_over run_cut_short"),
            (Culprit::Erp, "looking not_delivered ord_taken outcome_unknown session_expired"),
            (
                Culprit::Settings,
                "choice_missing licence_refused login_refused restricted right_missing salesperson_unknown wrong_path",
            ),
            (Culprit::Promotion, "hold_expired not_linked"),
            (
                Culprit::Person,
                "candidates customer_gone data_refused duplicate invalid not_stored refused run_panicked same_name \
                 too_many unreadable",
            ),
        ];
        assert_eq!(expected.map(|(culprit, _)| culprit), Culprit::ALL);
        for (culprit, codes) in expected {
            let mut found: Vec<_> =
                causes().map(|cause| cause.code).filter(|code| Culprit::behind(code) == culprit).collect();
            found.sort_unstable();
            assert_eq!(found.join(" "), codes, "{culprit:?}");
        }
        assert_eq!(Culprit::behind("ok"), Culprit::Turn);
    }
}
