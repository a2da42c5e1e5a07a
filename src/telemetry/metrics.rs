//! What is counted, for Prometheus.

use std::{sync::OnceLock, time::Duration};

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

/// How often what was measured is folded into the histograms.
pub const UPKEEP: Duration = Duration::from_secs(5);

const EVENTS: &str = "erp_bridge_events_total";
const CALLS: &str = "erp_bridge_erp_calls_total";
const CALL_SECONDS: &str = "erp_bridge_erp_call_seconds";
const BACKLOG: &str = "erp_bridge_backlog_events";
const IN_FLIGHT: &str = "erp_bridge_in_flight_events";
const CIRCUIT: &str = "erp_bridge_circuit_closed";
const SILENT: &str = "erp_bridge_sender_silent";
const SILENT_SECONDS: &str = "erp_bridge_sender_silent_seconds";
const GAPS: &str = "erp_bridge_sequence_gaps";
const PAUSED: &str = "erp_bridge_dispatch_paused";
const PAUSES: &str = "erp_bridge_dispatch_pauses";
const BLOCKS: &str = "erp_bridge_blocks";

/// Upper bounds of the histogram's buckets, in seconds: from a call in the same room to the time-out.
const BUCKETS: [f64; 10] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// The process's metrics.
#[derive(Clone, Debug)]
pub struct Metrics(Option<PrometheusHandle>);

impl Metrics {
    /// Installs the recorder, once a process; a later call answers the same one.
    pub fn install() -> Self {
        static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
        let handle = HANDLE.get_or_init(|| {
            let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).ok()?;
            let handle = builder.install_recorder().ok()?;
            describe_counter!(EVENTS, "Events by the state they moved to");
            describe_counter!(CALLS, "Calls to the ERP by interface and outcome");
            describe_histogram!(CALL_SECONDS, "How long calls to the ERP took");
            describe_gauge!(BACKLOG, "Events that wait: queued, held, in review");
            describe_gauge!(IN_FLIGHT, "Events that workers have in hand");
            describe_gauge!(CIRCUIT, "1 while the circuit to the ERP is closed");
            describe_gauge!(SILENT, "1 while the platform has been silent for longer than webhook.silence_after");
            describe_gauge!(SILENT_SECONDS, "How long the platform has been silent");
            describe_gauge!(GAPS, "Gaps in the numbers (data.sequence) of the contacts' events");
            describe_gauge!(PAUSED, "1 while nothing is dispatched");
            describe_gauge!(PAUSES, "What operators have paused, by scope");
            describe_gauge!(BLOCKS, "What is wrong with the ERP's installation, by cause: events that need it wait");
            Some(handle)
        });
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
    pub fn render(&self, circuit_closed: bool, paused: bool, in_flight: usize, backlog: i64) -> String {
        let number = |flag: bool| if flag { 1.0 } else { 0.0 };
        gauge!(CIRCUIT).set(number(circuit_closed));
        gauge!(PAUSED).set(number(paused));
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; counts stay far below 2^52")]
        {
            gauge!(IN_FLIGHT).set(in_flight as f64);
            gauge!(BACKLOG).set(backlog as f64);
        }
        self.0.as_ref().map_or_else(String::new, |handle| {
            handle.run_upkeep();
            handle.render()
        })
    }
}

/// How the senders stand: `silent_seconds` since the last webhook, if there was one, and the gaps in their numbers.
pub fn senders(silent: bool, silent_seconds: Option<f64>, gaps: usize) {
    gauge!(SILENT).set(if silent { 1.0 } else { 0.0 });
    if let Some(seconds) = silent_seconds {
        gauge!(SILENT_SECONDS).set(seconds);
    }
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; the count stays far below 2^52")]
    gauge!(GAPS).set(gaps as f64);
}

/// How many pauses of a scope stand.
pub fn pauses(scope: &'static str, count: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; the count stays far below 2^52")]
    gauge!(PAUSES, "scope" => scope).set(count as f64);
}

/// How many blocks of a cause stand.
pub fn blocks(cause: &'static str, count: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; the count stays far below 2^52")]
    gauge!(BLOCKS, "cause" => cause).set(count as f64);
}

/// An event moved to a state.
pub fn event_moved(status: &'static str) {
    counter!(EVENTS, "status" => status).increment(1);
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
        assert!(Metrics::install().render(true, false, 0, 0).contains(&counted));
    }
}
