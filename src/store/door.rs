//! Accepting events: concurrent requests share a transaction and an fsync (group commit); each is answered after the
//! commit that holds it.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, atomic::Ordering},
};

use sha2::{Digest, Sha256};
use tokio::sync::{Notify, mpsc, oneshot};

use super::{
    Accepted, Change, Intake, NewEvent, Rejection, Store, StoreError,
    db::{Arg, Db, Tx, args},
    dialect::{list, placeholders},
};
use crate::{
    clock::{Clock, Millis},
    event::Status,
};

/// Events that one transaction commits at most.
const BATCH: usize = 512;
/// Requests that may wait for the writer; more wait in their own task.
const QUEUE: usize = 4_096;
/// Rows of one insert; the rest of a batch is cut into powers of two, so that few statements are prepared.
const ROWS: usize = 64;
const COLUMNS: &str = "id, webhook_id, body_hash, kind, contact_id, status, received_at, occurred_at, payload, admission, actor, \
    force, sequence, trace_parent, attempts, next_attempt_at, updated_at, finished_at";
const COLUMN_COUNT: usize = 18;

pub(super) type Sender = mpsc::Sender<Request>;

/// One event that waits for the next commit, and where to answer.
#[derive(Debug)]
pub(super) struct Request {
    event: NewEvent,
    answer: oneshot::Sender<Result<Accepted, StoreError>>,
}

impl Store {
    /// Commits an event. On return it is on the disk, or it is not there at all.
    pub async fn accept(&self, event: NewEvent) -> Result<Accepted, StoreError> {
        self.check_room()?;
        let (kind, contact_id) = (event.kind.clone(), event.contact_id.clone());
        let (answer, answered) = oneshot::channel();
        let gone = || StoreError::Unavailable("the writer has stopped".to_owned());
        self.door.send(Request { event, answer }).await.map_err(|_| gone())?;
        let accepted = answered.await.map_err(|_| gone())??;
        if let Accepted::New { id, status } = &accepted {
            if status.is_open() {
                self.backlog.fetch_add(1, Ordering::Relaxed);
            }
            self.announce(Change { id: id.clone(), kind, contact_id, status: *status, at: self.clock.now() });
        }
        Ok(accepted)
    }

    /// Keeps a request that was signed and not valid, for operators to see.
    pub async fn reject(&self, rejection: Rejection) -> Result<(), StoreError> {
        self.check_room()?;
        let mut tx = self.db.begin().await?;
        tx.execute(
            "insert into rejections (received_at, webhook_id, kind, contact_id, errors, payload) values ($1, $2, $3, $4, $5, $6)",
            args![
                self.clock.now(),
                rejection.webhook_id,
                rejection.kind,
                rejection.contact_id,
                rejection.errors.to_string(),
                rejection.payload,
            ],
        )
        .await?;
        tx.commit().await
    }
}

/// Starts the writer; it ends when the last [`Store`] is gone.
pub(super) fn start(db: Db, clock: Clock, work: Arc<Notify>) -> Sender {
    let (sender, mut requests) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        let mut waiting = Vec::with_capacity(BATCH);
        while requests.recv_many(&mut waiting, BATCH).await > 0 {
            let (events, answers): (Vec<_>, Vec<_>) =
                waiting.drain(..).map(|request: Request| (request.event, request.answer)).unzip();
            match commit_batch(&db, clock.now(), events).await {
                Ok(accepted) => {
                    work.notify_one();
                    answers.into_iter().zip(accepted).for_each(|(answer, accepted)| drop(answer.send(Ok(accepted))));
                }
                Err(error) => {
                    tracing::error!(batch = answers.len(), %error, "events could not be committed; their senders are told to resend");
                    answers.into_iter().for_each(|answer| drop(answer.send(Err(error.clone()))));
                }
            }
        }
    });
    sender
}

/// A row on its way into `events`.
struct Draft {
    event: NewEvent,
    id: String,
    body_hash: String,
    status: Status,
}

