//! 冲突解决: which customer of the ERP a contact is (`contract.md §3`).
//!
//! 客户编号 first and exact; then the mobile number through the contact persons, exact; then a company of exactly this
//! name. The ERP's filters are fuzzy, so every row is compared again here. If several match, nobody guesses.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    contact_persons::contact_persons,
    details::{DETAILS_READ, detail_of, shown},
    mapping::Mapping,
    phone_match::{PhoneMatch, fit, same_number},
    text::{may_be_same, same_name, searchable},
};
use crate::{
    erp::{ContactPersonFilter, CustomerFilter, CustomerKind, CustomerRow, Erp, ErpError},
    event::{Event, LinkedBy},
};

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
    /// Several, or one whose number the installation masks: a person decides.
    Several {
        /// By what they match.
        by: LinkedBy,
        /// Which.
        candidates: Vec<Candidate>,
    },
}

/// Looks a contact up in the ERP.
pub(super) async fn find(erp: &Erp, mapping: &Mapping, event: &Event) -> Result<Match, ErpError> {
    let kind = Mapping::kind(event);
    let khid = mapping.khid(event.contact().id());
    let by_khid = matching(erp, kind, Column::Khid, &khid).await?;
    if let Some(found) = verdict(by_khid.exact.into_values().collect(), LinkedBy::Khid) {
        return Ok(found);
    }
    if let Some(mobile) = Mapping::mobile(event) {
        let matches = by_mobile(erp, kind, mobile).await?;
        if !matches.masked.is_empty() {
            let candidates = matches.exact.into_values().chain(matches.masked.into_values()).collect();
            return Ok(Match::Several { by: LinkedBy::Mobile, candidates });
        }
        if let Some(found) = verdict(matches.exact.into_values().collect(), LinkedBy::Mobile) {
            return Ok(found);
        }
    }
    if let Some(company) = event.contact().company() {
        let mut by_name = BTreeMap::new();
        // The ERP's filter knows nothing of our writing of `&`, so both forms are asked for; either finds the same names.
        for name in mapping.company_names(company) {
            by_name.extend(matching(erp, kind, Column::Name, &name).await?.exact);
        }
        if let Some(found) = verdict(by_name.into_values().collect(), LinkedBy::CompanyName) {
            return Ok(found);
        }
    }
    Ok(Match::Nobody)
}

fn verdict(mut candidates: Vec<Candidate>, by: LinkedBy) -> Option<Match> {
    match candidates.len() {
        0 => None,
        1 => candidates.pop().map(|candidate| Match::Customer { ord: candidate.ord, by }),
        _ => Some(Match::Several { by, candidates }),
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

/// Customers whose contact persons have exactly this number; where an installation keeps no contact persons, the
/// customers that show it themselves.
async fn by_mobile(erp: &Erp, kind: CustomerKind, mobile: &str) -> Result<Matches, ErpError> {
    let filter = ContactPersonFilter { mobile: Some(mobile.to_owned()), ..ContactPersonFilter::default() };
    let mut matches = Matches::default();
    for row in contact_persons(erp, &filter).await? {
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
    if matches.is_empty() { matching(erp, kind, Column::Mobile, mobile).await } else { Ok(matches) }
}

/// A contact person whose number is masked even in its own record: the customer's may show it. Where that is another
/// number, the person's is as unknown as before.
async fn unmasked(erp: &Erp, kind: CustomerKind, ord: i64, mobile: &str) -> Result<PhoneMatch, ErpError> {
    let detail = match detail_of(erp, kind, ord).await {
        Ok((_, detail)) => detail,
        Err(ErpError::Refused(_)) => return Ok(PhoneMatch::Masked),
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

    fn fit(self, value: &str, wanted: &str) -> PhoneMatch {
        let is_equal = match self {
            Self::Mobile => return fit(value, wanted),
            Self::Khid => value.trim() == wanted.trim(),
            Self::Name => same_name(value, wanted) || may_be_same(value, wanted),
        };
        if is_equal { PhoneMatch::Same } else { PhoneMatch::Other }
    }
}

async fn matching(erp: &Erp, kind: CustomerKind, column: Column, wanted: &str) -> Result<Matches, ErpError> {
    let mut matches = Matches::default();
    let mut details = 0;
    for row in erp.list_customers(&column.filter(wanted)).await? {
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
        assert!(matches!(several, Some(Match::Several { candidates, .. }) if candidates.len() == 2));
    }
}
