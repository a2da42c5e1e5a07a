//! 冲突解决: which customer of the ERP a contact is (`contract.md §3`).
//!
//! 客户编号 first and exact; then the mobile number through the contact persons, exact; then a company of exactly this
//! name. The ERP's filters are fuzzy, so every row is compared again here. If several match, nobody guesses.

use std::collections::BTreeMap;

use super::{
    contact_persons::{complete, contact_persons},
    details::{DETAILS_READ, detail_of, shown},
    identity::{name_key, number_key, spellings},
    mapping::Mapping,
    phone_match::{PhoneMatch, fit, same_number},
    question::{Candidate, Question},
    text::searchable,
};
use crate::{
    config::SameName,
    erp::{ContactPersonFilter, ContactPersonRow, CustomerFilter, CustomerKind, CustomerRow, Erp, ErpError},
    event::{Event, LinkedBy},
};

/// Digits of a number that people write together: `138 0013 8055`, `138-0013-8055`.
const LAST_DIGITS: usize = 4;
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

/// Looks a contact up in the ERP. What the ERP answers too much of is a question, not a failure.
pub(super) async fn find(erp: &Erp, mapping: &Mapping, event: &Event) -> Result<Match, ErpError> {
    match find_exactly(erp, mapping, event).await {
        Err(ErpError::TooMany(what)) => Ok(Match::Unclear(Question::TooMany { what })),
        found => found,
    }
}

async fn find_exactly(erp: &Erp, mapping: &Mapping, event: &Event) -> Result<Match, ErpError> {
    let kind = Mapping::kind(event);
    let contact = event.contact();
    if let Some(found) = by_khid(erp, kind, &mapping.khid(contact.id())).await? {
        return Ok(found);
    }
    if let Some(mobile) = Mapping::mobile(event) {
        let matches = by_mobile(erp, kind, mobile).await?;
        if !matches.masked.is_empty() {
            let candidates = matches.exact.into_values().chain(matches.masked.into_values()).collect();
            return Ok(Match::Unclear(Question::Several { by: LinkedBy::Mobile, candidates }));
        }
        if let Some(found) = verdict(matches.exact.into_values().collect(), LinkedBy::Mobile) {
            return Ok(found);
        }
    }
    if let Some(company) = contact.company() {
        let mut by_name = BTreeMap::new();
        for name in spellings(&mapping.line(company)) {
            by_name.extend(matching(erp, kind, Column::Name, &name).await?.exact);
        }
        return Ok(verdict(by_name.into_values().collect(), LinkedBy::CompanyName).unwrap_or(Match::Nobody));
    }
    if mapping.conflicts.same_name == SameName::Create {
        return Ok(Match::Nobody);
    }
    let candidates = same_name_without_number(erp, mapping, event).await?;
    Ok(if candidates.is_empty() { Match::Nobody } else { Match::Unclear(Question::SameName { candidates }) })
}

/// The customer with exactly this 客户编号.
pub(super) async fn by_khid(erp: &Erp, kind: CustomerKind, khid: &str) -> Result<Option<Match>, ErpError> {
    let found = matching(erp, kind, Column::Khid, khid).await?;
    Ok(verdict(found.exact.into_values().collect(), LinkedBy::Khid))
}

/// Customers of exactly this person's name that have no number and are nobody else's: one of them may be the contact.
async fn same_name_without_number(erp: &Erp, mapping: &Mapping, event: &Event) -> Result<Vec<Candidate>, ErpError> {
    let name = event.contact().name().unwrap_or_default();
    if name_key(name).is_empty() {
        return Ok(Vec::new());
    }
    let mut candidates = Vec::new();
    let filter = Column::Name.filter(name);
    // Only a hint, so the first page has to do: a common name is on every installation many times.
    for row in erp.first_customers(&filter).await?.rows {
        let is_named_so = row.name.as_deref().is_some_and(|theirs| name_key(theirs) == name_key(name));
        let is_another_contacts = row.khid.as_deref().is_some_and(|khid| mapping.is_ours(khid));
        if !is_named_so || is_another_contacts || row.mobile.as_deref().is_some_and(|mobile| !mobile.trim().is_empty())
        {
            continue;
        }
        if candidates.len() == CANDIDATES_MAX {
            break;
        }
        let detail = detail_of(erp, CustomerKind::Person, row.ord).await?.1;
        let is_another_contacts = shown(&detail, "khid").is_some_and(|khid| mapping.is_ours(&khid));
        if shown(&detail, "mobile").is_none() && !is_another_contacts {
            candidates.push(Candidate::from(row));
        }
    }
    Ok(candidates)
}

