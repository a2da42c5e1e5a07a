//! What people look for a contact by: names, numbers and accounts, as they stood when it was linked (`contacts.found_by`).

use std::collections::HashMap;

use serde_json::Value;

use super::{StoreError, bulk::lists, db::Tx};
use crate::json;

/// With fewer digits nobody means a telephone number.
const PHONE_DIGITS_MIN: usize = 4;

/// What a contact is found by, a line each: names, accounts and addresses in lower case, a number by its digits.
pub fn found_by(texts: [Option<&str>; 4], phone: Option<&str>) -> String {
    let texts = texts.into_iter().flatten().map(|text| text.trim().to_lowercase());
    let lines = texts.chain(phone.map(digits)).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// The same of a contact as events carry it.
pub(super) fn found_by_of(contact: &Value) -> String {
    let text = |member: &str| contact[member].as_str();
    found_by(["name", "company", "wechat_id", "email"].map(text), text("phone"))
}

/// What somebody types, as [`found_by`] has it: the text, and the digits where it is a number.
pub(super) fn looked_for(q: &str) -> Vec<String> {
    let number = digits(q.trim_start_matches("+86"));
    let is_number = number.len() >= PHONE_DIGITS_MIN && number.len() * 2 > q.chars().count();
    let mut wanted = vec![q.trim().to_lowercase()];
    wanted.extend(is_number.then_some(number));
    wanted.retain(|text| !text.is_empty());
    wanted
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// What these contacts are found by, as far as the newest of their bodies says.
pub(super) async fn of_bodies(tx: &mut Tx, ids: &[&str]) -> Result<HashMap<String, String>, StoreError> {
    let mut people = HashMap::new();
    for (values, list) in lists(ids) {
        let sql = format!(
            "select contact_id, payload, amended from events where seq in
               (select max(seq) from events where contact_id in ({list}) and payload is not null
                and kind <> 'message.logged' group by contact_id)"
        );
        for row in tx.fetch(sql, values).await? {
            let body = row.opt_text("amended")?.or(row.opt_text("payload")?);
            let body = body.and_then(|body| json::parse_text(&body).ok()).unwrap_or_default();
            people.insert(row.text("contact_id")?, found_by_of(&body["data"]["contact"]));
        }
    }
    people.retain(|_, text| !text.is_empty());
    Ok(people)
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
            ("1001", true),
            ("001", true),
            ("wx_a", true),
            ("李", false),
            ("order 1001 of the year", false),
        ] {
            assert_eq!(looked_for(q).iter().any(|wanted| text.contains(wanted)), found, "{q}");
        }
        assert_eq!(found_by_of(&Value::Null), "");
        assert_eq!(looked_for(" "), [""; 0]);
    }
}
