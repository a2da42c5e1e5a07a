//! The audit log: who did what, from where, and why.

use std::net::IpAddr;

use super::{
    Store, StoreError,
    bulk::Insert,
    db::{Arg, Row, Tx},
};
use crate::clock::Millis;

const AUDIT: Insert = Insert { into: "audit (at, actor, address, action, subject, reason)", then: "" };

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The token's name.
    pub name: String,
    /// Where the call came from; `None` for what the bridge does by itself.
    pub address: Option<IpAddr>,
}

impl From<&str> for Actor {
    /// Somebody whose address is not known.
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), address: None }
    }
}

/// What an operator wants of the ERP; audited in the transaction that accepts the event which carries it out.
#[derive(Debug, Clone)]
pub struct Deed {
    /// Who wants it.
    pub actor: Actor,
    /// Such as `contact.assign`.
    pub action: String,
    /// What it was ordered upon: where that has changed, nothing happens.
    pub seen: Option<SeenContact>,
}

/// What whoever orders something for a contact saw of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenContact {
    /// The customer that it was linked to, if to any.
    pub ord: Option<i64>,
    /// The newest order about who has the customer (客户指派, 客户申请, 客户审批, 客户收回), if there was any.
    pub assigned: Option<String>,
    /// The newest order to synchronise it, if there was any.
    pub synced: Option<String>,
}

/// Which entries of the audit log; what is `None` narrows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// The token's name.
    pub actor: Option<String>,
    /// `event.replay` …
    pub action: Option<String>,
    /// Event or contact id, or a filter, as a whole.
    pub subject: Option<String>,
    /// At or after this moment.
    pub since: Option<Millis>,
    /// Before this moment.
    pub until: Option<Millis>,
}

/// One entry of the audit log.
#[derive(Debug, Clone)]
pub struct AuditRow {
    /// Rising number, newest highest.
    pub seq: i64,
    /// When.
    pub at: Millis,
    /// Token name.
    pub actor: String,
    /// Where the call came from.
    pub address: Option<String>,
    /// `event.replay`, `event.discard`, `contact.unmask` …
    pub action: String,
    /// Event or contact id, or a filter.
    pub subject: String,
    /// Free text of the operator or of the bridge.
    pub reason: Option<String>,
}

impl AuditRow {
    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            seq: row.int("seq")?,
            at: row.millis("at")?,
            actor: row.text("actor")?,
            address: row.opt_text("address")?,
            action: row.text("action")?,
            subject: row.text("subject")?,
            reason: row.opt_text("reason")?,
        })
    }
}

impl Store {
    /// Writes an entry of the audit log by itself, for what changes nothing else in the ledger.
    pub async fn audit(
        &self,
        actor: &Actor,
        action: &str,
        subject: &str,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        write_audit(&mut tx, self.clock.now(), actor, action, subject, reason).await?;
        tx.commit().await
    }

    /// Who did what, newest first; `before` is the `seq` of the last item of the page before.
    pub async fn audit_log(&self, before: Option<i64>, limit: i64) -> Result<Vec<AuditRow>, StoreError> {
        self.audit_entries(&AuditFilter::default(), before, limit).await
    }

    /// When any of these things was done to something: the newest so many, in order.
    pub async fn deeds_on(&self, subject: &str, actions: &[&str], limit: i64) -> Result<Vec<Millis>, StoreError> {
        let places: Vec<_> = (0..actions.len()).map(|place| format!("${}", place + 2)).collect();
        let places = places.join(", ");
        let sql =
            format!("select at from audit where subject = $1 and action in ({places}) order by seq desc limit {limit}");
        let args = std::iter::once(subject).chain(actions.iter().copied()).map(Arg::from).collect();
        let rows = self.db.read(sql, args).await?;
        rows.iter().rev().map(|row| row.millis("at")).collect()
    }
}

/// Writes an entry in the transaction of the deed: one cannot be there without the other.
pub(super) async fn write_audit(
    tx: &mut Tx,
    at: Millis,
    actor: &Actor,
    action: &str,
    subject: &str,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    write_many(tx, vec![entry(at, actor, action, subject, reason)]).await
}

/// An entry on its way into the log.
pub(super) fn entry(at: Millis, actor: &Actor, action: &str, subject: &str, reason: Option<&str>) -> [Arg; 6] {
    let address = actor.address.map(|address| address.to_canonical().to_string());
    [at.into(), actor.name.as_str().into(), address.into(), action.into(), subject.into(), reason.into()]
}

/// Writes entries with one statement.
pub(super) async fn write_many(tx: &mut Tx, entries: Vec<[Arg; 6]>) -> Result<(), StoreError> {
    AUDIT.run(tx, entries).await.map(drop)
}
