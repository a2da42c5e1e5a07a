//! What a group of the journal's writes says, written together: a statement a table, however many they are.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    CallRow, Decided, NewStep, Settled, Settlement, StepRow, StepState, StoreError,
    blocks::{begin_block, end_block},
    bulk::{Insert, Many, lists},
    db::{Arg, Tx, args},
    journal::{Advance, Begun, Lease, Progress, forget_plan, write_links},
    reservations::{Wish, release, reserve},
    transitions::Moves,
    turns::move_turns,
    types::customer_of,
};
use crate::{
    clock::Millis,
    event::{FieldError, Status, Transition},
    json,
};

/// What the holder of a lease wants written: all of it or nothing.
pub(super) struct Write {
    pub(super) lease: Lease,
    pub(super) progress: Progress,
    /// The identities that its contact is to have to itself; if another has one, only the calls are written.
    pub(super) reserve: Vec<String>,
    /// An allocated `ord`, which is one of these identities.
    pub(super) allocated: Option<i64>,
    /// A new plan, in place of what is planned and not done.
    pub(super) plan: Option<Vec<NewStep>>,
    pub(super) advance: Advance,
    /// How the run ends; its last advance stands above.
    pub(super) end: Option<Settlement>,
}

impl Write {
    /// Nothing but a sign of life.
    pub(super) fn of(lease: &Lease, progress: Progress) -> Self {
        let (reserve, allocated, plan, advance, end) = (Vec::new(), None, None, Advance::default(), None);
        Self { lease: lease.clone(), progress, reserve, allocated, plan, advance, end }
    }

    fn contact(&self) -> &str {
        &self.lease.contact_id
    }

    fn wish(&self) -> Option<Wish<'_>> {
        let Self { lease, reserve, allocated, .. } = self;
        (!reserve.is_empty()).then_some(Wish { lease, identities: reserve, allocated: *allocated })
    }
}

/// What came of a write.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Until when the lease holds now.
    pub(super) until: Millis,
    /// Another contact holds what was to be reserved.
    pub(super) is_refused: bool,
    /// The journal's new part.
    pub(super) planned: Vec<StepRow>,
    pub(super) settled: Settled,
}

const FENCE: Many<'_> = Many {
    columns: "contact, lease, until, made",
    run: "update turns set due_at = until, cut_short = case when made = 1 then 0 else cut_short end from given
          where contact_id = contact and token = lease returning contact_id",
};
const NEW_STEPS: Insert = Insert {
    into: "steps (event_id, position, name, step, state, started_at, fingerprint, holds_identity, allocates, binds, unseen, result)",
    then: "",
};
/// A step gets another state, unless `next` is null, and another result. One that is planned again without a time forgets
/// when it was begun.
const STEPS: Many<'_> = Many {
    columns: "event, place, next, said, mark, at, more",
    run: "update steps set state = coalesce(next, state), result = said, unseen = unseen + more,
            fingerprint = case when next = 'done' then mark else coalesce(mark, fingerprint) end,
            started_at = case when next = 'started' then at when next = 'planned' and at is null then null else started_at end,
            finished_at = case when next = 'done' then at else finished_at end
          from given where event_id = event and position = place",
};
/// Each event's calls are numbered on; `place` counts those of this group.
const CALLS: Many<'_> = Many {
    columns: "event, place, at_step, call, began, took, came, asked, said",
    run: "insert into calls (event_id, number, step, interface, started_at, duration_ms, outcome, request, response)
          select event, place + coalesce((select max(number) + 1 from calls where event_id = event), 0), at_step, call,
            began, took, came, asked, said from given",
};

