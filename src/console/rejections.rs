//! `/console/rejections`: what was signed and not valid, with each place that did not fit.

use askama::Template;
use axum::{extract::State, response::Response};
use serde_json::Value;

use super::{
    fault::Fault,
    format::{Moment, cut, moment, number},
    frame::{Frame, Nav, page},
    visit::Visit,
    words::{Lang, fill, kind, known_member},
};
use crate::{
    clock::Millis,
    http::{
        HttpState,
        api::{
            audit::{self, RejectionItem},
            query::{self, DEFAULT_LIMIT},
        },
    },
};

/// Where it is.
pub(super) const PATH: &str = "/console/rejections";
/// Places of one request that are shown.
const FAULTS_SHOWN: usize = 20;
/// Characters of a place, and of what is wrong there.
const CHARS_SHOWN: usize = 200;

/// Something that does not fit.
struct Misfit {
    /// Where: a JSON pointer, empty of the body as a whole, and what is called so there, if it has a name.
    pointer: String,
    name: &'static str,
    message: String,
}

/// A request that was refused, once or again and again.
struct Row {
    kind: String,
    webhook_id: String,
    /// How often it came.
    times: String,
    misfits: Vec<Misfit>,
    last: Moment,
}

#[derive(Template)]
#[template(path = "rejections.html")]
struct RejectionsPage {
    frame: Frame,
    rows: Vec<Row>,
    older: Option<String>,
    newest: Option<String>,
}

/// `GET /console/rejections`
pub(super) async fn list(State(state): State<HttpState>, visit: Visit) -> Result<Response, Fault> {
    let before = query::cursor(visit.query.get("cursor"))?;
    let found = audit::rejections_alone(&state, before, DEFAULT_LIMIT).await?;
    let frame = Frame::of(&state, &visit, Nav::Overview);
    page(&RejectionsPage {
        rows: found.items.into_iter().map(|item| row(item, frame.now, frame.lang)).collect(),
        older: found.next_cursor.map(|cursor| visit.query.address(PATH, &[("cursor", &cursor)])),
        newest: visit.query.get("cursor").map(|_| PATH.to_owned()),
        frame,
    })
}

fn row(item: RejectionItem, now: Millis, lang: Lang) -> Row {
    let w = &lang.words().rejections;
    let misfits = item.errors.as_array().into_iter().flatten().take(FAULTS_SHOWN);
    Row {
        kind: item.kind.map_or_else(|| w.unknown.to_owned(), |name| kind(lang, &name).to_owned()),
        webhook_id: cut(&item.webhook_id, CHARS_SHOWN),
        times: fill(w.times, &[&number(item.count)]),
        misfits: misfits.map(|error| misfit(error, lang)).collect(),
        last: moment(&item.last_at, now, lang),
    }
}

fn misfit(error: &Value, lang: Lang) -> Misfit {
    let text = |name: &str| error[name].as_str().unwrap_or_default();
    let pointer = text("pointer");
    let path = pointer.strip_prefix("/data/").map(|path| path.replace('/', "."));
    Misfit {
        name: path.and_then(|path| known_member(lang, &path)).unwrap_or_default(),
        message: cut(lang.part(text("message")), CHARS_SHOWN),
        pointer: cut(pointer, CHARS_SHOWN),
    }
}
