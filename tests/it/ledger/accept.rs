//! The door's side: what is taken, once, and in which order.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use erp_bridge::{
    clock::{Clock, Millis},
    config::{BeforePromotion, MessagesConfig},
    event::{Link, LinkKind, LinkedBy, Status},
    store::{Accepted, Deed, EventRow, Intake, NewEvent, SeenContact, Settlement, StoreError},
};
use futures::future::join_all;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

use super::{Ledger, MS, START, event, held_for, judged, judged_with, on_both, retention::forget_all};
use crate::support::{Seed, postgres};

const SECOND: Duration = Duration::from_secs(1);

on_both! {
    a_new_event_reads_back_as_it_came
    the_same_delivery_is_a_duplicate_and_another_body_a_conflict
    one_delivery_many_times_at_once_is_stored_once
    two_bodies_of_one_webhook_id_at_once_are_one_event_and_conflicts
    what_has_no_webhook_id_is_never_a_duplicate
    of_many_who_order_at_once_upon_the_same_sight_one_has_it
    the_order_of_acceptance_is_the_order_of_a_contact_s_turn_whichever_replica_accepts
    where_an_event_starts_depends_on_its_contact
    within_one_batch_an_event_counts_for_those_behind_it
    a_null_character_in_a_text_neither_fails_its_batch_nor_its_event
    what_the_database_refuses_costs_its_own_event_alone_and_is_kept_for_operators
}

async fn what_the_database_refuses_costs_its_own_event_alone_and_is_kept_for_operators(ledger: &Ledger) {
    let refuse = if ledger.is_sqlite() {
        "create trigger no_mars before insert on events when new.payload like '%mars%'
           begin select raise(abort, 'no mars'); end"
    } else {
        "alter table events add constraint no_mars check (payload not like '%mars%')"
    };
    ledger.run(refuse).await;
    let events = ["w1", "mars", "w2", "w3", "w4"].map(|id| event(id, "c1"));
    let outcomes = join_all(events.map(|event| ledger.store.accept(event))).await;
    let is_new = |outcome: &Result<Accepted, StoreError>| matches!(outcome, Ok(Accepted::New { .. }));
    assert_eq!(outcomes.iter().map(is_new).collect::<Vec<_>>(), [true, false, true, true, true], "{outcomes:?}");
    assert!(matches!(outcomes[1], Err(StoreError::Data(_))), "no outage: {outcomes:?}");
    let stored = ledger.events().await.into_iter().filter_map(|row| row.webhook_id);
    assert_eq!(stored.collect::<Vec<_>>(), ["w1", "w2", "w3", "w4"]);
    let rejections = ledger.store.rejections(None, 10).await.unwrap().items;
    let kept: Vec<_> = rejections.iter().map(|row| row.rejection.webhook_id.as_str()).collect();
    assert_eq!(kept, ["mars"]);
    assert!(rejections[0].rejection.payload.contains("mars"), "with what it said");
}

async fn a_new_event_reads_back_as_it_came(ledger: &Ledger) {
    let came = NewEvent {
        occurred_at: Some(Millis(START.0 - 5)),
        warnings: None,
        actor: "ops".into(),
        force: true,
        sequence: Some(7),
        trace_parent: Some("00-1-2-01".into()),
        deed: None,
        ..event("w1", "c1")
    };
    let id = ledger.accept(came.clone()).await;
    let row = ledger.event(&id).await;
    assert_eq!(row.webhook_id, came.webhook_id);
    assert_eq!((row.kind, row.contact_id, row.payload), (came.kind, came.contact_id, Some(came.payload)));
    assert_eq!((row.occurred_at, row.admission), (came.occurred_at, None));
    assert_eq!((row.actor, row.force, row.sequence), (came.actor, true, Some(7)));
    assert_eq!((row.trace_parent, row.status), (came.trace_parent, Status::Queued));
    assert_eq!((row.received_at, row.updated_at, row.next_attempt_at), (START, START, Some(START)));
    assert_eq!((row.attempts, row.finished_at, row.error), (0, None, None));
    assert!(ledger.store.has_turn("c1").await.unwrap());
}

