//! Progress records (洽谈进展): add and list (`erp-wire.md §5`).

use super::{
    Answer, CustomerFilter, Erp, ErpError, Field,
    customers::check_lengths,
    envelope::Row,
    interface::{Interface, SAVE},
};

/// 洽谈进展: `ord` the customer, `intro` up to 1,000 characters, `sort` the way of contact, `lead` a contact person or 0,
/// `plantype` 0 (no schedule), all required. The record has no key that a client can set: sent twice, it is stored
/// twice. Refused in words: a customer that is not there, an empty or too long text, no way of contact. Source:
/// `erp-wire.md §5`.
const ADD: Interface =
    Interface::command("洽谈进展", "progress.add", "/sysa/mobilephone/systemmanage/reply.asp?datatype=tel", SAVE);

/// 洽谈进展列表: `ord` the customer. Not in the API table, so it may be closed; columns assumed `ord`, `intro`, `date7`,
/// `catename`. Source: `erp-wire.md §5`.
const LIST: Interface =
    Interface::list("洽谈进展列表", "progress.list", "/sysa/mobilephone/systemmanage/replylist.asp?datatype=tel");

/// The longest text of a record, in UTF-16 code units.
pub const INTRO_MAX: usize = 1_000;

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
    /// The text, 1 to 1,000 UTF-16 code units.
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
    /// All records, in the order in which they came.
    Records(Vec<ProgressRow>),
}

impl Erp {
    /// 洽谈进展: adds a record. Not idempotent: look it up with [`Erp::list_progress`] before sending it again.
    ///
    /// # Errors
    ///
    /// [`ErpError::Invalid`] if the text is empty or too long; a refusal in the ERP's words.
    pub async fn add_progress(&self, record: &NewProgress) -> Result<Answer, ErpError> {
        if record.intro.trim().is_empty() {
            return Err(ErpError::Invalid("intro is empty; the ERP requires it".into()));
        }
        let fields = [
            Field::number("ord", record.ord),
            Field::new("intro", record.intro.as_str()),
            Field::number("sort", record.sort as i64),
            Field::number("lead", record.lead.unwrap_or(0)),
            Field::number("plantype", 0),
        ];
        check_lengths(&fields, &[("intro", INTRO_MAX)])?;
        self.command(&ADD, &fields).await
    }

    /// 洽谈进展列表: the records of a customer, the newest first, as far as `enough` asks of the texts read so far: a customer may
    /// have thousands, and a record that was just added stands on the first page. A list that the installation closed
    /// (refusal, 404, 403, for a minute nothing readable while the ERP answers otherwise) is `Closed`, which is believed for ten
    /// minutes; an outage is an error and never `Closed`.
    ///
    /// # Errors
    ///
    /// [`ErpError::TooMany`] beyond 50 pages; an unknown outcome if the rows carry no `intro`.
    pub async fn list_progress(
        &self,
        ord: i64,
        enough: impl Fn(&[ProgressRow]) -> bool + Send + Sync,
    ) -> Result<ProgressList, ErpError> {
        if let Some(words) = self.caches().progress_closed(self.now()) {
            return Ok(ProgressList::Closed(words));
        }
        let filters = vec![Field::number("ord", ord), Field::new("_rpt_sort", "-date7")];
        let read = |rows: &[Row]| rows.iter().map(record).collect::<Option<Vec<_>>>();
        let rows =
            match self.rows_until(&LIST, filters, |rows| read(rows).is_some_and(|records| enough(&records))).await {
                Ok(rows) => rows,
                Err(ErpError::Refused(words)) => {
                    self.caches().set_progress_closed(self.now(), &words);
                    return Ok(ProgressList::Closed(words));
                }
                Err(error) => return self.unreadable(ord, error).await,
            };
        // A list without the text cannot tell whether a record is there.
        let Some(records) = read(&rows) else {
            return self.unreadable(ord, ErpError::garbled("洽谈进展列表 has no column intro")).await;
        };
        self.caches().progress_readable();
        Ok(ProgressList::Records(records))
    }

    /// An installation may close the list by a page instead of an answer (`erp-wire.md §1.2`, `§5`). An outage looks the
    /// same, so it counts as closed only after a minute without a readable answer, while 客户列表 answers.
    async fn unreadable(&self, ord: i64, error: ErpError) -> Result<ProgressList, ErpError> {
        let ErpError::OutcomeUnknown { reason, answered: true } = &error else { return Err(error) };
        if !self.caches().progress_garbled(self.now()) {
            return Err(error);
        }
        let filter = CustomerFilter { ord: Some(ord), ..CustomerFilter::default() };
        if self.list_customers(&filter).await.is_err() {
            return Err(error);
        }
        self.caches().set_progress_closed(self.now(), reason);
        Ok(ProgressList::Closed(reason.clone()))
    }
}

fn record(row: &Row) -> Option<ProgressRow> {
    Some(ProgressRow { ord: row.integer("ord"), intro: row.owned("intro")?, date: row.owned("date7") })
}
