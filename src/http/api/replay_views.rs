//! What `/v1/replays` takes and answers.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::{
    clock::Millis,
    config::Scope,
    event::{Forecast, Status},
    http::keys::Caller,
    store::{Replay, ReplayDetail, ReplayEvent, ReplayState},
};

/// A replay.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ReplayItem {
    /// The replay's id.
    #[schema(format = "uuid")]
    pub id: String,
    /// Where it stands.
    pub state: ReplayState,
    /// The token's name of who made it.
    pub actor: String,
    /// Why; null for `read`.
    pub reason: Option<String>,
    /// What was asked for.
    pub filter: Value,
    /// Its events, fixed when it was made.
    pub events: i64,
    /// Whether more matched than one replay takes: it has the oldest.
    pub more: bool,
    /// Events that wait for being put back.
    pub waiting: i64,
    /// Events that were put back into their turns.
    pub put_back: i64,
    /// Events that could not be put back any more when it was their time.
    pub passed_over: i64,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was started.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When it was done or stopped.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
}

/// A replay with its forecast and outcomes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ReplayView {
    /// The replay.
    #[serde(flatten)]
    pub item: ReplayItem,
    /// What its events were expected to write when it was made, by what the ledger knew: the ERP is not asked. A `create`
    /// becomes a link where the ERP knows the contact already.
    pub forecast: ForecastCounts,
    /// Where those events stand now that were put back; every state is named. Pruned events are not counted.
    pub outcomes: BTreeMap<&'static str, i64>,
}

/// Events by what they are expected to write.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ForecastCounts {
    /// Their contact becomes a customer.
    pub create: i64,
    /// What their customer lacks is filled in.
    pub fill: i64,
    /// A progress record (洽谈进展).
    pub record: i64,
    /// An order: 指派, 申请, 审批, 收回.
    pub order: i64,
    /// Nothing.
    pub skip: i64,
}

/// A page of replays, newest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ReplayPage {
    /// The replays.
    pub items: Vec<ReplayItem>,
    /// `cursor` of the next page; null on the last one.
    #[schema(pattern = "^c[0-9]{1,18}$")]
    pub next_cursor: Option<String>,
}

/// An event of a replay.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ReplayEventItem {
    /// The event's id.
    #[schema(format = "uuid")]
    pub event_id: String,
    /// Its type; null once it is pruned.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Whose it is.
    pub contact_id: Option<String>,
    /// What it was expected to write.
    pub forecast: Forecast,
    /// `waiting`, `put_back`, or `passed_over`: its state did not allow it any more.
    #[schema(examples("put_back"))]
    pub state: String,
    /// Since when, unless it waits.
    #[schema(format = DateTime)]
    pub at: Option<String>,
    /// Where it stands now.
    pub status: Option<Status>,
    /// Why it last failed, waits or ended: a stable word.
    pub error_code: Option<String>,
}

/// A page of a replay's events, in the order in which they are put back.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ReplayEventPage {
    /// The events.
    pub items: Vec<ReplayEventItem>,
    /// `cursor` of the next page; null on the last one.
    #[schema(pattern = "^c[0-9]{1,18}$")]
    pub next_cursor: Option<String>,
}

impl ReplayItem {
    pub(super) fn of(row: Replay, caller: &Caller) -> Self {
        Self {
            id: row.id,
            state: row.state,
            actor: row.actor,
            reason: row.reason.filter(|_| caller.scope >= Scope::Operate),
            filter: clear_of_search(row.filter, caller),
            events: row.events,
            more: row.more,
            waiting: row.events - row.put_back - row.passed_over,
            put_back: row.put_back,
            passed_over: row.passed_over,
            created_at: row.created_at.rfc3339(),
            started_at: row.started_at.map(Millis::rfc3339),
            ended_at: row.ended_at.map(Millis::rfc3339),
        }
    }
}

/// What was searched for can be a number or the ERP's words (`contract.md` §5).
fn clear_of_search(mut filter: Value, caller: &Caller) -> Value {
    if let (Some(members), true) = (filter.as_object_mut(), caller.scope < Scope::Operate) {
        members.remove("q");
    }
    filter
}

impl ReplayView {
    pub(super) fn of(detail: ReplayDetail, caller: &Caller) -> Self {
        let of = |forecast: Forecast| detail.forecast.get(&forecast).copied().unwrap_or_default();
        let forecast = ForecastCounts {
            create: of(Forecast::Create),
            fill: of(Forecast::Fill),
            record: of(Forecast::Record),
            order: of(Forecast::Order),
            skip: of(Forecast::Skip),
        };
        let mut outcomes: BTreeMap<&'static str, i64> = Status::ALL.iter().map(|status| (status.as_str(), 0)).collect();
        outcomes.extend(detail.outcomes.iter().map(|(status, count)| (status.as_str(), *count)));
        Self { item: ReplayItem::of(detail.replay, caller), forecast, outcomes }
    }
}

impl ReplayEventItem {
    pub(super) fn of(row: ReplayEvent) -> Self {
        Self {
            event_id: row.event_id,
            kind: row.kind,
            contact_id: row.contact_id,
            forecast: row.forecast,
            state: row.state,
            at: row.at.map(Millis::rfc3339),
            status: row.status,
            error_code: row.error_code,
        }
    }
}
