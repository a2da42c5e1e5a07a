//! ERP Bridge stands between a WeChat customer platform (微信中台) and 智邦国际 ERP: signed event webhooks come in, each
//! takes effect in the ERP exactly once and in order. A webhook walks through the rooms in this order:

/// The foreign house: one typed call for each interface of the ERP.
pub mod erp;
/// What came: payloads parsed once, and who is admitted.
pub mod event;
/// The door: signed webhooks and the internal REST interface.
pub mod http;
/// The ledger: commit, then answer.
pub mod store;
/// What we do: an event becomes a plan of steps.
pub mod sync;
/// The clockwork: claim a turn, run its event, settle.
pub mod worker;

/// The only source of time.
pub mod clock;
/// The configuration: one struct a room.
pub mod config;
/// How the bridge is watched: what it logs and counts, with personal data masked.
pub mod telemetry;
