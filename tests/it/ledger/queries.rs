//! What people ask of the ledger.

use std::time::Duration;

use erp_bridge::{
    clock::Millis,
    event::Status,
    store::{EventFilter, Intake, LOOKED_THROUGH, Named, NewEvent, Rejection, Settlement},
};
use serde_json::json;

use super::{Ledger, MS, START, event, on_both};

on_both! {
    every_part_of_a_filter_narrows_and_all_together_as_well
    pages_by_cursor_show_every_event_once_while_new_ones_come
    pages_with_the_oldest_first_show_every_event_once_and_those_that_come_meanwhile_last
    what_is_searched_for_is_taken_literally
    what_no_index_leads_to_is_looked_for_in_steps_and_a_moment_is_found_at_once
    a_deal_is_found_by_its_id_by_who_may_see_it_until_it_is_erased_or_forgotten
    refused_requests_and_deeds_are_listed_newest_first_by_pages
    the_codes_of_what_is_wrong_are_each_told_once
}

async fn found(ledger: &Ledger, filter: EventFilter) -> Vec<String> {
    let rows = ledger.store.list_events(&filter, None, 100).await.unwrap();
    rows.into_iter().filter_map(|row| row.webhook_id).collect()
}

async fn every_part_of_a_filter_narrows_and_all_together_as_well(ledger: &Ledger) {
    for (number, (contact, kind)) in
        [("c1", "message.logged"), ("c1", "deal.closed"), ("c2", "message.logged")].into_iter().enumerate()
    {
        ledger.accept(NewEvent { kind: kind.into(), ..event(&format!("w{number}"), contact) }).await;
        ledger.clock.advance(MS);
    }
    ledger.accept(NewEvent { intake: Intake::Ignored, contact_id: None, ..event("w3", "") }).await;
    let dead = Settlement::to(Status::Dead).because("invalid", "x");
    ledger.store.settle(ledger.claim(1).await.remove(0).lease, dead).await.unwrap();
    let all = EventFilter::default;
    let at = |ms: i64| Some(Millis(START.0 + ms));
    let contact = |id: &str| Some(id.to_owned());
    assert_eq!(found(ledger, all()).await, ["w3", "w2", "w1", "w0"], "newest first");
    let statuses = |statuses: &[Status]| EventFilter { statuses: statuses.to_vec(), ..EventFilter::default() };
    assert_eq!(found(ledger, statuses(&[Status::Dead])).await, ["w0"]);
    assert_eq!(found(ledger, statuses(&[Status::Queued])).await, ["w2", "w1"]);
    assert_eq!(found(ledger, statuses(&[Status::Queued, Status::Ignored])).await, ["w3", "w2", "w1"]);
    assert_eq!(found(ledger, statuses(&Status::ALL)).await.len(), 4);
    assert_eq!(found(ledger, EventFilter { code: contact("invalid"), ..statuses(&[Status::Dead]) }).await, ["w0"]);
    assert_eq!(found(ledger, EventFilter { kind: contact("deal.closed"), ..all() }).await, ["w1"]);
    assert_eq!(found(ledger, EventFilter { contact_id: contact("c1"), ..all() }).await, ["w1", "w0"]);
    assert_eq!(found(ledger, EventFilter { since: at(1), ..all() }).await, ["w3", "w2", "w1"], "at or after");
    assert_eq!(found(ledger, EventFilter { until: at(1), ..all() }).await, ["w0"], "before");
    assert_eq!(found(ledger, EventFilter { since: at(1), until: at(2), ..all() }).await, ["w1"]);
    assert!(found(ledger, EventFilter { code: contact("refused"), ..all() }).await.is_empty());
    let together = EventFilter {
        ids: Vec::new(),
        retrying: false,
        blocked: Some(false),
        statuses: vec![Status::Queued],
        kind: contact("message.logged"),
        contact_id: contact("c2"),
        since: at(0),
        until: at(9),
        code: None,
        q: contact("w2"),
        search_words: false,
        named: Named::default(),
        oldest_first: false,
    };
    assert_eq!(found(ledger, together.clone()).await, ["w2"]);
    assert!(found(ledger, EventFilter { contact_id: contact("c1"), ..together }).await.is_empty());
}

async fn the_codes_of_what_is_wrong_are_each_told_once(ledger: &Ledger) {
    assert!(ledger.store.failure_codes().await.unwrap().is_empty());
    let ends = [
        (Status::Dead, "refused"),
        (Status::Dead, "invalid"),
        (Status::NeedsReview, "refused"),
        (Status::NeedsReview, "candidates"),
        (Status::Dead, "refused"),
    ];
    for (number, (status, code)) in ends.into_iter().enumerate() {
        ledger.accept(event(&format!("w{number}"), &format!("c{number}"))).await;
        let end = Settlement::to(status).because(code, "x");
        ledger.store.settle(ledger.claim(1).await.remove(0).lease, end).await.unwrap();
    }
    assert_eq!(ledger.store.failure_codes().await.unwrap(), ["candidates", "invalid", "refused"]);
}

