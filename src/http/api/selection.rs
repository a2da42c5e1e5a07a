//! Which events an operator means: these, or all that match.

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::{
    links,
    query::{FilterText, PathId},
    views::Sight,
};
use crate::{
    event::{FieldError, Status},
    http::{body::null_is_absent, problem::Problem, state::HttpState},
    store::{EventFilter, Named},
};

/// Most events that are named one by one: a page of the list has no more.
pub(crate) const IDS_MAX: usize = 200;

/// Which events; at least one member that narrows them.
#[derive(Debug, Default, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Selection {
    /// These events; all else narrows them further.
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<String>>, required = false, min_items = 1, max_items = 200)]
    pub ids: Vec<String>,
    /// States, separated by commas, of those in which it is possible. Without: every such state where `ids` are named, `queued`
    /// with `blocked` or `retrying`, else `dead`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        pattern = "^(dead|not_admitted|discarded|held|queued|needs_review)(,(dead|not_admitted|discarded|held|queued|needs_review))*$",
        examples("dead")
    )]
    pub status: Option<String>,
    /// Event type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$", examples("deal.closed"))]
    pub kind: Option<String>,
    /// Whose events.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Za-z0-9_-]{1,48}$")]
    pub contact_id: Option<String>,
    /// The error's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[a-z_]{1,40}$", examples("refused"))]
    pub code: Option<String>,
    /// Received at or after this moment; without an offset it is in `webhook.zone`, and a date is its first moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub since: Option<String>,
    /// Received before this moment, which is written as `since` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub until: Option<String>,
    /// Part of the id, webhook id, contact id, error code or error's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub q: Option<String>,
    /// `true`: only events that a block keeps back. They are given up so, and not replayed: all of them are tried at once by
    /// `POST /v1/erp/resume`.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "std::ops::Not::not")]
    #[schema(value_type = Option<bool>, required = false)]
    pub blocked: bool,
    /// `true`: only events that wait for another try after a failure. A replay has them tried now, of the budget that they have.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing_if = "std::ops::Not::not")]
    #[schema(value_type = Option<bool>, required = false)]
    pub retrying: bool,
    /// For the audit log.
    #[serde(skip_serializing)]
    #[schema(max_length = 500, pattern = r"^[^\u0000]*$", examples("ERP 已补齐客户来源"))]
    pub reason: Option<String>,
    /// Only count; a replay that is a draft is a count already, and takes none.
    #[serde(default, deserialize_with = "null_is_absent", skip_serializing)]
    #[schema(value_type = Option<bool>, required = false)]
    pub dry_run: bool,
}

/// A list that is given names something.
fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    match Option::<Vec<_>>::deserialize(deserializer)? {
        Some(ids) if ids.is_empty() => Err(Error::invalid_length(0, &"at least one id")),
        ids => Ok(ids.unwrap_or_default()),
    }
}

