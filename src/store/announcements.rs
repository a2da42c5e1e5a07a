//! What everybody is told: events that have another state now, of this process and of its replicas, each with an id by
//! which a reader who was away goes on (`GET /v1/stream`).
//!
//! The newest stay in a ring. Who asks for what is not there any more, or for what another process numbered, is told to
//! read the lists again.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::{Notify, watch};

use crate::{
    clock::Millis,
    event::{Link, Status},
};

/// State changes that a reader of `GET /v1/stream` may fall behind, or be away for, before it misses some.
const CHANGES_KEPT: usize = 4_096;

/// A change of an event's state, for `GET /v1/stream`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Change {
    /// The event.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// Whose event.
    pub contact_id: Option<String>,
    /// Its new state.
    pub status: Status,
    /// When.
    pub at: Millis,
}

/// A contact that was linked to a customer, or to another one.
#[derive(Debug)]
pub(super) struct Linked {
    pub(super) contact_id: String,
    pub(super) link: Link,
    pub(super) at: Millis,
}

/// What the platform wants to hear of (write-back); while nobody asked for it nothing is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteBack {
    /// Of events that succeeded, too.
    pub succeeded: bool,
}

/// What a reader hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// An event has another state.
    Changed(Change),
    /// Something was missed and nobody knows what: read the lists again.
    Reset,
}

/// Tells state changes. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Announcer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Names this process's run: its numbers mean nothing to another.
    run: String,
    ring: Mutex<Ring>,
    /// Whether another process may listen.
    has_company: AtomicBool,
    newest: watch::Sender<u64>,
    wanted: OnceLock<WriteBack>,
    outbox: Notify,
}

/// The changes numbered `newest - kept.len() + 1` to `newest`.
#[derive(Debug, Default)]
struct Ring {
    newest: u64,
    kept: VecDeque<Change>,
}

impl Ring {
    /// The change behind number `after`: `Ok(None)` where it has not happened yet.
    fn behind(&self, after: u64) -> Result<Option<&Change>, Missed> {
        let oldest = self.newest - self.kept.len() as u64;
        if after > self.newest || after < oldest {
            return Err(Missed);
        }
        let index = usize::try_from(after - oldest).map_err(|_| Missed)?;
        Ok(self.kept.get(index))
    }
}

/// It is not known any more.
#[derive(Debug, PartialEq, Eq)]
struct Missed;

impl Announcer {
    pub(super) fn new() -> Self {
        let run = uuid::Uuid::new_v4().simple().to_string();
        let (ring, newest) = (Mutex::default(), watch::Sender::new(0));
        // Until it is known better.
        Self(Arc::new(Shared {
            run,
            ring,
            has_company: AtomicBool::new(true),
            newest,
            wanted: OnceLock::new(),
            outbox: Notify::new(),
        }))
    }

    /// Whether another process may listen: without one nobody need be notified.
    pub(super) fn has_company(&self) -> bool {
        self.0.has_company.load(Ordering::Relaxed)
    }

    /// Notes whether another process was heard of lately.
    pub(super) fn note_company(&self, has_company: bool) {
        self.0.has_company.store(has_company, Ordering::Relaxed);
    }

    /// What the platform is told of from now on; only the first call counts.
    pub(super) fn write_back(&self, wanted: WriteBack) {
        let _ = self.0.wanted.set(wanted);
    }

    /// What the platform is told of.
    pub(super) fn wanted(&self) -> Option<WriteBack> {
        self.0.wanted.get().copied()
    }

    /// Something was written into the outbox, or something of it is due.
    pub(super) fn wake_outbox(&self) {
        self.0.outbox.notify_waiters();
    }

    /// Waits until there may be something to deliver.
    pub(super) async fn outbox_written(&self) {
        self.0.outbox.notified().await;
    }

    /// By what replicas tell their announcements from others'.
    pub(super) fn run(&self) -> &str {
        &self.0.run
    }

    /// Tells changes, oldest first. The caller has committed them, or somebody else has.
    pub(super) fn tell(&self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let mut ring = self.ring();
        ring.newest += changes.len() as u64;
        ring.kept.extend(changes);
        let surplus = ring.kept.len().saturating_sub(CHANGES_KEPT);
        ring.kept.drain(..surplus);
        self.0.newest.send_replace(ring.newest);
    }

    /// Some changes were missed: every reader is told so.
    pub(super) fn forget(&self) {
        let mut ring = self.ring();
        ring.kept.clear();
        ring.newest += 1;
        self.0.newest.send_replace(ring.newest);
    }

