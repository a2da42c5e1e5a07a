//! Why nothing is dispatched; and what operators have paused, as this process knows it ([`crate::store::Store::pause`]); every claim asks the ledger anew.

use std::sync::{Mutex, PoisonError};

use crate::store::{DispatchPause, PauseScope};

/// Why nothing is dispatched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// A stable word, which everybody may see: `paused`, `quiet_hours`, `login_refused` or `circuit_open`.
    pub code: &'static str,
    /// For people; the ERP's own words where it spoke.
    pub words: String,
}

impl Pause {
    pub(super) fn new(code: &'static str, words: impl Into<String>) -> Self {
        Self { code, words: words.into() }
    }

    /// Whether people want it so: an operator's pause, or quiet hours.
    pub fn is_wanted(&self) -> bool {
        matches!(self.code, "paused" | "quiet_hours")
    }

    pub(super) fn refused_login(words: &str) -> Self {
        let told = "the ERP refuses the login; nothing is tried again until it is put right";
        Self::new("login_refused", format!("ERP 拒绝登录：{words} ({told})"))
    }
}

/// The pauses by the last look.
#[derive(Debug, Default)]
pub(super) struct Pauses(Mutex<Vec<DispatchPause>>);

impl Pauses {
    /// Those that stand.
    pub(super) fn known(&self) -> Vec<DispatchPause> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether nothing at all is dispatched; else why not.
    pub(super) fn of_everything(&self) -> Option<Pause> {
        let pauses = self.known();
        let pause = pauses.iter().find(|pause| pause.scope == PauseScope::All)?;
        Some(Pause::new("paused", format!("运维人员 {} 已暂停派发 (paused): {}", pause.actor, pause.reason)))
    }

    /// Takes over what the ledger has; answers the names of those that stand no more.
    pub(super) fn note(&self, now: Vec<DispatchPause>) -> Vec<String> {
        let before = std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), now.clone());
        let gone = before.into_iter().filter(|old| now.iter().all(|pause| pause.name != old.name));
        gone.map(|pause| pause.name).collect()
    }
}
