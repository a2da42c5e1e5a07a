//! What the ERP's word is worth where it shows nothing of what it says is done: where it showed such effects before, this one was not
//! made. Where it never did, nothing is sent again for evidence that cannot change.

use serde_json::{Value, json};

use super::Run;
use crate::{
    event::Assignment,
    store::{StepRow, StoreError},
    sync::{Shown, Step},
    worker::end::End,
};

impl Run<'_> {
    /// The ERP said that a step is done, and does not show it after all tries. Where nothing says that this installation
    /// shows such effects at all, the ERP's word is taken, and the step's result says so.
    pub(super) async fn not_seen(&mut self, row: &StepRow, step: &Step, said: &str) -> Result<Value, End> {
        let Some((is_shown, words)) = self.evidence_of(step) else {
            return Err(self.again_or_ask(row, step, said).await);
        };
        if is_shown {
            return Err(self.again_or_ask(row, step, said).await);
        }
        // That other fields were shown says little of these, and is worth another try.
        if matches!(step, Step::FillMissing { .. }) && self.job.erp.shows_any_edit() && row.unseen == 0 {
            return Err(self.again_or_ask(row, step, said).await.uncounted());
        }
        if let Some(effect) = effect_of(step) {
            self.store.note_unshown(self.job.erp.address(), effect.as_str()).await?;
        }
        tracing::warn!(event.id = %self.lease.event_id, step = %row.name, "a step's effect is not shown; the ERP's word is taken");
        Ok(json!({ "unverified": words, "said": said }))
    }

    /// Whether this installation has shown such effects, and what it shows now in place of this one. `None` for effects that
    /// every installation shows.
    fn evidence_of(&self, step: &Step) -> Option<(bool, &'static str)> {
        let erp = &self.job.erp;
        if let Step::FillMissing { fields, .. } = step {
            let is_shown = erp.shows_edits(fields.iter().map(|field| field.id.as_ref()));
            return Some((is_shown, "客户详情 shows none of the fields"));
        }
        let effect = effect_of(step)?;
        let words = match effect {
            Shown::Assignment => "客户列表 shows another salesperson",
            Shown::Opening => "客户列表 shows a salesperson",
            Shown::Stage => "客户详情 shows another 跟进程度",
        };
        Some((erp.shows(effect), words))
    }

    /// Whether sending a step once more may show what the call before did not. An installation that was tried at an earlier
    /// event, and has shown no such effect since, shows that of another call no more than that of this one.
    pub(super) async fn is_worth_sending_again(&self, step: &Step) -> Result<bool, StoreError> {
        let Some(effect) = effect_of(step).filter(|effect| !self.job.erp.shows(*effect)) else { return Ok(true) };
        Ok(!self.store.is_unshown(self.job.erp.address(), effect.as_str()).await?)
    }

    /// Whether such an effect was seen since the start; `None` for those that every installation shows.
    pub(super) fn was_shown(&self, step: &Step) -> Option<bool> {
        effect_of(step).map(|effect| self.job.erp.shows(effect))
    }

    /// Lets the ledger know of the first effect of its kind that was seen since the start.
    pub(super) async fn keep_shown(&self, step: &Step, was_shown: Option<bool>) -> Result<(), StoreError> {
        if was_shown == Some(false)
            && let Some(effect) = effect_of(step).filter(|effect| self.job.erp.shows(*effect))
        {
            self.store.forget_unshown(self.job.erp.address(), effect.as_str()).await?;
        }
        Ok(())
    }
}

/// The kind of effect that a step has, where only the installation's own behaviour tells whether it is shown.
fn effect_of(step: &Step) -> Option<Shown> {
    match step {
        Step::Assign { to: Assignment::Public } => Some(Shown::Opening),
        Step::Assign { .. } => Some(Shown::Assignment),
        Step::SetStage { .. } => Some(Shown::Stage),
        _ => None,
    }
}
