//! Telling contacts of one file apart. A bridge does that within one call; what stood in earlier calls is told here.

use std::collections::HashMap;

use serde_json::Value;

use crate::{
    app::AdoptLine,
    event::{FieldError, LinkKind, phone},
    http::{AdoptedContact, AdoptionOutcome},
};

/// A line of the file: a contact to ask for, or what is told of it without asking.
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) contact: Result<Value, Box<AdoptedContact>>,
}

/// What stood in the file so far.
#[derive(Default)]
pub(super) struct Apart {
    /// Contacts, and in which line.
    contacts: HashMap<String, usize>,
    /// Customers, and the contact persons of them; whose they would be.
    customers: HashMap<String, String>,
}

impl Apart {
    /// The next line; one whose contact stood there before is not asked for.
    pub(super) fn line(&mut self, line: AdoptLine) -> Line {
        let number = line.number;
        let contact = match line.contact {
            Err(reason) => Err(AdoptedContact::invalid(number, None, vec![FieldError::new("", reason)])),
            Ok(contact) => match self.earlier(&contact, number) {
                Some((first, id)) => Err(AdoptedContact::twice(number, id, first)),
                None => Ok(contact),
            },
        };
        Line { number, contact: contact.map_err(Box::new) }
    }

    fn earlier(&mut self, contact: &Value, number: usize) -> Option<(usize, String)> {
        let id = id_of(contact)?;
        self.contacts.insert(id.clone(), number).map(|first| (first, id))
    }

    /// What the bridge told of a contact, unless the customer would be another contact's by then.
    pub(super) fn row(&mut self, row: AdoptedContact, contact: &Value) -> AdoptedContact {
        let (AdoptionOutcome::WouldLink, Some(ord), Some(id)) = (row.outcome, row.ord, row.contact_id.clone()) else {
            return row;
        };
        let person = if row.kind == Some(LinkKind::ContactPerson) { person_of(contact, &id) } else { String::new() };
        let owner = self.customers.entry(format!("{ord}:{person}")).or_insert_with(|| id.clone());
        if *owner == id {
            return row;
        }
        let outcome = AdoptionOutcome::Taken;
        AdoptedContact { outcome, message: outcome.words().to_owned(), ..row }.told(owner)
    }
}

fn id_of(contact: &Value) -> Option<String> {
    match &contact["id"] {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// By what contact persons of one company are told apart: the number, else the name; whom neither is known of is nobody else.
fn person_of(contact: &Value, id: &str) -> String {
    let text = |name: &str| contact[name].as_str().unwrap_or_default().trim();
    let named = || [text("name"), id].into_iter().find(|text| !text.is_empty()).unwrap_or_default().to_owned();
    phone::normalize(text("phone")).unwrap_or_else(named)
}
