//! Whom admission kept out and why, and how many more other rules would let in.

use std::collections::{BTreeSet, HashMap};

use super::{
    query::{self, FilterText},
    views::{EventDetail, Sight},
};
use crate::{
    event::{Decision, Reason, Rule, RuleSet, Rules, Standing, Work},
    http::{keys::Caller, problem::Problem, state::HttpState},
    json,
    store::{EventFilter, NotAdmitted},
};

/// Events that are counted by rule at most.
pub(crate) const COUNTED_MAX: i64 = 5_000;
/// Events that are judged anew at most: their bodies are read and parsed while somebody waits.
pub(crate) const JUDGED_MAX: i64 = 2_000;

/// Which of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct NotAdmittedParams {
    /// Event type.
    pub kind: Option<String>,
    /// Received at or after this moment, RFC 3339.
    pub since: Option<String>,
    /// Received before this moment, RFC 3339.
    pub until: Option<String>,
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl NotAdmittedParams {
    fn filter(&self, state: &HttpState) -> Result<EventFilter, Problem> {
        let text = FilterText {
            kind: self.kind.as_deref(),
            since: self.since.as_deref(),
            until: self.until.as_deref(),
            ..FilterText::default()
        };
        text.read(&state.reading.zone).map_err(|(name, allowed)| Problem::InvalidQuery(name.into(), allowed))
    }
}

/// An event that was not admitted.
#[derive(Debug)]
pub(crate) struct NotAdmittedItem {
    /// The event.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// Whose it is.
    pub contact_id: Option<String>,
    /// When it came, RFC 3339.
    pub received_at: String,
    /// The rules that refused it; none once its decision is pruned.
    pub rules: Vec<Rule>,
    /// What they say, where the caller may see it.
    pub messages: Vec<String>,
}

impl NotAdmittedItem {
    fn of(row: NotAdmitted, sight: Sight) -> Self {
        let reasons = reasons(&row);
        let messages = sight.whole(()).map(|()| reasons.iter().map(|reason| reason.message.clone()).collect());
        Self {
            id: row.id,
            kind: row.kind,
            contact_id: row.contact_id,
            received_at: row.received_at.rfc3339(),
            rules: reasons.iter().map(|reason| reason.rule).collect(),
            messages: messages.unwrap_or_default(),
        }
    }
}

fn reasons(row: &NotAdmitted) -> Vec<Reason> {
    let decision = row.admission.as_ref().and_then(|decision| json::from_value::<Decision>(decision).ok());
    decision.map(|decision| decision.reasons()).unwrap_or_default()
}

/// A page of so many of them, newest first, and where the next begins.
///
/// # Errors
/// [`Problem::InvalidQuery`], or that the ledger cannot be read.
pub(crate) async fn list(
    state: &HttpState,
    caller: &Caller,
    params: &NotAdmittedParams,
    limit: i64,
) -> Result<(Vec<NotAdmittedItem>, Option<String>), Problem> {
    let before = query::cursor(params.cursor.as_deref())?;
    let rows = state.store.not_admitted(&params.filter(state)?, before, limit + 1, false).await?;
    let (rows, next) = query::page(rows, limit, |row| row.seq);
    let sight = Sight::of(caller.scope);
    Ok((rows.into_iter().map(|row| NotAdmittedItem::of(row, sight)).collect(), next))
}

/// How many each rule kept out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RuleCounts {
    /// The newest so many events were looked at.
    pub looked_at: usize,
    /// Whether there are older ones.
    pub more: bool,
    /// Whose they are.
    pub contacts: usize,
    /// Events that each rule refused; an event counts for each rule that does.
    pub by_rule: Vec<(Rule, usize)>,
}

