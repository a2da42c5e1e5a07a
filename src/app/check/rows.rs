//! One line of a check.

use serde::Serialize;

use crate::{
    erp::{ErpError, FaultCause},
    event::{Bilingual, cause, hint_on},
};

/// Whether what was tried holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// It does.
    Holds,
    /// It does, and there is something to know about it.
    Noted,
    /// This installation does not show it; the bridge copes.
    Unseen,
    /// It does not.
    Fails,
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckRow {
    /// A stable word: `erp.login`, `values.source`.
    pub code: &'static str,
    /// What was tried.
    pub what: Bilingual,
    /// Whether it holds.
    pub status: CheckStatus,
    /// What was found, or what is wrong.
    pub detail: String,
    /// What to do about it.
    pub advice: Option<Bilingual>,
}

impl CheckRow {
    pub(super) fn of(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            code,
            what: Bilingual::new(zh.into(), en.into()),
            status: CheckStatus::Unseen,
            detail: String::new(),
            advice: None,
        }
    }

    pub(super) fn holds(self, detail: impl Into<String>) -> Self {
        Self { status: CheckStatus::Holds, detail: detail.into(), ..self }
    }

    pub(super) fn noted(self, detail: impl Into<String>) -> Self {
        Self { status: CheckStatus::Noted, detail: detail.into(), ..self }
    }

    pub(super) fn unseen(self, detail: impl Into<String>) -> Self {
        Self { status: CheckStatus::Unseen, detail: detail.into(), ..self }
    }

    pub(super) fn fails(self, detail: impl Into<String>, advice: Option<Bilingual>) -> Self {
        Self { status: CheckStatus::Fails, detail: detail.into(), advice, ..self }
    }

    /// It does not hold because of this.
    pub(super) fn failed_by(self, error: &ErpError) -> Self {
        self.fails(error.to_string(), Some(advice(error)))
    }
}

/// What to do about a failure of the ERP; a check only reads.
fn advice(error: &ErpError) -> Bilingual {
    if let Some(fault) = error.fault() {
        return hint_on(fault.cause.as_str(), &fault.subject);
    }
    match error {
        // Something else than the ERP answered, or it has no such interface.
        ErpError::OutcomeUnknown { .. } => cause(FaultCause::WrongPath.as_str()).hint(),
        ErpError::Refused(_) => cause(FaultCause::RightMissing.as_str()).hint(),
        ErpError::TooMany(_) => Bilingual::new(
            "该安装忽略了查询条件：请联系开发者",
            "the installation ignores the filter: tell the developers",
        ),
        error => cause(error.code()).hint(),
    }
}
