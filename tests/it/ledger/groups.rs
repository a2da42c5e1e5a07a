//! Writes of the journal that share a commit: what they have in common, and what stays each one's own.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use erp_bridge::{
    clock::Clock,
    event::{Link, LinkKind, LinkedBy, Status},
    store::{Advance, CallRow, Claimed, CommitMoment, DoneStep, Lease, Settlement, Store, StoreError},
};
use futures::future::join_all;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use tokio::sync::Notify;

use super::{LEASE, Ledger, START, given_back, on_both, step};
use crate::support::Seed;

on_both! {
    what_waits_for_a_commit_is_committed_together_with_the_next
    who_lost_the_lease_is_left_out_of_the_group_and_nobody_else
    a_write_at_fault_costs_itself_and_nobody_else_of_its_group
    what_the_database_refuses_of_one_write_is_refused_to_nobody_else_of_its_group
    a_group_whose_commit_fails_is_told_to_all_of_it
    of_two_contacts_in_one_group_one_gets_the_identity
    an_allocated_id_is_refused_with_the_calls_kept
    a_write_that_nobody_waits_for_any_more_holds_up_nobody
    a_group_writes_what_its_writes_write_one_by_one
    groups_of_two_replicas_that_want_the_same_identities_end
}

/// Counts the commits of the journal from now on; they fail where `fails` says so. What is handed in before the writer gets
/// its turn, as by one `join_all`, is one group.
fn count_commits(store: &Store, fails: bool) -> Arc<AtomicUsize> {
    let commits = Arc::new(AtomicUsize::new(0));
    let counted = commits.clone();
    store.watch_commits(Box::new(move |moment| {
        let is_commit = moment == CommitMoment::Before;
        counted.fetch_add(usize::from(is_commit), Ordering::SeqCst);
        let gone = || StoreError::Unavailable("the disk is gone for a moment".into());
        let answer = if fails && is_commit { Err(gone()) } else { Ok(()) };
        Box::pin(async { answer })
    }));
    commits
}

/// Turns of `count` contacts, claimed, in the order of the contacts' names.
async fn claimed(ledger: &Ledger, count: usize) -> Vec<Claimed> {
    for number in 0..count {
        ledger.queue(&format!("c{number:02}")).await;
    }
    let mut claimed = ledger.claim(count).await;
    claimed.sort_by(|one, other| one.lease.contact_id.cmp(&other.lease.contact_id));
    assert_eq!(claimed.len(), count);
    claimed
}

fn leases(claimed: &[Claimed]) -> Vec<Lease> {
    claimed.iter().map(|one| one.lease.clone()).collect()
}

fn call(response: &str) -> CallRow {
    CallRow {
        step: "survey".into(),
        interface: "客户列表".into(),
        started_at: START,
        duration_ms: 7,
        outcome: "ok".into(),
        request: json!({ "khid": "WXc1" }),
        response: response.into(),
    }
}

async fn settle_all(store: &Store, leases: Vec<Lease>) -> Vec<Result<(), StoreError>> {
    let settle = async |lease| store.settle(lease, Settlement::to(Status::Succeeded)).await.map(drop);
    join_all(leases.into_iter().map(settle)).await
}

async fn what_waits_for_a_commit_is_committed_together_with_the_next(ledger: &Ledger) {
    const WRITES: usize = 40;
    let claimed = claimed(ledger, WRITES).await;
    let commits = count_commits(&ledger.store, false);
    let settled = settle_all(&ledger.store, leases(&claimed)).await;
    assert_eq!(settled, vec![Ok(()); WRITES]);
    assert_eq!(commits.load(Ordering::SeqCst), 1);
    for one in claimed {
        assert_eq!(ledger.status(&one.event.id).await, Status::Succeeded);
        assert!(!ledger.store.has_turn(&one.lease.contact_id).await.unwrap());
    }
}

