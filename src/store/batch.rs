//! One batch of the door: its events in the order in which they came, each where the rules and its contact's standing let it
//! start.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sha2::{Digest, Sha256};

use super::{
    Accepted, NewEvent, StoreError, audit,
    bulk::{Insert, lists},
    db::{Arg, Tx, args},
    retention::hash_of,
    standings::Standings,
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

/// What became of an event.
pub(super) type Outcome = Result<Accepted, StoreError>;

/// A row on its way into `events`.
struct NewRow<'a> {
    event: &'a NewEvent,
    id: String,
    body_hash: String,
    start: Start,
}

/// Deliveries that were known before: `webhook_id` → (id, body hash) of the first one.
type FirstDeliveries = HashMap<String, (String, String)>;

/// Stores a batch, wave by wave; answers what became of each event.
pub(super) async fn store_batch(tx: &mut Tx, now: Millis, events: &[NewEvent]) -> Result<Vec<Outcome>, StoreError> {
    let contacts: BTreeSet<&str> = events.iter().filter_map(|event| event.contact_id.as_deref()).collect();
    let contacts: Vec<&str> = contacts.into_iter().collect();
    tx.lock_contacts(&contacts).await?;
    let mut standings = Standings::read(tx, events).await?;
    let (mut stored, mut inserted, mut taken) = (Vec::with_capacity(events.len()), HashMap::new(), HashMap::new());
    let mut rest = events;
    while !rest.is_empty() {
        let (wave, later) = rest.split_at(wave(rest));
        let rows: Vec<_> = wave.iter().map(|event| NewRow::of(event, &standings, now)).collect();
        let (new, first) = insert(tx, now, &rows).await?;
        for row in rows.iter().filter(|row| new.contains_key(&row.id)) {
            standings.learn(row.event, row.start.status, now);
        }
        inserted.extend(new);
        taken.extend(first);
        stored.extend(rows);
        rest = later;
    }
    standings.write(tx).await?;
    TURNS.run(tx, turns(now, &stored, &inserted)).await?;
    audit::write_many(tx, deeds(now, &stored, &inserted)).await?;
    for row in stored.iter().filter(|row| inserted.contains_key(&row.id)) {
        let event = row.event;
        transitions::stored(tx, row.id.clone(), event.kind.clone(), event.contact_id.clone(), row.start.status, now);
    }
    Ok(stored.into_iter().map(|row| row.outcome(&inserted, &taken)).collect())
}

/// How many of the events one insert may take: up to the first whose start can depend on an earlier one of its contact
/// among them. Only once that one is inserted it is known to be new, and to count.
fn wave(events: &[NewEvent]) -> usize {
    let mut contacts = HashSet::new();
    let hangs = |event: &NewEvent| {
        let contact = event.contact_id.as_deref().unwrap_or_default();
        !contacts.insert(contact.to_owned()) && event.intake.hangs_on_others()
    };
    events.iter().position(hangs).unwrap_or(events.len())
}

