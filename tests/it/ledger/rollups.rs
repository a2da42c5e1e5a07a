//! What happened, by minute and hour: charts and rates never read the events.

use std::time::Duration;

use erp_bridge::{
    clock::Millis,
    event::{Rule, Status},
    store::{Happened, Intake, Settlement, Store, Window},
};

use super::{Ledger, START, event, judged, on_both};

on_both! {
    what_happens_is_counted_once_by_however_many_replicas
    a_day_is_one_of_the_erp_s_zone_and_a_slot_ends_with_its_time
    the_time_to_the_erp_is_told_in_percentiles
    who_is_killed_loses_what_was_not_written_and_nothing_is_counted_twice
    whoever_closes_writes_what_was_counted_before
    minutes_and_hours_are_forgotten_in_their_time
    any_course_of_events_is_counted_as_it_went
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

async fn whole(store: &Store, window: Window) -> Happened {
    store.history(window).await.unwrap().whole
}

/// Received, succeeded, dead, not admitted.
fn counts(happened: &Happened) -> [i64; 4] {
    let of = |status| happened.reached(status);
    [happened.received, of(Status::Succeeded), of(Status::Dead), of(Status::NotAdmitted)]
}

async fn what_happens_is_counted_once_by_however_many_replicas(ledger: &Ledger) {
    ledger.ended("c1", Status::Succeeded).await;
    let dead = ledger.ended("c2", Status::Dead).await;
    ledger.take_in("c3", judged("contact.promoted", Some(50.0), true)).await;
    ledger.take_in("c4", judged("deal.closed", Some(50.0), false)).await;
    ledger.take_in("c5", Intake::Ignored).await;
    let expected = [5, 1, 1, 1];
    for window in Window::ALL {
        assert_eq!(counts(&whole(&ledger.store, window).await), expected, "before it is written");
    }
    let (one, other) = (&ledger.store, ledger.replica().await);
    one.write_rollups().await.unwrap();
    one.write_rollups().await.unwrap();
    for (store, window) in [(one, Window::Hour), (&other, Window::Hour), (&other, Window::Day), (&other, Window::Month)]
    {
        let happened = whole(store, window).await;
        assert_eq!(counts(&happened), expected, "{window:?}");
        assert_eq!((happened.reached(Status::Held), happened.reached(Status::Ignored)), (1, 1));
        let rules = [(Rule::Score, 2), (Rule::PhoneVerified, 1)];
        assert_eq!(happened.kept_out(), rules, "a deal that is held was kept out, too");
    }
    // What another replica does is added; what happens to an event again happened again.
    other.replay(&dead, &"ops".into(), None, None).await.unwrap();
    let claimed = other.claim(1, MINUTE).await.unwrap().remove(0);
    other.settle(claimed.lease, Settlement::to(Status::Dead).because("refused", "不行")).await.unwrap();
    let twins: Vec<_> = (0..20).map(|number| event(&format!("t{number}"), "c9")).collect();
    let both = twins.into_iter().zip([one, &other].into_iter().cycle());
    futures::future::join_all(both.map(|(event, store)| store.accept(event))).await;
    let (first, second) = tokio::join!(one.write_rollups(), other.write_rollups());
    first.and(second).unwrap();
    assert_eq!(counts(&whole(one, Window::Hour).await), [25, 1, 2, 1]);
    assert_eq!(whole(one, Window::Day).await, whole(&other, Window::Day).await);
}

async fn a_day_is_one_of_the_erp_s_zone_and_a_slot_ends_with_its_time(ledger: &Ledger) {
    // A minute before midnight in Shanghai.
    ledger.clock.set(Millis(1_795_535_940_000));
    ledger.queue("c1").await;
    ledger.clock.advance(MINUTE);
    ledger.queue("c2").await;
    for written in [false, true] {
        if written {
            ledger.store.write_rollups().await.unwrap();
        }
        for window in Window::ALL {
            let slots = ledger.store.history(window).await.unwrap().slots;
            let received: Vec<_> = slots.iter().rev().take(3).map(|(_, happened)| happened.received).collect();
            assert_eq!(received, [1, 1, 0], "{window:?}, {written}");
            assert_eq!(slots.len(), [60, 24, 30][Window::ALL.iter().position(|one| *one == window).unwrap()]);
            assert_eq!(slots.last().unwrap().0, Millis(1_795_536_000_000), "the last slot begins now");
        }
    }
    ledger.clock.advance(HOUR - MINUTE);
    assert_eq!(whole(&ledger.store, Window::Hour).await.received, 1, "the first is an hour old");
    ledger.clock.advance(MINUTE);
    assert_eq!(whole(&ledger.store, Window::Hour).await.received, 0);
    assert_eq!(whole(&ledger.store, Window::Month).await.received, 2);
}

async fn the_time_to_the_erp_is_told_in_percentiles(ledger: &Ledger) {
    let mut waiting = Vec::new();
    for number in 0..10 {
        ledger.queue(&format!("c{number}")).await;
    }
    waiting.extend(ledger.claim(10).await);
    for (claimed, seconds) in waiting.into_iter().zip([0, 0, 0, 0, 3, 0, 0, 0, 0, 3_600]) {
        ledger.clock.advance(Duration::from_secs(seconds));
        ledger.store.settle(claimed.lease, Settlement::to(Status::Succeeded)).await.unwrap();
    }
    ledger.store.write_rollups().await.unwrap();
    let took = whole(&ledger.store, Window::Day).await.took;
    assert_eq!(took.count(), 10);
    let told = [40, 50, 90, 100].map(|percent| took.percentile(percent).map(|span| span.as_millis()));
    assert_eq!(told, [Some(100), Some(5_000), Some(5_000), Some(7_200_000)]);
}

async fn who_is_killed_loses_what_was_not_written_and_nothing_is_counted_twice(ledger: &Ledger) {
    let replica = ledger.replica().await;
    replica.accept(event("w1", "c1")).await.unwrap();
    replica.write_rollups().await.unwrap();
    replica.accept(event("w2", "c2")).await.unwrap();
    // It never comes to writing it.
    drop(replica);
    let next = ledger.replica().await;
    assert_eq!(whole(&next, Window::Hour).await.received, 1);
    next.accept(event("w3", "c3")).await.unwrap();
    next.accept(event("w1", "c1")).await.unwrap();
    next.write_rollups().await.unwrap();
    assert_eq!(whole(&ledger.store, Window::Hour).await.received, 2, "a delivery that is known is not received again");
}

async fn whoever_closes_writes_what_was_counted_before(ledger: &Ledger) {
    let replica = ledger.replica().await;
    replica.accept(event("w1", "c1")).await.unwrap();
    replica.close().await;
    assert_eq!(whole(&ledger.store, Window::Hour).await.received, 1);
    assert!(replica.write_rollups().await.is_ok(), "there is nothing left to write");
}

async fn minutes_and_hours_are_forgotten_in_their_time(ledger: &Ledger) {
    let kept = async |grain: &str| {
        let held = ledger.store.history(if grain == "minute" { Window::Hour } else { Window::Month }).await.unwrap();
        held.whole.received
    };
    ledger.queue("c1").await;
    ledger.store.write_rollups().await.unwrap();
    ledger.clock.advance(HOUR * 4);
    ledger.queue("c2").await;
    ledger.store.write_rollups().await.unwrap();
    // Set back, one would see it if it were there.
    ledger.clock.set(START);
    assert_eq!((kept("minute").await, kept("hour").await), (0, 2), "both in one day");
    ledger.clock.set(START.plus(HOUR * 24 * 94));
    ledger.queue("c3").await;
    ledger.store.write_rollups().await.unwrap();
    ledger.clock.set(START.plus(HOUR * 4));
    assert_eq!((kept("minute").await, kept("hour").await), (0, 0));
}

/// A course of events that differs with its seed, against a count made by hand.
async fn any_course_of_events_is_counted_as_it_went(ledger: &Ledger) {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let stores = [ledger.store.clone(), ledger.replica().await];
    let (mut expected, mut dead) = ([0_i64; 4], Vec::new());
    for number in 0..120 {
        let store = &stores[usize::try_from(next(2)).unwrap()];
        match next(5) {
            0 => {
                store.accept(event(&format!("w{number}"), &format!("c{}", next(7)))).await.unwrap();
                expected[0] += 1;
            }
            1 => {
                let intake = judged("contact.promoted", Some(10.0), false);
                let (id, contact) = (format!("w{number}"), format!("n{number}"));
                store.accept(erp_bridge::store::NewEvent { intake, ..event(&id, &contact) }).await.unwrap();
                (expected[0], expected[3]) = (expected[0] + 1, expected[3] + 1);
            }
            2 => {
                for claimed in store.claim(3, MINUTE).await.unwrap() {
                    let status = if next(2) == 0 { Status::Succeeded } else { Status::Dead };
                    if status == Status::Dead {
                        dead.push(claimed.event.id.clone());
                    }
                    store.settle(claimed.lease, Settlement::to(status)).await.unwrap();
                    expected[if status == Status::Dead { 2 } else { 1 }] += 1;
                }
            }
            3 => store.write_rollups().await.unwrap(),
            _ => {
                if let Some(id) = dead.pop() {
                    store.replay(&id, &"ops".into(), None, None).await.unwrap();
                }
                ledger.clock.advance(Duration::from_secs(next(20)));
            }
        }
    }
    for store in &stores {
        store.write_rollups().await.unwrap();
    }
    assert!(expected.iter().all(|count| *count > 5), "{expected:?}");
    for (store, window) in stores.iter().zip([Window::Hour, Window::Day]) {
        assert_eq!(counts(&whole(store, window).await), expected);
    }
}
