//! Strangers: contacts that are linked to no customer, and what they are found by, so that no search reads the bodies of all
//! their events. Upkeep notes them behind the door, from the first event to the newest.
//!
//! Whoever writes a row here holds its contact's lock, and reads the bodies after that: of a body that is erased, forgotten or
//! corrected meanwhile nothing comes back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    Store, StoreError,
    bulk::{Insert, lists},
    db::{Row, Tx, args},
    pages::fitting,
    people,
};

/// Events that one transaction notes at most, so that the door is never held up for long.
const SLICE: i64 = 100;
/// Of each contact's open and ended events, the newest that are looked at where it is noted anew …
const EVENTS_MAX: i64 = 1_000;
/// … and bodies of them that are read.
const BODIES_MAX: i64 = 50;
/// Characters of a name, or of whatever else, that are kept.
const CHARS_MAX: usize = 200;
/// Longer bodies are left out, as by a search, in characters.
const BODY_CHARS_MAX: i64 = 16_384;

/// Up to which event strangers are noted.
const NOTED: &str = "select value from marks where name = 'strangers_seq'";
const STRANGERS: Insert = Insert {
    into: "strangers (contact_id, found_by)",
    then: "on conflict (contact_id) do update set found_by = excluded.found_by",
};
/// Of events, those of contacts that are not linked.
const UNLINKED: &str = "not exists (select 1 from contacts where contacts.contact_id = events.contact_id)";
/// A contact's newest bodies, the oldest of them first. Messages seldom say whom they are of: what is none goes before them.
const NEWEST_BODIES: &str = "select payload, amended from events where seq in
    (select seq from
       (select * from (select seq, kind, payload is not null as has_body,
                         length(coalesce(amended, payload)) as chars from events
                       where contact_id = $1 and finished_at is null order by seq desc limit $2) as waiting
        union all
        select * from (select seq, kind, payload is not null as has_body,
                         length(coalesce(amended, payload)) as chars from events
                       where contact_id = $1 and finished_at is not null order by seq desc limit $2) as ended) as newest
     where has_body and chars <= $4 order by case kind when 'message.logged' then 1 else 0 end, seq desc limit $3)
    and not exists (select 1 from contacts where contacts.contact_id = $1)
    order by seq";

impl Store {
    /// Notes what the strangers of a slice of events are found by, as their newest bodies say it; answers whether there may be
    /// more. Where two replicas note at once, one of them does it.
    pub async fn note_strangers(&self) -> Result<bool, StoreError> {
        let after = self.db.read(NOTED, args![]).await?.first().map_or(Ok(0), |row| row.int("value"))?;
        let behind = format!(
            "select seq as place, received_at, case when payload is not null and {UNLINKED} then contact_id end as stranger,
               cast(coalesce(octet_length(amended), octet_length(payload), 0) as bigint) as bytes
             from events where seq > $1 order by seq limit $2"
        );
        let mut slice = self.db.read(behind, args![after, SLICE]).await?;
        let (read, settled) = (slice.len(), self.settled_until());
        let times = slice.iter().map(|row| row.millis("received_at")).collect::<Result<Vec<_>, _>>()?;
        slice.truncate(times.iter().take_while(|at| **at <= settled).count());
        if slice.is_empty() {
            return Ok(false);
        }
        let (last, is_cut) = fitting(&slice, SLICE)?;
        let strangers = slice.iter().filter_map(|row| row.opt_text("stranger").transpose());
        let strangers = strangers.collect::<Result<BTreeSet<_>, _>>()?;
        let mut tx = self.db.begin().await?;
        let mark = "update marks set value = $1 where name = 'strangers_seq' and value = $2";
        if tx.execute(mark, args![last, after]).await? == 0 {
            return Ok(true);
        }
        note(&mut tx, &strangers, after, last).await?;
        tx.commit().await?;
        Ok(is_cut || (slice.len() == read && i64::try_from(read).is_ok_and(|read| read == SLICE)))
    }
}

