//! What an event would cause. The plan is rehearsed: its steps are done by the same code as ever, reads are sent, and
//! calls that write are written down in place of being sent.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    Engine, Executor, Journal, SyncError,
    plan::Plan,
    step::{Step, named},
    task::Task,
};
use crate::{
    erp::{CallLog, CallRecord, Detail, PLANNED, UNALLOCATED},
    event::{Candidate, Event, EventKind},
};

/// A call to the ERP, as a preview shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedCall {
    /// The step's name; `survey` for what planning read.
    pub step: String,
    /// The interface's Chinese name.
    pub interface: &'static str,
    /// The interface's short name, as the journal of calls has it.
    pub call: &'static str,
    /// Field → value, as sent. An `ord` that the ERP has yet to allocate is `null`.
    pub fields: Map<String, Value>,
}

impl From<CallRecord> for PlannedCall {
    fn from(record: CallRecord) -> Self {
        let mut fields = if let Value::Object(fields) = record.request { fields } else { Map::new() };
        let unallocated = UNALLOCATED.to_string();
        for (_, value) in fields.iter_mut().filter(|(id, value)| *id == "ord" && **value == *unallocated) {
            *value = Value::Null;
        }
        Self { step: record.step, interface: record.interface, call: record.call, fields }
    }
}

impl Engine {
    /// The fields of a customer that a link of the event's contact would fill in, if they are empty there; `None` of a
    /// message, which says nothing of its contact.
    pub fn filled_by_link(&self, event: &Event, candidate: &Candidate) -> Option<Vec<String>> {
        if event.kind() == EventKind::MessageLogged {
            return None;
        }
        let fields = self.planner.borrow().filled_by_link(event, candidate);
        Some(fields.into_iter().map(|field| field.id.into_owned()).collect())
    }

    /// Plans a task with the ERP's reads and none of its writes: how it ends, its steps, the writing calls that they would
    /// make, the reads made so far, and old value → new value for edits.
    pub async fn preview(&self, journal: &dyn Journal, task: &Task) -> Result<Value, SyncError> {
        let job = self.job(CallLog::new("survey", None).rehearsing());
        let planned = job.planner.plan(&job.erp, journal, task, true).await?;
        let mut shown = match planned.plan {
            Plan::NotLinked => json!({ "outcome": "not_linked", "steps": [] }),
            Plan::NotAdmitted(decision) => json!({ "outcome": "not_admitted", "admission": decision, "steps": [] }),
            Plan::Unclear(question) => {
                let mut shown = question.facts();
                (shown["outcome"], shown["steps"]) = (json!("needs_review"), json!([]));
                shown
            }
            Plan::Steps { steps, changes } => {
                let steps = named(steps);
                let executor = job.executor(journal, task.link.as_ref().map(|link| link.ord));
                rehearse(executor, &job.log, &steps).await?;
                let steps: Vec<Value> =
                    steps.iter().map(|(name, step)| json!({ "name": name, "step": step })).collect();
                json!({ "outcome": "planned", "steps": steps, "changes": changes })
            }
        };
        let records = job.log.drain().into_iter().filter(|record| !record.call.starts_with("session."));
        let (calls, reads): (Vec<_>, Vec<_>) = records.partition(|record| record.outcome == PLANNED);
        let show = |records: Vec<CallRecord>| records.into_iter().map(PlannedCall::from).collect::<Vec<_>>();
        shown["warnings"] = json!(planned.warnings);
        shown["calls"] = json!(show(calls));
        shown["reads"] = json!(show(reads));
        Ok(shown)
    }
}

/// Does the steps in order, as a worker would, except that nothing is sent that writes.
async fn rehearse(mut executor: Executor<'_>, log: &CallLog, steps: &[(String, Step)]) -> Result<(), SyncError> {
    let mut foreseen = Detail::default();
    for (name, step) in steps {
        log.set_step(name);
        match step {
            Step::SetStage { kind, stage } if executor.ord == Some(UNALLOCATED) => {
                executor.set_stage_of(*kind, UNALLOCATED, &foreseen, stage).await?;
            }
            _ => {
                let effect = executor.execute(step).await?;
                executor.ord = effect.ord.or(executor.ord);
            }
        }
        match step {
            Step::Link { ord: Some(ord), .. } => executor.ord = Some(*ord),
            Step::SaveCustomer { fields, .. } => foreseen = detail_after(fields),
            _ => {}
        }
    }
    Ok(())
}

/// What 客户详情 will show of a customer that is yet to be saved, as far as a later edit asks for it: 客户分类 and 跟进程度
/// were sent as ids, and their display texts are the configured ones.
fn detail_after(fields: &[crate::erp::Field]) -> Detail {
    let shown = fields.iter().filter(|field| field.id != "sort1");
    Detail::from_fields(Some(UNALLOCATED), shown.map(|field| (&*field.id, &*field.val, &*field.val)))
}
