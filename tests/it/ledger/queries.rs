//! What people ask of the ledger.

use erp_bridge::{
    clock::Millis,
    event::Status,
    store::{EventFilter, Intake, NewEvent, Rejection, Settlement},
};
use serde_json::json;

use super::{Ledger, MS, START, event, on_both};

on_both! {
    every_part_of_a_filter_narrows_and_all_together_as_well
    pages_by_cursor_show_every_event_once_while_new_ones_come
    what_is_searched_for_is_taken_literally
    refused_requests_and_deeds_are_listed_newest_first_by_pages
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
        blocked: Some(false),
        statuses: vec![Status::Queued],
        kind: contact("message.logged"),
        contact_id: contact("c2"),
        since: at(0),
        until: at(9),
        code: None,
        q: contact("w2"),
        search_words: false,
    };
    assert_eq!(found(ledger, together.clone()).await, ["w2"]);
    assert!(found(ledger, EventFilter { contact_id: contact("c1"), ..together }).await.is_empty());
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
