//! Progress records (洽谈进展) (`erp-wire.md §5`).
use super::{Answer, Erp, ErpError};

/// The way of contact (跟进方式), by the ERP's ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactWay {
    /// 电话.
    Phone = 481,
    /// 邮件.
    Email = 482,
    /// 上门.
    Visit = 483,
    /// 其他.
    Other = 484,
}

/// A progress record to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProgress {
    /// The customer's `ord`.
    pub ord: i64,
    /// The text, up to 1,000 UTF-16 code units.
    pub intro: String,
    /// The way of contact.
    pub sort: ContactWay,
    /// The contact person's `ord`, if known.
    pub lead: Option<i64>,
}

/// One stored progress record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProgressRow {
    /// The record's own id, if the list shows it.
    pub ord: Option<i64>,
    /// The text, entities decoded.
    pub intro: String,
    /// When it was written (`date7`), as the ERP writes it.
    pub date: Option<String>,
}

/// What an installation tells of a customer's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgressList {
    /// The list is closed on this installation; the ERP's words.
    Closed(String),
    /// All records.
    Records(Vec<ProgressRow>),
}

#[expect(clippy::todo, clippy::unused_async, unused_variables, missing_docs, reason = "skeleton")]
impl Erp {
    pub async fn add_progress(&self, record: &NewProgress) -> Result<Answer, ErpError> {
        todo!()
    }
    pub async fn list_progress(&self, ord: i64) -> Result<ProgressList, ErpError> {
        todo!()
    }
}
