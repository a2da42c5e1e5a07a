//! The journal: what was planned for an event, what of it was begun, done or seen, and every call that it made.
//!
//! Every write names the lease's token: who lost the lease to another worker writes nothing.

use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;

use super::{
    CallRow, StepRow, StepState, Store, StoreError,
    audit::write_audit,
    db::{Tx, args},
    transitions::Move,
};
use crate::{
    clock::Millis,
    event::{FieldError, Link, LinkedBy, Transition},
    json,
};

/// A claim on a contact's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The event at the head of the turn.
    pub event_id: String,
    /// The contact whose turn it is.
    pub contact_id: String,
    /// Only who holds it may write.
    pub token: String,
    /// Until when; another worker may take the turn after it.
    pub until: Millis,
    /// For how long each sign of life extends it.
    pub span: Duration,
}

/// A step that is about to be planned.
#[derive(Debug, Clone, PartialEq)]
pub struct NewStep {
    /// Stable name within the event.
    pub name: String,
    /// The step as JSON.
    pub step: Value,
    /// A mark by which equal effects are counted ([`Store::count_fingerprint`]), as far as it is known: the customer's `ord`,
    /// a colon, and what tells the effect from others.
    pub fingerprint: Option<String>,
    /// What the ledger decides by.
    pub facts: StepFacts,
    /// What was begun of it under an earlier plan: it stays begun, to be looked up before it is done again.
    pub begun: Option<Begun>,
}

/// How far a step was under an earlier plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Begun {
    /// When it was last begun.
    pub at: Millis,
    /// What the ERP said to it, if it said that it is done.
    pub result: Option<Value>,
    /// See [`StepRow::unseen`].
    pub unseen: i64,
}

/// What the ledger must know of a step to decide by it; it knows no step by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StepFacts {
    /// While it is begun and not decided, its contact may become a customer under the identities that it has reserved.
    pub holds_identity: bool,
    /// It brings an id under which nothing is stored yet: worthless once the plan is another.
    pub allocates: bool,
    /// Once it is done the contact has its customer: a new plan would leave out what is still to be done.
    pub binds: bool,
}

/// Steps that have one fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EqualSteps {
    /// Those that are done.
    pub done: i64,
    /// Those of open events before the one that asks, in the order of ids, that were started.
    pub started_before: i64,
    /// Those of all other events that were started.
    pub started: i64,
}

/// What one write of the journal says; all of it in one transaction.
#[derive(Debug, Clone, Default)]
pub struct Advance {
    /// This step took effect: position and result.
    pub done: Option<(i64, Value)>,
    /// A mark by which equal effects are counted ([`Store::count_fingerprint`]); of the step that is done.
    pub fingerprint: Option<String>,
    /// The ERP says that this step is done, and nobody has seen it yet: position and result.
    pub acknowledged: Option<(i64, Value)>,
    /// The contact is linked now; its held messages are released.
    pub link: Option<Link>,
    /// This step is about to be executed.
    pub start: Option<i64>,
    /// This step certainly did not take effect: it is planned again.
    pub reset: Option<i64>,
    /// The step that is planned again was said to be done; see [`StepRow::unseen`].
    pub unseen: bool,
    /// The step that is planned again was sent before, and was not found where it was looked for: its customer may have been
    /// merged meanwhile and have taken it along. When it was begun is kept for whoever plans anew.
    pub was_sent: bool,
    /// What was found not to hold of what the event says; in place of what was found at the same members before.
    pub warnings: Vec<FieldError>,
    /// The operator's decision was carried out and does not count for later steps.
    pub resolved: bool,
    /// Calls made since the last write.
    pub calls: Vec<CallRow>,
}

/// Whether a write shows that its event comes on: then its run is none of those that were cut short in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Made,
    None,
}

/// Around a commit of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitMoment {
    /// Nothing is on the disk yet.
    Before,
    /// Everything is.
    After,
}

/// Called around every commit of the journal, so that a test can end the worker's life exactly there, by never returning,
/// or make the database fail. Nothing sets it outside of tests.
pub type CommitWatch = Box<dyn Fn(CommitMoment) -> BoxFuture<'static, Result<(), StoreError>> + Send + Sync>;

