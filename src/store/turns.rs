//! The work side of the ledger: claim a contact's turn under a lease, write the journal, settle.
//!
//! Every write here names the lease's token: who lost the lease to another worker writes nothing.

use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;

use super::{
    CallRow, Change, ContactRow, EventRow, NewLink, StepRow, StepState, Store, StoreError,
    db::{Arg, Tx, args},
    dialect::list,
    journal::{forget_plan, record_calls, write_advance},
    jumps::due,
};
use crate::{clock::Millis, event::Status};

/// A claim on a contact's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The event at the head of the turn.
    pub event_id: String,
    /// Its type, for the announcement of its end.
    pub kind: String,
    /// The contact whose turn it is.
    pub contact_id: String,
    /// Only who holds it may write.
    pub token: String,
    /// Until when; another worker may take the turn after it.
    pub until: Millis,
    /// For how long each sign of life extends it.
    pub span: Duration,
}

/// An event with everything that its worker needs to go on with it.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The event; its status is `running` now.
    pub event: EventRow,
    /// The claim.
    pub lease: Lease,
    /// The contact's link, if it has one.
    pub contact: Option<ContactRow>,
    /// The journal so far.
    pub steps: Vec<StepRow>,
}

/// A step that is about to be planned.
#[derive(Debug, Clone, PartialEq)]
pub struct NewStep {
    /// Stable name within the event.
    pub name: String,
    /// The step as JSON.
    pub step: Value,
    /// A mark by which equal effects are counted ([`Store::count_fingerprint`]), as far as it is known.
    pub fingerprint: Option<String>,
}

/// What one write of the journal says; all of it in one transaction.
#[derive(Debug, Clone, Default)]
pub struct Advance {
    /// This step took effect: position and result.
    pub done: Option<(i64, Value)>,
    /// A mark by which equal effects are counted ([`Store::count_fingerprint`]); of the step that is done.
    pub fingerprint: Option<String>,
    /// The ERP says that this step is done, and nobody has seen it yet: position and result.
    pub told: Option<(i64, Value)>,
    /// The contact is linked now; its held messages are released.
    pub link: Option<NewLink>,
    /// This step is about to be executed.
    pub start: Option<i64>,
    /// This step certainly did not take effect: it is planned again.
    pub reset: Option<i64>,
    /// The operator's decision was carried out and does not count for later steps.
    pub resolved: bool,
    /// Calls made since the last write.
    pub calls: Vec<CallRow>,
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

/// How a run of an event ends.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The event's next state.
    pub status: Status,
    /// In words, for people.
    pub error: Option<String>,
    /// The same as a stable word.
    pub error_code: Option<String>,
    /// When to try again (`queued`), or when the waiting ends (`held`).
    pub next_attempt_at: Option<Millis>,
    /// Whether this run counts as a failed attempt.
    pub counts: bool,
    /// What a person needs for a decision.
    pub review: Option<Value>,
    /// A new admission decision.
    pub admission: Option<Value>,
    /// Forget the steps that were never begun, so that the next run plans anew; see [`forget_plan`].
    pub replan: bool,
    /// The last write of the journal.
    pub last: Advance,
}

impl Settlement {
    /// The event took effect.
    pub fn succeeded(last: Advance) -> Self {
        Self { last, ..Self::to(Status::Succeeded) }
    }

    /// An end or a pause in `status`, with nothing else said yet.
    pub fn to(status: Status) -> Self {
        Self {
            status,
            error: None,
            error_code: None,
            next_attempt_at: None,
            counts: false,
            review: None,
            admission: None,
            replan: false,
            last: Advance::default(),
        }
    }

    /// With the reason in words and as a stable word.
    pub fn because(self, code: &str, error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), error_code: Some(code.to_owned()), ..self }
    }
}

/// A save of the reservation's holder that was sent and may still take effect: until it is looked up, nobody else with
/// the same number or company may become a customer.
const UNDECIDED: &str = "select 1 from events join steps on steps.event_id = events.id
    where events.contact_id = reservations.contact_id and events.finished_at is null and events.status <> 'held'
      and steps.state = 'started' and steps.name in ('save_customer', 'add_contact_person')";