async fn pages_by_cursor_show_every_event_once_while_new_ones_come(ledger: &Ledger) {
    for number in 0..7 {
        ledger.accept(event(&format!("w{number}"), "c1")).await;
    }
    let (mut before, mut pages) = (None, Vec::new());
    loop {
        let page = ledger.store.list_events(&EventFilter::default(), before, 3).await.unwrap();
        ledger.queue("newer").await;
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        pages.push(page.into_iter().filter_map(|row| row.webhook_id).collect::<Vec<_>>());
    }
    assert_eq!(pages, [vec!["w6", "w5", "w4"], vec!["w3", "w2", "w1"], vec!["w0"]]);
}

async fn pages_with_the_oldest_first_show_every_event_once_and_those_that_come_meanwhile_last(ledger: &Ledger) {
    let oldest_first = EventFilter { oldest_first: true, ..EventFilter::default() };
    let mut accepted = Vec::new();
    for number in 0..4 {
        accepted.push(ledger.accept(event(&format!("w{number}"), "c1")).await);
    }
    let first = ledger.store.list_events(&oldest_first, None, 3).await.unwrap();
    accepted.push(ledger.accept(event("w9", "c9")).await);
    let behind = first.last().map(|row| row.seq);
    let rest = ledger.store.list_events(&oldest_first, behind, 3).await.unwrap();
    assert_eq!(first.into_iter().chain(rest).map(|row| row.id).collect::<Vec<_>>(), accepted);
}

/// Places of the events that are found, and down to which was looked.
async fn searched(ledger: &Ledger, filter: EventFilter, before: Option<i64>) -> (Vec<i64>, Option<i64>) {
    let found = ledger.store.find_events(&filter, before, 10).await.unwrap();
    (found.items.iter().map(|row| row.seq).collect(), found.looked_to)
}

async fn what_no_index_leads_to_is_looked_for_in_steps_and_a_moment_is_found_at_once(ledger: &Ledger) {
    // Ten events, a window and a day apart.
    let step = LOOKED_THROUGH + 1;
    for number in 0..10 {
        ledger.ended(&format!("seeker{number}"), Status::Succeeded).await;
        ledger.clock.advance(Duration::from_secs(86_400));
    }
    if !ledger.is_sqlite() {
        ledger.run("alter table events alter column seq set generated by default").await;
    }
    ledger.run("update events set seq = seq + 1000000").await;
    ledger.run(&format!("update events set seq = (seq - 1000000) * {step}")).await;
    let q = |text: &str| EventFilter { q: Some(text.into()), ..EventFilter::default() };
    assert_eq!(searched(ledger, EventFilter::default(), None).await.0.len(), 10, "the newest are there at once");
    // From the oldest on as well: each window has one of them, and the next begins behind it.
    let (mut behind, mut seen) = (None, Vec::new());
    for _ in 0..12 {
        let filter = EventFilter { oldest_first: true, ..q("seeker") };
        let (found, looked_to) = searched(ledger, filter, behind).await;
        seen.extend(found);
        behind = looked_to;
        if looked_to.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=10).map(|number| number * step).collect::<Vec<_>>());
    assert_eq!(behind, None, "all were looked through");
    let newest = 10 * step;
    assert_eq!(searched(ledger, q("seeker9"), None).await, (vec![newest], Some(newest + 1 - LOOKED_THROUGH)));
    let (mut before, mut looks) = (None, 0);
    let place = loop {
        let (items, looked_to) = searched(ledger, q("seeker0"), before).await;
        looks += 1;
        if let Some(place) = items.first() {
            break *place;
        }
        before = Some(looked_to.expect("there is more to look at"));
    };
    assert_eq!((place, looks), (step, 10));
    let named = Named { contacts: vec!["seeker0".into()], events: Vec::new() };
    let found = searched(ledger, EventFilter { named, ..q("seeker9") }, None).await;
    assert_eq!(
        found,
        (vec![newest, step], None),
        "who is named is found however old, and the newest that hold the text"
    );
    let day = |number: i64| Some(Millis(START.0 + number * 86_400_000));
    let on_that_day =
        EventFilter { since: day(3), until: Some(Millis(START.0 + 3 * 86_400_000 + 1)), ..EventFilter::default() };
    assert_eq!(searched(ledger, on_that_day, None).await.0, [4 * step], "no step before it is needed");
    for filter in [
        EventFilter { contact_id: Some("seeker0".into()), q: Some("seeker0".into()), ..EventFilter::default() },
        EventFilter { ids: vec![ledger.events().await[0].id.clone()], ..EventFilter::default() },
    ] {
        assert_eq!(searched(ledger, filter, None).await, (vec![step], None), "an index leads there");
    }
}

