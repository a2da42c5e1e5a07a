//! The journal: what was planned for an event, what of it was begun, done or seen, and every call that it made.
//!
//! Every write names the lease's token: who lost the lease to another worker writes nothing.

use std::{collections::HashMap, time::Duration};

use futures::future::BoxFuture;
use serde_json::Value;

use super::{
    CallRow, Store, StoreError,
    announcements::Linked,
    audit::write_audit,
    bulk::{Insert, lists},
    db::{Arg, Tx, args},
    dialect::list,
    people, strangers,
    transitions::Move,
};
use crate::{
    clock::Millis,
    event::{FieldError, Link, LinkedBy, Transition},
};

/// A claim on a contact's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The event at the head of the turn.
    pub event_id: String,
    /// The contact whose turn it is.
    pub contact_id: String,
    /// Only who holds it may write.
    pub token: String,
    /// Until when; another worker may take the turn after it.
    pub until: Millis,
    /// For how long each sign of life extends it.
    pub span: Duration,
    /// How long after its beginning a step may take effect, as far as its run knows; else as long as the span.
    pub settles_after: Duration,
    /// Whether the journal has steps of the event: a first plan has none to forget, and none to come behind.
    pub has_steps: bool,
}

/// A step that is about to be planned.
#[derive(Debug, Clone, PartialEq)]
pub struct NewStep {
    /// Stable name within the event.
    pub name: String,
    /// The step as JSON.
    pub step: Value,
    /// A mark by which equal effects are counted ([`Store::count_fingerprints`]), as far as it is known: the customer's `ord`,
    /// a colon, and what tells the effect from others.
    pub fingerprint: Option<String>,
    /// What the ledger decides by.
    pub facts: StepFacts,
    /// What was begun of it under an earlier plan: it stays begun, to be looked up before it is done again.
    pub begun: Option<Begun>,
}

/// How far a step was under an earlier plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Begun {
    /// When it was last begun.
    pub at: Millis,
    /// What the ERP said to it, if it said that it is done.
    pub result: Option<Value>,
}

/// What the ledger must know of a step to decide by it; it knows no step by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StepFacts {
    /// While it is begun and not decided, its contact may become a customer under the identities that it has reserved.
    pub holds_identity: bool,
    /// It brings an id under which nothing is stored yet: worthless once the plan is another.
    pub allocates: bool,
    /// Once it is done the contact has its customer: a new plan would leave out what is still to be done.
    pub binds: bool,
}

/// Steps that have one fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EqualSteps {
    /// Those that are done.
    pub done: i64,
    /// Those that were started and come first: of open events before the one that asks, in the order of ids, and of events
    /// that look for theirs no more (dead, given up, held), whose effect may be there all the same.
    pub started_before: i64,
    /// Those of all other events that were started.
    pub started: i64,
}

/// What one write of the journal says; all of it in one transaction.
#[derive(Debug, Clone, Default)]
pub struct Advance {
    /// These steps took effect.
    pub done: Vec<DoneStep>,
    /// The ERP says that this step is done, and nobody has seen it yet: position and result.
    pub acknowledged: Option<(i64, Value)>,
    /// The contact is linked now; its held messages are released.
    pub link: Option<Link>,
    /// This step will be executed as the configuration has it now: position and step. Whoever resumes looks for that.
    pub renewed: Option<(i64, Value)>,
    /// This step is about to be executed.
    pub start: Option<i64>,
    /// The mark by which the step that is about to be executed is counted, where it was not known before.
    pub mark: Option<String>,
    /// This step certainly did not take effect: it is planned again.
    pub reset: Option<i64>,
    /// The step that is planned again was said to be done; see [`StepRow::unseen`].
    pub unseen: bool,
    /// The step that is planned again was sent before, and was not found where it was looked for: its customer may have been
    /// merged meanwhile and have taken it along. When it was begun is kept for whoever plans anew.
    pub was_sent: bool,
    /// What was found not to hold of what the event says; in place of what was found at the same members before.
    pub warnings: Vec<FieldError>,
    /// The operator's decision was carried out and does not count for later steps.
    pub resolved: bool,
    /// Calls made since the last write.
    pub calls: Vec<CallRow>,
}

/// A step that took effect.
#[derive(Debug, Clone, PartialEq)]
pub struct DoneStep {
    /// Which one.
    pub position: i64,
    /// What it brought.
    pub result: Value,
    /// A mark by which equal effects are counted ([`Store::count_fingerprints`]).
    pub fingerprint: Option<String>,
}

impl DoneStep {
    /// Without a mark.
    pub fn new(position: i64, result: Value) -> Self {
        Self { position, result, fingerprint: None }
    }
}

/// Whether a write shows that its event comes on: then its run is none of those that were cut short in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Made,
    None,
}

/// Around a commit of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitMoment {
    /// A run is about to hand in what is to be written; in the run itself.
    Asked,
    /// Nothing is on the disk yet.
    Before,
    /// Everything is.
    After,
}

/// Called around every commit of the journal, so that a test can end the worker's life exactly there, by never returning,
/// or make the database fail. One commit may be that of many runs. Nothing sets it outside of tests.
pub type CommitWatch = Box<dyn Fn(CommitMoment) -> BoxFuture<'static, Result<(), StoreError>> + Send + Sync>;

impl Store {
    /// Sets who is called around every commit of the journal; only the first call counts.
    pub fn watch_commits(&self, watch: CommitWatch) {
        let _ = self.watch.set(watch);
    }