async fn who_lost_the_lease_is_left_out_of_the_group_and_nobody_else(ledger: &Ledger) {
    let late = claimed(ledger, 6).await;
    ledger.clock.advance(LEASE);
    // Three of them are taken over by another worker.
    let taken = ledger.claim(3).await;
    let taken: Vec<_> = taken.into_iter().map(|one| one.event.id).collect();
    let commits = count_commits(&ledger.store, false);
    let settled = settle_all(&ledger.store, leases(&late)).await;
    for (one, settled) in late.iter().zip(settled) {
        let is_taken = taken.contains(&one.event.id);
        assert_eq!(settled, if is_taken { Err(StoreError::LeaseLost) } else { Ok(()) });
        let status = ledger.status(&one.event.id).await;
        assert_eq!(status, if is_taken { Status::Running } else { Status::Succeeded });
    }
    assert_eq!(commits.load(Ordering::SeqCst), 1);
}

async fn a_write_at_fault_costs_itself_and_nobody_else_of_its_group(ledger: &Ledger) {
    let claimed = claimed(ledger, 5).await;
    // Past the ledger: no run can end of an event that is not running.
    ledger.run(&format!("update events set status = 'held' where id = '{}'", claimed[2].event.id)).await;
    let settled = settle_all(&ledger.store, leases(&claimed)).await;
    let expected: Vec<_> =
        (0..5).map(|number| if number == 2 { Err(StoreError::WrongState(Status::Held)) } else { Ok(()) }).collect();
    assert_eq!(settled, expected);
}

async fn what_the_database_refuses_of_one_write_is_refused_to_nobody_else_of_its_group(ledger: &Ledger) {
    let claimed = claimed(ledger, 5).await;
    ledger.run("create unique index one_of_each on calls (response)").await;
    let settle = async |(number, lease): (usize, Lease)| {
        // The fourth says what the second has said.
        let calls = vec![call(&(if number == 3 { 1 } else { number }).to_string())];
        ledger.store.settle(lease, given_back(calls)).await.map(drop)
    };
    let settled = join_all(leases(&claimed).into_iter().enumerate().map(settle)).await;
    let refused: Vec<_> = settled.iter().map(|it| matches!(it, Err(StoreError::Data(_)))).collect();
    assert_eq!(refused, [false, false, false, true, false], "{settled:?}");
    assert_eq!(settled.iter().filter(|it| it.is_ok()).count(), 4);
    assert_eq!(ledger.status(&claimed[3].event.id).await, Status::Running, "nothing of it was written");
}

async fn a_group_whose_commit_fails_is_told_to_all_of_it(ledger: &Ledger) {
    let claimed = claimed(ledger, 5).await;
    let commits = count_commits(&ledger.store, true);
    let settled = settle_all(&ledger.store, leases(&claimed)).await;
    assert_eq!(commits.load(Ordering::SeqCst), 1, "it may be on the disk: it is not repeated");
    for (one, settled) in claimed.iter().zip(settled) {
        assert!(matches!(settled, Err(StoreError::Unavailable(_))), "{settled:?}");
        assert_eq!(ledger.status(&one.event.id).await, Status::Running);
    }
}

async fn of_two_contacts_in_one_group_one_gets_the_identity(ledger: &Ledger) {
    let mut leases = leases(&claimed(ledger, 4).await);
    let wishes = [["a", "b"], ["c", "d"], ["d", "e"], ["e", "f"]].map(|wish| wish.map(str::to_owned));
    let reserve = async |(lease, wish): (&mut Lease, &[String; 2])| ledger.store.reserve(lease, wish).await.unwrap();
    let reserved = join_all(leases.iter_mut().zip(&wishes).map(reserve)).await;
    assert_eq!(reserved, [true, true, false, true], "who is refused one gets none, and holds up nobody");
}

