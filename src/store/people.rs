//! What people look for a contact by: names, numbers and accounts, as they stood when it was linked (`contacts.found_by`); and
//! what a contact is called.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    Store, StoreError,
    bulk::lists,
    db::{Row, Tx},
};
use crate::json;

/// With fewer digits nobody means a telephone number.
const PHONE_DIGITS_MIN: usize = 4;

/// Digits of a mainland mobile number.
const MOBILE_DIGITS: usize = 11;
/// Longer bodies are not read for the name in them alone, in characters.
const BODY_CHARS_NAMED: i64 = 16_384;

/// What a contact is found by, a line each, that may be empty: its name, its company, its WeChat id and its mail address as they
/// are written, its number by the digits; nothing if all are empty. They are compared in lower case, in which all of earlier
/// programs are written.
pub fn found_by(texts: [Option<&str>; 4], phone: Option<&str>) -> String {
    let line = |text: Option<&str>| text.unwrap_or_default().trim().replace(['\r', '\n'], " ");
    let [name, company, wechat_id, email] = texts.map(line);
    let lines = [name, company, wechat_id, email, phone.map(digits).unwrap_or_default()];
    if lines.iter().all(String::is_empty) { String::new() } else { lines.join("\n") }
}

/// The same of a contact as events carry it.
pub(super) fn found_by_of(contact: &Value) -> String {
    let text = |member: &str| contact[member].as_str();
    found_by(["name", "company", "wechat_id", "email"].map(text), text("phone"))
}

/// What somebody types, as [`found_by`] has it: the text, and the digits where it is a number.
pub(super) fn looked_for(q: &str) -> Vec<String> {
    let number = digits(q);
    // As somebody from abroad dials it.
    let number = ["0086", "86"]
        .iter()
        .find_map(|code| number.strip_prefix(code).filter(|rest| rest.len() == MOBILE_DIGITS))
        .map_or(number.clone(), str::to_owned);
    let is_number = number.len() >= PHONE_DIGITS_MIN && number.len() * 2 > q.chars().count();
    let mut wanted = vec![q.trim().to_lowercase()];
    wanted.extend(is_number.then_some(number));
    wanted.retain(|text| !text.is_empty());
    wanted
}

/// The text as SQL compares it with what a link was found by, where only ASCII letters have two cases; `None` where that is as
/// [`looked_for`] has it.
pub(super) fn in_ascii_case(q: &str) -> Option<String> {
    let text = q.trim().to_ascii_lowercase();
    (text != q.trim().to_lowercase()).then_some(text)
}

/// Whether a contact that is found by this is one that is looked for.
pub(super) fn is_meant(found_by: &str, wanted: &[String]) -> bool {
    let text = found_by.to_lowercase();
    wanted.iter().any(|wanted| text.contains(wanted))
}

fn digits(text: &str) -> String {
    let ascii = |c: char| match c {
        '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10),
        _ => Some(c).filter(char::is_ascii_digit),
    };
    text.chars().filter_map(ascii).collect()
}

/// What these contacts are found by, as far as the newest of their bodies says.
pub(super) async fn of_bodies(tx: &mut Tx, ids: &[&str]) -> Result<HashMap<String, String>, StoreError> {
    let mut people = HashMap::new();
    for (values, list) in lists(ids) {
        let sql = format!(
            "select contact_id, payload, amended from events where seq in
               (select max(seq) from events
                where (contact_id in ({list}) and finished_at is null or contact_id in ({list}) and finished_at is not null)
                and payload is not null and kind <> 'message.logged' group by contact_id)"
        );
        for row in tx.fetch(sql, values).await? {
            people.insert(row.text("contact_id")?, told_in(&row)?);
        }
    }
    people.retain(|_, text| !text.is_empty());
    Ok(people)
}

/// What an event's body says its contact is found by.
pub(super) fn told_in(row: &Row) -> Result<String, StoreError> {
    contact_of(row).map(|contact| found_by_of(&contact))
}

/// The contact in an event's body, as it counts.
fn contact_of(row: &Row) -> Result<Value, StoreError> {
    let body = row.opt_text("amended")?.or(row.opt_text("payload")?);
    let body = body.and_then(|body| json::parse_text(&body).ok()).unwrap_or_default();
    Ok(body["data"]["contact"].clone())
}

impl Store {
    /// What the contacts of these events are called, by the newest of their bodies that tells.
    pub async fn names_in(&self, events: &[&str]) -> Result<HashMap<String, String>, StoreError> {
        let mut names = HashMap::new();
        for (values, list) in lists(events) {
            let sql = format!(
                "select contact_id, payload, amended from events where id in ({list}) and contact_id is not null
                   and kind <> 'message.logged' and length(payload) <= {BODY_CHARS_NAMED} order by seq"
            );
            for row in self.db.read(sql, values).await? {
                let name = contact_of(&row)?["name"].as_str().unwrap_or_default().trim().to_owned();
                if !name.is_empty() {
                    names.insert(row.text("contact_id")?, name);
                }
            }
        }
        Ok(names)
    }

    /// What these contacts were called when they were linked; those that are not, or were before names were kept, are left out.
    pub async fn names_of(&self, contacts: &[&str]) -> Result<HashMap<String, String>, StoreError> {
        let mut names = HashMap::new();
        for (values, list) in lists(contacts) {
            let sql = format!(
                "select contact_id, found_by from contacts where contact_id in ({list}) and found_by is not null"
            );
            for row in self.db.read(sql, values).await? {
                let name = row.text("found_by")?.lines().find(|line| !line.is_empty()).unwrap_or_default().to_owned();
                names.insert(row.text("contact_id")?, name);
            }
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_person_is_found_by_what_it_is_called_and_by_its_number_however_written() {
        let contact =
            json!({"name": "王小明", "company": "ACME 有限公司", "phone": "138 0000-1001", "wechat_id": "wx_A"});
        let text = found_by_of(&contact);
        for (q, found) in [
            ("小明", true),
            ("acme", true),
            ("13800001001", true),
            ("+86 138 0000 1001", true),
            ("86-138-0000-1001", true),
            ("008613800001001", true),
            ("１３８００００１００１", true),
            ("1001", true),
            ("001", true),
            ("wx_a", true),
            ("李", false),
            ("order 1001 of the year", false),
        ] {
            assert_eq!(is_meant(&text, &looked_for(q)), found, "{q}");
        }
        assert_eq!(found_by_of(&Value::Null), "");
        assert_eq!(looked_for(" "), [""; 0]);
    }
}
