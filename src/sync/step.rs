//! The steps that an event's plan is made of, as the ledger keeps them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::records::begin_alike;
use crate::{
    erp::{ContactWay, CustomerKind, Field},
    event::{Assignment, LinkKind, LinkedBy},
};

/// One step: what is done, with everything that doing it again needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Step {
    /// 分配新客户ID: the ERP reserves an `ord`; nothing is stored yet.
    Allocate {
        /// 单位客户 or 个人客户.
        kind: CustomerKind,
    },
    /// 单位客户添加 or 个人客户添加 under the allocated `ord`.
    SaveCustomer {
        /// Which of the two.
        kind: CustomerKind,
        /// The fields.
        fields: Vec<Field>,
    },
    /// 客户修改: what the ERP lacks is filled in, what it has stays.
    FillMissing {
        /// For reading the detail.
        kind: CustomerKind,
        /// The customer.
        ord: i64,
        /// The fields that were empty, with the display texts to write.
        fields: Vec<Field>,
    },
    /// 联系人添加: a further contact person of a company that the ERP knows.
    AddContactPerson {
        /// The company's `ord`.
        company: i64,
        /// The fields.
        fields: Vec<Field>,
    },
    /// The ledger remembers which customer the contact is; no call to the ERP.
    Link {
        /// The customer; `None`: the allocated one.
        ord: Option<i64>,
        /// Its 客户编号.
        khid: String,
        /// What the contact is there.
        kind: LinkKind,
        /// How it was found.
        linked_by: LinkedBy,
    },
    /// 洽谈进展: one progress record.
    Progress {
        /// Its text, head included.
        text: String,
        /// The way of contact.
        way: ContactWay,
    },
    /// 客户修改 of the 跟进程度.
    SetStage {
        /// For reading the detail.
        kind: CustomerKind,
        /// Its display text.
        stage: String,
    },
    /// 客户指派.
    Assign {
        /// To whom.
        to: Assignment,
    },
    /// 客户申请.
    Apply,
    /// 客户审批.
    Approve {
        /// Agree or refuse.
        agree: bool,
    },
    /// 客户收回.
    TakeBack,
}

impl Step {
    /// Stable name within an event; `parts` numbers progress records.
    pub fn name(&self, part: usize) -> String {
        match self {
            Self::Allocate { .. } => "allocate".into(),
            Self::SaveCustomer { .. } => "save_customer".into(),
            Self::FillMissing { .. } => "fill_missing".into(),
            Self::AddContactPerson { .. } => "add_contact_person".into(),
            Self::Link { .. } => "link".into(),
            Self::Progress { .. } => format!("progress:{part}"),
            Self::SetStage { .. } => "set_stage".into(),
            Self::Assign { .. } => "assign".into(),
            Self::Apply => "apply".into(),
            Self::Approve { .. } => "approve".into(),
            Self::TakeBack => "take_back".into(),
        }
    }

    /// The customer that is known once the step is done with this result.
    pub fn ord_after(&self, result: &Value, known: Option<i64>) -> Option<i64> {
        match self {
            Self::Allocate { .. } => result.get("ord").and_then(Value::as_i64).or(known),
            Self::Link { ord: Some(ord), .. } => Some(*ord),
            _ => known,
        }
    }

    /// Whether its contact may become a customer, or a contact person of one, by it under number and company: until it is
    /// decided, nobody else with the same may.
    pub const fn holds_identity(&self) -> bool {
        matches!(self, Self::SaveCustomer { .. } | Self::AddContactPerson { .. })
    }

    /// Whether it only brings an id, under which the ERP stores nothing yet.
    pub const fn allocates(&self) -> bool {
        matches!(self, Self::Allocate { .. })
    }

    /// Whether the contact has its customer once it is done: no new plan is made from then on.
    pub const fn binds(&self) -> bool {
        matches!(self, Self::SaveCustomer { .. } | Self::Link { .. })
    }

    /// The customer that it was planned for, where it says so itself.
    pub const fn customer(&self) -> Option<i64> {
        match self {
            Self::FillMissing { ord, .. } => Some(*ord),
            Self::AddContactPerson { company, .. } => Some(*company),
            _ => None,
        }
    }

    /// The customer that its contact becomes because the platform names it: one contact's at a time.
    pub const fn takes_named_customer(&self) -> Option<i64> {
        match self {
            Self::Link { ord, linked_by: LinkedBy::Hint, kind: LinkKind::Person | LinkKind::Company, .. } => *ord,
            _ => None,
        }
    }

    /// Whether it leaves something in the ERP by which other contacts find their customer.
    pub const fn leaves_trace(&self) -> bool {
        matches!(self, Self::SaveCustomer { .. } | Self::FillMissing { .. } | Self::AddContactPerson { .. })
    }