async fn an_allocated_id_is_refused_with_the_calls_kept(ledger: &Ledger) {
    let store = &ledger.store;
    for (contact, ord, is_free) in [("c1", 7, true), ("c2", 7, false), ("c3", 8, true), ("c4", 9, false)] {
        let id = ledger.queue(contact).await;
        let mut lease = ledger.claim_one().await.lease;
        store.plan(&mut lease, &[step("allocate"), step("save_customer")], Vec::new()).await.unwrap();
        let done = vec![DoneStep::new(0, json!({ "ord": ord }))];
        let advance = Advance { done, start: Some(1), calls: vec![call("1")], ..Advance::default() };
        assert_eq!(store.advance_allocated(&mut lease, &advance, ord).await.unwrap(), is_free, "{contact}");
        let begun = store.steps(&id).await.unwrap().iter().filter(|step| step.result.is_some()).count();
        assert_eq!((begun, store.calls(&id).await.unwrap().items.len()), (usize::from(is_free), 1));
        if contact == "c3" {
            // It becomes a customer under another id.
            let link = Link { ord: 9, khid: "WX".into(), kind: LinkKind::Person, linked_by: LinkedBy::Created };
            let last = Advance { link: Some(link), ..Advance::default() };
            store.settle(lease, Settlement::succeeded(last)).await.unwrap();
        }
    }
}

async fn a_write_that_nobody_waits_for_any_more_holds_up_nobody(ledger: &Ledger) {
    let claimed = claimed(ledger, 2).await;
    // The first commit never ends by itself.
    let (is_first, begun) = (AtomicBool::new(true), Arc::new(Notify::new()));
    let told = begun.clone();
    ledger.store.watch_commits(Box::new(move |moment| {
        let is_held = moment == CommitMoment::Before && is_first.swap(false, Ordering::SeqCst);
        if is_held {
            told.notify_one();
        }
        Box::pin(async move { if is_held { std::future::pending().await } else { Ok(()) } })
    }));
    let settle = |one: &Claimed| ledger.store.settle(one.lease.clone(), Settlement::to(Status::Succeeded));
    tokio::select! {
        biased;
        _ = settle(&claimed[0]) => panic!("its commit is held back"),
        () = begun.notified() => {}
    }
    settle(&claimed[1]).await.unwrap();
    assert_eq!(ledger.status(&claimed[0].event.id).await, Status::Running, "its worker died before the commit");
    assert_eq!(ledger.status(&claimed[1].event.id).await, Status::Succeeded);
}

/// One thing that a worker writes, drawn.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Plan(usize),
    Done,
    Reset,
    Acknowledged,
    Linked,
    Reserved(u32),
    Ended(Status, bool),
}

fn draw(rng: &mut StdRng) -> Deed {
    match rng.random_range(0..9) {
        0 | 1 => Deed::Plan(rng.random_range(1..4)),
        2 | 3 => Deed::Done,
        4 => Deed::Reset,
        5 => Deed::Acknowledged,
        6 => Deed::Linked,
        7 => Deed::Reserved(rng.random_range(0..6)),
        _ => {
            let ends = [Status::Succeeded, Status::Dead, Status::Queued, Status::NeedsReview, Status::Held];
            Deed::Ended(ends[rng.random_range(0..ends.len())], rng.random())
        }
    }
}

async fn carry_out(store: &Store, lease: &mut Lease, deed: Deed) -> bool {
    let names = ["allocate", "save_customer", "link", "assign"];
    let calls = vec![call("1"), call("2")];
    let advance = match deed {
        Deed::Plan(count) => {
            store.plan(lease, &names.map(step)[..count], calls).await.unwrap();
            return true;
        }
        Deed::Reserved(number) => {
            let wish: Vec<String> = [number, number + 1].iter().map(ToString::to_string).collect();
            store.reserve(lease, &wish).await.unwrap();
            return true;
        }
        Deed::Ended(status, replan) => {
            let last = Advance { calls, ..Advance::default() };
            let due = (status == Status::Queued).then_some(START);
            let end = Settlement { replan, counts: replan, next_attempt_at: due, last, ..Settlement::to(status) };
            store.settle(lease.clone(), end.because("said", "words")).await.unwrap();
            return false;
        }
        Deed::Done => {
            Advance { done: vec![DoneStep::new(0, json!({ "ord": 7 }))], start: Some(1), ..Advance::default() }
        }
        Deed::Reset => Advance { reset: Some(1), unseen: true, ..Advance::default() },
        Deed::Acknowledged => Advance { acknowledged: Some((0, json!({ "said": "好" }))), ..Advance::default() },
        Deed::Linked => {
            let link = Link { ord: 5, khid: "WX".into(), kind: LinkKind::Person, linked_by: LinkedBy::Created };
            Advance { done: vec![DoneStep::new(1, json!(null))], link: Some(link), ..Advance::default() }
        }
    };
    store.advance(lease, &Advance { calls, ..advance }).await.unwrap();
    true
}

