//! What happens around every request: its id, its trace, one log line, metrics, the time limit, the common headers.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use metrics::{Counter, Histogram};
use tracing::Instrument;

use crate::telemetry::traces::Trace;

use super::{
    problem::Problem,
    rates::Remote,
    request_id::{self, REQUEST_ID},
};

/// How long a request may take until the head of its answer; above the deadline of a body and a few ERP look-ups.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);
const REQUESTS: &str = "erp_bridge_http_requests_total";
const SECONDS: &str = "erp_bridge_http_request_seconds";
/// Where webhooks come in; a slash behind it is as good.
pub(super) const WEBHOOK_ROUTE: &str = "/webhooks/events";
/// Counts webhooks by their answer.
pub(super) const WEBHOOKS: &str = "erp_bridge_webhooks_total";

/// The layer around everything.
pub(super) async fn around(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let seen = Seen::of(request.method(), request.headers(), route.into(), Remote::of(request.extensions()));
    surround(seen, None, next.run(request)).await
}

/// What is remembered of a request until it is answered.
pub(super) struct Seen {
    id: Arc<str>,
    method: Method,
    route: Cow<'static, str>,
    client: Remote,
}

impl Seen {
    /// Of a request of this client to this route.
    pub(super) fn of(method: &Method, headers: &HeaderMap, route: Cow<'static, str>, client: Remote) -> Self {
        Self { id: request_id::of(headers), method: method.clone(), route, client }
    }
}

/// The metrics of an accepted webhook, found once: the registry looks all others up by their names and labels each time.
#[derive(Debug)]
pub(super) struct AcceptMetrics {
    /// `erp_bridge_http_requests_total` of status 202.
    requests: Counter,
    /// `erp_bridge_http_request_seconds`.
    seconds: Histogram,
    /// `erp_bridge_webhooks_total` of events that are queued.
    pub(super) queued: Counter,
}

impl AcceptMetrics {
    /// The recorder must be there.
    pub(super) fn new() -> Self {
        let labels = [("method", "POST"), ("route", WEBHOOK_ROUTE), ("status", "202")];
        Self {
            requests: metrics::counter!(REQUESTS, &labels),
            seconds: metrics::histogram!(SECONDS, "route" => WEBHOOK_ROUTE),
            queued: metrics::counter!(WEBHOOKS, "answer" => "queued"),
        }
    }
}

/// Sets a request's id, waits for its answer within the time limit, counts it, writes its log line and adds the common
/// headers.
pub(super) async fn surround(
    seen: Seen,
    of_accepts: Option<&AcceptMetrics>,
    answering: impl Future<Output = Response>,
) -> Response {
    let Seen { id, method, route, client } = seen;
    let (nobody, none) = (tracing::field::Empty, tracing::field::Empty);
    let span = tracing::info_span!("request", request.id = %id, client.address = %client.0, caller.name = nobody, webhook.secret = none);
    let began = Instant::now();
    let answered = request_id::scope(Arc::clone(&id), async {
        match tokio::time::timeout(REQUEST_TIMEOUT, answering).await {
            Ok(response) => response,
            Err(_) => Problem::RequestTimeout.into_response(),
        }
    });
    let mut response = answered.instrument(span.clone()).await;
    let took = began.elapsed();
    let status = response.status();
    match of_accepts.filter(|_| status == StatusCode::ACCEPTED) {
        Some(metrics) => {
            metrics.requests.increment(1);
            metrics.seconds.record(took.as_secs_f64());
        }
        None => count(&method, &route, status, took),
    }
    span.in_scope(|| {
        let (status, milliseconds) = (status.as_u16(), u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        tracing::info!(http.method = %method, http.route = &*route, http.status = status, duration_ms = milliseconds, "request");
    });
    if let Some(trace) = response.extensions_mut().remove::<Box<Trace>>() {
        let request = trace.request(took).with("http.route", route.to_string());
        request.with("http.response.status_code", status.as_str()).end(false);
    }
    set_security_headers(&mut response, &route, &id);
    response
}

fn count(method: &Method, route: &str, status: StatusCode, took: Duration) {
    let status = status.as_u16().to_string();
    let labels = [("method", known_method(method).to_owned()), ("route", route.to_owned()), ("status", status)];
    metrics::counter!(REQUESTS, &labels).increment(1);
    metrics::histogram!(SECONDS, "route" => route.to_owned()).record(took.as_secs_f64());
}

/// Adds the headers that every answer carries; what a handler set itself stays.
fn set_security_headers(response: &mut Response, route: &str, id: &str) {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
    let policy = if route.starts_with("/docs") {
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
    } else {
        "default-src 'none'; frame-ancestors 'none'"
    };
    let common = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in common {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// The `traceparent` of a request if it is one (W3C Trace Context, version 00).
pub(super) fn trace_parent(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("traceparent")?.to_str().ok()?;
    let parts: Vec<&str> = value.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let hex = parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
    let zeros = |part: &str| part.bytes().all(|byte| byte == b'0');
    let sound = hex && lengths == [2, 32, 16, 2] && parts[0] == "00" && !zeros(parts[1]) && !zeros(parts[2]);
    sound.then(|| value.to_owned())
}

/// A panic of a handler: the payload goes to the log by the panic hook, the client gets a problem.
pub(super) fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    metrics::counter!("erp_bridge_http_panics_total").increment(1);
    Problem::Internal.into_response()
}

/// The method's name for a metric: what a client made up is one name, not a new series each time.
fn known_method(method: &Method) -> &str {
    const KNOWN: [Method; 7] =
        [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::HEAD, Method::OPTIONS];
    if KNOWN.contains(method) { method.as_str() } else { "other" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        headers
    }

    #[test]
    fn only_a_well_formed_traceparent_is_passed_on() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(trace_parent(&with("traceparent", good)).as_deref(), Some(good));
        let bad = [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-02",
        ];
        for value in bad {
            assert_eq!(trace_parent(&with("traceparent", value)), None, "{value}");
        }
    }
}
