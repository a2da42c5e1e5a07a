//! What is written of a customer: of a new one, of one that was found, of a company that gets a contact person.

use super::{
    Journal, SyncError, assignment,
    contact_persons::Role,
    customer::is_own_record,
    details::{self, is_missing, shown},
    hint::Known,
    mapping::{ChoiceIds, Mapping},
    progress,
    step::Step,
    task::{FieldChange, PlanDraft, Planner, Survey, Task, kind_of},
};
use crate::{
    erp::{ChoiceField, CustomerKind, Detail, Erp, ErpError, Field},
    event::{Candidate, Command, Event, Link, LinkKind, LinkedBy, Thread, Work},
};

impl Planner {
    pub(super) async fn new_customer(&self, survey: &Survey<'_>, event: &Event) -> Result<PlanDraft, SyncError> {
        let kind = Mapping::kind(event);
        let score = score_of(survey.journal, event).await?;
        let choices = self.choice_ids(survey.erp, score).await?;
        let link = Step::Link {
            ord: None,
            khid: self.mapping.khid(event.contact().id()),
            kind: link_kind(kind),
            linked_by: LinkedBy::Created,
        };
        let fields = self.mapping.new_customer(event, choices);
        let mut steps = vec![Step::Allocate { kind }, Step::SaveCustomer { kind, fields }, link];
        if let Some(rule) = assignment::rule_for(&self.assignment.rules, score.unwrap_or_default()) {
            steps.push(Step::Assign { to: self.turn_of(rule, survey.journal, survey.peek).await? });
        }
        steps.extend(self.overflow(event));
        Ok(PlanDraft { steps, changes: Vec::new(), kind: Some(kind) })
    }

    /// What an operator's link to a customer would fill in, if it is empty there: what the candidate's row does not tell
    /// counts as empty. Nothing where the contact is not the customer itself. The ERP is not asked.
    pub(super) fn filled_by_link(&self, event: &Event, candidate: &Candidate) -> Vec<Field> {
        let told = [("khid", &candidate.khid), ("mobile", &candidate.mobile)];
        let told = told.iter().filter_map(|(id, value)| Some((*id, value.as_deref()?)));
        let fields = self.mapping.known_customer(event);
        let row = told.chain(fields.iter().map(|field| (&*field.id, ""))).map(|(id, value)| (id, value, value));
        let detail = Detail::from_fields(Some(candidate.ord), row);
        if self.is_perhaps_of_company(&detail, event, LinkedBy::Operator) || !is_own_record(&detail, event) {
            return Vec::new();
        }
        self.lacking(event, &detail)
    }

    /// What the event has and the record lacks. What the record has stays (`contract.md §3.2`).
    fn lacking(&self, event: &Event, detail: &Detail) -> Vec<Field> {
        let fields = self.mapping.known_customer(event).into_iter();
        fields.filter(|field| is_missing(detail, &field.id)).collect()
    }

    /// A customer whose record was read: link, then fill in what it lacks. The link comes first, so that a field that the
    /// installation does not take holds nothing up.
    pub(super) fn take_over_known(&self, event: &Event, by: LinkedBy, known: Known) -> PlanDraft {
        let Link { ord, khid, kind: link_kind, linked_by } = self.link_to(event, by, &known);
        let Known { kind, detail, role, .. } = known;
        let mut plan = match role {
            Role::Itself => self.fill(event, kind, ord, &detail),
            Role::ContactPerson => PlanDraft { kind: Some(kind), ..PlanDraft::default() },
            Role::NewContactPerson => return self.join_company(event, ord, by, (kind, detail)),
        };
        plan.steps.insert(0, Step::Link { ord: Some(ord), khid, kind: link_kind, linked_by });
        plan
    }

    /// The link of a contact to a customer whose record was read.
    pub(super) fn link_to(&self, event: &Event, by: LinkedBy, known: &Known) -> Link {
        let khid = shown(&known.detail, "khid").unwrap_or_else(|| self.mapping.khid(event.contact().id()));
        let kind = if known.role == Role::Itself { link_kind(known.kind) } else { LinkKind::ContactPerson };
        Link { ord: known.ord, khid, kind, linked_by: by }
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
    pub(super) async fn refresh(&self, erp: &Erp, event: &Event, link: &Link) -> Result<PlanDraft, SyncError> {
        if link.kind == LinkKind::ContactPerson {
            // Nothing is written to the company, so nothing else would tell.
            return match details::is_gone(erp, kind_of(link), link.ord).await? {
                true => Err(ErpError::Refused(format!("客户 {} 不存在 (no such customer any more)", link.ord)).into()),
                false => Ok(PlanDraft::default()),
            };
        }
        let (kind, detail) = details::detail_of(erp, kind_of(link), link.ord).await?;
        Ok(self.fill(event, kind, link.ord, &detail))
    }

    fn fill(&self, event: &Event, kind: CustomerKind, ord: i64, detail: &Detail) -> PlanDraft {
        let fields = self.lacking(event, detail);
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

    /// What was said, as progress records.
    pub(super) fn message(&self, event: &Event) -> Vec<Step> {
        let markup = self.mapping.config.markup;
        event.signal().map_or_else(Vec::new, |signal| {
            let way = progress::way(signal.channel());
            let texts = progress::message_records(signal, event.occurred_at(), markup);
            texts.into_iter().map(|text| Step::Progress { text, way }).collect()
        })
    }

    /// Whether the message that came with the event is the customer's 客户简介 already, by an earlier plan of the event.
    pub(super) fn was_told(&self, task: &Task, plan: &PlanDraft, event: &Event) -> bool {
        let linked = plan.steps.iter().find_map(|step| if let Step::Link { ord, .. } = step { *ord } else { None });
        let customer = linked.or_else(|| task.link.as_ref().map(|link| link.ord));
        let product = self.mapping.product(event);
        let here = task.done.iter().filter(|done| customer.is_some() && done.customer == customer);
        product.is_some() && here.filter_map(|done| product_of(&done.step)).any(|text| Some(text) == product.as_ref())
    }

    /// The rest of a message that is longer than 客户简介 takes.
    pub(super) fn overflow(&self, event: &Event) -> Vec<Step> {
        if self.mapping.product_is_cut(event) { self.message(event) } else { Vec::new() }
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
                Err(error) if error.denies_interface() => Some(level.id),
                Err(error) => return Err(error),
            },
        };
        Ok(ChoiceIds { source: Some(source), level })
    }
}

