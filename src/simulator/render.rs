//! Turns an [`Answer`] into bytes, with the quirks drawn for it (`erp-wire.md` §1).

use serde_json::{Map, Value, json};

use super::{
    alterations::masked,
    answer::{Answer, Bill, BillField, Node, Page, Row, Table},
    choices::Choice,
    columns::title,
    quirks::{DrawnQuirks, Quirk},
};

/// An HTTP answer.
#[derive(Clone, Debug)]
pub(super) struct Rendered {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
}

pub(super) const HTML: &str = "text/html; charset=utf-8";
pub(super) const JSON: &str = "application/json; charset=utf-8";

/// The bytes of an answer; `session` is echoed in the header of the ASP interfaces.
pub(super) fn render(answer: Answer, session: &str, mut quirks: DrawnQuirks) -> Rendered {
    let mut tree = match answer {
        Answer::Html { status, text } => return html(status, text),
        Answer::V3 { code, text } => json!({"Code": code, "Msg": text}),
        Answer::Table { table, v3: true } => v3_table(table, &mut quirks),
        Answer::Login { session } => {
            let mut tree = envelope(0, "登录成功", &session, message("登录成功"));
            tree["header"]["appversion"] = json!("32.05");
            tree
        }
        Answer::Done { text } => envelope(0, "", session, message(&text)),
        Answer::Refused { text, always_zero } => {
            let zero = always_zero || quirks.has(Quirk::RefusedStatus0);
            let (status, header) = if zero { (0, "") } else { (1, text.as_str()) };
            envelope(status, header, session, message(&text))
        }
        Answer::Failed { status, text } => envelope(status, &text, "", message(&text)),
        Answer::Bill(record) => envelope(0, "", session, json!({"bill": bill(record, &mut quirks)})),
        Answer::Table { table, v3: false } => {
            let source = json!({"type_": "table", "table": asp_table(table, &mut quirks)});
            envelope(0, "", session, json!({"source": source}))
        }
        Answer::Options(choices) => envelope(0, "", session, json!({"source": options(&choices, &mut quirks)})),
        Answer::Trees(nodes) => {
            let source = json!({"type_": "tree", "trees": {"nodes": tree_nodes(&nodes)}});
            envelope(0, "", session, json!({"source": source}))
        }
    };
    disturb(&mut tree, "", &mut quirks);
    Rendered { status: 200, content_type: JSON, body: bytes(&tree, &quirks) }
}

/// A page for people, as IIS shows it.
pub(super) fn html(status: u16, text: &str) -> Rendered {
    let body =
        format!("<!DOCTYPE html>\n<html><head><title>{text}</title></head><body><h2>{text}</h2></body></html>\n");
    Rendered { status, content_type: HTML, body: body.into_bytes() }
}

fn envelope(status: i64, message: &str, session: &str, body: Value) -> Value {
    json!({"header": {"status": status, "message": message, "session": session}, "body": body})
}

fn message(text: &str) -> Value {
    json!({"message": {"title": "系统提示", "text": text, "url": "", "wait": 0, "target": "", "uitype": "", "data": ""}})
}

fn bill(bill: Bill, quirks: &mut DrawnQuirks) -> Value {
    let mut groups: Vec<(&str, Vec<Value>)> = Vec::new();
    for field in bill.fields {
        let at = groups.iter().position(|(title, _)| *title == field.group).unwrap_or_else(|| {
            groups.push((field.group, Vec::new()));
            groups.len() - 1
        });
        groups[at].1.push(bill_field(field, quirks));
    }
    let groups: Vec<Value> =
        groups.into_iter().map(|(title, fields)| json!({"title": title, "fields": fields})).collect();
    json!({"title": bill.title, "value": bill.ord, "groups": groups})
}

fn bill_field(mut field: BillField, quirks: &mut DrawnQuirks) -> Value {
    if field.id == "mobile" && quirks.has(Quirk::MaskedDetails) {
        field.value = masked(&field.value);
        field.text = masked(&field.text);
    }
    let mut shown = Map::new();
    shown.insert("id".to_owned(), json!(field.id));
    shown.insert("name".to_owned(), json!(field.title));
    // Else choices show both: no client could tell an id from a text.
    let only_value = quirks.has(Quirk::ValuesOnly) && field.value != field.text;
    let sparse = only_value || quirks.has(Quirk::SparseBill) && field.value == field.text;
    let only_text = sparse && !only_value && quirks.flip();
    if !only_text {
        shown.insert("value".to_owned(), json!(field.value));
    }
    if !sparse || only_text {
        shown.insert("text".to_owned(), json!(field.text));
    }
    if field.required {
        shown.insert("notnull".to_owned(), json!(1));
    }
    if let Some(limit) = field.limit {
        shown.insert("maxl".to_owned(), json!(limit));
    }
    Value::Object(shown)
}

