//! Traces over OTLP (`telemetry.otlp_endpoint`): one trace an event, from the request that brought it through its waits and runs
//! to every call of the ERP. Where no collector is named, nothing of this is made.
//!
//! The trace is the sender's (`traceparent`), or else named by the event's id; the span of the request is named by it always.
//! So whoever goes on with an event, after a crash or on another replica, goes on with its trace.
//!
//! Spans hold ids and words of the bridge's own, and nothing that a person wrote.

mod export;

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

pub use opentelemetry::trace::SpanKind;
use opentelemetry::{
    KeyValue,
    trace::{SpanContext, SpanId, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use uuid::Uuid;

use self::export::Exporter;
use crate::{
    clock::{Clock, Millis},
    config::{Authorities, BaseUrl},
};

/// How long the end of the process waits for a collector to take what is left.
const STOP_MAX: Duration = Duration::from_secs(2);

/// What spans are sent by; nothing where none are made. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Traces(Option<Arc<Sink>>);

#[derive(Debug)]
struct Sink {
    exporter: Exporter,
    clock: Clock,
}

impl Traces {
    /// Sends spans to a collector, if there is one, from a thread of their own; what it does not take is lost.
    ///
    /// # Errors
    /// A client that cannot be built, in words.
    pub fn start(collector: Option<&BaseUrl>, authorities: &Authorities, clock: &Clock) -> Result<Self, String> {
        let Some(collector) = collector else { return Ok(Self::default()) };
        let exporter = Exporter::start(collector, authorities)?;
        Ok(Self(Some(Arc::new(Sink { exporter, clock: clock.clone() }))))
    }

    /// The trace of an event; none where none are made, or where the sender says that this one is not recorded.
    pub fn of_event(&self, event_id: &str, trace_parent: Option<&str>) -> Option<Trace> {
        let sink = Arc::clone(self.0.as_ref()?);
        let event = Uuid::try_parse(event_id).ok()?;
        let Some(sent) = trace_parent else {
            return Some(Trace { sink, event, id: event.as_u128().into(), sender: SpanId::INVALID });
        };
        let mut parts = sent.split('-').skip(1);
        let id = TraceId::from_hex(parts.next()?).ok()?;
        let sender = SpanId::from_hex(parts.next()?).ok()?;
        let flags = TraceFlags::new(u8::from_str_radix(parts.next()?, 16).ok()?);
        flags.is_sampled().then_some(Trace { sink, event, id, sender })
    }

    /// Sends what is left, for two seconds at most.
    pub async fn stop(&self) {
        if let Some(sink) = self.0.clone() {
            // It ends by itself; a panic in it lost spans and nothing else.
            let _ = tokio::task::spawn_blocking(move || sink.exporter.finish(STOP_MAX)).await;
        }
    }

    /// Whether spans are made.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }
}

/// The trace of one event.
#[derive(Clone, Debug)]
pub struct Trace {
    sink: Arc<Sink>,
    event: Uuid,
    id: TraceId,
    /// The sender's span; invalid where he named none.
    sender: SpanId,
}

impl Trace {
    /// The request that brought the event; it is answered now, and took so long.
    pub fn request(self, took: Duration) -> Span {
        let (id, parent, event) = (span_id_of(self.event), self.sender, self.event.to_string());
        let began = self.sink.clock.now().minus(took);
        let name = "request".into();
        Span { id, parent, name, kind: SpanKind::Server, began, attributes: Vec::new(), trace: self }
            .with("event.id", event)
    }

    /// What is done with the event after its request, since a moment.
    pub fn span(&self, name: &'static str, kind: SpanKind, began: Millis) -> Span {
        let (id, parent, trace) = (new_span_id(), span_id_of(self.event), self.clone());
        Span { id, parent, name: name.into(), kind, began, attributes: Vec::new(), trace }
    }
}

/// Something that is done for an event. It is sent when it ends, and not otherwise.
#[derive(Clone, Debug)]
pub struct Span {
    trace: Trace,
    id: SpanId,
    /// Invalid where it is the first of its trace.
    parent: SpanId,
    name: Cow<'static, str>,
    kind: SpanKind,
    began: Millis,
    attributes: Vec<KeyValue>,
}

impl Span {
    /// A part of it, which begins now.
    #[must_use]
    pub fn part(&self, name: impl Into<Cow<'static, str>>, kind: SpanKind) -> Self {
        let (trace, began) = (self.trace.clone(), self.trace.sink.clock.now());
        Self { id: new_span_id(), parent: self.id, name: name.into(), kind, began, attributes: Vec::new(), trace }
    }

    /// The same with a fact: an id, or a word of the bridge's own.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push(KeyValue::new(name, value.into()));
        self
    }

    /// As a request says that it is a part of this (W3C Trace Context).
    pub fn trace_parent(&self) -> String {
        format!("00-{}-{}-01", self.trace.id, self.id)
    }

    /// It ends now.
    pub fn end(self, has_failed: bool) {
        let at = self.trace.sink.clock.now();
        self.end_at(at, has_failed);
    }

    /// It ended then.
    pub fn end_at(self, at: Millis, has_failed: bool) {
        let (sink, id) = (&self.trace.sink, self.trace.id);
        let scope = sink.exporter.scope.clone();
        sink.exporter.send(SpanData {
            span_context: SpanContext::new(id, self.id, TraceFlags::SAMPLED, false, TraceState::NONE),
            parent_span_id: self.parent,
            parent_span_is_remote: self.kind == SpanKind::Server,
            span_kind: self.kind,
            name: self.name,
            start_time: time(self.began),
            end_time: time(at.max(self.began)),
            attributes: self.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: if has_failed { Status::error("") } else { Status::Unset },
            instrumentation_scope: scope,
        });
    }
}

fn time(at: Millis) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(at.0.max(0).unsigned_abs())
}

