//! Reservations: one contact at a time becomes the customer with a number, a company's name or an allocated id.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{
    Store, StoreError,
    bulk::{Insert, Many, lists},
    clock_step::SKEW,
    db::{Arg, Tx, args},
    dialect::list,
    journal::Lease,
};
use crate::{clock::Millis, event::LinkKind};

/// A save of the reservation's holder that was sent and may still take effect: until it is looked up, nobody else with
/// the same number or company may become a customer.
const UNDECIDED: &str = "select 1 from events join steps on steps.event_id = events.id
    where events.contact_id = reservations.contact_id and events.finished_at is null and events.status <> 'held'
      and steps.state = 'started' and steps.holds_identity = 1";
/// The same of an event that is dead or was given up: nobody looks it up any more. It counts as long as it may still take effect.
/// Of such steps there are few, by an index of their own; of ended events a contact may have very many.
const LEFT_OPEN: &str = "select 1 from steps join events on events.id = steps.event_id
    where steps.state = 'started' and steps.holds_identity = 1 and events.finished_at is not null
      and coalesce(events.contact_id, '') = reservations.contact_id";

/// Reserves identities, and takes stale reservations over.
const RESERVE: Insert = Insert {
    into: "reservations (identity, contact_id, token)",
    then: "on conflict (identity) do update set contact_id = excluded.contact_id, token = excluded.token",
};

/// What a contact is to have to itself until it settles, and beyond that while a save of it is undecided.
pub(super) struct Wish<'a> {
    pub(super) lease: &'a Lease,
    pub(super) identities: &'a [String],
    /// An allocated `ord`, under which no other contact may have become a customer meanwhile: the ERP stores nothing under
    /// it and may have given it to two at once.
    pub(super) allocated: Option<i64>,
}

/// Reserves for wish after wish, all that it asks for or nothing; answers the contacts that were refused: another contact
/// holds what they wish. The caller holds the locks of all identities.
pub(super) async fn reserve(tx: &mut Tx, now: Millis, wishes: &[Wish<'_>]) -> Result<HashSet<String>, StoreError> {
    let mut refused = HashSet::new();
    let identities: BTreeSet<&str> = wishes.iter().flat_map(|wish| wish.identities).map(String::as_str).collect();
    if identities.is_empty() {
        return Ok(refused);
    }
    let since = wishes.iter().map(|wish| now.minus(wish.lease.settles_after)).min().unwrap_or(now);
    // One that lies ahead was written by a clock that was wrong.
    let begun = [since, now.plus(SKEW)];
    let mut holders = holders(tx, &Vec::from_iter(identities), begun).await?;
    let owners = owners(tx, wishes.iter().filter_map(|wish| wish.allocated).collect()).await?;
    let mut granted: BTreeMap<&str, [Arg; 3]> = BTreeMap::new();
    for Wish { lease, identities, allocated } in wishes {
        let is_taken = |identity: &String| holders.get(identity).is_some_and(|holder| *holder != lease.contact_id);
        if identities.iter().any(is_taken) || is_anothers(&owners, *allocated, &lease.contact_id) {
            refused.insert(lease.contact_id.clone());
            continue;
        }
        for identity in *identities {
            holders.insert(identity.clone(), lease.contact_id.clone());
            granted.insert(identity, [identity.as_str(), &lease.contact_id, &lease.token].map(Arg::from));
        }
    }
    RESERVE.run(tx, granted.into_values().collect()).await?;
    Ok(refused)
}

/// Who holds identities now; a reservation without a lease and without an undecided save is nobody's. A save that was left
/// open is undecided if it was begun within `begun`.
async fn holders(tx: &mut Tx, identities: &[&str], begun: [Millis; 2]) -> Result<HashMap<String, String>, StoreError> {
    let mut holders = HashMap::new();
    for (mut values, list) in lists(identities) {
        values.extend(begun.map(Arg::from));
        let (since, until) = (values.len() - 1, values.len());
        let sql = format!(
            "select identity, contact_id from reservations where identity in ({list}) and (exists
               (select 1 from turns where turns.contact_id = reservations.contact_id and turns.token = reservations.token)
               or exists ({UNDECIDED}) or exists ({LEFT_OPEN} and steps.started_at > ${since} and steps.started_at <= ${until}))"
        );
        for row in tx.fetch(sql, values).await? {
            holders.insert(row.text("identity")?, row.text("contact_id")?);
        }
    }
    Ok(holders)
}

/// The contacts that are linked to customers with these ids.
async fn owners(tx: &mut Tx, ords: Vec<i64>) -> Result<Vec<(i64, String)>, StoreError> {
    let Some(last) = ords.last().copied() else { return Ok(Vec::new()) };
    let count = ords.len().next_power_of_two();
    let mut values: Vec<Arg> = ords.into_iter().map(Arg::from).collect();
    values.resize(count, last.into());
    let sql = format!("select ord, contact_id from contacts where ord in ({})", list(1, count));
    tx.fetch(sql, values).await?.iter().map(|row| Ok((row.int("ord")?, row.text("contact_id")?))).collect()
}

/// Whether another contact is linked to this customer.
fn is_anothers(owners: &[(i64, String)], ord: Option<i64>, contact_id: &str) -> bool {
    owners.iter().any(|(theirs, owner)| Some(*theirs) == ord && owner != contact_id)
}

/// Ends what contacts have reserved, unless a save of theirs is undecided or was left open.
pub(super) async fn release(tx: &mut Tx, contacts: Vec<[Arg; 1]>) -> Result<(), StoreError> {
    let over = format!(
        "delete from reservations where contact_id in (select contact from given) and not exists ({UNDECIDED})
           and not exists ({LEFT_OPEN})"
    );
    Many { columns: "contact", run: &over }.run(tx, contacts).await.map(drop)
}

impl Store {
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

    /// When the last save was begun that events of the contact left open which are dead or were given up: it may still take
    /// effect, and nobody looks it up.
    pub async fn save_left_open(&self, contact_id: &str) -> Result<Option<Millis>, StoreError> {
        // One that lies ahead was written by a clock that was wrong: of its beginning nobody knows.
        let sql = "select max(case when steps.started_at > $2 then 0 else steps.started_at end) as begun from steps join events on events.id = steps.event_id
            where steps.state = 'started' and steps.holds_identity = 1 and events.finished_at is not null
              and coalesce(events.contact_id, '') = $1";
        let rows = self.db.read(sql, args![contact_id, self.clock.now().plus(SKEW)]).await?;
        rows.first().map_or(Ok(None), |row| row.opt_millis("begun"))
    }

    /// Another contact that was linked before `by` to the customer with this id, as the customer itself or as a contact
    /// person of it.
    pub async fn linked_to(&self, ord: i64, other_than: &str, by: Millis) -> Result<Option<String>, StoreError> {
        let sql = "select contact_id from contacts where ord = $1 and contact_id <> $2 and linked_at < $3 limit 1";
        self.db.read(sql, args![ord, other_than, by]).await?.first().map(|row| row.text("contact_id")).transpose()
    }

    /// Whether another contact is linked to this customer as the customer itself; any number may be contact persons of it.
    pub async fn has_owner(&self, ord: i64, other_than: &str) -> Result<bool, StoreError> {
        let sql = "select contact_id from contacts where ord = $1 and contact_id <> $2 and kind <> $3 limit 1";
        let contact_person = LinkKind::ContactPerson.as_str();
        Ok(!self.db.read(sql, args![ord, other_than, contact_person]).await?.is_empty())
    }
}
