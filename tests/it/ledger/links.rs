//! Links of contacts, forgotten.

use std::time::Duration;

use erp_bridge::{
    event::{Link, LinkKind, LinkedBy, Status},
    store::{Adoption, Advance, LinkSearch, NewEvent, Settlement, StoreError},
};

use super::{LEASE, Ledger, event, held_for, on_both, step};

on_both! {
    links_are_found_by_what_they_are_and_by_whom_they_name
    a_link_is_found_by_a_name_in_letters_of_any_language
    a_forgotten_link_is_audited_and_the_turn_goes_on_without_it
    a_link_stays_while_an_event_is_running_or_half_done
    an_adopted_contact_is_linked_audited_and_its_held_messages_go_on
    nobody_adopts_another_contacts_customer_but_colleagues_share_their_company
    an_event_that_is_running_or_half_done_is_not_crossed_by_an_adoption
}

const OPS: &str = "ops";
const REASON: Option<&str> = Some("ERP 中已合并");

async fn linked(ledger: &Ledger, contact: &str) {
    ledger.queue(contact).await;
    link_as(ledger, 7_592, "WXc1").await;
}

async fn link_as(ledger: &Ledger, ord: i64, khid: &str) {
    let lease = ledger.claim_one().await.lease;
    let link = Link { ord, khid: khid.into(), kind: LinkKind::Person, linked_by: LinkedBy::Created };
    let last = Advance { link: Some(link), ..Advance::default() };
    ledger.store.settle(lease, Settlement::succeeded(last)).await.unwrap();
}

