//! A save that the ERP refused as a duplicate (查重): the contact is looked for once more, wherever such a check looks. It
//! compares 客户编号, name, mobile, e-mail and phone, and sees 客户池 and 待审核 too (`erp-wire.md §3`), where a new
//! contact is looked for by its name alone.

use std::collections::BTreeMap;

use super::{
    customer_search::{Column, Matches, readable, search, with_name, with_number, with_phone},
    details::{Place, told_apart},
    mapping::Mapping,
    matching::{Match, Sought, by_mobile},
    phone_match::number_key,
    question::Question,
    task::Duplicate,
};
use crate::{
    erp::{ContactPersonFilter, ErpError},
    event::{Candidate, LinkedBy},
};

/// Finds the customer for which the ERP refused the contact. Exactly one that is the contact by the rules of `contract.md
/// §3.1` is taken, if `may_link` and it is none of the others, whom a person has refused; else a person is asked, and shown
/// whatever has something in common with the contact.
pub(super) async fn find(sought: &Sought<'_>, refused: &Duplicate, may_link: bool) -> Result<Match, ErpError> {
    let mut alike = Alike::default();
    alike.by_number_and_khid(sought).await?;
    if alike.same.is_empty() || !may_link {
        alike.by_name(sought, !refused.of_contact_person).await?;
    }
    // Whatever was decided before: the contact's own 客户编号 is on a customer that was made for it since.
    let is_it = |ord: i64, by| (may_link || by == LinkedBy::Khid) && !sought.others.contains(&ord);
    if let Some((ord, by)) = alike.only_one().filter(|(ord, by)| is_it(*ord, *by)) {
        return Ok(Match::Customer { ord, by });
    }
    alike.by_email_and_phone(sought).await?;
    let question = Question::Duplicate { words: refused.words.clone(), candidates: alike.candidates() };
    Ok(Match::Unclear(told_apart(sought.erp, question).await))
}

/// Customers that have something in common with a contact.
#[derive(Default)]
struct Alike {
    /// Those that are the contact, and by which rule.
    same: BTreeMap<i64, (Candidate, LinkedBy)>,
    other: BTreeMap<i64, Candidate>,
}

impl Alike {
    async fn by_number_and_khid(&mut self, sought: &Sought<'_>) -> Result<(), ErpError> {
        let (erp, kind, khid) = (sought.erp, sought.kind(), sought.khid());
        for place in Place::ALL {
            let found = readable(search(erp, kind, Column::Khid, &khid, place).await)?;
            self.add(found, Some(LinkedBy::Khid));
        }
        let Some(mobile) = Mapping::mobile(sought.event) else { return Ok(()) };
        let found = readable(by_mobile(erp, kind, mobile).await)?;
        let is_found = !found.is_empty();
        self.add(found, Some(LinkedBy::Mobile));
        // 联系人列表 knows the contact persons of every customer; an installation may keep none.
        for place in [Place::Pool, Place::Pending].into_iter().filter(|_| !is_found) {
            let found = readable(with_number(erp, kind, mobile, place).await)?;
            self.add(found, Some(LinkedBy::Mobile));
        }
        Ok(())
    }

    /// `decides`: a company of this name is the contact's.
    async fn by_name(&mut self, sought: &Sought<'_>, decides: bool) -> Result<(), ErpError> {
        let Some(name) = sought.name() else { return Ok(()) };
        let has_company = sought.event.contact().company().is_some();
        let by = (decides && has_company).then_some(LinkedBy::CompanyName);
        for place in Place::ALL {
            let found = readable(with_name(sought.erp, sought.kind(), &name, place).await)?;
            self.add(found, by);
        }
        Ok(())
    }

    async fn by_email_and_phone(&mut self, sought: &Sought<'_>) -> Result<(), ErpError> {
        let (erp, kind, contact) = (sought.erp, sought.kind(), sought.event.contact());
        if let Some(phone) = contact.phone().filter(|phone| number_key(phone).is_some()) {
            for place in Place::ALL {
                self.add(readable(with_phone(erp, kind, phone, place).await)?, None);
            }
        }
        // 客户列表 has no filter for it.
        let Some(email) = contact.email() else { return Ok(()) };
        let filter = ContactPersonFilter { email: Some(email.to_owned()), ..ContactPersonFilter::default() };
        let persons = match erp.list_contact_persons(&filter).await {
            Err(ErpError::TooMany(_)) => return Ok(()),
            Err(error) if error.is_refusal() => return Ok(()),
            persons => persons?,
        };
        let has_email = |theirs: &str| theirs.trim().eq_ignore_ascii_case(email);
        for person in persons.into_iter().filter(|person| person.email.as_deref().is_some_and(has_email)) {
            if let Some(ord) = person.company {
                self.other.entry(ord).or_insert_with(|| Candidate::of_contact_person(ord, &person));
            }
        }
        Ok(())
    }

    /// `by`: the rule by which an exact match is the contact; without, it only has something in common.
    fn add(&mut self, found: Matches, by: Option<LinkedBy>) {
        for (ord, candidate) in found.exact {
            match by {
                Some(by) => drop(self.same.entry(ord).or_insert((candidate, by))),
                None => drop(self.other.entry(ord).or_insert(candidate)),
            }
        }
        self.other.extend(found.masked);
    }

    fn only_one(&self) -> Option<(i64, LinkedBy)> {
        let mut same = self.same.iter();
        let (ord, (_, by)) = same.next()?;
        same.next().is_none().then_some((*ord, *by))
    }

    /// All of them, each once, those that are the contact first.
    fn candidates(mut self) -> Vec<Candidate> {
        self.other.retain(|ord, _| !self.same.contains_key(ord));
        self.same.into_values().map(|(candidate, _)| candidate).chain(self.other.into_values()).collect()
    }
}
