//! What goes into the ledger and what comes out of it.

use std::str::FromStr;

use serde_json::Value;

use super::{Deed, Named, StoreError, db::Row};
pub use crate::event::Intake;
use crate::{
    clock::Millis,
    event::{Decision, Link, Status, UnknownLinkWord},
};

/// An event that asks to be committed.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// The sender's id of this delivery; `None` for calls of the REST interface without an idempotency key.
    pub webhook_id: Option<String>,
    /// Event type, such as `contact.promoted`.
    pub kind: String,
    /// Whose event it is; `None` only for what nobody handles.
    pub contact_id: Option<String>,
    /// When it happened, by the sender's clock.
    pub occurred_at: Option<Millis>,
    /// The whole body as it came (JSON).
    pub payload: String,
    /// The platform's id of the deal that it tells of.
    pub deal_id: Option<String>,
    /// How it asks to be taken in.
    pub intake: Intake,
    /// What was cut or left out of it (a list of `event::FieldError` as JSON text), if anything.
    pub warnings: Option<String>,
    /// Who asked: `webhook`, or a token's name.
    pub actor: String,
    /// Skips admission (REST, operators only).
    pub force: bool,
    /// The sender's own number of this event for its contact, if it numbers them.
    pub sequence: Option<i64>,
    /// W3C `traceparent` of the request.
    pub trace_parent: Option<String>,
    /// An operator's deed that is audited in the transaction that accepts the event.
    pub deed: Option<Deed>,
}

/// What became of a [`NewEvent`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// Committed.
    New {
        /// The new event's id (uuid v7).
        id: String,
        /// Where it starts.
        status: Status,
        /// The admission decision, if one was made.
        decision: Option<Decision>,
    },
    /// The same delivery was committed before.
    Duplicate {
        /// The first one's id.
        id: String,
    },
    /// The `webhook_id` was used before for another body.
    Conflict {
        /// The first one's id.
        id: String,
    },
}

/// A request that was signed and well-formed but not valid.
#[derive(Debug, Clone)]
pub struct Rejection {
    /// The delivery's `webhook-id`.
    pub webhook_id: String,
    /// Event type, if it could be read.
    pub kind: Option<String>,
    /// Whose event, if it could be read.
    pub contact_id: Option<String>,
    /// The problem's `errors` as JSON.
    pub errors: Value,
    /// The body as it came; empty once erased.
    pub payload: String,
}

/// A stored [`Rejection`].
#[derive(Debug, Clone)]
pub struct RejectionRow {
    /// Rising number, newest highest.
    pub seq: i64,
    /// When it came first.
    pub received_at: Millis,
    /// When it came last.
    pub last_at: Millis,
    /// How often it came.
    pub count: i64,
    /// What came.
    pub rejection: Rejection,
}

/// An event as the ledger holds it.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// Order of acceptance.
    pub seq: i64,
    /// uuid v7.
    pub id: String,
    /// The sender's id of the delivery.
    pub webhook_id: Option<String>,
    /// Event type.
    pub kind: String,
    /// Whose event.
    pub contact_id: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// When it was committed.
    pub received_at: Millis,
    /// When it happened, by the sender's clock.
    pub occurred_at: Option<Millis>,
    /// The body as it came; `None` once erased or pruned.
    pub payload: Option<String>,
    /// The body as a person corrected it.
    pub amended: Option<String>,
    /// The admission decision.
    pub admission: Option<Value>,
    /// What was cut or left out of it because it did not fit and only describes.
    pub warnings: Option<Value>,
    /// Who asked.
    pub actor: String,
    /// Whether admission was skipped.
    pub force: bool,
    /// The sender's number.
    pub sequence: Option<i64>,
    /// W3C `traceparent`.
    pub trace_parent: Option<String>,
    /// Failed attempts that count.
    pub attempts: i64,
    /// When it is tried again, if it waits; for `held`, when the waiting ends.
    pub next_attempt_at: Option<Millis>,
    /// Why it last failed, waits or ended, in words.
    pub error: Option<String>,
    /// A stable word for the same (`not_delivered`, `refused`, `candidates` …).
    pub error_code: Option<String>,
    /// What a person needs for a decision: candidates of a conflict, or the step whose outcome is unknown.
    pub review: Option<Value>,
    /// What a person decided: `{"decision": …, "ord": …}`; read by [`EventRow::decided`].
    pub resolution: Option<Value>,
    /// The block that it waits for: code and subject.
    pub blocked_by: Option<String>,
    /// Blocks that it was the first to meet and that another event passed, since it last finished a step or was replayed.
    pub blocks_begun: i64,
    /// When its state last changed.
    pub updated_at: Millis,
    /// When it ended.
    pub finished_at: Option<Millis>,
}

