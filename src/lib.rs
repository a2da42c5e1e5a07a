//! ERP Bridge stands between a WeChat customer platform (微信中台) and 智邦国际 ERP: signed event webhooks come in, each
//! takes effect in the ERP exactly once and in order. A webhook walks through the rooms in this order:

pub mod http; // the door: signed webhooks and the internal REST interface

pub mod event; // what came: payloads parsed once, and who is admitted

pub mod store; // the ledger: commit, then answer

pub mod console; // pages for people: what happened, why, and one click to put it right

mod worker; // the clockwork: claim a turn, run its event, settle

pub mod sync; // what we do: an event becomes a plan of steps

pub mod erp; // the foreign house: one typed call for each interface of the ERP

pub mod notify; // what we say to others: write-back to the platform, alerts to people

pub mod survey; // learning an installation where it runs

// Only app and cli see everything:

pub mod app; // where things are built and joined

pub mod cli; // the command line

mod lifecycle; // signals, soft and hard stop

// Furniture of every room:

pub mod clock; // the only source of time

pub mod config; // one struct a room, every limit checked at the start

pub mod os; // what Unix and Windows do each in their way

pub mod json; // the only reading of JSON that came from outside

mod outbound; // the one way in which HTTP clients are made

pub mod telemetry; // what is logged and counted, with personal data masked

// And a house of its own:

pub mod simulator; // zhibang-sim, a stand-in for the ERP
