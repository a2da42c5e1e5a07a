//! What is forgotten, and when: payloads, events, refused requests, and how deliveries stay known all the same.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{
    Addressee, Store, StoreError,
    bulk::Insert,
    db::{Arg, Row, Tx, args},
    dialect::list,
    figures::{self, COUNTED},
    outbox::wake_lanes,
    strangers,
};
use crate::clock::Millis;

/// Events, requests or ids that one call takes away at most, so that the door is never held up for long.
const BATCH: i64 = 500;
/// Events of one transaction. Whoever brings something of their contacts waits for its end.
const CHUNK: usize = 25;
/// What retention may touch.
const ENDED: &str = "finished_at is not null and status in ('succeeded', 'ignored', 'not_admitted', 'discarded')";
/// Takes a person out of an event.
pub(super) const FORGET_EVENT: &str = "update events
    set payload = null, amended = null, admission = null, warnings = null, review = null, error = null";
/// SQLite gives the place of a newest event that vanished to the next one that comes: that is still to be counted, and noted.
const BACK_TO_THE_LAST: &str = "update marks set value = (select coalesce(max(seq), 0) from events)
    where name in ('counted_seq', 'strangers_seq') and value > (select coalesce(max(seq), 0) from events)";
/// Bytes of a webhook id's hash that are kept: enough that no two ids share one by chance.
const HASH_BYTES: usize = 16;
const WEBHOOK_IDS: Insert =
    Insert { into: "webhook_ids (hash, event_id, body_hash, forgotten_at)", then: "on conflict (hash) do nothing" };

/// What one round of retention took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Events that lost their payload, steps and calls.
    pub payloads: u64,
    /// Events that vanished.
    pub events: u64,
    /// Refused requests that vanished.
    pub rejections: u64,
}

impl Store {
    /// One small batch of retention: events that ended before `payload_before` lose payload, steps and calls; those
    /// that ended before `event_before` vanish, and so do requests that were refused before it. What is open, dead or in
    /// review is never touched. A delivery stays known when its event is gone.
    pub async fn prune(&self, payload_before: Millis, event_before: Millis) -> Result<Pruned, StoreError> {
        let payloads = self.forget(Part::Payload, payload_before).await?;
        let events = self.forget(Part::Everything, event_before).await?;
        let rejections = self.forget_oldest("rejections", "received_at", event_before).await?;
        self.forget_old_gaps(event_before).await?;
        Ok(Pruned { payloads, events, rejections })
    }

    /// Forgets a batch of audit entries that were written before a moment; answers how many.
    pub async fn prune_audit(&self, before: Millis) -> Result<u64, StoreError> {
        self.forget_oldest("audit", "at", before).await
    }

    /// Forgets a batch of messages to others that nobody has tried to deliver since a moment; answers how many.
    pub async fn prune_outbox(&self, before: Millis) -> Result<u64, StoreError> {
        self.forget_messages("dead_at is not null and dead_at < $1", "seq", before).await
    }

    /// The same of those that wait since before it for somebody who is not told anything any more.
    pub async fn prune_untold(&self, to: Addressee, before: Millis) -> Result<u64, StoreError> {
        let waits = format!(
            "dead_at is null and created_at < $1 and coalesce(due_at, created_at) < $1 and target = '{}'",
            to.as_str()
        );
        self.forget_messages(&waits, "created_at", before).await
    }

