//! Blocks: what is wrong with the installation, and the events that wait until it is put right.
//!
//! An event that meets a block parks its contact's turn under the block's name, where no claim looks. When the block's next
//! try is due, one of the parked turns falls due; if its run passes, the block ends, and what it had parked is released
//! batch by batch.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Store, StoreError,
    bulk::{Insert, lists},
    db::{Arg, Row, Tx, args},
    dialect::list,
};
use crate::{clock::Millis, event::is_one_cause};

/// Turns that one transaction releases, so that the door is never held up for long.
const BATCH: i64 = 500;
/// Events of one statement.
const CHUNK: usize = 50;

/// Of an event: it stands aside. A missing salesperson, or what is wrong with 客户指派, is met by an assignment alone, and what
/// is left of the event is one step: that assignment.
pub(super) const STANDS_ASIDE: &str = "(exists (select 1 from blocks where blocks.name = events.blocked_by
      and (blocks.code = 'salesperson_unknown' or blocks.subject = '客户指派 (customer.assign)'))
    and (select count(*) from steps where steps.event_id = events.id and steps.state <> 'done') <= 1)";
/// What stood aside is older than what its contact has in turn. Where a worker has that in hand, it finds its place
/// afterwards.
const TURNS: Insert = Insert {
    into: "turns (contact_id, head_seq, due_at, parked_by, tried_at)",
    then: "on conflict (contact_id) do update set head_seq = excluded.head_seq, due_at = excluded.due_at,
             parked_by = excluded.parked_by, tried_at = excluded.tried_at, cut_short = 0
           where turns.token is null and turns.parked_by is null and turns.head_seq > excluded.head_seq",
};

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

/// What of a contact is older than an event that has its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// An event that stands aside behind this block.
    Aside(Block),
    /// An event whose block has ended: it takes its place as soon as the turn is given back.
    Released,
}

impl Block {
    /// For who is shown or told what is wrong: takes in another block of the same cause, and both subjects are named. Answers
    /// whether it is of the same cause.
    pub fn take_in(&mut self, other: &Self) -> bool {
        if self.code != other.code || !is_one_cause(&self.code) {
            return false;
        }
        self.subject = format!("{}、{}", self.subject, other.subject);
        self.name = block_name(&self.code, &self.subject);
        self.since = self.since.min(other.since);
        self.tries = self.tries.max(other.tries);
        self.next_try_at = self.next_try_at.min(other.next_try_at);
        true
    }

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

impl Waiting {
    /// What waits, by cause: blocks of one cause are one.
    pub fn by_cause(waiting: Vec<Self>) -> Vec<Self> {
        let mut causes: Vec<Self> = Vec::new();
        for next in waiting {
            if !causes.iter_mut().any(|known| known.take_in(&next)) {
                causes.push(next);
            }
        }
        causes
    }

    fn take_in(&mut self, other: &Self) -> bool {
        let is_of_it = self.block.take_in(&other.block);
        if is_of_it {
            self.count += other.count;
            self.oldest = self.oldest.min(other.oldest);
            self.newest = self.newest.max(other.newest);
        }
        is_of_it
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
        if tx.execute(chosen, args![name, now]).await? == 0 && !try_aside(&mut tx, name, now).await? {
            let nobody = format!(
                "delete from blocks where name = $1 and not exists (select 1 from turns where parked_by = $1)
                   and not exists (select 1 from events where blocked_by = $1 and finished_at is null and {STANDS_ASIDE})"
            );
            tx.execute(nobody, args![name]).await?;
        }
        tx.commit().await
    }

    /// Whether an older event of the contact stands aside.
    pub async fn aside_before(&self, contact_id: &str, seq: i64) -> Result<Before, StoreError> {
        let sql = "select blocks.* from events left join blocks on blocks.name = events.blocked_by
            where events.contact_id = $1 and events.finished_at is null and events.status <> 'held' and events.seq < $2
            order by events.seq limit 1";
        let rows = self.db.read(sql, args![contact_id, seq]).await?;
        let Some(older) = rows.first() else { return Ok(Before::Nothing) };
        match older.opt_text("name")? {
            Some(_) => Ok(Before::Aside(Block::read(older)?)),
            None => Ok(Before::Released),
        }
    }

    /// Somebody may have put right what is wrong: every block is tried at once.
    pub async fn hurry_blocks(&self) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        tx.execute("update blocks set tries = 0, next_try_at = $1", args![self.clock.now()]).await?;
        tx.commit().await
    }

    /// Names under which turns are parked, or events stand aside, although no such block or pause stands any more.
    pub async fn ended_blocks(&self) -> Result<Vec<String>, StoreError> {
        let sql = "select name from (select parked_by as name from turns where parked_by is not null
              union select blocked_by as name from events where blocked_by is not null) as waiting
            where name not in (select name from blocks) and name not in (select name from pauses)";
        self.db.read(sql, args![]).await?.iter().map(|row| row.text("name")).collect()
    }

    /// Releases what a block or a pause that has ended kept waiting; answers whether there may be more.
    pub async fn release_parked(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.release_turns(name).await? || self.release_aside(name).await?)
    }

    async fn release_turns(&self, name: &str) -> Result<bool, StoreError> {
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

    /// Events that stood aside are as all others again.
    async fn release_aside(&self, name: &str) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let sql = "select contact_id, seq from events where blocked_by = $1 and finished_at is null
            and not exists (select 1 from blocks where name = $1) order by seq limit $2";
        let rows = tx.fetch(sql, args![name, BATCH]).await?;
        let mut heads = BTreeMap::new();
        for row in &rows {
            heads.entry(row.text("contact_id")?).or_insert(row.int("seq")?);
        }
        let contacts: Vec<&str> = heads.keys().map(String::as_str).collect();
        tx.lock_contacts(&contacts).await?;
        for (mut values, among) in lists(&contacts) {
            let sql = format!(
                "update events set blocked_by = null where contact_id in ({among}) and finished_at is null
                   and blocked_by = ${}",
                values.len() + 1
            );
            values.push(name.into());
            tx.execute(sql, values).await?;
        }
        let turn = |(contact, seq): (&String, &i64)| -> [Arg; 5] {
            [contact.as_str().into(), (*seq).into(), now.into(), None::<String>.into(), 0.into()]
        };
        TURNS.run(&mut tx, heads.iter().map(turn).collect()).await?;
        tx.commit().await?;
        Ok(i64::try_from(rows.len()).is_ok_and(|released| released == BATCH))
    }
}

/// Lets one of the events that stand aside try the block: of each contact the oldest, of contacts that are free the one that
/// has not tried for the longest time. Answers whether there is one.
async fn try_aside(tx: &mut Tx, name: &str, now: Millis) -> Result<bool, StoreError> {
    let sql = format!(
        "select contact_id, seq from events where blocked_by = $1 and finished_at is null and {STANDS_ASIDE}
           and not exists (select 1 from turns where turns.contact_id = events.contact_id
             and (turns.token is not null or turns.parked_by is not null or turns.head_seq < events.seq))
           and not exists (select 1 from events as older where older.contact_id = events.contact_id
             and older.finished_at is null and older.blocked_by = $1 and older.seq < events.seq)
         order by updated_at, seq limit 1"
    );
    let Some(next) = tx.fetch_first(sql, args![name]).await? else { return Ok(false) };
    let turn = [next.text("contact_id")?.into(), next.int("seq")?.into(), now.into(), name.into(), now.into()];
    TURNS.run(tx, vec![turn]).await?;
    Ok(true)
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
