//! One run of one event: plan, then step by step do, look, write down. Whoever resumes an event skips finished steps and
//! looks a started one up before doing it again; a crash, a timeout and a replay by hand are one case.

mod attempt;
mod evidence;
mod journal;
mod look;
mod parts;
mod plan;

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use self::{
    journal::{StoreJournal, has_saved, is_effect, is_link, is_part, new_link, ord_of, sha256, step_of},
    plan::placed,
};
use super::{end::End, health::Health};
use crate::{
    clock::Clock,
    event::{Decision, Event, EventKind, Reading, Standing, Work},
    json,
    store::{
        Advance, Before, CallRow, Claimed, Decided, DoneStep, EventRow, Lease, Resolution, StepRow, StepState, Store,
    },
    sync::{CallRecord, Duplicate, Executor, Fault, FaultCause, Job, Step, Task, WhoItIs, identities, subject_of},
};

/// From so long after its acceptance on an event's assignment gives way to a person's.
const LATE: Duration = Duration::from_secs(600);

/// A run in progress.
pub(super) struct Run<'a> {
    pub(super) health: &'a Health,
    pub(super) store: &'a Store,
    pub(super) job: &'a Job,
    pub(super) clock: &'a Clock,
    pub(super) stop: &'a CancellationToken,
    pub(super) reading: &'a Reading,
    pub(super) late_effect: Duration,
    /// Whether the contact was linked when the run began.
    pub(super) linked: bool,
    pub(super) lease: Lease,
    /// What was reserved for the contact, or waited for, in this run.
    pub(super) reserving: Vec<String>,
    /// Interfaces that answered as they should, and values that the installation has.
    pub(super) answered: BTreeSet<String>,
    /// Whether a step was finished in this run that left something.
    pub(super) came_on: bool,
    /// Whether this run has linked the contact: the link with which it began is not the contact's any more.
    pub(super) has_linked: bool,
}

