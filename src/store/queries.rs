//! What people and the REST interface ask of the ledger; nothing here writes.

use super::{
    AuditFilter, AuditRow, CallRow, ContactRow, EventFilter, EventRow, EventSummary, Named, Page, RejectionRow,
    StepRow, Store, StoreError,
    db::{Arg, args},
    dialect::{Dialect, list},
    pages::{columns, fitting},
};
use crate::event::Status;

/// Calls of an event that are shown at most.
const CALLS_SHOWN: i64 = 500;

impl Store {
    /// Events that match, newest first unless the filter says otherwise; `behind` is the `seq` of the last item of the page
    /// before.
    pub async fn list_events(
        &self,
        filter: &EventFilter,
        behind: Option<i64>,
        limit: i64,
    ) -> Result<Vec<EventSummary>, StoreError> {
        self.list(Conditions::of(filter, self.db.dialect()), filter.oldest_first, behind, limit).await
    }

    pub(super) async fn list(
        &self,
        mut conditions: Conditions,
        oldest_first: bool,
        behind: Option<i64>,
        limit: i64,
    ) -> Result<Vec<EventSummary>, StoreError> {
        let (is_behind, way) = if oldest_first { ("seq >", "asc") } else { ("seq <", "desc") };
        if let Some(behind) = behind {
            conditions.add(is_behind, behind);
        }
        let limit_at = conditions.args.len() + 1;
        let key = if conditions.is_gathered { "seq + 0" } else { "seq" };
        let sql =
            format!("select {} from events{} order by {key} {way} limit ${limit_at}", columns(), conditions.sql());
        conditions.args.push(limit.into());
        let rows = self.db.read(sql, conditions.args).await?;
        rows.iter().map(EventSummary::read).collect()
    }

    /// One event.
    pub async fn event(&self, id: &str) -> Result<Option<EventRow>, StoreError> {
        let rows = self.db.read("select * from events where id = $1", args![id]).await?;
        rows.first().map(EventRow::read).transpose()
    }

    /// The event that was accepted first of those that may run next or wait for a person.
    pub async fn oldest_waiting(&self) -> Result<Option<EventRow>, StoreError> {
        let sql = "select * from events where seq = (select min(head_seq) from turns)";
        self.db.read(sql, args![]).await?.first().map(EventRow::read).transpose()
    }

    /// An event's plan and journal, in order.
    pub async fn steps(&self, event_id: &str) -> Result<Vec<StepRow>, StoreError> {
        let rows = self.db.read("select * from steps where event_id = $1 order by position", args![event_id]).await?;
        rows.iter().map(StepRow::read).collect()
    }

    /// The ERP calls of an event, in order; of very many, or very large ones, the last.
    pub async fn calls(&self, event_id: &str) -> Result<Page<CallRow>, StoreError> {
        let sizes =
            "select number as place, cast(octet_length(request) + octet_length(response) as bigint) as bytes from calls
                     where event_id = $1 order by number desc limit $2";
        let sizes = self.db.read(sizes, args![event_id, CALLS_SHOWN + 1]).await?;
        let (last, more) = fitting(&sizes, CALLS_SHOWN)?;
        let sql = "select * from calls where event_id = $1 and number >= $2 order by number";
        let rows = self.db.read(sql, args![event_id, last]).await?;
        Ok(Page { items: rows.iter().map(CallRow::read).collect::<Result<_, _>>()?, more })
    }

    /// A contact's link.
    pub async fn contact(&self, contact_id: &str) -> Result<Option<ContactRow>, StoreError> {
        let rows = self.db.read("select * from contacts where contact_id = $1", args![contact_id]).await?;
        rows.first().map(ContactRow::read).transpose()
    }

    /// The newest event of a contact, of these kinds, whose payload is still there.
    pub async fn newest_of(&self, contact_id: &str, kinds: &[&str]) -> Result<Option<EventRow>, StoreError> {
        let sql = format!(
            "select * from events where {} and payload is not null and kind in ({}) order by seq desc limit 1",
            of_contact(1),
            list(2, kinds.len())
        );
        let kinds = kinds.iter().map(|kind| Arg::from(*kind)).collect();
        let rows = self.db.read(sql, [args![contact_id], kinds].concat()).await?;
        rows.first().map(EventRow::read).transpose()
    }

