//! 客户列表 and 客户详情: columns, pages, order, filters, masks (`erp-wire.md §1.8`, `§1.13`–`§1.15`, `§3`).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    looker::{Looker, Right, Seen},
    report::{Outcome, Report},
    tree::{SeenField, SeenRow, SeenTable, bill_fields, cut_of, text},
};
use crate::erp::{CustomerKind, ErpError, RawCall};

/// Rows asked for at once, and the most pages read: enough for an installation that caps pages at 20 and has 1,200 customers.
const PAGE_SIZE: &str = "100";
const PAGES_MAX: usize = 60;
/// The page size that a live installation honoured.
const LARGE_PAGE: usize = 500;
/// An id that no record has, and a text that none holds.
pub(super) const NO_ID: &str = "2147483647";
pub(super) const NO_TEXT: &str = "zz9-no-such-text-9zz";
/// A person's name is no longer.
const LONG_NAME: usize = 6;
/// How many customers are looked at closely.
const CLOSELY: usize = 5;
/// 客户, 客户池 and 待审核.
const PLACES: usize = 3;

/// Filters that take a text, and the field of the detail that must match.
const TEXT_FILTERS: [(&str, &str); 5] =
    [("name", "name"), ("khid", "khid"), ("phone", "phone"), ("address", "address"), ("intro", "intro")];
/// Filters that take ids.
const ID_FILTERS: [(&str, &str); 4] = [("ly", "ly"), ("jz", "jz"), ("area", "area"), ("trade", "trade")];

/// A customer to look at closely.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) ord: i64,
    pub(super) mobile: String,
    pub(super) fields: Vec<(String, String)>,
}

impl Known {
    pub(super) fn field(&self, id: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == id).map_or("", |(_, value)| value)
    }
}

/// Looks at the list and at a few details; answers customers that others can look closer at, those with records first.
pub(super) async fn look(looker: &mut Looker<'_>, report: &mut Report) -> Result<Vec<Known>, ErpError> {
    let first = looker.look(RawCall::CustomerList, &page("1", PAGE_SIZE, &[])).await?;
    report.note_how("right.customer.list", first.is_open(), first.how());
    let Some(table) = first.table() else { return Ok(Vec::new()) };
    report.shapes.columns.insert("customers".to_owned(), table.cols.clone());
    report.note("customers.all_texts", table.is_of_texts());
    let tables = all_pages(looker, table).await?;
    count(report, &tables);
    page_size(looker, report).await?;
    order(looker, report, &tables[0]).await?;
    let known = details(looker, report, &tables).await?;
    filters(looker, report, &known).await?;
    search_by_number(looker, report, &known).await?;
    places(looker, report, &tables[0]).await?;
    Ok(known)
}

fn page<'a>(index: &'a str, size: &'a str, more: &[(&'static str, &'a str)]) -> Vec<(&'static str, &'a str)> {
    let mut fields = vec![("stype", ""), ("pagesize", size), ("pageindex", index)];
    // A filter named in `more` replaces the usual one.
    fields.retain(|(id, _)| !more.iter().any(|(other, _)| other == id));
    fields.extend(more);
    fields
}

async fn all_pages(looker: &mut Looker<'_>, first: SeenTable) -> Result<Vec<SeenTable>, ErpError> {
    let (total, mut read) = (first.records, first.rows.len());
    let mut tables = vec![first];
    for index in 2..=PAGES_MAX {
        if total.is_none_or(|total| read >= total) {
            break;
        }
        let index = index.to_string();
        let next = looker.look(RawCall::CustomerList, &page(&index, PAGE_SIZE, &[])).await?;
        let Some(table) = next.table().filter(|table| !table.rows.is_empty()) else { break };
        read += table.rows.len();
        tables.push(table);
    }
    Ok(tables)
}

