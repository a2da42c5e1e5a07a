//! Erasing a person (个人信息删除): what the ledger keeps of one contact, and what of it stands in other contacts' rows.

use std::collections::BTreeSet;

use super::{
    Actor, Store, StoreError,
    audit::write_audit,
    checkpoint,
    db::{Arg, Db, Tx, args},
    person_marks::{MARKS_MAX, blank_of, marks_in, marks_of_line},
    types,
};
use crate::{clock::Millis, json};

/// Payloads of the contact that are read at once.
const PAYLOADS: i64 = 50;
/// Rows of others that one statement looks through, so that nobody waits long for the ledger.
const SLICE: i64 = 2_000;
/// Behind every id, which begins with a hexadecimal digit, in whatever order a database sorts.
const BEHIND: &str = "z";
/// Where others' rows can quote a person: a table, the key that its rows are walked by, the event that a row belongs to,
/// its texts. Payloads and steps are the others' own.
const QUOTES: [(&str, &str, &str, &[&str]); 6] = [
    ("calls", "event_id", "event_id", &["request", "response"]),
    ("steps", "event_id", "event_id", &["result"]),
    ("events", "id", "id", &["error", "review"]),
    ("outbox", "id", "coalesce(event_id, '')", &["data", "error"]),
    ("blocks", "name", "''", &["words"]),
    ("replays", "id", "''", &["filter", "reason"]),
];

impl Store {
    /// Erases what a person wrote and who they are: payloads, ERP calls and steps of a contact's events, refused requests
    /// and the link; and where others' rows quote a phone number, WeChat id or mail address of the contact (candidates,
    /// the ERP's answers), that goes too, and of a candidate that is its customer everything but the `ord`. The trace (ids,
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
        if !marks.is_empty() {
            for (table, key, event, texts) in QUOTES {
                self.blank(table, key, event, texts, contact_id, &marks).await?;
            }
        }
        let erased = self.erase_own(contact_id, actor, reason).await?;
        self.empty_log().await;
        Ok(erased)
    }

    async fn erase_own(&self, contact_id: &str, actor: &Actor, reason: Option<&str>) -> Result<i64, StoreError> {
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
        let events = "update events set payload = null, amended = null, admission = null, warnings = null, review = null, error = null
            where contact_id = $1 and finished_at is not null and payload is not null";
        let erased = tx.execute(events, args![contact_id]).await?;
        // What was to be told of the contact is not told any more.
        tx.execute("delete from outbox where contact_id = $1", args![contact_id]).await?;
        let others = erase_link_and_refusals(&mut tx, contact_id, self.clock.now()).await?;
        if erased + others == 0 {
            return Err(StoreError::NotFound);
        }
        write_audit(&mut tx, self.clock.now(), actor, "contact.erase", contact_id, reason).await?;
        tx.commit().await?;
        Ok(i64::try_from(erased).unwrap_or(i64::MAX))
    }

    /// Where people are asked whether another contact is this one's customer, nothing but its `ord` is left of it.
    async fn forget_candidate(&self, contact_id: &str) -> Result<(), StoreError> {
        let link = self.db.read("select ord from contacts where contact_id = $1", args![contact_id]).await?;
        let Some(ord) = link.first().map(|row| row.int("ord")).transpose()? else { return Ok(()) };
        let quoted = format!("%\"ord\":{ord}%");
        let next = "select id as place from events where id > $1 order by id limit 1 offset $2";
        let slice = "select id, review from events where id > $1 and id <= $2 and contact_id <> $3 and review like $4";
        let mut after = String::new();
        loop {
            let upto = self.db.read(next, args![after.as_str(), SLICE]).await?;
            let upto = upto.first().map_or(Ok(BEHIND.to_owned()), |row| row.text("place"))?;
            let rows = self.db.read(slice, args![after.as_str(), upto.as_str(), contact_id, quoted.as_str()]).await?;
            for row in &rows {
                let before = row.text("review")?;
                let Some(review) = without_candidate(&before, ord) else { continue };
                let mut tx = self.db.begin().await?;
                // Another review may stand there meanwhile.
                let change = "update events set review = $2 where id = $1 and review = $3";
                tx.execute(change, args![row.text("id")?, review, before]).await?;
                tx.commit().await?;
            }
            if upto == BEHIND {
                return Ok(());
            }
            after = upto;
        }
    }

    /// By what others' rows would quote the contact.
    async fn marks_of(&self, contact_id: &str) -> Result<BTreeSet<String>, StoreError> {
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
            marks.extend(row.opt_text("found_by")?.unwrap_or_default().lines().flat_map(marks_of_line));
        }
        while marks.len() > MARKS_MAX {
            marks.pop_last();
        }
        Ok(marks)
    }

    /// Blanks the marks in these texts, slice by slice.
    async fn blank(
        &self,
        table: &str,
        key: &str,
        event: &str,
        texts: &[&str],
        contact_id: &str,
        marks: &BTreeSet<String>,
    ) -> Result<(), StoreError> {
        let numbered: Vec<_> = marks.iter().zip(4..).collect();
        let quoted = texts
            .iter()
            .flat_map(|text| numbered.iter().map(move |(_, number)| format!("{text} like '%' || ${number} || '%'")));
        let quoted = quoted.collect::<Vec<_>>().join(" or ");
        let slice = format!(
            "{key} > $1 and {key} <= $2 and ({quoted})
             and {event} not in (select id from events where contact_id = $3 and finished_at is not null)"
        );
        let changes = texts.iter().map(|text| {
            let replaced = numbered.iter().fold((*text).to_owned(), |inner, (mark, number)| {
                format!("replace({inner}, ${number}, '{}')", blank_of(mark))
            });
            format!("{text} = {replaced}")
        });
        let look = format!("select 1 as found from {table} where {slice} limit 1");
        let change = format!("update {table} set {} where {slice}", changes.collect::<Vec<_>>().join(", "));
        let next = format!("select {key} as place from {table} where {key} > $1 order by {key} limit 1 offset $2");
        let mut after = String::new();
        loop {
            let upto = self.db.read(next.as_str(), args![after.as_str(), SLICE]).await?;
            let upto = upto.first().map_or(Ok(BEHIND.to_owned()), |row| row.text("place"))?;
            let mut values: Vec<Arg> = args![after.as_str(), upto.as_str(), contact_id];
            values.extend(marks.iter().map(|mark| Arg::from(mark.as_str())));
            if !self.db.read(look.as_str(), values.clone()).await?.is_empty() {
                let mut tx = self.db.begin().await?;
                tx.execute(change.as_str(), values).await?;
                tx.commit().await?;
            }
            if upto == BEHIND {
                return Ok(());
            }
            after = upto;
        }
    }

    /// Lets nothing of what was deleted stand in SQLite's write-ahead log. While a long read holds the log it stays; the
    /// next time, or a clean stop, takes it away.
    pub async fn empty_log(&self) {
        let Db::Sqlite { checkpointer, .. } = &self.db else { return };
        if let Err(error) = checkpoint::empty(checkpointer).await {
            let error = StoreError::from(error);
            tracing::warn!(%error, "the write-ahead log could not be emptied; it is tried again");
        }
    }
}

