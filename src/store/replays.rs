//! Replays of many events as things of their own: which events, how far it is, and the outcome of each.

use std::collections::BTreeMap;

use super::{
    Actor, EventFilter, Store, StoreError,
    audit::write_audit,
    bulk::Insert,
    db::{Row, Tx, args},
    operators::replayable_of,
    replay_types::{
        ChosenEvent, NewReplay, Replay, ReplayCandidate, ReplayDeed, ReplayDetail, ReplayEvent, ReplayRefused,
        ReplayState,
    },
    types,
};
use crate::{
    clock::Millis,
    event::{Forecast, Status},
};

/// Events of one replay at most: of more that match, the oldest.
pub const REPLAY_EVENTS_MAX: usize = 10_000;
/// Replays that are neither done nor stopped, at most.
pub const OPEN_REPLAYS_MAX: i64 = 50;
/// Events that are read at once, with their bodies, for the forecast.
const CANDIDATES: i64 = 200;
const ITEMS: Insert =
    Insert { into: "replay_events (replay_id, position, event_id, chosen_in, forecast, state)", then: "" };
/// Whoever makes a replay holds it, so that no more stand open than may; no contact's id holds a blank.
const OPEN_REPLAYS: &str = "open replays";

impl Store {
    /// Events that match and can be replayed, in order of acceptance, behind `after`; the dead where no state is named.
    pub async fn replay_candidates(
        &self,
        filter: &EventFilter,
        after: i64,
    ) -> Result<Vec<ReplayCandidate>, StoreError> {
        let mut filter = filter.clone();
        if filter.statuses.is_empty() {
            filter.statuses = vec![Status::Dead];
        }
        let mut conditions = replayable_of(&filter, self.clock.now(), self.db.dialect());
        conditions.add("seq >", after);
        let sql = format!(
            "select seq, id, status, kind, contact_id, coalesce(amended, payload) as payload, force, admission from events{} order by seq limit {CANDIDATES}",
            conditions.sql()
        );
        let read = |row: &Row| -> Result<ReplayCandidate, StoreError> {
            Ok(ReplayCandidate {
                seq: row.int("seq")?,
                id: row.text("id")?,
                status: types::status(row)?,
                kind: row.text("kind")?,
                contact_id: row.opt_text("contact_id")?,
                payload: row.text("payload")?,
                force: row.int("force")? != 0,
                admission: row.opt_json("admission")?,
            })
        };
        self.db.read(sql, conditions.args).await?.iter().map(read).collect()
    }

