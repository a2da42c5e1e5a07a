//! Planning within a run: what earlier plans of the event have done at the customer that its contact has now stays done, and
//! the rest of the new plan is written down.

use super::{
    Run,
    journal::{StoreJournal, new_step, ord_of, step_of},
};
use crate::{
    event::Work,
    store::{Advance, Begun, NewStep, StepRow, StepState},
    sync::{DoneBefore, Plan, Step, Task, named},
    worker::end::End,
};

/// A step of the journal, and the customer at which it was done or for which it was planned, as far as its row or those
/// before it say.
pub(super) struct Placed<'a> {
    pub(super) row: &'a StepRow,
    pub(super) step: Step,
    pub(super) at: Option<i64>,
}

/// The steps of an event, in order.
pub(super) fn placed(rows: &[StepRow]) -> Vec<Placed<'_>> {
    let mut at = None;
    let place = |row| {
        let step = step_of(row)?;
        at = row.customer.or(step.customer()).or(ord_of(row, at));
        Some(Placed { row, step, at })
    };
    rows.iter().filter_map(place).collect()
}

impl From<Placed<'_>> for DoneBefore {
    fn from(Placed { step, at, .. }: Placed<'_>) -> Self {
        Self { step, customer: at }
    }
}

impl Run<'_> {
    /// Plans, and writes the plan down with its first step started. Whose turn an assignment of an earlier plan was, stays
    /// whose turn it is. Where somebody wanted it planned anew (`plans_anew`) that is done with it.
    pub(super) async fn plan(
        &mut self,
        task: &Task,
        before: &[StepRow],
        plans_anew: bool,
    ) -> Result<Vec<StepRow>, End> {
        let (store, event_id) = (self.store, self.lease.event_id.clone());
        let journal = StoreJournal { store, event_id: &event_id };
        let before = placed(before);
        let mut open = before.iter().filter(|step| step.row.state != StepState::Done);
        // To whom somebody ordered it is nobody's turn of a rule.
        let is_turn = |step: &Step| step.takes_turn() && !task.orders(step);
        let turn = open.find(|placed| is_turn(&placed.step)).map(|placed| (placed.step.clone(), placed.at));
        let planned = self.job.planner.plan(&self.job.erp, &journal, task, turn.is_some()).await?;
        if !planned.warnings.is_empty() {
            let noted = Advance { warnings: planned.warnings, calls: self.calls(), ..Advance::default() };
            self.store.advance(&mut self.lease, &noted).await?;
            self.job.log.set_deadline(self.lease.until);
        }
        let steps = match planned.plan {
            Plan::Steps { steps, .. } => steps,
            Plan::NotLinked => return Err(End::Hold),
            Plan::NotAdmitted(decision) => return Err(End::NotAdmitted(decision)),
            Plan::Unclear(question) => return Err(End::review(&question)),
        };
        let former = Former::of(&before, task, &steps);
        let steps = named(former.with_turn(steps, turn.as_ref()));
        self.claim_named(task.work.contact_id(), &steps).await?;
        let executor = self.job.executor(&journal, former.customer);
        let steps: Vec<NewStep> = steps
            .into_iter()
            .filter(|(_, step)| !former.stands(step))
            .map(|(name, step)| {
                let kept = turn.as_ref().filter(|_| is_turn(&step)).map(|(turn, _)| turn);
                new_step(name, kept.unwrap_or(&step), executor.fingerprint(&step), former.begun(&step))
            })
            .collect();
        if steps.is_empty() && !plans_anew && before.iter().all(|step| step.row.state == StepState::Done) {
            return Ok(Vec::new());
        }
        let calls = self.calls();
        let mut rows = if plans_anew {
            self.store.plan_anew(&mut self.lease, &steps, calls).await?
        } else {
            self.store.plan(&mut self.lease, &steps, calls).await?
        };
        self.job.log.set_deadline(self.lease.until);
        // Written as started just now by ourselves: nobody has done it yet, so there is nothing to look up.
        if let Some(first) = rows.first_mut().filter(|_| steps[0].begun.is_none()) {
            (first.state, first.started_at) = (StepState::Planned, None);
        }
        Ok(rows)
    }

    /// Two contacts for whom the platform names the same customer must not both become it.
    async fn claim_named(&mut self, contact_id: &str, steps: &[(String, Step)]) -> Result<(), End> {
        let Some(ord) = steps.iter().find_map(|(_, step)| step.takes_named_customer()) else { return Ok(()) };
        let identity = format!("ord:{ord}");
        self.reserving.push(identity.clone());
        if !self.store.reserve(&mut self.lease, &[identity]).await? {
            return Err(End::Wait);
        }
        // Who had it reserved may have become it since it was asked for; planned anew, that is seen.
        if self.store.has_owner(ord, contact_id).await? { Err(End::Again) } else { Ok(()) }
    }
}