/// The score by which a contact is judged: the event's, or the last that the platform sent (`contract.md §2`).
pub(super) async fn score_of(journal: &dyn Journal, event: &Event) -> Result<Option<f64>, SyncError> {
    match event.thread().and_then(Thread::score) {
        None => Ok(journal.last_score(event.contact().id()).await?),
        score => Ok(score),
    }
}

impl Task {
    /// Whether this is the assignment that somebody ordered.
    pub fn orders(&self, step: &Step) -> bool {
        match (&self.work, step) {
            (Work::Command { command: Command::Assign(ordered), .. }, Step::Assign { to }) => ordered == to,
            _ => false,
        }
    }

    /// Whether the event itself has linked its contact.
    pub(super) fn has_linked(&self) -> bool {
        self.done.iter().any(|done| matches!(done.step, Step::Link { .. }))
    }

    /// Whether the event has written 客户简介.
    pub(super) fn has_told(&self) -> bool {
        self.done.iter().any(|done| writes_product(&done.step))
    }
}

/// Whether a step writes 客户简介.
pub(super) fn writes_product(step: &Step) -> bool {
    product_of(step).is_some()
}

fn product_of(step: &Step) -> Option<&Field> {
    let (Step::SaveCustomer { fields, .. } | Step::FillMissing { fields, .. }) = step else { return None };
    fields.iter().find(|field| field.id == "product")
}

const fn link_kind(kind: CustomerKind) -> LinkKind {
    match kind {
        CustomerKind::Company => LinkKind::Company,
        CustomerKind::Person => LinkKind::Person,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{AdmissionConfig, AssignmentConfig, ConflictsConfig, ErpValues, MappingConfig},
        event::{Parsed, Reading, Rules},
    };

    #[test]
    fn a_link_fills_in_what_the_event_has_and_the_candidate_may_lack_and_nothing_of_somebody_else_s() {
        let (config, values) = (MappingConfig::default(), ErpValues::default());
        let planner = Planner {
            mapping: Mapping { config, values, conflicts: ConflictsConfig::default() },
            rules: Rules::new(&AdmissionConfig::default()),
            assignment: AssignmentConfig::default(),
        };
        let filled = |contact: serde_json::Value, khid: Option<&str>, mobile: Option<&str>| {
            let data = serde_json::json!({ "contact": contact, "thread": { "id": "t", "score": 82 } });
            let body =
                serde_json::json!({ "type": "contact.promoted", "timestamp": "2026-11-23T15:04:05Z", "data": data });
            let Ok(Parsed::Event(event)) = Event::parse(body.to_string().as_bytes(), &Reading::default()) else {
                panic!("{body}")
            };
            let (khid, mobile) = (khid.map(str::to_owned), mobile.map(str::to_owned));
            let candidate = Candidate { khid, mobile, ..Candidate::of(7) };
            let fields = planner.filled_by_link(&event, &candidate);
            fields.into_iter().map(|field| field.id.into_owned()).collect::<Vec<_>>()
        };
        let person = serde_json::json!({"id": "c1", "name": "王小明", "phone": "13800001001", "wechat_id": "wx1"});
        let mut employee = person.clone();
        employee["company"] = "某某科技有限公司".into();
        for (contact, khid, mobile, expected) in [
            (&person, None, None, &["khid", "ly", "jz", "mobile", "weixinAcc"][..]),
            (&person, Some("K1"), Some("138 0000 1001"), &["ly", "jz", "weixinAcc"]),
            (&person, Some("K1"), Some("138****1001"), &["ly", "jz", "weixinAcc"]),
            // Another's number: the contact becomes a contact person, and the customer's own fields stay.
            (&person, Some("K1"), Some("13900002002"), &[]),
            (&employee, Some("K1"), None, &[]),
            (&employee, Some("K1"), Some("13800001001"), &["ly", "jz", "weixinAcc"]),
        ] {
            assert_eq!(filled(contact.clone(), khid, mobile), expected, "{contact} {khid:?} {mobile:?}");
        }
    }
}