/// Counts the newest of those that match, by rule.
///
/// # Errors
/// As [`list`].
pub(crate) async fn count(state: &HttpState, params: &NotAdmittedParams) -> Result<RuleCounts, Problem> {
    let (rows, more) = newest(state, params, COUNTED_MAX, false).await?;
    let refused: Vec<Vec<Reason>> = rows.iter().map(reasons).collect();
    let of = |rule: Rule| refused.iter().filter(|reasons| reasons.iter().any(|reason| reason.rule == rule)).count();
    let contacts: BTreeSet<&str> = rows.iter().filter_map(|row| row.contact_id.as_deref()).collect();
    Ok(RuleCounts {
        looked_at: rows.len(),
        more,
        contacts: contacts.len(),
        by_rule: Rule::ALL.into_iter().map(|rule| (rule, of(rule))).collect(),
    })
}

/// What other rules would make of those that were not admitted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WhatIf {
    /// The newest so many events were looked at.
    pub looked_at: usize,
    /// Whether there are older ones.
    pub more: bool,
    /// Events among them whose body is gone: nobody can judge them.
    pub gone: usize,
    /// Events that would be admitted.
    pub events: usize,
    /// Whose they are.
    pub contacts: usize,
}

/// Judges the newest of those that match anew, by the configured rules at another score or with another set of rules; with
/// what the ledger knows of their contacts now. Nothing is written.
///
/// # Errors
/// As [`list`].
pub(crate) async fn what_if(
    state: &HttpState,
    params: &NotAdmittedParams,
    min_score: Option<f64>,
    rules: &[Rule],
) -> Result<WhatIf, Problem> {
    let (rows, more) = newest(state, params, JUDGED_MAX, true).await?;
    let contacts: BTreeSet<&str> = rows.iter().filter_map(|row| row.contact_id.as_deref()).collect();
    let standings = state.store.standings(&contacts.into_iter().collect::<Vec<_>>()).await?;
    let set = (!rules.is_empty()).then(|| RuleSet::all_of(rules));
    let changed = state.rules.borrow().changed(min_score, set.as_ref());
    let judged: Vec<(&NotAdmitted, Option<bool>)> =
        rows.iter().map(|row| (row, admits(state, &changed, row, &standings))).collect();
    let admitted = || judged.iter().filter(|(_, admits)| *admits == Some(true));
    let whose: BTreeSet<&str> = admitted().filter_map(|(row, _)| row.contact_id.as_deref()).collect();
    Ok(WhatIf {
        looked_at: rows.len(),
        more,
        gone: judged.iter().filter(|(_, admits)| admits.is_none()).count(),
        events: admitted().count(),
        contacts: whose.len(),
    })
}

/// Whether the rules of now admit an event, as its contact stands now; not if its body is gone. By what the caller may see of it:
/// for operators only.
///
/// # Errors
/// If the ledger cannot be read.
pub(crate) async fn admits_now(state: &HttpState, event: &EventDetail) -> Result<bool, Problem> {
    let Some(body) = event.amended.as_ref().or(event.payload.as_ref()) else { return Ok(false) };
    let Ok(Work::Event(read)) = Work::parse(&event.item.kind, &body.to_string(), &state.reading) else {
        return Ok(false);
    };
    let contact_id = read.contact().id();
    let standing = state.store.standings(&[contact_id]).await?.get(contact_id).copied().unwrap_or_default();
    Ok(state.rules.borrow().decide(&read, &standing).admitted)
}

/// Whether these rules admit an event; `None` if its body is gone.
fn admits(state: &HttpState, rules: &Rules, row: &NotAdmitted, standings: &HashMap<String, Standing>) -> Option<bool> {
    let Ok(Work::Event(event)) = Work::parse(&row.kind, row.payload.as_deref()?, &state.reading) else { return None };
    let standing = standings.get(event.contact().id()).copied().unwrap_or_default();
    Some(rules.decide(&event, &standing).admitted)
}

/// The newest of those that match, and whether there are more.
async fn newest(
    state: &HttpState,
    params: &NotAdmittedParams,
    most: i64,
    with_payload: bool,
) -> Result<(Vec<NotAdmitted>, bool), Problem> {
    let rows = state.store.not_admitted(&params.filter(state)?, None, most + 1, with_payload).await?;
    let (rows, next) = query::page(rows, most, |row| row.seq);
    Ok((rows, next.is_some()))
}
