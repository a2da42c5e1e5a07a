//! From an event, and what is known of its contact, to the steps that are to be done.
//!
//! Planning only reads the ERP: `POST /v1/preview` shows its result without doing any of it.

use super::{
    Journal, SyncError, assignment, contact_persons,
    details::{self, shown},
    mapping::{ChoiceIds, Mapping},
    matching::{self, Match},
    phone_match::{PhoneMatch, fit},
    progress,
    question::Question,
    step::Step,
};
use crate::{
    clock::Millis,
    config::AssignmentConfig,
    erp::{ChoiceField, ContactWay, CustomerKind, Detail, Erp, ErpError, Field},
    event::{Assignment, Command, Decision, Event, EventKind, Link, LinkKind, LinkedBy, Rules, Signal, Standing, Work},
};

/// What is to be planned, and what is known so far.
#[derive(Debug, Clone)]
pub struct Task {
    /// The event or command.
    pub work: Work,
    /// When the bridge accepted it.
    pub received_at: Millis,
    /// The contact's link, if it has one.
    pub link: Option<Link>,
    /// It was admitted when it was accepted, or is by force.
    pub is_admitted: bool,
    /// How its contact stands with admission, for an event that was not.
    pub standing: Standing,
    /// An operator said which customer the contact is.
    pub decision: Option<WhoItIs>,
    /// The link is there and not to be trusted: the ERP has its customer no more, or an operator decided otherwise.
    pub is_stale: bool,
    /// The newest event that says who the contact is, for a message or a command under a link that is not trusted.
    pub profile: Option<Box<Event>>,
}

/// An operator's decision on which customer a contact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhoItIs {
    /// The one with this `ord`.
    Customer(i64),
    /// None that there is.
    New,
}

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

/// One field of an edit, old value → new value.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldChange {
    /// The ERP's field id.
    pub field: String,
    /// What the ERP has.
    pub old: String,
    /// What would be written.
    pub new: String,
}

/// Plans events by the field map, the admission rules and the assignment rules.
#[derive(Debug, Clone)]
pub struct Planner {
    /// The field map.
    pub mapping: Mapping,
    /// The admission rules.
    pub rules: Rules,
    /// The assignment rules.
    pub assignment: AssignmentConfig,
}

impl Planner {
    /// Plans a task. `peek` leaves the turns of the assignment rules as they are.
    pub async fn plan(&self, erp: &Erp, journal: &dyn Journal, task: &Task, peek: bool) -> Result<Plan, SyncError> {
        let steps = match &task.work {
            Work::Event(event) => {
                // No record is dated by a clock that was never set.
                let event = Event::clone(event).with_plausible_times(task.received_at);
                if event.kind() != EventKind::MessageLogged {
                    return self.customer_event(erp, journal, task, &event, peek).await;
                }
                self.message(&event)
            }
            Work::Command { command, .. } => {
                if let Command::Assign(to) = command {
                    assignment::check_users(erp, to).await?;
                }
                vec![command_step(command)]
            }
        };
        let Some(link) = &task.link else { return Ok(Plan::NotLinked) };
        if !task.is_stale {
            return Ok(steps_only(steps));
        }
        Ok(match self.link_anew(erp, journal, task, link, peek).await? {
            Ok(draft) => steps_only(draft.steps.into_iter().chain(steps).collect()),
            Err(question) => Plan::Unclear(question),
        })
    }

