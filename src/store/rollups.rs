//! What happened, by minute and by hour, so that charts and rates never read the events.
//!
//! The one funnel of state changes ([`super::transitions::commit`]) counts what it has committed, in memory: neither the
//! door nor the journal writes a row more for it, and no two replicas wait for each other. Upkeep writes the counts every
//! few seconds, and so does [`Store::close`]. What is promised: nothing is counted twice; a process that is killed, or a
//! commit whose answer is lost, takes at most what it had counted since the last writing along. An event that happens to
//! die twice is counted twice: these are counts of what happened, not of events.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Store, StoreError,
    bulk::Insert,
    db::{Arg, Tx, args},
    spans::Spans,
    tally::{MINUTE_MS, Measure, Tally},
};
use crate::{
    clock::{Millis, erp_zone},
    event::{Rule, Status},
};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;
/// How long minutes are kept …
const MINUTES_KEPT: Duration = Duration::from_secs(3 * 3_600);
/// … and hours.
const HOURS_KEPT: Duration = Duration::from_secs(93 * 86_400);
const ROLLUPS: Insert = Insert {
    into: "rollups (grain, period, measure, events)",
    then: "on conflict (grain, period, measure) do update set events = rollups.events + excluded.events",
};

/// The rows of both grains, each once and in one order, so that two replicas never wait for each other.
fn rows(tally: &Tally) -> Vec<[Arg; 4]> {
    let mut rows = BTreeMap::<(&str, i64, Measure), i64>::new();
    for (minute, measure, events) in tally.counted() {
        rows.insert(("minute", minute, measure), events);
        *rows.entry(("hour", minute.div_euclid(60), measure)).or_default() += events;
    }
    let row = |((grain, period, measure), events): ((&str, i64, Measure), i64)| -> [Arg; 4] {
        [grain.into(), period.into(), measure.name().into(), events.into()]
    };
    rows.into_iter().map(row).collect()
}

async fn write(tally: &Tally, tx: &mut Tx, now: Millis) -> Result<(), StoreError> {
    ROLLUPS.run(tx, rows(tally)).await?;
    for (grain, kept, width) in [("minute", MINUTES_KEPT, MINUTE_MS), ("hour", HOURS_KEPT, HOUR_MS)] {
        let old = "delete from rollups where grain = $1 and period < $2";
        tx.execute(old, args![grain, now.minus(kept).0.div_euclid(width)]).await?;
    }
    Ok(())
}

/// What happened in some time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Happened {
    /// Events that were accepted.
    pub received: i64,
    /// Events that came to a state, by its name.
    reached: BTreeMap<&'static str, i64>,
    /// Events that each rule kept out; one may be kept out by several.
    kept_out: BTreeMap<&'static str, i64>,
    /// From arrival to the ERP.
    pub took: Spans,
}

impl Happened {
    /// Events that came to this state.
    pub fn reached(&self, status: Status) -> i64 {
        self.reached.get(status.as_str()).copied().unwrap_or_default()
    }

    /// Events that the rules kept out, by rule, the most frequent first; one may be kept out by several.
    pub fn kept_out(&self) -> Vec<(Rule, i64)> {
        let of = |rule: Rule| Some((rule, *self.kept_out.get(rule.as_str())?));
        let mut rules: Vec<_> = Rule::ALL.into_iter().filter_map(of).collect();
        rules.sort_by_key(|(_, events)| -events);
        rules
    }

    fn add(&mut self, measure: Measure, events: i64) {
        match measure {
            Measure::Received => self.received += events,
            Measure::Reached(status) => *self.reached.entry(status.as_str()).or_default() += events,
            Measure::KeptOut(rule) => *self.kept_out.entry(rule.as_str()).or_default() += events,
            Measure::Took(number) => self.took.add(number, events),
        }
    }
}

/// How far back one looks, and in which slots: the last one is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Sixty minutes.
    Hour,
    /// 24 hours.
    Day,
    /// Thirty days of the ERP's zone.
    Month,
}

impl Window {
    /// Every one, the shortest first.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    /// Slots of a window, and the width of each in milliseconds.
    const fn slots(self) -> (i64, i64) {
        match self {
            Self::Hour => (60, MINUTE_MS),
            Self::Day => (24, HOUR_MS),
            Self::Month => (30, DAY_MS),
        }
    }