impl Store {
    /// Writes the plan: forgets steps that were planned before and not done, adds `steps` behind those that were, and
    /// starts the first. Answers the journal's new part.
    pub async fn plan(
        &self,
        lease: &mut Lease,
        steps: &[NewStep],
        calls: Vec<CallRow>,
    ) -> Result<Vec<StepRow>, StoreError> {
        let now = self.clock.now();
        let mut tx = self.begin_leased(lease, Progress::None).await?;
        let forgotten = "delete from steps where event_id = $1 and state <> 'done'";
        tx.execute(forgotten, args![lease.event_id.as_str()]).await?;
        let next = "select coalesce(max(position) + 1, 0) as next from steps where event_id = $1";
        let first = tx.fetch_first(next, args![lease.event_id.as_str()]).await?.map_or(Ok(0), |row| row.int("next"))?;
        let mut planned = Vec::with_capacity(steps.len());
        for (position, step) in (first..).zip(steps) {
            let Begun { at, result, unseen } = step.begun.clone().unwrap_or(Begun { at: now, result: None, unseen: 0 });
            let is_begun = position == first || step.begun.is_some();
            let state = if is_begun { StepState::Started } else { StepState::Planned };
            let started_at = is_begun.then_some(at);
            tx.execute(
                "insert into steps (event_id, position, name, step, state, started_at, fingerprint, holds_identity,
                   allocates, binds, unseen, result) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                args![
                    lease.event_id.as_str(),
                    position,
                    step.name.as_str(),
                    step.step.to_string(),
                    state.as_str(),
                    started_at,
                    step.fingerprint.clone(),
                    step.facts.holds_identity,
                    step.facts.allocates,
                    step.facts.binds,
                    unseen,
                    result.as_ref().map(Value::to_string),
                ],
            )
            .await?;
            planned.push(StepRow {
                position,
                name: step.name.clone(),
                step: step.step.clone(),
                state,
                result,
                unseen,
                started_at,
                finished_at: None,
            });
        }
        record_calls(&mut tx, &lease.event_id, &calls).await?;
        self.commit_journal(tx).await?;
        Ok(planned)
    }

    /// Writes one advance of the journal and extends the lease.
    pub async fn advance(&self, lease: &mut Lease, advance: &Advance) -> Result<(), StoreError> {
        let finishes = advance.done.is_some() || advance.acknowledged.is_some();
        let mut tx = self.begin_leased(lease, if finishes { Progress::Made } else { Progress::None }).await?;
        write_advance(&mut tx, lease, advance, self.clock.now()).await?;
        self.commit_journal(tx).await
    }

    /// Sets who is called around every commit of the journal; only the first call counts.
    pub fn watch_commits(&self, watch: CommitWatch) {
        let _ = self.watch.set(watch);
    }

    /// How many steps carry this fingerprint, as the event `event_id` counts them.
    pub async fn count_fingerprint(&self, fingerprint: &str, event_id: &str) -> Result<EqualSteps, StoreError> {
        let sql = "select count(case when state = 'done' then 1 end) as done,
                     count(case when state = 'started' and event_id < $2 and exists (select 1 from events
                       where events.id = steps.event_id and events.status in ('queued', 'running', 'needs_review'))
                       then 1 end) as started_before,
                     count(case when state = 'started' and event_id <> $2 then 1 end) as started
                   from steps where fingerprint = $1";
        let rows = self.db.read(sql, args![fingerprint, event_id]).await?;
        let Some(row) = rows.first() else { return Ok(EqualSteps::default()) };
        Ok(EqualSteps {
            done: row.int("done")?,
            started_before: row.int("started_before")?,
            started: row.int("started")?,
        })
    }

    /// Begins a transaction of the lease's holder and extends the lease; refuses who is not the holder any more.
    pub(super) async fn begin_leased(&self, lease: &mut Lease, progress: Progress) -> Result<Tx, StoreError> {
        let until = self.clock.now().plus(lease.span);
        let mut tx = self.db.begin().await?;
        tx.lock_contacts(&[lease.contact_id.as_str()]).await?;
        let held = tx
            .execute(
                "update turns set due_at = $3, cut_short = case when $4 = 1 then 0 else cut_short end
                 where contact_id = $1 and token = $2",
                args![lease.contact_id.as_str(), lease.token.as_str(), until, progress == Progress::Made],
            )
            .await?;
        if held == 0 {
            return Err(StoreError::LeaseLost);
        }
        lease.until = until;
        Ok(tx)
    }

    /// Commits a write of the journal.
    pub(super) async fn commit_journal(&self, tx: Tx) -> Result<(), StoreError> {
        let Some(watch) = self.watch.get() else { return self.commit(tx).await };
        watch(CommitMoment::Before).await?;
        self.commit(tx).await?;
        watch(CommitMoment::After).await
    }
}

/// Writes what one advance of the journal says.
pub(super) async fn write_advance(
    tx: &mut Tx,
    lease: &Lease,
    advance: &Advance,
    now: Millis,
) -> Result<(), StoreError> {
    let event_id = lease.event_id.as_str();
    if let Some((position, result)) = &advance.done {
        let sql = "update steps set state = 'done', result = $3, fingerprint = $4, finished_at = $5
                   where event_id = $1 and position = $2";
        tx.execute(sql, args![event_id, *position, result.to_string(), advance.fingerprint.clone(), now]).await?;
    }
    if let Some((position, result)) = &advance.acknowledged {
        let sql = "update steps set result = $3 where event_id = $1 and position = $2";
        tx.execute(sql, args![event_id, *position, result.to_string()]).await?;
    }
    if let Some(position) = advance.reset {
        let sql = "update steps set state = 'planned', result = null, unseen = unseen + $3,
                     started_at = case when $4 = 1 then started_at end
                   where event_id = $1 and position = $2";
        tx.execute(sql, args![event_id, position, advance.unseen, advance.was_sent || advance.unseen]).await?;
    }
    if let Some(position) = advance.start {
        let sql = "update steps set state = 'started', started_at = $3, result = null
                   where event_id = $1 and position = $2";
        tx.execute(sql, args![event_id, position, now]).await?;
    }
    if advance.resolved {
        tx.execute("update events set resolution = null where id = $1", args![event_id]).await?;
    }
    if !advance.warnings.is_empty() {
        write_warnings(tx, event_id, &advance.warnings).await?;
    }
    if let Some(link) = &advance.link {
        write_link(tx, &lease.contact_id, link, now).await?;
    }
    record_calls(tx, event_id, &advance.calls).await
}

