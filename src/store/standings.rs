//! What admission knows of contacts: links, turns, the last score that came for them, whether they have closed a deal.
//!
//! The two facts that events bring stand in a narrow table of their own, written in the transaction that accepts the event:
//! they outlive the events. Whoever reads or writes them in a transaction holds the contact's lock.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    NewEvent, Store, StoreError,
    bulk::{Insert, lists},
    db::{Arg, Row, Tx, args},
    prepared::Prepared,
};
use crate::{
    clock::Millis,
    event::{Intake, Standing, Status},
};

/// What is known already is not written again: most scores come more than once.
const FACTS: Insert = Insert {
    into: "admission_facts (contact_id, last_score, first_deal_at)",
    then: "on conflict (contact_id) do update set
             last_score = coalesce(excluded.last_score, admission_facts.last_score),
             first_deal_at = coalesce(admission_facts.first_deal_at, excluded.first_deal_at)
           where excluded.last_score <> coalesce(admission_facts.last_score, '')
             or (excluded.first_deal_at is not null and admission_facts.first_deal_at is null)",
};

/// What a batch has to know of its contacts.
#[derive(Default)]
pub(super) struct Standings {
    known: HashMap<String, Standing>,
}

impl Standings {
    /// What the ledger knows of the contacts whose events depend on it.
    pub(super) async fn read(tx: &mut Tx, events: &[Prepared]) -> Result<Self, StoreError> {
        let mut standings = Self::default();
        let of_link = contacts(events, |intake| intake.asks_for_link());
        for row in ask(tx, "select contact_id from contacts", &of_link).await? {
            standings.entry(&row)?.linked = true;
        }
        for row in ask(tx, "select contact_id from turns", &of_link).await? {
            standings.entry(&row)?.in_turn = true;
        }
        let unlinked = "select contact_id from admission_facts where unlinked_at is not null and contact_id in";
        for (values, list) in lists(&of_link) {
            for row in tx.fetch(format!("{unlinked} ({list})"), values).await? {
                standings.entry(&row)?.was_unlinked = true;
            }
        }
        let of_facts = contacts(events, |intake| intake.asks_for_facts());
        for row in ask(tx, "select contact_id, last_score, first_deal_at from admission_facts", &of_facts).await? {
            standings.know(&row)?;
        }
        Ok(standings)
    }

    fn know(&mut self, row: &Row) -> Result<(), StoreError> {
        let standing = self.entry(row)?;
        standing.last_score = score(row)?;
        standing.has_deal = row.opt_int("first_deal_at")?.is_some();
        Ok(())
    }

    fn entry(&mut self, row: &Row) -> Result<&mut Standing, StoreError> {
        Ok(self.known.entry(row.text("contact_id")?).or_default())
    }

    /// How the event's contact stands now.
    pub(super) fn of(&self, event: &NewEvent) -> Standing {
        let contact = event.contact_id.as_deref().unwrap_or_default();
        self.known.get(contact).copied().unwrap_or_default()
    }

    /// Adds what an event brings that was stored in this state.
    pub(super) fn learn(&mut self, event: &NewEvent, status: Status) {
        let Some(contact) = &event.contact_id else { return };
        let standing = self.known.entry(contact.clone()).or_default();
        standing.in_turn |= status == Status::Queued;
        standing.last_score = event.intake.score().or(standing.last_score);
        standing.has_deal |= event.intake.is_deal();
    }
}

/// The score that an event brings, in decimal, which keeps every digit of it.
pub(super) fn told_score(event: &NewEvent) -> Option<String> {
    event.intake.score().map(|score| score.to_string())
}

/// The moment of the deal that an event is.
pub(super) fn told_deal(event: &NewEvent, now: Millis) -> Option<Millis> {
    event.intake.is_deal().then_some(now)
}