impl Run<'_> {
    /// Runs a claimed event to its end, or as far as it goes.
    pub(super) async fn run(&mut self, claimed: &Claimed) -> End {
        let is_command = self.work_of(claimed).is_ok_and(|work| matches!(work, Work::Command { .. }));
        if is_command && let Err(end) = self.let_older_go_first(claimed).await {
            return end;
        }
        match self.go(claimed).await {
            Ok(last) => End::Succeeded(last.into()),
            // Whoever called named the salesperson; no other event names this one.
            Err(End::Blocked(fault)) if is_command && fault.cause == FaultCause::SalespersonUnknown => {
                End::Dead { code: fault.cause.as_str(), error: fault.to_string() }
            }
            Err(end) => end,
        }
    }

    /// A command that overtook an older assignment of the contact, which stands aside, would be undone by it.
    async fn let_older_go_first(&self, claimed: &Claimed) -> Result<(), End> {
        let older = self.store.aside_before(&self.lease.contact_id, claimed.event.seq).await?;
        let block = match older {
            Before::Nothing => return Ok(()),
            Before::Released => return Err(End::Again),
            Before::Aside(block) => block,
        };
        let code = block.code.parse().ok();
        code.map_or(Ok(()), |code| Err(End::Blocked(Fault::known(code, &block.subject, &block.words))))
    }

    /// Answers the last write of the journal, or how the run ended before.
    async fn go(&mut self, claimed: &Claimed) -> Result<Advance, End> {
        let event = &claimed.event;
        let work = self.work_of(claimed)?;
        let mut anew = Anew::default();
        let mut steps = claimed.steps.clone();
        loop {
            match self.work_on(&work, claimed, &steps, &anew).await {
                Err(End::Duplicate(refused)) if anew.is_other_than(&refused) => anew.duplicate = Some(refused),
                Err(end) if !anew.is_gone && !self.has_linked && end.may_mean_gone() => {
                    match self.is_gone(claimed).await {
                        Ok(true) => anew.is_gone = true,
                        Ok(false) => return Err(end),
                        // What is wrong with the installation is known already, and names the interface that was called.
                        Err(_) if matches!(end, End::Blocked(_)) => return Err(end),
                        Err(untold) => return Err(untold),
                    }
                }
                ended => return ended,
            }
            steps = self.store.steps(&event.id).await?;
        }
    }

    fn work_of(&self, claimed: &Claimed) -> Result<Work, End> {
        let event = &claimed.event;
        Work::parse(&event.kind, event.body().unwrap_or_default(), self.reading)
            .map_err(|error| End::Dead { code: "unreadable", error: error.to_string() })
    }

    /// Whether the ERP has the linked customer no more; asked only after a failure, so that a customer who is there costs
    /// nothing. Where the answer does not come, that failure is not final.
    async fn is_gone(&self, claimed: &Claimed) -> Result<bool, End> {
        let Some(link) = claimed.contact.as_ref().map(|contact| &contact.link) else { return Ok(false) };
        let is_gone = self.job.is_gone(link).await?;
        if is_gone {
            tracing::warn!(event.id = %claimed.event.id, customer.ord = link.ord, "the linked customer is gone from the ERP; the contact is looked up anew");
        }
        Ok(is_gone)
    }

    /// Plans, or goes on with what is planned.
    async fn work_on(
        &mut self,
        work: &Work,
        claimed: &Claimed,
        steps: &[StepRow],
        anew: &Anew,
    ) -> Result<Advance, End> {
        let event = &claimed.event;
        let linked_at = claimed.contact.as_ref().map(|contact| contact.linked_at);
        let decided = event.decided().filter(|decided| !decided.is_over(claimed.contact.as_ref()));
        let decision = decided.as_ref().and_then(who_it_is);
        let plans_anew = decided.as_ref().is_some_and(|decided| decided.resolution == Resolution::PlanAnew);
        let (done, mut pending): (Vec<_>, Vec<_>) = steps.iter().cloned().partition(|row| row.state == StepState::Done);
        let link = claimed.contact.as_ref().map(|contact| &contact.link);
        let links = pending.iter().filter_map(step_of).any(|step| matches!(step, Step::Link { .. }));
        let of_this_plan = done.iter().rev().take_while(|row| !matches!(step_of(row), Some(Step::Link { .. })));
        let effects: Vec<&StepRow> = pending.iter().chain(of_this_plan).filter(|row| is_effect(row)).collect();
        // A plan that links the contact anew was begun, and is gone on with; one from before the contact was linked is not.
        let is_linking = linked_at.is_some() && links && effects.iter().any(|row| row.started_at >= linked_at);
        let is_decided =
            link.is_some_and(|link| decision.is_some_and(|decision| decision != WhoItIs::Customer(link.ord)));
        let is_stale = anew.is_gone || is_linking || is_decided;
        let trusted = link.filter(|_| !is_stale);
        let mut ord = trusted.map(|link| link.ord);
        if trusted.is_none() {
            ord = done.iter().fold(ord, |ord, row| ord_of(row, ord));
        }
        let known = &claimed.standing;
        let profile = if is_stale || known.was_unlinked { self.profile(work).await? } else { None };
        let was_left_open = trusted.is_none() && self.has_save_left_open().await?;
        if trusted.is_none() && !self.reserve(work, profile.as_deref()).await? {
            return Err(End::Wait);
        }
        // Until the contact is linked, a plan holds for the run that made it: meanwhile another contact with the same number
        // or company may have become a customer.
        // So does a plan whose link was undone meanwhile: going on with it would leave the contact without one.
        let is_old = if trusted.is_some() { links } else { effects.is_empty() || !links };
        // Another event of the contact may have found its customer gone, or a person have linked it to another one.
        let done_before = placed(steps);
        let planned_for = done_before.last().and_then(|step| step.at);
        let has_moved = trusted.is_some_and(|link| planned_for.is_some_and(|ord| ord != link.ord));
        let is_overtaken = is_old || has_moved || (is_decided && !is_linking);
        if pending.is_empty() || is_overtaken || anew.must_plan() || plans_anew {
            let is_admitted = event.force || was_admitted(event);
            // What was refused at the door is judged anew, by what is known now.
            let standing = if is_admitted { Standing::default() } else { *known };
            let task = Task {
                work: work.clone(),
                received_at: event.received_at,
                link: link.cloned(),
                is_admitted,
                standing,
                decision: decision.filter(|_| trusted.is_none()),
                refused: decided.as_ref().and_then(|decided| decided.refused.clone()),
                is_stale,
                profile,
                duplicate: anew.duplicate.clone(),
                has_saved: known.was_unlinked || was_left_open || steps.iter().any(has_saved),
                done: done_before
                    .into_iter()
                    .filter(|step| step.row.state == StepState::Done)
                    .map(Into::into)
                    .collect(),
            };
            pending = self.plan(&task, steps, plans_anew).await?;
        } else if let Some(first) = pending.first().filter(|row| row.state == StepState::Planned) {
            let mut advance =
                Advance { start: Some(first.position), mark: self.mark(first, ord), ..Advance::default() };
            self.write_down(&mut advance, None).await?;
        }
        self.linked = trusted.is_some();
        self.work_through(work, pending, ord, decided.filter(|_| !plans_anew)).await
    }

    /// The newest event that says who the contact of a message or a command is.
    async fn profile(&self, work: &Work) -> Result<Option<Box<Event>>, End> {
        let kinds = [EventKind::ContactPromoted, EventKind::DealClosed, EventKind::SyncRequested];
        let row = self.store.newest_profile(work.contact_id(), &kinds.map(EventKind::as_str)).await?;
        let work = row.and_then(|row| Work::parse(&row.kind, row.body()?, self.reading).ok());
        Ok(match work {
            Some(Work::Event(event)) => Some(event),
            _ => None,
        })
    }

    /// Two contacts with the same number or company must not look the ERP up at the same time and both create it.
    async fn reserve(&mut self, work: &Work, profile: Option<&Event>) -> Result<bool, End> {
        let event = match work {
            Work::Event(event) if event.kind() != EventKind::MessageLogged => Some(&**event),
            _ => profile,
        };
        let identities: Vec<String> =
            event.map(identities).unwrap_or_default().iter().map(|text| sha256(text)).collect();
        if identities.is_empty() {
            return Ok(true);
        }
        self.reserving.clone_from(&identities);
        self.lease.settles_after = self.settles_after();
        Ok(self.store.reserve(&mut self.lease, &identities).await?)
    }

    /// A planned step as the configuration has it now; written down, for whoever resumes must look for what was sent.
    async fn renewed(
        &mut self,
        row: &StepRow,
        planned: Step,
        work: &Work,
        journal: &StoreJournal<'_>,
    ) -> Result<Step, End> {
        let renewed = self.job.planner.renewed(planned.clone(), work, journal).await?;
        if renewed != planned {
            let advance = Advance { renewed: Some((row.position, serde_json::json!(renewed))), ..Advance::default() };
            self.store.advance(&mut self.lease, &advance).await?;
        }
        Ok(renewed)
    }

    async fn work_through(
        &mut self,
        work: &Work,
        steps: Vec<StepRow>,
        mut ord: Option<i64>,
        mut decided: Option<Decided>,
    ) -> Result<Advance, End> {
        let mut advance = Advance::default();
        let mut acknowledged = Vec::new();
        let (store, event_id) = (self.store, self.lease.event_id.clone());
        let journal = StoreJournal { store, event_id: &event_id };
        let mut rows = VecDeque::from(steps);
        while let Some(row) = rows.pop_front() {
            let mut step: Step = json::from_value(&row.step)
                .map_err(|error| End::Dead { code: "unreadable", error: format!("step {}: {error}", row.name) })?;
            if row.state == StepState::Planned {
                step = self.renewed(&row, step, work, &journal).await?;
            }
            self.job.log.set_step(&row.name);
            let executor = Executor { yields: self.is_late(work), ..self.job.executor(&journal, ord) };
            let (result, resolved) = if is_part(&row) {
                match self.send_part(&executor, &row, &step, rows.front(), &mut acknowledged).await? {
                    Some(result) => (result, false),
                    None => continue,
                }
            } else {
                let resolution = decided.as_ref().filter(|decided| decided.is_for(&row)).map(|it| it.resolution);
                self.settle_step(&executor, &row, &step, resolution).await?
            };
            let fingerprint = executor.fingerprint(&step);
            let new_link = new_link(&step, ord);
            // Who the contact is was decided, and is so now.
            let resolved = resolved || new_link.is_some() && decided.as_ref().and_then(who_it_is).is_some();
            if resolved {
                decided = None;
            }
            ord = step.ord_after(&result, ord);
            let allocated = ord.filter(|_| step.allocates());
            advance.done.push(DoneStep { position: row.position, result, fingerprint });
            advance.link = new_link.or(advance.link);
            advance.resolved |= resolved;
            if advance.link.is_some() && rows.iter().filter_map(step_of).any(|step| step.is_part()) {
                return Err(End::GiveWay(advance.into()));
            }
            // What the ledger alone remembers is written down together with what was done before it.
            if rows.is_empty() || rows.front().is_some_and(is_link) {
                continue;
            }
            let next = rows.front().filter(|_| !self.stop.is_cancelled());
            (advance.start, advance.mark) =
                (next.map(|next| next.position), next.and_then(|next| self.mark(next, ord)));
            let is_stopping = advance.start.is_none();
            self.write_down(&mut advance, allocated).await?;
            if is_stopping {
                return Err(End::Again);
            }
        }
        advance.calls.extend(self.calls());
        Ok(advance)
    }

    /// Whether people have had time to do by hand what the event brings about by the rules, and nobody has ordered it.
    fn is_late(&self, work: &Work) -> bool {
        let since = self.job.since.map_or(Duration::ZERO, |since| self.clock.now().since(since));
        !matches!(work, Work::Command { .. }) && since >= LATE
    }

    /// The mark by which a step is counted from when it is begun.
    fn mark(&self, row: &StepRow, ord: Option<i64>) -> Option<String> {
        let journal = StoreJournal { store: self.store, event_id: &self.lease.event_id };
        step_of(row).and_then(|step| self.job.executor(&journal, ord).fingerprint(&step))
    }

    /// Writes an advance, and begins the next one. An id that was `allocated` is the contact's alone from then on.
    async fn write_down(&mut self, advance: &mut Advance, allocated: Option<i64>) -> Result<(), End> {
        let advance = Advance { calls: self.calls(), ..std::mem::take(advance) };
        match allocated {
            Some(ord) if !self.store.advance_allocated(&mut self.lease, &advance, ord).await? => {
                return Err(self.taken(ord).await?);
            }
            Some(_) => {}
            None => self.store.advance(&mut self.lease, &advance).await?,
        }
        self.has_linked |= advance.link.is_some();
        // An id alone is nothing in the ERP yet, and is asked for anew by the next plan.
        self.came_on |= allocated.is_none() && !advance.done.is_empty();
        self.job.log.set_deadline(self.lease.until);
        Ok(())
    }

    /// What becomes of an event whose allocated id is another contact's. Who is becoming a customer under it right now, or
    /// became one while this run was asking, is waited for. Who is linked to it for longer may stay so for ever, where the
    /// ERP has that customer no more and gives its id away again: the next try asks for another one, and in the end people
    /// are told.
    async fn taken(&self, ord: i64) -> Result<End, End> {
        let long_ago = self.clock.now().minus(self.lease.span);
        let Some(owner) = self.store.linked_to(ord, &self.lease.contact_id, long_ago).await? else {
            return Ok(End::Wait);
        };
        let error = format!(
            "分配的客户ID {ord} 已关联联系人 {owner} (the contact {owner} is linked to the allocated id {ord})"
        );
        Ok(End::PlanAnew { code: "ord_taken", error })
    }

    /// The calls made since they were last taken, for the ledger.
    pub(super) fn calls(&mut self) -> Vec<CallRow> {
        let row = |call: CallRecord| CallRow {
            step: call.step,
            interface: call.interface.to_owned(),
            started_at: call.started_at,
            duration_ms: call.duration_ms,
            outcome: call.outcome,
            request: call.request,
            response: call.response,
        };
        self.answered.extend(self.job.log.drain_values());
        let calls = self.job.log.drain();
        for call in &calls {
            self.health.observe(call, self.clock.now());
            if call.outcome == "ok" {
                self.answered.insert(subject_of(call.interface, call.call));
            }
        }
        calls.into_iter().map(row).collect()
    }
}

