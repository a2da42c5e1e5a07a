//! `/console/events/bulk`: what is to become of many events, said in words before it is done.

use std::{cmp::Ordering, collections::BTreeMap, time::Duration};

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use jiff::tz::TimeZone;
use serde_json::json;

use super::{
    events,
    fault::Fault,
    form::Fields,
    format::{Moment, moment_of, number},
    frame::{Frame, Nav, page},
    replays::{self, filter_in_words, states_in_words},
    visit::{Change, Visit},
    words::{Lang, fill},
};
use crate::{
    clock::Millis,
    event::{FieldError, Status},
    http::{
        HttpState,
        api::{bulk, query, selection::Selection},
        auth::Operator,
        problem::Problem,
    },
    store::BulkDeed,
};

/// Where it is.
pub(super) const PATH: &str = "/console/events/bulk";
/// The field that says of how many the page spoke.
const COUNTED: &str = "counted";

/// Why what a block keeps back is not replayed.
const BLOCKED: &str = "改好 ERP 的设置后，这些事件会一起自动继续，重试没有用；要马上试，请在“ERP 连接”里恢复派发 (once the ERP's \
     settings are right they all go on by themselves; to have them tried at once, resume on the page of the ERP connection)";

/// What the form wants done.
fn deed_of(form: &Fields) -> Result<BulkDeed, Problem> {
    match form.get("do") {
        Some("replay") => Ok(BulkDeed::Replay),
        Some("discard") => Ok(BulkDeed::Discard),
        _ => Err(Problem::RouteNotFound),
    }
}

