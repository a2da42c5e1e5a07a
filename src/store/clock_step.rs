//! The clock of a machine can be set while the bridge runs. Leases, due times and the waits for late effects are moments
//! of that clock: set forward, a lease would be over while its call is still under way, and another worker would send the
//! call a second time; set backward, everything that is due would wait for as long as the clock went back.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{
    Store, StoreError,
    db::{Tx, args},
};
use crate::clock::Millis;

/// How far the clock may run away from the time that passed between two looks before it counts as set. Less is covered by
/// the margin between a lease and the calls that are made under it.
const JUMP_MS: i64 = 5_000;
/// No lease of a message is longer.
const MESSAGE_LEASE_MAX: Duration = Duration::from_secs(300);
/// How far another replica's clock may be ahead of ours.
pub(super) const SKEW: Duration = Duration::from_secs(60);

/// The time of day and the steady time when this process last looked.
#[derive(Debug, Default)]
pub(super) struct ClockSteps(Mutex<Option<(Millis, Millis)>>);

impl Store {
    /// Mends the ledger's moments if the clock was set since the last look; called before every claim. The first look of
    /// a process cannot know of the time before it, and only finds moments that lie in the future.
    pub(super) async fn mend_clock_step(&self, span: Duration) -> Result<(), StoreError> {
        let (now, steady) = (self.clock.now(), self.clock.steady());
        let before = *self.clock_steps.0.lock().unwrap_or_else(PoisonError::into_inner);
        let jump = before.map(|(wall, passed)| (now.0 - wall.0) - (steady.0 - passed.0));
        if jump.is_none_or(|jump| jump.abs() >= JUMP_MS) {
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
        *self.clock_steps.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, steady));
        Ok(())
    }
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
