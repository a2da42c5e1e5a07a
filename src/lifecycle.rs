//! How the process lives: signals and what they mean, and what it cannot live without.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::{Arc, OnceLock},
};

use futures::FutureExt;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::os::{Signals, Told};

/// The tasks without which the bridge is none. If one of them panics, or ends before it was told to, everything stops, so
/// that whoever watches the process starts it again.
#[derive(Debug, Clone)]
pub struct VitalTasks {
    stop: CancellationToken,
    tasks: TaskTracker,
    crashed: Arc<OnceLock<&'static str>>,
}

impl VitalTasks {
    /// No task yet; `stop` ends them all.
    pub fn new(stop: CancellationToken) -> Self {
        Self { stop, tasks: TaskTracker::new(), crashed: Arc::default() }
    }

    /// Runs a task; `name` is what people read if it crashes.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let this = self.clone();
        self.tasks.spawn(async move {
            let panicked = AssertUnwindSafe(task).catch_unwind().await.is_err();
            if panicked || !this.stop.is_cancelled() {
                this.crash(name);
            }
        });
    }

    /// Stops everything because this part crashed; the first one is remembered.
    pub fn crash(&self, name: &'static str) {
        tracing::error!(part = name, "a part of the bridge crashed: everything stops");
        // Whoever follows crashed because of it, or too late to matter.
        let _ = self.crashed.set(name);
        self.stop.cancel();
    }

    /// Waits until all of them have ended.
    pub async fn wait(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// The first of them that crashed, if one did.
    pub fn crashed(&self) -> Option<&'static str> {
        self.crashed.get().copied()
    }
}

/// Cancels `stop` at the first SIGTERM or SIGINT (Ctrl-C) and calls `reload` at each SIGHUP; a second SIGTERM or
/// SIGINT ends the process at once: everything unfinished resumes at the next start.
pub async fn obey(mut signals: Signals, stop: CancellationToken, reload: impl Fn()) -> Infallible {
    loop {
        match signals.next().await {
            Told::Reload => reload(),
            Told::Stop if stop.is_cancelled() => {
                tracing::warn!("stopped a second time: ending at once; what is unfinished resumes at the next start");
                std::process::exit(1);
            }
            Told::Stop => {
                tracing::info!("stopping: no new events are taken, steps in flight finish");
                stop.cancel();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_or_ends_by_itself_stops_everything_and_is_named() {
        for (name, panics) in [("one that panics", true), ("one that ends", false)] {
            let stop = CancellationToken::new();
            let tasks = VitalTasks::new(stop.clone());
            tasks.spawn("the others", stop.clone().cancelled_owned());
            tasks.spawn(name, async move { assert!(!panics, "as a test wants it") });
            tasks.wait().await;
            assert_eq!(tasks.crashed(), Some(name));
            assert!(stop.is_cancelled());
        }
    }

    #[tokio::test]
    async fn a_task_that_panics_while_it_stops_is_a_crash_too() {
        let stop = CancellationToken::new();
        let tasks = VitalTasks::new(stop.clone());
        let stopped = stop.clone().cancelled_owned();
        tasks.spawn("the server", async move {
            stopped.await;
            panic!("as a test wants it");
        });
        stop.cancel();
        tasks.wait().await;
        assert_eq!(tasks.crashed(), Some("the server"));
    }

    #[tokio::test]
    async fn tasks_that_end_when_they_are_told_to_are_no_crash() {
        let stop = CancellationToken::new();
        let tasks = VitalTasks::new(stop.clone());
        tasks.spawn("one", stop.clone().cancelled_owned());
        stop.cancel();
        tasks.wait().await;
        assert_eq!(tasks.crashed(), None);
    }
}
