//! `/console/events/bulk`: what is to become of many events, said in words before it is done.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use serde_json::json;

use super::{
    events,
    fault::Fault,
    form::Fields,
    format::number,
    frame::{Frame, Nav, page},
    replays::{self, filter_in_words},
    visit::{Change, Visit},
    words::fill,
};
use crate::{
    event::{FieldError, Status},
    http::{
        HttpState,
        api::{operations, selection::Selection},
        auth::Operator,
        problem::Problem,
    },
};

/// Where it is.
pub(super) const PATH: &str = "/console/events/bulk";

/// What can be done about many events at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Replay,
    Discard,
}

impl Deed {
    fn read(form: &Fields) -> Result<Self, Problem> {
        match form.get("do") {
            Some("replay") => Ok(Self::Replay),
            Some("discard") => Ok(Self::Discard),
            _ => Err(Problem::RouteNotFound),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Discard => "discard",
        }
    }

    /// The states in which it can be done.
    const fn possible(self) -> &'static [Status] {
        match self {
            Self::Replay => &Status::REPLAYED_TOGETHER,
            Self::Discard => &Status::DISCARDED_TOGETHER,
        }
    }
}

#[derive(Template)]
#[template(path = "bulk.html")]
struct BulkPage {
    frame: Frame,
    title: &'static str,
    /// How many, and what becomes of them.
    effect: String,
    what: &'static str,
    /// Which events, in words.
    filter: String,
    /// The form again, to be sent as it is.
    fields: Vec<(String, String)>,
    /// The list that the events were chosen from.
    back: String,
    button: &'static str,
    is_discard: bool,
    is_empty: bool,
}

/// `GET /console/events/bulk`: nothing happens yet.
pub(super) async fn ask(State(state): State<HttpState>, visit: Visit) -> Result<Response, Fault> {
    Operator::of(visit.caller.clone())?;
    let deed = Deed::read(&visit.query)?;
    let selection = selection(&visit.query, deed)?;
    let filter = selection.read(deed.possible())?;
    let count = state.store.count_matching(&filter).await.map_err(Problem::from)?;
    let frame = Frame::of(&state, &visit, Nav::Events);
    let w = &frame.w.events;
    let (title, effect, what, button) = match deed {
        Deed::Replay => (w.bulk_replay, w.bulk_replay_effect, w.bulk_replay_what, w.bulk_replay_go),
        Deed::Discard => (w.bulk_discard, w.bulk_discard_effect, w.bulk_discard_what, w.bulk_discard_go),
    };
    page(&BulkPage {
        title,
        effect: if count == 0 { w.bulk_none.to_owned() } else { fill(effect, &[&number(count)]) },
        what,
        filter: filter_in_words(&json!(selection), frame.lang),
        fields: fields(&selection, deed),
        back: visit.query.address(events::PATH, &[("id", ""), ("all", ""), ("do", "")]),
        button,
        is_discard: deed == Deed::Discard,
        is_empty: count == 0,
        frame,
    })
}

/// `POST /console/events/bulk`: gives the events up, or makes a replay of them, which shows first what it would write.
pub(super) async fn act(State(state): State<HttpState>, Change { operator, form }: Change) -> Result<Response, Fault> {
    let deed = Deed::read(&form)?;
    let selection = Selection { reason: form.text("reason"), ..selection(&form, deed)? };
    match deed {
        Deed::Replay => replays::made(&state, &operator, selection).await,
        Deed::Discard => {
            operations::discard_matching(&state, &operator, selection).await?;
            let done = [("status", Status::Discarded.as_str()), ("done", "discarded")];
            Ok(Redirect::to(&Fields::default().address(events::PATH, &done)).into_response())
        }
    }
}

/// The events that were ticked, or all that match the filters of the list.
fn selection(form: &Fields, deed: Deed) -> Result<Selection, Problem> {
    let invalid = |pointer: &str, message: &str| Problem::Invalid(vec![FieldError::new(pointer, message)]);
    if form.get("all").is_none() {
        let ids: Vec<_> = form.all("id").map(str::to_owned).collect();
        if ids.is_empty() {
            return Err(invalid("/ids", "请先勾选事件 (tick some events first)"));
        }
        return Ok(Selection { ids, ..Selection::default() });
    }
    let params = events::params(form);
    if params.blocked.is_some() || params.retrying.is_some() {
        return Err(invalid("/blocked", "这些事件会自动继续，请逐条勾选 (these go on by themselves: tick them)"));
    }
    let selection = Selection {
        status: params.status.map(|names| possible_of(&names, deed)),
        kind: params.kind,
        contact_id: params.contact_id,
        code: params.code,
        since: params.since,
        until: params.until,
        q: params.q,
        ..Selection::default()
    };
    match selection.status.as_deref() {
        Some("") => Err(invalid("/status", "这些状态下不能这样做 (not possible in these states)")),
        _ => Ok(selection),
    }
}

/// Of the states of the list, those in which it can be done.
fn possible_of(names: &str, deed: Deed) -> String {
    let is_possible = |name: &&str| deed.possible().iter().any(|status| status.as_str() == *name);
    names.split(',').filter(is_possible).collect::<Vec<_>>().join(",")
}

/// The fields that say the same again.
fn fields(selection: &Selection, deed: Deed) -> Vec<(String, String)> {
    let mut fields = vec![("do".to_owned(), deed.name().to_owned())];
    if selection.ids.is_empty() {
        fields.push(("all".into(), "true".into()));
    }
    fields.extend(selection.ids.iter().map(|id| ("id".to_owned(), id.clone())));
    let texts = selection.texts().into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.to_owned())));
    fields.extend(texts);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str, deed: Deed) -> Result<Selection, Problem> {
        selection(&Fields::read(form.as_bytes()), deed)
    }

    #[test]
    fn what_is_ticked_is_meant_and_the_filters_only_where_all_are() {
        let ticked = read("id=a&id=b&status=dead&q=x", Deed::Replay).unwrap();
        assert_eq!((ticked.ids, ticked.status, ticked.q), (vec!["a".into(), "b".into()], None, None));
        let all = read("all=true&id=a&status=dead,needs_review&q=x&since=2026-11-23", Deed::Replay).unwrap();
        assert_eq!((all.ids.len(), all.status.as_deref(), all.q.as_deref()), (0, Some("dead"), Some("x")));
        assert_eq!(all.since.as_deref(), Some("2026-11-23T00:00:00+08:00"));
        assert_eq!(
            read("all=true&status=dead,needs_review", Deed::Discard).unwrap().status.as_deref(),
            Some("dead,needs_review")
        );
        for wrong in ["", "q=x", "all=true&status=succeeded", "all=true&blocked=true", "all=true&retrying=true"] {
            assert!(read(wrong, Deed::Discard).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_form_says_the_same_again() {
        for form in ["all=true&status=dead&code=refused&q=x&until=2026-11-23", "id=a&id=b"] {
            let first = read(form, Deed::Discard).unwrap();
            let encoded =
                form_urlencoded::Serializer::new(String::new()).extend_pairs(fields(&first, Deed::Discard)).finish();
            assert_eq!(json!(read(&encoded, Deed::Discard).unwrap()), json!(first), "{form}");
        }
    }
}
