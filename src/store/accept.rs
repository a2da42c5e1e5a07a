//! Accepting events: concurrent requests share a transaction and an fsync (group commit); each is answered after the
//! commit that holds it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, mpsc, oneshot};

use super::{
    Accepted, NewEvent, Rejection, Store, StoreError,
    announcements::Announcer,
    audit,
    background::Background,
    bulk::Insert,
    db::{Arg, Db, Tx, args},
    dialect::list,
    retention::hash_of,
    transitions,
};
use crate::{
    clock::{Clock, Millis},
    event::{Standing, Status},
};

/// Events that one transaction commits at most.
const BATCH: usize = 512;
/// Requests that may wait for the writer; more wait in their own task.
const QUEUE: usize = 4_096;
/// Values of one question; more are asked for in several.
const ASKED: usize = 64;
const EVENTS: Insert = Insert {
    into: "events (id, webhook_id, body_hash, kind, contact_id, status, received_at, occurred_at, payload, admission, \
        warnings, actor, force, sequence, trace_parent, attempts, next_attempt_at, updated_at, finished_at)",
    then: "on conflict (webhook_id) do nothing returning seq, id",
};
/// A contact that has a turn already keeps it: its head stands before what comes now.
const TURNS: Insert =
    Insert { into: "turns (contact_id, head_seq, due_at)", then: "on conflict (contact_id) do nothing" };

pub(super) type Sender = mpsc::Sender<Request>;

/// One event that waits for the next commit, and where to answer.
#[derive(Debug)]
pub(super) struct Request {
    event: NewEvent,
    answer: oneshot::Sender<Result<Accepted, StoreError>>,
}

impl Store {
    /// Commits an event. On return it is on the disk, or it is not there at all. Whoever stops waiting takes nothing back:
    /// the writer commits and announces it all the same.
    pub async fn accept(&self, event: NewEvent) -> Result<Accepted, StoreError> {
        self.check_room()?;
        let (answer, answered) = oneshot::channel();
        let gone = || StoreError::Unavailable("the writer has stopped".to_owned());
        self.accepting.send(Request { event, answer }).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// Keeps a request that was signed and not valid, for operators to see. One that comes again is counted.
    pub async fn reject(&self, rejection: Rejection) -> Result<(), StoreError> {
        self.check_room()?;
        keep_rejection(&self.db, self.clock.now(), rejection).await
    }
}

/// Keeps a rejection; without its payload where the database refuses that.
async fn keep_rejection(db: &Db, now: Millis, rejection: Rejection) -> Result<(), StoreError> {
    match insert_rejection(db, now, &rejection).await {
        Err(StoreError::Data(_)) => insert_rejection(db, now, &Rejection { payload: String::new(), ..rejection }).await,
        kept => kept,
    }
}

async fn insert_rejection(db: &Db, now: Millis, rejection: &Rejection) -> Result<(), StoreError> {
    let mut tx = db.begin_at_door().await?;
    tx.execute(
        "insert into rejections (received_at, last_at, fingerprint, webhook_id, kind, contact_id, errors, payload)
         values ($1, $1, $2, $3, $4, $5, $6, $7)
         on conflict (fingerprint) do update set count = rejections.count + 1, last_at = excluded.last_at",
        args![
            now,
            fingerprint(rejection),
            rejection.webhook_id.as_str(),
            rejection.kind.as_deref(),
            rejection.contact_id.as_deref(),
            rejection.errors.to_string(),
            rejection.payload.as_str(),
        ],
    )
    .await?;
    tx.commit().await
}

/// An event whose data the database refuses, as operators see it.
fn refused(event: &NewEvent, error: &StoreError) -> Rejection {
    Rejection {
        webhook_id: event.webhook_id.clone().unwrap_or_default(),
        kind: Some(event.kind.clone()),
        contact_id: event.contact_id.clone(),
        errors: json!([{ "pointer": "", "message": error.to_string() }]),
        payload: event.payload.clone(),
    }
}

/// By which a refused request is recognised when it comes again.
fn fingerprint(rejection: &Rejection) -> String {
    let hash = Sha256::new().chain_update(&rejection.webhook_id).chain_update([0]).chain_update(&rejection.payload);
    hex::encode(hash.finalize())
}

/// The one task that writes events into the ledger.
pub(super) struct Writer {
    pub(super) db: Db,
    pub(super) clock: Clock,
    pub(super) work: Arc<Notify>,
    pub(super) announcer: Announcer,
    pub(super) backlog: Arc<AtomicI64>,
}

impl Writer {
    /// Sets it to work; it ends when the last [`Store`] is gone.
    pub(super) fn start(self, background: &Background) -> Sender {
        let (sender, mut requests) = mpsc::channel(QUEUE);
        background.spawn("the ledger's writer", async move {
            let mut waiting = Vec::with_capacity(BATCH);
            while requests.recv_many(&mut waiting, BATCH).await > 0 {
                self.serve(waiting.drain(..)).await;
            }
        });
        sender
    }

