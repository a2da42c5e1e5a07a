//! A day at work, in short: events come steadily, the ERP is slow, fails and goes away now and then, everybody is told, somebody scrapes and
//! some look on. Nothing is lost, nothing grows, and what is told is complete and in order.
//!
//! `SOAK_SECONDS=1800 SOAK_RATE=200 cargo test --release --test it soak` is the whole of it; without them it is two minutes at a small rate:
//! most of that is waiting, beside all other tests.

mod watch;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use erp_bridge::simulator::{self, Handle, SimConfig};
use serde_json::Value;

use self::watch::{Samples, look_on, scrape};
use crate::support::{Load, Process, Receiver, eventually, receiver::Received};

/// Messages of a contact, besides its promotion.
const MESSAGES: usize = 3;
const EVENTS_EACH: u64 = MESSAGES as u64 + 1;
/// How long the ERP is away: two looks of those who alert, and what it takes to notice.
const AWAY: Duration = Duration::from_secs(25);
/// The ERP goes away once in so long, or once.
const PERIOD_SECONDS: u64 = 300;
const STREAMS: usize = 4;
const PLATFORM_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FVsBQIhrs=";
/// How long what is left may take.
const LIMIT: Duration = Duration::from_secs(300);

/// How long, and how many events a second.
struct Plan {
    seconds: u64,
    rate: u64,
}

impl Plan {
    fn read() -> Self {
        let variable = |name: &str, otherwise| {
            std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}: a number")))
        };
        Self { seconds: variable("SOAK_SECONDS", 120), rate: variable("SOAK_RATE", 8) }
    }

    fn outages(&self) -> u64 {
        (self.seconds / PERIOD_SECONDS).max(1)
    }

    fn contacts(&self) -> u32 {
        u32::try_from(self.seconds * self.rate / EVENTS_EACH).unwrap()
    }
}

/// The ERP of one period: away, then slow and faltering, then well.
async fn weather(erp: &Handle, period: Duration) {
    let began = Instant::now();
    erp.fault("*:away").unwrap();
    tokio::time::sleep(AWAY).await;
    erp.clear_faults();
    for fault in
        ["*:latency_ms:delay=300ms,p=0.1", "progress.add:cut_after:p=0.02", "customer.add:error_500_before:p=0.05"]
    {
        erp.fault(fault).unwrap();
    }
    tokio::time::sleep((period - AWAY) / 4).await;
    erp.clear_faults();
    tokio::time::sleep(period.saturating_sub(began.elapsed())).await;
}

/// Begins with another contact at its time, however long the ones before take.
async fn send(load: &Arc<Load>, plan: &Plan) {
    let mut turn = tokio::time::interval(Duration::from_secs(EVENTS_EACH) / u32::try_from(plan.rate).unwrap());
    let mut sending = tokio::task::JoinSet::new();
    for number in 0..plan.contacts() {
        turn.tick().await;
        let load = load.clone();
        sending.spawn(async move { load.send(number..number + 1, 1).await });
    }
    while let Some(sent) = sending.join_next().await {
        sent.unwrap();
    }
}

/// The causes of an address's alerts, as they were told.
fn alerts(robot: &Receiver) -> Vec<(String, String)> {
    let word = |received: &Received, member: &str| match member {
        "type" => received.body["type"].as_str().unwrap_or_default().to_owned(),
        other => received.body["data"][other].as_str().unwrap_or_default().to_owned(),
    };
    robot.received().iter().map(|received| (word(received, "type"), word(received, "cause"))).collect()
}

/// What the platform was told of each contact, each message once, in the order of arrival.
#[derive(Default)]
struct Told {
    seen: BTreeSet<Vec<u8>>,
    of: BTreeMap<String, Vec<(String, Option<String>)>>,
}

impl Told {
    fn note(&mut self, received: &Received) {
        if self.seen.insert(received.headers["webhook-id"].as_bytes().to_vec()) {
            let text = |value: &Value| value.as_str().map(str::to_owned);
            let (data, kind) = (&received.body["data"], text(&received.body["type"]).unwrap());
            let contact = text(&data["contact_id"]).unwrap();
            self.of.entry(contact).or_default().push((kind, text(&data["webhook_id"])));
        }
    }
}

