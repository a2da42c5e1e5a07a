//! Contact persons (联系人) (`erp-wire.md §4`).
use super::{Answer, Detail, Erp, ErpError, Field};

/// Filters of 联系人列表, all fuzzy: compare exactly after reading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContactFilter {
    /// The customer's `ord`.
    pub company: Option<i64>,
    /// 联系人姓名.
    pub person_name: Option<String>,
    /// 手机.
    pub mobile: Option<String>,
}

/// One row of 联系人列表. `None` = the installation's list has no such column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContactPersonRow {
    /// The contact person's own id.
    pub ord: Option<i64>,
    /// 联系人姓名.
    pub person_name: Option<String>,
    /// 手机.
    pub mobile: Option<String>,
    /// 电子邮件.
    pub email: Option<String>,
    /// 微信 (`weixinAcc`).
    pub weixin_acc: Option<String>,
    /// The customer's `ord`.
    pub company: Option<i64>,
    /// The customer's name.
    pub company_name: Option<String>,
}

#[expect(clippy::todo, clippy::unused_async, unused_variables, missing_docs, reason = "skeleton")]
impl Erp {
    pub async fn list_contacts(&self, filter: &ContactFilter) -> Result<Vec<ContactPersonRow>, ErpError> {
        todo!()
    }
    pub async fn add_contact(&self, company: i64, fields: &[Field]) -> Result<Answer, ErpError> {
        todo!()
    }
    pub async fn contact_detail(&self, ord: i64) -> Result<Detail, ErpError> {
        todo!()
    }
}
