//! What the ERP holds now, beside what an event wanted (`POST /console/events/{id}/now`, and of a contact alone).

use std::collections::BTreeSet;

use askama::Template;
use axum::{extract::State, response::Response};

use super::{
    fault::Fault,
    format,
    frame::{Frame, Nav, page},
    visit::Sent,
    words::{Lang, field},
};
use crate::http::{
    CustomerField, HttpState,
    api::{
        check,
        events::{self, SightParams},
        names,
        query::PathId,
        views::CallView,
    },
    auth::Operator,
    problem::Problem,
};

/// The calls that write a customer's fields (`erp-wire.md` §3), and what of them is no field of 客户详情: 客户修改 calls
/// 客户分类 `sort` and 跟进程度 `sort1`, and gives both by other words than the record; an add has the tree of both in `sort1`.
const WRITES: [(&str, &[&str]); 3] = [
    ("单位客户添加", &["ord", "intsort", "sort1"]),
    ("个人客户添加", &["ord", "intsort", "sort1"]),
    ("客户修改", &["ord", "sort", "sort1", "sort2"]),
];
/// A field's text is shown up to so many characters …
const CHARS_SHOWN: usize = 500;
/// … and so many fields.
const FIELDS_SHOWN: usize = 200;

/// A field as it was wanted and as it is.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    name: String,
    wanted: String,
    held: String,
    is_same: bool,
}

#[derive(Template)]
#[template(path = "now.html")]
struct NowPage {
    frame: Frame,
    contact: String,
    /// What the contact is called; empty where that is not known.
    name: String,
    back: String,
    wanted: Vec<Row>,
    /// What the ERP holds beside that: name and value.
    others: Vec<(String, String)>,
}

/// `POST /console/events/{id}/now`: it writes nothing, but asks the ERP.
pub(super) async fn of_event(
    State(state): State<HttpState>,
    id: PathId,
    Sent { visit, form: _ }: Sent,
) -> Result<Response, Fault> {
    let operator = Operator::of(visit.caller.clone())?;
    let event = events::detail(&state, &visit.caller, id, &SightParams::default()).await?;
    let contact = event.item.contact_id.clone().ok_or(Problem::ContactNotLinked)?;
    let held = check::customer(&state, &operator, &contact).await?;
    let name = names::of_event(&state, &visit.caller, &event.item).await?;
    let frame = Frame::of(&state, &visit, Nav::Events);
    let (wanted, others) = compared(&wanted(&event.calls), &held, frame.lang);
    page(&NowPage { contact, name, back: format!("/console/events/{}", event.item.id), wanted, others, frame })
}

/// `POST /console/contacts/{id}/now`
pub(super) async fn of_contact(
    State(state): State<HttpState>,
    id: PathId,
    Sent { visit, form: _ }: Sent,
) -> Result<Response, Fault> {
    let operator = Operator::of(visit.caller.clone())?;
    let contact = id.contact()?;
    let held = check::customer(&state, &operator, &contact).await?;
    let name = names::of_contact(&state, &visit.caller, &contact).await?;
    let frame = Frame::of(&state, &visit, Nav::Contacts);
    let (wanted, others) = compared(&[], &held, frame.lang);
    page(&NowPage { back: format!("/console/contacts/{contact}"), contact, name, wanted, others, frame })
}

/// The customer's fields that an event has sent, each as it was sent last.
fn wanted(calls: &[CallView]) -> Vec<(String, String)> {
    let mut wanted: Vec<(String, String)> = Vec::new();
    for call in calls {
        let Some((_, no_fields)) = WRITES.iter().find(|(interface, _)| *interface == call.interface) else { continue };
        for (id, value) in call.request.as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if value.trim().is_empty() || *value == *"null" || no_fields.contains(&id.as_str()) {
                continue;
            }
            match wanted.iter_mut().find(|(other, _)| other == id) {
                Some(before) => before.1 = value,
                None => wanted.push((id.clone(), value)),
            }
        }
    }
    wanted
}

