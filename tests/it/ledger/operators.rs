//! What operators do to single events; each deed with its entry in the audit log.

use std::time::Duration;

use erp_bridge::{
    event::{Link, LinkKind, LinkedBy, Status},
    store::{Adoption, Advance, AuditRow, DoneStep, Resolution, Settlement, StepState, StoreError},
};
use serde_json::json;

use super::{LEASE, Ledger, MS, on_both, step};
use crate::support::eventually;

on_both! {
    a_replay_begins_with_a_fresh_budget_after_the_last_confirmed_step
    the_next_try_is_made_now_where_somebody_wants_it_and_counts_as_any
    a_discarded_event_makes_way_and_can_be_replayed
    a_decision_is_written_down_and_the_event_goes_on
    that_a_contact_is_new_is_over_with_its_next_link_and_with_no_earlier_one
    only_decisions_that_the_review_asks_for_are_taken
    a_decision_on_what_has_changed_since_it_was_seen_is_refused
    moves_that_a_state_does_not_allow_are_refused_and_change_nothing
    a_deed_that_cannot_be_audited_is_not_done
    an_event_without_its_payload_is_not_replayed
    an_earlier_event_that_is_replayed_goes_before_the_later_ones
    an_operator_and_a_claimer_at_once_never_both_get_the_event
}

const REASON: Option<&str> = Some("客户来电");

async fn last_audit(ledger: &Ledger) -> Option<AuditRow> {
    ledger.store.audit_log(None, 1).await.unwrap().pop()
}

async fn a_replay_begins_with_a_fresh_budget_after_the_last_confirmed_step(ledger: &Ledger) {
    let id = ledger.queue("c1").await;
    let mut lease = ledger.claim_one().await.lease;
    let steps = ["a", "b"].map(step);
    ledger.store.plan(&mut lease, &steps, Vec::new()).await.unwrap();
    let done = Advance { done: vec![DoneStep::new(0, json!(7))], start: Some(1), ..Advance::default() };
    ledger.store.advance(&mut lease, &done).await.unwrap();
    let dead = Settlement { counts: true, ..Settlement::to(Status::Dead).because("refused", "不行") };
    ledger.store.settle(lease, dead).await.unwrap();
    ledger.clock.advance(Duration::from_secs(1));
    ledger.store.replay(&id, &"ops".into(), REASON, None).await.unwrap();
    let now = ledger.clock.now();
    let row = ledger.event(&id).await;
    assert_eq!((row.status, row.attempts, row.next_attempt_at), (Status::Queued, 0, Some(now)));
    assert_eq!((row.error, row.error_code, row.finished_at), (None, None, None));
    let claimed = ledger.claim_one().await;
    let states: Vec<_> = claimed.steps.iter().map(|step| (step.state, step.result.clone())).collect();
    assert_eq!(states, [(StepState::Done, Some(json!(7))), (StepState::Started, None)]);
    let audit = last_audit(ledger).await.unwrap();
    assert_eq!((audit.actor.as_str(), audit.action.as_str(), &audit.subject), ("ops", "event.replay", &id));
    assert_eq!((audit.reason.as_deref(), audit.at), (REASON, now));
}

async fn the_next_try_is_made_now_where_somebody_wants_it_and_counts_as_any(ledger: &Ledger) {
    let id = ledger.queue("c1").await;
    let later = ledger.clock.now().plus(Duration::from_secs(43_200));
    let to = Settlement::to(Status::Queued).because("timeout", "没有应答");
    let again = Settlement { counts: true, next_attempt_at: Some(later), ..to };
    ledger.store.settle(ledger.claim_one().await.lease, again).await.unwrap();
    assert!(ledger.claim(10).await.is_empty());
    ledger.clock.advance(MS);
    let replay = async || ledger.store.replay(&id, &"ops".into(), REASON, None).await;
    replay().await.unwrap();
    let row = ledger.event(&id).await;
    assert_eq!((row.status, row.attempts, row.next_attempt_at), (Status::Queued, 1, Some(ledger.clock.now())));
    assert_eq!(row.error_code.as_deref(), Some("timeout"), "why it failed is still true");
    assert_eq!(last_audit(ledger).await.unwrap().action, "event.replay");
    assert_eq!(replay().await, Err(StoreError::WrongState(Status::Queued)), "nothing is left to hasten");
    // Who was refused may hold the turn's lock for a moment.
    let claimed = eventually("it is claimed", Duration::from_secs(10), async || ledger.claim(10).await.pop()).await;
    assert_eq!(claimed.event.id, id);
}