fn asp_table(table: Table, quirks: &mut DrawnQuirks) -> Value {
    let page = page(table.page);
    let (cols, rows) = cols_and_rows(table, quirks);
    json!({"cols": cols, "rows": rows, "page": page})
}

fn v3_table(table: Table, quirks: &mut DrawnQuirks) -> Value {
    let Page { index, size, records, is_counted: _ } = table.page;
    let count = table.page.count();
    let (cols, rows) = cols_and_rows(table, quirks);
    let page = json!({"RecordCount": records, "PageSize": size, "PageIndex": index, "PageCount": count});
    json!({"Code": 200, "Msg": "", "Cols": cols, "Rows": rows, "Page": page})
}

fn page(page: Page) -> Value {
    if !page.is_counted {
        return json!({"pageindex": page.index, "pagesize": page.size});
    }
    json!({"pagecount": page.count(), "pageindex": page.index, "pagesize": page.size, "recordcount": page.records})
}

fn cols_and_rows(table: Table, quirks: &mut DrawnQuirks) -> (Value, Value) {
    let single = table.rows.len() == 1 && quirks.has(Quirk::SingleRowObject);
    let objects = single || quirks.has(Quirk::RowsObjects);
    let mut order = quirks.columns(table.name, &table.cols, table.kept);
    if objects && quirks.has(Quirk::MissingColumns) && !table.kept.contains(&"ord") {
        // The row itself says its `ord` then.
        order.retain(|at| table.cols[*at] != "ord");
    }
    let col = |at: &usize| json!({"id": table.cols[*at], "title": title(&table.cols[*at])});
    let cols: Vec<Value> = order.iter().map(col).collect();
    let is_masked = quirks.has(Quirk::MaskedLists);
    let value = |row: &Row, at: usize| match (table.cols[at].as_str(), &row.values[at]) {
        ("mobile", Value::String(number)) if is_masked => Value::String(masked(number)),
        (_, value) => value.clone(),
    };
    let mut row = |row: Row| {
        let values: Vec<Value> = order.iter().map(|at| value(&row, *at)).collect();
        match (objects, objects && quirks.flip()) {
            (false, _) => Value::Array(values),
            (true, false) => json!({"ord": row.ord, "value": values}),
            (true, true) => json!({"id": row.ord, "value": values}),
        }
    };
    let mut rows: Vec<Value> = table.rows.into_iter().map(&mut row).collect();
    let rows = if single { rows.swap_remove(0) } else { Value::Array(rows) };
    (Value::Array(cols), rows)
}

/// The shape is assumed (`erp-wire.md` §3, trees).
fn tree_nodes(nodes: &[Node]) -> Value {
    let node = |node: &Node| json!({"text": node.text, "value": node.value, "nodes": tree_nodes(&node.nodes)});
    nodes.iter().map(node).collect()
}

fn options(choices: &[Choice], quirks: &mut DrawnQuirks) -> Value {
    if quirks.has(Quirk::OptionsTable) {
        let rows: Vec<Value> = choices.iter().map(|(id, text)| json!([id, text])).collect();
        let size = choices.len();
        let page = page(Page { index: 1, size, records: size, is_counted: true });
        return json!({"type_": "table", "table": {"cols": [{"id": "id"}, {"id": "text"}], "rows": rows, "page": page}});
    }
    let short = quirks.has(Quirk::OptionsVn);
    let option =
        |(id, text): &Choice| if short { json!({"v": id, "n": text}) } else { json!({"id": id, "text": text}) };
    json!({"type_": "options", "options": choices.iter().map(option).collect::<Vec<_>>()})
}

/// Changes how values are written, never what they mean: numbers, strings, entities, stray control characters.
fn disturb(value: &mut Value, key: &str, quirks: &mut DrawnQuirks) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| disturb(item, key, quirks)),
        Value::Object(members) => members.iter_mut().for_each(|(key, member)| disturb(member, key, quirks)),
        Value::Number(number) if quirks.has(Quirk::NumbersAsStrings) => *value = Value::String(number.to_string()),
        Value::String(text) => {
            if let Some(number) = as_number(text).filter(|_| quirks.has(Quirk::StringsAsNumbers)) {
                *value = number;
                return;
            }
            let shown = matches!(key, "text" | "value" | "title" | "message" | "n" | "name" | "rows" | "Rows" | "Msg");
            if shown && quirks.has(Quirk::Entities) {
                *text = with_entities(text, quirks);
            }
            if matches!(key, "title" | "message") && quirks.has(Quirk::RawControl) {
                text.push_str("\t\r\n\u{1}");
            }
        }
        _ => {}
    }
}

