//! Figures for people and probes, kept so that asking for them costs the same however much the ledger holds.
//!
//! Events are counted once, in their order, by upkeep ([`Store::count_new_events`]); what is open is counted from narrow
//! indexes; what has ended, who is linked and what was refused is counted slice by slice. Everybody who asks shares one answer,
//! which is a second old at least before it is made anew.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::sync::Mutex;

use super::{
    Addressee, Gap, Refused, Store, StoreError,
    bulk::Insert,
    db::{Arg, Db, Row, Tx, args},
    sequences, types,
    walk::{Table, Walk},
};
use crate::{clock::Millis, event::Status};

/// Up to which event everything is counted.
pub(super) const COUNTED: &str = "select value from marks where name = 'counted_seq'";
/// Events that are counted in one transaction.
const SLICE: i64 = 2_000;
/// Events behind the counted ones that an answer looks at.
const TAIL: i64 = 5_000;
/// On PostgreSQL an event may become visible after one with a higher number; after this time no transaction is open any
/// more that could bring one ([`super::conn::CALL_LIMIT`] and the server's own limits).
const SETTLED: Duration = Duration::from_secs(30);
/// Ended events that one statement counts.
const ENDED_SLICE: i64 = 50_000;
/// How long the counting of ended events may take in one round; the next round goes on.
const ENDED_BUDGET: Duration = Duration::from_millis(200);
/// Turns among which the oldest waiting event is looked for: those that are run next.
const NEXT_TURNS: i64 = 1_000;
/// An answer is this old at least before it is made anew …
const FRESH: Duration = Duration::from_secs(1);
/// … and this many times as old as making it took.
const REST: u32 = 20;
/// Types that are named at most: those with the most events.
const KINDS_SHOWN: i64 = 200;
const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE_MS: i64 = 60_000;
const KINDS: Insert = Insert {
    into: "kind_counts (kind, events)",
    then: "on conflict (kind) do update set events = kind_counts.events + excluded.events",
};
const MINUTES: Insert = Insert {
    into: "received_minutes (minute, events)",
    then: "on conflict (minute) do update set events = received_minutes.events + excluded.events",
};

/// Counts for `GET /v1/stats`.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// When this was counted.
    pub as_of: Millis,
    /// Since when the ended states among [`Stats::by_status`] are counted; `None` while they were never counted whole.
    pub ended_as_of: Option<Millis>,
    /// Up to when [`Stats::by_kind`] and [`Stats::received_last_hour`] are counted.
    pub received_as_of: Millis,
    /// Up to when [`Stats::gaps`] are known.
    pub gaps_as_of: Millis,
    /// Events by state.
    pub by_status: Vec<(Status, i64)>,
    /// Events by type; the two hundred most frequent ones.
    pub by_kind: Vec<(String, i64)>,
    /// Queued events that wait for another try after a failure.
    pub retrying: i64,
    /// Linked contacts, as they were counted whole last.
    pub contacts: i64,
    /// Requests that were signed and not valid, as they were counted whole last.
    pub rejections: i64,
    /// When the oldest of the events that run next was received.
    pub oldest_queued: Option<Millis>,
    /// Received in the last sixty minutes of the clock.
    pub received_last_hour: i64,
    /// Succeeded in the last hour.
    pub succeeded_last_hour: i64,
    /// Missing numbers of contacts.
    pub gaps: Vec<Gap>,
    /// When the last webhook came.
    pub last_webhook_at: Option<Millis>,
    /// Alerts that no target took.
    pub untold: Refused,
    /// Messages to the platform that nobody tries to deliver any more.
    pub undelivered: i64,
}

/// The shared answer, and what is needed to make the next one.
#[derive(Debug, Default)]
pub(super) struct Figures {
    latest: RwLock<Option<Arc<Stats>>>,
    round: Mutex<Round>,
}

#[derive(Debug, Default)]
struct Round {
    /// Steady time until which the answer is good enough.
    fresh_until: Millis,
    counts: Counts,
}

