//! The integration tests: one binary, one module a subject.
#![expect(unreachable_pub, reason = "a test binary has no outside")]

mod journeys;
mod simulator;
mod support;
