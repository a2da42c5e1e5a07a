//! Erasing a person (个人信息删除): what the ledger keeps of one contact, and what of it stands in other contacts' rows.

use std::collections::BTreeSet;

use super::{
    Actor, Store, StoreError,
    audit::write_audit,
    db::{Db, Tx, args},
    person_marks::{MARKS_MAX, Mark, blanked, marks_in, marks_of_link},
    quotes::{FORGET_REFUSAL, telling},
    retention::FORGET_EVENT,
    strangers, types,
};
use crate::clock::Millis;

/// Payloads of the contact that are read at once.
const PAYLOADS: i64 = 50;

impl Store {
    /// Erases what a person wrote and who they are: payloads, ERP calls and steps of a contact's events, refused requests
    /// and the link; and where others' rows quote a phone number, WeChat id or mail address of the contact (candidates,
    /// the ERP's answers, reasons that operators gave), that goes too, its name in the ERP's answers and errors, and of a
    /// candidate that is its customer everything but the `ord`. Bodies of which nobody could read whose they are go where they name the contact or quote it. The trace (ids,
    /// times, states) stays. Answers how many events lost their payload. Reads the whole ledger twice; cut short, it is
    /// begun anew by the same call.
    ///
    /// # Errors
    /// [`StoreError::WrongState`] while one of the events is open, [`StoreError::NotFound`] if nothing is kept.
    pub async fn erase_contact(
        &self,
        contact_id: &str,
        actor: &Actor,
        reason: Option<&str>,
    ) -> Result<i64, StoreError> {
        let open = self.db.read(OPEN, args![contact_id]).await?;
        open.first().map_or(Ok(()), |row| Err(StoreError::WrongState(types::status(row)?)))?;
        // First what others' rows quote: afterwards nobody knows any more what to look for.
        self.forget_candidate(contact_id).await?;
        let marks = self.marks_of(contact_id).await?;
        self.blank_quotes(contact_id, &marks).await?;
        let marks = telling(&marks);
        let strays = self.erase_strays(contact_id, &marks).await?;
        // Why it is done is kept for years.
        let blank = reason.and_then(|reason| blanked(reason, &marks));
        let erased = self.erase_own(contact_id, strays, actor, blank.as_deref().or(reason)).await?;
        self.empty_log().await;
        Ok(erased)
    }

    /// `strays`: events and refused requests that are erased already.
    async fn erase_own(
        &self,
        contact_id: &str,
        strays: (u64, u64),
        actor: &Actor,
        reason: Option<&str>,
    ) -> Result<i64, StoreError> {
        let mut tx = self.db.begin().await?;
        tx.lock_contacts(&[contact_id]).await?;
        if let Some(row) = tx.fetch_first(OPEN, args![contact_id]).await? {
            return Err(StoreError::WrongState(types::status(&row)?));
        }
        let of_contact = "event_id in (select id from events where contact_id = $1 and finished_at is not null)";
        for change in
            ["update calls set request = 'null', response = ''", "update steps set step = 'null', result = null"]
        {
            tx.execute(format!("{change} where {of_contact}"), args![contact_id]).await?;
        }
        tx.execute(format!("delete from deals where {of_contact}"), args![contact_id]).await?;
        let own = "where contact_id = $1 and finished_at is not null and payload is not null";
        let erased = strays.0 + tx.execute(format!("{FORGET_EVENT} {own}"), args![contact_id]).await?;
        // What was to be told of the contact is not told any more.
        tx.execute("delete from outbox where contact_id = $1", args![contact_id]).await?;
        let others = erase_link_and_refusals(&mut tx, contact_id, self.clock.now()).await?;
        if erased + others + strays.1 == 0 {
            return Err(StoreError::NotFound);
        }
        write_audit(&mut tx, self.clock.now(), actor, "contact.erase", contact_id, reason).await?;
        tx.commit().await?;
        Ok(i64::try_from(erased).unwrap_or(i64::MAX))
    }

    /// By what others' rows would quote the contact.
    async fn marks_of(&self, contact_id: &str) -> Result<BTreeSet<Mark>, StoreError> {
        let mut marks = BTreeSet::new();
        let bodies = [
            ("events", "payload, amended", "and finished_at is not null and payload is not null"),
            ("rejections", "payload, cast(null as text) as amended", ""),
        ];
        for (table, bodies, filter) in bodies {
            let mut after = 0;
            loop {
                let sql = format!(
                    "select seq, {bodies} from {table} where contact_id = $1 and seq > $2 {filter} order by seq limit $3"
                );
                let rows = self.db.read(sql, args![contact_id, after, PAYLOADS]).await?;
                let Some(last) = rows.last() else { break };
                after = last.int("seq")?;
                for row in &rows {
                    marks.extend(marks_in(&row.text("payload")?));
                    marks.extend(marks_in(&row.text("amended")?));
                }
            }
        }
        // What retention has taken already, the link still says.
        let link = self.db.read("select found_by from contacts where contact_id = $1", args![contact_id]).await?;
        for row in &link {
            marks.extend(marks_of_link(&row.text("found_by")?));
        }
        while marks.len() > MARKS_MAX {
            marks.pop_last();
        }
        Ok(marks)
    }

    /// Lets nothing of what was deleted stand in SQLite's write-ahead log. While a long read holds the log it stays
    /// until that has ended.
    pub async fn empty_log(&self) {
        let Db::Sqlite { checkpointer, .. } = &self.db else { return };
        if let Err(error) = checkpointer.empty().await {
            let error = StoreError::from(error);
            tracing::warn!(%error, "the write-ahead log could not be emptied; it is tried again");
        }
    }
}

const OPEN: &str = "select status from events where contact_id = $1 and finished_at is null limit 1";

/// What is kept of a contact besides its events; answers how many rows there were.
async fn erase_link_and_refusals(tx: &mut Tx, contact_id: &str, now: Millis) -> Result<u64, StoreError> {
    let refused = format!("{FORGET_REFUSAL} where contact_id = $1 and payload <> ''");
    let rejections = tx.execute(refused, args![contact_id]).await?;
    let link = tx.execute("delete from contacts where contact_id = $1", args![contact_id]).await?;
    // By an identity's hash a number can be guessed.
    tx.execute("delete from reservations where contact_id = $1", args![contact_id]).await?;
    let stranger = strangers::forget(tx, &[contact_id]).await?;
    let facts = "update admission_facts set last_score = null, first_deal_at = null
        where contact_id = $1 and (last_score is not null or first_deal_at is not null)";
    let facts = tx.execute(facts, args![contact_id]).await?;
    if link > 0 {
        // The ERP has its customer all the same: should the contact ever come again, it is looked for in every list.
        let unlinked = "insert into admission_facts (contact_id, unlinked_at) values ($1, $2)
            on conflict (contact_id) do update set unlinked_at = excluded.unlinked_at";
        tx.execute(unlinked, args![contact_id, now]).await?;
    }
    Ok(rejections + link + stranger + facts)
}
