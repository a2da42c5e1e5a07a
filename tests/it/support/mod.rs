//! The whole thing on free ports: the simulator, the bridge on a fresh ledger, and a sender with the right secret.

pub mod balancer;
pub mod collector;
pub mod events;
pub mod load;
pub mod log;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod receiver;
pub mod seed;
pub mod sender;
pub mod world;

pub use balancer::Balancer;
pub use collector::{Collector, Seen};
pub use events::*;
pub use load::Load;
pub use log::Log;
pub use process::Process;
pub use proxy::{Line, Lost, Proxy};
pub use receiver::Receiver;
pub use seed::Seed;
pub use sender::Sender;
pub use world::{OPERATOR, READER, SECRET, World, WorldOptions, users_in_turn};

use std::time::{Duration, Instant};

/// The Python (3.8 or newer) that plays a platform: that of `ERP_BRIDGE_PYTHON`, else `python3`.
pub fn python() -> String {
    std::env::var("ERP_BRIDGE_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// Polls `check` every few milliseconds until it answers, for `limit` at most.
pub async fn eventually<T, F>(what: &str, limit: Duration, mut check: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let begun = Instant::now();
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(begun.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
