//! An ERP that is away for as long as ten thousand events take to arrive, and the drain after it.

use std::time::{Duration, Instant};

use erp_bridge::{
    config::Config,
    event::Status,
    simulator::Load,
    store::{EventFilter, Stats},
};
use futures::{StreamExt, stream};

use super::{dispatch, until_paused};
use crate::support::{World, WorldOptions, contact, eventually, message, promoted};

const EVENTS: usize = 10_000;
/// Each of them says as many messages as make up the events.
const CONTACTS: usize = 250;
/// The ERP's answers take this long. Together with the calls allowed at once it makes a drain that is short enough for a
/// test and slow enough for a machine that does other things as well: 400 calls a second.
const LATENCY_MS: u64 = 100;
const MAX_IN_FLIGHT: usize = 40;
const SLOW_MS: u64 = 3_000;
/// Senders at once while the ERP is away.
const SENDERS: usize = 32;
/// The drain is measured from here, after the ramp of the limit, until so many are left that some contacts run out.
const RAMP: usize = 500;
const REST: usize = 1_000;
/// Of the calls that `max_in_flight` allows, on a machine with time to spare; printed.
const GOAL: f64 = 0.95;
/// What must be reached on any machine: half of it or less is a broken limiter, or workers that wait for each other.
const FLOOR: f64 = 0.6;
const LIMIT: Duration = Duration::from_secs(280);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_as_long_as_ten_thousand_events_costs_nothing_and_its_backlog_drains_at_full_width_in_order() {
    let configure = Box::new(|config: &mut Config| {
        config.erp.max_in_flight = MAX_IN_FLIGHT;
        config.erp.timeout = Duration::from_secs(20);
        config.worker.lease = Duration::from_secs(120);
        config.worker.circuit_failures = 5;
        // One entry: were a single attempt burned after a first one, the event would be dead.
        config.retry.schedule = vec![Duration::from_millis(50)];
    });
    let world = World::with(WorldOptions { configure, ..WorldOptions::default() }).await;
    each(0..CONTACTS, async |number| {
        let person = contact(&id_of(number), u32::try_from(number).unwrap());
        world.sender.deliver(&format!("p{number}"), &promoted(&person, 70.0)).await;
    })
    .await;
    world.idle(LIMIT).await;

    world.sim.handle.fault("*:away").unwrap();
    each(0..EVENTS, async |number| {
        let said = message(&id_of(number % CONTACTS), number, &format!("第{number}句"));
        world.sender.deliver(&format!("m{number}"), &said).await;
    })
    .await;
    until_paused(&world, "circuit_open").await;
    assert_eq!(waiting(&world).await, EVENTS);

    world.sim.handle.change_settings(|settings| settings.latency_ms = LATENCY_MS);
    world.sim.handle.clear_faults();
    until_left(&world, EVENTS - RAMP).await;
    until_full(&world).await;
    let begun = (Instant::now(), world.sim.handle.load());
    let ended = until_left(&world, REST).await;
    report(begun, ended);
    until_full(&world).await;
    world.idle(LIMIT).await;

    let events = world.app.store.list_events(&EventFilter::default(), None, 20_000).await.unwrap();
    let unlike: Vec<_> = events.iter().filter(|row| row.status != Status::Succeeded || row.attempts > 0).collect();
    assert!(unlike.is_empty(), "{} of {}: {:?}", unlike.len(), events.len(), unlike.first());
    assert_eq!(dispatch(&world).await["circuit"], "closed");
    let load = world.sim.handle.load();
    assert!(load.most <= u32::try_from(MAX_IN_FLIGHT).unwrap(), "{load:?}");
    assert_order(&world).await;
}

/// Every message once, each contact's in the order in which they were accepted. Senders raced each other, so that order
/// is the ledger's.
async fn assert_order(world: &World) {
    for number in 0..CONTACTS {
        let id = id_of(number);
        let filter =
            EventFilter { contact_id: Some(id.clone()), kind: Some("message.logged".into()), ..EventFilter::default() };
        let mut accepted = world.app.store.list_events(&filter, None, 1_000).await.unwrap();
        accepted.reverse();
        let said = |row: &erp_bridge::store::EventSummary| {
            let number = row.webhook_id.as_ref().unwrap().trim_start_matches('m').to_owned();
            format!("2026-11-23 15:04:05 客户：第{number}句")
        };
        let expected: Vec<_> = accepted.iter().map(said).collect();
        assert_eq!(expected.len(), EVENTS / CONTACTS);
        let ord = world.ord_of(&id).await;
        assert_eq!(world.sim.handle.progress_of(ord), expected, "{id}");
    }
}

fn report(begun: (Instant, Load), ended: (Instant, Load)) {
    let seconds = (ended.0 - begun.0).as_secs_f64();
    let mean = (ended.1.busy - begun.1.busy).as_secs_f64() / seconds;
    let share = mean / f64::from(u32::try_from(MAX_IN_FLIGHT).unwrap());
    println!(
        "drain: {mean:.2} calls at once on average over {seconds:.1} s, {:.1} % of max_in_flight (goal {:.0} %)",
        share * 100.0,
        GOAL * 100.0
    );
    assert!(share >= FLOOR, "{mean:.2} of {MAX_IN_FLIGHT} calls at once");
}

/// Waits until every call is made at once that `max_in_flight` allows. For that the ERP takes so long that the slowest
/// machine makes the last of them before the first is answered.
async fn until_full(world: &World) {
    world.sim.handle.change_settings(|settings| settings.latency_ms = SLOW_MS);
    eventually("all places are taken", LIMIT, async || {
        (usize::try_from(world.sim.handle.load().in_flight) == Ok(MAX_IN_FLIGHT)).then_some(())
    })
    .await;
    world.sim.handle.change_settings(|settings| settings.latency_ms = LATENCY_MS);
}

/// Waits until at most so many events wait; answers the moment and what the ERP had in hand up to it.
async fn until_left(world: &World, left: usize) -> (Instant, Load) {
    eventually(&format!("{left} events are left"), LIMIT, async || {
        let done = waiting(world).await <= left;
        // A look at the ledger is work that the drain could do; four a second are enough.
        tokio::time::sleep(Duration::from_millis(if done { 0 } else { 240 })).await;
        done.then(|| (Instant::now(), world.sim.handle.load()))
    })
    .await
}

async fn waiting(world: &World) -> usize {
    let Stats { by_status, .. } = world.app.store.stats().await.unwrap();
    let open = by_status.iter().filter(|(status, _)| status.is_open()).map(|(_, count)| count);
    usize::try_from(open.sum::<i64>()).unwrap()
}

fn id_of(number: usize) -> String {
    format!("c{number}")
}

async fn each(numbers: std::ops::Range<usize>, send: impl AsyncFn(usize)) {
    stream::iter(numbers.map(|number| send(number))).buffer_unordered(SENDERS).for_each(|()| async {}).await;
}
