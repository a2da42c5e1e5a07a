//! What the platform is told of a transaction (write-back, `contract.md` §7): messages made from what was linked and moved.

use std::collections::HashMap;

use serde_json::json;

use super::{
    Addressee, Change, NewMessage, StoreError, WriteBack,
    announcements::Linked,
    bulk::lists,
    db::{Row, Tx},
    types,
};
use crate::{
    event::{Decision, Status},
    json,
    telemetry::masking::mask_text,
};

/// What the platform is told of a transaction: links first, as the events' ends follow from them.
pub(super) async fn of_changes(
    tx: &mut Tx,
    wanted: WriteBack,
    linked: &[Linked],
    moved: &[Change],
) -> Result<Vec<NewMessage>, StoreError> {
    let mut messages: Vec<NewMessage> = linked.iter().map(of_link).collect();
    let is_told = |change: &&Change| match change.status {
        Status::Dead | Status::NeedsReview | Status::NotAdmitted => true,
        Status::Succeeded => wanted.succeeded,
        _ => false,
    };
    let told: Vec<&Change> = moved.iter().filter(is_told).collect();
    let ids: Vec<&str> = told.iter().map(|change| change.id.as_str()).collect();
    let mut rows = HashMap::new();
    for (values, list) in lists(&ids) {
        let sql =
            format!("select id, status, webhook_id, error_code, error, admission from events where id in ({list})");
        for row in tx.fetch(sql, values).await? {
            rows.insert(row.text("id")?, row);
        }
    }
    for change in told {
        if let Some(row) = rows.get(&change.id) {
            messages.push(of_event(change, row)?);
        }
    }
    Ok(messages)
}

fn of_link(linked: &Linked) -> NewMessage {
    let (contact_id, link) = (linked.contact_id.as_str(), &linked.link);
    NewMessage {
        to: Addressee::Platform,
        kind: "contact.linked".to_owned(),
        data: json!({
            "contact_id": contact_id, "ord": link.ord, "khid": link.khid, "kind": link.kind, "linked_by": link.linked_by,
        }),
        event_id: None,
        contact_id: Some(contact_id.to_owned()),
    }
}

fn of_event(change: &Change, row: &Row) -> Result<NewMessage, StoreError> {
    // The key of a REST call has a blank in it (`0013_idempotency_keys.sql`), and is no delivery of the platform's.
    let webhook_id = row.opt_text("webhook_id")?.filter(|id| !id.contains(' '));
    let mut data = json!({ "event_id": change.id, "webhook_id": webhook_id, "contact_id": change.contact_id });
    match types::status(row)? {
        Status::NotAdmitted => {
            let decision = row.opt_json("admission")?.and_then(|value| json::from_value::<Decision>(&value).ok());
            data["reasons"] = json!(decision.map(|decision| decision.reasons()).unwrap_or_default());
        }
        Status::Dead | Status::NeedsReview => {
            data["code"] = json!(row.opt_text("error_code")?);
            // The ERP may quote another customer, of whom the platform knows nothing.
            data["message"] = json!(row.opt_text("error")?.map(|words| mask_text(&words)));
        }
        _ => {}
    }
    let kind = format!("event.{}", change.status);
    let (event_id, contact_id) = (Some(change.id.clone()), change.contact_id.clone());
    Ok(NewMessage { to: Addressee::Platform, kind, data, event_id, contact_id })
}
