//! What happened in the last hour, day and month, from the ledger's own counts of it.

use crate::{
    event::{Rule, Status},
    http::{problem::Problem, state::HttpState},
    store::{Happened, History, Window},
};

/// What happened in the last hour, day and month; the slot that is under way counts.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Periods {
    /// The last sixty minutes of the clock.
    pub hour: Period,
    /// The last 24 hours of the clock.
    pub day: Period,
    /// The last thirty days of the ERP's zone.
    pub month: Period,
}

/// Counts of what happened: an event that dies, is replayed and dies again died twice.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Period {
    /// Events accepted.
    pub received: i64,
    /// Events that took effect in the ERP.
    pub succeeded: i64,
    /// Events that the admission rules refused.
    pub not_admitted: i64,
    /// Events that died.
    pub dead: i64,
    /// Events that began to wait for a person.
    pub needs_review: i64,
    /// Events that each rule kept out, deals that are held with them; one may be kept out by several.
    pub kept_out: Vec<KeptOut>,
    /// How long it took from arrival to the ERP.
    pub time_to_erp: TimeToErp,
}

/// What one rule kept out.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct KeptOut {
    /// The rule.
    pub rule: Rule,
    /// Events.
    pub count: i64,
}

/// Percentiles in seconds: so many percent took at most so long. Null of no events, and beyond thirty days.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct TimeToErp {
    /// Half of them.
    pub p50_seconds: Option<f64>,
    /// Nine of ten.
    pub p90_seconds: Option<f64>,
    /// 99 of a hundred.
    pub p99_seconds: Option<f64>,
}

impl Period {
    fn of(happened: &Happened) -> Self {
        let percentile = |percent| happened.took.percentile(percent).map(|span| span.as_secs_f64());
        let kept_out = happened.kept_out().into_iter().map(|(rule, count)| KeptOut { rule, count });
        Self {
            received: happened.received,
            succeeded: happened.reached(Status::Succeeded),
            not_admitted: happened.reached(Status::NotAdmitted),
            dead: happened.reached(Status::Dead),
            needs_review: happened.reached(Status::NeedsReview),
            kept_out: kept_out.collect(),
            time_to_erp: TimeToErp {
                p50_seconds: percentile(50),
                p90_seconds: percentile(90),
                p99_seconds: percentile(99),
            },
        }
    }
}

/// What happened in the last hour, day and month.
///
/// # Errors
/// If the ledger cannot be read.
pub(crate) async fn periods(state: &HttpState) -> Result<Periods, Problem> {
    let (hour, day, month) =
        tokio::try_join!(history(state, Window::Hour), history(state, Window::Day), history(state, Window::Month))?;
    Ok(Periods { hour: Period::of(&hour.whole), day: Period::of(&day.whole), month: Period::of(&month.whole) })
}

/// What happened in a window, slot by slot.
///
/// # Errors
/// As [`periods`].
pub(crate) async fn history(state: &HttpState, window: Window) -> Result<History, Problem> {
    Ok(state.store.history(window).await?)
}
