//! How spans leave the process: in batches, by OpenTelemetry's own processor and exporter (OTLP over HTTP, in protobuf), which have
//! a thread of their own and a queue with an end. Only the request is ours, so that a collector is called as everybody else is:
//! by no proxy, without redirects, with the program's own roots.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanProcessor},
};
use tokio::runtime::Handle;

use crate::{
    config::{Authorities, BaseUrl},
    outbound,
};

/// Where a collector takes traces, below its address.
const PATH: &str = "/v1/traces";
/// How long it may take to take a batch.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often spans are sent, if there are few.
const DELAY: Duration = Duration::from_secs(1);
/// Spans of a batch.
const BATCH: usize = 512;
/// Spans that wait; more are dropped. Some 8 MB.
const QUEUE: usize = 8_192;
/// What is read of an answer, in bytes; it says little.
const ANSWER_MAX: usize = 64 * 1024;

/// Takes spans that have ended.
#[derive(Debug)]
pub(super) struct Exporter {
    processor: BatchSpanProcessor,
    pub(super) scope: InstrumentationScope,
}

impl Exporter {
    /// Sets it to work.
    ///
    /// # Errors
    /// A client that cannot be built, in words.
    pub(super) fn start(collector: &BaseUrl, authorities: &Authorities) -> Result<Self, String> {
        let address = collector.as_str();
        let address = if address.ends_with(PATH) { address.to_owned() } else { format!("{address}{PATH}") };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Line::to(collector, authorities)?)
            .with_endpoint(address)
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(TIMEOUT)
            // What waits behind a batch that is sent again would be dropped instead.
            .with_retry_policy(RetryPolicy::disabled())
            .build()
            .map_err(|error| format!("the exporter of traces: {error}"))?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(DELAY)
            .build();
        let mut processor = BatchSpanProcessor::new(exporter, batches);
        processor.set_resource(&process());
        let scope = InstrumentationScope::builder("erp-bridge").with_version(env!("CARGO_PKG_VERSION")).build();
        Ok(Self { processor, scope })
    }

    /// Nobody waits for a collector: where too much waits for it, it is not told.
    pub(super) fn send(&self, span: SpanData) {
        self.processor.on_end(span);
    }

    /// Sends what is left, and ends; blocks the thread for so long at most.
    pub(super) fn finish(&self, within: Duration) {
        // What is lost now was said when the collector failed.
        let _ = self.processor.shutdown_with_timeout(within);
    }
}

/// Replicas, and a process before and after its crash, are told apart by the instance.
fn process() -> Resource {
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", "erp-bridge"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", uuid::Uuid::new_v4().to_string()),
        ])
        .build()
}

/// The line to the collector. The processor's thread is not one of the runtime that the client needs.
#[derive(Debug, Clone)]
struct Line {
    http: reqwest::Client,
    runtime: Handle,
    is_away: Arc<AtomicBool>,
}

impl Line {
    fn to(collector: &BaseUrl, authorities: &Authorities) -> Result<Self, String> {
        let runtime = Handle::try_current().map_err(|error| format!("traces need a runtime: {error}"))?;
        let client = outbound::client(collector.is_https(), authorities).timeout(TIMEOUT);
        let http = client.build().map_err(|error| format!("the HTTP client for traces: {error}"))?;
        Ok(Self { http, runtime, is_away: Arc::default() })
    }

    async fn send(self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.ask(request).await;
        self.note(answer.as_ref().is_ok_and(|answer| answer.status().is_success()));
        answer
    }

    async fn ask(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer: Response<reqwest::Body> = self.http.execute(request.try_into()?).await?.into();
        let (head, body) = answer.into_parts();
        Ok(Response::from_parts(head, Limited::new(body, ANSWER_MAX).collect().await?.to_bytes()))
    }

    /// Says once that spans do not arrive, and once that they do again.
    fn note(&self, is_taken: bool) {
        match (is_taken, self.is_away.swap(!is_taken, Ordering::Relaxed)) {
            (false, false) => tracing::warn!("the collector of traces does not take them; they are lost"),
            (true, true) => tracing::info!("the collector of traces takes them again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Line {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.runtime.spawn(self.clone().send(request)).await?
    }
}
