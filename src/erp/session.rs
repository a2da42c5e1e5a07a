//! The session (`erp-wire.md §2`): one login at a time over all replicas, shared by all calls through the
//! [`SessionStore`]. Refused logins are counted there and hardly repeated: three wrong passwords lock the account.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::{ErpError, classify::LoginOutcome, error::NO_SESSION};
use crate::{
    clock::{Clock, Millis},
    config::ErpConfig,
};

/// How many refusals in a row, over all restarts and replicas, end all attempts. The ERP itself locks after three.
pub const REFUSALS_MAX: i64 = 2;

/// A session that was good this long ago still proves that a failure is not an expiry.
const PROOF_MAX_AGE: Duration = Duration::from_secs(60);

/// If the sessions of two logins in a row are lost before they were ever good (another program uses the account), the
/// next login waits this long.
const FRUITLESS_LOGIN_PAUSE: Duration = Duration::from_secs(30);

/// How often a process looks whether the login of another one has ended.
const OTHERS_LOGIN_LOOK: Duration = Duration::from_millis(100);

/// What a login's lease lasts longer than the login can, for clocks of replicas that differ a little.
const LEASE_MARGIN: Duration = Duration::from_secs(2);

/// See [`FRUITLESS_LOGIN_PAUSE`].
const FRUITLESS_LOGINS_MAX: u32 = 2;

/// Where the session survives a restart, shared by all replicas. Failures are the store's to log.
pub trait SessionStore: Send + Sync {
    /// What is known of this account; `None` if nothing is or it cannot be read.
    fn load<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Option<StoredSession>>;
    /// Replaces what is stored: the ERP let somebody in.
    fn save(&self, session: StoredSession) -> BoxFuture<'_, ()>;
    /// Counts one more refused login, in one statement: replicas must not overwrite each other's. Answers whether it
    /// was counted.
    fn refuse<'a>(&'a self, account: &'a str, words: &'a str, at: Millis) -> BoxFuture<'a, bool>;
    /// Forgets the refusals: an operator says that the credentials are right again.
    fn resume<'a>(&'a self, account: &'a str) -> BoxFuture<'a, ()>;
    /// Takes the login for one process until a moment; `false` if another one has it at `now`, if [`REFUSALS_MAX`]
    /// logins were refused, or if nobody can tell.
    fn take_login<'a>(&'a self, account: &'a str, now: Millis, until: Millis) -> BoxFuture<'a, bool>;
    /// Gives back the login that was taken until this moment.
    fn give_login_back<'a>(&'a self, account: &'a str, until: Millis) -> BoxFuture<'a, ()>;
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

/// With what an account logs in.
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) password: SecretString,
    pub(super) serial: String,
}

/// Keeps the session of one account.
pub(super) struct Sessions {
    clock: Clock,
    store: Arc<dyn SessionStore>,
    credentials: Credentials,
    account: String,
    max_age: Duration,
    /// How long one call can take.
    timeout: Duration,
    state: Mutex<State>,
    /// Held while a session is renewed: one login at a time.
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    session: Option<Session>,
    /// When the present session last got a good answer.
    good_at: Option<Millis>,
    /// Whether a login without a session ever got one.
    was_good: bool,
    /// The last session that the ERP did not know any more: the store may still name it.
    dead: Option<Arc<str>>,
    /// The last login of this process: when, and which session.
    login: Option<(Millis, Arc<str>)>,
    /// How many logins of this process in a row brought a session that was never good for a call.
    fruitless_logins: u32,
    refusal: Option<String>,
    /// The refusal is not in the store yet: until it is, other replicas do not know, and no login is sent from here.
    uncounted: bool,
    app_version: Option<String>,
}

