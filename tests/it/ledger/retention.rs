//! What is forgotten, and when: holding times, retention, erasing.

use std::time::Duration;

use erp_bridge::{
    clock::Millis,
    event::Status,
    store::{
        Accepted, Advance, CallRow, DoneStep, EventFilter, Intake, NewStep, News, Pruned, Rejection, Settlement,
        StoreError,
    },
};
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::{Ledger, MS, START, event, held_for, judged, on_both, step};

on_both! {
    a_held_message_is_given_up_at_the_end_of_its_time_and_not_before
    payloads_go_at_half_the_age_and_events_at_the_full_age
    refused_requests_go_at_the_full_age
    a_refused_request_that_comes_again_is_one_row_with_a_count
    the_audit_log_has_a_retention_of_its_own
    a_resend_after_its_event_vanished_is_a_duplicate
    a_webhook_id_can_be_forgotten_in_the_end
    what_is_open_or_dead_is_never_pruned
    retention_goes_in_small_batches_and_the_door_goes_on_meanwhile
    an_event_that_is_replayed_while_it_is_pruned_keeps_all_it_needs
    erasing_a_contact_leaves_the_trace_and_nothing_of_the_person
    a_contact_with_open_events_is_not_erased
}

/// Events that one call of retention takes at most.
const BATCH: usize = 500;

async fn a_held_message_is_given_up_at_the_end_of_its_time_and_not_before(ledger: &Ledger) {
    let span = Duration::from_secs(30 * 86_400);
    let id = ledger.take_in("c1", held_for(span)).await;
    let mut changes = ledger.store.follow(None);
    ledger.clock.advance(span - MS);
    assert_eq!(ledger.store.expire_held().await, Ok(0), "one millisecond before");
    assert_eq!(ledger.status(&id).await, Status::Held);
    ledger.clock.advance(MS);
    assert_eq!(ledger.store.expire_held().await, Ok(1), "at its end");
    let row = ledger.event(&id).await;
    assert_eq!((row.status, row.error_code.as_deref()), (Status::Discarded, Some("hold_expired")));
    assert_eq!((row.finished_at, row.next_attempt_at), (Some(ledger.clock.now()), None));
    assert!(row.error.is_some() && row.payload.is_some(), "with a trace, and what an operator needs to replay it");
    let Some(News::Changed(change)) = changes.try_next() else { panic!("not announced") };
    assert_eq!((change.id, change.status), (id.clone(), Status::Discarded));
    assert_eq!(ledger.store.expire_held().await, Ok(0));
    ledger.store.replay(&id, &"ops".into(), None, None).await.unwrap();
    assert_eq!(ledger.claim_one().await.event.id, id);
}

async fn payloads_go_at_half_the_age_and_events_at_the_full_age(ledger: &Ledger) {
    let age = Duration::from_secs(90 * 86_400);
    let id = ledger.queue("c1").await;
    let mut lease = ledger.claim_one().await.lease;
    let steps = [step("a")];
    ledger.store.plan(&mut lease, &steps, vec![call()]).await.unwrap();
    let last = Advance { done: vec![DoneStep::new(0, json!(1))], ..Advance::default() };
    ledger.store.settle(lease, Settlement::succeeded(last)).await.unwrap();
    let prune = async || {
        let now = ledger.clock.now();
        ledger.store.prune(now.minus(age / 2), now.minus(age)).await.unwrap()
    };
    // "Before" a moment: what ended exactly at it is not old enough yet.
    ledger.clock.advance(age / 2);
    assert_eq!(prune().await, Pruned::default(), "at half the age");
    ledger.clock.advance(MS);
    assert_eq!(prune().await, Pruned { payloads: 1, ..Pruned::default() }, "a millisecond later");
    let row = ledger.event(&id).await;
    assert_eq!((row.status, row.payload, row.webhook_id.as_deref()), (Status::Succeeded, None, Some("n0")));
    assert!(
        ledger.store.steps(&id).await.unwrap().is_empty() && ledger.store.calls(&id).await.unwrap().items.is_empty()
    );
    let again = ledger.store.accept(event("n0", "c1")).await.unwrap();
    assert_eq!(again, Accepted::Duplicate { id: id.clone() }, "a late resend is still known");
    ledger.clock.advance(age / 2 - MS);
    while ledger.store.count_new_events().await.unwrap() {}
    assert_eq!(prune().await, Pruned::default(), "at the full age");
    ledger.clock.advance(MS);
    assert_eq!(prune().await, Pruned { events: 1, ..Pruned::default() });
    assert!(ledger.store.event(&id).await.unwrap().is_none());
}

