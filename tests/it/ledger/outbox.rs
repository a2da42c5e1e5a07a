//! The outbox: written with what it tells of, claimed in order per contact, settled by who holds the lease.

use std::time::Duration;

use erp_bridge::{
    event::{Link, LinkKind, LinkedBy, Status},
    store::{Addressee, Adoption, Delivery, Message, MessageDeed, NewMessage, StoreError, WriteBack},
};
use serde_json::json;

use super::{Ledger, judged, on_both};

on_both! {
    nothing_is_written_while_nobody_is_to_be_told
    a_message_is_written_with_the_change_that_it_tells_of
    of_a_contact_only_the_oldest_message_is_due
    what_was_sent_and_not_noted_is_sent_again_after_its_lease_and_not_by_two
    a_dead_message_lets_the_next_one_pass_and_can_be_replayed_or_discarded
    all_dead_messages_are_replayed_in_the_order_of_each_contact
    a_dead_message_is_forgotten_at_its_age_and_what_waits_never
    one_replica_watches_until_its_watch_is_over
    a_link_is_told_once_and_again_when_it_moves
}

const SPAN: Duration = Duration::from_secs(30);

async fn claim(ledger: &Ledger) -> Vec<Message> {
    ledger.store.claim_messages(Addressee::Platform, 10, SPAN).await.unwrap()
}

async fn settle(ledger: &Ledger, message: &Message, delivery: Delivery) {
    ledger.store.settle_message(message, &delivery).await.unwrap();
}

fn told(ledger: &Ledger) {
    ledger.store.write_back(WriteBack { succeeded: true });
}

async fn nothing_is_written_while_nobody_is_to_be_told(ledger: &Ledger) {
    ledger.ended("c1", Status::Dead).await;
    assert!(ledger.store.messages(false, None, 10).await.unwrap().is_empty());
    assert!(claim(ledger).await.is_empty());
}

async fn a_message_is_written_with_the_change_that_it_tells_of(ledger: &Ledger) {
    told(ledger);
    let mut ids = Vec::new();
    for (contact, status) in [("c1", Status::Dead), ("c2", Status::NeedsReview), ("c3", Status::Succeeded)] {
        ids.push(ledger.ended(contact, status).await);
    }
    let refused = ledger.take_in("c4", judged("contact.promoted", Some(10.0), true)).await;
    let messages = claim(ledger).await;
    let kinds: Vec<_> = messages.iter().map(|message| message.kind.as_str()).collect();
    assert_eq!(kinds, ["event.dead", "event.needs_review", "event.succeeded", "event.not_admitted"]);
    let expected =
        json!({"event_id": ids[0], "webhook_id": "n0", "contact_id": "c1", "code": "said", "message": "words"});
    assert_eq!(messages[0].data, expected);
    assert_eq!(messages[2].data, json!({"event_id": ids[2], "webhook_id": "n2", "contact_id": "c3"}));
    assert_eq!(messages[3].data["event_id"], json!(refused));
    let rules: Vec<_> = messages[3].data["reasons"].as_array().unwrap().iter().map(|reason| &reason["rule"]).collect();
    assert_eq!(rules, [&json!("phone_verified"), &json!("score")]);
}

async fn of_a_contact_only_the_oldest_message_is_due(ledger: &Ledger) {
    told(ledger);
    let first = ledger.ended("c1", Status::Succeeded).await;
    let second = ledger.ended("c1", Status::Dead).await;
    ledger.ended("c2", Status::Succeeded).await;
    let claimed = claim(ledger).await;
    assert_eq!(claimed.len(), 2, "one of each contact");
    assert_eq!(claimed[0].event_id, Some(first.clone()));
    let again = ledger.clock.now().plus(Duration::from_secs(5));
    settle(ledger, &claimed[0], Delivery::Again("HTTP 503".into(), again)).await;
    assert!(claim(ledger).await.is_empty(), "the later one waits for the first");
    ledger.clock.advance(Duration::from_secs(5));
    let claimed = claim(ledger).await;
    assert_eq!((claimed.len(), &claimed[0].event_id, claimed[0].attempts), (1, &Some(first), 2));
    settle(ledger, &claimed[0], Delivery::Taken).await;
    let claimed = claim(ledger).await;
    assert_eq!((claimed.len(), &claimed[0].event_id), (1, &Some(second)));
}

