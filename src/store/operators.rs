//! What operators do to events. Each call writes its audit entry in the same transaction.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Actor, EventFilter, EventRow, Resolution, Store, StoreError, audit::write_audit, db::args, queries::Conditions,
    transitions::Move, turns::move_turn,
};
use crate::event::{Status, Transition};

/// Events that a replay by filter reads at once.
const REPLAY_BATCH: i64 = 200;
/// Events of a replay by filter that fall due in a second: what comes in fresh is not pushed behind a flood of old ones.
const REPLAYS_PER_SECOND: i64 = 50;

/// What is to become of an event, and who says so.
struct Order<'a> {
    actor: &'a Actor,
    action: &'a str,
    reason: Option<&'a str>,
    happened: Transition,
    /// How long it waits before it may run.
    pause: Duration,
    /// A decision on an event that `needs_review`.
    resolution: Option<&'a Resolution>,
}

impl Order<'_> {
    /// Whether an event takes this order. One that a worker has in hand takes none, and a decision must be one of those
    /// that its review asks for.
    fn fits(&self, event: &EventRow) -> bool {
        let Ok(next) = event.status.after(self.happened) else { return false };
        let Some(resolution) = self.resolution else { return next != Status::Queued || event.payload.is_some() };
        let decision = json!(resolution)["decision"].clone();
        let asked_for = event.review.as_ref().and_then(|review| review["decisions"].as_array());
        asked_for.is_some_and(|decisions| decisions.contains(&decision))
    }
}

impl Store {
    /// Puts an event back into its contact's turn with a fresh budget; it resumes after the last confirmed step.
    pub async fn replay(&self, id: &str, actor: &Actor, reason: Option<&str>) -> Result<(), StoreError> {
        self.replay_after(id, actor, reason, Duration::ZERO).await
    }

    /// Gives an event up.
    pub async fn discard(&self, id: &str, actor: &Actor, reason: Option<&str>) -> Result<(), StoreError> {
        let (happened, pause) = (Transition::Discarded, Duration::ZERO);
        self.change(id, Order { actor, action: "event.discard", reason, happened, pause, resolution: None }).await
    }

    async fn replay_after(
        &self,
        id: &str,
        actor: &Actor,
        reason: Option<&str>,
        pause: Duration,
    ) -> Result<(), StoreError> {
        let happened = Transition::Replayed;
        self.change(id, Order { actor, action: "event.replay", reason, happened, pause, resolution: None }).await
    }

    /// Writes a person's decision on an event that `needs_review` and puts it back into its turn.
    pub async fn resolve(
        &self,
        id: &str,
        resolution: &Resolution,
        actor: &Actor,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        let order = Order {
            actor,
            action: "event.resolve",
            reason,
            happened: Transition::Resolved,
            pause: Duration::ZERO,
            resolution: Some(resolution),
        };
        self.change(id, order).await
    }

    /// Counts the events that match, of the states from which many are replayed at once ([`Status::REPLAYED_TOGETHER`]; the
    /// dead where none is named), and replays them unless `dry_run`, in the order in which they were accepted.
    pub async fn replay_matching(&self, filter: &EventFilter, dry_run: bool, actor: &Actor) -> Result<i64, StoreError> {
        let mut filter = filter.clone();
        if filter.statuses.is_empty() {
            filter.statuses = vec![Status::Dead];
        }
        filter.statuses.retain(|status| Status::REPLAYED_TOGETHER.contains(status));
        if filter.statuses.is_empty() {
            return Ok(0);
        }
        if dry_run {
            let conditions = replayable_of(&filter);
            let sql = format!("select count(*) as count from events{}", conditions.sql());
            return self.db.read(sql, conditions.args).await?.first().map_or(Ok(0), |row| row.int("count"));
        }
        let mut replayed = 0;
        let mut after = 0;
        loop {
            let (ids, last) = self.matching_ids(&filter, after).await?;
            for id in &ids {
                let seconds = u64::try_from(replayed / REPLAYS_PER_SECOND).unwrap_or_default();
                match self.replay_after(id, actor, Some("by filter"), Duration::from_secs(seconds)).await {
                    Ok(()) => replayed += 1,
                    // Somebody else changed it in the meantime; it is not ours to replay any more.
                    Err(StoreError::WrongState(_) | StoreError::NotFound) => {}
                    Err(error) => return Err(error),
                }
            }
            if ids.is_empty() {
                return Ok(replayed);
            }
            after = last;
        }
    }

