//! Replicas on one PostgreSQL tell each other which events they moved (`LISTEN`, `NOTIFY`): with the commit that moved
//! them, or not at all. A SQLite ledger is one process's, which has nobody to tell.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt;
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use tokio::time::{interval, timeout};

use super::{
    Change, StoreError,
    announcements::Announcer,
    background::Background,
    db::{Db, Tx},
};
use crate::json;

/// Where replicas hear each other.
const CHANNEL: &str = "erp_bridge_moved";
/// How the line of a replica is called among the sessions of the database.
const LINE: &str = "erp-bridge stream";
/// The server takes payloads of fewer than 8,000 bytes.
const PAYLOAD_BYTES: usize = 7_900;
/// How often a replica says that it is there: who does not even hear itself has lost its line.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Who heard nobody else for so many heartbeats is alone.
const BEATS_ALONE: u32 = 4;
/// How long opening a line, or a heartbeat, may take.
const LIMIT: Duration = Duration::from_secs(10);
/// The pause before a lost line is opened again.
const PAUSE: Duration = Duration::from_secs(1);

/// What one replica tells the others.
#[derive(Debug, Serialize, Deserialize)]
struct Letter {
    /// Whose it is: a replica knows its own already.
    run: String,
    /// What has moved; `None`: more than a letter holds.
    moved: Option<Vec<Change>>,
}

/// Tells the other replicas what this transaction moved, at the moment in which it is committed; one statement, and none
/// while there is no other replica: notifying commits wait for each other.
pub(super) async fn notify(tx: &mut Tx, announcer: &Announcer, moved: &[Change]) -> Result<(), StoreError> {
    if moved.is_empty() || !announcer.has_company() {
        return Ok(());
    }
    let Some((conn, until)) = tx.postgres() else { return Ok(()) };
    let sql = "select count(pg_notify($1, letter)) from unnest($2::text[]) as letters (letter)";
    conn.execute(until, sqlx::query(sql).bind(CHANNEL).bind(letters(announcer.run(), moved))).await.map(drop)
}

/// Changes in as few letters as hold them. A change that no letter holds is told as more than that.
fn letters(run: &str, moved: &[Change]) -> Vec<String> {
    let write = |moved: Option<&[Change]>| {
        let letter = Letter { run: run.to_owned(), moved: moved.map(<[Change]>::to_vec) };
        serde_json::to_string(&letter).unwrap_or_default()
    };
    let whole = write(Some(moved));
    if whole.len() <= PAYLOAD_BYTES {
        return vec![whole];
    }
    if moved.len() < 2 {
        return vec![write(None)];
    }
    let (first, second) = moved.split_at(moved.len() / 2);
    [letters(run, first), letters(run, second)].concat()
}

/// Sets a task to work that hears the other replicas and tells it here, until the ledger is closed.
pub(super) fn listen(db: &Db, announcer: &Announcer, background: &Background) {
    let Db::Postgres { pool, .. } = db else { return };
    let ear = Ear { pool: pool.clone(), announcer: announcer.clone() };
    background.spawn("the ear for other replicas", async move {
        let closed = ear.pool.close_event();
        tokio::pin!(closed);
        tokio::select! {
            () = &mut closed => {}
            () = ear.keep_listening() => {}
        }
    });
}

/// Whose a letter is.
#[derive(Debug, PartialEq, Eq)]
enum Author {
    Itself,
    Another,
}

/// One replica's line for what the others say.
struct Ear {
    pool: PgPool,
    announcer: Announcer,
}

