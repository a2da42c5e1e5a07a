//! The outermost layer of an answer: `header` and `body` of the ASP interfaces, `Code` and `Msg` of the v3 ones.

use secrecy::SecretString;
use serde_json::Value;

use super::{
    Detail, Row, Table,
    lenient::{self, first_member, integer, items, member, member_text, text},
};
use crate::{
    erp::{Choice, ErpError, TreeNode},
    telemetry::printable::one_line,
};

/// A parsed answer of an ASP interface. What it means is decided elsewhere: status 0 can be a refusal.
#[derive(Debug, Clone)]
pub struct AspAnswer {
    /// `header.status`; 0 is meant to be good.
    pub(crate) status: i64,
    /// `header.session`, which the login answers.
    pub(crate) session: Option<SecretString>,
    /// `header.appversion`, which the login answers.
    pub(crate) app_version: Option<String>,
    /// Everything it says in words.
    pub(crate) words: Words,
    /// `body.bill`.
    pub(crate) bill: Option<Detail>,
    /// `body.source.table`.
    pub(crate) table: Option<Table>,
    /// `body.source` as choices of a field.
    pub(crate) choices: Option<Vec<Choice>>,
    /// `body.source.trees`.
    pub(crate) trees: Option<Vec<TreeNode>>,
}

/// What an answer says in words: each on one line, without anything that a terminal would obey.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Words {
    /// `header.message`.
    pub(crate) header: String,
    /// `body.message.title`.
    pub(crate) title: String,
    /// `body.message.text`.
    pub(crate) text: String,
}

impl Words {
    /// The most telling of them: title and text of the body, or else the header's message.
    pub(crate) fn spoken(&self) -> String {
        match (self.title.trim(), self.text.trim()) {
            ("", "") => self.header.trim().to_owned(),
            ("", text) => text.to_owned(),
            (title, "") => title.to_owned(),
            (title, text) if text.contains(title) => text.to_owned(),
            (title, text) => format!("{title}: {text}"),
        }
    }
}

/// Reads an answer of an ASP interface, whatever shape it comes in. Never panics; anything that cannot be read is
/// [`ErpError::OutcomeUnknown`] with `answered: true`.
pub fn parse(body: &[u8]) -> Result<AspAnswer, ErpError> {
    let tree = lenient::tree(body)?;
    let header = member(&tree, "header").ok_or_else(|| ErpError::garbled("JSON without a header"))?;
    let status = member(header, "status").and_then(text).and_then(|text| integer(&text));
    let status = status.ok_or_else(|| ErpError::garbled("a header without a status"))?;
    let filled = |name| Some(member_text(header, name)).filter(|text| !text.trim().is_empty());
    let body = member(&tree, "body").cloned().unwrap_or_default();
    let source = member(&body, "source").cloned().unwrap_or_default();
    let table = match member(&source, "table") {
        Some(table) if status == 0 => Table::read(table).map_err(ErpError::garbled)?,
        _ => None,
    };
    Ok(AspAnswer {
        status,
        // The token is taken as it came: it is no text that a page would show.
        session: member(header, "session")
            .and_then(Value::as_str)
            .filter(|token| !token.is_empty())
            .map(SecretString::from),
        app_version: filled("appversion"),
        words: words(header, &body),
        bill: member(&body, "bill").and_then(Detail::read),
        choices: choices(&source, table.as_ref()),
        trees: member(&source, "trees").and_then(|trees| member(trees, "nodes")).map(|nodes| tree_nodes(nodes, 0)),
        table,
    })
}

/// Characters of what the ERP says that are kept: a page that answers in place of a sentence is none.
const WORDS_CHARS_MAX: usize = 2_000;

/// What was said, on one line, as far as anybody reads.
fn said_in(text: &str) -> String {
    one_line(text.char_indices().nth(WORDS_CHARS_MAX).map_or(text, |(end, _)| &text[..end]))
}

fn words(header: &Value, body: &Value) -> Words {
    let said = |value: &Value, name| said_in(&member_text(value, name));
    let (title, text) = match member(body, "message") {
        Some(message @ Value::Object(_)) => (said(message, "title"), said(message, "text")),
        Some(plain) => (String::new(), said_in(&text(plain).unwrap_or_default())),
        None => (String::new(), String::new()),
    };
    Words { header: said(header, "message"), title, text }
}

/// Nodes deeper than this are left out: 客户分类 has two levels.
const TREE_DEPTH_MAX: usize = 8;

fn tree_nodes(nodes: &Value, depth: usize) -> Vec<TreeNode> {
    if depth == TREE_DEPTH_MAX {
        return Vec::new();
    }
    let node = |node: &Value| {
        let shown = one_line(member_text(node, "text").trim());
        let below = member(node, "nodes").map(|below| tree_nodes(below, depth + 1)).unwrap_or_default();
        (!shown.is_empty()).then(|| TreeNode {
            value: member_text(node, "value").trim().to_owned(),
            text: shown,
            nodes: below,
        })
    };
    items(nodes).into_iter().filter_map(node).collect()
}

