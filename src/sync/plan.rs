//! From an event, and what is known of its contact, to the steps that are to be done.
//!
//! Planning only reads the ERP: `POST /v1/preview` shows its result without doing any of it.

use super::{
    Journal, SyncError, assignment,
    customer_plan::writes_product,
    mapping::Mapping,
    matching::{self, Match},
    progress,
    question::Question,
    step::Step,
    task::{FieldChange, PlanDraft, Planner, Survey, Task, WhoItIs, kind_of},
};
use crate::{
    erp::{ContactWay, CustomerKind, Erp},
    event::{Command, Decision, Event, EventKind, FieldError, Link, LinkedBy, Signal, Work},
};

/// The result of planning.
#[derive(Debug, Clone)]
pub enum Plan {
    /// These steps, in order; possibly none, where the ERP has everything already.
    Steps {
        /// The steps.
        steps: Vec<Step>,
        /// For edits: (field, the ERP's value now, the value to write); for previews.
        changes: Vec<FieldChange>,
    },
    /// A message or a command whose contact is not linked.
    NotLinked,
    /// The admission rules refuse it.
    NotAdmitted(Decision),
    /// A person decides which customer the contact is.
    Unclear(Question),
}

/// A plan, and what did not hold of what the event says.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// For the sender: where in the event, and why.
    pub warnings: Vec<FieldError>,
}

impl Planner {
    /// Plans a task. `peek` leaves the turns of the assignment rules as they are.
    pub async fn plan(&self, erp: &Erp, journal: &dyn Journal, task: &Task, peek: bool) -> Result<Planned, SyncError> {
        let mut survey = Survey { erp, journal, peek, warnings: Vec::new(), unclear: None };
        let plan = match &task.work {
            Work::Event(event) => {
                // No record is dated by a clock that was never set.
                let event = Event::clone(event).with_plausible_times(task.received_at);
                match event.kind() {
                    EventKind::MessageLogged => self.message_event(&mut survey, task, &event).await?,
                    _ => self.customer_event(&mut survey, task, &event).await?,
                }
            }
            Work::Command { command, .. } => {
                if let Command::Assign(to) = command {
                    assignment::check_users(erp, to).await?;
                }
                self.under_link(&mut survey, task, vec![command_step(command)]).await?
            }
        };
        Ok(Planned { plan, warnings: survey.warnings })
    }

    /// A message goes to its contact's customer. That of a contact without a link waits, unless the platform names the
    /// customer: then the contact is linked first.
    async fn message_event(&self, survey: &mut Survey<'_>, task: &Task, event: &Event) -> Result<Plan, SyncError> {
        let records = self.message(event);
        if task.link.is_some() {
            return self.under_link(survey, task, records).await;
        }
        let Some(known) = self.named_by_platform(survey, task, event).await? else {
            return self.under_link(survey, task, records).await;
        };
        let mut steps = self.take_over_known(event, LinkedBy::Hint, known).steps;
        // What a message says of its contact was not checked (`contract.md §1`): it fills in nothing.
        steps.retain(|step| !matches!(step, Step::FillMissing { .. }) && !step.is_part());
        Ok(steps_only(steps.into_iter().chain(records).collect()))
    }

    /// Steps for the customer of a linked contact; one whose link was undone gets its customer first.
    async fn under_link(&self, survey: &mut Survey<'_>, task: &Task, steps: Vec<Step>) -> Result<Plan, SyncError> {
        let first = match (&task.link, &task.profile) {
            (Some(_), _) if !task.is_stale => return Ok(steps_only(steps)),
            (Some(link), _) => self.link_anew(survey, task, link).await?.map(|plan| plan.steps),
            (None, Some(profile)) => {
                // An order makes nobody a customer, and takes nobody's turn of a rule.
                survey.peek |= matches!(task.work, Work::Command { .. });
                self.become_customer(survey, task, profile).await?.map(|plan| unsaid(plan.steps).collect())
            }
            (None, None) => return Ok(Plan::NotLinked),
        };
        let is_command = matches!(task.work, Work::Command { .. });
        Ok(match first {
            // Nobody becomes a customer by an order about one.
            Ok(first) if is_command && task.link.is_none() && first.iter().any(Step::allocates) => Plan::NotLinked,
            // What the rules say of a new link goes before what somebody ordered.
            Ok(first) if is_command => steps_only(assigned_last(first).into_iter().chain(steps).collect()),
            Ok(first) => steps_only(assigned_last(first.into_iter().chain(steps).collect())),
            Err(question) if is_command && task.link.is_none() => Plan::Unclear(Question::OfOrder(question.into())),
            Err(question) => Plan::Unclear(question),
        })
    }

