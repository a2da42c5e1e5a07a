//! The door: what comes over HTTP is verified, checked and committed here, and nothing else.

pub mod signed_body;
