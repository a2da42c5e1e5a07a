//! A step that an earlier plan holds, and a configuration that was changed since: what the ERP did not take may have been put
//! right there.

use super::{Journal, Planner, Step, SyncError, assignment, customer_plan::score_of};
use crate::{
    config::AssignmentRule,
    event::{Assignment, Work},
};

impl Planner {
    /// A step of an earlier plan as the configuration has it now: what the ERP did not take may have been put right there.
    pub async fn renewed(&self, mut step: Step, work: &Work, journal: &dyn Journal) -> Result<Step, SyncError> {
        let Work::Event(event) = work else { return Ok(step) };
        match &mut step {
            Step::SetStage { stage, .. } if !self.mapping.values.stage_after_deal.is_empty() => {
                stage.clone_from(&self.mapping.values.stage_after_deal);
            }
            Step::FillMissing { fields, .. } => {
                let now = self.mapping.known_customer(event);
                for field in fields.iter_mut().filter(|field| matches!(&*field.id, "ly" | "jz")) {
                    if let Some(now) = now.iter().find(|now| now.id == field.id) {
                        field.val.clone_from(&now.val);
                    }
                }
            }
            Step::Assign { to: to @ Assignment::Users(_) } => {
                let score = score_of(journal, event).await?;
                let rule = assignment::rule_for(&self.assignment.rules, score.unwrap_or_default());
                if let Some(rule) = rule.filter(|rule| !assignment::is_of(rule, to)) {
                    *to = self.turn_of(rule, journal, false).await?;
                }
            }
            _ => {}
        }
        Ok(step)
    }

    /// The assignment that a rule makes next.
    pub(super) async fn turn_of(
        &self,
        rule: &AssignmentRule,
        journal: &dyn Journal,
        peek: bool,
    ) -> Result<Assignment, SyncError> {
        if rule.public {
            return Ok(Assignment::Public);
        }
        Ok(assignment::next_of(rule, journal.rotation(&assignment::rotation_name(rule), peek).await?))
    }
}
