//! Telling contacts of one file apart. A bridge does that within one call; what stood in earlier calls is told here.

use std::collections::HashMap;

use serde_json::Value;

use crate::{
    app::{AdoptLine, person_of},
    event::{FieldError, LinkKind},
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

    /// What the bridge told of a contact before anything is written, unless the customer would be another contact's by then.
    pub(super) fn row(&mut self, row: AdoptedContact, contact: &Value) -> AdoptedContact {
        use AdoptionOutcome::{AlreadyLinked, WouldLink};
        let (WouldLink | AlreadyLinked, Some(ord), Some(id)) = (row.outcome, row.ord, row.contact_id.clone()) else {
            return row;
        };
        let person = match row.kind {
            Some(LinkKind::ContactPerson) => person_of(contact),
            _ => None,
        };
        let owner = self.customers.entry(format!("{ord}:{}", person.unwrap_or_default())).or_insert_with(|| id.clone());
        if *owner == id || row.outcome == AlreadyLinked {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is told of a contact person of company 7, of whom the bridge said this.
    fn told(apart: &mut Apart, outcome: AdoptionOutcome, contact: &Value) -> AdoptionOutcome {
        let row = AdoptedContact::of(1, id_of(contact), outcome);
        apart.row(AdoptedContact { ord: Some(7), kind: Some(LinkKind::ContactPerson), ..row }, contact).outcome
    }

    #[test]
    fn one_person_is_one_however_name_and_number_are_written() {
        use AdoptionOutcome::{Taken, WouldLink};
        let mut apart = Apart::default();
        for (contact, outcome) in [
            (json!({ "id": "a", "name": "王 芳" }), WouldLink),
            (json!({ "id": "b", "name": "王芳" }), Taken),
            (json!({ "id": "c", "name": "Hưng" }), WouldLink),
            (json!({ "id": "d", "name": "Hồng" }), WouldLink),
            (json!({ "id": "e", "name": "王芳", "phone": "+852 6123 4567" }), WouldLink),
            (json!({ "id": "f", "name": "李四", "phone": "0085261234567" }), Taken),
            (json!({ "id": "g", "phone": "无", "erp": { "ord": 7 } }), WouldLink),
            (json!({ "id": "h", "phone": "无", "erp": { "ord": 7 } }), WouldLink),
            (json!({ "id": "a", "name": "王 芳" }), WouldLink),
        ] {
            assert_eq!(told(&mut apart, WouldLink, &contact), outcome, "{contact}");
        }
    }

    #[test]
    fn a_person_who_was_linked_before_is_nobody_elses() {
        use AdoptionOutcome::{AlreadyLinked, Taken, WouldLink};
        let mut apart = Apart::default();
        for (contact, said, outcome) in [
            (json!({ "id": "a", "name": "王芳" }), AlreadyLinked, AlreadyLinked),
            (json!({ "id": "b", "name": "王芳" }), WouldLink, Taken),
            (json!({ "id": "c", "name": "王芳" }), AlreadyLinked, AlreadyLinked),
        ] {
            assert_eq!(told(&mut apart, said, &contact), outcome, "{contact}");
        }
    }
}
