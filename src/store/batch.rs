//! One batch of the door: its events in the order in which they came, each where the rules and its contact's standing let it
//! start.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{
    Accepted, Change, NewEvent, StoreError, audit,
    bulk::{Insert, arrays, bound, by_column, lists},
    db::{Arg, Row, Tx, args},
    prepared::Prepared,
    seen,
    standings::{self, Standings},
    transitions,
};
use crate::{
    clock::Millis,
    event::{Start, Status},
};

const EVENTS: Insert = Insert {
    into: "events (id, webhook_id, body_hash, kind, contact_id, status, received_at, occurred_at, payload, admission, \
        warnings, actor, force, sequence, trace_parent, attempts, next_attempt_at, updated_at, finished_at)",
    then: "on conflict (webhook_id) do nothing returning seq, id",
};
/// A contact that has a turn already keeps it: its head stands before what comes now.
const TURNS: Insert =
    Insert { into: "turns (contact_id, head_seq, due_at)", then: "on conflict (contact_id) do nothing" };

/// By which a deal is found.
const DEALS: Insert = Insert { into: "deals (deal_id, event_id)", then: "on conflict (deal_id, event_id) do nothing" };

/// What became of an event.
pub(super) type Outcome = Result<Accepted, StoreError>;

/// A row on its way into `events`.
struct NewRow<'a> {
    prepared: &'a Prepared,
    start: Start,
}

/// The `seq` of events that were new, by id.
type Inserted = HashMap<String, i64>;

/// Deliveries that were known before: `webhook_id` → (id, body hash) of the first one.
type FirstDeliveries = HashMap<String, (String, String)>;

/// Whether these events need nothing of the ledger and write nothing but themselves and what stands on them: on PostgreSQL
/// one statement then stores them.
pub(super) fn is_one_statement(events: &[Prepared]) -> bool {
    let is_alone = |event: &NewEvent| {
        let asks = event.intake.asks_for_link() || event.intake.asks_for_facts();
        !asks && event.deed.is_none() && event.deal_id.is_none()
    };
    events.iter().all(|prepared| is_alone(&prepared.event))
}

/// Stores a batch, wave by wave; answers what became of each event.
pub(super) async fn store_batch(tx: &mut Tx, now: Millis, events: &[Prepared]) -> Result<Vec<Outcome>, StoreError> {
    let contacts: BTreeSet<&str> = events.iter().filter_map(|it| it.event.contact_id.as_deref()).collect();
    let contacts: Vec<&str> = contacts.into_iter().collect();
    if !is_one_statement(events) {
        tx.lock_contacts(&contacts).await?;
    }
    let mut standings = Standings::read(tx, events).await?;
    let (mut stored, mut inserted, mut taken) = (Vec::with_capacity(events.len()), HashMap::new(), HashMap::new());
    let mut rest = events;
    while !rest.is_empty() {
        let (wave, later) = rest.split_at(wave(rest));
        rest = later;
        let rows = rows_of(tx, now, wave, &standings).await?;
        if rows.is_empty() {
            continue;
        }
        let new = match tx.postgres().is_some() {
            true => insert_on_postgres(tx, now, &contacts, &rows).await?,
            false => insert(tx, now, &rows).await?,
        };
        taken.extend(first_deliveries(tx, rows.iter().filter(|row| !new.contains_key(row.id()))).await?);
        for row in rows.iter().filter(|row| new.contains_key(row.id())) {
            standings.learn(row.event(), row.start.status);
        }
        inserted.extend(new);
        stored.extend(rows);
    }
    audit::write_many(tx, deeds(now, &stored, &inserted)).await?;
    DEALS.run(tx, deals(&stored, &inserted)).await?;
    for row in stored.iter().filter(|row| inserted.contains_key(row.id())) {
        let event = row.event();
        let (id, kind, contact_id) = (row.id().to_owned(), event.kind.clone(), event.contact_id.clone());
        let change = Change { id, kind, contact_id, status: row.start.status, at: now };
        transitions::stored(tx, change, row.start.decision.as_ref());
    }
    let mut stored = stored.into_iter().peekable();
    let outcomes = events.iter().map(|prepared| match stored.next_if(|row| row.id() == prepared.id) {
        Some(row) => row.outcome(&inserted, &taken),
        None => Err(StoreError::Changed),
    });
    Ok(outcomes.collect())
}

/// The rows of a wave; what was ordered upon something that has changed since has none.
async fn rows_of<'a>(
    tx: &mut Tx,
    now: Millis,
    wave: &'a [Prepared],
    standings: &Standings,
) -> Result<Vec<NewRow<'a>>, StoreError> {
    let mut rows = Vec::with_capacity(wave.len());
    for prepared in wave {
        if seen::is_as_seen(tx, &prepared.event).await? {
            rows.push(NewRow::of(prepared, standings, now));
        }
    }
    Ok(rows)
}

