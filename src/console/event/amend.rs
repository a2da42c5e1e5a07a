//! Correct-and-rerun (更正重跑): the form with an event's members, and what becomes of what somebody wrote into it.

use axum::{extract::State, response::Response};
use serde_json::{Value, json};

use super::act::{back_to, deed};
use crate::{
    console::{
        facts::is_set,
        fault::Fault,
        form::Fields,
        visit::Change,
        words::{Lang, member},
    },
    event::{EventKind, FieldError},
    http::{
        HttpState,
        api::{
            amend::{self, AmendBody},
            events::{self, SightParams},
            query::PathId,
            views::EventDetail,
        },
        problem::Problem,
    },
    json::Plain,
};

/// How a member is written into the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Line,
    Lines,
    Flag,
    Number,
}

impl Kind {
    /// A text as a browser sends it back from such a field: each line ends in the same way, and a field of one line has none.
    fn as_sent(self, text: &str) -> String {
        let lines = text.replace("\r\n", "\n").replace('\r', "\n");
        let sent = if self == Self::Line { lines.replace('\n', "") } else { lines };
        sent.trim().to_owned()
    }
}

/// Section, member and kind of what can be corrected.
type Member = (&'static str, &'static str, Kind);

const CONTACT: [Member; 10] = [
    ("contact", "name", Kind::Line),
    ("contact", "company", Kind::Line),
    ("contact", "phone", Kind::Line),
    ("contact", "phone_verified", Kind::Flag),
    ("contact", "wechat_id", Kind::Line),
    ("contact", "email", Kind::Line),
    ("contact", "address", Kind::Line),
    ("contact", "job", Kind::Line),
    ("contact", "source", Kind::Line),
    ("contact", "notes", Kind::Lines),
];
const SCORE: [Member; 1] = [("thread", "score", Kind::Number)];
const DEAL: [Member; 2] = [("deal", "title", Kind::Line), ("deal", "amount", Kind::Line)];
const SIGNAL: [Member; 1] = [("signal", "content", Kind::Lines)];

/// A field of the form.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) value: String,
    pub(super) is_lines: bool,
    pub(super) is_flag: bool,
    /// Of a flag: whether it is.
    pub(super) is_set: bool,
}

/// The fields for an event of this kind; none for an order, which is given anew.
fn members(kind: &str) -> Vec<Member> {
    match kind.parse::<EventKind>() {
        Ok(EventKind::MessageLogged) => SIGNAL.to_vec(),
        Ok(EventKind::DealClosed) => [&CONTACT[..], &SCORE, &DEAL, &SIGNAL].concat(),
        Ok(kind) if !kind.is_command() => [&CONTACT[..], &SCORE, &SIGNAL].concat(),
        _ => Vec::new(),
    }
}

/// The body that counts.
fn body(event: &EventDetail) -> Option<&Value> {
    event.amended.as_ref().or(event.payload.as_ref())
}

/// The form's fields with what the event says now. A section that the event does not have is not asked for.
pub(super) fn fields(event: &EventDetail, lang: Lang) -> Vec<Field> {
    let Some(data) = body(event).map(|body| &body["data"]) else { return Vec::new() };
    let present = members(&event.item.kind).into_iter().filter(|(section, ..)| data[section].is_object());
    let field = |(section, name, kind): Member| Field {
        label: member(lang, &format!("{section}.{name}")).to_owned(),
        value: text(&data[section][name]),
        is_set: is_set(&data[section][name]),
        name: format!("{section}.{name}"),
        is_lines: kind == Kind::Lines,
        is_flag: kind == Kind::Flag,
    };
    present.map(field).collect()
}

/// A member as the form shows it.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `POST /console/events/{id}/amend`
pub(in crate::console) async fn amend(
    State(state): State<HttpState>,
    id: PathId,
    Change { operator, form }: Change,
) -> Result<Response, Fault> {
    let event = events::detail(&state, &operator.0, PathId(id.0.clone()), &SightParams::default()).await?;
    let before = body(&event).map(|body| body["data"].clone()).unwrap_or_default();
    let data = corrected(before, &members(&event.item.kind), &form)?;
    let reason = form.text("reason").unwrap_or_default();
    let moved = amend::amend(
        &state,
        &operator,
        id,
        AmendBody { data: Plain(data), reason, updated_at: form.text("updated_at") },
    )
    .await?;
    Ok(back_to(&moved.id, &form, "amended"))
}

/// `POST /console/events/{id}/replan`
pub(in crate::console) async fn replan(
    State(state): State<HttpState>,
    id: PathId,
    Change { operator, form }: Change,
) -> Result<Response, Fault> {
    let moved = amend::replan(&state, &operator, id, deed(&form)).await?;
    Ok(back_to(&moved.id, &form, "replanned"))
}

