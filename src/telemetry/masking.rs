//! Personal data made unreadable in text that must be shown: 手机号, 座机, 微信号, 邮箱, QQ, 姓名.
//!
//! The last line of defence: what a `read` token sees is decided member by member (`http/api/disclosure.rs`), and whole
//! texts of customers are not logged at all.

mod digits;

use self::digits::mask_numbers;
pub(crate) use self::digits::{is_mark as is_mark_of_digit, value as digit_value};

/// What stands before a WeChat id that WeChat itself made.
const WECHAT_PREFIX: &str = "wxid_";

/// A phone number with its middle hidden: `138****5678`. Other numbers keep the first and last few digits; what is
/// hardly a number at all is hidden as an account is.
pub fn mask_phone(phone: &str) -> String {
    let digits = phone.chars().filter(|c| digits::value(*c).is_some()).count();
    if digits < 5 || phone.chars().any(|c| c.is_alphabetic() && digits::value(c).is_none()) {
        return mask_account(phone);
    }
    let masked = mask_numbers(phone);
    if masked != phone {
        return masked;
    }
    let (first, last) = (digits / 4, digits - digits / 4);
    let mut index = 0;
    let hide = |c: char| {
        if digits::value(c).is_none() {
            return c;
        }
        index += 1;
        if index <= first || index > last { c } else { '*' }
    };
    phone.chars().map(hide).collect()
}

/// An e-mail address with all but the first character of its local part hidden: `z****@example.com`. What is no address
/// is hidden as an account is.
pub fn mask_email(email: &str) -> String {
    let is_domain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    match email.rsplit_once(['@', '＠']).filter(|(_, domain)| is_domain(domain)) {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            mask_numbers(&format!("{first}****@{domain}"))
        }
        None => mask_account(email),
    }
}

/// A name with all but its ends hidden: `仲*妮`, `张*`. The star does not tell the length.
pub fn mask_name(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    match chars.as_slice() {
        [] => String::new(),
        [_] => "*".into(),
        [first, _] => format!("{first}*"),
        [first, .., last] => format!("{first}*{last}"),
    }
}

/// A WeChat account (微信号) or QQ number with its middle hidden: `wx****23`. Keeps two characters at each end of eight or
/// more, one of four or more, else nothing; the stars do not tell the length.
pub fn mask_account(account: &str) -> String {
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

/// Free text with hidden: every run of digits that looks like a mainland mobile number or a landline, in whatever digits
/// and with whatever separators people write it; e-mail addresses; WeChat ids (`wxid_…`). Rather hides too much than too
/// little.
pub fn mask_text(text: &str) -> String {
    let mut text = std::borrow::Cow::Borrowed(text);
    if text.contains(['@', '＠']) {
        text = mask_addresses(&text).into();
    }
    if text.as_bytes().windows(WECHAT_PREFIX.len()).any(|part| part.eq_ignore_ascii_case(WECHAT_PREFIX.as_bytes())) {
        text = mask_wechat_ids(&text).into();
    }
    mask_numbers(&text)
}

/// Hides the local part of every address but its first character.
fn mask_addresses(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out: Vec<char> = Vec::with_capacity(chars.len());
    for (index, c) in chars.iter().enumerate() {
        let is_address = matches!(c, '@' | '＠') && chars.get(index + 1).is_some_and(|next| next.is_alphanumeric());
        if is_address {
            let begin = out.iter().rposition(|c| !is_local(*c)).map_or(0, |place| place + 1);
            if begin < out.len() {
                out.truncate(begin + 1);
                out.extend("****".chars());
            }
        }
        out.push(*c);
    }
    out.into_iter().collect()
}

/// What may stand before the `@` of an address.
fn is_local(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-' | '\'' | '*')
}

/// Hides what stands behind every `wxid_`.
fn mask_wechat_ids(text: &str) -> String {
    // Lower case of ASCII only: every place stays where it is.
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (place, _) in lower.match_indices(WECHAT_PREFIX) {
        let begin = place + WECHAT_PREFIX.len();
        if begin <= done {
            continue;
        }
        out.push_str(&text[done..begin]);
        out.push_str("****");
        let id = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        done = begin + text[begin..].find(|c| !id(c)).unwrap_or(text.len() - begin);
    }
    out.push_str(&text[done..]);
    out
}

#[cfg(test)]
#[path = "masking_tests.rs"]
mod tests;