impl Ear {
    /// A fault of the listener stops nothing but the news of others, and that is told.
    async fn keep_listening(&self) {
        while AssertUnwindSafe(self.listen()).catch_unwind().await.is_err() {
            tracing::error!("listening to the other replicas failed; it begins anew");
            self.announcer.note_company(true);
            self.announcer.forget();
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn listen(&self) {
        let mut is_first = true;
        loop {
            match timeout(LIMIT, self.open()).await {
                Ok(Ok(line)) => {
                    // What was said while there was no line, nobody repeats.
                    if !is_first {
                        self.announcer.forget();
                    }
                    self.hear(line, is_first).await;
                    is_first = false;
                    // Who does not hear does not know whether it is alone.
                    self.announcer.note_company(true);
                    tracing::warn!("the line to the other replicas was lost; it is opened again");
                }
                Ok(Err(error)) => tracing::debug!(%error, "no line to the other replicas yet"),
                Err(_) => tracing::debug!("no line to the other replicas in time"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// A line of its own: it must not take a connection from those who write.
    async fn open(&self) -> Result<PgListener, sqlx::Error> {
        let options = PgConnectOptions::clone(&self.pool.connect_options()).application_name(LINE);
        let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let mut line = PgListener::connect_with(&pool.connect_with(options).await?).await?;
        line.eager_reconnect(false);
        line.listen(CHANNEL).await?;
        Ok(line)
    }

    /// Whether another replica has a line, too. Who opens one later says so at once.
    async fn are_others(&self) -> bool {
        let sql = "select count(*) from pg_stat_activity where datname = current_database() and application_name = $1";
        let lines = sqlx::query_scalar::<_, i64>(sql).bind(LINE).fetch_one(&self.pool);
        // One of them is its own. Who cannot tell is not alone.
        !matches!(timeout(LIMIT, lines).await, Ok(Ok(1)))
    }

    /// Tells what is heard here; ends when the line is lost.
    async fn hear(&self, mut line: PgListener, is_first: bool) {
        let mut beat = interval(HEARTBEAT);
        let (mut is_alive, mut beats) = (true, 0);
        let mut beats_alone = if is_first && !self.are_others().await { BEATS_ALONE } else { 0 };
        loop {
            tokio::select! {
                heard = line.try_recv() => match heard {
                    Ok(Some(letter)) => {
                        is_alive = true;
                        if self.read(letter.payload()) == Author::Another {
                            beats_alone = 0;
                            self.announcer.note_company(true);
                        }
                    }
                    Ok(None) | Err(_) => return,
                },
                _ = beat.tick() => {
                    if !std::mem::take(&mut is_alive) {
                        return;
                    }
                    beats += 1;
                    // Others may have believed until the first beat that nobody listens.
                    if beats == 2 && !is_first {
                        self.announcer.forget();
                    }
                    beats_alone += 1;
                    self.announcer.note_company(beats_alone <= BEATS_ALONE);
                    self.heartbeat().await;
                }
            }
        }
    }

    fn read(&self, letter: &str) -> Author {
        match json::read_text::<Letter>(letter) {
            Ok(letter) if letter.run == self.announcer.run() => return Author::Itself,
            Ok(Letter { moved: Some(moved), .. }) => self.announcer.tell(moved),
            // More than a letter holds, or the letter of a program that writes them otherwise.
            Ok(Letter { moved: None, .. }) | Err(_) => self.announcer.forget(),
        }
        Author::Another
    }

    /// Says that this replica is there. Whether that was heard shows at the next beat.
    async fn heartbeat(&self) {
        let alive = Letter { run: self.announcer.run().to_owned(), moved: Some(Vec::new()) };
        let alive = serde_json::to_string(&alive).unwrap_or_default();
        let said = sqlx::query("select pg_notify($1, $2)").bind(CHANNEL).bind(alive).execute(&self.pool);
        if let Ok(Err(error)) = timeout(LIMIT, said).await {
            tracing::debug!(%error, "no heartbeat for the other replicas");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Millis, event::Status};

    fn change(kind_chars: usize) -> Change {
        let contact_id = Some("c".repeat(48));
        let (id, kind) = (uuid::Uuid::now_v7().to_string(), "k".repeat(kind_chars));
        Change { id, kind, contact_id, status: Status::Queued, at: Millis(1_795_000_000_000) }
    }

    #[test]
    fn a_batch_goes_in_few_letters_that_the_server_takes() {
        let moved: Vec<Change> = (0..512).map(|_| change(16)).collect();
        let letters = letters("run", &moved);
        assert!(letters.len() <= 32 && letters.iter().all(|letter| letter.len() <= PAYLOAD_BYTES));
        let read = letters.iter().map(|letter| json::read_text::<Letter>(letter).unwrap().moved.unwrap());
        assert_eq!(read.collect::<Vec<_>>().concat(), moved, "all of them, in order");
    }

    #[test]
    fn a_change_that_no_letter_holds_is_told_as_one_that_was_missed() {
        let letters = letters("run", &[change(16), change(PAYLOAD_BYTES)]);
        let read: Vec<_> = letters.iter().map(|letter| json::read_text::<Letter>(letter).unwrap().moved).collect();
        assert_eq!(read.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false]);
    }
}