/// What is counted slice by slice.
#[derive(Debug)]
struct Counts {
    ended: Ended,
    contacts: Walk,
    rejections: Walk,
}

impl Default for Counts {
    fn default() -> Self {
        let (contacts, rejections) = (Walk::of(Table::Contacts), Walk::of(Table::Rejections));
        Self { ended: Ended::default(), contacts, rejections }
    }
}

/// The count of ended events, slice by slice.
#[derive(Debug, Default)]
struct Ended {
    from: i64,
    begun_at: Millis,
    so_far: BTreeMap<&'static str, i64>,
    whole: Option<(Millis, BTreeMap<&'static str, i64>)>,
}

impl Store {
    /// The figures, a second old at most while they are cheap to make, and older the more they cost.
    pub async fn figures(&self) -> Result<Arc<Stats>, StoreError> {
        let mut round = self.figures.round.lock().await;
        let begun = self.clock.steady();
        if let Some(latest) = self.latest_figures().filter(|_| begun < round.fresh_until) {
            return Ok(latest);
        }
        let stats = Arc::new(self.count(&mut round.counts).await?);
        let took = self.clock.steady().since(begun);
        round.fresh_until = self.clock.steady().plus(FRESH.max(took * REST));
        *self.figures.latest.write().unwrap_or_else(PoisonError::into_inner) = Some(stats.clone());
        Ok(stats)
    }

    /// The figures as they were made last, without asking the ledger.
    pub fn latest_figures(&self) -> Option<Arc<Stats>> {
        self.figures.latest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The figures as they are now.
    pub async fn stats(&self) -> Result<Stats, StoreError> {
        self.count(&mut Counts::default()).await
    }

    async fn count(&self, counts: &mut Counts) -> Result<Stats, StoreError> {
        let ended = &mut counts.ended;
        let now = self.clock.now();
        let hour_ago = now.minus(HOUR);
        let mut stats = Stats { as_of: now, ..self.count_received(now, hour_ago).await? };
        self.count_ended(ended, now).await?;
        stats.ended_as_of = ended.whole.as_ref().map(|(at, _)| *at);
        stats.by_status = self.by_status(ended).await?;
        let retrying = "select count(*) as count from events where status = 'queued' and attempts > 0";
        stats.retrying = self.number(retrying, args![]).await?;
        stats.contacts = counts.contacts.go_on(&self.db).await?;
        stats.rejections = counts.rejections.go_on(&self.db).await?;
        let succeeded = "select count(*) as count from events where finished_at >= $1 and status = 'succeeded'";
        stats.succeeded_last_hour = self.number(succeeded, args![hour_ago]).await?;
        let oldest = "select received_at as moment from events where seq = (select min(head_seq) from
            (select head_seq from turns where due_at <= $1 and token is null order by due_at, head_seq limit $2) as next)";
        stats.oldest_queued = self.moment(oldest, args![now, NEXT_TURNS]).await?;
        stats.gaps = self.gaps().await?;
        stats.untold = self.refused_messages(Addressee::People).await?;
        let dead = "select count(*) as count from outbox where target = $1 and dead_at is not null";
        stats.undelivered = self.number(dead, args![Addressee::Platform.as_str()]).await?;
        Ok(stats)
    }

    /// What came, by type: what is counted, and what came since.
    async fn count_received(&self, now: Millis, hour_ago: Millis) -> Result<Stats, StoreError> {
        let counted = "select kind, events from kind_counts order by events desc, kind limit $1";
        let mut kinds = BTreeMap::new();
        for row in self.db.read(counted, args![KINDS_SHOWN]).await? {
            kinds.insert(row.text("kind")?, row.int("events")?);
        }
        let this_hour =
            "select cast(coalesce(sum(events), 0) as bigint) as count from received_minutes where minute > $1";
        let mut received = self.number(this_hour, args![hour_ago.0 / MINUTE_MS]).await?;
        let webhook = "select value as moment from marks where name = 'last_webhook_at' and value > 0";
        let mut last_webhook_at = self.moment(webhook, args![]).await?;
        let tail = self.uncounted(TAIL).await?;
        let whole = tail.events.len() < usize::try_from(TAIL).unwrap_or(usize::MAX);
        for event in &tail.events {
            *kinds.entry(event.kind.clone()).or_default() += 1;
            received += i64::from(event.received_at.0 / MINUTE_MS > hour_ago.0 / MINUTE_MS);
            last_webhook_at = last_webhook_at.max(event.webhook_at());
        }
        Ok(Stats {
            by_kind: kinds.into_iter().collect(),
            received_last_hour: received,
            last_webhook_at,
            gaps_as_of: tail.events.first().map_or(now, |event| event.received_at),
            received_as_of: tail.events.last().filter(|_| !whole).map_or(now, |event| event.received_at),
            ..Stats::default()
        })
    }

