//! What is counted, for Prometheus.

use std::{sync::OnceLock, time::Duration};

use metrics::{Label, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use crate::clock::Millis;

/// How often what was measured is folded into the histograms.
pub const UPKEEP: Duration = Duration::from_secs(5);

const EVENTS: &str = "erp_bridge_events_total";
const EVENTS_RECEIVED: &str = "erp_bridge_events_received_total";
const EVENT_SECONDS: &str = "erp_bridge_event_seconds";
const CALLS: &str = "erp_bridge_erp_calls_total";
const CALL_SECONDS: &str = "erp_bridge_erp_call_seconds";
const COMMIT_EVENTS: &str = "erp_bridge_commit_events";
const BACKLOG: &str = "erp_bridge_backlog_events";
const STATES: &str = "erp_bridge_state_events";
const OLDEST: &str = "erp_bridge_oldest_waiting_seconds";
const IN_FLIGHT: &str = "erp_bridge_in_flight_events";
const CIRCUIT: &str = "erp_bridge_circuit_closed";
const SESSION: &str = "erp_bridge_erp_session";
const LOGIN_REFUSED: &str = "erp_bridge_erp_login_refused";
const SILENT: &str = "erp_bridge_sender_silent";
const SILENT_SECONDS: &str = "erp_bridge_sender_silent_seconds";
const GAPS: &str = "erp_bridge_sequence_gaps";
const PAUSED: &str = "erp_bridge_dispatch_paused";
const AT_REST: &str = "erp_bridge_dispatch_at_rest";
const PAUSES: &str = "erp_bridge_dispatch_pauses";
const DELIVERIES: &str = "erp_bridge_outbox_deliveries_total";
const OUTBOX_WAITING: &str = "erp_bridge_outbox_waiting_messages";
const OUTBOX_DEAD: &str = "erp_bridge_outbox_dead_messages";
const OUTBOX_OLDEST: &str = "erp_bridge_outbox_oldest_seconds";
const BLOCKS: &str = "erp_bridge_blocks";
const CONNECTIONS: &str = "erp_bridge_database_connections";
const FREE_DISK: &str = "erp_bridge_free_disk_bytes";
const BUILD: &str = "erp_bridge_build_info";
const STARTED: &str = "erp_bridge_start_time_seconds";

/// The type of events that nobody handles: what a sender made up is one name, not a new series each time.
pub const OTHER: &str = "other";

/// What is counted elsewhere without labels: shown as 0 from the start, so that the first one is seen as a rise.
const COUNTERS: [(&str, &str); 5] = [
    ("erp_bridge_http_panics_total", "Requests whose handler crashed"),
    ("erp_bridge_slow_readers_total", "Clients that were let go because they did not read"),
    ("erp_bridge_connections_refused_total", "Connections beyond what one address may have"),
    ("erp_bridge_tls_failures_total", "Connections that did not agree on keys"),
    ("erp_bridge_authentication_failures_total", "Wrong tokens and signatures"),
];
/// What is counted elsewhere with labels.
const LABELLED: [(&str, &str); 2] = [
    ("erp_bridge_webhooks_total", "Webhooks by the answer that they got"),
    ("erp_bridge_http_requests_total", "Requests by method, route and status"),
];

/// Upper bounds of a histogram's buckets, in seconds: from a call in the same room to the time-out.
const BUCKETS: [f64; 10] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];
/// The same for events: from one that runs at once to one that waited out a night's maintenance.
const EVENT_BUCKETS: [f64; 12] = [0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0, 600.0, 3_600.0, 21_600.0, 86_400.0];
/// The same for the sizes of commits, in events.
const COMMIT_BUCKETS: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 256.0, 512.0];

fn recorder() -> Result<PrometheusHandle, BuildError> {
    let builder = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)?
        .set_buckets_for_metric(Matcher::Full(EVENT_SECONDS.to_owned()), &EVENT_BUCKETS)?
        .set_buckets_for_metric(Matcher::Full(COMMIT_EVENTS.to_owned()), &COMMIT_BUCKETS)?;
    builder.install_recorder()
}

