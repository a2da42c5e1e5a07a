//! By what others' rows would quote a person, and what is put in its place where the person is erased.

use crate::json;

/// Shorter texts tell nobody apart, and would be found everywhere.
const MARK_BYTES_MIN: usize = 7;
/// What is looked for at most.
pub(super) const MARKS_MAX: usize = 50;

/// What tells a person apart among what it is found by: numbers, addresses and accounts. Names and companies are others' too.
pub(super) fn marks_of_line(line: &str) -> Vec<String> {
    if line.bytes().all(|byte| byte.is_ascii_digit()) {
        return numbers_of(line).into_iter().filter(|mark| mark.len() >= MARK_BYTES_MIN).collect();
    }
    let is_account = line.is_ascii() && !line.contains(' ') && (line.contains('@') || line.starts_with("wxid_"));
    if is_account && line.len() >= MARK_BYTES_MIN { vec![line.to_owned()] } else { Vec::new() }
}

/// A phone number's digits without the country, and as people part them.
fn numbers_of(digits: &str) -> Vec<String> {
    let without =
        ["0086", "86"].into_iter().find_map(|country| digits.strip_prefix(country).filter(|it| it.len() == 11));
    let local = without.unwrap_or(digits);
    let mut numbers = vec![local.to_owned()];
    if let (11, Some((start, rest))) = (local.len(), local.split_at_checked(3)) {
        let (middle, end) = rest.split_at(4);
        numbers.extend([format!("{start} {middle} {end}"), format!("{start}-{middle}-{end}")]);
    }
    numbers
}

/// Phone numbers (as they were written and as people write them), WeChat ids and mail addresses of a payload.
pub(super) fn marks_in(payload: &str) -> Vec<String> {
    let Ok(payload) = json::parse_text(payload) else { return Vec::new() };
    let contact = &payload["data"]["contact"];
    let text = |member: &str| contact[member].as_str().unwrap_or_default().trim().to_owned();
    let mut marks = vec![text("wechat_id"), text("email"), text("phone")];
    let digits: String = text("phone").chars().filter(char::is_ascii_digit).collect();
    marks.extend(numbers_of(&digits));
    marks.retain(|mark| mark.len() >= MARK_BYTES_MIN && !mark.contains(['\0', '"', '\\', '%']));
    marks
}

/// What stands in a mark's place: as long, and a number where it was one, so that JSON stays JSON.
pub(super) fn blank_of(mark: &str) -> String {
    let blank = if mark.bytes().all(|byte| byte.is_ascii_digit()) { "9" } else { "*" };
    blank.repeat(mark.chars().count())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_person_is_looked_for_as_people_write_a_number() {
        let payload = |contact: Value| serde_json::json!({ "data": { "contact": contact } }).to_string();
        let marks = marks_in(&payload(serde_json::json!({ "phone": "+86 138-0013-8055", "wechat_id": "wxid_abc1" })));
        for mark in ["13800138055", "138 0013 8055", "138-0013-8055", "+86 138-0013-8055", "wxid_abc1"] {
            assert!(marks.iter().any(|found| found == mark), "{mark}: {marks:?}");
        }
        assert_eq!(
            marks_in(&payload(serde_json::json!({ "phone": "123", "wechat_id": "a", "name": "陈晓雨" }))),
            [""; 0]
        );
        assert_eq!(marks_in("no JSON"), [""; 0]);
    }

    #[test]
    fn what_stands_in_its_place_keeps_json_readable() {
        assert_eq!((blank_of("13800138055").as_str(), blank_of("wxid_abc1").as_str()), ("99999999999", "*********"));
    }
}