fn verdict(mut candidates: Vec<Candidate>, by: LinkedBy) -> Option<Match> {
    match candidates.len() {
        0 => None,
        1 => candidates.pop().map(|candidate| Match::Customer { ord: candidate.ord, by }),
        _ => Some(Match::Unclear(Question::Several { by, candidates })),
    }
}

/// Customers that match, by `ord`.
#[derive(Default)]
struct Matches {
    exact: BTreeMap<i64, Candidate>,
    /// Their number is masked wherever the installation shows it, and what can be seen of it fits: no match, and no
    /// mismatch.
    masked: BTreeMap<i64, Candidate>,
}

impl Matches {
    fn add(&mut self, fit: PhoneMatch, candidate: Candidate) {
        match fit {
            PhoneMatch::Same => drop(self.exact.insert(candidate.ord, candidate)),
            PhoneMatch::Masked => drop(self.masked.insert(candidate.ord, candidate)),
            PhoneMatch::Other => {}
        }
        let exact = &self.exact;
        self.masked.retain(|ord, _| !exact.contains_key(ord));
    }

    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.masked.is_empty()
    }
}

/// Customers whose contact persons have exactly this number, however it is written; where an installation keeps no contact
/// persons, the customers that show it themselves. The ERP's filter compares letter for letter, so it is asked for the last
/// four digits, which people write together, and all is compared again here (`erp-wire.md §1.13`).
async fn by_mobile(erp: &Erp, kind: CustomerKind, mobile: &str) -> Result<Matches, ErpError> {
    let mut matches = Matches::default();
    for row in persons_with_number(erp, mobile).await? {
        let fit = row.mobile.as_deref().map_or(PhoneMatch::Other, |number| fit(number, mobile));
        if fit == PhoneMatch::Other {
            continue;
        }
        let named = match (row.company, &row.company_name) {
            (Some(ord), _) => vec![Candidate {
                ord,
                name: row.company_name.clone(),
                khid: None,
                mobile: row.mobile.clone(),
                added: None,
                salesperson: None,
            }],
            // The installation names the customer without saying which record it is.
            (None, Some(name)) => matching(erp, kind, Column::Name, name).await?.exact.into_values().collect(),
            (None, None) => Vec::new(),
        };
        for candidate in named {
            let fit = if fit == PhoneMatch::Masked { unmasked(erp, kind, candidate.ord, mobile).await? } else { fit };
            matches.add(fit, candidate);
        }
    }
    if matches.is_empty() { customers_with_number(erp, kind, mobile).await } else { Ok(matches) }
}

/// The contact persons that may have the number.
async fn persons_with_number(erp: &Erp, mobile: &str) -> Result<Vec<ContactPersonRow>, ErpError> {
    let asking_for = |digits: &str| ContactPersonFilter { mobile: Some(digits.to_owned()), ..Default::default() };
    let rows = match erp.list_contact_persons(&asking_for(&last_digits(mobile))).await {
        Err(ErpError::TooMany(_)) => return contact_persons(erp, &asking_for(mobile)).await,
        rows => rows?,
    };
    let (hidden, mut same): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| is_hidden(row.mobile.as_deref(), mobile));
    same.retain(|row| is_same(row, mobile));
    if !same.is_empty() || hidden.is_empty() {
        return complete(erp, same, mobile).await;
    }
    if hidden.len() <= HIDDEN_READ {
        let mut same = complete(erp, hidden, mobile).await?;
        same.retain(|row| is_same(row, mobile));
        if !same.is_empty() {
            return Ok(same);
        }
    }
    // The list hides numbers, and the ERP's own filter knows them: it is asked for the whole one.
    contact_persons(erp, &asking_for(mobile)).await
}

