//! Figures that cost the same however much the ledger holds.

use std::time::Duration;

use erp_bridge::{
    event::Status,
    store::{Gap, Intake, NewEvent, Pruned, Rejection, Store},
};

use super::{Ledger, MS, START, event, on_both};

on_both! {
    statistics_count_what_is_there
    every_state_is_counted_once
    missing_numbers_are_named_by_contact
    the_largest_numbers_there_are_break_nothing
    what_is_counted_is_counted_once_by_however_many_replicas
    types_of_events_that_vanish_are_not_counted_any_more
    an_event_vanishes_only_after_it_was_counted
    what_comes_after_all_has_vanished_is_counted_too
    an_answer_is_shared_until_it_is_a_second_old
    contacts_and_refused_requests_are_counted_slice_by_slice
    the_last_webhook_is_known_after_its_event_was_counted
}

/// Longer than PostgreSQL needs until no event can turn up with a lower number.
const SETTLED: Duration = Duration::from_secs(31);

async fn count_all(ledger: &Ledger, store: &Store) {
    ledger.clock.advance(SETTLED);
    while store.count_new_events().await.unwrap() {}
}

async fn statistics_count_what_is_there(ledger: &Ledger) {
    ledger.ended("c1", Status::Succeeded).await;
    ledger.ended("c2", Status::Dead).await;
    ledger.accept(NewEvent { kind: "deal.closed".into(), actor: "ops".into(), ..event("w1", "c3") }).await;
    ledger.clock.advance(Duration::from_secs(10));
    let queued = ledger.queue("c4").await;
    for counted in [false, true] {
        if counted {
            count_all(ledger, &ledger.store).await;
        }
        let stats = ledger.store.stats().await.unwrap();
        assert_eq!(stats.by_status, [(Status::Queued, 2), (Status::Dead, 1), (Status::Succeeded, 1)]);
        assert_eq!(stats.by_kind, [("deal.closed".to_owned(), 1), ("message.logged".to_owned(), 3)], "{counted}");
        assert_eq!((stats.received_last_hour, stats.succeeded_last_hour), (4, 1), "{counted}");
        assert_eq!((stats.contacts, stats.rejections), (0, 0));
        let last = START.plus(Duration::from_secs(10));
        assert_eq!((stats.oldest_queued, stats.last_webhook_at), (Some(START), Some(last)), "{counted}");
        assert_eq!((stats.as_of, stats.ended_as_of), (ledger.clock.now(), Some(ledger.clock.now())));
    }
    ledger.clock.advance(Duration::from_secs(3_600) - SETTLED - MS);
    let stats = ledger.store.stats().await.unwrap();
    assert_eq!(
        (stats.received_last_hour, stats.succeeded_last_hour),
        (0, 0),
        "by whole minutes, and to the millisecond"
    );
    ledger.claim(10).await;
    assert_eq!(ledger.store.stats().await.unwrap().oldest_queued, None, "what is in hand does not wait");
    assert_eq!(ledger.status(&queued).await, Status::Running);
}

async fn every_state_is_counted_once(ledger: &Ledger) {
    for status in [Status::Succeeded, Status::Dead, Status::NeedsReview, Status::Held, Status::NotAdmitted] {
        ledger.ended(status.as_str(), status).await;
    }
    ledger.take_in("c1", Intake::Ignored).await;
    let discarded = ledger.ended("c2", Status::Dead).await;
    ledger.store.discard(&discarded, &"ops".into(), None, None).await.unwrap();
    ledger.queue("running").await;
    ledger.claim_one().await;
    ledger.queue("queued").await;
    ledger.queue("queued").await;
    let twice = |status| (status, if status == Status::Queued { 2 } else { 1 });
    assert_eq!(ledger.store.stats().await.unwrap().by_status, Status::ALL.map(twice));
}

async fn numbered(ledger: &Ledger, contact: &str, sequence: i64) {
    let webhook_id = format!("{contact}-{sequence}-{:?}", ledger.clock.now());
    ledger.accept(NewEvent { sequence: Some(sequence), ..event(&webhook_id, contact) }).await;
}