/// Adds what the bodies behind the first of these events up to the second say of these contacts.
async fn note(tx: &mut Tx, strangers: &BTreeSet<String>, after: i64, last: i64) -> Result<(), StoreError> {
    let ids: Vec<&str> = strangers.iter().map(String::as_str).collect();
    if ids.is_empty() {
        return Ok(());
    }
    tx.lock_contacts(&ids).await?;
    let mut known = HashMap::new();
    for (values, list) in lists(&ids) {
        let sql = format!("select contact_id, found_by from strangers where contact_id in ({list})");
        for row in tx.fetch(sql, values).await? {
            known.insert(row.text("contact_id")?, row.text("found_by")?);
        }
    }
    let bodies = format!(
        "select contact_id, payload, amended from events where seq > $1 and seq <= $2 and payload is not null and {UNLINKED}
           and length(coalesce(amended, payload)) <= $3
         order by seq"
    );
    let mut told = BTreeMap::<String, String>::new();
    for row in tx.fetch(bodies, args![after, last, BODY_CHARS_MAX]).await? {
        let contact_id = row.text("contact_id")?;
        // Whose link went meanwhile was noted with that.
        if strangers.contains(&contact_id) {
            let older = told.get(&contact_id).or_else(|| known.get(&contact_id));
            let text = over(&told_in(&row)?, older.map_or("", String::as_str));
            told.insert(contact_id, text);
        }
    }
    told.retain(|contact_id, text| !text.is_empty() && known.get(contact_id) != Some(&*text));
    let rows = told.into_iter().map(|(contact_id, text)| [contact_id.into(), text.into()]);
    STRANGERS.run(tx, rows.collect()).await.map(drop)
}

/// Takes the locks of the contacts of these events that have a body to lose, as far as they are free; answers the events whose
/// contacts' locks are had, or not needed, and the strangers among these contacts.
pub(super) async fn lock_free_of(
    tx: &mut Tx,
    events: &[String],
) -> Result<(Vec<String>, BTreeSet<String>), StoreError> {
    let ids: Vec<&str> = events.iter().map(String::as_str).collect();
    let mut contacts = BTreeMap::new();
    for (values, list) in lists(&ids) {
        let sql = format!(
            "select id, contact_id from events where id in ({list}) and contact_id is not null and payload is not null"
        );
        for row in tx.fetch(sql, values).await? {
            contacts.insert(row.text("id")?, row.text("contact_id")?);
        }
    }
    let wanted: BTreeSet<&str> = contacts.values().map(String::as_str).collect();
    if wanted.is_empty() {
        return Ok((events.to_vec(), BTreeSet::new()));
    }
    let mut strangers = tx.try_lock_contacts(&Vec::from_iter(wanted)).await?;
    let is_free = |event: &&String| contacts.get(*event).is_none_or(|contact| strangers.contains(contact));
    let free = events.iter().filter(is_free).cloned().collect();
    // Whose link went just before the lock was had is one of them.
    let ids: Vec<String> = strangers.iter().cloned().collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    for (values, list) in lists(&ids) {
        for row in tx.fetch(format!("select contact_id from contacts where contact_id in ({list})"), values).await? {
            strangers.remove(&row.text("contact_id")?);
        }
    }
    Ok((free, strangers))
}

/// Notes these contacts anew by the bodies that they have now; who has none that says anything, or is linked, is not noted.
/// Their locks are held.
pub(super) async fn renew(tx: &mut Tx, contacts: &[&str]) -> Result<(), StoreError> {
    forget(tx, contacts).await?;
    let mut rows = Vec::new();
    for contact_id in contacts {
        let mut text = String::new();
        for row in tx.fetch(NEWEST_BODIES, args![*contact_id, EVENTS_MAX, BODIES_MAX, BODY_CHARS_MAX]).await? {
            text = over(&told_in(&row)?, &text);
        }
        if !text.is_empty() {
            rows.push([(*contact_id).into(), text.into()]);
        }
    }
    STRANGERS.run(tx, rows).await.map(drop)
}

/// Forgets what these contacts are found by; answers how many were strangers. Their locks are held.
pub(super) async fn forget(tx: &mut Tx, contacts: &[&str]) -> Result<u64, StoreError> {
    let mut forgotten = 0;
    for (values, list) in lists(contacts) {
        forgotten += tx.execute(format!("delete from strangers where contact_id in ({list})"), values).await?;
    }
    Ok(forgotten)
}

/// What an event's body says its contact is found by.
fn told_in(row: &Row) -> Result<String, StoreError> {
    let text = people::told_in(row)?.to_lowercase();
    let lines = text.split('\n').map(|line| line.chars().take(CHARS_MAX).collect::<String>());
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// What somebody is found by who was found by something before: line by line the newer one, where it says anything.
fn over(newer: &str, older: &str) -> String {
    if newer.is_empty() {
        return older.to_owned();
    }
    let lines = newer.split('\n').zip(older.split('\n').chain(std::iter::repeat("")));
    lines.map(|(newer, older)| if newer.is_empty() { older } else { newer }).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_that_somebody_is_found_by_is_the_newest_one_that_is_told() {
        for (newer, older, both) in [
            ("", "", ""),
            ("", "a\nb\n\n\n1", "a\nb\n\n\n1"),
            ("c\n\nw\n\n", "", "c\n\nw\n\n"),
            ("c\n\nw\n\n", "a\nb\n\n\n1", "c\nb\nw\n\n1"),
        ] {
            assert_eq!(over(newer, older), both, "{newer:?} over {older:?}");
        }
    }
}
