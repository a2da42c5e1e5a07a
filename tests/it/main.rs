//! The integration tests: one binary, one module a subject.
#![expect(unreachable_pub, reason = "a test binary has no outside")]
#![expect(clippy::disallowed_methods, reason = "what the bridge says is read by another reader than its own")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod alterations;
mod assignments;
mod audit;
mod calls;
mod cli;
mod conflicts;
mod connections;
mod crash;
mod cut_short;
mod demo;
mod door;
mod duplicates;
mod faults;
mod front;
mod fuzz;
mod hints;
mod histories;
mod hostile;
mod house;
mod identities;
mod installations;
mod instance_lock;
mod journeys;
mod ledger;
mod links;
mod live_32;
mod mapping;
mod matrix;
mod month;
mod openapi;
mod order;
mod outages;
mod platform;
mod posts;
mod preview;
mod python_sender;
mod quirks;
mod random;
mod readme;
mod refusals;
mod rest;
mod senders;
mod sight;
mod simulator;
mod stale_links;
mod stops;
mod streams;
mod support;
mod texts;
mod tokens;
mod tools;
mod unfinished;
