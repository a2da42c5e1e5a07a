//! The clock of the machine is set by a day, forward and backward: nothing is lost, nothing runs twice, nothing stands
//! still until the day is over.

use std::time::Duration;

use erp_bridge::{
    clock::Millis,
    event::Status,
    store::{Addressee, Advance, Delivery, DoneStep, Settlement, StepState, WriteBack},
};
use serde_json::json;

use super::{LEASE, Ledger, MS, START, given_back, held_for, on_both, step};

on_both! {
    a_clock_set_forward_ends_no_lease_of_a_living_worker
    a_replica_that_sees_the_clock_set_forward_takes_nothing_from_the_others
    a_clock_set_backward_holds_up_nothing_that_is_due
    a_clock_set_backward_leaves_retries_their_pause
    a_clock_set_backward_frees_a_dead_worker_s_turn_after_its_lease
    a_ledger_written_by_a_clock_that_was_ahead_goes_on_at_the_next_start
    a_clock_set_backward_lets_the_login_go
    a_clock_set_backward_holds_up_no_message_to_others
    a_clock_that_runs_moves_nothing
}

const DAY: Duration = Duration::from_secs(86_400);

fn forward(ledger: &Ledger) {
    ledger.clock.set(ledger.clock.now().plus(DAY));
}

fn backward(ledger: &Ledger) {
    ledger.clock.set(ledger.clock.now().minus(DAY));
}

async fn a_clock_set_backward_holds_up_no_message_to_others(ledger: &Ledger) {
    ledger.store.write_back(WriteBack { succeeded: false });
    for contact in ["c1", "c2"] {
        ledger.queue(contact).await;
        let lease = ledger.claim_one().await.lease;
        ledger.store.settle(lease, Settlement::to(Status::Dead).because("refused", "no")).await.unwrap();
    }
    let span = Duration::from_secs(60);
    let mut claimed = ledger.store.claim_messages(Addressee::Platform, 2, span).await.unwrap();
    let (again, _lost) = (claimed.remove(0), claimed.remove(0));
    let later = Delivery::Again("HTTP 503".into(), ledger.clock.now().plus(Duration::from_secs(5)));
    ledger.store.settle_message(&again, &later).await.unwrap();
    backward(ledger);
    ledger.claim(1).await;
    let due = ledger.store.claim_messages(Addressee::Platform, 2, span).await.unwrap();
    assert_eq!(due.iter().map(|message| &message.id).collect::<Vec<_>>(), [&again.id]);
    ledger.clock.advance(Duration::from_secs(300));
    let due = ledger.store.claim_messages(Addressee::Platform, 2, span).await.unwrap();
    assert_eq!(due.len(), 2, "nor one whose sender is dead");
}

async fn a_clock_set_forward_ends_no_lease_of_a_living_worker(ledger: &Ledger) {
    let id = ledger.queue("c1").await;
    let mut claimed = ledger.claim_one().await;
    let steps = [step("progress:1")];
    ledger.store.plan(&mut claimed.lease, &steps, Vec::new()).await.unwrap();
    ledger.clock.advance(LEASE / 2);
    forward(ledger);
    assert!(ledger.claim(10).await.is_empty(), "its call may be under way");
    let done = Advance { done: vec![DoneStep::new(0, json!(1))], ..Advance::default() };
    ledger.store.advance(&mut claimed.lease, &done).await.unwrap();
    ledger.clock.advance(LEASE - MS);
    assert!(ledger.claim(10).await.is_empty());
    ledger.clock.advance(MS);
    assert_eq!(ledger.claim_one().await.event.id, id, "a worker that is dead has a lease's time");
}

async fn a_replica_that_sees_the_clock_set_forward_takes_nothing_from_the_others(ledger: &Ledger) {
    let other = ledger.replica().await;
    assert!(other.claim(1, LEASE).await.unwrap().is_empty());
    let id = ledger.queue("c1").await;
    let mut claimed = ledger.claim_one().await;
    let steps = [step("progress:1")];
    ledger.store.plan(&mut claimed.lease, &steps, Vec::new()).await.unwrap();
    forward(ledger);
    assert!(other.claim(10, LEASE).await.unwrap().is_empty());
    // Whoever takes it over in the end waits for a late effect from now on, not from a day ago.
    let step = &ledger.store.steps(&id).await.unwrap()[0];
    assert_eq!((step.state, step.started_at), (StepState::Started, Some(ledger.clock.now())));
    ledger.store.settle(claimed.lease, Settlement::to(Status::Succeeded)).await.unwrap();
}

