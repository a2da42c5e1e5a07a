//! Adoption (存量客户认领): contacts of the platform that the ERP knows already are linked before their first event. The ERP is
//! only read; the ledger gets links, and only where that is asked for.

use std::{collections::HashMap, pin::pin, sync::Arc};

use futures::{Stream, StreamExt, future::BoxFuture, stream};
use serde_json::{Value, json};

use super::{LedgerSessions, StartError, notify, planner, preview::PeekJournal, survey};
use crate::{
    clock::Clock,
    config::Config,
    erp::Erp,
    event::{Event, FieldError, Link, LinkKind, ParseError, Parsed, Reading},
    http::{self, AdoptedContact, AdoptionOutcome, PreviewError},
    store::{Actor, Adoption, InstanceLock, Store, StoreError, found_by},
    sync::{Engine, ErpError, Identified, Identity, Question, SyncError, person_key},
};

/// So many failures of delivery in a row end an adoption: the ERP is away.
const FAILURES_MAX: u32 = 3;

/// A contact to adopt, as it was given.
#[derive(Debug)]
pub struct AdoptLine {
    /// Its place, from 1.
    pub number: usize,
    /// As events carry it; or why it cannot be read.
    pub contact: Result<Value, String>,
}

/// Who wants an adoption, and whether it is written.
#[derive(Debug, Clone)]
pub struct AdoptOrder {
    /// For the audit log.
    pub actor: Actor,
    /// Write the links.
    pub apply: bool,
}

/// Looks contacts up and links them.
#[derive(Clone)]
pub struct Adopter {
    engine: Engine,
    store: Store,
    clock: Clock,
    reading: Reading,
    /// Contacts that are looked up at once.
    at_once: usize,
}

/// An adopter of its own, without a bridge around it.
pub struct LoneAdopter {
    /// Looks up as many contacts at once as the ERP takes calls.
    pub adopter: Adopter,
    store: Store,
    lock: InstanceLock,
}

impl LoneAdopter {
    /// Opens the ledger, which no bridge may have open if it is a SQLite file, and the ERP. A PostgreSQL's schema is not
    /// touched: replicas of another version may work on it.
    ///
    /// # Errors
    /// As the start of a bridge.
    pub async fn open(config: &Config) -> Result<Self, StartError> {
        let clock = Clock::system();
        let lock = InstanceLock::take(&config.database)?;
        let store = Store::open(&config.database, clock.clone(), lock.is_held()).await?;
        notify::want_write_back(config, &store);
        let erp = Erp::new(
            &config.erp,
            &config.outbound.authorities,
            clock.clone(),
            Arc::new(LedgerSessions(store.clone())),
        )?;
        survey::believe_newest_survey(&store, config.erp.base_url.as_str(), &erp).await;
        let engine = Engine::new(erp, planner(config));
        let adopter = Adopter::new(config, store.clone(), engine, clock, config.erp.max_in_flight);
        Ok(Self { adopter, store, lock })
    }

    /// Closes the ledger.
    pub async fn close(self) {
        self.store.close().await;
        self.lock.release();
    }
}

/// What a look at the ledger and the ERP found.
enum Found {
    Invalid(Vec<FieldError>),
    /// The link, and which contact person of the customer it is, where it is one.
    Linked(Link, Option<String>),
    /// The identity, and what people look for the contact by.
    Erp(Box<Identity>, String),
    Failed(ErpError),
}

struct Looked {
    number: usize,
    contact_id: Option<String>,
    found: Result<Found, StoreError>,
}

impl Adopter {
    /// One that looks up `at_once` contacts at a time.
    pub fn new(config: &Config, store: Store, engine: Engine, clock: Clock, at_once: usize) -> Self {
        Self { engine, store, clock, reading: super::reading(config), at_once: at_once.max(1) }
    }

    /// Adopts the contacts in their order and hands what became of each to `each`. Done twice it does nothing more.
    ///
    /// # Errors
    /// The ERP refuses the login, or is away; the ledger is. What was handed out before stands.
    pub async fn adopt(
        &self,
        lines: impl Stream<Item = AdoptLine>,
        order: &AdoptOrder,
        mut each: impl FnMut(AdoptedContact),
    ) -> Result<(), PreviewError> {
        let mut looked = pin!(lines.map(|line| self.look(line)).buffered(self.at_once));
        let mut seen = Seen::default();
        let mut failures = 0;
        while let Some(looked) = looked.next().await {
            let found = looked.found?;
            failures = match &found {
                Found::Failed(error) if error.is_delivery_failure() => failures + 1,
                _ => 0,
            };
            if let Found::Failed(error) = &found
                && (failures == FAILURES_MAX || matches!(error, ErpError::LoginRefused(_)))
            {
                return Err(PreviewError::Erp(error.to_string()));
            }
            each(self.decide(looked.number, looked.contact_id, found, order, &mut seen).await?);
        }
        Ok(())
    }

