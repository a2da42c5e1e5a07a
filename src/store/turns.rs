//! Turns: claim a contact's turn under a lease, settle its event, and pass the turn to the contact's next one.

use std::time::Duration;

use serde_json::Value;

use super::{
    CallRow, Change, ContactRow, EventRow, StepRow, Store, StoreError,
    clock_step::due,
    db::{Arg, Tx, args},
    dialect::list,
    journal::{Advance, Lease, forget_plan, write_advance},
    reservations::UNDECIDED,
};
use crate::{clock::Millis, event::Status};

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

impl Store {
    /// Claims up to `limit` due turns of contacts, oldest first, for `span`.
    pub async fn claim(&self, limit: usize, span: Duration) -> Result<Vec<Claimed>, StoreError> {
        self.mend_clock_step(span).await?;
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
        self.commit_journal(tx).await?;
        for item in &claimed {
            self.announce_event(&item.lease, Status::Running, now);
        }
        Ok(claimed)
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
        self.commit_journal(tx).await?;
        released.into_iter().for_each(|change| self.announce(change));
        self.announce_event(&lease, status, now);
        self.work.notify_one();
        Ok(())
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

    /// When the next turn falls due, if one waits.
    pub async fn next_due(&self) -> Result<Option<Millis>, StoreError> {
        let rows = self.db.read("select min(due_at) as due from turns where due_at is not null", args![]).await?;
        rows.first().map_or(Ok(None), |row| row.opt_millis("due"))
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
    let due_at = match super::types::status(&next)? {
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
