//! What each member of an event may hold. Lengths are the ERP's (`erp-wire.md` §5), checked at the door and counted as
//! the ERP's database counts them: in UTF-16 code units, so that an emoji counts two.

use std::time::Duration;

use jiff::Timestamp;
use validator::ValidationError;

use crate::clock::Millis;

/// 客户名称.
pub(super) const CUSTOMER_NAME_UNITS_MAX: usize = 100;
/// 联系人姓名.
pub(super) const PERSON_NAME_UNITS_MAX: usize = 50;
/// 地址.
pub(super) const ADDRESS_UNITS_MAX: usize = 200;
/// 职务.
pub(super) const JOB_UNITS_MAX: usize = 50;
/// Where the platform has a contact from.
pub(super) const SOURCE_UNITS_MAX: usize = 50;
/// 备注.
pub(super) const NOTES_UNITS_MAX: usize = 4_000;
/// What a deal is called.
pub(super) const TITLE_UNITS_MAX: usize = 200;
/// A chat message; longer than a progress record, which is then split.
pub(super) const CONTENT_CHARS_MAX: usize = 20_000;
/// The platform's ids of threads, signals and deals.
pub(super) const ID_CHARS_MAX: usize = 100;
/// `type`, in characters.
const KIND_CHARS_MAX: usize = 64;
/// 客户编号 holds 50, two of which are the prefix `WX`.
pub(super) const CONTACT_ID_CHARS_MAX: usize = 48;
/// Digits of an amount before and after the point.
const AMOUNT_DIGITS_MAX: (usize, usize) = (18, 4);

/// 2000-01-01 00:00:00 in the ERP's zone: nothing that is told now happened before.
const EARLIEST: Millis = Millis(946_656_000_000);
/// How far ahead of ours a sender's clock may be before its times are not believed.
const AHEAD_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// An error whose message says what is allowed and never what came.
fn refuse(code: &'static str, message: impl Into<std::borrow::Cow<'static, str>>) -> ValidationError {
    ValidationError::new(code).with_message(message.into())
}

/// Length as SQL Server's `nvarchar` counts it.
pub(super) fn utf16_units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Whether a person would see nothing: only white space, control characters, what is no character (U+FFFE), and what has no
/// width. The ERP stores nothing of it.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control() || is_invisible(c))
}

fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
        || ('\u{fdd0}'..='\u{fdef}').contains(&c)
}

/// At most `MAX` UTF-16 code units.
pub(super) fn at_most<const MAX: usize>(text: &str) -> Result<(), ValidationError> {
    if utf16_units(text) <= MAX {
        return Ok(());
    }
    Err(refuse(
        "too_long",
        format!("最长 {MAX} 字，这是 ERP 的上限 (must be at most {MAX} characters, the ERP's limit)"),
    ))
}

/// `type`: 1–64 of `a–z 0–9 . _ -`. It names what happened in logs, metrics and pages, also where nobody handles it.
pub(super) fn kind(kind: &str) -> Result<(), ValidationError> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    if (1..=KIND_CHARS_MAX).contains(&kind.len()) && kind.bytes().all(allowed) {
        return Ok(());
    }
    Err(refuse(
        "kind",
        "应为 1 至 64 个字符，只含 a-z、0-9、.、_、- (must be 1 to 64 characters out of a-z, 0-9, ., _ and -)",
    ))
}

/// `contact.id`: 1–48 of `A–Z a–z 0–9 _ -`.
pub(super) fn contact_id(id: &str) -> Result<(), ValidationError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=CONTACT_ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(allowed) {
        return Ok(());
    }
    Err(refuse(
        "contact_id",
        "应为 1 至 48 个字符，只含 A-Z、a-z、0-9、_、- (must be 1 to 48 characters out of A-Z, a-z, 0-9, _ and -)",
    ))
}

/// Ids of threads, signals and deals: 1–100 characters, none of them a control character, not only white space.
pub(super) fn id(id: &str) -> Result<(), ValidationError> {
    let visible = !is_blank(id) && !id.chars().any(char::is_control);
    if visible && id.chars().count() <= ID_CHARS_MAX {
        return Ok(());
    }
    Err(refuse("id", "应为 1 至 100 个字符，不含控制字符 (must be 1 to 100 characters without control characters)"))
}

/// `signal.content`: up to 20,000 characters, something among them to read.
pub(super) fn content(text: &str) -> Result<(), ValidationError> {
    if is_blank(text) {
        return Err(refuse("blank", "不能为空 (must not be blank)"));
    }
    if text.chars().count() > CONTENT_CHARS_MAX {
        return Err(refuse("too_long", "最长 20000 字 (must be at most 20000 characters)"));
    }
    Ok(())
}

/// `thread.score`: 0–100.
pub(super) fn score(score: f64) -> Result<(), ValidationError> {
    if (0.0..=100.0).contains(&score) {
        return Ok(());
    }
    Err(refuse("score", "应为 0 至 100 的数字 (must be a number from 0 to 100)"))
}

