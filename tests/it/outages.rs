//! The ERP is away, refuses the login, or rests: what dispatch does, and what it says about it.

mod drain;

use std::{cell::RefCell, net::TcpListener, time::Duration};

use erp_bridge::{
    clock::{Clock, Millis},
    config::Config,
    event::Status,
    simulator::{self, SimConfig},
};
use serde_json::{Value, json};

use crate::support::{Log, World, WorldOptions, contact, eventually, message, promoted};

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
/// Consecutive failures that open the circuit here.
const FAILURES: u32 = 3;

async fn world(configure: impl Fn(&mut Config) + Send + 'static) -> World {
    let configure = Box::new(move |config: &mut Config| {
        config.worker.circuit_failures = FAILURES;
        configure(config);
    });
    World::with(WorldOptions { configure, ..WorldOptions::default() }).await
}

async fn dispatch(world: &World) -> Value {
    let (status, body) = world.call("GET", "/readyz", None).await;
    assert_eq!(status, 200, "an ERP that is away fails no readiness: {body}");
    body["dispatch"].clone()
}

/// Waits until `readyz` says that dispatch stands still, and why.
async fn until_paused(world: &World, code: &str) -> Value {
    eventually(&format!("dispatch is paused: {code}"), LIMIT, async || {
        let dispatch = dispatch(world).await;
        (dispatch["paused"] == code).then_some(dispatch)
    })
    .await
}

async fn until_dispatching(world: &World) {
    eventually("dispatch goes on", LIMIT, async || {
        let dispatch = dispatch(world).await;
        (dispatch["paused"].is_null() && dispatch["circuit"] == "closed").then_some(())
    })
    .await;
}

