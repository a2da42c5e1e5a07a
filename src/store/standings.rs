//! What admission knows of contacts: links, turns, the last score that came for them, whether they have closed a deal.
//!
//! The two facts that events bring stand in a narrow table of their own, written in the transaction that accepts the event:
//! they outlive the events. Whoever reads or writes them in a transaction holds the contact's lock.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    NewEvent, Store, StoreError,
    bulk::{Insert, lists},
    db::{Arg, Row, Tx, args},
};
use crate::{
    clock::Millis,
    event::{Standing, Status},
};

const FACTS: Insert = Insert {
    into: "admission_facts (contact_id, last_score, first_deal_at)",
    then: "on conflict (contact_id) do update set
             last_score = coalesce(excluded.last_score, admission_facts.last_score),
             first_deal_at = coalesce(admission_facts.first_deal_at, excluded.first_deal_at)",
};

/// What a batch has to know of its contacts, and what its events add to it.
#[derive(Default)]
pub(super) struct Standings {
    known: HashMap<String, Standing>,
    /// By contact, so that two replicas write them in the same order.
    told: BTreeMap<String, Told>,
}

/// What new events say of a contact.
#[derive(Default)]
struct Told {
    score: Option<f64>,
    deal_at: Option<Millis>,
}

impl Standings {
    /// What the ledger knows of the contacts whose events depend on it.
    pub(super) async fn read(tx: &mut Tx, events: &[NewEvent]) -> Result<Self, StoreError> {
        let mut standings = Self::default();
        let of_link = contacts(events, |event| event.intake.asks_for_link());
        for row in ask(tx, "select contact_id from contacts", &of_link).await? {
            standings.entry(&row)?.linked = true;
        }
        for row in ask(tx, "select contact_id from turns", &of_link).await? {
            standings.entry(&row)?.in_turn = true;
        }
        let of_facts = contacts(events, |event| event.intake.asks_for_facts());
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
    pub(super) fn learn(&mut self, event: &NewEvent, status: Status, now: Millis) {
        let Some(contact) = &event.contact_id else { return };
        let (score, is_deal) = (event.intake.score(), event.intake.is_deal());
        let standing = self.known.entry(contact.clone()).or_default();
        standing.in_turn |= status == Status::Queued;
        standing.last_score = score.or(standing.last_score);
        standing.has_deal |= is_deal;
        if score.is_some() || is_deal {
            let told = self.told.entry(contact.clone()).or_default();
            told.score = score.or(told.score);
            told.deal_at = told.deal_at.or(is_deal.then_some(now));
        }
    }

    /// Writes down what the batch's events brought.
    pub(super) async fn write(self, tx: &mut Tx) -> Result<(), StoreError> {
        let row = |(contact, told): (String, Told)| -> [Arg; 3] {
            [contact.into(), told.score.map(|score| score.to_string()).into(), told.deal_at.into()]
        };
        FACTS.run(tx, self.told.into_iter().map(row).collect()).await.map(drop)
    }
}

impl Store {
    /// How a contact stands with admission now.
    pub async fn standing(&self, contact_id: &str) -> Result<Standing, StoreError> {
        let sql = "select (select count(*) from contacts where contact_id = $1) as links,
                     (select count(*) from turns where contact_id = $1) as turns,
                     (select last_score from admission_facts where contact_id = $1) as last_score,
                     (select first_deal_at from admission_facts where contact_id = $1) as first_deal_at";
        let rows = self.db.read(sql, args![contact_id]).await?;
        let Some(row) = rows.first() else { return Ok(Standing::default()) };
        Ok(Standing {
            linked: row.int("links")? > 0,
            in_turn: row.int("turns")? > 0,
            last_score: score(row)?,
            has_deal: row.opt_int("first_deal_at")?.is_some(),
        })
    }
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

/// The score as it is written in decimal, which keeps every digit of it.
fn score(row: &Row) -> Result<Option<f64>, StoreError> {
    Ok(row.opt_text("last_score")?.and_then(|score| score.parse().ok()))
}

/// The contacts of those events, each once.
fn contacts(events: &[NewEvent], of: impl Fn(&&NewEvent) -> bool) -> Vec<&str> {
    let contacts: BTreeSet<&str> = events.iter().filter(of).filter_map(|event| event.contact_id.as_deref()).collect();
    contacts.into_iter().collect()
}

async fn ask(tx: &mut Tx, select: &str, contacts: &[&str]) -> Result<Vec<Row>, StoreError> {
    let mut found = Vec::new();
    for (values, list) in lists(contacts) {
        found.extend(tx.fetch(format!("{select} where contact_id in ({list})"), values).await?);
    }
    Ok(found)
}