/// How many of the events one insert may take: up to the first whose start can depend on an earlier one of its contact
/// among them. Only once that one is inserted it is known to be new, and to count.
fn wave(events: &[Prepared]) -> usize {
    let mut contacts = HashSet::new();
    for (place, Prepared { event, .. }) in events.iter().enumerate() {
        let is_second = !contacts.insert(event.contact_id.as_deref().unwrap_or_default());
        let is_upon = event.deed.as_ref().is_some_and(|deed| deed.seen.is_some());
        if is_second && (event.intake.hangs_on_others() || is_upon) {
            return place;
        }
    }
    events.len()
}

/// Inserts rows, what they bring to admission and the turns of their contacts.
async fn insert(tx: &mut Tx, now: Millis, rows: &[NewRow<'_>]) -> Result<Inserted, StoreError> {
    let found = EVENTS.run(tx, rows.iter().map(|row| row.columns(now)).collect()).await?;
    let mut inserted = by_id(&found)?;
    let known = forgotten_deliveries(tx, rows.iter()).await?;
    take_back(tx, rows, &mut inserted, &known).await?;
    let new = rows.iter().filter(|row| inserted.contains_key(row.id()));
    standings::write_facts(tx, now, new.map(NewRow::event)).await?;
    TURNS.run(tx, turns(now, rows, &inserted)).await?;
    Ok(inserted)
}

/// As [`insert`], in one round trip: the same statements, in the same order, in a function of the database (migration 19).
async fn insert_on_postgres(
    tx: &mut Tx,
    now: Millis,
    contacts: &[&str],
    rows: &[NewRow<'_>],
) -> Result<Inserted, StoreError> {
    let Some((conn, until)) = tx.postgres() else { return Ok(HashMap::new()) };
    let columns = by_column(rows.iter().map(|row| row.columns_and_facts(now)).collect())?;
    let contacts: Vec<String> = contacts.iter().map(ToString::to_string).collect();
    let (first, second) = (columns.len() + 1, columns.len() + 2);
    let sql = format!("select seq, id from accept_events({}, ${first}, ${second})", arrays(&columns));
    let statement = bound(sql, columns).bind(now.0).bind(contacts);
    let found: Vec<Row> = conn.fetch_all(until, statement).await?.into_iter().map(Row::Postgres).collect();
    by_id(&found)
}

fn by_id(rows: &[Row]) -> Result<Inserted, StoreError> {
    rows.iter().map(|row| Ok((row.text("id")?, row.int("seq")?))).collect()
}

impl<'a> NewRow<'a> {
    fn of(prepared: &'a Prepared, standings: &Standings, now: Millis) -> Self {
        let start = prepared.event.intake.start(&standings.of(&prepared.event), now);
        Self { prepared, start }
    }

    fn event(&self) -> &'a NewEvent {
        &self.prepared.event
    }

    fn id(&self) -> &'a str {
        &self.prepared.id
    }

    /// The columns of [`EVENTS`].
    fn columns(&self, now: Millis) -> [Arg; 19] {
        let (event, start) = (self.event(), &self.start);
        let admission = start.decision.as_ref().and_then(|decision| serde_json::to_string(decision).ok());
        [
            self.id().into(),
            event.webhook_id.as_deref().into(),
            self.prepared.body_hash.as_str().into(),
            event.kind.as_str().into(),
            event.contact_id.as_deref().into(),
            start.status.as_str().into(),
            now.into(),
            event.occurred_at.into(),
            event.payload.as_str().into(),
            admission.into(),
            event.warnings.as_deref().into(),
            event.actor.as_str().into(),
            event.force.into(),
            event.sequence.into(),
            event.trace_parent.as_deref().into(),
            0.into(),
            start.next_attempt_at.into(),
            now.into(),
            (!start.status.is_open()).then_some(now).into(),
        ]
    }

    /// The columns, and what the event brings to admission: the arguments of `accept_events`.
    fn columns_and_facts(&self, now: Millis) -> [Arg; 22] {
        let (event, delivery) = (self.event(), self.prepared.delivery.as_deref());
        let facts: [Arg; 3] =
            [delivery.into(), standings::told_score(event).into(), standings::told_deal(event, now).into()];
        let mut all = self.columns(now).into_iter().chain(facts);
        // There are as many as there are asked for.
        std::array::from_fn(|_| all.next().unwrap_or(Arg::Int(None)))
    }

    /// What became of it, given the events that were stored and the first deliveries of those that were not.
    fn outcome(self, inserted: &Inserted, taken: &FirstDeliveries) -> Outcome {
        let Self { prepared: Prepared { event, id, body_hash, .. }, start } = self;
        if inserted.contains_key(id) {
            return Ok(Accepted::New { id: id.clone(), status: start.status, decision: start.decision });
        }
        match event.webhook_id.as_ref().and_then(|webhook_id| taken.get(webhook_id)) {
            Some((id, first_hash)) if first_hash == body_hash => Ok(Accepted::Duplicate { id: id.clone() }),
            Some((id, _)) => Ok(Accepted::Conflict { id: id.clone() }),
            None => Err(StoreError::Unavailable("the event was neither stored nor found".to_owned())),
        }
    }
}