/// `contact.erp.ord`: a record's number.
pub(super) fn ord(number: i64) -> Result<(), ValidationError> {
    if number > 0 {
        Ok(())
    } else {
        Err(refuse("ord", "应为 ERP 记录的编号，不小于 1 (must be the number of an ERP record, 1 or more)"))
    }
}

/// `data.sequence`: not negative.
pub(super) fn sequence(number: i64) -> Result<(), ValidationError> {
    if number >= 0 {
        return Ok(());
    }
    Err(refuse("sequence", "应为不小于 0 的整数 (must be a whole number, 0 or more)"))
}

/// `thread.bucket` and `previous_bucket`.
pub(super) fn bucket(name: &str) -> Result<(), ValidationError> {
    one_of(name, &["WHITE", "GRAY", "BLACK"], "应为 WHITE、GRAY 或 BLACK (must be WHITE, GRAY or BLACK)")
}

/// `signal.direction`.
pub(super) fn direction(name: &str) -> Result<(), ValidationError> {
    one_of(
        name,
        &["inbound", "outbound"],
        "应为 inbound（客户）或 outbound（我方） (must be inbound, from the customer, or outbound, from us)",
    )
}

/// `signal.channel`.
pub(super) fn channel(name: &str) -> Result<(), ValidationError> {
    one_of(
        name,
        &["wechat", "phone", "email", "visit"],
        "应为 wechat、phone、email 或 visit (must be wechat, phone, email or visit)",
    )
}

fn one_of(name: &str, names: &[&str], message: &'static str) -> Result<(), ValidationError> {
    if names.contains(&name) { Ok(()) } else { Err(refuse("choice", message)) }
}

/// `deal.amount`: a decimal without sign, up to 18 digits and 4 fraction digits.
pub(super) fn amount(text: &str) -> Result<(), ValidationError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str, max| (1..=max).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if digits(whole, AMOUNT_DIGITS_MAX.0) && digits(fraction, AMOUNT_DIGITS_MAX.1) {
        return Ok(());
    }
    Err(refuse(
        "amount",
        "应为金额，如 12800.00：最多 18 位整数、4 位小数 (must be a decimal such as 12800.00: up to 18 digits, then up to 4 after the point)",
    ))
}

/// `deal.currency`: three letters.
pub(super) fn currency(text: &str) -> Result<(), ValidationError> {
    if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Ok(());
    }
    Err(refuse("currency", "应为三个字母，如 CNY (must be three letters such as CNY)"))
}

/// A moment as RFC 3339 writes it.
pub(super) fn timestamp(text: &str) -> Result<(), ValidationError> {
    match moment(text) {
        Some(_) => Ok(()),
        None => Err(refuse(
            "timestamp",
            "应为 RFC 3339 时间，如 2026-11-23T15:04:05+08:00 (must be an RFC 3339 time such as 2026-11-23T15:04:05+08:00)",
        )),
    }
}

/// The moment that an RFC 3339 text names. jiff alone would also take other notations (a bare hour, `[Asia/Shanghai]`).
pub(super) fn moment(text: &str) -> Option<Millis> {
    if !looks_like_rfc3339(text.as_bytes()) {
        return None;
    }
    let parsed = text.parse::<Timestamp>().or_else(|error| match text.strip_prefix("9999") {
        // jiff ends a day before that year does, for the sake of zones; the year before it has the same days.
        Some(rest) => format!("9998{rest}").parse::<Timestamp>().map(|_| Timestamp::MAX),
        None => Err(error),
    });
    parsed.ok().map(Millis::from)
}

/// Whether something that the bridge heard of at `received_at` can have happened at `moment`. A clock that was never set
/// says 0001, 1900 or 1970, a field that means "never" 9999.
pub(super) fn is_plausible(moment: Millis, received_at: Millis) -> bool {
    (EARLIEST..=received_at.plus(AHEAD_MAX)).contains(&moment)
}

