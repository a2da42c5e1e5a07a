//! How the ledger's rows look from outside: the JSON of events, steps, calls, contacts.

use serde_json::Value;

use super::{blocks::BlockedBy, disclosure};
use crate::{
    clock::Millis,
    config::Scope,
    event::{LinkKind, LinkedBy, Status, cause},
    json,
    store::{CallRow, ContactRow, EventRow, EventSummary, Page, StepRow, StepState, WaitsFor},
    telemetry::masking::mask_text,
};

/// Whether what people wrote and who they are is shown as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// As [`disclosure`] says: what a `read` token may see.
    Masked,
    /// As stored.
    Plain,
}

impl Sight {
    /// What a token of this scope sees of lists.
    pub(crate) fn of(scope: Scope) -> Self {
        if scope < Scope::Operate { Self::Masked } else { Self::Plain }
    }

    /// A value, shown in part by this rule of [`disclosure`].
    pub(crate) fn json(self, value: Value, in_part: impl FnOnce(&Value) -> Value) -> Value {
        if self == Self::Plain { value } else { in_part(&value) }
    }

    /// What only whole sight shows.
    pub(crate) fn whole<T>(self, value: T) -> Option<T> {
        (self == Self::Plain).then_some(value)
    }
}

/// An event in a list.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct EventItem {
    /// uuid v7.
    #[schema(format = "uuid")]
    pub id: String,
    /// Event type.
    #[serde(rename = "type")]
    #[schema(examples("contact.promoted"))]
    pub kind: String,
    /// Whose event it is.
    #[schema(examples("c_1001"))]
    pub contact_id: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// Who asked: `webhook`, or a token's name.
    #[schema(examples("webhook"))]
    pub actor: String,
    /// The sender's id of the delivery.
    pub webhook_id: Option<String>,
    /// When it was committed (RFC 3339, the ERP's zone).
    #[schema(format = DateTime)]
    pub received_at: String,
    /// When it happened, by the sender's clock.
    #[schema(format = DateTime)]
    pub occurred_at: Option<String>,
    /// Failed attempts that count.
    pub attempts: i64,
    /// When it is tried again; for `held`, when the waiting ends.
    #[schema(format = DateTime)]
    pub next_attempt_at: Option<String>,
    /// Why it last failed, waits or ended.
    pub error: Option<EventError>,
    /// What is wrong with the installation, for which it waits; no attempt is counted.
    pub blocked_by: Option<BlockedBy>,
    /// When its state last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// When it ended.
    #[schema(format = DateTime)]
    pub finished_at: Option<String>,
    /// The sender's own number of this event for its contact.
    pub sequence: Option<i64>,
}

/// Why an event failed, waits or ended.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct EventError {
    /// A stable word.
    #[schema(examples("refused"))]
    pub code: String,
    /// In words: for `operate` the ERP's own where it spoke, for `read` the bridge's.
    #[schema(examples("客户名称已存在"))]
    pub message: String,
}

/// An event with everything that is known of it.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct EventDetail {
    /// What a list shows.
    #[serde(flatten)]
    pub item: EventItem,
    /// For what it waits that is not its own doing; null where it does not.
    pub waits_for: Option<WaitsForView>,
    /// Whether an operator skipped admission.
    pub force: bool,
    /// The admission decision (准入), rule by rule.
    #[schema(value_type = Option<crate::event::Decision>)]
    pub admission: Option<Value>,
    /// What was cut or left out of it because it did not fit and only describes.
    #[schema(value_type = Option<Vec<crate::event::FieldError>>)]
    pub warnings: Option<Value>,
    /// What a person needs for a decision: candidates, or the step whose outcome is unknown.
    #[schema(value_type = Option<Object>)]
    pub review: Option<Value>,
    /// What a person decided.
    #[schema(value_type = Option<Object>)]
    pub resolution: Option<Value>,
    /// The body as it came; null once erased or pruned.
    #[schema(value_type = Option<Object>)]
    pub payload: Option<Value>,
    /// The body as a person corrected it, which is what is done; null if nobody did, or once it is erased or pruned.
    #[schema(value_type = Option<Object>)]
    pub amended: Option<Value>,
    /// W3C trace context of the request that brought it.
    pub trace_parent: Option<String>,
    /// Its plan, in order.
    pub steps: Vec<StepView>,
    /// ERP calls on its behalf, in order.
    pub calls: Vec<CallView>,
    /// Whether there were more calls before those: the last five hundred are shown, a megabyte at most.
    pub calls_cut: bool,
}

