//! What must be true of ERP and ledger, judged by the truth alone.

use std::collections::{BTreeMap, BTreeSet};

use erp_bridge::{
    event::Status,
    simulator::Customer,
    store::{EventFilter, EventRow},
};

use super::people::{Expected, Person, Who, digits, field};
use crate::support::World;

/// What the ERP had at the start.
pub struct Before(BTreeMap<i64, Customer>);

impl Before {
    pub fn of(world: &World) -> Self {
        Self(world.sim.handle.customers().into_iter().map(|customer| (customer.ord, customer)).collect())
    }

    /// Nothing that people wrote is gone or another; only the stage follows a deal.
    pub fn is_kept(&self, world: &World) {
        for (ord, before) in &self.0 {
            let now = world.sim.handle.customer(*ord).unwrap_or_else(|| panic!("{before:?} is gone"));
            for (id, value) in before.fields.iter().filter(|(id, value)| *id != "sort1" && !value.is_empty()) {
                assert_eq!(now.fields.get(id), Some(value), "{id} of {now:?}");
            }
        }
    }
}

/// Each contact's customer, as far as the bridge has linked it.
pub async fn links(world: &World, people: &[Person]) -> BTreeMap<String, i64> {
    let mut links = BTreeMap::new();
    for person in people {
        if let Some(contact) = world.app.store.contact(&person.id).await.unwrap() {
            links.insert(person.id.clone(), contact.link.ord);
        }
    }
    links
}

/// Whoever is linked is linked to its own customer, and no customer is there twice.
pub fn nobody_is_twice_or_another(world: &World, before: &Before, people: &[Person], links: &BTreeMap<String, i64>) {
    let mut made: BTreeMap<i64, &Who> = BTreeMap::new();
    let mut customer_of: BTreeMap<&Who, i64> = BTreeMap::new();
    for person in people {
        let Some(&ord) = links.get(&person.id) else { continue };
        if let Who::Customer(theirs) = person.who {
            assert_eq!(ord, theirs, "{} is somebody else's: {}", person.id, person.contact);
            continue;
        }
        assert!(!before.0.contains_key(&ord), "{} is no customer of the ERP's: {}", person.id, person.contact);
        assert_eq!(*made.entry(ord).or_insert(&person.who), &person.who, "{}: two in one customer", person.id);
        assert_eq!(*customer_of.entry(&person.who).or_insert(ord), ord, "{}: one as two customers", person.id);
    }
    let customers = world.sim.handle.customers();
    let ours: BTreeSet<i64> = made.keys().copied().collect();
    let added: BTreeSet<i64> = customers.iter().map(|it| it.ord).filter(|ord| !before.0.contains_key(ord)).collect();
    assert_eq!(added, ours, "customers that were added, and that somebody is linked to");
    no_number_or_company_twice(&customers);
    no_contact_person_twice(world);
}

fn no_number_or_company_twice(customers: &[Customer]) {
    let mut seen = BTreeMap::new();
    for customer in customers {
        let number = digits(field(customer, "mobile"));
        let company = if customer.kind == 1 {
            field(customer, "name").replace(['（', '(', '）', ')', ' '], "")
        } else {
            String::new()
        };
        for key in [number, company].into_iter().filter(|key| !key.is_empty()) {
            if let Some(other) = seen.insert(key, customer) {
                panic!("twice: {other:?} and {customer:?}");
            }
        }
    }
}

fn no_contact_person_twice(world: &World) {
    let mut seen = BTreeMap::new();
    for person in world.sim.handle.contacts() {
        let number = person.fields.get("mobile").map(|number| digits(number)).filter(|number| !number.is_empty());
        let Some(number) = number else { continue };
        if let Some(other) = seen.insert((person.company, number), person.clone()) {
            panic!("twice: {other:?} and {person:?}");
        }
    }
}

/// Who could not be told is in review, with candidates, and nobody else is; nothing is dead, and nothing waits but behind
/// a review.
pub async fn questions(world: &World, people: &[Person], decided: &BTreeSet<String>) -> Vec<EventRow> {
    let reviews = rows(world, &[Status::NeedsReview]).await;
    let asked: BTreeSet<&str> = reviews.iter().filter_map(|event| event.contact_id.as_deref()).collect();
    let unclear = people.iter().filter(|it| it.expected == Expected::Review && !decided.contains(&it.id));
    let unclear: BTreeSet<&str> = unclear.map(|person| person.id.as_str()).collect();
    assert_eq!(asked, unclear, "{:#?}", reviews.iter().map(|it| (&it.contact_id, &it.error)).collect::<Vec<_>>());
    assert_eq!(reviews.len(), asked.len(), "one question a contact");
    for event in &reviews {
        let person = people.iter().find(|person| Some(&person.id) == event.contact_id.as_ref()).unwrap();
        let candidates = event.review.as_ref().unwrap()["candidates"].as_array().cloned().unwrap_or_default();
        let ords: Vec<i64> = candidates.iter().filter_map(|it| it["ord"].as_i64()).collect();
        let is_shown = if let Who::Customer(ord) = person.who { ords.contains(&ord) } else { !ords.is_empty() };
        assert!(is_shown, "{:?} {}: {candidates:?}", person.who, person.contact);
    }
    let dead = rows(world, &[Status::Dead]).await;
    let why = |event: &EventRow| format!("{:?} {}: {:?}", event.contact_id, event.kind, event.error);
    assert!(dead.is_empty(), "nothing is dead: {:#?}", dead.iter().map(why).collect::<Vec<_>>());
    let waiting = rows(world, &[Status::Queued, Status::Running]).await;
    let waits_for_nothing = waiting.iter().find(|it| !asked.contains(it.contact_id.as_deref().unwrap_or_default()));
    assert!(waits_for_nothing.is_none(), "{waits_for_nothing:#?}");
    reviews
}

/// Each linked contact's chats and deals stand at its customer, once and in the order in which they were accepted; of the
/// others nothing is told.
pub fn chats(world: &World, people: &[Person], links: &BTreeMap<String, i64>, accepted: &[Vec<String>]) {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in world.sim.handle.progress() {
        let Some(mark) = mark_of(&record.fields["intro"]) else { continue };
        let (contact, _) = mark.split_once('-').unwrap();
        assert_eq!(links.get(contact), Some(&record.customer), "{mark} stands at another's");
        told.entry(contact.to_owned()).or_default().push(mark.to_owned());
    }
    for (person, accepted) in people.iter().zip(accepted) {
        let told = told.remove(&person.id).unwrap_or_default();
        let expected = if links.contains_key(&person.id) { accepted.as_slice() } else { &[] };
        assert_eq!(told, expected, "{} {:?}", person.id, person.expected);
    }
}

/// The mark `c012-03` in a record.
fn mark_of(intro: &str) -> Option<&str> {
    let is_mark = |word: &&str| {
        let parts = word.strip_prefix('c').and_then(|rest| rest.split_once('-'));
        parts.is_some_and(|(contact, number)| contact.len() == 3 && number.len() == 2)
    };
    intro.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').find(is_mark)
}

pub async fn rows(world: &World, statuses: &[Status]) -> Vec<EventRow> {
    let filter = EventFilter { statuses: statuses.to_vec(), ..EventFilter::default() };
    let listed = world.app.store.list_events(&filter, None, 100_000).await.unwrap();
    let mut rows = Vec::new();
    for event in listed {
        rows.push(world.event(&event.id).await);
    }
    rows
}
