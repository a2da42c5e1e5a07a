//! Whom and what a text names that somebody looks for.

/// Contacts, and events, that one text names at most.
const NAMED_MAX: usize = 200;

/// Whom and what a text names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Contacts.
    pub contacts: Vec<String>,
    /// Events, by their ids.
    pub events: Vec<String>,
}

impl Named {
    pub(super) fn is_empty(&self) -> bool {
        self.contacts.is_empty() && self.events.is_empty()
    }

    pub(super) fn add(list: &mut Vec<String>, one: String) {
        if list.len() < NAMED_MAX && !list.contains(&one) {
            list.push(one);
        }
    }
}