    /// `by` is the column that an index finds the oldest of them by.
    async fn forget_messages(&self, which: &str, by: &str, before: Millis) -> Result<u64, StoreError> {
        let old = format!("select seq, lane from outbox where {which} order by {by} limit $2");
        let old = self.db.read(old, args![before, BATCH]).await?;
        if old.is_empty() {
            return Ok(0);
        }
        let lanes = old.iter().map(|row| row.text("lane")).collect::<Result<BTreeSet<_>, _>>()?;
        let lanes: Vec<&str> = lanes.iter().map(String::as_str).collect();
        let mut tx = self.db.begin().await?;
        tx.lock_lanes(&lanes).await?;
        let mut forgotten = 0;
        for row in &old {
            // An operator may have put it back into its lane meanwhile.
            let sql = format!("delete from outbox where {which} and seq = $2");
            forgotten += tx.execute(sql, args![before, row.int("seq")?]).await?;
        }
        wake_lanes(&mut tx, &lanes, self.clock.now()).await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    /// Forgets a batch of deliveries whose events vanished before a moment; answers how many. Should one of them come
    /// again, it is taken as new.
    pub async fn prune_webhook_ids(&self, before: Millis) -> Result<u64, StoreError> {
        self.forget_oldest("webhook_ids", "forgotten_at", before).await
    }

    /// Takes rows away whose numbers rise with their times, so that the oldest are looked at and no others.
    async fn forget_oldest(&self, table: &str, time: &str, before: Millis) -> Result<u64, StoreError> {
        let sql = format!(
            "delete from {table} where seq in (select seq from
               (select seq, {time} from {table} order by seq limit $2) as oldest where {time} < $1)"
        );
        let mut tx = self.db.begin().await?;
        let forgotten = tx.execute(sql, args![before, BATCH]).await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    async fn forget_old_gaps(&self, before: Millis) -> Result<(), StoreError> {
        let old = "select contact_id from sequence_gaps where found_at < $1 limit 1";
        if self.db.read(old, args![before]).await?.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        tx.execute("delete from sequence_gaps where found_at < $1", args![before]).await?;
        tx.commit().await
    }

    /// Takes a batch of ended events their steps and calls, and this part of themselves; answers to how many. It waits for no
    /// contact's lock, so that nobody waits for whoever it would wait for.
    async fn forget(&self, part: Part, before: Millis) -> Result<u64, StoreError> {
        let ended = format!("{} and {ENDED}", part.condition());
        let oldest = format!("select id from events where {ended} order by finished_at limit $2");
        let rows = self.db.read(oldest, args![before, BATCH]).await?;
        let ids = rows.iter().map(|row| row.text("id")).collect::<Result<Vec<_>, _>>()?;
        let mut changed = 0;
        for ids in ids.chunks(CHUNK) {
            let mut tx = self.db.begin().await?;
            // Of a contact that somebody else is at, they go the next time.
            let (ids, contacts) = strangers::lock_free_of(&mut tx, ids).await?;
            if ids.is_empty() {
                continue;
            }
            // An operator may have put one of them back into its turn meanwhile.
            let lock = self.db.dialect().for_update();
            let still = format!(
                "select id, kind, webhook_id, body_hash from events where {ended} and id in ({}) order by id{lock}",
                list(2, ids.len())
            );
            let rows = tx.fetch(still, [args![before], texts(&ids)].concat()).await?;
            let ids = rows.iter().map(|row| row.text("id")).collect::<Result<Vec<_>, _>>()?;
            if ids.is_empty() {
                continue;
            }
            let these = format!("({})", list(1, ids.len()));
            for table in ["calls", "steps", "deals"] {
                tx.execute(format!("delete from {table} where event_id in {these}"), texts(&ids)).await?;
            }
            if part == Part::Everything {
                self.keep_what_outlives(&mut tx, &rows).await?;
            }
            changed += tx.execute(format!("{} where id in {these}", part.change()), texts(&ids)).await?;
            strangers::renew(&mut tx, &contacts.iter().map(String::as_str).collect::<Vec<_>>()).await?;
            if part == Part::Everything {
                tx.execute(BACK_TO_THE_LAST, args![]).await?;
            }
            tx.commit().await?;
        }
        Ok(changed)
    }

    /// What is kept of events that vanish: that their deliveries were here. Rows come in rising order and are narrow.
    async fn keep_what_outlives(&self, tx: &mut Tx, events: &[Row]) -> Result<(), StoreError> {
        let now = self.clock.now();
        let (mut deliveries, mut kinds) = (Vec::with_capacity(events.len()), Vec::with_capacity(events.len()));
        for event in events {
            kinds.push(event.text("kind")?);
            if let Some(webhook_id) = event.opt_text("webhook_id")? {
                let (id, body) = (event.text("id")?, event.text("body_hash")?);
                deliveries.push([hash_of(&webhook_id).into(), id.into(), body.into(), now.into()]);
            }
        }
        WEBHOOK_IDS.run(tx, deliveries).await?;
        figures::uncount_kinds(tx, kinds).await
    }
}

/// What retention takes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// What a person wrote.
    Payload,
    /// The row.
    Everything,
}

impl Part {
    /// Which events are old enough. One that was not counted yet stays until it was, or the counts would not be right.
    fn condition(self) -> String {
        match self {
            Self::Payload => "finished_at < $1 and payload is not null".to_owned(),
            Self::Everything => format!("finished_at < $1 and seq <= ({COUNTED})"),
        }
    }

    const fn change(self) -> &'static str {
        match self {
            Self::Payload => FORGET_EVENT,
            Self::Everything => "delete from events",
        }
    }
}

/// What is kept of a webhook id.
pub(super) fn hash_of(webhook_id: &str) -> String {
    hex::encode(&Sha256::digest(webhook_id.as_bytes())[..HASH_BYTES])
}

fn texts(ids: &[String]) -> Vec<Arg> {
    ids.iter().map(|id| Arg::from(id.as_str())).collect()
}