const OPEN: &str = "select status from events where contact_id = $1 and finished_at is null limit 1";

/// What is kept of a contact besides its events; answers how many rows there were.
async fn erase_link_and_refusals(tx: &mut Tx, contact_id: &str, now: Millis) -> Result<u64, StoreError> {
    let rejections = "update rejections set payload = '', errors = '[]', fingerprint = null
        where contact_id = $1 and payload <> ''";
    let rejections = tx.execute(rejections, args![contact_id]).await?;
    let link = tx.execute("delete from contacts where contact_id = $1", args![contact_id]).await?;
    let facts = "update admission_facts set last_score = null, first_deal_at = null
        where contact_id = $1 and (last_score is not null or first_deal_at is not null)";
    let facts = tx.execute(facts, args![contact_id]).await?;
    if link > 0 {
        // The ERP has its customer all the same: should the contact ever come again, it is looked for in every list.
        let unlinked = "insert into admission_facts (contact_id, unlinked_at) values ($1, $2)
            on conflict (contact_id) do update set unlinked_at = excluded.unlinked_at";
        tx.execute(unlinked, args![contact_id, now]).await?;
    }
    Ok(rejections + link + facts)
}

/// A review without what it says of this candidate; `None` if it says nothing.
fn without_candidate(review: &str, ord: i64) -> Option<String> {
    let mut review = json::parse_text(review).ok()?;
    let mut is_said = false;
    for candidate in review.get_mut("candidates")?.as_array_mut()?.iter_mut().filter(|it| it["ord"] == ord) {
        for (member, value) in candidate.as_object_mut()?.iter_mut() {
            if member != "ord" && !value.is_null() {
                is_said = true;
                *value = serde_json::Value::Null;
            }
        }
    }
    is_said.then(|| review.to_string())
}
