//! SIGKILL at random moments under load.

use std::{sync::Arc, time::Duration};

use erp_bridge::{
    clock::Clock,
    simulator::{self, Handle},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::task::JoinSet;

use super::{LIMIT, QUICK, slow_erp};
use crate::support::{Load, Process, Seed, postgres};

/// Kills of one run, and contacts that begin to write before each.
const KILLS: u32 = 60;
const CONTACTS: u32 = 2;
const MESSAGES: usize = 4;
/// A life ends so long after the bridge is ready, at most …
const LIFE: Duration = Duration::from_millis(300);
/// … and every fifth so long after its process began, at most: while it opens the ledger, before it listens.
const YOUTH: Duration = Duration::from_millis(150);
const YOUNG: f64 = 0.2;
/// So many of the kills must have found work that was not done.
const UNDER_LOAD: usize = KILLS as usize / 2;

/// Events that were taken and have no effect yet.
fn unfinished(load: &Load, erp: &Handle) -> usize {
    load.taken().saturating_sub(erp.progress().len() + erp.customers().len())
}

async fn sixty_kills(database: Option<String>, test: &'static str) {
    let seed = Seed::asked_or(Clock::system().now().0.unsigned_abs(), test);
    let mut rng = StdRng::seed_from_u64(seed.number);
    let sim = simulator::start(slow_erp()).await.unwrap();
    let mut variables = QUICK.to_vec();
    variables.extend(database.as_deref().map(|url| ("DATABASE__URL", url)));
    let mut bridge = Process::start(&sim.base_url(), &variables).await;
    let load = Arc::new(Load::new(vec![bridge.sender.clone()], MESSAGES));
    let mut sending = JoinSet::new();
    let mut under_load = 0;
    for kill in 0..KILLS {
        let load_now = load.clone();
        sending.spawn(async move { load_now.send(kill * CONTACTS..(kill + 1) * CONTACTS, 2).await });
        tokio::time::sleep(LIFE.mul_f64(rng.random())).await;
        under_load += usize::from(!sending.is_empty() || unfinished(&load, &sim.handle) > 0);
        bridge.kill();
        while rng.random_bool(YOUNG) {
            bridge.die_young(YOUTH.mul_f64(rng.random())).await;
        }
        bridge.restart().await;
        while let Some(sent) = sending.try_join_next() {
            sent.unwrap();
        }
    }
    sending.join_all().await;
    assert!(under_load >= UNDER_LOAD, "{under_load} kills of {KILLS} found work in hand");
    load.check(KILLS * CONTACTS, &sim.handle, &bridge.sender, LIMIT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_kills_at_random_moments_lose_nothing_and_double_nothing_on_sqlite() {
    sixty_kills(None, "on_sqlite").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_kills_at_random_moments_lose_nothing_and_double_nothing_on_postgresql() {
    sixty_kills(Some(postgres::database().await), "on_postgresql").await;
}
