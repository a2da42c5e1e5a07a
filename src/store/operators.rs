//! What operators do to events. Each call writes its audit entry in the same transaction.

use std::time::Duration;

use serde_json::json;

use super::{
    Actor, Decided, EventFilter, EventRow, Resolution, Store, StoreError, Under,
    audit::write_audit,
    db::{Arg, Tx, args},
    dialect::Dialect,
    links::link_of,
    queries::Conditions,
    transitions::Move,
    turns::move_turn,
    types,
};
use crate::{
    clock::Millis,
    event::{Status, Transition},
};

/// Events that are read at once where all that match are meant.
const BATCH: i64 = 200;
/// Events of a replay by filter that fall due in a second: what comes in fresh is not pushed behind a flood of old ones.
const REPLAYS_PER_SECOND: i64 = 50;

/// Why not all of many events were changed, and how many were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// So many were changed before.
    pub done: i64,
    /// What the ledger could not do.
    pub error: StoreError,
}

/// What can be done to many events at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkDeed {
    /// They go back into their turns, so many a second.
    Replay,
    /// They are given up.
    Discard,
}

impl BulkDeed {
    /// The states in which it can be done.
    pub const fn possible(self) -> &'static [Status] {
        match self {
            Self::Replay => &Status::REPLAYED_TOGETHER,
            Self::Discard => &Status::DISCARDED_TOGETHER,
        }
    }

    /// Which events it is done to: the dead where no state is named; nothing where none of those named is possible.
    fn conditions(self, filter: &EventFilter, now: Millis, dialect: Dialect) -> Option<Conditions> {
        let mut filter = filter.clone();
        if filter.statuses.is_empty() {
            filter.statuses = vec![Status::Dead];
        }
        filter.statuses.retain(|status| self.possible().contains(status));
        (!filter.statuses.is_empty()).then(|| match self {
            Self::Replay => replayable_of(&filter, now, dialect),
            Self::Discard => Conditions::of(&filter, dialect),
        })
    }

    /// What is done to one of them, after so many others.
    fn order<'a>(self, before: i64, actor: &'a Actor, reason: Option<&'a str>) -> Order<'a> {
        match self {
            Self::Replay => Order {
                reason: reason.or(Some("by filter")),
                pause: Duration::from_secs(u64::try_from(before / REPLAYS_PER_SECOND).unwrap_or_default()),
                hastens: true,
                ..Order::of(actor, "event.replay", Transition::Replayed)
            },
            Self::Discard => Order { reason, ..Order::of(actor, "event.discard", Transition::Discarded) },
        }
    }
}

/// What is to become of an event, and who says so.
#[derive(Clone, Copy)]
pub(super) struct Order<'a> {
    pub(super) actor: &'a Actor,
    pub(super) action: &'a str,
    pub(super) reason: Option<&'a str>,
    pub(super) happened: Transition,
    /// How long it waits before it may run.
    pub(super) pause: Duration,
    /// A decision on an event that `needs_review`.
    pub(super) resolution: Option<&'a Resolution>,
    /// The states in which it is allowed, where they are fewer than those in which it can happen.
    pub(super) only: Option<&'a [Status]>,
    /// What is planned and not done is planned anew by the next run.
    pub(super) plans_anew: bool,
    /// When its state had last changed, as whoever orders it saw it: an order on what has changed since is none.
    pub(super) seen: Option<Millis>,
    /// Whether an event that waits for its next try gets it now.
    pub(super) hastens: bool,
}

impl<'a> Order<'a> {
    /// Without a reason, at once.
    pub(super) const fn of(actor: &'a Actor, action: &'a str, happened: Transition) -> Self {
        let (pause, resolution, only, plans_anew) = (Duration::ZERO, None, None, false);
        Self { actor, action, reason: None, happened, pause, resolution, only, plans_anew, seen: None, hastens: false }
    }

    /// The same, where it hastens an event that waits for its next try.
    fn or_hastened(self, event: &EventRow, now: Millis) -> Self {
        let waits = event.status == Status::Queued
            && event.blocked_by.is_none()
            && event.next_attempt_at.is_some_and(|next| next > now);
        if self.hastens && waits { Self { happened: Transition::Hastened, ..self } } else { self }
    }