async fn refused_requests_go_at_the_full_age(ledger: &Ledger) {
    for number in 0..2 {
        let (webhook_id, errors) = (format!("r{number}"), json!([]));
        let rejection = Rejection { webhook_id, kind: None, contact_id: None, errors, payload: "{".into() };
        ledger.store.reject(rejection).await.unwrap();
        ledger.clock.advance(MS);
    }
    let prune = async |before| ledger.store.prune(before, before).await.unwrap().rejections;
    assert_eq!((prune(START).await, prune(START.plus(MS)).await), (0, 1), "what came before that moment");
    let left = ledger.store.rejections(None, 10).await.unwrap().items;
    assert_eq!(left.iter().map(|row| row.rejection.webhook_id.as_str()).collect::<Vec<_>>(), ["r1"]);
}

async fn a_refused_request_that_comes_again_is_one_row_with_a_count(ledger: &Ledger) {
    let refuse = async |webhook_id: &str, payload: &str| {
        let (webhook_id, payload) = (webhook_id.to_owned(), payload.to_owned());
        let rejection = Rejection { webhook_id, kind: None, contact_id: Some("c1".into()), errors: json!([]), payload };
        ledger.store.reject(rejection).await.unwrap();
        ledger.clock.advance(MS);
    };
    for _ in 0..5 {
        refuse("r1", "{").await;
    }
    refuse("r1", "[").await;
    refuse("r2", "{").await;
    let rows = ledger.store.rejections(None, 10).await.unwrap().items;
    let counts: Vec<_> = rows.iter().map(|row| (row.rejection.webhook_id.as_str(), row.count)).collect();
    assert_eq!(counts, [("r2", 1), ("r1", 1), ("r1", 5)]);
    assert_eq!((rows[2].received_at, rows[2].last_at), (START, START.plus(MS * 4)));
    // What was erased is not recognised any more, not even by a hash of it.
    ledger.store.erase_contact("c1", &"ops".into(), None).await.unwrap();
    refuse("r1", "{").await;
    assert_eq!(ledger.store.rejections(None, 10).await.unwrap().items[0].count, 1);
}

async fn the_audit_log_has_a_retention_of_its_own(ledger: &Ledger) {
    for subject in ["c1", "c2"] {
        ledger.store.audit(&"ops".into(), "contact.unmask", subject, None).await.unwrap();
        ledger.clock.advance(MS);
    }
    let now = ledger.clock.now();
    ledger.store.prune(now, now).await.unwrap();
    assert_eq!(ledger.store.audit_log(None, 10).await.unwrap().len(), 2);
    assert_eq!((ledger.store.prune_audit(START).await, ledger.store.prune_audit(START.plus(MS)).await), (Ok(0), Ok(1)));
    let left = ledger.store.audit_log(None, 10).await.unwrap();
    assert_eq!(left.iter().map(|row| row.subject.as_str()).collect::<Vec<_>>(), ["c2"]);
}

/// Counts everything and then lets every ended event vanish.
pub async fn forget_all(ledger: &Ledger) {
    ledger.clock.advance(Duration::from_secs(31));
    while ledger.store.count_new_events().await.unwrap() {}
    let now = ledger.clock.now();
    while ledger.store.prune(now, now).await.unwrap() != Pruned::default() {}
}

