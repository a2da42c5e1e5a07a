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
        Self { manual: Some(Arc::new(Manual { wall: AtomicI64::new(start.0), steady: AtomicI64::new(0) })) }
    }

    /// The present moment.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
    pub fn now(&self) -> Millis {
        match &self.manual {
            Some(manual) => Millis(manual.wall.load(Ordering::SeqCst)),
            None => Millis(Timestamp::now().as_millisecond()),
        }
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