/// What was wanted beside what is held, and what is held besides. A choice is sent by its id, and is the same by its text, too.
fn compared(wanted: &[(String, String)], held: &[CustomerField], lang: Lang) -> (Vec<Row>, Vec<(String, String)>) {
    let find = |id: &str| held.iter().find(|field| field.id.eq_ignore_ascii_case(id));
    let row = |(id, value): &(String, String)| {
        let now = find(id);
        let is = |text: &str| text.trim() == value.trim();
        let is_same = now.is_some_and(|field| is(&field.value) || is(&field.shown));
        let shown = now.map(|field| field.shown.as_str()).unwrap_or_default();
        let wanted = if is_same { shown } else { value };
        Row { name: field(lang, id).to_owned(), wanted: cut(wanted), held: cut(shown), is_same }
    };
    let rows = wanted.iter().take(FIELDS_SHOWN).map(row).collect();
    let mut seen: BTreeSet<String> = wanted.iter().map(|(id, _)| id.to_ascii_lowercase()).collect();
    let filled = held.iter().filter(|field| !field.shown.trim().is_empty());
    let others = filled.filter(|field| seen.insert(field.id.to_ascii_lowercase())).take(FIELDS_SHOWN);
    (rows, others.map(|other| (field(lang, &other.id).to_owned(), cut(&other.shown))).collect())
}

fn cut(text: &str) -> String {
    format::cut(text, CHARS_SHOWN)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn call(interface: &str, request: Value) -> CallView {
        CallView {
            step: "save_customer".into(),
            interface: interface.into(),
            started_at: String::new(),
            duration_ms: 1,
            outcome: "ok".into(),
            request,
            response: None,
        }
    }

    #[test]
    fn what_was_sent_last_stands_beside_what_is_held() {
        let calls = [
            call("客户列表", json!({"searchKey": "1380"})),
            call("个人客户添加", json!({"ord": "7", "name": "王小", "ly": "171", "intro": "", "sort1": "3,7"})),
            call("客户修改", json!({"ord": "7", "name": "王小明", "sort1": "初次联系", "mobile": "138"})),
        ];
        let held = |id: &str, value: &str, shown: &str| CustomerField {
            id: id.into(),
            value: value.into(),
            shown: shown.into(),
        };
        let now = [
            held("Name", "王小明", "王小明"),
            held("ly", "171", "微信"),
            held("mobile", "", "139"),
            held("sort1", "7", "初步洽谈"),
            held("khid", "WX1", "WX1"),
            held("khid", "WX1", "WX1"),
            held("qq", "", " "),
        ];
        let (rows, others) = compared(&wanted(&calls), &now, Lang::Zh);
        let row = |name: &str, wanted: &str, held: &str, is_same| Row {
            name: name.into(),
            wanted: wanted.into(),
            held: held.into(),
            is_same,
        };
        let mut rows = rows;
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        let mut expected = vec![
            row("客户名称", "王小明", "王小明", true),
            row("客户来源", "微信", "微信", true),
            row("手机", "138", "139", false),
        ];
        expected.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(rows, expected);
        let other = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(others, [other("跟进程度", "初步洽谈"), other("客户编号", "WX1")]);
    }

    #[test]
    fn long_texts_and_many_fields_are_cut() {
        for (length, shown) in
            [(CHARS_SHOWN, CHARS_SHOWN), (CHARS_SHOWN + 1, CHARS_SHOWN + 1), (20_000, CHARS_SHOWN + 1)]
        {
            assert_eq!(cut(&"很".repeat(length)).chars().count(), shown);
        }
        let many: Vec<_> = (0..FIELDS_SHOWN + 1)
            .map(|number| CustomerField { id: format!("c{number}"), value: "1".into(), shown: "1".into() })
            .collect();
        assert_eq!(compared(&[], &many, Lang::Zh).1.len(), FIELDS_SHOWN);
    }
}
