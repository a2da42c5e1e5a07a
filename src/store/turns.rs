//! Turns: claim a contact's turn under a lease, settle its event, and pass the turn to the contact's next one.

use std::{ops::RangeInclusive, time::Duration};

use serde_json::Value;

use super::{
    ContactRow, EventRow, NewBlock, StepRow, Store, StoreError,
    blocks::{begin_block, end_block},
    clock_step::due,
    db::{Arg, Row, Tx, args},
    dialect::list,
    journal::{Advance, Lease, Progress, forget_plan, write_advance},
    pauses::Heeded,
    reservations::UNDECIDED,
    transitions::Move,
};
use crate::{
    clock::Millis,
    event::{Status, Transition},
};

/// After so many runs in a row that were cut short, an event is suspected of cutting them: it runs alone.
const SUSPECT: i64 = 2;

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
    /// Runs before this one, in a row, that were never settled and finished no step.
    pub cut_short: i64,
    /// The block that this run is to try.
    pub tries_block: Option<String>,
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
    /// The block that the event met, behind which it waits.
    pub blocked: Option<NewBlock>,
    /// The block that the run passed, which ends.
    pub passed: Option<String>,
    /// The last write of the journal.
    pub last: Advance,
}

/// What else a settlement did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settled {
    /// A block begins with it.
    pub began: bool,
    /// A block ended with it.
    pub ended: bool,
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
            blocked: None,
            passed: None,
            last: Advance::default(),
        }
    }

    /// With the reason in words and as a stable word.
    pub fn because(self, code: &str, error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), error_code: Some(code.to_owned()), ..self }
    }
}

impl Store {
    /// Claims up to `limit` due turns of contacts, oldest first, for `span`; none of a suspect.
    pub async fn claim(&self, limit: usize, span: Duration) -> Result<Vec<Claimed>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.claim_among(0..=SUSPECT - 1, limit, span).await
    }

    /// Claims the due turn of an event that may be what cuts its runs short: twice in a row they were neither settled nor
    /// did they finish a step. It should run alone, so that what happens is its own doing and nobody else suffers by it.
    pub async fn claim_suspect(&self, span: Duration) -> Result<Option<Claimed>, StoreError> {
        Ok(self.claim_among(SUSPECT..=i64::MAX, 1, span).await?.pop())
    }

    async fn claim_among(
        &self,
        cut_short: RangeInclusive<i64>,
        limit: i64,
        span: Duration,
    ) -> Result<Vec<Claimed>, StoreError> {
        self.mend_clock_step(span).await?;
        let now = self.clock.now();
        let token = uuid::Uuid::new_v4().to_string();
        let mut tx = self.db.begin().await?;
        let until = now.plus(span);
        let pauses = Heeded::read(&mut tx, now).await?;
        if pauses.everything {
            return Ok(Vec::new());
        }
        let mut parked = pauses.park_due(&mut tx, self.db.dialect(), now).await? > 0;
        let among = args![now, until, token.as_str(), limit, *cut_short.start(), *cut_short.end()];
        let turns = tx.fetch(self.db.dialect().claim(), among).await?;
        let found = turns.len();
        let turns = pauses.set_aside(&mut tx, now, turns).await?;
        parked |= turns.len() < found;
        let heads = turns.iter().map(|row| row.int("head_seq").map(Arg::from)).collect::<Result<Vec<_>, _>>()?;
        if heads.is_empty() {
            if parked {
                self.commit(tx).await?;
            }
            return Ok(Vec::new());
        }
        let count = heads.len();
        let claim = Move {
            happened: Transition::Claimed,
            at: now,
            set: "",
            which: &format!("seq in ({})", list(1, count)),
            args: heads,
            returning: ", *",
        };
        let mut events = claim.run(&mut tx).await?.iter().map(EventRow::read).collect::<Result<Vec<_>, _>>()?;
        let lease = Lease { event_id: String::new(), contact_id: String::new(), token, until, span };
        let mut claimed = Vec::with_capacity(count);
        for turn in &turns {
            let head = turn.int("head_seq")?;
            match events.iter().position(|event| event.seq == head) {
                Some(index) => claimed.push(with_journal(&mut tx, events.swap_remove(index), turn, &lease).await?),
                // A head that cannot run any more (an operator gave it up) makes way for the contact's next event.
                None => move_turn(&mut tx, &turn.text("contact_id")?, now).await?,
            }
        }
        self.commit_journal(tx).await?;
        Ok(claimed)
    }

    /// Whether a turn is due that [`Store::claim_suspect`] would claim.
    pub async fn has_suspect(&self) -> Result<bool, StoreError> {
        let sql = "select contact_id from turns where due_at <= $1 and cut_short >= $2 limit 1";
        Ok(!self.db.read(sql, args![self.clock.now(), SUSPECT]).await?.is_empty())
    }

    /// Ends a run: the event's next state, the last of the journal, and the contact's turn moves on.
    pub async fn settle(&self, mut lease: Lease, settlement: Settlement) -> Result<Settled, StoreError> {
        let now = self.clock.now();
        let mut tx = self.begin_leased(&mut lease, Progress::Made).await?;
        write_advance(&mut tx, &lease, &settlement.last, now).await?;
        if settlement.replan {
            forget_plan(&mut tx, &lease.event_id).await?;
        }
        let mut settled = Settled::default();
        if let Some(passed) = &settlement.passed {
            settled.ended = end_block(&mut tx, passed).await?;
        }
        if let Some(block) = settlement.blocked.as_ref().filter(|block| block.is_met) {
            settled.began = begin_block(&mut tx, block, now).await?;
        }
        let end = Move {
            happened: Transition::RunEnded(settlement.status),
            at: now,
            set: "error = $2, error_code = $3, next_attempt_at = $4, attempts = attempts + $5, review = $6,
                admission = coalesce($7, admission), blocked_by = $8, blocks_begun = blocks_begun + $9",
            which: "id = $1",
            args: args![
                lease.event_id.as_str(),
                settlement.error,
                settlement.error_code,
                settlement.next_attempt_at,
                settlement.counts,
                settlement.review.map(|review| review.to_string()),
                settlement.admission.map(|admission| admission.to_string()),
                settlement.blocked.map(|block| block.name()),
                settled.began,
            ],
            returning: "",
        };
        end.run_one(&mut tx, &lease.event_id).await?;
        let over = format!("delete from reservations where contact_id = $1 and not exists ({UNDECIDED})");
        tx.execute(over, args![lease.contact_id.as_str()]).await?;
        move_turn(&mut tx, &lease.contact_id, now).await?;
        if settled.began {
            // It has just tried; others come first.
            let tried = "update turns set tried_at = $2 where contact_id = $1";
            tx.execute(tried, args![lease.contact_id.as_str(), now]).await?;
        }
        self.commit_journal(tx).await?;
        self.work.notify_one();
        Ok(settled)
    }

    /// Says of a claimed event that no run of it was cut short: this process knows how they ended.
    pub async fn clear(&self, lease: &mut Lease) -> Result<(), StoreError> {
        let tx = self.begin_leased(lease, Progress::Made).await?;
        self.commit_journal(tx).await
    }

    /// When the next turn falls due that [`Store::claim`] would claim, if one waits.
    pub async fn next_due(&self) -> Result<Option<Millis>, StoreError> {
        let sql = "select due_at as due from turns where due_at is not null and cut_short < $1 order by due_at limit 1";
        let rows = self.db.read(sql, args![SUSPECT]).await?;
        rows.first().map_or(Ok(None), |row| row.opt_millis("due"))
    }
}

