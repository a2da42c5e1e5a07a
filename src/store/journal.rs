//! The statements that write the journal: steps, links, calls. Their callers hold the lease and the transaction.

use super::{
    CallRow, Change, NewLink, StoreError,
    db::{Row, Tx, args},
    turns::{Advance, Lease},
};
use crate::{clock::Millis, event::Status};

/// Writes what one advance of the journal says; answers the held messages that it released.
pub(super) async fn write_advance(
    tx: &mut Tx,
    lease: &Lease,
    advance: &Advance,
    now: Millis,
) -> Result<Vec<Change>, StoreError> {
    let event_id = lease.event_id.as_str();
    if let Some((position, result)) = &advance.done {
        let sql = "update steps set state = 'done', result = $3, fingerprint = $4, finished_at = $5
                   where event_id = $1 and position = $2";
        tx.execute(sql, args![event_id, *position, result.to_string(), advance.fingerprint.clone(), now]).await?;
    }
    if let Some((position, result)) = &advance.told {
        let sql = "update steps set result = $3 where event_id = $1 and position = $2";
        tx.execute(sql, args![event_id, *position, result.to_string()]).await?;
    }
    if let Some(position) = advance.reset {
        let sql = "update steps set state = 'planned', started_at = null, result = null
                   where event_id = $1 and position = $2";
        tx.execute(sql, args![event_id, position]).await?;
    }
    if let Some(position) = advance.start {
        let sql = "update steps set state = 'started', started_at = $3, result = null
                   where event_id = $1 and position = $2";
        tx.execute(sql, args![event_id, position, now]).await?;
    }
    if advance.resolved {
        tx.execute("update events set resolution = null where id = $1", args![event_id]).await?;
    }
    let released = match &advance.link {
        Some(link) => write_link(tx, &lease.contact_id, link, now).await?,
        None => Vec::new(),
    };
    record_calls(tx, event_id, &advance.calls).await?;
    Ok(released)
}

/// Links the contact and releases its held messages into its turn; answers them.
async fn write_link(tx: &mut Tx, contact_id: &str, link: &NewLink, now: Millis) -> Result<Vec<Change>, StoreError> {
    tx.execute(
        "insert into contacts (contact_id, ord, khid, kind, linked_by, linked_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (contact_id) do update set ord = excluded.ord, khid = excluded.khid, kind = excluded.kind,
           linked_by = excluded.linked_by, linked_at = excluded.linked_at",
        args![contact_id, link.ord, link.khid.as_str(), link.kind.as_str(), link.linked_by.as_str(), now],
    )
    .await?;
    let sql = "update events set status = 'queued', next_attempt_at = $2, updated_at = $2
        where contact_id = $1 and finished_at is null and status = 'held' returning id, kind";
    let released = tx.fetch(sql, args![contact_id, now]).await?;
    let change = |row: &Row| {
        let (id, kind) = (row.text("id")?, row.text("kind")?);
        Ok(Change { id, kind, contact_id: Some(contact_id.to_owned()), status: Status::Queued, at: now })
    };
    released.iter().map(change).collect()
}

/// Forgets the steps that were never begun, and an allocated id under which nothing was saved: it may be the reason. The plan stays where a step's outcome is open, which only looking it up can
/// tell, and where the contact was linked by it: a new plan for a linked contact would leave out what is still to be done.
/// An allocated id that was not used goes too: by the next run the ERP may have forgotten it.
pub(super) async fn forget_plan(tx: &mut Tx, event_id: &str) -> Result<(), StoreError> {
    let sql = "delete from steps where event_id = $1 and (state = 'planned' or name = 'allocate') and not exists
        (select 1 from steps as kept where kept.event_id = $1
           and (kept.state = 'started' or (kept.state = 'done' and kept.name in ('link', 'save_customer'))))";
    tx.execute(sql, args![event_id]).await?;
    let unused = "delete from steps where event_id = $1 and name = 'allocate' and not exists
        (select 1 from steps as saved where saved.event_id = $1 and saved.name = 'save_customer')";
    tx.execute(unused, args![event_id]).await?;
    Ok(())
}

/// Keeps the calls to the ERP that an event made, in order.
pub(super) async fn record_calls(tx: &mut Tx, event_id: &str, calls: &[CallRow]) -> Result<(), StoreError> {
    for call in calls {
        tx.execute(
            "insert into calls (event_id, number, step, interface, started_at, duration_ms, outcome, request, response)
             select $1, coalesce(max(number) + 1, 0), $2, $3, $4, $5, $6, $7, $8 from calls where event_id = $1",
            args![
                event_id,
                call.step.as_str(),
                call.interface.as_str(),
                call.started_at,
                call.duration_ms,
                call.outcome.as_str(),
                call.request.to_string(),
                call.response.as_str(),
            ],
        )
        .await?;
    }
    Ok(())
}
