//! The links of contacts to customers: searching them, forgetting one.

use super::{
    Actor, ContactRow, SeenContact, Store, StoreError,
    audit::write_audit,
    db::{Arg, Tx, args},
    dialect::list,
    journal::{forget_plan, write_links},
    people,
    queries::pattern,
    strangers,
    turns::move_turn,
};
use crate::event::{Link, LinkKind, LinkedBy, Status};

/// Rows that are read at once where not each may be found.
const ROWS_JUDGED: i64 = 500;
/// Which links are looked for.
#[derive(Debug, Clone, Default)]
pub struct LinkSearch {
    /// Part of the contact's id or of the 客户编号, or the whole `ord`; `None` finds all.
    pub q: Option<String>,
    /// Look for `q` among names, companies, numbers, WeChat ids and addresses too, as they stood when the contact was linked
    /// and as bodies of the newest events hold them: for those only who may see them.
    pub people: bool,
    /// Which 客户编号 may be found by: those that are shown to whoever asks; `None` means all.
    pub findable: Option<fn(&str) -> bool>,
}

impl LinkSearch {
    /// Whether a row that matches may be found: by more than a 客户编号 that is not shown.
    fn may_find(&self, row: &ContactRow) -> bool {
        let (Some(q), Some(is_findable)) = (&self.q, self.findable) else { return true };
        is_findable(&row.link.khid)
            || row.contact_id.to_ascii_lowercase().contains(&q.to_ascii_lowercase())
            || row.link.ord.to_string() == *q
    }
}

/// What came of the adoption of a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adoption {
    /// It is linked now, or would be.
    Linked,
    /// It was linked before; to this.
    Already(Link),
    /// The customer is this other contact's.
    Taken(String),
    /// An event of the contact is running or half done: what it began belongs to a customer of its own.
    Busy(Status),
}