async fn a_discarded_event_makes_way_and_can_be_replayed(ledger: &Ledger) {
    let id = ledger.ended("c1", Status::NeedsReview).await;
    let next = ledger.queue("c1").await;
    ledger.store.discard(&id, &"ops".into(), REASON, None).await.unwrap();
    let row = ledger.event(&id).await;
    assert_eq!((row.status, row.finished_at), (Status::Discarded, Some(ledger.clock.now())));
    assert_eq!(row.error.as_deref(), Some("words"), "why it stood there is still worth reading");
    assert_eq!(last_audit(ledger).await.unwrap().action, "event.discard");
    let claimed = ledger.claim_one().await;
    assert_eq!(claimed.event.id, next);
    ledger.store.replay(&id, &"ops".into(), None, None).await.unwrap();
    assert!(ledger.claim(10).await.is_empty(), "not while its contact's turn is taken");
    ledger.store.settle(claimed.lease, Settlement::to(Status::Succeeded)).await.unwrap();
    assert_eq!(ledger.claim_one().await.event.id, id);
}

async fn a_decision_is_written_down_and_the_event_goes_on(ledger: &Ledger) {
    for (contact, decision, expected) in [
        ("c1", Resolution::Done, json!({ "decision": "done", "step": "progress:2" })),
        ("c2", Resolution::Resend, json!({ "decision": "resend", "step": "progress:2" })),
        ("c3", Resolution::Link { ord: 12 }, json!({ "decision": "link", "ord": 12, "step": "progress:2" })),
    ] {
        let id = ledger.queue(contact).await;
        let review = Some(json!({ "step": "progress:2", "decisions": ["done", "resend", "link"] }));
        let settlement = Settlement { review, ..Settlement::to(Status::NeedsReview) };
        ledger.store.settle(ledger.claim_one().await.lease, settlement).await.unwrap();
        ledger.store.resolve(&id, &decision, &"ops".into(), REASON, None).await.unwrap();
        let row = ledger.event(&id).await;
        assert_eq!((row.status, row.resolution), (Status::Queued, Some(expected.clone())));
        assert_eq!(last_audit(ledger).await.unwrap().action, "event.resolve");
        let mut claimed = ledger.claim_one().await;
        assert_eq!(claimed.event.resolution, Some(expected));
        ledger.store.advance(&mut claimed.lease, &Advance { resolved: true, ..Advance::default() }).await.unwrap();
        assert_eq!(ledger.event(&id).await.resolution, None, "a decision counts once");
        ledger.store.settle(claimed.lease, Settlement::to(Status::Succeeded)).await.unwrap();
    }
}

/// In one millisecond, and by the clock of a replica that is behind that of who has linked the contact before.
async fn that_a_contact_is_new_is_over_with_its_next_link_and_with_no_earlier_one(ledger: &Ledger) {
    let asked = async |contact: &str| {
        let id = ledger.queue(contact).await;
        let review = Some(json!({ "candidates": [{ "ord": 7 }], "decisions": ["link", "recreate"] }));
        let settlement = Settlement { review, ..Settlement::to(Status::NeedsReview) };
        ledger.store.settle(ledger.claim_one().await.lease, settlement).await.unwrap();
        id
    };
    let link = async |contact: &str, ord: i64| {
        let link = Link { ord, khid: format!("K{ord}"), kind: LinkKind::Person, linked_by: LinkedBy::Adopt };
        let adopted = ledger.store.adopt(contact, &link, "", true, &"ops".into()).await;
        assert_eq!(adopted, Ok(Adoption::Linked), "{contact}");
    };
    let refuse = async |id: &str| {
        ledger.store.resolve(id, &Resolution::Recreate, &"ops".into(), None, None).await.unwrap();
    };
    let is_over = async |id: &str, contact: &str| {
        let decided = ledger.event(id).await.decided().unwrap();
        assert_eq!(decided.refused, Some(vec![7]));
        decided.is_over(ledger.store.contact(contact).await.unwrap().as_ref())
    };
    let id = asked("c1").await;
    refuse(&id).await;
    assert!(!is_over(&id, "c1").await, "nobody has linked it");
    link("c1", 7).await;
    assert!(is_over(&id, "c1").await, "who was refused was linked after all");
    ledger.store.discard(&id, &"ops".into(), None, None).await.unwrap();

    let id = asked("c2").await;
    let now = ledger.clock.now();
    ledger.clock.advance(MS);
    link("c2", 8).await;
    ledger.clock.set(now);
    refuse(&id).await;
    assert!(!is_over(&id, "c2").await, "it was linked so when that was decided");
}

