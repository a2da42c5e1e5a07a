//! The journal of an event's steps, the links and reservations that it brings.

use std::time::Duration;

use erp_bridge::{
    clock::Millis,
    event::{Link, LinkKind, LinkedBy, Status},
    store::{Advance, CallRow, Claimed, DoneStep, EqualSteps, NewStep, News, Settlement, StepState, Store},
};
use serde_json::json;

use super::{LEASE, Ledger, MS, START, given_back, held_for, on_both, step};

on_both! {
    a_plan_is_written_with_its_first_step_started
    a_new_plan_replaces_what_was_not_done_and_keeps_what_was
    steps_are_done_started_and_put_back_one_by_one
    calls_are_kept_in_order_over_runs
    a_fingerprint_counts_what_is_done_and_what_earlier_events_have_begun
    a_link_releases_the_held_messages_of_its_contact_in_order
    a_second_link_replaces_the_first
    planning_anew_keeps_what_took_effect_or_may_have
    an_identity_is_one_contact_s_until_it_settles
    a_reservation_outlives_its_lease_only_while_a_save_is_undecided
    a_save_that_a_dead_event_left_open_is_undecided_for_as_long_as_it_may_take_effect
    a_save_that_was_begun_by_a_clock_far_ahead_keeps_nobody_waiting
    an_erased_contact_holds_no_identity
}

fn steps(names: &[&str]) -> Vec<NewStep> {
    names.iter().map(|name| step(name)).collect()
}

async fn states(store: &Store, id: &str) -> Vec<(i64, String, StepState)> {
    store.steps(id).await.unwrap().into_iter().map(|step| (step.position, step.name, step.state)).collect()
}

fn row(position: i64, name: &str, state: StepState) -> (i64, String, StepState) {
    (position, name.to_owned(), state)
}

async fn begun(ledger: &Ledger, contact: &str, names: &[&str]) -> Claimed {
    ledger.queue(contact).await;
    let mut claimed = ledger.claim_one().await;
    ledger.store.plan(&mut claimed.lease, &steps(names), Vec::new()).await.unwrap();
    claimed
}

async fn a_plan_is_written_with_its_first_step_started(ledger: &Ledger) {
    ledger.queue("c1").await;
    let mut claimed = ledger.claim_one().await;
    ledger.clock.advance(MS);
    let planned = ledger.store.plan(&mut claimed.lease, &steps(&["a", "b"]), Vec::new()).await.unwrap();
    assert_eq!(claimed.lease.until, START.plus(MS + LEASE), "a plan is a sign of life");
    let stored = ledger.store.steps(&claimed.event.id).await.unwrap();
    for (planned, stored) in planned.iter().zip(&stored) {
        assert_eq!((planned.position, &planned.name, planned.state), (stored.position, &stored.name, stored.state));
        assert_eq!((&planned.step, planned.started_at), (&stored.step, stored.started_at));
    }
    let times: Vec<_> = stored.iter().map(|step| (step.state, step.started_at)).collect();
    assert_eq!(times, [(StepState::Started, Some(START.plus(MS))), (StepState::Planned, None)]);
}

async fn a_new_plan_replaces_what_was_not_done_and_keeps_what_was(ledger: &Ledger) {
    let mut claimed = begun(ledger, "c1", &["a", "b", "c"]).await;
    let done = Advance { done: vec![DoneStep::new(0, json!(1))], start: Some(1), ..Advance::default() };
    ledger.store.advance(&mut claimed.lease, &done).await.unwrap();
    ledger.store.plan(&mut claimed.lease, &steps(&["d", "e"]), Vec::new()).await.unwrap();
    assert_eq!(
        states(&ledger.store, &claimed.event.id).await,
        [row(0, "a", StepState::Done), row(1, "d", StepState::Started), row(2, "e", StepState::Planned)]
    );
}

async fn steps_are_done_started_and_put_back_one_by_one(ledger: &Ledger) {
    let mut claimed = begun(ledger, "c1", &["a", "b"]).await;
    let id = claimed.event.id.clone();
    let reset = Advance { reset: Some(0), ..Advance::default() };
    ledger.store.advance(&mut claimed.lease, &reset).await.unwrap();
    assert_eq!(states(&ledger.store, &id).await[0], row(0, "a", StepState::Planned));
    assert_eq!(ledger.store.steps(&id).await.unwrap()[0].started_at, None);
    ledger.clock.advance(MS);
    ledger.store.advance(&mut claimed.lease, &Advance { start: Some(0), ..Advance::default() }).await.unwrap();
    assert_eq!(ledger.store.steps(&id).await.unwrap()[0].started_at, Some(START.plus(MS)));
    let both = Advance { done: vec![DoneStep::new(0, json!({ "ord": 5 }))], start: Some(1), ..Advance::default() };
    ledger.store.advance(&mut claimed.lease, &both).await.unwrap();
    assert_eq!(states(&ledger.store, &id).await, [row(0, "a", StepState::Done), row(1, "b", StepState::Started)]);
    let last = Advance { done: vec![DoneStep::new(1, json!(null))], ..Advance::default() };
    ledger.store.settle(claimed.lease, Settlement::succeeded(last)).await.unwrap();
    let stored = ledger.store.steps(&id).await.unwrap();
    assert!(stored.iter().all(|step| step.state == StepState::Done && step.finished_at == Some(START.plus(MS))));
    assert_eq!(stored[0].result, Some(json!({ "ord": 5 })));
}