async fn metrics(world: &World) -> String {
    match world.call("GET", "/metrics", None).await {
        (200, Value::String(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// What the ERP got while nothing but the circuit's cheap call should have gone out.
fn calls(world: &World) -> usize {
    world.sim.handle.calls(0).len()
}

#[tokio::test]
async fn an_outage_opens_the_circuit_costs_no_attempt_and_ends_with_one_cheap_call() {
    for fault in ["away", "cut_before", "error_500_before", "html_200_before"] {
        let world = world(|config| config.retry.schedule = vec![Duration::from_millis(20)]).await;
        let first = world.accept("m0", &promoted(&contact("c0", 0), 70.0)).await;
        world.until(&first, &[Status::Succeeded]).await;
        world.sim.handle.fault(&format!("*:{fault}")).unwrap();
        let mut ids = Vec::new();
        for number in 1..=12 {
            let id = format!("c{number}");
            ids.push(world.accept(&format!("m{number}"), &promoted(&contact(&id, number), 70.0)).await);
        }
        let said = until_paused(&world, "circuit_open").await;
        assert_eq!(said["circuit"], "open", "{fault}");
        assert!(metrics(&world).await.contains("erp_bridge_circuit_closed 0"));
        world.sim.handle.clear_calls();
        // While it is open one cheap call at a time goes out, and no event is tried.
        eventually("the circuit was tried", LIMIT, async || (calls(&world) >= 3).then_some(())).await;
        for call in world.sim.handle.calls(0) {
            // The second one is asked where the first is answered by nothing that can be read.
            let is_cheap = ["login", "choices"].contains(&call.interface.as_str())
                || call.interface == "customer.list"
                    && call.fields.iter().any(|(id, it)| id == "pagesize" && it == "1");
            assert!(is_cheap, "{fault}: {}", call.interface);
        }
        for id in &ids {
            let event = world.event(id).await;
            assert_eq!((event.status, event.attempts), (Status::Queued, 0), "{fault}: {:?}", event.error);
        }
        world.sim.handle.clear_faults();
        for id in &ids {
            let event = world.ended(id).await;
            assert_eq!((event.status, event.attempts), (Status::Succeeded, 0), "{fault}: {:?}", event.error);
        }
        until_dispatching(&world).await;
        assert_eq!(world.sim.handle.customers().len(), 13, "{fault}");
    }
}

#[tokio::test]
async fn an_erp_that_does_not_even_listen_costs_no_attempt_either() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let world = world(move |config| {
        config.erp.base_url = format!("http://{address}").parse().unwrap();
        config.retry.schedule = vec![Duration::from_millis(20)];
    })
    .await;
    let mut ids = Vec::new();
    for number in 1..=FAILURES + 1 {
        let person = contact(&format!("c{number}"), number);
        ids.push(world.accept(&format!("m{number}"), &promoted(&person, 70.0)).await);
    }
    until_paused(&world, "circuit_open").await;
    for id in &ids {
        let event = world.event(id).await;
        assert_eq!((event.status, event.attempts), (Status::Queued, 0), "{:?}", event.error);
    }
    let erp = simulator::start(SimConfig { listen: address.to_string(), ..SimConfig::default() }).await.unwrap();
    for id in &ids {
        let event = world.ended(id).await;
        assert_eq!((event.status, event.attempts), (Status::Succeeded, 0), "{:?}", event.error);
    }
    assert_eq!(erp.handle.customers().len(), ids.len());
}

#[tokio::test]
async fn fewer_failures_than_the_threshold_leave_the_circuit_closed() {
    let clock = Clock::manual(Millis(1_795_000_000_000));
    let configure = Box::new(|config: &mut Config| config.worker.circuit_failures = FAILURES);
    let options = WorldOptions { dispatch: false, clock: clock.clone(), configure, ..WorldOptions::default() };
    let world = World::with(options).await;
    world.sim.handle.fault("*:cut_before").unwrap();
    world.accept("m1", &promoted(&contact("c1", 1), 70.0)).await;
    for failures in 1..=FAILURES {
        assert!(world.app.dispatcher.circuit_closed(), "after {} failures", failures - 1);
        assert_eq!(world.app.dispatcher.run_due().await, 1);
        clock.advance(Duration::from_secs(1));
    }
    assert!(!world.app.dispatcher.circuit_closed(), "at the threshold");
    world.sim.handle.clear_faults();
    assert_eq!(world.app.dispatcher.run_due().await, 1);
    assert!(world.app.dispatcher.circuit_closed(), "any answer closes it");
}

#[tokio::test]
async fn an_erp_that_comes_back_gets_one_call_at_first_and_never_more_than_allowed() {
    const MOST: usize = 6;
    let world = world(|config| config.erp.max_in_flight = MOST).await;
    let first = world.accept("m0", &promoted(&contact("c0", 0), 70.0)).await;
    world.until(&first, &[Status::Succeeded]).await;
    assert_eq!(dispatch(&world).await["limit"], json!(3 * MOST));
    world.sim.handle.fault("*:cut_before").unwrap();
    let mut ids = Vec::new();
    for number in 1..=40 {
        let id = format!("c{number}");
        ids.push(world.accept(&format!("m{number}"), &promoted(&contact(&id, number), 70.0)).await);
    }
    until_paused(&world, "circuit_open").await;
    eventually("what was in hand has ended", LIMIT, async || {
        (dispatch(&world).await["in_flight"] == json!(0)).then_some(())
    })
    .await;
    world.sim.handle.change_settings(|settings| settings.latency_ms = 100);
    let before = world.sim.handle.load();
    world.sim.handle.clear_calls();
    world.sim.handle.clear_faults();
    // The cheap call, and then one event with its first calls, one after the other.
    let most_of = RefCell::new(Vec::new());
    eventually("the first ten calls were made", LIMIT, async || {
        let made = calls(&world);
        most_of.borrow_mut().push((made, world.sim.handle.load().in_flight));
        (made >= 10).then_some(())
    })
    .await;
    for (made, in_flight) in most_of.into_inner() {
        let allowed = if made <= 3 { 1 } else { 4 };
        assert!(in_flight <= allowed, "{in_flight} calls at once after {made}");
    }
    for id in &ids {
        world.until(id, &[Status::Succeeded]).await;
    }
    let load = world.sim.handle.load();
    assert!(load.most <= u32::try_from(MOST).unwrap(), "{load:?} after {before:?}");
}

#[tokio::test]
async fn a_refused_login_stops_dispatch_and_says_so_everywhere_until_it_is_put_right() {
    // The runtime has one thread here, so everything that the bridge says goes through its subscriber.
    let (log, _until_the_end) = Log::begin();
    let settings = erp_bridge::simulator::Settings { password: "another".into(), ..Default::default() };
    let sim = SimConfig { settings, ..SimConfig::default() };
    let world = World::with(WorldOptions { sim, ..WorldOptions::default() }).await;
    let id = world.accept("m1", &promoted(&contact("c1", 1), 70.0)).await;
    let said = until_paused(&world, "login_refused").await;
    assert!(said.get("words").is_none(), "whoever has no token reads no words of the ERP: {said}");
    let (_, stats) = world.call("GET", "/v1/stats", None).await;
    assert!(stats["dispatch"]["words"].as_str().unwrap().contains("the ERP refuses the login"), "{stats}");
    assert!(metrics(&world).await.contains("erp_bridge_dispatch_paused 1"));
    assert_eq!(log.lines_with("dispatch stands still"), 1, "once, not at every look");
    world.accept("m2", &promoted(&contact("c2", 2), 70.0)).await;
    // Tried by hand on top of what goes on by itself.
    for _ in 0..3 {
        world.app.dispatcher.run_due().await;
        until_paused(&world, "login_refused").await;
    }
    assert_eq!(world.sim.handle.calls_of("login").len(), 1, "tried once");
    let event = world.event(&id).await;
    assert_eq!((event.status, event.attempts), (Status::Queued, 0), "{:?}", event.error);
    world.sim.handle.change_settings(|settings| settings.password = "123456".into());
    let (status, body) = world.call("POST", "/v1/erp/resume", Some(json!({ "reason": "密码已改回" }))).await;
    assert_eq!((status, &body["paused"]), (200, &Value::Null), "answered when it has happened: {body}");
    world.until(&id, &[Status::Succeeded]).await;
    until_dispatching(&world).await;
    assert!(metrics(&world).await.contains("erp_bridge_dispatch_paused 0"));
    assert_eq!(log.lines_with("dispatch goes on"), 1);
    let loud = log.loud();
    assert!(loud.len() == 1 && loud[0].contains("the ERP refuses the login"), "one line for one failure: {loud:?}");
}

#[tokio::test]
async fn in_quiet_hours_events_are_taken_and_wait() {
    // 02:30 in the ERP's zone.
    let start: jiff::Timestamp = "2026-11-23T02:30:00+08:00".parse().unwrap();
    let clock = Clock::manual(start.into());
    let configure = Box::new(|config: &mut Config| config.erp.quiet_hours = vec!["02:00-03:30".parse().unwrap()]);
    let world = World::with(WorldOptions { configure, clock: clock.clone(), ..WorldOptions::default() }).await;
    let id = world.accept("m1", &promoted(&contact("c1", 1), 70.0)).await;
    until_paused(&world, "quiet_hours").await;
    clock.advance(Duration::from_secs(60 * 60) - Duration::from_millis(1));
    until_paused(&world, "quiet_hours").await;
    assert!(world.sim.handle.calls(0).is_empty(), "not even a login");
    let later = world.accept("m2", &message("c1", 1, "你好")).await;
    clock.advance(Duration::from_millis(1));
    world.until(&id, &[Status::Succeeded]).await;
    world.until(&later, &[Status::Succeeded]).await;
    until_dispatching(&world).await;
}

#[tokio::test]
async fn an_erp_that_grows_slow_gets_fewer_calls_at_once_and_more_again_when_it_is_quick() {
    const MOST: usize = 8;
    let world = world(|config| {
        config.erp.max_in_flight = MOST;
        config.erp.timeout = Duration::from_secs(30);
    })
    .await;
    for number in 0..30 {
        world.accept(&format!("m{number}"), &promoted(&contact(&format!("c{number}"), number), 70.0)).await;
    }
    world.idle(LIMIT).await;
    assert_eq!(dispatch(&world).await["limit"], json!(3 * MOST));
    // So long that it is slow beside whatever is usual on a busy machine.
    world.sim.handle.change_settings(|settings| settings.latency_ms = 4_000);
    for number in 30..60 {
        world.accept(&format!("m{number}"), &promoted(&contact(&format!("c{number}"), number), 70.0)).await;
    }
    eventually("fewer at once", LIMIT, async || {
        (dispatch(&world).await["limit"].as_u64().unwrap() < u64::try_from(MOST).unwrap()).then_some(())
    })
    .await;
    world.sim.handle.change_settings(|settings| settings.latency_ms = 0);
    eventually("all at once again", LIMIT, async || (dispatch(&world).await["limit"] == json!(3 * MOST)).then_some(()))
        .await;
    world.idle(LIMIT).await;
}

#[tokio::test]
async fn a_first_call_that_always_answers_500_while_nothing_else_goes_on_ends_with_the_schedule() {
    let world = world(|_| {}).await;
    world.sim.handle.fault("customer.list:error_500_before").unwrap();
    let id = world.accept("m1", &promoted(&contact("c1", 1), 80.0)).await;
    let event = world.until(&id, &[Status::Dead]).await;
    assert_eq!((event.attempts, event.error_code.as_deref()), (11, Some("outcome_unknown")), "{:?}", event.error);
}
