//! What an event would cause: the plan with its writing calls, every field, and nothing written.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    Engine, Hands, Journal, SyncError,
    assignment::Assignment,
    mapping::FieldValue,
    plan::{Plan, Task},
    step::{Step, named},
};
use crate::{clock::Millis, erp::CustomerKind};

/// A writing call that a step would make.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Foretold {
    /// The step's name.
    pub step: String,
    /// The interface's Chinese name.
    pub interface: &'static str,
    /// The interface's short name, as the journal of calls has it.
    pub call: &'static str,
    /// Field → value. An `ord` that the ERP has yet to allocate is `null`.
    pub fields: Map<String, Value>,
}

impl Engine {
    /// Plans a task with the ERP's reads and none of its writes: how it ends, its steps, the calls that they would make,
    /// and old value → new value for edits.
    pub async fn preview(&self, journal: &dyn Journal, task: &Task) -> Result<Value, SyncError> {
        let job = self.begin(Millis(i64::MAX));
        let plan = job.planner.plan(&job.erp, journal, task, true).await?;
        Ok(match plan {
            Plan::NotLinked => json!({ "outcome": "not_linked", "steps": [], "calls": [] }),
            Plan::NotAdmitted(decision) => {
                json!({ "outcome": "not_admitted", "admission": decision, "steps": [], "calls": [] })
            }
            Plan::Several { by, candidates } => {
                json!({ "outcome": "needs_review", "matched_by": by, "candidates": candidates, "steps": [], "calls": [] })
            }
            Plan::Steps { steps, changes } => {
                let mut hands = job.hands(journal, task.link.as_ref().map(|link| link.ord));
                let mut calls = Vec::new();
                let steps = named(steps);
                for (name, step) in &steps {
                    calls.extend(hands.foretell(name, step).await?);
                    if let Step::Link { ord: Some(ord), .. } = step {
                        hands.ord = Some(*ord);
                    }
                }
                let steps: Vec<Value> =
                    steps.iter().map(|(name, step)| json!({ "name": name, "step": step })).collect();
                json!({ "outcome": "planned", "steps": steps, "calls": calls, "changes": changes })
            }
        })
    }
}

impl Hands<'_> {
    /// The writing call of a step; `None` for the ledger's own.
    async fn foretell(&self, name: &str, step: &Step) -> Result<Option<Foretold>, SyncError> {
        let ord = json!(self.ord);
        let with_ord = |fields: &[FieldValue]| {
            let mut map = Map::from_iter([("ord".to_owned(), ord.clone())]);
            map.extend(fields.iter().map(|field| (field.id.clone(), json!(field.val))));
            map
        };
        let (interface, call, fields) = match step {
            Step::Link { .. } => return Ok(None),
            Step::Allocate { kind } => {
                let intsort = if *kind == CustomerKind::Company { "1" } else { "2" };
                ("分配新客户ID", "customer.allocate", object(&[("edit", json!("")), ("intsort", json!(intsort))]))
            }
            Step::SaveCustomer { kind: CustomerKind::Company, fields } => {
                ("单位客户添加", "customer.add_company", with_ord(fields))
            }
            Step::SaveCustomer { kind: CustomerKind::Person, fields } => {
                ("个人客户添加", "customer.add_person", with_ord(fields))
            }
            Step::FillMissing { kind, ord, fields } => {
                ("客户修改", "customer.edit", self.foretell_edit(*kind, *ord, fields, None).await?)
            }
            Step::SetStage { kind, stage } => {
                let fields = match self.ord {
                    Some(ord) => self.foretell_edit(*kind, ord, &[], Some(stage)).await?,
                    None => object(&[("ord", Value::Null), ("sort1", json!(stage))]),
                };
                ("客户修改", "customer.edit", fields)
            }
            Step::AddContactPerson { company, fields } => {
                let mut map = Map::from_iter([("company".to_owned(), json!(company))]);
                map.extend(fields.iter().map(|field| (field.id.clone(), json!(field.val))));
                ("联系人添加", "contact.add", map)
            }
            Step::Progress { text, way } => (
                "洽谈进展",
                "progress.add",
                object(&[("ord", ord), ("intro", json!(text)), ("sort", json!(*way as i64))]),
            ),
            Step::Assign { to: Assignment::Public } => {
                ("客户指派", "customer.assign", object(&[("ord", ord), ("member1", json!(1))]))
            }
            Step::Assign { to: Assignment::Users { users } } => {
                let fields = [("ord", ord), ("member1", json!(0)), ("member2", json!(users.join(",")))];
                ("客户指派", "customer.assign", object(&fields))
            }
            Step::Apply => ("客户申请", "customer.apply", object(&[("ord", ord)])),
            Step::Approve { agree } => {
                ("客户审批", "customer.approve", object(&[("ord", ord), ("blset", json!(i64::from(*agree)))]))
            }
            Step::TakeBack => ("客户收回", "customer.take_back", object(&[("ord", ord)])),
        };
        Ok(Some(Foretold { step: name.to_owned(), interface, call, fields }))
    }

    async fn foretell_edit(
        &self,
        kind: CustomerKind,
        ord: i64,
        fields: &[FieldValue],
        stage: Option<&str>,
    ) -> Result<Map<String, Value>, SyncError> {
        let (kind, detail) = super::conflict::detail_of(self.erp, kind, ord).await?;
        let fields = self.edit(kind, ord, &detail, fields, stage).await?;
        Ok(fields.into_iter().map(|field| (field.id.into_owned(), json!(field.val))).collect())
    }
}

fn object(fields: &[(&str, Value)]) -> Map<String, Value> {
    fields.iter().map(|(id, value)| ((*id).to_owned(), value.clone())).collect()
}
