//! 冲突解决: which customer of the ERP a contact is (`contract.md §3`).
//!
//! 客户编号 first and exact; then the mobile number through the contact persons, exact; then a company of exactly this
//! name. The ERP's filters are fuzzy, so every row is compared again here. If several match, nobody guesses.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    mapping::Mapping,
    text::{comparable, same_name},
};
use crate::{
    erp::{ContactFilter, ContactPersonRow, CustomerFilter, CustomerKind, CustomerRow, Detail, Erp, ErpError},
    event::{Event, phone::normalize},
};

/// Rows of a fuzzy answer whose details are read at most, where the list lacks the column to compare: `WX1` also finds
/// `WX10` to `WX199`.
const DETAILS_READ: usize = 200;

/// By what a customer was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// 客户编号.
    Khid,
    /// 手机.
    Mobile,
    /// 客户名称 of a company.
    CompanyName,
    /// An operator's decision.
    Operator,
}

impl FoundBy {
    /// The ledger's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Khid => "khid",
            Self::Mobile => "mobile",
            Self::CompanyName => "company_name",
            Self::Operator => "operator",
        }
    }
}

/// A customer that may be the contact's, with what distinguishes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// The customer.
    pub ord: i64,
    /// 客户名称.
    pub name: Option<String>,
    /// 客户编号.
    pub khid: Option<String>,
    /// 手机.
    pub mobile: Option<String>,
    /// When it was added.
    pub added: Option<String>,
    /// Its salesperson.
    pub salesperson: Option<String>,
}

impl From<CustomerRow> for Candidate {
    fn from(row: CustomerRow) -> Self {
        Self {
            ord: row.ord,
            name: row.name,
            khid: row.khid,
            mobile: row.mobile,
            added: row.date1,
            salesperson: row.catename,
        }
    }
}

/// What the ERP knows of a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing: a new customer.
    Nobody,
    /// Exactly one customer.
    Customer {
        /// It.
        ord: i64,
        /// How.
        by: FoundBy,
    },
    /// Several, or one whose number the installation masks: a person decides.
    Several {
        /// By what they match.
        by: FoundBy,
        /// Which.
        candidates: Vec<Candidate>,
    },
}

/// Looks a contact up in the ERP.
pub(super) async fn find(erp: &Erp, mapping: &Mapping, event: &Event) -> Result<Found, ErpError> {
    let kind = Mapping::kind(event);
    let khid = mapping.khid(event.contact().id());
    let by_khid = matching(erp, kind, Column::Khid, &khid).await?;
    if let Some(found) = verdict(by_khid.exact.into_values().collect(), FoundBy::Khid) {
        return Ok(found);
    }
    if let Some(mobile) = Mapping::mobile(event) {
        let matches = by_mobile(erp, kind, mobile).await?;
        if !matches.masked.is_empty() {
            let candidates = matches.exact.into_values().chain(matches.masked.into_values()).collect();
            return Ok(Found::Several { by: FoundBy::Mobile, candidates });
        }
        if let Some(found) = verdict(matches.exact.into_values().collect(), FoundBy::Mobile) {
            return Ok(found);
        }
    }
    if let Some(company) = event.contact().company() {
        let mut by_name = BTreeMap::new();
        // The ERP's filter knows nothing of our writing of `&`, so both forms are asked for; either finds the same names.
        for name in mapping.company_names(company) {
            by_name.extend(matching(erp, kind, Column::Name, &name).await?.exact);
        }
        if let Some(found) = verdict(by_name.into_values().collect(), FoundBy::CompanyName) {
            return Ok(found);
        }
    }
    Ok(Found::Nobody)
}

fn verdict(mut candidates: Vec<Candidate>, by: FoundBy) -> Option<Found> {
    match candidates.len() {
        0 => None,
        1 => candidates.pop().map(|candidate| Found::Customer { ord: candidate.ord, by }),
        _ => Some(Found::Several { by, candidates }),
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
    fn add(&mut self, fit: Fit, candidate: Candidate) {
        match fit {
            Fit::Same => drop(self.exact.insert(candidate.ord, candidate)),
            Fit::Masked => drop(self.masked.insert(candidate.ord, candidate)),
            Fit::Other => {}
        }
        let exact = &self.exact;
        self.masked.retain(|ord, _| !exact.contains_key(ord));
    }

    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.masked.is_empty()
    }
}

/// Customers whose contact persons have exactly this number; where an installation keeps no contact persons, the
/// customers that show it themselves.
async fn by_mobile(erp: &Erp, kind: CustomerKind, mobile: &str) -> Result<Matches, ErpError> {
    let filter = ContactFilter { mobile: Some(mobile.to_owned()), ..ContactFilter::default() };
    let mut matches = Matches::default();
    for row in people(erp, &filter).await? {
        let fit = row.mobile.as_deref().map_or(Fit::Other, |number| fit(number, mobile));
        if fit == Fit::Other {
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
            let fit = if fit == Fit::Masked { unmasked(erp, kind, candidate.ord, mobile).await? } else { fit };
            matches.add(fit, candidate);
        }
    }
    if matches.is_empty() { matching(erp, kind, Column::Mobile, mobile).await } else { Ok(matches) }
}

