//! Reservations: one contact at a time becomes the customer with a number, a company's name or an allocated id.

use std::collections::BTreeSet;

use super::{
    Store, StoreError,
    db::args,
    journal::{Lease, Progress},
};
use crate::event::LinkKind;

/// A save of the reservation's holder that was sent and may still take effect: until it is looked up, nobody else with
/// the same number or company may become a customer.
pub(super) const UNDECIDED: &str = "select 1 from events join steps on steps.event_id = events.id
    where events.contact_id = reservations.contact_id and events.finished_at is null and events.status <> 'held'
      and steps.state = 'started' and steps.holds_identity = 1";

impl Store {
    /// Reserves identities for the lease's contact until it settles, and beyond that while a save of it is undecided;
    /// `false`, with none reserved, if another contact holds one of them.
    pub async fn reserve(&self, lease: &mut Lease, identities: &[String]) -> Result<bool, StoreError> {
        let mut identities = identities.to_vec();
        identities.sort_unstable();
        let mut tx = self.begin_leased(lease, Progress::None).await?;
        for identity in &identities {
            let stale = format!(
                "delete from reservations where identity = $1 and not exists ({UNDECIDED}) and not exists
                (select 1 from turns where turns.contact_id = reservations.contact_id and turns.token = reservations.token)"
            );
            tx.execute(stale, args![identity.as_str()]).await?;
            let taken = tx
                .fetch_first(
                    "insert into reservations (identity, contact_id, token) values ($1, $2, $3)
                     on conflict (identity) do update set token = excluded.token
                       where reservations.contact_id = excluded.contact_id returning identity",
                    args![identity.as_str(), lease.contact_id.as_str(), lease.token.as_str()],
                )
                .await?;
            if taken.is_none() {
                return Ok(false);
            }
        }
        self.commit_journal(tx).await?;
        Ok(true)
    }

    /// Reserves an allocated `ord` for the lease's contact until it settles: the ERP stores nothing under it and may have
    /// given it to two at once. `false` if another contact has it, or has become a customer under it meanwhile.
    pub async fn reserve_ord(&self, lease: &mut Lease, ord: i64) -> Result<bool, StoreError> {
        if !self.reserve(lease, &[format!("ord:{ord}")]).await? {
            return Ok(false);
        }
        let sql = "select contact_id from contacts where ord = $1 and contact_id <> $2 limit 1";
        Ok(self.db.read(sql, args![ord, lease.contact_id.as_str()]).await?.is_empty())
    }

    /// Lets the turns of these contacts fall due at once: whom they waited for has ended.
    pub async fn hasten(&self, contacts: &BTreeSet<String>) -> Result<(), StoreError> {
        let contacts: Vec<&str> = contacts.iter().map(String::as_str).collect();
        let mut tx = self.db.begin().await?;
        tx.lock_contacts(&contacts).await?;
        let sql = "update turns set due_at = $2 where contact_id = $1 and token is null and due_at > $2";
        for contact in contacts {
            tx.execute(sql, args![contact, self.clock.now()]).await?;
        }
        tx.commit().await?;
        self.work.notify_one();
        Ok(())
    }

    /// Whether another contact is linked to this customer as the customer itself; any number may be contact persons of it.
    pub async fn has_owner(&self, ord: i64, other_than: &str) -> Result<bool, StoreError> {
        let sql = "select contact_id from contacts where ord = $1 and contact_id <> $2 and kind <> $3 limit 1";
        let contact_person = LinkKind::ContactPerson.as_str();
        Ok(!self.db.read(sql, args![ord, other_than, contact_person]).await?.is_empty())
    }
}
