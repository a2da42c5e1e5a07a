//! The id that a request carries through the log and back to its client.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName};

/// The longest request id that is taken over from a client, in bytes.
const MAX_REQUEST_ID_BYTES: usize = 64;

/// Header that carries the request's id both ways.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: Arc<str>;
}

/// The id of the request that this code runs for, if it runs for one.
pub(super) fn current() -> Option<String> {
    CURRENT.try_with(|id| id.to_string()).ok()
}

/// Runs `request`, as which id it is known from then on.
pub(super) async fn scope<F: Future>(id: Arc<str>, request: F) -> F::Output {
    CURRENT.scope(id, request).await
}

/// The id that the client sent if it is a harmless word, else a new one.
pub(super) fn of(headers: &HeaderMap) -> Arc<str> {
    let sent = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|id| {
        (1..=MAX_REQUEST_ID_BYTES).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
    });
    sent.map_or_else(|| uuid::Uuid::now_v7().to_string().into(), Arc::from)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_sane_request_id_is_kept_and_any_other_replaced() {
        let longest = "x".repeat(MAX_REQUEST_ID_BYTES);
        for kept in ["a", "0190-abc_DEF.1:2", &longest] {
            assert_eq!(&*of(&with(kept)), kept);
        }
        let too_long = "x".repeat(MAX_REQUEST_ID_BYTES + 1);
        for replaced in ["", "a b", "a\tb", "<script>", &too_long] {
            assert_ne!(&*of(&with(replaced)), replaced);
        }
    }

    fn with(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_str(value).unwrap());
        headers
    }
}