/// A contact person whose number is masked even in its own record: the customer's may show it. Where that is another
/// number, the person's is as unknown as before.
async fn unmasked(erp: &Erp, kind: CustomerKind, ord: i64, mobile: &str) -> Result<Fit, ErpError> {
    let detail = match detail_of(erp, kind, ord).await {
        Ok((_, detail)) => detail,
        Err(ErpError::Refused(_)) => return Ok(Fit::Masked),
        Err(error) => return Err(error),
    };
    let is_same = shown(&detail, "mobile").is_some_and(|number| same_number(&number, mobile));
    Ok(if is_same { Fit::Same } else { Fit::Masked })
}

/// Contact persons that match a filter, with name, number and customer: what the installation's list lacks or masks, the
/// detail has (`erp-wire.md §4`). Without it a person who is there would be added again.
pub(super) async fn people(erp: &Erp, filter: &ContactFilter) -> Result<Vec<ContactPersonRow>, ErpError> {
    let mut people = erp.list_contacts(filter).await?;
    let mut details = 0;
    for person in &mut people {
        let Some(ord) = person.ord else { continue };
        let wanted = filter.mobile.as_deref().unwrap_or_default();
        let is_masked = person.mobile.as_deref().is_some_and(|number| fit(number, wanted) == Fit::Masked);
        if !is_masked && person.mobile.is_some() && person.person_name.is_some() && person.company.is_some() {
            continue;
        }
        details += 1;
        if details > DETAILS_READ {
            return Err(ErpError::TooMany(format!("{details} rows of 联系人列表 without name, number or customer")));
        }
        let detail = erp.contact_detail(ord).await?;
        let shown = |id: &str| detail.shown(id).map(str::to_owned);
        let in_list = person.mobile.take();
        person.mobile = in_list.clone().filter(|_| !is_masked).or_else(|| shown("mobile")).or(in_list);
        person.person_name = person.person_name.take().or_else(|| shown("person_name"));
        person.company = person.company.or_else(|| detail.value("company")?.trim().parse().ok());
        let company_name = || shown("company").filter(|name| name.trim().parse::<i64>().is_err());
        person.company_name = person.company_name.take().or_else(company_name);
    }
    Ok(people)
}

/// The contact person of a customer with this number, or with this name where no number is to be compared, or only what
/// a mask leaves of it.
pub(super) async fn person_of(
    erp: &Erp,
    company: i64,
    mobile: Option<&str>,
    name: &str,
) -> Result<Option<ContactPersonRow>, ErpError> {
    let filter = ContactFilter {
        company: Some(company),
        mobile: mobile.map(str::to_owned),
        person_name: mobile.is_none().then(|| name.to_owned()),
    };
    Ok(people(erp, &filter).await?.into_iter().find(|row| {
        row.company.is_none_or(|ord| ord == company)
            && match (mobile, &row.mobile) {
                (Some(ours), Some(theirs)) if fit(theirs, ours) != Fit::Masked => same_number(ours, theirs),
                _ => row.person_name.as_deref().is_some_and(|theirs| comparable(theirs) == comparable(name)),
            }
    }))
}