fn count(report: &mut Report, tables: &[SeenTable]) {
    let column = |id: &str| -> Option<Vec<String>> {
        let texts: Option<Vec<_>> = tables.iter().map(|table| table.texts(id)).collect();
        texts.map(|texts| texts.concat())
    };
    let filled = |id: &str| column(id).map(|texts| texts.iter().filter(|text| !text.is_empty()).count());
    let sample = &mut report.sample;
    sample.customers = tables[0].count();
    sample.looked_at = tables.iter().map(|table| table.rows.len()).sum();
    sample.with_mobile = filled("mobile");
    sample.with_salesperson = filled("catename");
    sample.with_records = filled("telintro");
    let is_long = |name: &&String| name.chars().count() > LONG_NAME;
    sample.long_names = column("name").map(|names| names.iter().filter(is_long).count());
    let mobiles = column("mobile").map(|texts| texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>());
    let is_masked = mobiles.as_ref().filter(|all| !all.is_empty()).map(|all| all.iter().any(|one| one.contains('*')));
    sample.mobiles_as_typed = mobiles
        .filter(|_| is_masked != Some(true))
        .map(|mobiles| mobiles.iter().filter(|mobile| !is_plain(mobile)).count());
    report.note("customers.masked", is_masked);
}

/// Eleven digits and nothing else.
fn is_plain(mobile: &str) -> bool {
    mobile.len() == 11 && mobile.bytes().all(|byte| byte.is_ascii_digit())
}

/// Asks for a large page, and for a page of a single row: that one may come without its array.
async fn page_size(looker: &mut Looker<'_>, report: &mut Report) -> Result<(), ErpError> {
    let large = LARGE_PAGE.to_string();
    let seen = looker.look(RawCall::CustomerList, &page("1", &large, &[])).await?;
    let cap = seen.table().and_then(|table| {
        let possible = table.records.map_or(LARGE_PAGE, |records| records.min(LARGE_PAGE));
        let by_rows = (table.rows.len() < possible).then_some(table.rows.len());
        match table.page_size {
            Some(size) if size < LARGE_PAGE => Some(Some(size)),
            None if table.records.is_none() => None,
            _ => Some(by_rows),
        }
    });
    report.shapes.page_cap = cap.flatten();
    report.note("customers.page_of_500", cap.map(|cap| cap.is_none()));
    looker.look(RawCall::CustomerList, &page("1", "1", &[])).await?;
    Ok(())
}

async fn order(looker: &mut Looker<'_>, report: &mut Report, first: &SeenTable) -> Result<(), ErpError> {
    let ords = |table: &SeenTable| table.rows.iter().filter_map(|row| row.ord).collect::<Vec<_>>();
    let unasked = ords(first);
    let falls = |ords: &[i64]| ords.is_sorted_by(|a, b| a > b);
    let rises = |ords: &[i64]| ords.is_sorted_by(|a, b| a < b);
    let newest_first = match unasked.len() {
        0 | 1 => None,
        _ if falls(&unasked) => Some(true),
        _ if rises(&unasked) => Some(false),
        _ => None,
    };
    report.note("customers.newest_first", newest_first);
    let up = looker.look(RawCall::CustomerList, &page("1", PAGE_SIZE, &[("_rpt_sort", "ord")])).await?;
    let down = looker.look(RawCall::CustomerList, &page("1", PAGE_SIZE, &[("_rpt_sort", "-ord")])).await?;
    let sorts = match (up.table(), down.table()) {
        (Some(up), Some(down)) if up.rows.len() > 1 => Some(rises(&ords(&up)) && falls(&ords(&down))),
        _ => None,
    };
    report.note("customers.filter._rpt_sort", sorts);
    for column in ["khid", "name"] {
        let sorts = sorts_by(looker, column).await?;
        report.note(format!("customers.sorts_by.{column}"), sorts);
    }
    Ok(())
}

/// Whether the list is sorted by a column of texts. Codes are compared as the client does; of names nobody knows the ERP's
/// alphabet, so that both ways must differ and neither be the order of the records.
async fn sorts_by(looker: &mut Looker<'_>, column: &str) -> Result<Option<bool>, ErpError> {
    let descending = format!("-{column}");
    let up = looker.look(RawCall::CustomerList, &page("1", PAGE_SIZE, &[("_rpt_sort", column)])).await?;
    let down = looker.look(RawCall::CustomerList, &page("1", PAGE_SIZE, &[("_rpt_sort", &descending)])).await?;
    let (Some(up), Some(down)) = (up.table(), down.table()) else { return Ok(None) };
    let keys = |table: &SeenTable| -> Option<Vec<String>> {
        table.texts(column).map(|texts| texts.iter().map(|text| text.to_lowercase()).collect())
    };
    let (Some(rising), Some(falling)) = (keys(&up), keys(&down)) else { return Ok(None) };
    if rising.iter().all(|key| Some(key) == rising.first()) {
        return Ok(None);
    }
    if column == "khid" {
        return Ok(Some(rising.is_sorted() && falling.is_sorted_by(|a, b| a >= b)));
    }
    Ok(Some(rising != falling && !up.rows.is_sorted_by_key(|row| row.ord)))
}