impl Store {
    /// Claims up to `limit` due turns of contacts, oldest first, for `span`.
    pub async fn claim(&self, limit: usize, span: Duration) -> Result<Vec<Claimed>, StoreError> {
        self.mend_jump(span).await?;
        let now = self.clock.now();
        let token = uuid::Uuid::new_v4().to_string();
        let mut tx = self.db.begin().await?;
        let until = now.plus(span);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let turns = tx.fetch(self.db.dialect().claim(), args![now, until, token.as_str(), limit]).await?;
        let heads = turns.iter().map(|row| row.int("head_seq").map(Arg::from)).collect::<Result<Vec<_>, _>>()?;
        if heads.is_empty() {
            return Ok(Vec::new());
        }
        let count = heads.len();
        let sql = format!(
            "update events set status = 'running', updated_at = ${} where seq in ({}) and status in ('queued', 'running')
             returning *",
            count + 1,
            list(1, count)
        );
        let rows = tx.fetch(sql, [heads, args![now]].concat()).await?;
        let mut claimed = Vec::with_capacity(count);
        for row in &rows {
            claimed.push(EventRow::read(row)?);
        }
        for turn in &turns {
            // A head that cannot run any more (an operator gave it up) makes way for the contact's next event.
            let head = turn.int("head_seq")?;
            if claimed.iter().all(|event: &EventRow| event.seq != head) {
                move_turn(&mut tx, &turn.text("contact_id")?, now).await?;
            }
        }
        let claimed = with_journal(
            &mut tx,
            claimed,
            &Lease { event_id: String::new(), kind: String::new(), contact_id: String::new(), token, until, span },
        )
        .await?;
        self.commit(tx).await?;
        for item in &claimed {
            self.announce_event(&item.lease, Status::Running, now);
        }
        Ok(claimed)
    }

    /// Writes the plan: forgets steps that were planned before and not done, adds `steps` behind those that were, and
    /// starts the first. Answers the journal's new part.
    pub async fn plan(
        &self,
        lease: &mut Lease,
        steps: &[NewStep],
        calls: Vec<CallRow>,
    ) -> Result<Vec<StepRow>, StoreError> {
        let now = self.clock.now();
        let mut tx = self.begin_leased(lease).await?;
        tx.execute("delete from steps where event_id = $1 and state <> 'done'", args![lease.event_id.as_str()]).await?;
        let next = "select coalesce(max(position) + 1, 0) as next from steps where event_id = $1";
        let first = tx.fetch_first(next, args![lease.event_id.as_str()]).await?.map_or(Ok(0), |row| row.int("next"))?;
        let mut planned = Vec::with_capacity(steps.len());
        for (position, step) in (first..).zip(steps) {
            let state = if position == first { StepState::Started } else { StepState::Planned };
            let started_at = (state == StepState::Started).then_some(now);
            tx.execute(
                "insert into steps (event_id, position, name, step, state, started_at, fingerprint)
                 values ($1, $2, $3, $4, $5, $6, $7)",
                args![
                    lease.event_id.as_str(),
                    position,
                    step.name.as_str(),
                    step.step.to_string(),
                    state.as_str(),
                    started_at,
                    step.fingerprint.clone(),
                ],
            )
            .await?;
            planned.push(StepRow {
                position,
                name: step.name.clone(),
                step: step.step.clone(),
                state,
                result: None,
                started_at,
                finished_at: None,
            });
        }
        record_calls(&mut tx, &lease.event_id, &calls).await?;
        self.commit(tx).await?;
        Ok(planned)
    }

    /// Writes one advance of the journal and extends the lease.
    pub async fn advance(&self, lease: &mut Lease, advance: &Advance) -> Result<(), StoreError> {
        let mut tx = self.begin_leased(lease).await?;
        let released = write_advance(&mut tx, lease, advance, self.clock.now()).await?;
        self.commit(tx).await?;
        released.into_iter().for_each(|change| self.announce(change));
        Ok(())
    }