    /// Goes on counting what has ended, from the oldest to the newest and again.
    async fn count_ended(&self, ended: &mut Ended, now: Millis) -> Result<(), StoreError> {
        let begun = self.clock.steady();
        if ended.from == 0 {
            (ended.begun_at, ended.so_far) = (now, BTreeMap::new());
        }
        while self.clock.steady().since(begun) <= ENDED_BUDGET {
            let behind = "select finished_at as moment from events where finished_at >= $1
                          order by finished_at limit 1 offset $2";
            let behind = self.moment(behind, args![ended.from, ENDED_SLICE]).await?;
            let before = behind.map_or(i64::MAX, |behind| behind.0.max(ended.from + 1));
            let slice = "select status, count(*) as count from events where finished_at >= $1 and finished_at < $2
                         group by status";
            for row in self.db.read(slice, args![ended.from, before]).await? {
                *ended.so_far.entry(types::status(&row)?.as_str()).or_default() += row.int("count")?;
            }
            ended.from = before;
            if behind.is_none() {
                ended.whole = Some((ended.begun_at, std::mem::take(&mut ended.so_far)));
                ended.from = 0;
                return Ok(());
            }
        }
        Ok(())
    }

    async fn by_status(&self, ended: &Ended) -> Result<Vec<(Status, i64)>, StoreError> {
        let mut counts = ended.whole.as_ref().map_or_else(|| ended.so_far.clone(), |(_, counts)| counts.clone());
        for status in [Status::Held, Status::NeedsReview, Status::Dead] {
            counts.insert(status.as_str(), 0);
        }
        let unfortunate =
            "select status, count(*) as count from events where status in ('dead', 'needs_review', 'held')
                           group by status";
        for row in self.db.read(unfortunate, args![]).await? {
            counts.insert(types::status(&row)?.as_str(), row.int("count")?);
        }
        let open = self.number("select count(*) as count from events where finished_at is null", args![]).await?;
        let running = self.number("select count(*) as count from turns where token is not null", args![]).await?;
        let waiting = running + counts[Status::Held.as_str()] + counts[Status::NeedsReview.as_str()];
        counts.insert(Status::Running.as_str(), running);
        counts.insert(Status::Queued.as_str(), (open - waiting).max(0));
        let count = |status: &Status| counts.get(status.as_str()).copied().unwrap_or_default();
        Ok(Status::ALL.into_iter().map(|status| (status, count(&status))).filter(|(_, count)| *count > 0).collect())
    }

    /// Counts a slice of the events that came since the last count; answers whether there may be more. Where two
    /// replicas count at once, one of them does it.
    pub async fn count_new_events(&self) -> Result<bool, StoreError> {
        let mut slice = self.uncounted(SLICE).await?;
        let read = slice.events.len();
        let settled = self.settled_until();
        let certain = slice.events.iter().take_while(|event| event.received_at <= settled).count();
        slice.events.truncate(certain);
        let Some(last) = slice.events.last() else { return Ok(false) };
        let mut tx = self.db.begin().await?;
        let mark = "update marks set value = $1 where name = 'counted_seq' and value = $2";
        if tx.execute(mark, args![last.seq, slice.after]).await? == 0 {
            return Ok(true);
        }
        slice.write(&mut tx, self.clock.now()).await?;
        tx.commit().await?;
        Ok(slice.events.len() == read && i64::try_from(read).is_ok_and(|read| read == SLICE))
    }

