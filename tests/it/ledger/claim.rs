//! Turns: who may work on which contact, and until when.

use std::collections::HashSet;

use erp_bridge::{
    event::{Link, LinkKind, LinkedBy, Status},
    store::{Advance, CallRow, DoneStep, Lease, Settlement, StepState, Store, StoreError},
};
use serde_json::json;

use super::{LEASE, Ledger, MS, event, given_back, ids, on_both, step};

on_both! {
    of_each_contact_the_oldest_event_is_claimed_and_the_oldest_of_all_first
    none_of_a_contact_is_claimed_while_another_is_in_flight
    the_limit_is_kept_below_at_and_above_what_is_due
    a_lease_holds_until_the_millisecond_before_its_end
    a_sign_of_life_extends_the_lease
    two_claimers_at_once_never_get_the_same_turn
    a_late_worker_writes_nothing
    a_claim_brings_the_link_and_the_journal_so_far
    what_waits_for_its_time_holds_nobody_else_up
    it_is_known_when_the_next_turn_falls_due
    who_is_cut_short_twice_in_a_row_is_a_suspect_until_a_step_is_done_or_the_run_is_settled
}

async fn of_each_contact_the_oldest_event_is_claimed_and_the_oldest_of_all_first(ledger: &Ledger) {
    let mut first = Vec::new();
    for contact in ["b", "a", "c"] {
        first.push(ledger.queue(contact).await);
        ledger.queue(contact).await;
        ledger.clock.advance(MS);
    }
    assert_eq!(ids(&ledger.claim(1).await), [first[0].clone()]);
    assert_eq!(ids(&ledger.claim(1).await), [first[1].clone()]);
    assert_eq!(ids(&ledger.claim(10).await), [first[2].clone()]);
    for id in &first {
        assert_eq!(ledger.status(id).await, Status::Running);
    }
}

async fn none_of_a_contact_is_claimed_while_another_is_in_flight(ledger: &Ledger) {
    ledger.queue("c1").await;
    let second = ledger.queue("c1").await;
    let claimed = ledger.claim_one().await;
    assert!(ledger.claim(10).await.is_empty());
    // Nor one that comes while the first is running.
    let third = ledger.queue("c1").await;
    assert!(ledger.claim(10).await.is_empty());
    ledger.store.settle(claimed.lease, Settlement::to(Status::Succeeded)).await.unwrap();
    let claimed = ledger.claim_one().await;
    assert_eq!(claimed.event.id, second);
    ledger.store.settle(claimed.lease, Settlement::to(Status::Succeeded)).await.unwrap();
    assert_eq!(ledger.claim_one().await.event.id, third);
}

async fn the_limit_is_kept_below_at_and_above_what_is_due(ledger: &Ledger) {
    for number in 0..6 {
        ledger.queue(&format!("c{number}")).await;
    }
    assert!(ledger.claim(0).await.is_empty());
    assert_eq!(ledger.claim(2).await.len(), 2, "below");
    assert_eq!(ledger.claim(4).await.len(), 4, "at");
    for number in 6..9 {
        ledger.queue(&format!("c{number}")).await;
    }
    assert_eq!(ledger.claim(4).await.len(), 3, "above");
}

async fn a_lease_holds_until_the_millisecond_before_its_end(ledger: &Ledger) {
    let id = ledger.queue("c1").await;
    let first = ledger.claim_one().await;
    assert_eq!(first.lease.until, ledger.clock.now().plus(LEASE));
    ledger.clock.advance(LEASE - MS);
    assert!(ledger.claim(10).await.is_empty(), "one millisecond before its end");
    ledger.clock.advance(MS);
    let second = ledger.claim_one().await;
    assert_eq!(second.event.id, id, "at its end");
    assert_ne!(second.lease.token, first.lease.token);
    assert_eq!(second.event.attempts, 0, "a worker's death costs the event nothing");
}

async fn a_sign_of_life_extends_the_lease(ledger: &Ledger) {
    ledger.queue("c1").await;
    let mut lease = ledger.claim_one().await.lease;
    ledger.clock.advance(LEASE - MS);
    ledger.store.advance(&mut lease, &Advance::default()).await.unwrap();
    assert_eq!(lease.until, ledger.clock.now().plus(LEASE));
    ledger.clock.advance(LEASE - MS);
    assert!(ledger.claim(10).await.is_empty());
    ledger.clock.advance(MS);
    assert_eq!(ledger.claim(10).await.len(), 1);
}