async fn commit_batch(db: &Db, now: Millis, events: Vec<NewEvent>) -> Result<Vec<Accepted>, StoreError> {
    let mut tx = db.begin().await?;
    let contacts: BTreeSet<&str> = events.iter().filter_map(|event| event.contact_id.as_deref()).collect();
    let contacts: Vec<&str> = contacts.into_iter().collect();
    db.dialect().lock_contacts(&mut tx, &contacts).await?;
    let standing = Standing::read(&mut tx, &events).await?;
    let drafts = draft(events, standing);
    let mut inserted = HashMap::new();
    let mut rest = drafts.as_slice();
    while !rest.is_empty() {
        let rows = ROWS.min(1 << rest.len().ilog2());
        let (chunk, after) = rest.split_at(rows);
        insert(&mut tx, now, chunk, &mut inserted).await?;
        rest = after;
    }
    let taken = first_deliveries(&mut tx, drafts.iter().filter(|draft| !inserted.contains_key(&draft.id))).await?;
    queue(&mut tx, now, &drafts, &inserted).await?;
    tx.commit().await?;
    drafts.into_iter().map(|draft| answer(draft, &inserted, &taken)).collect()
}

/// What the ledger knows of the contacts whose events depend on it.
#[derive(Default)]
struct Standing {
    linked: HashSet<String>,
    in_turn: HashSet<String>,
}

impl Standing {
    async fn read(tx: &mut Tx, events: &[NewEvent]) -> Result<Self, StoreError> {
        let depends =
            |event: &&NewEvent| !matches!(event.intake, Intake::Queue | Intake::NotAdmitted | Intake::Ignored);
        let contacts: BTreeSet<&str> =
            events.iter().filter(depends).filter_map(|event| event.contact_id.as_deref()).collect();
        let contacts: Vec<&str> = contacts.into_iter().collect();
        let mut standing = Self::default();
        for chunk in contacts.chunks(ROWS) {
            // The last one fills up the list, so that few statements are prepared.
            let padded = chunk.len().next_power_of_two();
            let values: Vec<Arg> = (0..padded).map(|index| Arg::from(chunk[index.min(chunk.len() - 1)])).collect();
            let list = list(1, padded);
            for (table, found) in [("contacts", &mut standing.linked), ("turns", &mut standing.in_turn)] {
                let sql = format!("select contact_id from {table} where contact_id in ({list})");
                for row in tx.fetch(sql, values.clone()).await? {
                    found.insert(row.text("contact_id")?);
                }
            }
        }
        Ok(standing)
    }
}

fn draft(events: Vec<NewEvent>, mut standing: Standing) -> Vec<Draft> {
    events
        .into_iter()
        .map(|event| {
            let contact = event.contact_id.clone().unwrap_or_default();
            let linked = standing.linked.contains(&contact);
            let status = match event.intake {
                Intake::Queue => Status::Queued,
                Intake::QueueIfLinkedElseHold(_) if !linked => Status::Held,
                Intake::QueueIfLinkedElseIgnore if !linked => Status::Ignored,
                Intake::QueueIfKnownElseNotAdmitted if !linked && !standing.in_turn.contains(&contact) => {
                    Status::NotAdmitted
                }
                Intake::NotAdmitted => Status::NotAdmitted,
                Intake::Ignored => Status::Ignored,
                _ => Status::Queued,
            };
            if status == Status::Queued {
                standing.in_turn.insert(contact);
            }
            // A forced call is another one than the same call unforced.
            let forced: &[u8] = if event.force { b"\0force" } else { b"" };
            let body_hash = hex(&Sha256::new().chain_update(&event.payload).chain_update(forced).finalize());
            Draft { id: uuid::Uuid::now_v7().to_string(), body_hash, status, event }
        })
        .collect()
}

async fn insert(
    tx: &mut Tx,
    now: Millis,
    chunk: &[Draft],
    inserted: &mut HashMap<String, i64>,
) -> Result<(), StoreError> {
    let values = placeholders(1, chunk.len(), COLUMN_COUNT);
    let sql =
        format!("insert into events ({COLUMNS}) values {values} on conflict (webhook_id) do nothing returning seq, id");
    let arguments = chunk.iter().flat_map(|draft| columns(draft, now)).collect();
    for row in tx.fetch(sql, arguments).await? {
        inserted.insert(row.text("id")?, row.int("seq")?);
    }
    Ok(())
}