/// An event's earlier plans, as a new plan sees them.
struct Former<'a> {
    steps: &'a [Placed<'a>],
    /// The customer that the contact has, or gets by the new plan; `None`: it is still to be made.
    customer: Option<i64>,
    /// The customer whose records go along with the link to that one.
    merged: Option<i64>,
    /// Whether the contact has it already.
    is_linked: bool,
    /// Whether somebody has ordered it.
    is_order: bool,
}

impl<'a> Former<'a> {
    fn of(steps: &'a [Placed<'a>], task: &Task, plan: &[Step]) -> Self {
        let link = task.link.as_ref();
        let new = plan.iter().find_map(|step| if let Step::Link { ord, .. } = step { Some(*ord) } else { None });
        let trusted = link.filter(|_| !task.is_stale).map(|link| link.ord);
        Self {
            steps,
            customer: new.unwrap_or(trusted),
            merged: link.filter(|_| new.is_some()).map(|link| link.ord),
            is_linked: trusted.is_some(),
            is_order: matches!(task.work, Work::Command { .. }),
        }
    }

    /// Whether an earlier plan has done this at the customer already.
    fn stands(&self, step: &Step) -> bool {
        // An id that an earlier run was allocated may be another customer's by now: the ERP stores nothing under it. So may
        // the customer be to which an earlier plan linked the contact.
        let is_anew = step.allocates() || !self.is_linked && (step.binds() || step.leaves_trace());
        !is_anew && self.same(step).any(|placed| placed.row.state == StepState::Done && self.is_here(placed.at))
    }

    /// What was begun of a step: it is looked up before it is done. That includes what was begun or done at another customer,
    /// for people may have merged that one into this since; what the ERP said to it there does not count here.
    fn begun(&self, step: &Step) -> Option<Begun> {
        // Nothing is at a customer that is still to be made.
        self.customer.filter(|_| step.stays_begun())?;
        let open = self.same(step).find(|placed| placed.row.state != StepState::Done);
        let former = open.or_else(|| self.same(step).last())?;
        let result = former.row.result.clone().filter(|_| self.is_here(former.at));
        Some(Begun { at: former.row.started_at?, result })
    }

    /// The plan, with what an earlier one had still to assign: of a customer that is there a new plan would not come to think
    /// of it.
    fn with_turn(&self, mut steps: Vec<Step>, turn: Option<&(Step, Option<i64>)>) -> Vec<Step> {
        let is_planned = steps.iter().any(Step::takes_turn);
        let here = turn.filter(|(_, at)| !is_planned && at.is_some() && *at == self.customer);
        steps.extend(here.map(|(turn, _)| turn.clone()));
        steps
    }

    fn same(&self, step: &Step) -> impl Iterator<Item = &Placed<'a>> {
        // To whom the rules have assigned a new customer is not to whom somebody ordered it.
        let is_exact = self.is_order && step.takes_turn();
        let is_same = move |other: &Step| if is_exact { step == other } else { step.does_the_same_as(other) };
        self.steps.iter().filter(move |placed| is_same(&placed.step))
    }

    fn is_here(&self, at: Option<i64>) -> bool {
        let is = |customer| at.is_none_or(|at| at == customer || Some(at) == self.merged);
        self.customer.is_some_and(is)
    }
}
