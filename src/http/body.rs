//! Reading bodies: the size limit (also of chunked ones), the deadline, the memory, the media type, JSON into a type of ours.

use std::ops::Deref;

use axum::{
    body::{Bytes, HttpBody},
    extract::{FromRequest, Request},
    http::{HeaderMap, HeaderValue, header},
};
use http_body_util::BodyExt;
use serde::{Deserialize, de::DeserializeOwned};

use super::{budget::Share, problem::Problem, state::HttpState};
use crate::{config::FIRST_BODY_BYTES, event::FieldError, json};

/// Refuses a body that does not call itself JSON (`application/json`, `application/…+json`; parameters do not matter), and
/// one that is compressed.
///
/// # Errors
/// [`Problem::UnsupportedMediaType`], [`Problem::UnsupportedEncoding`].
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.strip_prefix("application/") {
        Some(subtype) if subtype == "json" || (subtype.len() > 5 && subtype.ends_with("+json")) => {}
        _ => return Err(Problem::UnsupportedMediaType),
    }
    let is_plain =
        |value: &HeaderValue| value.to_str().is_ok_and(|value| value.trim().eq_ignore_ascii_case("identity"));
    if headers.get_all(header::CONTENT_ENCODING).iter().all(is_plain) {
        Ok(())
    } else {
        Err(Problem::UnsupportedEncoding)
    }
}

/// A body, and the memory that it takes of what the connections leave of the common budget, for as long as it is kept.
#[derive(Debug)]
pub(crate) struct RawBody {
    bytes: Vec<u8>,
    _share: Share,
}

impl RawBody {
    /// The text that it is.
    ///
    /// # Errors
    /// [`Problem::InvalidJson`] if it is not UTF-8.
    pub(super) fn into_text(self) -> Result<String, Problem> {
        String::from_utf8(self.bytes).map_err(|_| Problem::InvalidJson("it is not UTF-8".into()))
    }
}

impl Deref for RawBody {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads a whole body, but no more than the limit, and no longer than the deadline.
///
/// # Errors
/// [`Problem::BodyTooLarge`], [`Problem::BodyTimeout`], [`Problem::Overloaded`] if there is no memory for it, or
/// [`Problem::InvalidJson`] if the line was cut.
pub(crate) async fn read<B>(state: &HttpState, headers: &HeaderMap, body: &mut B) -> Result<RawBody, Problem>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    read_at_most(state, headers, body, state.body_limit).await
}

/// The same of whoever gets less than that.
///
/// # Errors
/// As [`read`].
pub(crate) async fn read_at_most<B>(
    state: &HttpState,
    headers: &HeaderMap,
    body: &mut B,
    limit: u64,
) -> Result<RawBody, Problem>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    let limit = limit.min(state.body_limit);
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(Problem::BodyTooLarge(limit));
    }
    let read = gather(state, usize::try_from(limit).unwrap_or(usize::MAX), body);
    tokio::time::timeout(state.read_timeout, read).await.unwrap_or(Err(Problem::BodyTimeout))
}

async fn gather<B>(state: &HttpState, limit: usize, body: &mut B) -> Result<RawBody, Problem>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    let mut share = state.memory().share();
    let mut blocks = Blocks::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::InvalidJson("the body broke off".into()))?;
        let Ok(chunk) = frame.into_data() else { continue };
        let length = blocks.length + chunk.len();
        if length > limit {
            return Err(Problem::BodyTooLarge(limit as u64));
        }
        // Its first bytes were set aside with its connection.
        share.grow_to(length.saturating_sub(FIRST_BODY_BYTES)).await?;
        blocks.push(&chunk);
    }
    Ok(RawBody { bytes: blocks.into_bytes(), _share: share })
}

/// What has come of a body, in blocks of one size: a text that grows would leave holes of every size behind, several times
/// what it holds.
#[derive(Default)]
struct Blocks {
    blocks: Vec<Vec<u8>>,
    length: usize,
}

impl Blocks {
    const SIZE: usize = 16 * 1_024;

    fn push(&mut self, mut chunk: &[u8]) {
        self.length += chunk.len();
        while !chunk.is_empty() {
            let full = self.blocks.last().is_none_or(|block| block.len() == Self::SIZE);
            if full {
                self.blocks.push(Vec::with_capacity(if self.blocks.is_empty() { chunk.len() } else { Self::SIZE }));
            }
            let Some(block) = self.blocks.last_mut() else { return };
            let (fits, rest) = chunk.split_at(chunk.len().min(Self::SIZE - block.len()));
            block.extend_from_slice(fits);
            chunk = rest;
        }
    }

    fn into_bytes(mut self) -> Vec<u8> {
        if self.blocks.len() == 1 {
            return self.blocks.swap_remove(0);
        }
        let mut bytes = Vec::with_capacity(self.length);
        self.blocks.into_iter().for_each(|block| bytes.extend_from_slice(&block));
        bytes
    }
}

/// A JSON body of a REST call, read into a type.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<HttpState> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &HttpState) -> Result<Self, Problem> {
        let (parts, mut body) = request.into_parts();
        require_json(&parts.headers)?;
        let raw = read(state, &parts.headers, &mut body).await?;
        parse(&raw).map(Self)
    }
}

/// A JSON body that may be left out.
#[derive(Debug)]
pub(crate) struct OptionalJsonBody<T>(pub(super) T);

