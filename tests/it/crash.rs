//! The real binary, killed, stopped and cut off from its database under load: what was answered with a 2xx is in the ledger,
//! and takes effect once and in order.

mod deadlines;
mod held;
mod kills;
mod outages;
mod replicas;

use std::time::Duration;

use erp_bridge::simulator::{Settings, SimConfig};

/// How long everything may take to have its effect, on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(480);
const PAUSES: &str = "50ms,50ms,50ms,50ms,50ms,50ms,50ms,50ms,50ms,50ms,50ms,50ms";

/// Quick retries, and the shortest lease that the ERP's timeout allows.
const QUICK: [(&str, &str); 4] =
    [("ERP__TIMEOUT", "500ms"), ("WORKER__LEASE", "12s"), ("WORKER__POLL", "50ms"), ("RETRY__SCHEDULE", PAUSES)];

/// An ERP that takes its time, so that blows fall into the middle of calls, and work lasts on however fast a machine.
fn slow_erp() -> SimConfig {
    SimConfig { settings: Settings { latency_ms: 20, ..Settings::default() }, ..SimConfig::default() }
}