async fn what_was_sent_and_not_noted_is_sent_again_after_its_lease_and_not_by_two(ledger: &Ledger) {
    told(ledger);
    ledger.ended("c1", Status::Dead).await;
    let lost = claim(ledger).await.remove(0);
    ledger.clock.advance(SPAN - Duration::from_millis(1));
    assert!(claim(ledger).await.is_empty(), "it may be under way still");
    ledger.clock.advance(Duration::from_millis(1));
    let found = claim(ledger).await.remove(0);
    assert_eq!((&found.id, found.attempts), (&lost.id, 2), "the same message, so that the platform knows it again");
    assert_eq!(ledger.store.settle_message(&lost, &Delivery::Taken).await, Err(StoreError::LeaseLost));
    settle(ledger, &found, Delivery::Taken).await;
    assert_eq!(ledger.store.outbox_waits(Addressee::Platform).await.unwrap().waiting, 0);
}

async fn a_dead_message_lets_the_next_one_pass_and_can_be_replayed_or_discarded(ledger: &Ledger) {
    told(ledger);
    ledger.ended("c1", Status::Dead).await;
    ledger.ended("c1", Status::Succeeded).await;
    let first = claim(ledger).await.remove(0);
    settle(ledger, &first, Delivery::Dead("HTTP 404".into())).await;
    let second = claim(ledger).await.remove(0);
    assert_eq!(second.kind, "event.succeeded");
    settle(ledger, &second, Delivery::Taken).await;
    let dead = ledger.store.messages(true, None, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].error.as_deref()), (1, Some("HTTP 404")));
    let change = async |id: &str, deed, reason| ledger.store.change_message(id, deed, &"ops".into(), reason).await;
    change(&first.id, MessageDeed::Replay, Some("endpoint mended")).await.unwrap();
    let again = claim(ledger).await.remove(0);
    assert_eq!((&again.id, again.attempts), (&first.id, 1));
    settle(ledger, &again, Delivery::Dead("HTTP 404".into())).await;
    change(&first.id, MessageDeed::Discard, None).await.unwrap();
    let gone = change(&first.id, MessageDeed::Discard, None).await;
    assert_eq!(gone, Err(StoreError::NotFound));
    let deeds: Vec<_> = ledger.store.audit_log(None, 9).await.unwrap().into_iter().map(|row| row.action).collect();
    assert_eq!(deeds, ["outbox.discard", "outbox.replay"]);
}

async fn all_dead_messages_are_replayed_in_the_order_of_each_contact(ledger: &Ledger) {
    told(ledger);
    let mut events = Vec::new();
    for contact in ["c1", "c1", "c2", "c1"] {
        events.push(ledger.ended(contact, Status::Dead).await);
    }
    // The first two of c1 and the one of c2 die; the last of c1 is not taken at once, and waits for its next try.
    for _ in 0..2 {
        for message in claim(ledger).await {
            settle(ledger, &message, Delivery::Dead("HTTP 410".into())).await;
        }
    }
    let last = claim(ledger).await.remove(0);
    assert_eq!(last.event_id.as_ref(), Some(&events[3]));
    settle(ledger, &last, Delivery::Again("HTTP 503".into(), ledger.clock.now())).await;
    let replay = async |to| ledger.store.replay_messages(to, &"ops".into(), Some("修好了")).await;
    assert_eq!(replay(Addressee::People).await, Ok(0), "they are for the platform");
    assert_eq!(ledger.store.outbox_waits(Addressee::Platform).await.unwrap().dead, 3);
    assert_eq!(replay(Addressee::Platform).await, Ok(3));
    assert_eq!(replay(Addressee::Platform).await, Ok(0), "nothing is dead any more");
    let mut order = Vec::new();
    for _ in 0..3 {
        for message in claim(ledger).await {
            settle(ledger, &message, Delivery::Taken).await;
            order.extend(message.event_id.filter(|_| message.contact_id.as_deref() == Some("c1")));
        }
    }
    assert_eq!(order, [&events[0], &events[1], &events[3]].map(String::clone));
    let audit = ledger.store.audit_log(None, 9).await.unwrap();
    let deeds: Vec<_> = audit.iter().map(|row| (row.action.as_str(), row.reason.as_deref())).collect();
    assert_eq!(deeds, [("outbox.replay", Some("修好了")); 3]);
}