async fn a_resend_after_its_event_vanished_is_a_duplicate(ledger: &Ledger) {
    let id = ledger.accept(erp_bridge::store::NewEvent { intake: Intake::Ignored, ..event("w1", "c1") }).await;
    forget_all(ledger).await;
    assert!(ledger.store.event(&id).await.unwrap().is_none());
    let other_body = erp_bridge::store::NewEvent { payload: "{}".into(), ..event("w1", "c1") };
    // Alone, in a batch with its own repeat and with what is new, and with another body.
    let (first, again, fresh, other) = futures::join!(
        ledger.store.accept(event("w1", "c1")),
        ledger.store.accept(event("w1", "c1")),
        ledger.store.accept(event("w2", "c2")),
        ledger.store.accept(other_body),
    );
    assert_eq!(
        (first, again),
        (Ok(Accepted::Duplicate { id: id.clone() }), Ok(Accepted::Duplicate { id: id.clone() }))
    );
    assert!(matches!(fresh, Ok(Accepted::New { .. })));
    assert_eq!(other, Ok(Accepted::Conflict { id }));
    assert_eq!(ledger.events().await.len(), 1, "nothing of the resend is left");
    let claimed = ledger.claim_one().await;
    assert_eq!(claimed.event.webhook_id.as_deref(), Some("w2"));
}

async fn a_webhook_id_can_be_forgotten_in_the_end(ledger: &Ledger) {
    ledger.accept(erp_bridge::store::NewEvent { intake: Intake::Ignored, ..event("w1", "c1") }).await;
    forget_all(ledger).await;
    let vanished = ledger.clock.now();
    assert_eq!(ledger.store.prune_webhook_ids(vanished).await, Ok(0));
    assert_eq!(ledger.store.prune_webhook_ids(vanished.plus(MS)).await, Ok(1));
    ledger.accept(event("w1", "c1")).await;
}

async fn what_is_open_or_dead_is_never_pruned(ledger: &Ledger) {
    let mut kept = Vec::new();
    for status in [Status::Dead, Status::NeedsReview, Status::Held] {
        kept.push(ledger.ended(status.as_str(), status).await);
    }
    kept.push(ledger.queue("running").await);
    ledger.claim_one().await;
    kept.push(ledger.queue("queued").await);
    let mut gone = Vec::new();
    for intake in [Intake::Ignored, judged("sync.requested", None, true), Intake::Queue] {
        gone.push(ledger.take_in("gone", intake).await);
    }
    ledger.store.discard(&gone[2], &"ops".into(), None, None).await.unwrap();
    ledger.clock.advance(Duration::from_secs(3_650 * 86_400));
    forget_all(ledger).await;
    for id in &kept {
        assert!(ledger.event(id).await.payload.is_some());
    }
    for id in &gone {
        assert!(ledger.store.event(id).await.unwrap().is_none());
    }
}

/// Ignored events, as many as asked for.
async fn ignored(ledger: &Ledger, count: usize) {
    let accepted = (0..count).map(|number| {
        let intake = Intake::Ignored;
        ledger.store.accept(erp_bridge::store::NewEvent { intake, ..event(&format!("i{number}"), "ignored") })
    });
    futures::future::try_join_all(accepted).await.unwrap();
}

