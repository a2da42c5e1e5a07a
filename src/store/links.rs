//! The links of contacts to customers: forgetting one.

use super::{
    ContactRow, Store, StoreError,
    db::{Tx, args},
    journal::forget_plan,
    operators::write_audit,
};

impl Store {
    /// Forgets a contact's link, so that its next event looks the contact up anew; audited as `contact.unlink`. Answers the
    /// link as it was.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if the contact is not linked. [`StoreError::WrongState`] with the state of an event of the
    /// contact that is running or half done: what it began belongs to the customer that it began it with.
    pub async fn unlink(&self, contact_id: &str, actor: &str, reason: Option<&str>) -> Result<ContactRow, StoreError> {
        let mut tx = self.db.begin().await?;
        tx.lock_contacts(&[contact_id]).await?;
        let link = tx.fetch_first("select * from contacts where contact_id = $1", args![contact_id]).await?;
        let link = ContactRow::read(&link.ok_or(StoreError::NotFound)?)?;
        refuse_half_done(&mut tx, contact_id).await?;
        let open =
            tx.fetch("select id from events where contact_id = $1 and finished_at is null", args![contact_id]).await?;
        for event in &open {
            forget_plan(&mut tx, &event.text("id")?).await?;
        }
        tx.execute("delete from contacts where contact_id = $1", args![contact_id]).await?;
        write_audit(&mut tx, self.clock.now(), actor, "contact.unlink", contact_id, reason).await?;
        tx.commit().await?;
        Ok(link)
    }
}

/// The contact's lock is held: no event of it begins or ends meanwhile.
async fn refuse_half_done(tx: &mut Tx, contact_id: &str) -> Result<(), StoreError> {
    let sql = "select status from events where contact_id = $1 and finished_at is null and (status = 'running'
                 or exists (select 1 from steps where event_id = events.id and state <> 'planned')) limit 1";
    match tx.fetch_first(sql, args![contact_id]).await? {
        Some(row) => Err(StoreError::WrongState(super::types::status(&row)?)),
        None => Ok(()),
    }
}