async fn the_same_delivery_is_a_duplicate_and_another_body_a_conflict(ledger: &Ledger) {
    let id = ledger.accept(event("w1", "c1")).await;
    let again = ledger.store.accept(event("w1", "c1")).await.unwrap();
    assert_eq!(again, Accepted::Duplicate { id: id.clone() });
    let other = NewEvent { payload: "{}".into(), ..event("w1", "c1") };
    assert_eq!(ledger.store.accept(other).await.unwrap(), Accepted::Conflict { id: id.clone() });
    let forced = NewEvent { force: true, ..event("w1", "c1") };
    assert_eq!(ledger.store.accept(forced).await.unwrap(), Accepted::Conflict { id: id.clone() });
    // The first one's end changes nothing about it.
    let claimed = ledger.claim_one().await;
    ledger.store.settle(claimed.lease, Settlement::to(Status::Succeeded)).await.unwrap();
    assert_eq!(ledger.store.accept(event("w1", "c1")).await.unwrap(), Accepted::Duplicate { id });
    assert_eq!(ledger.events().await.len(), 1);
    assert!(!ledger.store.has_turn("c1").await.unwrap(), "a duplicate takes no turn");
}

async fn one_delivery_many_times_at_once_is_stored_once(ledger: &Ledger) {
    let other = ledger.replica().await;
    let doors = [&ledger.store, &other];
    let answers = join_all((0..40).map(|number| doors[number % 2].accept(event("w1", "c1")))).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let new: Vec<_> = answers.iter().filter(|answer| matches!(answer, Accepted::New { .. })).collect();
    assert_eq!(new.len(), 1, "{answers:?}");
    let events = ledger.events().await;
    assert_eq!(events.len(), 1);
    for answer in answers {
        let (Accepted::New { id, .. } | Accepted::Duplicate { id }) = answer else { panic!("{answer:?}") };
        assert_eq!(id, events[0].id);
    }
}

async fn two_bodies_of_one_webhook_id_at_once_are_one_event_and_conflicts(ledger: &Ledger) {
    let body = |number: usize| format!("{{\"body\":{}}}", number % 2);
    let answers =
        join_all((0..20).map(|number| ledger.store.accept(NewEvent { payload: body(number), ..event("w1", "c1") })))
            .await;
    let events = ledger.events().await;
    assert_eq!(events.len(), 1);
    let stored = events[0].payload.clone().unwrap();
    for (number, answer) in answers.into_iter().enumerate() {
        let same = body(number) == stored;
        match answer.unwrap() {
            Accepted::New { .. } | Accepted::Duplicate { .. } => assert!(same, "{number}"),
            Accepted::Conflict { id } => assert!(!same && id == events[0].id, "{number}"),
        }
    }
}

async fn of_many_who_order_at_once_upon_the_same_sight_one_has_it(ledger: &Ledger) {
    let order = |number: usize| {
        let seen = Some(SeenContact::default());
        let deed = Some(Deed { actor: "ops".into(), action: "contact.apply".into(), seen });
        NewEvent {
            kind: "contact.apply".into(),
            actor: "ops".into(),
            deed,
            ..event(&format!("key ops:{number}"), "c1")
        }
    };
    let other = ledger.replica().await;
    let doors = [&ledger.store, &other];
    let answers = join_all((0..10).map(|number| doors[number % 2].accept(order(number)))).await;
    let is_new = |answer: &Result<Accepted, StoreError>| matches!(answer, Ok(Accepted::New { .. }));
    let first = answers.iter().position(is_new).unwrap();
    for (number, answer) in answers.into_iter().enumerate().filter(|(number, _)| *number != first) {
        assert_eq!(answer, Err(StoreError::Changed), "{number}");
    }
    let again = ledger.store.accept(order(first)).await.unwrap();
    assert!(matches!(again, Accepted::Duplicate { .. }), "the same order that comes again: {again:?}");
    assert_eq!(ledger.events().await.len(), 1);
    let audit = ledger.store.audit_log(None, 10).await.unwrap();
    assert_eq!(audit.len(), 1, "what did not happen is no deed");
}