/// Writes a group, in which each contact has one write. `None` where the lease was lost to another worker: of such a
/// write nothing is written.
///
/// # Errors
/// Nothing may be committed then; which of the writes is at fault, writing them one by one tells.
pub(super) async fn write_group(
    tx: &mut Tx,
    now: Millis,
    writes: &[Write],
) -> Result<Vec<Option<Written>>, StoreError> {
    let identities = writes.iter().flat_map(|write| &write.reserve).map(String::as_str);
    let locks: BTreeSet<&str> = writes.iter().map(Write::contact).chain(identities).collect();
    tx.lock_contacts(&Vec::from_iter(locks)).await?;
    let holders = fence(tx, now, writes).await?;
    let held: Vec<&Write> = writes.iter().filter(|write| holders.contains(write.contact())).collect();
    let refused = reserve(tx, now, &held.iter().filter_map(|write| write.wish()).collect::<Vec<_>>()).await?;
    let granted: Vec<&Write> = held.iter().copied().filter(|write| !refused.contains(write.contact())).collect();
    let mut planned = plan(tx, now, &granted).await?;
    advance(tx, now, &granted).await?;
    record_calls(tx, &held).await?;
    let mut settled = settle(tx, now, &granted).await?;
    let mut written = |write: &Write| Written {
        until: now.plus(write.lease.span),
        is_refused: refused.contains(write.contact()),
        planned: planned.remove(write.contact()).unwrap_or_default(),
        settled: settled.remove(write.contact()).unwrap_or_default(),
    };
    Ok(writes.iter().map(|write| holders.contains(write.contact()).then(|| written(write))).collect())
}

/// Extends the leases of those who still hold them, and keeps everybody else from taking them over until the commit;
/// answers the contacts whose they are.
async fn fence(tx: &mut Tx, now: Millis, writes: &[Write]) -> Result<HashSet<String>, StoreError> {
    let row = |Write { lease, progress, .. }: &Write| -> [Arg; 4] {
        let (contact, token) = (lease.contact_id.as_str(), lease.token.as_str());
        [contact.into(), token.into(), now.plus(lease.span).into(), (*progress == Progress::Made).into()]
    };
    FENCE.run(tx, writes.iter().map(row).collect()).await?.iter().map(|row| row.text("contact_id")).collect()
}

/// Writes plans: forgets steps that were planned before and not done, adds the new ones behind those that were, and starts
/// the first. Answers each contact's new steps.
async fn plan(tx: &mut Tx, now: Millis, writes: &[&Write]) -> Result<HashMap<String, Vec<StepRow>>, StoreError> {
    let plans: Vec<_> = writes.iter().filter_map(|write| Some((write, write.plan.as_ref()?))).collect();
    let again = plans.iter().filter(|(write, _)| write.lease.has_steps);
    let ids: Vec<&str> = again.map(|(write, _)| write.lease.event_id.as_str()).collect();
    let (mut unseen, mut next) = (HashMap::new(), HashMap::new());
    for (values, list) in lists(&ids) {
        let forget = format!(
            "delete from steps where event_id in ({list}) and state <> 'done' returning event_id, name, unseen"
        );
        for row in tx.fetch(forget, values.clone()).await? {
            let kept = unseen.entry((row.text("event_id")?, row.text("name")?)).or_insert(0);
            *kept = row.int("unseen")?.max(*kept);
        }
        let kept = format!(
            "select event_id, max(position) + 1 as next from steps where event_id in ({list}) group by event_id"
        );
        for row in tx.fetch(kept, values).await? {
            next.insert(row.text("event_id")?, row.int("next")?);
        }
    }
    let (mut rows, mut planned) = (Vec::new(), HashMap::new());
    for (write, steps) in plans {
        let event_id = &write.lease.event_id;
        let first = next.get(event_id).copied().unwrap_or_default();
        let step = |(position, step): (i64, &NewStep)| {
            let is_begun = position == first || step.begun.is_some();
            // What the ERP said of it at a customer that is gone by now counts no more.
            let unseen =
                if step.begun.is_some() { None } else { unseen.get(&(event_id.clone(), step.name.clone())).copied() };
            let begun = step.begun.clone().unwrap_or(Begun { at: now, result: None });
            StepRow {
                position,
                name: step.name.clone(),
                step: step.step.clone(),
                state: if is_begun { StepState::Started } else { StepState::Planned },
                result: begun.result,
                customer: step.fingerprint.as_deref().and_then(customer_of),
                unseen: unseen.unwrap_or_default(),
                started_at: is_begun.then_some(begun.at),
                finished_at: None,
            }
        };
        let new: Vec<StepRow> = (first..).zip(steps).map(step).collect();
        rows.extend(new.iter().zip(steps).map(|(row, step)| new_step(event_id, row, step)));
        planned.insert(write.contact().to_owned(), new);
    }
    NEW_STEPS.run(tx, rows).await?;
    Ok(planned)
}

