//! 冲突解决: which customer of the ERP a contact is (`contract.md §3`).
//!
//! 客户编号 first and exact; then the mobile number through the contact persons, exact; then a company of exactly this
//! name. The ERP's filters are fuzzy, so every row is compared again here. If several match, nobody guesses.

use std::collections::BTreeMap;

use super::{
    contact_persons::{complete, contact_persons},
    customer_search::{Column, Matches, readable, search, with_name, with_number},
    details::{DETAILS_READ, Place, further_places, readable_detail, shown, told_apart},
    identity::{name_key, same_name},
    mapping::Mapping,
    phone_match::{PhoneMatch, fit, is_hidden, last_digits, same_number},
    question::Question,
};
use crate::{
    config::SameName,
    erp::{ContactPersonFilter, ContactPersonRow, CustomerKind, Detail, Erp, ErpError},
    event::{Candidate, Event, LinkedBy},
};

/// Most contact persons with hidden numbers that are read one by one before the ERP is asked for the whole number.
const HIDDEN_READ: usize = 20;
/// Most customers of one name that a person is shown.
const CANDIDATES_MAX: usize = 20;

/// What the ERP knows of a contact.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Match {
    /// Nothing: a new customer.
    Nobody,
    /// Exactly one customer.
    Customer {
        /// It.
        ord: i64,
        /// How.
        by: LinkedBy,
    },
    /// A person decides.
    Unclear(Question),
}

/// A contact that is looked for: where, by what rules, and among whom.
pub(super) struct Sought<'a> {
    /// The ERP.
    pub erp: &'a Erp,
    /// How contacts look there.
    pub mapping: &'a Mapping,
    /// What says who the contact is.
    pub event: &'a Event,
    /// Customers that it is not: the ERP names them and has them no more, or a person said so.
    pub others: &'a [i64],
}

