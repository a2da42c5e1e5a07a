//! Puts the events of running replays back, bit by bit and while few others wait: what comes in fresh goes first.

use super::{Actor, Store, StoreError, db::args, operators::Order, replays::end_if_empty};
use crate::event::Transition;

/// While so many contacts wait for their turn, no replay adds to them; a round puts back as many as there is room for.
pub const REPLAY_ROOM: i64 = 50;

/// An event of a running replay whose time has come.
struct Item {
    replay_id: String,
    position: i64,
    event_id: String,
    actor: String,
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
        let waiting = "select count(*) as count from
            (select 1 from turns where due_at <= $1 and token is null limit $2) as waiting";
        let waiting = self.db.read(waiting, args![self.clock.now(), REPLAY_ROOM]).await?;
        let room = REPLAY_ROOM - waiting.first().map_or(Ok(0), |row| row.int("count"))?;
        if room <= 0 {
            return Ok(0);
        }
        let mut put_back = 0;
        for item in self.next_of_replays(room).await? {
            put_back += u64::from(self.feed(&item).await? == Fed::PutBack);
        }
        Ok(put_back)
    }

    /// The next events, those of the replay that was started first before others'.
    async fn next_of_replays(&self, limit: i64) -> Result<Vec<Item>, StoreError> {
        let sql = "select replays.id as replay_id, position, event_id, actor from replays, replay_events
                   where replays.state = 'running' and replay_id = replays.id and replay_events.state = 'waiting'
                   order by started_at, replays.seq, position limit $1";
        let rows = self.db.read(sql, args![limit]).await?;
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            let (replay_id, event_id, actor) = (row.text("replay_id")?, row.text("event_id")?, row.text("actor")?);
            items.push(Item { replay_id, position: row.int("position")?, event_id, actor });
        }
        Ok(items)
    }

    /// Puts an event back, says so in its replay and in the audit log: all in one transaction, or nothing of it.
    async fn feed(&self, item: &Item) -> Result<Fed, StoreError> {
        let now = self.clock.now();
        let reason = format!("replay {}", item.replay_id);
        let actor = Actor::from(item.actor.as_str());
        let order = Order { reason: Some(&reason), ..Order::of(&actor, "event.replay", Transition::Replayed) };
        let mut tx = self.db.begin().await?;
        let fed = match self.apply(&mut tx, &item.event_id, &order).await {
            Ok(()) => Fed::PutBack,
            // Somebody else has changed it since, or it is gone.
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
