//! What somebody saw of a contact who orders something for it: an order upon what has changed since is refused.

use super::{
    NewEvent, SeenContact, Store, StoreError,
    db::{Row, Tx, args},
    queries::of_contact,
};
use crate::event::EventKind;

/// What is ordered about who has a customer: each of these is decided by what the others have left.
const ASSIGNMENTS: [EventKind; 4] =
    [EventKind::ContactAssign, EventKind::ContactApply, EventKind::ContactApproval, EventKind::ContactTakeback];

impl Store {
    /// What there is to see of a contact for who is to order something for it.
    pub async fn seen_contact(&self, contact_id: &str) -> Result<SeenContact, StoreError> {
        let rows = self.db.read(newest(), args![contact_id]).await?;
        rows.first().map_or_else(|| Ok(SeenContact::default()), read)
    }
}

/// Whether the contact of an event is as whoever ordered it saw it: linked to the same customer, and without a newer order of
/// this kind. The contact's lock is held. The same order that was taken before changes nothing.
pub(super) async fn is_as_seen(tx: &mut Tx, event: &NewEvent) -> Result<bool, StoreError> {
    let Some(seen) = event.deed.as_ref().and_then(|deed| deed.seen.as_ref()) else { return Ok(true) };
    let own = event.webhook_id.as_deref().unwrap_or_default();
    if tx.fetch_first("select id from events where webhook_id = $1", args![own]).await?.is_some() {
        return Ok(true);
    }
    let row = tx.fetch_first(newest(), args![event.contact_id.as_deref()]).await?;
    let now = row.as_ref().map_or_else(|| Ok(SeenContact::default()), read)?;
    let (order, known) = if event.kind == EventKind::SyncRequested.as_str() {
        (now.synced, &seen.synced)
    } else {
        (now.assigned, &seen.assigned)
    };
    // Retention may have taken away what was seen.
    Ok(now.ord == seen.ord && (order.is_none() || order == *known))
}

/// The contact's customer, and the newest orders of operators for it.
fn newest() -> String {
    let order = |kinds: &[EventKind]| {
        let names: Vec<_> = kinds.iter().map(|kind| format!("'{}'", kind.as_str())).collect();
        format!(
            "(select id from events where {} and actor <> 'webhook' and kind in ({}) order by seq desc limit 1)",
            of_contact(1),
            names.join(", ")
        )
    };
    format!(
        "select (select ord from contacts where contact_id = $1) as ord, {} as assigned, {} as synced",
        order(&ASSIGNMENTS),
        order(&[EventKind::SyncRequested])
    )
}

fn read(row: &Row) -> Result<SeenContact, StoreError> {
    Ok(SeenContact { ord: row.opt_int("ord")?, assigned: row.opt_text("assigned")?, synced: row.opt_text("synced")? })
}
