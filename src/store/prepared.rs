//! An event on its way to the door's writer.

use sha2::{Digest, Sha256};

use super::{NewEvent, retention::hash_of};

/// An event with all that can be worked out before its turn with the writer comes, beside others.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) event: NewEvent,
    /// The event's id (uuid v7).
    pub(super) id: String,
    /// By which a second delivery is known to be the same request.
    pub(super) body_hash: String,
    /// By which retention knows the delivery.
    pub(super) delivery: Option<String>,
}

impl Prepared {
    pub(super) fn of(event: NewEvent) -> Self {
        // A forced call is another one than the same call unforced.
        let forced: &[u8] = if event.force { b"\0force" } else { b"" };
        let body_hash = hex::encode(Sha256::new().chain_update(&event.payload).chain_update(forced).finalize());
        let delivery = event.webhook_id.as_deref().map(hash_of);
        Self { id: uuid::Uuid::now_v7().to_string(), body_hash, delivery, event }
    }
}