fn gap(contact: &str, after: i64, before: i64) -> Gap {
    Gap { contact_id: contact.to_owned(), after, before }
}

async fn missing_numbers_are_named_by_contact(ledger: &Ledger) {
    for (contact, sequence) in [("c1", 1), ("c1", 2), ("c1", 5), ("c2", 7), ("c2", 8), ("c3", 1), ("c3", 3), ("c3", 9)]
    {
        numbered(ledger, contact, sequence).await;
    }
    ledger.queue("c2").await;
    assert_eq!(ledger.store.gaps().await.unwrap(), [], "before they are counted");
    count_all(ledger, &ledger.store).await;
    assert_eq!(ledger.store.gaps().await.unwrap(), [gap("c1", 2, 5), gap("c3", 1, 3), gap("c3", 3, 9)]);
    // What comes late closes its gap.
    for sequence in [4, 3] {
        numbered(ledger, "c1", sequence).await;
    }
    count_all(ledger, &ledger.store).await;
    assert_eq!(ledger.store.gaps().await.unwrap(), [gap("c3", 1, 3), gap("c3", 3, 9)]);
    // A gap that nothing closes is named as long as its events are kept.
    ledger.clock.advance(MS);
    ledger.store.prune(ledger.clock.now(), ledger.clock.now()).await.unwrap();
    assert_eq!(ledger.store.gaps().await.unwrap(), []);
    numbered(ledger, "c3", 12).await;
    count_all(ledger, &ledger.store).await;
    assert_eq!(ledger.store.gaps().await.unwrap(), [gap("c3", 9, 12)]);
}

async fn the_largest_numbers_there_are_break_nothing(ledger: &Ledger) {
    for _ in 0..2 {
        numbered(ledger, "c1", i64::MAX).await;
        ledger.clock.advance(MS);
    }
    numbered(ledger, "c1", 0).await;
    for counted in [false, true] {
        if counted {
            count_all(ledger, &ledger.store).await;
        }
        let stats = ledger.store.stats().await.unwrap();
        assert_eq!(stats.gaps.len(), usize::from(counted));
    }
    assert_eq!(ledger.store.gaps().await.unwrap(), [gap("c1", 0, i64::MAX)]);
}

async fn what_is_counted_is_counted_once_by_however_many_replicas(ledger: &Ledger) {
    let other = ledger.replica().await;
    for number in 0..40 {
        ledger.accept(NewEvent { sequence: Some(number), ..event(&format!("w{number}"), "c1") }).await;
    }
    ledger.clock.advance(SETTLED);
    let both = futures::join!(ledger.store.count_new_events(), other.count_new_events());
    assert!(both.0.is_ok() && both.1.is_ok());
    count_all(ledger, &ledger.store).await;
    for store in [&ledger.store, &other] {
        let stats = store.stats().await.unwrap();
        assert_eq!(stats.by_kind, [("message.logged".to_owned(), 40)]);
        assert_eq!((stats.received_last_hour, stats.gaps.len()), (40, 0));
    }
}

async fn types_of_events_that_vanish_are_not_counted_any_more(ledger: &Ledger) {
    for (number, kind) in ["a", "a", "b"].into_iter().enumerate() {
        let intake = Intake::Ignored;
        ledger.accept(NewEvent { kind: kind.into(), intake, ..event(&format!("w{number}"), "c1") }).await;
        ledger.clock.advance(MS);
    }
    let second = START.plus(MS);
    count_all(ledger, &ledger.store).await;
    ledger.store.prune(second, second).await.unwrap();
    assert_eq!(ledger.store.stats().await.unwrap().by_kind, [("a".to_owned(), 1), ("b".to_owned(), 1)]);
    let now = ledger.clock.now();
    ledger.store.prune(now, now).await.unwrap();
    assert_eq!(ledger.store.stats().await.unwrap().by_kind, []);
}

async fn what_comes_after_all_has_vanished_is_counted_too(ledger: &Ledger) {
    ledger.ended("c1", Status::Succeeded).await;
    count_all(ledger, &ledger.store).await;
    let now = ledger.clock.now();
    while ledger.store.prune(now, now).await.unwrap() != Pruned::default() {}
    assert!(ledger.events().await.is_empty());
    ledger.accept(NewEvent { kind: "deal.closed".into(), ..event("w1", "c2") }).await;
    count_all(ledger, &ledger.store).await;
    assert_eq!(ledger.store.stats().await.unwrap().by_kind, [("deal.closed".to_owned(), 1)]);
}

