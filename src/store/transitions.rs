//! The one way in which an event gets another state: the row and its announcement change in one transaction, and what
//! cannot happen to an event in its state changes nothing.

use std::collections::HashSet;

use super::{
    Change, Store, StoreError,
    announcements::{Announcer, Linked},
    bulk::Many,
    db::{Arg, Row, Tx, args},
    outbox, replicas, tally, types, write_back,
};
use crate::{
    clock::Millis,
    event::{Decision, EventKind, Status, Transition},
    json,
    telemetry::metrics,
};

/// What happens to events, and what else of their rows changes with it.
pub(super) struct Move<'a> {
    pub(super) happened: Transition,
    /// When.
    pub(super) at: Millis,
    /// Further columns, `error = $1, attempts = 0`; `status`, `updated_at` and `finished_at` are the move's own.
    pub(super) set: &'a str,
    /// Which events, of those that it can happen to: `id = $2`.
    pub(super) which: &'a str,
    /// The arguments of both.
    pub(super) args: Vec<Arg>,
    /// Columns to answer besides those of [`told`]: `, seq`, `, *`.
    pub(super) returning: &'a str,
}

impl Move<'_> {
    /// Moves all that match and are in a state that allows it; answers their rows.
    pub(super) async fn run(self, tx: &mut Tx) -> Result<Vec<Row>, StoreError> {
        let Self { happened, at, set, which, mut args, returning } = self;
        let Some(next) = happened.target() else { return Ok(Vec::new()) };
        args.push(at.into());
        let at_number = args.len();
        let finished = if next.is_open() { "null".to_owned() } else { format!("${at_number}") };
        let set = if set.is_empty() { String::new() } else { format!(", {set}") };
        let sql = format!(
            "update events set status = '{next}', updated_at = ${at_number}, finished_at = {finished}{set}
             where status in ({}) and {which} returning {}{returning}",
            sources(happened),
            told(next)
        );
        let rows = tx.fetch(sql, args).await?;
        note(tx, &rows, next, at)?;
        Ok(rows)
    }

    /// Moves this one event.
    ///
    /// # Errors
    /// [`StoreError::WrongState`] where its state does not allow it, [`StoreError::NotFound`] where there is none.
    pub(super) async fn run_one(self, tx: &mut Tx, id: &str) -> Result<(), StoreError> {
        if !self.run(tx).await?.is_empty() {
            return Ok(());
        }
        Err(why_not(tx, id).await?)
    }
}

/// What happens to events of which each gets values of its own.
pub(super) struct Moves<'a, const N: usize> {
    pub(super) happened: Transition,
    /// When.
    pub(super) at: Millis,
    /// The columns of `rows`; the first two are `event` and `at`.
    pub(super) columns: &'a str,
    /// Further columns, out of them: `error = said`.
    pub(super) set: &'a str,
    pub(super) rows: Vec<[Arg; N]>,
}

impl<const N: usize> Moves<'_, N> {
    /// Moves all of them.
    ///
    /// # Errors
    /// As [`Move::run_one`], for the first that cannot be moved.
    pub(super) async fn run(self, tx: &mut Tx) -> Result<(), StoreError> {
        let Self { happened, at, columns, set, rows } = self;
        let Some(next) = happened.target() else { return Ok(()) };
        let finished = if next.is_open() { "null" } else { "given.at" };
        let run = format!(
            "update events set status = '{next}', updated_at = given.at, finished_at = {finished}, {set} from given
             where events.id = given.event and status in ({}) returning {}",
            sources(happened),
            told(next)
        );
        let wanted: Vec<Arg> = rows.iter().map(|row| row[0].clone()).collect();
        let moved = Many { columns, run: &run }.run(tx, rows).await?;
        note(tx, &moved, next, at)?;
        if moved.len() == wanted.len() {
            return Ok(());
        }
        let moved: HashSet<String> = moved.iter().map(|row| row.text("id")).collect::<Result<_, _>>()?;
        let is_left = |arg: &Arg| matches!(arg, Arg::Text(Some(id)) if !moved.contains(id));
        match wanted.into_iter().find(is_left) {
            Some(Arg::Text(Some(id))) => Err(why_not(tx, &id).await?),
            _ => Ok(()),
        }
    }
}