#[derive(Template)]
#[template(path = "bulk.html")]
struct BulkPage {
    frame: Frame,
    title: &'static str,
    /// What becomes of them.
    effect: String,
    what: &'static str,
    /// About how many; what stands before and behind the time at which they were counted.
    count: (String, &'static str),
    counted_at: Moment,
    /// Which events, in words.
    filter: String,
    /// The form again, to be sent as it is, with how many there were.
    fields: Vec<(String, String)>,
    /// The list that the events were chosen from.
    back: String,
    button: &'static str,
    is_discard: bool,
    is_empty: bool,
}

/// `GET /console/events/bulk`: nothing happens yet.
pub(super) async fn ask(State(state): State<HttpState>, visit: Visit) -> Result<Response, Fault> {
    let operator = Operator::of(visit.caller.clone())?;
    let deed = deed_of(&visit.query)?;
    let shown = selection(&visit.query, deed)?;
    let selection = as_of(state.store.now(), shown.clone(), &state.reading.zone);
    let mut count = 0;
    for part in as_seen(&visit.query, &selection, deed) {
        let dry_run = Selection { dry_run: true, ..part };
        count += bulk::change_matching(&state, &operator, dry_run, deed).await?.would.unwrap_or_default();
    }
    if deed == BulkDeed::Discard {
        bulk::within_bound(count)?;
    }
    let frame = Frame::of(&state, &visit, Nav::Events);
    let w = &frame.w.events;
    let (title, effect, what, button) = match deed {
        BulkDeed::Replay => (w.bulk_replay, w.bulk_replay_effect, w.bulk_replay_what, w.bulk_replay_go),
        BulkDeed::Discard => (w.bulk_discard, w.bulk_discard_effect, w.bulk_discard_what, w.bulk_discard_go),
    };
    let (before, behind) = w.bulk_count.rsplit_once("{}").unwrap_or_default();
    page(&BulkPage {
        title,
        effect: if count == 0 { none(&selection, frame.lang) } else { effect.to_owned() },
        what,
        count: (fill(before, &[&number(count)]), behind),
        counted_at: moment_of(frame.now, frame.now, frame.lang),
        filter: filter_in_words(&json!(shown), frame.lang),
        fields: fields(&visit.query, &selection, deed)
            .into_iter()
            .chain([(COUNTED.to_owned(), count.to_string())])
            .collect(),
        back: visit.query.address(events::PATH, &[("id", ""), ("all", ""), ("do", "")]),
        button,
        is_discard: deed == BulkDeed::Discard,
        is_empty: count == 0,
        frame,
    })
}

/// `POST /console/events/bulk`: gives the events up, or makes a replay of them, which shows first what it would write.
pub(super) async fn act(State(state): State<HttpState>, Change { operator, form }: Change) -> Result<Response, Fault> {
    let deed = deed_of(&form)?;
    let selection = Selection { reason: form.text("reason"), ..selection(&form, deed)? };
    match deed {
        BulkDeed::Replay => replays::made(&state, &operator, selection).await,
        BulkDeed::Discard => {
            form.reason()?;
            let mut done = 0;
            for part in as_seen(&form, &selection, deed) {
                let part = bulk::change_matching(&state, &operator, part, deed).await;
                done += part.map_err(|problem| problem.after(done))?.done;
            }
            let meant = meant(&form, &selection).unwrap_or(done);
            let (deed, moved) = match done.cmp(&meant) {
                Ordering::Less => ("discarded_some", done.abs_diff(meant).to_string()),
                Ordering::Equal => ("discarded_many", String::new()),
                Ordering::Greater => ("discarded_more", done.abs_diff(meant).to_string()),
            };
            let done = done.to_string();
            let said = [
                ("status", Status::Discarded.as_str()),
                ("done", deed),
                ("count", done.as_str()),
                ("moved", moved.as_str()),
            ];
            Ok(Redirect::to(&Fields::default().address(events::PATH, &said)).into_response())
        }
    }
}

/// Of how many whoever sent the form thought: those that were ticked, or as many as the page had counted.
fn meant(form: &Fields, selection: &Selection) -> Option<i64> {
    match i64::try_from(selection.ids.len()) {
        Ok(0) => form.get(COUNTED).and_then(|count| count.parse().ok()),
        ticked => ticked.ok(),
    }
}

/// All that match, as they are now: what comes while somebody thinks about the count and writes a reason was not counted.
fn as_of(now: Millis, selection: Selection, zone: &TimeZone) -> Selection {
    // What narrows nothing has no state, and stays refused.
    if !selection.ids.is_empty() || selection.status.is_none() {
        return selection;
    }
    let next = now.plus(Duration::from_millis(1));
    match query::moment("until", selection.until.as_deref(), zone) {
        Ok(until) if until.is_none_or(|until| until > next) => Selection { until: Some(next.rfc3339()), ..selection },
        _ => selection,
    }
}

fn invalid(pointer: &str, message: &str) -> Problem {
    Problem::Invalid(vec![FieldError::new(pointer, message)])
}

/// The events that were ticked, or all that match the filters of the list.
fn selection(form: &Fields, deed: BulkDeed) -> Result<Selection, Problem> {
    if form.get("all").is_none() {
        let ids: Vec<_> = form.all("id").map(|value| ticked(value).0.to_owned()).collect();
        if ids.is_empty() {
            return Err(invalid("/ids", "请先勾选事件 (tick some events first)"));
        }
        return Ok(Selection { ids, ..Selection::default() });
    }
    let params = events::params(form);
    let blocked = match params.blocked.as_deref() {
        None => false,
        Some("true") if deed == BulkDeed::Replay => return Err(invalid("/blocked", BLOCKED)),
        Some("true") => true,
        Some(_) => return Err(invalid("/blocked", "只能是 true (only true)")),
    };
    let retrying = query::flag("retrying", params.retrying.as_deref())?;
    let selection = Selection {
        status: params.status.map(|names| possible_of(&names, deed)),
        kind: params.kind,
        contact_id: params.contact_id,
        code: params.code,
        since: params.since,
        until: params.until,
        q: params.q,
        blocked,
        retrying,
        ..Selection::default()
    };
    match selection.status.as_deref() {
        None if blocked || retrying => Ok(Selection { status: Some(Status::Queued.as_str().to_owned()), ..selection }),
        Some("") => Err(invalid("/status", "这些状态下不能这样做 (not possible in these states)")),
        // Where no state is chosen the dead are meant, and people are told so.
        None if selection.texts().iter().any(|(_, text)| text.is_some()) => {
            Ok(Selection { status: Some(Status::Dead.as_str().to_owned()), ..selection })
        }
        _ => Ok(selection),
    }
}

/// A ticked event, and the state in which the list showed it: `{id}.dead`.
fn ticked(value: &str) -> (&str, Option<Status>) {
    let parts = value.split_once('.').and_then(|(id, status)| Some((id, Some(status.parse::<Status>().ok()?))));
    parts.unwrap_or((value, None))
}

/// The selection, where events are given up that were ticked: apart by the states in which the list showed them, so that what
/// somebody has put back since is left alone. A replay shows its own list first.
fn as_seen(form: &Fields, selection: &Selection, deed: BulkDeed) -> Vec<Selection> {
    if selection.ids.is_empty() || deed == BulkDeed::Replay {
        return vec![selection.clone()];
    }
    let mut by_state: BTreeMap<Option<Status>, Vec<String>> = BTreeMap::new();
    for (id, seen) in form.all("id").map(ticked) {
        if seen.is_none_or(|status| deed.possible().contains(&status)) {
            by_state.entry(seen).or_default().push(id.to_owned());
        }
    }
    let part = |(seen, ids): (Option<Status>, _)| Selection {
        ids,
        status: seen.map(|status| status.as_str().to_owned()),
        ..selection.clone()
    };
    by_state.into_iter().map(part).collect()
}

/// Why there is none to do it to.
fn none(selection: &Selection, lang: Lang) -> String {
    let w = &lang.words().events;
    match &selection.status {
        Some(names) if !selection.blocked && !selection.retrying => {
            fill(w.bulk_none_match, &[&states_in_words(names, lang)])
        }
        _ => w.bulk_none.to_owned(),
    }
}

/// Of the states of the list, those in which it can be done.
fn possible_of(names: &str, deed: BulkDeed) -> String {
    let is_possible = |name: &&str| deed.possible().iter().any(|status| status.as_str() == *name);
    names.split(',').filter(is_possible).collect::<Vec<_>>().join(",")
}

const fn name(deed: BulkDeed) -> &'static str {
    match deed {
        BulkDeed::Replay => "replay",
        BulkDeed::Discard => "discard",
    }
}