    async fn matching_ids(&self, filter: &EventFilter, after: i64) -> Result<(Vec<String>, i64), StoreError> {
        let mut conditions = replayable_of(filter);
        conditions.add("seq >", after);
        let limit_at = conditions.args.len() + 1;
        let sql = format!("select id, seq from events{} order by seq limit ${limit_at}", conditions.sql());
        conditions.args.push(REPLAY_BATCH.into());
        let rows = self.db.read(sql, conditions.args).await?;
        let last = rows.last().map_or(Ok(after), |row| row.int("seq"))?;
        Ok((rows.iter().map(|row| row.text("id")).collect::<Result<_, _>>()?, last))
    }

    async fn change(&self, id: &str, order: Order<'_>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let event = self.event(id).await?.ok_or(StoreError::NotFound)?;
        let contact_id = event.contact_id.clone().unwrap_or_default();
        let mut tx = self.db.begin().await?;
        // In the order in which workers lock: the contact, its turn, the event.
        let dialect = self.db.dialect();
        tx.lock_contacts(&[contact_id.as_str()]).await?;
        let turn = format!("select token from turns where contact_id = $1{}", dialect.for_update());
        let turn = tx.fetch_first(turn, args![contact_id.as_str()]).await?;
        let is_running = turn.map_or(Ok(None), |row| row.opt_text("token"))?.is_some();
        let locked = format!("select * from events where id = $1{}", dialect.for_update());
        let event = EventRow::read(&tx.fetch_first(locked, args![id]).await?.ok_or(StoreError::NotFound)?)?;
        if !order.fits(&event) {
            return Err(StoreError::WrongState(event.status));
        }
        let Order { actor, action, reason, happened, pause, resolution } = order;
        let resolution = resolution.map(|resolution| bound(resolution, event.review.as_ref()).to_string());
        let is_tried_again = happened.target() == Some(Status::Queued);
        let moved = Move {
            happened,
            at: now,
            // Why an event was given up stays readable.
            set: if is_tried_again {
                "attempts = 0, next_attempt_at = $2, resolution = $3, blocked_by = null, blocks_begun = 0, error = null,
                 error_code = null"
            } else {
                "attempts = 0, next_attempt_at = $2, resolution = $3, blocked_by = null"
            },
            which: "id = $1",
            args: args![id, is_tried_again.then_some(now.plus(pause)), resolution],
            returning: "",
        };
        moved.run_one(&mut tx, id).await?;
        // A worker that is running the contact's head moves the turn itself when it settles.
        if !contact_id.is_empty() && !is_running {
            move_turn(&mut tx, &contact_id, now).await?;
        }
        write_audit(&mut tx, now, actor, action, id, reason).await?;
        self.commit(tx).await?;
        self.work.notify_one();
        Ok(())
    }
}

/// A decision as the ledger keeps it: with the step that it was asked for, so that it counts for no other.
fn bound(resolution: &Resolution, review: Option<&Value>) -> Value {
    let mut decision = json!(resolution);
    if let Some(step) = review.and_then(|review| review.get("step")) {
        decision["step"] = step.clone();
    }
    decision
}

/// Of those that match, the events that still have their payload: without it there is nothing to replay.
fn replayable_of(filter: &EventFilter) -> Conditions {
    let mut conditions = Conditions::of(filter);
    conditions.require("payload is not null");
    conditions
}
