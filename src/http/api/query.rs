//! Query parameters and path ids: read by hand, so that every fault is a problem that names its parameter.

use std::{borrow::Cow, str::FromStr, time::Duration};

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;

use crate::{
    clock::Millis,
    event::{Bilingual, Status, moment_meant},
    http::problem::Problem,
    store::{EventFilter, Named},
};

/// Items of a page unless the caller says otherwise.
pub(crate) const DEFAULT_LIMIT: i64 = 50;
/// Most items of a page.
pub(crate) const MAX_LIMIT: i64 = 200;
/// Longest `q` and `type`, in characters.
pub(crate) const MAX_TEXT_CHARS: usize = 200;

/// `?…` into a type; what cannot be read is [`Problem::InvalidQuery`].
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Self(params)),
            Err(_) => {
                Err(invalid("?", "每个参数一次，百分号编码的 UTF-8", "every parameter once, percent-encoded UTF-8"))
            }
        }
    }
}

/// The `{id}` of a path; an unreadable one names nothing.
#[derive(Debug)]
pub(crate) struct PathId(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let id = Path::<String>::from_request_parts(parts, state).await.map(|Path(id)| id).unwrap_or_default();
        Ok(Self(id))
    }
}

impl PathId {
    /// The id if it is a contact's.
    ///
    /// # Errors
    /// [`Problem::ContactNotLinked`]: what cannot be a contact is not linked.
    pub(crate) fn contact(self) -> Result<String, Problem> {
        if is_contact_id(&self.0) { Ok(self.0) } else { Err(Problem::ContactNotLinked) }
    }

    /// The id if it is a message's of the outbox.
    ///
    /// # Errors
    /// [`Problem::MessageNotFound`]
    pub(in crate::http) fn message(self) -> Result<String, Problem> {
        let id = uuid::Uuid::try_parse(&self.0).map_err(|_| Problem::MessageNotFound)?;
        Ok(id.hyphenated().to_string())
    }

    /// The id if it is a replay's.
    ///
    /// # Errors
    /// [`Problem::ReplayNotFound`]
    pub(crate) fn replay(self) -> Result<String, Problem> {
        let id = uuid::Uuid::try_parse(&self.0).map_err(|_| Problem::ReplayNotFound)?;
        Ok(id.hyphenated().to_string())
    }

    /// The id if it is an event's.
    ///
    /// # Errors
    /// [`Problem::EventNotFound`]
    pub(crate) fn event(self) -> Result<String, Problem> {
        let id = uuid::Uuid::try_parse(&self.0).map_err(|_| Problem::EventNotFound)?;
        Ok(id.hyphenated().to_string())
    }
}

/// Whether this is a contact's id: 1–48 of `A–Z a–z 0–9 _ -` (`contract.md` §1).
pub(crate) fn is_contact_id(id: &str) -> bool {
    (1..=48).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// What an event filter says, as text; an empty text says nothing.
#[derive(Debug, Default)]
pub(crate) struct FilterText<'a> {
    pub(crate) status: Option<&'a str>,
    pub(crate) kind: Option<&'a str>,
    pub(crate) contact_id: Option<&'a str>,
    pub(crate) blocked: Option<&'a str>,
    pub(crate) retrying: Option<&'a str>,
    pub(crate) since: Option<&'a str>,
    pub(crate) until: Option<&'a str>,
    pub(crate) code: Option<&'a str>,
    pub(crate) q: Option<&'a str>,
}

