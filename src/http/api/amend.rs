//! Correct-and-rerun (更正重跑): `POST /v1/events/{id}/amend` and `/replan`.

use axum::{Json, extract::State};
use serde::Deserialize;

use super::{
    operations::{DeedBody, Moved, checked_reason, seen},
    query::PathId,
};
use crate::{
    event::{Event, EventKind, FieldError, ParseError, Parsed, Status},
    http::{
        auth::Operator,
        body::{JsonBody, OptionalJsonBody},
        openapi::parts::{DeedRefusals, EventPath},
        problem::Problem,
        state::HttpState,
    },
    json::{self, Plain},
    store::{AmendRefused, Amendment},
};

/// Members of `data` that an event's records are made of.
const RECORDED: [&str; 2] = ["signal", "deal"];

/// What an event is to say.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AmendBody {
    /// All of `data`, as the event's type has it; `contact.id` stays what it is.
    #[schema(value_type = Object, examples(json!({"contact": {"id": "c1", "name": "王小明", "phone": "13800138055", "phone_verified": true}})))]
    pub(crate) data: Plain,
    /// Why; for the audit log.
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\u0000]*\S[^\u0000]*$", examples("客户姓名写错"))]
    pub(crate) reason: String,
    /// The event's `updated_at` as the caller saw it: if it has changed since, nothing is corrected (409 `changed`).
    #[schema(format = DateTime)]
    pub(crate) updated_at: Option<String>,
}

/// Correct an event and run it again
///
/// 更正重跑: a dead event, or one that needs review, gets other `data`, checked as at the webhook target and judged by the
/// admission rules of now. What came stays as it came, and is shown beside it. Steps that took effect are not done again; all
/// others are planned anew. A step whose outcome is open has to be looked up first (replay or decide the event), and an event
/// of which a record stands in the ERP keeps its `signal` and `deal`. Audited as `event.amend`, with the reason.
#[utoipa::path(
    post, path = "/v1/events/{id}/amend", tag = "operations", security(("token" = ["operate"])),
    params(EventPath),
    request_body(content = AmendBody, content_type = "application/json"),
    responses((status = 200, description = "Corrected; back in its turn", body = Moved), DeedRefusals),
)]
pub(crate) async fn amend_event(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    JsonBody(body): JsonBody<AmendBody>,
) -> Result<Json<Moved>, Problem> {
    amend(&state, &operator, id, body).await.map(Json)
}

/// Corrects an event and puts it back into its turn.
///
/// # Errors
/// [`Problem::EventNotFound`], [`Problem::WrongState`], [`Problem::Changed`], [`Problem::StepOpen`], [`Problem::Recorded`], or
/// every fault of the data as the webhook target finds it.
pub(crate) async fn amend(
    state: &HttpState,
    Operator(caller): &Operator,
    id: PathId,
    body: AmendBody,
) -> Result<Moved, Problem> {
    let reason = checked_reason(Some(body.reason))?.filter(|reason| !reason.trim().is_empty());
    let reason = reason.ok_or_else(|| invalid("/reason", "请填写原因 (say why)"))?;
    let seen = seen(body.updated_at.as_deref())?;
    let id = id.event()?;
    let row = state.store.event(&id).await?.ok_or(Problem::EventNotFound)?;
    let is_event = row.kind.parse::<EventKind>().is_ok_and(|kind| !kind.is_command());
    let before = row.body().and_then(|text| json::parse_text(text).ok());
    let Some(before) = before.filter(|_| matches!(row.status, Status::Dead | Status::NeedsReview)) else {
        return Err(Problem::WrongState(row.status));
    };
    if !is_event {
        return Err(invalid(
            "/data",
            "REST 指令请重新下达，不能更正 (an order of the REST interface is given anew, not corrected)",
        ));
    }
    let mut after = before.clone();
    after["data"] = body.data.0;
    if !after["data"].is_object() {
        return Err(invalid("/data", "应为对象 (must be an object)"));
    }
    let text = after.to_string();
    let event = match Event::parse(text.as_bytes(), &state.reading) {
        Ok(Parsed::Event(event)) => event,
        Ok(Parsed::Unknown { .. }) => return Err(Problem::WrongState(row.status)),
        Err(ParseError::Invalid { errors, .. }) => return Err(Problem::Invalid(errors)),
        Err(ParseError::NotJson(fault)) => return Err(Problem::InvalidJson(fault)),
    };
    if Some(event.contact().id()) != row.contact_id.as_deref() {
        return Err(invalid("/data/contact/id", "不能更改 (stays what it is)"));
    }
    let standing = state.store.standings(&[event.contact().id()]).await?;
    let standing = standing.get(event.contact().id()).copied().unwrap_or_default();
    let decision = state.rules.borrow().decide(&event, &standing);
    let amendment = Amendment {
        warnings: (!event.warnings().is_empty()).then(|| serde_json::json!(event.warnings()).to_string()),
        admission: serde_json::json!(decision).to_string(),
        keeps_records: RECORDED.iter().all(|member| after["data"][member] == before["data"][member]),
        body: text,
    };
    let (store, event, actor) = (state.store.clone(), id.clone(), caller.actor());
    state.undisturbed(async move { store.amend(&event, &amendment, &actor, &reason, seen).await }).await?;
    Ok(Moved { id, status: Status::Queued })
}

/// Run an event again by a new plan
///
/// As a replay, but what was planned and is not done is planned anew by the configuration of now. Audited as `event.replan`.
#[utoipa::path(
    post, path = "/v1/events/{id}/replan", tag = "operations", security(("token" = ["operate"])),
    params(EventPath),
    request_body(content = DeedBody, content_type = "application/json"),
    responses((status = 200, description = "Back in its turn", body = Moved), DeedRefusals),
)]
pub(crate) async fn replan_event(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    OptionalJsonBody(body): OptionalJsonBody<DeedBody>,
) -> Result<Json<Moved>, Problem> {
    replan(&state, &operator, id, body).await.map(Json)
}

/// Puts an event back into its turn, to be planned anew.
///
/// # Errors
/// [`Problem::EventNotFound`], [`Problem::WrongState`], [`Problem::Changed`], [`Problem::StepOpen`], or that the body is not
/// valid.
pub(crate) async fn replan(
    state: &HttpState,
    Operator(caller): &Operator,
    id: PathId,
    body: DeedBody,
) -> Result<Moved, Problem> {
    let ((reason, seen), id) = (body.read()?, id.event()?);
    let (store, event, actor) = (state.store.clone(), id.clone(), caller.actor());
    state.undisturbed(async move { store.replan(&event, &actor, reason.as_deref(), seen).await }).await?;
    Ok(Moved { id, status: Status::Queued })
}

fn invalid(pointer: &str, message: &str) -> Problem {
    Problem::Invalid(vec![FieldError::new(pointer, message)])
}

impl From<AmendRefused> for Problem {
    fn from(refused: AmendRefused) -> Self {
        match refused {
            AmendRefused::StepOpen(step) => Self::StepOpen(step),
            AmendRefused::Recorded => Self::Recorded,
            AmendRefused::Store(error) => error.into(),
        }
    }
}
