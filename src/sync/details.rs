//! 客户详情: one customer as the ERP shows it.

use crate::erp::{CustomerKind, Detail, Erp, ErpError};

/// Rows of a fuzzy answer whose details are read at most, where the list lacks the column to compare: `WX1` also finds
/// `WX10` to `WX199`.
pub(super) const DETAILS_READ: usize = 200;

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