/// For what a queued event waits: an older one of its contact, or a pause.
#[derive(Debug, Default, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct WaitsForView {
    /// The older event, which goes first.
    pub event_id: Option<String>,
    /// How that one stands.
    pub status: Option<Status>,
    /// What is paused: `all`, `type` or `contact`.
    #[schema(value_type = Option<String>, examples("type"))]
    pub paused: Option<&'static str>,
    /// Why, in the operator's words; null for `read`.
    pub reason: Option<String>,
    /// When the pause ends by itself; null if it does not.
    #[schema(format = DateTime)]
    pub until: Option<String>,
}

impl WaitsForView {
    pub(super) fn of(waits: WaitsFor, sight: Sight) -> Self {
        match waits {
            WaitsFor::Earlier { event_id, status } => {
                Self { event_id: Some(event_id), status: Some(status), ..Self::default() }
            }
            WaitsFor::Pause(pause) => Self {
                paused: Some(pause.scope.word()),
                reason: Some(pause.reason).filter(|_| sight == Sight::Plain),
                until: pause.until.map(Millis::rfc3339),
                ..Self::default()
            },
        }
    }
}

/// One step of an event's plan.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct StepView {
    /// From 0, in order.
    pub position: i64,
    /// Stable name within the event.
    pub name: String,
    /// How far it is.
    pub state: StepState,
    /// When it was (last) begun.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When it was done.
    #[schema(format = DateTime)]
    pub finished_at: Option<String>,
    /// What it is to do; null for `read`.
    #[schema(value_type = Value)]
    pub step: Option<Value>,
    /// What it brought; null for `read`.
    #[schema(value_type = Value)]
    pub result: Option<Value>,
}

/// One call to the ERP.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct CallView {
    /// The step that made it; `survey` for the look-ups before the plan.
    pub step: String,
    /// The interface's name.
    #[schema(examples("个人客户添加"))]
    pub interface: String,
    /// When it was sent.
    #[schema(format = DateTime)]
    pub started_at: String,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
    /// `ok`, or the error's code.
    #[schema(examples("ok"))]
    pub outcome: String,
    /// The fields sent, without session and secrets; for `read` ids, and masked who it is about.
    #[schema(value_type = Value)]
    pub request: Value,
    /// What the ERP said, shortened; null for `read`.
    pub response: Option<String>,
}

/// A contact and its customer in the ERP.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct ContactView {
    /// The platform's id.
    #[schema(examples("c_1001"))]
    pub contact_id: String,
    /// The ERP's record.
    #[schema(examples(26_013))]
    pub ord: i64,
    /// The ERP's 客户编号.
    #[schema(examples("WXc_1001"))]
    pub khid: String,
    /// `company` (单位客户), `person` (个人客户) or `contact_person` (联系人 of a company that the ERP already had).
    #[schema(value_type = String, examples("person"))]
    pub kind: LinkKind,
    /// How it was linked: `created`, `khid`, `mobile`, `company_name`, `hint` (the platform named it), `operator`, `adopt`.
    #[schema(value_type = String, examples("created"))]
    pub linked_by: LinkedBy,
    /// When.
    #[schema(format = DateTime)]
    pub linked_at: String,
}