/// Of every contact the link first, then each of its events once, its messages in their order.
fn assert_told(told: &BTreeMap<String, Vec<(String, Option<String>)>>, contacts: u32) {
    assert_eq!(told.len(), contacts as usize);
    for number in 0..contacts {
        let told = &told[&format!("c{number}")];
        assert_eq!(told[0], ("contact.linked".to_owned(), None), "{number}: {told:?}");
        assert!(told[1..].iter().all(|(kind, _)| kind == "event.succeeded"), "{number}: {told:?}");
        let ids: Vec<&str> = told[1..].iter().filter_map(|(_, id)| id.as_deref()).collect();
        let messages: Vec<&str> = ids.iter().copied().filter(|id| id.starts_with('m')).collect();
        let expected: Vec<String> = (0..MESSAGES).map(|said| format!("m{number}-{said}")).collect();
        assert_eq!(messages, expected, "{number}");
        assert_eq!(ids.len(), MESSAGES + 1, "{number}: {ids:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn days_of_work_lose_nothing_grow_nothing_and_everybody_is_told_once() {
    let plan = Plan::read();
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let (told, robot) = (Arc::<Mutex<Told>>::default(), Receiver::start().await);
    let hears = told.clone();
    let platform = Receiver::handing_on(move |received| hears.lock().unwrap().note(received)).await;
    let targets = format!("webhook {}", robot.url);
    let variables = [
        ("WRITEBACK__URL", &*platform.url),
        ("WRITEBACK__SECRET", PLATFORM_SECRET),
        ("WRITEBACK__SUCCEEDED", "true"),
        ("ALERTS__TARGETS", &targets),
        ("ALERTS__CIRCUIT_OPEN_FOR", "1s"),
        ("ALERTS__CLEAR_AFTER", "5s"),
        ("ALERTS__DAILY_SUMMARY", ""),
        ("ERP__TIMEOUT", "2s"),
        ("WORKER__CIRCUIT_PAUSE", "500ms"),
        ("RETRY__SCHEDULE", "200ms,200ms,200ms,200ms,500ms,500ms,1s,1s,2s,2s,5s,5s,5s,5s,5s"),
    ];
    let bridge = Process::start(&sim.base_url(), &variables).await;
    let load = Arc::new(Load::new(vec![bridge.sender.clone()], MESSAGES));
    let scraper = tokio::spawn(scrape(bridge.sender.clone()));
    let mut viewers = Vec::new();
    for _ in 0..STREAMS {
        viewers.push(look_on(&bridge.sender).await);
    }
    let (sent, erp, heard) = (load.clone(), sim.handle.clone(), told.clone());
    let samples = Samples::begin(bridge.id(), move || {
        let told = heard.lock().unwrap().seen.len();
        format!("{} events taken, {} in the ERP, {told} messages told", sent.taken(), erp.stored())
    });
    let work = async {
        let period = Duration::from_secs(plan.seconds) / u32::try_from(plan.outages()).unwrap();
        for _ in 0..plan.outages() {
            weather(&sim.handle, period).await;
        }
    };
    tokio::join!(send(&load, &plan), work);
    samples.end().assert_flat(plan.seconds);
    load.check(plan.contacts(), &sim.handle, &bridge.sender, LIMIT).await;
    let complete = plan.contacts() as usize * (MESSAGES + 2);
    eventually("the platform is told of everything", LIMIT, async || {
        (told.lock().unwrap().seen.len() >= complete).then_some(())
    })
    .await;
    assert_told(&told.lock().unwrap().of, plan.contacts());
    let of_outage = |kind: &str| (kind.to_owned(), "circuit_open".to_owned());
    let expected: Vec<_> = (0..plan.outages()).flat_map(|_| ["alert.raised", "alert.cleared"].map(of_outage)).collect();
    eventually("each outage is told, and its end", LIMIT, async || {
        (alerts(&robot).len() >= expected.len()).then_some(())
    })
    .await;
    assert_eq!(alerts(&robot), expected);
    assert!(!scraper.is_finished(), "every scrape was answered");
    scraper.abort();
    for viewer in viewers {
        assert!(!viewer.is_finished(), "nobody who looks on was let go");
        assert!(viewer.changes() > u64::from(plan.contacts()), "{} changes were seen", viewer.changes());
    }
}