/// Choices come as `options[]` under several names, as a map from id to text, or as a table of two columns.
fn choices(source: &Value, table: Option<&Table>) -> Option<Vec<Choice>> {
    let Some(options) = first_member(source, &["options", "option"]) else {
        return table.map(|table| table.rows.iter().filter_map(choice_of_row).collect());
    };
    if let Value::Object(map) = options
        && !map.is_empty()
        && map.iter().all(|(id, value)| integer(id).is_some() && value.is_string())
    {
        let choice = |(id, value): (&String, &Value)| Some(Choice { id: integer(id)?, text: text(value)? });
        return Some(map.iter().filter_map(choice).collect());
    }
    Some(items(options).into_iter().filter_map(choice_of_option).collect())
}

fn choice_of_option(option: &Value) -> Option<Choice> {
    let id = first_member(option, &["id", "v", "ord", "value"]).and_then(text);
    let shown = first_member(option, &["text", "n", "name", "title"]).and_then(text);
    choice(&id?, &shown?)
}

fn choice_of_row(row: &Row) -> Option<Choice> {
    let named = |names: &[&str]| names.iter().find_map(|name| row.text(name));
    let id = named(&["id", "v", "ord", "value"])
        .or_else(|| row.cells().map(|(_, text)| text).find(|text| integer(text).is_some()))?;
    let shown = named(&["text", "n", "name", "title"])
        .or_else(|| row.cells().map(|(_, text)| text).find(|text| *text != id && !text.trim().is_empty()))?;
    choice(id, shown)
}

fn choice(id: &str, shown: &str) -> Option<Choice> {
    let shown = one_line(shown.trim());
    (!shown.is_empty()).then_some(Choice { id: integer(id)?, text: shown })
}

/// A parsed answer of a v3 interface.
#[derive(Debug, Clone)]
pub(crate) struct V3Answer {
    /// `Code`: 200 done, 300 refused, 400 token invalid, 500 server error.
    pub(crate) code: i64,
    /// `Msg`.
    pub(crate) message: String,
    /// `Cols`, `Rows` and `Page`.
    pub(crate) table: Option<Table>,
}

