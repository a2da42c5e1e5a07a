//! Why what people would expect to do about an event is not possible now, and where they can go on.

use super::lacks::waits_for_its_next_try;
use crate::{
    console::words::Lang,
    event::Status,
    http::{HttpState, api::views::EventDetail},
};

/// Where the state of the ERP is, with what it blocks and what somebody paused.
const ERP: &str = "/console/erp";

/// Why an event cannot be tried now.
pub(super) struct Obstacle {
    pub(super) why: &'static str,
    /// Where one can go on: the address, and what is there.
    pub(super) go: Option<(String, &'static str)>,
    /// Whether one can do something there, and not only look.
    pub(super) is_primary: bool,
}

impl Obstacle {
    /// What stands in the way of an event; `None` where nothing does, or nobody expects anything.
    pub(super) fn of(state: &HttpState, event: &EventDetail, is_operator: bool, lang: Lang) -> Option<Self> {
        let (w, look) = (&lang.words().event, lang.words().frame.banner_see);
        let plain = |why| Some(Self { why, go: None, is_primary: false });
        let at = |why, address: String, there| Some(Self { why, go: Some((address, there)), is_primary: is_operator });
        let at_erp = |why, there| at(why, ERP.to_owned(), if is_operator { there } else { look });
        match (event.item.status, &event.waits_for) {
            (Status::Running, _) => plain(w.not_while_running),
            (Status::Queued, _) if event.item.blocked_by.is_some() => at_erp(w.not_while_blocked, w.go_blocked),
            (Status::Queued, Some(waits)) => match &waits.event_id {
                Some(other) => at(w.not_before_earlier, format!("/console/events/{other}"), w.next_earlier_see),
                None => at_erp(w.not_while_paused, w.go_paused),
            },
            // It goes on by itself, and at once.
            (Status::Queued, None) if !waits_for_its_next_try(state, event) => None,
            (Status::Queued, None) => match state.dispatch.facts().paused {
                Some("circuit_open") => at_erp(w.not_while_away, w.go_erp),
                Some("quiet_hours") => at_erp(w.not_while_quiet, w.go_erp),
                Some(_) => at_erp(w.not_while_login, w.go_paused),
                None if is_operator => None,
                None => plain(w.not_for_readers),
            },
            (Status::Dead | Status::NeedsReview, _) if !is_operator => plain(w.not_for_readers),
            _ => None,
        }
    }
}
