//! Why what people would expect to do about an event is not possible now, and where they can go on.

use crate::{console::words::Lang, event::Status, http::api::views::EventDetail};

/// Where the state of the ERP is, with what it blocks and what somebody paused.
const ERP: &str = "/console/erp";

/// Why an event cannot be tried now.
pub(super) struct Obstacle {
    pub(super) why: &'static str,
    /// Where one can go on: the address, and what is there.
    pub(super) go: Option<(String, &'static str)>,
}

impl Obstacle {
    /// What stands in the way of an event; `None` where nothing does, or nobody expects anything.
    pub(super) fn of(event: &EventDetail, is_operator: bool, lang: Lang) -> Option<Self> {
        let w = &lang.words().event;
        let plain = |why| Some(Self { why, go: None });
        let at_erp = |why, there| Some(Self { why, go: Some((ERP.to_owned(), there)) });
        match (event.item.status, &event.waits_for) {
            (Status::Succeeded | Status::Ignored, _) => None,
            (Status::Running, _) => plain(w.not_while_running),
            (Status::Queued, _) if event.item.blocked_by.is_some() => at_erp(w.not_while_blocked, w.go_blocked),
            (Status::Queued, Some(waits)) => match &waits.event_id {
                Some(other) => {
                    let go = Some((format!("/console/events/{other}"), w.next_earlier_see));
                    Some(Self { why: w.not_before_earlier, go })
                }
                None => at_erp(w.not_while_paused, w.go_paused),
            },
            // It goes on by itself, and at once.
            (Status::Queued, None) if event.item.next_attempt_at.is_none() => None,
            _ if !is_operator => plain(w.not_for_readers),
            _ => None,
        }
    }
}
