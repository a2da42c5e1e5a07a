//! What people do in the ERP while the bridge is at work: they merge a contact's customer into another, or delete it.

use std::collections::BTreeMap;

use erp_bridge::{
    event::{LinkKind, Status},
    store::{EventFilter, StepState},
};
use rand::{RngExt, rngs::StdRng};

use crate::support::World;

/// What became of a contact's first customer.
#[derive(Debug)]
pub enum Fate {
    /// It is part of this one, and its records are there.
    Merged(i64),
    /// It is gone, and these records with it.
    Deleted(Vec<String>),
}

/// What people did so far, by the contact whose customer it was. Each contact's is touched once at most.
#[derive(Debug, Default)]
pub struct People {
    done: BTreeMap<String, Fate>,
}

impl People {
    /// What they did to the customer of a contact.
    pub fn did_to(&self, contact: &str) -> Option<&Fate> {
        self.done.get(contact)
    }

    /// The customer of a contact whose link says `ord`: the bridge learns of a merger only when it needs the customer.
    pub fn customer(&self, contact: &str, ord: i64, world: &World) -> i64 {
        match self.done.get(contact) {
            Some(Fate::Merged(into)) if world.sim.handle.customer(ord).is_none() => *into,
            _ => ord,
        }
    }

    /// Merges or deletes the customer of a contact that is linked, and whose customer is nobody else's. The ERP is at rest,
    /// and no step is open: whether it was done would have to be looked for in a customer that nobody knows yet.
    pub async fn act(&mut self, rng: &mut StdRng, world: &World, contact: &str) {
        if self.done.contains_key(contact) {
            return;
        }
        let Some(known) = world.app.store.contact(contact).await.unwrap() else { return };
        let statuses = vec![Status::Queued, Status::Running, Status::NeedsReview];
        let open = EventFilter { contact_id: Some(contact.to_owned()), statuses, ..EventFilter::default() };
        for event in world.app.store.list_events(&open, None, 100).await.unwrap() {
            if world.app.store.steps(&event.id).await.unwrap().iter().any(|step| step.state == StepState::Started) {
                return;
            }
        }
        let (erp, ord) = (&world.sim.handle, known.link.ord);
        let fate = if rng.random_bool(0.5) {
            let (name, khid) = (format!("{contact}的新客户"), format!("MERGED{contact}"));
            let kind = if known.link.kind == LinkKind::Company { "1" } else { "2" };
            let fields = [("name", name.as_str()), ("khid", &khid), ("kind", kind), ("person_name", "老王")];
            let into = erp.seed_customer_fields(&fields).unwrap();
            assert!(erp.merge_customers(ord, into));
            Fate::Merged(into)
        } else {
            let records = erp.progress_of(ord);
            assert!(erp.delete_customer(ord));
            Fate::Deleted(records)
        };
        self.done.insert(contact.to_owned(), fate);
    }
}
