//! The internal REST interface, `/v1` (`contract.md` §5): one file a noun.

pub(super) mod adoption;
pub(super) mod audit;
mod blocks;
mod causes;
pub(super) mod contacts;
mod credentials;
mod disclosure;
pub(super) mod events;
pub(super) mod failures;
pub(super) mod links;
pub(super) mod operations;
pub(super) mod pauses;
pub(super) mod preview;
mod query;
pub(super) mod stats;
pub(super) mod stream;
pub(super) mod views;
