//! How the bridge is watched: what it logs and counts, with personal data masked.

pub mod logging;
pub mod masking;
pub mod metrics;
pub mod printable;
pub mod traces;
