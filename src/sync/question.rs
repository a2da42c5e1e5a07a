//! Which customer a contact is, where only a person can say (`contract.md` §3).

use serde_json::{Value, json};

use crate::{
    erp::{ContactPersonRow, CustomerRow},
    event::{Candidate, LinkedBy},
};

impl Candidate {
    /// The customer of a contact person.
    pub(super) fn of_contact_person(ord: i64, person: &ContactPersonRow) -> Self {
        Self { name: person.company_name.clone(), mobile: person.mobile.clone(), ..Self::of(ord) }
    }

    /// Takes over what its row in 客户列表 says besides.
    pub(super) fn fill(&mut self, row: CustomerRow) {
        let read = Self::from(row);
        *self = Self { name: self.name.take().or(read.name), mobile: self.mobile.take().or(read.mobile), ..read };
    }
}

impl From<CustomerRow> for Candidate {
    fn from(row: CustomerRow) -> Self {
        Self {
            ord: row.ord,
            name: row.name,
            khid: row.khid,
            mobile: row.mobile,
            added: row.date1,
            salesperson: row.catename,
            is_unread: false,
        }
    }
}

/// Why nobody but a person can say which customer a contact is.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// Several customers match, or one whose number the installation masks or has among others in one field.
    Several {
        /// By what they match.
        by: LinkedBy,
        /// Which.
        candidates: Vec<Candidate>,
    },
    /// Customers of exactly the contact's name have no number by which they could be told from it.
    SameName {
        /// Which.
        candidates: Vec<Candidate>,
    },
    /// The ERP refuses the contact as a duplicate (查重), and no customer is clearly the same.
    Duplicate {
        /// The ERP's words.
        words: String,
        /// Those that have something in common with the contact.
        candidates: Vec<Candidate>,
    },
    /// The ERP's answer is longer than the bridge reads.
    TooMany {
        /// Of what.
        what: String,
    },
    /// The ERP has the linked customer no more, and no other that is the contact.
    Gone {
        /// The customer that was linked.
        ord: i64,
        /// Whether the ledger still knows enough of the contact to make a customer of it.
        is_known: bool,
    },
    /// The same of a contact without a customer that somebody ordered something for: an order makes nobody a customer.
    OfOrder(Box<Question>),
}

impl Question {
    /// A stable word for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Several { .. } => "candidates",
            Self::SameName { .. } => "same_name",
            Self::Duplicate { .. } => "duplicate",
            Self::TooMany { .. } => "too_many",
            Self::Gone { .. } => "customer_gone",
            Self::OfOrder(question) => question.code(),
        }
    }

    /// Which customers are in question.
    pub(super) fn candidates_mut(&mut self) -> &mut [Candidate] {
        match self {
            Self::Several { candidates, .. } | Self::SameName { candidates } | Self::Duplicate { candidates, .. } => {
                candidates
            }
            Self::TooMany { .. } | Self::Gone { .. } => &mut [],
            Self::OfOrder(question) => question.candidates_mut(),
        }
    }

    /// For people: what is asked, and how it is decided.
    pub fn words(&self) -> String {
        match self {
            Self::Several { by: LinkedBy::Khid, candidates } if candidates.len() == 1 => "ERP 中有 1 个同名客户可能是此联系人：无权查看其资料，无法核对客户编号 (one customer of this name may be this contact: its record may not be read)".into(),
            Self::Several { by: LinkedBy::Hint, .. } => "平台指定的 ERP 客户姓名不同，也没有手机号码可以核对：关联 (link)，或新建 (recreate) (the customer that the platform names is called otherwise, and no number tells: link it, or recreate)".into(),
            Self::Several { candidates, .. } if candidates.len() == 1 => "ERP 中有 1 个客户可能是此联系人：其手机号码被遮盖，或与其他号码写在一起 (one customer may be this contact: the ERP masks its number, or has others in the same field)".into(),
            Self::Several { candidates, .. } => {
                let count = candidates.len();
                format!("ERP 中有 {count} 个客户与此联系人相符 ({count} customers match)")
            }
            Self::SameName { candidates } => {
                let count = candidates.len();
                format!("ERP 中有 {count} 个同名客户没有手机号码，可能就是此联系人：关联 (link) 其一，或新建 (recreate) ({count} customers of this name have no number and may be this contact: link one, or recreate)")
            }
            Self::Duplicate { words, candidates } => {
                let count = candidates.len();
                format!("ERP 查重，拒绝保存：“{words}”。相似客户 {count} 个：关联其一，或在 ERP 中处理后重试，或放弃 (the ERP refuses the save as a duplicate, {count} customers are alike: link one, or put it right in the ERP and replay, or discard)")
            }
            Self::TooMany { what } => {
                format!("ERP 的查询结果太多，无法逐条核对：请在 ERP 中查找后关联 (link)，或新建 (recreate) (too many to compare, {what}: look in the ERP, then link or recreate)")
            }
            Self::Gone { ord, is_known: true } => {
                format!("已关联的客户 {ord} 在 ERP 中不存在（已删除、合并或无权查看），也找不到相符的客户：关联 (link)、新建 (recreate) 或放弃 (discard) (the linked customer {ord} is gone and no other matches: link, recreate or discard)")
            }
            Self::Gone { ord, is_known: false } => {
                format!("已关联的客户 {ord} 在 ERP 中不存在（已删除、合并或无权查看），也找不到相符的客户：关联 (link) 或放弃 (discard) (the linked customer {ord} is gone and no other matches: link or discard)")
            }
            Self::OfOrder(_) => "此联系人还没有客户，ERP 中有客户可能就是它：关联 (link) 后执行指令，或放弃 (discard) (the contact has no customer, and one in the ERP may be it: link it and the order is carried out, or discard)".into(),
        }
    }

    /// What a decision needs: the decisions that there are, and which customers are in question.
    pub fn facts(&self) -> Value {
        match self {
            Self::Several { by, candidates } => {
                json!({ "matched_by": by, "candidates": candidates, "decisions": ["link", "recreate"] })
            }
            Self::SameName { candidates } => json!({ "candidates": candidates, "decisions": ["link", "recreate"] }),
            Self::Duplicate { words, candidates } => {
                json!({ "refused": words, "candidates": candidates, "decisions": ["link"] })
            }
            Self::TooMany { what } => json!({ "too_many": what, "decisions": ["link", "recreate"] }),
            Self::Gone { ord, is_known: true } => json!({ "ord": ord, "decisions": ["link", "recreate"] }),
            Self::Gone { ord, is_known: false } => json!({ "ord": ord, "decisions": ["link"] }),
            Self::OfOrder(question) => {
                let mut facts = question.facts();
                facts["decisions"] = json!(["link"]);
                facts
            }
        }
    }
}
