//! PostgreSQL goes away under load, in every way in which it can: 503 meanwhile, then everything goes on by itself.

use std::sync::Arc;

use erp_bridge::simulator;
use serde_json::json;

use super::{LIMIT, QUICK, slow_erp};
use crate::support::{
    Line, Load, Lost, Process, Proxy, eventually,
    postgres::{self, Cluster},
};

/// Contacts that begin to write before each outage, and after the last.
const CONTACTS: u32 = 20;
const AT_ONCE: usize = 10;
const MESSAGES: usize = 4;
/// Pairs of commits that are lost, and contacts that write meanwhile.
const COMMITS: u32 = 20;
const EACH: u32 = 3;

/// Runs a bridge on this database through some outages, each of them begun and ended by the caller.
async fn survive(database: &str, outages: u32, away: impl AsyncFn(u32), back: impl AsyncFn(u32)) {
    let sim = simulator::start(slow_erp()).await.unwrap();
    let mut variables = QUICK.to_vec();
    variables.push(("DATABASE__URL", database));
    let bridge = Process::start(&sim.base_url(), &variables).await;
    let load = Arc::new(Load::new(vec![bridge.sender.clone()], MESSAGES));
    for outage in 0..=outages {
        let sending = tokio::spawn({
            let load = load.clone();
            async move { load.send(outage * CONTACTS..(outage + 1) * CONTACTS, AT_ONCE).await }
        });
        if outage < outages {
            let (taken, refusals) = (load.taken(), load.refusals());
            eventually("the load has begun", LIMIT, async || (load.taken() > taken).then_some(())).await;
            away(outage).await;
            eventually("readyz names the store", LIMIT, async || {
                let (status, body) = bridge.sender.readiness().await?;
                (status == 503 && body["failing"] == json!(["store"])).then_some(())
            })
            .await;
            eventually("senders are told to come again", LIMIT, async || (load.refusals() > refusals).then_some(()))
                .await;
            assert!(bridge.sender.is_alive().await, "the process lives");
            back(outage).await;
            bridge.ready().await;
        }
        sending.await.unwrap();
    }
    load.check((outages + 1) * CONTACTS, &sim.handle, &bridge.sender, LIMIT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgresql_restarts_senders_are_told_to_come_again_and_then_it_goes_on_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = Cluster::own(dir.path());
    let database = cluster.0.database().await;
    survive(&database, 3, async |_| cluster.0.stop(), async |_| cluster.0.start()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_line_to_postgresql_is_cut_senders_are_told_to_come_again_and_then_it_goes_on_by_itself() {
    let database = postgres::database().await;
    let proxy = Proxy::before(postgres::port(&database)).await;
    let database = proxy.instead_of(&database);
    survive(&database, 3, async |_| proxy.set(Line::Cut), async |_| proxy.set(Line::Through)).await;
}

/// What was sent while the line was silent arrives late the first time, and never the second time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_line_to_postgresql_is_silent_senders_are_told_to_come_again_and_then_it_goes_on_by_itself() {
    let database = postgres::database().await;
    let proxy = Proxy::before(postgres::port(&database)).await;
    let back = async |outage: u32| {
        if outage > 0 {
            proxy.set(Line::Cut);
        }
        proxy.set(Line::Through);
    };
    survive(&proxy.instead_of(&database), 2, async |_| proxy.set(Line::Silent), back).await;
}

/// The server is gone, and what stands in its place takes every new line and answers no login.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_no_login_to_postgresql_is_answered_senders_are_told_to_come_again_and_then_it_goes_on_by_itself() {
    let database = postgres::database().await;
    let proxy = Proxy::before(postgres::port(&database)).await;
    let away = async |_| {
        proxy.set(Line::Cut);
        proxy.set(Line::Silent);
    };
    // Who waits in a login that the bridge has given up hears the end of it.
    let back = async |_| {
        proxy.set(Line::Cut);
        proxy.set(Line::Through);
    };
    survive(&proxy.instead_of(&database), 1, away, back).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_are_cut_at_a_commit_or_at_its_answer_lose_nothing_and_double_nothing() {
    let sim = simulator::start(slow_erp()).await.unwrap();
    let database = postgres::database().await;
    let proxy = Proxy::before(postgres::port(&database)).await;
    let database = proxy.instead_of(&database);
    let mut variables = QUICK.to_vec();
    variables.push(("DATABASE__URL", &database));
    let bridge = Process::start(&sim.base_url(), &variables).await;
    let load = Load::new(vec![bridge.sender.clone()], MESSAGES);
    for round in 0..COMMITS {
        let contacts = round * EACH..(round + 1) * EACH;
        let traps = async {
            // The door's commits and the journal's, as they come.
            for lost in [Lost::Commit, Lost::Answer] {
                proxy.lose(lost);
                eventually("a commit is lost", LIMIT, async || proxy.has_lost().then_some(())).await;
            }
        };
        tokio::join!(load.send(contacts, EACH as usize), traps);
    }
    load.check(COMMITS * EACH, &sim.handle, &bridge.sender, LIMIT).await;
}
