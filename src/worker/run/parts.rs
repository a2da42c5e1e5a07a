//! The parts of a long message: sent to the ERP one after the other, and confirmed together by one reading of its list.

use serde_json::{Value, json};

use super::{
    Run,
    journal::{is_part, step_of},
    look::unverified,
};
use crate::{
    clock::Millis,
    store::{Advance, DoneStep, StepRow, StepState},
    sync::{Effect, Executor, Step, SyncError, Verification},
    worker::end::End,
};

/// What came of a step's call.
pub(super) enum Sent {
    /// The ERP says that it is done; it still has to be read back.
    Acknowledged(Effect),
    /// The call failed, and looking the step up found that it is done; the step's result.
    Found(Value),
}

/// A progress record that the ERP says it stored.
pub(super) struct Acknowledged {
    row: StepRow,
    step: Step,
    said: String,
}

impl Acknowledged {
    /// Sent just now, at the latest: a row that was planned in this run does not say when.
    pub(super) fn new(row: &StepRow, step: &Step, effect: Effect, now: Millis) -> Self {
        let row = StepRow { started_at: row.started_at.or(Some(now)), ..row.clone() };
        Self { row, step: step.clone(), said: effect.said }
    }

    fn text(&self) -> &str {
        if let Step::Progress { text, .. } = &self.step { text } else { "" }
    }

    /// What the ledger remembers of it: with this, a list that turns out to be closed is no reason to ask a person.
    fn note(&self) -> (i64, Value) {
        (self.row.position, json!({ "said": self.said }))
    }
}

impl Run<'_> {
    /// Sends a part. If another one follows that nobody has sent, this one stays to be confirmed with it (`None`); else all
    /// that were sent are confirmed now. The journal knows of each before the next is sent.
    pub(super) async fn send_part(
        &mut self,
        executor: &Executor<'_>,
        row: &StepRow,
        step: &Step,
        next: Option<&StepRow>,
        acknowledged: &mut Vec<Acknowledged>,
    ) -> Result<Option<Value>, End> {
        let sent = match self.found_late(executor, row, step).await? {
            Some(result) => Sent::Found(result),
            None => self.send(executor, row, step).await?,
        };
        let effect = match sent {
            Sent::Acknowledged(effect) => effect,
            Sent::Found(result) if acknowledged.is_empty() => return Ok(Some(result)),
            Sent::Found(_) => Effect::default(),
        };
        acknowledged.push(Acknowledged::new(row, step, effect, self.clock.now()));
        let follows = next.filter(|next| is_part(next));
        let (Some(next), Some(last)) = (follows, acknowledged.last()) else {
            return self.confirm(executor, std::mem::take(acknowledged)).await.map(Some);
        };
        let start = (!self.stop.is_cancelled()).then_some(next.position);
        let mark = step_of(next).and_then(|next| executor.fingerprint(&next));
        let advance =
            Advance { acknowledged: Some(last.note()), start, mark, calls: self.calls(), ..Advance::default() };
        self.store.advance(&mut self.lease, &advance).await?;
        self.job.log.set_deadline(self.lease.until);
        if start.is_none() { Err(End::Again) } else { Ok(None) }
    }

    /// Looks records up that the ERP says it stored; answers the result of the last of them, which the caller writes down.
    pub(super) async fn confirm(
        &mut self,
        executor: &Executor<'_>,
        acknowledged: Vec<Acknowledged>,
    ) -> Result<Value, End> {
        let texts: Vec<&str> = acknowledged.iter().map(Acknowledged::text).collect();
        let seen = match executor.verify_records(&texts).await {
            Ok(seen) => seen,
            Err(error) => return Err(self.unread(&acknowledged, error).await),
        };
        let is_gone = match self.is_gone_unseen(executor, &acknowledged, &seen).await {
            Ok(is_gone) => is_gone,
            Err(error) => return Err(self.unread(&acknowledged, error).await),
        };
        let mut done = Vec::new();
        let mut open = None;
        for (record, seen) in acknowledged.iter().zip(seen) {
            let end = match seen {
                Verification::Done(result) => {
                    done.push((record, result));
                    continue;
                }
                Verification::Hidden(words) if !is_gone => {
                    done.push((record, unverified(&words, Some(&record.note().1))));
                    continue;
                }
                Verification::Shared => {
                    self.note(record).await?;
                    self.wait_for_equal(&record.row)
                }
                Verification::NotDone | Verification::Anothers | Verification::Hidden(_) => {
                    self.again_or_ask(&record.row, &record.step, &record.said).await
                }
            };
            open.get_or_insert(end);
        }
        let last = if open.is_none() { done.pop() } else { None };
        let done_step = |(record, result): (&Acknowledged, Value)| DoneStep {
            position: record.row.position,
            result,
            fingerprint: executor.fingerprint(&record.step),
        };
        let done: Vec<DoneStep> = done.into_iter().map(done_step).collect();
        if !done.is_empty() {
            self.store.advance(&mut self.lease, &Advance { done, ..Advance::default() }).await?;
            self.came_on = true;
        }
        self.job.log.set_deadline(self.lease.until);
        match open {
            Some(end) => Err(end),
            None => Ok(last.map_or(Value::Null, |(_, result)| result)),
        }
    }

    /// A record that was sent before and not seen then may only have been slow to appear: sent again unlooked, it would stand
    /// there twice.
    async fn found_late(&mut self, executor: &Executor<'_>, row: &StepRow, step: &Step) -> Result<Option<Value>, End> {
        if row.state != StepState::Planned || row.started_at.is_none() {
            return Ok(None);
        }
        match self.look(executor, row, step).await? {
            Verification::Done(result) => Ok(Some(result)),
            Verification::Shared => Err(self.wait_for_equal(row)),
            Verification::NotDone | Verification::Hidden(_) | Verification::Anothers => Ok(None),
        }
    }

    /// Whether the ERP shows no records because it has no such customer any more: it may take a record for one that is gone.
    async fn is_gone_unseen(
        &self,
        executor: &Executor<'_>,
        acknowledged: &[Acknowledged],
        seen: &[Verification],
    ) -> Result<bool, SyncError> {
        let hidden = acknowledged.iter().zip(seen).find(|(_, seen)| matches!(seen, Verification::Hidden(_)));
        match hidden {
            Some((record, _)) => executor.is_gone(&record.step).await,
            None => Ok(false),
        }
    }

    /// The list cannot be read just now.
    async fn unread(&mut self, acknowledged: &[Acknowledged], error: SyncError) -> End {
        if let (SyncError::Erp(_), Some(last)) = (&error, acknowledged.last())
            && let Err(end) = self.note(last).await
        {
            return end;
        }
        error.into()
    }

    async fn note(&mut self, record: &Acknowledged) -> Result<(), End> {
        let advance = Advance { acknowledged: Some(record.note()), calls: self.calls(), ..Advance::default() };
        self.store.advance(&mut self.lease, &advance).await?;
        Ok(())
    }
}