async fn what_has_no_webhook_id_is_never_a_duplicate(ledger: &Ledger) {
    let call = || NewEvent { webhook_id: None, ..event("none", "c1") };
    let (first, second) = futures::join!(ledger.accept(call()), ledger.accept(call()));
    assert_ne!(first, second);
    assert_eq!(ledger.events().await.len(), 2);
}

async fn the_order_of_acceptance_is_the_order_of_a_contact_s_turn_whichever_replica_accepts(ledger: &Ledger) {
    let other = ledger.replica().await;
    let doors = [&ledger.store, &other];
    // Each contact's sender waits for its answer, and then goes to the other door.
    let senders = (0..6).map(async |contact| {
        let mut accepted = Vec::new();
        for number in 0..12 {
            let event = event(&format!("w{contact}-{number}"), &format!("c{contact}"));
            match doors[(contact + number) % 2].accept(event).await.unwrap() {
                Accepted::New { id, .. } => accepted.push(id),
                other => panic!("{other:?}"),
            }
        }
        accepted
    });
    let accepted = join_all(senders).await;
    let events = ledger.events().await;
    for (contact, accepted) in accepted.iter().enumerate() {
        let contact = format!("c{contact}");
        let stored = events.iter().filter(|row| row.contact_id.as_ref() == Some(&contact)).map(|row| &row.id);
        assert_eq!(stored.collect::<Vec<_>>(), accepted.iter().collect::<Vec<_>>(), "{contact}");
    }
    let first: HashSet<_> = accepted.iter().map(|ids| ids[0].clone()).collect();
    let claimed: HashSet<_> = ledger.claim(100).await.into_iter().map(|one| one.event.id).collect();
    assert_eq!(claimed, first);
}

/// What becomes of an intake: of a stranger, of a contact with work in its turn, of a linked contact.
async fn where_an_event_starts_depends_on_its_contact(ledger: &Ledger) {
    use Status::{Held, Ignored, NotAdmitted, Queued};
    ledger.queue("linked").await;
    let lease = ledger.claim_one().await.lease;
    let link = Link { ord: 1, khid: "WXlinked".into(), kind: LinkKind::Person, linked_by: LinkedBy::Created };
    let last = erp_bridge::store::Advance { link: Some(link), ..Default::default() };
    ledger.store.settle(lease, Settlement::succeeded(last)).await.unwrap();
    ledger.queue("known").await;
    let ignore = MessagesConfig { before_promotion: BeforePromotion::Ignore, ..MessagesConfig::default() };
    for (number, (intake, expected)) in [
        (Intake::Queue, [Queued, Queued, Queued]),
        (held_for(SECOND), [Held, Held, Queued]),
        (judged_with("message.logged", None, true, &ignore), [Ignored, Ignored, Queued]),
        (judged("sync.requested", None, true), [NotAdmitted, Queued, Queued]),
        (judged("contact.promoted", None, true), [NotAdmitted; 3]),
        (Intake::Ignored, [Ignored; 3]),
    ]
    .into_iter()
    .enumerate()
    {
        for (contact, expected) in [format!("stranger{number}").as_str(), "known", "linked"].into_iter().zip(expected) {
            let id = ledger.take_in(contact, intake.clone()).await;
            let row = ledger.event(&id).await;
            assert_eq!(row.status, expected, "{intake:?} {contact}");
            let (next, finished) = match expected {
                Queued => (Some(START), None),
                Held => (Some(START.plus(SECOND)), None),
                _ => (None, Some(START)),
            };
            assert_eq!((row.next_attempt_at, row.finished_at), (next, finished), "{intake:?} {contact}");
            assert_eq!(row.admission.is_some(), matches!(intake, Intake::Judged(_)), "{intake:?}");
        }
    }
}

async fn within_one_batch_an_event_counts_for_those_behind_it(ledger: &Ledger) {
    let sync = || judged("sync.requested", None, true);
    let (first, second, stranger) = futures::join!(
        ledger.store.accept(event("w1", "c1")),
        ledger.store.accept(NewEvent { intake: sync(), ..event("w2", "c1") }),
        ledger.store.accept(NewEvent { intake: sync(), ..event("w3", "c2") }),
    );
    let status = |answer: Result<Accepted, _>| match answer.unwrap() {
        Accepted::New { status, .. } => status,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        [status(first), status(second), status(stranger)],
        [Status::Queued, Status::Queued, Status::NotAdmitted]
    );
}

