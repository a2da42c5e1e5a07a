//! Personal data made unreadable for logs, answers and pages: 手机号, 微信号, 邮箱, QQ.

use serde_json::{Map, Value};

/// Members that hold personal data, in the platform's names and the ERP's.
const PERSONAL: [&str; 7] = ["phone", "mobile", "phone2", "weixinAcc", "wechat_id", "email", "qq"];
/// Digits of a mainland mobile number.
const MOBILE_DIGITS: usize = 11;
/// Of a mobile number these digits are hidden: `138****5678`.
const HIDDEN: std::ops::Range<usize> = 3..7;
/// People put at most this many characters between two digits of one number (`138 - 1234`).
const SEPARATORS_MAX: usize = 3;

/// A phone number with its middle hidden: `138****5678`. Other numbers keep the first and last few digits; what is
/// hardly a number at all is hidden as an account is.
pub fn mask_phone(phone: &str) -> String {
    let masked = mask_numbers(phone);
    if masked != phone {
        return masked;
    }
    let digits = phone.chars().filter(|c| digit(*c).is_some()).count();
    if digits < 5 || phone.chars().any(char::is_alphabetic) {
        return mask_account(phone);
    }
    let (first, last) = (digits / 4, digits - digits / 4);
    let mut index = 0;
    let hide = |c: char| {
        if digit(c).is_none() {
            return c;
        }
        index += 1;
        if index <= first || index > last { c } else { '*' }
    };
    phone.chars().map(hide).collect()
}

/// A WeChat account (微信号) or QQ number with its middle hidden: `wx****23`.
pub fn mask_wechat(account: &str) -> String {
    let masked = mask_numbers(account);
    if masked == account { mask_account(account) } else { masked }
}

/// An e-mail address with all but the first character of its local part hidden: `z****@example.com`.
pub fn mask_email(email: &str) -> String {
    let Some((local, domain)) = email.rsplit_once('@') else { return mask_account(email) };
    let first: String = local.chars().take(1).collect();
    mask_numbers(&format!("{first}****@{domain}"))
}

/// Keeps two characters at each end of eight or more, one of four or more, else nothing. The stars do not tell the length.
fn mask_account(account: &str) -> String {
    let chars: Vec<char> = account.chars().collect();
    let keep = match chars.len() {
        0 => return String::new(),
        1..=3 => 0,
        4..=7 => 1,
        _ => 2,
    };
    let first = chars.iter().take(keep);
    let last = chars.iter().skip(chars.len() - keep);
    first.chain(['*'; 4].iter()).chain(last).collect()
}

/// Free text with every run of digits that looks like a mainland mobile number hidden, also with `+86`, with spaces,
/// dashes or dots inside, in full-width digits, or inside a longer number, and the value of every `weixinAcc=…` that
/// names a personal member. Rather hides too much than too little.
pub fn mask_text(text: &str) -> String {
    if text.contains('=') {
        let pairs: String = text.split_inclusive(char::is_whitespace).map(mask_pair).collect();
        return mask_numbers(&pairs);
    }
    mask_numbers(text)
}

/// One word with the white space behind it: `email=a@b.cn` as a shortened answer of the ERP has it.
fn mask_pair(word: &str) -> String {
    let end = word.trim_end().len();
    match word[..end].split_once('=').and_then(|(name, value)| Some((name, personal(name)?, value))) {
        Some((name, field, value)) => format!("{name}={}{}", mask_field(field, value), &word[end..]),
        None => word.to_owned(),
    }
}

fn mask_numbers(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    if is_uuid(&chars) {
        return text.to_owned();
    }
    let mut run: Vec<usize> = Vec::new();
    for index in 0..chars.len() {
        let last = run.last().copied();
        if digit(chars[index]).is_some() {
            if last.is_some_and(|last| index - last > SEPARATORS_MAX + 1) {
                mask_run(&mut chars, &std::mem::take(&mut run));
            }
            run.push(index);
        } else if !is_separator(chars[index]) {
            mask_run(&mut chars, &std::mem::take(&mut run));
        }
    }
    mask_run(&mut chars, &run);
    chars.into_iter().collect()
}