    /// Commits what waits, answers, and tells everybody.
    async fn serve(&self, waiting: impl Iterator<Item = Request>) {
        let (events, answers): (Vec<_>, Vec<_>) = waiting.map(|request| (request.event, request.answer)).unzip();
        let now = self.clock.now();
        let committed = match self.commit(now, &events).await {
            Ok(committed) => committed,
            Err(StoreError::Data(_)) => self.commit_each(now, &events).await,
            Err(error) => {
                tracing::error!(batch = answers.len(), %error, "events could not be committed; their senders are told to resend");
                answers.into_iter().for_each(|answer| drop(answer.send(Err(error.clone()))));
                return;
            }
        };
        self.work.notify_one();
        for (outcome, answer) in committed.into_iter().zip(answers) {
            if let Ok(Accepted::New { status, .. }) = &outcome {
                self.backlog.fetch_add(i64::from(status.is_open()), Ordering::Relaxed);
            }
            // Whoever waits no more will ask again with the same id.
            let _ = answer.send(outcome);
        }
    }

    /// Commits events one by one: the database refuses the data of one among them, which costs that one. It is kept as a
    /// rejection: its sender would get the same answer for ever.
    async fn commit_each(&self, now: Millis, events: &[NewEvent]) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(events.len());
        for event in events {
            let committed = self.commit(now, std::slice::from_ref(event)).await;
            if let Err(error @ StoreError::Data(_)) = &committed
                && let Err(lost) = keep_rejection(&self.db, now, refused(event, error)).await
            {
                outcomes.push(Err(lost));
                continue;
            }
            outcomes.push(committed.and_then(|mut outcomes| {
                outcomes.pop().unwrap_or_else(|| Err(StoreError::Unavailable("the event has no outcome".to_owned())))
            }));
        }
        outcomes
    }

    async fn commit(&self, now: Millis, events: &[NewEvent]) -> Result<Vec<Outcome>, StoreError> {
        let mut tx = self.db.begin_at_door().await?;
        let outcomes = store_batch(&mut tx, now, events).await?;
        transitions::commit(tx, &self.announcer).await?;
        Ok(outcomes)
    }
}

/// A row on its way into `events`.
struct NewRow<'a> {
    event: &'a NewEvent,
    id: String,
    body_hash: String,
    status: Status,
}

/// What became of an event.
type Outcome = Result<Accepted, StoreError>;

