//! 客户列表 asked for one value of one column. The ERP's filters are fuzzy (`erp-wire.md §1.8`), so every row is compared
//! again here.

use std::collections::BTreeMap;

use super::{
    details::{DETAILS_READ, Place, readable_detail, shown},
    identity::{is_cut_of, name_parts, same_name, spellings},
    phone_match::{PhoneMatch, fit, is_hidden, last_digits, same_number},
    text::searchable,
};
use crate::{
    erp::{CustomerFilter, CustomerKind, CustomerRow, Erp, ErpError, FirstCustomers, PAGES_MAX},
    event::Candidate,
};

/// Pages that are read for one name. A name that is part of so many others is a question for a person sooner than a burden
/// for the ERP.
const NAME_PAGES_MAX: i64 = 10;
/// Pages that are read for a part of one.
const PART_PAGES_MAX: i64 = 3;
/// Customers whose records are read because they may have something in common with a contact.
const ALIKE_READ: usize = 10;

/// Customers that match, by `ord`.
#[derive(Default)]
pub(super) struct Matches {
    pub exact: BTreeMap<i64, Candidate>,
    /// Their number is masked wherever the installation shows it, and what can be seen of it fits: no match, and no
    /// mismatch.
    pub masked: BTreeMap<i64, Candidate>,
}

impl Matches {
    pub(super) fn add(&mut self, fit: PhoneMatch, candidate: Candidate) {
        match fit {
            PhoneMatch::Same => drop(self.exact.insert(candidate.ord, candidate)),
            PhoneMatch::Perhaps => drop(self.masked.insert(candidate.ord, candidate)),
            PhoneMatch::Other => {}
        }
        self.part();
    }

    /// Those of another look, too.
    pub(super) fn extend(&mut self, more: Self) {
        self.exact.extend(more.exact);
        self.masked.extend(more.masked);
        self.part();
    }

    /// Whoever matches is no doubtful one.
    fn part(&mut self) {
        let exact = &self.exact;
        self.masked.retain(|ord, _| !exact.contains_key(ord));
    }

    /// The others.
    pub(super) fn without(mut self, ords: &[i64]) -> Self {
        self.exact.retain(|ord, _| !ords.contains(ord));
        self.masked.retain(|ord, _| !ords.contains(ord));
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.masked.is_empty()
    }
}

/// The column by which rows of 客户列表 are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// 客户编号 of ours: letter by letter, since contacts' ids are.
    Khid,
    /// 客户编号 as people write it.
    ForeignKhid,
    /// 客户名称.
    Name,
    /// 手机.
    Mobile,
}

impl Column {
    fn filter(self, wanted: &str, place: Place) -> CustomerFilter {
        let filter = CustomerFilter { stype: place.stype(), ..CustomerFilter::default() };
        let wanted = Some(if let Self::Name = self { searchable(wanted) } else { wanted }.to_owned());
        match self {
            Self::Khid | Self::ForeignKhid => CustomerFilter { khid: wanted, sort: Some("khid"), ..filter },
            Self::Name => CustomerFilter { name: wanted, sort: Some("name"), ..filter },
            // The filter `phone` is the office phone (erp-wire.md §1.9).
            Self::Mobile => CustomerFilter { search_key: wanted, ..filter },
        }
    }

    fn of_row(self, row: &CustomerRow) -> Option<&str> {
        match self {
            Self::Khid | Self::ForeignKhid => row.khid.as_deref(),
            Self::Name => row.name.as_deref(),
            Self::Mobile => row.mobile.as_deref(),
        }
    }

    const fn field(self) -> &'static str {
        match self {
            Self::Khid | Self::ForeignKhid => "khid",
            Self::Name => "name",
            Self::Mobile => "mobile",
        }
    }

    const fn pages_max(self) -> i64 {
        if let Self::Name = self { NAME_PAGES_MAX } else { PAGES_MAX }
    }

    /// A record shows a name whole: one that is shorter is another.
    fn fit_of_record(self, value: &str, wanted: &str) -> PhoneMatch {
        match self.fit(value, wanted) {
            PhoneMatch::Perhaps if self == Self::Name => PhoneMatch::Other,
            fit => fit,
        }
    }

    fn fit(self, value: &str, wanted: &str) -> PhoneMatch {
        let is_equal = match self {
            Self::Mobile => return fit(value, wanted),
            Self::Khid => value.trim() == wanted.trim(),
            Self::ForeignKhid | Self::Name => same_name(value, wanted),
        };
        if !is_equal && self == Self::Name && is_cut_of(value, wanted) {
            return PhoneMatch::Perhaps;
        }
        if is_equal { PhoneMatch::Same } else { PhoneMatch::Other }
    }
}