    /// A contact whose message or command has a link that is not trusted gets its customer first.
    async fn link_anew(
        &self,
        erp: &Erp,
        journal: &dyn Journal,
        task: &Task,
        link: &Link,
        peek: bool,
    ) -> Result<Result<PlanDraft, Question>, SyncError> {
        if let Some(event) = &task.profile {
            return Ok(self.become_customer(erp, journal, task, event, peek).await?.map(|mut draft| {
                // What was said long ago has its records.
                draft.steps.retain(|step| !step.is_part());
                draft
            }));
        }
        let khid = self.mapping.khid(task.work.contact_id());
        let found = match task.decision {
            Some(WhoItIs::Customer(ord)) => Some((ord, LinkedBy::Operator)),
            _ => match matching::by_khid(erp, kind_of(link), &khid).await? {
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

    async fn customer_event(
        &self,
        erp: &Erp,
        journal: &dyn Journal,
        task: &Task,
        event: &Event,
        peek: bool,
    ) -> Result<Plan, SyncError> {
        let is_deal = event.kind() == EventKind::DealClosed;
        let mut draft = match &task.link {
            Some(_) if is_deal && !task.is_stale => PlanDraft::default(),
            Some(link) if !task.is_stale => self.refresh(erp, event, link).await?,
            link => {
                // Who was admitted once stays a customer.
                if !task.is_admitted && link.is_none() {
                    let decision = self.rules.decide(event, &task.standing);
                    if !decision.admitted {
                        return Ok(Plan::NotAdmitted(decision));
                    }
                }
                match self.become_customer(erp, journal, task, event, peek).await? {
                    Ok(draft) => draft,
                    Err(question) => return Ok(Plan::Unclear(question)),
                }
            }
        };
        if is_deal {
            let kind = draft.kind.unwrap_or_else(|| task.link.as_ref().map_or(Mapping::kind(event), kind_of));
            // The message that came with the deal may be the customer's 客户简介; else it has no other place.
            let signal = event.signal().filter(|_| !draft.steps.iter().any(writes_product));
            draft.steps.extend(self.deal(event, signal, kind));
        }
        Ok(Plan::Steps { steps: draft.steps, changes: draft.changes })
    }

    /// Finds the contact's customer or plans a new one.
    async fn become_customer(
        &self,
        erp: &Erp,
        journal: &dyn Journal,
        task: &Task,
        event: &Event,
        peek: bool,
    ) -> Result<Result<PlanDraft, Question>, SyncError> {
        let found = match task.decision {
            Some(WhoItIs::Customer(ord)) => Match::Customer { ord, by: LinkedBy::Operator },
            Some(WhoItIs::New) => Match::Nobody,
            None => matching::find(erp, &self.mapping, event).await?,
        };
        let gone = task.link.as_ref().filter(|_| task.is_stale && task.decision.is_none()).map(|link| link.ord);
        Ok(match (found, gone) {
            (Match::Unclear(question), _) => Err(question),
            (Match::Nobody, Some(ord)) => Err(Question::Gone { ord, is_known: true }),
            // A contact person may outlive its customer.
            (Match::Customer { ord, .. }, Some(gone)) if ord == gone => Err(Question::Gone { ord, is_known: true }),
            (Match::Nobody, None) => Ok(self.new_customer(erp, journal, event, peek).await?),
            (Match::Customer { ord, by: by @ LinkedBy::CompanyName }, _) => {
                let known = details::detail_of(erp, CustomerKind::Company, ord).await?;
                Ok(self.join_company(event, ord, by, known))
            }
            (Match::Customer { ord, by }, _) => Ok(self.take_over(erp, event, ord, by).await?),
        })
    }

    async fn new_customer(
        &self,
        erp: &Erp,
        journal: &dyn Journal,
        event: &Event,
        peek: bool,
    ) -> Result<PlanDraft, SyncError> {
        let kind = Mapping::kind(event);
        let score = event.thread().and_then(crate::event::Thread::score);
        let choices = self.choice_ids(erp, score).await?;
        let link = Step::Link {
            ord: None,
            khid: self.mapping.khid(event.contact().id()),
            kind: link_kind(kind),
            linked_by: LinkedBy::Created,
        };
        let fields = self.mapping.new_customer(event, choices);
        let mut steps = vec![Step::Allocate { kind }, Step::SaveCustomer { kind, fields }, link];
        if let Some(rule) = assignment::rule_for(&self.assignment.rules, score.unwrap_or_default()) {
            let to = if rule.public {
                Assignment::Public
            } else {
                assignment::next_of(rule, journal.rotation(&assignment::rotation_name(rule), peek).await?)
            };
            assignment::check_users(erp, &to).await?;
            steps.push(Step::Assign { to });
        }
        steps.extend(self.overflow(event));
        Ok(PlanDraft { steps, changes: Vec::new(), kind: Some(kind) })
    }

    /// A customer found by number or named by an operator: link, then fill in what it lacks. The link comes first, so that
    /// a field that the installation does not take holds nothing up.
    async fn take_over(&self, erp: &Erp, event: &Event, ord: i64, by: LinkedBy) -> Result<PlanDraft, SyncError> {
        let (kind, detail) = details::detail_of(erp, Mapping::kind(event), ord).await?;
        let is_named = by == LinkedBy::Operator && event.contact().company().is_some();
        if is_named && !self.is_contact_itself(&detail, event) {
            let mut draft = self.join_company(event, ord, by, (kind, detail));
            let mobile = Mapping::mobile(event);
            let name = event.contact().name().unwrap_or_default();
            if mobile.is_some() && contact_persons::person_of(erp, ord, mobile, name).await?.is_some() {
                draft.steps.retain(|step| !matches!(step, Step::AddContactPerson { .. }));
            }
            return Ok(draft);
        }
        let own = is_own_record(&detail, event) || matches!(by, LinkedBy::Khid);
        let mut draft = if own { self.fill(event, kind, ord, &detail) } else { PlanDraft::default() };
        draft.kind = Some(kind);
        let khid = shown(&detail, "khid").unwrap_or_else(|| self.mapping.khid(event.contact().id()));
        let link_kind = if own { link_kind(kind) } else { LinkKind::ContactPerson };
        let link = Step::Link { ord: Some(ord), khid, kind: link_kind, linked_by: by };
        draft.steps.insert(0, link);
        Ok(draft)
    }

    /// Whether a customer is the contact, not the company it works for: it has the contact's 客户编号 or mobile number.
    fn is_contact_itself(&self, detail: &Detail, event: &Event) -> bool {
        let has_khid = shown(detail, "khid").is_some_and(|khid| khid == self.mapping.khid(event.contact().id()));
        let numbers = shown(detail, "mobile").zip(Mapping::mobile(event));
        has_khid || numbers.is_some_and(|(theirs, ours)| fit(&theirs, ours) != PhoneMatch::Other)
    }

    /// A company that the ERP knows: the contact becomes a further contact person of it, and nothing of the contact's goes
    /// into the company's own fields.
    fn join_company(&self, event: &Event, ord: i64, by: LinkedBy, known: (CustomerKind, Detail)) -> PlanDraft {
        let (kind, detail) = known;
        let khid = shown(&detail, "khid").unwrap_or_default();
        let link = Step::Link { ord: Some(ord), khid, kind: LinkKind::ContactPerson, linked_by: by };
        let person = Step::AddContactPerson { company: ord, fields: self.mapping.contact_person(event) };
        PlanDraft { steps: vec![person, link], changes: Vec::new(), kind: Some(kind) }
    }

    /// A contact that is linked already: fill in what its own record lacks.
    async fn refresh(&self, erp: &Erp, event: &Event, link: &Link) -> Result<PlanDraft, SyncError> {
        if link.kind == LinkKind::ContactPerson {
            return Ok(PlanDraft::default());
        }
        let (kind, detail) = details::detail_of(erp, kind_of(link), link.ord).await?;
        Ok(self.fill(event, kind, link.ord, &detail))
    }

    fn fill(&self, event: &Event, kind: CustomerKind, ord: i64, detail: &Detail) -> PlanDraft {
        let fields: Vec<Field> =
            self.mapping.known_customer(event).into_iter().filter(|field| is_missing(detail, &field.id)).collect();
        let changes = fields
            .iter()
            .map(|field| FieldChange {
                field: field.id.clone().into_owned(),
                old: detail.shown(&field.id).unwrap_or_default().into(),
                new: field.val.clone(),
            })
            .collect();
        let mut steps = if fields.is_empty() { Vec::new() } else { vec![Step::FillMissing { kind, ord, fields }] };
        if steps.iter().any(writes_product) {
            steps.extend(self.overflow(event));
        }
        PlanDraft { steps, changes, kind: Some(kind) }
    }

    fn message(&self, event: &Event) -> Vec<Step> {
        let markup = self.mapping.config.markup;
        event.signal().map_or_else(Vec::new, |signal| {
            let way = progress::way(signal.channel());
            let texts = progress::message_records(signal, event.occurred_at(), markup);
            texts.into_iter().map(|text| Step::Progress { text, way }).collect()
        })
    }

    /// The rest of a message that is longer than 客户简介 takes.
    fn overflow(&self, event: &Event) -> Vec<Step> {
        if self.mapping.product_is_cut(event) { self.message(event) } else { Vec::new() }
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

    async fn choice_ids(&self, erp: &Erp, score: Option<f64>) -> Result<ChoiceIds, ErpError> {
        let source = erp.choice_id(ChoiceField::Source, &self.mapping.values.source).await?;
        let level = match self.mapping.level(score) {
            None => None,
            Some(level) => match erp.choice_id(ChoiceField::Level, &level.text).await {
                Ok(id) => {
                    if id != level.id {
                        tracing::warn!(level = %level.text, configured = level.id, erp = id, "mapping.levels names another id than the ERP; the ERP's is used");
                    }
                    Some(id)
                }
                // Not listed for this account: the configured id has to do.
                Err(ErpError::Refused(_)) => Some(level.id),
                Err(error) => return Err(error),
            },
        };
        Ok(ChoiceIds { source: Some(source), level })
    }
}

/// Steps in the making.
#[derive(Default)]
struct PlanDraft {
    steps: Vec<Step>,
    changes: Vec<FieldChange>,
    kind: Option<CustomerKind>,
}

fn steps_only(steps: Vec<Step>) -> Plan {
    Plan::Steps { steps, changes: Vec::new() }
}

fn command_step(command: &Command) -> Step {
    match command {
        Command::Assign(to) => Step::Assign { to: to.clone() },
        Command::Apply => Step::Apply,
        Command::Approval { approve } => Step::Approve { agree: *approve },
        Command::TakeBack => Step::TakeBack,
    }
}

/// Whether a step writes 客户简介.
fn writes_product(step: &Step) -> bool {
    let (Step::SaveCustomer { fields, .. } | Step::FillMissing { fields, .. }) = step else { return false };
    fields.iter().any(|field| field.id == "product")
}

const fn link_kind(kind: CustomerKind) -> LinkKind {
    match kind {
        CustomerKind::Company => LinkKind::Company,
        CustomerKind::Person => LinkKind::Person,
    }
}

/// What a linked customer is, as far as the link says.
pub(super) const fn kind_of(link: &Link) -> CustomerKind {
    match link.kind {
        LinkKind::Person => CustomerKind::Person,
        LinkKind::Company | LinkKind::ContactPerson => CustomerKind::Company,
    }
}

/// Whether the customer's own mobile number is the contact's, or there is none: else the contact is one of its further
/// contact persons, whose data must not end up in the customer's own fields.
fn is_own_record(detail: &Detail, event: &Event) -> bool {
    match (shown(detail, "mobile"), Mapping::mobile(event)) {
        (Some(theirs), Some(ours)) => fit(&theirs, ours) != PhoneMatch::Other,
        _ => true,
    }
}

/// A field that the record has and that is empty. A field that the installation does not show is not known to be empty.
pub(super) fn is_missing(detail: &Detail, id: &str) -> bool {
    let is_choice = matches!(id, "ly" | "jz");
    detail.has(id) && shown(detail, id).is_none_or(|value| is_choice && matches!(value.as_str(), "0" | "请选择" | "-1"))
}