/// A member that cannot be read: its name, and what is allowed.
pub(crate) type Fault = (&'static str, Bilingual);

/// A query parameter that cannot be read, and what is allowed.
pub(crate) fn invalid(name: &str, zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Problem {
    Problem::InvalidQuery(name.to_owned(), Bilingual::new(zh, en))
}

impl FilterText<'_> {
    /// The filter, or the first member that cannot be read; times that name no zone are in this one.
    pub(crate) fn read(&self, zone: &TimeZone) -> Result<EventFilter, Fault> {
        let given = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let contact_id = given(self.contact_id);
        if contact_id.as_deref().is_some_and(|id| !is_contact_id(id)) {
            let allowed = Bilingual::new("1 至 48 个字符，只含 A-Z a-z 0-9 _ -", "1 to 48 of A-Z a-z 0-9 _ -");
            return Err(("contact_id", allowed));
        }
        Ok(EventFilter {
            ids: Vec::new(),
            statuses: statuses(self.status.unwrap_or_default())?,
            kind: given(self.kind).map(|text| plain("type", text)).transpose()?,
            contact_id,
            blocked: truth("blocked", self.blocked)?,
            retrying: truth("retrying", self.retrying)? == Some(true),
            since: moment("since", self.since, zone)?,
            until: moment("until", self.until, zone)?,
            code: given(self.code).map(code).transpose()?,
            q: given(self.q).map(|text| plain("q", text)).transpose()?,
            search_words: false,
            named: Named::default(),
            oldest_first: false,
        })
    }
}

fn statuses(list: &str) -> Result<Vec<Status>, Fault> {
    let names = list.split(',').filter(|_| !list.is_empty());
    let allowed = || {
        let all = Status::ALL.map(Status::as_str).join(", ");
        Bilingual::new(format!("没有这个状态，可选 {all}"), format!("no such status: one of {all}"))
    };
    names.map(|name| Status::from_str(name).map_err(|_| ("status", allowed()))).collect()
}

fn truth(name: &'static str, text: Option<&str>) -> Result<Option<bool>, Fault> {
    match text {
        None | Some("") => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err((name, truths())),
    }
}

fn truths() -> Bilingual {
    Bilingual::new("应为 true 或 false", "true or false")
}

/// An error's code: a word of the bridge's own.
fn code(text: String) -> Result<String, Fault> {
    let is_code = text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let allowed = || Bilingual::new("应为错误代码，最多 40 个 a-z _", "an error's code: up to 40 of a-z _");
    if is_code { Ok(text) } else { Err(("code", allowed())) }
}

/// A text without control characters (PostgreSQL cannot store a NUL) of at most [`MAX_TEXT_CHARS`].
pub(crate) fn plain(name: &'static str, text: String) -> Result<String, Fault> {
    if text.chars().count() > MAX_TEXT_CHARS || text.chars().any(char::is_control) {
        let zh = format!("最长 {MAX_TEXT_CHARS} 字，不含控制字符");
        return Err((name, Bilingual::new(zh, format!("up to {MAX_TEXT_CHARS} characters, no control characters"))));
    }
    Ok(text)
}

/// A moment, in `zone` if it names none; `None` if it was not said.
pub(crate) fn moment(name: &'static str, text: Option<&str>, zone: &TimeZone) -> Result<Option<Millis>, Fault> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let zh = "应为 RFC 3339 时间，如 2026-11-23T15:04:05+08:00，不写时区则按 webhook.zone；或一个日期";
    let en = "RFC 3339, such as 2026-11-23T15:04:05+08:00; without an offset it is in webhook.zone; or a date";
    moment_meant(text, zone).map(Some).ok_or_else(|| (name, Bilingual::new(zh, en)))
}

/// How many items a page has.
///
/// # Errors
/// [`Problem::InvalidQuery`] unless it is a number from 1 to [`MAX_LIMIT`].
pub(crate) fn limit(text: Option<&str>) -> Result<i64, Problem> {
    let Some(text) = text else { return Ok(DEFAULT_LIMIT) };
    let digits = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<i64>() {
        Ok(limit) if digits && (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        _ => Err(number("limit", MAX_LIMIT)),
    }
}

/// A number of seconds; `None` if it was not said.
///
/// # Errors
/// [`Problem::InvalidQuery`] unless it is a number from 1 to `most`.
pub(crate) fn seconds(text: Option<&str>, most: u64) -> Result<Option<Duration>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let digits = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u64>() {
        Ok(seconds) if digits && (1..=most).contains(&seconds) => Ok(Some(Duration::from_secs(seconds))),
        _ => Err(number("seconds", most)),
    }
}

/// The place where a page begins: the `seq` of the last item of the page before.
///
/// # Errors
/// [`Problem::InvalidQuery`] unless it is a cursor that a page gave.
pub(crate) fn cursor(text: Option<&str>) -> Result<Option<i64>, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let digits = text
        .strip_prefix('c')
        .filter(|digits| (1..=18).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse().ok()) {
        Some(seq) => Ok(Some(seq)),
        None => Err(no_cursor()),
    }
}

/// `true` or `false`; `None` if it was not said.
///
/// # Errors
/// [`Problem::InvalidQuery`] for anything else.
pub(crate) fn flag(name: &str, text: Option<&str>) -> Result<bool, Problem> {
    match text {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Problem::InvalidQuery(name.to_owned(), truths())),
    }
}

/// What is no number from 1 to `most`.
fn number(name: &str, most: impl std::fmt::Display) -> Problem {
    invalid(name, format!("应为 1 至 {most} 的数字"), format!("a number from 1 to {most}"))
}

/// What no page gave as its `next_cursor`.
pub(crate) fn no_cursor() -> Problem {
    invalid("cursor", "应为上一页给出的 next_cursor", "the next_cursor of the page before")
}

/// The cursor of the page that begins behind this item.
pub(crate) fn cursor_at(seq: i64) -> String {
    format!("c{seq}")
}