    /// Follows from now on, or from behind the announcement `last` that a reader has heard.
    pub(super) fn follow(&self, last: Option<&str>) -> Follower {
        let newest = self.0.newest.subscribe();
        let after = match last {
            None => self.ring().newest,
            // A number that nobody has reached is one that was missed.
            Some(last) => self.number(last).unwrap_or(u64::MAX),
        };
        Follower { announcer: self.clone(), newest, after }
    }

    /// The number in an announcement's id, if it is one of this process.
    fn number(&self, id: &str) -> Option<u64> {
        let (run, number) = id.split_once('-')?;
        number.parse().ok().filter(|_| run == self.0.run)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows the announcements, one by one.
#[derive(Debug)]
pub struct Follower {
    announcer: Announcer,
    newest: watch::Receiver<u64>,
    /// The number of the last one that it heard.
    after: u64,
}

impl Follower {
    /// The next news, as soon as there is one. Dropping the future loses nothing.
    pub async fn next(&mut self) -> News {
        loop {
            self.newest.mark_unchanged();
            if let Some(news) = self.try_next() {
                return news;
            }
            // The sender lives as long as the announcer, which is ours too.
            let _ = self.newest.changed().await;
        }
    }

    /// The next news, if there is one already.
    pub fn try_next(&mut self) -> Option<News> {
        let ring = self.announcer.ring();
        let news = match ring.behind(self.after) {
            Ok(None) => return None,
            Ok(Some(change)) => News::Changed(change.clone()),
            Err(Missed) => News::Reset,
        };
        self.after = if news == News::Reset { ring.newest } else { self.after + 1 };
        Some(news)
    }

    /// The id of the news that came last, by which [`super::Store::follow`] goes on behind it.
    pub fn id(&self) -> String {
        format!("{}-{}", self.announcer.run(), self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(number: usize) -> Change {
        let (id, kind) = (number.to_string(), "deal.closed".to_owned());
        Change { id, kind, contact_id: None, status: Status::Queued, at: Millis(0) }
    }

    fn changes(numbers: std::ops::Range<usize>) -> Vec<Change> {
        numbers.map(change).collect()
    }

    #[test]
    fn a_reader_hears_what_comes_and_goes_on_where_it_left() {
        let announcer = Announcer::new();
        announcer.tell(changes(0..1));
        let mut reader = announcer.follow(None);
        assert_eq!(reader.try_next(), None, "it begins now");
        announcer.tell(changes(1..4));
        assert_eq!(reader.try_next(), Some(News::Changed(change(1))));
        let last = reader.id();
        let mut again = announcer.follow(Some(&last));
        for number in 2..4 {
            assert_eq!(again.try_next(), Some(News::Changed(change(number))));
        }
        assert_eq!(again.try_next(), None);
    }

    #[test]
    fn what_is_too_old_or_another_process_s_is_a_reset_and_then_it_goes_on() {
        let announcer = Announcer::new();
        let mut slow = announcer.follow(None);
        let begin = slow.id();
        announcer.tell(changes(0..CHANGES_KEPT));
        assert_eq!(announcer.follow(Some(&begin)).try_next(), Some(News::Changed(change(0))), "as many as are kept");
        announcer.tell(changes(CHANGES_KEPT..CHANGES_KEPT + 1));
        assert_eq!(announcer.follow(Some(&begin)).try_next(), Some(News::Reset), "one more");
        assert_eq!(slow.try_next(), Some(News::Reset), "whoever reads too slowly, too");
        assert_eq!(slow.try_next(), None);
        let other = Announcer::new().follow(None).id();
        let ahead = format!("{}-{}", announcer.run(), u64::MAX);
        for strange in [other.as_str(), ahead.as_str(), "", "7", "-", "x-y"] {
            let mut reader = announcer.follow(Some(strange));
            assert_eq!((reader.try_next(), reader.try_next()), (Some(News::Reset), None), "{strange}");
        }
        announcer.tell(changes(0..1));
        assert_eq!(slow.try_next(), Some(News::Changed(change(0))));
    }

    #[test]
    fn what_was_missed_is_a_reset_for_everybody() {
        let announcer = Announcer::new();
        let reader = announcer.follow(None);
        let begin = reader.id();
        announcer.tell(changes(0..2));
        announcer.forget();
        announcer.tell(changes(2..3));
        for mut reader in [announcer.follow(Some(&begin)), reader] {
            assert_eq!(reader.try_next(), Some(News::Reset));
        }
    }

    #[tokio::test]
    async fn a_reader_that_waits_is_woken() {
        let announcer = Announcer::new();
        let mut reader = announcer.follow(None);
        let (news, ()) = tokio::join!(reader.next(), async { announcer.tell(changes(0..1)) });
        assert_eq!(news, News::Changed(change(0)));
    }
}
