//! `GET /v1/audit` and `GET /v1/rejections`: who did what, and what was signed and not valid.

use axum::{Json, extract::State};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use super::{
    disclosure,
    events::{SightParams, sight},
    query::{self, Fault, Params},
    views::{Sight, payload_json},
};
use crate::{
    http::{auth::Reader, keys::Caller, problem::Problem, state::HttpState},
    store::{AuditFilter, Page, RejectionRow},
};

/// Which page.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// Items of a page.
    #[param(nullable = false, value_type = i64, required = false, minimum = 1, maximum = 200, default = 50)]
    pub(in crate::http::api) limit: Option<String>,
    /// The `next_cursor` of the page before.
    #[param(nullable = false, pattern = "^$|^c[0-9]{1,18}$")]
    pub(in crate::http::api) cursor: Option<String>,
}

/// Which entries of the audit log, and which page of them.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditParams {
    /// Who did it: a token's name.
    #[param(nullable = false, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub(crate) actor: Option<String>,
    /// What was done, such as `event.replay`.
    #[param(nullable = false, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub(crate) action: Option<String>,
    /// To what: an event's or contact's id as a whole.
    #[param(nullable = false, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub(crate) subject: Option<String>,
    /// At or after this moment; without an offset it is in `webhook.zone`, and a date is its first moment.
    #[param(nullable = false, format = DateTime)]
    pub(crate) since: Option<String>,
    /// Before this moment, which is written as `since` is.
    #[param(nullable = false, format = DateTime)]
    pub(crate) until: Option<String>,
    /// Items of a page.
    #[param(nullable = false, value_type = i64, required = false, minimum = 1, maximum = 200, default = 50)]
    pub(crate) limit: Option<String>,
    /// The `next_cursor` of the page before.
    #[param(nullable = false, pattern = "^$|^c[0-9]{1,18}$")]
    pub(crate) cursor: Option<String>,
}

impl AuditParams {
    fn filter(&self, zone: &TimeZone) -> Result<AuditFilter, Problem> {
        let read = || -> Result<AuditFilter, Fault> {
            let text = |name, text: &Option<String>| {
                text.clone().filter(|text| !text.is_empty()).map(|text| query::plain(name, text)).transpose()
            };
            Ok(AuditFilter {
                actor: text("actor", &self.actor)?,
                action: text("action", &self.action)?,
                subject: text("subject", &self.subject)?,
                since: query::moment("since", self.since.as_deref(), zone)?,
                until: query::moment("until", self.until.as_deref(), zone)?,
            })
        };
        read().map_err(|(name, allowed)| Problem::InvalidQuery(name.into(), allowed))
    }
}

impl PageParams {
    pub(super) fn read(&self) -> Result<(Option<i64>, i64), Problem> {
        Ok((query::cursor(self.cursor.as_deref())?, query::limit(self.limit.as_deref())?))
    }
}

/// One entry of the audit log.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct AuditItem {
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// Name of the token that did it.
    pub actor: String,
    /// Where the call came from; null for what the bridge did by itself.
    #[schema(examples("192.0.2.7"))]
    pub address: Option<String>,
    /// What was done.
    #[schema(examples("event.replay"))]
    pub action: String,
    /// Event or contact id, or a filter.
    pub subject: String,
    /// Why, in the operator's words; null for `read`.
    pub reason: Option<String>,
}

/// A page of the audit log, newest first.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct AuditPage {
    /// The entries.
    pub items: Vec<AuditItem>,
    /// `cursor` of the next page; null on the last one.
    #[schema(pattern = "^c[0-9]{1,18}$")]
    pub next_cursor: Option<String>,
}

/// Read the audit log
///
/// Newest first; every filter that is given must match.
#[utoipa::path(
    get, path = "/v1/audit", tag = "observation", params(AuditParams), security(("token" = ["read"])),
    responses((status = 200, description = "A page of the audit log", body = AuditPage)),
)]
pub(crate) async fn list_audit(
    State(state): State<HttpState>,
    Reader(caller): Reader,
    Params(params): Params<AuditParams>,
) -> Result<Json<AuditPage>, Problem> {
    let limit = query::limit(params.limit.as_deref())?;
    audit(&state, &caller, &params, limit).await.map(Json)
}