/// State of one step of an event's plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Not begun.
    Planned,
    /// Begun; whether it took effect is to be asked of the ERP.
    Started,
    /// Took effect.
    Done,
}

impl StepState {
    /// The ledger's name of the state.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Started => "started",
            Self::Done => "done",
        }
    }
}

/// One step of an event's plan.
#[derive(Debug, Clone)]
pub struct StepRow {
    /// From 0, in order.
    pub position: i64,
    /// The step's stable name within its event, such as `save_customer` or `progress:2/3`.
    pub name: String,
    /// The step itself (`sync::Step` as JSON).
    pub step: Value,
    /// How far it is.
    pub state: StepState,
    /// What it brought.
    pub result: Option<Value>,
    /// The customer by which its effect is counted ([`Store::count_fingerprints`](super::Store::count_fingerprints)), where it
    /// is and the customer is known.
    pub customer: Option<i64>,
    /// How often the ERP said that it is done and did not show it.
    pub unseen: i64,
    /// When it was (last) begun.
    pub started_at: Option<Millis>,
    /// When it was done.
    pub finished_at: Option<Millis>,
}

/// One call to the ERP on behalf of an event.
#[derive(Debug, Clone)]
pub struct CallRow {
    /// Step that made it; `survey` for the look-ups before the plan.
    pub step: String,
    /// The interface's name: `客户列表`, `洽谈进展` …
    pub interface: String,
    /// When it was sent.
    pub started_at: Millis,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
    /// `ok`, or the error's code.
    pub outcome: String,
    /// The fields sent, without session and secrets.
    pub request: Value,
    /// What the ERP said, shortened.
    pub response: String,
}

/// A contact that is linked to a customer of the ERP.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactRow {
    /// The platform's id.
    pub contact_id: String,
    /// Its customer.
    pub link: Link,
    /// Since when.
    pub linked_at: Millis,
}

/// What `GET /v1/events` may ask for.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// These events; empty means all.
    pub ids: Vec<String>,
    /// States; empty means all.
    pub statuses: Vec<Status>,
    /// Event type.
    pub kind: Option<String>,
    /// Whose events.
    pub contact_id: Option<String>,
    /// Whether they wait for a block.
    pub blocked: Option<bool>,
    /// Only those that wait for another try after a failure.
    pub retrying: bool,
    /// Received at or after.
    pub since: Option<Millis>,
    /// Received before.
    pub until: Option<Millis>,
    /// The error's code.
    pub code: Option<String>,
    /// Part of the id, webhook id, contact id or error code; and what it names.
    pub q: Option<String>,
    /// Look for `q` in the words of errors too: they can quote people.
    pub search_words: bool,
    /// Whom and what `q` names: these are found, too.
    pub named: Named,
    /// Whether a list of them begins with the oldest.
    pub oldest_first: bool,
}

// From a row of a result to the types above.