async fn retention_goes_in_small_batches_and_the_door_goes_on_meanwhile(ledger: &Ledger) {
    ignored(ledger, BATCH + 1).await;
    ledger.clock.advance(Duration::from_secs(31));
    while ledger.store.count_new_events().await.unwrap() {}
    let now = ledger.clock.now();
    let whole = u64::try_from(BATCH).unwrap();
    let prune = ledger.store.prune(now, Millis(0));
    let mut answered = 0;
    let door = async {
        for number in 0..20 {
            ledger.accept(event(&format!("w{number}"), "c1")).await;
            answered += 1;
        }
    };
    let (pruned, ()) = futures::join!(prune, door);
    assert_eq!((pruned.unwrap().payloads, answered), (whole, 20));
    assert_eq!(ledger.store.prune(now, Millis(0)).await.unwrap().payloads, 1);
    assert_eq!(ledger.store.prune(now, now).await.unwrap().events, whole);
    assert_eq!(ledger.store.prune(now, now).await.unwrap().events, 1);
    assert_eq!(ledger.store.prune(now, now).await.unwrap(), Pruned::default());
    assert_eq!(ledger.events().await.len(), 20);
}

/// A batch is looked up first and then forgotten in several transactions; an operator may come in between.
async fn an_event_that_is_replayed_while_it_is_pruned_keeps_all_it_needs(ledger: &Ledger) {
    let accepted = (0..BATCH).map(|number| {
        let intake = judged("sync.requested", None, true);
        ledger
            .store
            .accept(erp_bridge::store::NewEvent { intake, ..event(&format!("i{number}"), &format!("c{number}")) })
    });
    futures::future::try_join_all(accepted).await.unwrap();
    let events = ledger.events().await;
    ledger.clock.advance(Duration::from_secs(31));
    while ledger.store.count_new_events().await.unwrap() {}
    let now = ledger.clock.now();
    let replays = async {
        let mut replayed = Vec::new();
        for event in events.iter().rev().step_by(7) {
            match ledger.store.replay(&event.id, &"ops".into(), None, None).await {
                Ok(()) => replayed.push(event.id.clone()),
                Err(StoreError::WrongState(_) | StoreError::NotFound) => {}
                Err(error) => panic!("{error}"),
            }
        }
        replayed
    };
    let (pruned, replayed) = futures::join!(ledger.store.prune(now, now), replays);
    pruned.unwrap();
    while ledger.store.prune(now, now).await.unwrap() != Pruned::default() {}
    assert!(!replayed.is_empty());
    for id in &replayed {
        let row = ledger.store.event(id).await.unwrap().expect("a replayed event is not forgotten");
        assert!(row.status == Status::Queued && row.payload.is_some());
    }
    assert_eq!(ledger.events().await.len(), replayed.len());
    assert_eq!(ledger.claim(BATCH).await.len(), replayed.len());
}

/// Whoever waits for a contact's lock may hold another one that somebody waits for.
#[tokio::test]
async fn what_is_old_of_a_contact_that_somebody_is_at_is_forgotten_the_next_time_and_not_waited_for() {
    let ledger = Ledger::postgres().await;
    for contact in ["c1", "c2", "c3"] {
        ledger.ended(contact, Status::Succeeded).await;
    }
    ledger.clock.advance(MS);
    let now = ledger.clock.now();
    let prune = async || ledger.store.prune(now, Millis(0)).await.unwrap().payloads;
    let mut line = PgConnection::connect(ledger.config.url.expose_secret()).await.unwrap();
    let mut busy = line.begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('c2', 7))").execute(&mut *busy).await.unwrap();
    let forgotten = tokio::time::timeout(Duration::from_secs(5), prune()).await;
    assert_eq!(forgotten, Ok(2), "it waits for nobody");
    busy.rollback().await.unwrap();
    assert_eq!((prune().await, prune().await), (1, 0));
}

