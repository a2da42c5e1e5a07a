//! `/console/contacts`: the contacts that are customers, and one contact with its history.

mod act;
mod link;
mod salespeople;
mod seen;
mod sync;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};

use self::link::LinkRow;
pub(super) use self::{
    act::{apply, approval, assign, erase, take_back, unlink},
    salespeople::choose_salesperson,
    sync::{preview, sync},
};
use super::{
    event::name,
    events::Row,
    fault::Fault,
    frame::{Frame, Nav, page},
    visit::Visit,
    words::{fill, member},
};
use crate::{
    console::facts::{Fact, facts, is_set},
    http::{
        HttpState,
        api::{
            contacts,
            events::{self, ListParams},
            links::{self, SearchParams},
            names,
            query::PathId,
        },
        problem::Problem,
    },
};

/// Where the list is.
pub(super) const PATH: &str = "/console/contacts";

#[derive(Template)]
#[template(path = "contacts.html")]
struct ContactsPage {
    frame: Frame,
    q: String,
    search_hint: &'static str,
    search_where: &'static str,
    none_match_hint: &'static str,
    rows: Vec<LinkRow>,
    next: Option<String>,
}

/// `GET /console/contacts`
pub(super) async fn list(State(state): State<HttpState>, visit: Visit) -> Result<Response, Fault> {
    let query = &visit.query;
    let search = SearchParams { q: query.text("q"), limit: query.text("limit"), cursor: query.text("cursor") };
    let found = links::search(&state, &visit.caller, search).await?;
    let contacts: Vec<&str> = found.items.iter().map(|link| link.contact_id.as_str()).collect();
    let names = names::of_contacts(&state, &visit.caller, &contacts).await?;
    let frame = Frame::of(&state, &visit, Nav::Contacts);
    let w = &frame.w.contacts;
    let [search_hint, search_where, none_match_hint] = if visit.is_operator() {
        [w.search_hint, w.search_where, w.none_match_hint]
    } else {
        [w.search_hint_read, w.search_where_read, w.none_match_hint_read]
    };
    page(&ContactsPage {
        q: query.text("q").unwrap_or_default(),
        search_hint,
        search_where,
        none_match_hint,
        rows: found.items.iter().map(|link| LinkRow::of(link, names.get(&link.contact_id), &frame)).collect(),
        next: found.next_cursor.map(|cursor| query.address(PATH, &[("cursor", &cursor)])),
        frame,
    })
}

/// `GET /console/contacts/{id}/preview`: a preview is the answer to a form; whoever comes by its address, as the choice of
/// the language does, finds the form again.
pub(super) async fn show_again(id: PathId) -> Result<Response, Fault> {
    let id = id.contact().map_err(|_| Problem::ContactUnknown)?;
    Ok(Redirect::to(&format!("{PATH}/{id}")).into_response())
}

/// Members that the form of the manual sync asks for.
const NAMED: [&str; 6] =
    ["contact.name", "contact.phone", "contact.phone_verified", "contact.wechat_id", "contact.company", "thread.score"];

/// What the form of the manual sync holds.
pub(super) struct Known {
    pub(super) name: String,
    pub(super) phone: String,
    pub(super) phone_verified: bool,
    pub(super) wechat_id: String,
    pub(super) company: String,
    pub(super) score: String,
}

#[derive(Template)]
#[template(path = "contact.html")]
struct ContactPage {
    frame: Frame,
    id: String,
    /// The contact's name, as the caller may see it.
    title: Option<String>,
    link: Option<LinkRow>,
    facts: Vec<Fact>,
    known: Known,
    /// What the members of the form are called.
    names: [&'static str; 6],
    history: Vec<Row>,
    older: bool,
    held: String,
    /// As forms say what the page showed.
    seen: String,
    /// Makes a form that is sent twice count once.
    key: String,
}

/// `GET /console/contacts/{id}`
pub(super) async fn show(State(state): State<HttpState>, id: PathId, visit: Visit) -> Result<Response, Fault> {
    let contact_id = id.contact().map_err(|_| Problem::ContactUnknown)?;
    // Before all else: what comes meanwhile is newer than the page.
    let seen = state.store.seen_contact(&contact_id).await.map_err(Problem::from)?;
    let link = match contacts::link(&state, &visit.caller, PathId(contact_id.clone())).await {
        Ok(link) => Some(link),
        Err(Problem::ContactNotLinked) => None,
        Err(problem) => return Err(problem.into()),
    };
    let of_contact = |status: Option<&str>| ListParams {
        contact_id: Some(contact_id.clone()),
        status: status.map(str::to_owned),
        ..ListParams::default()
    };
    let history = events::list(&state, &visit.caller, &of_contact(None)).await?;
    let held = events::list(&state, &visit.caller, &of_contact(Some("held"))).await?;
    if link.is_none() && history.items.is_empty() {
        return Err(Problem::ContactUnknown.into());
    }
    let profile = contacts::profile(&state, &visit.caller, &contact_id).await?;
    let frame = Frame::of(&state, &visit, Nav::Contacts);
    let more = if held.next_cursor.is_some() { "+" } else { "" };
    page(&ContactPage {
        link: link.map(|link| LinkRow::of(&link, None, &frame)),
        facts: profile.as_ref().map(|profile| facts(profile, &["contact", "thread"], frame.lang)).unwrap_or_default(),
        known: Known::of(profile.as_ref()),
        names: NAMED.map(|path| member(frame.lang, path)),
        history: history.items.iter().map(|item| Row::of(item, frame.now, frame.lang)).collect(),
        older: history.next_cursor.is_some(),
        held: match held.items.len() {
            0 => String::new(),
            count => fill(frame.w.contacts.held, &[&format!("{count}{more}")]),
        },
        seen: seen::text(&seen),
        key: uuid::Uuid::now_v7().to_string(),
        title: Some(name(profile.as_ref())).filter(|name| !name.is_empty()),
        id: contact_id,
        frame,
    })
}

impl Known {
    /// Of the newest event that tells who the contact is.
    fn of(profile: Option<&serde_json::Value>) -> Self {
        let member = |path: &str| profile.and_then(|profile| profile.pointer(path));
        let text = |path: &str| member(path).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        Self {
            name: text("/data/contact/name"),
            phone: text("/data/contact/phone"),
            phone_verified: member("/data/contact/phone_verified").is_some_and(is_set),
            wechat_id: text("/data/contact/wechat_id"),
            company: text("/data/contact/company"),
            score: member("/data/thread/score").map(ToString::to_string).unwrap_or_default(),
        }
    }
}