/// The columns of [`NEW_STEPS`].
fn new_step(event_id: &str, row: &StepRow, step: &NewStep) -> [Arg; 12] {
    [
        event_id.into(),
        row.position.into(),
        row.name.as_str().into(),
        row.step.to_string().into(),
        row.state.as_str().into(),
        row.started_at.into(),
        step.fingerprint.clone().into(),
        step.facts.holds_identity.into(),
        step.facts.allocates.into(),
        step.facts.binds.into(),
        row.unseen.into(),
        row.result.as_ref().map(ToString::to_string).into(),
    ]
}

/// Writes what steps came to, and what else the advances say but for their calls.
async fn advance(tx: &mut Tx, now: Millis, writes: &[&Write]) -> Result<(), StoreError> {
    STEPS.run(tx, writes.iter().flat_map(|write| changes(now, write)).collect()).await?;
    for Write { lease, advance, .. } in writes {
        if advance.resolved {
            use_up(tx, &lease.event_id, advance.link.is_some()).await?;
        }
        if let Some((position, step)) = &advance.renewed {
            let sql = "update steps set step = $3 where event_id = $1 and position = $2";
            tx.execute(sql, args![lease.event_id.as_str(), *position, step.to_string()]).await?;
        }
        if !advance.warnings.is_empty() {
            write_warnings(tx, &lease.event_id, &advance.warnings).await?;
        }
    }
    let links = writes.iter().filter_map(|write| Some((write.contact(), write.advance.link.as_ref()?)));
    write_links(tx, &links.collect::<Vec<_>>(), now).await
}

/// An advance's rows of [`STEPS`].
fn changes(now: Millis, write: &Write) -> Vec<[Arg; 7]> {
    let Advance { done, acknowledged, reset, unseen, was_sent, start, mark, .. } = &write.advance;
    let is_remembered = *unseen || *was_sent;
    let row = |position: i64, next: Option<StepState>, said: Option<String>, mark: Option<String>, more: bool| {
        let at = (next != Some(StepState::Planned) || is_remembered).then_some(now);
        let next = next.map(StepState::as_str);
        let event_id = write.lease.event_id.as_str();
        [event_id.into(), position.into(), next.into(), said.into(), mark.into(), at.into(), more.into()]
    };
    let done = done.iter().map(|step| {
        row(step.position, Some(StepState::Done), Some(step.result.to_string()), step.fingerprint.clone(), false)
    });
    let told =
        acknowledged.iter().map(|(position, result)| row(*position, None, Some(result.to_string()), None, false));
    let reset = reset.iter().map(|position| row(*position, Some(StepState::Planned), None, None, *unseen));
    let start = start.iter().map(|position| row(*position, Some(StepState::Started), None, mark.clone(), false));
    done.chain(told).chain(reset).chain(start).collect()
}

/// A decision that was carried out counts for nothing behind it; whom it has refused stays refused until the contact is linked.
async fn use_up(tx: &mut Tx, event_id: &str, is_linked: bool) -> Result<(), StoreError> {
    let before = tx.fetch_first("select resolution from events where id = $1", args![event_id]).await?;
    let before = before.map_or(Ok(None), |row| row.opt_json("resolution"))?.filter(|_| !is_linked);
    let left = before.as_ref().and_then(Decided::read).and_then(Decided::used_up);
    let left = left.map(|left| serde_json::json!(left).to_string());
    tx.execute("update events set resolution = $2 where id = $1", args![event_id, left]).await.map(drop)
}