    /// What else changes in the event's row, and the arguments of it, the event's id the first of them.
    fn changes(&self, event: &EventRow, now: Millis, under: Under) -> (&'static str, Vec<Arg>) {
        let id = event.id.as_str();
        if self.happened == Transition::Hastened {
            // One of many waits a little, and never longer than it would have.
            let soon = now.plus(self.pause);
            let next = event.next_attempt_at.map_or(soon, |next| next.min(soon));
            return ("next_attempt_at = $2", args![id, next]);
        }
        let resolution = self.decided(event, now, under).map(|decided| json!(decided).to_string());
        let is_tried_again = self.happened.target() == Some(Status::Queued);
        // Why an event was given up stays readable.
        let set = if is_tried_again {
            "attempts = 0, next_attempt_at = $2, resolution = $3, blocked_by = null, blocks_begun = 0, error = null,
             error_code = null"
        } else {
            "attempts = 0, next_attempt_at = $2, resolution = $3, blocked_by = null"
        };
        (set, args![id, is_tried_again.then_some(now.plus(self.pause)), resolution])
    }

    /// The decision that the event has from now on.
    fn decided(&self, event: &EventRow, now: Millis, under: Under) -> Option<Decided> {
        let before = event.decided();
        match self.resolution {
            Some(given) => Some(Decided::given(*given, event.review.as_ref(), before, (now, under))),
            None => Decided::kept(before, self.plans_anew),
        }
    }

    /// Whether an event takes this order. One that a worker has in hand takes none, and a decision must be one of those
    /// that its review asks for.
    ///
    /// # Errors
    /// [`StoreError::WrongState`], or [`StoreError::NotOffered`].
    fn check(&self, event: &EventRow) -> Result<(), StoreError> {
        let refused = StoreError::WrongState(event.status);
        let Ok(next) = event.status.after(self.happened) else { return Err(refused) };
        if self.only.is_some_and(|only| !only.contains(&event.status)) {
            return Err(refused);
        }
        let Some(resolution) = self.resolution else {
            return if next != Status::Queued || event.payload.is_some() { Ok(()) } else { Err(refused) };
        };
        let decision = json!(resolution)["decision"].clone();
        let offered = event.review.as_ref().and_then(|review| review["decisions"].as_array());
        let offered = offered.filter(|offered| !offered.is_empty()).ok_or(refused)?;
        if offered.contains(&decision) {
            return Ok(());
        }
        Err(StoreError::NotOffered(offered.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect()))
    }
}

impl Store {
    /// Puts an event back into its contact's turn with a fresh budget; it resumes after the last confirmed step. One that waits
    /// for its next try gets that now, of the budget that it has. With `seen`, only if its state has not changed since.
    pub async fn replay(
        &self,
        id: &str,
        actor: &Actor,
        reason: Option<&str>,
        seen: Option<Millis>,
    ) -> Result<(), StoreError> {
        let order = Order::of(actor, "event.replay", Transition::Replayed);
        self.change(id, Order { reason, seen, hastens: true, ..order }).await
    }

    /// Gives an event up. With `seen`, only if its state has not changed since.
    pub async fn discard(
        &self,
        id: &str,
        actor: &Actor,
        reason: Option<&str>,
        seen: Option<Millis>,
    ) -> Result<(), StoreError> {
        self.change(id, Order { reason, seen, ..Order::of(actor, "event.discard", Transition::Discarded) }).await
    }

    /// Writes a person's decision on an event that `needs_review` and puts it back into its turn. With `seen`, only if its
    /// state has not changed since.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::WrongState`], [`StoreError::NotOffered`], [`StoreError::Changed`], or the database's.
    pub async fn resolve(
        &self,
        id: &str,
        resolution: &Resolution,
        actor: &Actor,
        reason: Option<&str>,
        seen: Option<Millis>,
    ) -> Result<(), StoreError> {
        let resolution = Some(resolution);
        let order = Order::of(actor, "event.resolve", Transition::Resolved);
        self.change(id, Order { reason, resolution, seen, ..order }).await
    }

    /// How many events it can be done to, of those that match.
    pub async fn count_matching(&self, deed: BulkDeed, filter: &EventFilter) -> Result<i64, StoreError> {
        let Some(conditions) = deed.conditions(filter, self.clock.now(), self.db.dialect()) else { return Ok(0) };
        let sql = format!("select count(*) as count from events{}", conditions.sql());
        self.db.read(sql, conditions.args).await?.first().map_or(Ok(0), |row| row.int("count"))
    }

