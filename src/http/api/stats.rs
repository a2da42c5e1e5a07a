//! `GET /v1/stats`: counts, rates, lag, gaps, silence.

use std::collections::BTreeMap;

use axum::{Json, extract::State};

use super::{
    blocks::BlockView,
    credentials::{Credentials, credentials},
    history::{Periods, periods},
    pauses::PauseView,
};
use crate::{
    clock::Millis,
    config::Scope,
    event::Status,
    http::{
        auth::Reader,
        keys::Caller,
        problem::Problem,
        state::{Dispatch, HttpState},
    },
    store::{self, Waiting},
};

/// How the bridge stands.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Stats {
    /// When this was answered.
    #[schema(format = DateTime)]
    pub at: String,
    /// What answers.
    pub versions: Versions,
    /// As of when the figures are.
    pub as_of: AsOf,
    /// Events by state; every state is named.
    pub by_status: BTreeMap<&'static str, i64>,
    /// Events by type; the two hundred most frequent ones.
    pub by_type: BTreeMap<String, i64>,
    /// Linked contacts; of many, as they were some seconds to minutes ago.
    pub contacts: i64,
    /// Requests that were signed and not valid; of many, as they were some seconds to minutes ago.
    pub rejections: i64,
    /// How much happened.
    pub rates: Rates,
    /// What happened in the last hour, day and month; counted apart from the figures above, up to this moment by whoever
    /// answers, and up to some seconds ago by other replicas.
    pub periods: Periods,
    /// Age of the oldest of the events that run next, in seconds; 0 if none waits.
    pub lag_seconds: f64,
    /// The senders.
    pub sender: Sender,
    /// Contacts whose numbered events have a gap.
    pub gaps: Vec<Gap>,
    /// How dispatch to the ERP stands.
    pub dispatch: Dispatch,
    /// What operators have paused.
    pub pauses: Vec<PauseView>,
    /// What is wrong with the installation, and how much waits for it.
    pub blocks: Vec<BlockView>,
    /// When tokens and webhook secrets were last used.
    pub credentials: Credentials,
    /// Alerts that no target takes.
    pub alerts: Untold,
}

/// Which programs work together here.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Versions {
    /// The bridge's version.
    #[schema(examples("0.1.0"))]
    pub bridge: &'static str,
    /// The database and its version.
    #[schema(examples("SQLite 3.51.3"))]
    pub database: String,
}

/// As of when the figures are: they are kept, so that asking costs the same however much the ledger holds.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct AsOf {
    /// What is open or dead, and what succeeded in the last hour.
    #[schema(format = DateTime)]
    pub counts: String,
    /// The other ended states of `by_status`; null while they are counted for the first time.
    #[schema(format = DateTime)]
    pub ended: Option<String>,
    /// `by_type` and what was received in the last hour.
    #[schema(format = DateTime)]
    pub received: String,
    /// `gaps`.
    #[schema(format = DateTime)]
    pub gaps: String,
}

/// How much happened.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Rates {
    /// Events received in the last sixty minutes of the clock.
    pub received_last_hour: i64,
    /// Events that succeeded in the last hour.
    pub succeeded_last_hour: i64,
}

/// Alerts that no target takes: people are not told.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Untold {
    /// Refused by every target so far, and tried again.
    pub refused: i64,
    /// Given up; `GET /v1/outbox` lists them.
    pub dead: i64,
    /// Since when the oldest of both is not told.
    #[schema(format = DateTime)]
    pub since: Option<String>,
    /// What the targets said to the newest, without their keys; for `operate` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub words: Option<String>,
}

/// How the senders stand.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Sender {
    /// When the last webhook came.
    #[schema(format = DateTime)]
    pub last_webhook_at: Option<String>,
    /// For how long none has come, in seconds.
    pub silent_seconds: Option<f64>,
    /// Whether that is longer than `webhook.silence_after`.
    pub silent: bool,
}

/// Numbers that are missing.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Gap {
    /// Whose events.
    pub contact_id: String,
    /// Last number before the gap.
    pub after: i64,
    /// First number behind it.
    pub before: i64,
}

