//! `/v1/replays` (重放): many events put back as one thing, with a forecast first, progress, and the outcome of each.

use std::collections::HashSet;

use super::{
    audit::PageParams,
    operations::{ReasonBody, checked_reason},
    query::{self, Params, PathId},
    replay_views::{ReplayEventItem, ReplayEventPage, ReplayItem, ReplayPage, ReplayView},
    selection::Selection,
};
use crate::{
    event::{Decision, FieldError, Forecast, Standing, Status, Work},
    http::{
        auth::{Operator, Reader},
        body::{JsonBody, OptionalJsonBody},
        keys::Caller,
        openapi::parts::{ReplayPath, ReplayRefusals},
        problem::{Problem, ProblemDocument},
        state::HttpState,
    },
    json,
    store::{
        ChosenEvent, EventFilter, NewReplay, OPEN_REPLAYS_MAX, REPLAY_EVENTS_MAX, ReplayCandidate, ReplayDeed,
        ReplayRefused,
    },
};
use axum::{Json, extract::State, http::StatusCode};

/// Make a replay
///
/// Which events is fixed now. Nothing happens before it is started: the answer says what its events are expected to write.
/// Up to 10,000 events, the oldest of those that match. Audited as `replay.create`.
#[utoipa::path(
    post, path = "/v1/replays", tag = "operations", security(("token" = ["operate"])),
    request_body(content = Selection, content_type = "application/json"),
    responses(
        (status = 201, description = "The draft, with its forecast", body = ReplayView),
        (status = 409, description = "Too many replays stand open", body = ProblemDocument),
    ),
)]
pub(crate) async fn create_replay(
    State(state): State<HttpState>,
    operator: Operator,
    JsonBody(body): JsonBody<Selection>,
) -> Result<(StatusCode, Json<ReplayView>), Problem> {
    create(&state, &operator, body).await.map(|view| (StatusCode::CREATED, Json(view)))
}

/// Makes a replay of what matches.
///
/// # Errors
/// [`Problem::Invalid`] if the filter narrows nothing or cannot be read, [`Problem::TooManyReplays`].
pub(crate) async fn create(
    state: &HttpState,
    Operator(caller): &Operator,
    body: Selection,
) -> Result<ReplayView, Problem> {
    let filter = body.filter(state, &Status::REPLAYED_TOGETHER).await?;
    if body.dry_run {
        let message = "新建的重放还没有开始，请去掉它 (a draft changes nothing: leave it out)";
        return Err(Problem::Invalid(vec![FieldError::new("/dry_run", message)]));
    }
    let reason = checked_reason(body.reason.clone())?;
    let (events, more) = matching(state, &filter).await?;
    let new = NewReplay { reason, filter: serde_json::json!(body), more, events };
    let (store, actor) = (state.store.clone(), caller.actor());
    let id = state.undisturbed(async move { store.create_replay(new, &actor).await }).await?;
    view(state, caller, &id).await
}

/// The events that match, the oldest first, with what each is expected to write; and whether there are more.
async fn matching(state: &HttpState, filter: &EventFilter) -> Result<(Vec<ChosenEvent>, bool), Problem> {
    let (mut events, mut customers) = (Vec::new(), HashSet::new());
    let mut after = 0;
    loop {
        let batch = state.store.replay_candidates(filter, after).await?;
        let Some(last) = batch.last() else { return Ok((events, false)) };
        after = last.seq;
        let contacts: HashSet<&str> = batch.iter().filter_map(|one| one.contact_id.as_deref()).collect();
        let standings = state.store.standings(&contacts.into_iter().collect::<Vec<_>>()).await?;
        for candidate in &batch {
            if events.len() == REPLAY_EVENTS_MAX {
                return Ok((events, true));
            }
            let contact = candidate.contact_id.clone().unwrap_or_default();
            let mut standing = standings.get(&contact).copied().unwrap_or_default();
            standing.linked |= customers.contains(&contact);
            let forecast = forecast(state, candidate, &standing);
            if forecast == Forecast::Create {
                customers.insert(contact);
            }
            events.push(ChosenEvent { id: candidate.id.clone(), status: candidate.status, forecast });
        }
    }
}