/// Details of customers: with records and with a mobile number first.
async fn details(looker: &mut Looker<'_>, report: &mut Report, tables: &[SeenTable]) -> Result<Vec<Known>, ErpError> {
    let rows = tables.iter().flat_map(|table| table.rows.iter().map(move |row| (table, row)));
    let mut rows: Vec<_> = rows.filter(|(_, row)| row.ord.is_some()).collect();
    let filled = |id: &str, (table, row): &(&SeenTable, &_)| table.cell(row, id).is_some_and(|text| !text.is_empty());
    rows.sort_by_key(|row| (!filled("telintro", row), !filled("mobile", row)));
    // The last one that has a number, too, where none of the first has.
    let with_mobile = rows.iter().find(|row| filled("mobile", row)).copied();
    // And the longest name: it is cut first.
    let length = |(table, row): &(&SeenTable, &SeenRow)| table.cell(row, "name").map_or(0, |name| name.chars().count());
    let longest = rows.iter().copied().max_by_key(length);
    let chosen = rows.into_iter().take(CLOSELY - 1).chain(with_mobile).chain(longest);
    let mut known: Vec<Known> = Vec::new();
    let mut forms = BillForms::default();
    let (mut right, mut demands_kind, mut names) = (Right::default(), None, Vec::new());
    for (table, row) in chosen {
        let Some(ord) = row.ord.filter(|ord| known.iter().all(|one| one.ord != *ord)) else { continue };
        let (kind, seen) = looker.detail(ord).await?;
        let goes_on = right.note(&seen);
        let Seen::Answer(tree) = seen else {
            if goes_on {
                continue;
            }
            break;
        };
        if demands_kind.is_none() {
            demands_kind = kind_is_demanded(looker, ord, kind).await?;
        }
        let fields = bill_fields(&tree);
        forms.note(&fields);
        let fields: Vec<_> = fields.iter().map(|field| (field.id.clone(), read(field))).collect();
        let mobile = fields.iter().find(|(id, _)| id == "mobile").map_or("", |(_, value)| value).to_owned();
        let one = Known { ord, mobile, fields };
        let whole = Some(one.field("name").to_owned()).filter(|whole| !whole.is_empty());
        names.extend(table.cell(row, "name").zip(whole));
        known.push(one);
    }
    whole_names(report, &names);
    report.note_how("right.customer.detail", right.is_open, right.how);
    report.note("details.demand_the_kind", demands_kind);
    let mobiles: Vec<&Known> = known.iter().filter(|one| !one.mobile.is_empty()).collect();
    let masked = (!mobiles.is_empty()).then(|| mobiles.iter().any(|one| one.mobile.contains('*')));
    report.note("details.masked", masked);
    looker.form.digits_as_numbers |= forms.digits_as_numbers;
    let any = !known.is_empty();
    report.note("details.sparse", any.then_some(forms.sparse));
    report.note("details.choices_as_ids", forms.choices.then_some(!forms.choice_texts));
    Ok(known)
}

/// Whether the list shows names as details do.
fn whole_names(report: &mut Report, names: &[(String, String)]) {
    let cut = names.iter().find_map(|(listed, whole)| cut_of(listed, whole));
    // Letters behind the cut are another name.
    let cut = cut.filter(|(_, mark)| !mark.chars().any(char::is_alphanumeric));
    report.note("customers.whole_names", (!names.is_empty()).then_some(cut.is_none()));
    report.shapes.names_cut = cut;
}

/// Whether a detail that answered as of this kind is refused as of the other.
async fn kind_is_demanded(looker: &mut Looker<'_>, ord: i64, kind: CustomerKind) -> Result<Option<bool>, ErpError> {
    if kind == CustomerKind::Company {
        return Ok(Some(true));
    }
    Ok(match looker.detail_as(CustomerKind::Company, ord).await? {
        Seen::Answer(_) => Some(false),
        Seen::Refused { .. } => Some(true),
        Seen::Page(_) | Seen::Nothing => None,
    })
}

