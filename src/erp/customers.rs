//! Customers (客户): allocate, add, list, read, edit (`erp-wire.md §3`).
use super::{Answer, Detail, Erp, ErpError, Field};

/// 单位客户 or 个人客户.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerKind {
    /// 单位客户, `intsort` 1.
    Company,
    /// 个人客户, `intsort` 2.
    Person,
}

/// A newly allocated customer id (分配新客户ID); nothing is stored yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocated {
    /// The record's id: the adding call must name it.
    pub ord: i64,
    /// The 客户编号 that the ERP suggests.
    pub suggested_khid: Option<String>,
}

/// Filters of 客户列表, all fuzzy: compare exactly after reading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomerFilter {
    /// 客户名称.
    pub name: Option<String>,
    /// 客户编号.
    pub khid: Option<String>,
    /// `telord`: the customer's own id.
    pub ord: Option<i64>,
    /// Any text column of the row.
    pub search_key: Option<String>,
    /// `stype`: `None` the customers, `1` 客户池, `2` 待审核.
    pub stype: Option<i64>,
}

/// One row of 客户列表. `None` = the installation's list has no such column; what the row lacks, the detail has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomerRow {
    /// The record's id.
    pub ord: i64,
    /// 客户名称.
    pub name: Option<String>,
    /// 客户编号.
    pub khid: Option<String>,
    /// 手机.
    pub mobile: Option<String>,
    /// 微信 (`weixinAcc`).
    pub weixin_acc: Option<String>,
    /// 地址.
    pub address: Option<String>,
    /// When it was added.
    pub date1: Option<String>,
    /// The salesperson's name; empty when open to all.
    pub catename: Option<String>,
}

#[expect(clippy::todo, clippy::unused_async, unused_variables, missing_docs, reason = "skeleton")]
impl Erp {
    pub async fn list_customers(&self, filter: &CustomerFilter) -> Result<Vec<CustomerRow>, ErpError> {
        todo!()
    }
    pub async fn allocate_customer(&self, kind: CustomerKind) -> Result<Allocated, ErpError> {
        todo!()
    }
    pub async fn add_customer(&self, kind: CustomerKind, ord: i64, fields: &[Field]) -> Result<Answer, ErpError> {
        todo!()
    }
    pub async fn customer_detail(&self, kind: CustomerKind, ord: i64) -> Result<Detail, ErpError> {
        todo!()
    }
    pub async fn edit_customer(&self, ord: i64, fields: &[Field]) -> Result<Answer, ErpError> {
        todo!()
    }
}
