//! `/console/audit`: who did what to whom, and why. All filters stand in the address.

use askama::Template;
use axum::{extract::State, response::Response};

use super::{
    csv,
    events::moment_of_form,
    fault::Fault,
    form::Fields,
    format::{Moment, exact, moment},
    frame::{Frame, Nav, page},
    visit::Visit,
    words::{Lang, action, actions},
};
use crate::{
    clock::Millis,
    http::{
        HttpState,
        api::{
            audit::{self, AuditItem, AuditParams},
            query::DEFAULT_LIMIT,
        },
    },
};

/// Where it is.
pub(super) const PATH: &str = "/console/audit";
/// The same as a file.
pub(super) const CSV_PATH: &str = "/console/audit.csv";

/// An entry.
struct Row {
    action: String,
    actor: String,
    address: String,
    subject: String,
    /// The page of the event or the contact that it is about.
    link: Option<String>,
    reason: String,
    at: Moment,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    rows: Vec<Row>,
    actions: Vec<(&'static str, &'static str, bool)>,
    actor: String,
    subject: String,
    since: String,
    until: String,
    narrowed: bool,
    older: Option<String>,
    newest: Option<String>,
    csv: String,
}

/// `GET /console/audit`
pub(super) async fn list(State(state): State<HttpState>, visit: Visit) -> Result<Response, Fault> {
    let found = audit::audit(&state, &visit.caller, &params(&visit.query), DEFAULT_LIMIT).await?;
    let frame = Frame::of(&state, &visit, Nav::Audit);
    let (lang, now, query) = (frame.lang, frame.now, &visit.query);
    let text = |name: &str| query.text(name).unwrap_or_default();
    let chosen = text("action");
    page(&AuditPage {
        rows: found.items.into_iter().map(|item| row(item, now, lang)).collect(),
        actions: actions(lang).map(|(name, label)| (name, label, name == chosen)).collect(),
        actor: text("actor"),
        subject: text("subject"),
        since: text("since"),
        until: text("until"),
        narrowed: ["actor", "action", "subject", "since", "until"].iter().any(|name| query.get(name).is_some()),
        older: found.next_cursor.map(|cursor| query.address(PATH, &[("cursor", &cursor)])),
        newest: query.get("cursor").map(|_| query.address(PATH, &[("cursor", "")])),
        csv: query.address(CSV_PATH, &[("cursor", "")]),
        frame,
    })
}

/// `GET /console/audit.csv`: the same entries as a file.
pub(super) async fn download(State(state): State<HttpState>, visit: Visit) -> Result<Response, Fault> {
    let found = audit::audit(&state, &visit.caller, &params(&visit.query), csv::ROWS_MAX).await?;
    let w = &visit.lang.words().audit;
    let head = [w.at, w.who, w.address, w.action, w.action_code, w.subject, w.reason];
    let cut = found.next_cursor.is_some().then_some(visit.lang.words().frame.csv_cut);
    let rows = found.items.into_iter().map(|item| {
        let label = action(visit.lang, &item.action).to_owned();
        let (address, reason) = (item.address.unwrap_or_default(), item.reason.unwrap_or_default());
        [exact(&item.at), item.actor, address, label, item.action, item.subject, reason]
    });
    csv::file("audit", state.clock.now(), head, csv::Rows { rows, cut })
}

fn params(query: &Fields) -> AuditParams {
    AuditParams {
        actor: query.text("actor"),
        action: query.text("action"),
        subject: query.text("subject"),
        since: query.get("since").map(|text| moment_of_form(text, "00:00:00")),
        until: query.get("until").map(|text| moment_of_form(text, "23:59:59.999")),
        limit: None,
        cursor: query.text("cursor"),
    }
}

fn row(item: AuditItem, now: Millis, lang: Lang) -> Row {
    let link = match item.action.split_once('.') {
        Some(("contact", _)) => Some(format!("{}/{}", super::contacts::PATH, item.subject)),
        Some(("replay", _)) => Some(format!("{}/{}", super::replays::PATH, item.subject)),
        Some(("event", _)) => Some(format!("{}/{}", super::events::PATH, item.subject)),
        _ => None,
    };
    Row {
        action: action(lang, &item.action).to_owned(),
        actor: item.actor,
        address: item.address.unwrap_or_default(),
        link,
        subject: item.subject,
        reason: item.reason.unwrap_or_default(),
        at: moment(&item.at, now, lang),
    }
}
