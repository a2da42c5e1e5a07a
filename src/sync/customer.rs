//! How a contact gets its customer: found and filled in, joined to its company, or made.

use super::{
    Journal, SyncError, assignment,
    contact_persons::{self, Role},
    details::{self, is_missing, shown},
    duplicates,
    hint::{self, Hint, Known},
    mapping::{ChoiceIds, Mapping},
    matching::{self, Match},
    phone_match::{PhoneMatch, fit},
    progress,
    question::Question,
    step::Step,
    task::{FieldChange, PlanDraft, Planner, Survey, Task, WhoItIs, kind_of},
};
use crate::{
    erp::{ChoiceField, CustomerKind, Detail, Erp, ErpError, Field},
    event::{Candidate, Event, Link, LinkKind, LinkedBy, Thread},
};

impl Planner {
    /// Finds the contact's customer or plans a new one.
    pub(super) async fn become_customer(
        &self,
        survey: &mut Survey<'_>,
        task: &Task,
        event: &Event,
    ) -> Result<Result<PlanDraft, Question>, SyncError> {
        if let Some(known) = self.named_by_platform(survey, task, event).await? {
            return Ok(Ok(self.take_over_known(event, LinkedBy::Hint, known)));
        }
        let erp = survey.erp;
        let looks_again = task.has_saved && task.duplicate.is_none();
        let saved = if looks_again { matching::saved(erp, &self.mapping, event).await? } else { None };
        let found = match (&task.duplicate, task.decision) {
            (_, None | Some(WhoItIs::New)) if let Some(ord) = saved => Match::Customer { ord, by: LinkedBy::Khid },
            (Some(refused), decision) => {
                duplicates::find(erp, &self.mapping, event, refused, decision.is_none()).await?
            }
            (None, Some(WhoItIs::Customer(ord))) => Match::Customer { ord, by: LinkedBy::Operator },
            (None, Some(WhoItIs::New)) => Match::Nobody,
            (None, None) => matching::find(erp, &self.mapping, event, None).await?,
        };
        let stale = task.link.as_ref().filter(|_| task.is_stale).map(|link| link.ord);
        let gone = stale.filter(|_| task.decision.is_none());
        Ok(match (found, gone) {
            // So may the customer be that somebody decided for.
            (Match::Customer { ord, by: LinkedBy::Operator }, _) if Some(ord) == stale => {
                Err(Question::Gone { ord, is_known: true })
            }
            (Match::Unclear(question), _) => Err(question),
            (Match::Nobody, Some(ord)) => Err(Question::Gone { ord, is_known: true }),
            // A contact person may outlive its customer.
            (Match::Customer { ord, .. }, Some(gone)) if ord == gone => Err(Question::Gone { ord, is_known: true }),
            (Match::Nobody, None) => Ok(self.new_customer(survey, event).await?),
            (Match::Customer { ord, by }, _) => match self.take_found(erp, event, ord, by).await {
                Err(SyncError::Erp(error))
                    if error.refuses_this_record()
                        && matches!(by, LinkedBy::Mobile | LinkedBy::CompanyName)
                        && gone.is_none() =>
                {
                    self.look_past(survey, event, (ord, by), &error).await?
                }
                taken => taken?,
            },
        })
    }

    /// A customer that was found and cannot be opened is gone, and looked past, or may not be seen, and a person decides.
    async fn look_past(
        &self,
        survey: &Survey<'_>,
        event: &Event,
        (ord, by): (i64, LinkedBy),
        refused: &ErpError,
    ) -> Result<Result<PlanDraft, Question>, SyncError> {
        let erp = survey.erp;
        // Whom the account may not see no list shows either.
        let may_be_gone = matches!(refused, ErpError::Refused(_));
        if !may_be_gone || !details::is_gone(erp, Mapping::kind(event), ord).await? {
            return Ok(Err(unsure(erp, ord, by).await?));
        }
        match matching::find(erp, &self.mapping, event, Some(ord)).await? {
            Match::Nobody => Ok(Ok(self.new_customer(survey, event).await?)),
            Match::Customer { ord, by } => match self.take_found(erp, event, ord, by).await {
                Err(SyncError::Erp(error)) if error.refuses_this_record() => Ok(Err(unsure(erp, ord, by).await?)),
                taken => taken,
            },
            Match::Unclear(question) => Ok(Err(question)),
        }
    }

    /// A customer that was found: the contact's own, or its company.
    async fn take_found(
        &self,
        erp: &Erp,
        event: &Event,
        ord: i64,
        by: LinkedBy,
    ) -> Result<Result<PlanDraft, Question>, SyncError> {
        match by {
            LinkedBy::CompanyName => self.join(erp, event, ord, by).await,
            _ => self.take_over(erp, event, ord, by).await.map(Ok),
        }
    }

