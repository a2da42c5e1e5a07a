//! Blocks: what is wrong with the installation, and the events that wait until it is put right.
//!
//! An event that meets a block parks its contact's turn under the block's name, where no claim looks. When the block's next
//! try is due, one of the parked turns falls due; if its run passes, the block ends, and what it had parked is released
//! batch by batch.

use std::time::Duration;

use super::{
    Store, StoreError,
    db::{Arg, Row, Tx, args},
    dialect::list,
};
use crate::clock::Millis;

/// Turns that one transaction releases, so that the door is never held up for long.
const BATCH: i64 = 500;
/// Events of one statement.
const CHUNK: usize = 50;

/// A block that an event met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBlock {
    /// A stable word.
    pub code: &'static str,
    /// What exactly is wrong.
    pub subject: String,
    /// What was answered.
    pub words: String,
    /// How long after its beginning it is tried for the first time.
    pub pause: Duration,
    /// Whether it was met just now; else it was known before, and may have ended meanwhile.
    pub is_met: bool,
}

impl NewBlock {
    /// Its name in the ledger.
    pub fn name(&self) -> String {
        block_name(self.code, &self.subject)
    }
}

/// The name of a block in the ledger.
pub fn block_name(code: &str, subject: &str) -> String {
    format!("{code} {subject}")
}

/// Code and subject of a block's name.
pub fn code_and_subject(name: &str) -> (&str, &str) {
    name.split_once(' ').unwrap_or((name, ""))
}

/// A block as the ledger holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Code and subject.
    pub name: String,
    /// A stable word.
    pub code: String,
    /// What exactly is wrong.
    pub subject: String,
    /// What was answered, the ERP's own words where it spoke.
    pub words: String,
    /// When it was first met.
    pub since: Millis,
    /// How often it was tried since.
    pub tries: i64,
    /// When it is tried next.
    pub next_try_at: Millis,
}

/// A block, and what waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The block.
    pub block: Block,
    /// Events that met it.
    pub count: i64,
    /// When the oldest of them was received.
    pub oldest: Millis,
    /// When the newest of them was received.
    pub newest: Millis,
}

impl Block {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            name: row.text("name")?,
            code: row.text("code")?,
            subject: row.text("subject")?,
            words: row.text("words")?,
            since: row.millis("since")?,
            tries: row.int("tries")?,
            next_try_at: row.millis("next_try_at")?,
        })
    }
}

impl Store {
    /// The blocks that stand, the oldest first.
    pub async fn blocks(&self) -> Result<Vec<Block>, StoreError> {
        let rows = self.db.read("select * from blocks order by since, name", args![]).await?;
        rows.iter().map(Block::read).collect()
    }

    /// The blocks that stand, with how many events wait for each; none for whose events all are gone.
    pub async fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        let sql = "select blocks.*, waiting.count, waiting.oldest, waiting.newest from blocks join
            (select blocked_by, count(*) as count, min(received_at) as oldest, max(received_at) as newest
             from events where blocked_by is not null group by blocked_by) as waiting
            on waiting.blocked_by = blocks.name order by blocks.since, blocks.name";
        let rows = self.db.read(sql, args![]).await?;
        let waiting = |row: &Row| {
            let (count, oldest, newest) = (row.int("count")?, row.millis("oldest")?, row.millis("newest")?);
            Ok(Waiting { block: Block::read(row)?, count, oldest, newest })
        };
        rows.iter().map(waiting).collect()
    }

    /// Lets one of the events that wait for a block try it, if the block's try is due still: the one that has not tried for
    /// the longest time. After it the block rests for `pause`. A block that nobody waits for ends.
    pub async fn try_block(&self, name: &str, pause: Duration) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let due = "update blocks set tries = tries + 1, next_try_at = $2
            where name = $1 and (next_try_at <= $3 or next_try_at > $2)";
        if tx.execute(due, args![name, now.plus(pause), now]).await? == 0 {
            return Ok(());
        }
        let chosen = format!(
            "update turns set due_at = $2, tried_at = $2 where contact_id in
               (select contact_id from turns where parked_by = $1 and token is null order by tried_at, head_seq limit 1{})",
            self.db.dialect().skip_locked()
        );
        if tx.execute(chosen, args![name, now]).await? == 0 {
            let nobody = "delete from blocks where name = $1 and not exists
                (select 1 from turns where parked_by = $1)";
            tx.execute(nobody, args![name]).await?;
        }
        tx.commit().await
    }

    /// Somebody may have put right what is wrong: every block is tried at once.
    pub async fn hurry_blocks(&self) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute("update blocks set tries = 0, next_try_at = $1", args![self.clock.now()]).await?;
        tx.commit().await
    }

    /// Names under which turns are parked although no such block or pause stands any more.
    pub async fn ended_blocks(&self) -> Result<Vec<String>, StoreError> {
        let sql = "select distinct parked_by from turns where parked_by is not null
            and parked_by not in (select name from blocks) and parked_by not in (select name from pauses)";
        self.db.read(sql, args![]).await?.iter().map(|row| row.text("parked_by")).collect()
    }

    /// Releases turns that a block or a pause had parked which has ended; answers whether there may be more.
    pub async fn release_parked(&self, name: &str) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let turns = format!(
            "update turns set parked_by = null, tried_at = 0, due_at = $2 where contact_id in
               (select contact_id from turns where parked_by = $1 and token is null
                and not exists (select 1 from blocks where name = $1)
                and not exists (select 1 from pauses where name = $1) order by head_seq limit $3{}) returning head_seq",
            self.db.dialect().skip_locked()
        );
        let heads = tx.fetch(turns, args![name, now, BATCH]).await?;
        let seqs: Vec<i64> = heads.iter().map(|head| head.int("head_seq")).collect::<Result<_, _>>()?;
        for chunk in seqs.chunks(CHUNK) {
            let events = list(2, chunk.len());
            let events = format!("update events set blocked_by = null where blocked_by = $1 and seq in ({events})");
            let mut args = args![name];
            args.extend(chunk.iter().map(|seq| Arg::from(*seq)));
            tx.execute(events, args).await?;
        }
        tx.commit().await?;
        Ok(i64::try_from(heads.len()).is_ok_and(|released| released == BATCH))
    }
}

/// Writes a block down that an event met; answers whether it begins with it.
pub(super) async fn begin_block(
    tx: &mut Tx,
    block: &NewBlock,
    event_id: &str,
    now: Millis,
) -> Result<bool, StoreError> {
    let sql = "insert into blocks (name, code, subject, words, since, tries, next_try_at, begun_by)
        values ($1, $2, $3, $4, $5, 0, $6, $7) on conflict (name) do nothing";
    let (subject, words) = (block.subject.as_str(), block.words.as_str());
    let args = args![block.name(), block.code, subject, words, now, now.plus(block.pause), event_id];
    Ok(tx.execute(sql, args).await? > 0)
}

/// Ends a block that an event passed; answers whether it stood. Where another event was the first to meet it, that is
/// counted: it may be that one's own fault.
pub(super) async fn end_block(tx: &mut Tx, name: &str, event_id: &str) -> Result<bool, StoreError> {
    let sql = "delete from blocks where name = $1 returning begun_by";
    let Some(block) = tx.fetch_first(sql, args![name]).await? else { return Ok(false) };
    if let Some(begun_by) = block.opt_text("begun_by")?.filter(|begun_by| begun_by != event_id) {
        let sql = "update events set blocks_begun = blocks_begun + 1 where id = $1";
        tx.execute(sql, args![begun_by]).await?;
    }
    Ok(true)
}
