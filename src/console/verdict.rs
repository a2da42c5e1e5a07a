//! Whether everything is all right, in one sentence, and where it is put right if it is not.

use super::{format::number, frame::Frame, words::fill};
use crate::{event::Status, http::api::stats::Stats};

/// Whether it is all right, in one glance.
pub(super) struct Verdict {
    /// What it looks like: `good`, `warn` or `bad`.
    pub(super) tone: &'static str,
    /// It, in one sentence.
    pub(super) words: String,
    /// What that means.
    pub(super) what: &'static str,
    /// Where the help says more of it; empty where it does not.
    pub(super) help: String,
    /// Where one does something about it, and what that is called.
    pub(super) go: Option<(&'static str, &'static str)>,
}

impl Verdict {
    /// The worst that can be said comes first. So many messages could not be delivered to the platform.
    pub(super) fn of(stats: &Stats, undelivered: i64, frame: &Frame) -> Self {
        let w = &frame.w.overview;
        let count = |status: Status| stats.by_status.get(status.as_str()).copied().unwrap_or_default();
        let needed = count(Status::NeedsReview) + count(Status::Dead);
        let see = |page| Some((page, frame.w.frame.banner_see));
        let todo = Some(("/console/todo", w.needs_you_go));
        let of = |tone, words: &str, what, go| Self { tone, words: words.to_owned(), what, help: String::new(), go };
        let is_quiet = stats.dispatch.paused == Some("quiet_hours");
        if stats.dispatch.paused.is_some() && !is_quiet {
            let help = frame.banners.first().map(|banner| banner.help.clone()).unwrap_or_default();
            Self { help, ..of("bad", w.stopped, w.stopped_what, see("/console/erp")) }
        } else if let Some(banner) = frame.banners.iter().find(|banner| banner.tone == "bad") {
            Self { help: banner.help.clone(), ..of("bad", &banner.text, banner.next, banner.link.and_then(see)) }
        } else if needed > 0 {
            of("warn", &fill(w.needs_you, &[&number(needed)]), "", todo)
        } else if undelivered > 0 {
            of("warn", &fill(w.undelivered, &[&number(undelivered)]), w.undelivered_what, see("/console/outbox"))
        } else if !stats.blocks.is_empty() {
            of("warn", w.some_wait, w.some_wait_blocks, todo)
        } else if is_quiet {
            of("warn", frame.w.frame.banner_quiet, "", None)
        } else if !stats.pauses.is_empty() {
            of("warn", w.some_wait, w.some_wait_pauses, see("/console/erp"))
        } else if stats.sender.silent {
            of("warn", w.all_silent, w.all_silent_what, see("#sender"))
        } else {
            of("good", w.all_right, w.all_right_what, None)
        }
    }
}