/// Customers whose column has this value: all of them, or of a long answer those up to the page that has one.
pub(super) async fn search(
    erp: &Erp,
    kind: CustomerKind,
    column: Column,
    wanted: &str,
    place: Place,
) -> Result<Matches, ErpError> {
    if matches!(column, Column::Khid | Column::ForeignKhid) && erp.installation().finds_khid == Some(false) {
        return Err(ErpError::TooMany("客户列表 neither filters by 客户编号 nor shows it".into()));
    }
    let filter = column.filter(wanted, place);
    let first = erp.first_customers(&filter).await?;
    if first.is_all {
        return compare(erp, kind, column, wanted, first.rows).await;
    }
    // A long answer, sorted so that what is asked for comes first: often its first page says enough.
    let matches = compare(erp, kind, column, wanted, first.rows.clone()).await?;
    let has_all = !matches.exact.is_empty() && is_behind(&matches, &first.rows);
    if has_all || (matches.is_empty() && is_past(erp, column, wanted, &filter, &first.rows).await?) {
        return Ok(matches);
    }
    let is_it =
        |row: &CustomerRow| column.of_row(row).is_some_and(|value| column.fit(value, wanted) == PhoneMatch::Same);
    let has_all = |rows: &[CustomerRow]| rows.iter().any(is_it) && !rows.last().is_some_and(is_it);
    let rows = erp.customers_until(&filter, column.pages_max(), has_all).await?;
    compare(erp, kind, column, wanted, rows).await
}

/// Customers of this name, however people space it and whatever the width of its marks: the ERP is asked for a part that
/// has neither, and where that is part of too many names, for the whole one in its spellings. A company's name, which
/// people write in more ways, is asked for in two parts.
pub(super) async fn with_name(erp: &Erp, kind: CustomerKind, name: &str, place: Place) -> Result<Matches, ErpError> {
    let parts = name_parts(name);
    let asked = if kind == CustomerKind::Company { parts.len() } else { parts.len().min(1) };
    let mut is_told = asked > 0;
    // Those whose records may not be read keep nobody from looking on, nor does one at a page's end, which is kept.
    let mut perhaps = Matches::default();
    for (number, part) in parts[..asked].iter().enumerate() {
        let filter = Column::Name.filter(part, place);
        let mut found = erp.first_customers(&filter).await?;
        // Whoever has a blank in the other part stands on one of these pages.
        if number > 0 && !found.is_all {
            match erp.customers_until(&filter, PART_PAGES_MAX, |_| false).await {
                Err(ErpError::TooMany(_)) => {}
                rows => found = FirstCustomers { rows: rows?, is_all: true },
            }
        }
        let matches = compare(erp, kind, Column::Name, name, found.rows.clone()).await?;
        if !matches.exact.is_empty() && (found.is_all || is_behind(&matches, &found.rows)) {
            return Ok(matches);
        }
        perhaps.extend(matches);
        is_told &= found.is_all;
    }
    for spelling in spellings(name).iter().filter(|_| !is_told) {
        perhaps.extend(search(erp, kind, Column::Name, spelling, place).await?);
        if !perhaps.exact.is_empty() {
            break;
        }
    }
    Ok(perhaps)
}

/// Whether a page of a sorted list ends behind those that match: at its very end, the next one may have more of them.
fn is_behind(matches: &Matches, rows: &[CustomerRow]) -> bool {
    rows.last().is_none_or(|row| !matches.exact.contains_key(&row.ord))
}

/// A list that may not be read, or is too long, shows nobody.
pub(super) fn readable(found: Result<Matches, ErpError>) -> Result<Matches, ErpError> {
    match found {
        Err(ErpError::TooMany(_)) => Ok(Matches::default()),
        Err(error) if error.is_refusal() => Ok(Matches::default()),
        found => found,
    }
}