/// A whole number that reads back as the same text; `007` is none.
fn as_number(text: &str) -> Option<Value> {
    text.parse::<i64>().ok().filter(|number| number.to_string() == text).map(Value::from)
}

/// Some of the characters beyond ASCII as entities, and every `&`, so that decoding once gives the text back.
fn with_entities(text: &str, quirks: &mut DrawnQuirks) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        let hidden = c == '&' || (!c.is_ascii() && quirks.flip());
        match (hidden, hidden && quirks.flip()) {
            (false, _) => out.push(c),
            (true, false) => out.push_str(&format!("&#{};", u32::from(c))),
            (true, true) => out.push_str(&format!("&#x{:X};", u32::from(c))),
        }
    }
    out
}

fn bytes(tree: &Value, quirks: &DrawnQuirks) -> Vec<u8> {
    let mut text = tree.to_string();
    if quirks.has(Quirk::RawControl) {
        text = with_raw_controls(&text);
    }
    if quirks.has(Quirk::Bom) {
        text.insert(0, '\u{feff}');
    }
    text.into_bytes()
}

/// Puts the control characters themselves where JSON has their escapes.
fn with_raw_controls(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = &rest[at..];
        let raw = match escape.as_bytes().get(1) {
            Some(b'n') => Some(('\n', 2)),
            Some(b'r') => Some(('\r', 2)),
            Some(b't') => Some(('\t', 2)),
            Some(b'b') => Some(('\u{8}', 2)),
            Some(b'f') => Some(('\u{c}', 2)),
            Some(b'u') => control(escape).map(|c| (c, 6)),
            _ => None,
        };
        let length = match raw {
            Some((c, length)) => {
                out.push(c);
                length
            }
            None => {
                out.push_str(&escape[..2]);
                2
            }
        };
        rest = &escape[length..];
    }
    out + rest
}

/// The control character of an escape such as `\u0001`.
fn control(escape: &str) -> Option<char> {
    u8::from_str_radix(escape.get(2..6)?, 16).ok().filter(|code| *code < 0x20).map(char::from)
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::{super::quirks::Quirks, *};

    fn drawn(quirks: impl IntoIterator<Item = Quirk>) -> DrawnQuirks {
        Quirks::only(quirks).draw(&mut StdRng::seed_from_u64(1), 1)
    }

    #[test]
    fn raw_controls_replace_their_escapes_and_nothing_else() {
        let tree = json!({"a": "x\n\t\r\u{1}\u{8}\"\\n\\", "b": "é"});
        let raw = with_raw_controls(&tree.to_string());
        assert_eq!(raw, "{\"a\":\"x\n\t\r\u{1}\u{8}\\\"\\\\n\\\\\",\"b\":\"é\"}");
    }

    #[test]
    fn entities_decode_once_to_the_same_text() {
        let text = "张三 &#24352; a&b 😀";
        let encoded = with_entities(text, &mut drawn([Quirk::Entities]));
        assert_ne!(encoded, text);
        assert_eq!(html_escape::decode_html_entities(&encoded), text);
    }

    #[test]
    fn only_texts_that_read_back_become_numbers() {
        for (text, number) in
            [("13800138000", true), ("0", true), ("007", false), ("1.5", false), ("+1", false), ("", false)]
        {
            assert_eq!(as_number(text).is_some(), number, "{text}");
        }
    }

    #[test]
    fn a_single_row_stands_without_its_array() {
        let rows = vec![Row { ord: 7, values: vec![json!(7)] }];
        let page = Page { index: 1, size: 20, records: 1, is_counted: true };
        let table = Table::new("t", &["ord".to_owned()], rows, page);
        let tree = asp_table(table, &mut drawn([Quirk::SingleRowObject]));
        assert_eq!(tree["rows"]["value"], json!([7]));
    }

    #[test]
    fn a_refusal_has_status_zero_only_with_the_quirk_unless_it_always_has() {
        let status = |always_zero, quirks: &[Quirk]| {
            let answer = Answer::Refused { text: "no".into(), always_zero };
            let rendered = render(answer, "s", drawn(quirks.iter().copied()));
            crate::json::parse(&rendered.body).unwrap()["header"]["status"].clone()
        };
        assert_eq!(status(false, &[Quirk::RefusedStatus0]), json!(0));
        assert_eq!(status(false, &[]), json!(1));
        assert_eq!(status(true, &[]), json!(0));
    }
}