    /// The same among the events that made the contact a customer, or are about to: what was refused, waits for admission or
    /// was given up says nothing of whom the ERP is to have.
    pub async fn newest_profile(&self, contact_id: &str, kinds: &[&str]) -> Result<Option<EventRow>, StoreError> {
        let sql = format!(
            "select * from events where {} and payload is not null and kind in ({})
               and status not in ('not_admitted', 'held', 'discarded') order by seq desc limit 1",
            of_contact(1),
            list(2, kinds.len())
        );
        let kinds = kinds.iter().map(|kind| Arg::from(*kind)).collect();
        let rows = self.db.read(sql, [args![contact_id], kinds].concat()).await?;
        rows.first().map(EventRow::read).transpose()
    }

    /// Whether the contact has events in its turn.
    pub async fn has_turn(&self, contact_id: &str) -> Result<bool, StoreError> {
        Ok(!self.db.read("select contact_id from turns where contact_id = $1", args![contact_id]).await?.is_empty())
    }

    /// Signed requests that were not valid, newest first.
    pub async fn rejections(&self, before: Option<i64>, limit: i64) -> Result<Page<RejectionRow>, StoreError> {
        self.rejections_with("payload", before, limit).await
    }

    /// The same, each without its body: what was wrong with it is all that is read.
    pub async fn rejections_alone(&self, before: Option<i64>, limit: i64) -> Result<Page<RejectionRow>, StoreError> {
        self.rejections_with("''", before, limit).await
    }