async fn a_clock_set_backward_holds_up_nothing_that_is_due(ledger: &Ledger) {
    assert!(ledger.claim(10).await.is_empty());
    let first = ledger.queue("c1").await;
    let second = ledger.queue("c1").await;
    let held = ledger.take_in("c2", held_for(DAY)).await;
    backward(ledger);
    for id in [&first, &second] {
        let claimed = ledger.claim_one().await;
        assert_eq!(&claimed.event.id, id);
        ledger.store.settle(claimed.lease, Settlement::to(Status::Succeeded)).await.unwrap();
    }
    let third = ledger.queue("c1").await;
    assert_eq!(ledger.claim_one().await.event.id, third);
    assert_eq!((ledger.store.expire_held().await, ledger.status(&held).await), (Ok(0), Status::Held));
}

async fn a_clock_set_backward_leaves_retries_their_pause(ledger: &Ledger) {
    let id = ledger.queue("c1").await;
    let pause = Duration::from_secs(600);
    let again = Settlement { next_attempt_at: Some(START.plus(pause)), ..Settlement::to(Status::Queued) };
    ledger.store.settle(ledger.claim_one().await.lease, again).await.unwrap();
    backward(ledger);
    assert!(ledger.claim(10).await.is_empty());
    assert_eq!(ledger.event(&id).await.next_attempt_at, Some(ledger.clock.now().plus(pause)), "and it is said so");
    ledger.clock.advance(pause - MS);
    assert!(ledger.claim(10).await.is_empty(), "one millisecond before");
    ledger.clock.advance(MS);
    assert_eq!(ledger.claim_one().await.event.id, id);
}

async fn a_clock_set_backward_frees_a_dead_worker_s_turn_after_its_lease(ledger: &Ledger) {
    let id = ledger.queue("c1").await;
    let mut claimed = ledger.claim_one().await;
    let steps = [step("progress:1")];
    ledger.store.plan(&mut claimed.lease, &steps, Vec::new()).await.unwrap();
    backward(ledger);
    assert!(ledger.claim(10).await.is_empty());
    assert_eq!(ledger.store.steps(&id).await.unwrap()[0].started_at, Some(ledger.clock.now()));
    ledger.clock.advance(LEASE - MS);
    assert!(ledger.claim(10).await.is_empty(), "one millisecond before its end");
    ledger.clock.advance(MS);
    assert_eq!(ledger.claim_one().await.event.id, id);
}

async fn a_ledger_written_by_a_clock_that_was_ahead_goes_on_at_the_next_start(ledger: &Ledger) {
    let id = ledger.queue("c1").await;
    let behind = ledger.queue("c1").await;
    backward(ledger);
    let started_anew = ledger.replica().await;
    for id in [id, behind] {
        let claimed = started_anew.claim(10, LEASE).await.unwrap().remove(0);
        assert_eq!(claimed.event.id, id);
        started_anew.settle(claimed.lease, Settlement::to(Status::Succeeded)).await.unwrap();
    }
}

async fn a_clock_set_backward_lets_the_login_go(ledger: &Ledger) {
    let take = async |from: Millis| ledger.store.take_login("a", 2, from, from.plus(LEASE)).await.unwrap();
    assert!(take(START).await);
    assert!(!take(START.minus(LEASE)).await, "a replica whose clock is a little behind");
    assert!(take(START.minus(DAY)).await, "the one that had it is gone, and its end a day ahead");
}

/// Neither the time that passes nor a clock that is put right by seconds is a jump.
async fn a_clock_that_runs_moves_nothing(ledger: &Ledger) {
    ledger.queue("c1").await;
    let claimed = ledger.claim_one().await;
    ledger.clock.advance(LEASE - Duration::from_secs(5));
    ledger.clock.set(ledger.clock.now().plus(Duration::from_secs(5) - MS));
    assert!(ledger.claim(10).await.is_empty());
    ledger.clock.advance(MS);
    let successor = ledger.claim_one().await;
    assert_ne!(successor.lease.token, claimed.lease.token, "the lease ended when it said");
    ledger.store.settle(successor.lease, given_back(Vec::new())).await.unwrap();
    ledger.clock.advance(DAY);
    assert_eq!(ledger.claim(10).await.len(), 1);
}
