//! Logging in, and as whom: the account of the configuration, its session, and what became of the last try.

use std::sync::{Arc, PoisonError};

use secrecy::ExposeSecret;
use tracing::Instrument;

use super::{
    ErpError, Field, LoginInfo,
    classify::{LoginOutcome, judge_login},
    client::{Erp, one_row},
    envelope::asp_body,
    interface::{CUSTOMER_LIST, Interface, SOURCES},
    session::{Credentials, Session, Sessions},
    summary,
};
use crate::{clock::Millis, config::ErpConfig};

/// 登录, the one interface whose path is configuration: `user`, `password`, `serialnum` (each behind `txt:`, the last
/// 1 to 40 letters, digits, `_` and `-`) and an empty `rndcode`. Answers `header.session`; anything else is a refusal. Source:
/// `erp-wire.md §2`.
const LOG_IN: Interface = Interface::command("登录", "session.login", "", None);

impl Erp {
    /// Takes user name, password and serial number of a newly read configuration. They are another account, with attempts
    /// of its own; whatever is under way ends with the old one. The same account keeps its session, or its refusal.
    pub fn change_account(&self, config: &ErpConfig) {
        let account = ErpConfig {
            username: config.username.clone(),
            password: config.password.clone(),
            serial: config.serial.clone(),
            ..self.shared.config.clone()
        };
        let store = Arc::clone(&self.shared.session_store);
        let changed = Sessions::new(&account, self.shared.clock.clone(), store);
        if !changed.is_of_the_account_of(&self.sessions()) {
            *self.shared.sessions.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(changed);
        }
    }

    /// When the present session was obtained; changes when another one takes its place.
    pub(crate) fn session_mark(&self) -> Option<Millis> {
        self.sessions().current().map(|session| session.obtained_at)
    }

    pub(super) fn sessions(&self) -> Arc<Sessions> {
        Arc::clone(&self.shared.sessions.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The ERP's words, while dispatch must stop because it refuses the login.
    pub fn login_refusal(&self) -> Option<String> {
        self.sessions().refusal()
    }

    /// With which name the bridge logs in.
    pub fn username(&self) -> String {
        self.sessions().credentials().username.clone()
    }

    /// The ERP's words, while nobody was let in since it refused a login: of this process, of another one, or before a
    /// restart.
    pub async fn last_refusal(&self) -> Option<String> {
        self.sessions().last_refusal().await
    }

    /// Takes over from the [`SessionStore`](super::SessionStore) what is known of the login; sends nothing.
    pub async fn recall_login(&self) {
        self.sessions().recall().await;
    }

    /// Logs in if there is no valid session, else asks one cheap question (客户来源). While the login is refused it sends
    /// nothing, but looks into the [`SessionStore`](super::SessionStore) whether another replica was let in again.
    ///
    /// # Errors
    ///
    /// [`ErpError::LoginRefused`], a delivery failure, or [`ErpError::SessionExpired`].
    pub async fn check_login(&self) -> Result<LoginInfo, ErpError> {
        let before = self.sessions().current();
        let session = self.session(None).await?;
        let fresh = !session.adopted && before.is_none_or(|before| before.token != session.token);
        if !fresh {
            match self.call(&SOURCES, &[]).await {
                // An account without this right is logged in all the same.
                Ok(_) => {}
                Err(error) if error.denies_interface() => {}
                // An ERP that answers what nobody can read here may answer well elsewhere.
                Err(ErpError::OutcomeUnknown { answered: true, .. }) => {
                    drop(self.call(&CUSTOMER_LIST, &one_row()).await?)
                }
                Err(error) => return Err(error),
            }
        }
        let obtained_at = self.sessions().current().map_or(session.obtained_at, |session| session.obtained_at);
        let app_version = self.sessions().app_version();
        Ok(LoginInfo { username: self.sessions().credentials().username.clone(), app_version, obtained_at })
    }

    /// An operator says that the credentials are right again: forget the refusal, in the store as well.
    pub async fn resume_login(&self) {
        self.sessions().resume().await;
    }

    /// The present session, or another one than that which has expired.
    pub(super) async fn session(&self, expired: Option<&Session>) -> Result<Session, ErpError> {
        let sessions = self.sessions();
        if let Some(session) = sessions.unlike(expired) {
            return Ok(session);
        }
        let (this, expired) = (self.clone(), expired.cloned());
        // A task of its own: a caller who goes away must not take a login with him whose refusal was not counted yet.
        let renewal = async move {
            let log_in = |send_before| this.log_in(sessions.credentials(), send_before);
            sessions.obtain(expired.as_ref(), log_in).await
        };
        tokio::spawn(renewal.in_current_span())
            .await
            .unwrap_or_else(|_| Err(ErpError::NotDelivered("the login was broken off".into())))
    }

    async fn log_in(&self, credentials: &Credentials, send_before: Millis) -> LoginOutcome {
        if let Some(fault) = self.log.as_ref().and_then(|log| log.known_fault(&LOG_IN)) {
            return LoginOutcome::Failed(ErpError::Installation(fault));
        }
        let shared = &self.shared;
        let text = |id: &'static str, val: &str| Field::new(id, format!("txt:{val}"));
        let fields = [
            text("user", &credentials.username),
            text("password", credentials.password.expose_secret()),
            text("serialnum", &credentials.serial),
            Field::new("rndcode", ""),
        ];
        let body = asp_body(None, None, &fields);
        let sent = self.post(&LOG_IN, &shared.config.login_path, body, None, Some(send_before)).await;
        let outcome = match &sent.answer {
            Ok(answer) => {
                judge_login(&LOG_IN, &shared.config.login_path, answer).without(credentials.password.expose_secret())
            }
            Err(error @ (ErpError::LeaseOver | ErpError::NotDelivered(_))) => LoginOutcome::Failed(error.clone()),
            // Whatever became of the login, the call that needed it was not sent.
            Err(error) => LoginOutcome::Failed(ErpError::NotDelivered(format!("the login: {error}"))),
        };
        let (word, said) = match &outcome {
            LoginOutcome::In { .. } => ("ok", String::new()),
            LoginOutcome::Refused(text) => ("login_refused", text.clone()),
            LoginOutcome::Failed(error) => (error.code(), error.to_string()),
        };
        self.note(&LOG_IN, &sent, word, summary::of_fields(&fields[..1]), said);
        outcome
    }
}