    /// Ends a run: the event's next state, the last of the journal, and the contact's turn moves on.
    pub async fn settle(&self, mut lease: Lease, settlement: Settlement) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut tx = self.begin_leased(&mut lease).await?;
        let released = write_advance(&mut tx, &lease, &settlement.last, now).await?;
        if settlement.replan {
            forget_plan(&mut tx, &lease.event_id).await?;
        }
        let status = settlement.status;
        tx.execute(
            "update events set status = $2, error = $3, error_code = $4, next_attempt_at = $5, attempts = attempts + $6,
               review = $7, admission = coalesce($8, admission), updated_at = $9, finished_at = $10 where id = $1",
            args![
                lease.event_id.as_str(),
                status.as_str(),
                settlement.error,
                settlement.error_code,
                settlement.next_attempt_at,
                settlement.counts,
                settlement.review.map(|review| review.to_string()),
                settlement.admission.map(|admission| admission.to_string()),
                now,
                (!status.is_open()).then_some(now),
            ],
        )
        .await?;
        let over = format!("delete from reservations where contact_id = $1 and not exists ({UNDECIDED})");
        tx.execute(over, args![lease.contact_id.as_str()]).await?;
        move_turn(&mut tx, &lease.contact_id, now).await?;
        self.commit(tx).await?;
        released.into_iter().for_each(|change| self.announce(change));
        self.announce_event(&lease, status, now);
        self.work.notify_one();
        Ok(())
    }

    /// Reserves identities for the lease's contact until it settles, and beyond that while a save of it is undecided;
    /// `false`, with none reserved, if another contact holds one of them.
    pub async fn reserve(&self, lease: &mut Lease, identities: &[String]) -> Result<bool, StoreError> {
        let mut identities = identities.to_vec();
        identities.sort_unstable();
        let mut tx = self.begin_leased(lease).await?;
        for identity in &identities {
            let stale = format!(
                "delete from reservations where identity = $1 and not exists ({UNDECIDED}) and not exists
                (select 1 from turns where turns.contact_id = reservations.contact_id and turns.token = reservations.token)"
            );
            tx.execute(stale, args![identity.as_str()]).await?;
            let taken = tx
                .fetch_first(
                    "insert into reservations (identity, contact_id, token) values ($1, $2, $3)
                     on conflict (identity) do update set token = excluded.token
                       where reservations.contact_id = excluded.contact_id returning identity",
                    args![identity.as_str(), lease.contact_id.as_str(), lease.token.as_str()],
                )
                .await?;
            if taken.is_none() {
                return Ok(false);
            }
        }
        self.commit(tx).await?;
        Ok(true)
    }

    /// Reserves an allocated `ord` for the lease's contact until it settles: the ERP stores nothing under it and may have
    /// given it to two at once. `false` if another contact has it, or has become a customer under it meanwhile.
    pub async fn reserve_ord(&self, lease: &mut Lease, ord: i64) -> Result<bool, StoreError> {
        if !self.reserve(lease, &[format!("ord:{ord}")]).await? {
            return Ok(false);
        }
        let sql = "select contact_id from contacts where ord = $1 and contact_id <> $2 limit 1";
        Ok(self.db.read(sql, args![ord, lease.contact_id.as_str()]).await?.is_empty())
    }

    /// Gives a claimed turn back untouched, as at a clean stop.
    pub async fn release(&self, lease: Lease, calls: Vec<CallRow>) -> Result<(), StoreError> {
        let last = Advance { calls, ..Advance::default() };
        self.settle(
            lease,
            Settlement { next_attempt_at: Some(self.clock.now()), last, ..Settlement::to(Status::Queued) },
        )
        .await
    }

    /// Sets who is called around every commit of the journal; only the first call counts.
    pub fn watch_commits(&self, watch: CommitWatch) {
        let _ = self.watch.set(watch);
    }

    /// When the next turn falls due, if one waits.
    pub async fn next_due(&self) -> Result<Option<Millis>, StoreError> {
        let rows = self.db.read("select min(due_at) as due from turns where due_at is not null", args![]).await?;
        rows.first().map_or(Ok(None), |row| row.opt_millis("due"))
    }

    /// How many steps carry this fingerprint: those that are done, and those of open events before this one, in the order
    /// of ids, that were started.
    pub async fn count_fingerprint(&self, fingerprint: &str, event_id: &str) -> Result<(i64, i64), StoreError> {
        let sql = "select count(case when state = 'done' then 1 end) as done,
                     count(case when state = 'started' and event_id < $2 and exists (select 1 from events
                       where events.id = steps.event_id and events.status in ('queued', 'running', 'needs_review'))
                       then 1 end) as started
                   from steps where fingerprint = $1";
        let rows = self.db.read(sql, args![fingerprint, event_id]).await?;
        rows.first().map_or(Ok((0, 0)), |row| Ok((row.int("done")?, row.int("started")?)))
    }

    /// Begins a transaction of the lease's holder and extends the lease; refuses who is not the holder any more.
    async fn begin_leased(&self, lease: &mut Lease) -> Result<Tx, StoreError> {
        let until = self.clock.now().plus(lease.span);
        let mut tx = self.db.begin().await?;
        self.db.dialect().lock_contacts(&mut tx, &[lease.contact_id.as_str()]).await?;
        let held = tx
            .execute(
                "update turns set due_at = $3 where contact_id = $1 and token = $2",
                args![lease.contact_id.as_str(), lease.token.as_str(), until],
            )
            .await?;
        if held == 0 {
            return Err(StoreError::LeaseLost);
        }
        lease.until = until;
        Ok(tx)
    }

    /// Commits a write of the journal.
    async fn commit(&self, tx: Tx) -> Result<(), StoreError> {
        let Some(watch) = self.watch.get() else { return tx.commit().await };
        watch(CommitMoment::Before).await?;
        tx.commit().await?;
        watch(CommitMoment::After).await
    }

    fn announce_event(&self, lease: &Lease, status: Status, at: Millis) {
        let (id, kind) = (lease.event_id.clone(), lease.kind.clone());
        self.announce(Change { id, kind, contact_id: Some(lease.contact_id.clone()), status, at });
    }
}