    /// The company that the ERP has by the contact's company's name, and what the contact is there.
    async fn join(
        &self,
        erp: &Erp,
        event: &Event,
        ord: i64,
        by: LinkedBy,
    ) -> Result<Result<PlanDraft, Question>, SyncError> {
        let (kind, detail) = details::detail_of(erp, CustomerKind::Company, ord).await?;
        let role = match Mapping::mobile(event) {
            // Nobody has its number: that was asked first.
            Some(_) => Ok(Role::NewContactPerson),
            None => contact_persons::role_in(erp, ord, None, event.contact().name()).await,
        };
        match role {
            // Nobody can tell whether the contact is one of so many persons: a person says whose it is.
            Err(ErpError::TooMany(_)) => Ok(Err(unsure(erp, ord, by).await?)),
            role => Ok(Ok(self.take_over_known(event, by, Known { ord, kind, detail, role: role? }))),
        }
    }

    /// The customer that the platform names for a contact that has none yet, if the ERP bears it out; else a warning says
    /// why not, and the contact is looked for as if nobody had named one.
    pub(super) async fn named_by_platform(
        &self,
        survey: &mut Survey<'_>,
        task: &Task,
        event: &Event,
    ) -> Result<Option<Known>, SyncError> {
        let Some(named) = event.contact().erp().filter(|_| task.decision.is_none() && task.duplicate.is_none()) else {
            return Ok(None);
        };
        match hint::check(survey.erp, survey.journal, &self.mapping, event, named).await? {
            Hint::Holds(known) => Ok(Some(known)),
            Hint::Fails(misfit) => {
                survey.warnings.push(misfit.warning());
                Ok(None)
            }
        }
    }

    async fn new_customer(&self, survey: &Survey<'_>, event: &Event) -> Result<PlanDraft, SyncError> {
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

    /// A customer found by number or named by an operator.
    async fn take_over(&self, erp: &Erp, event: &Event, ord: i64, by: LinkedBy) -> Result<PlanDraft, SyncError> {
        let known = self.known(erp, event, ord, by).await?;
        Ok(self.take_over_known(event, by, known))
    }

    /// The record of a customer found by number or named by an operator, and what the contact is there.
    pub(super) async fn known(&self, erp: &Erp, event: &Event, ord: i64, by: LinkedBy) -> Result<Known, ErpError> {
        let (kind, detail) = details::detail_of(erp, Mapping::kind(event), ord).await?;
        let role = if self.is_perhaps_of_company(&detail, event, by) {
            match contact_persons::role_in(erp, ord, Mapping::mobile(event), event.contact().name()).await {
                // Somebody has decided that it belongs there; nobody is added whom it may have already.
                Err(ErpError::TooMany(_)) => Role::ContactPerson,
                role => role?,
            }
        } else if is_own_record(&detail, event) || by == LinkedBy::Khid {
            Role::Itself
        } else {
            Role::ContactPerson
        };
        Ok(Known { ord, kind, detail, role })
    }

    /// Whether an operator named the customer and the contact may work there, so that only its contact persons tell.
    fn is_perhaps_of_company(&self, detail: &Detail, event: &Event, by: LinkedBy) -> bool {
        let is_named = by == LinkedBy::Operator && event.contact().company().is_some();
        is_named && !self.is_contact_itself(detail, event)
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

/// A customer of whom only a person can say whether the contact belongs to it.
async fn unsure(erp: &Erp, ord: i64, by: LinkedBy) -> Result<Question, ErpError> {
    let row = match details::row_of(erp, ord, None).await {
        Err(error) if error.is_refusal() || matches!(error, ErpError::TooMany(_)) => None,
        row => row?,
    };
    let unknown = Candidate { ord, name: None, khid: None, mobile: None, added: None, salesperson: None };
    Ok(Question::Several { by, candidates: vec![row.map_or(unknown, Candidate::from)] })
}

/// The score by which a contact is judged: the event's, or the last that the platform sent (`contract.md §2`).
pub(super) async fn score_of(journal: &dyn Journal, event: &Event) -> Result<Option<f64>, SyncError> {
    match event.thread().and_then(Thread::score) {
        None => Ok(journal.last_score(event.contact().id()).await?),
        score => Ok(score),
    }
}

impl Task {
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

/// Whether the customer's own mobile number is the contact's, or there is none: else the contact is one of its further
/// contact persons, whose data must not end up in the customer's own fields.
fn is_own_record(detail: &Detail, event: &Event) -> bool {
    match (shown(detail, "mobile"), Mapping::mobile(event)) {
        (Some(theirs), Some(ours)) => fit(&theirs, ours) != PhoneMatch::Other,
        _ => true,
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
            let candidate = Candidate { ord: 7, name: None, khid, mobile, added: None, salesperson: None };
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
