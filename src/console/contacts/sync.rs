//! The manual sync (手动触发同步), and what it would do, field by field.

use askama::Template;
use axum::{extract::State, response::Response};
use serde_json::{Map, Value, json};

use super::{
    act::{key_of, to_event},
    seen,
};
use crate::{
    console::{
        fault::Fault,
        form::Fields,
        format::cut,
        frame::{Frame, Nav, page},
        visit::{Change, Sent},
        why::Why,
        words::{Lang, field, field_of, rule, step},
    },
    event::{Reason, Status},
    http::{
        HttpState,
        api::{
            contacts::{self, SyncBody},
            preview::{self, Preview},
            query::PathId,
        },
        auth::Operator,
    },
    json::Plain,
};

/// Members of the form that are the contact's.
const MEMBERS: [&str; 4] = ["name", "phone", "wechat_id", "company"];

/// Characters of a value that are shown.
const CHARS_SHOWN: usize = 500;

/// A call that would be sent.
struct Planned {
    title: String,
    interface: String,
    fields: Vec<(String, String)>,
}

/// A value of the ERP's record and what becomes of it.
struct Changed {
    name: String,
    old: String,
    new: String,
}

#[derive(Template)]
#[template(path = "preview.html")]
struct PreviewPage {
    frame: Frame,
    id: String,
    /// What the form calls the contact.
    name: String,
    /// Why nothing would be written, if nothing would.
    verdict: &'static str,
    /// Whether the rules are not asked.
    is_forced: bool,
    /// The rules that do not hold, and what they found.
    reasons: Vec<(String, Why)>,
    changes: Vec<Changed>,
    calls: Vec<Planned>,
    /// The form again, to be sent as it is.
    fields: Vec<(&'static str, String)>,
}

/// `POST /console/contacts/{id}/sync`
pub(in crate::console) async fn sync(
    State(state): State<HttpState>,
    id: PathId,
    Change { operator, form }: Change,
) -> Result<Response, Fault> {
    let body = SyncBody {
        contact: Plain(Value::Object(contact(&form))),
        thread: thread(&form).map(Plain),
        signal: None,
        force: form.get("force").is_some(),
    };
    Ok(to_event(&contacts::sync(&state, &operator, id, &key_of(&form), body, seen::of(&form)).await?))
}

/// `POST /console/contacts/{id}/preview`: nothing is written, but the ERP is asked.
pub(in crate::console) async fn preview(
    State(state): State<HttpState>,
    id: PathId,
    Sent { visit, form }: Sent,
) -> Result<Response, Fault> {
    let operator = Operator::of(visit.caller.clone())?;
    let id = id.contact()?;
    let mut members = contact(&form);
    members.insert("id".into(), id.as_str().into());
    let mut data = Map::from_iter([("contact".to_owned(), Value::Object(members))]);
    data.extend(thread(&form).map(|thread| ("thread".to_owned(), thread)));
    let event = json!({"type": "sync.requested", "timestamp": state.clock.now().rfc3339(), "data": data});
    let force = form.get("force").is_some();
    let found = preview::preview(&state, &operator, event.to_string().as_bytes(), force).await?;
    let frame = Frame::of(&state, &visit, Nav::Contacts);
    let lang = frame.lang;
    let plan = found.plan.clone().unwrap_or_default();
    let again = ["name", "phone", "phone_verified", "wechat_id", "company", "thread", "score", "force", "key", "seen"];
    page(&PreviewPage {
        verdict: verdict(&found, &plan, &frame),
        is_forced: force && found.status == Status::Queued,
        reasons: found.reasons.iter().map(|reason| told(reason, lang)).collect(),
        changes: plan["changes"].as_array().into_iter().flatten().map(|change| changed(change, lang)).collect(),
        calls: plan["calls"].as_array().into_iter().flatten().map(|call| planned(call, lang)).collect(),
        name: form.text("name").unwrap_or_default(),
        fields: again.into_iter().filter_map(|name| Some((name, form.text(name)?))).collect(),
        id,
        frame,
    })
}

/// A rule that does not hold, and what it found.
fn told(reason: &Reason, lang: Lang) -> (String, Why) {
    let code = reason.rule.as_str();
    (rule(lang, code).to_owned(), Why::of_rule(code, &reason.message, lang))
}

/// Why nothing would be written; empty if something would.
fn verdict(found: &Preview, plan: &Value, frame: &Frame) -> &'static str {
    let w = &frame.w.contacts;
    if found.status != Status::Queued {
        return w.preview_none;
    }
    match plan["outcome"].as_str() {
        Some("needs_review") => w.preview_review,
        Some("planned") if plan["calls"].as_array().is_none_or(Vec::is_empty) => w.preview_nothing,
        Some("planned") => "",
        _ => w.preview_none,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => cut(text, CHARS_SHOWN),
        other => cut(&other.to_string(), CHARS_SHOWN),
    }
}

fn changed(change: &Value, lang: Lang) -> Changed {
    let id = change["field"].as_str().unwrap_or_default();
    Changed { name: field(lang, id).to_owned(), old: text(&change["old"]), new: text(&change["new"]) }
}

fn planned(call: &Value, lang: Lang) -> Planned {
    let fields = call["fields"].as_object().into_iter().flatten().filter(|(_, value)| !text(value).is_empty());
    let interface = text(&call["interface"]);
    Planned {
        title: step(lang, call["step"].as_str().unwrap_or_default()),
        fields: fields.map(|(id, value)| (field_of(lang, &interface, id).to_owned(), text(value))).collect(),
        interface,
    }
}

/// The contact that the form describes.
fn contact(form: &Fields) -> Map<String, Value> {
    let given = MEMBERS.into_iter().filter_map(|name| Some((name.to_owned(), Value::from(form.get(name)?))));
    let mut contact: Map<String, Value> = given.collect();
    contact.insert("phone_verified".into(), form.get("phone_verified").is_some().into());
    contact
}

/// The thread with the score, if one was given; what is no number is left to the event's parser to refuse.
fn thread(form: &Fields) -> Option<Value> {
    let score = form.get("score")?;
    let number = score.parse::<f64>().ok().and_then(serde_json::Number::from_f64);
    Some(json!({"id": "console", "score": number.map_or_else(|| Value::from(score), Value::from)}))
}
