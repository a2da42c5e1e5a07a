//! The members of an event's body, as people read them.

use serde_json::Value;

use super::{
    format,
    words::{self, Lang, member},
};

/// Characters of a value that are shown: a chat message can be long, and the whole record is a file of its own.
const CHARS_SHOWN: usize = 500;

/// A member of the body: its name and its value.
pub(super) struct Fact {
    pub(super) name: String,
    pub(super) value: String,
}

/// Whether a flag of the body is set: the platform may write 1 for it.
pub(super) fn is_set(flag: &Value) -> bool {
    *flag == true || *flag == 1
}

/// The members of these sections in their order.
pub(super) fn facts(payload: &Value, sections: &[&str], lang: Lang) -> Vec<Fact> {
    let mut facts = Vec::new();
    for section in sections {
        let members = payload["data"][*section].as_object();
        for (name, value) in members.into_iter().flatten() {
            let path = format!("{section}.{name}");
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let moment = if name.ends_with("_at") { format::millis(&text) } else { None };
            let text = moment.map_or(text, crate::clock::Millis::erp_local);
            let value = format::cut(words::value(lang, &path, &text), CHARS_SHOWN);
            facts.push(Fact { name: member(lang, &path).to_owned(), value });
        }
    }
    facts
}
