//! The ERP session in the ledger: shared by replicas, kept over restarts.

use futures::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    clock::Millis,
    erp::{REFUSALS_MAX, SessionStore, StoredSession},
    store::{ErpSession, Store},
};

/// The ERP session in the ledger: shared by replicas, kept over restarts.
pub(super) struct LedgerSessions(pub(super) Store);

impl SessionStore for LedgerSessions {
    fn load<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Option<StoredSession>> {
        Box::pin(async move {
            match self.0.erp_session(account).await {
                Ok(session) => session.map(|session| StoredSession {
                    account: session.account,
                    token: session.token.map(SecretString::from),
                    obtained_at: session.obtained_at,
                    refusals: session.refusals,
                    refusal: session.refusal,
                }),
                Err(error) => {
                    tracing::warn!(%error, "the stored ERP session could not be read");
                    None
                }
            }
        })
    }

    fn save(&self, session: StoredSession) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let session = ErpSession {
                account: session.account,
                token: session.token.map(|token| token.expose_secret().to_owned()),
                obtained_at: session.obtained_at,
                refusals: session.refusals,
                refusal: session.refusal,
            };
            if let Err(error) = self.0.save_erp_session(&session).await {
                tracing::warn!(%error, "the ERP session could not be stored; a restart will log in anew");
            }
        })
    }

    fn refuse<'a>(&'a self, account: &'a str, words: &'a str, at: Millis) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let counted = self.0.count_refused_login(account, words, at).await;
            if let Err(error) = &counted {
                tracing::error!(%error, "a refused login could not be counted; other replicas do not know of it");
            }
            counted.is_ok()
        })
    }

    fn resume<'a>(&'a self, account: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Err(error) = self.0.resume_login(account).await {
                tracing::error!(%error, "the ledger still holds the refused logins; resume once more");
            }
        })
    }

    fn take_login<'a>(&'a self, account: &'a str, now: Millis, until: Millis) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            self.0.take_login(account, REFUSALS_MAX, now, until).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "the ledger cannot say who logs in; waiting");
                false
            })
        })
    }

    fn give_login_back<'a>(&'a self, account: &'a str, until: Millis) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Err(error) = self.0.give_login_back(account, until).await {
                tracing::warn!(%error, "the login could not be given back; others wait until it runs out");
            }
        })
    }
}