    async fn uncounted(&self, limit: i64) -> Result<Slice, StoreError> {
        let after = self.db.read(COUNTED, args![]).await?.first().map_or(Ok(0), |row| row.int("value"))?;
        let sql = "select seq, kind, contact_id, sequence, received_at, actor from events where seq > $1
                   order by seq limit $2";
        let rows = self.db.read(sql, args![after, limit]).await?;
        Ok(Slice { after, events: rows.iter().map(Counted::read).collect::<Result<_, _>>()? })
    }

    /// Before an event that was received by this moment no other can turn up any more.
    pub(super) fn settled_until(&self) -> Millis {
        match self.db {
            Db::Sqlite { .. } => Millis(i64::MAX),
            Db::Postgres { .. } => self.clock.now().minus(SETTLED),
        }
    }

    pub(super) async fn number(&self, sql: &str, args: Vec<Arg>) -> Result<i64, StoreError> {
        self.db.read(sql, args).await?.first().map_or(Ok(0), |row| row.int("count"))
    }

    async fn moment(&self, sql: &str, args: Vec<Arg>) -> Result<Option<Millis>, StoreError> {
        self.db.read(sql, args).await?.first().map_or(Ok(None), |row| row.opt_millis("moment"))
    }
}

/// Events that are not counted yet, in their order.
struct Slice {
    after: i64,
    events: Vec<Counted>,
}

/// What is counted of an event.
struct Counted {
    seq: i64,
    kind: String,
    number: Option<(String, i64)>,
    received_at: Millis,
    by_webhook: bool,
}

impl Counted {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            seq: row.int("seq")?,
            kind: row.text("kind")?,
            number: row.opt_text("contact_id")?.zip(row.opt_int("sequence")?),
            received_at: row.millis("received_at")?,
            by_webhook: row.text("actor")? == "webhook",
        })
    }

    fn webhook_at(&self) -> Option<Millis> {
        self.by_webhook.then_some(self.received_at)
    }
}

impl Slice {
    async fn write(&self, tx: &mut Tx, now: Millis) -> Result<(), StoreError> {
        let (mut kinds, mut minutes) = (BTreeMap::<&str, i64>::new(), BTreeMap::<i64, i64>::new());
        for event in &self.events {
            *kinds.entry(&event.kind).or_default() += 1;
            *minutes.entry(event.received_at.0 / MINUTE_MS).or_default() += 1;
        }
        KINDS.run(tx, kinds.into_iter().map(|(kind, count)| [kind.into(), count.into()]).collect()).await?;
        MINUTES.run(tx, minutes.into_iter().map(|(minute, count)| [minute.into(), count.into()]).collect()).await?;
        let old = "delete from received_minutes where minute < $1";
        tx.execute(old, args![now.minus(HOUR * 2).0 / MINUTE_MS]).await?;
        if let Some(at) = self.events.iter().filter_map(Counted::webhook_at).max() {
            let sql = "update marks set value = $1 where name = 'last_webhook_at' and value < $1";
            tx.execute(sql, args![at]).await?;
        }
        let numbers: Vec<_> = self.events.iter().filter_map(|event| event.number.clone()).collect();
        sequences::note(tx, &numbers, now).await
    }
}

/// Takes events that vanish out of the counts by type.
pub(super) async fn uncount_kinds(tx: &mut Tx, kinds: Vec<String>) -> Result<(), StoreError> {
    let mut counts = BTreeMap::<String, i64>::new();
    for kind in kinds {
        *counts.entry(kind).or_default() += 1;
    }
    for (kind, count) in counts {
        tx.execute("update kind_counts set events = events - $2 where kind = $1", args![kind.as_str(), count]).await?;
        tx.execute("delete from kind_counts where kind = $1 and events <= 0", args![kind]).await?;
    }
    Ok(())
}
