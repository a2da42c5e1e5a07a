//! Doing one step: the call, what is seen of it, and what a failure leaves open.

use serde_json::{Value, json};

use super::{
    Run,
    parts::{Acknowledged, Sent},
};
use crate::{
    store::{Advance, StepRow},
    sync::{Duplicate, ErpError, Executor, Fault, Step, SyncError, Verification},
    worker::end::{Counts, End, NOT_STORED, REFUSED},
};

/// Tries of one run to see an assignment, or filled fields, that the ERP says are done, where it may show them.
const ASSIGN_TRIES: usize = 3;
const FILL_TRIES: usize = 2;

impl Run<'_> {
    /// Does a step that was started, reads it back, and answers its result.
    pub(super) async fn do_step(&mut self, executor: &Executor<'_>, row: &StepRow, step: &Step) -> Result<Value, End> {
        let mut tries = match step {
            Step::Assign { .. } => ASSIGN_TRIES,
            Step::FillMissing { .. } | Step::SetStage { .. } => FILL_TRIES,
            _ => 1,
        };
        loop {
            tries -= 1;
            let effect = match self.send(executor, row, step).await? {
                Sent::Acknowledged(effect) => effect,
                Sent::Found(result) => return Ok(result),
            };
            if let Some(ord) = effect.ord {
                return Ok(json!({ "ord": ord }));
            }
            if let Some(why) = effect.left_out {
                tracing::warn!(event.id = %self.lease.event_id, step = %row.name, "a step was left out; the event says why");
                return Ok(json!({ "left_out": why }));
            }
            match step {
                Step::Link { .. } => return Ok(Value::Null),
                Step::Progress { .. } => {
                    return self.confirm(executor, vec![Acknowledged::new(row, step, effect, self.clock.now())]).await;
                }
                _ => {}
            }
            match self.look(executor, row, step).await? {
                Verification::Done(result) => return Ok(result),
                Verification::Hidden(words) => return Ok(json!({ "unverified": words, "said": effect.said })),
                Verification::NotDone if tries > 0 && self.is_worth_sending_again(step).await? => {}
                Verification::NotDone | Verification::Shared | Verification::Anothers => {
                    return self.not_seen(row, step, &effect.said).await;
                }
            }
        }
    }

    /// Makes a step's call.
    pub(super) async fn send(&mut self, executor: &Executor<'_>, row: &StepRow, step: &Step) -> Result<Sent, End> {
        self.job.log.set_deadline(self.lease.until.minus(self.lease.span).plus(self.send_window()));
        let outcome = executor.execute(step).await;
        self.job.log.set_deadline(self.lease.until);
        match outcome {
            Ok(effect) => Ok(Sent::Acknowledged(effect)),
            Err(error) => self.after_failure(executor, row, step, error).await.map(Sent::Found),
        }
    }

    /// A step that the ERP says is done and that is not there is done again; said twice and not seen twice, it is the
    /// look-up that is in doubt: a third record is worse than a question.
    pub(super) async fn again_or_ask(&mut self, row: &StepRow, step: &Step, said: &str) -> End {
        let error = format!("步骤 {}：ERP 答复“{said}”，但查不到结果 (the ERP stored nothing)", row.name);
        if !step.is_repeatable() && row.unseen > 0 {
            let facts = json!({ "step": row.name, "decisions": ["done", "resend"] });
            return End::Review { code: NOT_STORED, error, facts };
        }
        let reset = Advance { reset: Some(row.position), unseen: true, calls: self.calls(), ..Advance::default() };
        match self.store.advance(&mut self.lease, &reset).await {
            Ok(()) => End::Retry { code: NOT_STORED, error, counts: Counts::Yes },
            Err(error) => error.into(),
        }
    }

    /// A step's call failed. If it certainly took no effect it is planned again; else it stays started, to be looked up.
    async fn after_failure(
        &mut self,
        executor: &Executor<'_>,
        row: &StepRow,
        step: &Step,
        error: SyncError,
    ) -> Result<Value, End> {
        match &error {
            // An answer came, only no readable one: the effect is there now, or it never will be.
            SyncError::Erp(
                ErpError::OutcomeUnknown { answered: true, .. }
                | ErpError::Installation(Fault { is_certain: false, .. }),
            ) => match self.look(executor, row, step).await? {
                Verification::Done(result) => return Ok(result),
                Verification::NotDone => self.reset_not_found(row).await?,
                Verification::Hidden(_) | Verification::Shared | Verification::Anothers => {}
            },
            // From now on, not from when the step began: the call may have waited long for its turn.
            SyncError::Erp(ErpError::OutcomeUnknown { answered: false, .. }) => self.start(row, false).await?,
            SyncError::Journal(_) => {}
            SyncError::Erp(refused @ ErpError::Refused(words)) => {
                // An earlier try may have come through after all, and be why the ERP refuses this one; or this one did, and
                // what failed came behind it.
                let seen = executor.verify_refused(step).await;
                if let Verification::Done(result) = self.judge(executor, row, step, seen).await? {
                    return Ok(result);
                }
                if matches!(step, Step::SetStage { .. }) && refused.is_duplicate() {
                    // It stays begun, for a person to decide.
                    return Err(refused_as_duplicate(row, words));
                }
                self.reset(row).await?;
                return Err(refused_for_good(step, refused, words));
            }
            SyncError::Erp(_) => self.reset(row).await?,
        }
        Err(error.into())
    }
}

/// What it means for the event that the ERP refused a step in these words.
fn refused_for_good(step: &Step, refused: &ErpError, words: &str) -> End {
    let words = words.to_owned();
    match step {
        Step::SaveCustomer { .. } | Step::AddContactPerson { .. } if refused.is_duplicate() => {
            let of_contact_person = matches!(step, Step::AddContactPerson { .. });
            End::Duplicate(Duplicate { words, of_contact_person })
        }
        // The allocated id may have been forgotten.
        Step::SaveCustomer { .. } => End::PlanAnew { code: REFUSED, error: words },
        _ => refused.clone().into(),
    }
}

/// 客户修改 carries a customer's name every time, and another customer may have the same by now (查重).
fn refused_as_duplicate(row: &StepRow, words: &str) -> End {
    let error = format!(
        "ERP 查重，拒绝步骤 {}：“{words}”。在 ERP 中处理后重试，或手工完成后继续 (the ERP refuses the step as a duplicate: put it right in the ERP and replay, or do it by hand and say done)",
        row.name
    );
    let facts = json!({ "refused": words, "step": row.name, "decisions": ["done", "resend"] });
    End::Review { code: "duplicate", error, facts }
}