/// What a filter takes: the value, else the text.
fn read(field: &SeenField) -> String {
    field.value.as_ref().or(field.text.as_ref()).map(text).unwrap_or_default()
}

/// In what form bills come.
#[derive(Debug, Default)]
struct BillForms {
    /// A plain field has only a value or only a text.
    sparse: bool,
    /// A field of choices is filled.
    choices: bool,
    /// One of them has a text.
    choice_texts: bool,
    digits_as_numbers: bool,
}

impl BillForms {
    fn note(&mut self, fields: &[SeenField]) {
        for field in fields {
            let is_filled = |value: &Option<Value>| value.as_ref().is_some_and(|value| !text(value).is_empty());
            match field.id.as_str() {
                "ly" | "jz" | "sort" => {
                    self.choices |= is_filled(&field.value);
                    self.choice_texts |= is_filled(&field.text);
                }
                "name" | "khid" | "mobile" | "address" | "intro" => {
                    self.sparse |= field.value.is_some() != field.text.is_some();
                    self.digits_as_numbers |= field.shown().is_some_and(Value::is_number);
                }
                _ => {}
            }
        }
    }
}

async fn filters(looker: &mut Looker<'_>, report: &mut Report, known: &[Known]) -> Result<(), ErpError> {
    let total = report.sample.customers;
    let ids = ID_FILTERS.iter().map(|(id, field)| (*id, *field, NO_ID));
    let texts = TEXT_FILTERS.iter().map(|(id, field)| (*id, *field, NO_TEXT));
    // It looks into the columns that the list shows (`erp-wire.md §1.9`).
    let shows_names = report.shapes.columns.get("customers").is_some_and(|cols| cols.iter().any(|col| col == "name"));
    let search_key = if shows_names { "name" } else { "" };
    let others = [
        ("telord", "ord", NO_ID),
        ("searchKey", search_key, NO_TEXT),
        ("cateid", "", NO_ID),
        ("date1_0", "", "2999-01-01"),
        ("date1_1", "", "1900-01-01"),
    ];
    for (filter, field, impossible) in texts.chain(ids).chain(others) {
        let one = known.iter().find(|one| field == "ord" || !one.field(field).is_empty());
        let ord = one.map(|one| one.ord.to_string()).unwrap_or_default();
        let must = one.map(|one| (one.ord, if field == "ord" { ord.as_str() } else { one.field(field) }));
        let (outcome, how) = filter_is_known(looker, RawCall::CustomerList, filter, impossible, must, total).await?;
        report.note_how(format!("customers.filter.{filter}"), outcome, how);
    }
    Ok(())
}

/// Whether `searchKey` finds a number: where customers have no contact persons of their own, nothing else does.
async fn search_by_number(looker: &mut Looker<'_>, report: &mut Report, known: &[Known]) -> Result<(), ErpError> {
    let code = "customers.search_key_finds_numbers";
    // It looks into the columns that the list shows (`erp-wire.md §1.9`).
    let shows_numbers =
        report.shapes.columns.get("customers").is_some_and(|cols| cols.iter().any(|col| col == "mobile"));
    let one = known.iter().find(|one| shows_numbers && !one.mobile.is_empty() && !one.mobile.contains('*'));
    let Some(one) = one.filter(|_| !report.refutes("customers.filter.searchKey")) else {
        report.note(code, Outcome::Unseen);
        return Ok(());
    };
    let seen = looker.look(RawCall::CustomerList, &page("1", PAGE_SIZE, &[("searchKey", &one.mobile)])).await?;
    let finds = match seen.table() {
        Some(table) if table.has_row(one.ord) => Some(true),
        Some(table) if table.count() <= table.rows.len() => Some(false),
        _ => None,
    };
    report.note_how(code, finds, seen.how());
    Ok(())
}