impl Sessions {
    pub(super) fn new(config: &ErpConfig, clock: Clock, store: Arc<dyn SessionStore>) -> Self {
        Self {
            clock,
            store,
            credentials: Credentials {
                username: config.username.clone(),
                password: config.password.clone(),
                serial: config.serial.clone(),
            },
            account: fingerprint(config),
            max_age: config.session_max_age,
            timeout: config.timeout,
            state: Mutex::default(),
            renewing: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Whether both are of one account.
    pub(super) fn is_of_the_account_of(&self, other: &Self) -> bool {
        self.account == other.account
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

    /// The ERP's words, while nobody was let in since a login was refused: by this process, by another one, or by an earlier
    /// one.
    pub(super) async fn last_refusal(&self) -> Option<String> {
        match self.refusal() {
            Some(words) => Some(words),
            None => self.store.load(&self.account).await.filter(|stored| stored.refusals > 0)?.refusal,
        }
    }

    /// The ERP's version, as the last login told it.
    pub(super) fn app_version(&self) -> Option<String> {
        self.lock().app_version.clone()
    }

    /// Knows from the start what an earlier process, or another one, left in the store; sends nothing.
    pub(super) async fn recall(&self) {
        let _one_at_a_time = self.renewing.lock().await;
        if let Err(error) = self.adopt().await {
            tracing::error!(%error, "the ERP refused the login before; dispatch stops until that is put right");
        }
    }

    /// A session that is not `expired`: the present one, one that another replica obtained, or that of a new login.
    /// `log_in` must not send the login at its moment or later. Has to run to its end once it was begun: a refusal that
    /// is not counted would be repeated.
    pub(super) async fn obtain<F, L>(&self, expired: Option<&Session>, log_in: F) -> Result<Session, ErpError>
    where
        F: FnOnce(Millis) -> L,
        L: Future<Output = LoginOutcome> + Send,
    {
        let _one_at_a_time = self.renewing.lock().await;
        if let Some(session) = self.unlike(expired) {
            return Ok(session);
        }
        self.bury(expired);
        if expired.is_some_and(|expired| expired.token.is_empty()) && self.is_missed() {
            return Err(self.refused(NO_SESSION.to_owned()).await);
        }
        let patience = tokio::time::Instant::now() + self.lease();
        let (send_before, until) = loop {
            if let Some(session) = self.adopt().await? {
                return Ok(session);
            }
            if self.logins_are_fruitless() {
                return Err(ErpError::SessionExpired);
            }
            let now = self.clock.now();
            let until = now.plus(self.lease());
            if self.store.take_login(&self.account, now, until).await {
                break (now.plus(self.timeout), until);
            }
            if tokio::time::Instant::now() >= patience {
                return Err(ErpError::NotDelivered("another process has the login, and does not end it".into()));
            }
            tokio::time::sleep(OTHERS_LOGIN_LOOK).await;
        };
        // Once more: whoever had the login just before may have been let in, or refused.
        let session = match self.adopt().await {
            Ok(None) => match log_in(send_before).await {
                LoginOutcome::In { token, app_version } => Ok(self.logged_in(&token, app_version).await),
                LoginOutcome::Refused(text) => Err(self.refused(text).await),
                LoginOutcome::Failed(error) => Err(error),
            },
            Ok(Some(session)) => Ok(session),
            Err(error) => Err(error),
        };
        self.store.give_login_back(&self.account, until).await;
        session
    }

    /// A login may wait for a place as long as it may take itself.
    fn lease(&self) -> Duration {
        self.timeout.saturating_mul(2).saturating_add(LEASE_MARGIN)
    }

    /// Notes that the ERP knew this session just now.
    pub(super) fn proved_good(&self, session: &Session) {
        let mut state = self.lock();
        state.was_good |= session.token.is_empty();
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

    /// An operator says that the credentials are right again.
    pub(super) async fn resume(&self) {
        {
            let mut state = self.lock();
            state.refusal = None;
            state.uncounted = false;
            state.login = None;
            state.fruitless_logins = 0;
        }
        self.store.resume(&self.account).await;
    }

    /// The present session, if it is another one than `expired`.
    pub(super) fn unlike(&self, expired: Option<&Session>) -> Option<Session> {
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
        self.count_late().await?;
        let stored = self.store.load(&self.account).await;
        let now = self.clock.now();
        let mut state = self.lock();
        if let Some(stored) = stored {
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

    /// Whether calls demand the session that the logins do not give: none was ever good without one.
    fn is_missed(&self) -> bool {
        let state = self.lock();
        state.refusal.is_none() && !state.was_good && state.fruitless_logins >= FRUITLESS_LOGINS_MAX
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
            state.refusal = None;
            state.app_version = app_version;
        }
        let account = self.account.clone();
        let (token, refusals, refusal) = (Some(token.clone()), 0, None);
        self.store.save(StoredSession { account, token, obtained_at: now, refusals, refusal }).await;
        session
    }

    async fn refused(&self, text: String) -> ErpError {
        self.lock().refusal = Some(text.clone());
        tracing::error!(erp.refusal = %text, "the ERP refuses the login; dispatch stops until that is put right");
        let counted = self.store.refuse(&self.account, &text, self.clock.now()).await;
        self.lock().uncounted = !counted;
        ErpError::LoginRefused(text)
    }

    /// Counts a refusal that the store could not take when it came.
    async fn count_late(&self) -> Result<(), ErpError> {
        let text = {
            let state = self.lock();
            state.refusal.clone().filter(|_| state.uncounted)
        };
        let Some(text) = text else { return Ok(()) };
        if !self.store.refuse(&self.account, &text, self.clock.now()).await {
            return Err(ErpError::LoginRefused(text));
        }
        self.lock().uncounted = false;
        Ok(())
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
    for part in [config.base_url.as_str(), &config.username, config.password.expose_secret(), &config.serial] {
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut digest = hash.finalize();
    for _ in 0..ROUNDS {
        digest = Sha256::digest(digest);
    }
    hex::encode(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_account_changes_its_fingerprint() {
        let base = ErpConfig {
            base_url: "http://erp.test".parse().unwrap(),
            username: "a".into(),
            serial: "s".into(),
            ..ErpConfig::default()
        };
        let others = [
            ErpConfig { base_url: "http://erp2.test".parse().unwrap(), ..base.clone() },
            ErpConfig { username: "b".into(), ..base.clone() },
            ErpConfig { password: "p".to_owned().into(), ..base.clone() },
            ErpConfig { serial: "as".into(), username: String::new(), ..base.clone() },
        ];
        let print = fingerprint(&base);
        assert_eq!(print.len(), 64);
        assert_eq!(
            print,
            fingerprint(&ErpConfig {
                base_url: "http://erp.test/".parse().unwrap(),
                timeout: Duration::ZERO,
                ..base.clone()
            })
        );
        for other in others {
            assert_ne!(print, fingerprint(&other));
        }
    }
}