async fn an_event_vanishes_only_after_it_was_counted(ledger: &Ledger) {
    ledger.take_in("c1", Intake::Ignored).await;
    ledger.clock.advance(SETTLED);
    let now = ledger.clock.now();
    assert_eq!(ledger.store.prune(now, now).await.unwrap(), Pruned { payloads: 1, ..Pruned::default() });
    count_all(ledger, &ledger.store).await;
    assert_eq!(ledger.store.prune(now, now).await.unwrap(), Pruned { events: 1, ..Pruned::default() });
}

async fn an_answer_is_shared_until_it_is_a_second_old(ledger: &Ledger) {
    assert!(ledger.store.latest_figures().is_none());
    let first = ledger.store.figures().await.unwrap();
    ledger.queue("c1").await;
    ledger.clock.advance(Duration::from_secs(1) - MS);
    assert_eq!(ledger.store.figures().await.unwrap().as_of, first.as_of, "a millisecond less than a second later");
    ledger.clock.advance(MS);
    let second = ledger.store.figures().await.unwrap();
    assert_eq!((second.as_of, &second.by_status), (ledger.clock.now(), &vec![(Status::Queued, 1)]));
    assert_eq!(ledger.store.latest_figures().unwrap().as_of, second.as_of);
    // Whoever only looks costs the ledger nothing, and is answered even if it is away.
    ledger.store.close().await;
    assert!(ledger.store.latest_figures().is_some());
    ledger.clock.advance(Duration::from_secs(1));
    assert!(ledger.store.figures().await.is_err());
}

/// Rows that one statement counts.
const SLICE: i64 = 20_000;

/// Links so many contacts more, `from` being the first of them.
async fn link_many(ledger: &Ledger, from: i64, count: i64) {
    let last = from + count - 1;
    let sql = format!(
        "with recursive numbers (number) as (select {from} union all select number + 1 from numbers where number < {last})
         insert into contacts (contact_id, ord, khid, kind, linked_by, linked_at)
         select 'c' || number, number, '', 'person', 'created', 1 from numbers"
    );
    ledger.run(&sql).await;
}

async fn contacts_and_refused_requests_are_counted_slice_by_slice(ledger: &Ledger) {
    let mut linked = 0;
    for count in [SLICE - 1, SLICE, SLICE + 1, 2 * SLICE + 1] {
        link_many(ledger, linked, count - linked).await;
        linked = count;
        assert_eq!(ledger.store.stats().await.unwrap().contacts, count, "counted whole where it was never counted");
    }
    let rejection = Rejection {
        webhook_id: "r1".into(),
        kind: None,
        contact_id: None,
        errors: serde_json::json!([]),
        payload: "{".into(),
    };
    ledger.store.reject(rejection).await.unwrap();
    assert_eq!(ledger.store.figures().await.unwrap().rejections, 1);
    ledger.run("delete from rejections").await;
    link_many(ledger, linked, 1).await;
    // An answer costs one slice of each; there are three of the contacts.
    for (contacts, rejections) in [(linked, 0), (linked, 0), (linked + 1, 0)] {
        ledger.clock.advance(Duration::from_secs(1));
        let figures = ledger.store.figures().await.unwrap();
        assert_eq!((figures.contacts, figures.rejections), (contacts, rejections));
    }
}

async fn the_last_webhook_is_known_after_its_event_was_counted(ledger: &Ledger) {
    ledger.take_in("c1", Intake::Ignored).await;
    ledger.clock.advance(MS);
    ledger.accept(NewEvent { actor: "ops".into(), ..event("by-rest", "c1") }).await;
    count_all(ledger, &ledger.store).await;
    let now = ledger.clock.now();
    ledger.store.prune(now, now).await.unwrap();
    assert_eq!(ledger.store.stats().await.unwrap().last_webhook_at, Some(START));
}