async fn links_are_found_by_what_they_are_and_by_whom_they_name(ledger: &Ledger) {
    for (contact, ord, name, phone) in [("a_1", 11, "王小明", "138 0000 1001"), ("b%2", 12, "李雷", "139-0000-1002")]
    {
        let payload = format!(r#"{{"data":{{"contact":{{"name":"{name}","phone":"{phone}"}}}}}}"#);
        ledger.accept(NewEvent { payload, kind: "contact.promoted".into(), ..event(contact, contact) }).await;
        link_as(ledger, ord, &format!("K-{ord}")).await;
    }
    ledger.accept(NewEvent { payload: "no JSON".into(), ..event("odd", "a_1") }).await;
    for (q, people, found) in [
        (None, false, &["a_1", "b%2"][..]),
        (Some("A_1"), false, &["a_1"]),
        (Some("%"), false, &["b%2"]),
        (Some("k-12"), false, &["b%2"]),
        (Some("11"), false, &["a_1"]),
        (Some("1"), false, &["a_1", "b%2"]),
        (Some("王小明"), false, &[]),
        (Some("王小明"), true, &["a_1"]),
        (Some("13900001002"), false, &[]),
        (Some("13900001002"), true, &["b%2"]),
    ] {
        let search = LinkSearch { q: q.map(str::to_owned), people, findable: None };
        let links = ledger.store.search_links(&search, None, 10).await.unwrap();
        let ids: Vec<_> = links.iter().map(|link| link.contact_id.as_str()).collect();
        assert_eq!(ids, found, "{q:?} {people}");
    }
    let store = &ledger.store;
    for (q, people, contacts, events) in [
        ("王小明", true, &["a_1"][..], 0),
        ("王小明", false, &[], 0),
        ("k-12", false, &["b%2"], 0),
        ("a_1", false, &["a_1"], 1),
        (" ", true, &[], 0),
    ] {
        let named = store.named(q, people, |_| true).await.unwrap();
        assert_eq!(
            (named.contacts.iter().map(String::as_str).collect::<Vec<_>>(), named.events.len()),
            (contacts.to_vec(), events),
            "{q}"
        );
        assert!(people || store.named(q, false, |_| false).await.unwrap().contacts.is_empty(), "{q}");
    }
    let names = store.names_of(&["a_1", "b%2", "nobody"]).await.unwrap();
    assert_eq!((names.len(), names["a_1"].as_str()), (2, "王小明"));
    let events: Vec<String> = ledger.events().await.into_iter().map(|event| event.id).collect();
    let names = store.names_in(&events.iter().map(String::as_str).collect::<Vec<_>>()).await.unwrap();
    assert_eq!((names.len(), names["b%2"].as_str()), (2, "李雷"), "a body that is none tells nothing");
    let next = ledger.store.search_links(&LinkSearch::default(), Some("a_1"), 1).await.unwrap();
    assert_eq!(next[0].contact_id, "b%2");
}

async fn a_link_is_found_by_a_name_in_letters_of_any_language(ledger: &Ledger) {
    for (contact, name) in [("c1", "Émile Zola"), ("c2", "欧阳Ming"), ("c3", "ПЁТР")] {
        let payload = format!(r#"{{"data":{{"contact":{{"name":"{name}"}}}}}}"#);
        ledger.accept(NewEvent { payload, kind: "contact.promoted".into(), ..event(contact, contact) }).await;
        link_as(ledger, 7, "K7").await;
    }
    // What the newest bodies say is no help.
    ledger.run("update events set payload = null").await;
    for (q, found) in [
        ("Émile", "c1"),
        ("ÉMILE", "c1"),
        ("zola", "c1"),
        ("欧阳", "c2"),
        ("ouyang", ""),
        ("欧阳mING", "c2"),
        ("ПЁТР", "c3"),
    ] {
        let search = LinkSearch { q: Some(q.to_owned()), people: true, findable: None };
        let links = ledger.store.search_links(&search, None, 10).await.unwrap();
        let ids: Vec<_> = links.into_iter().map(|link| link.contact_id).collect();
        let named = ledger.store.named(q, true, |_| true).await.unwrap().contacts;
        let expected: Vec<String> = [found].iter().filter(|id| !id.is_empty()).map(ToString::to_string).collect();
        assert_eq!((&ids, &named), (&expected, &expected), "{q}");
    }
}

async fn a_forgotten_link_is_audited_and_the_turn_goes_on_without_it(ledger: &Ledger) {
    assert_eq!(ledger.store.unlink("c1", &OPS.into(), REASON, None).await, Err(StoreError::NotFound));
    linked(ledger, "c1").await;
    let waiting = ledger.queue("c1").await;
    assert_eq!(ledger.store.unlink("c1", &OPS.into(), REASON, None).await.unwrap().link.ord, 7_592);
    assert_eq!(ledger.store.contact("c1").await.unwrap(), None);
    let audit = ledger.store.audit_log(None, 10).await.unwrap();
    assert_eq!(audit.len(), 1, "a refused deed is not one");
    assert_eq!((audit[0].action.as_str(), audit[0].subject.as_str()), ("contact.unlink", "c1"));
    assert_eq!((audit[0].actor.as_str(), audit[0].reason.as_deref()), (OPS, REASON));
    let claimed = ledger.claim_one().await;
    assert_eq!((claimed.event.id, claimed.contact), (waiting, None));
}

async fn a_link_stays_while_an_event_is_running_or_half_done(ledger: &Ledger) {
    linked(ledger, "c1").await;
    ledger.queue("c1").await;
    let mut lease = ledger.claim_one().await.lease;
    let refused = ledger.store.unlink("c1", &OPS.into(), REASON, None).await;
    assert_eq!(refused, Err(StoreError::WrongState(Status::Running)));
    let steps = ["a", "b"].map(step);
    ledger.store.plan(&mut lease, &steps, Vec::new()).await.unwrap();
    let review = Settlement::to(Status::NeedsReview).because("outcome_unknown", "?");
    ledger.store.settle(lease, review).await.unwrap();
    ledger.clock.advance(Duration::from_secs(1));
    let refused = ledger.store.unlink("c1", &OPS.into(), REASON, None).await;
    assert_eq!(refused, Err(StoreError::WrongState(Status::NeedsReview)), "its step was begun with this customer");
    assert!(ledger.store.contact("c1").await.unwrap().is_some());
}

fn customer(ord: i64, kind: LinkKind) -> Link {
    Link { ord, khid: format!("K-{ord}"), kind, linked_by: LinkedBy::Mobile }
}

async fn an_adopted_contact_is_linked_audited_and_its_held_messages_go_on(ledger: &Ledger) {
    let held = NewEvent { intake: held_for(LEASE), ..event("m1", "c1") };
    ledger.accept(held).await;
    let link = customer(7, LinkKind::Person);
    let actor = "adopt".into();
    let adopt = |apply| ledger.store.adopt("c1", &link, "", apply, &actor);
    assert_eq!(adopt(false).await.unwrap(), Adoption::Linked);
    assert!(
        ledger.store.contact("c1").await.unwrap().is_none() && ledger.store.claim(1, LEASE).await.unwrap().is_empty()
    );
    assert_eq!(adopt(true).await.unwrap(), Adoption::Linked);
    let linked = Link { linked_by: LinkedBy::Adopt, ..link.clone() };
    assert_eq!(ledger.store.contact("c1").await.unwrap().unwrap().link, linked);
    assert_eq!(adopt(true).await.unwrap(), Adoption::Already(linked.clone()));
    let audit = ledger.store.audit_log(None, 10).await.unwrap();
    let entry = (audit[0].action.as_str(), audit[0].subject.as_str(), audit[0].reason.as_deref(), audit.len());
    assert_eq!(entry, ("contact.adopt", "c1", Some("ord 7 (mobile)"), 1));
    let claimed = ledger.claim_one().await;
    assert_eq!((claimed.event.contact_id.as_deref(), claimed.contact.unwrap().link), (Some("c1"), linked));
}

async fn nobody_adopts_another_contacts_customer_but_colleagues_share_their_company(ledger: &Ledger) {
    let adopt = async |contact: &str, kind| {
        ledger.store.adopt(contact, &customer(7, kind), "", true, &"adopt".into()).await.unwrap()
    };
    assert_eq!(adopt("c1", LinkKind::Company).await, Adoption::Linked);
    assert_eq!(adopt("c2", LinkKind::Company).await, Adoption::Taken("c1".into()));
    assert_eq!(adopt("c3", LinkKind::ContactPerson).await, Adoption::Linked);
    assert_eq!(adopt("c4", LinkKind::ContactPerson).await, Adoption::Linked);
    let (a, b) = (customer(8, LinkKind::Person), customer(8, LinkKind::Person));
    let actor = "adopt".into();
    let (a, b) =
        tokio::join!(ledger.store.adopt("c5", &a, "", true, &actor), ledger.store.adopt("c6", &b, "", true, &actor));
    let taken = [a.unwrap(), b.unwrap()].into_iter().filter(|adoption| matches!(adoption, Adoption::Taken(_))).count();
    assert_eq!(taken, 1, "at one moment too");
}

async fn an_event_that_is_running_or_half_done_is_not_crossed_by_an_adoption(ledger: &Ledger) {
    ledger.queue("c1").await;
    let mut claimed = ledger.claim_one().await;
    let adopt =
        async || ledger.store.adopt("c1", &customer(7, LinkKind::Person), "", true, &"adopt".into()).await.unwrap();
    assert_eq!(adopt().await, Adoption::Busy(Status::Running));
    ledger.store.plan(&mut claimed.lease, &[step("allocate"), step("save_customer")], Vec::new()).await.unwrap();
    ledger.store.settle(claimed.lease, Settlement::to(Status::Queued)).await.unwrap();
    assert_eq!(adopt().await, Adoption::Busy(Status::Queued), "a step of it was begun");
    assert!(ledger.store.contact("c1").await.unwrap().is_none());
}