async fn two_claimers_at_once_never_get_the_same_turn(ledger: &Ledger) {
    const CONTACTS: usize = 90;
    let other = ledger.replica().await;
    let accepted = (0..CONTACTS).map(|number| ledger.accept(event(&format!("w{number}"), &format!("c{number}"))));
    let accepted: HashSet<_> = futures::future::join_all(accepted).await.into_iter().collect();
    let claim_all = async |store: &Store| {
        let mut all = Vec::new();
        for limit in (1..=7).cycle() {
            let claimed = store.claim(limit, LEASE).await.unwrap();
            // Empty too where the other one has just these turns in hand; what is left is counted below.
            if claimed.is_empty() {
                return all;
            }
            all.extend(claimed.into_iter().map(|one| one.event.id));
        }
        all
    };
    let (one, two) = futures::join!(claim_all(&ledger.store), claim_all(&other));
    let rest: Vec<_> = ledger.claim(CONTACTS).await.into_iter().map(|one| one.event.id).collect();
    let all = [one, two, rest].concat();
    assert_eq!(all.len(), CONTACTS, "each once");
    assert_eq!(all.into_iter().collect::<HashSet<_>>(), accepted);
}

/// Everything that a worker writes, by a worker whose turn another one has taken.
async fn a_late_worker_writes_nothing(ledger: &Ledger) {
    let id = ledger.queue("c1").await;
    let late = ledger.claim_one().await.lease;
    ledger.clock.advance(LEASE);
    let mut lease = ledger.claim_one().await.lease;
    let steps = [step("progress:1")];
    ledger.store.plan(&mut lease, &steps, Vec::new()).await.unwrap();
    let before = (ledger.event(&id).await, ledger.store.steps(&id).await.unwrap());

    let lost = |answer: Result<(), StoreError>| assert_eq!(answer, Err(StoreError::LeaseLost));
    let link = Link { ord: 1, khid: "x".into(), kind: LinkKind::Person, linked_by: LinkedBy::Created };
    let advance = Advance {
        done: vec![DoneStep::new(0, json!({}))],
        link: Some(link),
        calls: vec![call()],
        ..Advance::default()
    };
    let store = &ledger.store;
    let copy = || Lease { ..late.clone() };
    lost(store.advance(&mut copy(), &advance).await);
    lost(store.plan(&mut copy(), &steps, vec![call()]).await.map(drop));
    lost(store.reserve(&mut copy(), &["identity".into()]).await.map(drop));
    lost(store.settle(copy(), Settlement::succeeded(advance.clone())).await.map(drop));
    lost(store.settle(copy(), given_back(vec![call()])).await.map(drop));

    let after = (ledger.event(&id).await, store.steps(&id).await.unwrap());
    assert_eq!((after.0.status, after.0.updated_at), (before.0.status, before.0.updated_at));
    assert_eq!((after.1.len(), after.1[0].state), (1, StepState::Started));
    assert!(store.calls(&id).await.unwrap().items.is_empty());
    assert_eq!(store.contact("c1").await.unwrap(), None);
    store.advance(&mut lease, &advance).await.unwrap();
}

async fn a_claim_brings_the_link_and_the_journal_so_far(ledger: &Ledger) {
    ledger.queue("c1").await;
    let mut lease = ledger.claim_one().await.lease;
    let steps = ["allocate", "link", "assign"].map(step);
    ledger.store.plan(&mut lease, &steps, Vec::new()).await.unwrap();
    let link = Link { ord: 9, khid: "WXc1".into(), kind: LinkKind::Person, linked_by: LinkedBy::Created };
    let advance = Advance {
        done: vec![DoneStep::new(0, json!({ "ord": 9 }))],
        start: Some(1),
        link: Some(link),
        ..Advance::default()
    };
    ledger.store.advance(&mut lease, &advance).await.unwrap();
    ledger.clock.advance(LEASE);
    let claimed = ledger.claim_one().await;
    assert_eq!(claimed.contact.unwrap().link.ord, 9);
    let states: Vec<_> = claimed.steps.iter().map(|step| (step.name.as_str(), step.state)).collect();
    assert_eq!(states, [("allocate", StepState::Done), ("link", StepState::Started), ("assign", StepState::Planned)]);
    assert_eq!(claimed.steps[0].result, Some(json!({ "ord": 9 })));
}