async fn calls_are_kept_in_order_over_runs(ledger: &Ledger) {
    ledger.queue("c1").await;
    let mut claimed = ledger.claim_one().await;
    let id = claimed.event.id.clone();
    let call = |response: &str| CallRow {
        step: "survey".into(),
        interface: "客户列表".into(),
        started_at: START,
        duration_ms: 7,
        outcome: "ok".into(),
        request: json!({ "khid": "WXc1" }),
        response: response.into(),
    };
    ledger.store.plan(&mut claimed.lease, &steps(&["a"]), vec![call("1"), call("2")]).await.unwrap();
    ledger.store.advance(&mut claimed.lease, &Advance { calls: vec![call("3")], ..Advance::default() }).await.unwrap();
    ledger.store.settle(claimed.lease, given_back(vec![call("4")])).await.unwrap();
    let last = Advance { calls: vec![call("5")], ..Advance::default() };
    ledger.store.settle(ledger.claim_one().await.lease, Settlement::succeeded(last)).await.unwrap();
    let calls = ledger.store.calls(&id).await.unwrap().items;
    assert_eq!(calls.iter().map(|call| call.response.as_str()).collect::<Vec<_>>(), ["1", "2", "3", "4", "5"]);
    let expected = call("1");
    let first = &calls[0];
    assert_eq!(
        (&first.step, &first.interface, &first.outcome),
        (&expected.step, &expected.interface, &expected.outcome)
    );
    assert_eq!((first.started_at, first.duration_ms, &first.request), (START, 7, &expected.request));
}

async fn a_fingerprint_counts_what_is_done_and_what_earlier_events_have_begun(ledger: &Ledger) {
    let count = async |of: &Claimed| {
        let equal = ledger.store.count_fingerprints(&["f".into()], &of.event.id).await.unwrap();
        (equal.done, equal.started_before, equal.started)
    };
    let mut begun = Vec::new();
    for contact in ["c1", "c2"] {
        ledger.queue(contact).await;
        let mut claimed = ledger.claim_one().await;
        let step = NewStep { fingerprint: Some("f".into()), ..step("progress:1") };
        ledger.store.plan(&mut claimed.lease, &[step], Vec::new()).await.unwrap();
        begun.push(claimed);
    }
    let [mut first, mut second]: [Claimed; 2] = begun.try_into().unwrap();
    assert_eq!((count(&first).await, count(&second).await), ((0, 0, 1), (0, 1, 1)), "only what came before counts");
    for (given_up, expected) in [("dead", 1), ("discarded", 1), ("held", 1), ("running", 0)] {
        let sql = format!("update events set status = '{given_up}' where id = '{}'", second.event.id);
        ledger.run(&sql).await;
        assert_eq!(count(&first).await, (0, expected, 1), "{given_up}: nobody looks for it, and it may be there");
    }
    let done = || Advance {
        done: vec![DoneStep { fingerprint: Some("f".into()), ..DoneStep::new(0, json!(1)) }],
        ..Advance::default()
    };
    ledger.store.advance(&mut first.lease, &done()).await.unwrap();
    assert_eq!((count(&first).await, count(&second).await), ((1, 0, 1), (1, 0, 0)));
    ledger.store.advance(&mut second.lease, &done()).await.unwrap();
    assert_eq!(count(&first).await, (2, 0, 0));
    assert_eq!(ledger.store.count_fingerprints(&["g".into()], &second.event.id).await.unwrap(), EqualSteps::default());
}

fn link(ord: i64) -> Link {
    Link { ord, khid: format!("WX{ord}"), kind: LinkKind::Person, linked_by: LinkedBy::Created }
}