/// The fields that say the same again.
fn fields(form: &Fields, selection: &Selection, deed: BulkDeed) -> Vec<(String, String)> {
    let mut fields = vec![("do".to_owned(), name(deed).to_owned())];
    if selection.ids.is_empty() {
        fields.push(("all".into(), "true".into()));
    } else {
        fields.extend(form.all("id").map(|id| ("id".to_owned(), id.to_owned())));
    }
    let texts = selection.texts().into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.to_owned())));
    let flags = [("blocked", selection.blocked), ("retrying", selection.retrying)].into_iter();
    fields.extend(texts.chain(flags.filter(|(_, on)| *on).map(|(name, _)| (name.to_owned(), "true".to_owned()))));
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str, deed: BulkDeed) -> Result<Selection, Problem> {
        selection(&Fields::read(form.as_bytes()), deed)
    }

    #[test]
    fn what_is_ticked_is_meant_and_the_filters_only_where_all_are() {
        let ticked = read("id=a&id=b&status=dead&q=x", BulkDeed::Replay).unwrap();
        assert_eq!((ticked.ids, ticked.status, ticked.q), (vec!["a".into(), "b".into()], None, None));
        let all = read("all=true&id=a&status=dead,needs_review&q=x&since=2026-11-23", BulkDeed::Replay).unwrap();
        assert_eq!((all.ids.len(), all.status.as_deref(), all.q.as_deref()), (0, Some("dead"), Some("x")));
        assert_eq!(all.since.as_deref(), Some("2026-11-23T00:00:00+08:00"));
        assert_eq!(
            read("all=true&status=dead,needs_review", BulkDeed::Discard).unwrap().status.as_deref(),
            Some("dead,needs_review")
        );
        let dead = read("all=true&q=x", BulkDeed::Discard).unwrap();
        assert_eq!((dead.status.as_deref(), dead.q.as_deref()), (Some("dead"), Some("x")), "where no state is chosen");
        assert_eq!(read("all=true", BulkDeed::Discard).unwrap().status, None, "nothing narrows them");
        for wrong in ["", "q=x", "all=true&status=succeeded", "all=true&blocked=false", "all=true&retrying=1"] {
            assert!(read(wrong, BulkDeed::Discard).is_err(), "{wrong}");
        }
    }

    #[test]
    fn of_what_waits_only_that_is_meant_and_what_is_blocked_is_not_replayed() {
        for deed in [BulkDeed::Replay, BulkDeed::Discard] {
            let waiting = read("all=true&retrying=true&type=deal.closed", deed).unwrap();
            assert_eq!((waiting.status.as_deref(), waiting.retrying, waiting.blocked), (Some("queued"), true, false));
        }
        let blocked = read("all=true&blocked=true&code=choice_missing", BulkDeed::Discard).unwrap();
        assert_eq!((blocked.status.as_deref(), blocked.retrying, blocked.blocked), (Some("queued"), false, true));
        assert!(read("all=true&blocked=true", BulkDeed::Replay).is_err());
    }

    #[test]
    fn what_had_moved_on_is_told_by_what_was_ticked_or_counted() {
        for (form, expected) in
            [("id=a&id=b&counted=1", Some(2)), ("all=true&q=x&counted=7", Some(7)), ("all=true&q=x", None)]
        {
            let form = Fields::read(form.as_bytes());
            assert_eq!(meant(&form, &selection(&form, BulkDeed::Discard).unwrap()), expected);
        }
    }

    #[test]
    fn all_that_match_are_those_of_now_unless_an_earlier_end_is_chosen() {
        let now = "2026-11-23T12:00:00.000+08:00";
        let at = Millis::from(now.parse::<jiff::Timestamp>().unwrap());
        let until = |form: &str| as_of(at, read(form, BulkDeed::Discard).unwrap(), &TimeZone::UTC).until;
        let next = Some("2026-11-23T12:00:00.001+08:00");
        assert_eq!(until("all=true&q=x").as_deref(), next);
        assert_eq!(until("all=true&blocked=true&until=2026-11-23").as_deref(), next, "the day is not over");
        assert_eq!(until(&format!("all=true&q=x&until={}", now.replace('+', "%2B"))).as_deref(), Some(now));
        for alone in ["all=true", "id=a"] {
            assert_eq!(until(alone), None, "{alone}");
        }
        assert_eq!(until("all=true&q=x&until=soon").as_deref(), Some("soon"), "it is refused as it is");
    }

    #[test]
    fn the_form_says_the_same_again() {
        for form in [
            "all=true&status=dead&code=refused&q=x&until=2026-11-23",
            "id=a&id=b",
            "id=a.dead&id=b.queued",
            "all=true&retrying=true&type=x",
        ] {
            let first = read(form, BulkDeed::Discard).unwrap();
            let sent = fields(&Fields::read(form.as_bytes()), &first, BulkDeed::Discard);
            let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&sent).finish();
            let second = read(&encoded, BulkDeed::Discard).unwrap();
            assert_eq!(json!(second), json!(first), "{form}");
            assert_eq!(fields(&Fields::read(encoded.as_bytes()), &second, BulkDeed::Discard), sent, "{form}");
        }
    }

    #[test]
    fn what_is_ticked_is_given_up_in_the_state_in_which_it_was_seen() {
        let form = Fields::read(b"id=a.dead&id=b.queued&id=c.dead&id=d&id=e.succeeded&reason=x");
        let selection = selection(&form, BulkDeed::Discard).unwrap();
        assert_eq!(selection.ids, ["a", "b", "c", "d", "e"]);
        let parts = as_seen(&form, &selection, BulkDeed::Discard);
        let parts: Vec<_> = parts.iter().map(|part| (part.status.as_deref(), part.ids.join(" "))).collect();
        let expected = [(None, "d"), (Some("queued"), "b"), (Some("dead"), "a c")];
        assert_eq!(parts, expected.map(|(status, ids)| (status, ids.to_owned())));
        assert_eq!(as_seen(&form, &selection, BulkDeed::Replay).len(), 1);
    }
}
