//! From what is seen to what is told: one message a cause and interval, with its count, and an all-clear once it has been
//! gone for a while. Pure: the state goes in and comes out, and is kept in the ledger, so that a restart repeats nothing.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::sightings::{Level, Sighting};
use crate::clock::Millis;

/// The first message of a cause, the next one with a higher count, and the all-clear.
const RAISED: &str = "alert.raised";
const REPEATED: &str = "alert.repeated";
const CLEARED: &str = "alert.cleared";
/// What no target took is told once more so much later, if it still stands.
const UNTOLD: Duration = Duration::from_secs(3_600);

/// What is known and was told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Told {
    /// By cause.
    pub(super) causes: BTreeMap<String, Known>,
    /// When causes were told last that are over, while `alerts.interval` lasts.
    over: BTreeMap<String, Millis>,
    /// The day of the last summary, in days of the ERP's zone since the epoch.
    pub(super) summarised: Option<i64>,
    /// What each target was sent lately, by its fingerprint.
    pub(super) robots: BTreeMap<String, Robot>,
}

/// How much a target was sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Robot {
    /// When, lately.
    pub(super) sent: Vec<Millis>,
    /// Until when it takes nothing.
    pub(super) busy: Millis,
}

impl Told {
    /// No target took what was to be told of a cause: it is told once more, after a while, if it still stands then.
    pub(super) fn was_not_taken(&mut self, kind: &str, cause: &str, now: Millis) {
        if kind == RAISED {
            // Nobody heard of it, even if it is over meanwhile.
            self.over.remove(cause);
        }
        let Some(known) = self.causes.get_mut(cause) else { return };
        match kind {
            RAISED => known.is_told = false,
            // People know of it, and not of how much.
            REPEATED => {}
            _ => return,
        }
        known.untold_at = Some(now);
    }

    /// People were told of a cause after all: by what stood behind the first message, or because somebody sent it again.
    /// Whether that is news.
    pub(super) fn was_taken(&mut self, kind: &str, cause: &str) -> bool {
        let known = self.causes.get_mut(cause).filter(|known| !known.is_told || known.untold_at.is_some());
        let Some(known) = known.filter(|_| matches!(kind, RAISED | REPEATED)) else { return false };
        (known.is_told, known.untold_at) = (true, None);
        true
    }

    /// A moment that lies ahead is from before the clock was set back, and counts as now.
    fn bring_back(&mut self, now: Millis) {
        for known in self.causes.values_mut() {
            let ended = [known.gone_since.as_mut(), known.untold_at.as_mut()];
            let moments = [Some(&mut known.since), Some(&mut known.told_at)].into_iter().chain(ended);
            moments.flatten().for_each(|moment| *moment = (*moment).min(now));
        }
        self.over.values_mut().for_each(|moment| *moment = (*moment).min(now));
    }
}

/// A cause that is seen, or was until just now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Known {
    /// Since when.
    pub(super) since: Millis,
    /// Whether it was told.
    pub(super) is_told: bool,
    /// What it is.
    pub(super) title: String,
    told_at: Millis,
    told_count: i64,
    /// When no target would take it at last.
    untold_at: Option<Millis>,
    gone_since: Option<Millis>,
    path: String,
}

/// Something to tell.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Notice {
    /// `alert.raised`, `alert.repeated`, `alert.cleared`.
    pub(super) kind: &'static str,
    pub(super) cause: String,
    pub(super) title: String,
    pub(super) count: i64,
    pub(super) since: Millis,
    pub(super) path: String,
    pub(super) words: Option<String>,
    pub(super) advice: Option<String>,
}

impl Notice {
    /// As the outbox keeps it.
    pub(super) fn data(&self, link: Option<String>) -> Value {
        json!({
            "cause": self.cause, "title": self.title, "count": self.count, "since": self.since.rfc3339(),
            "link": link, "words": self.words, "advice": self.advice,
        })
    }
}