async fn only_decisions_that_the_review_asks_for_are_taken(ledger: &Ledger) {
    let id = ledger.ended("c2", Status::NeedsReview).await;
    let done = ledger.store.resolve(&id, &Resolution::Done, &"ops".into(), None, None).await;
    assert_eq!(done, Err(StoreError::WrongState(Status::NeedsReview)), "a review that offers nothing takes nothing");
    let id = ledger.queue("c1").await;
    let review = Some(json!({ "decisions": ["done", "resend"] }));
    let settlement = Settlement { review, ..Settlement::to(Status::NeedsReview) };
    ledger.store.settle(ledger.claim_one().await.lease, settlement).await.unwrap();
    let link = ledger.store.resolve(&id, &Resolution::Link { ord: 1 }, &"ops".into(), None, None).await;
    assert_eq!(link, Err(StoreError::NotOffered(vec!["done".into(), "resend".into()])));
    ledger.store.resolve(&id, &Resolution::Done, &"ops".into(), None, None).await.unwrap();
}

/// Two people look at one review; it is asked for another step by the time the second decides.
async fn a_decision_on_what_has_changed_since_it_was_seen_is_refused(ledger: &Ledger) {
    let id = ledger.queue("c1").await;
    let asks = async |step: &str| {
        ledger.clock.advance(MS);
        let review = Some(json!({ "step": step, "decisions": ["done", "resend"] }));
        let settlement = Settlement { review, ..Settlement::to(Status::NeedsReview) };
        ledger.store.settle(ledger.claim_one().await.lease, settlement).await.unwrap();
        Some(ledger.event(&id).await.updated_at)
    };
    let decide = async |seen| ledger.store.resolve(&id, &Resolution::Done, &"ops".into(), None, seen).await;
    let seen = asks("progress:1").await;
    decide(seen).await.unwrap();
    let now = asks("progress:2").await;
    let deeds = ledger.store.audit_log(None, 100).await.unwrap().len();
    assert_eq!(decide(seen).await, Err(StoreError::Changed));
    assert_eq!(ledger.status(&id).await, Status::NeedsReview);
    assert_eq!(ledger.store.audit_log(None, 100).await.unwrap().len(), deeds);
    decide(now).await.unwrap();
    assert_eq!(ledger.event(&id).await.resolution, Some(json!({ "decision": "done", "step": "progress:2" })));
}