async fn a_link_releases_the_held_messages_of_its_contact_in_order(ledger: &Ledger) {
    let hold = held_for(MS * 1_000_000);
    let held = [ledger.take_in("c1", hold.clone()).await, ledger.take_in("c1", hold.clone()).await];
    let other = ledger.take_in("c2", hold.clone()).await;
    let mut claimed = begun(ledger, "c1", &["link", "assign"]).await;
    let later = ledger.take_in("c1", hold.clone()).await;
    assert_eq!(ledger.status(&later).await, Status::Held);
    ledger.clock.advance(MS);
    let linked = Advance {
        done: vec![DoneStep::new(0, json!(null))],
        link: Some(link(8)),
        start: Some(1),
        ..Advance::default()
    };
    let mut changes = ledger.store.follow(None);
    ledger.store.advance(&mut claimed.lease, &linked).await.unwrap();
    let mut announced: Vec<_> = std::iter::from_fn(|| changes.try_next())
        .map(|news| match news {
            News::Changed(change) => (change.id, change.status),
            News::Reset => panic!("nothing was missed"),
        })
        .collect();
    announced.sort_by(|left, right| left.0.cmp(&right.0));
    let mut expected: Vec<_> = held.iter().chain([&later]).map(|id| (id.clone(), Status::Queued)).collect();
    expected.sort_by(|left, right| left.0.cmp(&right.0));
    assert_eq!(announced, expected, "whoever watches hears of it");
    let contact = ledger.store.contact("c1").await.unwrap().unwrap();
    assert_eq!((contact.link.ord, contact.link.khid.as_str(), contact.linked_at), (8, "WX8", START.plus(MS)));
    for id in held.iter().chain([&later]) {
        let row = ledger.event(id).await;
        assert_eq!((row.status, row.next_attempt_at), (Status::Queued, Some(START.plus(MS))));
    }
    assert!(ledger.claim(10).await.is_empty(), "the linking event still has the turn");
    let after = ledger.take_in("c1", hold).await;
    ledger.store.settle(claimed.lease, Settlement::to(Status::Succeeded)).await.unwrap();
    for id in [&held[0], &held[1], &later, &after] {
        let claimed = ledger.claim_one().await;
        assert_eq!(&claimed.event.id, id);
        ledger.store.settle(claimed.lease, Settlement::to(Status::Succeeded)).await.unwrap();
    }
    assert_eq!(ledger.status(&other).await, Status::Held, "somebody else's stay");
}

async fn a_second_link_replaces_the_first(ledger: &Ledger) {
    for ord in [8, 9] {
        let claimed = begun(ledger, "c1", &["link"]).await;
        let last = Advance { link: Some(link(ord)), ..Advance::default() };
        ledger.store.settle(claimed.lease, Settlement::succeeded(last)).await.unwrap();
        assert_eq!(ledger.store.contact("c1").await.unwrap().unwrap().link.ord, ord);
    }
}

/// The steps of a plan, how many of them are done, whether the next one is started, and which are left.
async fn planning_anew_keeps_what_took_effect_or_may_have(ledger: &Ledger) {
    type Case<'a> = (&'a str, &'a [&'a str], usize, bool, &'a [&'a str]);
    let table: &[Case<'_>] = &[
        ("nothing begun", &["a", "b"], 0, false, &[]),
        ("an id that was not used", &["allocate", "save_customer"], 1, false, &[]),
        ("a save that may have come through", &["allocate", "save_customer"], 1, true, &["allocate", "save_customer"]),
        (
            "a save that is done",
            &["allocate", "save_customer", "link"],
            2,
            false,
            &["allocate", "save_customer", "link"],
        ),
        ("a link that is done", &["link", "assign"], 1, false, &["link", "assign"]),
        ("a link beside an id that was not used", &["allocate", "link", "assign"], 2, false, &["link", "assign"]),
    ];
    for (what, names, done, started, left) in table {
        let mut claimed = begun(ledger, &what.replace(' ', "-"), names).await;
        let reset = Advance { reset: Some(0), ..Advance::default() };
        ledger.store.advance(&mut claimed.lease, &reset).await.unwrap();
        for position in 0..*done {
            let done =
                Advance { done: vec![DoneStep::new(i64::try_from(position).unwrap(), json!(1))], ..Advance::default() };
            ledger.store.advance(&mut claimed.lease, &done).await.unwrap();
        }
        if *started {
            let start = Advance { start: Some(i64::try_from(*done).unwrap()), ..Advance::default() };
            ledger.store.advance(&mut claimed.lease, &start).await.unwrap();
        }
        let settlement = Settlement { replan: true, ..Settlement::to(Status::Dead) };
        ledger.store.settle(claimed.lease, settlement).await.unwrap();
        let kept = states(&ledger.store, &claimed.event.id).await;
        assert_eq!(kept.iter().map(|step| step.1.as_str()).collect::<Vec<_>>(), *left, "{what}");
    }
}

