//! What goes wrong in a schedule: the ERP's answers, and the worker's life.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use erp_bridge::{
    simulator::FaultRule,
    store::{CommitMoment, CommitWatch, StoreError},
};
use rand::{RngExt, rngs::StdRng};
use tokio::sync::Notify;

/// Of all calls, that go wrong.
const FAULTY: f64 = 0.05;
/// Faults that cost no waiting.
const QUICK: [&str; 13] = [
    "cut_before",
    "cut_after",
    "error_500_before",
    "error_500_after",
    "html_200_before",
    "html_200_after",
    "empty_200_before",
    "empty_200_after",
    "garbled_before",
    "garbled_after",
    "session_lost",
    "session_lost_after",
    "not_stored",
];
/// Something before the ERP answers in its place, now and then: it blocks, and kills nothing (`contract.md` §3.9).
const FRONTS: [&str; 4] = ["page_403", "page_404", "page_405", "redirect"];
/// Where it does. A list that is closed is another matter: then nobody reads anything back.
const FRONTED: [&str; 5] = ["customer.list", "allocate", "customer.add", "customer.edit", "progress.add"];
const FRONTED_SHARE: f64 = 0.003;
/// The ERP refuses a new customer as a duplicate (查重) for no reason that anybody sees.
const REFUSAL: &str = "customer.add:refuse:p=0.03,text=手机重复，不能保存";
/// Of all calls, that come late: each costs the client's whole patience in real time.
const LATE: f64 = 0.002;

/// Faults on 5 % of all calls; the late ones come after the client's `patience`. `blind`: the progress list is closed, or shows
/// other texts than were sent, so that a save which stores nothing and says otherwise can be found out by nobody; that one fault
/// is left out for it.
pub fn faults(blind: bool, patience: Duration) -> Vec<FaultRule> {
    let late = |after: u64| patience.as_millis() as u64 + after;
    let each = (FAULTY - LATE) / QUICK.len() as f64;
    let mut rules: Vec<_> = QUICK
        .iter()
        .filter(|kind| !(blind && **kind == "not_stored"))
        .map(|kind| FaultRule { probability: each, ..FaultRule::new("*", kind.parse().unwrap()) })
        .collect();
    for interface in FRONTED {
        let front =
            |kind: &str| FaultRule { probability: FRONTED_SHARE, ..FaultRule::new(interface, kind.parse().unwrap()) };
        rules.extend(FRONTS.map(front));
    }
    rules.push(REFUSAL.parse().unwrap());
    rules.push(FaultRule {
        probability: LATE,
        effect_delay_ms: late(30),
        delay_ms: Some(late(60)),
        ..FaultRule::new("*", "late_effect".parse().unwrap())
    });
    rules
}

/// How often the others get their turn before a commit of the journal, so that many of them share the next one.
const CROWDING: usize = 64;

/// Ends the worker's life, or lets the database fail, at a moment around a commit of the journal.
#[derive(Default)]
pub struct Fate {
    /// Commit moments until it strikes; negative: never.
    left: AtomicI64,
    /// 0: the worker dies; 1: the database fails.
    deed: AtomicU64,
    /// Told when the worker has died.
    pub died: Notify,
    /// Writes of the journal that were asked for, and commits, claims among them.
    asked: AtomicU64,
    commits: AtomicU64,
}

impl Fate {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { left: AtomicI64::new(-1), ..Self::default() })
    }

    /// Draws how it strikes next, and when: within so many commit moments.
    pub fn draw(&self, rng: &mut StdRng, within: i64) {
        self.deed.store(u64::from(rng.random_bool(0.3)), Ordering::SeqCst);
        self.left.store(rng.random_range(0..within), Ordering::SeqCst);
    }

    /// Whether it struck since it was drawn.
    pub fn is_spent(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    /// Writes of the journal that were asked for, and the commits that were made, claims among them.
    pub fn writes_and_commits(&self) -> (u64, u64) {
        (self.asked.load(Ordering::SeqCst), self.commits.load(Ordering::SeqCst))
    }

    pub fn watch(self: &Arc<Self>) -> CommitWatch {
        let fate = self.clone();
        Box::new(move |moment| {
            let fate = fate.clone();
            Box::pin(async move {
                fate.asked.fetch_add(u64::from(moment == CommitMoment::Asked), Ordering::SeqCst);
                if moment == CommitMoment::Before {
                    fate.commits.fetch_add(1, Ordering::SeqCst);
                    // Those who have something to write meanwhile share the next commit.
                    for _ in 0..CROWDING {
                        tokio::task::yield_now().await;
                    }
                }
                if fate.left.load(Ordering::SeqCst) < 0 || fate.left.fetch_sub(1, Ordering::SeqCst) != 0 {
                    return Ok(());
                }
                if fate.deed.load(Ordering::SeqCst) == 1 {
                    return Err(StoreError::Unavailable("the disk is gone for a moment".into()));
                }
                fate.died.notify_one();
                // Nobody who died goes on.
                std::future::pending().await
            })
        })
    }
}