/// A claimed event with its contact's link and its steps.
async fn with_journal(tx: &mut Tx, event: EventRow, turn: &Row, lease: &Lease) -> Result<Claimed, StoreError> {
    let contact_id = event.contact_id.clone().unwrap_or_default();
    let contact = tx.fetch_first("select * from contacts where contact_id = $1", args![contact_id.as_str()]).await?;
    let steps = "select * from steps where event_id = $1 order by position";
    let steps = tx.fetch(steps, args![event.id.as_str()]).await?;
    Ok(Claimed {
        lease: Lease { event_id: event.id.clone(), contact_id, ..lease.clone() },
        contact: contact.map(|row| ContactRow::read(&row)).transpose()?,
        steps: steps.iter().map(StepRow::read).collect::<Result<_, _>>()?,
        cut_short: turn.int("cut_short")? - 1,
        tries_block: turn.opt_text("parked_by")?,
        event,
    })
}

/// Lets a contact's oldest event that stands in its turn be its head, or ends the turn if there is none. The caller
/// holds the contact's lock.
pub(super) async fn move_turn(tx: &mut Tx, contact_id: &str, now: Millis) -> Result<(), StoreError> {
    let next = tx
        .fetch_first(
            "select seq, status, next_attempt_at, updated_at,
               (select name from blocks where name = blocked_by) as blocked_by,
               (select name from pauses where name in ('pause type ' || kind, 'pause contact ' || contact_id)
                  and (until is null or until > $2) limit 1) as paused_by
             from events where contact_id = $1 and finished_at is null and status <> 'held' order by seq limit 1",
            args![contact_id, now],
        )
        .await?;
    let Some(next) = next else {
        tx.execute("delete from turns where contact_id = $1", args![contact_id]).await?;
        return Ok(());
    };
    // A head that needs a person, or that a pause or a block has parked, is not due: the contact's later events wait behind
    // it, in order.
    let status = super::types::status(&next)?;
    let paused_by = next.opt_text("paused_by")?.filter(|_| status != Status::NeedsReview);
    let parked_by = paused_by.or(next.opt_text("blocked_by")?);
    let due_at = match status {
        Status::NeedsReview => None,
        _ if parked_by.is_some() => None,
        _ => Some(due(next.opt_millis("next_attempt_at")?.unwrap_or(now), next.millis("updated_at")?, now)),
    };
    tx.execute(
        "insert into turns (contact_id, head_seq, due_at, parked_by) values ($1, $2, $3, $4)
         on conflict (contact_id) do update set head_seq = excluded.head_seq, due_at = excluded.due_at, token = null,
           cut_short = 0, parked_by = excluded.parked_by,
           tried_at = case when excluded.parked_by is null then 0 else turns.tried_at end",
        args![contact_id, next.int("seq")?, due_at, parked_by],
    )
    .await?;
    Ok(())
}