async fn store_batch(tx: &mut Tx, now: Millis, events: &[NewEvent]) -> Result<Vec<Outcome>, StoreError> {
    let contacts: BTreeSet<&str> = events.iter().filter_map(|event| event.contact_id.as_deref()).collect();
    let contacts: Vec<&str> = contacts.into_iter().collect();
    tx.lock_contacts(&contacts).await?;
    let known = Known::read(tx, events).await?;
    let drafts = draft(events, known);
    let rows = drafts.iter().map(|draft| draft.row(now)).collect();
    let mut inserted = HashMap::with_capacity(drafts.len());
    for row in EVENTS.run(tx, rows).await? {
        inserted.insert(row.text("id")?, row.int("seq")?);
    }
    let mut taken = forgotten_deliveries(tx, &drafts).await?;
    take_back(tx, &drafts, &mut inserted, &taken).await?;
    let refused = drafts.iter().filter(|draft| !inserted.contains_key(&draft.id));
    taken.extend(first_deliveries(tx, refused).await?);
    TURNS.run(tx, turns(now, &drafts, &inserted)).await?;
    audit::write_many(tx, deeds(now, &drafts, &inserted)).await?;
    for draft in drafts.iter().filter(|draft| inserted.contains_key(&draft.id)) {
        let event = draft.event;
        transitions::stored(tx, draft.id.clone(), event.kind.clone(), event.contact_id.clone(), draft.status, now);
    }
    Ok(drafts.into_iter().map(|draft| draft.outcome(&inserted, &taken)).collect())
}

/// What the ledger knows of the contacts whose events depend on it.
#[derive(Default)]
struct Known {
    linked: HashSet<String>,
    in_turn: HashSet<String>,
}

impl Known {
    async fn read(tx: &mut Tx, events: &[NewEvent]) -> Result<Self, StoreError> {
        let asks = |event: &&NewEvent| event.intake.asks_the_ledger();
        let contacts: BTreeSet<&str> =
            events.iter().filter(asks).filter_map(|event| event.contact_id.as_deref()).collect();
        let contacts: Vec<&str> = contacts.into_iter().collect();
        let mut known = Self::default();
        for (values, list) in lists(&contacts) {
            for (table, found) in [("contacts", &mut known.linked), ("turns", &mut known.in_turn)] {
                let sql = format!("select contact_id from {table} where contact_id in ({list})");
                for row in tx.fetch(sql, values.clone()).await? {
                    found.insert(row.text("contact_id")?);
                }
            }
        }
        Ok(known)
    }

    fn of(&self, contact: &str) -> Standing {
        Standing { linked: self.linked.contains(contact), in_turn: self.in_turn.contains(contact) }
    }
}

fn draft(events: &[NewEvent], mut known: Known) -> Vec<NewRow<'_>> {
    events
        .iter()
        .map(|event| {
            let contact = event.contact_id.clone().unwrap_or_default();
            let status = event.intake.first_status(known.of(&contact));
            if status == Status::Queued {
                known.in_turn.insert(contact);
            }
            // A forced call is another one than the same call unforced.
            let forced: &[u8] = if event.force { b"\0force" } else { b"" };
            let body_hash = hex::encode(Sha256::new().chain_update(&event.payload).chain_update(forced).finalize());
            NewRow { id: uuid::Uuid::now_v7().to_string(), body_hash, status, event }
        })
        .collect()
}

