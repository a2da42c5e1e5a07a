//! `POST /v1/events/replay` and `/v1/events/discard`: what operators do about all events that match (`contract.md` §5).

use axum::{Json, extract::State};

use super::{operations::checked_reason, selection::Selection};
use crate::{
    event::FieldError,
    http::{auth::Operator, body::JsonBody, problem::Problem, state::HttpState},
    store::{BulkDeed, REPLAY_EVENTS_MAX},
};

/// How many events were put back.
#[derive(Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Replayed {
    /// Events put back into their turn.
    pub replayed: i64,
    /// With `dry_run`: how many would have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub would_replay: Option<i64>,
}

/// Replay all events that match
///
/// Only states from which replay is allowed are touched. What is held is judged anew: a deal by the rules and the facts of
/// now, a message by whether its contact is linked; what still has to wait is held again. What is queued and waits for its next
/// try is tried sooner; what is blocked, or in its turn already, stays. `dry_run` counts and changes nothing.
#[utoipa::path(
    post, path = "/v1/events/replay", tag = "operations", security(("token" = ["operate"])),
    request_body(content = Selection, content_type = "application/json"),
    responses((status = 200, description = "How many", body = Replayed)),
)]
pub(crate) async fn replay_events(
    State(state): State<HttpState>,
    operator: Operator,
    JsonBody(body): JsonBody<Selection>,
) -> Result<Json<Replayed>, Problem> {
    let Counted { done, would } = change_matching(&state, &operator, body, BulkDeed::Replay).await?;
    Ok(Json(Replayed { replayed: done, would_replay: would }))
}

/// How many events were given up.
#[derive(Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Discarded {
    /// Events given up.
    pub discarded: i64,
    /// With `dry_run`: how many would have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub would_discard: Option<i64>,
}

/// Give up all events that match
///
/// Those in the states `queued`, `held`, `needs_review`, `dead` and `not_admitted`, in the order of acceptance, up to 10,000 at
/// once: where more match, nothing happens (422). Each is audited as `event.discard`, with the `reason` if one is given; people
/// at the console have to give one. `dry_run` counts and changes nothing.
#[utoipa::path(
    post, path = "/v1/events/discard", tag = "operations", security(("token" = ["operate"])),
    request_body(content = Selection, content_type = "application/json"),
    responses((status = 200, description = "How many", body = Discarded)),
)]
pub(crate) async fn discard_events(
    State(state): State<HttpState>,
    operator: Operator,
    JsonBody(body): JsonBody<Selection>,
) -> Result<Json<Discarded>, Problem> {
    let Counted { done, would } = change_matching(&state, &operator, body, BulkDeed::Discard).await?;
    Ok(Json(Discarded { discarded: done, would_discard: would }))
}

/// To how many events something was done, or would have been.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    /// None with `dry_run`.
    pub(crate) done: i64,
    /// With `dry_run` only.
    pub(crate) would: Option<i64>,
}

/// Does something to all events that match, or counts them.
///
/// # Errors
/// [`Problem::Invalid`] if nothing narrows them, that a member cannot be read, or that too many would be given up.
pub(crate) async fn change_matching(
    state: &HttpState,
    Operator(caller): &Operator,
    body: Selection,
    deed: BulkDeed,
) -> Result<Counted, Problem> {
    let filter = body.filter(state, deed.possible()).await?;
    let reason = checked_reason(body.reason)?;
    if body.dry_run {
        return Ok(Counted { done: 0, would: Some(state.store.count_matching(deed, &filter).await?) });
    }
    // What is put back is put back a few at a time, and can be stopped; what is given up is given up.
    if deed == BulkDeed::Discard {
        within_bound(state.store.count_matching(deed, &filter).await?)?;
    }
    let (store, actor) = (state.store.clone(), caller.actor());
    let change = async move { store.change_matching(deed, &filter, &actor, reason.as_deref()).await };
    Ok(Counted { done: state.undisturbed(change).await?, would: None })
}

/// Whether so many may be given up at once: as many as a replay takes.
///
/// # Errors
/// [`Problem::Invalid`] with what to do instead.
pub(crate) fn within_bound(count: i64) -> Result<(), Problem> {
    if usize::try_from(count).is_ok_and(|count| count <= REPLAY_EVENTS_MAX) {
        return Ok(());
    }
    let message = format!(
        "一次最多放弃 {REPLAY_EVENTS_MAX} 条，现在有 {count} 条符合：请按时间、类型或原因缩小范围，分几次放弃 (up to {REPLAY_EVENTS_MAX} \
         are given up at once, and {count} match: narrow them by time, type or cause, and give them up in several goes)"
    );
    Err(Problem::Invalid(vec![FieldError::new("", message)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_ten_thousand_are_given_up_at_once_and_who_wants_more_is_told_what_to_do() {
        for (count, fits) in [(0, true), (9_999, true), (10_000, true), (10_001, false), (i64::MAX, false)] {
            match within_bound(count) {
                Ok(()) => assert!(fits, "{count}"),
                Err(Problem::Invalid(errors)) => {
                    let told = &errors[0].message;
                    assert!(!fits && told.contains(&count.to_string()) && told.contains("缩小范围"), "{told}");
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}
