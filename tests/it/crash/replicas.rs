//! Three replicas on one PostgreSQL: one is killed, one is stopped for longer than its lease and then goes on.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use erp_bridge::simulator;
use sqlx::{PgPool, query_scalar};

use super::{LIMIT, QUICK, slow_erp};
use crate::support::{Load, Process, Sender, eventually, postgres};

const CONTACTS: u32 = 500;
const MESSAGES: usize = 4;
/// Contacts that write at the same time.
const AT_ONCE: usize = 24;
/// A little longer than `worker.lease` of [`QUICK`].
const STOPPED: Duration = Duration::from_secs(14);
/// Events that the one which is stopped has in hand then, at least.
const IN_HAND: u64 = 4;
/// A sender does not wait for ever for a bridge that stands still.
const SENDER_TIMEOUT: Duration = Duration::from_secs(3);

async fn replica(erp: &str, database: &str) -> Process {
    let mut variables = QUICK.to_vec();
    variables.push(("DATABASE__URL", database));
    Process::start(erp, &variables).await
}

fn impatient(bridge: &Process) -> Sender {
    let http = reqwest::Client::builder().no_proxy().timeout(SENDER_TIMEOUT).build().unwrap();
    Sender { http, ..bridge.sender.clone() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_three_replicas_one_is_killed_and_one_sleeps_through_its_lease_and_nothing_is_lost_doubled_or_out_of_order()
{
    let sim = simulator::start(slow_erp()).await.unwrap();
    let database = postgres::database().await;
    let mut killed = replica(&sim.base_url(), &database).await;
    let stopped = replica(&sim.base_url(), &database).await;
    let steady = replica(&sim.base_url(), &database).await;
    let load = Arc::new(Load::new([&killed, &stopped, &steady].map(impatient).to_vec(), MESSAGES));
    let sending = tokio::spawn({
        let load = load.clone();
        async move { load.send(0..CONTACTS, AT_ONCE).await }
    });
    let reached = async |part: usize| {
        let wanted = CONTACTS as usize * MESSAGES / part;
        eventually("the next blow is due", LIMIT, async || (sim.handle.progress().len() >= wanted).then_some(())).await;
    };
    reached(10).await;
    eventually("it has work in hand", LIMIT, async || {
        let (_, body) = stopped.sender.readiness().await?;
        (body["dispatch"]["in_flight"].as_u64()? >= IN_HAND).then_some(())
    })
    .await;
    stopped.signal("STOP");
    // What it has claimed stays claimed by it until others take it over: it cannot settle anything now.
    let ledger = PgPool::connect(&database).await.unwrap();
    let claims = query_scalar::<_, String>("select token from turns where token is not null");
    let claimed = claims.fetch_all(&ledger).await.unwrap();
    assert!(claimed.len() as u64 >= IN_HAND, "{} claims", claimed.len());
    let since = Instant::now();
    reached(5).await;
    killed.kill();
    let left = || query_scalar::<_, i64>("select count(*) from turns where token = any($1)").bind(&claimed);
    eventually("its lease is over, and others have taken over what it had claimed", LIMIT, async || {
        let left = left().fetch_one(&ledger).await.unwrap();
        (since.elapsed() > STOPPED && left == 0).then_some(())
    })
    .await;
    assert!(sim.handle.progress().len() < CONTACTS as usize * MESSAGES, "it wakes while there is work");
    stopped.signal("CONT");
    sending.await.unwrap();
    load.check(CONTACTS, &sim.handle, &steady.sender, LIMIT).await;
    // The one that slept is at work again.
    stopped.ready().await;
}
