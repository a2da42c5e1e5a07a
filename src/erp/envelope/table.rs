//! A list (SourceClass): rows whose cells are found by the ids of the columns, never by position alone
//! (`erp-wire.md §1.3`).

use serde_json::Value;

use super::lenient::{first_member, integer, items, member, member_text, text};

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
    /// How many pages there are, if the ERP says.
    pub(crate) page_count: Option<i64>,
    /// How many rows there are on all pages, if the ERP says.
    pub(crate) record_count: Option<i64>,
}

/// One row: its cells by column id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Row {
    cells: Vec<(String, Cell)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Cell {
    text: String,
    /// The record that the cell points to, where cells are objects.
    id: Option<String>,
}

impl Row {
    /// The cell of a column; `None` if the list has no such column.
    pub(crate) fn text(&self, column: &str) -> Option<&str> {
        self.cell(column).map(|cell| cell.text.as_str())
    }

    /// The same, owned: rows are taken apart into the structs of the rooms above.
    pub(crate) fn owned(&self, column: &str) -> Option<String> {
        self.text(column).map(str::to_owned)
    }

    /// The cell of a column as an integer.
    pub(crate) fn integer(&self, column: &str) -> Option<i64> {
        self.text(column).and_then(integer)
    }

    /// The id that a cell carries beside its text.
    pub(crate) fn cell_id(&self, column: &str) -> Option<i64> {
        self.cell(column)?.id.as_deref().and_then(integer)
    }

    /// All cells in order.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (&str, &str)> {
        self.cells.iter().map(|(id, cell)| (id.as_str(), cell.text.as_str()))
    }

    fn cell(&self, column: &str) -> Option<&Cell> {
        self.cells.iter().find(|(id, _)| id.eq_ignore_ascii_case(column)).map(|(_, cell)| cell)
    }
}

impl Table {
    /// Reads a table: `body.source.table` of the ASP interfaces, the top level of the v3 ones. `Ok(None)` if there is
    /// none; an error if rows are promised and none can be read (a list wrongly taken for empty would make doubles).
    pub(super) fn read(value: &Value) -> Result<Option<Self>, String> {
        if first_member(value, &["cols", "rows"]).is_none() && member(value, "page").is_none() {
            return Ok(None);
        }
        let columns: Vec<String> =
            member(value, "cols").map(items).unwrap_or_default().into_iter().map(column).collect();
        let page = member(value, "page").cloned().unwrap_or_default();
        let count = |name: &str| member(&page, name).and_then(text).and_then(|text| integer(&text));
        let (page_count, record_count) = (count("pagecount"), count("recordcount"));
        let rows = match member(value, "rows") {
            Some(rows) => row_values(rows, columns.len()).into_iter().map(|row| read_row(row, &columns)).collect(),
            None if record_count == Some(0) => Vec::new(),
            None => return Err("a list without rows".into()),
        };
        let beyond_the_end = count("pageindex").is_some_and(|index| index > 1);
        if rows.is_empty() && record_count.is_some_and(|count| count > 0) && !beyond_the_end {
            return Err("a list that counts rows and shows none".into());
        }
        if rows.iter().any(|row: &Row| row.cells.is_empty()) {
            return Err("a list with a row that cannot be read".into());
        }
        Ok(Some(Self { rows, page_count, record_count }))
    }
}

fn column(value: &Value) -> String {
    text(value)
        .or_else(|| first_member(value, &["id", "dbname", "name"]).and_then(text))
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// The rows, also where the only row came without its array.
fn row_values(rows: &Value, columns: usize) -> Vec<RowValue<'_>> {
    match rows {
        Value::Array(cells) if columns > 0 && cells.len() == columns && !cells.iter().any(nested) => {
            vec![RowValue::Cells(cells.iter().collect())]
        }
        rows => items(rows).into_iter().map(RowValue::Whole).collect(),
    }
}

