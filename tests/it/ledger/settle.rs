//! How a run ends, and who comes next.

use std::time::Duration;

use erp_bridge::{
    clock::Millis,
    event::Status,
    store::{Before, Intake, NewBlock, Settlement},
};
use serde_json::json;

use super::{Ledger, MS, START, given_back, ids, on_both};

on_both! {
    an_end_makes_way_for_the_contact_s_next_event
    an_event_in_review_blocks_its_contact_and_nobody_else
    an_event_that_is_tried_again_keeps_its_place_and_waits_for_its_time
    only_failures_that_count_use_up_attempts
    what_is_said_of_a_run_reads_back
    a_turn_that_is_given_back_is_due_at_once_and_costs_nothing
    a_message_can_be_held_after_its_turn_came
    an_event_accepted_as_the_last_one_settles_is_not_forgotten
    a_block_counts_against_who_began_it_once_another_event_passes_it_and_until_it_comes_on
    what_stood_aside_is_older_still_when_its_block_has_ended_and_it_is_not_released_yet
}

async fn an_end_makes_way_for_the_contact_s_next_event(ledger: &Ledger) {
    for status in [Status::Succeeded, Status::Dead, Status::NotAdmitted, Status::Held] {
        let contact = status.as_str();
        let first = ledger.queue(contact).await;
        let second = ledger.queue(contact).await;
        let claimed = ledger.claim_one().await;
        assert_eq!(claimed.event.id, first);
        ledger.store.settle(claimed.lease, Settlement::to(status)).await.unwrap();
        let claimed = ledger.claim_one().await;
        assert_eq!(claimed.event.id, second, "after {status}");
        ledger.store.settle(claimed.lease, Settlement::to(Status::Succeeded)).await.unwrap();
        assert!(!ledger.store.has_turn(contact).await.unwrap());
        let finished = ledger.event(&first).await.finished_at;
        assert_eq!(finished.is_some(), status != Status::Held, "{status}");
    }
}

async fn an_event_in_review_blocks_its_contact_and_nobody_else(ledger: &Ledger) {
    let id = ledger.ended("c1", Status::NeedsReview).await;
    ledger.queue("c1").await;
    let other = ledger.queue("c2").await;
    assert_eq!(ids(&ledger.claim(10).await), [other]);
    ledger.clock.advance(Duration::from_secs(365 * 86_400));
    let due: Vec<_> = ledger.claim(10).await.into_iter().filter_map(|one| one.event.contact_id).collect();
    assert_eq!(due, ["c2"], "no time ends a review");
    assert_eq!(ledger.status(&id).await, Status::NeedsReview);
}

async fn an_event_that_is_tried_again_keeps_its_place_and_waits_for_its_time(ledger: &Ledger) {
    let first = ledger.queue("c1").await;
    ledger.queue("c1").await;
    let pause = Duration::from_secs(30);
    let again = Settlement { next_attempt_at: Some(START.plus(pause)), ..Settlement::to(Status::Queued) };
    ledger.store.settle(ledger.claim_one().await.lease, again).await.unwrap();
    assert_eq!(ledger.event(&first).await.next_attempt_at, Some(START.plus(pause)));
    ledger.clock.advance(pause - MS);
    assert!(ledger.claim(10).await.is_empty(), "one millisecond before");
    ledger.clock.advance(MS);
    assert_eq!(ledger.claim_one().await.event.id, first, "at its time, and before the one behind it");
}

async fn only_failures_that_count_use_up_attempts(ledger: &Ledger) {
    let id = ledger.queue("c1").await;
    for (counts, attempts) in [(true, 1), (false, 1), (true, 2)] {
        let again = Settlement { counts, next_attempt_at: Some(START), ..Settlement::to(Status::Queued) };
        ledger.store.settle(ledger.claim_one().await.lease, again).await.unwrap();
        assert_eq!(ledger.event(&id).await.attempts, attempts);
    }
}

async fn what_is_said_of_a_run_reads_back(ledger: &Ledger) {
    let id = ledger.queue("c1").await;
    ledger.clock.advance(MS);
    let said = Settlement {
        review: Some(json!({ "decisions": ["done"] })),
        admission: Some(json!({ "admitted": false })),
        ..Settlement::to(Status::NeedsReview).because("candidates", "两个客户")
    };
    ledger.store.settle(ledger.claim_one().await.lease, said).await.unwrap();
    let row = ledger.event(&id).await;
    assert_eq!((row.error.as_deref(), row.error_code.as_deref()), (Some("两个客户"), Some("candidates")));
    assert_eq!(
        (row.review, row.admission),
        (Some(json!({ "decisions": ["done"] })), Some(json!({ "admitted": false })))
    );
    assert_eq!((row.updated_at, row.finished_at), (START.plus(MS), None));
    ledger.store.replay(&id, &"ops".into(), None, None).await.unwrap();
    ledger.store.settle(ledger.claim_one().await.lease, Settlement::to(Status::Succeeded)).await.unwrap();
    let row = ledger.event(&id).await;
    assert_eq!(
        (row.error, row.error_code, row.review),
        (None, None, None),
        "an old failure does not cling to a success"
    );
    assert_eq!((row.admission, row.finished_at), (Some(json!({ "admitted": false })), Some(START.plus(MS))));
}

async fn a_turn_that_is_given_back_is_due_at_once_and_costs_nothing(ledger: &Ledger) {
    let id = ledger.queue("c1").await;
    ledger.store.settle(ledger.claim_one().await.lease, given_back(Vec::new())).await.unwrap();
    let row = ledger.event(&id).await;
    assert_eq!((row.status, row.attempts, row.error), (Status::Queued, 0, None));
    assert_eq!(ledger.claim_one().await.event.id, id);
}

