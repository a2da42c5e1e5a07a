//! What people do while the bridge is at work: they merge a contact's customer into another, delete it, or undo its link.

use std::collections::BTreeMap;

use erp_bridge::{
    event::{LinkKind, Status},
    simulator::Handle,
    store::EventFilter,
};
use rand::{RngExt, rngs::StdRng};

use crate::support::World;

/// What people did about a contact's first customer.
#[derive(Debug)]
pub enum Deed {
    /// It is part of this one, and its records are there.
    Merged(i64),
    /// It is gone, and these records with it, while so many deals of the contact were not at their end.
    Deleted { records: Vec<String>, open_deals: usize },
    /// The bridge knows nothing of it any more.
    Unlinked,
}

/// What people did so far, by the contact whose customer it was. Each contact's is touched once at most.
#[derive(Debug, Default)]
pub struct People {
    done: BTreeMap<String, Deed>,
}

impl People {
    /// What they did to the customer of a contact.
    pub fn did_to(&self, contact: &str) -> Option<&Deed> {
        self.done.get(contact)
    }

    /// The customer of a contact whose link says `ord`: the bridge learns of a merger only when it needs the customer.
    pub fn customer(&self, contact: &str, ord: i64, erp: &Handle) -> i64 {
        match self.done.get(contact) {
            Some(Deed::Merged(into)) if erp.customer(ord).is_none() => *into,
            _ => ord,
        }
    }

    /// Does something about the customer of a contact that is linked, and whose customer is nobody else's. The ERP is at
    /// rest. Whether the link was undone: then the contact has to be promoted again.
    pub async fn act(&mut self, rng: &mut StdRng, world: &World, contact: &str) -> bool {
        if self.done.contains_key(contact) {
            return false;
        }
        let Some(known) = world.app.store.contact(contact).await.unwrap() else { return false };
        let (erp, ord) = (&world.sim.handle, known.link.ord);
        let deed = match rng.random_range(0..5) {
            0..2 => {
                let (name, khid) = (format!("{contact}的新客户"), format!("MERGED{contact}"));
                let is_company = (known.link.kind == LinkKind::Person) == rng.random_bool(0.2);
                let kind = if is_company { "1" } else { "2" };
                let fields = [("name", name.as_str()), ("khid", &khid), ("kind", kind), ("person_name", "老王")];
                // Nobody adds a customer either while the ERP lacks a choice for it.
                let Ok(into) = erp.seed_customer_fields(&fields) else { return false };
                assert!(erp.merge_customers(ord, into));
                Deed::Merged(into)
            }
            2..4 => {
                let (records, open_deals) = (erp.progress_of(ord), open_deals(world, contact).await);
                assert!(erp.delete_customer(ord));
                Deed::Deleted { records, open_deals }
            }
            _ => {
                let (status, answer) =
                    world.call("DELETE", &format!("/v1/contacts/{contact}/link?reason=wrong"), None).await;
                // An event of it is half done.
                if status == 409 {
                    return false;
                }
                assert_eq!(status, 200, "{answer}");
                Deed::Unlinked
            }
        };
        let is_unlinked = matches!(deed, Deed::Unlinked);
        self.done.insert(contact.to_owned(), deed);
        is_unlinked
    }
}

async fn open_deals(world: &World, contact: &str) -> usize {
    let open = EventFilter {
        statuses: vec![Status::Queued, Status::Running, Status::NeedsReview],
        kind: Some("deal.closed".to_owned()),
        contact_id: Some(contact.to_owned()),
        ..EventFilter::default()
    };
    world.app.store.list_events(&open, None, 100).await.unwrap().len()
}
