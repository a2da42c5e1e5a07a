//! Whom and what a text names that somebody looks for: contacts by what they are called and known by, events by the ids of what
//! they tell. What contacts are found by is kept, of those that are linked with the link, of all others in `strangers`, by
//! upkeep; the newest bodies, which it may not have come to, are read. No search reads the bodies of all events.

use serde_json::Value;

use super::{ContactRow, Named, Store, StoreError, db::args, people, queries::pattern};

/// The newest events whose bodies are looked into.
const BODIES_SEARCHED: i64 = 1_000;
/// Of so many newest events, many of which may have lost their body.
const EVENTS_LOOKED_THROUGH: i64 = 20_000;
/// Longer bodies are left out, in characters.
const BODY_CHARS_SEARCHED: i64 = 16_384;
/// Linked contacts, and such as are not, whose events a search finds at most.
const CONTACTS_MAX: i64 = 64;
/// Events of a deal that a search finds at most.
const EVENTS_MAX: i64 = 64;

impl Store {
    /// Whom and what `q` names: events by their own id or webhook id, linked contacts by id, 客户编号 and `ord`; and for those
    /// who may see `people`, contacts by their names, numbers and accounts, events by the id of their deal, and as far as the
    /// newest bodies tell by the id of their message. A link counts only if the caller `sees` in it what it is found by.
    pub async fn named(&self, q: &str, people: bool, sees: impl Fn(&ContactRow) -> bool) -> Result<Named, StoreError> {
        let q = q.trim();
        if q.is_empty() {
            return Ok(Named::default());
        }
        let mut named = if people { self.named_in_bodies(q).await? } else { Named::default() };
        for link in self.links_named(q, people).await?.into_iter().filter(sees) {
            Named::add(&mut named.contacts, link.contact_id);
        }
        if people {
            for contact_id in self.strangers_named(q).await? {
                Named::add(&mut named.contacts, contact_id);
            }
        }
        let own = "select id from events where id = $1 union select id from events where webhook_id = $1";
        let mut events = self.db.read(own, args![q]).await?;
        if people {
            let of_deal = "select event_id as id from deals where deal_id = $1 order by event_id desc limit $2";
            events.extend(self.db.read(of_deal, args![q, EVENTS_MAX]).await?);
        }
        for row in events {
            Named::add(&mut named.events, row.text("id")?);
        }
        Ok(named)
    }

    /// Linked contacts with this id or `ord`, by indexes; and those whose 客户编号 or names hold the text, for which every link is
    /// read: each further comparison costs a search as much again.
    async fn links_named(&self, q: &str, people: bool) -> Result<Vec<ContactRow>, StoreError> {
        let own = "select * from contacts where contact_id = $1";
        let mut rows = self.db.read(own, args![q]).await?;
        if let Ok(ord) = q.parse::<i64>() {
            let of_customer = "select * from contacts where ord = $1 order by contact_id limit $2";
            rows.extend(self.db.read(of_customer, args![ord, CONTACTS_MAX]).await?);
        }
        let lower = |column| self.db.dialect().lower(column);
        let mut holds = args![CONTACTS_MAX, pattern(&q.to_ascii_lowercase())];
        let mut known = format!("{} like $2 escape '\\'", lower("khid"));
        // Of a number its digits, however it is written.
        let wanted = people::looked_for(q).pop().into_iter().chain(people::in_ascii_case(q));
        for wanted in wanted.filter(|_| people) {
            holds.push(pattern(&wanted).into());
            known += &format!(" or {} like ${} escape '\\'", lower("found_by"), holds.len());
        }
        let known = format!("select * from contacts where {known} order by contact_id limit $1");
        rows.extend(self.db.read(known, holds).await?);
        rows.iter().map(ContactRow::read).collect()
    }

    /// Contacts that are not linked and are called or known so: all of them are looked at, as they lie.
    async fn strangers_named(&self, q: &str) -> Result<Vec<String>, StoreError> {
        let Some(wanted) = people::looked_for(q).pop() else { return Ok(Vec::new()) };
        let sql = "select contact_id from strangers where found_by like $2 escape '\\' limit $1";
        let rows = self.db.read(sql, args![CONTACTS_MAX, pattern(&wanted)]).await?;
        rows.iter().map(|row| row.text("contact_id")).collect()
    }

    /// Whom and what the newest bodies name so.
    pub(super) async fn named_in_bodies(&self, q: &str) -> Result<Named, StoreError> {
        let sql = "select id, contact_id, coalesce(amended, payload) as body from events
                   where seq > (select coalesce(max(seq), 0) - $1 from events) and contact_id is not null
                     and payload is not null and length(payload) <= $2
                   order by seq desc limit $3";
        let rows = self.db.read(sql, args![EVENTS_LOOKED_THROUGH, BODY_CHARS_SEARCHED, BODIES_SEARCHED]).await?;
        let (wanted, mut named) = (people::looked_for(q), Named::default());
        for row in &rows {
            let body = row.opt_json("body").ok().flatten();
            let data = body.and_then(|mut body| body.get_mut("data").map(Value::take)).unwrap_or_default();
            if people::is_meant(&people::found_by_of(&data["contact"]), &wanted) {
                Named::add(&mut named.contacts, row.text("contact_id")?);
            }
            // Deals that came before they were written down by themselves, or got another id by a correction.
            let is_id = |path: &str| data.pointer(path).and_then(Value::as_str) == Some(q);
            if is_id("/deal/id") || is_id("/signal/id") {
                Named::add(&mut named.events, row.text("id")?);
            }
        }
        Ok(named)
    }
}