impl Sought<'_> {
    /// Looks the contact up in the ERP. What the ERP answers too much of is a question, not a failure.
    pub(super) async fn find(&self) -> Result<Match, ErpError> {
        match self.find_exactly().await {
            Err(ErpError::TooMany(what)) => Ok(Match::Unclear(Question::TooMany { what })),
            Ok(Match::Unclear(question)) => Ok(Match::Unclear(told_apart(self.erp, question).await)),
            found => found,
        }
    }

    async fn find_exactly(&self) -> Result<Match, ErpError> {
        let found = match self.erp.installation().finds_khid {
            Some(false) => self.by_name_and_khid().await?,
            _ => self.by_khid().await?,
        };
        if let Some(found) = found {
            return Ok(found);
        }
        if let Some(mobile) = Mapping::mobile(self.event) {
            let matches = by_mobile(self.erp, self.kind(), mobile).await?.without(self.others);
            if !matches.masked.is_empty() {
                let candidates = matches.exact.into_values().chain(matches.masked.into_values()).collect();
                return Ok(Match::Unclear(Question::Several { by: LinkedBy::Mobile, candidates }));
            }
            if let Some(found) = verdict(matches.exact.into_values().collect(), LinkedBy::Mobile) {
                return Ok(found);
            }
        }
        if let Some(company) = self.event.contact().company() {
            return self.company_of_name(&self.mapping.line(company)).await;
        }
        if self.mapping.conflicts.same_name == SameName::Create {
            return Ok(Match::Nobody);
        }
        self.person_of_name().await
    }

    /// The company of exactly this name; one that nobody is in charge of (客户池) or nobody has approved yet (待审核) is known
    /// to the ERP too, and would be there twice.
    async fn company_of_name(&self, name: &str) -> Result<Match, ErpError> {
        let (erp, kind, by) = (self.erp, CustomerKind::Company, LinkedBy::CompanyName);
        let mut named = with_name(erp, kind, name, Place::Customers).await?.without(self.others);
        let places = if erp.installation().tells_places_apart == Some(false) { &[][..] } else { &Place::ALL[1..] };
        for place in places {
            if named.exact.is_empty() {
                named.extend(open(with_name(erp, kind, name, *place).await)?.without(self.others));
            }
        }
        let found = verdict(named.exact.into_values().collect(), by);
        // One whose name the list cuts, and whose record may not be read.
        let candidates: Vec<Candidate> = named.masked.into_values().collect();
        let question = (!candidates.is_empty()).then_some(Question::Several { by, candidates }).map(Match::Unclear);
        Ok(found.or(question).unwrap_or(Match::Nobody))
    }

    /// The customer that an earlier try has saved for the contact, in whatever list it appeared since: its 客户编号 is ours
    /// alone.
    pub(super) async fn saved(&self) -> Result<Option<i64>, ErpError> {
        let (erp, kind, khid) = (self.erp, self.kind(), self.khid());
        let name = self.name().unwrap_or_default();
        for place in Place::ALL {
            let found = match erp.installation().finds_khid {
                Some(false) => {
                    let named = readable(with_name(erp, kind, &name, place).await)?;
                    with_khid(erp, kind, named, &khid).await?
                }
                _ => readable(search(erp, kind, Column::Khid, &khid, place).await)?,
            };
            if let [ord] = found.without(self.others).exact.into_keys().collect::<Vec<_>>()[..] {
                return Ok(Some(ord));
            }
        }
        Ok(None)
    }

    /// The customer with exactly the contact's 客户编号; one of its name whose record may not be read may be it.
    async fn by_khid(&self) -> Result<Option<Match>, ErpError> {
        let found = search(self.erp, self.kind(), Column::Khid, &self.khid(), Place::Customers).await?;
        let found = found.without(self.others);
        if found.exact.is_empty() {
            let name = self.name();
            let is_namesake = |theirs: &Candidate| {
                name.as_deref().zip(theirs.name.as_deref()).is_some_and(|(ours, theirs)| same_name(ours, theirs))
            };
            let candidates: Vec<Candidate> = found.masked.into_values().filter(is_namesake).collect();
            let question = (!candidates.is_empty()).then_some(Question::Several { by: LinkedBy::Khid, candidates });
            return Ok(question.map(Match::Unclear));
        }
        Ok(verdict(found.exact.into_values().collect(), LinkedBy::Khid))
    }

    /// The same where the list can neither be asked for a 客户编号 nor shows it: among the customers of the contact's name,
    /// whose records show it.
    async fn by_name_and_khid(&self) -> Result<Option<Match>, ErpError> {
        let name = self.name().unwrap_or_default();
        let named = match with_name(self.erp, self.kind(), &name, Place::Customers).await {
            Err(ErpError::TooMany(_)) => return Ok(None),
            named => named?,
        };
        let found = with_khid(self.erp, self.kind(), named.without(self.others), &self.khid()).await?;
        Ok(verdict(found.exact.into_values().collect(), LinkedBy::Khid))
    }

    /// Customers of exactly this person's name that have no number and are nobody else's: one of them may be the contact. One
    /// with the contact's own 客户编号, which was looked for among the ordinary customers alone, is it.
    async fn person_of_name(&self) -> Result<Match, ErpError> {
        let erp = self.erp;
        let name = self.event.contact().name().unwrap_or_default();
        if name_key(name).is_empty() {
            return Ok(Match::Nobody);
        }
        let mut named = BTreeMap::new();
        for place in [vec![Place::Customers], further_places(erp).await?].concat() {
            named.extend(match with_name(erp, CustomerKind::Person, name, place).await {
                Ok(named) => named.without(self.others).exact,
                // Only a hint: a name that is part of so many others says nothing.
                Err(ErpError::TooMany(_)) => continue,
                // Nor does a list that may not be read.
                Err(error) if error.is_refusal() && place != Place::Customers => continue,
                Err(error) => return Err(error),
            });
        }
        let own = self.khid();
        let has_own = |candidate: &&Candidate| candidate.khid.as_deref().is_some_and(|khid| khid.trim() == own);
        if let Some(found) = verdict(named.values().filter(has_own).cloned().collect(), LinkedBy::Khid) {
            return Ok(found);
        }
        let is_ours = |khid: Option<&str>| khid.is_some_and(|khid| self.mapping.is_ours(khid));
        let has_number = |candidate: &Candidate| candidate.mobile.as_deref().is_some_and(|it| !it.trim().is_empty());
        let mut candidates = Vec::new();
        for candidate in named.into_values().filter(|it| !is_ours(it.khid.as_deref()) && !has_number(it)) {
            if candidates.len() == CANDIDATES_MAX {
                break;
            }
            let detail = readable_detail(erp, CustomerKind::Person, candidate.ord).await?;
            let may_be =
                |detail: &Detail| shown(detail, "mobile").is_none() && !is_ours(shown(detail, "khid").as_deref());
            if detail.as_ref().is_none_or(may_be) {
                candidates.push(candidate);
            }
        }
        Ok(if candidates.is_empty() { Match::Nobody } else { Match::Unclear(Question::SameName { candidates }) })
    }

    /// What its customer would be.
    pub(super) fn kind(&self) -> CustomerKind {
        Mapping::kind(self.event)
    }

    /// The 客户编号 of a customer that was made for it.
    pub(super) fn khid(&self) -> String {
        self.mapping.khid(self.event.contact().id())
    }

    /// What its customer is called in the ERP.
    pub(super) fn name(&self) -> Option<String> {
        let contact = self.event.contact();
        contact.company().or(contact.name()).map(|name| self.mapping.line(name))
    }
}

