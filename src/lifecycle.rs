//! How the process lives: signals, and what they mean.

use std::convert::Infallible;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The signals that the bridge listens to.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Begins to listen; from here on these signals do not end the process by themselves.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Cancels `stop` at the first SIGTERM or SIGINT (Ctrl-C) and calls `reload` at each SIGHUP; a second SIGTERM or
    /// SIGINT ends the process at once: everything unfinished resumes at the next start.
    pub async fn obey(mut self, stop: CancellationToken, reload: impl Fn()) -> Infallible {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
                _ = self.hang_up.recv() => {
                    reload();
                    continue;
                }
            }
            if stop.is_cancelled() {
                tracing::warn!("stopped a second time: ending at once; what is unfinished resumes at the next start");
                std::process::exit(1);
            }
            tracing::info!("stopping: no new events are taken, steps in flight finish");
            stop.cancel();
        }
    }
}
