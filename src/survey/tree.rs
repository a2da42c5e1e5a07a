//! Reading an answer for its form: nothing is repaired, and values keep their JSON types.

use serde_json::Value;

/// Columns that hold texts; a number there is a text that the installation wrote as one.
const TEXTS: [&str; 8] = ["name", "mobile", "phone", "khid", "weixinAcc", "personname", "person_name", "intro"];

/// The member of an object, whatever case its name is written in.
pub(super) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// A whole number, written as one or as a text.
pub(super) fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// A value as people read it, entities decoded.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => html_escape::decode_html_entities(text).trim().to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// How many characters of a text are shown of it, and what stands behind the cut; `None` where it is shown whole, or another.
pub(super) fn cut_of(shown: &str, whole: &str) -> Option<(usize, String)> {
    let kept = shown.chars().zip(whole.chars()).take_while(|(a, b)| a == b).count();
    let is_cut = shown != whole && kept > 0;
    is_cut.then(|| (kept, shown.chars().skip(kept).take(10).collect()))
}

/// One row of a table.
#[derive(Debug, Clone)]
pub(super) struct SeenRow {
    pub(super) ord: Option<i64>,
    cells: Vec<Value>,
}

/// A table of either family of interfaces.
#[derive(Debug, Clone)]
pub(super) struct SeenTable {
    pub(super) cols: Vec<String>,
    pub(super) rows: Vec<SeenRow>,
    /// How many rows there are on all pages, where the answer says so.
    pub(super) records: Option<usize>,
    /// The page size as the answer has it.
    pub(super) page_size: Option<usize>,
    pub(super) as_objects: bool,
    pub(super) without_array: bool,
}

impl SeenTable {
    pub(super) fn read(tree: &Value) -> Option<Self> {
        let source = member(tree, "body").and_then(|body| member(body, "source"));
        let table = source.and_then(|source| member(source, "table")).unwrap_or(tree);
        let cols: Vec<String> = member(table, "cols")?.as_array()?.iter().map(column).collect();
        let rows = member(table, "rows")?;
        let list: Vec<&Value> = match rows {
            Value::Array(rows) => rows.iter().collect(),
            single => vec![single],
        };
        let count = |name| member(table, "page").and_then(|page| member(page, name)).and_then(integer);
        let count = |name| count(name).and_then(|count| usize::try_from(count).ok());
        Some(Self {
            records: count("recordcount"),
            page_size: count("pagesize"),
            as_objects: rows.is_array() && list.iter().any(|row| row.is_object()),
            without_array: rows.is_object(),
            rows: list.into_iter().map(|row| read_row(row, &cols)).collect(),
            cols,
        })
    }

    /// The cell of a column, as text; `None` where the list has no such column.
    pub(super) fn cell(&self, row: &SeenRow, id: &str) -> Option<String> {
        let at = self.cols.iter().position(|col| col.eq_ignore_ascii_case(id))?;
        row.cells.get(at).map(text)
    }

    /// The texts of a column.
    pub(super) fn texts(&self, id: &str) -> Option<Vec<String>> {
        self.rows.iter().map(|row| self.cell(row, id)).collect()
    }

    pub(super) fn has_row(&self, ord: i64) -> bool {
        self.rows.iter().any(|row| row.ord == Some(ord))
    }

    /// How many rows match: as counted, else those on this page.
    pub(super) fn count(&self) -> usize {
        self.records.unwrap_or(self.rows.len())
    }

    /// Whether the ids in column `ord` are texts; `None` without such a column or row.
    pub(super) fn is_of_texts(&self) -> Option<bool> {
        let at = self.cols.iter().position(|col| col == "ord")?;
        Some(self.rows.first()?.cells.get(at)?.is_string())
    }

    pub(super) fn has_numbers_for_texts(&self) -> bool {
        let texts = |at: usize| self.cols.get(at).is_some_and(|col| TEXTS.contains(&col.as_str()));
        self.rows.iter().flat_map(|row| row.cells.iter().enumerate()).any(|(at, cell)| texts(at) && cell.is_number())
    }
}

/// A column's id; one that is no plain word could be anything and is not handed on.
fn column(value: &Value) -> String {
    let id = member(value, "id").map(text).unwrap_or_default();
    let is_word =
        !id.is_empty() && id.len() <= 40 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_word = is_word && id.bytes().any(|byte| byte.is_ascii_alphabetic());
    if is_word { id } else { "column".to_owned() }
}

fn read_row(row: &Value, cols: &[String]) -> SeenRow {
    let inner = member(row, "value").filter(|inner| inner.is_array());
    let cells: Vec<Value> = match inner.unwrap_or(row) {
        Value::Array(cells) => cells.clone(),
        named => cols.iter().map(|col| member(named, col).cloned().unwrap_or_default()).collect(),
    };
    let own = cols.iter().position(|col| col == "ord").and_then(|at| cells.get(at)).and_then(integer);
    let outer = || ["ord", "id"].iter().find_map(|name| member(row, name)).and_then(integer);
    SeenRow { ord: own.or_else(outer), cells }
}

/// One field of a bill: its value and its text, where it has them.
#[derive(Debug, Clone)]
pub(super) struct SeenField {
    pub(super) id: String,
    pub(super) value: Option<Value>,
    pub(super) text: Option<Value>,
}

impl SeenField {
    /// What it shows, and as it was written.
    pub(super) fn shown(&self) -> Option<&Value> {
        self.text.as_ref().or(self.value.as_ref())
    }
}

/// The fields of a bill.
pub(super) fn bill_fields(tree: &Value) -> Vec<SeenField> {
    let bill = member(tree, "body").and_then(|body| member(body, "bill"));
    let groups = bill.and_then(|bill| member(bill, "groups")).and_then(Value::as_array);
    let fields = groups.into_iter().flatten().filter_map(|group| member(group, "fields")?.as_array()).flatten();
    let field = |field: &Value| {
        let id = member(field, "id").map(text)?;
        Some(SeenField { id, value: member(field, "value").cloned(), text: member(field, "text").cloned() })
    };
    fields.filter_map(field).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_read_in_every_form_and_keep_the_types_of_their_values() {
        for rows in [
            json!([["7", "张"]]),
            json!([{"ord": 7, "value": ["7", "张"]}]),
            json!({"id": 7, "value": ["7", "张"]}),
            json!([{"ord": "7", "name": "张"}]),
        ] {
            let tree = json!({"body": {"source": {"table": {"cols": [{"id": "ord"}, {"id": "name"}], "rows": rows}}}});
            let table = SeenTable::read(&tree).unwrap();
            assert!(table.has_row(7), "{tree}");
            assert_eq!(table.texts("name"), Some(vec!["张".to_owned()]), "{tree}");
            assert_eq!(table.is_of_texts(), Some(true), "{tree}");
        }
    }

    #[test]
    fn a_column_whose_id_is_no_word_is_not_handed_on() {
        for (id, handed_on) in [("zdy_1", "zdy_1"), ("张三", "column"), ("13800138000", "column"), ("", "column")] {
            assert_eq!(column(&json!({"id": id})), handed_on);
        }
    }
}
