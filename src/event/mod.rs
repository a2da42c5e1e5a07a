//! What came: the platform's events, parsed once into types that cannot be wrong, and the admission rules (准入条件).

mod status;

pub use status::{Status, UnknownStatus};