fn forecast(state: &HttpState, candidate: &ReplayCandidate, standing: &Standing) -> Forecast {
    let decision = candidate.admission.as_ref().and_then(|value| json::from_value::<Decision>(value).ok());
    let is_admitted = candidate.force || decision.is_some_and(|decision| decision.admitted);
    match Work::parse(&candidate.kind, &candidate.payload, &state.reading) {
        Ok(work) => Forecast::of(&work, standing, &state.rules.borrow(), is_admitted),
        Err(_) => Forecast::Skip,
    }
}

/// List replays
#[utoipa::path(
    get, path = "/v1/replays", tag = "operations", params(PageParams), security(("token" = ["read"])),
    responses((status = 200, description = "A page of replays", body = ReplayPage)),
)]
pub(crate) async fn list_replays(
    State(state): State<HttpState>,
    Reader(caller): Reader,
    Params(page): Params<PageParams>,
) -> Result<Json<ReplayPage>, Problem> {
    let limit = query::limit(page.limit.as_deref())?;
    list(&state, &caller, page.cursor.as_deref(), limit).await.map(Json)
}

/// A page of replays, newest first.
///
/// # Errors
/// [`Problem::InvalidQuery`], or that the ledger cannot be read.
pub(crate) async fn list(
    state: &HttpState,
    caller: &Caller,
    cursor: Option<&str>,
    limit: i64,
) -> Result<ReplayPage, Problem> {
    let rows = state.store.replays(query::cursor(cursor)?, limit + 1).await?;
    let (rows, next_cursor) = query::page(rows, limit, |row| row.seq);
    Ok(ReplayPage { items: rows.into_iter().map(|row| ReplayItem::of(row, caller)).collect(), next_cursor })
}

/// Show one replay
#[utoipa::path(
    get, path = "/v1/replays/{id}", tag = "operations", params(ReplayPath), security(("token" = ["read"])),
    responses(
        (status = 200, description = "The replay, its forecast and its outcomes", body = ReplayView),
        (status = 404, description = "No such replay", body = ProblemDocument),
    ),
)]
pub(crate) async fn get_replay(
    State(state): State<HttpState>,
    Reader(caller): Reader,
    id: PathId,
) -> Result<Json<ReplayView>, Problem> {
    view(&state, &caller, &id.replay()?).await.map(Json)
}

/// A replay, its forecast and its outcomes.
///
/// # Errors
/// [`Problem::ReplayNotFound`]
pub(crate) async fn view(state: &HttpState, caller: &Caller, id: &str) -> Result<ReplayView, Problem> {
    let detail = state.store.replay_detail(id).await?.ok_or(Problem::ReplayNotFound)?;
    Ok(ReplayView::of(detail, caller))
}

/// List the events of a replay
///
/// What each was expected to write, whether it was put back, and where it stands now.
#[utoipa::path(
    get, path = "/v1/replays/{id}/events", tag = "operations", params(ReplayPath, PageParams),
    security(("token" = ["read"])),
    responses(
        (status = 200, description = "A page of events", body = ReplayEventPage),
        (status = 404, description = "No such replay", body = ProblemDocument),
    ),
)]
pub(crate) async fn list_replay_events(
    State(state): State<HttpState>,
    _: Reader,
    id: PathId,
    Params(page): Params<PageParams>,
) -> Result<Json<ReplayEventPage>, Problem> {
    let limit = query::limit(page.limit.as_deref())?;
    events(&state, &id.replay()?, page.cursor.as_deref(), limit).await.map(Json)
}

/// A page of a replay's events.
///
/// # Errors
/// [`Problem::InvalidQuery`], [`Problem::ReplayNotFound`], or that the ledger cannot be read.
pub(crate) async fn events(
    state: &HttpState,
    id: &str,
    cursor: Option<&str>,
    limit: i64,
) -> Result<ReplayEventPage, Problem> {
    let after = query::cursor(cursor)?.unwrap_or(-1);
    if !state.store.has_replay(id).await? {
        return Err(Problem::ReplayNotFound);
    }
    let rows = state.store.replay_events(id, after, limit + 1).await?;
    let (rows, next_cursor) = query::page(rows, limit, |row| row.position);
    Ok(ReplayEventPage { items: rows.into_iter().map(ReplayEventItem::of).collect(), next_cursor })
}

