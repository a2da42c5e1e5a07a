//! The journal's writer: what runs of different contacts want written at the same time shares a transaction and an fsync
//! (group commit); each is answered after the commit that holds it.
//!
//! Every write names its lease's token: who lost the lease to another worker writes nothing, and holds up nobody else of
//! his group.

use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
};

use futures::future::join_all;
use tokio::sync::{Notify, mpsc, oneshot};

use super::{
    Advance, CallRow, CommitMoment, CommitWatch, Lease, NewStep, Settled, Settlement, StepRow, Store, StoreError,
    announcements::Announcer,
    background::Background,
    db::{Db, Tx},
    journal::Progress,
    journal_group::{Write, Written, write_group},
    transitions,
};
use crate::{clock::Clock, telemetry::metrics};

/// Writes that one transaction commits at most.
const GROUP: usize = 128;
/// Writes that may wait for the writer; more wait in their own task.
const QUEUE: usize = 1_024;

pub(super) type Sender = mpsc::Sender<Request>;

/// A write that waits for the next commit, and where to answer.
pub(super) struct Request {
    write: Write,
    answer: oneshot::Sender<Result<Written, StoreError>>,
}

impl Store {
    /// Writes the plan: forgets steps that were planned before and not done, adds `steps` behind those that were, and
    /// starts the first. Answers the journal's new part.
    pub async fn plan(
        &self,
        lease: &mut Lease,
        steps: &[NewStep],
        calls: Vec<CallRow>,
    ) -> Result<Vec<StepRow>, StoreError> {
        self.write_plan(lease, steps, Advance { calls, ..Advance::default() }).await
    }

    /// The same for an event that was to be planned anew: that is done with it.
    pub async fn plan_anew(
        &self,
        lease: &mut Lease,
        steps: &[NewStep],
        calls: Vec<CallRow>,
    ) -> Result<Vec<StepRow>, StoreError> {
        self.write_plan(lease, steps, Advance { calls, resolved: true, ..Advance::default() }).await
    }

    async fn write_plan(
        &self,
        lease: &mut Lease,
        steps: &[NewStep],
        advance: Advance,
    ) -> Result<Vec<StepRow>, StoreError> {
        let write = Write { plan: Some(steps.to_vec()), advance, ..Write::of(lease, Progress::None) };
        let planned = self.write(lease, write).await?.planned;
        lease.has_steps |= !planned.is_empty();
        Ok(planned)
    }

    /// Writes one advance of the journal and extends the lease.
    pub async fn advance(&self, lease: &mut Lease, advance: &Advance) -> Result<(), StoreError> {
        let finishes = !advance.done.is_empty() || advance.acknowledged.is_some();
        let progress = if finishes { Progress::Made } else { Progress::None };
        let write = Write { advance: advance.clone(), ..Write::of(lease, progress) };
        self.write(lease, write).await.map(drop)
    }

    /// The same for a step that brought an allocated `ord`, which is reserved with it for the lease's contact until it
    /// settles. `false`, with nothing but the calls written, if another contact has it, or has become a customer under it
    /// meanwhile: the ERP stores nothing under it and may have given it to two at once.
    pub async fn advance_allocated(&self, lease: &mut Lease, advance: &Advance, ord: i64) -> Result<bool, StoreError> {
        let (advance, reserve) = (advance.clone(), vec![format!("ord:{ord}")]);
        let write = Write { advance, reserve, allocated: Some(ord), ..Write::of(lease, Progress::Made) };
        Ok(!self.write(lease, write).await?.is_refused)
    }

    /// Reserves identities for the lease's contact until it settles, and beyond that while a save of it is undecided;
    /// `false`, with none reserved, if another contact holds one of them.
    pub async fn reserve(&self, lease: &mut Lease, identities: &[String]) -> Result<bool, StoreError> {
        let write = Write { reserve: identities.to_vec(), ..Write::of(lease, Progress::None) };
        Ok(!self.write(lease, write).await?.is_refused)
    }

    /// Ends a run: the event's next state, the last of the journal, and the contact's turn moves on.
    pub async fn settle(&self, mut lease: Lease, mut settlement: Settlement) -> Result<Settled, StoreError> {
        let advance = std::mem::take(&mut settlement.last);
        let write = Write { advance, end: Some(settlement), ..Write::of(&lease, Progress::Made) };
        Ok(self.write(&mut lease, write).await?.settled)
    }

    /// Says of a claimed event that no run of it was cut short: this process knows how they ended.
    pub async fn clear(&self, lease: &mut Lease) -> Result<(), StoreError> {
        let write = Write::of(lease, Progress::Made);
        self.write(lease, write).await.map(drop)
    }

