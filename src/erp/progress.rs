//! Progress records (洽谈进展): add and list (`erp-wire.md §5`).

use jiff::civil::Date;

use super::{
    Answer, CustomerFilter, Erp, ErpError, FaultCause, Field,
    customers::check_lengths,
    envelope::{Row, Table},
    interface::{Interface, PAGE_SIZE, SAVE},
    paging::{PAGES_MAX, is_last},
};

/// 洽谈进展: `ord` the customer, `intro` up to 1,000 characters, `sort` the way of contact, `lead` a contact person or 0,
/// `plantype` 0 (no schedule), all required. The record has no key that a client can set: sent twice, it is stored
/// twice. Refused in words: a customer that is not there, an empty or too long text, no way of contact. Source:
/// `erp-wire.md §5`.
const ADD: Interface =
    Interface::command("洽谈进展", "progress.add", "/sysa/mobilephone/systemmanage/reply.asp?datatype=tel", SAVE);

/// 洽谈进展列表: `ord` the customer. Not in the API table, so it may be closed; columns assumed `ord`, `intro`, `date7`,
/// `catename`. Source: `erp-wire.md §5`.
pub(super) const LIST: Interface =
    Interface::list("洽谈进展列表", "progress.list", "/sysa/mobilephone/systemmanage/replylist.asp?datatype=tel")
        .of_one_customer();

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

    /// 洽谈进展列表: the records of a customer, from the newest as far as `enough` asks of those read so far, or until a page
    /// holds one that was written before `since`: a customer may have thousands, and what is looked for is new. A list that
    /// the installation closed (404, 403, for a minute nothing readable while the ERP answers otherwise) is
    /// `Closed`, which is believed for ten minutes; an outage is an error and never `Closed`. A refusal in words may be about
    /// this customer: it closes the list of all only where another customer's was refused too, and none was ever read.
    ///
    /// # Errors
    ///
    /// [`ErpError::TooMany`] beyond 50 pages; an unknown outcome if the rows carry no `intro`.
    pub async fn list_progress(
        &self,
        ord: i64,
        since: Option<Date>,
        enough: impl Fn(&[ProgressRow]) -> bool + Send + Sync,
    ) -> Result<ProgressList, ErpError> {
        if let Some(words) = self.caches().progress_closed(self.now()) {
            return Ok(ProgressList::Closed(words));
        }
        match self.newest_progress(ord, since, enough).await {
            Ok(records) => {
                self.caches().progress_readable();
                Ok(ProgressList::Records(records))
            }
            Err(ErpError::Refused(words)) => Ok(self.refused(ord, words).await),
            Err(ErpError::Installation(fault)) if fault.cause == FaultCause::RightMissing => {
                Ok(self.refused(ord, fault.words).await)
            }
            // One page may be closed, or all may be missing where a proxy is wrong.
            Err(ErpError::Installation(fault)) if self.answers_elsewhere(ord).await => Ok(self.closed(fault.words)),
            Err(error) => self.unreadable(ord, error).await,
        }
    }

    /// The first page, then those that hold the next newer records: forward where the list is sorted as asked, from its end
    /// backward where the installation sorts it the other way (`erp-wire.md §1.14`).
    async fn newest_progress(
        &self,
        ord: i64,
        since: Option<Date>,
        enough: impl Fn(&[ProgressRow]) -> bool,
    ) -> Result<Vec<ProgressRow>, ErpError> {
        let first = self.progress_page(ord, 1).await?;
        let order = Order::of(&first.records);
        let last = first.table_pages().filter(|pages| *pages > 1);
        // Older records end a list only where it is read from its newest end; forward through one that begins with the oldest
        // and does not say where it ends, every page is read.
        let backward = last.filter(|_| order == Order::OldestFirst);
        let is_over = |read: &[ProgressRow], page: &[ProgressRow]| {
            let is_past = |since: &Date| page.iter().filter_map(written_on).any(|date| date < *since);
            // What the first page did not tell, a later one may.
            enough(read)
                || since.as_ref().is_some_and(is_past) && (backward.is_some() || Order::of(read) == Order::NewestFirst)
        };
        let (mut read, oldest) = match backward {
            Some(_) if enough(&first.records) => return Ok(first.records),
            Some(_) => (Vec::new(), first.records),
            None if first.is_last(1, first.records.len()) || is_over(&first.records, &first.records) => {
                return Ok(first.records);
            }
            None => (first.records, Vec::new()),
        };
        for step in 2..=PAGES_MAX {
            let page = backward.map_or(step, |last| last + 2 - step);
            if page == 1 {
                read.extend(oldest);
                return Ok(read);
            }
            let next = self.progress_page(ord, page).await?;
            if backward.is_none() && !next.records.is_empty() && read.ends_with(&next.records) {
                return if next.counts_more_than(read.len()) { Err(ErpError::garbled(SAME_PAGE)) } else { Ok(read) };
            }
            read.extend(next.records.iter().cloned());
            if is_over(&read, &next.records) || backward.is_none() && next.is_last(page, read.len()) {
                return Ok(read);
            }
        }
        Err(ErpError::TooMany(format!(
            "洽谈进展列表 of customer {ord} has more than {PAGES_MAX} pages since the event came"
        )))
    }

    async fn progress_page(&self, ord: i64, page: i64) -> Result<ProgressPage, ErpError> {
        let sorted = Field::new("_rpt_sort", "-date7");
        let fields =
            [Field::number("ord", ord), sorted, Field::number("pagesize", PAGE_SIZE), Field::number("pageindex", page)];
        let Some(table) = self.call(&LIST, &fields).await?.table else {
            return Err(ErpError::garbled("a list without a table"));
        };
        // A list without the text cannot tell whether a record is there.
        let records = table.rows.iter().map(record).collect::<Option<Vec<_>>>();
        let records = records.ok_or_else(|| ErpError::garbled("洽谈进展列表 has no column intro"))?;
        Ok(ProgressPage { table, records })
    }

    /// An installation may close the list by a page instead of an answer (`erp-wire.md §1.2`, `§5`). An outage looks the
    /// same, so it counts as closed only after a minute without a readable answer, while 客户列表 answers.
    async fn unreadable(&self, ord: i64, error: ErpError) -> Result<ProgressList, ErpError> {
        let ErpError::OutcomeUnknown { reason, answered: true } = &error else { return Err(error) };
        if !self.caches().progress_garbled(self.now()) {
            return Err(error);
        }
        if !self.answers_elsewhere(ord).await {
            return Err(error);
        }
        Ok(self.closed(reason.clone()))
    }

    async fn answers_elsewhere(&self, ord: i64) -> bool {
        let filter = CustomerFilter { ord: Some(ord), ..CustomerFilter::default() };
        self.list_customers(&filter).await.is_ok()
    }

    /// The records of a customer that is gone are refused, too, which says nothing of the list.
    async fn refused(&self, ord: i64, words: String) -> ProgressList {
        let is_closed = !self.caches().was_progress_read() && self.has_customer(ord).await;
        if is_closed && self.caches().is_refused_to_all(ord) { self.closed(words) } else { ProgressList::Closed(words) }
    }

    async fn has_customer(&self, ord: i64) -> bool {
        let filter = CustomerFilter { ord: Some(ord), ..CustomerFilter::default() };
        let rows = self.customers_until(&filter, 1, |rows| rows.iter().any(|row| row.ord == ord)).await;
        rows.is_ok_and(|rows| rows.iter().any(|row| row.ord == ord))
    }

    fn closed(&self, words: String) -> ProgressList {
        self.caches().set_progress_closed(self.now(), &words);
        ProgressList::Closed(words)
    }
}

