//! 冲突解决: which customer of the ERP a contact is (`contract.md §3`).
//!
//! 客户编号 first and exact; then the mobile number through the contact persons, exact; then a company of exactly this
//! name. The ERP's filters are fuzzy, so every row is compared again here. If several match, nobody guesses.

use std::collections::BTreeMap;

use serde::Serialize;

use super::mapping::Mapping;
use crate::{
    erp::{ContactFilter, CustomerFilter, CustomerKind, CustomerRow, Detail, Erp, ErpError},
    event::{Event, phone::normalize},
};

/// Rows of a fuzzy answer whose details are read at most, where the list lacks the column to compare.
const DETAILS_READ: usize = 10;

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
    /// Several: a person decides.
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
    if let Some(found) = verdict(by_khid, FoundBy::Khid) {
        return Ok(found);
    }
    if let Some(mobile) = Mapping::mobile(event)
        && let Some(found) = verdict(by_mobile(erp, kind, mobile).await?, FoundBy::Mobile)
    {
        return Ok(found);
    }
    if let Some(company) = event.contact().company() {
        let by_name = matching(erp, kind, Column::Name, company).await?;
        if let Some(found) = verdict(by_name, FoundBy::CompanyName) {
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

/// Customers whose contact persons have exactly this number; where an installation keeps no contact persons, the
/// customers that show it themselves.
async fn by_mobile(erp: &Erp, kind: CustomerKind, mobile: &str) -> Result<Vec<Candidate>, ErpError> {
    let filter = ContactFilter { mobile: Some(mobile.to_owned()), ..ContactFilter::default() };
    let mut candidates = BTreeMap::new();
    for row in erp.list_contacts(&filter).await? {
        if !row.mobile.as_deref().is_some_and(|number| same_number(number, mobile)) {
            continue;
        }
        if let Some(ord) = row.company {
            let candidate = Candidate {
                ord,
                name: row.company_name,
                khid: None,
                mobile: row.mobile,
                added: None,
                salesperson: None,
            };
            candidates.insert(ord, candidate);
        }
    }
    if !candidates.is_empty() {
        return Ok(candidates.into_values().collect());
    }
    matching(erp, kind, Column::Mobile, mobile).await
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

    fn equal(self, value: &str, wanted: &str) -> bool {
        match self {
            Self::Mobile => same_number(value, wanted),
            Self::Khid | Self::Name => value.trim() == wanted.trim(),
        }
    }
}

async fn matching(erp: &Erp, kind: CustomerKind, column: Column, wanted: &str) -> Result<Vec<Candidate>, ErpError> {
    let mut found = BTreeMap::new();
    let mut details = 0;
    for row in erp.list_customers(&column.filter(wanted)).await? {
        let equal = match column.of_row(&row) {
            Some(value) => column.equal(value, wanted),
            // The installation's list has no such column; the detail has (erp-wire.md §3).
            None => {
                details += 1;
                if details > DETAILS_READ {
                    let what = format!("{} rows of 客户列表 without the column {}", details, column.field());
                    return Err(ErpError::TooMany(what));
                }
                let detail = detail_of(erp, kind, row.ord).await?.1;
                detail.shown(column.field()).is_some_and(|value| column.equal(value, wanted))
            }
        };
        if equal {
            found.insert(row.ord, Candidate::from(row));
        }
    }
    Ok(found.into_values().collect())
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
    fn one_match_is_taken_and_several_are_left_to_a_person() {
        let candidate = |ord| Candidate { ord, name: None, khid: None, mobile: None, added: None, salesperson: None };
        assert_eq!(verdict(vec![], FoundBy::Khid), None);
        let one = verdict(vec![candidate(7)], FoundBy::Mobile);
        assert_eq!(one, Some(Found::Customer { ord: 7, by: FoundBy::Mobile }));
        let several = verdict(vec![candidate(7), candidate(8)], FoundBy::Mobile);
        assert!(matches!(several, Some(Found::Several { candidates, .. }) if candidates.len() == 2));
    }
}