/// Reads an answer of a v3 interface.
pub(crate) fn parse_v3(body: &[u8]) -> Result<V3Answer, ErpError> {
    let tree = lenient::tree(body)?;
    let code = member(&tree, "code").and_then(text).and_then(|text| integer(&text));
    let code = code.ok_or_else(|| ErpError::garbled("JSON without a Code"))?;
    let data = first_member(&tree, &["data", "body"]).filter(|data| data.is_object()).unwrap_or(&tree);
    let list = if first_member(&tree, &["rows", "cols"]).is_some() { &tree } else { data };
    let table = if code == 200 { Table::read(list).map_err(ErpError::garbled)? } else { None };
    let message = first_member(&tree, &["msg", "message"]).and_then(text).unwrap_or_default();
    Ok(V3Answer { code, message: said_in(&message), table })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn choice(id: i64, text: &str) -> Choice {
        Choice { id, text: text.into() }
    }

    #[test]
    fn of_what_the_erp_says_as_much_is_kept_as_anybody_reads() {
        for (chars, kept) in [(WORDS_CHARS_MAX, WORDS_CHARS_MAX), (WORDS_CHARS_MAX + 1, WORDS_CHARS_MAX)] {
            let said = "错".repeat(chars);
            let asp = format!(r#"{{"header":{{"status":1,"message":"{said}"}}}}"#);
            assert_eq!(parse(asp.as_bytes()).unwrap().words.header.chars().count(), kept);
            let v3 = format!(r#"{{"Code":300,"Msg":"{said}"}}"#);
            assert_eq!(parse_v3(v3.as_bytes()).unwrap().message.chars().count(), kept);
        }
    }

    #[test]
    fn status_and_words_are_read_from_strings_and_numbers_in_any_case() {
        for body in [
            r#"{"header":{"status":0,"message":"ok","session":"s1"},"body":{"message":{"title":"&#25552;&#31034;","text":"x\ny"}}}"#,
            "\u{feff}{\"Header\":{\"Status\":\"0\",\"Message\":\"ok\",\"Session\":\"s1\"},\"Body\":{\"Message\":{\"Title\":\"提示\",\"Text\":\"x\ny\"}}}",
        ] {
            let answer = parse(body.as_bytes()).unwrap();
            assert_eq!(answer.status, 0);
            assert_eq!(answer.session.unwrap().expose_secret(), "s1");
            assert_eq!(answer.words, Words { header: "ok".into(), title: "提示".into(), text: "x y".into() });
        }
    }

    #[test]
    fn a_session_is_not_printed() {
        let answer = parse(br#"{"header":{"status":0,"session":"sekrit"}}"#).unwrap();
        assert!(!format!("{answer:?}").contains("sekrit"));
    }

    #[test]
    fn json_that_is_no_envelope_says_nothing() {
        for body in
            ["{}", "[]", "null", "\"x\"", r#"{"header":{}}"#, r#"{"header":{"status":"x"}}"#, r#"{"header":"0"}"#]
        {
            assert!(matches!(parse(body.as_bytes()), Err(ErpError::OutcomeUnknown { answered: true, .. })), "{body}");
            assert!(
                matches!(parse_v3(body.as_bytes()), Err(ErpError::OutcomeUnknown { answered: true, .. })),
                "{body}"
            );
        }
    }

    #[test]
    fn the_telling_words_are_preferred() {
        let words = |header: &str, title: &str, text: &str| {
            Words { header: header.into(), title: title.into(), text: text.into() }.spoken()
        };
        assert_eq!(words("ok", "", ""), "ok");
        assert_eq!(words("ok", "提示", ""), "提示");
        assert_eq!(words("ok", "", "保存成功"), "保存成功");
        assert_eq!(words("ok", "提示", "保存成功"), "提示: 保存成功");
        assert_eq!(words("ok", "保存成功", "保存成功！"), "保存成功！");
    }

    #[test]
    fn choices_are_read_whatever_their_shape() {
        let wrap = |source: &str| format!(r#"{{"header":{{"status":0}},"body":{{"source":{source}}}}}"#);
        let table = [
            r#"{"type_":"options","options":[{"id":171,"text":"网站注册"},{"id":"977","text":"VIP"}]}"#,
            r#"{"options":[{"v":"171","n":"&#32593;站注册"},{"v":"977","n":" VIP "},{"v":"","n":"请选择"}]}"#,
            r#"{"options":{"171":"网站注册","977":"VIP"}}"#,
            r#"{"table":{"cols":[{"id":"id"},{"id":"text"}],"rows":[["171","网站注册"],["977","VIP"]]}}"#,
            r#"{"table":{"cols":[{"id":"sort1"},{"id":"x"}],"rows":[["网站注册","171"],["VIP","977"]]}}"#,
        ];
        for source in table {
            let answer = parse(wrap(source).as_bytes()).unwrap();
            assert_eq!(answer.choices.unwrap(), [choice(171, "网站注册"), choice(977, "VIP")], "{source}");
        }
        assert_eq!(parse(wrap("{}").as_bytes()).unwrap().choices, None);
    }

    #[test]
    fn a_v3_answer_is_read_with_its_list() {
        let answer = parse_v3(
            r#"{"Code":"200","Msg":"操作成功","Cols":[{"id":"ord"}],"Rows":[[63],["71"]],"Page":{"RecordCount":2}}"#
                .as_bytes(),
        );
        let answer = answer.unwrap();
        assert_eq!((answer.code, answer.message.as_str()), (200, "操作成功"));
        assert_eq!(answer.table.unwrap().rows[1].integer("ord"), Some(71));
        let refused = parse_v3(br#"{"code":300,"msg":"&#37325;&#22797;"}"#).unwrap();
        assert_eq!((refused.code, refused.message.as_str()), (300, "重复"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = parse(&body);
            let _ = parse_v3(&body);
        }

        #[test]
        fn no_text_of_json_pieces_makes_it_panic(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40)) {
            let body = pieces.concat();
            let _ = parse(body.as_bytes());
            let _ = parse(format!("{{\"header\":{{\"status\":0}},\"body\":{body}}}").as_bytes());
        }

        #[test]
        fn every_text_survives_the_envelope(text in "\\PC*[\\x00-\\x1f\"\\\\😀张]*\\PC*") {
            // An ampersand may begin an entity, which is decoded by design.
            let text = text.replace('&', "＆");
            let body = serde_json::json!({"header": {"status": 0}, "body": {"bill": {"value": "1", "fields": [{"id": "intro", "value": text}]}}});
            let bill = parse(body.to_string().as_bytes()).unwrap().bill.unwrap();
            proptest::prop_assert_eq!(bill.shown("intro").unwrap_or_default(), text.as_str());
        }
    }

    const PIECES: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\\u",
        "d83d",
        "\"rows\":",
        "\"cols\":",
        "\"table\":",
        "\"source\":",
        "\"bill\":",
        "\"groups\":",
        "\"fields\":",
        "\"id\":",
        "\"value\":",
        "\"options\":",
        "\"message\":",
        "\"page\":",
        "1",
        "-",
        "null",
        "\"x\"",
        "&#x5F20;",
        "&#",
        "张",
        "😀",
        "\u{1}",
        "\"recordcount\":",
    ];
}
