//! Feeds running replays (重放) into the queue, a little every second, as long as few others wait.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::store::Store;

/// How often it is looked whether there is room; with [`crate::store::REPLAY_ROOM`] that is fifty events a second at most.
const ROUND: Duration = Duration::from_secs(1);

/// Goes on until `stop` is cancelled; several replicas do not hinder each other.
pub async fn feed(store: Store, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(ROUND) => {}
        }
        match store.feed_replays().await {
            Ok(0) => {}
            Ok(put_back) => tracing::debug!(put_back, "events of replays are back in their turns"),
            Err(error) => tracing::warn!(%error, "replays stand still for now; they are tried again"),
        }
    }
}