/// Hides the middle of every mobile number within one run; `run` holds the places of its digits. After a hit the search
/// goes on right behind the stars: a second number may overlap the first one's end.
fn mask_run(chars: &mut [char], run: &[usize]) {
    let mut start = 0;
    while let Some(window) = run.get(start..start + MOBILE_DIGITS) {
        let at = |place: usize| window.get(place).and_then(|index| digit(chars[*index]));
        if at(0) == Some(1) && at(1).is_some_and(|second| second >= 3) {
            window[HIDDEN].iter().for_each(|index| chars[*index] = '*');
            start += HIDDEN.end;
        } else {
            start += 1;
        }
    }
}

/// The value of an ASCII or full-width digit.
fn digit(c: char) -> Option<u32> {
    match c {
        '0'..='9' => Some(u32::from(c) - u32::from('0')),
        '０'..='９' => Some(u32::from(c) - u32::from('０')),
        _ => None,
    }
}

fn is_separator(c: char) -> bool {
    (c.is_whitespace() && c != '\n')
        || matches!(c, '-' | '－' | '−' | '\u{2010}'..='\u{2015}' | '.' | '．' | '·' | '(' | ')' | '（' | '）' | '_')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Ids of the bridge's own: long runs of digits and dashes that must stay readable.
fn is_uuid(chars: &[char]) -> bool {
    let fits = |(place, c): (usize, &char)| match place {
        8 | 13 | 18 | 23 => *c == '-',
        _ => c.is_ascii_hexdigit(),
    };
    chars.len() == 36 && chars.iter().enumerate().all(fits)
}

/// A copy for eyes that may not see personal data: members named `phone`, `mobile`, `phone2`, `weixinAcc`, `wechat_id`,
/// `email` and `qq` are hidden at any depth, also in the ERP's `{"id": "mobile", "val": …}` form; every other string, and
/// every name of a member, goes through [`mask_text`].
pub fn mask_json(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(mask_text(text)),
        Value::Number(number) => {
            let (text, masked) = (number.to_string(), mask_text(&number.to_string()));
            // Only what is nothing but a mobile number: a time in milliseconds has thirteen digits and stays.
            let is_mobile = text.len() == MOBILE_DIGITS || (text.len() == MOBILE_DIGITS + 2 && text.starts_with("86"));
            if is_mobile && masked != text { Value::String(masked) } else { value.clone() }
        }
        Value::Array(items) => items.iter().map(mask_json).collect(),
        Value::Object(members) => Value::Object(mask_object(members)),
        Value::Null | Value::Bool(_) => value.clone(),
    }
}

fn mask_object(members: &Map<String, Value>) -> Map<String, Value> {
    let field = members.get("id").and_then(Value::as_str).and_then(personal);
    let mask = |(name, value): (&String, &Value)| {
        let is_value = matches!(name.as_str(), "val" | "value" | "text");
        let masked = match personal(name).or(field.filter(|_| is_value)) {
            Some(field) => mask_personal(field, value),
            None => mask_json(value),
        };
        (mask_text(name), masked)
    };
    members.iter().map(mask).collect()
}

/// The name in [`PERSONAL`] that `name` is, however it is capitalised.
fn personal(name: &str) -> Option<&'static str> {
    PERSONAL.into_iter().find(|field| field.eq_ignore_ascii_case(name))
}

fn mask_personal(field: &'static str, value: &Value) -> Value {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => return items.iter().map(|item| mask_personal(field, item)).collect(),
        Value::Object(_) | Value::Null | Value::Bool(_) => return mask_json(value),
    };
    Value::String(mask_field(field, &text))
}

fn mask_field(field: &str, text: &str) -> String {
    match field {
        "email" => mask_email(text),
        "weixinAcc" | "wechat_id" | "qq" => mask_wechat(text),
        _ => mask_phone(text),
    }
}

#[cfg(test)]
#[path = "masking_tests.rs"]
mod tests;
