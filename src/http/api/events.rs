//! `GET /v1/events`: what came and what became of it (`contract.md` §5).

use axum::{Json, extract::State};
use serde::Deserialize;

use super::{
    links,
    query::{self, FilterText, Params, PathId},
    views::{EventDetail, EventItem, Sight, WaitsForView},
};
use crate::{
    config::Scope,
    http::{
        auth::Reader,
        keys::Caller,
        openapi::parts::EventPath,
        problem::{Problem, ProblemDocument},
        state::HttpState,
    },
    store::{EventFilter, Named},
};

/// A page of events, newest first.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct EventPage {
    /// The events.
    pub items: Vec<EventItem>,
    /// `cursor` of the next page; null on the last one. Stable while new events arrive.
    #[schema(pattern = "^c[0-9]{1,18}$", examples("c1041"))]
    pub next_cursor: Option<String>,
}

/// Which events, and which page of them.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// States, separated by commas.
    #[param(
        nullable = false,
        pattern = "^$|^(queued|running|held|needs_review|dead|succeeded|not_admitted|ignored|discarded)(,(queued|running|held|needs_review|dead|succeeded|not_admitted|ignored|discarded))*$",
        example = "dead,needs_review"
    )]
    pub status: Option<String>,
    /// Event type.
    #[serde(rename = "type")]
    #[param(
        nullable = false,
        max_length = 200,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$",
        example = "contact.promoted"
    )]
    pub kind: Option<String>,
    /// Whose events.
    #[param(nullable = false, pattern = "^[A-Za-z0-9_-]{0,48}$")]
    pub contact_id: Option<String>,
    /// Whether they wait for something that is wrong with the installation.
    #[param(nullable = false, value_type = bool, required = false)]
    pub blocked: Option<String>,
    /// `true`: only those that wait for another try after a failure.
    #[param(nullable = false, value_type = bool, required = false)]
    pub retrying: Option<String>,
    /// The error's code.
    #[param(nullable = false, pattern = "^[a-z_]{0,40}$", example = "refused")]
    pub code: Option<String>,
    /// Received at or after this moment; without an offset it is in `webhook.zone`, and a date is its first moment.
    #[param(nullable = false, format = DateTime)]
    pub since: Option<String>,
    /// Received before this moment, which is written as `since` is.
    #[param(nullable = false, format = DateTime)]
    pub until: Option<String>,
    /// Part of the id, webhook id, contact id or error code; a contact's 客户编号 or `ord`. For `operate` also part of the error's words
    /// and of a contact's name, company, WeChat id, e-mail address or number, however that is written; and a deal's or message's id.
    #[param(nullable = false, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub q: Option<String>,
    /// `newest` or `oldest`: which come first.
    #[param(nullable = false, pattern = "^(newest|oldest)?$", default = "newest")]
    pub order: Option<String>,
    /// Items of a page.
    #[param(nullable = false, value_type = i64, required = false, minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<String>,
    /// The `next_cursor` of the page before.
    #[param(nullable = false, pattern = "^$|^c[0-9]{1,18}$")]
    pub cursor: Option<String>,
}

impl ListParams {
    /// Whether the list begins with the oldest.
    ///
    /// # Errors
    /// [`Problem::InvalidQuery`] for any other order.
    pub(crate) fn oldest_first(&self) -> Result<bool, Problem> {
        match self.order.as_deref() {
            None | Some("" | "newest") => Ok(false),
            Some("oldest") => Ok(true),
            Some(_) => Err(query::invalid("order", "应为 newest 或 oldest", "newest or oldest")),
        }
    }
}

/// List events
///
/// Newest first unless `order` says otherwise, without payloads. An error's own words are for `operate`. What no index leads to, such as `q`, is looked for
/// among 20,000 events at a time: a page can have fewer events than `limit`, or none, and still a `next_cursor`. Where `q` names
/// contacts, all of their events are found (of up to 64 linked contacts, of up to 64 that are not, and of those that the newest
/// thousand bodies name), and of others those among the newest 20,000.
#[utoipa::path(
    get, path = "/v1/events", tag = "events", params(ListParams), security(("token" = ["read"])),
    responses((status = 200, description = "A page of events", body = EventPage)),
)]
pub(crate) async fn list_events(
    State(state): State<HttpState>,
    Reader(caller): Reader,
    Params(params): Params<ListParams>,
) -> Result<Json<EventPage>, Problem> {
    list(&state, &caller, &params).await.map(Json)
}

/// A page of the events that match, as the caller may see them.
///
/// # Errors
/// [`Problem::InvalidQuery`], or that the ledger cannot be read.
pub(crate) async fn list(state: &HttpState, caller: &Caller, params: &ListParams) -> Result<EventPage, Problem> {
    let text = FilterText {
        status: params.status.as_deref(),
        kind: params.kind.as_deref(),
        contact_id: params.contact_id.as_deref(),
        blocked: params.blocked.as_deref(),
        retrying: params.retrying.as_deref(),
        since: params.since.as_deref(),
        until: params.until.as_deref(),
        code: params.code.as_deref(),
        q: params.q.as_deref(),
    };
    let filter =
        text.read(&state.reading.zone).map_err(|(name, allowed)| Problem::InvalidQuery(name.to_owned(), allowed))?;
    let sight = Sight::of(caller.scope);
    let named = match &filter.q {
        Some(q) => links::named(state, sight, q).await?,
        None => Named::default(),
    };
    let oldest_first = params.oldest_first()?;
    let filter = EventFilter { search_words: sight == Sight::Plain, named, oldest_first, ..filter };
    let limit = query::limit(params.limit.as_deref())?;
    let before = query::cursor(params.cursor.as_deref())?;
    let found = state.store.find_events(&filter, before, limit + 1).await?;
    let (rows, next_cursor) = query::page(found.items, limit, |row| row.seq);
    let next_cursor = next_cursor.or(found.looked_to.map(query::cursor_at));
    let items = rows.iter().map(|row| EventItem::of(row, sight).listed()).collect();
    Ok(EventPage { items, next_cursor })
}