/// Cuts the one item too many that was asked for, and says where the next page begins.
pub(crate) fn page<T>(mut rows: Vec<T>, limit: i64, seq: impl Fn(&T) -> i64) -> (Vec<T>, Option<String>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = if more { rows.last().map(|row| cursor_at(seq(row))) } else { None };
    (rows, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_between_one_and_two_hundred_items() {
        let table = [
            (None, Some(50)),
            (Some("1"), Some(1)),
            (Some("200"), Some(200)),
            (Some("0"), None),
            (Some("201"), None),
            (Some("-1"), None),
            (Some("+5"), None),
            (Some(""), None),
            (Some("1.0"), None),
            (Some("99999999999999999999"), None),
        ];
        for (text, expected) in table {
            assert_eq!(limit(text).ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn seconds_have_a_first_and_a_last() {
        for (text, expected) in
            [("1", Some(1)), ("3600", Some(3_600)), ("0", None), ("3601", None), ("", None), ("1.5", None)]
        {
            assert_eq!(seconds(Some(text), 3_600).ok().flatten().map(|it| it.as_secs()), expected, "{text}");
        }
        assert_eq!(seconds(None, 3_600), Ok(None));
    }

    #[test]
    fn a_cursor_is_one_that_a_page_gave() {
        let (rows, next) = page(vec![9, 8, 7], 2, |row| *row);
        assert_eq!((rows, next.as_deref()), (vec![9, 8], Some("c8")));
        assert_eq!(cursor(next.as_deref()), Ok(Some(8)));
        assert_eq!(page(vec![9, 8], 2, |row| *row).1, None);
        assert_eq!((cursor(None), cursor(Some(""))), (Ok(None), Ok(None)));
        for wrong in ["8", "c", "c-8", "c8x", "c1234567890123456789"] {
            assert!(cursor(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_filter_is_read_member_by_member_and_its_first_fault_named() {
        let text = FilterText {
            status: Some("dead,held"),
            kind: Some("deal.closed"),
            contact_id: Some("c_1-X"),
            blocked: Some("true"),
            retrying: Some("false"),
            since: Some("2026-11-23T00:00:00+08:00"),
            until: Some("2026-11-23T00:00:00Z"),
            code: Some("refused"),
            q: Some("张"),
        };
        let filter = text.read(&TimeZone::UTC).unwrap();
        assert_eq!(filter.statuses, [Status::Dead, Status::Held]);
        assert_eq!((filter.kind.as_deref(), filter.q.as_deref()), (Some("deal.closed"), Some("张")));
        assert_eq!(filter.code.as_deref(), Some("refused"));
        assert_eq!(filter.until.unwrap().since(filter.since.unwrap()).as_secs(), 8 * 3_600);

        let long = "x".repeat(MAX_TEXT_CHARS + 1);
        let table = [
            (FilterText { status: Some("done"), ..FilterText::default() }, "status"),
            (FilterText { status: Some("dead,"), ..FilterText::default() }, "status"),
            (FilterText { blocked: Some("yes"), ..FilterText::default() }, "blocked"),
            (FilterText { retrying: Some("1"), ..FilterText::default() }, "retrying"),
            (FilterText { kind: Some("a\u{0}"), ..FilterText::default() }, "type"),
            (FilterText { contact_id: Some("a b"), ..FilterText::default() }, "contact_id"),
            (FilterText { code: Some("Refused"), ..FilterText::default() }, "code"),
            (FilterText { since: Some("yesterday"), ..FilterText::default() }, "since"),
            (FilterText { until: Some("2026-11-31"), ..FilterText::default() }, "until"),
            (FilterText { q: Some(&long), ..FilterText::default() }, "q"),
        ];
        for (text, name) in table {
            assert_eq!(text.read(&TimeZone::UTC).unwrap_err().0, name);
        }
    }

    #[test]
    fn what_is_left_empty_filters_nothing() {
        let empty =
            FilterText { status: Some(""), kind: Some(""), q: Some(""), since: Some(""), ..FilterText::default() };
        let filter = empty.read(&TimeZone::UTC).unwrap();
        assert!(filter.statuses.is_empty() && filter.kind.is_none() && filter.q.is_none() && filter.since.is_none());
    }

    #[test]
    fn a_contact_id_has_one_to_forty_eight_plain_characters() {
        let (longest, too_long) = ("a".repeat(48), "a".repeat(49));
        for (id, fits) in
            [("", false), ("a", true), (&longest, true), (&too_long, false), ("a b", false), ("客", false)]
        {
            assert_eq!(is_contact_id(id), fits, "{id}");
        }
    }
}