/// The data with what the form says otherwise; a member that is left empty is taken out.
fn corrected(mut data: Value, members: &[Member], form: &Fields) -> Result<Value, Fault> {
    for (section, name, kind) in members.iter().filter(|(section, ..)| data[section].is_object()).collect::<Vec<_>>() {
        let given = form.get(&format!("{section}.{name}")).map(|text| text.replace("\r\n", "\n"));
        let before = &data[section][name];
        let is_same = match kind {
            Kind::Flag => given.is_some() == is_set(before),
            _ => kind.as_sent(given.as_deref().unwrap_or_default()) == kind.as_sent(&text(before)),
        };
        if is_same {
            continue;
        }
        let pointer = format!("/data/{section}/{name}");
        let value = match (kind, given) {
            (Kind::Flag, given) => Some(json!(given.is_some())),
            (_, None) => None,
            (Kind::Number, Some(text)) => Some(number(&text).ok_or_else(|| fault(&pointer))?),
            (Kind::Line | Kind::Lines, Some(text)) => Some(Value::String(text)),
        };
        let Some(members) = data[section].as_object_mut() else { continue };
        match value {
            Some(value) => drop(members.insert((*name).to_owned(), value)),
            None => drop(members.remove(*name)),
        }
    }
    Ok(data)
}

fn number(text: &str) -> Option<Value> {
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| json!(number))
}

fn fault(pointer: &str) -> Problem {
    Problem::Invalid(vec![FieldError::new(pointer, "应为数字 (a number)")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_written_otherwise_changes() {
        let before = json!({"contact": {"id": "c1", "name": "王小", "phone": "13800138055", "phone_verified": true,
            "notes": "一\n二", "job": "店长"}, "thread": {"id": "t1", "score": 80}, "other": {"kept": [1]}});
        let members = members("deal.closed");
        let same = "contact.name=王小&contact.phone=13800138055&contact.phone_verified=true&contact.notes=一\r\n二\
            &contact.job=店长&thread.score=80";
        let encoded = |text: &str| Fields::read(text.replace("\r\n", "%0D%0A").as_bytes());
        assert_eq!(corrected(before.clone(), &members, &encoded(same)).unwrap(), before);
        let other = "contact.name=王小明&contact.phone=13800138055&contact.notes=一\r\n二&contact.job=&thread.score=81.5\
            &deal.title=年单&contact.id=c2";
        let after = corrected(before.clone(), &members, &encoded(other)).unwrap();
        let expected = json!({"contact": {"id": "c1", "name": "王小明", "phone": "13800138055", "phone_verified": false,
            "notes": "一\n二"}, "thread": {"id": "t1", "score": 81.5}, "other": {"kept": [1]}});
        assert_eq!(after, expected, "a section that is not there is not made");
        let wrong = encoded("contact.name=王小&thread.score=viel");
        assert!(corrected(before, &members, &wrong).is_err());
    }

    #[test]
    fn a_flag_that_the_platform_wrote_as_a_number_stays_as_it_is_until_somebody_changes_it() {
        let members = members("contact.promoted");
        let after = |flag: Value, form: &str| {
            let before = json!({"contact": {"id": "c1", "name": "王小", "phone_verified": flag}});
            corrected(before, &members, &Fields::read(form.as_bytes())).unwrap()["contact"]["phone_verified"].clone()
        };
        let (ticked, not) = ("contact.name=王小&contact.phone_verified=true", "contact.name=王小");
        for (flag, form, expected) in [
            (json!(1), ticked, json!(1)),
            (json!(1), not, json!(false)),
            (json!(0), not, json!(0)),
            (json!(0), ticked, json!(true)),
            (Value::Null, not, Value::Null),
            (Value::Null, ticked, json!(true)),
        ] {
            assert_eq!(after(flag.clone(), form), expected, "{flag} {form}");
        }
    }

    #[test]
    fn what_a_browser_sends_back_with_other_ends_of_lines_stays_as_it_came() {
        let before = json!({"contact": {"id": "c1", "name": "王小", "address": "上海\n浦东", "job": "店长\r\n"},
            "signal": {"id": "s1", "content": "a\r\nb\rc"}});
        let form = |name: &str, content: &str| {
            let encoded = form_urlencoded::Serializer::new(String::new())
                .extend_pairs([("contact.name", name), ("contact.address", "上海浦东"), ("contact.job", "店长")])
                .append_pair("signal.content", content)
                .finish();
            Fields::read(encoded.as_bytes())
        };
        let members = members("contact.promoted");
        let after = corrected(before.clone(), &members, &form("王小明", "a\r\nb\r\nc")).unwrap();
        let mut expected = before.clone();
        expected["contact"]["name"] = json!("王小明");
        assert_eq!(after, expected);
        let after = corrected(before, &members, &form("王小", "a\r\nb")).unwrap();
        assert_eq!(after["signal"]["content"], "a\nb", "what somebody wrote otherwise is taken");
    }

    #[test]
    fn a_message_has_its_words_only_and_an_order_nothing() {
        assert_eq!(members("message.logged"), [("signal", "content", Kind::Lines)]);
        assert_eq!((members("contact.assign"), members("anything")), (Vec::new(), Vec::new()));
    }
}
