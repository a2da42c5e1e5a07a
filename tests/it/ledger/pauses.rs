//! Pauses: what is paused is not claimed, and stands in nobody's way.

use std::time::Duration;

use erp_bridge::{
    clock::Millis,
    event::Status,
    store::{Intake, NewEvent, PauseScope, Settlement, WaitsFor},
};

use super::{Ledger, START, event, ids, on_both};

on_both! {
    a_paused_type_stops_its_events_and_the_later_ones_of_their_contacts_and_no_others
    an_event_says_whether_it_waits_for_an_older_one_or_for_a_pause
    a_contact_that_is_paused_waits_however_its_event_came_to_be_the_next
    nothing_is_claimed_while_everything_is_paused
    a_pause_ends_by_itself_at_its_moment_and_that_is_audited
    a_large_backlog_of_a_paused_type_hides_no_other_event
    every_replica_obeys
    what_a_pause_parked_is_no_suspect_afterwards
}

fn deals() -> PauseScope {
    PauseScope::Kind("deal.closed".into())
}

async fn pause(ledger: &Ledger, scope: &PauseScope, until: Option<Millis>) {
    ledger.store.pause(scope, "盘点", until, &"ops".into()).await.unwrap();
}

/// Ends a pause and releases what it had parked, as a worker does.
async fn resume(ledger: &Ledger, scope: &PauseScope) {
    assert!(ledger.store.resume(scope, None, &"ops".into(), None).await.unwrap());
    release(ledger).await;
}

async fn release(ledger: &Ledger) {
    for name in ledger.store.ended_blocks().await.unwrap() {
        while ledger.store.release_parked(&name).await.unwrap() {}
    }
}

async fn deal(ledger: &Ledger, webhook_id: &str, contact: &str) -> String {
    ledger.accept(NewEvent { kind: "deal.closed".into(), ..event(webhook_id, contact) }).await
}

async fn a_paused_type_stops_its_events_and_the_later_ones_of_their_contacts_and_no_others(ledger: &Ledger) {
    let deal = deal(ledger, "d1", "c1").await;
    let behind = ledger.queue("c1").await;
    let other = ledger.queue("c2").await;
    pause(ledger, &deals(), None).await;
    let claimed = ledger.claim(10).await;
    assert_eq!(ids(&claimed), [other]);
    assert!(ledger.claim(10).await.is_empty(), "{deal} and {behind} wait");
    assert_eq!(ledger.store.next_due().await.unwrap().filter(|due| *due <= START), None, "no worker looks in vain");
    let pause = &ledger.store.pauses().await.unwrap()[0];
    assert_eq!(ledger.store.paused_contacts().await.unwrap()[&pause.name], 1);
    resume(ledger, &deals()).await;
    let claimed = ledger.claim_one().await;
    assert_eq!(claimed.event.id, deal);
    ledger.store.settle(claimed.lease, Settlement::to(Status::Succeeded)).await.unwrap();
    assert_eq!(ledger.claim_one().await.event.id, behind);
}

async fn an_event_says_whether_it_waits_for_an_older_one_or_for_a_pause(ledger: &Ledger) {
    let deal = deal(ledger, "d1", "c1").await;
    let behind = ledger.queue("c1").await;
    let waits = async |id: &str| ledger.store.waits_for(&ledger.event(id).await).await.unwrap();
    let earlier = |status| Some(WaitsFor::Earlier { event_id: deal.clone(), status });
    assert_eq!((waits(&deal).await, waits(&behind).await), (None, earlier(Status::Queued)));
    pause(ledger, &deals(), None).await;
    assert!(ledger.claim(10).await.is_empty());
    let Some(WaitsFor::Pause(pause)) = waits(&deal).await else { panic!("{:?}", waits(&deal).await) };
    assert_eq!((pause.scope, pause.reason.as_str()), (deals(), "盘点"));
    resume(ledger, &deals()).await;
    let lease = ledger.claim_one().await.lease;
    ledger.store.settle(lease, Settlement::to(Status::NeedsReview)).await.unwrap();
    assert_eq!((waits(&deal).await, waits(&behind).await), (None, earlier(Status::NeedsReview)));
    ledger.store.discard(&deal, &"ops".into(), None, None).await.unwrap();
    assert_eq!(waits(&behind).await, None, "it is its turn");
}

