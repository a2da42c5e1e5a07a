//! The outbox: what is to be told to others, written in the transaction of the change that it tells of, so that one cannot be
//! there without the other, and delivered at least once (`notify/`).
//!
//! Messages of one lane (a contact's, or that of the alerts) go one after the other, in the order of their writing: only the
//! oldest is due. Claims take what is due under a lease, as those of turns do.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;

use super::{
    Actor, Store, StoreError, WriteBack,
    audit::{entry, write_many},
    bulk::{Insert, lists},
    db::{Arg, Row, Tx, args},
};
use crate::clock::Millis;

const OUTBOX: Insert =
    Insert { into: "outbox (id, target, lane, kind, data, event_id, contact_id, created_at)", then: "" };

/// Whom a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressee {
    /// The platform (write-back, `contract.md` §7).
    Platform,
    /// People: the robots and receivers of `[[alerts.targets]]`.
    People,
}

impl Addressee {
    /// Everybody.
    pub const ALL: [Self; 2] = [Self::Platform, Self::People];

    /// Its word in the ledger, the REST interface and the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::People => "alerts",
        }
    }
}

/// A message that is to be delivered.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage {
    /// For whom.
    pub to: Addressee,
    /// Such as `contact.linked`.
    pub kind: String,
    /// What it says.
    pub data: Value,
    /// Of which event.
    pub event_id: Option<String>,
    /// Of which contact; its messages go in order.
    pub contact_id: Option<String>,
}

/// A message in the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Order of writing.
    pub seq: i64,
    /// The same for every delivery of it (`webhook-id`).
    pub id: String,
    /// For whom: `platform` or `alerts`.
    pub to: String,
    /// Such as `contact.linked`.
    pub kind: String,
    /// What it says.
    pub data: Value,
    /// Of which event.
    pub event_id: Option<String>,
    /// Of which contact.
    pub contact_id: Option<String>,
    /// When it was written.
    pub created_at: Millis,
    /// How often it was sent, the present time included.
    pub attempts: i64,
    /// When it is sent next; the lease's end while it is under way.
    pub due_at: Option<Millis>,
    /// What came of the last time.
    pub error: Option<String>,
    /// Since when nobody tries any more.
    pub dead_at: Option<Millis>,
    lane: String,
    token: String,
}

/// What became of a message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It was taken.
    Taken,
    /// It was not, and that can pass; why, and when to send it again.
    Again(String, Millis),
    /// It was not sent at all: another time, and no try counts.
    Later(Millis),
    /// It was not, and that cannot pass.
    Dead(String),
}

impl Delivery {
    /// For the metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Again(..) => "again",
            Self::Later(_) => "later",
            Self::Dead(_) => "dead",
        }
    }
}

/// What an operator does about a message that nobody tries to deliver any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageDeed {
    /// It is tried again, with a fresh budget.
    Replay,
    /// It is given up.
    Discard,
}

impl MessageDeed {
    /// As the audit log calls it.
    const fn action(self) -> &'static str {
        match self {
            Self::Replay => "outbox.replay",
            Self::Discard => "outbox.discard",
        }
    }

    const fn change(self) -> &'static str {
        match self {
            Self::Replay => "update outbox set dead_at = null, attempts = 0, error = null",
            Self::Discard => "delete from outbox",
        }
    }
}

/// How much waits for an addressee.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waits {
    /// Messages that are still to be delivered.
    pub waiting: i64,
    /// When the oldest of them was written.
    pub oldest: Option<Millis>,
    /// Messages that nobody tries to deliver any more.
    pub dead: i64,
}

impl Message {
    /// One that is not in the outbox, for tests of a target.
    pub fn unwritten(id: &str, kind: &str, data: Value, now: Millis) -> Self {
        Self {
            seq: 0,
            id: id.to_owned(),
            to: Addressee::People.as_str().to_owned(),
            kind: kind.to_owned(),
            data,
            event_id: None,
            contact_id: None,
            created_at: now,
            attempts: 1,
            due_at: None,
            error: None,
            dead_at: None,
            lane: String::new(),
            token: String::new(),
        }
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            seq: row.int("seq")?,
            id: row.text("id")?,
            to: row.text("target")?,
            kind: row.text("kind")?,
            data: row.opt_json("data")?.unwrap_or_default(),
            event_id: row.opt_text("event_id")?,
            contact_id: row.opt_text("contact_id")?,
            created_at: row.millis("created_at")?,
            attempts: row.int("attempts")?,
            due_at: row.opt_millis("due_at")?,
            error: row.opt_text("error")?,
            dead_at: row.opt_millis("dead_at")?,
            lane: row.text("lane")?,
            token: row.opt_text("token")?.unwrap_or_default(),
        })
    }
}