impl Selection {
    /// The members that narrow, those that are texts, with what they say.
    pub(crate) fn texts(&self) -> [(&'static str, Option<&str>); 7] {
        [
            ("status", self.status.as_deref()),
            ("type", self.kind.as_deref()),
            ("contact_id", self.contact_id.as_deref()),
            ("since", self.since.as_deref()),
            ("until", self.until.as_deref()),
            ("code", self.code.as_deref()),
            ("q", self.q.as_deref()),
        ]
    }

    /// The events of the states in which it is `possible` to do what is to be done, and what `q` names among them.
    ///
    /// # Errors
    /// As [`Selection::read`], or that the ledger cannot be read.
    pub(crate) async fn filter(&self, state: &HttpState, possible: &[Status]) -> Result<EventFilter, Problem> {
        let filter = self.read(possible, &state.reading.zone)?;
        let named = match &filter.q {
            Some(q) => links::named(state, Sight::Plain, q).await?,
            None => Named::default(),
        };
        Ok(EventFilter { named, ..filter })
    }

    /// The events of the states in which it is `possible` to do what is to be done; times that name no zone are in `zone`.
    ///
    /// # Errors
    /// [`Problem::Invalid`] if nothing narrows them, if a member cannot be read, or if it names another state.
    fn read(&self, possible: &[Status], zone: &TimeZone) -> Result<EventFilter, Problem> {
        let invalid = |pointer: String, message: String| Problem::Invalid(vec![FieldError::new(pointer, message)]);
        if let Some((name, _)) = self.texts().iter().find(|(_, text)| *text == Some("")) {
            return Err(invalid(format!("/{name}"), "不能为空 (may not be empty)".into()));
        }
        let is_waiting = self.blocked || self.retrying;
        if self.ids.is_empty() && !is_waiting && self.texts().iter().all(|(_, text)| text.is_none()) {
            let message = "请先选择或筛选 (name at least one of ids, status, type, contact_id, code, since, until, q, blocked, \
                           retrying)";
            return Err(invalid(String::new(), message.into()));
        }
        if self.ids.len() > IDS_MAX {
            return Err(invalid("/ids".into(), format!("最多 {IDS_MAX} 条 (up to {IDS_MAX})")));
        }
        let text = FilterText {
            status: self.status.as_deref(),
            kind: self.kind.as_deref(),
            contact_id: self.contact_id.as_deref(),
            blocked: self.blocked.then_some("true"),
            retrying: self.retrying.then_some("true"),
            since: self.since.as_deref(),
            until: self.until.as_deref(),
            code: self.code.as_deref(),
            q: self.q.as_deref(),
        };
        let mut filter = text.read(zone).map_err(|(name, allowed)| invalid(format!("/{name}"), allowed.to_string()))?;
        for (place, id) in self.ids.iter().enumerate() {
            let no_id = || invalid(format!("/ids/{place}"), "应为事件编号 (must be an event's id)".into());
            filter.ids.push(PathId(id.clone()).event().map_err(|_| no_id())?);
        }
        if filter.statuses.iter().any(|status| !possible.contains(status)) {
            let names = possible.iter().map(|status| status.as_str()).collect::<Vec<_>>().join(", ");
            return Err(invalid("/status".into(), format!("只能是 {names} (only {names})")));
        }
        if filter.statuses.is_empty() {
            filter.statuses = match (self.ids.is_empty(), is_waiting) {
                (false, _) => possible.to_vec(),
                (true, true) => vec![Status::Queued],
                (true, false) => vec![Status::Dead],
            };
        }
        // Whoever may do this may see errors in their own words.
        filter.search_words = true;
        Ok(filter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body;

    const ID: &str = "0199e0c4-0000-7000-8000-000000000001";

    fn read(raw: &str) -> Result<EventFilter, Problem> {
        body::parse::<Selection>(raw.as_bytes())?.read(&Status::REPLAYED_TOGETHER, &TimeZone::UTC)
    }

    #[test]
    fn what_narrows_nothing_selects_nothing() {
        for (raw, place) in [
            ("{}", ""),
            (r#"{"reason":"x","dry_run":true}"#, ""),
            (r#"{"ids":[]}"#, "/ids"),
            (r#"{"ids":["7"]}"#, "/ids/0"),
            (r#"{"status":""}"#, "/status"),
            (r#"{"status":"dead","q":""}"#, "/q"),
            (r#"{"status":"gone"}"#, "/status"),
            (r#"{"status":"dead,running"}"#, "/status"),
            (r#"{"since":"yesterday"}"#, "/since"),
            (r#"{"type":null}"#, ""),
            (r#"{"ids":null,"q":null}"#, ""),
        ] {
            match read(raw) {
                Err(Problem::Invalid(errors)) => {
                    assert_eq!(errors[0].pointer, place, "{raw}");
                    let is_of_serde = raw.contains("[]");
                    let speaks_chinese = !errors[0].message.starts_with(|first: char| first.is_ascii());
                    assert!(speaks_chinese || is_of_serde, "{raw}: {}", errors[0].message);
                }
                other => panic!("{raw}: {other:?}"),
            }
        }
    }

    #[test]
    fn without_a_state_the_dead_are_meant_and_of_named_events_all_that_can_be() {
        let filter = read(r#"{"status":"dead,discarded","type":"deal.closed"}"#).unwrap();
        assert_eq!(filter.statuses, [Status::Dead, Status::Discarded]);
        assert_eq!(read(r#"{"code":"refused"}"#).unwrap().statuses, [Status::Dead]);
        let named = read(&format!(r#"{{"ids":["{}"]}}"#, ID.to_uppercase())).unwrap();
        assert_eq!((named.ids, named.statuses), (vec![ID.to_owned()], Status::REPLAYED_TOGETHER.to_vec()));
    }

    #[test]
    fn what_waits_is_selected_as_the_list_shows_it() {
        for (raw, blocked, retrying) in [
            (r#"{"retrying":true}"#, None, true),
            (r#"{"blocked":true,"code":"refused"}"#, Some(true), false),
            (r#"{"status":"queued","blocked":null,"retrying":true}"#, None, true),
        ] {
            let filter = read(raw).unwrap();
            assert_eq!(
                (filter.statuses, filter.blocked, filter.retrying),
                (vec![Status::Queued], blocked, retrying),
                "{raw}"
            );
        }
        assert!(read(r#"{"retrying":false,"blocked":false}"#).is_err(), "nothing narrows them");
        assert_eq!(serde_json::json!(Selection::default()), serde_json::json!({}));
    }

    #[test]
    fn at_most_two_hundred_events_are_named() {
        for (count, fits) in [(IDS_MAX - 1, true), (IDS_MAX, true), (IDS_MAX + 1, false)] {
            let selection = Selection { ids: vec![ID.to_owned(); count], ..Selection::default() };
            assert_eq!(selection.read(&[Status::Dead], &TimeZone::UTC).is_ok(), fits, "{count}");
        }
    }
}