/// A turn for every contact with a new queued event, which is its head unless the contact has a turn already. Sorted, so
/// that two replicas never wait for each other.
fn turns(now: Millis, rows: &[NewRow<'_>], inserted: &Inserted) -> Vec<[Arg; 3]> {
    let mut heads: BTreeMap<&str, i64> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.start.status == Status::Queued) {
        if let (Some(contact), Some(seq)) = (row.event().contact_id.as_deref(), inserted.get(row.id())) {
            let head = heads.entry(contact).or_insert(*seq);
            *head = (*head).min(*seq);
        }
    }
    heads.into_iter().map(|(contact, seq)| [contact.into(), seq.into(), now.into()]).collect()
}

/// An entry of the audit log for every new event that an operator caused.
fn deeds(now: Millis, rows: &[NewRow<'_>], inserted: &Inserted) -> Vec<[Arg; 6]> {
    let new = rows.iter().filter(|row| inserted.contains_key(row.id()));
    let audited = new.filter_map(|row| {
        let (deed, contact) = (row.event().deed.as_ref()?, row.event().contact_id.as_deref()?);
        let event = format!("event {}", row.id());
        Some(audit::entry(now, &deed.actor, &deed.action, contact, Some(&event)))
    });
    audited.collect()
}

/// Of every new event that tells of a deal, which.
fn deals(rows: &[NewRow<'_>], inserted: &Inserted) -> Vec<[Arg; 2]> {
    let new = rows.iter().filter(|row| inserted.contains_key(row.id()));
    new.filter_map(|row| Some([row.event().deal_id.as_deref()?.into(), row.id().into()])).collect()
}

/// The first deliveries whose events retention took away. Asked for after the
/// insert, which waits for a retention that is just taking such an event away.
async fn forgotten_deliveries<'a>(
    tx: &mut Tx,
    rows: impl Iterator<Item = &'a NewRow<'a>>,
) -> Result<FirstDeliveries, StoreError> {
    let known = rows.filter_map(|row| Some((row.prepared.delivery.as_deref()?, row.event().webhook_id.as_deref()?)));
    let by_hash: HashMap<&str, &str> = known.collect();
    let hashes: Vec<&str> = by_hash.keys().copied().collect();
    let mut first = HashMap::new();
    for (values, list) in lists(&hashes) {
        let sql = format!("select hash, event_id, body_hash from webhook_ids where hash in ({list})");
        for row in tx.fetch(sql, values).await? {
            if let Some(id) = by_hash.get(row.text("hash")?.as_str()) {
                first.insert((*id).to_owned(), (row.text("event_id")?, row.text("body_hash")?));
            }
        }
    }
    Ok(first)
}

/// Takes those events out again whose deliveries were known after all.
async fn take_back(
    tx: &mut Tx,
    rows: &[NewRow<'_>],
    inserted: &mut Inserted,
    known: &FirstDeliveries,
) -> Result<(), StoreError> {
    let is_known = |row: &&NewRow| row.event().webhook_id.as_ref().is_some_and(|id| known.contains_key(id));
    for row in rows.iter().filter(is_known) {
        if inserted.remove(row.id()).is_some() {
            tx.execute("delete from events where id = $1", args![row.id()]).await?;
        }
    }
    Ok(())
}

/// The first ones of deliveries that are not new.
async fn first_deliveries<'a>(
    tx: &mut Tx,
    rows: impl Iterator<Item = &'a NewRow<'a>>,
) -> Result<FirstDeliveries, StoreError> {
    let rows: Vec<_> = rows.collect();
    let ids: Vec<&str> = rows.iter().filter_map(|row| row.event().webhook_id.as_deref()).collect();
    let mut first = forgotten_deliveries(tx, rows.into_iter()).await?;
    for (values, list) in lists(&ids) {
        let sql = format!("select webhook_id, id, body_hash from events where webhook_id in ({list})");
        for row in tx.fetch(sql, values).await? {
            first.insert(row.text("webhook_id")?, (row.text("id")?, row.text("body_hash")?));
        }
    }
    Ok(first)
}
