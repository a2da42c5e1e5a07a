//! What contacts are called, for lists that name them beside their ids; a list is not audited, and shows no more of a person.

use std::collections::{BTreeSet, HashMap};

use super::views::{EventItem, Sight};
use crate::{
    http::{keys::Caller, problem::Problem, state::HttpState},
    telemetry::masking::mask_name,
};

/// Names by contact, as the caller may see them.
pub(crate) type Names = HashMap<String, String>;

/// What the contacts of a page of events are called: by the newest of these events that tells, or else as they were when they were
/// linked. Two questions a page, however many rows it has.
///
/// # Errors
/// If the ledger cannot be read.
pub(crate) async fn of_events(state: &HttpState, caller: &Caller, items: &[EventItem]) -> Result<Names, Problem> {
    of_contacts_in(state, caller, items.iter().map(|item| (item.id.as_str(), item.contact_id.as_deref()))).await
}

/// What the contact of one event is called; empty where that is not known.
///
/// # Errors
/// If the ledger cannot be read.
pub(crate) async fn of_event(state: &HttpState, caller: &Caller, item: &EventItem) -> Result<String, Problem> {
    let mut names = of_events(state, caller, std::slice::from_ref(item)).await?;
    Ok(item.contact_id.as_ref().and_then(|contact| names.remove(contact)).unwrap_or_default())
}

/// The same of a page of whatever: each row's event, and its contact.
///
/// # Errors
/// If the ledger cannot be read.
pub(crate) async fn of_contacts_in<'a>(
    state: &HttpState,
    caller: &Caller,
    rows: impl Iterator<Item = (&'a str, Option<&'a str>)>,
) -> Result<Names, Problem> {
    let (events, contacts): (Vec<&str>, Vec<Option<&str>>) = rows.unzip();
    let contacts: BTreeSet<&str> = contacts.into_iter().flatten().collect();
    let mut names = state.store.names_of(&contacts.into_iter().collect::<Vec<_>>()).await?;
    names.extend(state.store.names_in(&events).await?);
    Ok(seen(names, caller))
}

/// What linked contacts were called when they were linked.
///
/// # Errors
/// If the ledger cannot be read.
pub(crate) async fn of_contacts(state: &HttpState, caller: &Caller, contacts: &[&str]) -> Result<Names, Problem> {
    Ok(seen(state.store.names_of(contacts).await?, caller))
}

/// What one of them was called; empty where that is not known.
///
/// # Errors
/// If the ledger cannot be read.
pub(crate) async fn of_contact(state: &HttpState, caller: &Caller, contact: &str) -> Result<String, Problem> {
    Ok(of_contacts(state, caller, &[contact]).await?.remove(contact).unwrap_or_default())
}

fn seen(mut names: Names, caller: &Caller) -> Names {
    if Sight::of(caller.scope) == Sight::Masked {
        names.values_mut().for_each(|name| *name = mask_name(name));
    }
    names
}
