//! A collector of traces: takes OTLP over HTTP in protobuf, and shows what came.

use std::{collections::BTreeMap, time::Duration};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
    trace::v1::{Span, status::StatusCode},
};
use prost::Message;

use super::Receiver;

/// A span as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub name: String,
    pub trace: String,
    pub id: String,
    /// Empty for the first of a trace.
    pub parent: String,
    pub nanoseconds: (u64, u64),
    pub has_failed: bool,
    pub attributes: BTreeMap<String, String>,
    /// Which process sent it.
    pub process: String,
}

/// A collector on a free port.
pub struct Collector(Receiver);

impl Collector {
    pub async fn start() -> Self {
        Self(Receiver::start().await)
    }

    /// One that takes everything, and says so only after this time.
    pub async fn slow(pause: Duration) -> Self {
        Self(Receiver::slow(pause).await)
    }

    /// Answers what comes from now on after this time.
    pub fn answer_after(&self, pause: Duration) {
        self.0.answer_after(pause);
    }

    /// Answers the next batches with these states.
    pub fn answer_next(&self, states: &[u16]) {
        self.0.answer_next(states);
    }

    /// As `telemetry.otlp_endpoint` names it.
    pub fn address(&self) -> &str {
        self.0.url.split("/hook").next().unwrap()
    }

    /// Everything that came, as it came.
    pub fn text(&self) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.0.received().iter().map(|received| format!("{:?} {}\n", received.headers, text(&received.bytes))).collect()
    }

    /// How many batches came.
    pub fn batches(&self) -> usize {
        self.0.received().len()
    }

    /// Every span that came.
    pub fn spans(&self) -> Vec<Seen> {
        let mut spans = Vec::new();
        for received in self.0.received() {
            let kind = &received.headers["content-type"];
            assert_eq!((received.uri.path(), kind.as_bytes()), ("/v1/traces", &b"application/x-protobuf"[..]));
            for of_process in ExportTraceServiceRequest::decode(received.bytes).unwrap().resource_spans {
                let process = attributes(&of_process.resource.unwrap().attributes);
                assert_eq!(process["service.name"], "erp-bridge");
                let sent = of_process.scope_spans.into_iter().flat_map(|scope| scope.spans);
                spans.extend(sent.map(|span| seen(span, &process["service.instance.id"])));
            }
        }
        spans
    }
}

fn seen(span: Span, process: &str) -> Seen {
    assert!(span.trace_id.len() == 16 && span.span_id.len() == 8 && span.kind > 0, "{span:?}");
    Seen {
        trace: hex::encode(&span.trace_id),
        id: hex::encode(&span.span_id),
        parent: hex::encode(&span.parent_span_id),
        nanoseconds: (span.start_time_unix_nano, span.end_time_unix_nano),
        has_failed: span.status.is_some_and(|status| status.code == StatusCode::Error as i32),
        attributes: attributes(&span.attributes),
        process: process.to_owned(),
        name: span.name,
    }
}

fn attributes(pairs: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |pair: &KeyValue| match &pair.value {
        Some(AnyValue { value: Some(Value::StringValue(text)) }) => text.clone(),
        other => panic!("{}: {other:?}", pair.key),
    };
    pairs.iter().map(|pair| (pair.key.clone(), text(pair))).collect()
}
