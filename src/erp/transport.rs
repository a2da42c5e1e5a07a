//! One HTTP request to the ERP: no proxy, no redirects, no hidden retries; timed, few at once, and only within a lease.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use reqwest::header::{CONTENT_TYPE, DATE, LOCATION};
use tokio::sync::Semaphore;

use super::{
    BuildError, ErpError,
    classify::{self, HttpAnswer},
    envelope::BODY_MAX,
    interface::Style,
    lease_guard::LeaseGuard,
};
use crate::{
    clock::{Clock, Millis},
    config::{Authorities, BaseUrl, ContentType, ErpConfig},
    os, outbound,
    telemetry::traces::Span,
};

/// Idle connections are closed before the ERP's web server (two minutes) would cut one under a request.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// How long a connection may take to come about, at most; never longer than half of a call's time.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// The way to the ERP.
pub(super) struct Transport {
    http: reqwest::Client,
    base_url: BaseUrl,
    content_type: ContentType,
    /// The ERP takes a few calls at once, not dozens.
    slots: Semaphore,
    /// How far the ERP's clock is ahead of ours, in milliseconds, by its last answer that said.
    ahead: Mutex<Option<i64>>,
    clock: Clock,
}

impl Transport {
    /// Sends nothing yet.
    ///
    /// # Errors
    ///
    /// TLS that cannot be set up.
    pub(super) fn new(config: &ErpConfig, authorities: &Authorities, clock: Clock) -> Result<Self, BuildError> {
        Ok(Self {
            http: http_client(config, authorities)?,
            base_url: config.base_url.clone(),
            content_type: config.content_type,
            slots: Semaphore::new(config.max_in_flight.clamp(1, Semaphore::MAX_PERMITS)),
            ahead: Mutex::default(),
            clock,
        })
    }

    /// Sends one request, when there is a slot and `guard` is still open.
    pub(super) async fn post(
        &self,
        style: Style,
        path: &str,
        body: String,
        token: Option<&str>,
        trace_parent: Option<String>,
        guard: &LeaseGuard,
    ) -> Sent {
        let Ok(_slot) = self.slots.acquire().await else {
            return Sent::never(self.clock.now(), ErpError::NotDelivered("the client is closed".into()));
        };
        let started_at = self.clock.now();
        if let Err(error) = guard.check() {
            return Sent::never(started_at, error);
        }
        let begun = Instant::now();
        let mut request = self.http.post(format!("{}{path}", self.base_url)).body(guard.body(body));
        request = match (style, token) {
            (Style::Asp, _) | (Style::V3, None) => request.header(CONTENT_TYPE, self.content_type.as_str()),
            (Style::V3, Some(token)) => request.header(CONTENT_TYPE, "application/json").header("ZBAPI-Token", token),
        };
        if let Some(trace_parent) = trace_parent {
            request = request.header("traceparent", trace_parent);
        }
        let (answer, date) = match exchange(request).await {
            Ok((answer, date)) => (Ok(answer), date),
            Err(error) => (Err(guard.stopped().unwrap_or(error)), None),
        };
        self.note_clock(date.as_deref());
        Sent { started_at, elapsed: begun.elapsed(), date, answer, span: None }
    }

    /// How far the ERP's clock is ahead of ours, in milliseconds and within a second; `None` if no answer has said.
    pub(super) fn clock_ahead(&self) -> Option<i64> {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_clock(&self, date: Option<&str>) {
        let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        if let Some(date) = date {
            let ahead = date.timestamp().as_millisecond() - self.clock.now().0;
            *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
        }
    }
}

/// One request and what became of it.
pub(super) struct Sent {
    pub(super) started_at: Millis,
    pub(super) elapsed: Duration,
    /// The header `Date`, as it stands.
    pub(super) date: Option<String>,
    pub(super) answer: Result<HttpAnswer, ErpError>,
    /// The call in its trace, if it is traced.
    pub(super) span: Option<Box<Span>>,
}

impl Sent {
    fn never(started_at: Millis, error: ErpError) -> Self {
        Self { started_at, elapsed: Duration::ZERO, date: None, answer: Err(error), span: None }
    }
}

/// Sends and reads the whole answer, but no more than [`BODY_MAX`]; its header `Date` stands beside it.
async fn exchange(request: reqwest::RequestBuilder) -> Result<(HttpAnswer, Option<String>), ErpError> {
    let mut response = request.send().await.map_err(|error| classify::transport(&error))?;
    let status = response.status().as_u16();
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (location, date) = (header(LOCATION), header(DATE));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| classify::transport(&error))? {
        if body.len() + chunk.len() > BODY_MAX {
            return Err(ErpError::cut(format!("an answer of more than {BODY_MAX} bytes, not read to its end")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((HttpAnswer { status, location, body }, date))
}

fn http_client(config: &ErpConfig, authorities: &Authorities) -> Result<reqwest::Client, BuildError> {
    // The system would go on sending what was given up here, for half a minute, and longer than a short late effect.
    os::give_up_after(outbound::client(config.base_url.is_https(), authorities), config.timeout)
        .connect_timeout(CONNECT_MAX.min(config.timeout / 2))
        .timeout(config.timeout)
        .pool_idle_timeout(IDLE_MAX)
        .pool_max_idle_per_host(config.max_in_flight)
        .build()
        .map_err(|error| BuildError(format!("the HTTP client: {error}")))
}