fn is_same(row: &ContactPersonRow, mobile: &str) -> bool {
    row.mobile.as_deref().is_some_and(|number| same_number(number, mobile))
}

/// Whether a list does not say which number it is.
fn is_hidden(shown: Option<&str>, mobile: &str) -> bool {
    shown.is_none_or(|number| fit(number, mobile) == PhoneMatch::Masked)
}

/// The customers that show the number themselves.
async fn customers_with_number(erp: &Erp, kind: CustomerKind, mobile: &str) -> Result<Matches, ErpError> {
    // Any text of a row may hold the digits: a long answer is no help, and the whole number is asked for.
    let first = erp.first_customers(&Column::Mobile.filter(&last_digits(mobile))).await?;
    if !first.is_all || first.rows.iter().any(|row| is_hidden(row.mobile.as_deref(), mobile)) {
        return matching(erp, kind, Column::Mobile, mobile).await;
    }
    let mut matches = Matches::default();
    for row in first.rows {
        let fit = row.mobile.as_deref().map_or(PhoneMatch::Other, |number| fit(number, mobile));
        matches.add(fit, Candidate::from(row));
    }
    Ok(matches)
}

/// The last digits of a number, which people write together.
fn last_digits(number: &str) -> String {
    let key = number_key(number).unwrap_or_default();
    let from = key.char_indices().rev().nth(LAST_DIGITS - 1).map_or(0, |(at, _)| at);
    key[from..].to_owned()
}

/// A contact person whose number is masked even in its own record: the customer's may show it. Where that is another
/// number, the person's is as unknown as before.
async fn unmasked(erp: &Erp, kind: CustomerKind, ord: i64, mobile: &str) -> Result<PhoneMatch, ErpError> {
    let detail = match detail_of(erp, kind, ord).await {
        Ok((_, detail)) => detail,
        Err(error) if error.is_refusal() => return Ok(PhoneMatch::Masked),
        Err(error) => return Err(error),
    };
    let is_same = shown(&detail, "mobile").is_some_and(|number| same_number(&number, mobile));
    Ok(if is_same { PhoneMatch::Same } else { PhoneMatch::Masked })
}

/// The column by which rows of 客户列表 are compared.
#[derive(Clone, Copy)]
enum Column {
    Khid,
    Name,
    Mobile,
}

impl Column {
    fn filter(self, wanted: &str) -> CustomerFilter {
        let wanted = Some(if let Self::Name = self { searchable(wanted) } else { wanted }.to_owned());
        match self {
            Self::Khid => CustomerFilter { khid: wanted, sort: Some("khid"), ..CustomerFilter::default() },
            Self::Name => CustomerFilter { name: wanted, sort: Some("name"), ..CustomerFilter::default() },
            // The filter `phone` is the office phone (erp-wire.md §1.9).
            Self::Mobile => CustomerFilter { search_key: wanted, ..CustomerFilter::default() },
        }
    }

    fn of_row(self, row: &CustomerRow) -> Option<&str> {
        match self {
            Self::Khid => row.khid.as_deref(),
            Self::Name => row.name.as_deref(),
            Self::Mobile => row.mobile.as_deref(),
        }
    }

    const fn field(self) -> &'static str {
        match self {
            Self::Khid => "khid",
            Self::Name => "name",
            Self::Mobile => "mobile",
        }
    }

    fn fit(self, value: &str, wanted: &str) -> PhoneMatch {
        let is_equal = match self {
            Self::Mobile => return fit(value, wanted),
            Self::Khid => value.trim() == wanted.trim(),
            Self::Name => name_key(value) == name_key(wanted),
        };
        if is_equal { PhoneMatch::Same } else { PhoneMatch::Other }
    }
}

