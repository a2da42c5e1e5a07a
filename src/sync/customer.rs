//! How a contact gets its customer: found and filled in, joined to its company, or made.

use super::{
    SyncError,
    contact_persons::{self, Role},
    details::{self, shown},
    duplicates,
    hint::{self, Hint, Known, Misfit},
    mapping::Mapping,
    matching::{Match, Sought},
    phone_match::{PhoneMatch, fit},
    question::Question,
    task::{PlanDraft, Planner, Survey, Task, WhoItIs},
};
use crate::{
    config::SameName,
    erp::{CustomerKind, Detail, Erp, ErpError},
    event::{Candidate, Event, LinkedBy},
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
        let others = task.refused.as_deref().unwrap_or_default();
        let sought = Sought { erp, mapping: &self.mapping, event, others };
        let saved = if looks_again { sought.saved().await? } else { None };
        let found = match (&task.duplicate, task.decision) {
            (_, None | Some(WhoItIs::New)) if let Some(ord) = saved => Match::Customer { ord, by: LinkedBy::Khid },
            (Some(duplicate), decision) => duplicates::find(&sought, duplicate, decision.is_none()).await?,
            (None, Some(WhoItIs::Customer(ord))) => Match::Customer { ord, by: LinkedBy::Operator },
            (None, Some(WhoItIs::New)) if task.refused.is_none() => Match::Nobody,
            // Its company, or whoever has its number, may have become a customer since the question was asked.
            (None, None | Some(WhoItIs::New)) => find(&sought, task).await?,
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
            (Match::Nobody, None) => self.nobody(survey, event).await?,
            (Match::Customer { ord, by }, _) => match self.take_found(erp, event, ord, by).await {
                Err(SyncError::Erp(error))
                    if error.refuses_this_record()
                        && matches!(by, LinkedBy::Mobile | LinkedBy::CompanyName)
                        && gone.is_none() =>
                {
                    self.look_past(survey, task, event, (ord, by), &error).await?
                }
                taken => taken?,
            },
        })
    }

    /// A customer that was found and cannot be opened is gone, and looked past, or may not be seen, and a person decides.
    async fn look_past(
        &self,
        survey: &mut Survey<'_>,
        task: &Task,
        event: &Event,
        (ord, by): (i64, LinkedBy),
        refused: &ErpError,
    ) -> Result<Result<PlanDraft, Question>, SyncError> {
        let erp = survey.erp;
        // Whom the account may not see no list shows either.
        let may_be_gone = matches!(refused, ErpError::Refused(_));
        if !may_be_gone || !details::is_gone(erp, Mapping::kind(event), ord).await? {
            return Ok(Err(unsure(erp, ord, by).await));
        }
        let others = [task.refused.as_deref().unwrap_or_default(), &[ord]].concat();
        match find(&Sought { erp, mapping: &self.mapping, event, others: &others }, task).await? {
            Match::Nobody => self.nobody(survey, event).await,
            Match::Customer { ord, by } => match self.take_found(erp, event, ord, by).await {
                Err(SyncError::Erp(error)) if error.refuses_this_record() => Ok(Err(unsure(erp, ord, by).await)),
                taken => taken,
            },
            Match::Unclear(question) => Ok(Err(question)),
        }
    }

    /// Nobody in the ERP is the contact: a new customer, unless the platform named one that may be it.
    async fn nobody(&self, survey: &mut Survey<'_>, event: &Event) -> Result<Result<PlanDraft, Question>, SyncError> {
        match self.asked_about(survey.unclear.take()) {
            Some(question) => Ok(Err(question)),
            None => Ok(Ok(self.new_customer(survey, event).await?)),
        }
    }

    /// What is asked about a customer that the platform named and nothing else bears out, before another one is made.
    pub(super) fn asked_about(&self, named: Option<Candidate>) -> Option<Question> {
        let asks = self.mapping.conflicts.same_name == SameName::Review;
        let candidates = vec![named.filter(|_| asks)?];
        Some(Question::Several { by: LinkedBy::Hint, candidates })
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
            LinkedBy::CompanyName => {
                let joined = self.joined(erp, event, ord).await?;
                Ok(joined.map(|known| self.take_over_known(event, by, known)))
            }
            _ => self.take_over(erp, event, ord, by).await.map(Ok),
        }
    }

    /// The company that the ERP has by the contact's company's name, and what the contact is there.
    pub(super) async fn joined(&self, erp: &Erp, event: &Event, ord: i64) -> Result<Result<Known, Question>, ErpError> {
        let (kind, detail) = details::detail_of(erp, CustomerKind::Company, ord).await?;
        let role = match Mapping::mobile(event) {
            // Nobody has its number: that was asked first. One of its name without a number may be another.
            Some(_) => Ok(Role::NewContactPerson),
            None => contact_persons::role_in(erp, ord, None, event.contact().name()).await,
        };
        match role {
            // Nobody can tell whether the contact is one of so many persons: a person says whose it is.
            Err(ErpError::TooMany(_)) => Ok(Err(unsure(erp, ord, LinkedBy::CompanyName).await)),
            role => Ok(Ok(Known { ord, kind, detail, role: role? })),
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
            Hint::Holds(known) => return Ok(Some(known)),
            Hint::Fails(misfit) => survey.warnings.push(misfit.warning()),
            Hint::Unclear(candidate) => {
                survey.warnings.push(Misfit::OtherPerson.warning());
                survey.unclear = Some(candidate);
            }
        }
        Ok(None)
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
    pub(super) fn is_perhaps_of_company(&self, detail: &Detail, event: &Event, by: LinkedBy) -> bool {
        let is_named = by == LinkedBy::Operator && event.contact().company().is_some();
        is_named && !self.is_contact_itself(detail, event)
    }

    /// Whether a customer is the contact, not the company it works for: it has the contact's 客户编号 or mobile number.
    fn is_contact_itself(&self, detail: &Detail, event: &Event) -> bool {
        let has_khid = shown(detail, "khid").is_some_and(|khid| khid == self.mapping.khid(event.contact().id()));
        let numbers = shown(detail, "mobile").zip(Mapping::mobile(event));
        has_khid || numbers.is_some_and(|(theirs, ours)| fit(&theirs, ours) != PhoneMatch::Other)
    }
}

/// Looks a contact up. Of whom somebody has said that it is new, a name alone says nothing.
async fn find(sought: &Sought<'_>, task: &Task) -> Result<Match, ErpError> {
    let found = sought.find().await?;
    let is_by_name = matches!(found, Match::Unclear(Question::SameName { .. } | Question::TooMany { .. }));
    Ok(if is_by_name && task.decision == Some(WhoItIs::New) { Match::Nobody } else { found })
}

/// A customer of whom only a person can say whether the contact belongs to it.
async fn unsure(erp: &Erp, ord: i64, by: LinkedBy) -> Question {
    details::told_apart(erp, Question::Several { by, candidates: vec![Candidate::of(ord)] }).await
}

/// Whether the customer's own mobile number is the contact's, or there is none: else the contact is one of its further
/// contact persons, whose data must not end up in the customer's own fields.
pub(super) fn is_own_record(detail: &Detail, event: &Event) -> bool {
    match (shown(detail, "mobile"), Mapping::mobile(event)) {
        (Some(theirs), Some(ours)) => fit(&theirs, ours) != PhoneMatch::Other,
        _ => true,
    }
}
