//! Every call of the ledger ends by itself, and what was given up leaves nothing behind.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use erp_bridge::{
    clock::{Clock, Millis},
    config::DatabaseConfig,
    store::{Accepted, CommitMoment, Intake, NewEvent, Store, StoreError},
};
use futures::{future::join_all, poll};
use sqlx::PgPool;
use tokio::time::timeout;

use crate::support::{Line, Lost, Proxy, eventually, postgres};

/// Longer than any call may take, on a machine that does much else.
const ENDS: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_secs(120);
/// Steps in which the moment of dropping is moved through a call.
const STEPS: usize = 12;
/// Calls at once: as many as the pool has connections.
const AT_ONCE: usize = 8;

async fn store(database: String, clock: Clock) -> Store {
    let config = DatabaseConfig { url: database.parse().unwrap(), ..DatabaseConfig::default() };
    Store::open(&config, clock, true).await.unwrap()
}

fn event(webhook_id: &str) -> NewEvent {
    NewEvent {
        webhook_id: Some(webhook_id.to_owned()),
        kind: "contact.promoted".to_owned(),
        contact_id: Some("c1".to_owned()),
        occurred_at: None,
        payload: "{}".to_owned(),
        deal_id: None,
        intake: Intake::Queue,
        warnings: None,
        actor: "webhook".to_owned(),
        force: false,
        sequence: None,
        trace_parent: None,
        deed: None,
    }
}

/// It must fail, and within the limit.
async fn away<T: std::fmt::Debug>(what: &str, call: impl Future<Output = Result<T, StoreError>>) {
    let answer = timeout(ENDS, call).await.unwrap_or_else(|_| panic!("{what} does not end"));
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{what}: {answer:?}");
}

#[tokio::test]
async fn a_claim_whose_commit_was_not_answered_is_left_to_its_lease_and_every_call_on_a_silent_line_ends() {
    let database = postgres::database().await;
    let proxy = Arc::new(Proxy::before(postgres::port(&database)).await);
    let clock = Clock::manual(Millis(1_795_000_000_000));
    let store = store(proxy.instead_of(&database), clock.clone()).await;
    let Accepted::New { id, .. } = store.accept(event("w1")).await.unwrap() else { panic!("it is new") };
    let (silenced, first) = (proxy.clone(), AtomicBool::new(true));
    store.watch_commits(Box::new(move |moment| {
        if moment == CommitMoment::Before && first.swap(false, Ordering::Relaxed) {
            silenced.set(Line::Silent);
        }
        Box::pin(async { Ok(()) })
    }));
    away("a commit without an answer", store.claim(1, LEASE)).await;
    away("a read", store.event(&id)).await;
    away("a probe", store.ping()).await;
    away("the door", store.accept(event("w2"))).await;
    proxy.set(Line::Through);
    let taken = eventually("the ledger answers", ENDS, async || store.accept(event("w1")).await.ok()).await;
    assert_eq!(taken, Accepted::Duplicate { id: id.clone() });
    // The commit arrived after all or it did not; in both cases the turn is free when the lease is over.
    clock.advance(LEASE);
    let claimed = store.claim(10, LEASE).await.unwrap();
    assert_eq!(claimed.iter().map(|claimed| claimed.event.id.as_str()).collect::<Vec<_>>(), [id]);
}

#[tokio::test]
async fn a_commit_that_was_not_answered_is_no_acceptance_and_the_resend_tells_whether_it_was_one() {
    let database = postgres::database().await;
    let proxy = Proxy::before(postgres::port(&database)).await;
    // A replica that is not alone tells the other of what it commits, and so begins a transaction and ends it.
    let _other = store(database.clone(), Clock::system()).await;
    let observer = PgPool::connect(&database).await.unwrap();
    let lines = "select count(*) from pg_stat_activity where datname = current_database() and application_name = $1";
    eventually("the other listens", ENDS, async || {
        let lines = sqlx::query_scalar::<_, i64>(lines).bind("erp-bridge stream").fetch_one(&observer).await.unwrap();
        (lines == 1).then_some(())
    })
    .await;
    let store = store(proxy.instead_of(&database), Clock::system()).await;
    for (webhook_id, lost) in [("w1", Lost::Commit), ("w2", Lost::Answer)] {
        proxy.lose(lost);
        away("the door", store.accept(event(webhook_id))).await;
        assert!(proxy.has_lost());
        let again = eventually("the resend is taken", ENDS, async || store.accept(event(webhook_id)).await.ok()).await;
        assert_eq!(matches!(again, Accepted::Duplicate { .. }), lost == Lost::Answer, "{lost:?}: {again:?}");
    }
}

#[tokio::test]
async fn what_a_lone_replica_commits_in_one_statement_is_as_safe_against_a_lost_answer() {
    let database = postgres::database().await;
    let proxy = Proxy::before(postgres::port(&database)).await;
    let store = store(proxy.instead_of(&database), Clock::system()).await;
    for (webhook_id, lost) in [("w1", Lost::Commit), ("w2", Lost::Answer)] {
        // No transaction is begun, so there is no commit to lose: the statement itself is what is lost.
        proxy.lose_at(webhook_id.as_bytes(), lost);
        away("the door", store.accept(event(webhook_id))).await;
        assert!(proxy.has_lost());
        let again = eventually("the resend is taken", ENDS, async || store.accept(event(webhook_id)).await.ok()).await;
        assert_eq!(matches!(again, Accepted::Duplicate { .. }), lost == Lost::Answer, "{lost:?}: {again:?}");
    }
}

/// Begins a transaction and drops it when it was looked after so many times; answers how many times it was.
async fn dropped_after(looks: usize, store: &Store) -> usize {
    let mut call = pin!(store.ping());
    for look in 0..looks {
        if poll!(call.as_mut()).is_ready() {
            return look;
        }
        tokio::task::yield_now().await;
    }
    looks
}

#[tokio::test]
async fn a_call_that_is_dropped_at_any_moment_leaves_no_transaction_open() {
    let database = postgres::database().await;
    let store = store(database.clone(), Clock::system()).await;
    let observer = PgPool::connect(&database).await.unwrap();
    let open = "select count(*) from pg_stat_activity
        where datname = current_database() and state like 'idle in transaction%'";
    for step in 0..STEPS {
        // All connections are open again, and it is known how long such a call takes now.
        let whole = join_all((0..AT_ONCE).map(|_| dropped_after(usize::MAX, &store))).await;
        let whole = whole.into_iter().min().unwrap_or_default();
        join_all((0..AT_ONCE).map(|call| dropped_after(whole * (step + call * STEPS) / (STEPS * AT_ONCE), &store)))
            .await;
        // Well before the server would close such a connection by itself.
        eventually("no transaction is open", Duration::from_secs(8), async || {
            let count: i64 = sqlx::query_scalar(open).fetch_one(&observer).await.unwrap();
            (count == 0).then_some(())
        })
        .await;
    }
    let Accepted::New { id, .. } = store.accept(event("w1")).await.unwrap() else { panic!("it is new") };
    let there = "select count(*) from events where id = $1";
    let there: i64 = sqlx::query_scalar(there).bind(&id).fetch_one(&observer).await.unwrap();
    assert_eq!(there, 1, "what was acknowledged is there for others");
}
