//! Lists come in pages. A list that is read only in part would make doubles, so all pages are read, or none counts.

use super::{
    Erp, ErpError, Field,
    envelope::{Row, Table},
    interface::{Interface, Style},
};

/// How many pages are read at most.
pub const PAGES_MAX: i64 = 50;

/// A page with fewer rows than any installation's page size is the last, where the ERP does not count its pages.
const SHORT_PAGE: usize = 10;

impl Erp {
    /// All rows that match `filters`.
    ///
    /// # Errors
    ///
    /// [`ErpError::TooMany`] beyond 50 pages; the pages of an ERP that turns none are an unknown outcome.
    pub(super) async fn all_rows(&self, interface: &Interface, filters: Vec<Field>) -> Result<Vec<Row>, ErpError> {
        self.rows_until(interface, filters, PAGES_MAX, |_| false).await
    }

    /// The first page of the rows that match `filters`, and whether it holds all of them.
    pub(super) async fn first_rows(
        &self,
        interface: &Interface,
        filters: Vec<Field>,
    ) -> Result<(Vec<Row>, bool), ErpError> {
        let table = self.page(interface, &filters, 1).await?;
        let is_all = is_last(&table, 1, table.rows.len());
        Ok((table.rows, is_all))
    }

    /// The rows that match `filters`, page by page until `enough` says of those read so far that they are.
    ///
    /// # Errors
    ///
    /// As [`Erp::all_rows`], beyond `pages_max` pages.
    pub(super) async fn rows_until(
        &self,
        interface: &Interface,
        filters: Vec<Field>,
        pages_max: i64,
        enough: impl Fn(&[Row]) -> bool + Send + Sync,
    ) -> Result<Vec<Row>, ErpError> {
        let mut rows: Vec<Row> = Vec::new();
        let mut page_before: Vec<Row> = Vec::new();
        for page in 1..=pages_max {
            let table = self.page(interface, &filters, page).await?;
            if !table.rows.is_empty() && table.rows == page_before {
                return repeated(interface, &table, rows);
            }
            rows.extend(table.rows.iter().cloned());
            if is_last(&table, page, rows.len()) || enough(&rows) {
                return Ok(rows);
            }
            page_before = table.rows;
        }
        Err(ErpError::TooMany(format!("{} has more than {pages_max} pages; narrow the filter", interface.name)))
    }

    async fn page(&self, interface: &Interface, filters: &[Field], page: i64) -> Result<Table, ErpError> {
        let (size, index) = match interface.style {
            Style::Asp => ("pagesize", "pageindex"),
            Style::V3 => ("page_size", "page_index"),
        };
        let paging = [Field::number(size, interface.page_size), Field::number(index, page)];
        let reply = self.call(interface, &[filters, &paging].concat()).await?;
        reply.table.ok_or_else(|| ErpError::garbled("a list without a table"))
    }
}

/// Whether no page follows this one.
pub(super) fn is_last(table: &Table, page: i64, rows_read: usize) -> bool {
    if table.rows.is_empty() {
        return true;
    }
    match (table.page_count, table.record_count) {
        (Some(pages), _) if pages > 0 => page >= pages,
        (_, Some(records)) if records > 0 => i64::try_from(rows_read).unwrap_or(i64::MAX) >= records,
        _ => table.rows.len() < SHORT_PAGE,
    }
}

/// The ERP gave the same page again. If it counts no more rows than those, it has simply no more pages.
fn repeated(interface: &Interface, table: &Table, rows: Vec<Row>) -> Result<Vec<Row>, ErpError> {
    let read = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    if table.record_count.is_some_and(|records| records > read) || table.page_count.is_some_and(|pages| pages > 1) {
        return Err(ErpError::garbled(format!("{} gives the same page again and again", interface.name)));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rows: usize, page_count: Option<i64>, record_count: Option<i64>) -> Table {
        Table { rows: vec![Row::default(); rows], page_count, record_count }
    }

    #[test]
    fn the_last_page_is_recognised_by_whatever_the_erp_counts() {
        let table = [
            ("no rows", page(0, Some(9), Some(900)), 1, true),
            ("a page before the last", page(20, Some(3), None), 2, false),
            ("the last page", page(20, Some(3), None), 3, true),
            ("one row short of all", page(20, None, Some(41)), 2, false),
            ("all rows", page(20, None, Some(40)), 2, true),
            ("uncounted, a short page", page(9, None, None), 1, true),
            ("uncounted, a page that could be full", page(10, None, None), 1, false),
            ("counts of zero beside rows are no counts", page(10, Some(0), Some(0)), 1, false),
        ];
        for (what, table, number, expected) in table {
            assert_eq!(
                is_last(&table, number, table.rows.len() * usize::try_from(number).unwrap()),
                expected,
                "{what}"
            );
        }
    }
}