async fn a_null_character_in_a_text_neither_fails_its_batch_nor_its_event(ledger: &Ledger) {
    let odd = NewEvent { payload: "{\"name\":\"a\0b\"}".into(), ..event("w1", "c1") };
    let (odd, beside) = futures::join!(ledger.accept(odd.clone()), ledger.accept(event("w2", "c2")));
    assert_eq!(ledger.status(&beside).await, Status::Queued);
    let payload = ledger.event(&odd).await.payload.unwrap();
    assert!(payload == "{\"name\":\"a\0b\"}" || payload == "{\"name\":\"a\u{fffd}b\"}", "{payload:?}");
    let again = NewEvent { payload: "{\"name\":\"a\0b\"}".into(), ..event("w1", "c1") };
    assert_eq!(ledger.store.accept(again).await.unwrap(), Accepted::Duplicate { id: odd.clone() });
    // What the ERP says can hold one as well.
    for claimed in ledger.claim(2).await {
        let settlement = Settlement::to(Status::Dead).because("refused", "ERP\0说不");
        ledger.store.settle(claimed.lease, settlement).await.unwrap();
    }
    let error = ledger.event(&odd).await.error.unwrap();
    assert!(error.starts_with("ERP") && error.ends_with("说不"), "{error:?}");
}

/// Whose events are drawn.
const CONTACTS: [&str; 4] = ["c1", "c2", "c3", "c4"];

/// An event that asks nothing of the ledger: one that came before, with something about it changed or not, or a new one.
fn draw(rng: &mut StdRng, number: usize, seen: &[NewEvent]) -> NewEvent {
    let score = Some([61.0, 88.5, 95.25][rng.random_range(0..3_usize)]);
    let (kind, intake) = match rng.random_range(0..6) {
        0 | 1 => ("message.logged", Intake::Queue),
        2 => ("unheard.of", Intake::Ignored),
        3 => ("contact.promoted", judged("contact.promoted", score, false)),
        4 => ("deal.closed", judged("deal.closed", score, false)),
        _ => ("sync.requested", judged("sync.requested", score, false)),
    };
    assert!(!intake.asks_for_link() && !intake.asks_for_facts(), "one statement stores it: {kind} {score:?}");
    let contact = CONTACTS[rng.random_range(0..CONTACTS.len())];
    let new = NewEvent { kind: kind.to_owned(), intake, ..event(&format!("w{number}"), contact) };
    let Some(first) = (!seen.is_empty()).then(|| seen[rng.random_range(0..seen.len())].clone()) else { return new };
    match rng.random_range(0..9) {
        0 | 1 => first,
        2 => NewEvent { payload: "{\"another\":\"body\"}".into(), ..first },
        3 => NewEvent { force: !first.force, ..first },
        4 => NewEvent { webhook_id: first.webhook_id, payload: first.payload, ..new },
        5 => NewEvent { webhook_id: None, ..new },
        _ => new,
    }
}