async fn what_waits_for_its_time_holds_nobody_else_up(ledger: &Ledger) {
    for number in 0..5 {
        ledger.queue(&format!("old{number}")).await;
    }
    for claimed in ledger.claim(5).await {
        let later =
            Settlement { next_attempt_at: Some(ledger.clock.now().plus(LEASE)), ..Settlement::to(Status::Queued) };
        ledger.store.settle(claimed.lease, later).await.unwrap();
    }
    let fresh = ledger.queue("fresh").await;
    assert_eq!(ids(&ledger.claim(5).await), [fresh]);
    ledger.clock.advance(LEASE - MS);
    assert!(ledger.claim(5).await.is_empty());
    ledger.clock.advance(MS);
    assert_eq!(ledger.claim(10).await.len(), 6, "those five, and the one whose worker is silent since");
}

async fn it_is_known_when_the_next_turn_falls_due(ledger: &Ledger) {
    assert_eq!(ledger.store.next_due().await.unwrap(), None);
    ledger.queue("c1").await;
    assert_eq!(ledger.store.next_due().await.unwrap(), Some(ledger.clock.now()));
    let claimed = ledger.claim_one().await;
    assert_eq!(ledger.store.next_due().await.unwrap(), Some(claimed.lease.until), "the lease's end");
    ledger.store.settle(claimed.lease, Settlement::to(Status::NeedsReview)).await.unwrap();
    assert_eq!(ledger.store.next_due().await.unwrap(), None, "a person is no moment");
}

fn call() -> CallRow {
    CallRow {
        step: "progress:1".into(),
        interface: "洽谈进展".into(),
        started_at: super::START,
        duration_ms: 1,
        outcome: "ok".into(),
        request: json!({}),
        response: String::new(),
    }
}

async fn who_is_cut_short_twice_in_a_row_is_a_suspect_until_a_step_is_done_or_the_run_is_settled(ledger: &Ledger) {
    let store = &ledger.store;
    // Neither settled nor come on: as after the end of the process.
    let cut_short = async |expected: i64| {
        let claimed = ledger.claim_one().await;
        assert_eq!(claimed.cut_short, expected);
        ledger.clock.advance(LEASE);
        claimed
    };
    let id = ledger.queue("c1").await;
    cut_short(0).await;
    assert!(!store.has_suspect().await.unwrap());
    cut_short(1).await;
    assert!(store.has_suspect().await.unwrap());
    let other = ledger.queue("c2").await;
    assert_eq!(ids(&ledger.claim(10).await), [other], "a suspect is not claimed among others");
    let mut suspect = store.claim_suspect(LEASE).await.unwrap().unwrap();
    assert_eq!((&suspect.event.id, suspect.cut_short), (&id, 2));
    assert!(store.claim_suspect(LEASE).await.unwrap().is_none(), "it is in hand");
    // Planning is no progress, a step that is done is.
    store.plan(&mut suspect.lease, &[step("a"), step("b")], Vec::new()).await.unwrap();
    ledger.clock.advance(LEASE);
    let mut suspect = store.claim_suspect(LEASE).await.unwrap().unwrap();
    assert_eq!(suspect.cut_short, 3);
    let done = Advance { done: vec![DoneStep::new(0, json!(1))], start: Some(1), ..Advance::default() };
    store.advance(&mut suspect.lease, &done).await.unwrap();
    ledger.clock.advance(LEASE);
    let again = ledger.claim(10).await.into_iter().find(|claimed| claimed.event.id == id).unwrap();
    assert_eq!(again.cut_short, 0);
    store.settle(again.lease, given_back(Vec::new())).await.unwrap();
    let again = ledger.claim(10).await.into_iter().find(|claimed| claimed.event.id == id).unwrap();
    assert_eq!(again.cut_short, 0, "what is settled was not cut short");
}