/// Whether a list sorted by 客户编号 is past the place where `wanted` would stand. That an installation sorts at all is known
/// from a survey, or seen from the other end: sorted the other way round, the list begins with a greater one.
async fn is_past(
    erp: &Erp,
    column: Column,
    wanted: &str,
    filter: &CustomerFilter,
    rows: &[CustomerRow],
) -> Result<bool, ErpError> {
    let sorts = erp.installation().sorts_customers;
    if column.field() != "khid" || sorts == Some(false) {
        return Ok(false);
    }
    let key = |row: &CustomerRow| row.khid.as_deref().map(|khid| khid.trim().to_lowercase());
    let Some(keys) = rows.iter().map(key).collect::<Option<Vec<_>>>() else { return Ok(false) };
    let (true, Some(last)) = (keys.is_sorted(), keys.last()) else { return Ok(false) };
    if *last <= wanted.trim().to_lowercase() {
        return Ok(false);
    }
    if sorts == Some(true) {
        return Ok(true);
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
    let masks_details = erp.installation().masks_details == Some(true);
    for row in rows {
        let in_list = column.of_row(&row).map(|value| column.fit(value, wanted));
        let fit = match in_list {
            Some(fit @ (PhoneMatch::Same | PhoneMatch::Other)) => fit,
            Some(PhoneMatch::Perhaps) if masks_details && column == Column::Mobile => PhoneMatch::Perhaps,
            // The installation's list has no such column, or masks it; the detail has it (erp-wire.md §3).
            None | Some(PhoneMatch::Perhaps) => {
                details += 1;
                if details > DETAILS_READ {
                    let what = format!("{} rows of 客户列表 without the column {}", details, column.field());
                    return Err(ErpError::TooMany(what));
                }
                match readable_detail(erp, kind, row.ord).await? {
                    // Nobody can compare it: no match, and no mismatch.
                    None => PhoneMatch::Perhaps,
                    Some(detail) => {
                        let shown = detail.shown(column.field()).map(|value| column.fit_of_record(value, wanted));
                        shown.or(in_list).unwrap_or(PhoneMatch::Other)
                    }
                }
            }
        };
        matches.add(fit, Candidate::from(row));
    }
    Ok(matches)
}

/// Customers that show the number themselves. The ERP's filter compares letter for letter, so it is asked for the last
/// digits, which people write together.
pub(super) async fn with_number(
    erp: &Erp,
    kind: CustomerKind,
    mobile: &str,
    place: Place,
) -> Result<Matches, ErpError> {
    // Any text of a row may hold the digits: a long answer is no help, and the whole number is asked for.
    let first = erp.first_customers(&Column::Mobile.filter(&last_digits(mobile), place)).await?;
    if !first.is_all || first.rows.iter().any(|row| is_hidden(row.mobile.as_deref(), mobile)) {
        let whole = search(erp, kind, Column::Mobile, mobile, place).await?;
        if !whole.is_empty() || !first.is_all {
            return Ok(whole);
        }
        // People may have typed with blanks or dashes what the installation masks.
        let is_masked = |number: &str| fit(number, mobile) == PhoneMatch::Perhaps;
        let masked = first.rows.into_iter().filter(|row| row.mobile.as_deref().is_some_and(is_masked)).collect();
        return compare(erp, kind, Column::Mobile, mobile, masked).await;
    }
    let mut matches = Matches::default();
    for row in first.rows {
        let fit = row.mobile.as_deref().map_or(PhoneMatch::Other, |number| fit(number, mobile));
        matches.add(fit, Candidate::from(row));
    }
    Ok(matches)
}

/// Customers whose office phone (电话) this is.
pub(super) async fn with_phone(erp: &Erp, kind: CustomerKind, phone: &str, place: Place) -> Result<Matches, ErpError> {
    let filter = CustomerFilter { phone: Some(last_digits(phone)), stype: place.stype(), ..CustomerFilter::default() };
    let mut matches = Matches::default();
    // The list does not show this number, the record does; of a long answer only the first are read.
    for row in erp.first_customers(&filter).await?.rows.into_iter().take(ALIKE_READ) {
        let Some(detail) = readable_detail(erp, kind, row.ord).await? else { continue };
        if shown(&detail, "phone").is_some_and(|theirs| same_number(&theirs, phone)) {
            matches.add(PhoneMatch::Same, Candidate::from(row));
        }
    }
    Ok(matches)
}