    /// Makes a replay of these events, which stay the same whatever else comes to match; answers its id. It is a draft.
    pub async fn create_replay(&self, new: NewReplay, actor: &Actor) -> Result<String, ReplayRefused> {
        let (id, now) = (uuid::Uuid::now_v7().to_string(), self.clock.now());
        let mut tx = self.db.begin().await?;
        tx.lock_contacts(&[OPEN_REPLAYS]).await?;
        let open = "select count(*) as count from replays where state in ('draft', 'running', 'paused')";
        let open = tx.fetch_first(open, args![]).await?.map_or(Ok(0), |row| row.int("count"))?;
        if open >= OPEN_REPLAYS_MAX {
            return Err(ReplayRefused::TooMany);
        }
        let events = i64::try_from(new.events.len()).unwrap_or(i64::MAX);
        let sql = "insert into replays (id, created_at, actor, reason, filter, more, state, events)
                   values ($1, $2, $3, $4, $5, $6, 'draft', $7)";
        let (name, reason) = (actor.name.as_str(), new.reason.as_deref());
        let filter = new.filter.to_string();
        tx.execute(sql, args![id.as_str(), now, name, reason, filter.as_str(), new.more, events]).await?;
        let row = |(position, event): (i64, ChosenEvent)| {
            let (chosen_in, forecast) = (event.status.as_str(), event.forecast.as_str());
            [id.as_str().into(), position.into(), event.id.into(), chosen_in.into(), forecast.into(), "waiting".into()]
        };
        ITEMS.run(&mut tx, (0..).zip(new.events).map(row).collect()).await?;
        // What was looked for can be a person's, and the audit log is kept for years.
        let mut filter = new.filter;
        filter.as_object_mut().map(|filter| filter.remove("q"));
        let filter = filter.to_string();
        write_audit(&mut tx, now, actor, "replay.create", &id, Some(reason.unwrap_or(&filter))).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Starts, pauses, resumes or stops a replay.
    pub async fn change_replay(
        &self,
        id: &str,
        deed: ReplayDeed,
        actor: &Actor,
        reason: Option<&str>,
    ) -> Result<(), ReplayRefused> {
        let ((from, to), now) = (deed.change(), self.clock.now());
        let from = from.iter().map(|state| format!("'{}'", state.as_str())).collect::<Vec<_>>().join(", ");
        let mut tx = self.db.begin().await?;
        let sql = format!(
            "update replays set state = $2, started_at = coalesce(started_at, $3), ended_at = $4
             where id = $1 and state in ({from})"
        );
        let started = (to == ReplayState::Running).then_some(now);
        let ended = (to == ReplayState::Stopped).then_some(now);
        if tx.execute(sql, args![id, to.as_str(), started, ended]).await? == 0 {
            let row = tx.fetch_first("select state from replays where id = $1", args![id]).await?;
            let state = row.map(|row| row.text("state")).transpose()?;
            return Err(match state {
                Some(state) => ReplayRefused::WrongState(state.parse()?),
                None => ReplayRefused::Unknown,
            });
        }
        write_audit(&mut tx, now, actor, deed.action(), id, reason).await?;
        if to == ReplayState::Running {
            end_if_empty(&mut tx, id, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Replays, newest first; `before` is the `seq` of the last item of the page before.
    pub async fn replays(&self, before: Option<i64>, limit: i64) -> Result<Vec<Replay>, StoreError> {
        let sql = "select * from replays where seq < $1 order by seq desc limit $2";
        let rows = self.db.read(sql, args![before.unwrap_or(i64::MAX), limit]).await?;
        rows.iter().map(Replay::read).collect()
    }

    /// A replay, its forecast and how its events stand.
    pub async fn replay_detail(&self, id: &str) -> Result<Option<ReplayDetail>, StoreError> {
        let rows = self.db.read("select * from replays where id = $1", args![id]).await?;
        let Some(replay) = rows.first().map(Replay::read).transpose()? else { return Ok(None) };
        let sql = "select forecast, count(*) as count from replay_events where replay_id = $1 group by forecast";
        let mut forecast = BTreeMap::new();
        for row in self.db.read(sql, args![id]).await? {
            if let Some(name) = Forecast::named(&row.text("forecast")?) {
                forecast.insert(name, row.int("count")?);
            }
        }
        let sql = "select events.status, count(*) as count from replay_events, events
                   where replay_id = $1 and state = 'put_back' and events.id = event_id group by events.status";
        let mut outcomes = Vec::new();
        for row in self.db.read(sql, args![id]).await? {
            outcomes.push((types::status(&row)?, row.int("count")?));
        }
        Ok(Some(ReplayDetail { replay, forecast, outcomes }))
    }

    /// Whether there is such a replay.
    pub async fn has_replay(&self, id: &str) -> Result<bool, StoreError> {
        Ok(!self.db.read("select id from replays where id = $1", args![id]).await?.is_empty())
    }

    /// The events of a replay behind this place, in its order.
    pub async fn replay_events(&self, id: &str, after: i64, limit: i64) -> Result<Vec<ReplayEvent>, StoreError> {
        let sql = "select position, event_id, forecast, state, at, kind, contact_id, status, error_code
                   from replay_events left join events on events.id = event_id
                   where replay_id = $1 and position > $2 order by position limit $3";
        let read = |row: &Row| -> Result<ReplayEvent, StoreError> {
            Ok(ReplayEvent {
                position: row.int("position")?,
                event_id: row.text("event_id")?,
                forecast: Forecast::named(&row.text("forecast")?).unwrap_or(Forecast::Skip),
                state: row.text("state")?,
                at: row.opt_millis("at")?,
                kind: row.opt_text("kind")?,
                contact_id: row.opt_text("contact_id")?,
                status: row.opt_text("status")?.map(|_| types::status(row)).transpose()?,
                error_code: row.opt_text("error_code")?,
            })
        };
        self.db.read(sql, args![id, after, limit]).await?.iter().map(read).collect()
    }

    /// Forgets replays that were made before a moment, a few at a time, and drafts that nobody started before the other;
    /// answers how many.
    pub async fn prune_replays(&self, before: Millis, drafts_before: Millis) -> Result<u64, StoreError> {
        let old = "select id from replays where (created_at < $1 and state in ('done', 'stopped'))
                   or (created_at < $2 and state = 'draft') order by seq limit 10";
        let old = self.db.read(old, args![before, drafts_before]).await?;
        for row in &old {
            let id = row.text("id")?;
            let mut tx = self.db.begin().await?;
            let gone = "delete from replays where id = $1 and state in ('done', 'stopped', 'draft')";
            // Somebody may have started the draft meanwhile.
            if tx.execute(gone, args![id.as_str()]).await? > 0 {
                tx.execute("delete from replay_events where replay_id = $1", args![id]).await?;
                tx.commit().await?;
            }
        }
        Ok(old.len() as u64)
    }
}

/// A running replay of which nothing waits any more is done.
pub(super) async fn end_if_empty(tx: &mut Tx, id: &str, now: Millis) -> Result<(), StoreError> {
    let sql = "update replays set state = 'done', ended_at = $2 where id = $1 and state = 'running' and not exists
        (select 1 from replay_events where replay_id = $1 and replay_events.state = 'waiting')";
    tx.execute(sql, args![id, now]).await.map(drop)
}
