//! How an event's state is shown: its word, its colour, what is said beside it.

use super::{
    format,
    why::Why,
    words::{Lang, fill},
};
use crate::{
    clock::Millis,
    event::Status,
    http::api::views::{EventItem, WaitsForView},
};

/// A state as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    /// Its name, which is its place in the help.
    pub(super) name: &'static str,
    /// The word.
    pub(super) label: &'static str,
    /// The colour's class: `wait`, `run`, `good`, `warn`, `bad` or `mute`.
    pub(super) tone: &'static str,
    /// What it means, for whoever asks.
    pub(super) help: &'static str,
}

/// A state's word and colour.
pub(super) fn of(status: Status, lang: Lang) -> Shown {
    let w = &lang.words().status;
    let (label, tone, help) = match status {
        Status::Queued => (w.queued, "wait", w.help_queued),
        Status::Running => (w.running, "run", w.help_running),
        Status::Succeeded => (w.succeeded, "good", w.help_succeeded),
        Status::Held => (w.held, "wait", w.help_held),
        Status::NeedsReview => (w.needs_review, "warn", w.help_needs_review),
        Status::NotAdmitted => (w.not_admitted, "mute", w.help_not_admitted),
        Status::Dead => (w.dead, "bad", w.help_dead),
        Status::Discarded => (w.discarded, "mute", w.help_discarded),
        Status::Ignored => (w.ignored, "mute", w.help_ignored),
    };
    Shown { name: status.as_str(), label, tone, help }
}

/// The two states that are no states of the ledger: what waits after a failure, and for the installation.
pub(super) fn of_waits(lang: Lang) -> [Shown; 2] {
    let w = &lang.words().status;
    [
        Shown { name: "retrying", label: w.retrying, tone: "wait", help: w.help_retrying },
        Shown { name: "blocked", label: w.blocked, tone: "warn", help: w.help_blocked },
    ]
}

/// What waits because somebody has paused dispatch.
pub(super) fn paused(lang: Lang) -> Shown {
    let w = &lang.words().status;
    Shown { name: "paused", label: w.paused, tone: "warn", help: w.help_paused }
}

fn is_paused(item: &EventItem, waits: Option<&WaitsForView>) -> bool {
    item.blocked_by.is_none() && waits.is_some_and(|waits| waits.paused.is_some())
}

/// The state of an event of which it is known for what it waits.
pub(super) fn of_waiting(item: &EventItem, waits: Option<&WaitsForView>, lang: Lang) -> Shown {
    if is_paused(item, waits) { paused(lang) } else { of_event(item, lang) }
}

/// The same of what is said beside it: while dispatch is paused there is no next attempt.
pub(super) fn note_of_waiting(item: &EventItem, waits: Option<&WaitsForView>, now: Millis, lang: Lang) -> Why {
    if is_paused(item, waits) { why(item, lang) } else { note(item, now, lang) }
}

/// Why it failed.
fn why(item: &EventItem, lang: Lang) -> Why {
    item.error.as_ref().map(|error| Why::of(&error.code, &error.message, lang)).unwrap_or_default()
}

/// An event's state: one that waits after a failure, or for the installation, has a word of its own.
pub(super) fn of_event(item: &EventItem, lang: Lang) -> Shown {
    let [retrying, blocked] = of_waits(lang);
    match item.status {
        Status::Queued if item.blocked_by.is_some() => blocked,
        Status::Queued if item.attempts > 0 => retrying,
        status => of(status, lang),
    }
}

/// What is said beside the state: the next attempt, what it waits for, or why it failed.
pub(super) fn note(item: &EventItem, now: Millis, lang: Lang) -> Why {
    let error = why(item, lang);
    if let Some(block) = &item.blocked_by {
        // The ledger's words begin with what is wrong, which they name once more.
        let words = block.message.strip_prefix(&format!("{}: ", block.subject)).unwrap_or(&block.message);
        return Why::of(&block.code, words, lang);
    }
    match (item.status, item.next_attempt_at.as_deref()) {
        (Status::Queued, Some(next)) if item.attempts > 0 => {
            let when = format::clock(next, now);
            error.behind(fill(lang.words().status.attempt, &[&(item.attempts + 1), &when]))
        }
        (Status::Succeeded | Status::Running, _) => Why::default(),
        _ => error,
    }
}
