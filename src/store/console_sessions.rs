//! Who is signed in to the console. The ledger holds hashes: of the cookie, and of the token that it stands for.

use super::{Actor, Store, StoreError, audit::write_audit, db::args};
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
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        tx.execute("delete from console_sessions where until <= $1", args![now]).await?;
        let insert = "insert into console_sessions (session, token, until) values ($1, $2, $3)";
        tx.execute(insert, args![session, hex::encode(token), until]).await?;
        write_audit(&mut tx, now, actor, "console.sign_in", "console", None).await?;
        tx.commit().await
    }

    /// The hash of the token that a session stands for; `None` if there is no such session, or none any more.
    pub async fn console_session(&self, session: &str) -> Result<Option<[u8; 32]>, StoreError> {
        let sql = "select token from console_sessions where session = $1 and until > $2";
        let rows = self.db.read(sql, args![session, self.clock.now()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let mut token = [0; 32];
        Ok(hex::decode_to_slice(row.text("token")?, &mut token).is_ok().then_some(token))
    }

    /// Ends a session.
    pub async fn end_console_session(&self, session: &str) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute("delete from console_sessions where session = $1", args![session]).await?;
        tx.commit().await
    }
}