impl NewRow<'_> {
    /// The columns of [`EVENTS`].
    fn row(&self, now: Millis) -> [Arg; 19] {
        let event = self.event;
        let next_attempt_at = event.intake.next_attempt_at(self.status, now);
        [
            self.id.as_str().into(),
            event.webhook_id.as_deref().into(),
            self.body_hash.as_str().into(),
            event.kind.as_str().into(),
            event.contact_id.as_deref().into(),
            self.status.as_str().into(),
            now.into(),
            event.occurred_at.into(),
            event.payload.as_str().into(),
            event.admission.as_deref().into(),
            event.warnings.as_deref().into(),
            event.actor.as_str().into(),
            event.force.into(),
            event.sequence.into(),
            event.trace_parent.as_deref().into(),
            0.into(),
            next_attempt_at.into(),
            now.into(),
            (!self.status.is_open()).then_some(now).into(),
        ]
    }

    /// What became of it, given the events that were stored and the first deliveries of those that were not.
    fn outcome(self, inserted: &HashMap<String, i64>, taken: &HashMap<String, (String, String)>) -> Outcome {
        let Self { event, id, body_hash, status } = self;
        if inserted.contains_key(&id) {
            return Ok(Accepted::New { id, status });
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
fn turns(now: Millis, drafts: &[NewRow<'_>], inserted: &HashMap<String, i64>) -> Vec<[Arg; 3]> {
    let mut heads: BTreeMap<&str, i64> = BTreeMap::new();
    for draft in drafts.iter().filter(|draft| draft.status == Status::Queued) {
        if let (Some(contact), Some(seq)) = (draft.event.contact_id.as_deref(), inserted.get(&draft.id)) {
            let head = heads.entry(contact).or_insert(*seq);
            *head = (*head).min(*seq);
        }
    }
    heads.into_iter().map(|(contact, seq)| [contact.into(), seq.into(), now.into()]).collect()
}

/// An entry of the audit log for every new event that an operator caused.
fn deeds(now: Millis, drafts: &[NewRow<'_>], inserted: &HashMap<String, i64>) -> Vec<[Arg; 6]> {
    let new = drafts.iter().filter(|draft| inserted.contains_key(&draft.id));
    let audited = new.filter_map(|draft| {
        let (deed, contact) = (draft.event.deed.as_ref()?, draft.event.contact_id.as_deref()?);
        let event = format!("event {}", draft.id);
        Some(audit::entry(now, &deed.actor, &deed.action, contact, Some(&event)))
    });
    audited.collect()
}

/// Of deliveries whose events retention took away: `webhook_id` → (id, body hash) of the first one. Asked for after the
/// insert, which waits for a retention that is just taking such an event away.
async fn forgotten_deliveries(
    tx: &mut Tx,
    drafts: &[NewRow<'_>],
) -> Result<HashMap<String, (String, String)>, StoreError> {
    let ids = drafts.iter().filter_map(|draft| draft.event.webhook_id.as_deref());
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
    drafts: &[NewRow<'_>],
    inserted: &mut HashMap<String, i64>,
    known: &HashMap<String, (String, String)>,
) -> Result<(), StoreError> {
    let is_known = |draft: &&NewRow| draft.event.webhook_id.as_ref().is_some_and(|id| known.contains_key(id));
    for draft in drafts.iter().filter(is_known) {
        if inserted.remove(&draft.id).is_some() {
            tx.execute("delete from events where id = $1", args![draft.id.as_str()]).await?;
        }
    }
    Ok(())
}

/// For deliveries that were not inserted: `webhook_id` → (id, body hash) of the first one.
async fn first_deliveries<'a>(
    tx: &mut Tx,
    drafts: impl Iterator<Item = &'a NewRow<'a>>,
) -> Result<HashMap<String, (String, String)>, StoreError> {
    let ids: Vec<&str> = drafts.filter_map(|draft| draft.event.webhook_id.as_deref()).collect();
    let mut first = HashMap::with_capacity(ids.len());
    for (values, list) in lists(&ids) {
        let sql = format!("select webhook_id, id, body_hash from events where webhook_id in ({list})");
        for row in tx.fetch(sql, values).await? {
            first.insert(row.text("webhook_id")?, (row.text("id")?, row.text("body_hash")?));
        }
    }
    Ok(first)
}

/// The arguments and the `in (…)` list of each question about so many values. The last one is filled up by repeating its
/// last value, so that few statements are prepared.
fn lists(values: &[&str]) -> impl Iterator<Item = (Vec<Arg>, String)> {
    values.chunks(ASKED).map(|chunk| {
        let padded = chunk.len().next_power_of_two();
        let args = (0..padded).map(|index| Arg::from(chunk[index.min(chunk.len() - 1)])).collect();
        (args, list(1, padded))
    })
}