/// The customer with exactly this 客户编号.
pub(super) async fn by_khid(erp: &Erp, kind: CustomerKind, khid: &str) -> Result<Option<Match>, ErpError> {
    let found = search(erp, kind, Column::Khid, khid, Place::Customers).await?;
    Ok(verdict(found.exact.into_values().collect(), LinkedBy::Khid))
}

/// What a list shows that may be closed to the account: nobody then. One that is too long is a question.
fn open(found: Result<Matches, ErpError>) -> Result<Matches, ErpError> {
    match found {
        Err(error) if error.is_refusal() => Ok(Matches::default()),
        found => found,
    }
}

/// Those whose records show this 客户编号.
async fn with_khid(erp: &Erp, kind: CustomerKind, named: Matches, khid: &str) -> Result<Matches, ErpError> {
    let mut found = Matches::default();
    for candidate in named.exact.into_values().take(DETAILS_READ) {
        let Some(detail) = readable_detail(erp, kind, candidate.ord).await? else { continue };
        if shown(&detail, "khid").is_some_and(|theirs| theirs == khid) {
            found.add(PhoneMatch::Same, candidate);
        }
    }
    Ok(found)
}

fn verdict(mut candidates: Vec<Candidate>, by: LinkedBy) -> Option<Match> {
    match candidates.len() {
        0 => None,
        1 => candidates.pop().map(|candidate| Match::Customer { ord: candidate.ord, by }),
        _ => Some(Match::Unclear(Question::Several { by, candidates })),
    }
}

/// Customers whose contact persons have exactly this number, however it is written; where an installation keeps no contact
/// persons, the customers that show it themselves. The ERP's filter compares letter for letter, so it is asked for the last
/// four digits, which people write together, and all is compared again here (`erp-wire.md §1.13`).
pub(super) async fn by_mobile(erp: &Erp, kind: CustomerKind, mobile: &str) -> Result<Matches, ErpError> {
    let mut matches = Matches::default();
    for row in persons_with_number(erp, mobile).await? {
        // Whom the ERP finds by the whole number and shows none of has it perhaps.
        let fit = row.mobile.as_deref().map_or(PhoneMatch::Perhaps, |number| fit(number, mobile));
        if fit == PhoneMatch::Other {
            continue;
        }
        let named = match (row.company, &row.company_name) {
            (Some(ord), _) => vec![Candidate::of_contact_person(ord, &row)],
            // The installation names the customer without saying which record it is.
            (None, Some(name)) => {
                let named = search(erp, kind, Column::Name, name, Place::Customers).await?;
                named.exact.into_values().collect()
            }
            (None, None) => Vec::new(),
        };
        for candidate in named {
            let fit = if fit == PhoneMatch::Perhaps { unmasked(erp, kind, candidate.ord, mobile).await? } else { fit };
            matches.add(fit, candidate);
        }
    }
    if matches.is_empty() {
        matches = with_number(erp, kind, mobile, Place::Customers).await?;
    }
    // Where customers have no contact persons of their own, nothing else shows a number in 客户池 and 待审核.
    let is_hidden = erp.installation().has_first_contacts == Some(false);
    for place in [Place::Pool, Place::Pending].into_iter().filter(|_| is_hidden) {
        if matches.is_empty() {
            matches = readable(with_number(erp, kind, mobile, place).await)?;
        }
    }
    Ok(matches)
}