enum RowValue<'a> {
    Whole(&'a Value),
    Cells(Vec<&'a Value>),
}

fn nested(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

fn read_row(row: RowValue<'_>, columns: &[String]) -> Row {
    match row {
        RowValue::Cells(cells) => Row { cells: cells_by_column(&cells, columns) },
        RowValue::Whole(Value::Array(cells)) => {
            Row { cells: cells_by_column(&cells.iter().collect::<Vec<_>>(), columns) }
        }
        RowValue::Whole(row @ Value::Object(members)) => {
            // `{"ord": 7592, "value": […]}`: the cells are inside, the record's id is outside.
            let inner = first_member(row, &["value", "values", "cells"]).filter(|inner| nested(inner));
            let mut cells = match inner {
                Some(Value::Array(inner)) => cells_by_column(&inner.iter().collect::<Vec<_>>(), columns),
                Some(Value::Object(inner)) => inner.iter().map(|(id, value)| (id.clone(), cell(value))).collect(),
                _ => members.iter().map(|(id, value)| (id.clone(), cell(value))).collect(),
            };
            cells.retain(|(id, cell)| !id.eq_ignore_ascii_case("ord") || !cell.text.is_empty());
            let outer = first_member(row, &["ord", "id"]).map(cell).filter(|outer| !outer.text.is_empty());
            if let Some(outer) = outer.filter(|_| !cells.iter().any(|(id, _)| id.eq_ignore_ascii_case("ord"))) {
                cells.push(("ord".to_owned(), outer));
            }
            Row { cells }
        }
        RowValue::Whole(_) => Row::default(),
    }
}

fn cells_by_column(cells: &[&Value], columns: &[String]) -> Vec<(String, Cell)> {
    let pairs = cells.iter().zip(columns.iter().map(Some).chain(std::iter::repeat(None)));
    pairs
        .filter_map(|(value, column)| {
            // A cell can name its column itself: `{"id": "khid", "value": "WX1"}`.
            let own = columns.iter().find(|column| {
                !column.is_empty() && value.is_object() && member_text(value, "id").eq_ignore_ascii_case(column)
            });
            let column = own.or(column)?;
            Some((column.clone(), cell(value)))
        })
        .collect()
}

fn cell(value: &Value) -> Cell {
    if !value.is_object() {
        return Cell { text: text(value).unwrap_or_default(), id: None };
    }
    let id = first_member(value, &["ord", "id"]).and_then(text);
    let shown = first_member(value, &["value", "text"]).and_then(text);
    Cell { text: shown.unwrap_or_default(), id }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Table {
        Table::read(value).unwrap().unwrap()
    }

    #[test]
    fn a_row_is_read_whatever_its_shape() {
        let cols = json!([{"id": "Ord"}, {"id": "name"}, {"id": "khid"}]);
        let table = [
            ("an array", json!([["7592", "&#24352;三", "WX1"]])),
            ("an array that is not in an array", json!(["7592", "张三", "WX1"])),
            ("plain members", json!([{"ord": "7592", "name": "张三", "khid": "WX1"}])),
            ("one object instead of an array", json!({"ord": "7592", "name": "张三", "khid": "WX1"})),
            ("positions as keys", json!({"0": ["7592", "张三", "WX1"]})),
            ("an id instead of an ord", json!([{"id": "7592", "name": "张三", "KHID": "WX1"}])),
            (
                "cells as objects",
                json!([{"ord": {"value": "7592"}, "name": {"value": "张三", "ord": "7592"}, "khid": {"value": "WX1"}}]),
            ),
            (
                "an array of cell objects",
                json!([[{"value": "7592"}, {"value": "张三", "id": "7592"}, {"value": "WX1"}]]),
            ),
            (
                "cells that name their columns",
                json!([[{"id": "khid", "value": "WX1"}, {"id": "ord", "value": "7592"}, {"id": "name", "value": "张三"}]]),
            ),
            ("cells inside, id outside", json!([{"ord": "7592", "value": ["", "张三", "WX1"]}])),
            ("members inside, id outside", json!([{"id": "7592", "value": {"name": "张三", "khid": "WX1"}}])),
        ];
        for (what, rows) in table {
            let table = read(&json!({"cols": cols, "rows": rows}));
            assert_eq!(table.rows.len(), 1, "{what}");
            let row = &table.rows[0];
            assert_eq!(row.integer("ord"), Some(7592), "{what}");
            assert_eq!((row.text("NAME"), row.text("khid")), (Some("张三"), Some("WX1")), "{what}");
            assert_eq!(row.text("mobile"), None, "{what}");
        }
    }

    #[test]
    fn columns_are_found_by_id_in_any_order() {
        let table = read(
            &json!({"cols": [{"id": "khid"}, {"id": "mobile"}, {"id": "ord"}], "rows": [["WX1", "13800138000", "1"], ["WX2", "", "2"]]}),
        );
        assert_eq!(table.rows[0].text("mobile"), Some("13800138000"));
        assert_eq!(table.rows[1].text("mobile"), Some(""));
        assert_eq!(table.rows[1].integer("ord"), Some(2));
    }

    #[test]
    fn a_cell_can_carry_the_record_it_points_to() {
        let table =
            read(&json!({"rows": [{"company": {"value": "某公司", "ord": "12"}, "name": {"value": "x", "id": "13"}}]}));
        assert_eq!((table.rows[0].text("company"), table.rows[0].cell_id("company")), (Some("某公司"), Some(12)));
        assert_eq!(table.rows[0].cell_id("name"), Some(13));
    }

    #[test]
    fn an_empty_list_is_only_believed_when_it_says_so() {
        let cols = json!([{"id": "ord"}]);
        for rows in [json!([]), json!(null), json!(""), json!({})] {
            assert_eq!(read(&json!({"cols": cols, "rows": rows})).rows, []);
            assert_eq!(read(&json!({"cols": cols, "rows": rows, "page": {"recordcount": "0"}})).rows, []);
            let beyond = json!({"cols": cols, "rows": rows, "page": {"recordcount": "20", "pageindex": "2"}});
            assert_eq!(read(&beyond).rows, []);
            assert!(Table::read(&json!({"cols": cols, "rows": rows, "page": {"recordcount": "3"}})).is_err());
        }
        assert_eq!(read(&json!({"cols": cols, "page": {"recordcount": "0"}})).rows, []);
        assert!(Table::read(&json!({"cols": cols})).is_err());
        assert!(Table::read(&json!({"rows": ["garbage", "more"]})).is_err());
        assert_eq!(Table::read(&json!({"message": {}})), Ok(None));
    }

    #[test]
    fn page_counts_are_read_in_either_spelling() {
        let table = read(&json!({"Cols": [], "Rows": [], "Page": {"RecordCount": "0", "PageCount": "1"}}));
        assert_eq!((table.page_count, table.record_count), (Some(1), Some(0)));
    }
}