/// Start a replay
///
/// Its events go back into their turns in the order in which they were accepted, a few at a time and while few others wait:
/// what comes in fresh goes first. Audited as `replay.start`, and each event as `event.replay`.
#[utoipa::path(
    post, path = "/v1/replays/{id}/start", tag = "operations", params(ReplayPath), security(("token" = ["operate"])),
    request_body(content = ReasonBody, content_type = "application/json"),
    responses((status = 200, description = "It runs", body = ReplayView), ReplayRefusals),
)]
pub(crate) async fn start_replay(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    OptionalJsonBody(body): OptionalJsonBody<ReasonBody>,
) -> Result<Json<ReplayView>, Problem> {
    change(&state, &operator, id, ReplayDeed::Start, body.reason).await.map(Json)
}

/// Pause a replay
///
/// No more of its events are put back; those that were go on. Audited as `replay.pause`.
#[utoipa::path(
    post, path = "/v1/replays/{id}/pause", tag = "operations", params(ReplayPath), security(("token" = ["operate"])),
    request_body(content = ReasonBody, content_type = "application/json"),
    responses((status = 200, description = "It stands still", body = ReplayView), ReplayRefusals),
)]
pub(crate) async fn pause_replay(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    OptionalJsonBody(body): OptionalJsonBody<ReasonBody>,
) -> Result<Json<ReplayView>, Problem> {
    change(&state, &operator, id, ReplayDeed::Pause, body.reason).await.map(Json)
}

/// Let a paused replay go on
///
/// Audited as `replay.resume`.
#[utoipa::path(
    post, path = "/v1/replays/{id}/resume", tag = "operations", params(ReplayPath), security(("token" = ["operate"])),
    request_body(content = ReasonBody, content_type = "application/json"),
    responses((status = 200, description = "It goes on", body = ReplayView), ReplayRefusals),
)]
pub(crate) async fn resume_replay(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    OptionalJsonBody(body): OptionalJsonBody<ReasonBody>,
) -> Result<Json<ReplayView>, Problem> {
    change(&state, &operator, id, ReplayDeed::Resume, body.reason).await.map(Json)
}

/// Stop a replay
///
/// For good: what was not put back stays as it is. Audited as `replay.stop`.
#[utoipa::path(
    post, path = "/v1/replays/{id}/stop", tag = "operations", params(ReplayPath), security(("token" = ["operate"])),
    request_body(content = ReasonBody, content_type = "application/json"),
    responses((status = 200, description = "It is over", body = ReplayView), ReplayRefusals),
)]
pub(crate) async fn stop_replay(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    OptionalJsonBody(body): OptionalJsonBody<ReasonBody>,
) -> Result<Json<ReplayView>, Problem> {
    change(&state, &operator, id, ReplayDeed::Stop, body.reason).await.map(Json)
}

/// Starts, pauses, resumes or stops a replay.
///
/// # Errors
/// [`Problem::ReplayNotFound`], [`Problem::WrongReplayState`], or that the reason is not valid.
pub(crate) async fn change(
    state: &HttpState,
    Operator(caller): &Operator,
    id: PathId,
    deed: ReplayDeed,
    reason: Option<String>,
) -> Result<ReplayView, Problem> {
    let (reason, id) = (checked_reason(reason)?, id.replay()?);
    let (store, actor, replay) = (state.store.clone(), caller.actor(), id.clone());
    let changed = async move { store.change_replay(&replay, deed, &actor, reason.as_deref()).await };
    state.undisturbed(changed).await?;
    view(state, caller, &id).await
}

impl From<ReplayRefused> for Problem {
    fn from(refused: ReplayRefused) -> Self {
        match refused {
            ReplayRefused::Unknown => Self::ReplayNotFound,
            ReplayRefused::WrongState(state) => Self::WrongReplayState(state),
            ReplayRefused::TooMany => Self::TooManyReplays(OPEN_REPLAYS_MAX),
            ReplayRefused::Store(error) => error.into(),
        }
    }
}