    async fn look(&self, line: AdoptLine) -> Looked {
        let number = line.number;
        let event = match line.contact.map_err(|reason| vec![FieldError::new("", reason)]) {
            Ok(contact) => event_of(&contact, &self.clock, &self.reading),
            Err(errors) => Err((None, errors)),
        };
        match event {
            Ok(event) => {
                let contact_id = Some(event.contact().id().to_owned());
                Looked { number, contact_id, found: self.find(&event).await }
            }
            Err((contact_id, errors)) => Looked { number, contact_id, found: Ok(Found::Invalid(errors)) },
        }
    }

    async fn find(&self, event: &Event) -> Result<Found, StoreError> {
        if let Some(linked) = self.store.contact(event.contact().id()).await? {
            let person = (linked.link.kind == LinkKind::ContactPerson).then(|| person_key(event));
            return Ok(Found::Linked(linked.link, person));
        }
        match self.engine.identify(&PeekJournal(&self.store), event).await {
            Ok(identity) => Ok(Found::Erp(Box::new(identity), people_of(event))),
            Err(SyncError::Erp(error)) => Ok(Found::Failed(error)),
            Err(SyncError::Journal(error)) => Err(StoreError::Unavailable(error.to_string())),
        }
    }

    async fn decide(
        &self,
        line: usize,
        contact_id: Option<String>,
        found: Found,
        order: &AdoptOrder,
        seen: &mut Seen,
    ) -> Result<AdoptedContact, StoreError> {
        if let Some(id) = &contact_id
            && let Some(first) = seen.contacts.insert(id.clone(), line)
        {
            return Ok(AdoptedContact::twice(line, id.clone(), first));
        }
        let (identity, found_by) = match found {
            Found::Invalid(errors) => return Ok(AdoptedContact::invalid(line, contact_id, errors)),
            Found::Failed(error) => {
                return Ok(AdoptedContact::of(line, contact_id, AdoptionOutcome::Failed).told(&error.to_string()));
            }
            Found::Linked(link, person) => {
                // From here on the customer, or the person of it, is this contact's.
                seen.other_with(&link, person, contact_id.as_deref().unwrap_or_default());
                return Ok(linked(AdoptedContact::of(line, contact_id, AdoptionOutcome::AlreadyLinked), link));
            }
            Found::Erp(identity, found_by) => (identity, found_by),
        };
        let Identity { identified, warning } = *identity;
        let base = |outcome| {
            let row = AdoptedContact::of(line, contact_id.clone(), outcome);
            warning.as_ref().map_or(row.clone(), |warning| row.told(&warning.message))
        };
        let (link, name, person) = match identified {
            Identified::Nobody => return Ok(base(AdoptionOutcome::Unknown)),
            Identified::Unclear(question) => return Ok(asked(base(outcome_of(&question)), &question)),
            Identified::Joining { ord, name } => {
                return Ok(AdoptedContact { ord: Some(ord), name, ..base(AdoptionOutcome::Joins) });
            }
            Identified::Customer { link, name, person } => (link, name, person),
        };
        let id = contact_id.clone().unwrap_or_default();
        let outcome = match seen.other_with(&link, person, &id) {
            Some(other) => Adoption::Taken(other),
            None => self.write(id, link.clone(), found_by, order).await?,
        };
        let found = |outcome| AdoptedContact { name, ..linked(base(outcome), link) };
        Ok(match outcome {
            Adoption::Linked if order.apply => found(AdoptionOutcome::Linked),
            Adoption::Linked => found(AdoptionOutcome::WouldLink),
            Adoption::Already(link) => linked(base(AdoptionOutcome::AlreadyLinked), link),
            Adoption::Taken(other) => found(AdoptionOutcome::Taken).told(&other),
            Adoption::Busy(status) => found(AdoptionOutcome::Busy).told(status.as_str()),
        })
    }