async fn what_is_searched_for_is_taken_literally(ledger: &Ledger) {
    for (webhook_id, contact) in [("100%", "a_b"), ("1000", "axb"), ("back\\slash", "c-d"), ("Großer-ÄRGER", "e")] {
        ledger.accept(event(webhook_id, contact)).await;
    }
    let id = ledger.accept(event("w5", "f")).await;
    ledger.clock.advance(MS);
    for claimed in ledger.claim(10).await {
        if claimed.event.id == id {
            let dead = Settlement::to(Status::Dead).because("refused", "该编号已被使用 (Used)");
            ledger.store.settle(claimed.lease, dead).await.unwrap();
        }
    }
    let looked_for =
        |q: &str, search_words| EventFilter { q: Some(q.to_owned()), search_words, ..EventFilter::default() };
    let search = async |q: &str| found(ledger, looked_for(q, true)).await;
    assert_eq!(search("0%").await, ["100%"]);
    assert_eq!(search("a_b").await, ["100%"]);
    assert_eq!(search("AXB").await, ["1000"]);
    assert_eq!(search("k\\s").await, ["back\\slash"]);
    assert_eq!(search("ÄRGER").await, ["Großer-ÄRGER"]);
    assert_eq!(search("编号已被").await, ["w5"]);
    assert_eq!(search("USED").await, ["w5"]);
    assert!(found(ledger, looked_for("编号已被", false)).await.is_empty(), "the words are not for everybody");
    assert_eq!(found(ledger, looked_for("refused", false)).await, ["w5"], "the code is");
    assert_eq!(search(&id[4..].to_uppercase()).await, ["w5"]);
    let causes = ledger.store.of_cause("refused", 0, 10).await.unwrap();
    assert_eq!(causes.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), [id.as_str()]);
    assert!(ledger.store.of_cause("refused", causes[0].seq, 10).await.unwrap().is_empty());
    assert!(search("'; drop table events; --").await.is_empty());
    assert_eq!(search("").await.len(), 5);
}

async fn refused_requests_and_deeds_are_listed_newest_first_by_pages(ledger: &Ledger) {
    for number in 0..5 {
        let rejection = Rejection {
            webhook_id: format!("r{number}"),
            kind: Some("deal.closed".into()),
            contact_id: Some("c1".into()),
            errors: json!([{ "pointer": "/data" }]),
            payload: "{".into(),
        };
        ledger.store.reject(rejection).await.unwrap();
        ledger.store.audit(&"ops".into(), "contact.unmask", &format!("c{number}"), Some("原因")).await.unwrap();
    }
    let page = ledger.store.rejections(None, 2).await.unwrap().items;
    assert_eq!(page.iter().map(|row| row.rejection.webhook_id.as_str()).collect::<Vec<_>>(), ["r4", "r3"]);
    let rest = ledger.store.rejections(Some(page[1].seq), 10).await.unwrap().items;
    assert_eq!(rest.iter().map(|row| row.rejection.webhook_id.as_str()).collect::<Vec<_>>(), ["r2", "r1", "r0"]);
    let row = &rest[0];
    assert_eq!((row.received_at, row.rejection.errors.clone()), (START, json!([{ "pointer": "/data" }])));
    assert_eq!((row.rejection.payload.as_str(), row.rejection.kind.as_deref()), ("{", Some("deal.closed")));
    let page = ledger.store.audit_log(None, 2).await.unwrap();
    assert_eq!(page.iter().map(|row| row.subject.as_str()).collect::<Vec<_>>(), ["c4", "c3"]);
    let rest = ledger.store.audit_log(Some(page[1].seq), 2).await.unwrap();
    assert_eq!(rest.iter().map(|row| row.subject.as_str()).collect::<Vec<_>>(), ["c2", "c1"]);
    assert_eq!((rest[0].actor.as_str(), rest[0].action.as_str(), rest[0].at), ("ops", "contact.unmask", START));
}

async fn a_deal_is_found_by_its_id_by_who_may_see_it_until_it_is_erased_or_forgotten(ledger: &Ledger) {
    let found = async |q: &str, people: bool| ledger.store.named(q, people, |_| true).await.unwrap().events;
    let mut deals = Vec::new();
    for (number, contact) in ["c1", "c2", "c3"].into_iter().enumerate() {
        let deal_id = Some("SO-2026/7".to_owned());
        deals.push(ledger.accept(NewEvent { deal_id, ..event(&format!("w{number}"), contact) }).await);
        let end = Settlement::to(Status::Succeeded);
        ledger.store.settle(ledger.claim_one().await.lease, end).await.unwrap();
    }
    let newest_first: Vec<_> = deals.iter().rev().cloned().collect();
    assert_eq!(found(" SO-2026/7 ", true).await, newest_first);
    for (q, people) in [("SO-2026/7", false), ("SO-2026/", true), ("so-2026/7", true), ("SO-2026/%", true)] {
        assert!(found(q, people).await.is_empty(), "{q} {people}");
    }
    ledger.store.erase_contact("c1", &"ops".into(), None).await.unwrap();
    assert_eq!(found("SO-2026/7", true).await, newest_first[..2]);
    ledger.clock.advance(Duration::from_secs(2));
    let now = ledger.clock.now();
    ledger.store.prune(now.minus(Duration::from_secs(1)), START).await.unwrap();
    assert!(found("SO-2026/7", true).await.is_empty(), "with what a person wrote");
}
