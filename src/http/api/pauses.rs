//! `POST /v1/dispatch/pause` and `/v1/dispatch/resume`: dispatch of everything, of a type of events or of a contact stands
//! still while events are accepted (`contract.md` §5).

use axum::{Json, extract::State};
use serde::Deserialize;

use super::{operations::checked_reason, query::is_contact_id};
use crate::{
    clock::Millis,
    event::{EventKind, FieldError},
    http::{auth::Operator, body::JsonBody, problem::Problem, state::HttpState},
    store::{DispatchPause, PauseScope, Store, StoreError},
};

/// Pauses that stand at once at most: every claim looks at them.
const PAUSES_MAX: usize = 100;

/// What can be paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScopeWord {
    /// Everything.
    All,
    /// The events of a type.
    Type,
    /// The events of a contact.
    Contact,
}

/// What is to stand still, and for how long.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PauseBody {
    pub(crate) scope: ScopeWord,
    /// Which type or contact; absent for `all`.
    #[schema(max_length = 200, examples("deal.closed"))]
    pub(crate) value: Option<String>,
    /// For the audit log, and for everybody who asks why nothing happens.
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\u0000]*\S[^\u0000]*$", examples("ERP 盘点"))]
    pub(crate) reason: String,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    pub(crate) until: Option<String>,
}

/// What is to go on.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResumeBody {
    pub(crate) scope: ScopeWord,
    /// Which type or contact; absent for `all`.
    #[schema(max_length = 200, examples("deal.closed"))]
    pub(crate) value: Option<String>,
    /// For the audit log.
    #[schema(max_length = 500, pattern = r"^[^\u0000]*$")]
    pub(crate) reason: Option<String>,
}

/// What an operator has paused.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct PauseView {
    /// `all`, `type` or `contact`.
    #[schema(value_type = String, examples("type"))]
    pub scope: &'static str,
    /// Which type or contact; null for `all`.
    pub value: Option<String>,
    /// Why, in the operator's words; null for `read`.
    pub reason: Option<String>,
    /// The token's name of who paused it.
    pub actor: String,
    /// Since when.
    #[schema(format = DateTime)]
    pub since: String,
    /// When it ends by itself; null if it does not.
    #[schema(format = DateTime)]
    pub until: Option<String>,
    /// Contacts whose next event was found to wait for it; counted as events fall due.
    pub contacts_waiting: i64,
    /// By which it is told from another pause of the same scope.
    #[serde(skip)]
    #[schema(ignore)]
    pub print: String,
}

impl PauseView {
    /// Those that stand, with the operator's words or without.
    pub(super) async fn all(store: &Store, with_words: bool) -> Result<Vec<Self>, StoreError> {
        let (pauses, waiting) = (store.pauses().await?, store.paused_contacts().await?);
        let of = |pause: DispatchPause| {
            let waiting = waiting.get(&pause.name).copied().unwrap_or_default();
            Self::of(pause, waiting, with_words)
        };
        Ok(pauses.into_iter().map(of).collect())
    }

    fn of(pause: DispatchPause, contacts_waiting: i64, with_words: bool) -> Self {
        Self {
            print: pause.print(),
            scope: pause.scope.word(),
            value: pause.scope.value().map(str::to_owned),
            reason: with_words.then_some(pause.reason),
            actor: pause.actor,
            since: pause.since.rfc3339(),
            until: pause.until.map(Millis::rfc3339),
            contacts_waiting,
        }
    }
}

/// What is paused now.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Pauses {
    /// The oldest first.
    pub pauses: Vec<PauseView>,
}

/// Pause dispatch
///
/// 暂停派发: of everything, of a type of events, or of a contact. Events are accepted and wait in their order; what is in hand
/// ends. The later events of a contact whose next one is paused wait behind it. Paused again, it has the new reason and end.
/// Audited as `dispatch.pause`.
#[utoipa::path(
    post, path = "/v1/dispatch/pause", tag = "operations", operation_id = "pause_dispatch", security(("token" = ["operate"])),
    request_body(content = PauseBody, content_type = "application/json"),
    responses((status = 200, description = "What is paused now", body = Pauses)),
)]
pub(crate) async fn pause(
    State(state): State<HttpState>,
    operator: Operator,
    JsonBody(body): JsonBody<PauseBody>,
) -> Result<Json<Pauses>, Problem> {
    pause_dispatch(&state, &operator, body).await.map(Json)
}

/// Pauses what the body names.
///
/// # Errors
/// [`Problem::Invalid`] with the member that is not possible.
pub(crate) async fn pause_dispatch(
    state: &HttpState,
    Operator(caller): &Operator,
    body: PauseBody,
) -> Result<Pauses, Problem> {
    let scope = scope(body.scope, body.value)?;
    let reason = checked_reason(Some(body.reason))?.filter(|reason| !reason.trim().is_empty());
    let reason = reason.ok_or_else(|| invalid("/reason", "say why".to_owned()))?;
    let until = body.until.map(|text| moment(&text, state.clock.now())).transpose()?;
    let pauses = state.store.pauses().await?;
    if pauses.len() >= PAUSES_MAX && pauses.iter().all(|pause| pause.scope != scope) {
        return Err(invalid("", format!("{PAUSES_MAX} pauses stand already: resume some, or pause a type or all")));
    }
    let (store, actor) = (state.store.clone(), caller.actor());
    state.undisturbed(async move { store.pause(&scope, &reason, until, &actor).await }).await?;
    standing(state).await
}

