//! `POST /v1/preview`: what an event would cause, asked of the ERP and the ledger without writing to either.

use futures::future::BoxFuture;
use serde_json::Value;

use crate::{
    clock::Clock,
    event::{Candidate, Event, Work},
    http::{PreviewError, Previewer},
    store::{Store, StoreError},
    sync::{Engine, EqualRecords, Journal, JournalError, SyncError, Task},
};

/// `POST /v1/preview`.
pub(super) struct LivePreview {
    pub(super) engine: Engine,
    pub(super) store: Store,
    pub(super) clock: Clock,
}

impl Previewer for LivePreview {
    fn filled_by_link(&self, event: &Event, candidate: &Candidate) -> Option<Vec<String>> {
        self.engine.filled_by_link(event, candidate)
    }

    fn preview(&self, event: Event, force: bool) -> BoxFuture<'_, Result<Value, PreviewError>> {
        Box::pin(async move {
            let link = self.store.contact(event.contact().id()).await?;
            let standing = self.store.standing(event.contact().id()).await?;
            let task = Task {
                work: Work::Event(Box::new(event)),
                received_at: self.clock.now(),
                link: link.map(|contact| contact.link),
                is_admitted: force,
                standing,
                decision: None,
                refused: None,
                is_stale: false,
                profile: None,
                duplicate: None,
                done: Vec::new(),
                has_saved: standing.was_unlinked,
            };
            self.engine.preview(&PeekJournal(&self.store), &task).await.map_err(|error| match error {
                SyncError::Erp(error) => PreviewError::Erp(error.to_string()),
                SyncError::Journal(error) => PreviewError::Store(StoreError::Unavailable(error.to_string())),
            })
        })
    }
}

/// The ledger's answers for a preview, which takes nothing.
pub(super) struct PeekJournal<'a>(pub(super) &'a Store);

impl Journal for PeekJournal<'_> {
    // Planning does not look for records.
    fn count_equal<'a>(&'a self, _fingerprints: &'a [String]) -> BoxFuture<'a, Result<EqualRecords, JournalError>> {
        Box::pin(std::future::ready(Ok(EqualRecords::default())))
    }

    fn has_owner<'a>(&'a self, ord: i64, other_than: &'a str) -> BoxFuture<'a, Result<bool, JournalError>> {
        Box::pin(
            async move { self.0.has_owner(ord, other_than).await.map_err(|error| JournalError(error.to_string())) },
        )
    }

    fn last_score<'a>(&'a self, contact_id: &'a str) -> BoxFuture<'a, Result<Option<f64>, JournalError>> {
        Box::pin(async move {
            let standing = self.0.standing(contact_id).await.map_err(|error| JournalError(error.to_string()))?;
            Ok(standing.last_score)
        })
    }

    fn rotation<'a>(&'a self, name: &'a str, _peek: bool) -> BoxFuture<'a, Result<i64, JournalError>> {
        Box::pin(async move { self.0.peek_rotation(name).await.map_err(|error| JournalError(error.to_string())) })
    }
}
