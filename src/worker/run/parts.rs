//! The parts of a long message: told to the ERP one after the other, and confirmed together by one reading of its list.

use serde_json::{Value, json};

use super::{End, Run, journal::is_part, look::unverified};
use crate::{
    store::{Advance, StepRow},
    sync::{Effect, Executor, Step, SyncError, Verification},
};

/// A progress record that the ERP says it stored.
pub(super) struct Acknowledged {
    row: StepRow,
    step: Step,
    said: String,
}

impl Acknowledged {
    pub(super) fn new(row: &StepRow, step: &Step, effect: Effect) -> Self {
        Self { row: row.clone(), step: step.clone(), said: effect.said }
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
    /// that were told are confirmed now. The journal knows of each before the next is sent.
    pub(super) async fn tell(
        &mut self,
        executor: &Executor<'_>,
        row: &StepRow,
        step: &Step,
        next: Option<&StepRow>,
        told: &mut Vec<Acknowledged>,
    ) -> Result<Option<Value>, End> {
        let effect = match self.send(executor, row, step).await? {
            Ok(effect) => effect,
            // Looked up after a failure, and there.
            Err(result) if told.is_empty() => return Ok(Some(result)),
            Err(_) => Effect::default(),
        };
        told.push(Acknowledged::new(row, step, effect));
        let follows = next.filter(|next| is_part(next));
        let (Some(next), Some(last)) = (follows, told.last()) else {
            return self.confirm(executor, std::mem::take(told)).await.map(Some);
        };
        let start = (!self.stop.is_cancelled()).then_some(next.position);
        let advance = Advance { told: Some(last.note()), start, calls: self.calls(), ..Advance::default() };
        self.store.advance(&mut self.lease, &advance).await?;
        self.job.log.set_deadline(self.lease.until);
        if start.is_none() { Err(End::Stopped) } else { Ok(None) }
    }

    /// Looks records up that the ERP says it stored; answers the result of the last of them, which the caller writes down.
    pub(super) async fn confirm(&mut self, executor: &Executor<'_>, told: Vec<Acknowledged>) -> Result<Value, End> {
        let texts: Vec<&str> = told.iter().map(Acknowledged::text).collect();
        let seen = match executor.verify_records(&texts).await {
            Ok(seen) => seen,
            Err(error) => return Err(self.unread(&told, error).await?),
        };
        let mut done = Vec::new();
        let mut open = None;
        for (told, seen) in told.iter().zip(seen) {
            let end = match seen {
                Verification::Done(result) => {
                    done.push((told, result));
                    continue;
                }
                Verification::Hidden(words) => {
                    done.push((told, unverified(&words, Some(&told.note().1))));
                    continue;
                }
                Verification::Shared => {
                    self.note(told).await?;
                    self.wait_for_equal(&told.row)
                }
                Verification::NotDone => self.again_or_ask(&told.row, &told.step, &told.said).await?,
            };
            open.get_or_insert(end);
        }
        let last = if open.is_none() { done.pop() } else { None };
        for (told, result) in done {
            let fingerprint = executor.fingerprint(&told.step);
            let advance = Advance { done: Some((told.row.position, result)), fingerprint, ..Advance::default() };
            self.store.advance(&mut self.lease, &advance).await?;
        }
        self.job.log.set_deadline(self.lease.until);
        match open {
            Some(end) => Err(end),
            None => Ok(last.map_or(Value::Null, |(_, result)| result)),
        }
    }

    /// The list cannot be read just now.
    async fn unread(&mut self, told: &[Acknowledged], error: SyncError) -> Result<End, End> {
        if let (SyncError::Erp(_), Some(last)) = (&error, told.last()) {
            self.note(last).await?;
        }
        Ok(error.into())
    }

    async fn note(&mut self, told: &Acknowledged) -> Result<(), End> {
        let advance = Advance { told: Some(told.note()), calls: self.calls(), ..Advance::default() };
        self.store.advance(&mut self.lease, &advance).await?;
        Ok(())
    }
}