/// Counts, rates, lag
#[utoipa::path(
    get, path = "/v1/stats", tag = "observation", security(("token" = ["read"])),
    responses((status = 200, description = "How the bridge stands", body = Stats)),
)]
pub(crate) async fn get_stats(State(state): State<HttpState>, Reader(caller): Reader) -> Result<Json<Stats>, Problem> {
    standing(&state, &caller).await.map(Json)
}

/// How the bridge stands, as the caller may see it.
///
/// # Errors
/// If the ledger cannot be read.
pub(crate) async fn standing(state: &HttpState, caller: &Caller) -> Result<Stats, Problem> {
    let figures = state.store.figures().await?;
    let is_operator = caller.scope >= Scope::Operate;
    let waiting = Waiting::by_cause(state.store.waiting().await?);
    let blocks = waiting.iter().map(|waiting| BlockView::of(waiting, is_operator)).collect();
    let pauses = PauseView::all(&state.store, is_operator).await?;
    let periods = periods(state).await?;
    let mut stats = view(state, &figures, periods, pauses, blocks);
    if !is_operator {
        stats.dispatch = stats.dispatch.wordless();
        stats.alerts.words = None;
    }
    Ok(stats)
}

fn view(
    state: &HttpState,
    counted: &store::Stats,
    periods: Periods,
    pauses: Vec<PauseView>,
    blocks: Vec<BlockView>,
) -> Stats {
    let now = state.clock.now();
    let mut by_status: BTreeMap<&'static str, i64> = Status::ALL.iter().map(|status| (status.as_str(), 0)).collect();
    by_status.extend(counted.by_status.iter().map(|(status, count)| (status.as_str(), *count)));
    let gap = |gap: &store::Gap| Gap { contact_id: gap.contact_id.clone(), after: gap.after, before: gap.before };
    let as_of = AsOf {
        counts: counted.as_of.rfc3339(),
        ended: counted.ended_as_of.map(Millis::rfc3339),
        received: counted.received_as_of.rfc3339(),
        gaps: counted.gaps_as_of.rfc3339(),
    };
    Stats {
        at: now.rfc3339(),
        versions: Versions { bridge: env!("CARGO_PKG_VERSION"), database: state.store.database().to_owned() },
        as_of,
        by_status,
        by_type: counted.by_kind.iter().cloned().collect(),
        contacts: counted.contacts,
        rejections: counted.rejections,
        rates: Rates {
            received_last_hour: counted.received_last_hour,
            succeeded_last_hour: counted.succeeded_last_hour,
        },
        periods,
        lag_seconds: counted.oldest_queued.map_or(0.0, |oldest| now.since(oldest).as_secs_f64()),
        sender: sender(now, counted.last_webhook_at, state.silence_after),
        gaps: counted.gaps.iter().map(gap).collect(),
        dispatch: state.dispatch.facts(),
        pauses,
        blocks,
        credentials: credentials(state),
        alerts: untold(&counted.untold),
    }
}

fn untold(refused: &store::Refused) -> Untold {
    Untold {
        refused: refused.waiting,
        dead: refused.dead,
        since: refused.since.map(Millis::rfc3339),
        words: refused.words.clone(),
    }
}

/// How the senders stand, the last of whom was heard at `last`.
pub(crate) fn sender(now: Millis, last: Option<Millis>, silence_after: std::time::Duration) -> Sender {
    let silence = last.map(|last| now.since(last));
    Sender {
        last_webhook_at: last.map(Millis::rfc3339),
        silent_seconds: silence.map(|silence| silence.as_secs_f64()),
        silent: !silence_after.is_zero() && silence.is_some_and(|silence| silence > silence_after),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_sender_is_silent_once_the_configured_time_has_passed() {
        let hour = Duration::from_secs(3_600);
        let silent = |last: Option<i64>, after| sender(Millis(7_200_000), last.map(Millis), after).silent;
        assert!(silent(Some(3_599_999), hour));
        assert!(!silent(Some(3_600_000), hour) && !silent(Some(3_600_001), hour));
        assert!(!silent(Some(0), Duration::ZERO) && !silent(None, hour));
    }
}