/// Resume what was paused
///
/// What waits goes on at once, in order. Resuming what is not paused changes nothing. Audited as `dispatch.resume`. A refused
/// login is resumed by `/v1/erp/resume`.
#[utoipa::path(
    post, path = "/v1/dispatch/resume", tag = "operations", operation_id = "resume_paused", security(("token" = ["operate"])),
    request_body(content = ResumeBody, content_type = "application/json"),
    responses((status = 200, description = "What is paused still", body = Pauses)),
)]
pub(crate) async fn resume(
    State(state): State<HttpState>,
    operator: Operator,
    JsonBody(body): JsonBody<ResumeBody>,
) -> Result<Json<Pauses>, Problem> {
    resume_dispatch(&state, &operator, body, None).await.map(Json)
}

/// Lets go on what the body names; `seen` is the [`PauseView::print`] of the pause that is meant, if the caller says it.
///
/// # Errors
/// [`Problem::Changed`] if that pause does not stand any more, or [`Problem::Invalid`] with the member that is not possible.
pub(crate) async fn resume_dispatch(
    state: &HttpState,
    Operator(caller): &Operator,
    body: ResumeBody,
    seen: Option<String>,
) -> Result<Pauses, Problem> {
    let scope = scope(body.scope, body.value)?;
    let reason = checked_reason(body.reason)?;
    let (store, actor) = (state.store.clone(), caller.actor());
    state.undisturbed(async move { store.resume(&scope, reason.as_deref(), &actor, seen.as_deref()).await }).await?;
    standing(state).await
}

async fn standing(state: &HttpState) -> Result<Pauses, Problem> {
    Ok(Pauses { pauses: PauseView::all(&state.store, true).await? })
}

fn scope(word: ScopeWord, value: Option<String>) -> Result<PauseScope, Problem> {
    match (word, value) {
        (ScopeWord::All, None) => Ok(PauseScope::All),
        (ScopeWord::All, Some(_)) => Err(invalid("/value", "all takes no value".to_owned())),
        (ScopeWord::Type, Some(kind)) if kind.parse::<EventKind>().is_ok() => Ok(PauseScope::Kind(kind)),
        (ScopeWord::Type, _) => {
            let names = EventKind::ALL.map(EventKind::as_str).join(", ");
            Err(invalid("/value", format!("应为事件类型：{names} (an event type)")))
        }
        (ScopeWord::Contact, Some(id)) if is_contact_id(&id) => Ok(PauseScope::Contact(id)),
        (ScopeWord::Contact, _) => Err(invalid(
            "/value",
            "应为联系人 ID：1 至 48 个 A-Z a-z 0-9 _ - (a contact's id: 1 to 48 of A-Z a-z 0-9 _ -)".to_owned(),
        )),
    }
}

/// A moment that is still to come.
fn moment(text: &str, now: Millis) -> Result<Millis, Problem> {
    let moment = text.parse::<jiff::Timestamp>().ok().map(Millis::from).filter(|moment| *moment > now);
    moment.ok_or_else(|| invalid("/until", "应为将来的时间，如 2026-11-23T15:04:05+08:00 (a moment to come, RFC 3339 such as 2026-11-23T15:04:05+08:00)".to_owned()))
}

fn invalid(pointer: &str, message: String) -> Problem {
    Problem::Invalid(vec![FieldError { pointer: pointer.to_owned(), message }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_of_everything_or_of_a_type_or_contact_that_can_be() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(scope(ScopeWord::All, None), Ok(PauseScope::All));
        assert_eq!(scope(ScopeWord::Type, text("deal.closed")), Ok(PauseScope::Kind("deal.closed".into())));
        assert_eq!(scope(ScopeWord::Contact, text("c-1")), Ok(PauseScope::Contact("c-1".into())));
        for (word, value) in [
            (ScopeWord::All, text("x")),
            (ScopeWord::Type, None),
            (ScopeWord::Type, text("deal.lost")),
            (ScopeWord::Contact, None),
            (ScopeWord::Contact, text("a b")),
        ] {
            assert!(matches!(scope(word, value), Err(Problem::Invalid(_))), "{word:?}");
        }
    }

    #[test]
    fn a_pause_ends_in_the_future_or_not_by_itself() {
        let now = Millis(1_795_500_000_000);
        let at = |moment: Millis| super::moment(&moment.rfc3339(), now);
        assert_eq!(at(Millis(now.0 + 1)), Ok(Millis(now.0 + 1)));
        assert!(at(now).is_err() && at(Millis(now.0 - 1)).is_err() && super::moment("tomorrow", now).is_err());
    }
}
