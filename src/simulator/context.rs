//! What an interface may look at, and what it decides.

use super::{
    answer::Answer,
    data::{Data, Effect},
    quirks::Quirks,
    settings::Settings,
};
use crate::clock::Millis;

/// What an interface may look at.
pub(super) struct Context<'a> {
    pub(super) data: &'a Data,
    pub(super) settings: &'a Settings,
    pub(super) quirks: &'a Quirks,
    pub(super) now: Millis,
    /// The account of the session.
    pub(super) user: i64,
    pub(super) page_cap: Option<usize>,
    /// Whether customers get a first contact person.
    pub(super) first_contact: bool,
}

/// What an interface decided: an answer, and a change unless it refused or only read.
pub(super) struct Decision {
    pub(super) answer: Answer,
    pub(super) effect: Option<Effect>,
}

impl From<Answer> for Decision {
    fn from(answer: Answer) -> Self {
        Self { answer, effect: None }
    }
}