async fn a_message_can_be_held_after_its_turn_came(ledger: &Ledger) {
    let id = ledger.queue("c1").await;
    let until = Millis(START.0 + 500);
    let held = Settlement { next_attempt_at: Some(until), ..Settlement::to(Status::Held) };
    ledger.store.settle(ledger.claim_one().await.lease, held).await.unwrap();
    let row = ledger.event(&id).await;
    assert_eq!((row.status, row.next_attempt_at, row.finished_at), (Status::Held, Some(until), None));
    assert!(!ledger.store.has_turn("c1").await.unwrap());
    // It is open all the same: it neither blocks the contact nor is it forgotten.
    let next = ledger.take_in("c1", Intake::Queue).await;
    assert_eq!(ledger.claim_one().await.event.id, next);
}

/// The turn's row goes with the last event; one that comes in at that moment must find or make one.
async fn an_event_accepted_as_the_last_one_settles_is_not_forgotten(ledger: &Ledger) {
    let other = ledger.replica().await;
    for round in 0..25 {
        let contact = format!("c{round}");
        ledger.queue(&contact).await;
        let lease = ledger.claim_one().await.lease;
        let settle = ledger.store.settle(lease, Settlement::to(Status::Succeeded));
        let (settled, accepted) = futures::join!(settle, other.accept(super::event(&format!("w{round}"), &contact)));
        settled.unwrap();
        accepted.unwrap();
        let claimed = ledger.claim_one().await;
        assert_eq!(claimed.event.webhook_id, Some(format!("w{round}")));
        ledger.store.settle(claimed.lease, Settlement::to(Status::Succeeded)).await.unwrap();
    }
}

async fn a_block_counts_against_who_began_it_once_another_event_passes_it_and_until_it_comes_on(ledger: &Ledger) {
    let block = NewBlock {
        code: "wrong_path",
        subject: "客户列表".into(),
        words: "HTTP 404".into(),
        pause: Duration::from_secs(5),
        is_met: true,
    };
    let meets = || Settlement { blocked: Some(block.clone()), ..Settlement::to(Status::Queued) };
    let passes =
        |status| Settlement { passed: Some(block.name()), next_attempt_at: Some(START), ..Settlement::to(status) };
    let begun = async |id: &str| ledger.event(id).await.blocks_begun;
    let first = ledger.queue("c1").await;
    // It passes itself what it met: nobody can say that it is its own fault.
    ledger.store.settle(ledger.claim_one().await.lease, meets()).await.unwrap();
    ledger.clock.advance(Duration::from_secs(5));
    ledger.store.try_block(&block.name(), block.pause).await.unwrap();
    ledger.store.settle(ledger.claim_one().await.lease, passes(Status::Queued)).await.unwrap();
    assert_eq!((begun(&first).await, ledger.store.blocks().await.unwrap().len()), (0, 0));
    // Another one passes it.
    ledger.store.settle(ledger.claim_one().await.lease, meets()).await.unwrap();
    let second = ledger.queue("c2").await;
    ledger.store.settle(ledger.claim_one().await.lease, passes(Status::Succeeded)).await.unwrap();
    assert_eq!((begun(&first).await, begun(&second).await), (1, 0));
    assert!(!ledger.store.release_parked(&block.name()).await.unwrap());
    let came_on = Settlement { came_on: true, next_attempt_at: Some(START), ..Settlement::to(Status::Queued) };
    ledger.store.settle(ledger.claim_one().await.lease, came_on).await.unwrap();
    assert_eq!(begun(&first).await, 0);
}

async fn what_stood_aside_is_older_still_when_its_block_has_ended_and_it_is_not_released_yet(ledger: &Ledger) {
    let (code, subject, words) = ("salesperson_unknown", "63".to_owned(), String::new());
    let block = NewBlock { code, subject, words, pause: Duration::from_secs(5), is_met: true };
    let older = ledger.queue("c1").await;
    let meets = Settlement { blocked: Some(block.clone()), ..Settlement::to(Status::Queued) };
    ledger.store.settle(ledger.claim_one().await.lease, meets).await.unwrap();
    let command = ledger.queue("c1").await;
    let seq = ledger.event(&command).await.seq;
    let before = async || ledger.store.aside_before("c1", seq).await.unwrap();
    assert!(matches!(before().await, Before::Aside(stands) if stands.name == block.name()));
    assert_eq!(ledger.store.aside_before("c2", seq).await.unwrap(), Before::Nothing);
    let passes = Settlement { passed: Some(block.name()), ..Settlement::to(Status::Succeeded) };
    ledger.queue("c2").await;
    for claimed in ledger.claim(10).await {
        let is_c2 = claimed.lease.contact_id == "c2";
        let settlement = if is_c2 { passes.clone() } else { given_back(Vec::new()) };
        ledger.store.settle(claimed.lease, settlement).await.unwrap();
    }
    assert_eq!(before().await, Before::Released, "whoever has the turn gives it back");
    while ledger.store.release_parked(&block.name()).await.unwrap() {}
    assert_eq!(before().await, Before::Released);
    let claimed = ledger.claim_one().await;
    assert_eq!(claimed.event.id, older, "and it comes first");
    ledger.store.settle(claimed.lease, Settlement::to(Status::Succeeded)).await.unwrap();
    assert_eq!(before().await, Before::Nothing);
}
