//! Whom admission kept out: events that ended as `not_admitted` and deals that are held, with what the rules said of them.

use serde_json::Value;

use super::{EventFilter, Store, StoreError, db::Row, queries::Conditions};
use crate::clock::Millis;

/// An event that was not admitted.
#[derive(Debug, Clone)]
pub struct NotAdmitted {
    /// Order of acceptance.
    pub seq: i64,
    /// uuid v7.
    pub id: String,
    /// Event type.
    pub kind: String,
    /// Whose event.
    pub contact_id: Option<String>,
    /// When it was committed.
    pub received_at: Millis,
    /// The body as it came, where it was asked for and is still there.
    pub payload: Option<String>,
    /// The admission decision, if it is still there.
    pub admission: Option<Value>,
}

impl NotAdmitted {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            seq: row.int("seq")?,
            id: row.text("id")?,
            kind: row.text("kind")?,
            contact_id: row.opt_text("contact_id")?,
            received_at: row.millis("received_at")?,
            payload: row.opt_text("payload")?,
            admission: row.opt_json("admission")?,
        })
    }
}

impl Store {
    /// Events that were not admitted and match, deals that are held among them, newest first, with their bodies or without;
    /// `before` is the `seq` of the last item of the page before.
    pub async fn not_admitted(
        &self,
        filter: &EventFilter,
        before: Option<i64>,
        limit: i64,
        with_payload: bool,
    ) -> Result<Vec<NotAdmitted>, StoreError> {
        let mut conditions = Conditions::of(filter, self.db.dialect());
        conditions.are_kept_out();
        if let Some(before) = before {
            conditions.add("seq <", before);
        }
        let payload =
            if with_payload { "coalesce(amended, payload) as payload" } else { "cast(null as text) as payload" };
        let sql = format!(
            "select seq, id, kind, contact_id, received_at, admission, {payload} from events{} order by seq desc limit {limit}",
            conditions.sql()
        );
        self.db.read(sql, conditions.args).await?.iter().map(NotAdmitted::read).collect()
    }
}
