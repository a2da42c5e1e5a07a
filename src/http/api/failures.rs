//! `GET /v1/failures`: what is wrong, by cause, with what to do about it.

use axum::{Json, extract::State};

use super::{blocks::BlockedBy, views::Sight};
use crate::{
    clock::Millis,
    event::cause,
    http::{auth::Reader, keys::Caller, problem::Problem, state::HttpState},
    store::{self, Waiting},
    telemetry::masking::mask_text,
};

/// Events that failed for the same cause.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct FailureGroup {
    /// A stable word.
    #[schema(examples("refused"))]
    pub code: String,
    /// In words: for `operate` the ERP's own where it spoke, numbers masked; for `read` the bridge's.
    pub message: String,
    /// How many events.
    pub count: i64,
    /// When the oldest of them was received.
    #[schema(format = DateTime)]
    pub oldest: String,
    /// When the newest of them was received.
    #[schema(format = DateTime)]
    pub newest: String,
    /// What a person can do.
    pub hint: String,
    /// Whether they wait for something that is wrong with the installation, and go on by themselves once it is put right.
    pub blocked: bool,
}

/// What is wrong
///
/// What is wrong with the installation, with the events that wait for it; then dead events and those that need review,
/// grouped by cause, the most frequent first: the newest ten thousand of each
/// state, in at most two hundred groups. For `read` one group a code.
#[utoipa::path(
    get, path = "/v1/failures", tag = "observation", security(("token" = ["read"])),
    responses((status = 200, description = "The causes", body = Vec<FailureGroup>)),
)]
pub(crate) async fn list_failures(
    State(state): State<HttpState>,
    Reader(caller): Reader,
) -> Result<Json<Vec<FailureGroup>>, Problem> {
    causes_of_failures(&state, &caller).await.map(Json)
}

/// What is wrong, by cause, as the caller may see it.
///
/// # Errors
/// If the ledger cannot be read.
pub(crate) async fn causes_of_failures(state: &HttpState, caller: &Caller) -> Result<Vec<FailureGroup>, Problem> {
    let sight = Sight::of(caller.scope);
    let blocked = Waiting::by_cause(state.store.waiting().await?);
    let failures = groups(state.store.failures().await?, sight);
    let blocked = blocked.iter().map(|waiting| FailureGroup::blocked(waiting, sight));
    Ok(blocked.chain(failures.into_iter().map(FailureGroup::of)).collect())
}

/// The codes of everything that is wrong now, each once.
///
/// # Errors
/// If the ledger cannot be read.
pub(crate) async fn codes(state: &HttpState) -> Result<Vec<String>, Problem> {
    let mut codes = state.store.failure_codes().await?;
    for code in state.dispatch.facts().blocks {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    Ok(codes)
}

/// Whoever may not read the words cannot tell them apart either.
fn groups(failures: Vec<store::Failure>, sight: Sight) -> Vec<store::Failure> {
    if sight == Sight::Plain {
        return failures;
    }
    let mut groups: Vec<store::Failure> = Vec::new();
    for failure in failures {
        match groups.iter_mut().find(|group| group.code == failure.code) {
            Some(group) => {
                group.count += failure.count;
                group.oldest = group.oldest.min(failure.oldest);
                group.newest = group.newest.max(failure.newest);
            }
            None => groups.push(store::Failure { words: None, ..failure }),
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

impl FailureGroup {
    fn of(failure: store::Failure) -> Self {
        let known = cause(&failure.code);
        Self {
            message: failure.words.map_or_else(|| known.message.to_owned(), |words| mask_text(&words)),
            code: if failure.code.is_empty() { "unknown".into() } else { failure.code },
            count: failure.count,
            oldest: Millis::rfc3339(failure.oldest),
            newest: Millis::rfc3339(failure.newest),
            hint: known.hint().to_string(),
            blocked: false,
        }
    }

    fn blocked(waiting: &Waiting, sight: Sight) -> Self {
        let by = BlockedBy::of(&waiting.block.name, sight.whole(waiting.block.words.as_str()));
        Self {
            code: by.code,
            message: by.message,
            count: waiting.count,
            oldest: Millis::rfc3339(waiting.oldest),
            newest: Millis::rfc3339(waiting.newest),
            hint: by.hint,
            blocked: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_not_read_the_words_sees_one_group_a_code() {
        let failure = |code: &str, words: &str, count, at| store::Failure {
            code: code.into(),
            words: Some(words.into()),
            count,
            oldest: Millis(at),
            newest: Millis(at + 1),
        };
        let failures =
            vec![failure("refused", "张伟已存在", 3, 50), failure("invalid", "x", 2, 7), failure("refused", "y", 1, 9)];
        let seen = groups(failures.clone(), Sight::Masked);
        let facts: Vec<_> =
            seen.iter().map(|group| (group.code.as_str(), group.count, group.oldest.0, group.newest.0)).collect();
        assert_eq!(facts, [("refused", 4, 9, 51), ("invalid", 2, 7, 8)]);
        assert!(seen.iter().all(|group| group.words.is_none()));
        assert_eq!(groups(failures.clone(), Sight::Plain), failures);
    }
}
