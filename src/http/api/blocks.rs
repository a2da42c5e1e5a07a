//! What is wrong with the installation, as `GET /v1/stats`, `GET /v1/failures` and every event that waits for it show it.

use crate::{
    clock::Millis,
    event::{cause, hint_on},
    store::{Waiting, code_and_subject},
    telemetry::masking::mask_text,
};

/// What an event waits for.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct BlockedBy {
    /// A stable word: `choice_missing`, `salesperson_unknown`, `right_missing`, `wrong_path`, `licence_refused` or
    /// `restricted`.
    #[schema(examples("choice_missing"))]
    pub code: String,
    /// What exactly is wrong.
    #[schema(examples("客户来源 (ly) = 微信"))]
    pub subject: String,
    /// In words: for `operate` the ERP's own where it spoke, for `read` the bridge's.
    pub message: String,
    /// What a person can do.
    pub hint: String,
}

impl BlockedBy {
    /// By the block's name in the ledger, with the ERP's words for whoever may read them.
    pub(super) fn of(name: &str, words: Option<&str>) -> Self {
        let (code, subject) = code_and_subject(name);
        Self {
            message: words.map(mask_text).unwrap_or_else(|| cause(code).message.to_owned()),
            hint: hint_on(code, subject).to_string(),
            code: code.to_owned(),
            subject: subject.to_owned(),
        }
    }
}

/// Something that is wrong with the installation, and what waits for it.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct BlockView {
    /// What is wrong.
    #[serde(flatten)]
    pub by: BlockedBy,
    /// Events that met it; later events of their contacts wait behind them.
    pub waiting: i64,
    /// When it was first met.
    #[schema(format = DateTime)]
    pub since: String,
    /// How often one of them tried since.
    pub tries: i64,
    /// When the next one tries.
    #[schema(format = DateTime)]
    pub next_try_at: String,
}

impl BlockView {
    /// With the ERP's words, or without.
    pub(super) fn of(waiting: &Waiting, with_words: bool) -> Self {
        let block = &waiting.block;
        Self {
            by: BlockedBy::of(&block.name, with_words.then_some(block.words.as_str())),
            waiting: waiting.count,
            since: Millis::rfc3339(block.since),
            tries: block.tries,
            next_try_at: Millis::rfc3339(block.next_try_at),
        }
    }
}