impl NewMessage {
    /// Messages of one lane are delivered in order.
    fn lane(&self) -> String {
        match (self.to, &self.contact_id) {
            (Addressee::Platform, Some(contact)) => format!("platform {contact}"),
            (to, _) => to.as_str().to_owned(),
        }
    }
}

impl Store {
    /// From now on the platform is told of what happens.
    pub fn write_back(&self, wanted: WriteBack) {
        self.announcer.write_back(wanted);
    }

    /// Claims up to `limit` messages that are due, oldest first, for `span`.
    pub async fn claim_messages(
        &self,
        to: Addressee,
        limit: usize,
        span: Duration,
    ) -> Result<Vec<Message>, StoreError> {
        let now = self.clock.now();
        let due = "select 1 as one from outbox where target = $1 and due_at <= $2 limit 1";
        if self.db.read(due, args![to.as_str(), now]).await?.is_empty() {
            return Ok(Vec::new());
        }
        let token = uuid::Uuid::new_v4().to_string();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut tx = self.db.begin().await?;
        let claim = args![to.as_str(), now, now.plus(span), token, limit];
        let rows = tx.fetch(self.db.dialect().claim_messages(), claim).await?;
        tx.commit().await?;
        let mut messages = rows.iter().map(Message::read).collect::<Result<Vec<_>, _>>()?;
        messages.sort_by_key(|message| message.seq);
        Ok(messages)
    }

