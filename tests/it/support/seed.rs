//! Where a test's chance comes from, and how a run is repeated.

use std::thread;

/// The variable that says from which seed to draw.
const VARIABLE: &str = "ERP_BRIDGE_SEED";

/// A seed; should its test fail, it says how to repeat it.
pub struct Seed {
    pub number: u64,
    test: &'static str,
}

impl Seed {
    /// The seed of a run of `test`.
    pub fn new(number: u64, test: &'static str) -> Self {
        Self { number, test }
    }

    /// The one that the environment asks for, else `otherwise`.
    pub fn asked_or(otherwise: u64, test: &'static str) -> Self {
        Self::new(Self::asked().unwrap_or(otherwise), test)
    }

    /// The seed that the environment asks for.
    pub fn asked() -> Option<u64> {
        variable(VARIABLE)
    }
}

/// A number from the environment.
pub fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

impl Drop for Seed {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("repeat it: {VARIABLE}={} cargo nextest run {}", self.number, self.test);
        }
    }
}