fn describe() {
    describe_counter!(EVENTS, "Events by type and by the state they moved to");
    describe_counter!(EVENTS_RECEIVED, "Events that were stored, each once, by type and by the state they began in");
    describe_histogram!(EVENT_SECONDS, "From the arrival of an event until the ERP has it, by type");
    describe_counter!(CALLS, "Calls to the ERP by interface and outcome");
    describe_histogram!(CALL_SECONDS, "How long calls to the ERP took");
    describe_histogram!(COMMIT_EVENTS, "Events that one commit of the ledger holds, by who commits");
    describe_gauge!(BACKLOG, "Events that wait: queued, held, in review");
    describe_gauge!(STATES, "Events that are open or dead, by state");
    describe_gauge!(OLDEST, "Age of the oldest of the events that run next");
    describe_gauge!(IN_FLIGHT, "Events that workers have in hand");
    describe_gauge!(CIRCUIT, "1 while the circuit to the ERP is closed");
    describe_gauge!(SESSION, "1 while there is a session of the ERP");
    describe_gauge!(LOGIN_REFUSED, "1 while the ERP refuses the login");
    describe_gauge!(SILENT, "1 while the platform has been silent for longer than webhook.silence_after");
    describe_gauge!(SILENT_SECONDS, "How long the platform has been silent");
    describe_gauge!(GAPS, "Gaps in the numbers (data.sequence) of the contacts' events");
    describe_gauge!(PAUSED, "1 while nothing is dispatched");
    describe_gauge!(
        AT_REST,
        "1 while people want nothing dispatched: quiet hours, or an operator's pause of everything"
    );
    describe_gauge!(PAUSES, "What operators have paused, by scope");
    describe_counter!(DELIVERIES, "Messages sent to others by addressee and outcome");
    describe_gauge!(OUTBOX_WAITING, "Messages that are still to be delivered");
    describe_gauge!(OUTBOX_DEAD, "Messages that nobody tries to deliver any more");
    describe_gauge!(OUTBOX_OLDEST, "How long the oldest waiting message has waited");
    describe_gauge!(BLOCKS, "What is wrong with the ERP's installation, by cause: events that need it wait");
    describe_gauge!(CONNECTIONS, "Connections to the database, by pool and whether they are used");
    describe_gauge!(FREE_DISK, "What is free of the disk with a SQLite ledger");
    describe_gauge!(BUILD, "1, with the versions of the bridge and of its database");
    describe_gauge!(STARTED, "When the bridge began, in Unix seconds");
    describe_histogram!("erp_bridge_http_request_seconds", "How long requests took, by route");
    for (name, words) in LABELLED {
        describe_counter!(name, words);
    }
    for (name, words) in COUNTERS {
        describe_counter!(name, words);
        counter!(name).increment(0);
    }
}

/// The process's metrics.
#[derive(Clone, Debug)]
pub struct Metrics(Option<PrometheusHandle>);

impl Metrics {
    /// Installs the recorder, once a process; a later call answers the same one.
    pub fn install() -> Self {
        static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
        let handle = HANDLE.get_or_init(|| recorder().ok().inspect(|_| describe()));
        Self(handle.clone())
    }

    /// Folds what was measured into the histograms' buckets every so often until `stop`. Until then each measurement is
    /// kept by itself, and where nobody scrapes nothing else would fold them.
    pub async fn keep_up(self, every: Duration, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
            if let Some(handle) = &self.0 {
                handle.run_upkeep();
            }
        }
    }

    /// Everything in Prometheus' text form, with the gauges as they stand now.
    pub fn render(&self, circuit_closed: bool, paused: bool, at_rest: bool, in_flight: usize, backlog: i64) -> String {
        gauge!(CIRCUIT).set(flag(circuit_closed));
        gauge!(PAUSED).set(flag(paused));
        gauge!(AT_REST).set(flag(at_rest));
        gauge!(IN_FLIGHT).set(float(in_flight));
        gauge!(BACKLOG).set(float(usize::try_from(backlog).unwrap_or_default()));
        self.0.as_ref().map_or_else(String::new, |handle| {
            handle.run_upkeep();
            handle.render()
        })
    }
}

/// How the senders stand: `silent_seconds` since the last webhook, if there was one, and the gaps in their numbers.
pub fn senders(silent: bool, silent_seconds: Option<f64>, gaps: usize) {
    gauge!(SILENT).set(flag(silent));
    if let Some(seconds) = silent_seconds {
        gauge!(SILENT_SECONDS).set(seconds);
    }
    gauge!(GAPS).set(float(gaps));
}

/// How many pauses of a scope stand.
pub fn pauses(scope: &'static str, count: usize) {
    gauge!(PAUSES, "scope" => scope).set(float(count));
}

/// How many blocks of a cause stand.
pub fn blocks(cause: &'static str, count: usize) {
    gauge!(BLOCKS, "cause" => cause).set(float(count));
}

