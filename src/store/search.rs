//! Events that match, found at once however large the ledger is: what no index leads to is looked for in steps.

use super::{EventFilter, EventSummary, Store, StoreError, db::args, queries::Conditions};
use crate::{clock::Millis, event::Status};

/// Events that one question looks through where no index leads to what matches.
pub const LOOKED_THROUGH: i64 = 20_000;
/// How far clocks of replicas may be apart where a moment becomes a place in the order of acceptance.
const APART: std::time::Duration = std::time::Duration::from_secs(3_600);

/// Events that were found.
#[derive(Debug, Clone)]
pub struct FoundEvents {
    /// Newest first, or oldest first where the filter says so.
    pub items: Vec<EventSummary>,
    /// The `seq` up to which was looked, if there are events behind it that may match, too.
    pub looked_to: Option<i64>,
}

impl Store {
    /// Events that match, newest first unless the filter says otherwise; `behind` is where the page before ended. Where no index
    /// leads to what matches, only the next [`LOOKED_THROUGH`] events are looked through: whoever looks for something rare is
    /// answered at once, and goes on where this ended. Where a text names somebody or something, all of that is found, and of
    /// what only contains the text the newest events.
    pub async fn find_events(
        &self,
        filter: &EventFilter,
        behind: Option<i64>,
        limit: i64,
    ) -> Result<FoundEvents, StoreError> {
        let (mut conditions, oldest_first) = (Conditions::of(filter, self.db.dialect()), filter.oldest_first);
        if has_index(filter) {
            let items = self.list(conditions, oldest_first, behind, limit).await?;
            return Ok(FoundEvents { items, looked_to: None });
        }
        let newest = self.db.read("select coalesce(max(seq), 0) as newest from events", args![]).await?;
        let newest = newest.first().map_or(Ok(0), |row| row.int("newest"))?;
        if !filter.named.is_empty() {
            conditions.add("seq >", newest - LOOKED_THROUGH);
            let mut items = self.list(conditions, oldest_first, behind, limit).await?;
            let mut named = Conditions::of(&EventFilter { q: None, ..filter.clone() }, self.db.dialect());
            named.is_named(&filter.named);
            items.extend(self.list(named, oldest_first, behind, limit).await?);
            return Ok(FoundEvents { items: first_of(items, oldest_first, limit), looked_to: None });
        }
        let first = match filter.since {
            Some(since) => self.place_of(since.minus(APART), newest).await?,
            // Of an old ledger retention has taken the first places away: nobody leafs through them.
            None if oldest_first => {
                let oldest = self.db.read("select coalesce(min(seq), 1) as oldest from events", args![]).await?;
                oldest.first().map_or(Ok(1), |row| row.int("oldest"))?
            }
            None => 1,
        };
        let end = match filter.until {
            Some(until) => self.place_of(until.plus(APART), newest).await?,
            None => newest + 1,
        };
        let (from, to) = if oldest_first {
            let from = behind.map_or(first, |behind| first.max(behind + 1));
            (from, end.min(from + LOOKED_THROUGH))
        } else {
            let to = behind.unwrap_or(i64::MAX).min(end);
            (first.max(to - LOOKED_THROUGH), to)
        };
        conditions.add("seq >=", from);
        conditions.add("seq <", to);
        let items = self.list(conditions, oldest_first, None, limit).await?;
        let looked_to = if oldest_first { (to < end).then_some(to - 1) } else { (from > first).then_some(from) };
        Ok(FoundEvents { items, looked_to })
    }

    /// The place of the first event that was received at or after a moment: found by halving, for places rise with the time.
    async fn place_of(&self, at: Millis, newest: i64) -> Result<i64, StoreError> {
        let next = "select seq, received_at from events where seq >= $1 order by seq limit 1";
        let (mut low, mut high) = (1, newest + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.db.read(next, args![middle]).await?.first() {
                Some(row) if row.millis("received_at")? < at => low = row.int("seq")? + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }
}

/// The first of these in their order, each once.
fn first_of(mut events: Vec<EventSummary>, oldest_first: bool, limit: i64) -> Vec<EventSummary> {
    events.sort_unstable_by_key(|event| if oldest_first { event.seq } else { -event.seq });
    events.dedup_by_key(|event| event.seq);
    events.truncate(usize::try_from(limit).unwrap_or_default());
    events
}

/// Whether an index leads to what matches: named events, those of a contact, blocked ones, those that are tried again, in
/// trouble or not admitted; and to the newest of all.
fn has_index(filter: &EventFilter) -> bool {
    let EventFilter {
        ids,
        statuses,
        kind,
        contact_id,
        blocked,
        retrying,
        since,
        until,
        code,
        q,
        search_words: _,
        named: _,
        oldest_first: _,
    } = filter;
    if !ids.is_empty() || contact_id.is_some() {
        return true;
    }
    if q.is_some() || since.is_some() || until.is_some() {
        return false;
    }
    if *blocked == Some(true) || *retrying {
        return true;
    }
    // Of those that are held there can be as many as there are strangers: what narrows them further has no index.
    let is_narrowed = kind.is_some() || code.is_some();
    let is_in_trouble = |status: &Status| match status {
        Status::Dead | Status::NeedsReview => true,
        Status::Held => !is_narrowed,
        _ => false,
    };
    match statuses.as_slice() {
        [] => kind.is_none() && code.is_none() && blocked.is_none(),
        [Status::NotAdmitted] => !is_narrowed,
        statuses => statuses.iter().all(is_in_trouble),
    }
}