    /// Notes what became of a claimed message; what was delivered vanishes, and its lane's next one is due.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] if somebody else sends it by now.
    pub async fn settle_message(&self, message: &Message, delivery: &Delivery) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        tx.lock_lanes(&[&message.lane]).await?;
        let mine = "where seq = $1 and token = $2";
        let key = args![message.seq, message.token.as_str()];
        let (change, more) = match delivery {
            Delivery::Taken => ("delete from outbox", args![]),
            Delivery::Again(error, at) => {
                ("update outbox set token = null, due_at = $3, error = $4", args![*at, error.as_str()])
            }
            Delivery::Later(at) => ("update outbox set token = null, due_at = $3, attempts = attempts - 1", args![*at]),
            Delivery::Dead(error) => {
                ("update outbox set token = null, due_at = null, dead_at = $3, error = $4", args![now, error.as_str()])
            }
        };
        if tx.execute(format!("{change} {mine}"), [key, more].concat()).await? == 0 {
            return Err(StoreError::LeaseLost);
        }
        wake_lanes(&mut tx, &[&message.lane], now).await?;
        tx.commit().await?;
        self.announcer.wake_outbox();
        Ok(())
    }

    /// Woken whenever there may be something to deliver.
    pub async fn outbox_written(&self) {
        self.announcer.outbox_written().await;
    }

    /// Messages, newest first: the dead ones, or those that wait. `before` is the `seq` of the last item of the page before.
    pub async fn messages(&self, dead: bool, before: Option<i64>, limit: i64) -> Result<Vec<Message>, StoreError> {
        let sql = format!(
            "select * from outbox where dead_at is {} and seq < $1 order by seq desc limit $2",
            if dead { "not null" } else { "null" }
        );
        let rows = self.db.read(sql, args![before.unwrap_or(i64::MAX), limit]).await?;
        rows.iter().map(Message::read).collect()
    }

    /// How much waits for an addressee.
    pub async fn outbox_waits(&self, to: Addressee) -> Result<Waits, StoreError> {
        let sql = "select
            (select count(*) from outbox where target = $1 and dead_at is null) as waiting,
            (select min(created_at) from outbox where target = $1 and dead_at is null) as oldest,
            (select count(*) from outbox where target = $1 and dead_at is not null) as dead";
        let rows = self.db.read(sql, args![to.as_str()]).await?;
        let Some(row) = rows.first() else { return Ok(Waits::default()) };
        Ok(Waits { waiting: row.int("waiting")?, oldest: row.opt_millis("oldest")?, dead: row.int("dead")? })
    }

    /// Does to a dead message what an operator wants.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if no dead message has this id.
    pub async fn change_message(
        &self,
        id: &str,
        deed: MessageDeed,
        actor: &Actor,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        let lane = self.db.read("select lane from outbox where id = $1", args![id]).await?;
        let lane = lane.first().ok_or(StoreError::NotFound)?.text("lane")?;
        match self.change_dead(&lane, "id", id, deed, actor, reason).await? {
            0 => Err(StoreError::NotFound),
            _ => Ok(()),
        }
    }

    /// Tries every dead message for somebody again: lane by lane, so that what is for one contact goes in the order of its
    /// writing. Answers how many.
    pub async fn replay_messages(&self, to: Addressee, actor: &Actor, reason: Option<&str>) -> Result<i64, StoreError> {
        let dead = "select distinct lane from outbox where dead_at is not null and target = $1";
        let mut replayed = 0;
        for lane in &self.db.read(dead, args![to.as_str()]).await? {
            let lane = lane.text("lane")?;
            replayed += self.change_dead(&lane, "lane", &lane, MessageDeed::Replay, actor, reason).await?;
        }
        Ok(replayed)
    }

    /// Changes the dead messages of a lane whose `column` has this value, each with its audit entry; answers how many.
    async fn change_dead(
        &self,
        lane: &str,
        column: &str,
        value: &str,
        deed: MessageDeed,
        actor: &Actor,
        reason: Option<&str>,
    ) -> Result<i64, StoreError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        tx.lock_lanes(&[lane]).await?;
        let sql = format!("{} where {column} = $1 and dead_at is not null returning id", deed.change());
        let rows = tx.fetch(sql, args![value]).await?;
        if deed == MessageDeed::Replay {
            // What waits behind them waits again; what is under way is on its way already.
            let later = "update outbox set due_at = null where lane = $1 and dead_at is null and token is null
                and exists (select 1 from outbox as older
                  where older.lane = outbox.lane and older.dead_at is null and older.seq < outbox.seq)";
            tx.execute(later, args![lane]).await?;
        }
        wake_lanes(&mut tx, &[lane], now).await?;
        let ids = rows.iter().map(|row| row.text("id")).collect::<Result<Vec<_>, _>>()?;
        let entries = ids.iter().map(|id| entry(now, actor, deed.action(), id, reason)).collect();
        write_many(&mut tx, entries).await?;
        tx.commit().await?;
        self.announcer.wake_outbox();
        Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX))
    }
}

/// Writes messages; the first of a lane where nothing waits is due at once.
pub(super) async fn write(tx: &mut Tx, messages: Vec<NewMessage>, now: Millis) -> Result<(), StoreError> {
    let lanes: BTreeSet<String> = messages.iter().map(NewMessage::lane).collect();
    let lanes: Vec<&str> = lanes.iter().map(String::as_str).collect();
    tx.lock_lanes(&lanes).await?;
    let rows = messages.into_iter().map(|message| -> [Arg; 8] {
        let id = uuid::Uuid::now_v7().to_string();
        let lane = message.lane();
        [
            id.into(),
            message.to.as_str().into(),
            lane.into(),
            message.kind.into(),
            message.data.to_string().into(),
            message.event_id.into(),
            message.contact_id.into(),
            now.into(),
        ]
    });
    OUTBOX.run(tx, rows.collect()).await?;
    wake_lanes(tx, &lanes, now).await
}

/// Lets the oldest message of each lane be due, unless it is already. The caller holds the lanes' locks.
pub(super) async fn wake_lanes(tx: &mut Tx, lanes: &[&str], now: Millis) -> Result<(), StoreError> {
    for (mut values, list) in lists(lanes) {
        values.push(now.into());
        let sql = format!(
            "update outbox set due_at = ${} where lane in ({list}) and dead_at is null and due_at is null
               and not exists (select 1 from outbox as older
                 where older.lane = outbox.lane and older.dead_at is null and older.seq < outbox.seq)",
            values.len()
        );
        tx.execute(sql, values).await?;
    }
    Ok(())
}
