//! What is done to all events that match a filter: replays, and giving up.

use std::{collections::BTreeSet, time::Duration};

use erp_bridge::{
    event::Status,
    store::{BulkDeed, EventFilter, NewEvent, Settlement, StoreError, Unfinished},
};

use super::{Ledger, START, event, ids, on_both};

on_both! {
    a_dry_run_counts_what_the_replay_then_replays
    a_replay_takes_only_states_from_which_replay_is_allowed
    what_has_lost_its_payload_is_neither_counted_nor_replayed
    trying_a_cause_again_counts_what_retention_left_and_no_erased_contact_s
    replays_fall_due_at_fifty_a_second_in_the_order_of_acceptance
    giving_up_counts_and_takes_the_same_events
    of_what_is_queued_that_is_hastened_which_waits_for_nothing_but_its_next_try
}

/// What a replay by filter puts into a second.
const A_SECOND: usize = 50;

fn of(statuses: &[Status]) -> EventFilter {
    EventFilter { statuses: statuses.to_vec(), ..EventFilter::default() }
}

/// How many events a replay of what matches would put back.
async fn counted(ledger: &Ledger, filter: &EventFilter) -> Result<i64, StoreError> {
    ledger.store.count_matching(BulkDeed::Replay, filter).await
}

/// Puts what matches back.
async fn replayed(ledger: &Ledger, filter: &EventFilter) -> Result<i64, Unfinished> {
    ledger.store.change_matching(BulkDeed::Replay, filter, &"ops".into(), None).await
}

/// Many dead events, each of a contact of its own, in order of acceptance.
async fn dead(ledger: &Ledger, count: usize) -> Vec<String> {
    let accepted = (0..count).map(|number| ledger.accept(event(&format!("d{number}"), &format!("dead{number}"))));
    let accepted = futures::future::join_all(accepted).await;
    for claimed in ledger.claim(count).await {
        ledger.store.settle(claimed.lease, Settlement::to(Status::Dead).because("refused", "不行")).await.unwrap();
    }
    let dead: Vec<_> = ledger
        .events()
        .await
        .into_iter()
        .filter(|row| row.status == Status::Dead && row.error_code.as_deref() == Some("refused"))
        .map(|row| row.id)
        .collect();
    assert_eq!(dead.len(), accepted.len());
    dead
}

async fn a_dry_run_counts_what_the_replay_then_replays(ledger: &Ledger) {
    let mine = ledger.ended("mine", Status::Dead).await;
    dead(ledger, 3).await;
    let filter = EventFilter { contact_id: Some("mine".into()), ..EventFilter::default() };
    assert_eq!(counted(ledger, &filter).await, Ok(1));
    assert_eq!(ledger.status(&mine).await, Status::Dead, "a dry run changes nothing");
    assert!(ledger.store.audit_log(None, 10).await.unwrap().is_empty());
    assert_eq!(replayed(ledger, &filter).await, Ok(1));
    assert_eq!(ledger.claim_one().await.event.id, mine);
    let audit = ledger.store.audit_log(None, 10).await.unwrap();
    assert_eq!((audit.len(), audit[0].action.as_str(), &audit[0].subject), (1, "event.replay", &mine));
    assert_eq!(replayed(ledger, &filter).await, Ok(0), "there is nothing left");
    let kind = EventFilter { kind: Some("deal.closed".into()), ..EventFilter::default() };
    assert_eq!(counted(ledger, &kind).await, Ok(0));
}

async fn a_replay_takes_only_states_from_which_replay_is_allowed(ledger: &Ledger) {
    let mut all = Vec::new();
    for status in [Status::Dead, Status::NotAdmitted, Status::Succeeded, Status::NeedsReview, Status::Held] {
        all.push((ledger.ended(status.as_str(), status).await, status));
    }
    let discarded = ledger.ended("discarded", Status::Dead).await;
    ledger.store.discard(&discarded, &"ops".into(), None, None).await.unwrap();
    for never in [Status::Succeeded, Status::NeedsReview, Status::Queued, Status::Running] {
        let filter = of(&[never]);
        let answers = (counted(ledger, &filter).await, replayed(ledger, &filter).await);
        assert_eq!(answers, (Ok(0), Ok(0)), "{never}: nothing else is replayed in its place");
    }
    assert_eq!(replayed(ledger, &of(&[])).await, Ok(1), "only the dead where none is named");
    assert_eq!(ledger.status(&all[0].0).await, Status::Queued);
    let rest = of(&[Status::NotAdmitted, Status::Discarded, Status::Succeeded]);
    assert_eq!(counted(ledger, &rest).await, Ok(2));
    assert_eq!(replayed(ledger, &rest).await, Ok(2));
    for (id, status) in &all[2..] {
        assert_eq!(ledger.status(id).await, *status);
    }
    assert_eq!(replayed(ledger, &of(&[Status::Held])).await, Ok(1));
}

async fn what_has_lost_its_payload_is_neither_counted_nor_replayed(ledger: &Ledger) {
    ledger.ended("erased", Status::Dead).await;
    ledger.store.erase_contact("erased", &"ops".into(), None).await.unwrap();
    ledger.ended("whole", Status::Dead).await;
    let filter = of(&[Status::Dead]);
    assert_eq!(counted(ledger, &filter).await, Ok(1));
    assert_eq!(replayed(ledger, &filter).await, Ok(1));
}