/// A page of so many entries of the audit log, as the caller may see it.
///
/// # Errors
/// [`Problem::InvalidQuery`], or that the ledger cannot be read.
pub(crate) async fn audit(
    state: &HttpState,
    caller: &Caller,
    params: &AuditParams,
    limit: i64,
) -> Result<AuditPage, Problem> {
    let sight = Sight::of(caller.scope);
    let before = query::cursor(params.cursor.as_deref())?;
    let rows = state.store.audit_entries(&params.filter(&state.reading.zone)?, before, limit + 1).await?;
    let (rows, next_cursor) = query::page(rows, limit, |row| row.seq);
    let items = rows.into_iter().map(|row| AuditItem {
        at: row.at.rfc3339(),
        actor: row.actor,
        address: row.address,
        action: row.action,
        subject: row.subject,
        reason: row.reason.and_then(|reason| sight.whole(reason)),
    });
    Ok(AuditPage { items: items.collect(), next_cursor })
}

/// A request that was signed and not valid.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct RejectionItem {
    /// When it came first.
    #[schema(format = DateTime)]
    pub received_at: String,
    /// When it came last.
    #[schema(format = DateTime)]
    pub last_at: String,
    /// How often it came.
    pub count: i64,
    /// The sender's id of the delivery.
    pub webhook_id: String,
    /// Event type, if it could be read.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// What was wrong: `[{"pointer", "message"}]`; for `read` without places that the sender made up.
    #[schema(value_type = Value)]
    pub errors: Value,
    /// The body as it came; masked for `read`.
    #[schema(value_type = Value)]
    pub payload: Value,
}

/// A page of rejections, newest first.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct RejectionPage {
    /// The rejections.
    pub items: Vec<RejectionItem>,
    /// `cursor` of the next page; null on the last one.
    #[schema(pattern = "^c[0-9]{1,18}$")]
    pub next_cursor: Option<String>,
}

/// List what was signed and not valid
///
/// Newest first. Masked for `read`; `operate` sees personal data, and that is audited as `rejections.unmask`.
#[utoipa::path(
    get, path = "/v1/rejections", tag = "observation", params(PageParams, SightParams), security(("token" = ["read"])),
    responses((status = 200, description = "A page of rejections", body = RejectionPage)),
)]
pub(crate) async fn list_rejections(
    State(state): State<HttpState>,
    Reader(caller): Reader,
    Params(params): Params<PageParams>,
    Params(sight_params): Params<SightParams>,
) -> Result<Json<RejectionPage>, Problem> {
    let (before, limit) = params.read()?;
    rejections(&state, &caller, &sight_params, before, limit).await.map(Json)
}

/// A page of so many rejections older than `before`, as the caller may see them.
///
/// # Errors
/// If the ledger cannot be read.
pub(crate) async fn rejections(
    state: &HttpState,
    caller: &Caller,
    sight_params: &SightParams,
    before: Option<i64>,
    limit: i64,
) -> Result<RejectionPage, Problem> {
    let sight = sight(state, caller, sight_params, "rejections.unmask", "rejections").await?;
    Ok(shown(state.store.rejections(before, limit).await?, sight))
}

/// A page of so many rejections older than `before`, without their bodies and as anybody may see them, which nobody audits.
///
/// # Errors
/// If the ledger cannot be read.
pub(crate) async fn rejections_alone(
    state: &HttpState,
    before: Option<i64>,
    limit: i64,
) -> Result<RejectionPage, Problem> {
    Ok(shown(state.store.rejections_alone(before, limit).await?, Sight::Masked))
}

fn shown(page: Page<RejectionRow>, sight: Sight) -> RejectionPage {
    let next_cursor = page.items.last().filter(|_| page.more).map(|row| query::cursor_at(row.seq));
    let items = page.items.into_iter().map(|row| RejectionItem {
        received_at: row.received_at.rfc3339(),
        last_at: row.last_at.rfc3339(),
        count: row.count,
        webhook_id: row.rejection.webhook_id,
        kind: row.rejection.kind.map(|kind| if sight == Sight::Plain { kind } else { disclosure::id(&kind) }),
        errors: sight.json(row.rejection.errors, disclosure::faults),
        payload: payload_json(row.rejection.payload, sight),
    });
    RejectionPage { items: items.collect(), next_cursor }
}