/// Adds to the event's warnings.
async fn write_warnings(tx: &mut Tx, event_id: &str, found: &[FieldError]) -> Result<(), StoreError> {
    let before = tx.fetch_first("select warnings from events where id = $1", args![event_id]).await?;
    let before = before.map_or(Ok(None), |row| row.opt_json("warnings"))?.unwrap_or_default();
    let mut warnings: Vec<FieldError> = json::from_value(&before).unwrap_or_default();
    warnings.retain(|warning| found.iter().all(|newer| newer.pointer != warning.pointer));
    warnings.extend_from_slice(found);
    let sql = "update events set warnings = $2 where id = $1";
    tx.execute(sql, args![event_id, serde_json::json!(warnings).to_string()]).await.map(drop)
}

/// Links the contact and releases its held messages into its turn. A link that moves is audited.
pub(super) async fn write_link(tx: &mut Tx, contact_id: &str, link: &Link, now: Millis) -> Result<(), StoreError> {
    let before = tx.fetch_first("select ord from contacts where contact_id = $1", args![contact_id]).await?;
    if let Some(ord) = before.map(|row| row.int("ord")).transpose()?.filter(|ord| *ord != link.ord) {
        let reason = format!("ord {ord} → {} ({})", link.ord, link.linked_by);
        write_audit(tx, now, &"bridge".into(), "contact.relink", contact_id, Some(&reason)).await?;
        // Of a customer that was made anew nobody has moved the records.
        if link.linked_by != LinkedBy::Created {
            move_marks(tx, ord, link.ord).await?;
        }
    }
    tx.execute(
        "insert into contacts (contact_id, ord, khid, kind, linked_by, linked_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (contact_id) do update set ord = excluded.ord, khid = excluded.khid, kind = excluded.kind,
           linked_by = excluded.linked_by, linked_at = excluded.linked_at",
        args![contact_id, link.ord, link.khid.as_str(), link.kind.as_str(), link.linked_by.as_str(), now],
    )
    .await?;
    let release = Move {
        happened: Transition::Released,
        at: now,
        set: "next_attempt_at = $2",
        which: "contact_id = $1 and finished_at is null",
        args: args![contact_id, now],
        returning: "",
    };
    release.run(tx).await.map(drop)
}

/// The records of a customer are at another one now: those of all its contacts are counted there from now on.
async fn move_marks(tx: &mut Tx, from: i64, to: i64) -> Result<(), StoreError> {
    let sql = "update steps set fingerprint = cast($2 as text) || substr(fingerprint, length(cast($1 as text)) + 1)
               where fingerprint like cast($1 as text) || ':%' and event_id in
                 (select events.id from events, contacts
                  where contacts.ord = $1 and events.contact_id = contacts.contact_id)";
    tx.execute(sql, args![from, to]).await.map(drop)
}

/// Forgets the steps that were never begun, so that the next run plans anew. The plan stays where a step's outcome is
/// open, which only looking it up can tell, and where the contact has its customer by it. An allocated id under which
/// nothing is to be saved goes in any case: by the next run the ERP may have given it away, or it may be the reason.
pub(super) async fn forget_plan(tx: &mut Tx, event_id: &str) -> Result<(), StoreError> {
    let sql = "delete from steps where event_id = $1 and (state = 'planned' or allocates = 1) and not exists
        (select 1 from steps as kept where kept.event_id = $1
           and (kept.state = 'started' or (kept.state = 'done' and kept.binds = 1)))";
    tx.execute(sql, args![event_id]).await?;
    let unused = "delete from steps where event_id = $1 and allocates = 1 and not exists
        (select 1 from steps as saved where saved.event_id = $1 and saved.holds_identity = 1)";
    tx.execute(unused, args![event_id]).await?;
    Ok(())
}

/// Keeps the calls to the ERP that an event made, in order.
pub(super) async fn record_calls(tx: &mut Tx, event_id: &str, calls: &[CallRow]) -> Result<(), StoreError> {
    for call in calls {
        tx.execute(
            "insert into calls (event_id, number, step, interface, started_at, duration_ms, outcome, request, response)
             select $1, coalesce(max(number) + 1, 0), $2, $3, $4, $5, $6, $7, $8 from calls where event_id = $1",
            args![
                event_id,
                call.step.as_str(),
                call.interface.as_str(),
                call.started_at,
                call.duration_ms,
                call.outcome.as_str(),
                call.request.to_string(),
                call.response.as_str(),
            ],
        )
        .await?;
    }
    Ok(())
}