/// Names each type with the states that events can move to, and those that they can begin in, all of them 0 so far.
pub fn event_moves(types: &[&'static str], states: &[&'static str], first: &[&'static str]) {
    for kind in types.iter().copied().chain([OTHER]) {
        for (name, states) in [(EVENTS, states), (EVENTS_RECEIVED, first)] {
            states.iter().for_each(|status| counter!(name, "type" => kind, "status" => *status).increment(0));
        }
    }
}

/// A message was sent to others.
pub fn delivered(to: &'static str, outcome: &'static str) {
    counter!(DELIVERIES, "to" => to, "outcome" => outcome).increment(1);
}

/// How much is still to be delivered, for how long the oldest has waited, and what nobody tries any more.
pub fn outbox(to: &'static str, waiting: i64, oldest: Duration, dead: i64) {
    gauge!(OUTBOX_WAITING, "to" => to).set(float(usize::try_from(waiting).unwrap_or_default()));
    gauge!(OUTBOX_DEAD, "to" => to).set(float(usize::try_from(dead).unwrap_or_default()));
    gauge!(OUTBOX_OLDEST, "to" => to).set(oldest.as_secs_f64());
}

/// An event was stored in a state.
pub fn event_received(kind: &'static str, status: &'static str) {
    counter!(EVENTS_RECEIVED, "type" => kind, "status" => status).increment(1);
}

/// An event moved to a state.
pub fn event_moved(kind: &'static str, status: &'static str) {
    counter!(EVENTS, "type" => kind, "status" => status).increment(1);
}

/// The ERP has an event, so long after it came.
pub fn event_arrived(kind: &'static str, took: Duration) {
    histogram!(EVENT_SECONDS, "type" => kind).record(took);
}

/// Somebody committed so many events at once.
pub fn committed(by: &'static str, events: usize) {
    histogram!(COMMIT_EVENTS, "by" => by).record(float(events));
}

/// So many events are in a state.
pub fn in_state(status: &'static str, count: i64) {
    gauge!(STATES, "status" => status).set(float(usize::try_from(count).unwrap_or_default()));
}

/// The oldest of the events that run next has waited for so long; zero if none waits.
pub fn oldest_waiting(age: Duration) {
    gauge!(OLDEST).set(age.as_secs_f64());
}

/// Whether there is a session of the ERP, and whether the ERP refuses the login.
pub fn session(is_there: bool, is_refused: bool) {
    gauge!(SESSION).set(flag(is_there));
    gauge!(LOGIN_REFUSED).set(flag(is_refused));
}

/// How many connections of a pool are used, and how many are at rest.
pub fn connections(pool: &'static str, used: usize, idle: usize) {
    gauge!(CONNECTIONS, "pool" => pool, "state" => "used").set(float(used));
    gauge!(CONNECTIONS, "pool" => pool, "state" => "idle").set(float(idle));
}

/// What is free of the ledger's disk, in bytes.
pub fn free_disk(bytes: u64) {
    gauge!(FREE_DISK).set(float(usize::try_from(bytes).unwrap_or(usize::MAX)));
}

/// Which bridge began on which database, and when.
pub fn started(version: &'static str, database: String, at: Millis) {
    gauge!(BUILD, vec![Label::new("version", version), Label::new("database", database)]).set(1.0);
    gauge!(STARTED).set(Duration::from_millis(u64::try_from(at.0).unwrap_or_default()).as_secs_f64());
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; what is counted here stays below 2^52")]
fn float(count: usize) -> f64 {
    count as f64
}

fn flag(flag: bool) -> f64 {
    if flag { 1.0 } else { 0.0 }
}

/// A call to the ERP ended.
pub fn erp_call(interface: &'static str, outcome: String, milliseconds: i64) {
    counter!(CALLS, "call" => interface, "outcome" => outcome).increment(1);
    let duration = Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default());
    histogram!(CALL_SECONDS, "call" => interface).record(duration);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kept one by one these would take some 23 MB.
    const MEASUREMENTS: usize = 1_000_000;
    const GROWTH_MAX: usize = 6 << 20;

    /// The memory of this process that is in use.
    fn resident_bytes() -> usize {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4_096
    }

    async fn measure(count: usize) {
        for _ in 0..count / 10_000 {
            (0..10_000).for_each(|_| histogram!(CALL_SECONDS, "call" => "test").record(0.02));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    #[tokio::test]
    async fn measurements_that_nobody_scrapes_leave_memory_flat() {
        let stop = CancellationToken::new();
        let upkeep = tokio::spawn(Metrics::install().keep_up(Duration::from_millis(1), stop.clone()));
        measure(MEASUREMENTS / 5).await;
        let before = resident_bytes();
        measure(MEASUREMENTS).await;
        let grown = resident_bytes().saturating_sub(before);
        assert!(grown < GROWTH_MAX, "{grown} bytes more");
        stop.cancel();
        upkeep.await.unwrap();
        let all = MEASUREMENTS + MEASUREMENTS / 5;
        let counted = format!("erp_bridge_erp_call_seconds_count{{call=\"test\"}} {all}");
        assert!(Metrics::install().render(true, false, false, 0, 0).contains(&counted));
    }
}