#[tokio::test]
async fn two_replicas_that_forget_at_once_and_a_door_that_takes_in_keep_nobody_waiting_for_ever() {
    const CONTACTS: usize = 300;
    let ledger = Ledger::postgres().await;
    let other = ledger.replica().await;
    let accepted = (0..CONTACTS).map(|number| {
        let (intake, contact) = (Intake::Ignored, format!("c{}", number * 7 % CONTACTS));
        ledger.store.accept(erp_bridge::store::NewEvent { intake, ..event(&format!("i{number}"), &contact) })
    });
    futures::future::try_join_all(accepted).await.unwrap();
    ledger.clock.advance(MS);
    let now = ledger.clock.now();
    let door = (0..CONTACTS)
        .rev()
        .step_by(5)
        .map(|number| ledger.store.accept(event(&format!("w{number}"), &format!("c{number}"))));
    let (one, two, taken) = futures::join!(
        ledger.store.prune(now, Millis(0)),
        other.prune(now, Millis(0)),
        futures::future::try_join_all(door)
    );
    assert_eq!(taken.unwrap().len(), CONTACTS / 5);
    // Each of them may have left some to whoever was at their contacts.
    let rest = ledger.store.prune(now, Millis(0)).await.unwrap();
    let forgotten = one.unwrap().payloads + two.unwrap().payloads + rest.payloads;
    assert_eq!(forgotten, u64::try_from(CONTACTS).unwrap());
    other.close().await;
}

async fn erasing_a_contact_leaves_the_trace_and_nothing_of_the_person(ledger: &Ledger) {
    let id = ledger.queue("c1").await;
    let mut lease = ledger.claim_one().await.lease;
    let steps = [NewStep { step: json!({ "name": "陈晓雨" }), ..step("a") }];
    ledger.store.plan(&mut lease, &steps, vec![call()]).await.unwrap();
    let last = Advance { done: vec![DoneStep::new(0, json!("陈晓雨"))], ..Advance::default() };
    ledger.store.settle(lease, Settlement::succeeded(last)).await.unwrap();
    let rejection = Rejection {
        webhook_id: "r1".into(),
        kind: None,
        contact_id: Some("c1".into()),
        errors: json!(["陈晓雨"]),
        payload: "陈晓雨".into(),
    };
    ledger.store.reject(rejection).await.unwrap();
    let other = ledger.ended("c2", Status::Succeeded).await;
    assert_eq!(ledger.store.erase_contact("c1", &"ops".into(), Some("请求删除")).await, Ok(1));
    let row = ledger.event(&id).await;
    assert_eq!((row.payload, row.status, row.webhook_id.as_deref()), (None, Status::Succeeded, Some("n0")));
    let step = &ledger.store.steps(&id).await.unwrap()[0];
    assert_eq!((step.step.clone(), step.result.clone()), (json!(null), None));
    let call = &ledger.store.calls(&id).await.unwrap().items[0];
    assert_eq!((call.request.clone(), call.response.as_str()), (json!(null), ""));
    let rejection = ledger.store.rejections(None, 10).await.unwrap().items.remove(0).rejection;
    assert_eq!((rejection.payload.as_str(), rejection.errors, rejection.webhook_id.as_str()), ("", json!([]), "r1"));
    assert!(ledger.event(&other).await.payload.is_some());
    let audit = ledger.store.audit_log(None, 10).await.unwrap().remove(0);
    assert_eq!((audit.action.as_str(), audit.subject.as_str()), ("contact.erase", "c1"));
    assert_eq!(ledger.store.erase_contact("nobody", &"ops".into(), None).await, Err(StoreError::NotFound));
}

async fn a_contact_with_open_events_is_not_erased(ledger: &Ledger) {
    for status in [Status::Held, Status::NeedsReview] {
        let id = ledger.ended(status.as_str(), status).await;
        let refused = ledger.store.erase_contact(status.as_str(), &"ops".into(), None).await;
        assert_eq!(refused, Err(StoreError::WrongState(status)));
        assert!(ledger.event(&id).await.payload.is_some());
    }
    assert!(ledger.store.list_events(&EventFilter::default(), None, 10).await.unwrap().len() == 2);
}

fn call() -> CallRow {
    CallRow {
        step: "a".into(),
        interface: "客户列表".into(),
        started_at: START,
        duration_ms: 1,
        outcome: "ok".into(),
        request: json!({ "name": "陈晓雨" }),
        response: "陈晓雨".into(),
    }
}