async fn a_contact_that_is_paused_waits_however_its_event_came_to_be_the_next(ledger: &Ledger) {
    let scope = PauseScope::Contact("c1".into());
    let first = ledger.queue("c1").await;
    let second = ledger.queue("c1").await;
    let claimed = ledger.claim_one().await;
    assert_eq!(claimed.event.id, first);
    pause(ledger, &scope, None).await;
    // What was in hand ends, and the turn moves on to one that waits.
    ledger.store.settle(claimed.lease, Settlement::to(Status::Succeeded)).await.unwrap();
    assert!(ledger.claim(10).await.is_empty());
    // Another one that an operator puts back, too.
    ledger.store.discard(&second, &"ops".into(), None, None).await.unwrap();
    ledger.store.replay(&second, &"ops".into(), None, None).await.unwrap();
    assert!(ledger.claim(10).await.is_empty());
    resume(ledger, &scope).await;
    assert_eq!(ledger.claim_one().await.event.id, second);
}

async fn nothing_is_claimed_while_everything_is_paused(ledger: &Ledger) {
    ledger.queue("c1").await;
    pause(ledger, &PauseScope::All, None).await;
    assert!(ledger.claim(10).await.is_empty());
    resume(ledger, &PauseScope::All).await;
    ledger.claim_one().await;
    assert!(!ledger.store.resume(&PauseScope::All, None, &"ops".into(), None).await.unwrap(), "it stands no more");
    let audit: Vec<_> = ledger.store.audit_log(None, 10).await.unwrap().into_iter().map(|row| row.action).collect();
    assert_eq!(audit, ["dispatch.resume", "dispatch.pause"]);
}

async fn a_pause_ends_by_itself_at_its_moment_and_that_is_audited(ledger: &Ledger) {
    let id = ledger.queue("c1").await;
    let until = START.plus(Duration::from_secs(60));
    pause(ledger, &PauseScope::Contact("c1".into()), Some(until)).await;
    assert!(ledger.claim(10).await.is_empty());
    ledger.clock.advance(Duration::from_millis(59_999));
    assert_eq!(ledger.store.pauses().await.unwrap().len(), 1);
    release(ledger).await;
    assert!(ledger.claim(10).await.is_empty());
    ledger.clock.advance(Duration::from_millis(1));
    assert!(ledger.store.pauses().await.unwrap().is_empty());
    release(ledger).await;
    assert_eq!(ledger.claim_one().await.event.id, id);
    let last = ledger.store.audit_log(None, 1).await.unwrap().remove(0);
    assert_eq!(
        (last.actor.as_str(), last.action.as_str(), last.subject.as_str()),
        ("bridge", "dispatch.resume", "contact c1")
    );
}

async fn a_large_backlog_of_a_paused_type_hides_no_other_event(ledger: &Ledger) {
    for number in 0..450 {
        deal(ledger, &format!("d{number}"), &format!("c{number}")).await;
    }
    let other = ledger.take_in("other", Intake::Queue).await;
    pause(ledger, &deals(), None).await;
    // Two hundred at a time are parked: the third claim comes to the other one.
    let mut claims = 0;
    let claimed = loop {
        claims += 1;
        let claimed = ledger.claim(8).await;
        if !claimed.is_empty() {
            break claimed;
        }
    };
    assert_eq!((ids(&claimed), claims), (vec![other], 3));
    resume(ledger, &deals()).await;
    assert_eq!(ledger.claim(1_000).await.len(), 450);
}

async fn every_replica_obeys(ledger: &Ledger) {
    if ledger.is_sqlite() {
        return;
    }
    ledger.queue("c1").await;
    let replica = ledger.replica().await;
    pause(ledger, &PauseScope::Contact("c1".into()), None).await;
    assert!(replica.claim(10, super::LEASE).await.unwrap().is_empty());
    assert!(replica.resume(&PauseScope::Contact("c1".into()), None, &"ops".into(), None).await.unwrap());
    release(ledger).await;
    ledger.claim_one().await;
}

async fn what_a_pause_parked_is_no_suspect_afterwards(ledger: &Ledger) {
    ledger.queue("c1").await;
    let scope = PauseScope::Contact("c1".into());
    for _ in 0..3 {
        pause(ledger, &scope, None).await;
        assert!(ledger.claim(10).await.is_empty());
        resume(ledger, &scope).await;
    }
    assert_eq!(ledger.claim_one().await.cut_short, 0);
}