/// The name of a customer's first contact person, the oldest; `None` where the installation shows none.
pub(super) async fn first_person(erp: &Erp, company: i64) -> Result<Option<String>, ErpError> {
    let filter = ContactFilter { company: Some(company), ..ContactFilter::default() };
    let mut people = match people(erp, &filter).await {
        Ok(people) => people,
        Err(ErpError::Refused(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    people.retain(|row| row.company == Some(company));
    people.sort_by_key(|row| row.ord.unwrap_or(i64::MAX));
    let names = people.into_iter().filter_map(|row| row.person_name);
    Ok(names.map(|name| name.trim().to_owned()).find(|name| !name.is_empty()))
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
        let wanted = Some(wanted.to_owned());
        match self {
            Self::Khid => CustomerFilter { khid: wanted, ..CustomerFilter::default() },
            Self::Name => CustomerFilter { name: wanted, ..CustomerFilter::default() },
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

    fn fit(self, value: &str, wanted: &str) -> Fit {
        let is_equal = match self {
            Self::Mobile => return fit(value, wanted),
            Self::Khid => value.trim() == wanted.trim(),
            Self::Name => same_name(value, wanted),
        };
        if is_equal { Fit::Same } else { Fit::Other }
    }
}

async fn matching(erp: &Erp, kind: CustomerKind, column: Column, wanted: &str) -> Result<Matches, ErpError> {
    let mut matches = Matches::default();
    let mut details = 0;
    for row in erp.list_customers(&column.filter(wanted)).await? {
        let in_list = column.of_row(&row).map(|value| column.fit(value, wanted));
        let fit = match in_list {
            Some(fit @ (Fit::Same | Fit::Other)) => fit,
            // The installation's list has no such column, or masks it; the detail has it (erp-wire.md §3).
            None | Some(Fit::Masked) => {
                details += 1;
                if details > DETAILS_READ {
                    let what = format!("{} rows of 客户列表 without the column {}", details, column.field());
                    return Err(ErpError::TooMany(what));
                }
                let detail = detail_of(erp, kind, row.ord).await?.1;
                let shown = detail.shown(column.field()).map(|value| column.fit(value, wanted));
                shown.or(in_list).unwrap_or(Fit::Other)
            }
        };
        matches.add(fit, Candidate::from(row));
    }
    Ok(matches)
}

/// 客户详情 of a customer whose kind is a guess: where the ERP refuses the one, the other is asked.
pub(super) async fn detail_of(erp: &Erp, guess: CustomerKind, ord: i64) -> Result<(CustomerKind, Detail), ErpError> {
    let other = match guess {
        CustomerKind::Company => CustomerKind::Person,
        CustomerKind::Person => CustomerKind::Company,
    };
    match erp.customer_detail(guess, ord).await {
        Ok(detail) => Ok((guess, detail)),
        Err(ErpError::Refused(_)) => Ok((other, erp.customer_detail(other, ord).await?)),
        Err(error) => Err(error),
    }
}

/// What a person sees in a field, if anything.
pub(super) fn shown(detail: &Detail, id: &str) -> Option<String> {
    detail.shown(id).map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
}

/// How a number that the ERP shows fits the contact's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Same,
    /// A mask (138****1234) hides whether it is the same; what can be seen of it is.
    Masked,
    Other,
}

/// With what installations mask numbers.
const MASKS: [char; 6] = ['*', '＊', '●', '•', 'x', 'X'];

/// Compares a number as the ERP shows it with the contact's own.
pub(super) fn fit(shown: &str, ours: &str) -> Fit {
    if same_number(shown, ours) {
        return Fit::Same;
    }
    let (Some(first), Some(last)) = (shown.find(MASKS), shown.rfind(MASKS)) else { return Fit::Other };
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let (mut head, tail) = (digits(&shown[..first]), digits(&shown[last..]));
    let ours = normalize(ours).unwrap_or_else(|| digits(ours));
    if !ours.starts_with(&head) {
        // +86 in front of it.
        head = head.trim_start_matches("00").strip_prefix("86").unwrap_or(&head).to_owned();
    }
    let fits = ours.starts_with(&head) && ours.ends_with(&tail) && head.len() + tail.len() < ours.len();
    if fits { Fit::Masked } else { Fit::Other }
}

/// Whether two ways of writing a phone number mean the same one.
pub(super) fn same_number(left: &str, right: &str) -> bool {
    match (normalize(left), normalize(right)) {
        (Some(left), Some(right)) => left == right,
        _ => left.trim() == right.trim() && !left.trim().is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_however_they_are_written() {
        for (left, right, same) in [
            ("138 0000 1234", "+8613800001234", true),
            ("13800001234", "13800001235", false),
            ("021-5555", "021-5555", true),
            ("", "", false),
        ] {
            assert_eq!(same_number(left, right), same, "{left} {right}");
        }
    }

    #[test]
    fn a_masked_number_fits_or_is_another_but_is_never_the_same() {
        for (shown, expected) in [
            ("13800001234", Fit::Same),
            ("138****1234", Fit::Masked),
            ("138＊＊＊＊1234", Fit::Masked),
            ("+86 138 **** 1234", Fit::Masked),
            ("1380000****", Fit::Masked),
            ("*******1234", Fit::Masked),
            ("***********", Fit::Masked),
            ("138xxxx1234", Fit::Masked),
            ("139****1234", Fit::Other),
            ("138****1235", Fit::Other),
            ("13800001234*1234", Fit::Other),
            ("13800001235", Fit::Other),
            ("", Fit::Other),
        ] {
            assert_eq!(fit(shown, "138 0000 1234"), expected, "{shown}");
        }
    }

    #[test]
    fn one_match_is_taken_and_several_are_left_to_a_person() {
        let candidate = |ord| Candidate { ord, name: None, khid: None, mobile: None, added: None, salesperson: None };
        assert_eq!(verdict(vec![], FoundBy::Khid), None);
        let one = verdict(vec![candidate(7)], FoundBy::Mobile);
        assert_eq!(one, Some(Found::Customer { ord: 7, by: FoundBy::Mobile }));
        let several = verdict(vec![candidate(7), candidate(8)], FoundBy::Mobile);
        assert!(matches!(several, Some(Found::Several { candidates, .. }) if candidates.len() == 2));
    }
}