/// Decides what is to be told of this look, and notes it.
pub(super) fn step(
    told: &mut Told,
    seen: &[Sighting],
    now: Millis,
    interval: Duration,
    clear_after: Duration,
) -> Vec<Notice> {
    told.bring_back(now);
    told.over.retain(|_, told_at| now.since(*told_at) < interval);
    let mut notices: Vec<Notice> = seen.iter().filter_map(|sighting| heed(told, sighting, now, interval)).collect();
    let Told { causes, over, .. } = told;
    causes.retain(|cause, known| {
        if seen.iter().any(|sighting| sighting.cause == *cause) {
            return true;
        }
        let gone_since = *known.gone_since.get_or_insert(now);
        let is_over = now.since(gone_since) >= clear_after;
        if is_over && known.is_told {
            over.insert(cause.clone(), known.told_at);
            notices.push(Notice {
                kind: CLEARED,
                cause: cause.clone(),
                title: known.title.clone(),
                count: known.told_count,
                since: known.since,
                path: known.path.clone(),
                words: None,
                advice: None,
            });
        }
        !is_over
    });
    notices
}

/// What is to be told of one sighting.
fn heed(told: &mut Told, seen: &Sighting, now: Millis, interval: Duration) -> Option<Notice> {
    if let Some(known) = told.causes.get_mut(&seen.cause) {
        known.gone_since = None;
        // What must last before it is told counts from when it is clearly so.
        if seen.level == Level::Between && !known.is_told {
            known.since = now;
        }
    }
    if seen.level != Level::Wrong {
        return None;
    }
    let known = told.causes.entry(seen.cause.clone()).or_insert_with(|| Known {
        since: now,
        is_told: false,
        title: seen.title.clone(),
        told_at: now,
        told_count: 0,
        untold_at: None,
        gone_since: None,
        path: seen.path.clone(),
    });
    // Fewer than were told: some were settled, and new ones are news again.
    known.told_count = known.told_count.min(seen.count);
    if known.untold_at.is_some_and(|at| now.since(at) < UNTOLD) {
        return None;
    }
    // Of what was over just now people heard within the interval.
    if !known.is_told && !seen.stops_all && told.over.contains_key(&seen.cause) {
        return None;
    }
    let kind = match known.is_told {
        false if now.since(known.since) >= seen.raise_after => RAISED,
        true if known.untold_at.is_some() => REPEATED,
        true if seen.count > known.told_count && now.since(known.told_at) >= interval => REPEATED,
        _ => return None,
    };
    (known.is_told, known.told_at, known.told_count, known.untold_at) = (true, now, seen.count, None);
    Some(Notice {
        kind,
        cause: seen.cause.clone(),
        title: seen.title.clone(),
        count: seen.count,
        since: known.since,
        path: seen.path.clone(),
        words: seen.words.clone(),
        advice: Some(seen.advice.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(600);
    const CLEAR: Duration = Duration::from_secs(120);

    fn dead(count: i64) -> Sighting {
        Sighting {
            cause: "dead refused".into(),
            title: "同步失败".into(),
            count,
            level: Level::Wrong,
            stops_all: false,
            raise_after: Duration::ZERO,
            path: "/events?status=dead".into(),
            words: None,
            advice: String::new(),
        }
    }

    /// What is told at this second.
    fn at(told: &mut Told, second: i64, seen: &[Sighting]) -> Vec<(&'static str, i64)> {
        let notices = step(told, seen, Millis(second * 1_000), INTERVAL, CLEAR);
        notices.into_iter().map(|notice| (notice.kind, notice.count)).collect()
    }

    #[test]
    fn a_flood_is_one_message_a_cause_and_interval_with_its_count_and_then_an_all_clear() {
        let mut told = Told::default();
        assert_eq!(at(&mut told, 0, &[dead(1)]), [("alert.raised", 1)]);
        for second in 1..600 {
            assert_eq!(at(&mut told, second, &[dead(1 + second)]), []);
        }
        assert_eq!(at(&mut told, 600, &[dead(700)]), [("alert.repeated", 700)]);
        assert_eq!(at(&mut told, 1_300, &[dead(700)]), [], "nothing new");
        assert_eq!(at(&mut told, 1_310, &[dead(5)]), [], "some are settled");
        assert_eq!(at(&mut told, 1_320, &[dead(6)]), [("alert.repeated", 6)], "and one is new");
        assert_eq!(at(&mut told, 1_330, &[]), []);
        assert_eq!(at(&mut told, 1_449, &[]), []);
        assert_eq!(at(&mut told, 1_450, &[]), [("alert.cleared", 6)]);
        assert_eq!(at(&mut told, 1_451, &[]), []);
        assert_eq!(at(&mut told, 1_920, &[]), []);
        assert_eq!(told, Told::default());
    }

    #[test]
    fn what_comes_again_after_its_all_clear_is_told_when_the_interval_is_over_and_if_it_still_stands() {
        let mut told = Told::default();
        assert_eq!(at(&mut told, 0, &[dead(1)]), [(RAISED, 1)]);
        assert_eq!(at(&mut told, 60, &[]), []);
        assert_eq!(at(&mut told, 180, &[]), [(CLEARED, 1)]);
        assert_eq!(at(&mut told, 240, &[dead(2)]), [], "people heard of it four minutes ago");
        assert_eq!(at(&mut told, 300, &[]), []);
        assert_eq!(at(&mut told, 420, &[]), [], "nobody was told that it was there again");
        assert_eq!(at(&mut told, 430, &[dead(1)]), []);
        assert_eq!(at(&mut told, 440, &[Sighting { cause: "another".into(), ..dead(1) }, dead(1)]), [(RAISED, 1)]);
        assert_eq!(at(&mut told, 599, &[dead(3)]), []);
        let mut again: Told = crate::json::read_text(&serde_json::to_string(&told).unwrap()).unwrap();
        assert_eq!(at(&mut again, 600, &[dead(3)]), [(RAISED, 3)], "a restart forgets nothing of it");
    }

    #[test]
    fn what_stops_everything_is_told_at_once_though_its_all_clear_was_just_told() {
        let refused = || [Sighting { cause: "login_refused".into(), stops_all: true, ..dead(1) }];
        let mut told = Told::default();
        assert_eq!(at(&mut told, 0, &refused()), [(RAISED, 1)]);
        assert_eq!(at(&mut told, 60, &[]), []);
        assert_eq!(at(&mut told, 180, &[]), [(CLEARED, 1)]);
        assert_eq!(at(&mut told, 240, &refused()), [(RAISED, 1)]);
        assert_eq!(at(&mut told, 250, &refused()), []);
    }

    #[test]
    fn what_is_over_and_was_never_taken_is_told_as_soon_as_it_comes_again() {
        let mut told = Told::default();
        assert_eq!(at(&mut told, 0, &[dead(1)]), [(RAISED, 1)]);
        assert_eq!(at(&mut told, 60, &[]), []);
        assert_eq!(at(&mut told, 180, &[]), [(CLEARED, 1)]);
        told.was_not_taken(CLEARED, "dead refused", Millis(181_000));
        assert_eq!(at(&mut told, 190, &[dead(1)]), [], "people heard of it");
        assert_eq!(at(&mut told, 200, &[]), []);
        assert_eq!(at(&mut told, 320, &[]), []);
        told.was_not_taken(RAISED, "dead refused", Millis(330_000));
        assert_eq!(at(&mut told, 340, &[dead(1)]), [(RAISED, 1)], "nobody did");
    }

    #[test]
    fn what_must_last_counts_from_when_it_is_clearly_so_and_what_was_lately_goes_on() {
        let looked = |level| [Sighting { level, raise_after: Duration::from_secs(300), ..dead(1) }];
        let told = |between| {
            let mut told = Told::default();
            assert_eq!(at(&mut told, 0, &looked(Level::Wrong)), []);
            for second in (10..300).step_by(10) {
                assert_eq!(at(&mut told, second, &looked(between)), []);
            }
            at(&mut told, 300, &looked(Level::Wrong))
        };
        assert_eq!(told(Level::Between), [], "over the limit at two looks, and below it for five minutes");
        assert_eq!(told(Level::Lately), [(RAISED, 1)]);
    }

    #[test]
    fn what_lasts_while_nothing_can_be_done_about_it_counts_from_when_something_can() {
        let lasting = |level| [Sighting { level, raise_after: Duration::from_secs(300), ..dead(1) }];
        let mut told = Told::default();
        assert_eq!(at(&mut told, 0, &lasting(Level::Wrong)), []);
        for second in (10..7_200).step_by(10) {
            assert_eq!(at(&mut told, second, &lasting(Level::Between)), []);
        }
        assert_eq!(at(&mut told, 7_200, &lasting(Level::Wrong)), []);
        assert_eq!(at(&mut told, 7_480, &lasting(Level::Wrong)), []);
        assert_eq!(at(&mut told, 7_490, &lasting(Level::Wrong)), [("alert.raised", 1)]);
        assert_eq!(at(&mut told, 9_000, &lasting(Level::Between)), [], "what was told stays told");
    }

    #[test]
    fn what_no_target_took_is_told_once_more_an_hour_later_if_it_still_stands() {
        let mut told = Told::default();
        assert_eq!(at(&mut told, 0, &[dead(3)]), [(RAISED, 3)]);
        told.was_not_taken(RAISED, "dead refused", Millis(3_600_000));
        assert_eq!(at(&mut told, 3_610, &[dead(5)]), []);
        assert_eq!(at(&mut told, 7_199, &[dead(5)]), []);
        assert_eq!(at(&mut told, 7_200, &[dead(5)]), [(RAISED, 5)]);
        // Of one that people know already they are told how much, and its end.
        assert_eq!(at(&mut told, 9_000, &[dead(8)]), [(REPEATED, 8)]);
        told.was_not_taken(REPEATED, "dead refused", Millis(10_000_000));
        assert_eq!(at(&mut told, 13_600, &[dead(8)]), [(REPEATED, 8)]);
        // What is taken in the end is told.
        told.was_not_taken(RAISED, "dead refused", Millis(13_601_000));
        assert!(told.was_taken(REPEATED, "dead refused") && !told.was_taken(REPEATED, "dead refused"));
        told.was_not_taken(CLEARED, "dead refused", Millis(13_610_000));
        told.was_not_taken(RAISED, "another", Millis(13_610_000));
        assert_eq!(at(&mut told, 14_000, &[]), []);
        assert_eq!(at(&mut told, 14_120, &[]), [(CLEARED, 8)]);
        // Of one of which nobody was told, nobody is told the end.
        at(&mut told, 20_000, &[dead(1)]);
        told.was_not_taken(RAISED, "dead refused", Millis(20_010_000));
        assert_eq!(at(&mut told, 20_100, &[]), []);
        assert_eq!(at(&mut told, 20_400, &[]), []);
        assert_eq!(told, Told::default());
    }

    #[test]
    fn what_comes_and_goes_is_told_once() {
        let mut told = Told::default();
        assert_eq!(at(&mut told, 0, &[dead(1)]), [("alert.raised", 1)]);
        for second in (1..1_000).step_by(100) {
            assert_eq!(at(&mut told, second, &[]), []);
            assert_eq!(at(&mut told, second + 1, &[dead(1)]), []);
        }
        let nearly = [Sighting { level: Level::Between, ..dead(1) }];
        for second in (1_000..9_000).step_by(100) {
            assert_eq!(at(&mut told, second, &nearly), [], "between the thresholds all stays as it is");
        }
        assert_eq!(at(&mut Told::default(), 0, &nearly), []);
    }

    #[test]
    fn what_must_last_is_told_once_it_has_and_a_blip_never() {
        let lasting = [Sighting { raise_after: Duration::from_secs(300), ..dead(1) }];
        let mut told = Told::default();
        assert_eq!(at(&mut told, 0, &lasting), []);
        assert_eq!(at(&mut told, 299, &lasting), []);
        assert_eq!(at(&mut told, 300, &lasting), [("alert.raised", 1)]);
        let mut told = Told::default();
        assert_eq!(at(&mut told, 0, &lasting), []);
        assert_eq!(at(&mut told, 200, &[]), []);
        assert_eq!(at(&mut told, 320, &[]), []);
        assert_eq!(at(&mut told, 400, &lasting), [], "it begins anew");
        let mut told = Told::default();
        assert_eq!(at(&mut told, 0, &lasting), []);
        assert_eq!(at(&mut told, 200, &[]), []);
        assert_eq!(at(&mut told, 300, &lasting), [("alert.raised", 1)], "one look without it is no end");
    }

    #[test]
    fn a_clock_that_was_set_back_holds_nothing_up() {
        let mut told = Told::default();
        at(&mut told, 1_000_000, &[dead(1)]);
        assert_eq!(at(&mut told, 0, &[dead(2)]), []);
        assert_eq!(at(&mut told, 600, &[dead(2)]), [("alert.repeated", 2)]);
        at(&mut told, 2_000_000, &[]);
        assert_eq!(at(&mut told, 700, &[]), []);
        assert_eq!(at(&mut told, 820, &[]), [("alert.cleared", 2)]);
    }

    #[test]
    fn a_restart_repeats_nothing() {
        let mut told = Told::default();
        at(&mut told, 0, &[dead(1)]);
        let mut again: Told = crate::json::read_text(&serde_json::to_string(&told).unwrap()).unwrap();
        assert_eq!(again, told);
        assert_eq!(at(&mut again, 10, &[dead(1)]), []);
    }
}
