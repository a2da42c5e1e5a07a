//! Turns: claim a contact's turn under a lease, and pass it to the contact's next event.

use std::{
    collections::{BTreeSet, HashMap},
    ops::RangeInclusive,
    sync::LazyLock,
    time::Duration,
};

use serde_json::Value;

use super::{
    ContactRow, EventRow, NewBlock, StepRow, Store, StoreError,
    blocks::STANDS_ASIDE,
    bulk::{Insert, Many, lists},
    clock_step::due,
    db::{Arg, Row, Tx, args},
    dialect::list,
    journal::{Advance, Lease},
    pauses::Heeded,
    standings::standings_of,
    transitions::Move,
};
use crate::{
    clock::Millis,
    event::{Standing, Status, Transition},
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
    /// What else is known of a contact without a link.
    pub standing: Standing,
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
    /// Forget the steps that were never begun, so that the next run plans anew; see `journal::forget_plan`.
    pub replan: bool,
    /// The block that the event met, behind which it waits.
    pub blocked: Option<NewBlock>,
    /// The block that the run passed, which ends.
    pub passed: Option<String>,
    /// Whether the run finished a step that left something: what the event met before counts no more against it.
    pub came_on: bool,
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
            came_on: false,
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
        let mut heads = turns.iter().map(|row| row.int("head_seq").map(Arg::from)).collect::<Result<Vec<_>, _>>()?;
        if heads.is_empty() {
            if parked {
                self.commit(tx).await?;
            }
            return Ok(Vec::new());
        }
        // Filled up with what is there already, so that few statements are prepared.
        let count = heads.len().next_power_of_two();
        heads.resize(count, heads[0].clone());
        let claim = Move {
            happened: Transition::Claimed,
            at: now,
            set: "",
            which: &format!("seq in ({})", list(1, count)),
            args: heads,
            returning: ", *",
        };
        let mut events = HashMap::with_capacity(count);
        for row in claim.run(&mut tx).await? {
            events.insert(row.int("seq")?, EventRow::read(&row)?);
        }
        let mut claimed = Vec::with_capacity(count);
        for turn in &turns {
            match events.remove(&turn.int("head_seq")?) {
                Some(event) => claimed.push((event, turn)),
                // A head that cannot run any more (an operator gave it up) makes way for the contact's next event.
                None => move_turn(&mut tx, &turn.text("contact_id")?, now).await?,
            }
        }
        let (event_id, contact_id) = (String::new(), String::new());
        let lease = Lease { event_id, contact_id, token, until, span, settles_after: span, has_steps: false };
        let claimed = with_journal(&mut tx, claimed, &lease).await?;
        self.commit_journal(tx).await?;
        Ok(claimed)
    }

    /// Whether a turn is due that [`Store::claim_suspect`] would claim.
    pub async fn has_suspect(&self) -> Result<bool, StoreError> {
        // Written out, so that the index of the few that there are is taken.
        let sql = format!("select contact_id from turns where due_at <= $1 and cut_short >= {SUSPECT} limit 1");
        Ok(!self.db.read(sql, args![self.clock.now()]).await?.is_empty())
    }

    /// When the next turn falls due that [`Store::claim`] would claim, if one waits.
    pub async fn next_due(&self) -> Result<Option<Millis>, StoreError> {
        let sql = "select due_at as due from turns where due_at is not null and cut_short < $1 order by due_at limit 1";
        let rows = self.db.read(sql, args![SUSPECT]).await?;
        rows.first().map_or(Ok(None), |row| row.opt_millis("due"))
    }
}