    /// Which rows it is made of, and the width of their periods.
    const fn grain(self) -> (&'static str, i64) {
        match self {
            Self::Hour => ("minute", MINUTE_MS),
            Self::Day | Self::Month => ("hour", HOUR_MS),
        }
    }
}

/// What happened, slot by slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Each slot's begin, and what happened in it; the oldest first.
    pub slots: Vec<(Millis, Happened)>,
    /// All of it.
    pub whole: Happened,
}

impl Store {
    /// Writes what this process counted since the last time.
    ///
    /// # Errors
    /// The counts are written later then, but for those of a commit that failed: whether it took effect nobody knows, and
    /// nothing may be counted twice.
    pub async fn write_rollups(&self) -> Result<(), StoreError> {
        let tally = self.announcer.take_tally();
        if tally.is_empty() {
            return Ok(());
        }
        let prepared = async {
            let mut tx = self.db.begin().await?;
            write(&tally, &mut tx, self.clock.now()).await?;
            Ok(tx)
        };
        match prepared.await {
            Ok(tx) => tx.commit().await,
            Err(error) => {
                self.announcer.count(tally);
                Err(error)
            }
        }
    }

    /// What happened in a window that ends now: what is written, and what this process has not written yet.
    pub async fn history(&self, window: Window) -> Result<History, StoreError> {
        let now = self.clock.now();
        let (count, width) = window.slots();
        let (grain, period) = window.grain();
        // Days begin at midnight of the ERP's zone; minutes and hours everywhere.
        let shift = i64::from(erp_zone().to_offset(now.timestamp()).seconds()) * 1_000;
        let slot_of = |at: i64| (at + shift).div_euclid(width);
        let first = slot_of(now.0) - count + 1;
        let begin = first * width - shift;
        let sql = "select (period * $1 + $2) / $3 as slot, measure, cast(sum(events) as bigint) as events from rollups
                   where grain = $4 and period >= $5 group by 1, 2";
        let args = args![period, shift, width, grain, begin.div_euclid(period)];
        let mut slots = vec![Happened::default(); usize::try_from(count).unwrap_or_default()];
        let mut add = |slot: i64, measure: Measure, events: i64| {
            if let Some(slot) = usize::try_from(slot - first).ok().and_then(|place| slots.get_mut(place)) {
                slot.add(measure, events);
            }
        };
        for row in self.db.read(sql, args).await? {
            if let Some(measure) = Measure::read(&row.text("measure")?) {
                add(row.int("slot")?, measure, row.int("events")?);
            }
        }
        self.announcer.look_at_tally(|tally| {
            for (minute, measure, events) in tally.counted() {
                add(slot_of(minute * MINUTE_MS), measure, events);
            }
        });
        Ok(History { whole: sum(&slots), slots: starts(begin, width, slots) })
    }

    /// What happened since a moment; the hour in which it lies is counted whole.
    pub async fn happened_since(&self, from: Millis) -> Result<Happened, StoreError> {
        let first = from.0.div_euclid(HOUR_MS);
        let sql = "select measure, cast(sum(events) as bigint) as events from rollups
                   where grain = 'hour' and period >= $1 group by 1";
        let mut happened = Happened::default();
        for row in self.db.read(sql, args![first]).await? {
            if let Some(measure) = Measure::read(&row.text("measure")?) {
                happened.add(measure, row.int("events")?);
            }
        }
        self.announcer.look_at_tally(|tally| {
            for (_, measure, events) in tally.counted().filter(|(minute, ..)| minute * MINUTE_MS >= first * HOUR_MS) {
                happened.add(measure, events);
            }
        });
        Ok(happened)
    }
}

fn starts(begin: i64, width: i64, slots: Vec<Happened>) -> Vec<(Millis, Happened)> {
    (0..).map(|slot| Millis(begin + slot * width)).zip(slots).collect()
}

fn sum(slots: &[Happened]) -> Happened {
    let mut whole = Happened::default();
    for slot in slots {
        whole.received += slot.received;
        for (all, of_it) in [(&mut whole.reached, &slot.reached), (&mut whole.kept_out, &slot.kept_out)] {
            of_it.iter().for_each(|(name, events)| *all.entry(name).or_default() += events);
        }
        whole.took.add_all(&slot.took);
    }
    whole
}