/// The last half of a version 7 or 4 id: random, and never zero.
fn span_id_of(id: Uuid) -> SpanId {
    id.as_u64_pair().1.into()
}

fn new_span_id() -> SpanId {
    span_id_of(Uuid::new_v4())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = "0199e0c4-1111-7222-8333-444455556666";

    fn traces() -> Traces {
        let clock = Clock::manual(Millis(1_795_500_000_000));
        Traces::start(Some(&"http://127.0.0.1:1".parse().unwrap()), &Authorities::default(), &clock).unwrap()
    }

    #[tokio::test]
    async fn an_event_without_a_trace_gives_its_own_name_to_one() {
        let trace = traces().of_event(EVENT, None).unwrap();
        let parent = trace.request(Duration::ZERO).trace_parent();
        assert_eq!(parent, "00-0199e0c4111172228333444455556666-8333444455556666-01");
    }

    #[tokio::test]
    async fn an_event_goes_on_with_its_sender_s_trace_unless_that_is_not_recorded() {
        let sent = |flags| format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
        let trace = traces().of_event(EVENT, Some(&sent("01"))).unwrap();
        let request = trace.request(Duration::ZERO);
        assert_eq!(request.trace_parent(), "00-0af7651916cd43dd8448eb211c80319c-8333444455556666-01");
        assert_eq!(request.parent.to_string(), "b7ad6b7169203331");
        let part = request.part("step", SpanKind::Internal);
        assert_eq!((part.parent, part.trace.id), (request.id, request.trace.id));
        assert!(part.id != request.id);
        assert!(traces().of_event(EVENT, Some(&sent("00"))).is_none());
    }

    #[test]
    fn where_no_collector_is_named_there_is_no_trace() {
        let traces = Traces::start(None, &Authorities::default(), &Clock::system()).unwrap();
        assert!(!traces.is_on() && traces.of_event(EVENT, None).is_none());
    }
}