impl Store {
    /// Links a contact to a customer that the ERP has, unless it is linked already, and releases what waits for the link;
    /// audited as `contact.adopt`. `found_by`: see [`found_by`](super::found_by). Without `apply` nothing is written, and the
    /// answer is the same.
    pub async fn adopt(
        &self,
        contact_id: &str,
        link: &Link,
        found_by: &str,
        apply: bool,
        actor: &Actor,
    ) -> Result<Adoption, StoreError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        // No contact's id holds a colon: the customer's lock is none of a contact's.
        let customer = format!("ord:{}", link.ord);
        let mut locks = [contact_id, customer.as_str()];
        locks.sort_unstable();
        tx.lock_contacts(&locks).await?;
        if let Some(row) = link_of(&mut tx, contact_id).await? {
            return Ok(Adoption::Already(row.link));
        }
        let own = "select contact_id from contacts where ord = $1 and kind <> $2 limit 1";
        let own = tx.fetch_first(own, args![link.ord, LinkKind::ContactPerson.as_str()]).await?;
        if let Some(row) = own.filter(|_| link.kind != LinkKind::ContactPerson) {
            return Ok(Adoption::Taken(row.text("contact_id")?));
        }
        match refuse_half_done(&mut tx, contact_id).await {
            Err(StoreError::WrongState(status)) => return Ok(Adoption::Busy(status)),
            checked => checked?,
        }
        if !apply {
            return Ok(Adoption::Linked);
        }
        forget_plans(&mut tx, contact_id).await?;
        let reason = format!("ord {} ({})", link.ord, link.linked_by);
        let adopted = Link { linked_by: LinkedBy::Adopt, ..link.clone() };
        write_links(&mut tx, &[(contact_id, &adopted)], now).await?;
        let named = "update contacts set found_by = $2 where contact_id = $1 and $2 <> ''";
        tx.execute(named, args![contact_id, found_by]).await?;
        move_turn(&mut tx, contact_id, now).await?;
        write_audit(&mut tx, now, actor, "contact.adopt", contact_id, Some(&reason)).await?;
        self.commit(tx).await?;
        self.work.notify_one();
        Ok(Adoption::Linked)
    }

    /// Links that match, by contact id; `after` is the last one of the page before.
    pub async fn search_links(
        &self,
        search: &LinkSearch,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<ContactRow>, StoreError> {
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        // What may not be found leaves gaps, which the rows behind fill.
        let at_once = if search.findable.is_some() { limit.max(ROWS_JUDGED) } else { limit };
        let (mut found, mut after) = (Vec::new(), after.unwrap_or_default().to_owned());
        loop {
            let rows = self.matching_links(search, &after, at_once).await?;
            let is_last = i64::try_from(rows.len()).unwrap_or(i64::MAX) < at_once;
            if let Some(last) = rows.last() {
                after.clone_from(&last.contact_id);
            }
            found.extend(rows.into_iter().filter(|row| search.may_find(row)));
            if is_last || found.len() >= wanted {
                found.truncate(wanted);
                return Ok(found);
            }
        }
    }

    async fn matching_links(
        &self,
        search: &LinkSearch,
        after: &str,
        limit: i64,
    ) -> Result<Vec<ContactRow>, StoreError> {
        let Some(q) = &search.q else {
            let sql = "select * from contacts where contact_id > $1 order by contact_id limit $2";
            let rows = self.db.read(sql, args![after, limit]).await?;
            return rows.iter().map(ContactRow::read).collect();
        };
        let lower = |column| self.db.dialect().lower(column);
        let mut args = args![after, pattern(&q.to_ascii_lowercase()), q.as_str(), limit];
        let mut named = String::new();
        if search.people {
            for wanted in people::looked_for(q).into_iter().chain(people::in_ascii_case(q)) {
                args.push(pattern(&wanted).into());
                named += &format!(" or {} like ${} escape '\\'", lower("found_by"), args.len());
            }
            let people = self.named_in_bodies(q).await?.contacts;
            if !people.is_empty() {
                named += &format!(" or contact_id in ({})", list(args.len() + 1, people.len()));
                args.extend(people.into_iter().map(Arg::from));
            }
        }
        let sql = format!(
            "select * from contacts where contact_id > $1 and ({} like $2 escape '\\' or {} like $2 escape '\\'
               or cast(ord as text) = $3{named}) order by contact_id limit $4",
            lower("contact_id"),
            lower("khid")
        );
        let rows = self.db.read(sql, args).await?;
        rows.iter().map(ContactRow::read).collect()
    }

    /// Forgets a contact's link, so that its next event looks the contact up anew; audited as `contact.unlink`. Answers the
    /// link as it was.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if it is not linked as whoever orders this saw it. [`StoreError::NotFound`] if the contact is not
    /// linked. [`StoreError::WrongState`] with the state of an event of the contact that is running or half done: what it began
    /// belongs to the customer that it began it with.
    pub async fn unlink(
        &self,
        contact_id: &str,
        actor: &Actor,
        reason: Option<&str>,
        seen: Option<&SeenContact>,
    ) -> Result<ContactRow, StoreError> {
        let mut tx = self.db.begin().await?;
        tx.lock_contacts(&[contact_id]).await?;
        let link = link_of(&mut tx, contact_id).await?;
        if seen.is_some_and(|seen| seen.ord != link.as_ref().map(|row| row.link.ord)) {
            return Err(StoreError::Changed);
        }
        let link = link.ok_or(StoreError::NotFound)?;
        // A claim locks no contact: whoever is just claiming reads the link before or after all of this.
        let turn = format!("select token from turns where contact_id = $1{}", self.db.dialect().for_update());
        let turn = tx.fetch_first(turn, args![contact_id]).await?;
        if turn.map_or(Ok(None), |row| row.opt_text("token"))?.is_some() {
            return Err(StoreError::WrongState(Status::Running));
        }
        refuse_half_done(&mut tx, contact_id).await?;
        forget_plans(&mut tx, contact_id).await?;
        tx.execute("delete from contacts where contact_id = $1", args![contact_id]).await?;
        strangers::renew(&mut tx, &[contact_id]).await?;
        let now = self.clock.now();
        let unlinked = "insert into admission_facts (contact_id, unlinked_at) values ($1, $2)
            on conflict (contact_id) do update set unlinked_at = excluded.unlinked_at";
        tx.execute(unlinked, args![contact_id, now]).await?;
        write_audit(&mut tx, now, actor, "contact.unlink", contact_id, reason).await?;
        tx.commit().await?;
        Ok(link)
    }
}

/// What was planned under another link, and not begun, is planned anew.
async fn forget_plans(tx: &mut Tx, contact_id: &str) -> Result<(), StoreError> {
    let open = "select id from events where contact_id = $1 and finished_at is null";
    for event in tx.fetch(open, args![contact_id]).await? {
        forget_plan(tx, &event.text("id")?).await?;
    }
    Ok(())
}

/// A contact's link, under the contact's lock: as it is until the transaction ends.
pub(super) async fn link_of(tx: &mut Tx, contact_id: &str) -> Result<Option<ContactRow>, StoreError> {
    let row = tx.fetch_first("select * from contacts where contact_id = $1", args![contact_id]).await?;
    row.as_ref().map(ContactRow::read).transpose()
}

/// The contact's lock is held: no event of it begins or ends meanwhile.
async fn refuse_half_done(tx: &mut Tx, contact_id: &str) -> Result<(), StoreError> {
    let sql = "select status from events where contact_id = $1 and finished_at is null and (status = 'running'
                 or exists (select 1 from steps where event_id = events.id and state <> 'planned')) limit 1";
    match tx.fetch_first(sql, args![contact_id]).await? {
        Some(row) => Err(StoreError::WrongState(super::types::status(&row)?)),
        None => Ok(()),
    }
}
