//! What replicas share about the ERP itself: the session, who logs in, whose turn an assignment is.

use std::collections::BTreeSet;

use erp_bridge::{clock::Millis, store::ErpSession};

use super::{Ledger, START, on_both};

on_both! {
    a_session_is_shared_until_it_is_replaced
    refused_logins_add_up_over_replicas
    of_many_at_once_one_takes_the_login
    a_rotation_gives_every_number_once_over_replicas
}

async fn a_session_is_shared_until_it_is_replaced(ledger: &Ledger) {
    let other = ledger.replica().await;
    let session = |token: &str| ErpSession {
        account: "a".into(),
        token: Some(token.into()),
        obtained_at: START,
        refusals: 0,
        refusal: None,
    };
    assert_eq!(other.erp_session("a").await.unwrap(), None);
    for token in ["one", "two"] {
        ledger.store.save_erp_session(&session(token)).await.unwrap();
        assert_eq!(other.erp_session("a").await.unwrap(), Some(session(token)));
    }
    assert_eq!(other.erp_session("b").await.unwrap(), None);
}

async fn refused_logins_add_up_over_replicas(ledger: &Ledger) {
    let other = ledger.replica().await;
    let count =
        |store, words| async move { erp_bridge::store::Store::count_refused_login(store, "a", words, START).await };
    let (first, second) = futures::join!(count(&ledger.store, "密码错误"), count(&other, "密码错误"));
    first.and(second).unwrap();
    let session = other.erp_session("a").await.unwrap().unwrap();
    assert_eq!((session.refusals, session.refusal.as_deref()), (2, Some("密码错误")));
    assert!(!other.take_login("a", 2, START, Millis(START.0 + 1)).await.unwrap());
    ledger.store.resume_login("a").await.unwrap();
    assert!(other.take_login("a", 2, START, Millis(START.0 + 1)).await.unwrap());
}

async fn of_many_at_once_one_takes_the_login(ledger: &Ledger) {
    let other = ledger.replica().await;
    let stores = [&ledger.store, &other];
    let until = Millis(START.0 + 1_000);
    let takes = futures::future::join_all((0..8).map(|number| stores[number % 2].take_login("a", 2, START, until)));
    assert_eq!(takes.await.into_iter().filter(|taken| *taken.as_ref().unwrap()).count(), 1);
    let take = async |now: i64| other.take_login("a", 2, Millis(now), Millis(now + 1_000)).await.unwrap();
    assert!(!take(until.0 - 1).await, "one millisecond before its end");
    assert!(take(until.0).await, "at its end");
}

async fn a_rotation_gives_every_number_once_over_replicas(ledger: &Ledger) {
    let other = ledger.replica().await;
    let stores = [&ledger.store, &other];
    let numbers = futures::future::join_all((0..20).map(|number| stores[number % 2].next_in_rotation("60"))).await;
    let numbers: BTreeSet<_> = numbers.into_iter().map(Result::unwrap).collect();
    assert_eq!(numbers, (0..20).collect());
    assert_eq!(other.peek_rotation("60").await.unwrap(), 20);
    assert_eq!(other.peek_rotation("60").await.unwrap(), 20, "a look takes nothing");
    assert_eq!(other.next_in_rotation("80").await.unwrap(), 0, "another rule");
}