/// The states in which something can happen, as a list.
fn sources(happened: Transition) -> String {
    happened.sources().map(|from| format!("'{from}'")).collect::<Vec<_>>().join(", ")
}

/// What is told and counted of an event that comes to this state.
const fn told(next: Status) -> &'static str {
    match tally::keeps_out(next) {
        true => "id, kind, contact_id, received_at, admission",
        false => "id, kind, contact_id, received_at",
    }
}

/// Notes the rows that were moved, for [`commit`] to tell of and to count.
fn note(tx: &mut Tx, rows: &[Row], status: Status, at: Millis) -> Result<(), StoreError> {
    for row in rows {
        let decision = if tally::keeps_out(status) { decision_of(row)? } else { None };
        tx.tally.moved(status, at, row.millis("received_at")?, decision.as_ref());
        let (id, kind, contact_id) = (row.text("id")?, row.text("kind")?, row.opt_text("contact_id")?);
        tx.moved.push(Change { id, kind, contact_id, status, at });
    }
    Ok(())
}

/// The admission decision of a row that was moved.
fn decision_of(row: &Row) -> Result<Option<Decision>, StoreError> {
    Ok(row.opt_json("admission")?.and_then(|value| json::from_value(&value).ok()))
}

/// Why an event was not moved.
async fn why_not(tx: &mut Tx, id: &str) -> Result<StoreError, StoreError> {
    let row = tx.fetch_first("select status from events where id = $1", args![id]).await?;
    row.map_or(Ok(StoreError::NotFound), |row| types::status(&row).map(StoreError::WrongState))
}

/// Commits a transaction, and tells everybody of the events that it moved: replicas with the commit, this process after
/// it. Then they are counted, too.
pub(super) async fn commit(mut tx: Tx, announcer: &Announcer) -> Result<(), StoreError> {
    let (moved, linked) = (std::mem::take(&mut tx.moved), std::mem::take(&mut tx.linked));
    let (tally, received) = (std::mem::take(&mut tx.tally), std::mem::take(&mut tx.received));
    let is_told = write_back(&mut tx, announcer, &linked, &moved).await?;
    replicas::notify(&mut tx, announcer, &moved).await?;
    tx.commit().await?;
    if is_told {
        announcer.wake_outbox();
    }
    for (kind, status) in received {
        metrics::event_received(kind, status);
    }
    for change in &moved {
        metrics::event_moved(EventKind::label(&change.kind), change.status.as_str());
    }
    announcer.count(tally);
    announcer.tell(moved);
    Ok(())
}

/// Writes what the platform is to be told; answers whether that is anything.
async fn write_back(
    tx: &mut Tx,
    announcer: &Announcer,
    linked: &[Linked],
    moved: &[Change],
) -> Result<bool, StoreError> {
    let Some(wanted) = announcer.wanted() else { return Ok(false) };
    let messages = write_back::of_changes(tx, wanted, linked, moved).await?;
    let moments = linked.iter().map(|linked| linked.at).chain(moved.iter().map(|change| change.at));
    let Some(at) = moments.max().filter(|_| !messages.is_empty()) else { return Ok(false) };
    outbox::write(tx, messages, at).await.map(|()| true)
}

impl Store {
    /// Commits a transaction that may have moved events.
    pub(super) async fn commit(&self, tx: Tx) -> Result<(), StoreError> {
        commit(tx, &self.announcer).await
    }
}

/// Notes that an event was stored, in the state that its change names.
pub(super) fn stored(tx: &mut Tx, change: Change, decision: Option<&Decision>) {
    tx.tally.stored(change.status, change.at, decision);
    tx.received.push((EventKind::label(&change.kind), change.status.as_str()));
    tx.moved.push(change);
}
