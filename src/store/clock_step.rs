//! The clock of a machine can be set while the bridge runs. Leases, due times and the waits for late effects are moments
//! of that clock: set forward, a lease would be over while its call is still under way, and another worker would send the
//! call a second time; set backward, everything that is due would wait for as long as the clock went back.
//!
//! Replicas compare these moments with each other's. On PostgreSQL they go by the database's clock: a machine that is minutes
//! ahead would find every lease over at once.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{
    Store, StoreError,
    db::{Tx, args},
    dialect::Dialect,
};
use crate::clock::Millis;

/// How far the clock may run away from the time that passed between two looks before it counts as set. Less is covered by
/// the margin between a lease and the calls that are made under it.
const JUMP_MS: i64 = 5_000;
/// No lease of a message is longer.
const MESSAGE_LEASE_MAX: Duration = Duration::from_secs(300);
/// How far another replica's clock may be ahead of ours.
pub(super) const SKEW: Duration = Duration::from_secs(60);

/// How often the clock is held against the database's.
const COMPARED: Duration = Duration::from_secs(5);
/// A smaller difference is left as it is; where clocks are kept in step there is none.
const DIFFERENCE_MS: i64 = 2_000;
/// An answer that took longer does not tell how far the clocks differ.
const ANSWER_MS: i64 = 2_000;
const DATABASE_NOW: &str = "select cast(extract(epoch from clock_timestamp()) * 1000 as bigint) as now";

/// What this process knows of its clock.
#[derive(Debug, Default)]
pub(super) struct ClockSteps {
    /// The time of day and the steady time when it last looked.
    looked: Mutex<Option<(Millis, Millis)>>,
    /// Steady time when it was last held against the database's.
    compared: Mutex<Option<Millis>>,
}

impl ClockSteps {
    fn is_time_to_compare(&self, steady: Millis) -> bool {
        let compared = *self.compared.lock().unwrap_or_else(PoisonError::into_inner);
        compared.is_none_or(|compared| steady.since(compared) >= COMPARED)
    }
}

impl Store {
    /// Mends the ledger's moments if the clock was set since the last look; called before every claim. The first look of
    /// a process cannot know of the time before it, and only finds moments that lie in the future.
    pub(super) async fn mend_clock_step(&self, span: Duration) -> Result<(), StoreError> {
        let is_time = self.clock_steps.is_time_to_compare(self.clock.steady());
        let change = if is_time || self.jump().is_some_and(is_step) { self.follow_database().await? } else { 0 };
        let (now, steady) = (self.clock.now(), self.clock.steady());
        // Where another clock is followed for it, a machine's clock that was set shows in what was written meanwhile alone.
        let jump = self.jump().map(|jump| if is_step(change) { change } else { jump });
        if jump.is_none_or(is_step) {
            let forward = jump.is_some_and(|jump| jump > 0);
            if let Some(jump) = jump {
                tracing::warn!(jump_ms = jump, "the clock was set; leases and due times are moved with it");
            }
            let mut tx = self.db.begin().await?;
            if forward {
                begin_leases_anew(&mut tx, now, span).await?;
            } else {
                bring_back(&mut tx, now).await?;
                bring_messages_back(&mut tx, now, jump.is_some()).await?;
            }
            tx.commit().await?;
        }
        *self.clock_steps.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, steady));
        Ok(())
    }

    /// How far the clock has run away from the time that passed since the last look, in milliseconds.
    fn jump(&self) -> Option<i64> {
        let (now, steady) = (self.clock.now(), self.clock.steady());
        let looked = *self.clock_steps.looked.lock().unwrap_or_else(PoisonError::into_inner);
        looked.map(|(wall, passed)| (now.0 - wall.0) - (steady.0 - passed.0))
    }

    /// Holds the machine's clock against the database's, and goes by that one where they differ; answers by how much the time
    /// is another one for it, in milliseconds. Where the database's own clock is set, the replicas follow one after the other,
    /// all of them within [`COMPARED`].
    pub(super) async fn follow_database(&self) -> Result<i64, StoreError> {
        if self.db.dialect() == Dialect::Sqlite || self.clock.is_manual() {
            return Ok(0);
        }
        let asked = self.clock.machine();
        let rows = self.db.read(DATABASE_NOW, args![]).await?;
        let took = self.clock.machine().0 - asked.0;
        let Some(row) = rows.first().filter(|_| (0..=ANSWER_MS).contains(&took)) else { return Ok(0) };
        let ahead = row.millis("now")?.0 - asked.0 - took / 2;
        let steady = self.clock.steady();
        *self.clock_steps.compared.lock().unwrap_or_else(PoisonError::into_inner) = Some(steady);
        let change = ahead - self.clock.followed();
        if change.abs() < DIFFERENCE_MS {
            return Ok(0);
        }
        tracing::warn!(
            database.ahead_ms = ahead,
            "the clock of this machine and the database's differ, or do no more; leases and due times go by the database's"
        );
        self.clock.follow(ahead);
        Ok(change)
    }
}

/// Whether the clock was set.
const fn is_step(jump: i64) -> bool {
    jump.abs() >= JUMP_MS
}

/// Nobody knows how old a lease is, and how long ago a step began: both begin now.
async fn begin_leases_anew(tx: &mut Tx, now: Millis, span: Duration) -> Result<(), StoreError> {
    let leases = "update turns set due_at = $1 where token is not null and due_at < $1";
    tx.execute(leases, args![now.plus(span)]).await?;
    let started = "update steps set started_at = $1 where state = 'started' and started_at < $1 and event_id in
        (select events.id from turns join events on events.seq = turns.head_seq)";
    tx.execute(started, args![now]).await?;
    Ok(())
}

/// What was written in what is the future now keeps its pause, from now on.
async fn bring_back(tx: &mut Tx, now: Millis) -> Result<(), StoreError> {
    let future = now.plus(SKEW);
    let turns = "update turns set due_at = $1 + due_at - (select updated_at from events where seq = head_seq)
        where due_at > $1 and (select updated_at from events where seq = head_seq) > $2";
    tx.execute(turns, args![now, future]).await?;
    // With the rows' own moments in the past, a second look changes nothing more.
    let heads = "update events set next_attempt_at = $1 + next_attempt_at - updated_at, updated_at = $1
        where updated_at > $2 and seq in (select head_seq from turns where due_at >= $1)";
    tx.execute(heads, args![now, future]).await?;
    let started = "update steps set started_at = $1 where state = 'started' and started_at > $2 and event_id in
        (select events.id from turns join events on events.seq = turns.head_seq)";
    tx.execute(started, args![now, future]).await?;
    Ok(())
}

/// Messages to others: those of the future are due now, and after a step that was seen all that wait, as nobody knows since
/// when; one that is sent too early costs one try of many. A lease that would end in that future ends within this one's.
async fn bring_messages_back(tx: &mut Tx, now: Millis, was_seen: bool) -> Result<(), StoreError> {
    let written = if was_seen { 0 } else { now.plus(SKEW).0 };
    let waiting = "update outbox set due_at = $1 where token is null and due_at > $1 and created_at > $2";
    tx.execute(waiting, args![now, written]).await?;
    let leased = "update outbox set due_at = $1 where token is not null and due_at > $1 and created_at > $2";
    tx.execute(leased, args![now.plus(MESSAGE_LEASE_MAX), written]).await?;
    Ok(())
}

/// When an event is due that was written at `written` to be due at `due`: a clock that was ahead then must not hold it up.
pub(super) fn due(due: Millis, written: Millis, now: Millis) -> Millis {
    if written > now.plus(SKEW) { now.plus(due.since(written)) } else { due }
}