impl<T: DeserializeOwned + Default> FromRequest<HttpState> for OptionalJsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &HttpState) -> Result<Self, Problem> {
        let (parts, mut body) = request.into_parts();
        let raw = read(state, &parts.headers, &mut body).await?;
        if raw.is_empty() {
            return Ok(Self(T::default()));
        }
        require_json(&parts.headers)?;
        parse(&raw).map(Self)
    }
}

/// JSON into a type: what is no JSON is [`Problem::InvalidJson`], what does not fit is [`Problem::Invalid`] with its place.
///
/// # Errors
/// As said. serde's words name members and types; they are kept only where they cannot quote a value.
pub(super) fn parse<T: DeserializeOwned>(raw: &[u8]) -> Result<T, Problem> {
    let body = json::parse(raw).map_err(|fault| Problem::InvalidJson(fault.to_string()))?;
    // serde would also read a struct from an array.
    if body.is_array() {
        return Err(Problem::Invalid(vec![FieldError::new("", "应为对象 (expected an object)")]));
    }
    serde_path_to_error::deserialize(&body).map_err(|error| {
        let (pointer, message) = (pointer(error.path()), say(&error.inner().to_string()));
        Problem::Invalid(vec![FieldError { pointer, message }])
    })
}

/// serde's words without what it quotes: `invalid type: string "138…", expected a boolean` keeps only what is expected.
fn say(words: &str) -> String {
    match words.rsplit_once("expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None if words.starts_with("missing field") || words.starts_with("duplicate field") => words.to_owned(),
        None => "not allowed here".to_owned(),
    }
}

/// An RFC 6901 pointer of serde's path.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// For `#[serde(deserialize_with)]` of a member that has a default: `null` is absent, as it is of a member that has none.
pub(super) fn null_is_absent<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The same for an optional whole number; `3.0` is one in JSON too.
pub(super) fn whole<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else { return Ok(None) };
    let exact = |float: &f64| float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0;
    let whole = number.as_i64().or_else(|| number.as_f64().filter(exact).map(|float| float as i64));
    whole.map(Some).ok_or_else(|| serde::de::Error::custom("a fraction, expected a whole number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_put_together_from_whatever_pieces_it_comes_in() {
        let body: Vec<u8> = (0..3 * Blocks::SIZE + 7).map(|at| at as u8).collect();
        for piece in [1, 7, 1_000, Blocks::SIZE - 1, Blocks::SIZE, Blocks::SIZE + 1, body.len()] {
            let mut blocks = Blocks::default();
            body.chunks(piece).for_each(|chunk| blocks.push(chunk));
            assert_eq!(blocks.length, body.len(), "pieces of {piece}");
            assert_eq!(blocks.into_bytes(), body, "pieces of {piece}");
        }
        assert!(Blocks::default().into_bytes().is_empty());
    }

    #[test]
    fn a_compressed_body_is_refused() {
        let table: [(&[&str], bool); 7] = [
            (&[], true),
            (&["identity"], true),
            (&[" Identity "], true),
            (&["gzip"], false),
            (&["identity", "gzip"], false),
            (&["identity, gzip"], false),
            (&[""], false),
        ];
        for (values, plain) in table {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            for value in values {
                headers.append(header::CONTENT_ENCODING, HeaderValue::from_static(value));
            }
            let expected = if plain { Ok(()) } else { Err(Problem::UnsupportedEncoding) };
            assert_eq!(require_json(&headers), expected, "{values:?}");
        }
    }

    #[test]
    fn json_is_recognised_by_its_media_type() {
        let table = [
            ("application/json", true),
            ("application/json; charset=utf-8", true),
            ("Application/JSON", true),
            ("application/cloudevents+json", true),
            ("application/+json", false),
            ("application/jsonp", false),
            ("text/json", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ];
        for (value, json) in table {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(value));
            assert_eq!(require_json(&headers).is_ok(), json, "{value}");
        }
        assert_eq!(require_json(&HeaderMap::new()), Err(Problem::UnsupportedMediaType));
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        approve: bool,
        reason: Option<String>,
    }

    #[test]
    fn a_fault_is_named_with_its_place_and_never_with_its_value() {
        let table = [
            (r#"{"approve":"13812345678"}"#, "/approve", "expected a boolean"),
            (r#"{"approve":true,"reason":5}"#, "/reason", "expected a string"),
            (r#"{"approve":true,"13812345678":1}"#, "/13812345678", "expected `approve` or `reason`"),
            (r"{}", "", "missing field `approve`"),
            ("[]", "", "应为对象 (expected an object)"),
            ("[true]", "", "应为对象 (expected an object)"),
            ("3", "", "expected struct Sample"),
        ];
        for (raw, place, message) in table {
            let Err(Problem::Invalid(errors)) = parse::<Sample>(raw.as_bytes()) else { panic!("{raw}") };
            assert_eq!((errors[0].pointer.as_str(), errors.len()), (place, 1), "{raw}");
            assert_eq!(errors[0].message, message, "{raw}");
            assert!(!errors[0].message.contains("1381234"), "{raw}");
        }
    }

    #[test]
    fn what_is_no_json_is_told_apart_from_what_is_not_valid() {
        for raw in ["", "{", "{\"approve\":true}}", "{\"approve\":true} x", "{'approve':true}"] {
            assert!(matches!(parse::<Sample>(raw.as_bytes()), Err(Problem::InvalidJson(_))), "{raw}");
        }
        for raw in [r#"{"approve":true}"#, r#"{"approve":true,"reason":null}"#] {
            assert_eq!(parse::<Sample>(raw.as_bytes()), Ok(Sample { approve: true, reason: None }), "{raw}");
        }
    }
}