/// Writes down what new events brought: of each contact the last score and the first deal.
pub(super) async fn write_facts<'a>(
    tx: &mut Tx,
    now: Millis,
    events: impl Iterator<Item = &'a NewEvent>,
) -> Result<(), StoreError> {
    let mut told: BTreeMap<&str, (Option<String>, Option<Millis>)> = BTreeMap::new();
    for event in events {
        let (score, deal_at) = (told_score(event), told_deal(event, now));
        if let Some(contact) = event.contact_id.as_deref().filter(|_| score.is_some() || deal_at.is_some()) {
            let facts = told.entry(contact).or_default();
            *facts = (score.or(facts.0.take()), facts.1.or(deal_at));
        }
    }
    let row =
        |(contact, (score, deal_at)): (&str, _)| -> [Arg; 3] { [contact.into(), Arg::Text(score), Arg::from(deal_at)] };
    FACTS.run(tx, told.into_iter().map(row).collect()).await.map(drop)
}

impl Store {
    /// How a contact stands with admission now.
    pub async fn standing(&self, contact_id: &str) -> Result<Standing, StoreError> {
        let sql = "select (select count(*) from contacts where contact_id = $1) as links,
                     (select count(*) from turns where contact_id = $1) as turns,
                     (select last_score from admission_facts where contact_id = $1) as last_score,
                     (select first_deal_at from admission_facts where contact_id = $1) as first_deal_at,
                     (select unlinked_at from admission_facts where contact_id = $1) as unlinked_at";
        let rows = self.db.read(sql, args![contact_id]).await?;
        let Some(row) = rows.first() else { return Ok(Standing::default()) };
        Ok(Standing {
            linked: row.int("links")? > 0,
            in_turn: row.int("turns")? > 0,
            was_unlinked: row.opt_int("unlinked_at")?.is_some(),
            ..known(row)?
        })
    }
}

/// What is known of contacts that have no link.
pub(super) async fn standings_of(tx: &mut Tx, contacts: &[&str]) -> Result<HashMap<String, Standing>, StoreError> {
    let facts = "select contact_id, last_score, first_deal_at, unlinked_at from admission_facts";
    let rows = ask(tx, facts, contacts).await?;
    let standing = |row: &Row| {
        let standing = Standing { in_turn: true, was_unlinked: row.opt_int("unlinked_at")?.is_some(), ..known(row)? };
        Ok((row.text("contact_id")?, standing))
    };
    rows.iter().map(standing).collect()
}

/// The score and the deal that a row tells of.
fn known(row: &Row) -> Result<Standing, StoreError> {
    let has_deal = row.opt_int("first_deal_at")?.is_some();
    Ok(Standing { last_score: score(row)?, has_deal, ..Standing::default() })
}

impl Store {
    /// What admission asks of these contacts now; one that is not named has neither link, score nor deal.
    pub async fn standings(&self, contacts: &[&str]) -> Result<HashMap<String, Standing>, StoreError> {
        let mut standings = Standings::default();
        for (values, list) in lists(contacts) {
            let links = format!("select contact_id from contacts where contact_id in ({list})");
            for row in self.db.read(links, values.clone()).await? {
                standings.entry(&row)?.linked = true;
            }
            let facts = format!(
                "select contact_id, last_score, first_deal_at from admission_facts where contact_id in ({list})"
            );
            for row in self.db.read(facts, values).await? {
                standings.know(&row)?;
            }
        }
        Ok(standings.known)
    }
}

/// As [`told_score`] wrote it.
fn score(row: &Row) -> Result<Option<f64>, StoreError> {
    Ok(row.opt_text("last_score")?.and_then(|score| score.parse().ok()))
}

/// The contacts of those events, each once.
fn contacts(events: &[Prepared], of: impl Fn(&Intake) -> bool) -> Vec<&str> {
    let asking = events.iter().map(|event| &event.event).filter(|event| of(&event.intake));
    let contacts: BTreeSet<&str> = asking.filter_map(|event| event.contact_id.as_deref()).collect();
    contacts.into_iter().collect()
}

async fn ask(tx: &mut Tx, select: &str, contacts: &[&str]) -> Result<Vec<Row>, StoreError> {
    let mut found = Vec::new();
    for (values, list) in lists(contacts) {
        found.extend(tx.fetch(format!("{select} where contact_id in ({list})"), values).await?);
    }
    Ok(found)
}
