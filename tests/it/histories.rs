//! A customer with a long history: looking a record up costs the same as for a new one, however the installation sorts its
//! list of records.

use std::{collections::BTreeSet, time::Duration};

use erp_bridge::{clock::Clock, config::Config, event::Status, simulator::SimConfig};

use crate::support::{World, WorldOptions, contact, message, promoted};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// More than fifty pages of twenty.
const RECORDS: usize = 1_100;

async fn world(oldest_first: bool, records: usize) -> (World, i64) {
    let configure = |config: &mut Config| {
        config.erp.timeout = Duration::from_millis(300);
        config.erp.late_effect = Duration::from_millis(400);
        config.worker.lease = Duration::from_secs(3);
    };
    let options = WorldOptions { sim: SimConfig::default(), configure: Box::new(configure), ..WorldOptions::default() };
    let world = World::with(options).await;
    let id = world.accept("p", &promoted(&contact("c1", 1), 70.0)).await;
    world.until(&id, &[Status::Succeeded]).await;
    let ord = world.ord_of("c1").await;
    world.sim.handle.change_settings(|settings| {
        settings.page_cap = Some(20);
        settings.replylist_oldest_first = oldest_first;
    });
    let long_ago = Clock::system().now().minus(100 * DAY);
    world.sim.handle.seed_progress(ord, records, long_ago);
    (world, ord)
}

#[tokio::test]
async fn a_cut_call_for_a_customer_with_eleven_hundred_records_is_looked_up_on_three_pages_at_most() {
    for oldest_first in [false, true] {
        let (world, ord) = world(oldest_first, RECORDS).await;
        for (number, fault) in (1..).zip(["", "cut_before", "cut_after", "not_stored"]) {
            world.sim.handle.clear_faults();
            world.sim.handle.clear_calls();
            if !fault.is_empty() {
                world.sim.handle.fault(&format!("progress.add:{fault}:times=1")).unwrap();
            }
            let text = format!("第{number}句，想问一下年付的价格和交货的时间");
            let row = world.handle(&format!("m{number}"), &message("c1", number, &text)).await;
            assert_eq!(row.status, Status::Succeeded, "{oldest_first} {fault}: {:?}", row.error);
            assert_eq!(world.sim.handle.progress_of(ord).len(), RECORDS + number, "{oldest_first} {fault}");
            let calls = world.sim.handle.calls_of("progress.list");
            let pages: BTreeSet<_> = calls.iter().filter_map(|call| call.fields.get("pageindex")).collect();
            // The first tells the order; then the newest, and the one before it where that holds nothing older.
            assert!((1..=3).contains(&pages.len()), "{oldest_first} {fault}: {pages:?} were read");
        }
    }
}

/// Read forward, old records at its beginning say nothing of its end.
#[tokio::test]
async fn a_list_that_begins_with_the_oldest_record_and_counts_no_pages_is_read_to_its_end() {
    const SOME: usize = 70;
    let (world, ord) = world(true, SOME).await;
    world.sim.handle.change_settings(|settings| settings.replylist_uncounted = true);
    for (number, fault) in (1..).zip(["", "cut_before", "cut_after"]) {
        world.sim.handle.clear_faults();
        if !fault.is_empty() {
            world.sim.handle.fault(&format!("progress.add:{fault}:times=1")).unwrap();
        }
        let row = world.handle(&format!("m{number}"), &message("c1", number, &format!("第{number}句"))).await;
        assert_eq!(row.status, Status::Succeeded, "{fault}: {:?}", row.error);
        assert_eq!(world.sim.handle.progress_of(ord).len(), SOME + number, "{fault}");
    }
}
