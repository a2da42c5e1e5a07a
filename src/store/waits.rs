//! For what a queued event waits that is not its own doing.

use super::{DispatchPause, EventRow, Store, StoreError, db::args, types};
use crate::event::Status;

/// Why a queued event does not run yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitsFor {
    /// An older event of its contact, which goes first.
    Earlier {
        /// Its id.
        event_id: String,
        /// How it stands.
        status: Status,
    },
    /// Somebody has paused it.
    Pause(DispatchPause),
}

impl Store {
    /// For whom or what a queued event waits; `None` where it only waits for its next try, or for a worker.
    pub async fn waits_for(&self, event: &EventRow) -> Result<Option<WaitsFor>, StoreError> {
        let (Status::Queued, Some(contact)) = (event.status, &event.contact_id) else { return Ok(None) };
        let sql = "select head_seq, parked_by, events.id as id, events.status as status from turns
            join events on events.seq = head_seq where turns.contact_id = $1";
        let rows = self.db.read(sql, args![contact.as_str()]).await?;
        let Some(turn) = rows.first() else { return Ok(None) };
        let head = turn.int("head_seq")?;
        // A later head waits for nobody who stands aside, nor that one for it.
        if head > event.seq {
            return Ok(None);
        }
        if head != event.seq {
            return Ok(Some(WaitsFor::Earlier { event_id: turn.text("id")?, status: types::status(turn)? }));
        }
        let Some(parked_by) = turn.opt_text("parked_by")? else { return Ok(None) };
        Ok(self.pauses().await?.into_iter().find(|pause| pause.name == parked_by).map(WaitsFor::Pause))
    }
}
