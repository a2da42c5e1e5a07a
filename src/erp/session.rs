//! The session (`erp-wire.md §2`): one login at a time, shared by all calls and, through the [`SessionStore`], by all
//! replicas. A refused login is remembered and not repeated: three wrong passwords lock the account.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::{ErpError, classify::LoginOutcome};
use crate::{
    clock::{Clock, Millis},
    config::ErpConfig,
};

/// How many refusals in a row, over all restarts and replicas, end all attempts. The ERP itself locks after three.
const REFUSALS_MAX: i64 = 2;

/// A session that was good this long ago still proves that a failure is not an expiry.
const PROOF_MAX_AGE: Duration = Duration::from_secs(60);

/// If the sessions of two logins in a row are lost before they were ever good (another program uses the account), the
/// next login waits this long.
const FRUITLESS_LOGIN_PAUSE: Duration = Duration::from_secs(30);

/// See [`FRUITLESS_LOGIN_PAUSE`].
const FRUITLESS_LOGINS_MAX: u32 = 2;

/// Where the session survives a restart, shared by all replicas.
pub trait SessionStore: Send + Sync {
    /// What was saved last of this account; `None` if nothing was or it cannot be read.
    fn load<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Option<StoredSession>>;
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
    stored: Mutex<Option<StoredSession>>,
}

impl MemorySessions {
    /// What was saved last.
    #[cfg(test)]
    pub(super) fn last(&self) -> Option<StoredSession> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl SessionStore for MemorySessions {
    fn load<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Option<StoredSession>> {
        let stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let stored = stored.filter(|stored| stored.account == account);
        Box::pin(std::future::ready(stored))
    }

    fn save(&self, session: StoredSession) -> BoxFuture<'_, ()> {
        *self.stored.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
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

/// A session to call with.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) token: Arc<str>,
    /// Taken from the store rather than obtained by a login of this process: it may have expired unnoticed.
    pub(super) adopted: bool,
    pub(super) obtained_at: Millis,
}

/// Keeps the session of one account.
pub(super) struct Sessions {
    clock: Clock,
    store: Arc<dyn SessionStore>,
    account: String,
    max_age: Duration,
    state: Mutex<State>,
    /// Held while a session is renewed: one login at a time.
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    session: Option<Session>,
    /// When the present session last got a good answer.
    good_at: Option<Millis>,
    /// The last session that the ERP did not know any more: the store may still name it.
    dead: Option<Arc<str>>,
    /// The last login of this process: when, and which session.
    login: Option<(Millis, Arc<str>)>,
    /// How many logins of this process in a row brought a session that was never good for a call.
    fruitless_logins: u32,
    refusals: i64,
    refusal: Option<String>,
    app_version: Option<String>,
}

impl Sessions {
    pub(super) fn new(config: &ErpConfig, clock: Clock, store: Arc<dyn SessionStore>) -> Self {
        Self {
            clock,
            store,
            account: fingerprint(config),
            max_age: config.session_max_age,
            state: Mutex::default(),
            renewing: tokio::sync::Mutex::default(),
        }
    }

    /// The present session, if it is not too old.
    pub(super) fn current(&self) -> Option<Session> {
        let now = self.clock.now();
        self.lock().session.clone().filter(|session| session.obtained_at.plus(self.max_age) > now)
    }

    /// The ERP's words, while it refuses the login.
    pub(super) fn refusal(&self) -> Option<String> {
        self.lock().refusal.clone()
    }

    /// The ERP's version, as the last login told it.
    pub(super) fn app_version(&self) -> Option<String> {
        self.lock().app_version.clone()
    }

    /// A session that is not `expired`: the present one, one that another replica obtained, or that of a new login.
    pub(super) async fn obtain<F, L>(&self, expired: Option<&Session>, log_in: F) -> Result<Session, ErpError>
    where
        F: FnOnce() -> L,
        L: Future<Output = LoginOutcome> + Send,
    {
        if let Some(session) = self.unlike(expired) {
            return Ok(session);
        }
        let _one_at_a_time = self.renewing.lock().await;
        if let Some(session) = self.unlike(expired) {
            return Ok(session);
        }
        self.bury(expired);
        if let Some(session) = self.adopt().await? {
            return Ok(session);
        }
        if self.logins_are_fruitless() {
            return Err(ErpError::SessionExpired);
        }
        match log_in().await {
            LoginOutcome::In { token, app_version } => Ok(self.logged_in(&token, app_version).await),
            LoginOutcome::Refused(text) => Err(self.refused(text).await),
            LoginOutcome::Failed(error) => Err(error),
        }
    }

    /// Notes that the ERP knew this session just now.
    pub(super) fn proved_good(&self, session: &Session) {
        let mut state = self.lock();
        if state.session.as_ref().is_some_and(|present| present.token == session.token) {
            state.good_at = Some(self.clock.now());
            state.fruitless_logins = 0;
        }
    }

    /// Whether the ERP knew this session within the last minute.
    pub(super) fn is_proven(&self, session: &Session) -> bool {
        let state = self.lock();
        state.session.as_ref().is_some_and(|present| present.token == session.token)
            && state.good_at.is_some_and(|good_at| self.clock.now().since(good_at) <= PROOF_MAX_AGE)
    }

