//! The ledger's own tasks, and which of them crashed: without its writer a ledger takes nothing.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;
use tokio::sync::watch;

/// Runs the ledger's tasks and remembers the first that panicked.
#[derive(Clone)]
pub(super) struct Background(Arc<watch::Sender<Option<&'static str>>>);

impl Background {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }

    /// Runs a task beside all others; `name` is what people read if it crashes.
    pub(super) fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let first = self.0.clone();
        tokio::spawn(async move {
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                first.send_if_modified(|crashed| {
                    let is_first = crashed.is_none();
                    crashed.get_or_insert(name);
                    is_first
                });
            }
        });
    }

    /// The first task that crashed, if one did.
    pub(super) fn crashed(&self) -> Option<&'static str> {
        *self.0.borrow()
    }

    /// Waits until a task crashes.
    pub(super) async fn crash(&self) -> &'static str {
        let mut crashed = self.0.subscribe();
        let seen = crashed.wait_for(Option::is_some).await.ok().and_then(|name| *name);
        // The sender lives as long as `self`.
        match seen {
            Some(name) => name,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_task_that_panics_is_named_and_one_that_ends_is_not() {
        let tasks = Background::new();
        tasks.spawn("one that ends", async {});
        tasks.spawn("the writer", async { panic!("as a test wants it") });
        assert_eq!(tasks.crash().await, "the writer");
        tasks.spawn("another", async { panic!("as a test wants it") });
        tokio::task::yield_now().await;
        assert_eq!(tasks.crashed(), Some("the writer"));
    }
}