pub(super) fn looks_like_rfc3339(text: &[u8]) -> bool {
    let fits = |text: &[u8], shape: &[u8]| {
        text.len() == shape.len()
            && text.iter().zip(shape).all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b'T' | b't'),
                b'+' => matches!(byte, b'+' | b'-'),
                _ => byte == form,
            })
    };
    let Some((clock, mut rest)) = text.split_at_checked(19) else { return false };
    if let Some(fraction) = rest.strip_prefix(b".") {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return false;
        }
        rest = fraction.get(digits..).unwrap_or_default();
    }
    fits(clock, b"0000-00-00T00:00:00") && (matches!(rest, b"Z" | b"z") || fits(rest, b"+00:00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_counted_as_the_erp_counts_it() {
        assert!(at_most::<4>("王小明").is_ok());
        assert!(at_most::<4>("王小😀").is_ok());
        assert!(at_most::<4>("王小明😀").is_err());
        assert!(at_most::<0>("").is_ok());
    }

    #[test]
    fn a_type_has_1_to_64_plain_characters() {
        for good in ["a", "contact.promoted", "x_1-2.y", &"x".repeat(64)] {
            assert!(kind(good).is_ok(), "{good}");
        }
        for bad in ["", " ", "A", "a b", "<script>", "客户", "a\n", "a/b", &"x".repeat(65)] {
            assert!(kind(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_contact_id_has_1_to_48_plain_characters() {
        for good in ["a", "A-z_09", &"x".repeat(48)] {
            assert!(contact_id(good).is_ok(), "{good}");
        }
        for bad in ["", " a", "a ", "a.b", "客户", "a\0", &"x".repeat(49)] {
            assert!(contact_id(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn another_id_has_1_to_100_characters_and_no_control_character() {
        for good in ["1", "msg:1/2 三", &"客".repeat(100)] {
            assert!(id(good).is_ok(), "{good}");
        }
        for bad in ["", "  ", "a\nb", "a\0", "\u{7f}", "\u{85}", &"客".repeat(101)] {
            assert!(id(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_amount_is_an_unsigned_decimal() {
        for good in ["0", "1", "12800.00", "0.0001", "999999999999999999.9999", "007"] {
            assert!(amount(good).is_ok(), "{good}");
        }
        let bad =
            ["", ".", "1.", ".5", "-1", "+1", "1,000", "1e3", "1.23456", "1.2.3", "１", " 1", "1234567890123456789"];
        for bad in bad {
            assert!(amount(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_time_is_rfc_3339_and_nothing_looser() {
        for good in [
            "2026-11-23T15:04:05Z",
            "2026-11-23t15:04:05z",
            "2026-11-23T15:04:05.123456789+08:00",
            "2024-02-29T23:59:59-00:00",
        ] {
            assert!(moment(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "2026-11-23",
            "2026-11-23T15:04:05",
            "2026-11-23 15:04:05Z",
            "2026-11-23T15:04Z",
            "2026-11-23T15Z",
            "2026-11-23T15:04:05.Z",
            "2026-11-23T15:04:05+0800",
            "2026-11-23T15:04:05+08:00[Asia/Shanghai]",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-23T24:00:00Z",
            "+02026-11-23T15:04:05Z",
            "1764000000",
            "２026-11-23T15:04:05Z",
        ] {
            assert!(moment(bad).is_none(), "{bad}");
        }
        assert_eq!(moment("1970-01-01T08:00:01.5+08:00"), Some(Millis(1500)));
        for good in ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59-12:00"] {
            assert!(moment(good).is_some(), "{good}");
        }
        for bad in ["9999-02-29T00:00:00Z", "9999-13-01T00:00:00Z", "9999-12-31T24:00:00Z", "9999-12-31T00:00:00+99:00"]
        {
            assert!(moment(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_time_is_believed_from_2000_until_a_day_after_it_was_told() {
        let told = Millis(1_795_000_000_000);
        let of = |text: &str| moment(text).unwrap();
        let day_after = told.plus(AHEAD_MAX);
        for (when, believed) in [
            (of("0001-01-01T00:00:00Z"), false),
            (of("1999-12-31T23:59:59.999+08:00"), false),
            (of("2000-01-01T00:00:00+08:00"), true),
            (told, true),
            (day_after.minus(Duration::from_millis(1)), true),
            (day_after, true),
            (day_after.plus(Duration::from_millis(1)), false),
            (of("9999-12-31T23:59:59Z"), false),
        ] {
            assert_eq!(is_plausible(when, told), believed, "{when:?}");
        }
    }

    #[test]
    fn a_score_is_from_0_to_100() {
        assert!([0.0, 59.999, 100.0].into_iter().all(|number| score(number).is_ok()));
        assert!([-0.001, 100.001, f64::NAN, f64::INFINITY].into_iter().all(|number| score(number).is_err()));
    }

    #[test]
    fn content_has_something_to_read_and_at_most_20000_characters() {
        assert!(content(&"😀".repeat(20_000)).is_ok());
        assert!(content(&"字".repeat(20_001)).is_err());
        for blank in ["", " \n", "\0\u{3000}", "\u{fffe}", "\u{200b}\u{feff} \u{ad}", "\u{1ffff}\u{e0041}"] {
            assert!(content(blank).is_err(), "{blank:?}");
        }
        for visible in ["\u{fffe}字", "❤\u{fe0f}", "\u{fffd}", "."] {
            assert!(content(visible).is_ok(), "{visible:?}");
        }
    }

    #[test]
    fn a_currency_is_three_letters() {
        assert!(["CNY", "usd"].into_iter().all(|text| currency(text).is_ok()));
        assert!(["", "CN", "CNYY", "元", "C1Y"].into_iter().all(|text| currency(text).is_err()));
    }
}
