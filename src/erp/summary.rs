//! Calls in short, for the people who read an event's page: what was asked, what came back, never a session.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::{
    Detail, Field,
    classify::{HttpAnswer, Reply, Verdict},
    envelope::Table,
};
use crate::telemetry::printable;

/// The longest summary of an answer, in characters.
const SAID_MAX: usize = 2_000;

/// How many rows of a list are shown.
const ROWS_MAX: usize = 10;

/// How many characters of one field are shown.
const VALUE_MAX: usize = 100;

/// The fields of a request: id → value.
pub(super) fn of_fields(fields: &[Field]) -> Value {
    Value::Object(fields.iter().map(|field| (field.id.to_string(), field.val.clone().into())).collect::<Map<_, _>>())
}

/// A call's outcome in one word, and what the ERP said.
pub(super) fn of_call(verdict: &Verdict, answer: Option<&HttpAnswer>, token: &str) -> (&'static str, String) {
    let (outcome, said) = match verdict {
        Verdict::Done(reply) => ("ok", of_reply(reply)),
        Verdict::Expired { said, .. } => ("session_expired", said.clone()),
        Verdict::Refused { text: said, .. } | Verdict::Doubtful { said } => ("refused", said.clone()),
        Verdict::Failed(error) => {
            let raw = answer.map(|answer| String::from_utf8_lossy(&answer.body).into_owned()).unwrap_or_default();
            (error.code(), format!("{error}\n{}", html_escape::decode_html_entities(&raw)))
        }
    };
    // Hidden before it is cut: half a session is still too much of it.
    let hidden = if token.is_empty() { said } else { said.replace(token, "…") };
    (outcome, printable::lines(&hidden).trim().chars().take(SAID_MAX).collect())
}

fn of_reply(reply: &Reply) -> String {
    let mut out = reply.words.clone();
    if let Some(bill) = &reply.bill {
        of_bill(&mut out, bill);
    }
    if let Some(table) = &reply.table {
        of_table(&mut out, table);
    } else if let Some(choices) = &reply.choices {
        for choice in choices {
            let _ = write!(out, "{}{}={}", separator(&out), choice.id, choice.text);
        }
    }
    out
}

fn of_bill(out: &mut String, bill: &Detail) {
    if let Some(ord) = bill.ord() {
        let _ = write!(out, "{}ord={ord}", separator(out));
    }
    for id in bill.ids() {
        if let Some(shown) = bill.shown(id).filter(|shown| !shown.is_empty()) {
            let _ = write!(out, "{}{id}={}", separator(out), short(shown));
        }
    }
}

fn of_table(out: &mut String, table: &Table) {
    let _ = write!(out, "{}{} rows", separator(out), table.rows.len());
    if let Some(all) = table.record_count {
        let _ = write!(out, " of {all}");
    }
    for row in table.rows.iter().take(ROWS_MAX) {
        let cells: Vec<_> = row.cells().map(|(id, text)| format!("{id}={}", short(text))).collect();
        let _ = write!(out, "\n{}", cells.join(" "));
    }
}

fn short(text: &str) -> String {
    text.chars().take(VALUE_MAX).collect()
}

fn separator(out: &str) -> &'static str {
    if out.is_empty() { "" } else { " " }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::erp::ErpError;

    #[test]
    fn a_session_that_the_answer_repeats_is_hidden_and_long_answers_are_cut() {
        let verdict = Verdict::Failed(ErpError::garbled("no JSON"));
        let body = format!("{}tok-123 {}", "x".repeat(SAID_MAX - 40), "y".repeat(SAID_MAX));
        let answer = HttpAnswer { status: 200, body: body.into_bytes(), ..HttpAnswer::default() };
        let (outcome, said) = of_call(&verdict, Some(&answer), "tok-123");
        assert_eq!(outcome, "outcome_unknown");
        assert!(!said.contains("tok") && said.chars().count() == SAID_MAX, "{said}");
    }

    #[test]
    fn a_bill_shows_its_filled_fields() {
        let bill = Detail::from_fields(Some(7592), [("name", "张三", ""), ("ly", "171", "微信"), ("zip", "", "")]);
        let verdict = Verdict::Done(Reply { bill: Some(bill), ..Reply::default() });
        assert_eq!(of_call(&verdict, None, ""), ("ok", "ord=7592 name=张三 ly=微信".to_owned()));
    }
}