async fn a_dead_message_is_forgotten_at_its_age_and_what_waits_never(ledger: &Ledger) {
    told(ledger);
    for contact in ["c1", "c2", "c3"] {
        ledger.ended(contact, Status::Dead).await;
    }
    let claimed = claim(ledger).await;
    for message in &claimed[..2] {
        settle(ledger, message, Delivery::Dead("HTTP 404".into())).await;
    }
    let died = ledger.clock.now();
    assert_eq!(ledger.store.prune_outbox(died).await, Ok(0), "it is not older than that");
    ledger.store.change_message(&claimed[1].id, MessageDeed::Replay, &"ops".into(), None).await.unwrap();
    ledger.clock.advance(SPAN * 1_000);
    assert_eq!(ledger.store.prune_outbox(died.plus(Duration::from_millis(1))).await, Ok(1));
    assert!(ledger.store.messages(true, None, 10).await.unwrap().is_empty());
    let waiting = ledger.store.messages(false, None, 10).await.unwrap();
    let waiting: Vec<_> = waiting.iter().map(|message| &message.id).collect();
    assert_eq!(waiting, [&claimed[2].id, &claimed[1].id]);
    // Once nobody is there to deliver them they go as well, but for one that is under way.
    let platform = Addressee::Platform;
    assert_eq!(ledger.store.prune_untold(platform, died).await, Ok(0), "they were written no earlier");
    let later = ledger.clock.now();
    assert_eq!(ledger.store.prune_untold(Addressee::People, later).await, Ok(0));
    let under_way = ledger.store.claim_messages(platform, 1, SPAN).await.unwrap();
    assert_eq!((under_way.len(), ledger.store.prune_untold(platform, later).await), (1, Ok(1)));
    // Whoever stood behind them in the lane is due now.
    for status in [Status::Dead, Status::Dead] {
        ledger.ended("c9", status).await;
        ledger.clock.advance(SPAN);
    }
    let between = ledger.clock.now().minus(SPAN);
    assert_eq!(ledger.store.prune_untold(platform, between).await, Ok(1), "the first of the lane");
    let due = ledger.store.claim_messages(platform, 9, SPAN).await.unwrap();
    assert!(due.iter().any(|message| message.contact_id.as_deref() == Some("c9")), "{due:?}");
}

async fn one_replica_watches_until_its_watch_is_over(ledger: &Ledger) {
    let take = async |holder| ledger.store.take_watch(holder, SPAN).await.unwrap();
    assert_eq!(take("a").await.as_deref(), Some(""));
    let notice = |text: &str| NewMessage {
        to: Addressee::People,
        kind: "alert.raised".into(),
        data: json!({"title": text}),
        event_id: None,
        contact_id: None,
    };
    ledger.store.keep_watch("a", "{}", vec![notice("1"), notice("2")]).await.unwrap();
    if !ledger.is_sqlite() {
        assert_eq!(take("b").await, None);
        assert_eq!(ledger.store.keep_watch("b", "x", vec![notice("3")]).await, Err(StoreError::LeaseLost));
        ledger.clock.advance(SPAN);
    }
    assert_eq!(take("b").await.as_deref(), Some("{}"), "it goes on from what was told");
    let claimed = ledger.store.claim_messages(Addressee::People, 10, SPAN).await.unwrap();
    assert_eq!((claimed.len(), &claimed[0].data), (1, &json!({"title": "1"})), "in order, one at a time");
}

async fn a_link_is_told_once_and_again_when_it_moves(ledger: &Ledger) {
    told(ledger);
    let link = |ord| Link { ord, khid: format!("K{ord}"), kind: LinkKind::Person, linked_by: LinkedBy::Khid };
    let adopt = async |ord| ledger.store.adopt("c1", &link(ord), "", true, &"ops".into()).await.unwrap();
    assert_eq!(adopt(7).await, Adoption::Linked);
    assert!(matches!(adopt(7).await, Adoption::Already(_)));
    ledger.store.unlink("c1", &"ops".into(), None, None).await.unwrap();
    assert_eq!(adopt(8).await, Adoption::Linked);
    let first = claim(ledger).await.remove(0);
    let expected = json!({"contact_id": "c1", "ord": 7, "khid": "K7", "kind": "person", "linked_by": "adopt"});
    assert_eq!((first.kind.as_str(), &first.data), ("contact.linked", &expected));
    settle(ledger, &first, Delivery::Taken).await;
    let second = claim(ledger).await.remove(0);
    assert_eq!(second.data["ord"], json!(8));
    settle(ledger, &second, Delivery::Taken).await;
    assert!(claim(ledger).await.is_empty());
}
