//! One line of a check of the installation: what was tried, whether it holds, what to do.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::{clock::Millis, event::Bilingual};

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
    /// Something that is about to be tried.
    pub fn of(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            code,
            what: Bilingual::new(zh.into(), en.into()),
            status: CheckStatus::Unseen,
            detail: String::new(),
            advice: None,
        }
    }

    /// It holds.
    #[must_use]
    pub fn holds(self, detail: impl Into<String>) -> Self {
        Self { status: CheckStatus::Holds, detail: detail.into(), ..self }
    }

    /// It holds, and this is worth knowing.
    #[must_use]
    pub fn noted(self, detail: impl Into<String>) -> Self {
        Self { status: CheckStatus::Noted, detail: detail.into(), ..self }
    }

    /// It cannot be seen here.
    #[must_use]
    pub fn unseen(self, detail: impl Into<String>) -> Self {
        Self { status: CheckStatus::Unseen, detail: detail.into(), ..self }
    }

    /// It does not hold.
    #[must_use]
    pub fn fails(self, detail: impl Into<String>, advice: Option<Bilingual>) -> Self {
        Self { status: CheckStatus::Fails, detail: detail.into(), advice, ..self }
    }
}

/// What this process found when it was last asked for a check, and when.
#[derive(Debug, Default)]
pub(super) struct LastCheck(Mutex<Option<(Millis, Vec<CheckRow>)>>);

impl LastCheck {
    /// This was found.
    pub(super) fn note(&self, at: Millis, rows: &[CheckRow]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, rows.to_vec()));
    }

    /// What was found last; nothing if nobody has asked since the start.
    pub(super) fn known(&self) -> Option<(Millis, Vec<CheckRow>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
