//! The memory of calls: what was asked on behalf of one event, and until when it may be asked.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Fault, interface::Interface, subject_of};
use crate::{
    clock::Millis,
    telemetry::traces::{Span, SpanKind},
};

/// A log that nobody drains keeps this many calls and forgets later ones.
const RECORDS_MAX: usize = 1_000;

/// Outcome of a writing call that a rehearsal left unsent.
pub const PLANNED: &str = "planned";

/// The id that a rehearsal takes for one that the ERP has yet to allocate.
pub const UNALLOCATED: i64 = i64::MAX;

/// One HTTP call to the ERP.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct CallRecord {
    /// The step it was made for, as set by [`CallLog::set_step`].
    pub step: String,
    /// The interface's Chinese name: 客户列表.
    pub interface: &'static str,
    /// The interface's short name: `customer.list`.
    pub call: &'static str,
    /// When it was sent.
    pub started_at: Millis,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
    /// `ok`, or the error's [`code`](super::ErpError::code).
    pub outcome: String,
    /// Field → value, without session and password.
    pub request: serde_json::Value,
    /// What the ERP said, in short: at most 2,000 characters, entities decoded, without a session.
    pub response: String,
}

/// Collects the calls of one [`Erp`](super::Erp) handle and holds its deadline. Clones share one log.
#[derive(Debug, Clone)]
pub struct CallLog {
    state: Arc<Mutex<State>>,
}

/// What a run does, as its trace shows it.
#[derive(Debug)]
struct Spans {
    run: Span,
    step: Span,
}

#[derive(Debug)]
struct State {
    step: String,
    deadline: Option<Millis>,
    spans: Option<Box<Spans>>,
    rehearsal: bool,
    faults: Vec<Fault>,
    records: Vec<CallRecord>,
    values: BTreeSet<String>,
}

impl CallLog {
    /// A log for `step`; after `deadline` (the end of the lease) no call is sent any more.
    pub fn new(step: impl Into<String>, deadline: Option<Millis>) -> Self {
        let (faults, records, values) = (Vec::new(), Vec::new(), BTreeSet::new());
        let (spans, rehearsal) = (None, false);
        let state = State { step: step.into(), deadline, spans, rehearsal, faults, records, values };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// The same log for a rehearsal: reads are sent; calls that write are written down as [`PLANNED`] and not sent.
    #[must_use]
    pub fn rehearsing(self) -> Self {
        self.lock().rehearsal = true;
        self
    }

    /// The same log, told what is known to be wrong with the installation: such an interface is not called.
    #[must_use]
    pub fn knowing(self, faults: Vec<Fault>) -> Self {
        self.lock().faults = faults;
        self
    }

    /// What is known to be wrong with an interface.
    pub(super) fn known_fault(&self, interface: &Interface) -> Option<Fault> {
        let state = self.lock();
        let subject = subject_of(interface.name, interface.call);
        state.faults.iter().find(|fault| fault.subject == subject).cloned()
    }

    /// Calls from now on belong to `step`; the one before has ended.
    pub fn set_step(&self, step: &str) {
        let mut state = self.lock();
        step.clone_into(&mut state.step);
        if let Some(spans) = &mut state.spans {
            let next = step_of(&spans.run, step);
            std::mem::replace(&mut spans.step, next).end(false);
        }
    }

    /// Steps and calls from now on are parts of `run`, and so are the requests that they send.
    pub fn trace(&self, run: Span) {
        let mut state = self.lock();
        let step = step_of(&run, &state.step);
        state.spans = Some(Box::new(Spans { run, step }));
    }

    /// The run that is traced has ended, by this word; its last step failed if it did.
    pub fn end_trace(&self, outcome: &'static str, has_failed: bool) {
        if let Some(spans) = self.lock().spans.take() {
            spans.step.end(has_failed);
            spans.run.with("event.outcome", outcome).end(has_failed);
        }
    }

    /// A call that is sent now, as a part of the step.
    pub(super) fn call_span(&self, call: &'static str) -> Option<Span> {
        let state = self.lock();
        let step = &state.spans.as_ref()?.step;
        Some(step.part(format!("erp {call}"), SpanKind::Client).with("erp.call", call))
    }

    /// Moves the deadline: the lease was extended.
    pub fn set_deadline(&self, deadline: Millis) {
        self.lock().deadline = Some(deadline);
    }

    /// Takes the calls collected so far, oldest first.
    pub fn drain(&self) -> Vec<CallRecord> {
        std::mem::take(&mut self.lock().records)
    }

    /// The installation has this value, named as a fault would name it.
    pub(super) fn note_value(&self, subject: String) {
        self.lock().values.insert(subject);
    }

    /// Takes the values that turned out to be there since the last time.
    pub fn drain_values(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.lock().values)
    }

    pub(super) fn deadline(&self) -> Option<Millis> {
        self.lock().deadline
    }

    pub(super) fn is_rehearsal(&self) -> bool {
        self.lock().rehearsal
    }

    pub(super) fn step(&self) -> String {
        self.lock().step.clone()
    }

    pub(super) fn push(&self, record: CallRecord) {
        let mut state = self.lock();
        if state.records.len() < RECORDS_MAX {
            state.records.push(record);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn step_of(run: &Span, step: &str) -> Span {
    run.part(format!("step {step}"), SpanKind::Internal)
}