/// The oldest events that are dead or wait for a person for this cause, a page of them.
///
/// # Errors
/// If the ledger cannot be read.
pub(crate) async fn of_cause(state: &HttpState, caller: &Caller, code: &str) -> Result<Vec<EventItem>, Problem> {
    let rows = state.store.of_cause(code, 0, query::DEFAULT_LIMIT).await?;
    let sight = Sight::of(caller.scope);
    Ok(rows.iter().map(|row| EventItem::of(row, sight).listed()).collect())
}

/// The id of the event of this cause that was accepted next after another one; behind the last comes the first.
///
/// # Errors
/// If the ledger cannot be read.
pub(crate) async fn next_of_cause(
    state: &HttpState,
    code: &str,
    after: Option<&str>,
) -> Result<Option<String>, Problem> {
    let after = after.and_then(|id| PathId(id.to_owned()).event().ok());
    let place = match &after {
        Some(id) => state.store.event(id).await?.map_or(0, |row| row.seq),
        None => 0,
    };
    let mut next = state.store.of_cause(code, place, 1).await?;
    if next.is_empty() {
        next = state.store.of_cause(code, 0, 1).await?;
    }
    Ok(next.into_iter().map(|event| event.id).find(|id| Some(id) != after.as_ref()))
}

/// The event that has waited longest of those that may run next or wait for a person, and for whom or what, if nothing is
/// wrong with itself.
///
/// # Errors
/// If the ledger cannot be read.
pub(crate) async fn oldest_waiting(
    state: &HttpState,
    caller: &Caller,
) -> Result<Option<(EventItem, Option<WaitsForView>)>, Problem> {
    let Some(row) = state.store.oldest_waiting().await? else { return Ok(None) };
    let sight = Sight::of(caller.scope);
    let waits = state.store.waits_for(&row).await?.map(|waits| WaitsForView::of(waits, sight));
    Ok(Some((EventItem::of(&row.summary(), sight).listed(), waits)))
}

/// How one wants to see it.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SightParams {
    /// `true` masks personal data for `operate` tokens too, and then nothing is audited.
    #[param(nullable = false, value_type = bool, required = false, default = false)]
    pub masked: Option<String>,
}

/// What this caller may see; unmasked sight is written to the audit log first.
///
/// # Errors
/// [`Problem::InvalidQuery`], or that the audit entry cannot be written: then nothing is shown.
pub(crate) async fn sight(
    state: &HttpState,
    caller: &Caller,
    params: &SightParams,
    action: &'static str,
    subject: &str,
) -> Result<Sight, Problem> {
    let sight = wanted(caller, params)?;
    if sight == Sight::Plain {
        let (store, actor, subject) = (state.store.clone(), caller.actor(), subject.to_owned());
        state.undisturbed(async move { store.audit(&actor, action, &subject, None).await }).await?;
    }
    Ok(sight)
}

/// The same of one event; whoever looks at it again within the hour stands in the log already.
async fn sight_of(state: &HttpState, caller: &Caller, params: &SightParams, id: &str) -> Result<Sight, Problem> {
    let (actor, now) = (caller.actor(), state.clock.steady());
    if wanted(caller, params)? == Sight::Plain && state.looks().has(&actor, id, now) {
        return Ok(Sight::Plain);
    }
    let sight = sight(state, caller, params, "event.unmask", id).await?;
    if sight == Sight::Plain {
        state.looks().note(&actor, id, now);
    }
    Ok(sight)
}

/// What the caller may see, and wants to.
fn wanted(caller: &Caller, params: &SightParams) -> Result<Sight, Problem> {
    let masked = query::flag("masked", params.masked.as_deref())?;
    Ok(if masked || caller.scope < Scope::Operate { Sight::Masked } else { Sight::Plain })
}

/// Show one event
///
/// With its admission decision, its steps and every ERP call on its behalf, in order. Masked for `read`; `operate` sees
/// personal data, and that is audited as `event.unmask`, once an hour of who looks at the same event again.
#[utoipa::path(
    get, path = "/v1/events/{id}", tag = "events", security(("token" = ["read"])),
    params(EventPath, SightParams),
    responses(
        (status = 200, description = "The event", body = EventDetail),
        (status = 404, description = "No such event", body = ProblemDocument),
    ),
)]
pub(crate) async fn get_event(
    State(state): State<HttpState>,
    Reader(caller): Reader,
    id: PathId,
    Params(params): Params<SightParams>,
) -> Result<Json<EventDetail>, Problem> {
    detail(&state, &caller, id, &params).await.map(Json)
}

/// One event with everything that the caller may see of it; unmasked sight is audited.
///
/// # Errors
/// [`Problem::EventNotFound`], or as [`sight`].
pub(crate) async fn detail(
    state: &HttpState,
    caller: &Caller,
    id: PathId,
    params: &SightParams,
) -> Result<EventDetail, Problem> {
    query::flag("masked", params.masked.as_deref())?;
    let id = id.event()?;
    let row = state.store.event(&id).await?.ok_or(Problem::EventNotFound)?;
    let sight = sight_of(state, caller, params, &id).await?;
    let steps = state.store.steps(&id).await?;
    let calls = state.store.calls(&id).await?;
    let waits_for = state.store.waits_for(&row).await?.map(|waits| WaitsForView::of(waits, sight));
    Ok(EventDetail { waits_for, ..EventDetail::of(row, steps, calls, sight) })
}