async fn matching(erp: &Erp, kind: CustomerKind, column: Column, wanted: &str) -> Result<Matches, ErpError> {
    let filter = column.filter(wanted);
    let first = erp.first_customers(&filter).await?;
    if first.is_all {
        return compare(erp, kind, column, wanted, first.rows).await;
    }
    // A long answer, sorted so that what is asked for comes first: often its first page says enough.
    let matches = compare(erp, kind, column, wanted, first.rows.clone()).await?;
    if !matches.exact.is_empty() || (matches.is_empty() && is_past(erp, column, wanted, &filter, &first.rows).await?) {
        return Ok(matches);
    }
    compare(erp, kind, column, wanted, erp.list_customers(&filter).await?).await
}

/// Whether a list sorted by 客户编号 is past the place where `wanted` would stand. That an installation sorts at all is seen
/// from the other end: sorted the other way round, the list begins with a greater one.
async fn is_past(
    erp: &Erp,
    column: Column,
    wanted: &str,
    filter: &CustomerFilter,
    rows: &[CustomerRow],
) -> Result<bool, ErpError> {
    if !matches!(column, Column::Khid) {
        return Ok(false);
    }
    let key = |row: &CustomerRow| row.khid.as_deref().map(|khid| khid.trim().to_lowercase());
    let Some(keys) = rows.iter().map(key).collect::<Option<Vec<_>>>() else { return Ok(false) };
    let (true, Some(last)) = (keys.is_sorted(), keys.last()) else { return Ok(false) };
    if *last <= wanted.trim().to_lowercase() {
        return Ok(false);
    }
    let descending = CustomerFilter { sort: Some("-khid"), ..filter.clone() };
    let greatest = erp.first_customers(&descending).await?.rows.first().and_then(key);
    Ok(greatest.is_some_and(|greatest| greatest > *last))
}

/// Compares rows again: the ERP's filters are fuzzy.
async fn compare(
    erp: &Erp,
    kind: CustomerKind,
    column: Column,
    wanted: &str,
    rows: Vec<CustomerRow>,
) -> Result<Matches, ErpError> {
    let mut matches = Matches::default();
    let mut details = 0;
    for row in rows {
        let in_list = column.of_row(&row).map(|value| column.fit(value, wanted));
        let fit = match in_list {
            Some(fit @ (PhoneMatch::Same | PhoneMatch::Other)) => fit,
            // The installation's list has no such column, or masks it; the detail has it (erp-wire.md §3).
            None | Some(PhoneMatch::Masked) => {
                details += 1;
                if details > DETAILS_READ {
                    let what = format!("{} rows of 客户列表 without the column {}", details, column.field());
                    return Err(ErpError::TooMany(what));
                }
                let detail = detail_of(erp, kind, row.ord).await?.1;
                let shown = detail.shown(column.field()).map(|value| column.fit(value, wanted));
                shown.or(in_list).unwrap_or(PhoneMatch::Other)
            }
        };
        matches.add(fit, Candidate::from(row));
    }
    Ok(matches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_match_is_taken_and_several_are_left_to_a_person() {
        let candidate = |ord| Candidate { ord, name: None, khid: None, mobile: None, added: None, salesperson: None };
        assert_eq!(verdict(vec![], LinkedBy::Khid), None);
        let one = verdict(vec![candidate(7)], LinkedBy::Mobile);
        assert_eq!(one, Some(Match::Customer { ord: 7, by: LinkedBy::Mobile }));
        let several = verdict(vec![candidate(7), candidate(8)], LinkedBy::Mobile);
        let Some(Match::Unclear(Question::Several { candidates, .. })) = several else { panic!("{several:?}") };
        assert_eq!(candidates.len(), 2);
    }
}