/// Claimed events, each with its contact's link and its steps.
async fn with_journal(tx: &mut Tx, claimed: Vec<(EventRow, &Row)>, lease: &Lease) -> Result<Vec<Claimed>, StoreError> {
    let contacts: Vec<&str> = claimed.iter().filter_map(|(event, _)| event.contact_id.as_deref()).collect();
    let mut links = HashMap::new();
    for (values, list) in lists(&contacts) {
        for row in tx.fetch(format!("select * from contacts where contact_id in ({list})"), values).await? {
            let contact = ContactRow::read(&row)?;
            links.insert(contact.contact_id.clone(), contact);
        }
    }
    let unlinked: Vec<&str> = contacts.into_iter().filter(|contact| !links.contains_key(*contact)).collect();
    let mut standings = standings_of(tx, &unlinked).await?;
    let ids: Vec<&str> = claimed.iter().map(|(event, _)| event.id.as_str()).collect();
    let mut steps: HashMap<String, Vec<StepRow>> = HashMap::new();
    for (values, list) in lists(&ids) {
        for row in tx.fetch(format!("select * from steps where event_id in ({list}) order by position"), values).await?
        {
            steps.entry(row.text("event_id")?).or_default().push(StepRow::read(&row)?);
        }
    }
    let whole = |(event, turn): (EventRow, &Row)| {
        let contact_id = event.contact_id.clone().unwrap_or_default();
        let steps = steps.remove(&event.id).unwrap_or_default();
        Ok(Claimed {
            contact: links.remove(&contact_id),
            standing: standings.remove(&contact_id).unwrap_or_default(),
            lease: Lease { event_id: event.id.clone(), contact_id, has_steps: !steps.is_empty(), ..lease.clone() },
            steps,
            cut_short: turn.int("cut_short")? - 1,
            tries_block: turn.opt_text("parked_by")?,
            event,
        })
    };
    claimed.into_iter().map(whole).collect()
}

/// The oldest event of each contact that stands in its turn.
static HEADS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "select heads.contact, events.seq, events.status, events.next_attempt_at, events.updated_at,
           (select name from blocks where name = events.blocked_by) as blocked_by,
           (select name from pauses where name in ('pause type ' || events.kind, 'pause contact ' || events.contact_id)
              and (until is null or until > heads.at) limit 1) as paused_by
         from (select contact, at, (select seq from events where contact_id = contact and finished_at is null
                 and status <> 'held' and (blocked_by is null or not {STANDS_ASIDE}) order by seq limit 1) as head
               from given) as heads
         join events on events.seq = heads.head"
    )
});
const TURNS: Insert = Insert {
    into: "turns (contact_id, head_seq, due_at, parked_by)",
    then: "on conflict (contact_id) do update set head_seq = excluded.head_seq, due_at = excluded.due_at, token = null,
             cut_short = 0, parked_by = excluded.parked_by,
             tried_at = case when excluded.parked_by is null then 0 else turns.tried_at end",
};
const NO_TURN: Many<'_> =
    Many { columns: "contact", run: "delete from turns where contact_id in (select contact from given)" };

/// Lets each contact's oldest event that stands in its turn, and not aside, be its head, or ends the turn if there is none.
/// The caller holds the contacts' locks.
pub(super) async fn move_turns(tx: &mut Tx, contacts: &BTreeSet<&str>, now: Millis) -> Result<(), StoreError> {
    let asked = contacts.iter().map(|contact| [Arg::from(*contact), now.into()]).collect();
    let mut turns = Vec::with_capacity(contacts.len());
    let mut over: BTreeSet<String> = contacts.iter().map(ToString::to_string).collect();
    for next in (Many { columns: "contact, at", run: &HEADS }).run(tx, asked).await? {
        let contact = next.text("contact")?;
        // A head that needs a person, or that a pause or a block has parked, is not due: the contact's later events wait
        // behind it, in order.
        let status = super::types::status(&next)?;
        let paused_by = next.opt_text("paused_by")?.filter(|_| status != Status::NeedsReview);
        let parked_by = paused_by.or(next.opt_text("blocked_by")?);
        let due_at = match status {
            Status::NeedsReview => None,
            _ if parked_by.is_some() => None,
            _ => Some(due(next.opt_millis("next_attempt_at")?.unwrap_or(now), next.millis("updated_at")?, now)),
        };
        over.remove(&contact);
        turns.push([contact.into(), next.int("seq")?.into(), due_at.into(), parked_by.into()]);
    }
    TURNS.run(tx, turns).await?;
    NO_TURN.run(tx, over.into_iter().map(|contact| [contact.into()]).collect()).await.map(drop)
}

/// The same for one contact.
pub(super) async fn move_turn(tx: &mut Tx, contact_id: &str, now: Millis) -> Result<(), StoreError> {
    move_turns(tx, &BTreeSet::from([contact_id]), now).await
}
