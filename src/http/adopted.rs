//! What becomes of a contact that is to be adopted (存量客户认领), as REST, command line and CSV say it.

use serde::{Deserialize, Serialize};

use crate::event::{Candidate, FieldError, LinkKind, LinkedBy};

/// Contacts of one call at most: each takes a few calls to the ERP, and the answer must come within the request's time.
pub const ADOPT_MAX: usize = 50;

/// What becomes of one contact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AdoptedContact {
    /// Where it stands in what was given, from 1: the place in the list, or the line of the file.
    pub line: usize,
    /// The platform's id.
    pub contact_id: Option<String>,
    /// How it came out.
    pub outcome: AdoptionOutcome,
    /// By which rule the customer was found: `khid`, `mobile`, `company_name` …
    #[schema(value_type = Option<String>, examples("mobile"))]
    pub matched_by: Option<LinkedBy>,
    /// The ERP's record.
    pub ord: Option<i64>,
    /// Its 客户编号.
    pub khid: Option<String>,
    /// Its 客户名称.
    pub name: Option<String>,
    /// What the contact is there.
    #[schema(value_type = Option<String>, examples("person"))]
    pub kind: Option<LinkKind>,
    /// Customers that a person has to choose from.
    pub candidates: Vec<Candidate>,
    /// What is wrong with the contact.
    pub errors: Vec<FieldError>,
    /// The outcome for people; Chinese, then English.
    pub message: String,
}

impl AdoptedContact {
    /// That a contact came out like this, and no more.
    pub fn of(line: usize, contact_id: Option<String>, outcome: AdoptionOutcome) -> Self {
        Self {
            line,
            contact_id,
            outcome,
            matched_by: None,
            ord: None,
            khid: None,
            name: None,
            kind: None,
            candidates: Vec::new(),
            errors: Vec::new(),
            message: outcome.words().to_owned(),
        }
    }

    /// That this is no valid contact, and why.
    pub fn invalid(line: usize, contact_id: Option<String>, errors: Vec<FieldError>) -> Self {
        let fault = |error: &FieldError| format!("{} {}", error.pointer.trim_start_matches('/'), error.message);
        let faults = errors.iter().map(fault).collect::<Vec<_>>().join("; ");
        Self { errors, ..Self::of(line, contact_id, AdoptionOutcome::Invalid).told(faults.trim()) }
    }

    /// That the contact stood in line `first` before.
    pub fn twice(line: usize, contact_id: String, first: usize) -> Self {
        let message = format!("第 {first} 行已有此联系人 (the same contact stands in line {first})");
        Self::invalid(line, Some(contact_id), vec![FieldError::new("/id", message)])
    }

    /// The same with what there is to add to the outcome's words.
    #[must_use]
    pub fn told(self, more: &str) -> Self {
        Self { message: format!("{}: {more}", self.message), ..self }
    }
}

/// How the adoption of a contact comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdoptionOutcome {
    /// It is linked now.
    Linked,
    /// It would be linked with `apply`.
    WouldLink,
    /// It was linked before.
    AlreadyLinked,
    /// Its company is a customer, and it is none of the contact persons there: its first event adds it.
    Joins,
    /// Several customers match.
    Candidates,
    /// A customer of its name has no number by which it could be told apart.
    SameName,
    /// The ERP's answer is too long to be compared.
    TooMany,
    /// The customer is another contact's.
    Taken,
    /// It is no customer yet.
    Unknown,
    /// An event of it is running or half done: adopt it later.
    Busy,
    /// It is no valid contact, or stands there twice.
    Invalid,
    /// The ERP refused to answer.
    Failed,
}

impl AdoptionOutcome {
    /// The name that REST and CSV use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Linked => "linked",
            Self::WouldLink => "would_link",
            Self::AlreadyLinked => "already_linked",
            Self::Joins => "joins",
            Self::Candidates => "candidates",
            Self::SameName => "same_name",
            Self::TooMany => "too_many",
            Self::Taken => "taken",
            Self::Unknown => "unknown",
            Self::Busy => "busy",
            Self::Invalid => "invalid",
            Self::Failed => "failed",
        }
    }

    /// For people: Chinese, then English.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Linked => "已关联 (linked)",
            Self::WouldLink => "可关联：加 --apply 或 apply=true 写入 (would be linked with apply)",
            Self::AlreadyLinked => "此前已关联 (linked before)",
            Self::Joins => {
                "公司已是客户，尚无此联系人：首个事件会添加 (the company is a customer; the first event adds this contact person)"
            }
            Self::Candidates => {
                "有多个相符的客户，请人工选定并填入 erp_ord (several customers match: choose one and fill in erp_ord)"
            }
            Self::SameName => {
                "有同名客户但没有手机号码，请人工核对并填入 erp_ord (a customer of this name has no number: compare, and fill in erp_ord)"
            }
            Self::TooMany => "ERP 的查询结果太多，无法逐条核对 (too many answers to compare)",
            Self::Taken => "该客户已属于另一联系人，请人工核对 (the customer is another contact's: compare)",
            Self::Unknown => "ERP 中没有此客户 (no customer yet)",
            Self::Busy => {
                "该联系人的事件正在处理，请稍后再试 (an event of the contact is running or half done: try later)"
            }
            Self::Invalid => "该行无效 (not a valid contact)",
            Self::Failed => "ERP 未能回答 (the ERP did not answer this)",
        }
    }
}
