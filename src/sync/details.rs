//! 客户详情 and the lists: one customer as the ERP shows it, and whether it is there at all.

use super::{question::Question, task::kind_of};
use crate::{
    erp::{CustomerFilter, CustomerKind, CustomerRow, Detail, Erp, ErpError, PAGES_MAX},
    event::{Candidate, Link},
};

/// Rows of a fuzzy answer whose details are read at most, where the list lacks the column to compare: `WX1` also finds
/// `WX10` to `WX199`.
pub(super) const DETAILS_READ: usize = 200;
/// Candidates of a question whose rows are looked up at most.
const CANDIDATES_READ: usize = 10;

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

/// 客户详情 of a customer that may be another salesperson's, or gone since a list showed it: `None` where it may not be read.
pub(super) async fn readable_detail(erp: &Erp, guess: CustomerKind, ord: i64) -> Result<Option<Detail>, ErpError> {
    match detail_of(erp, guess, ord).await {
        Ok((_, detail)) => Ok(Some(detail)),
        Err(error) if error.is_refusal() => Ok(None),
        Err(error) => Err(error),
    }
}

/// 客户详情 of a contact's customer as it is now.
///
/// # Errors
/// A refusal in the ERP's words, for a record that does not exist or may not be seen.
pub(crate) async fn customer_now(erp: &Erp, link: &Link) -> Result<Detail, ErpError> {
    detail_of(erp, kind_of(link), link.ord).await.map(|(_, detail)| detail)
}

/// What a person sees in a field, if anything.
pub(super) fn shown(detail: &Detail, id: &str) -> Option<String> {
    detail.shown(id).map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
}

/// The lists in which a customer can stand (`stype` of 客户列表, `erp-wire.md §3`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Ordinary customers.
    Customers,
    /// 客户池.
    Pool,
    /// 待审核.
    Pending,
}

impl Place {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Customers, Self::Pool, Self::Pending];

    pub(super) const fn stype(self) -> Option<i64> {
        match self {
            Self::Customers => None,
            Self::Pool => Some(1),
            Self::Pending => Some(2),
        }
    }
}

/// The lists beside that of ordinary customers that have anybody in them, as far as a minute ago. None where an installation
/// shows all in one; one that may not be read shows nobody. For those who may be the contact; a company of exactly its
/// company's name is looked for in all of them.
///
/// # Errors
/// The ERP could not be asked.
pub(super) async fn further_places(erp: &Erp) -> Result<Vec<Place>, ErpError> {
    let mut places = Vec::new();
    if erp.installation().tells_places_apart == Some(false) {
        return Ok(places);
    }
    for place in [Place::Pool, Place::Pending] {
        let Some(stype) = place.stype() else { continue };
        match erp.is_list_in_use(stype).await {
            Ok(true) => places.push(place),
            Ok(false) => {}
            Err(error) if error.is_refusal() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(places)
}

/// Whether a list has the customer.
pub(super) async fn is_listed(erp: &Erp, ord: i64, place: Place) -> Result<bool, ErpError> {
    Ok(row_of(erp, ord, place.stype()).await?.is_some())
}

/// The customer's row in a list. An installation that ignores the filter shows everybody: reading stops at the row.
///
/// # Errors
/// [`ErpError::TooMany`] where it is not among the first pages.
pub(super) async fn row_of(erp: &Erp, ord: i64, stype: Option<i64>) -> Result<Option<CustomerRow>, ErpError> {
    let filter = CustomerFilter { ord: Some(ord), stype, ..CustomerFilter::default() };
    let rows = erp.customers_until(&filter, PAGES_MAX, |rows| rows.iter().any(|row| row.ord == ord)).await?;
    Ok(rows.into_iter().find(|row| row.ord == ord))
}

/// A question with what tells its candidates apart: the row is read of each that was found otherwise than in 客户列表, and is
/// known by name and number alone. Nothing hangs on it: where it is not answered at once, the question is asked as it is.
pub(super) async fn told_apart(erp: &Erp, mut question: Question) -> Question {
    let unread = question.candidates_mut().iter_mut().filter(|candidate| candidate.is_unread);
    let unread: Vec<&mut Candidate> = unread.take(CANDIDATES_READ).collect();
    for candidate in unread {
        let filter = CustomerFilter { ord: Some(candidate.ord), ..CustomerFilter::default() };
        let Ok(first) = erp.first_customers(&filter).await else { break };
        if let Some(row) = first.rows.into_iter().find(|row| row.ord == candidate.ord) {
            candidate.fill(row);
        }
    }
    question
}

/// Whether the ERP has no such customer (any more): its detail is refused or empty, and no list has it. A list that cannot
/// be read proves nothing.
pub(super) async fn is_gone(erp: &Erp, guess: CustomerKind, ord: i64) -> Result<bool, ErpError> {
    match detail_of(erp, guess, ord).await {
        Ok((_, detail)) if shown(&detail, "name").is_some() => return Ok(false),
        Ok(_) => {}
        Err(error) if error.is_refusal() => {}
        Err(error) => return Err(error),
    }
    for place in Place::ALL {
        match is_listed(erp, ord, place).await {
            Ok(true) | Err(ErpError::TooMany(_)) => return Ok(false),
            Err(error) if error.is_refusal() => return Ok(false),
            Ok(false) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// A field that the record has and that is empty. A field that the installation does not show is not known to be empty.
pub(super) fn is_missing(detail: &Detail, id: &str) -> bool {
    let is_choice = matches!(id, "ly" | "jz");
    detail.has(id) && shown(detail, id).is_none_or(|value| is_choice && matches!(value.as_str(), "0" | "请选择" | "-1"))
}
