//! Correct-and-rerun (更正重跑): an event that failed, or waits for a person, with a corrected body beside the one that
//! came, or planned anew as it is. What took effect stays done; what was only planned is planned anew.

use super::{
    Actor, Store, StoreError,
    db::{Tx, args},
    operators::Order,
    strangers,
};
use crate::{
    clock::Millis,
    event::{Status, Transition},
};

/// The states in which an event can be corrected.
const AMENDABLE: &[Status] = &[Status::Dead, Status::NeedsReview];

/// A corrected body.
#[derive(Debug, Clone)]
pub struct Amendment {
    /// The whole body (JSON).
    pub body: String,
    /// What was cut or left out of it (JSON), if anything.
    pub warnings: Option<String>,
    /// The admission decision on it (JSON).
    pub admission: String,
    /// Whether it says the same in its records as before.
    pub keeps_records: bool,
}

/// Why an event is not planned anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AmendRefused {
    /// This step was begun, and whether it took effect is not known yet.
    StepOpen(String),
    /// A record of it stands in the ERP, and would say something else.
    Recorded,
    /// The ledger could not do it, or there is no such event, or its state does not allow it.
    Store(StoreError),
}

impl From<StoreError> for AmendRefused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Store {
    /// Gives a dead event, or one that needs review, a corrected body, and puts it back into its contact's turn to be
    /// planned anew. The body that came stays as it is. With `seen`, only if its state has not changed since.
    pub async fn amend(
        &self,
        id: &str,
        amendment: &Amendment,
        actor: &Actor,
        reason: &str,
        seen: Option<Millis>,
    ) -> Result<(), AmendRefused> {
        let order = Order {
            reason: Some(reason),
            only: Some(AMENDABLE),
            plans_anew: true,
            seen,
            ..Order::of(actor, "event.amend", Transition::Replayed)
        };
        let mut tx = self.db.begin().await?;
        self.apply(&mut tx, id, &order).await?;
        refuse_open(&mut tx, id).await?;
        let recorded = "select 1 from steps where event_id = $1 and state = 'done' and fingerprint is not null limit 1";
        if !amendment.keeps_records && tx.fetch_first(recorded, args![id]).await?.is_some() {
            return Err(AmendRefused::Recorded);
        }
        let sql = "update events set amended = $2, warnings = $3, admission = $4 where id = $1 returning contact_id";
        let (body, warnings) = (amendment.body.as_str(), amendment.warnings.as_deref());
        let of = tx.fetch_first(sql, args![id, body, warnings, amendment.admission.as_str()]).await?;
        if let Some(contact_id) = of.map_or(Ok(None), |row| row.opt_text("contact_id"))? {
            strangers::renew(&mut tx, &[contact_id.as_str()]).await?;
        }
        self.commit(tx).await?;
        self.work.notify_one();
        Ok(())
    }

    /// Puts an event back into its contact's turn as a replay does, to be planned anew by the configuration of now. With
    /// `seen`, only if its state has not changed since.
    pub async fn replan(
        &self,
        id: &str,
        actor: &Actor,
        reason: Option<&str>,
        seen: Option<Millis>,
    ) -> Result<(), AmendRefused> {
        let order = Order { reason, plans_anew: true, seen, ..Order::of(actor, "event.replan", Transition::Replayed) };
        let mut tx = self.db.begin().await?;
        self.apply(&mut tx, id, &order).await?;
        refuse_open(&mut tx, id).await?;
        self.commit(tx).await?;
        self.work.notify_one();
        Ok(())
    }
}

/// A step that was begun has to be looked up as it was begun; so has a part of a message that the ERP said it stored.
async fn refuse_open(tx: &mut Tx, id: &str) -> Result<(), AmendRefused> {
    let open = "select name from steps where event_id = $1
        and (state = 'started' or (state = 'planned' and result is not null)) order by position limit 1";
    match tx.fetch_first(open, args![id]).await? {
        Some(row) => Err(AmendRefused::StepOpen(row.text("name")?)),
        None => Ok(()),
    }
}