impl EventRow {
    /// The body that counts: as it was corrected, or else as it came; `None` once erased or pruned.
    pub fn body(&self) -> Option<&str> {
        self.amended.as_deref().or(self.payload.as_deref())
    }

    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            seq: row.int("seq")?,
            id: row.text("id")?,
            webhook_id: row.opt_text("webhook_id")?,
            kind: row.text("kind")?,
            contact_id: row.opt_text("contact_id")?,
            status: status(row)?,
            received_at: row.millis("received_at")?,
            occurred_at: row.opt_millis("occurred_at")?,
            payload: row.opt_text("payload")?,
            amended: row.opt_text("amended")?,
            admission: row.opt_json("admission")?,
            warnings: row.opt_json("warnings")?,
            actor: row.text("actor")?,
            force: row.int("force")? != 0,
            sequence: row.opt_int("sequence")?,
            trace_parent: row.opt_text("trace_parent")?,
            attempts: row.int("attempts")?,
            next_attempt_at: row.opt_millis("next_attempt_at")?,
            error: row.opt_text("error")?,
            error_code: row.opt_text("error_code")?,
            review: row.opt_json("review")?,
            resolution: row.opt_json("resolution")?,
            blocked_by: row.opt_text("blocked_by")?,
            blocks_begun: row.int("blocks_begun")?,
            updated_at: row.millis("updated_at")?,
            finished_at: row.opt_millis("finished_at")?,
        })
    }
}

/// The column `status`.
pub(super) fn status(row: &Row) -> Result<Status, StoreError> {
    let name = row.text("status")?;
    name.parse().map_err(|_| StoreError::Unavailable(format!("the ledger holds an unknown status {name:?}")))
}

impl StepRow {
    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            position: row.int("position")?,
            name: row.text("name")?,
            step: row.opt_json("step")?.unwrap_or_default(),
            state: match row.text("state")?.as_str() {
                "done" => StepState::Done,
                "started" => StepState::Started,
                _ => StepState::Planned,
            },
            result: row.opt_json("result")?,
            customer: row.opt_text("fingerprint")?.as_deref().and_then(customer_of),
            unseen: row.int("unseen")?,
            started_at: row.opt_millis("started_at")?,
            finished_at: row.opt_millis("finished_at")?,
        })
    }
}

/// The customer of a mark by which equal effects are counted: it stands before the colon.
pub(super) fn customer_of(fingerprint: &str) -> Option<i64> {
    fingerprint.split_once(':').and_then(|(ord, _)| ord.parse().ok())
}

impl CallRow {
    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            step: row.text("step")?,
            interface: row.text("interface")?,
            started_at: row.millis("started_at")?,
            duration_ms: row.int("duration_ms")?,
            outcome: row.text("outcome")?,
            request: row.opt_json("request")?.unwrap_or_default(),
            response: row.text("response")?,
        })
    }
}

impl ContactRow {
    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        let link = Link {
            ord: row.int("ord")?,
            khid: row.text("khid")?,
            kind: link_word(row, "kind")?,
            linked_by: link_word(row, "linked_by")?,
        };
        Ok(Self { contact_id: row.text("contact_id")?, link, linked_at: row.millis("linked_at")? })
    }
}

/// A column that holds one of the words of a link.
fn link_word<T: FromStr<Err = UnknownLinkWord>>(row: &Row, column: &str) -> Result<T, StoreError> {
    row.text(column)?
        .parse()
        .map_err(|error| StoreError::Unavailable(format!("the ledger's contacts.{column}: {error}")))
}

impl RejectionRow {
    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            seq: row.int("seq")?,
            received_at: row.millis("received_at")?,
            last_at: row.opt_millis("last_at")?.unwrap_or(row.millis("received_at")?),
            count: row.int("count")?,
            rejection: Rejection {
                webhook_id: row.text("webhook_id")?,
                kind: row.opt_text("kind")?,
                contact_id: row.opt_text("contact_id")?,
                errors: row.opt_json("errors")?.unwrap_or_default(),
                payload: row.text("payload")?,
            },
        })
    }
}
