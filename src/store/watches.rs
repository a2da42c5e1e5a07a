//! Who of the replicas watches over the alerts, and what has been told already.

use std::time::Duration;

use super::{NewMessage, Store, StoreError, db::args, dialect::Dialect, outbox};

const NAME: &str = "alerts";

impl Store {
    /// Takes or keeps the watch for `span`; answers what was told so far, or `None` while another replica has it.
    pub async fn take_watch(&self, holder: &str, span: Duration) -> Result<Option<String>, StoreError> {
        let now = self.clock.now();
        // A SQLite ledger is one process's: an earlier one watches no more.
        let alone = i64::from(self.db.dialect() == Dialect::Sqlite);
        let sql = "insert into watches (name, holder, held_until, state) values ($1, $2, $3, '')
            on conflict (name) do update set holder = excluded.holder, held_until = excluded.held_until
              where watches.holder = excluded.holder or watches.held_until <= $4 or watches.held_until > $5 or $6 = 1
            returning state";
        let mut tx = self.db.begin().await?;
        // A moment further ahead than any watch is from before the clock was set back.
        let args = args![NAME, holder, now.plus(span), now, now.plus(span * 2), alone];
        let row = tx.fetch_first(sql, args).await?;
        tx.commit().await?;
        row.map(|row| row.text("state")).transpose()
    }

    /// Lets another replica watch at once.
    pub async fn release_watch(&self, holder: &str) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute("update watches set held_until = 0 where name = $1 and holder = $2", args![NAME, holder]).await?;
        tx.commit().await
    }

    /// Writes down what is told from now on, together with the messages that tell it.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] if another replica has the watch; nothing is written.
    pub async fn keep_watch(&self, holder: &str, state: &str, messages: Vec<NewMessage>) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        let kept = "update watches set state = $3 where name = $1 and holder = $2";
        if tx.execute(kept, args![NAME, holder, state]).await? == 0 {
            return Err(StoreError::LeaseLost);
        }
        outbox::write(&mut tx, messages, self.clock.now()).await?;
        tx.commit().await?;
        self.announcer.wake_outbox();
        Ok(())
    }
}
