//! A customer of the ERP that may be a contact's, as a person is shown it.

use serde::{Deserialize, Serialize};

/// A customer that may be the contact's, with what distinguishes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Candidate {
    /// The ERP's record.
    pub ord: i64,
    /// 客户名称.
    pub name: Option<String>,
    /// 客户编号.
    pub khid: Option<String>,
    /// 手机.
    pub mobile: Option<String>,
    /// When it was added.
    pub added: Option<String>,
    /// Its salesperson.
    pub salesperson: Option<String>,
    /// Whether its row in 客户列表 was never read, which may tell more of it.
    #[serde(skip)]
    pub is_unread: bool,
}

impl Candidate {
    /// One of which nothing is known but its record.
    pub const fn of(ord: i64) -> Self {
        Self { ord, name: None, khid: None, mobile: None, added: None, salesperson: None, is_unread: true }
    }
}
