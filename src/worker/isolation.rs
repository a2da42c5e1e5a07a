//! Runs that end without being settled, because the whole process ends: such an end may be the event's doing, and the event
//! would come back for ever. It is counted at the claim, runs alone so that nobody else suffers by it, and is dead in the
//! end.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{dispatcher::Dispatcher, end::End};
use crate::store::Claimed;

impl Dispatcher {
    /// Runs the suspects that are due, one by one, with nothing else in hand: at once where nothing is, else now and then.
    pub(super) async fn run_suspects(self: &Arc<Self>, running: &mut JoinSet<()>, stop: &CancellationToken) {
        let may_look = self.suspects.is_time(self.parts.clock.now()) || running.is_empty();
        if !may_look || !self.parts.store.has_suspect().await.unwrap_or_default() {
            return;
        }
        while running.join_next().await.is_some() {}
        while !stop.is_cancelled()
            && let Some(suspect) = self.claim_suspect().await
        {
            // One that does not run any more ends, and its end has a line of its own.
            if !self.is_over(suspect.cut_short) {
                tracing::warn!(event.id = %suspect.event.id, runs = suspect.cut_short, "runs of an event were cut short; it runs alone");
            }
            self.clone().handle(suspect, stop.clone()).await;
        }
    }

    /// The next suspect that is due.
    pub(super) async fn claim_suspect(&self) -> Option<Claimed> {
        self.parts.store.claim_suspect(self.parts.worker.lease).await.unwrap_or_else(|error| {
            tracing::error!(%error, "no suspect could be claimed; trying again");
            None
        })
    }

    /// Whether an event of which so many runs were cut short is not run any more.
    fn is_over(&self, runs: i64) -> bool {
        runs >= i64::from(self.parts.worker.cut_short_runs)
    }

    /// Whether the runs before this one were cut short once too often: then the event ends.
    pub(super) async fn end_of_suspect(&self, claimed: &mut Claimed) -> Option<End> {
        let event_id = claimed.event.id.as_str();
        if claimed.cut_short > 0 && self.suspects.was_abandoned(event_id) {
            claimed.cut_short = 0;
            if let Err(error) = self.parts.store.clear(&mut claimed.lease).await {
                tracing::warn!(event.id = event_id, %error, "runs that could not be settled still count as cut short");
            }
        }
        let runs = claimed.cut_short;
        self.is_over(runs).then(|| {
            let error = format!(
                "连续 {runs} 次运行中途终止，程序随之退出或崩溃 ({runs} runs in a row never ended: the process ended during \
                 each of them, perhaps because of this event)"
            );
            End::Dead { code: "run_cut_short", error }
        })
    }
}
