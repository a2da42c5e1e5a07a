//! The internal REST interface, `/v1` (`contract.md` §5): one file a noun.

pub(crate) mod adoption;
pub(crate) mod amend;
pub(crate) mod audit;
pub(crate) mod blocks;
pub(crate) mod check;
pub(crate) mod contacts;
pub(crate) mod credentials;
pub(crate) mod disclosure;
pub(crate) mod events;
pub(crate) mod failures;
pub(crate) mod history;
pub(crate) mod links;
pub(crate) mod not_admitted;
pub(crate) mod operations;
pub(crate) mod outbox;
pub(crate) mod pauses;
pub(crate) mod preview;
pub(crate) mod query;
pub(crate) mod replay_views;
pub(crate) mod replays;
pub(crate) mod selection;
pub(crate) mod settings;
pub(crate) mod sign_in;
pub(crate) mod stats;
pub(crate) mod stream;
pub(crate) mod views;