    /// Hands a write in and waits for the commit that holds it.
    async fn write(&self, lease: &mut Lease, write: Write) -> Result<Written, StoreError> {
        if let Some(watch) = self.watch.get() {
            watch(CommitMoment::Asked).await?;
        }
        let (answer, answered) = oneshot::channel();
        let gone = || StoreError::Unavailable("the journal's writer has stopped".to_owned());
        self.journal.send(Request { write, answer }).await.map_err(|_| gone())?;
        let written = answered.await.map_err(|_| gone())??;
        lease.until = written.until;
        Ok(written)
    }
}

/// The one task that writes the journal.
pub(super) struct Writer {
    pub(super) db: Db,
    pub(super) clock: Clock,
    pub(super) work: Arc<Notify>,
    pub(super) announcer: Announcer,
    pub(super) watch: Arc<OnceLock<CommitWatch>>,
}

impl Writer {
    /// Sets it to work; it ends when the last [`Store`] is gone.
    pub(super) fn start(self, background: &Background) -> Sender {
        let (sender, mut requests) = mpsc::channel(QUEUE);
        background.spawn("the journal's writer", async move {
            let mut waiting = Vec::with_capacity(GROUP);
            while requests.recv_many(&mut waiting, GROUP).await > 0 {
                while !waiting.is_empty() {
                    let (group, later) = first_of_each_contact(waiting);
                    self.serve(group).await;
                    waiting = later;
                }
            }
        });
        sender
    }

    /// Commits a group. If it cannot be written its writes are committed one by one: it may be one of them that is at
    /// fault, which costs that one; twice in a row it is the database, and the others need not find that out.
    async fn serve(&self, group: Vec<Request>) {
        let Err((group, error)) = self.commit(group).await else { return };
        let is_one = group.len() == 1;
        let mut failed = Vec::new();
        for request in group {
            let alone = vec![request];
            match failed.as_slice() {
                [.., StoreError::Unavailable(_), last @ StoreError::Unavailable(_)] => refuse(alone, last),
                _ if is_one => refuse(alone, &error),
                _ => match self.commit(alone).await {
                    Ok(()) => failed.clear(),
                    Err((alone, error)) => {
                        refuse(alone, &error);
                        failed.push(error);
                    }
                },
            }
        }
    }

    /// Writes and commits a group, and answers it.
    ///
    /// # Errors
    /// The group as it came, if nothing of it can have been committed.
    async fn commit(&self, group: Vec<Request>) -> Result<(), (Vec<Request>, StoreError)> {
        let (writes, mut answers): (Vec<_>, Vec<_>) = group.into_iter().map(|it| (it.write, it.answer)).unzip();
        let (tx, written) = match self.prepare(&writes).await {
            Ok(prepared) => prepared,
            Err(error) => {
                let group = writes.into_iter().zip(answers).map(|(write, answer)| Request { write, answer });
                return Err((group.collect(), error));
            }
        };
        let committed = self.commit_watched(tx, &mut answers).await;
        metrics::committed("journal", writes.len());
        if writes.iter().any(|write| write.end.is_some()) {
            self.work.notify_one();
        }
        for (written, answer) in written.into_iter().zip(answers) {
            let outcome = committed.clone().and_then(|()| written.ok_or(StoreError::LeaseLost));
            // A worker that waits no more has ended, and its lease runs out.
            let _ = answer.send(outcome);
        }
        Ok(())
    }

    async fn prepare(&self, writes: &[Write]) -> Result<(Tx, Vec<Option<Written>>), StoreError> {
        let mut tx = self.db.begin().await?;
        let written = write_group(&mut tx, self.clock.now(), writes).await?;
        Ok((tx, written))
    }

    async fn commit_watched(&self, tx: Tx, answers: &mut [Answer]) -> Result<(), StoreError> {
        self.told(CommitMoment::Before, answers).await?;
        transitions::commit(tx, &self.announcer).await?;
        self.told(CommitMoment::After, answers).await
    }

    /// Tells the watch, if there is one, and waits for it as long as somebody waits for an answer.
    async fn told(&self, moment: CommitMoment, answers: &mut [Answer]) -> Result<(), StoreError> {
        let Some(watch) = self.watch.get() else { return Ok(()) };
        tokio::select! {
            biased;
            told = watch(moment) => told,
            _ = join_all(answers.iter_mut().map(Answer::closed)) => {
                Err(StoreError::Unavailable("nobody waits for the commit any more".to_owned()))
            }
        }
    }
}

type Answer = oneshot::Sender<Result<Written, StoreError>>;

/// Answers writes of which nothing was committed.
fn refuse(group: Vec<Request>, error: &StoreError) {
    for request in group {
        let _ = request.answer.send(Err(error.clone()));
    }
}

/// The first write of each contact, and the others, both in their order.
fn first_of_each_contact(waiting: Vec<Request>) -> (Vec<Request>, Vec<Request>) {
    let mut contacts = HashSet::new();
    waiting.into_iter().partition(|request| contacts.insert(request.write.lease.contact_id.clone()))
}