async fn an_identity_is_one_contact_s_until_it_settles(ledger: &Ledger) {
    ledger.queue("c1").await;
    ledger.queue("c2").await;
    let mut both = ledger.claim(2).await;
    both.sort_by(|a, b| a.lease.contact_id.cmp(&b.lease.contact_id));
    let (mut second, mut first) = (both.remove(1).lease, both.remove(0).lease);
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let store = &ledger.store;
    assert!(store.reserve(&mut first, &names(&["mobile", "company"])).await.unwrap());
    assert!(store.reserve(&mut first, &names(&["company", "mobile"])).await.unwrap(), "its own, again");
    assert!(!store.reserve(&mut second, &names(&["other", "company"])).await.unwrap());
    assert!(store.reserve(&mut first, &names(&["other"])).await.unwrap(), "the refused one took none");
    store.settle(first, given_back(Vec::new())).await.unwrap();
    assert!(store.reserve(&mut second, &names(&["mobile", "company", "other"])).await.unwrap());
}

async fn a_reservation_outlives_its_lease_only_while_a_save_is_undecided(ledger: &Ledger) {
    for (contact, step, is_free) in [("c1", "progress:1", true), ("c2", "save_customer", false)] {
        let identity = [format!("mobile of {contact}")];
        let mut dead = begun(ledger, contact, &[step]).await;
        assert!(ledger.store.reserve(&mut dead.lease, &identity).await.unwrap());
        ledger.clock.advance(LEASE);
        // The dead worker's turn is taken over, which ends its reservation unless its save may still come through.
        let mut successor = ledger.claim_one().await;
        ledger.queue("twin").await;
        let mut twin = ledger.claim_one().await;
        assert_eq!(ledger.store.reserve(&mut twin.lease, &identity).await.unwrap(), is_free, "{step}");
        ledger.store.settle(twin.lease, Settlement::to(Status::Dead)).await.unwrap();
        let reset = Advance { reset: Some(0), ..Advance::default() };
        ledger.store.advance(&mut successor.lease, &reset).await.unwrap();
        ledger.store.settle(successor.lease, Settlement::to(Status::Dead)).await.unwrap();
        ledger.queue("twin").await;
        let mut twin = ledger.claim_one().await;
        assert!(ledger.store.reserve(&mut twin.lease, &identity).await.unwrap(), "{step}: decided");
        ledger.store.settle(twin.lease, Settlement::to(Status::Dead)).await.unwrap();
    }
}

async fn a_save_that_a_dead_event_left_open_is_undecided_for_as_long_as_it_may_take_effect(ledger: &Ledger) {
    let identity = ["mobile".to_owned()];
    let mut dead = begun(ledger, "c1", &["save_customer"]).await;
    assert!(ledger.store.reserve(&mut dead.lease, &identity).await.unwrap());
    ledger.store.settle(dead.lease, Settlement::to(Status::Dead)).await.unwrap();
    assert_eq!(ledger.store.save_left_open("c1").await.unwrap(), Some(START));
    ledger.queue("twin").await;
    let mut twin = ledger.claim_one().await;
    for (passed, is_free) in [(Duration::ZERO, false), (LEASE - MS, false), (MS, true)] {
        ledger.clock.advance(passed);
        // An ERP whose effects come later than a lease ends.
        twin.lease.settles_after = LEASE * 5;
        assert!(!ledger.store.reserve(&mut twin.lease, &identity).await.unwrap(), "{passed:?}");
        twin.lease.settles_after = LEASE;
        assert_eq!(ledger.store.reserve(&mut twin.lease, &identity).await.unwrap(), is_free, "{passed:?}");
    }
    assert_eq!(ledger.store.save_left_open("twin").await.unwrap(), None);
}

async fn a_save_that_was_begun_by_a_clock_far_ahead_keeps_nobody_waiting(ledger: &Ledger) {
    let identity = ["mobile".to_owned()];
    ledger.clock.advance(LEASE * 1_000);
    let mut dead = begun(ledger, "c1", &["save_customer"]).await;
    assert!(ledger.store.reserve(&mut dead.lease, &identity).await.unwrap());
    ledger.store.settle(dead.lease, Settlement::to(Status::Dead)).await.unwrap();
    ledger.clock.set(START);
    assert_eq!(ledger.store.save_left_open("c1").await.unwrap(), Some(Millis(0)), "nobody knows when");
    ledger.queue("twin").await;
    let mut twin = ledger.claim_one().await;
    assert!(ledger.store.reserve(&mut twin.lease, &identity).await.unwrap());
}

async fn an_erased_contact_holds_no_identity(ledger: &Ledger) {
    let identity = ["hash of a number".to_owned()];
    let mut dead = begun(ledger, "c1", &["save_customer"]).await;
    assert!(ledger.store.reserve(&mut dead.lease, &identity).await.unwrap());
    ledger.store.settle(dead.lease, Settlement::to(Status::Dead)).await.unwrap();
    ledger.store.erase_contact("c1", &"ops".into(), None).await.unwrap();
    ledger.queue("twin").await;
    let mut twin = ledger.claim_one().await;
    assert!(ledger.store.reserve(&mut twin.lease, &identity).await.unwrap());
}