    async fn rejections_with(
        &self,
        payload: &str,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Page<RejectionRow>, StoreError> {
        let before = before.unwrap_or(i64::MAX);
        let sizes = format!(
            "select seq as place, cast(octet_length(errors) + coalesce(octet_length({payload}), 0) as bigint) as bytes
                     from rejections where seq < $1 order by seq desc limit $2"
        );
        let sizes = self.db.read(sizes, args![before, limit + 1]).await?;
        let (last, more) = fitting(&sizes, limit)?;
        let sql = format!(
            "select seq, received_at, last_at, count, webhook_id, kind, contact_id, errors, {payload} as payload
                     from rejections where seq < $1 and seq >= $2 order by seq desc"
        );
        let rows = self.db.read(sql, args![before, last]).await?;
        Ok(Page { items: rows.iter().map(RejectionRow::read).collect::<Result<_, _>>()?, more })
    }

    /// The entries that match, newest first; `before` as in [`Store::audit_log`].
    pub async fn audit_entries(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let mut conditions = Conditions::default();
        conditions.add("seq <", before.unwrap_or(i64::MAX));
        for (column, text) in [("actor =", &filter.actor), ("action =", &filter.action), ("subject =", &filter.subject)]
        {
            if let Some(text) = text {
                conditions.add(column, text.as_str());
            }
        }
        for (column, moment) in [("at >=", filter.since), ("at <", filter.until)] {
            if let Some(moment) = moment {
                conditions.add(column, moment);
            }
        }
        let sql = format!("select * from audit{} order by seq desc limit {limit}", conditions.sql());
        let rows = self.db.read(sql, conditions.args).await?;
        rows.iter().map(AuditRow::read).collect()
    }
}

/// The events of the contact that is this argument: each half says what one of the two indexes by contact holds.
pub(super) fn of_contact(number: usize) -> String {
    format!("(contact_id = ${number} and finished_at is null or contact_id = ${number} and finished_at is not null)")
}

/// What `like … escape '\\'` compares with to find a text anywhere.
pub(super) fn pattern(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// The `where` clause of a filter.
#[derive(Clone, Default)]
pub(super) struct Conditions {
    clauses: Vec<String>,
    pub(super) args: Vec<Arg>,
    /// Whether the events are gathered by other indexes first, and put into their order then.
    is_gathered: bool,
}

impl Conditions {
    /// Of what is held, messages wait for a customer; a deal waits because the rules refused it. As the partial index says it.
    pub(super) fn are_kept_out(&mut self) {
        self.require("(status = 'not_admitted' or kind = 'deal.closed')");
        self.require("status in ('not_admitted', 'held')");
    }

    pub(super) fn of(filter: &EventFilter, dialect: Dialect) -> Self {
        let mut conditions = Self::default();
        if !filter.ids.is_empty() {
            conditions.among("id", filter.ids.iter().map(String::as_str));
        }
        if !filter.statuses.is_empty() {
            conditions.among("status", filter.statuses.iter().map(|status| status.as_str()));
            if filter.statuses.iter().all(|status| status.is_open()) {
                // Says what a partial index holds, so that a question for the few open events does not read them all.
                conditions.clauses.push("finished_at is null".into());
            }
            let unfortunate = [Status::Dead, Status::NeedsReview, Status::Held];
            if filter.statuses.iter().all(|status| unfortunate.contains(status)) {
                conditions.clauses.push("status in ('dead', 'needs_review', 'held')".into());
            }
            if filter.statuses == [Status::NotAdmitted] {
                conditions.are_kept_out();
            }
        }
        if let Some(kind) = &filter.kind {
            conditions.add("kind =", kind.as_str());
        }
        if let Some(code) = &filter.code {
            conditions.add("error_code =", code.as_str());
        }
        if let Some(contact_id) = &filter.contact_id {
            conditions.args.push(contact_id.as_str().into());
            conditions.clauses.push(of_contact(conditions.args.len()));
        }
        match filter.blocked {
            Some(true) => conditions.require("blocked_by is not null"),
            Some(false) => conditions.require("blocked_by is null"),
            None => {}
        }
        if filter.retrying {
            // As the partial index says it.
            conditions.require("status = 'queued' and attempts > 0");
        }
        if let Some(since) = filter.since {
            conditions.add("received_at >=", since);
        }
        if let Some(until) = filter.until {
            conditions.add("received_at <", until);
        }
        if let Some(text) = &filter.q {
            let words = if filter.search_words { &["error"][..] } else { &[] };
            conditions.contains(
                &[&["id", "webhook_id", "contact_id", "error_code"], words].concat(),
                text,
                &filter.named,
                dialect,
            );
        }
        conditions
    }

    pub(super) fn add(&mut self, left: &str, value: impl Into<Arg>) {
        self.args.push(value.into());
        self.clauses.push(format!("{left} ${}", self.args.len()));
    }

    pub(super) fn require(&mut self, clause: &str) {
        self.clauses.push(clause.to_owned());
    }

    pub(super) fn among<'a>(&mut self, column: &str, values: impl Iterator<Item = &'a str>) {
        let first = self.args.len() + 1;
        self.args.extend(values.map(Arg::from));
        let list = super::dialect::list(first, self.args.len() + 1 - first);
        self.clauses.push(format!("{column} in ({list})"));
    }

    /// What one of these columns holds, or what is named.
    fn contains(&mut self, columns: &[&str], text: &str, named: &Named, dialect: Dialect) {
        self.args.push(pattern(&text.to_ascii_lowercase()).into());
        let number = self.args.len();
        let like = |column: &&str| format!("{} like ${number} escape '\\'", dialect.lower(column));
        let mut any: Vec<_> = columns.iter().map(like).collect();
        for (column, names) in [("contact_id", &named.contacts), ("id", &named.events)] {
            any.extend(self.one_of(names).map(|list| format!("{column} in ({list})")));
        }
        self.clauses.push(format!("({})", any.join(" or ")));
    }

    /// What is named, by the indexes that lead there.
    pub(super) fn is_named(&mut self, named: &Named) {
        let of_contacts = |list: String| {
            format!(
                "contact_id in ({list}) and finished_at is null or contact_id in ({list}) and finished_at is not null"
            )
        };
        let contacts = self.one_of(&named.contacts).map(of_contacts);
        let events = self.one_of(&named.events).map(|list| format!("id in ({list})"));
        let any: Vec<_> = contacts.into_iter().chain(events).collect();
        self.clauses.push(format!("({})", any.join(" or ")));
        // By the index of the order itself PostgreSQL would read all events for those of a few contacts that have few.
        self.is_gathered = true;
    }

    /// A list of these; `None` of none.
    fn one_of(&mut self, names: &[String]) -> Option<String> {
        let first = self.args.len() + 1;
        self.args.extend(names.iter().map(|name| Arg::from(name.as_str())));
        (!names.is_empty()).then(|| list(first, names.len()))
    }

    pub(super) fn sql(&self) -> String {
        if self.clauses.is_empty() { String::new() } else { format!(" where {}", self.clauses.join(" and ")) }
    }
}