/// Adds to the event's warnings.
async fn write_warnings(tx: &mut Tx, event_id: &str, found: &[FieldError]) -> Result<(), StoreError> {
    let before = tx.fetch_first("select warnings from events where id = $1", args![event_id]).await?;
    let before = before.map_or(Ok(None), |row| row.opt_json("warnings"))?.unwrap_or_default();
    let mut warnings: Vec<FieldError> = json::from_value(&before).unwrap_or_default();
    warnings.retain(|warning| found.iter().all(|newer| newer.pointer != warning.pointer));
    warnings.extend_from_slice(found);
    let sql = "update events set warnings = $2 where id = $1";
    tx.execute(sql, args![event_id, serde_json::json!(warnings).to_string()]).await.map(drop)
}

/// Keeps the calls to the ERP that events made, in order.
async fn record_calls(tx: &mut Tx, writes: &[&Write]) -> Result<(), StoreError> {
    let row = |write: &Write, (place, call): (i64, &CallRow)| -> [Arg; 9] {
        [
            write.lease.event_id.as_str().into(),
            place.into(),
            call.step.as_str().into(),
            call.interface.as_str().into(),
            call.started_at.into(),
            call.duration_ms.into(),
            call.outcome.as_str().into(),
            call.request.to_string().into(),
            call.response.as_str().into(),
        ]
    };
    let rows = writes.iter().flat_map(|write| (0..).zip(&write.advance.calls).map(|call| row(write, call)));
    CALLS.run(tx, rows.collect()).await.map(drop)
}

/// Ends runs: the events' next states, and the contacts' turns move on.
async fn settle(tx: &mut Tx, now: Millis, writes: &[&Write]) -> Result<HashMap<String, Settled>, StoreError> {
    let ends: Vec<_> = writes.iter().filter_map(|write| Some((*write, write.end.as_ref()?))).collect();
    let mut settled = HashMap::with_capacity(ends.len());
    for (write, end) in &ends {
        if end.replan {
            forget_plan(tx, &write.lease.event_id).await?;
        }
        let mut also = Settled::default();
        if let Some(passed) = &end.passed {
            also.ended = end_block(tx, passed, &write.lease.event_id).await?;
        }
        if let Some(block) = end.blocked.as_ref().filter(|block| block.is_met) {
            also.began = begin_block(tx, block, &write.lease.event_id, now).await?;
        }
        settled.insert(write.contact().to_owned(), also);
    }
    for status in Status::ALL {
        let of_it = ends.iter().filter(|(_, end)| end.status == status);
        let rows = of_it.map(|(write, end)| ended(now, write, end)).collect();
        let moves = Moves {
            happened: Transition::RunEnded(status),
            at: now,
            columns: "event, at, said, code, due, counted, asks, admitted, block, made",
            set: "error = said, error_code = code, next_attempt_at = due, attempts = attempts + counted, review = asks,
                admission = coalesce(admitted, admission), blocked_by = block,
                blocks_begun = case when made = 1 then 0 else blocks_begun end",
            rows,
        };
        moves.run(tx).await?;
    }
    let contacts: BTreeSet<&str> = ends.iter().map(|(write, _)| write.contact()).collect();
    release(tx, contacts.iter().map(|contact| [(*contact).into()]).collect()).await?;
    move_turns(tx, &contacts, now).await?;
    for contact in contacts.iter().filter(|contact| settled.get(**contact).is_some_and(|also| also.began)) {
        // It has just tried; others come first.
        tx.execute("update turns set tried_at = $2 where contact_id = $1", args![*contact, now]).await?;
    }
    Ok(settled)
}

/// The columns of an ending event.
fn ended(now: Millis, write: &Write, end: &Settlement) -> [Arg; 10] {
    [
        write.lease.event_id.as_str().into(),
        now.into(),
        end.error.clone().into(),
        end.error_code.clone().into(),
        end.next_attempt_at.into(),
        end.counts.into(),
        end.review.as_ref().map(ToString::to_string).into(),
        end.admission.as_ref().map(ToString::to_string).into(),
        end.blocked.as_ref().map(super::NewBlock::name).into(),
        end.came_on.into(),
    ]
}
