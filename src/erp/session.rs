//! The login.
use futures::future::BoxFuture;
use secrecy::SecretString;

use crate::clock::Millis;

/// Where the session survives a restart, shared by all replicas.
pub trait SessionStore: Send + Sync {
    /// What was saved last; `None` if nothing was or it cannot be read.
    fn load(&self) -> BoxFuture<'_, Option<StoredSession>>;
    /// Replaces what is stored. Failures are the store's to log.
    fn save(&self, session: StoredSession) -> BoxFuture<'_, ()>;
}

/// The state of one ERP account's login.
#[derive(Debug, Clone)]
pub struct StoredSession {
    /// Hex fingerprint of base URL, account, password and serial: another configuration has another one.
    pub account: String,
    /// The session, if there is one.
    pub token: Option<SecretString>,
    /// When the session was obtained (or refused).
    pub obtained_at: Millis,
    /// How many logins in a row the ERP refused.
    pub refusals: i64,
    /// The ERP's words of the last refusal.
    pub refusal: Option<String>,
}

/// A [`SessionStore`] for tests and `erp-bridge check`: forgets everything at exit.
#[derive(Debug, Default)]
pub struct MemorySessions {
    stored: std::sync::Mutex<Option<StoredSession>>,
}

impl SessionStore for MemorySessions {
    fn load(&self) -> BoxFuture<'_, Option<StoredSession>> {
        let stored = self.stored.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        Box::pin(std::future::ready(stored))
    }

    fn save(&self, session: StoredSession) -> BoxFuture<'_, ()> {
        *self.stored.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(session);
        Box::pin(std::future::ready(()))
    }
}

/// What a login tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginInfo {
    /// The account's name.
    pub username: String,
    /// The ERP's version, if this process logged in itself and was told.
    pub app_version: Option<String>,
    /// When the session was obtained.
    pub obtained_at: Millis,
}
