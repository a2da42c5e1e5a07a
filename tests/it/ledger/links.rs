//! Links of contacts, forgotten.

use std::time::Duration;

use erp_bridge::{
    event::Status,
    store::{Advance, NewLink, NewStep, Settlement, StoreError},
};
use serde_json::json;

use super::{Ledger, on_both};

on_both! {
    a_forgotten_link_is_audited_and_the_turn_goes_on_without_it
    a_link_stays_while_an_event_is_running_or_half_done
}

const REASON: Option<&str> = Some("ERP 中已合并");

async fn linked(ledger: &Ledger, contact: &str) {
    ledger.queue(contact).await;
    let lease = ledger.claim_one().await.lease;
    let link = NewLink { ord: 7_592, khid: "WXc1".into(), kind: "person".into(), linked_by: "created".into() };
    let last = Advance { link: Some(link), ..Advance::default() };
    ledger.store.settle(lease, Settlement::succeeded(last)).await.unwrap();
}

async fn a_forgotten_link_is_audited_and_the_turn_goes_on_without_it(ledger: &Ledger) {
    assert_eq!(ledger.store.unlink("c1", "ops", REASON).await, Err(StoreError::NotFound));
    linked(ledger, "c1").await;
    let waiting = ledger.queue("c1").await;
    assert_eq!(ledger.store.unlink("c1", "ops", REASON).await.unwrap().ord, 7_592);
    assert_eq!(ledger.store.contact("c1").await.unwrap(), None);
    let audit = ledger.store.audit_log(None, 10).await.unwrap();
    assert_eq!(audit.len(), 1, "a refused deed is not one");
    assert_eq!((audit[0].action.as_str(), audit[0].subject.as_str()), ("contact.unlink", "c1"));
    assert_eq!((audit[0].actor.as_str(), audit[0].reason.as_deref()), ("ops", REASON));
    let claimed = ledger.claim_one().await;
    assert_eq!((claimed.event.id, claimed.contact), (waiting, None));
}

async fn a_link_stays_while_an_event_is_running_or_half_done(ledger: &Ledger) {
    linked(ledger, "c1").await;
    ledger.queue("c1").await;
    let mut lease = ledger.claim_one().await.lease;
    let refused = ledger.store.unlink("c1", "ops", REASON).await;
    assert_eq!(refused, Err(StoreError::WrongState(Status::Running)));
    let steps = ["a", "b"].map(|name| NewStep { name: name.into(), step: json!({}), fingerprint: None });
    ledger.store.plan(&mut lease, &steps, Vec::new()).await.unwrap();
    let review = Settlement::to(Status::NeedsReview).because("outcome_unknown", "?");
    ledger.store.settle(lease, review).await.unwrap();
    ledger.clock.advance(Duration::from_secs(1));
    let refused = ledger.store.unlink("c1", "ops", REASON).await;
    assert_eq!(refused, Err(StoreError::WrongState(Status::NeedsReview)), "its step was begun with this customer");
    assert!(ledger.store.contact("c1").await.unwrap().is_some());
}
