//! What a form has just done, said once on the page that it led to.

use super::{
    form::Fields,
    format::number,
    words::{Lang, Words, fill},
};
use crate::http::api::query::PathId;

/// What is said.
#[derive(Debug, Clone)]
pub(super) struct Done {
    /// In words.
    pub(super) words: String,
    /// The page of the event that it was done to, where this page shows another one.
    pub(super) of: Option<String>,
}

/// What is said of a deed: its name in the address, and the words.
type Said = (&'static str, fn(&Words) -> &'static str);

const SAID: &[Said] = &[
    ("replayed", |w| w.frame.done_replayed),
    ("amended", |w| w.frame.done_amended),
    ("replanned", |w| w.frame.done_replanned),
    ("message_replayed", |w| w.outbox.done_replayed),
    ("discarded", |w| w.frame.done_discarded),
    ("discarded_many", |w| w.frame.done_discarded_many),
    ("discarded_some", |w| w.frame.done_discarded_some),
    ("discarded_more", |w| w.frame.done_discarded_more),
    ("resolved", |w| w.frame.done_resolved),
    ("sent", |w| w.frame.done_sent),
    ("unlinked", |w| w.frame.done_unlinked),
    ("erased", |w| w.frame.done_erased),
    ("resumed", |w| w.frame.done_resumed),
    ("paused", |w| w.frame.done_paused),
    ("unpaused", |w| w.frame.done_unpaused),
];

impl Done {
    /// By an address: `done` names the deed, `count` says to how many it was done, `moved` how many fewer or more that is than
    /// was meant, and `of` to which event.
    pub(super) fn by(query: &Fields, lang: Lang) -> Option<Self> {
        let (w, deed) = (lang.words(), query.get("done")?);
        let (_, words) = SAID.iter().find(|(name, _)| *name == deed)?;
        let counted = |name| number(query.get(name).and_then(|count| count.parse().ok()).unwrap_or_default());
        let words = fill(words(w), &[&counted("count"), &counted("moved")]);
        Some(match query.text("of").and_then(|id| PathId(id).event().ok()) {
            Some(id) => Self { words: fill(w.frame.done_before, &[&words]), of: Some(format!("/console/events/{id}")) },
            None => Self { words, of: None },
        })
    }
}