/// Whether the rules admitted an event when it was accepted: its sender was told so, and it stays so.
fn was_admitted(event: &EventRow) -> bool {
    let decision = event.admission.as_ref().and_then(|value| json::from_value::<Decision>(value).ok());
    decision.is_some_and(|decision| decision.admitted)
}

/// Why a run plans once more, although it has a plan.
#[derive(Default)]
struct Anew {
    /// The ERP has the linked customer no more.
    is_gone: bool,
    /// The ERP refused a save as a duplicate (查重).
    duplicate: Option<Duplicate>,
}

impl Anew {
    fn must_plan(&self) -> bool {
        self.is_gone || self.duplicate.is_some()
    }

    /// Whether looking once more may help: not where it has been tried for as much.
    fn is_other_than(&self, refused: &Duplicate) -> bool {
        self.duplicate.as_ref().is_none_or(|before| refused.of_contact_person && !before.of_contact_person)
    }
}

/// What an operator decided on which customer the contact is.
fn who_it_is(decided: &Decided) -> Option<WhoItIs> {
    match decided.resolution {
        Resolution::Link { ord } => Some(WhoItIs::Customer(ord)),
        Resolution::Recreate => Some(WhoItIs::New),
        Resolution::Done | Resolution::Resend | Resolution::PlanAnew | Resolution::NoneOf => None,
    }
}