/// A ledger on PostgreSQL that has looked for other replicas, and a line on which its letters to them come. It takes the line
/// for one of theirs if that says so of itself.
async fn with_line(application_name: &str) -> (Ledger, PgListener) {
    let url = postgres::database().await;
    let options: PgConnectOptions = url.parse().unwrap();
    let options = options.application_name(application_name);
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let mut line = PgListener::connect_with(&pool).await.unwrap();
    line.listen_all(["erp_bridge_moved", "end"]).await.unwrap();
    let ledger = Ledger::at(url, tempfile::tempdir().unwrap()).await;
    assert!(line.recv().await.unwrap().payload().contains(r#""moved":[]"#), "that it is there");
    (ledger, line)
}

/// Whether the ledger has told other replicas what it moved.
async fn has_told(ledger: &Ledger, line: &mut PgListener) -> bool {
    ledger.run("notify \"end\"").await;
    let mut has_told = false;
    loop {
        let letter = line.recv().await.unwrap();
        if letter.channel() == "end" {
            return has_told;
        }
        has_told |= !letter.payload().contains(r#""moved":[]"#);
    }
}

/// What became of each event of a batch; `names` tells what the ledger's ids stand for.
async fn answers(
    ledger: &Ledger,
    batch: usize,
    events: &[NewEvent],
    names: &mut HashMap<String, String>,
) -> Vec<String> {
    let answers = join_all(events.iter().map(|event| ledger.store.accept(event.clone()))).await;
    let answers: Vec<Accepted> = answers.into_iter().map(Result::unwrap).collect();
    for (place, answer) in answers.iter().enumerate() {
        if let Accepted::New { id, .. } = answer {
            names.insert(id.clone(), format!("{batch}/{place}"));
        }
    }
    let told = |answer: Accepted| match answer {
        Accepted::New { id, status, decision } => format!("new {} {status:?} {decision:?}", names[&id]),
        Accepted::Duplicate { id } => format!("duplicate of {}", names[&id]),
        Accepted::Conflict { id } => format!("conflict with {}", names[&id]),
    };
    answers.into_iter().map(told).collect()
}

/// What stands in the ledger: the events in their order, how the contacts stand, and whose turn it is.
async fn left(ledger: &Ledger, names: &HashMap<String, String>) -> Vec<String> {
    let mut left = Vec::new();
    for row in ledger.events().await {
        let name = &names[&row.id];
        left.push(format!("{name} {:?}", EventRow { seq: 0, id: String::new(), ..row }));
    }
    for contact in CONTACTS {
        left.push(format!("{contact} {:?}", ledger.store.standing(contact).await.unwrap()));
    }
    left.push(format!("{:?}", ledger.store.next_due().await.unwrap()));
    let claimed = ledger.claim(CONTACTS.len()).await.into_iter();
    let mut heads: Vec<_> = claimed.map(|one| (one.lease.contact_id, names[&one.event.id].clone())).collect();
    heads.sort();
    left.push(format!("{heads:?}"));
    left
}

#[tokio::test]
async fn a_batch_in_one_statement_becomes_what_it_does_in_a_transaction_and_on_sqlite() {
    const BATCHES: usize = 12;
    let seed = Seed::asked_or(Clock::system().now().0.unsigned_abs(), "a_batch_in_one_statement");
    let mut rng = StdRng::seed_from_u64(seed.number);
    // Alone, a batch is one statement; in company the letter to the others is a second one, in its transaction.
    let (alone, mut line_of_alone) = with_line("somebody").await;
    let (in_company, mut line_of_company) = with_line("erp-bridge stream").await;
    let ledgers = [Ledger::sqlite().await, alone, in_company];
    let mut names: [HashMap<String, String>; 3] = Default::default();
    let mut seen: Vec<NewEvent> = Vec::new();
    for batch in 0..BATCHES {
        let (first, count): (usize, usize) = (seen.len(), rng.random_range(1..25));
        for number in first..first + count {
            let drawn = draw(&mut rng, number, &seen);
            seen.push(drawn);
        }
        let mut told = Vec::new();
        for (ledger, names) in ledgers.iter().zip(&mut names) {
            told.push(answers(ledger, batch, &seen[first..], names).await);
            ledger.clock.advance(MS);
            if batch == BATCHES / 2 {
                // From now on some come again whose events are gone.
                for one in ledger.claim(CONTACTS.len()).await {
                    ledger.store.settle(one.lease, Settlement::to(Status::Succeeded)).await.unwrap();
                }
                forget_all(ledger).await;
            }
        }
        assert_eq!(told[1], told[0], "one statement, and SQLite: {:#?}", &seen[first..]);
        assert_eq!(told[1], told[2], "one statement, and a transaction: {:#?}", &seen[first..]);
    }
    let [sqlite, alone, in_company] = &ledgers;
    let in_one_statement = left(alone, &names[1]).await;
    assert_eq!(in_one_statement, left(sqlite, &names[0]).await, "one statement, and SQLite");
    assert_eq!(in_one_statement, left(in_company, &names[2]).await, "one statement, and a transaction");
    assert!(!has_told(alone, &mut line_of_alone).await, "it was alone, and each batch one statement");
    assert!(has_told(in_company, &mut line_of_company).await, "it was not, and each batch a transaction");
}
