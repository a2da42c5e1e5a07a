//! SIGKILL while messages that waited for a link are let go: they stand before the deal that released them.

use std::time::Duration;

use erp_bridge::{
    clock::Clock,
    simulator::{self, Handle},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{LIMIT, QUICK, slow_erp};
use crate::support::{Process, Seed, contact, deal, eventually, message};

/// Contacts, each with a kill of its own.
const KILLS: u32 = 15;
const HEAD: &str = "2026-11-23 15:04:05 客户：";
const DEAL: &str = "2026-11-23 16:00:00 我方：成交《年度框架》，金额 CNY 12800.50（成交编号 D1）";
/// A life ends at one of so many calls of the ERP after the deal was taken: about as many as the contact's three records need.
const CALLS: usize = 12;
/// … and at some moment of that call's answer.
const ANSWER: Duration = Duration::from_millis(20);

fn records(erp: &Handle, id: &str) -> Vec<String> {
    let customers = erp.customers_with("khid", &format!("WX{id}"));
    assert!(customers.len() <= 1, "{customers:#?}");
    customers.first().map_or_else(Vec::new, |customer| erp.progress_of(customer.ord))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_messages_stand_before_their_deal_and_once_however_the_bridge_is_killed_on_the_way() {
    let seed = Seed::asked_or(Clock::system().now().0.unsigned_abs(), "held_messages_stand_before");
    let mut rng = StdRng::seed_from_u64(seed.number);
    let sim = simulator::start(slow_erp()).await.unwrap();
    let mut bridge = Process::start(&sim.base_url(), &QUICK).await;
    let mut midway = 0;
    for kill in 0..KILLS {
        let id = format!("c{kill}");
        for said in 1..=2 {
            let message = message(&id, said, &format!("第{said}句"));
            assert_eq!(bridge.sender.deliver(&format!("m{kill}-{said}"), &message).await.1, "held");
        }
        let last = sim.handle.calls(0).len() + rng.random_range(0..CALLS);
        bridge.sender.deliver(&format!("d{kill}"), &deal(&contact(&id, kill), 70.0)).await;
        eventually("the call of the kill, or all is told", LIMIT, async || {
            (sim.handle.calls(0).len() >= last || records(&sim.handle, &id).len() == 3).then_some(())
        })
        .await;
        tokio::time::sleep(ANSWER.mul_f64(rng.random())).await;
        midway += usize::from(records(&sim.handle, &id).len() < 3);
        bridge.kill();
        bridge.restart().await;
    }
    bridge.sender.all_succeeded(KILLS as usize * 3, LIMIT).await;
    for kill in 0..KILLS {
        let expected = [format!("{HEAD}第1句"), format!("{HEAD}第2句"), DEAL.to_owned()];
        assert_eq!(records(&sim.handle, &format!("c{kill}")), expected, "c{kill}");
    }
    println!("{midway} of {KILLS} kills came before everything was told");
    assert!(midway >= KILLS as usize / 3, "{midway} of {KILLS}");
}