    /// A contact whose message or command has a link that is not trusted gets its customer first.
    async fn link_anew(
        &self,
        survey: &mut Survey<'_>,
        task: &Task,
        link: &Link,
    ) -> Result<Result<PlanDraft, Question>, SyncError> {
        if let Some(event) = &task.profile {
            let plan = self.become_customer(survey, task, event).await?;
            return Ok(plan.map(|plan| PlanDraft { steps: unsaid(plan.steps).collect(), ..plan }));
        }
        let khid = self.mapping.khid(task.work.contact_id());
        let found = match task.decision {
            Some(WhoItIs::Customer(ord)) => Some((ord, LinkedBy::Operator)),
            _ => match matching::by_khid(survey.erp, kind_of(link), &khid).await? {
                Some(Match::Customer { ord, by }) if ord != link.ord => Some((ord, by)),
                Some(Match::Unclear(question)) => return Ok(Err(question)),
                _ => None,
            },
        };
        let Some((ord, linked_by)) = found else {
            return Ok(Err(Question::Gone { ord: link.ord, is_known: false }));
        };
        let step = Step::Link { ord: Some(ord), khid, kind: link.kind, linked_by };
        Ok(Ok(PlanDraft { steps: vec![step], ..PlanDraft::default() }))
    }

    async fn customer_event(&self, survey: &mut Survey<'_>, task: &Task, event: &Event) -> Result<Plan, SyncError> {
        let is_deal = event.kind() == EventKind::DealClosed;
        let mut plan = match &task.link {
            // Who is linked already is a customer; what the event itself was to fill in, it still is.
            Some(_) if is_deal && !task.is_stale && !task.has_linked() => PlanDraft::default(),
            Some(link) if !task.is_stale => self.refresh(survey.erp, event, link).await?,
            link => {
                // Who was admitted once stays a customer.
                if !task.is_admitted && link.is_none() {
                    let decision = self.rules.decide(event, &task.standing);
                    if !decision.admitted {
                        return Ok(Plan::NotAdmitted(decision));
                    }
                }
                match self.become_customer(survey, task, event).await? {
                    Ok(plan) => plan,
                    Err(question) => return Ok(Plan::Unclear(question)),
                }
            }
        };
        let is_told = plan.steps.iter().any(writes_product);
        let was_told = !is_told && self.was_told(task, &plan, event);
        if was_told {
            plan.steps.extend(self.overflow(event));
        }
        if is_deal {
            let kind = plan.kind.unwrap_or_else(|| task.link.as_ref().map_or(Mapping::kind(event), kind_of));
            // The message that came with the deal may be the customer's 客户简介; else it has no other place.
            let signal = event.signal().filter(|_| !is_told && !was_told);
            plan.steps.extend(self.deal(event, signal, kind));
        } else if !is_told && !was_told && task.has_told() {
            // What an earlier plan wrote into 客户简介 was another text, or another customer's.
            plan.steps.extend(self.message(event));
        }
        Ok(Plan::Steps { steps: assigned_last(plan.steps), changes: plan.changes })
    }

    fn deal(&self, event: &Event, signal: Option<&Signal>, kind: CustomerKind) -> Vec<Step> {
        let Some(deal) = event.deal() else { return Vec::new() };
        let texts = progress::deal_records(deal, signal, event.occurred_at(), self.mapping.config.markup);
        let way = ContactWay::Other;
        let mut steps: Vec<Step> = texts.into_iter().map(|text| Step::Progress { text, way }).collect();
        let stage = &self.mapping.values.stage_after_deal;
        if !stage.is_empty() {
            steps.push(Step::SetStage { kind, stage: stage.clone() });
        }
        steps
    }
}

/// Without records: what was said long ago has its own.
fn unsaid(steps: Vec<Step>) -> impl Iterator<Item = Step> {
    steps.into_iter().filter(|step| !step.is_part())
}

fn steps_only(steps: Vec<Step>) -> Plan {
    Plan::Steps { steps, changes: Vec::new() }
}

/// With the assignment behind all others: a salesperson whom the ERP does not have keeps nothing from being recorded.
fn assigned_last(steps: Vec<Step>) -> Vec<Step> {
    let (turn, mut steps): (Vec<_>, Vec<_>) = steps.into_iter().partition(Step::takes_turn);
    steps.extend(turn);
    steps
}

fn command_step(command: &Command) -> Step {
    match command {
        Command::Assign(to) => Step::Assign { to: to.clone() },
        Command::Apply => Step::Apply,
        Command::Approval { approve } => Step::Approve { agree: *approve },
        Command::TakeBack => Step::TakeBack,
    }
}
