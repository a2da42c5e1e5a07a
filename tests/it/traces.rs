//! One trace an event: from its request through its waits and runs to every call of the ERP, whoever does it.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use erp_bridge::{
    app::Ended,
    clock::{Clock, Millis},
    config::{Authorities, BaseUrl, Config},
    simulator::{self, SimConfig},
    telemetry::traces::{SpanKind, Traces},
};

use crate::support::{Collector, Process, Seen, World, WorldOptions, contact, eventually, message, postgres, promoted};

const LIMIT: Duration = Duration::from_secs(60);
const SENDER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn traced(collector: &Collector) -> World {
    let endpoint: BaseUrl = collector.address().parse().unwrap();
    let configure = Box::new(move |config: &mut Config| config.telemetry.otlp_endpoint = Some(endpoint.clone()));
    World::with(WorldOptions { configure, ..WorldOptions::default() }).await
}

/// Every `traceparent` that the ERP was told.
fn told(world: &World) -> BTreeSet<String> {
    let calls = world.sim.handle.calls(0).into_iter();
    calls.map(|call| call.trace_parent).filter(|parent| !parent.is_empty()).collect()
}

fn named<'a>(spans: &'a [Seen], name: &str) -> &'a Seen {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name} among {spans:#?}"))
}

/// The spans of an event once its last run has ended so.
async fn ended(collector: &Collector, trace: &str, outcome: &str) -> Vec<Seen> {
    eventually(&format!("a run of {trace} has {outcome}"), LIMIT, async || {
        let spans: Vec<Seen> = collector.spans().into_iter().filter(|span| span.trace == trace).collect();
        let has_ended = |span: &Seen| span.attributes.get("event.outcome").is_some_and(|word| word == outcome);
        (spans.iter().any(has_ended) && spans.iter().any(|span| span.name == "request")).then_some(spans)
    })
    .await
}