async fn with_journal(tx: &mut Tx, events: Vec<EventRow>, lease: &Lease) -> Result<Vec<Claimed>, StoreError> {
    let mut claimed = Vec::with_capacity(events.len());
    for event in events {
        let contact_id = event.contact_id.clone().unwrap_or_default();
        let contact =
            tx.fetch_first("select * from contacts where contact_id = $1", args![contact_id.as_str()]).await?;
        let steps = "select * from steps where event_id = $1 order by position";
        let steps = tx.fetch(steps, args![event.id.as_str()]).await?;
        claimed.push(Claimed {
            lease: Lease { event_id: event.id.clone(), kind: event.kind.clone(), contact_id, ..lease.clone() },
            contact: contact.map(|row| ContactRow::read(&row)).transpose()?,
            steps: steps.iter().map(StepRow::read).collect::<Result<_, _>>()?,
            event,
        });
    }
    Ok(claimed)
}

/// Lets a contact's oldest event that stands in its turn be its head, or ends the turn if there is none. The caller
/// holds the contact's lock.
pub(super) async fn move_turn(tx: &mut Tx, contact_id: &str, now: Millis) -> Result<(), StoreError> {
    let next = tx
        .fetch_first(
            "select seq, status, next_attempt_at, updated_at from events
             where contact_id = $1 and finished_at is null and status <> 'held' order by seq limit 1",
            args![contact_id],
        )
        .await?;
    let Some(next) = next else {
        tx.execute("delete from turns where contact_id = $1", args![contact_id]).await?;
        return Ok(());
    };
    // A head that needs a person is not due: the contact's later events wait behind it, in order.
    let due_at = match super::rows::status(&next)? {
        Status::NeedsReview => None,
        _ => Some(due(next.opt_millis("next_attempt_at")?.unwrap_or(now), next.millis("updated_at")?, now)),
    };
    tx.execute(
        "insert into turns (contact_id, head_seq, due_at) values ($1, $2, $3)
         on conflict (contact_id) do update set head_seq = excluded.head_seq, due_at = excluded.due_at, token = null",
        args![contact_id, next.int("seq")?, due_at],
    )
    .await?;
    Ok(())
}
