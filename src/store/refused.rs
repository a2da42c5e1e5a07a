//! What of the outbox was sent, and taken by nobody.

use super::{Addressee, Store, StoreError, db::args};
use crate::clock::Millis;

/// Messages that were sent, and that nobody took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refused {
    /// Those that are tried again.
    pub waiting: i64,
    /// Those that nobody tries to deliver any more.
    pub dead: i64,
    /// When the oldest of both was written.
    pub since: Option<Millis>,
    /// What came of the last try of the newest; no secret.
    pub words: Option<String>,
}

impl Store {
    /// What an addressee did not take so far.
    pub(super) async fn refused_messages(&self, to: Addressee) -> Result<Refused, StoreError> {
        // Two halves, each of which has its index.
        let sql = "select count(*) as count, min(created_at) as since, max(seq) as newest from outbox
            where target = $1 and error is not null and dead_at is";
        let (mut refused, mut newest) = (Refused::default(), None);
        for (count, half) in [(&mut refused.waiting, "null"), (&mut refused.dead, "not null")] {
            let rows = self.db.read(format!("{sql} {half}"), args![to.as_str()]).await?;
            let Some(row) = rows.first() else { continue };
            *count = row.int("count")?;
            let since = row.opt_millis("since")?;
            refused.since = refused.since.into_iter().chain(since).min();
            newest = newest.max(row.opt_int("newest")?);
        }
        if let Some(seq) = newest {
            let rows = self.db.read("select error from outbox where seq = $1", args![seq]).await?;
            refused.words = rows.first().map_or(Ok(None), |row| row.opt_text("error"))?;
        }
        Ok(refused)
    }
}
