//! What the ledger remembers of the ERP itself: the shared session, refused logins, whose turn an assignment is.

use super::{Store, StoreError, db::args};
use crate::clock::Millis;

/// The ERP session of an account, shared by all workers and replicas and kept over restarts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErpSession {
    /// Fingerprint of address and credentials: other credentials are another account.
    pub account: String,
    /// The session, while one is believed to be valid. A secret.
    pub token: Option<String>,
    /// When it was obtained, or when the login was last refused.
    pub obtained_at: Millis,
    /// Logins refused since the last one that worked.
    pub refusals: i64,
    /// The ERP's words at the last refusal.
    pub refusal: Option<String>,
}

impl Store {
    /// The stored session of an account.
    pub async fn erp_session(&self, account: &str) -> Result<Option<ErpSession>, StoreError> {
        let rows = self.db.read("select * from erp_sessions where account = $1", args![account]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(ErpSession {
            account: row.text("account")?,
            token: row.opt_text("token")?,
            obtained_at: row.millis("obtained_at")?,
            refusals: row.int("refusals")?,
            refusal: row.opt_text("refusal")?,
        }))
    }

    /// Remembers a session or a refusal.
    pub async fn save_erp_session(&self, session: &ErpSession) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute(
            "insert into erp_sessions (account, token, obtained_at, refusals, refusal) values ($1, $2, $3, $4, $5)
             on conflict (account) do update set token = excluded.token, obtained_at = excluded.obtained_at,
               refusals = excluded.refusals, refusal = excluded.refusal",
            args![
                session.account.as_str(),
                session.token.clone(),
                session.obtained_at,
                session.refusals,
                session.refusal.clone()
            ],
        )
        .await?;
        tx.commit().await
    }

    /// Takes the next number of a rotation: 0, 1, 2 … over restarts and replicas.
    pub async fn next_in_rotation(&self, name: &str) -> Result<i64, StoreError> {
        let mut tx = self.db.begin().await?;
        let sql = "insert into rotations (name, next) values ($1, 1)
                   on conflict (name) do update set next = rotations.next + 1 returning next";
        let next = tx.fetch_first(sql, args![name]).await?.map_or(Ok(1), |row| row.int("next"))?;
        tx.commit().await?;
        Ok(next - 1)
    }

    /// The number that [`Store::next_in_rotation`] would take; for previews.
    pub async fn peek_rotation(&self, name: &str) -> Result<i64, StoreError> {
        let rows = self.db.read("select next from rotations where name = $1", args![name]).await?;
        rows.first().map_or(Ok(0), |row| row.int("next"))
    }
}
