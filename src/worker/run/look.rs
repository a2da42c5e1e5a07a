//! A step that was begun: what is seen of it decides whether it is done, done again, or left to a person.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Run, journal::is_effect};
use crate::{
    clock::Millis,
    store::{Advance, Resolution, StepRow, StepState},
    sync::{ErpError, Executor, Step, SyncError, Verification},
    worker::end::End,
};

impl Run<'_> {
    /// Brings one step to its end; answers its result, and whether an operator's decision was used up on it.
    pub(super) async fn settle_step(
        &mut self,
        executor: &Executor<'_>,
        row: &StepRow,
        step: &Step,
        resolution: Option<Resolution>,
    ) -> Result<(Value, bool), End> {
        if row.state == StepState::Started {
            match resolution {
                Some(Resolution::Done) => return Ok((json!({ "decided": "done" }), true)),
                Some(Resolution::Resend) => {
                    // One decision, one sending: it is used up before the call, not after it.
                    self.start(row, true).await?;
                    return Ok((self.do_step(executor, row, step).await?, true));
                }
                Some(Resolution::Link { .. } | Resolution::Recreate | Resolution::PlanAnew | Resolution::NoneOf)
                | None => {}
            }
            if let Some(result) = self.look_up(executor, row, step).await? {
                return Ok((result, false));
            }
            if !self.linked && is_effect(row) {
                self.reset(row).await?;
                return Err(End::Again);
            }
            self.start(row, false).await?;
        }
        Ok((self.do_step(executor, row, step).await?, false))
    }

    /// Asks the ERP about a step that was started and never confirmed. `None`: it certainly took no effect.
    async fn look_up(&mut self, executor: &Executor<'_>, row: &StepRow, step: &Step) -> Result<Option<Value>, End> {
        if matches!(step, Step::Allocate { .. } | Step::Link { .. }) {
            return Ok(None);
        }
        match self.look(executor, row, step).await? {
            Verification::Done(result) => Ok(Some(result)),
            // The ERP said that it is done, before anybody knew that it does not show it.
            Verification::Hidden(words) if row.result.is_some() => Ok(Some(unverified(&words, row.result.as_ref()))),
            Verification::Hidden(words) if !step.is_repeatable() => Err(outcome_unknown(row, &words)),
            Verification::Shared => Err(self.wait_for_equal(row)),
            // Even a step that may be repeated waits: its late effect would undo what came after it.
            Verification::NotDone | Verification::Hidden(_) | Verification::Anothers => {
                self.until_certain(row).map(|()| None)
            }
        }
    }

    /// Looks a step up. Where another customer stands under the allocated id, nothing is saved and the plan is made anew, as
    /// soon as a late effect of our own save is out of the question.
    pub(super) async fn look(
        &mut self,
        executor: &Executor<'_>,
        row: &StepRow,
        step: &Step,
    ) -> Result<Verification, End> {
        let was_shown = self.was_shown(step);
        let seen = executor.verify(step).await;
        self.keep_shown(step, was_shown).await?;
        self.judge(executor, row, step, seen).await
    }

    /// What it means for a step that this was seen of it.
    pub(super) async fn judge(
        &mut self,
        executor: &Executor<'_>,
        row: &StepRow,
        step: &Step,
        seen: Result<Verification, SyncError>,
    ) -> Result<Verification, End> {
        let seen = match seen {
            // Records that may not be seen say nothing, nor does a refusal; of a customer whom the ERP has no more nothing is
            // there.
            Ok(Verification::Hidden(_)) if matches!(step, Step::Progress { .. }) && executor.is_gone(step).await? => {
                return Ok(Verification::NotDone);
            }
            Err(SyncError::Erp(error)) if error.is_refusal() && executor.is_gone(step).await? => {
                // What was begun at a customer that another one has taken the place of since is over.
                let other = step.customer().filter(|customer| executor.ord.is_some_and(|ord| ord != *customer));
                return Ok(
                    other.map_or(Verification::NotDone, |ord| Verification::Done(json!({ "customer_gone": ord })))
                );
            }
            // What answers too much shows nothing of it.
            Err(SyncError::Erp(ErpError::TooMany(words))) => Verification::Hidden(words),
            seen => seen?,
        };
        if seen != Verification::Anothers {
            return Ok(seen);
        }
        if row.state == StepState::Started {
            self.until_certain(row)?;
        }
        self.reset(row).await?;
        let error = "分配的客户ID已被另一客户占用 (another customer stands under the allocated id)".to_owned();
        Err(End::PlanAnew { code: "ord_taken", error })
    }

    /// A call without an answer may still take effect; only after that time its absence is believed.
    fn until_certain(&self, row: &StepRow) -> Result<(), End> {
        let certain = self.certain_from(row);
        if self.clock.now() >= certain {
            return Ok(());
        }
        Err(End::LookAgain(certain, format!("waiting whether {} still takes effect", row.name)))
    }

    /// An equal record of another event is open, too, and one of both may be there: that one comes first. When it takes too
    /// long, a person looks.
    pub(super) fn wait_for_equal(&self, row: &StepRow) -> End {
        let patience = self.certain_from(row).plus(self.lease.span);
        if self.clock.now() < patience {
            return End::LookAgain(
                patience,
                format!("waiting for an equal record of another event before {}", row.name),
            );
        }
        outcome_unknown(row, "an equal record of another event is open, too")
    }

    /// Writes down that a step is about to be done, from now; `resolved` uses up an operator's decision with it.
    pub(super) async fn start(&mut self, row: &StepRow, resolved: bool) -> Result<(), End> {
        let advance = Advance { start: Some(row.position), resolved, calls: self.calls(), ..Advance::default() };
        self.store.advance(&mut self.lease, &advance).await?;
        self.job.log.set_deadline(self.lease.until);
        Ok(())
    }

    /// How long after its start a step's calls may be sent: a late effect of theirs has then come when the lease is over
    /// and another worker looks.
    pub(super) fn send_window(&self) -> Duration {
        self.lease.span.saturating_sub(self.late_effect).max(self.lease.span / 4)
    }

    /// From when on it is believed that a started step which the ERP does not show took no effect.
    fn certain_from(&self, row: &StepRow) -> Millis {
        self.certain_after(row.started_at.unwrap_or_default())
    }

    /// How long after its beginning a step may take effect.
    pub(super) fn settles_after(&self) -> Duration {
        self.send_window() + self.late_effect
    }

    fn certain_after(&self, begun: Millis) -> Millis {
        let latest = self.settles_after();
        // Whoever resumes after a crash does so a lease later; only a longer late effect is not over by then.
        let wait = if latest <= self.lease.span { self.late_effect } else { latest };
        begun.plus(wait)
    }

    /// Whether an event of the contact that is dead or was given up has left a save open. It may still make the contact's
    /// customer; only after that time the contact is looked up.
    pub(super) async fn has_save_left_open(&self) -> Result<bool, End> {
        let Some(begun) = self.store.save_left_open(&self.lease.contact_id).await? else { return Ok(false) };
        let certain = self.certain_after(begun);
        if self.clock.now() >= certain {
            return Ok(true);
        }
        Err(End::LookAgain(certain, "waiting whether the save of an event that was given up still takes effect".into()))
    }

    /// Plans a step again of which this call certainly took no effect.
    pub(super) async fn reset(&mut self, row: &StepRow) -> Result<(), End> {
        self.plan_again(row, row.started_at.is_some()).await
    }

    /// Plans a step again that was sent and not found.
    pub(super) async fn reset_not_found(&mut self, row: &StepRow) -> Result<(), End> {
        self.plan_again(row, true).await
    }

    async fn plan_again(&mut self, row: &StepRow, was_sent: bool) -> Result<(), End> {
        let advance = Advance { reset: Some(row.position), was_sent, calls: self.calls(), ..Advance::default() };
        Ok(self.store.advance(&mut self.lease, &advance).await?)
    }
}

/// The result of a step that the ERP says is done and does not show.
pub(super) fn unverified(words: &str, acknowledged: Option<&Value>) -> Value {
    json!({ "unverified": words, "said": acknowledged.and_then(|result| result.get("said")) })
}

fn outcome_unknown(row: &StepRow, words: &str) -> End {
    End::Review {
        code: "outcome_unknown",
        error: format!(
            "步骤 {} 的结果无法在 ERP 中查到 (the ERP does not show whether this step took effect: {words})",
            row.name
        ),
        facts: json!({ "step": row.name, "decisions": ["done", "resend"] }),
    }
}
