//! Who is signed in to the console. The ledger holds hashes: of the cookie, and of the token that it stands for.

use super::{
    Actor, Store, StoreError,
    audit::write_audit,
    db::{Row, args},
};
use crate::clock::Millis;

impl Store {
    /// Begins a session of the token with this hash; audited as `console.sign_in`. Sessions that are over go with it.
    pub async fn begin_console_session(
        &self,
        session: &str,
        token: [u8; 32],
        until: Millis,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        self.keep_console_session(session, token, until, actor, "console.sign_in").await
    }

    /// Keeps a link that begins a session of the token with this hash, once and until then; audited as `console.offer`.
    pub async fn offer_console_session(
        &self,
        link: &str,
        token: [u8; 32],
        until: Millis,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        self.keep_console_session(link, token, until, actor, "console.offer").await
    }

    async fn keep_console_session(
        &self,
        name: &str,
        token: [u8; 32],
        until: Millis,
        actor: &Actor,
        deed: &str,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        tx.execute("delete from console_sessions where until <= $1", args![now]).await?;
        let insert = "insert into console_sessions (session, token, until) values ($1, $2, $3)";
        tx.execute(insert, args![name, hex::encode(token), until]).await?;
        write_audit(&mut tx, now, actor, deed, "console", None).await?;
        tx.commit().await
    }

    /// Takes a link, which is used up by it: the hash of its token; `None` if there is no such link, or none any more.
    pub async fn take_console_link(&self, link: &str) -> Result<Option<[u8; 32]>, StoreError> {
        // Whoever guesses must not take the place of those who write.
        if self.console_session(link).await?.is_none() {
            return Ok(None);
        }
        let mut tx = self.db.begin().await?;
        let sql = "delete from console_sessions where session = $1 and until > $2 returning token";
        let rows = tx.fetch(sql, args![link, self.clock.now()]).await?;
        tx.commit().await?;
        rows.first().map_or(Ok(None), token_of)
    }

    /// The hash of the token that a session stands for; `None` if there is no such session, or none any more.
    pub async fn console_session(&self, session: &str) -> Result<Option<[u8; 32]>, StoreError> {
        let sql = "select token from console_sessions where session = $1 and until > $2";
        let rows = self.db.read(sql, args![session, self.clock.now()]).await?;
        rows.first().map_or(Ok(None), token_of)
    }

    /// Ends a session.
    pub async fn end_console_session(&self, session: &str) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute("delete from console_sessions where session = $1", args![session]).await?;
        tx.commit().await
    }
}

fn token_of(row: &Row) -> Result<Option<[u8; 32]>, StoreError> {
    let mut token = [0; 32];
    Ok(hex::decode_to_slice(row.text("token")?, &mut token).is_ok().then_some(token))
}