/// Everything that the journal has of a contact, without what is drawn anew for each event.
async fn journal_of(ledger: &Ledger, contact: &str, id: &str) -> String {
    let event = ledger.event(id).await;
    let steps = ledger.store.steps(id).await.unwrap();
    let calls = ledger.store.calls(id).await.unwrap().items;
    let turn = ledger.store.has_turn(contact).await.unwrap();
    let link = ledger.store.contact(contact).await.unwrap();
    let of_event =
        (event.status, event.attempts, event.error, event.next_attempt_at, event.updated_at, event.finished_at);
    format!("{of_event:?}\n{steps:#?}\n{calls:?}\n{turn} {link:?}")
}

async fn a_group_writes_what_its_writes_write_one_by_one(ledger: &Ledger) {
    const CONTACTS: usize = 12;
    let apart = if ledger.is_sqlite() { Ledger::sqlite().await } else { Ledger::postgres().await };
    let seed = Seed::asked_or(Clock::system().now().0.unsigned_abs(), "a_group_writes_what_its_writes");
    let mut rng = StdRng::seed_from_u64(seed.number);
    let mut ids = BTreeMap::new();
    for number in 0..CONTACTS {
        let contact = format!("c{number:02}");
        ids.insert(contact.clone(), (ledger.queue(&contact).await, apart.queue(&contact).await));
    }
    let mut together: BTreeMap<String, Lease> = BTreeMap::new();
    let mut alone = together.clone();
    for _ in 0..25 {
        for (ledger, leases) in [(ledger, &mut together), (&apart, &mut alone)] {
            leases
                .extend(ledger.claim(CONTACTS).await.into_iter().map(|one| (one.lease.contact_id.clone(), one.lease)));
        }
        let deeds: Vec<Deed> = together.iter().map(|_| draw(&mut rng)).collect();
        let writes = together.values_mut().zip(&deeds).map(|(lease, deed)| carry_out(&ledger.store, lease, *deed));
        let mut goes_on = join_all(writes).await.into_iter();
        together.retain(|_, _| goes_on.next().unwrap());
        let mut kept = Vec::new();
        for (lease, deed) in alone.values_mut().zip(&deeds) {
            kept.push(carry_out(&apart.store, lease, *deed).await);
        }
        let mut kept = kept.into_iter();
        alone.retain(|_, _| kept.next().unwrap());
        for (contact, (one, other)) in &ids {
            let (one, other) = (journal_of(ledger, contact, one).await, journal_of(&apart, contact, other).await);
            assert_eq!(one, other, "{contact} after {deeds:?}");
        }
    }
}

async fn groups_of_two_replicas_that_want_the_same_identities_end(ledger: &Ledger) {
    if ledger.is_sqlite() {
        return; // A SQLite ledger is one process's.
    }
    let other = ledger.replica().await;
    for round in 0..20 {
        let claimed = claimed(ledger, 16).await;
        let wants = async |(number, one): (usize, Claimed)| {
            let store = if number % 2 == 0 { &ledger.store } else { &other };
            let (mut lease, identity) = (one.lease, |offset: usize| format!("{}", (number * 7 + offset * 5) % 16));
            let reserved = store.reserve(&mut lease, &[identity(0), identity(1), identity(2)]).await.unwrap();
            store.settle(lease, Settlement::to(Status::Succeeded)).await.unwrap();
            reserved
        };
        let all = join_all(claimed.into_iter().enumerate().map(wants));
        let reserved = tokio::time::timeout(Duration::from_secs(60), all).await.expect("they end");
        assert!(reserved.contains(&true), "{round}: {reserved:?}");
    }
}