    /// In a task of its own: whoever does not wait any more does not cut a transaction in half.
    async fn write(
        &self,
        contact_id: String,
        link: Link,
        found_by: String,
        order: &AdoptOrder,
    ) -> Result<Adoption, StoreError> {
        let (store, order) = (self.store.clone(), order.clone());
        let write = async move { store.adopt(&contact_id, &link, &found_by, order.apply, &order.actor).await };
        tokio::spawn(write).await.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
    }
}

/// What an adoption has met so far.
#[derive(Default)]
struct Seen {
    /// Contacts, and in which line.
    contacts: HashMap<String, usize>,
    /// Customers, and the contact persons of them that are told apart; whose they are.
    customers: HashMap<String, String>,
}

impl Seen {
    /// The other contact that the same customer, or the same contact person of it, was found for before.
    fn other_with(&mut self, link: &Link, person: Option<String>, contact_id: &str) -> Option<String> {
        let key = format!("{}:{}", link.ord, person.unwrap_or_default());
        let owner = self.customers.entry(key).or_insert_with(|| contact_id.to_owned());
        (owner != contact_id).then(|| owner.clone())
    }
}

/// The contact as an event would carry it: without a name, where a number or a customer tells who it is, as a message does.
fn event_of(contact: &Value, clock: &Clock, reading: &Reading) -> Result<Event, (Option<String>, Vec<FieldError>)> {
    let now = clock.now().rfc3339();
    let has = |member: &str| !contact[member].is_null() && contact[member] != "";
    let body = if !has("name") && (has("phone") || has("erp")) {
        let data = json!({ "contact": contact, "signal": { "id": "adopt", "content": "-" } });
        json!({ "type": "message.logged", "timestamp": now, "data": data })
    } else {
        json!({ "type": "sync.requested", "timestamp": now, "data": { "contact": contact } })
    };
    match Event::parse(body.to_string().as_bytes(), reading) {
        Ok(Parsed::Event(event)) => Ok(*event),
        Ok(Parsed::Unknown { contact_id, .. }) => Err((contact_id, Vec::new())),
        Err(ParseError::NotJson(fault)) => Err((None, vec![FieldError::new("", fault)])),
        Err(ParseError::Invalid { contact_id, mut errors, .. }) => {
            for error in &mut errors {
                error.pointer = error.pointer.trim_start_matches("/data/contact").to_owned();
            }
            Err((contact_id, errors))
        }
    }
}

/// By what contact persons of one company are told apart; nothing, where this is no valid contact.
pub(crate) fn person_of(contact: &Value) -> Option<String> {
    event_of(contact, &Clock::system(), &Reading::default()).ok().as_ref().map(person_key)
}

/// What people look for the contact by.
fn people_of(event: &Event) -> String {
    let contact = event.contact();
    found_by([contact.name(), contact.company(), contact.wechat_id(), contact.email()], contact.phone())
}

fn linked(row: AdoptedContact, link: Link) -> AdoptedContact {
    let (ord, khid) = (Some(link.ord), Some(link.khid));
    AdoptedContact { matched_by: Some(link.linked_by), ord, khid, kind: Some(link.kind), ..row }
}

fn outcome_of(question: &Question) -> AdoptionOutcome {
    match question {
        Question::SameName { .. } => AdoptionOutcome::SameName,
        Question::TooMany { .. } => AdoptionOutcome::TooMany,
        _ => AdoptionOutcome::Candidates,
    }
}

fn asked(row: AdoptedContact, question: &Question) -> AdoptedContact {
    let (matched_by, candidates) = match question {
        Question::Several { by, candidates } => (Some(*by), candidates.as_slice()),
        Question::SameName { candidates } => (None, candidates.as_slice()),
        _ => (None, &[][..]),
    };
    AdoptedContact { candidates: candidates.to_vec(), matched_by, ..row }
}

impl http::Adopter for Adopter {
    fn adopt(
        &self,
        contacts: Vec<Value>,
        apply: bool,
        actor: Actor,
    ) -> BoxFuture<'_, Result<Vec<AdoptedContact>, PreviewError>> {
        Box::pin(async move {
            let lines = (1..).zip(contacts).map(|(number, contact)| AdoptLine { number, contact: Ok(contact) });
            let mut rows = Vec::new();
            Self::adopt(self, stream::iter(lines), &AdoptOrder { actor, apply }, |row| rows.push(row)).await?;
            Ok(rows)
        })
    }
}
