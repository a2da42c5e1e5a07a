//! From a result's row to the types of the ledger.

use super::{
    AuditRow, CallRow, ContactRow, EventRow, Rejection, RejectionRow, StepRow, StepState, StoreError, db::Row,
};
use crate::event::Status;

impl EventRow {
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
            admission: row.opt_json("admission")?,
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
            started_at: row.opt_millis("started_at")?,
            finished_at: row.opt_millis("finished_at")?,
        })
    }
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
        Ok(Self {
            contact_id: row.text("contact_id")?,
            ord: row.int("ord")?,
            khid: row.text("khid")?,
            kind: row.text("kind")?,
            linked_by: row.text("linked_by")?,
            linked_at: row.millis("linked_at")?,
        })
    }
}

impl RejectionRow {
    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            seq: row.int("seq")?,
            received_at: row.millis("received_at")?,
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

impl AuditRow {
    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            seq: row.int("seq")?,
            at: row.millis("at")?,
            actor: row.text("actor")?,
            action: row.text("action")?,
            subject: row.text("subject")?,
            reason: row.opt_text("reason")?,
        })
    }
}