    /// How many steps carry one of these fingerprints, as the event `event_id` counts them.
    pub async fn count_fingerprints(&self, fingerprints: &[String], event_id: &str) -> Result<EqualSteps, StoreError> {
        let mut values: Vec<Arg> = fingerprints.iter().map(|fingerprint| Arg::from(fingerprint.as_str())).collect();
        let among = list(1, values.len());
        let own = values.len() + 1;
        values.push(event_id.into());
        let sql = format!(
            "select count(case when state = 'done' then 1 end) as done,
               count(case when state = 'started' and event_id <> ${own} and exists (select 1 from events
                 where events.id = steps.event_id and (events.id < ${own}
                   or events.status not in ('queued', 'running', 'needs_review')))
                 then 1 end) as started_before,
               count(case when state = 'started' and event_id <> ${own} then 1 end) as started
             from steps where fingerprint in ({among})"
        );
        let rows = self.db.read(sql, values).await?;
        let Some(row) = rows.first() else { return Ok(EqualSteps::default()) };
        Ok(EqualSteps {
            done: row.int("done")?,
            started_before: row.int("started_before")?,
            started: row.int("started")?,
        })
    }

    /// Commits a write of the journal.
    pub(super) async fn commit_journal(&self, tx: Tx) -> Result<(), StoreError> {
        let Some(watch) = self.watch.get() else { return self.commit(tx).await };
        watch(CommitMoment::Before).await?;
        self.commit(tx).await?;
        watch(CommitMoment::After).await
    }
}

const CONTACTS: Insert = Insert {
    into: "contacts (contact_id, ord, khid, kind, linked_by, linked_at, found_by)",
    then: "on conflict (contact_id) do update set ord = excluded.ord, khid = excluded.khid, kind = excluded.kind,
             linked_by = excluded.linked_by, linked_at = excluded.linked_at,
             found_by = coalesce(excluded.found_by, contacts.found_by)",
};

/// Links contacts, each named once, and releases their held messages into their turns. A link that moves is audited.
pub(super) async fn write_links(tx: &mut Tx, links: &[(&str, &Link)], now: Millis) -> Result<(), StoreError> {
    let ids: Vec<&str> = links.iter().map(|(contact_id, _)| *contact_id).collect();
    let mut before = HashMap::new();
    for (values, list) in lists(&ids) {
        let sql = format!("select contact_id, ord from contacts where contact_id in ({list})");
        for row in tx.fetch(sql, values).await? {
            before.insert(row.text("contact_id")?, row.int("ord")?);
        }
    }
    for (contact_id, link) in links {
        let ord = before.get(*contact_id).copied();
        if ord == Some(link.ord) {
            continue;
        }
        tx.linked.push(Linked { contact_id: (*contact_id).to_owned(), link: (*link).clone(), at: now });
        if let Some(ord) = ord {
            let reason = format!("ord {ord} → {} ({})", link.ord, link.linked_by);
            write_audit(tx, now, &"bridge".into(), "contact.relink", contact_id, Some(&reason)).await?;
            // Of a customer that was made anew nobody has moved the records.
            if link.linked_by != LinkedBy::Created {
                move_marks(tx, ord, link.ord).await?;
            }
        }
    }
    let people = people::of_bodies(tx, &ids).await?;
    let row = |(contact_id, link): &(&str, &Link)| -> [Arg; 7] {
        let Link { ord, khid, kind, linked_by } = link;
        [
            (*contact_id).into(),
            (*ord).into(),
            khid.as_str().into(),
            kind.as_str().into(),
            linked_by.as_str().into(),
            now.into(),
            people.get(*contact_id).map(String::as_str).into(),
        ]
    };
    CONTACTS.run(tx, links.iter().map(row).collect()).await?;
    strangers::forget(tx, &ids).await?;
    for (mut args, list) in lists(&ids) {
        args.push(now.into());
        let release = Move {
            happened: Transition::Released,
            at: now,
            set: &format!("next_attempt_at = ${}", args.len()),
            which: &format!("contact_id in ({list}) and finished_at is null"),
            args,
            returning: "",
        };
        release.run(tx).await?;
    }
    Ok(())
}

/// The records of a customer are at another one now: those of all its contacts are counted there from now on.
async fn move_marks(tx: &mut Tx, from: i64, to: i64) -> Result<(), StoreError> {
    let sql = "update steps set fingerprint = cast($2 as text) || substr(fingerprint, length(cast($1 as text)) + 1)
               where fingerprint like cast($1 as text) || ':%' and event_id in
                 (select events.id from events, contacts
                  where contacts.ord = $1 and events.contact_id = contacts.contact_id)";
    tx.execute(sql, args![from, to]).await.map(drop)
}

/// Forgets the steps that were never begun, so that the next run plans anew. The plan stays where a step's outcome is
/// open, which only looking it up can tell, and where the contact has its customer by it. An allocated id under which
/// nothing is to be saved goes in any case: by the next run the ERP may have given it away, or it may be the reason.
pub(super) async fn forget_plan(tx: &mut Tx, event_id: &str) -> Result<(), StoreError> {
    let sql = "delete from steps where event_id = $1 and (state = 'planned' or allocates = 1) and not exists
        (select 1 from steps as kept where kept.event_id = $1
           and (kept.state = 'started' or (kept.state = 'done' and kept.binds = 1)))";
    tx.execute(sql, args![event_id]).await?;
    let unused = "delete from steps where event_id = $1 and allocates = 1 and not exists
        (select 1 from steps as saved where saved.event_id = $1 and saved.holds_identity = 1)";
    tx.execute(unused, args![event_id]).await?;
    Ok(())
}
