//! Who a customer belongs to: 客户指派, 客户申请, 客户审批, 客户收回, accounts (`erp-wire.md §3`).
use std::sync::Arc;

use super::{Answer, Erp, ErpError};

/// To whom a customer is assigned (客户指派).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignee {
    /// Open to all users.
    Public,
    /// These users' ids.
    Users(Vec<String>),
}

/// An account of the ERP (账号列表): the ids that 客户指派 takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// The id, as `member2` takes it.
    pub ord: String,
    /// The name to log in with.
    pub username: Option<String>,
    /// The person's name; `catename` of 客户列表.
    pub name: Option<String>,
    /// As the ERP writes it.
    pub status: Option<String>,
    /// The department.
    pub part_name: Option<String>,
}

#[expect(clippy::todo, clippy::unused_async, unused_variables, missing_docs, reason = "skeleton")]
impl Erp {
    pub async fn assign(&self, ord: i64, assignee: &Assignee) -> Result<Answer, ErpError> {
        todo!()
    }
    pub async fn apply(&self, ord: i64) -> Result<Answer, ErpError> {
        todo!()
    }
    pub async fn approve(&self, ord: i64, agree: bool) -> Result<Answer, ErpError> {
        todo!()
    }
    pub async fn take_back(&self, ord: i64) -> Result<Answer, ErpError> {
        todo!()
    }
    pub async fn list_accounts(&self) -> Result<Arc<Vec<Account>>, ErpError> {
        todo!()
    }
}
