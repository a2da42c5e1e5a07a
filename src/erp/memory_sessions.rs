//! The session's memory where there is no ledger.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;

use super::{REFUSALS_MAX, SessionStore, StoredSession};
use crate::clock::Millis;

/// A [`SessionStore`] for tests and `erp-bridge check`: forgets everything at exit, and knows one account.
#[derive(Debug, Default)]
pub struct MemorySessions {
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    stored: Option<StoredSession>,
    login_until: Millis,
}

impl Memory {
    fn of(&mut self, account: &str) -> Option<&mut StoredSession> {
        self.stored.as_mut().filter(|stored| stored.account == account)
    }
}

impl MemorySessions {
    /// What was saved last.
    #[cfg(test)]
    pub(super) fn last(&self) -> Option<StoredSession> {
        self.lock().stored.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionStore for MemorySessions {
    fn load<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Option<StoredSession>> {
        let stored = self.lock().of(account).cloned();
        Box::pin(std::future::ready(stored))
    }

    fn save(&self, session: StoredSession) -> BoxFuture<'_, ()> {
        self.lock().stored = Some(session);
        Box::pin(std::future::ready(()))
    }

    fn refuse<'a>(&'a self, account: &'a str, words: &'a str, at: Millis) -> BoxFuture<'a, bool> {
        let mut memory = self.lock();
        let refusals = memory.of(account).map_or(0, |stored| stored.refusals) + 1;
        let (account, refusal) = (account.to_owned(), Some(words.to_owned()));
        memory.stored = Some(StoredSession { account, token: None, obtained_at: at, refusals, refusal });
        Box::pin(std::future::ready(true))
    }

    fn resume<'a>(&'a self, account: &'a str) -> BoxFuture<'a, ()> {
        if let Some(stored) = self.lock().of(account) {
            (stored.refusals, stored.refusal) = (0, None);
        }
        Box::pin(std::future::ready(()))
    }

    fn take_login<'a>(&'a self, account: &'a str, now: Millis, until: Millis) -> BoxFuture<'a, bool> {
        let mut memory = self.lock();
        let allowed = memory.of(account).is_none_or(|stored| stored.refusals < REFUSALS_MAX);
        let free = allowed && memory.login_until <= now;
        if free {
            memory.login_until = until;
        }
        Box::pin(std::future::ready(free))
    }

    fn give_login_back<'a>(&'a self, _account: &'a str, until: Millis) -> BoxFuture<'a, ()> {
        let mut memory = self.lock();
        if memory.login_until == until {
            memory.login_until = Millis::default();
        }
        Box::pin(std::future::ready(()))
    }
}
