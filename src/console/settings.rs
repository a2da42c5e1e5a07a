//! `/console/settings`: how the bridge is configured, and which keys are in use. It is only to be looked at.

use askama::Template;
use axum::{extract::State, response::Response};

use super::{
    fault::Fault,
    format::{Moment, moment},
    frame::{Frame, Nav, page},
    visit::Visit,
};
use crate::{
    config::Setting,
    http::{HttpState, api::settings},
};

/// Where it is.
pub(super) const PATH: &str = "/console/settings";

/// The keys of a section.
struct Section {
    name: &'static str,
    keys: Vec<Key>,
}

/// A key.
struct Key {
    name: &'static str,
    value: String,
    origin: Option<String>,
}

/// A token or a webhook secret.
struct Credential {
    name: String,
    expires: Option<Moment>,
    last_used: Option<Moment>,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    frame: Frame,
    /// Of this program; the log and the metrics have it, too.
    version: &'static str,
    sections: Vec<Section>,
    tokens: Vec<Credential>,
    secrets: Vec<Credential>,
}

/// `GET /console/settings`
pub(super) async fn show(State(state): State<HttpState>, visit: Visit) -> Result<Response, Fault> {
    let settings = settings::settings(&state, &visit.caller);
    let frame = Frame::of(&state, &visit, Nav::Settings);
    let at = |at: Option<String>| at.map(|at| moment(&at, frame.now, frame.lang));
    let credentials = settings.credentials;
    page(&SettingsPage {
        version: env!("CARGO_PKG_VERSION"),
        sections: sections(settings.keys),
        tokens: (credentials.tokens.into_iter())
            .map(|token| Credential {
                name: token.name,
                expires: at(token.expires_at),
                last_used: at(token.last_used_at),
            })
            .collect(),
        secrets: (credentials.webhook_secrets.into_iter())
            .map(|secret| Credential { name: secret.fingerprint, expires: None, last_used: at(secret.last_used_at) })
            .collect(),
        frame,
    })
}

/// The keys by their section, `erp.values.sort1` under `erp.values`.
fn sections(keys: Vec<Setting>) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for Setting { key, value, origin } in keys {
        let (name, key) = key.rsplit_once('.').unwrap_or(("", key));
        let key = Key { name: key, value, origin };
        match sections.iter_mut().find(|section| section.name == name) {
            Some(section) => section.keys.push(key),
            None => sections.push(Section { name, keys: vec![key] }),
        }
    }
    sections
}
