//! A run in the trace of its event.

use super::{dispatcher::Dispatcher, end::End};
use crate::{clock::Millis, event::EventKind, store::EventRow, sync::Job, telemetry::traces::SpanKind};

impl Dispatcher {
    /// The event has waited until now and is run by this job; its trace shows both, and the job what it does.
    pub(super) fn trace_run(&self, event: &EventRow, job: &Job, begun: Millis) {
        let Some(trace) = self.parts.traces.of_event(&event.id, event.trace_parent.as_deref()) else { return };
        let since = event.next_attempt_at.filter(|due| *due < begun).unwrap_or(event.received_at);
        trace.span("wait", SpanKind::Internal, since).end_at(begun, false);
        let run = trace
            .span("run", SpanKind::Consumer, begun)
            .with("event.id", event.id.clone())
            .with("event.type", EventKind::label(&event.kind))
            .with("event.attempts", event.attempts.to_string());
        job.log.trace(run);
    }
}

impl End {
    /// How a run ended, in a word, and whether by a failure.
    pub(super) fn word(&self) -> (&'static str, bool) {
        match self {
            Self::Succeeded(_) => ("succeeded", false),
            Self::GiveWay(_) => ("gave_way", false),
            Self::Hold => ("held", false),
            Self::NotAdmitted(_) => ("not_admitted", false),
            Self::Wait => ("waits_for_twin", false),
            Self::LookAgain(..) => ("looks_again", false),
            Self::Again => ("again", false),
            Self::Retry { code, .. } | Self::PlanAnew { code, .. } | Self::Dead { code, .. } => (*code, true),
            Self::Blocked(fault) => (fault.cause.as_str(), true),
            Self::Duplicate(_) => ("duplicate", true),
            Self::Review { code, .. } => (*code, true),
            Self::Abandon(_) => ("abandoned", true),
        }
    }
}
