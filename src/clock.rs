//! The only source of time. Everything that asks "what time is it" asks a [`Clock`], so that a test can answer.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::{Timestamp, tz::TimeZone};

/// A moment as milliseconds since the Unix epoch: what the ledger's integer columns hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// This moment moved later by `span`; stops at the largest representable moment.
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This moment moved earlier by `span`.
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this moment is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The same moment as a jiff timestamp, clamped to what jiff can represent.
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::MAX)
    }

    /// RFC 3339 with milliseconds in the ERP's time zone: `2026-11-23T15:04:05.123+08:00`.
    pub fn rfc3339(self) -> String {
        self.timestamp().to_zoned_datetime(erp_zone()).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
    }

    /// Date and time of day in the ERP's zone, as a progress record begins: `2026-11-23 15:04:05`.
    pub fn erp_local(self) -> String {
        self.timestamp().to_zoned_datetime(erp_zone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}

impl From<Timestamp> for Millis {
    fn from(moment: Timestamp) -> Self {
        Self(moment.as_millisecond())
    }
}

/// The ERP's time zone (`contract.md` §3.6). The tz database is compiled in, so the name always resolves.
pub fn erp_zone() -> TimeZone {
    static ZONE: LazyLock<TimeZone> =
        LazyLock::new(|| TimeZone::get("Asia/Shanghai").unwrap_or_else(|_| TimeZone::fixed(jiff::tz::offset(8))));
    ZONE.clone()
}

/// Tells the time: the system's, or one that a test moves by hand.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    manual: Option<Arc<Manual>>,
    /// How far the machine is set ahead; only in tests it is known.
    set_ahead: Duration,
    /// How far the clock that is followed is ahead of the machine's, in milliseconds; clones follow together.
    followed: Arc<AtomicI64>,
}

/// A clock that a test moves: the time of day, and the milliseconds that have passed.
#[derive(Debug)]
struct Manual {
    wall: AtomicI64,
    steady: AtomicI64,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it.
    pub fn manual(start: Millis) -> Self {
        let manual = Manual { wall: AtomicI64::new(start.0), steady: AtomicI64::new(0) };
        Self { manual: Some(Arc::new(manual)), ..Self::default() }
    }

    /// The system's clock as a machine has it that is set ahead.
    pub fn set_ahead(by: Duration) -> Self {
        Self { set_ahead: by, ..Self::default() }
    }

    /// The same machine's clock, for those who go by another one ([`Clock::follow`]).
    #[must_use]
    pub fn follower(&self) -> Self {
        Self { followed: Arc::default(), ..self.clone() }
    }

    /// The present moment.
    pub fn now(&self) -> Millis {
        Millis(self.machine().0.saturating_add(self.followed()))
    }

    /// The present moment as the machine has it, whatever clock is followed.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
    pub fn machine(&self) -> Millis {
        match &self.manual {
            Some(manual) => Millis(manual.wall.load(Ordering::SeqCst)),
            None => Millis(Timestamp::now().as_millisecond()).plus(self.set_ahead),
        }
    }

    /// Goes by a clock that is so many milliseconds ahead of the machine's from now on; so do all clones.
    pub fn follow(&self, ahead: i64) {
        self.followed.store(ahead, Ordering::SeqCst);
    }

    /// How far the clock that is followed is ahead of the machine's, in milliseconds; 0 while none is.
    pub fn followed(&self) -> i64 {
        self.followed.load(Ordering::SeqCst)
    }

    /// Whether a test moves it.
    pub const fn is_manual(&self) -> bool {
        self.manual.is_some()
    }

    /// How much time has passed since some moment of this process, whatever the time of day is set to.
    pub fn steady(&self) -> Millis {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        match &self.manual {
            Some(manual) => Millis(manual.steady.load(Ordering::SeqCst)),
            None => Millis(0).plus(START.elapsed()),
        }
    }

    /// Moves a manual clock forward; the system's clock is not moved.
    pub fn advance(&self, span: Duration) {
        if let Some(manual) = &self.manual {
            let millis = Millis(0).plus(span).0;
            manual.wall.fetch_add(millis, Ordering::SeqCst);
            manual.steady.fetch_add(millis, Ordering::SeqCst);
        }
    }

    /// Sets a manual clock to another time of day, as an administrator does: no time passes by it.
    pub fn set(&self, moment: Millis) {
        if let Some(manual) = &self.manual {
            manual.wall.store(moment.0, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_goes_by_another_clock_does_so_with_all_clones_and_nobody_else_does() {
        let machine = Clock::manual(Millis(1_000));
        let follower = machine.follower();
        follower.clone().follow(500);
        assert_eq!([machine.now(), follower.now(), follower.machine()], [Millis(1_000), Millis(1_500), Millis(1_000)]);
        machine.advance(Duration::from_millis(7));
        assert_eq!((machine.now(), follower.now()), (Millis(1_007), Millis(1_507)));
        assert!(Clock::set_ahead(Duration::from_secs(60)).now() > Clock::system().now().plus(Duration::from_secs(50)));
    }
}