fn columns(draft: &Draft, now: Millis) -> [Arg; COLUMN_COUNT] {
    let event = &draft.event;
    let next_attempt_at = match (draft.status, event.intake) {
        (Status::Queued, _) => Some(now),
        (Status::Held, Intake::QueueIfLinkedElseHold(until)) => Some(until),
        _ => None,
    };
    [
        draft.id.as_str().into(),
        event.webhook_id.as_deref().into(),
        draft.body_hash.as_str().into(),
        event.kind.as_str().into(),
        event.contact_id.as_deref().into(),
        draft.status.as_str().into(),
        now.into(),
        event.occurred_at.into(),
        event.payload.as_str().into(),
        event.admission.as_ref().map(ToString::to_string).into(),
        event.actor.as_str().into(),
        event.force.into(),
        event.sequence.into(),
        event.trace_parent.as_deref().into(),
        0.into(),
        next_attempt_at.into(),
        now.into(),
        (!draft.status.is_open()).then_some(now).into(),
    ]
}

/// Gives every contact with a new queued event a turn, unless it has one.
async fn queue(tx: &mut Tx, now: Millis, drafts: &[Draft], inserted: &HashMap<String, i64>) -> Result<(), StoreError> {
    let mut heads: HashMap<&str, i64> = HashMap::new();
    for draft in drafts.iter().filter(|draft| draft.status == Status::Queued) {
        if let (Some(contact), Some(seq)) = (draft.event.contact_id.as_deref(), inserted.get(&draft.id)) {
            let head = heads.entry(contact).or_insert(*seq);
            *head = (*head).min(*seq);
        }
    }
    let mut heads: Vec<(&str, i64)> = heads.into_iter().collect();
    heads.sort_unstable();
    let mut rest = heads.as_slice();
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(ROWS.min(1 << rest.len().ilog2()));
        let values = placeholders(1, chunk.len(), 3);
        let sql = format!(
            "insert into turns (contact_id, head_seq, due_at) values {values} on conflict (contact_id) do nothing"
        );
        let arguments =
            chunk.iter().flat_map(|(contact, seq)| [Arg::from(*contact), (*seq).into(), now.into()]).collect();
        tx.execute(sql, arguments).await?;
        rest = after;
    }
    Ok(())
}

/// For deliveries that were not inserted: `webhook_id` → (id, body hash) of the first one.
async fn first_deliveries<'a>(
    tx: &mut Tx,
    drafts: impl Iterator<Item = &'a Draft>,
) -> Result<HashMap<String, (String, String)>, StoreError> {
    let mut first = HashMap::new();
    for draft in drafts {
        let found = tx
            .fetch_first(
                "select id, body_hash from events where webhook_id = $1",
                args![draft.event.webhook_id.as_deref()],
            )
            .await?;
        if let (Some(row), Some(webhook_id)) = (found, &draft.event.webhook_id) {
            first.insert(webhook_id.clone(), (row.text("id")?, row.text("body_hash")?));
        }
    }
    Ok(first)
}

fn answer(
    draft: Draft,
    inserted: &HashMap<String, i64>,
    taken: &HashMap<String, (String, String)>,
) -> Result<Accepted, StoreError> {
    if inserted.contains_key(&draft.id) {
        return Ok(Accepted::New { id: draft.id, status: draft.status });
    }
    match draft.event.webhook_id.as_ref().and_then(|webhook_id| taken.get(webhook_id)) {
        Some((id, body_hash)) if *body_hash == draft.body_hash => Ok(Accepted::Duplicate { id: id.clone() }),
        Some((id, _)) => Ok(Accepted::Conflict { id: id.clone() }),
        None => Err(StoreError::Unavailable("the event was neither stored nor found".to_owned())),
    }
}

/// Lower-case hexadecimal digits of `bytes`.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
        text
    })
}