/// Retention takes the payload of what was given up and of nothing that is dead; erasing a contact takes it of all.
async fn trying_a_cause_again_counts_what_retention_left_and_no_erased_contact_s(ledger: &Ledger) {
    for contact in ["c1", "c2", "c3", "erased"] {
        ledger.ended(contact, Status::Dead).await;
    }
    ledger.store.erase_contact("erased", &"ops".into(), None).await.unwrap();
    let given_up = ledger.ended("c4", Status::Dead).await;
    ledger.store.discard(&given_up, &"ops".into(), None, None).await.unwrap();
    ledger.ended("c5", Status::NeedsReview).await;
    ledger.clock.advance(Duration::from_secs(3_650 * 86_400));
    assert_eq!(ledger.store.prune(ledger.clock.now(), START).await.unwrap().payloads, 1);
    let count = async |code: &str, most: i64| ledger.store.replayable_of_cause(code, most).await;
    assert_eq!((count("said", 10).await, count("another", 10).await), (Ok(3), Ok(0)));
    // The newest of them is the erased contact's, and takes nobody's place.
    assert_eq!((count("said", 3).await, count("said", 2).await), (Ok(3), Ok(2)));
}

async fn replays_fall_due_at_fifty_a_second_in_the_order_of_acceptance(ledger: &Ledger) {
    let dead = dead(ledger, 2 * A_SECOND + 1).await;
    let second = Duration::from_secs(1);
    assert_eq!(replayed(ledger, &of(&[])).await, Ok(i64::try_from(dead.len()).unwrap()));
    // What comes in fresh does not wait behind them.
    let fresh = ledger.accept(NewEvent { ..event("fresh", "fresh") }).await;
    for expected in [&dead[..A_SECOND], &dead[A_SECOND..2 * A_SECOND], &dead[2 * A_SECOND..]] {
        let mut due = ids(&ledger.claim(1_000).await);
        due.retain(|id| *id != fresh);
        let mut expected = expected.to_vec();
        expected.sort();
        assert_eq!(due, expected);
        ledger.clock.advance(second);
    }
    assert_eq!(ledger.status(&fresh).await, Status::Running);
}

async fn giving_up_counts_and_takes_the_same_events(ledger: &Ledger) {
    let dead = ledger.ended("dead", Status::Dead).await;
    let asked = ledger.ended("asked", Status::NeedsReview).await;
    let succeeded = ledger.ended("succeeded", Status::Succeeded).await;
    ledger.ended("erased", Status::Dead).await;
    ledger.store.erase_contact("erased", &"ops".into(), None).await.unwrap();
    let count = async |statuses: &[Status]| ledger.store.count_matching(BulkDeed::Discard, &of(statuses)).await;
    let give_up = async |statuses: &[Status]| {
        ledger.store.change_matching(BulkDeed::Discard, &of(statuses), &"ops".into(), Some("旧")).await
    };
    assert_eq!((count(&[Status::Succeeded]).await, give_up(&[Status::Succeeded]).await), (Ok(0), Ok(0)));
    assert_eq!(count(&[]).await, Ok(2), "the dead where none is named, one without its payload among them");
    let all = [Status::Dead, Status::NeedsReview, Status::Succeeded];
    assert_eq!((count(&all).await, give_up(&all).await), (Ok(3), Ok(3)));
    assert_eq!((count(&all).await, give_up(&all).await), (Ok(0), Ok(0)));
    for (id, status) in [(&dead, Status::Discarded), (&asked, Status::Discarded), (&succeeded, Status::Succeeded)] {
        assert_eq!(ledger.status(id).await, status);
    }
}

async fn of_what_is_queued_that_is_hastened_which_waits_for_nothing_but_its_next_try(ledger: &Ledger) {
    let later = ledger.clock.now().plus(Duration::from_secs(43_200));
    let mut waiting = Vec::new();
    for contact in ["c1", "c2"] {
        waiting.push(ledger.queue(contact).await);
        let to = Settlement::to(Status::Queued).because("timeout", "没有应答");
        let again = Settlement { counts: true, next_attempt_at: Some(later), ..to };
        ledger.store.settle(ledger.claim_one().await.lease, again).await.unwrap();
    }
    let fresh = ledger.queue("c3").await;
    let retrying = EventFilter { retrying: true, ..of(&[Status::Queued]) };
    for filter in [&retrying, &of(&[Status::Queued])] {
        assert_eq!(counted(ledger, filter).await, Ok(2), "one is in its turn already");
    }
    let blocked = EventFilter { blocked: Some(true), ..of(&[Status::Queued]) };
    assert_eq!(counted(ledger, &blocked).await, Ok(0));
    assert_eq!(replayed(ledger, &retrying).await, Ok(2));
    for id in &waiting {
        let row = ledger.event(id).await;
        assert_eq!((row.attempts, row.next_attempt_at), (1, Some(ledger.clock.now())), "of the budget that it has");
    }
    assert_eq!(replayed(ledger, &retrying).await, Ok(0), "nothing is left to hasten");
    let due: BTreeSet<_> = ids(&ledger.claim(10).await).into_iter().collect();
    assert_eq!(due, waiting.into_iter().chain([fresh]).collect());
}