    /// Does it to every event of [`Store::count_matching`], in the order in which they were accepted; answers to how many.
    pub async fn change_matching(
        &self,
        deed: BulkDeed,
        filter: &EventFilter,
        actor: &Actor,
        reason: Option<&str>,
    ) -> Result<i64, Unfinished> {
        let Some(conditions) = deed.conditions(filter, self.clock.now(), self.db.dialect()) else { return Ok(0) };
        let (mut changed, mut after) = (0, 0);
        loop {
            let found = self.matching_ids(conditions.clone(), after).await;
            let (found, last) = found.map_err(|error| Unfinished { done: changed, error })?;
            for (id, status) in &found {
                // In the state in which it matched: in another one it is not what was meant.
                let only = Some(std::slice::from_ref(status));
                match self.change(id, Order { only, ..deed.order(changed, actor, reason) }).await {
                    Ok(()) => changed += 1,
                    // Somebody else changed it in the meantime; it is not ours any more.
                    Err(StoreError::WrongState(_) | StoreError::NotFound) => {}
                    Err(error) => return Err(Unfinished { done: changed, error }),
                }
            }
            if found.is_empty() {
                return Ok(changed);
            }
            after = last;
        }
    }

    async fn matching_ids(
        &self,
        mut conditions: Conditions,
        after: i64,
    ) -> Result<(Vec<(String, Status)>, i64), StoreError> {
        conditions.add("seq >", after);
        let limit_at = conditions.args.len() + 1;
        let sql = format!("select id, status, seq from events{} order by seq limit ${limit_at}", conditions.sql());
        conditions.args.push(BATCH.into());
        let rows = self.db.read(sql, conditions.args).await?;
        let last = rows.last().map_or(Ok(after), |row| row.int("seq"))?;
        let found = rows.iter().map(|row| Ok((row.text("id")?, types::status(row)?)));
        Ok((found.collect::<Result<_, StoreError>>()?, last))
    }

    async fn change(&self, id: &str, order: Order<'_>) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        self.apply(&mut tx, id, &order).await?;
        self.commit(tx).await?;
        self.work.notify_one();
        Ok(())
    }

    /// Does to an event what is ordered, with its audit entry. Where that is not possible nothing was changed.
    pub(super) async fn apply(&self, tx: &mut Tx, id: &str, order: &Order<'_>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let contact = tx.fetch_first("select contact_id from events where id = $1", args![id]).await?;
        let contact_id = contact.ok_or(StoreError::NotFound)?.opt_text("contact_id")?.unwrap_or_default();
        // In the order in which workers lock: the contact, its turn, the event.
        let dialect = self.db.dialect();
        tx.lock_contacts(&[contact_id.as_str()]).await?;
        let turn = format!("select token from turns where contact_id = $1{}", dialect.for_update());
        let turn = tx.fetch_first(turn, args![contact_id.as_str()]).await?;
        let is_running = turn.map_or(Ok(None), |row| row.opt_text("token"))?.is_some();
        let locked = format!("select * from events where id = $1{}", dialect.for_update());
        let event = EventRow::read(&tx.fetch_first(locked, args![id]).await?.ok_or(StoreError::NotFound)?)?;
        let order = order.or_hastened(&event, now);
        order.check(&event)?;
        let Order { actor, action, reason, happened, seen, .. } = order;
        if seen.is_some_and(|seen| seen != event.updated_at) {
            return Err(StoreError::Changed);
        }
        let link = link_of(tx, &contact_id).await?;
        let (set, args) = order.changes(&event, now, link.as_ref().into());
        let moved = Move { happened, at: now, set, which: "id = $1", args, returning: "" };
        moved.run_one(tx, id).await?;
        // A worker that is running the contact's head moves the turn itself when it settles.
        if !contact_id.is_empty() && !is_running {
            move_turn(tx, &contact_id, now).await?;
        }
        write_audit(tx, now, actor, action, id, reason).await
    }
}

/// Of those that match, the events that still have their payload: without it there is nothing to replay. What is queued is
/// tried sooner by it only if it waits for nothing but its next try.
pub(super) fn replayable_of(filter: &EventFilter, now: Millis, dialect: Dialect) -> Conditions {
    let mut conditions = Conditions::of(filter, dialect);
    conditions.require("payload is not null");
    if filter.statuses.contains(&Status::Queued) {
        conditions.args.push(now.into());
        let number = conditions.args.len();
        let waits = format!("(status <> 'queued' or blocked_by is null and next_attempt_at > ${number})");
        conditions.require(&waits);
    }
    conditions
}