/// Inserts rows; answers the `seq` of those that are new, by id, and the first deliveries of those that are not.
async fn insert(
    tx: &mut Tx,
    now: Millis,
    rows: &[NewRow<'_>],
) -> Result<(HashMap<String, i64>, FirstDeliveries), StoreError> {
    let mut inserted = HashMap::with_capacity(rows.len());
    for row in EVENTS.run(tx, rows.iter().map(|row| row.columns(now)).collect()).await? {
        inserted.insert(row.text("id")?, row.int("seq")?);
    }
    let mut taken = forgotten_deliveries(tx, rows).await?;
    take_back(tx, rows, &mut inserted, &taken).await?;
    let refused = rows.iter().filter(|row| !inserted.contains_key(&row.id));
    taken.extend(first_deliveries(tx, refused).await?);
    Ok((inserted, taken))
}

impl<'a> NewRow<'a> {
    fn of(event: &'a NewEvent, standings: &Standings, now: Millis) -> Self {
        // A forced call is another one than the same call unforced.
        let forced: &[u8] = if event.force { b"\0force" } else { b"" };
        let body_hash = hex::encode(Sha256::new().chain_update(&event.payload).chain_update(forced).finalize());
        let start = event.intake.start(&standings.of(event), now);
        Self { id: uuid::Uuid::now_v7().to_string(), body_hash, start, event }
    }

    /// The columns of [`EVENTS`].
    fn columns(&self, now: Millis) -> [Arg; 19] {
        let (event, start) = (self.event, &self.start);
        let admission = start.decision.as_ref().and_then(|decision| serde_json::to_string(decision).ok());
        [
            self.id.as_str().into(),
            event.webhook_id.as_deref().into(),
            self.body_hash.as_str().into(),
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

    /// What became of it, given the events that were stored and the first deliveries of those that were not.
    fn outcome(self, inserted: &HashMap<String, i64>, taken: &FirstDeliveries) -> Outcome {
        let Self { event, id, body_hash, start } = self;
        if inserted.contains_key(&id) {
            return Ok(Accepted::New { id, status: start.status, decision: start.decision });
        }
        match event.webhook_id.as_ref().and_then(|webhook_id| taken.get(webhook_id)) {
            Some((id, first_hash)) if *first_hash == body_hash => Ok(Accepted::Duplicate { id: id.clone() }),
            Some((id, _)) => Ok(Accepted::Conflict { id: id.clone() }),
            None => Err(StoreError::Unavailable("the event was neither stored nor found".to_owned())),
        }
    }
}

/// A turn for every contact with a new queued event, which is its head unless the contact has a turn already. Sorted, so
/// that two replicas never wait for each other.
fn turns(now: Millis, rows: &[NewRow<'_>], inserted: &HashMap<String, i64>) -> Vec<[Arg; 3]> {
    let mut heads: BTreeMap<&str, i64> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.start.status == Status::Queued) {
        if let (Some(contact), Some(seq)) = (row.event.contact_id.as_deref(), inserted.get(&row.id)) {
            let head = heads.entry(contact).or_insert(*seq);
            *head = (*head).min(*seq);
        }
    }
    heads.into_iter().map(|(contact, seq)| [contact.into(), seq.into(), now.into()]).collect()
}

/// An entry of the audit log for every new event that an operator caused.
fn deeds(now: Millis, rows: &[NewRow<'_>], inserted: &HashMap<String, i64>) -> Vec<[Arg; 6]> {
    let new = rows.iter().filter(|row| inserted.contains_key(&row.id));
    let audited = new.filter_map(|row| {
        let (deed, contact) = (row.event.deed.as_ref()?, row.event.contact_id.as_deref()?);
        let event = format!("event {}", row.id);
        Some(audit::entry(now, &deed.actor, &deed.action, contact, Some(&event)))
    });
    audited.collect()
}

/// The first deliveries whose events retention took away. Asked for after the
/// insert, which waits for a retention that is just taking such an event away.
async fn forgotten_deliveries(tx: &mut Tx, rows: &[NewRow<'_>]) -> Result<FirstDeliveries, StoreError> {
    let ids = rows.iter().filter_map(|row| row.event.webhook_id.as_deref());
    let by_hash: HashMap<String, &str> = ids.map(|id| (hash_of(id), id)).collect();
    let hashes: Vec<&str> = by_hash.keys().map(String::as_str).collect();
    let mut first = HashMap::new();
    for (values, list) in lists(&hashes) {
        let sql = format!("select hash, event_id, body_hash from webhook_ids where hash in ({list})");
        for row in tx.fetch(sql, values).await? {
            if let Some(id) = by_hash.get(&row.text("hash")?) {
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
    inserted: &mut HashMap<String, i64>,
    known: &FirstDeliveries,
) -> Result<(), StoreError> {
    let is_known = |row: &&NewRow| row.event.webhook_id.as_ref().is_some_and(|id| known.contains_key(id));
    for row in rows.iter().filter(is_known) {
        if inserted.remove(&row.id).is_some() {
            tx.execute("delete from events where id = $1", args![row.id.as_str()]).await?;
        }
    }
    Ok(())
}

/// The first ones of deliveries that were not inserted.
async fn first_deliveries<'a>(
    tx: &mut Tx,
    rows: impl Iterator<Item = &'a NewRow<'a>>,
) -> Result<FirstDeliveries, StoreError> {
    let ids: Vec<&str> = rows.filter_map(|row| row.event.webhook_id.as_deref()).collect();
    let mut first = HashMap::with_capacity(ids.len());
    for (values, list) in lists(&ids) {
        let sql = format!("select webhook_id, id, body_hash from events where webhook_id in ({list})");
        for row in tx.fetch(sql, values).await? {
            first.insert(row.text("webhook_id")?, (row.text("id")?, row.text("body_hash")?));
        }
    }
    Ok(first)
}
