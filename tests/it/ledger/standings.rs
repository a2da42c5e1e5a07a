//! What the ledger keeps of a contact for admission: the last score and the deals, in the order of acceptance.

use std::time::Duration;

use erp_bridge::{
    event::{Standing, Status},
    store::{Accepted, NewEvent, Settlement, Store},
};
use futures::future::join_all;

use super::{Ledger, START, event, judged, on_both};

on_both! {
    an_event_without_a_score_is_judged_by_the_last_one_that_came_whichever_replica_took_it
    in_one_batch_an_event_is_judged_by_what_came_before_it_and_not_by_what_comes_behind
    a_delivery_that_was_known_before_tells_nothing_new
    a_deal_of_somebody_who_is_not_admitted_is_held_for_as_long_as_it_takes
    what_is_known_of_a_contact_outlives_its_events_and_goes_with_its_erasure
}

/// An event of somebody who lacks nothing but a score.
fn of(webhook_id: &str, contact: &str, kind: &str, score: Option<f64>) -> NewEvent {
    NewEvent { kind: kind.into(), intake: judged(kind, score, false), ..event(webhook_id, contact) }
}

async fn accept(store: &Store, event: NewEvent) -> Option<Status> {
    match store.accept(event).await.unwrap() {
        Accepted::New { status, decision, .. } => {
            assert_eq!(decision.unwrap().admitted, status != Status::NotAdmitted && status != Status::Held);
            Some(status)
        }
        Accepted::Duplicate { .. } | Accepted::Conflict { .. } => None,
    }
}

async fn an_event_without_a_score_is_judged_by_the_last_one_that_came_whichever_replica_took_it(ledger: &Ledger) {
    let other = ledger.replica().await;
    let doors = [&ledger.store, &other];
    for (number, (score, expected)) in [
        (None, Status::NotAdmitted),
        (Some(59.99), Status::NotAdmitted),
        (None, Status::NotAdmitted),
        (Some(60.0), Status::Queued),
        (None, Status::Queued),
        (Some(0.1 + 0.2), Status::NotAdmitted),
        (None, Status::NotAdmitted),
    ]
    .into_iter()
    .enumerate()
    {
        let event = of(&format!("w{number}"), "c1", "contact.promoted", score);
        assert_eq!(accept(doors[number % 2], event).await, Some(expected), "{number} {score:?}");
    }
    let exact = Standing { in_turn: true, last_score: Some(0.1 + 0.2), ..Standing::default() };
    assert_eq!(ledger.store.standing("c1").await, Ok(exact));
    assert_eq!(ledger.store.standing("c2").await, Ok(Standing::default()));
}

async fn in_one_batch_an_event_is_judged_by_what_came_before_it_and_not_by_what_comes_behind(ledger: &Ledger) {
    let scores = [None, Some(90.0), None, Some(10.0), None, Some(70.0)];
    let mut events = Vec::new();
    for (number, score) in scores.into_iter().enumerate() {
        for contact in ["c1", "c2"] {
            events.push(of(&format!("{contact}-{number}"), contact, "contact.promoted", score));
        }
    }
    let started = join_all(events.into_iter().map(|event| accept(&ledger.store, event))).await;
    let (queued, refused) = (Some(Status::Queued), Some(Status::NotAdmitted));
    for contact in 0..2 {
        let of_contact: Vec<_> = started.iter().copied().skip(contact).step_by(2).collect();
        assert_eq!(of_contact, [refused, queued, queued, refused, refused, queued]);
    }
    assert_eq!(ledger.store.standing("c1").await.unwrap().last_score, Some(70.0));
}

async fn a_delivery_that_was_known_before_tells_nothing_new(ledger: &Ledger) {
    let high = || of("high", "c1", "contact.promoted", Some(90.0));
    assert_eq!(accept(&ledger.store, high()).await, Some(Status::Queued));
    let lease = ledger.claim_one().await.lease;
    ledger.store.settle(lease, Settlement::to(Status::Dead)).await.unwrap();
    assert_eq!(accept(&ledger.store, of("low", "c1", "contact.promoted", Some(10.0))).await, Some(Status::NotAdmitted));
    let conflict = || NewEvent { payload: "{}".into(), ..of("high", "c1", "deal.closed", Some(95.0)) };
    // In one batch: what is no news, and what would be judged by it, were it news.
    let events = [high(), of("w1", "c1", "sync.requested", None), conflict(), of("w2", "c1", "sync.requested", None)];
    let started = join_all(events.map(|event| accept(&ledger.store, event))).await;
    assert_eq!(started, [None, Some(Status::NotAdmitted), None, Some(Status::NotAdmitted)]);
    let expected = Standing { last_score: Some(10.0), ..Standing::default() };
    assert_eq!(ledger.store.standing("c1").await, Ok(expected));
}

async fn a_deal_of_somebody_who_is_not_admitted_is_held_for_as_long_as_it_takes(ledger: &Ledger) {
    let deal = NewEvent { kind: "deal.closed".into(), intake: judged("deal.closed", None, true), ..event("w1", "c1") };
    let id = ledger.accept(deal).await;
    let row = ledger.event(&id).await;
    assert_eq!((row.status, row.next_attempt_at, row.finished_at), (Status::Held, None, None));
    assert!(ledger.store.standing("c1").await.unwrap().has_deal);
    ledger.clock.advance(Duration::from_secs(3_650 * 86_400));
    assert_eq!(ledger.store.expire_held().await, Ok(0));
    let (now, span) = (ledger.clock.now(), Duration::from_secs(31));
    while ledger.store.count_new_events().await.unwrap() {}
    ledger.store.prune(now.plus(span), now.plus(span)).await.unwrap();
    assert!(ledger.event(&id).await.payload.is_some(), "it keeps all it needs");
}

async fn what_is_known_of_a_contact_outlives_its_events_and_goes_with_its_erasure(ledger: &Ledger) {
    for number in 0..2 {
        accept(&ledger.store, of(&format!("w{number}"), "c1", "contact.promoted", Some(10.0))).await;
    }
    let low = Standing { last_score: Some(10.0), ..Standing::default() };
    ledger.clock.advance(Duration::from_secs(60));
    while ledger.store.count_new_events().await.unwrap() {}
    let now = ledger.clock.now();
    assert_eq!(ledger.store.prune(now, now).await.unwrap().events, 2);
    assert!(ledger.events().await.is_empty());
    assert_eq!(ledger.store.standing("c1").await, Ok(low));
    ledger.store.erase_contact("c1", &"ops".into(), None).await.unwrap();
    assert_eq!(ledger.store.standing("c1").await, Ok(Standing::default()));
    assert!(now > START);
}
