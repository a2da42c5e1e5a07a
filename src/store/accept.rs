//! Accepting events: concurrent requests share a transaction and an fsync (group commit); each is answered after the
//! commit that holds it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, mpsc, oneshot};

use super::{
    Accepted, NewEvent, Rejection, Store, StoreError,
    announcements::Announcer,
    background::Background,
    batch::{self, Outcome, store_batch},
    db::{Db, args},
    prepared::Prepared,
    transitions,
};
use crate::{
    clock::{Clock, Millis},
    telemetry::metrics,
};

/// Events that one transaction commits at most.
const BATCH: usize = 512;
/// Requests that may wait for the writer; more wait in their own task.
const QUEUE: usize = 4_096;

pub(super) type Sender = mpsc::Sender<Request>;

/// One event that waits for the next commit, and where to answer.
#[derive(Debug)]
pub(super) struct Request {
    event: Prepared,
    answer: oneshot::Sender<Result<Accepted, StoreError>>,
}

impl Store {
    /// Commits an event. On return it is on the disk, or it is not there at all. Whoever stops waiting takes nothing back:
    /// the writer commits and announces it all the same.
    pub async fn accept(&self, event: NewEvent) -> Result<Accepted, StoreError> {
        self.check_room()?;
        let (answer, answered) = oneshot::channel();
        let gone = || StoreError::Unavailable("the writer has stopped".to_owned());
        // Hashed here, beside others: the writer serves one batch after the other.
        let event = Prepared::of(event);
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
    let mut tx = db.begin_at_door(true).await?;
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
        metrics::committed("door", events.len());
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
    async fn commit_each(&self, now: Millis, events: &[Prepared]) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(events.len());
        for event in events {
            let committed = self.commit(now, std::slice::from_ref(event)).await;
            if let Err(error @ StoreError::Data(_)) = &committed
                && let Err(lost) = keep_rejection(&self.db, now, refused(&event.event, error)).await
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

    async fn commit(&self, now: Millis, events: &[Prepared]) -> Result<Vec<Outcome>, StoreError> {
        let is_one_statement = !self.announcer.has_company() && batch::is_one_statement(events);
        let mut tx = self.db.begin_at_door(is_one_statement).await?;
        let outcomes = store_batch(&mut tx, now, events).await?;
        transitions::commit(tx, &self.announcer).await?;
        Ok(outcomes)
    }
}
