use std::time::Duration;

use serde_json::json;

use super::{
    super::{Parsed, Reading, RuleSet},
    *,
};
use crate::config::AdmissionConfig;

const NOW: Millis = Millis(1_000);
const HOLD: MessagesConfig =
    MessagesConfig { before_promotion: BeforePromotion::Hold, hold_for: Duration::from_secs(1) };
const IGNORE: MessagesConfig = MessagesConfig { before_promotion: BeforePromotion::Ignore, ..HOLD };

fn event(kind: &str, score: Option<f64>) -> Event {
    let body = json!({"type": kind, "timestamp": "2026-11-23T15:04:05+08:00", "data": {
        "contact": {"id": "c1", "name": "王小明", "phone": "13800001234", "phone_verified": true},
        "thread": {"id": "t1", "score": score}, "signal": {"id": "s1", "content": "你好"}, "deal": {"id": "d1"}}});
    match Event::parse(body.to_string().as_bytes(), &Reading::default()) {
        Ok(Parsed::Event(event)) => *event,
        other => panic!("no event: {other:?}"),
    }
}

fn intake(kind: &str, score: Option<f64>, messages: &MessagesConfig) -> Intake {
    Intake::judged(&Rules::new(&AdmissionConfig::default()), &event(kind, score), messages, false)
}

/// Unknown, in its turn, linked.
const STANDINGS: [(bool, bool); 3] = [(false, false), (false, true), (true, false)];

fn starts(intake: &Intake) -> [Start; 3] {
    STANDINGS.map(|(linked, in_turn)| intake.start(&Standing { linked, in_turn, ..Standing::default() }, NOW))
}

#[test]
fn every_type_starts_where_the_contract_says() {
    use Status::{Held, Ignored, NotAdmitted, Queued};
    let (good, bad) = (Some(80.0), Some(10.0));
    for (kind, score, messages, expected) in [
        ("contact.promoted", good, HOLD, [Queued; 3]),
        ("contact.promoted", bad, HOLD, [NotAdmitted; 3]),
        ("deal.closed", good, HOLD, [Queued; 3]),
        ("deal.closed", bad, HOLD, [Held, Queued, Queued]),
        ("deal.closed", bad, IGNORE, [Held, Queued, Queued]),
        ("sync.requested", good, HOLD, [Queued; 3]),
        ("sync.requested", bad, HOLD, [NotAdmitted, Queued, Queued]),
        ("message.logged", bad, HOLD, [Held, Held, Queued]),
        ("message.logged", bad, IGNORE, [Ignored, Ignored, Queued]),
    ] {
        let intake = intake(kind, score, &messages);
        let starts = starts(&intake);
        assert_eq!(starts.clone().map(|start| start.status), expected, "{kind} {score:?}");
        for start in &starts {
            let due = match (start.status, kind) {
                (Queued, _) => Some(NOW),
                (Held, "message.logged") => Some(Millis(2_000)),
                _ => None,
            };
            assert_eq!(start.next_attempt_at, due, "{kind} {start:?}");
            assert_eq!(start.decision.as_ref().unwrap().admitted, score == good || kind == "message.logged");
        }
        let depends = starts.iter().any(|start| start.status != starts[0].status);
        assert!(intake.asks_for_link() || !depends, "{kind} {score:?}");
        assert!(!intake.asks_for_facts(), "it brings its score: {kind}");
    }
}

#[test]
fn an_order_is_queued_and_what_nobody_handles_is_ignored_whatever_is_known() {
    for (intake, status, due) in [(Intake::Queue, Status::Queued, Some(NOW)), (Intake::Ignored, Status::Ignored, None)]
    {
        let expected = Start { status, next_attempt_at: due, decision: None };
        assert_eq!(starts(&intake), [expected.clone(), expected.clone(), expected]);
        assert!(!intake.asks_for_link() && !intake.asks_for_facts() && !intake.hangs_on_others());
    }
}

#[test]
fn force_skips_admission_and_keeps_the_decision() {
    let rules = Rules::new(&AdmissionConfig::default());
    let forced = Intake::judged(&rules, &event("sync.requested", Some(10.0)), &HOLD, true);
    let start = forced.start(&Standing::default(), NOW);
    assert_eq!((start.status, start.decision.unwrap().admitted), (Status::Queued, false));
}

#[test]
fn an_event_hangs_on_those_before_it_where_only_they_can_tell() {
    let table = [
        ("contact.promoted", Some(80.0), false),
        ("contact.promoted", Some(10.0), true),
        ("contact.promoted", None, true),
        ("deal.closed", Some(10.0), true),
        // A message asks for the link alone, which accepting brings nobody.
        ("message.logged", None, false),
    ];
    for (kind, score, expected) in table {
        assert_eq!(intake(kind, score, &HOLD).hangs_on_others(), expected, "{kind} {score:?}");
    }
    let rules = [(EventKind::MessageLogged, RuleSet::all_of(&[crate::event::Rule::Score]))].into();
    let rules = Rules::new(&AdmissionConfig { rules, ..AdmissionConfig::default() });
    assert!(Intake::judged(&rules, &event("message.logged", None), &HOLD, false).hangs_on_others());
}

#[test]
fn what_an_event_tells_of_its_contact_is_its_score_and_that_it_is_a_deal() {
    for (kind, score, is_deal) in
        [("deal.closed", Some(59.99), true), ("message.logged", Some(12.0), false), ("contact.promoted", None, false)]
    {
        let intake = intake(kind, score, &HOLD);
        assert_eq!((intake.score(), intake.is_deal()), (score, is_deal), "{kind}");
    }
}

#[test]
fn a_message_that_names_its_contacts_customer_is_not_held_at_the_door() {
    let body = |erp: serde_json::Value| {
        json!({"type": "message.logged", "timestamp": "2026-11-23T15:04:05+08:00", "data": {
            "contact": {"id": "c1", "erp": erp}, "signal": {"id": "s1", "content": "你好"}}})
    };
    let rules = Rules::new(&AdmissionConfig::default());
    for (erp, messages, expected) in [
        (json!({"ord": 7}), HOLD, Status::Queued),
        (json!(null), HOLD, Status::Held),
        (json!({"ord": 7}), IGNORE, Status::Ignored),
    ] {
        let Ok(Parsed::Event(event)) = Event::parse(body(erp).to_string().as_bytes(), &Reading::default()) else {
            panic!("it is an event")
        };
        let intake = Intake::judged(&rules, &event, &messages, false);
        assert_eq!(intake.start(&Standing::default(), NOW).status, expected);
    }
}