impl EventItem {
    pub(crate) fn of(row: &EventSummary, sight: Sight) -> Self {
        let words = row.error.as_deref().and_then(|words| sight.whole(words));
        let blocked_by = row.blocked_by.as_deref().map(|name| BlockedBy::of(name, words));
        let error = row.error.clone().or_else(|| row.error_code.clone()).map(|words| {
            let code = row.error_code.clone().unwrap_or_else(|| "unknown".into());
            EventError { message: sight.whole(words).unwrap_or_else(|| cause(&code).message.into()), code }
        });
        Self {
            id: row.id.clone(),
            kind: row.kind.clone(),
            contact_id: row.contact_id.clone(),
            status: row.status,
            actor: row.actor.clone(),
            webhook_id: row.webhook_id.clone(),
            received_at: row.received_at.rfc3339(),
            occurred_at: row.occurred_at.map(Millis::rfc3339),
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at.map(Millis::rfc3339),
            error,
            blocked_by,
            updated_at: row.updated_at.rfc3339(),
            finished_at: row.finished_at.map(Millis::rfc3339),
            sequence: row.sequence,
        }
    }
}

impl EventItem {
    /// As a list shows it, which nobody audits: numbers in an error's words are masked for `operate` too.
    pub(crate) fn listed(mut self) -> Self {
        if let Some(error) = &mut self.error {
            error.message = mask_text(&error.message);
        }
        self
    }
}

impl EventDetail {
    pub(crate) fn of(row: EventRow, steps: Vec<StepRow>, calls: Page<CallRow>, sight: Sight) -> Self {
        let item = EventItem::of(&row.summary(), sight);
        Self {
            item,
            waits_for: None,
            force: row.force,
            admission: row.admission.map(|value| sight.json(value, disclosure::admission)),
            warnings: row.warnings.map(|value| sight.json(value, disclosure::faults)),
            review: row.review.map(|value| sight.json(value, disclosure::review)),
            resolution: row.resolution,
            payload: row.payload.map(|payload| payload_json(payload, sight)),
            amended: row.amended.map(|amended| payload_json(amended, sight)),
            trace_parent: row.trace_parent,
            steps: steps.into_iter().map(|step| StepView::of(step, sight)).collect(),
            calls: calls.items.into_iter().map(|call| CallView::of(call, sight)).collect(),
            calls_cut: calls.more,
        }
    }
}

impl StepView {
    fn of(row: StepRow, sight: Sight) -> Self {
        Self {
            position: row.position,
            name: row.name,
            state: row.state,
            started_at: row.started_at.map(Millis::rfc3339),
            finished_at: row.finished_at.map(Millis::rfc3339),
            step: sight.whole(row.step),
            result: row.result.and_then(|result| sight.whole(result)),
        }
    }
}

impl CallView {
    fn of(row: CallRow, sight: Sight) -> Self {
        Self {
            step: row.step,
            interface: row.interface,
            started_at: row.started_at.rfc3339(),
            duration_ms: row.duration_ms,
            outcome: row.outcome,
            request: sight.json(row.request, disclosure::fields),
            response: sight.whole(row.response),
        }
    }
}

impl ContactView {
    /// A 客户编号 is the ERP's text: unless it looks like an id, only whole sight shows it.
    pub(crate) fn of(row: ContactRow, sight: Sight) -> Self {
        Self {
            contact_id: row.contact_id,
            ord: row.link.ord,
            khid: if sight == Sight::Plain { row.link.khid } else { disclosure::id(&row.link.khid) },
            kind: row.link.kind,
            linked_by: row.link.linked_by,
            linked_at: row.linked_at.rfc3339(),
        }
    }
}

/// A stored body as JSON; one that is none (it was refused) as text.
pub(crate) fn payload_json(payload: String, sight: Sight) -> Value {
    let value = json::parse_text(&payload).unwrap_or(Value::String(payload));
    sight.json(value, disclosure::body)
}