/// The contact persons that may have the number.
async fn persons_with_number(erp: &Erp, mobile: &str) -> Result<Vec<ContactPersonRow>, ErpError> {
    let asking_for = |digits: &str| ContactPersonFilter { mobile: Some(digits.to_owned()), ..Default::default() };
    let rows = match erp.list_contact_persons(&asking_for(&last_digits(mobile))).await {
        Err(ErpError::TooMany(_)) => return contact_persons(erp, &asking_for(mobile)).await,
        rows => rows?,
    };
    let (mut hidden, mut same): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| is_hidden(row.mobile.as_deref(), mobile));
    same.retain(|row| is_same(row, mobile));
    if !same.is_empty() || hidden.is_empty() {
        return complete(erp, same, mobile).await;
    }
    if hidden.len() <= HIDDEN_READ {
        let (same, other) = complete(erp, hidden, mobile).await?.into_iter().partition(|row| is_same(row, mobile));
        hidden = other;
        if !Vec::is_empty(&same) {
            return Ok(same);
        }
    } else {
        hidden.clear();
    }
    // The list hides numbers, and the ERP's own filter knows them: it is asked for the whole one. That it finds none says
    // nothing of those that stand there with blanks or dashes.
    let mut whole = contact_persons(erp, &asking_for(mobile)).await?;
    hidden.retain(|row| row.mobile.is_some());
    // An installation that ignores the filter gives everybody.
    let is_other = |number: &str| fit(number, mobile) == PhoneMatch::Other;
    if whole.iter().filter_map(|row| row.mobile.as_deref()).any(is_other) {
        whole.retain(|row| row.mobile.is_some());
    }
    Ok(if whole.is_empty() { hidden } else { whole })
}

fn is_same(row: &ContactPersonRow, mobile: &str) -> bool {
    row.mobile.as_deref().is_some_and(|number| same_number(number, mobile))
}

/// A contact person whose number is masked even in its own record: the customer's may show it. Where that is another
/// number, the person's is as unknown as before.
async fn unmasked(erp: &Erp, kind: CustomerKind, ord: i64, mobile: &str) -> Result<PhoneMatch, ErpError> {
    if erp.installation().masks_details == Some(true) {
        return Ok(PhoneMatch::Perhaps);
    }
    let Some(detail) = readable_detail(erp, kind, ord).await? else { return Ok(PhoneMatch::Perhaps) };
    let is_same = shown(&detail, "mobile").is_some_and(|number| same_number(&number, mobile));
    Ok(if is_same { PhoneMatch::Same } else { PhoneMatch::Perhaps })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_match_is_taken_and_several_are_left_to_a_person() {
        assert_eq!(verdict(vec![], LinkedBy::Khid), None);
        let one = verdict(vec![Candidate::of(7)], LinkedBy::Mobile);
        assert_eq!(one, Some(Match::Customer { ord: 7, by: LinkedBy::Mobile }));
        let several = verdict([7, 8].map(Candidate::of).into(), LinkedBy::Mobile);
        let Some(Match::Unclear(Question::Several { candidates, .. })) = several else { panic!("{several:?}") };
        assert_eq!(candidates.len(), 2);
    }
}