const SAME_PAGE: &str = "洽谈进展列表 gives the same page again and again";

/// A page of the list.
struct ProgressPage {
    table: Table,
    records: Vec<ProgressRow>,
}

impl ProgressPage {
    /// How many pages there are, where the ERP says so.
    fn table_pages(&self) -> Option<i64> {
        let rows = i64::try_from(self.records.len()).ok().filter(|rows| *rows > 0)?;
        self.table.page_count.or_else(|| Some((self.table.record_count? + rows - 1) / rows))
    }

    fn is_last(&self, page: i64, rows_read: usize) -> bool {
        is_last(&self.table, page, rows_read)
    }

    fn counts_more_than(&self, rows: usize) -> bool {
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        self.table.record_count.is_some_and(|records| records > rows) || self.table.page_count > Some(1)
    }
}

/// How an installation sorts the list, as far as a page shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    NewestFirst,
    OldestFirst,
    /// No dates, or in no order: nothing can be said of what is not read.
    Unknown,
}

impl Order {
    /// By the days, and where they are all the same by the records' ids.
    fn of(records: &[ProgressRow]) -> Self {
        let Some(days) = records.iter().map(written_on).collect::<Option<Vec<_>>>() else { return Self::Unknown };
        let ids = records.iter().map(|row| row.ord);
        let (falls, rises) = (days.is_sorted_by(|a, b| a >= b), days.is_sorted());
        match (falls, rises) {
            (true, true) if records.len() > 1 => match ids.collect::<Option<Vec<_>>>() {
                Some(ids) if ids.is_sorted_by(|a, b| a < b) => Self::OldestFirst,
                Some(ids) if ids.is_sorted_by(|a, b| a > b) => Self::NewestFirst,
                // No ids, or the customer's own in every row.
                _ => Self::Unknown,
            },
            (true, _) => Self::NewestFirst,
            (false, true) => Self::OldestFirst,
            (false, false) => Self::Unknown,
        }
    }
}