    /// Whether it is one part of what was said: parts are sent one after the other and looked up together.
    pub const fn is_part(&self) -> bool {
        matches!(self, Self::Progress { .. })
    }

    /// Whether it uses up a turn of an assignment rule: planned anew, it stays the same turn.
    pub const fn takes_turn(&self) -> bool {
        matches!(self, Self::Assign { .. })
    }

    /// Whether only looking it up tells whether it was done: planned anew once it was begun, it stays begun. What leaves a
    /// trace is found by the plan itself, which searches for the contact.
    pub const fn stays_begun(&self) -> bool {
        !self.is_repeatable() && !self.leaves_trace()
    }

    /// Whether both leave the same in the ERP: another plan may number its records otherwise, or say more behind an equal
    /// beginning, and may fill in other fields.
    pub fn does_the_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Progress { text, .. }, Self::Progress { text: other, .. }) => begin_alike(text, other),
            (Self::FillMissing { .. }, Self::FillMissing { .. }) => self == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// Whether doing it a second time leaves the ERP as doing it once: then an outcome that cannot be looked up is no
    /// reason to ask a person.
    pub const fn is_repeatable(&self) -> bool {
        !matches!(
            self,
            // The ERP refuses these three where they have taken effect.
            Self::Progress { .. } | Self::AddContactPerson { .. } | Self::Apply | Self::Approve { .. } | Self::TakeBack
        )
    }
}

/// Names for a plan's steps: progress records are numbered from 1.
pub fn named(steps: Vec<Step>) -> Vec<(String, Step)> {
    let mut part = 0;
    let mut name = |step: Step| {
        part += usize::from(matches!(step, Step::Progress { .. }));
        (step.name(part), step)
    };
    steps.into_iter().map(&mut name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_says_what_others_decide_by() {
        let (kind, fields) = (CustomerKind::Person, Vec::new);
        let link = Step::Link { ord: None, khid: String::new(), kind: LinkKind::Person, linked_by: LinkedBy::Created };
        let progress = Step::Progress { text: String::new(), way: ContactWay::Other };
        // Holds its identity, allocates, binds, leaves a trace, is a part, takes a turn.
        let table = [
            (Step::Allocate { kind }, [false, true, false, false, false, false]),
            (Step::SaveCustomer { kind, fields: fields() }, [true, false, true, true, false, false]),
            (Step::FillMissing { kind, ord: 1, fields: fields() }, [false, false, false, true, false, false]),
            (Step::AddContactPerson { company: 1, fields: fields() }, [true, false, false, true, false, false]),
            (link, [false, false, true, false, false, false]),
            (progress, [false, false, false, false, true, false]),
            (Step::Assign { to: Assignment::Public }, [false, false, false, false, false, true]),
            (Step::Apply, [false; 6]),
        ];
        let progress = |text: &str| Step::Progress { text: text.to_owned(), way: ContactWay::Other };
        for (step, stays_begun) in
            [(progress("x"), true), (Step::TakeBack, true), (table[1].0.clone(), false), (table[3].0.clone(), false)]
        {
            assert_eq!(step.stays_begun(), stays_begun, "{step:?}");
        }
        for (step, expected) in table {
            let facts = [
                step.holds_identity(),
                step.allocates(),
                step.binds(),
                step.leaves_trace(),
                step.is_part(),
                step.takes_turn(),
            ];
            assert_eq!(facts, expected, "{step:?}");
        }
    }

    #[test]
    fn records_with_an_equal_beginning_are_the_same_under_whatever_number() {
        let progress = |text: &str| Step::Progress { text: text.to_owned(), way: ContactWay::Other };
        let deal = "2026-11-23 16:00:00 我方：成交《年度框架》，金额 CNY 12800.50（成交编号 D1）";
        let with_message = format!("{deal}\n合作愉快");
        assert!(progress(deal).does_the_same_as(&progress(&with_message)));
        assert!(!progress(deal).does_the_same_as(&progress("2026-11-23 16:00:00 客户：合作愉快")));
        assert!(!progress(deal).does_the_same_as(&Step::Apply));
        assert!(Step::Apply.does_the_same_as(&Step::Apply));
    }

    #[test]
    fn edits_are_the_same_if_they_fill_in_the_same_at_one_customer() {
        let fill = |ord, email: &str| Step::FillMissing {
            kind: CustomerKind::Person,
            ord,
            fields: vec![Field::new("email", email)],
        };
        assert!(fill(1, "a@b.cn").does_the_same_as(&fill(1, "a@b.cn")));
        assert!(!fill(1, "a@b.cn").does_the_same_as(&fill(2, "a@b.cn")));
        assert!(!fill(1, "a@b.cn").does_the_same_as(&fill(1, "c@d.cn")));
    }
}