/// Whether `stype` tells 客户, 客户池 and 待审核 apart, by those values alone: what an ERP makes of another says nothing of them.
/// Lists that share some customers are asked for once more, all of them: one may have been moved since the first was read.
async fn places(looker: &mut Looker<'_>, report: &mut Report, customers: &SeenTable) -> Result<(), ErpError> {
    let code = "customers.filter.stype";
    let (mut lists, mut are_told_apart, mut how) = (vec![customers.clone()], None, "");
    for stypes in [&["1", "2"][..], &["", "1", "2"]] {
        lists.truncate(PLACES - stypes.len());
        for stype in stypes {
            let seen = looker.look(RawCall::CustomerList, &page("1", PAGE_SIZE, &[("stype", *stype)])).await?;
            let Some(table) = seen.table() else {
                report.note_how(code, Outcome::Unseen, seen.how());
                return Ok(());
            };
            lists.push(table);
        }
        (are_told_apart, how) = are_apart(&lists);
        if are_told_apart.is_some() {
            break;
        }
    }
    report.note_how(code, are_told_apart, how);
    Ok(())
}

/// Whether lists have no customer in common, or are one and the same, and how; `None` where they share some, or are all empty.
fn are_apart(lists: &[SeenTable]) -> (Option<bool>, &'static str) {
    let ords = |table: &SeenTable| table.rows.iter().filter_map(|row| row.ord).collect::<BTreeSet<_>>();
    let lists: Vec<(BTreeSet<i64>, usize)> = lists.iter().map(|table| (ords(table), table.count())).collect();
    if lists.iter().all(|(ords, _)| ords.is_empty()) {
        return (None, "");
    }
    let shares = |at: usize| lists[..at].iter().any(|(other, _)| !other.is_disjoint(&lists[at].0));
    match (1..lists.len()).any(shares) {
        false => (Some(true), ""),
        true if lists.iter().all(|list| *list == lists[0]) => (Some(false), "ignored"),
        true => (None, "some customers stand in several lists"),
    }
}

/// Asks with a value that cannot match and, where a record is known, with one that must.
pub(super) async fn filter_is_known(
    looker: &mut Looker<'_>,
    list: RawCall,
    filter: &'static str,
    impossible: &str,
    must: Option<(i64, &str)>,
    total: usize,
) -> Result<(Outcome, String), ErpError> {
    if total == 0 {
        return Ok((Outcome::Unseen, String::new()));
    }
    let seen = looker.look(list, &page("1", PAGE_SIZE, &[(filter, impossible)])).await?;
    let Some(table) = seen.table() else { return Ok((Outcome::Unseen, seen.how())) };
    if table.count() > 0 {
        return Ok((Outcome::DoesNot, "ignored".to_owned()));
    }
    let Some((ord, value)) = must else { return Ok((Outcome::Holds, String::new())) };
    let seen = looker.look(list, &page("1", PAGE_SIZE, &[(filter, value)])).await?;
    match seen.table() {
        // A filter may look at something else than the detail shows; it is known all the same.
        Some(table) if !table.has_row(ord) && table.count() <= table.rows.len() => {
            Ok((Outcome::DoesNot, "misses a record that it should find".to_owned()))
        }
        Some(_) => Ok((Outcome::Holds, String::new())),
        None => Ok((Outcome::Unseen, seen.how())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A page of these customers, of so many.
    fn list(ords: &[i64], count: usize) -> SeenTable {
        let rows: Vec<Value> = ords.iter().map(|ord| json!([ord])).collect();
        SeenTable::read(&json!({"cols": [{"id": "ord"}], "rows": rows, "page": {"recordcount": count}})).unwrap()
    }

    #[test]
    fn lists_are_one_where_all_of_them_are_the_same_and_apart_where_they_share_nobody() {
        let (many, none) = (list(&[9, 8, 7], 5), list(&[], 0));
        let shared = (None, "some customers stand in several lists");
        for (pool, pending, expected) in [
            (none.clone(), none.clone(), (Some(true), "")),
            (list(&[6], 1), none.clone(), (Some(true), "")),
            (many.clone(), many.clone(), (Some(false), "ignored")),
            (list(&[9], 1), none.clone(), shared),
            (list(&[6], 1), list(&[6], 1), shared),
            (many.clone(), none.clone(), shared),
            (many.clone(), list(&[9, 8, 7], 4), shared),
        ] {
            assert_eq!(are_apart(&[many.clone(), pool.clone(), pending.clone()]), expected, "{pool:?} {pending:?}");
        }
        assert_eq!(are_apart(&[none.clone(), none.clone(), none]), (None, ""));
    }
}