    /// Forgets a session that was logged out.
    pub(super) async fn forget(&self, session: &Session) {
        self.bury(Some(session));
        self.lock().login = None;
        self.save().await;
    }

    /// An operator says that the credentials are right again.
    pub(super) async fn resume(&self) {
        {
            let mut state = self.lock();
            state.refusals = 0;
            state.refusal = None;
            state.login = None;
        }
        self.save().await;
    }

    fn unlike(&self, expired: Option<&Session>) -> Option<Session> {
        self.current().filter(|session| expired.is_none_or(|expired| expired.token != session.token))
    }

    fn bury(&self, expired: Option<&Session>) {
        let mut state = self.lock();
        if let Some(expired) = expired {
            state.dead = Some(Arc::clone(&expired.token));
        }
        state.session = None;
        state.good_at = None;
    }

    /// Takes over what another replica, or this one before a restart, left in the store: a session, or the knowledge
    /// that the ERP refuses the login.
    async fn adopt(&self) -> Result<Option<Session>, ErpError> {
        let stored = self.store.load(&self.account).await;
        let now = self.clock.now();
        let mut state = self.lock();
        if let Some(stored) = stored {
            state.refusals = stored.refusals;
            if stored.refusals >= REFUSALS_MAX {
                state.refusal = Some(stored.refusal.unwrap_or_else(|| "the ERP gave no reason".into()));
            } else if stored.refusals == 0 {
                state.refusal = None;
            }
            let token = stored.token.map(|token| Arc::<str>::from(token.expose_secret()));
            let alive = token.filter(|token| state.dead.as_ref() != Some(token));
            let young = alive.filter(|_| stored.obtained_at.plus(self.max_age) > now);
            if let Some(token) = young.filter(|_| state.refusal.is_none()) {
                let session = Session { token, adopted: true, obtained_at: stored.obtained_at };
                state.session = Some(session.clone());
                return Ok(Some(session));
            }
        }
        state.refusal.clone().map_or(Ok(None), |text| Err(ErpError::LoginRefused(text)))
    }

    fn logins_are_fruitless(&self) -> bool {
        let state = self.lock();
        let lost = state.login.as_ref().filter(|(_, token)| state.dead.as_ref() == Some(token));
        let lost = lost.filter(|_| state.fruitless_logins >= FRUITLESS_LOGINS_MAX);
        lost.is_some_and(|(at, _)| self.clock.now().since(*at) < FRUITLESS_LOGIN_PAUSE)
    }

    async fn logged_in(&self, token: &SecretString, app_version: Option<String>) -> Session {
        let now = self.clock.now();
        let session = Session { token: token.expose_secret().into(), adopted: false, obtained_at: now };
        {
            let mut state = self.lock();
            state.session = Some(session.clone());
            state.good_at = Some(now);
            state.login = Some((now, Arc::clone(&session.token)));
            state.fruitless_logins = state.fruitless_logins.saturating_add(1);
            state.refusals = 0;
            state.refusal = None;
            state.app_version = app_version;
        }
        self.save().await;
        session
    }

    async fn refused(&self, text: String) -> ErpError {
        {
            let mut state = self.lock();
            state.refusals = state.refusals.saturating_add(1);
            state.refusal = Some(text.clone());
        }
        tracing::error!(erp.refusal = %text, "the ERP refuses the login; dispatch stops until the credentials are right");
        self.save().await;
        ErpError::LoginRefused(text)
    }

    async fn save(&self) {
        let stored = {
            let state = self.lock();
            StoredSession {
                account: self.account.clone(),
                token: state.session.as_ref().map(|session| SecretString::from(&*session.token)),
                obtained_at: state.session.as_ref().map_or_else(|| self.clock.now(), |session| session.obtained_at),
                refusals: state.refusals,
                refusal: state.refusal.clone(),
            }
        };
        self.store.save(stored).await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells one configuration of the account from another without giving the password away: it lies in the database, so
/// guessing must cost something (rounds), and tables made for other programs must not help (domain).
fn fingerprint(config: &ErpConfig) -> String {
    const ROUNDS: u32 = 10_000;
    let mut hash = Sha256::new_with_prefix(b"erp-bridge ERP account fingerprint v1");
    let base_url = config.base_url.trim_end_matches('/');
    for part in [base_url, &config.username, config.password.expose_secret(), &config.serial] {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut digest = hash.finalize();
    for _ in 0..ROUNDS {
        digest = Sha256::digest(digest);
    }
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_account_changes_its_fingerprint() {
        let base = ErpConfig {
            base_url: "http://erp.test".into(),
            username: "a".into(),
            serial: "s".into(),
            ..ErpConfig::default()
        };
        let others = [
            ErpConfig { base_url: "http://erp2.test".into(), ..base.clone() },
            ErpConfig { username: "b".into(), ..base.clone() },
            ErpConfig { password: "p".to_owned().into(), ..base.clone() },
            ErpConfig { serial: "as".into(), username: String::new(), ..base.clone() },
        ];
        let print = fingerprint(&base);
        assert_eq!(print.len(), 64);
        assert_eq!(
            print,
            fingerprint(&ErpConfig { base_url: "http://erp.test/".into(), timeout: Duration::ZERO, ..base.clone() })
        );
        for other in others {
            assert_ne!(print, fingerprint(&other));
        }
    }
}
