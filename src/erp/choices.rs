//! The choices of a field: id and display text (`erp-wire.md §3`).
use std::sync::Arc;

use super::{Erp, ErpError};

/// A field whose values are choices, by the ERP's `enumid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChoiceField {
    /// 客户来源 (`ly`).
    Source = 13,
    /// 价值评估 (`jz`).
    Level = 14,
    /// 客户行业 (`trade`).
    Trade = 11,
    /// 跟进方式.
    FollowUp = 98,
}

/// One choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The id that adding takes.
    pub id: i64,
    /// The display text that editing takes.
    pub text: String,
}

#[expect(clippy::todo, clippy::unused_async, unused_variables, missing_docs, reason = "skeleton")]
impl Erp {
    pub async fn choices(&self, field: ChoiceField) -> Result<Arc<Vec<Choice>>, ErpError> {
        todo!()
    }
    pub async fn choice_id(&self, field: ChoiceField, text: &str) -> Result<i64, ErpError> {
        todo!()
    }
}
