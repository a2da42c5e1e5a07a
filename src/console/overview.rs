//! `/console/overview`: is everything all right, in one glance and in words.

use std::time::Duration;

use askama::Template;
use axum::{extract::State, response::Response};

use super::{
    event::waits_for,
    events::Row,
    fault::Fault,
    format::{self, Moment, moment, number},
    frame::{Frame, Nav, page},
    status::{self, Shown},
    trends::{self, Trends},
    verdict::Verdict,
    visit::Visit,
    why::Why,
    words::{Words, fill},
};
use crate::{
    event::{Status, cause},
    http::{
        HttpState,
        api::{
            events::oldest_waiting,
            history, names,
            stats::{self, Stats},
            views::{EventItem, WaitsForView},
        },
    },
};

/// Where it is.
pub(super) const PATH: &str = "/console/overview";
/// Gaps that are named.
const GAPS_SHOWN: usize = 10;

/// How many events are in a state.
struct Tile {
    shown: Shown,
    count: String,
    is_zero: bool,
    address: String,
}

/// The event that has waited longest.
struct Oldest {
    row: Row,
    waits: String,
    why: Why,
    /// The code of what is wrong with it; empty if nothing is.
    code: String,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    verdict: Verdict,
    tiles: Vec<Tile>,
    as_of: Moment,
    oldest: Option<Oldest>,
    /// Name, value, and the page that says more of it; empty where there is none.
    figures: Vec<(&'static str, String, &'static str)>,
    last_webhook: Option<Moment>,
    is_silent: bool,
    /// The contact, and between which of its numbers.
    gaps: Vec<(String, String)>,
    trends: Trends,
}

/// `GET /console/overview`
pub(super) async fn show(State(state): State<HttpState>, visit: Visit) -> Result<Response, Fault> {
    let stats = stats::standing(&state, &visit.caller).await?;
    let counted = state.store.latest_figures().unwrap_or_default();
    let oldest = oldest_waiting(&state, &visit.caller).await?.map(|(item, noted)| {
        let waits = waits_for(&state, &item, noted);
        (item, waits)
    });
    let name = match &oldest {
        Some((item, _)) => names::of_event(&state, &visit.caller, item).await?,
        None => String::new(),
    };
    let window = trends::window(&visit);
    let history = history::history(&state, window).await?;
    let frame = Frame::of(&state, &visit, Nav::Overview);
    let (w, lang, now) = (frame.w, frame.lang, frame.now);
    let stands_still = stats.dispatch.paused.is_some();
    let held = count(&stats, Status::Held);
    let gap =
        |gap: &stats::Gap| (gap.contact_id.clone(), fill(w.overview.gap, &[&gap.contact_id, &gap.after, &gap.before]));
    page(&OverviewPage {
        verdict: Verdict::of(&stats, counted.undelivered, &frame),
        tiles: tiles(&stats, counted.retrying, &frame),
        as_of: moment(&stats.as_of.counts, now, lang),
        oldest: oldest.map(|(item, waits)| longest(&item, name, waits.as_ref(), stands_still, &frame)),
        figures: figures(&stats, w),
        last_webhook: stats.sender.last_webhook_at.as_deref().map(|at| moment(at, now, lang)),
        is_silent: stats.sender.silent,
        gaps: stats.gaps.iter().take(GAPS_SHOWN).map(gap).collect(),
        trends: Trends::of(&history, window, held, lang),
        frame,
    })
}

/// How many events are in a state now.
fn count(stats: &Stats, status: Status) -> i64 {
    stats.by_status.get(status.as_str()).copied().unwrap_or_default()
}

fn tiles(stats: &Stats, retrying: i64, frame: &Frame) -> Vec<Tile> {
    let tile = |shown: Shown, count: i64, filter: &str| Tile {
        shown,
        count: number(count),
        is_zero: count == 0,
        address: format!("/console/events?{filter}"),
    };
    let of = |status: Status| tile(status::of(status, frame.lang), count(stats, status), &format!("status={status}"));
    // Among what is queued, so they stand behind it.
    let [again, blocked] = status::of_waits(frame.lang);
    let waits_for_settings = stats.blocks.iter().map(|block| block.waiting).sum();
    let waits = [tile(again, retrying, "retrying=true"), tile(blocked, waits_for_settings, "blocked=true")];
    let [queued, others @ ..] = Status::ALL;
    std::iter::once(of(queued)).chain(waits).chain(others.into_iter().map(of)).collect()
}

/// Why the event that has waited longest, of a contact of this name, is not in the ERP yet.
fn longest(item: &EventItem, name: String, waits: Option<&WaitsForView>, stands_still: bool, frame: &Frame) -> Oldest {
    let (lang, w) = (frame.lang, frame.w);
    let shown = status::of_waiting(item, waits, lang);
    let row = Row { name, shown, ..Row::of(item, frame.now, lang) };
    let waited = format::millis(&item.received_at).map_or(Duration::ZERO, |at| frame.now.since(at));
    let why = match (&item.blocked_by, &item.error) {
        (Some(block), _) => Why::plain(lang.part(&block.hint)),
        (None, Some(error)) => row.note.clone().then(lang.part(&cause(&error.code).hint().to_string())),
        (None, None) => match (waits, frame.banners.iter().find(|_| stands_still)) {
            (Some(WaitsForView { status: Some(earlier), .. }), _) => {
                Why::plain(&fill(w.event.next_earlier, &[&status::of(*earlier, lang).label]))
            }
            (Some(_), _) => Why::plain(w.event.next_paused),
            (None, Some(banner)) => Why::plain(&banner.text),
            (None, None) => Why::plain(row.shown.help),
        },
    };
    let code = item.blocked_by.as_ref().map(|block| &block.code).or(item.error.as_ref().map(|error| &error.code));
    Oldest {
        code: code.cloned().unwrap_or_default(),
        row,
        waits: fill(w.overview.oldest_waits, &[&format::span(waited, lang)]),
        why,
    }
}

fn figures(stats: &Stats, w: &'static Words) -> Vec<(&'static str, String, &'static str)> {
    let in_hand = fill(w.overview.in_flight_of, &[&stats.dispatch.in_flight, &stats.dispatch.limit]);
    vec![
        (w.overview.received_hour, number(stats.rates.received_last_hour), ""),
        (w.overview.succeeded_hour, number(stats.rates.succeeded_last_hour), ""),
        (w.overview.in_flight, in_hand, super::erp::PATH),
        (w.overview.contacts, number(stats.contacts), super::contacts::PATH),
        (w.overview.rejections, number(stats.rejections), super::rejections::PATH),
    ]
}