/// Every span but the first is a part of another one, and none is sent twice.
fn assert_whole(spans: &[Seen], root: &str) {
    for (index, span) in spans.iter().enumerate() {
        let has_parent = span.parent == root || spans.iter().any(|other| other.id == span.parent);
        assert!(has_parent, "{span:?} hangs under nothing: {spans:#?}");
        assert!(!spans[..index].iter().any(|other| other.id == span.id), "{span:?} came twice");
        assert!(span.nanoseconds.0 <= span.nanoseconds.1, "{span:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_s_trace_shows_its_request_its_wait_its_steps_and_every_call_of_the_erp() {
    let collector = Collector::start().await;
    let world = traced(&collector).await;
    let id = world.accept("p1", &promoted(&contact("c1", 1), 82.0)).await;
    let spans = ended(&collector, &id.replace('-', ""), "succeeded").await;
    assert_whole(&spans, "");
    let (request, run) = (named(&spans, "request"), named(&spans, "run"));
    assert_eq!((&request.parent[..], &request.attributes["event.id"]), ("", &id));
    assert_eq!(request.attributes["http.response.status_code"], "202");
    assert_eq!((&named(&spans, "wait").parent, &run.parent), (&request.id, &request.id));
    assert_eq!(run.attributes["event.type"], "contact.promoted");
    let save = named(&spans, "step save_customer");
    assert_eq!(save.parent, run.id);
    let calls: Vec<&Seen> = spans.iter().filter(|span| span.name.starts_with("erp ")).collect();
    let recorded = world.app.store.calls(&id).await.unwrap().items;
    assert_eq!(calls.len(), recorded.len(), "each call that the event's page shows has its span: {calls:#?}");
    assert!(calls.iter().any(|call| call.parent == save.id && call.attributes["erp.outcome"] == "ok"));
    assert!(calls.iter().all(|call| !call.has_failed), "{calls:#?}");
    // What the ERP was told of is the very call, as the collector knows it.
    let parent = |call: &&Seen| format!("00-{}-{}-01", call.trace, call.id);
    let exported: BTreeSet<String> = calls.iter().map(parent).collect();
    assert_eq!(told(&world), exported);

    world.sim.handle.fault("progress.add:refuse:times=1").unwrap();
    let refused = world.accept("m1", &message("c1", 1, "在吗")).await;
    let spans = ended(&collector, &refused.replace('-', ""), "refused").await;
    assert!(named(&spans, "run").has_failed && named(&spans, "erp progress.add").has_failed, "{spans:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_s_trace_goes_on_after_a_crash_on_another_replica() {
    let (collector, database) = (Collector::start().await, postgres::database().await);
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let variables = [
        ("DATABASE__URL", &*database),
        ("TELEMETRY__OTLP_ENDPOINT", collector.address()),
        ("ERP__TIMEOUT", "500ms"),
        ("WORKER__LEASE", "12s"),
        ("RETRY__SCHEDULE", "50ms,50ms"),
    ];
    sim.handle.change_settings(|settings| settings.latency_ms = 600_000);
    let mut first = Process::start(&sim.base_url(), &variables).await;
    let body = promoted(&contact("c1", 1), 82.0).to_string();
    let taken = first.sender.signed("p1", body).header("traceparent", SENDER).send().await.unwrap();
    assert_eq!(taken.status(), 202);
    let trace = &SENDER[3..35];
    let failed = ended(&collector, trace, "not_delivered").await;
    first.kill();
    sim.handle.change_settings(|settings| settings.latency_ms = 0);
    let second = Process::start(&sim.base_url(), &variables).await;
    let spans = ended(&collector, trace, "succeeded").await;
    assert_whole(&spans, &SENDER[36..52]);
    let request = named(&spans, "request");
    assert_eq!(request.parent, &SENDER[36..52], "it is a part of what the sender does");
    let outcome = |span: &Seen| span.attributes.get("event.outcome").cloned();
    let run = spans.iter().find(|span| outcome(span).as_deref() == Some("succeeded")).unwrap();
    assert_eq!(run.parent, request.id);
    assert!(run.process != request.process, "two processes made it");
    assert!(failed.iter().any(|span| span.name == "run" && span.process == request.process && span.has_failed));
    drop(second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_that_its_sender_does_not_record_is_not_recorded_here() {
    let collector = Collector::start().await;
    let world = traced(&collector).await;
    let unrecorded = SENDER.replace("-01", "-00");
    let body = promoted(&contact("c1", 1), 82.0).to_string();
    world.sender.signed("p1", body).header("traceparent", unrecorded).send().await.unwrap();
    world.idle(LIMIT).await;
    let id = world.accept("p2", &promoted(&contact("c2", 2), 82.0)).await;
    ended(&collector, &id.replace('-', ""), "succeeded").await;
    assert!(collector.spans().iter().all(|span| span.trace != SENDER[3..35]));
    assert!(told(&world).iter().all(|parent| !parent.contains(&SENDER[3..35])), "{:?}", told(&world));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_the_erp_is_told_of_no_trace_and_never_of_the_sender_s() {
    let world = World::with(WorldOptions::default()).await;
    let body = promoted(&contact("c1", 1), 82.0).to_string();
    world.sender.signed("p1", body).header("traceparent", SENDER).send().await.unwrap();
    world.idle(LIMIT).await;
    assert_eq!(world.sim.handle.customers().len(), 1);
    assert_eq!(told(&world), BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_on_without_their_collector_and_the_log_says_so_once() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let collector = Collector::start().await;
    collector.answer_next(&[503, 503]);
    let variables = [("TELEMETRY__OTLP_ENDPOINT", collector.address()), ("LOG__FILTER", "info")];
    let bridge = Process::start(&sim.base_url(), &variables).await;
    for number in 0..3 {
        let event = promoted(&contact(&format!("c{number}"), number), 82.0);
        bridge.sender.deliver(&format!("p{number}"), &event).await;
        eventually("it is in the ERP", LIMIT, async || (sim.handle.customers().len() > number as usize).then_some(()))
            .await;
        let batches = number as usize + 1;
        eventually("its spans were sent", LIMIT, async || (collector.batches() >= batches).then_some(())).await;
    }
    let said = |words: &str| bridge.log().matches(words).count();
    eventually("the log says that they arrive", LIMIT, async || (said("takes them again") == 1).then_some(())).await;
    assert_eq!(said("the collector of traces does not take them"), 1, "{}", bridge.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_delays_no_event_and_not_the_end() {
    let collector = Collector::slow(Duration::from_secs(600)).await;
    let world = traced(&collector).await;
    for number in 0..20 {
        world.accept(&format!("p{number}"), &promoted(&contact(&format!("c{number}"), number), 82.0)).await;
    }
    world.idle(LIMIT).await;
    assert_eq!(world.sim.handle.customers().len(), 20);
    eventually("a batch is in hand", LIMIT, async || (collector.batches() == 1).then_some(())).await;
    let begun = Instant::now();
    world.app.stop_token().cancel();
    assert_eq!(world.app.ended().await, Ended::Cleanly);
    assert!(begun.elapsed() < Duration::from_secs(5), "it ended after {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_spans_wait_for_a_collector_than_the_queue_holds() {
    let collector = Collector::slow(Duration::from_secs(3)).await;
    let traces =
        Traces::start(Some(&collector.address().parse().unwrap()), &Authorities::default(), &Clock::system()).unwrap();
    let trace = traces.of_event("0199e0c4-1111-7222-8333-444455556666", None).unwrap();
    let make = || trace.span("part", SpanKind::Internal, Millis(1_795_500_000_000)).end(false);
    make();
    eventually("the first is in hand", LIMIT, async || (collector.batches() == 1).then_some(())).await;
    collector.answer_after(Duration::ZERO);
    let begun = Instant::now();
    (0..30_000).for_each(|_| make());
    assert!(begun.elapsed() < Duration::from_secs(3), "making spans waited: {:?}", begun.elapsed());
    eventually("the first is out of hand", LIMIT, async || (collector.batches() > 1).then_some(())).await;
    traces.stop().await;
    assert_eq!(collector.spans().len(), 1 + 8_192);
}
