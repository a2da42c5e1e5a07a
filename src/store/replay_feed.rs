//! Puts the events of running replays back, bit by bit and while few others wait: what comes in fresh goes first.

use super::{
    Actor, Store, StoreError,
    db::{Row, args},
    operators::Order,
    replays::end_if_empty,
};
use crate::event::{Status, Transition};

/// While so many contacts wait for their turn, or for a pause or a block to end, no replay adds to them; a round puts back as
/// many as there is room for.
pub const REPLAY_ROOM: i64 = 50;
/// Events that a round looks at, at most: one that cannot be put back holds up none behind it.
const LOOKED_AT: i64 = 2 * REPLAY_ROOM;
/// So many failures in a row are the ledger's, not the events'.
const FAILURES_MAX: u32 = 3;

/// Contacts for whom replays wait, each counted up to [`REPLAY_ROOM`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReplayWaits {
    /// Contacts that wait for their turn.
    pub due: i64,
    /// Contacts whose turn waits for a pause or a block to end.
    pub parked: i64,
}

impl ReplayWaits {
    /// Whether no replay puts anything back.
    pub const fn leaves_no_room(self) -> bool {
        self.due + self.parked >= REPLAY_ROOM
    }
}

/// An event of a running replay whose time has come.
struct Item {
    replay_id: String,
    position: i64,
    event_id: String,
    actor: String,
    /// The state in which it was chosen; `None` where it was gone when that came to be written down.
    chosen_in: Option<Status>,
}

impl Item {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            replay_id: row.text("replay_id")?,
            position: row.int("position")?,
            event_id: row.text("event_id")?,
            actor: row.text("actor")?,
            chosen_in: row.opt_text("chosen_in")?.and_then(|status| status.parse().ok()),
        })
    }
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
enum Fed {
    PutBack,
    PassedOver,
    /// Another replica was faster, or the replay stands still meanwhile: nothing was changed.
    NotOurs,
}

impl Store {
    /// One round: puts back as many events of running replays as there is room for among those that wait; answers how
    /// many. Several replicas may do so at once.
    pub async fn feed_replays(&self) -> Result<u64, StoreError> {
        let waits = self.replay_waits().await?;
        let room = REPLAY_ROOM - waits.due - waits.parked;
        if waits.leaves_no_room() {
            return Ok(0);
        }
        let (mut put_back, mut failures) = (0, 0);
        for item in self.next_of_replays(LOOKED_AT).await? {
            match self.feed(&item).await {
                Ok(fed) => {
                    failures = 0;
                    put_back += i64::from(fed == Fed::PutBack);
                }
                Err(error) if failures + 1 == FAILURES_MAX => return Err(error),
                Err(error) => {
                    failures += 1;
                    tracing::warn!(event.id = %item.event_id, %error, "an event of a replay cannot be put back for now");
                }
            }
            if put_back == room {
                break;
            }
        }
        Ok(put_back.unsigned_abs())
    }

    /// For whom replays wait. Contacts that a pause or a block has parked fall due together once it ends.
    pub async fn replay_waits(&self) -> Result<ReplayWaits, StoreError> {
        let sql = "select
            (select count(*) from (select 1 from turns where due_at <= $1 and token is null limit $2) as due) as due,
            (select count(*) from (select 1 from turns where parked_by is not null limit $2) as parked) as parked";
        let waiting = self.db.read(sql, args![self.clock.now(), REPLAY_ROOM]).await?;
        let Some(row) = waiting.first() else { return Ok(ReplayWaits::default()) };
        Ok(ReplayWaits { due: row.int("due")?, parked: row.int("parked")? })
    }

    /// The next events, those of the replay that was started first before others'.
    async fn next_of_replays(&self, limit: i64) -> Result<Vec<Item>, StoreError> {
        let sql = "select replays.id as replay_id, position, event_id, actor, chosen_in from replays, replay_events
                   where replays.state = 'running' and replay_id = replays.id and replay_events.state = 'waiting'
                   order by started_at, replays.seq, position limit $1";
        self.db.read(sql, args![limit]).await?.iter().map(Item::read).collect()
    }

    /// Puts an event back, says so in its replay and in the audit log: all in one transaction, or nothing of it.
    async fn feed(&self, item: &Item) -> Result<Fed, StoreError> {
        let now = self.clock.now();
        let reason = format!("replay {}", item.replay_id);
        let actor = Actor::from(item.actor.as_str());
        let chosen_in: Vec<Status> = item.chosen_in.into_iter().collect();
        let only = Some(chosen_in.as_slice());
        let order = Order::of(&actor, "event.replay", Transition::Replayed);
        // One that was chosen while it waited for its next try gets that now, if it still waits.
        let order = Order { reason: Some(&reason), only, hastens: true, ..order };
        let mut tx = self.db.begin().await?;
        let fed = match self.apply(&mut tx, &item.event_id, &order).await {
            Ok(()) => Fed::PutBack,
            // Somebody has decided otherwise since, or it is gone.
            Err(StoreError::WrongState(_) | StoreError::NotFound) => Fed::PassedOver,
            Err(error) => return Err(error),
        };
        let (state, counter) =
            if fed == Fed::PutBack { ("put_back", "put_back") } else { ("passed_over", "passed_over") };
        // Locked behind the event, as pausing and stopping lock nothing else: who pauses waits for this commit.
        let count = format!("update replays set {counter} = {counter} + 1 where id = $1 and state = 'running'");
        let counted = tx.execute(count, args![item.replay_id.as_str()]).await?;
        let mark = "update replay_events set state = $3, at = $4
                    where replay_id = $1 and position = $2 and state = 'waiting'";
        let marked = tx.execute(mark, args![item.replay_id.as_str(), item.position, state, now]).await?;
        if (counted, marked) != (1, 1) {
            return Ok(Fed::NotOurs);
        }
        end_if_empty(&mut tx, &item.replay_id, now).await?;
        self.commit(tx).await?;
        self.work.notify_one();
        Ok(fed)
    }
}