/// The day on which a record was written, in whatever form the ERP writes `date7`.
fn written_on(row: &ProgressRow) -> Option<Date> {
    let mut numbers = row.date.as_deref()?.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty());
    let mut next = || numbers.next()?.parse::<i16>().ok();
    let (year, month, day) = (next()?, next()?, next()?);
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn record(row: &Row) -> Option<ProgressRow> {
    Some(ProgressRow { ord: row.integer("ord"), intro: row.owned("intro")?, date: row.owned("date7") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(i64, &str)]) -> Vec<ProgressRow> {
        let row = |(ord, date): &(i64, &str)| ProgressRow {
            ord: Some(*ord),
            date: Some((*date).to_owned()).filter(|date| !date.is_empty()),
            ..ProgressRow::default()
        };
        rows.iter().map(row).collect()
    }

    #[test]
    fn the_order_of_a_list_is_seen_on_its_first_page() {
        for (page, order) in [
            (rows(&[(3, "2026-11-23 10:00:00"), (2, "2026-11-22 10:00:00")]), Order::NewestFirst),
            (rows(&[(2, "2026/9/30 8:00:00"), (3, "2026/10/1 8:00:00")]), Order::OldestFirst),
            (rows(&[(3, "2026-11-23"), (2, "2026-11-23")]), Order::NewestFirst),
            (rows(&[(2, "2026-11-23"), (3, "2026-11-23")]), Order::OldestFirst),
            (rows(&[(2, "2026-11-23"), (5, "2026-11-23"), (3, "2026-11-23")]), Order::Unknown),
            (rows(&[(7, "2026-11-23"), (7, "2026-11-23")]), Order::Unknown),
            (rows(&[(7, "2026-11-23"), (7, "2026-11-22")]), Order::NewestFirst),
            (rows(&[(2, "2026-11-23"), (5, "2026-11-25"), (3, "2026-11-24")]), Order::Unknown),
            (rows(&[(3, "2026-11-23"), (2, "")]), Order::Unknown),
            (rows(&[(3, "2026-11-23")]), Order::NewestFirst),
        ] {
            assert_eq!(Order::of(&page), order, "{page:?}");
        }
    }
}