async fn moves_that_a_state_does_not_allow_are_refused_and_change_nothing(ledger: &Ledger) {
    let running = ledger.queue("c0").await;
    ledger.claim_one().await;
    let mut events = vec![(running, Status::Running, [false, false])];
    for (status, allowed) in [
        (Status::Succeeded, [false, false]),
        (Status::Dead, [true, true]),
        (Status::Held, [true, true]),
        (Status::NotAdmitted, [true, true]),
    ] {
        events.push((ledger.ended(status.as_str(), status).await, status, allowed));
    }
    let queued = ledger.queue("c1").await;
    events.push((queued, Status::Queued, [false, true]));
    for (id, status, [replay, discard]) in &events {
        let deeds = ledger.store.audit_log(None, 100).await.unwrap().len();
        let refused = Err(StoreError::WrongState(*status));
        let resolved = ledger.store.resolve(id, &Resolution::Done, &"ops".into(), None, None).await;
        assert_eq!(resolved, refused, "resolve {status}");
        if !replay {
            assert_eq!(ledger.store.replay(id, &"ops".into(), None, None).await, refused, "replay {status}");
        }
        if !discard {
            assert_eq!(ledger.store.discard(id, &"ops".into(), None, None).await, refused, "discard {status}");
        }
        assert_eq!(ledger.status(id).await, *status);
        assert_eq!(ledger.store.audit_log(None, 100).await.unwrap().len(), deeds, "{status}");
        if *discard {
            ledger.store.discard(id, &"ops".into(), None, None).await.unwrap();
            let twice = ledger.store.discard(id, &"ops".into(), None, None).await;
            assert_eq!(twice, Err(StoreError::WrongState(Status::Discarded)), "{status}");
        }
        if *replay {
            ledger.store.replay(id, &"ops".into(), None, None).await.unwrap();
        }
    }
    assert_eq!(ledger.store.replay("no-such-event", &"ops".into(), None, None).await, Err(StoreError::NotFound));
}

async fn a_deed_that_cannot_be_audited_is_not_done(ledger: &Ledger) {
    let dead = ledger.ended("c1", Status::Dead).await;
    let review = ledger.ended("c2", Status::NeedsReview).await;
    ledger.run("alter table audit rename to away").await;
    assert!(ledger.store.replay(&dead, &"ops".into(), None, None).await.is_err());
    assert!(ledger.store.discard(&dead, &"ops".into(), None, None).await.is_err());
    assert!(ledger.store.resolve(&review, &Resolution::Done, &"ops".into(), None, None).await.is_err());
    assert!(ledger.store.erase_contact("c1", &"ops".into(), None).await.is_err());
    assert_eq!((ledger.status(&dead).await, ledger.status(&review).await), (Status::Dead, Status::NeedsReview));
    assert!(ledger.event(&dead).await.payload.is_some());
    assert!(ledger.claim(10).await.is_empty());
    ledger.run("alter table away rename to audit").await;
    ledger.store.replay(&dead, &"ops".into(), None, None).await.unwrap();
    assert_eq!(ledger.claim_one().await.event.id, dead);
}

async fn an_event_without_its_payload_is_not_replayed(ledger: &Ledger) {
    let id = ledger.ended("c1", Status::Dead).await;
    ledger.store.erase_contact("c1", &"ops".into(), None).await.unwrap();
    assert_eq!(ledger.store.replay(&id, &"ops".into(), None, None).await, Err(StoreError::WrongState(Status::Dead)));
}

async fn an_earlier_event_that_is_replayed_goes_before_the_later_ones(ledger: &Ledger) {
    let first = ledger.ended("c1", Status::Dead).await;
    let second = ledger.ended("c1", Status::Dead).await;
    let third = ledger.queue("c1").await;
    ledger.store.replay(&second, &"ops".into(), None, None).await.unwrap();
    ledger.store.replay(&first, &"ops".into(), None, None).await.unwrap();
    for id in [first, second, third] {
        let claimed = ledger.claim_one().await;
        assert_eq!(claimed.event.id, id);
        ledger.store.settle(claimed.lease, Settlement::to(Status::Succeeded)).await.unwrap();
    }
}

async fn an_operator_and_a_claimer_at_once_never_both_get_the_event(ledger: &Ledger) {
    let (other, ops) = (ledger.replica().await, "ops".into());
    for round in 0..25 {
        let contact = format!("c{round}");
        let id = ledger.queue(&contact).await;
        let (discarded, claimed) = futures::join!(other.discard(&id, &ops, None, None), ledger.store.claim(10, LEASE));
        let claimed = claimed.unwrap();
        match discarded {
            Ok(()) => {
                assert!(claimed.is_empty(), "{round}");
                assert_eq!(ledger.status(&id).await, Status::Discarded);
                assert!(!ledger.store.has_turn(&contact).await.unwrap(), "{round}");
            }
            Err(StoreError::WrongState(Status::Running)) => {
                assert_eq!(claimed.len(), 1, "{round}");
                assert_eq!(ledger.status(&id).await, Status::Running);
            }
            Err(error) => panic!("{error}"),
        }
    }
}
